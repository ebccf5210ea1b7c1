# SPDX-License-Identifier: MIT
"""All hosts of a fleet start within seconds, and STS throttles them. Then STS has an outage, and one host in ten is
replaced when the outage begins. After the outage, all hosts are replaced in batches. After the start, the outage and
the last batch, the test waits until every host that was started or replaced has logged in. For each phase, the test
prints and draws how many requests the hosts sent to STS. fleet.py describes the hosts, and fleet_sts.py the service.

With the argument Short, the fleet has 100 hosts and the outage takes 30 seconds; with Full, 1,000 hosts and five
minutes. The charts are fleet_100.svg and fleet_1000.svg in the work directory (build/work)."""
import asyncio
import collections
import concurrent.futures
import re
import time
from typing import NamedTuple

import fleet
import fleet_chart
import soak
from labcase import USER, LabCase, harness

READY_LIMIT_SECONDS = 1500
LATE_MAX = 0.01
# In the phases "STS is back" and "rolling restart", STS receives fewer than this number of requests for each AssumeRole
# that it answers.
REQUESTS_MAX = 4
THREADS = 100
# The parts of an error's text that differ from host to host.
REASON = re.compile(r"/\S*/home-\w+/|\[[\w.]+\]|[0-9.]+:[0-9]+|\([^)]*\)")
# On how many agent hosts psql logs in at the end of "all start", "STS is back" and "rolling restart".
SESSIONS = 5


class Form(NamedTuple):
    """A size of the simulation."""

    hosts: int
    others: int  # as many hosts are agent hosts, and as many are plugin hosts; the rest are token hosts
    rate: float  # rate and burst: the limits of STS (fleet_sts.py)
    burst: float
    usable: int  # for at most how many seconds a session is used before it is renewed
    interval: float  # the seconds between two logins of a host
    start: float  # the seconds within which all hosts start
    calm: float  # the seconds of the phase "calm" and of the phase "calm again"
    outage: float  # the seconds of the three phases of the outage together
    batches: int  # in how many batches the hosts are replaced in the phase "rolling restart"
    batch_seconds: float  # the seconds between two batches


SHORT = Form(hosts=100, others=8, rate=4, burst=8, usable=40, interval=8, start=1, calm=10, outage=30, batches=10,
             batch_seconds=4)
FULL = Form(hosts=1000, others=20, rate=10, burst=20, usable=300, interval=60, start=10, calm=60, outage=300,
            batches=50, batch_seconds=4)
OUTAGE = ("refused", "unavailable", "silent")
REPLACED = 10  # one host in ten is replaced when the outage begins


class FleetCase(LabCase):
    def run_fleet(self, form):
        """Runs the simulation, and checks it. The checks are about numbers of requests and logins, not about times."""
        self.form, self.phases = form, []
        self.lab.reset()
        self.sts = fleet.Sts(self.lab, form.rate, form.burst)
        self.addCleanup(self.sts.close)
        self.fleet = fleet.Fleet(self.lab, self.sts, form.hosts, form.others, form.usable, form.interval)
        asyncio.set_child_watcher(asyncio.PidfdChildWatcher())
        asyncio.run(self._run())
        self._check_logins()
        self._check_requests()

    def _check_logins(self):
        """Every login of a host with valid credentials succeeds, unless this machine is too slow."""
        begin, end = self.phases[0][1], self.phases[-1][2]
        warm = [login for login in self.fleet.logins(begin, end) if login.is_warm]
        failed = [login.error for login in warm if login.error]
        self.assertEqual([error for error in failed if not soak.DEADLINES.search(error)], [])
        self.assertLessEqual(len(failed), LATE_MAX * len(warm))
        cold = [login for login in self.fleet.logins(*self.outage) if not login.is_warm]
        self.assertTrue([login for login in cold if login.error], "control: STS was down")

    def _check_requests(self):
        spent = {name: self.outcomes((name, begin, end)) for name, begin, end in self.phases}
        self.assertGreater(spent["all start"]["throttled"], 0, "control: STS throttled")
        for name in ("STS is back", "rolling restart"):
            self.assertLess(sum(spent[name].values()), spent[name]["answered"] * REQUESTS_MAX, name)
        # A renewal sends up to three requests. If it fails, the next renewal follows after a tenth of the time for
        # which the credentials are still valid. When they become due for renewal, they are valid for at least 900 s
        # (TOKEN_LIFE), so they are valid for more than 600 s in this phase, and the pause is longer than 60 s. This
        # phase takes at most 100 s. So each host begins at most two renewals.
        down = [phase for phase in self.phases if phase[0] == "outage: unavailable"]
        warm = collections.Counter(each.host for each in self.requests(down[0]) if each.host in self.warm)
        self.assertLessEqual(max(warm.values(), default=0), 2 * 3)

    async def _run(self):
        # Each token is verified in one of these threads. An agent host also reads its passfile in one: the agent may
        # delay open() by up to four seconds.
        asyncio.get_running_loop().set_default_executor(concurrent.futures.ThreadPoolExecutor(THREADS))
        try:
            await self._scenes()
        finally:
            await self.fleet.close()
            self._draw()

    async def _scenes(self):
        form = self.form
        async with Phase(self, "all start"):
            self.fleet.start(form.start)
            await self._all_ready()
        async with Phase(self, "calm"):
            await asyncio.sleep(form.calm)
        begin = time.monotonic()
        for number, mode in enumerate(OUTAGE):
            async with Phase(self, f"outage: {mode}"):
                self.sts.set_mode(mode)
                if number == 0:
                    await self._replace(self.fleet.hosts[::REPLACED])
                    self.warm = {host.name for host in self.fleet.hosts if host.ready is not None}
                await asyncio.sleep(form.outage / len(OUTAGE))
        self.outage = (begin, time.monotonic())
        async with Phase(self, "STS is back"):
            self.sts.set_mode("up")
            await self._all_ready()
        async with Phase(self, "calm again"):
            await asyncio.sleep(form.calm)
        async with Phase(self, "rolling restart"):
            for batch in range(form.batches):
                await self._replace(self.fleet.hosts[batch::form.batches])
                await asyncio.sleep(form.batch_seconds)
            await self._all_ready()

    async def _replace(self, hosts):
        await asyncio.gather(*(host.restart_elsewhere() for host in hosts))

    async def _all_ready(self):
        begin = time.monotonic()
        await self.fleet.await_ready(READY_LIMIT_SECONDS)
        print(f"# the last host logged in after {time.monotonic() - begin:.0f} s", flush=True)
        self.assertEqual(set(await self.fleet.sample_sessions(SESSIONS)), {USER})

    def requests(self, phase):
        _, begin, end = phase
        return [each for each in self.sts.requests() if begin <= each.when < end]

    def outcomes(self, phase):
        counts = collections.Counter(each.outcome for each in self.requests(phase))
        return {each: counts[each] for each in fleet_chart.COLORS}

    def report(self, phase):
        name, begin, end = phase
        requests, logins = self.requests(phase), self.fleet.logins(begin, end)
        outcomes = self.outcomes(phase)
        seconds = [int(request.when) for request in requests]
        peak = max((seconds.count(each) for each in set(seconds)), default=0)
        failed = [login for login in logins if login.error]
        warm = [login for login in failed if login.is_warm]
        # The duration of a plugin's login is not known exactly.
        timed = self.fleet.logins(begin, end, (fleet.Host, fleet.AgentHost))
        took = fleet.quantiles([login.seconds for login in timed if login.is_warm])
        print(f"# {name}: {end - begin:.0f} s; {len(requests)} requests, {len(requests) / self.form.hosts:.2f} per host, "
              f"at most {peak} in a second: " + ", ".join(f"{count} {each}" for each, count in outcomes.items() if count))
        print(f"#   {len(logins)} logins, {len(failed)} failed, {len(warm)} of them with valid credentials; a login with "
              f"valid credentials took {took[0]:.2f} s (median), {took[1]:.2f} s (95 %), {took[2]:.2f} s (most)")
        reasons = collections.Counter(REASON.sub("", login.error)[-100:] for login in failed)
        for text, count in reasons.most_common(4):
            print(f"#   {count} times: {' '.join(text.split())}", flush=True)

    def _draw(self):
        path = harness.WORK / f"fleet_{self.form.hosts}.svg"
        path.write_text(fleet_chart.chart(
            f"{self.form.hosts} hosts: requests to STS per second", self.sts.requests(), self.phases, self.form.rate),
            encoding="utf-8")
        print(f"# chart: {path}", flush=True)


class Phase:
    """Stores when a phase begins and ends, and then reports it."""

    def __init__(self, case, name):
        self._case, self._name = case, name

    async def __aenter__(self):
        self._begin = time.monotonic()

    async def __aexit__(self, *exception):
        self._case.phases.append((self._name, self._begin, time.monotonic()))
        self._case.report(self._case.phases[-1])


class Short(FleetCase):
    def test_a_hundred_hosts(self):
        self.run_fleet(SHORT)


class Full(FleetCase):
    def test_a_thousand_hosts(self):
        self.run_fleet(FULL)


if __name__ == "__main__":
    harness.main()
