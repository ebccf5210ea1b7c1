# SPDX-License-Identifier: MIT
"""Credentials that expire.

rds-iam renews credentials that would expire sooner than a new token, if their source can renew them. It renews the
credentials of a role up to five minutes earlier. If the renewal fails, rds-iam uses the old credentials until they
expire. After that, the login fails with a message.

To let hours pass, the tests move the machine's clock (machine_clock.py) and the clocks of AWS and the databases
together."""
import concurrent.futures
import json
import os
import re
import subprocess

from cloud import CloudCase
from labcase import USER, harness
from machine_clock import MachineClock
from mariadb_client import CONFIG
from service import await_true

LIFE_SECONDS = 3600
TOKEN_SECONDS = 900
NEARLY = LIFE_SECONDS - TOKEN_SECONDS
SPREAD_SECONDS = 300
# The tests log in this long before and after a limit. A login must take less time.
MARGIN_SECONDS = 60
# What a loaded machine needs in addition to a time limit.
MACHINE_MS = 2500


class Renewal(CloudCase):
    def setUp(self):
        super().setUp()
        self.machine = MachineClock(self)
        self.now = 0

    def advance_clocks(self, seconds):
        self.now += seconds
        self.machine.set(self.now)
        self.lab.clock(self.now)

    def env(self):
        return {**self.source_env, "RDS_IAM_LOG": "1", **self.machine.env()}

    def log_in(self):
        return self.home.run(self.machine.argv(self.argv()), self.principal, **self.env())

    def assert_logs_in(self, calls):
        """Logs in. The login must succeed, and the source must have received `calls` requests so far. Returns the
        log."""
        result = self.log_in()
        self.assert_logged_in(result)
        self.assertEqual(self.request_count(), calls)
        return result.stderr

    def fail_from_now_on(self, service):
        self.lab.faults({"service": service, "kind": "status", "status": 500, "times": 1000})

    def use_role(self):
        role = self.lab.roles["rds-access"].arn
        self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nrole_arn = {role}\n")
        self.source_env, self.principal = self.cloud_env(), "etl-base"
        self.request_count = lambda: len(self.calls())

    def use_instance(self):
        run = self.home.path / "run"
        run.mkdir(mode=0o700)
        self.lab.machine(seconds=LIFE_SECONDS)
        self.source_env, self.principal = self.machine_env(XDG_RUNTIME_DIR=str(run)), None
        self.request_count = lambda: sum(call["operation"] == "GetRoleCredentials" for call in self.calls())

    def check_renewal(self, spread=0):
        self.assert_logs_in(calls=1)
        self.advance_clocks(NEARLY - spread - MARGIN_SECONDS)
        self.assert_logs_in(calls=1)
        self.advance_clocks(spread + 2 * MARGIN_SECONDS)
        log = self.assert_logs_in(calls=2)
        self.assertNotIn("and the token with them", log)
        self.advance_clocks(NEARLY - spread - MARGIN_SECONDS)
        self.assert_logs_in(calls=2)
        self.assert_accepted(4)

    def check_failure(self, service, message):
        self.assert_logs_in(calls=1)
        self.fail_from_now_on(service)
        self.advance_clocks(LIFE_SECONDS - MARGIN_SECONDS)
        result = self.log_in()
        self.assert_logged_in(result)
        self.assertIn("could not be renewed and are used until they expire: ", result.stderr)
        self.assertIn(message, result.stderr)
        self.assertIn(", and the token with them", result.stderr)
        self.assert_accepted(2)
        self.advance_clocks(2 * MARGIN_SECONDS)
        result = self.log_in()
        self.assertNotEqual(result.returncode, 0)
        self.assertNotIn("are used until they expire", result.stderr)
        self.assertIn(message, result.stderr)
        self.lab.faults()
        result = self.log_in()
        self.assert_logged_in(result)

    def test_credentials_of_a_role_are_renewed(self):
        self.use_role()
        self.check_renewal(SPREAD_SECONDS)

    def test_credentials_of_an_instance_are_renewed(self):
        self.use_instance()
        self.check_renewal()

    def test_credentials_of_a_role_that_cannot_be_renewed(self):
        self.use_role()
        self.check_failure("sts", "STS says HTTP status 500; try again later")

    def test_credentials_of_an_instance_that_cannot_be_renewed(self):
        self.use_instance()
        self.check_failure("imds", "gives no session token; try again later: status 500")

    def test_a_long_lived_process_renews_its_copy(self):
        self.use_role()
        host = subprocess.Popen(
            self.machine.argv([str(harness.BUILD / "tests/integration/src/forks"),
                               self.lab.mariadb.host, str(self.lab.mariadb.port), USER]),
            env=self.home.env(self.principal, **self.env()), cwd=self.home.path, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        with host.stdin, host.stdout:
            self.assertEqual(host.stdout.readline(), f"{USER}@%\n")
            host.stdout.readline()
            self.assertEqual((host.wait(), len(self.calls())), (0, 1))
            self.advance_clocks(NEARLY + MARGIN_SECONDS)
            host.stdin.close()
            self.assertEqual(host.stdout.readline(), f"{USER}@%\n")
        self.assertEqual(len(self.calls()), 2)
        self.assert_accepted(2)

    def test_expired_keys_of_the_environment_are_rejected(self):
        for end, works in (("2099-01-01T00:00:00Z", True), ("2009-01-01T00:00:00Z", False)):
            with self.subTest(end=end):
                result = self.mariadb(AWS_CREDENTIAL_EXPIRATION=end)
                self.assertEqual(result.returncode == 0, works, result.stderr)
        self.assertIn("the AWS credentials of ", result.stderr)
        self.assertIn(" expired at 20090101T000000Z; get new ones", result.stderr)
        self.assertEqual(len([v for v in self.verdicts() if v["token_length"] > 0]), 1)


class RoleCase(CloudCase):
    """Roles that are assumed through a profile, and the lock file, whose time shows when their renewal was last
    tried."""

    def lock_file(self):
        lock, = (self.home.path / ".cache/rds-iam/cache").glob("*.lock")
        return lock

    def age(self, path, seconds):
        """Moves the times of a lock file, and of the entry that it belongs to, this many seconds into the past."""
        for each in (path, path.with_suffix("")):
            status = each.stat()
            os.utime(each, (status.st_atime - seconds, status.st_mtime - seconds))

    def token_argv(self, profile):
        return [harness.installed("bin/rds-iam"), "token", "--profile", profile, "--hostname", self.lab.pg.host,
                "--port", str(self.lab.pg.port), "--username", USER]

    def fail(self, kind="status", **more):
        self.lab.faults({"service": "sts", "kind": kind, "times": 99, **more})


class SlowChain(RoleCase):
    """Two roles, whose two requests together take longer than the 3 s that a login spends on a renewal while the
    credentials are valid for more than five minutes."""

    SLOW = {"kind": "delay", "seconds": 2.2}

    def setUp(self):
        super().setUp()
        self.machine = MachineClock(self)
        self.role_profile("p", "rds-access", credential_source=None, source_profile="q")
        self.role_profile("q", "etl-hop")
        self.asked = len(self.calls())
        self.first = self.key_of_login()[0]
        self.assertEqual(self.new_calls(), 2)

    def new_calls(self):
        before, self.asked = self.asked, len(self.calls())
        return self.asked - before

    def run_tool(self, argv):
        result = self.home.run(self.machine.argv(argv), "etl-base", RDS_IAM_LOG="debug",
                               **self.cloud_env(), **self.machine.env())
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def key_of_login(self):
        """Makes the token of a login. Returns the access key of the session that signed it, and the log."""
        result = self.run_tool(self.token_argv("p"))
        return re.search(r"X-Amz-Credential=(\w+)%2F", result.stdout).group(1), result.stderr

    def let_live(self, seconds):
        """Moves all clocks, so that the credentials are valid for this many seconds more."""
        self.machine.set(LIFE_SECONDS - seconds)
        self.lab.clock(LIFE_SECONDS - seconds)

    def test_a_slow_renewal_succeeds_in_the_last_five_minutes(self):
        self.fail(**self.SLOW)
        self.let_live(600)
        self.assertEqual(self.key_of_login()[0], self.first, "3 s are not enough")
        self.age(self.lock_file(), 100)
        self.let_live(250)
        key, log = self.key_of_login()
        self.assertNotEqual(key, self.first)
        self.assertNotIn("could not be renewed", log)

    def test_a_command_that_can_wait_renews_at_once(self):
        self.fail(**self.SLOW)
        self.let_live(600)
        result = self.run_tool([harness.installed("bin/rds-iam"), "credentials", "--profile", "p"])
        self.assertNotEqual(json.loads(result.stdout)["AccessKeyId"], self.first)
        self.assertEqual(self.new_calls(), 2)

    def test_a_silent_service_delays_a_login_for_a_short_time(self):
        self.fail("hang")
        for left, limit, requests in ((600, 3000, 1), (250, 7000, 2)):
            with self.subTest(left=left):
                self.let_live(left)
                self.age(self.lock_file(), 100)
                key, log = self.key_of_login()
                self.assertEqual((key, self.new_calls()), (self.first, requests), log)
                self.assertIn("because STS did not answer: ", log)
                waited = int(re.search(r"was asked and responded after (\d+) ms", log).group(1))
                self.assertLess(waited, limit + MACHINE_MS, log)


class ValidCredentials(RoleCase):
    """Credentials that are due for a renewal, but valid. A slow or broken STS delays few logins, and no
    login fails."""

    def setUp(self):
        super().setUp()
        # AWS's clock is 5 s behind, so a session expires 5 s before a token that is made at the same time. Therefore
        # every session is due for a renewal.
        self.role_profile("q", "rds-access", duration_seconds=TOKEN_SECONDS)
        self.lab.clock(-5)
        self.first = self.get_credentials("--profile", "q")
        self.asked = len(self.calls())

    def renew(self):
        """Runs rds-iam, which must succeed. Returns the number of requests to STS since the last call of this method,
        and what rds-iam printed on stderr. self.printed contains the credentials that it printed."""
        result = self.credentials("--profile", "q")
        asked, self.asked = self.asked, len(self.calls())
        self.assertEqual(result.returncode, 0, result.stderr)
        self.printed = json.loads(result.stdout)
        return self.asked - asked, result.stderr

    def test_control_a_renewal_that_succeeds(self):
        self.assertEqual(self.renew(), (1, ""))
        self.assertNotEqual(self.printed, self.first)
        self.assertEqual(self.renew(), (1, ""), "the new credentials are due for a renewal, too")

    def test_after_a_failure_no_renewal_for_a_tenth_of_the_remaining_time(self):
        self.fail(status=500)
        calls, log = self.renew()
        self.assertEqual((calls, self.printed), (3, self.first))
        self.assertIn("could not be renewed and are used until they expire", log)
        self.assertEqual(self.renew(), (0, ""))
        self.assertEqual(self.printed, self.first)
        self.age(self.lock_file(), 60)
        self.assertEqual(self.renew(), (0, ""))
        self.age(self.lock_file(), 40)
        self.lab.faults()
        self.assertEqual(self.renew(), (1, ""))
        self.assertNotEqual(self.printed, self.first)

    def log_in(self):
        """Makes the token of a login. Returns the result."""
        return self.home.run(self.token_argv("q"), "etl-base", **self.cloud_env())

    def test_a_renewal_without_a_response_ends_early(self):
        """A request without a response ends after 5 s at the latest. A renewal of valid credentials has 3 s in a login,
        so a login sends one request. It has 7 s in `rds-iam credentials`, which therefore sends two requests; without
        valid credentials, this command would send three. A login without valid credentials has 10 s, so it sends
        two."""
        self.fail("hang")
        result = self.log_in()
        self.assertIn(self.first["AccessKeyId"], result.stdout, result.stderr)
        self.assertEqual(len(self.calls()) - self.asked, 1)
        self.asked += 1
        self.age(self.lock_file(), 100)
        self.assertEqual(self.renew()[0], 2)
        self.assertEqual(self.printed, self.first)
        for path in self.cache_files():
            path.unlink()
        self.assertNotEqual(self.log_in().returncode, 0)
        self.assertEqual(len(self.calls()) - self.asked, 2)

    def test_while_one_process_renews_the_others_use_the_cached_credentials(self):
        self.fail("delay", seconds=2)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            renewing = pool.submit(self.get_credentials, "--profile", "q")
            await_true(lambda: len(self.calls()) > self.asked)
            self.asked = len(self.calls())
            self.assertEqual(self.renew(), (0, ""))
            self.assertEqual(self.printed, self.first)
            self.assertNotEqual(renewing.result(), self.first)


if __name__ == "__main__":
    harness.main()
