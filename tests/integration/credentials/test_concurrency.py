# SPDX-License-Identifier: MIT
"""Many processes that need the same credentials at the same moment send only one request to AWS, and no process fails.
If a host program forks after a login, its processes hold no lock of the cache, because only rds-iam-fetch takes these
locks."""
import concurrent.futures
import json
import os
import pathlib
import subprocess

from cloud import CloudCase
from labcase import USER, harness
from mariadb_client import CONFIG
from service import await_true

STARTS = 500
FEW = 20
# This many logins run at once. On a loaded machine, a larger number of logins would exceed the 10 s limit of a login.
LOGINS_AT_ONCE = 50
# A shell script: waits until the test writes a line to its standard input, then runs the command.
AT_GATE = 'read -r _; exec "$@" </dev/null'


class ConcurrencyCase(CloudCase):
    def setUp(self):
        super().setUp()
        self.write_role("rds-access")

    def write_role(self, name):
        """Configures the role for logins to both databases."""
        arn = self.lab.roles[name].arn
        hosts = (self.lab.mariadb.host, self.lab.pg.host)
        self.home.write(CONFIG, "".join(f"[{host}]\nrole_arn = {arn}\n" for host in hosts))

    def token_argv(self, command="token"):
        return [harness.installed("bin/rds-iam"), command, "--hostname", self.lab.pg.host,
                "--port", self.lab.pg.port, "--username", USER]


class Storm(ConcurrencyCase):
    """Starts many processes with an empty cache and counts the requests to STS. The machine may be loaded."""

    def storm(self, argv, starts, at_once):
        """Starts `starts` processes that wait, then lets `at_once` of them run at a time. Each must succeed.
        Returns the lines that they print."""
        self.credentials("--clear")
        self._calls = len(self.lab.calls())
        self._seen = len(self.lab.journal())
        log = self.home.path / "log"
        log.unlink(missing_ok=True)
        env = self.home.env("etl-base", **self.cloud_env())
        with log.open("ab") as output:
            processes = [
                subprocess.Popen(["sh", "-c", AT_GATE, "sh", *map(str, argv)], env=env, stdin=subprocess.PIPE,
                                 stdout=output, stderr=output, cwd=self.home.path)
                for _ in range(starts)]
        self.assertEqual({process.poll() for process in processes}, {None}, "all processes wait")
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            statuses = list(pool.map(self.release, processes))
        lines = log.read_text().splitlines()
        errors = {line for line in lines if "rds-iam: " in line or "ERROR" in line}
        self.assertEqual(statuses, [0] * starts, errors)
        return lines

    @staticmethod
    def release(process):
        with process.stdin:
            process.stdin.write(b"\n")
        return process.wait()

    def test_many_runs_of_rds_iam_credentials(self):
        """All run at once, because the time limit of `rds-iam credentials` is 60 s, and not the 10 s of a login."""
        lines = self.storm(self.token_argv("credentials"), STARTS, STARTS)
        keys = [json.loads(line)["AccessKeyId"] for line in lines]
        self.assertEqual((len(keys), len(set(keys))), (STARTS, 1))
        self.assertEqual(len(self.calls()), 1)

    def test_many_mariadb_clients(self):
        lines = self.storm(self.argv(query="select current_user()"), STARTS, LOGINS_AT_ONCE)
        self.assertEqual(lines, [f"{USER}@%"] * STARTS)
        self.assert_accepted(STARTS)
        self.assertEqual(len(self.calls()), 1)

    def test_many_runs_of_rds_iam_token(self):
        lines = self.storm(self.token_argv(), STARTS, LOGINS_AT_ONCE)
        begin = f"{self.lab.pg.host}:{self.lab.pg.port}/?Action=connect&"
        self.assertEqual([line for line in lines if not line.startswith(begin)], [])
        self.assertEqual((len(lines), len(self.calls())), (STARTS, 1))

    def test_control_without_a_cache_each_process_sends_a_request(self):
        """Shows that the test counts every request to STS."""
        self.home.write(".cache/rds-iam", "a file where the cache's directory would be")
        self.storm(self.token_argv(), FEW, FEW)
        self.assertEqual(len(self.calls()), FEW)


class Locks(ConcurrencyCase):
    def lock_file(self):
        (path,) = (self.home.path / ".cache/rds-iam/cache").glob("*.lock")
        return path

    def locks(self):
        """Returns the lines of /proc/locks for the cache's lock file, as lists of words: "1: FLOCK ADVISORY WRITE
        pid ..." for the process that has the lock, "1: -> FLOCK ..." for a process that waits."""
        inode = str(self.lock_file().stat().st_ino)
        lines = [line.split() for line in pathlib.Path("/proc/locks").read_text().splitlines()]
        return [words for words in lines if any(word.split(":")[2:3] == [inode] for word in words)]

    def start(self, *argv, **streams):
        env = self.home.env("etl-base", **self.cloud_env())
        return subprocess.Popen([str(word) for word in argv], env=env, cwd=self.home.path, text=True, **streams)

    def test_a_host_program_that_forks_has_no_lock(self):
        host = self.start(
            harness.BUILD / "tests/integration/src/forks", self.lab.mariadb.host,
            self.lab.mariadb.port, USER, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with host.stdin, host.stdout:
            self.assertEqual(host.stdout.readline(), f"{USER}@%\n")
            child = int(host.stdout.readline())
            self.assertEqual(host.wait(), 0, "the parent process exits")
            os.kill(child, 0)
            self.assertEqual(self.locks(), [])
            open_files = [os.readlink(path) for path in pathlib.Path(f"/proc/{child}/fd").iterdir()]
            self.assertEqual([path for path in open_files if path.startswith(str(self.home.path))], [])
            # The host's login has sent the first request to STS. After its cache entry is removed, only the entry's
            # lock file is left. The command mariadb must be able to take this lock; it sends the second request.
            (entry,) = self.cache_files()
            entry.unlink()
            self.assert_logged_in(self.mariadb(principal="etl-base", **self.cloud_env()))
            # Another role has another cache entry, with another lock: rds-iam token sends the third request.
            self.write_role("rds-access-powerless")
            token = self.home.run(self.token_argv(), "etl-base", **self.cloud_env())
            self.assertEqual(token.returncode, 0, token.stderr)
            self.assertEqual(len(self.calls()), 3)
            self.write_role("rds-access")
            host.stdin.close()
            self.assertEqual(host.stdout.readline(), f"{USER}@%\n", "the child process logs in, too")

    def test_control_rds_iam_fetch_has_the_lock_during_its_request(self):
        """Shows that locks() finds a lock, and that a second process sleeps until the lock is free."""
        self.lab.faults({"service": "sts", "kind": "delay", "seconds": 4})
        argv = self.token_argv()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            runs = [pool.submit(self.home.run, argv, "etl-base", **self.cloud_env()) for _ in range(2)]
            await_true(lambda: list((self.home.path / ".cache/rds-iam/cache").glob("*.lock")))
            await_true(lambda: len(self.locks()) == 2, self.locks)
            holder, waiting = self.locks()
            self.assertEqual((holder[1], waiting[1]), ("FLOCK", "->"))
            program = pathlib.Path(f"/proc/{holder[4]}/comm").read_text()
            self.assertEqual(program, "rds-iam-fetch\n")
            results = [run.result() for run in runs]
        self.assertEqual([result.returncode for result in results], [0, 0], results)
        self.assertEqual(len(self.calls()), 1)


if __name__ == "__main__":
    harness.main()
