# SPDX-License-Identifier: MIT
"""Many processes that need the same credentials at the same moment, and a host that forks: AWS is
asked once, nobody fails, and no lock outlives rds-iam-fetch."""
import concurrent.futures
import os
import pathlib
import resource
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cloud import CloudCase  # noqa: E402
from labcase import USER, harness  # noqa: E402
from mariadb_client import CONFIG  # noqa: E402
from service import await_true  # noqa: E402

STARTS = 500
FEW = 20
STORM_SECONDS = 120
ATTEMPTS = 2
OTHERS_MAX = 0.2  # of the machine's processors
TOO_LATE = ("took longer than a login may", "has not come back in the time of a login",
            "the time for a login was used up")
TICKS = os.sysconf("SC_CLK_TCK")
# Waits at the gate, which is its standard input, until the test opens it for all.
AT_GATE = 'read -r _; exec "$@" </dev/null'


class Others:
    """How much of the machine's processors everybody but this test and its lab used."""

    def __init__(self, lab):
        self._pids = [lab.state["pid"], *lab.state["server_pids"].values()]
        self._start = self._now()

    def _now(self):
        """Seconds of all processors: passed, idle, and used by us and ours."""
        fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        ours = sum(each.ru_utime + each.ru_stime for each in usage)
        for pid in self._pids:
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ours += (int(stat[11]) + int(stat[12])) / TICKS
        return sum(fields) / TICKS, (fields[3] + fields[4]) / TICKS, ours

    def share(self):
        passed, idle, ours = (now - then for now, then in zip(self._now(), self._start))
        return max(0.0, passed - idle - ours) / passed


class ConcurrencyCase(CloudCase):
    def setUp(self):
        super().setUp()
        self.write_role("rds-access")

    def write_role(self, name):
        """The role that both databases are logged in to with."""
        arn = self.lab.roles[name].arn
        hosts = (self.lab.mariadb.host, self.lab.pg.host)
        self.home.write(CONFIG, "".join(f"[{host}]\nrole_arn = {arn}\n" for host in hosts))

    def token_argv(self):
        return [harness.installed("bin/rds-iam"), "token", "--hostname", self.lab.pg.host,
                "--port", self.lab.pg.port, "--username", USER]


class Storm(ConcurrencyCase):
    """Nothing is kept when the processes start, all together."""

    def storm(self, argv, starts=STARTS):
        """Starts the program so many times at once. Returns the lines that they printed; each must
        succeed. Whether five hundred fit into the time of a login says something of the product only
        while the machine is ours: a storm that fails while others use much of it is repeated."""
        for _ in range(ATTEMPTS):
            self.credentials("--clear")
            self._calls = len(self.lab.calls())
            self._seen = len(self.lab.journal())
            others = Others(self.lab)
            statuses, lines = self.start_all(argv, starts)
            if statuses == [0] * starts:
                return lines
            errors = [line for line in lines if "rds-iam: " in line or "ERROR" in line]
            late = [line for line in errors if any(words in line for words in TOO_LATE)]
            share = others.share()
            if len(late) != starts - statuses.count(0) or share < OTHERS_MAX:
                self.fail(f"{starts - statuses.count(0)} of {starts} failed while others used {share:.0%} of "
                          f"the machine: {set(errors)}")
        self.skipTest(f"others use {share:.0%} of this machine, and {len(late)} of {starts} starts were late")

    def start_all(self, argv, starts):
        gate, opener = os.pipe()
        log = self.home.path / "log"
        env = self.home.env("etl-base", **self.cloud_env())
        log.unlink(missing_ok=True)
        with log.open("ab") as output:
            processes = [
                subprocess.Popen(["sh", "-c", AT_GATE, "sh", *map(str, argv)], env=env, stdin=gate,
                                 stdout=output, stderr=output, cwd=self.home.path)
                for _ in range(starts)]
        os.close(gate)
        self.assertEqual({process.poll() for process in processes}, {None}, "all wait at the gate")
        os.close(opener)
        statuses = [process.wait(STORM_SECONDS) for process in processes]
        return statuses, log.read_text().splitlines()

    def test_of_mariadb_clients(self):
        lines = self.storm(self.argv(query="select current_user()"))
        self.assertEqual(lines, [f"{USER}@%"] * STARTS)
        self.assert_accepted(STARTS)
        self.assertEqual(len(self.calls()), 1)

    def test_of_rds_iam_token(self):
        lines = self.storm(self.token_argv())
        begin = f"{self.lab.pg.host}:{self.lab.pg.port}/?Action=connect&"
        self.assertEqual([line for line in lines if not line.startswith(begin)], [])
        self.assertEqual((len(lines), len(self.calls())), (STARTS, 1))

    def test_without_a_cache_each_asks_for_itself(self):
        """The control of both: the calls of STS are counted."""
        self.home.write(".cache/rds-iam", "a file where the cache's directory would be")
        self.storm(self.token_argv(), FEW)
        self.assertEqual(len(self.calls()), FEW)


class Locks(ConcurrencyCase):
    def lock_file(self):
        (path,) = (self.home.path / ".cache/rds-iam/cache").glob("*.lock")
        return path

    def locks(self):
        """Lines of /proc/locks that concern the cache: "1: FLOCK ADVISORY WRITE pid ...", or "1: ->
        FLOCK ..." of one who waits."""
        inode = str(self.lock_file().stat().st_ino)
        lines = [line.split() for line in pathlib.Path("/proc/locks").read_text().splitlines()]
        return [words for words in lines if any(word.split(":")[2:3] == [inode] for word in words)]

    def start(self, *argv, **streams):
        env = self.home.env("etl-base", **self.cloud_env())
        return subprocess.Popen([str(word) for word in argv], env=env, cwd=self.home.path, text=True, **streams)

    def test_a_host_that_forks_holds_none(self):
        host = self.start(
            harness.BUILD / "tests/integration/src/forks", self.lab.mariadb.host,
            self.lab.mariadb.port, USER, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with host.stdin, host.stdout:
            self.assertEqual(host.stdout.readline(), f"{USER}@%\n")
            child = int(host.stdout.readline())
            self.assertEqual(host.wait(), 0, "the parent has ended")
            os.kill(child, 0)
            self.assertEqual(self.locks(), [])
            open_files = [os.readlink(path) for path in pathlib.Path(f"/proc/{child}/fd").iterdir()]
            self.assertEqual([path for path in open_files if path.startswith(str(self.home.path))], [])
            # The entry is gone and its lock's file is not: somebody else must take the lock.
            (kept,) = self.cache_files()
            kept.unlink()
            self.assert_logged_in(self.mariadb(principal="etl-base", **self.cloud_env()))
            self.write_role("rds-access-powerless")
            token = self.home.run(self.token_argv(), "etl-base", **self.cloud_env())
            self.assertEqual(token.returncode, 0, token.stderr)
            self.assertEqual(len(self.calls()), 3)
            self.write_role("rds-access")
            host.stdin.close()
            self.assertEqual(host.stdout.readline(), f"{USER}@%\n", "the child logs in too")

    def test_rds_iam_fetch_holds_one_while_it_asks(self):
        """The control: that is what a lock looks like, and others wait for it asleep."""
        self.lab.faults({"service": "sts", "kind": "delay", "seconds": 4})
        argv = self.token_argv()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            asked = [pool.submit(self.home.run, argv, "etl-base", **self.cloud_env()) for _ in range(2)]
            await_true(lambda: list((self.home.path / ".cache/rds-iam/cache").glob("*.lock")))
            await_true(lambda: len(self.locks()) == 2, self.locks)
            holder, waiting = self.locks()
            self.assertEqual((holder[1], waiting[1]), ("FLOCK", "->"))
            program = pathlib.Path(f"/proc/{holder[4]}/comm").read_text()
            self.assertEqual(program, "rds-iam-fetch\n")
            results = [run.result() for run in asked]
        self.assertEqual([result.returncode for result in results], [0, 0], results)
        self.assertEqual(len(self.calls()), 1)


if __name__ == "__main__":
    harness.main()
