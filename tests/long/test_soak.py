# SPDX-License-Identifier: MIT
"""Many logins to both servers: at the rate that RDS allows, and for an hour. No login fails because of rds-iam, and
no process grows by more than SLOPE_MAX bytes with each login.
Four client programs log in at the same time: libpq with the agent, libpq under the preload, libmariadb with the plugin,
and libmariadb under the preload. soak.py describes them.

A login that fails because this machine is too slow for a time limit counts as late. LATE_MAX is the allowed share of
late logins. No login may fail for another reason. The number of logins per second is reported and not checked."""
import time

import soak
from labcase import LabCase, harness

# All four client programs together reach 200 logins per second, the most that RDS accepts for an instance.
LOAD_RATE, LOAD_LOGINS, LOAD_LIMIT_SECONDS = 50, 30000, 5400
HOUR_RATE, HOUR_LOGINS, HOUR_LIMIT_SECONDS = 2, 7200, 7200
SHORT_RATE, SHORT_LOGINS, SHORT_LIMIT_SECONDS = 10, 300, 300
LEAK_LOGINS, LEAK_BYTES = 1500, 4096
# The seconds for which a session is used, before the role is assumed again.
SHORT_LIFE, LONG_LIFE = 4, 60
LATE_MAX = 0.001
# The most bytes by which a process may grow with each login. The resident memory changes by whole pages, so a short run
# cannot show a small leak.
SLOPE_MAX, SHORT_SLOPE_MAX = 4, 2048


class SoakCase(LabCase):
    def setUp(self):
        super().setUp()
        self.lab.faults()
        self._calls = len(self.lab.calls())

    def ways(self, *classes, **arguments):
        made = [each(self.lab, **arguments) for each in classes]
        for way in made:
            self.addCleanup(way.remove)
        return made

    def soak(self, ways, rate, logins, limit):
        """Runs these ways of logging in (soak.Way) and prints what was measured. Returns the number of sessions that
        STS issued."""
        start = time.monotonic()
        soak.run(ways, rate, logins, limit)
        seconds = time.monotonic() - start
        sessions = len(self.lab.calls()) - self._calls
        total = sum(way.counts()[1] for way in ways)
        print(f"# {total} logins in {seconds:.0f} s, {total / seconds:.0f} per second; STS issued {sessions} sessions")
        for way in ways:
            self.report(way)
        return sessions

    def report(self, way):
        late, faults = way.failures()
        seconds, logins, failures = way.counts()
        print(f"# {way.name}: {logins} logins in {seconds:.0f} s, {failures} failures, {len(late)} of them late")
        for text in (*late[:3], *faults[:3]):
            print("#   " + " ".join(text.split()))
        for name, samples in way.samples.items():
            first, last = samples[len(samples) // 5], samples[-1]
            print(f"#   {name}: RSS {first.rss} to {last.rss} KiB, {soak.slope(samples):.2f} bytes per login; descriptors "
                  f"{first.descriptors} to {last.descriptors}; threads {first.threads} to {last.threads}", flush=True)

    def assert_no_failure(self, ways, logins):
        for way in ways:
            late, faults = way.failures()
            self.assertEqual(faults, [], way.name)
            self.assertEqual((way.process.returncode, way.counts()[1:]), (0, (logins, len(late))), way.name)
            self.assertLessEqual(len(late), LATE_MAX * logins, (way.name, late[:3]))
        verdicts = self.verdicts()
        self.assertEqual({v["reason"] for v in verdicts}, {None})
        self.assertGreaterEqual(len(verdicts), sum(logins - len(way.failures()[0]) for way in ways))

    def assert_flat(self, ways, most):
        for way in ways:
            for name, samples in way.samples.items():
                with self.subTest(way=way.name, process=name):
                    self.assertLessEqual(soak.slope(samples), most)
                    # Some logins are in progress at each sample, so the numbers differ by their descriptors.
                    half = len(samples) // 2
                    for held in ("descriptors", "threads"):
                        early, later = (max(getattr(each, held) for each in part)
                                        for part in (samples[:half], samples[half:]))
                        self.assertLessEqual(later, early + way.threads, held)


class Short(SoakCase):
    def test_short(self):
        ways = self.ways(*soak.WAYS, seconds=SHORT_LIFE)
        sessions = self.soak(ways, SHORT_RATE, SHORT_LOGINS, SHORT_LIMIT_SECONDS)
        self.assert_no_failure(ways, SHORT_LOGINS)
        self.assert_flat(ways, SHORT_SLOPE_MAX)
        self.assertGreater(sessions, len(ways) * 2, "control: roles were assumed again")


class Leaks(SoakCase):
    """The measurement finds a leak in a client program, and in the agent."""

    def assert_leak_is_found(self, way, name):
        self.soak([way], 0, LEAK_LOGINS, SHORT_LIMIT_SECONDS)
        self.assert_no_failure([way], LEAK_LOGINS)
        samples = [each for each in way.samples[name] if each.logins > 0]
        self.assertGreater(soak.slope(samples), SHORT_SLOPE_MAX)
        self.assertGreater(samples[-1].descriptors, samples[0].descriptors + way.threads)

    def test_control_a_leak_in_the_client(self):
        for each in (soak.Preload, soak.Plugin):
            with self.subTest(way=each.name):
                way, = self.ways(each, seconds=LONG_LIFE, leak=LEAK_BYTES)
                self.assert_leak_is_found(way, "client")

    def test_control_a_leak_in_the_agent(self):
        way, = self.ways(soak.Agent, seconds=LONG_LIFE)
        module = soak.PROGRAMS / "leases_leak.so"
        way.under = ("env", f"LD_PRELOAD=libnss_wrapper.so:{module}")
        self.assert_leak_is_found(way, "worker")


class Load(SoakCase):
    def test_a_hundred_thousand_logins(self):
        ways = self.ways(*soak.WAYS, seconds=LONG_LIFE)
        self.soak(ways, LOAD_RATE, LOAD_LOGINS, LOAD_LIMIT_SECONDS)
        self.assert_no_failure(ways, LOAD_LOGINS)
        self.assert_flat(ways, SLOPE_MAX)


class Hour(SoakCase):
    def test_an_hour_of_short_sessions(self):
        ways = self.ways(*soak.WAYS, seconds=SHORT_LIFE)
        sessions = self.soak(ways, HOUR_RATE, HOUR_LOGINS, HOUR_LIMIT_SECONDS)
        self.assert_no_failure(ways, HOUR_LOGINS)
        self.assert_flat(ways, SLOPE_MAX * 4)
        self.assertGreater(sessions, HOUR_LOGINS / HOUR_RATE / SHORT_LIFE, "control: roles were assumed again")


if __name__ == "__main__":
    harness.main()
