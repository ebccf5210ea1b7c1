# SPDX-License-Identifier: MIT
"""Credentials that end: those with less than a token's life left are renewed where the source can; a
renewal that fails keeps the old ones while they live; what has ended is refused with a message.

Hours pass by moving the machine's clock (machine_clock.py) and that of AWS and the database together."""
import subprocess

from cloud import CloudCase
from labcase import USER, harness
from machine_clock import MachineClock
from mariadb_client import CONFIG

LIFE_SECONDS = 3600
TOKEN_SECONDS = 900
NEARLY = LIFE_SECONDS - TOKEN_SECONDS
# What a login may take here before "just before" becomes "just after".
MARGIN_SECONDS = 60


class Renewal(CloudCase):
    def setUp(self):
        super().setUp()
        self.machine = MachineClock(self)
        self.now = 0

    def let_pass(self, seconds):
        self.now += seconds
        self.machine.set(self.now)
        self.lab.clock(self.now)

    def env(self):
        return {**self.source_env, "RDS_IAM_LOG": "1", **self.machine.env()}

    def log_in(self):
        return self.home.run(self.machine.argv(self.argv()), self.principal, **self.env())

    def good(self, calls):
        """A login that works; so often was the source asked up to now. Returns the log."""
        result = self.log_in()
        self.assert_logged_in(result)
        self.assertEqual(self.times_asked(), calls)
        return result.stderr

    def fail_from_now_on(self, service):
        self.lab.faults({"service": service, "kind": "status", "status": 500, "times": 1000})

    def use_role(self):
        role = self.lab.roles["rds-access"].arn
        self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nrole_arn = {role}\n")
        self.source_env, self.principal = self.cloud_env(), "etl-base"
        self.times_asked = lambda: len(self.calls())

    def use_instance(self):
        run = self.home.path / "run"
        run.mkdir(mode=0o700)
        self.lab.machine(seconds=LIFE_SECONDS)
        self.source_env, self.principal = self.machine_env(XDG_RUNTIME_DIR=str(run)), None
        self.times_asked = lambda: sum(call["operation"] == "GetRoleCredentials" for call in self.calls())

    def check_renewal(self):
        self.good(calls=1)
        self.let_pass(NEARLY - MARGIN_SECONDS)
        self.good(calls=1)
        self.let_pass(2 * MARGIN_SECONDS)
        said = self.good(calls=2)
        self.assertNotIn("and the token with them", said)
        self.let_pass(NEARLY - MARGIN_SECONDS)
        self.good(calls=2)
        self.assert_accepted(4)

    def check_failure(self, service, message):
        self.good(calls=1)
        self.fail_from_now_on(service)
        self.let_pass(LIFE_SECONDS - MARGIN_SECONDS)
        result = self.log_in()
        self.assert_logged_in(result)
        self.assertIn("could not be renewed and are used until they expire: ", result.stderr)
        self.assertIn(message, result.stderr)
        self.assertIn(", and the token with them", result.stderr)
        self.assert_accepted(2)
        self.let_pass(2 * MARGIN_SECONDS)
        result = self.log_in()
        self.assertNotEqual(result.returncode, 0)
        self.assertNotIn("are used until they expire", result.stderr)
        self.assertIn(message, result.stderr)
        self.lab.faults()
        result = self.log_in()
        self.assert_logged_in(result)

    def test_a_roles_are_renewed(self):
        self.use_role()
        self.check_renewal()

    def test_an_instances_are_renewed(self):
        self.use_instance()
        self.check_renewal()

    def test_a_role_that_cannot_be_renewed(self):
        self.use_role()
        self.check_failure("sts", "STS says HTTP status 500; try again later")

    def test_an_instances_that_cannot_be_renewed(self):
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
            self.let_pass(NEARLY + MARGIN_SECONDS)
            host.stdin.close()
            self.assertEqual(host.stdout.readline(), f"{USER}@%\n")
        self.assertEqual(len(self.calls()), 2)
        self.assert_accepted(2)

    def test_keys_that_have_ended_and_cannot_be_renewed(self):
        for end, works in (("2099-01-01T00:00:00Z", True), ("2009-01-01T00:00:00Z", False)):
            with self.subTest(end=end):
                result = self.mariadb(AWS_CREDENTIAL_EXPIRATION=end)
                self.assertEqual(result.returncode == 0, works, result.stderr)
        self.assertIn("the AWS credentials of ", result.stderr)
        self.assertIn(" expired at 20090101T000000Z; get new ones", result.stderr)
        self.assertEqual(len([v for v in self.verdicts() if v["token_length"] > 0]), 1)


if __name__ == "__main__":
    harness.main()
