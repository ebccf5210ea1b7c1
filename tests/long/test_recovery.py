# SPDX-License-Identifier: MIT
"""Faults of the machine: what the user sees, which logins recover, and how long the recovery takes.

There are four kinds of logins: the MariaDB plugin, psql with the agent, psql under the preload of `rds-iam exec`, and
`rds-iam token`. Each fault is tested with the kinds that it can affect. After the fault, each of these kinds succeeds
without a restart. The test prints the time from the end of the fault to the first success of each kind. RIA_OUTAGE is
the length of an outage in seconds (default: 600)."""
import concurrent.futures
import contextlib
import os
import pathlib
import re
import resource
import shutil
import signal
import tempfile
import threading
import time

from cloud import CloudCase
from labcase import USER, harness
from service import Services, await_true

OUTAGE = int(os.environ.get("RIA_OUTAGE", "600"))
WHO = "select current_user"
DATE = re.compile(r"X-Amz-Date=(\w+)")
LEASE_BREAK_SECONDS = 45
PATIENCE_SECONDS = 120  # on a loaded machine


class RecoveryCase(CloudCase):
    outage = OUTAGE

    def setUp(self):
        super().setUp()
        self.services = Services(self.home)
        self.services.add("prod")
        self.times = {}

    def kinds(self):
        tool = harness.installed("bin/rds-iam")
        pg = self.lab.pg
        psql = ["psql", "-XAtw", "-c", WHO, "-h", pg.host, "-p", pg.port, "-U", USER, "-d", self.lab.database_name]
        return {
            "plugin": (self.argv(query="select current_user()"), f"{USER}@%\n"),
            "agent": (["psql", "-XAtw", "service=prod", "-c", WHO], f"{USER}\n"),
            "preload": ([tool, "exec", "--ca", self.lab.ca_file, "--", *psql], f"{USER}\n"),
            "tool": ([tool, "token", "--hostname", pg.host, "--port", pg.port, "--username", USER],
                     "X-Amz-Signature="),
        }

    def log_in(self, kind, under=(), timeout=120, **extra):
        """Logs in once. Returns (whether the login succeeded, what the user sees)."""
        argv, expected = self.kinds()[kind]
        result = self.home.run([*under, *argv], self.principal(kind), timeout=timeout, **{**self.env(kind), **extra})
        self.assertGreaterEqual(result.returncode, 0, result)
        self.assertLess(result.returncode, 128, result)
        return expected in result.stdout and result.returncode == 0, result.stdout + result.stderr

    def principal(self, kind):
        return None if kind == "agent" else "etl"

    def env(self, kind):
        return {}

    def assert_all_in(self, kinds=None, **extra):
        for kind in kinds or self.kinds():
            is_in, text = self.log_in(kind, **extra)
            self.assertTrue(is_in, f"{kind}: {text}")

    def recover(self, fault, kinds=None):
        """Repeats the logins of all kinds at the same time, until each kind succeeds. Measures the time that each kind
        needs."""
        start = time.monotonic()

        def wait(kind):
            while not self.log_in(kind)[0]:
                if time.monotonic() - start > PATIENCE_SECONDS:
                    raise AssertionError(f"{kind} does not recover: {self.log_in(kind)[1]}")
                time.sleep(0.1)
            return time.monotonic() - start

        kinds = list(kinds or self.kinds())
        with concurrent.futures.ThreadPoolExecutor() as pool:
            self.times = dict(zip(kinds, pool.map(wait, kinds)))
        print(f"# {fault}: recovered after " + ", ".join(
            f"{kind} {seconds:.1f} s" for kind, seconds in self.times.items()), flush=True)


class RoleCase(RecoveryCase):
    """Each login needs the session of a role."""

    def setUp(self):
        super().setUp()
        self.home.write(".config/rds-iam/config", "[*.us-east-1.rds.amazonaws.com]\nrole_arn = "
                        f"{self.lab.roles['rds-access'].arn}\n")

    def principal(self, kind):
        return None if kind == "agent" else "etl-base"

    def env(self, kind):
        return {} if kind == "agent" else self.cloud_env()


class Network(RoleCase):
    """STS cannot be reached for `outage` seconds. The cached sessions are removed soon after the outage begins."""

    def test_no_network(self):
        with self.services.agent("etl-base", **self.cloud_env()) as agent:
            self.assert_all_in()
            self.lab.faults({"service": "sts", "kind": "reset", "times": None})
            start = time.monotonic()
            self.assert_all_in()  # with the sessions that are cached
            self.credentials("--clear")
            agent.renew()
            seen = {}
            while time.monotonic() - start < self.outage:
                for kind in self.kinds():
                    is_in, text = self.log_in(kind)
                    seen.setdefault(kind, {}).setdefault(is_in, []).append(text)
                time.sleep(min(5, self.outage / 10))
            for kind, texts in seen.items():
                self.assertIn(False, texts, f"control: {kind} failed while the network was gone")
                print(f"# {kind}: {texts[False][-1].strip()[:400]}", flush=True)
                self.assertIn("no password supplied" if kind == "agent" else "because STS did not answer", texts[False][-1])
            agent.await_log("because STS did not answer")
            self.lab.faults()
            self.recover(f"no network for {self.outage} s")
            agent.await_log("has its token again")


class StoppedAgent(RecoveryCase):
    def test_stopped_agent(self):
        """Both processes of the agent are stopped for `outage` seconds, longer than a client waits."""
        with self.services.agent("etl-session") as agent:
            self.assert_all_in(["agent"])
            first = self.services.passfile("prod").read_text()
            pids = [agent.process.pid, agent.worker]
            await_true(lambda: self.services.passfile("prod").stat().st_size == 0)
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            with concurrent.futures.ThreadPoolExecutor() as pool:
                start = time.monotonic()
                waiting = pool.submit(self.log_in, "agent")
                threading.Event().wait(self.outage)
                if self.outage > 2 * LEASE_BREAK_SECONDS:
                    is_in, text = waiting.result(1)
                    self.assertFalse(is_in)
                    self.assertIn("no password supplied", text)
                for pid in reversed(pids):
                    os.kill(pid, signal.SIGCONT)
                print(f"# an opener of a stopped agent: {waiting.result()[1].strip()}, "
                      f"{time.monotonic() - start:.0f} s", flush=True)
            self.recover(f"agent stopped for {self.outage} s", ["agent"])
            await_true(lambda: DATE.search(self.services.passfile("prod").read_text() or "X-Amz-Date=0").group(1)
                       > DATE.search(first).group(1), agent.log)


class StoppedFetch(RoleCase):
    def test_stopped_fetch(self):
        """rds-iam-fetch is stopped. The login that waits for it fails within its time limit and kills it."""
        self.lab.faults({"service": "sts", "kind": "delay", "seconds": 3, "times": 1})
        with concurrent.futures.ThreadPoolExecutor() as pool:
            waiting = pool.submit(self.home.run, [
                harness.installed("bin/rds-iam"), "token", "--hostname", self.lab.pg.host, "--port", "1", "--username",
                "u"], "etl-base", **self.cloud_env())
            fetch = []

            def find():
                fetch[:] = [int(path.name) for path in pathlib.Path("/proc").glob("[0-9]*")
                            if self.is_own_fetch(path)]
                return fetch

            await_true(find)
            os.kill(fetch[0], signal.SIGSTOP)
            start = time.monotonic()
            result = waiting.result()
        self.assertEqual(result.returncode, 1)
        self.assertIn("getting AWS credentials took longer than a login allows", result.stderr)
        print(f"# rds-iam-fetch stopped: {result.stderr.strip()[:300]}, after {time.monotonic() - start:.1f} s",
              flush=True)
        await_true(lambda: not os.path.exists(f"/proc/{fetch[0]}") or "(zombie)" in
                   pathlib.Path(f"/proc/{fetch[0]}/status").read_text())
        self.recover("rds-iam-fetch stopped", ["plugin", "preload", "tool"])

    def is_own_fetch(self, path):
        try:
            return ((path / "comm").read_text() == "rds-iam-fetch\n"
                    and f"HOME={self.home.path}\0".encode() in (path / "environ").read_bytes())
        except OSError:
            return False


class Disk(RoleCase):
    """The file system of the cache is full, or the home directory is read-only. Roles are still assumed;
    only the cache is not written."""

    FULL = 'mount -t tmpfs -o size=16k,mode=700 none "$1/.cache" && { dd if=/dev/zero of="$1/.cache/filler" bs=4096 ' \
           '2>/dev/null || true; } && shift && exec "$@"'
    READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'

    def setUp(self):
        super().setUp()
        (self.home.path / ".cache").mkdir(mode=0o700)

    def under(self, script):
        return ["unshare", "-m", *([] if os.geteuid() == 0 else [
            "-U", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}", "--keep-caps"]),
            "sh", "-c", script, "sh", self.home.path]

    def test_logins(self):
        for name, script in (("full", self.FULL), ("read-only", self.READ_ONLY)):
            with self.subTest(disk=name):
                before = len(self.calls())
                self.assert_all_in(["plugin", "preload", "tool"], under=self.under(script))
                self.assertEqual(len(self.calls()) - before, 3, "control: nothing was cached")
                self.assertEqual(self.cache_files(), [])
        self.recover("full or read-only home", ["plugin", "preload", "tool"])

    def test_the_agent(self):
        """The agent's directory is on another file system, as $XDG_RUNTIME_DIR is."""
        for name, script in (("full", self.FULL), ("read-only", self.READ_ONLY)):
            with self.subTest(disk=name):
                directory = pathlib.Path(tempfile.mkdtemp(prefix="agent-", dir=harness.WORK))
                self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
                self.services = Services(self.home)
                self.services.directory = directory
                self.services.add("prod")
                with self.services.agent("etl-base", under=self.under(script), wait=True, **self.cloud_env()):
                    self.assert_all_in(["agent"])

    def test_files_that_are_written(self):
        """`rds-iam setup --write` names the cause, and changes nothing. test_setup_write.py and test_setup_ca.py fill
        the disk."""
        tool = harness.installed("bin/rds-iam")
        for argv in (["setup", "mysql", "--ssl-ca", self.lab.ca_file, "--write"],
                     ["setup", "postgres", "--hostname", "db.abcdefghijkl.us-east-1.rds.amazonaws.com", "--username",
                      USER, "--dbname", "d", "--ca", self.lab.ca_file, "--write"]):
            for path in (".my.cnf", ".pg_service.conf"):
                self.home.write(path, "# own\n")
            result = self.home.run([*self.under(self.READ_ONLY), tool, *argv], None)
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertIn("Read-only file system", result.stderr)
            self.assertEqual(self.home.run([tool, *argv], None).returncode, 0)


class Descriptors(RoleCase):
    """Too few descriptors. With each limit from 3 to 39, a login succeeds or prints an error; no program crashes or
    hangs."""

    LIMITS = range(3, 40)

    def test_logins(self):
        for kind in ("plugin", "preload", "tool"):
            with self.subTest(kind=kind):
                results = {limit: self.log_in(kind, under=["prlimit", f"--nofile={limit}"]) for limit in self.LIMITS}
                least = min(limit for limit, (is_in, _) in results.items() if is_in)
                self.assertGreater(least, min(self.LIMITS), "control: a limit was too low")
                self.assertTrue(all(results[limit][0] for limit in self.LIMITS if limit >= least), results)
                for limit, (is_in, text) in results.items():
                    self.assertTrue(is_in or text.strip(), f"{limit}: no message")
                    if "its socket cannot be created" in text:
                        self.assertIn("Too many open files; raise the limit of open files: ulimit -n", text)
                print(f"# {kind}: works with {least} descriptors; with fewer: "
                      + repr(sorted({text.strip()[-160:] for is_in, text in results.values() if not is_in})), flush=True)
        self.recover("too few descriptors", ["plugin", "preload", "tool"])

    def test_an_agent_whose_limit_is_lowered(self):
        """The agent runs out of descriptors while it runs: its limit is lowered to 4."""
        with self.services.agent("etl-base", **self.cloud_env()) as agent:
            self.assert_all_in(["agent"])
            for pid in (agent.process.pid, agent.worker):
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (4, resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]))
            with contextlib.suppress(AssertionError):
                self.assert_all_in(["agent"])
            for pid in (agent.process.pid, agent.worker):
                resource.prlimit(pid, resource.RLIMIT_NOFILE, resource.prlimit(pid, resource.RLIMIT_NOFILE)[1:] * 2)
            self.recover("the agent without descriptors", ["agent"])


if __name__ == "__main__":
    harness.main()
