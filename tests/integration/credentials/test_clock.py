# SPDX-License-Identifier: MIT
"""A machine whose clock is ten minutes wrong, either way: the first login is accepted, because the
offset is learned from STS, and so is the one after the clock has been set. What is simulated, and how,
is said in machine_clock.py."""
import subprocess

from cloud import CloudCase
from labcase import USER, harness
from machine_clock import MachineClock
from mariadb_client import CONFIG

WRONG_SECONDS = 600
# For each error: AWS's offset from the true time, the machine's while it is wrong, and when it is right.
CLOCKS = {"ahead of": (0, WRONG_SECONDS, 0), "behind": (WRONG_SECONDS, 0, WRONG_SECONDS)}


class Clock(CloudCase):
    def setUp(self):
        super().setUp()
        self.home.write(
            CONFIG, f"[{self.lab.mariadb.host}]\nrole_arn = {self.lab.roles['rds-access'].arn}\n")
        self.machine = MachineClock(self)

    def env(self):
        return {**self.cloud_env(RDS_IAM_LOG="1"), **self.machine.env()}

    def log_in(self):
        """A login on the machine: what it said on stderr."""
        result = self.home.run(self.machine.argv(self.argv()), "etl-base", **self.env())
        self.assert_logged_in(result)
        return result.stderr

    def assert_said(self, text, word):
        self.assertRegex(text, rf"this machine's clock is (599|600|601) s {word} AWS's, so the token "
                         "uses AWS's time; set the clock")

    def check(self, word):
        aws, wrong, right = CLOCKS[word]
        self.lab.clock(aws)
        self.machine.set(wrong)
        for _ in range(2):
            self.assert_said(self.log_in(), word)
        self.assertEqual(len(self.calls()), 2, "two tries of the first login, none of the second")
        self.machine.set(right)
        for _ in range(2):
            self.assertNotIn("this machine's clock", self.log_in())
        self.assertEqual(len(self.calls()), 3, "looked again once after the clock was set")
        self.assert_accepted(4)

    def test_ahead(self):
        self.check("ahead of")

    def test_behind(self):
        self.check("behind")

    def test_without_the_offset_it_would_be_refused(self):
        """The control: the clock is wrong for a client whose credentials came before it was."""
        self.log_in()
        self.machine.set(WRONG_SECONDS)
        result = self.home.run(self.machine.argv(self.argv()), "etl-base", **self.env())
        self.assertNotEqual(result.returncode, 0)
        self.assert_refused("NotYetValid")

    def test_a_clock_that_is_set_under_a_running_program(self):
        self.machine.set(WRONG_SECONDS)
        argv = self.machine.argv([
            str(harness.BUILD / "tests/integration/src/forks"), self.lab.mariadb.host,
            str(self.lab.mariadb.port), USER])
        host = subprocess.Popen(
            argv, env=self.home.env("etl-base", **self.env()), cwd=self.home.path, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with host.stdin, host.stdout, host.stderr:
            self.assertEqual(host.stdout.readline(), f"{USER}@%\n", "the first login")
            host.stdout.readline()
            self.assertEqual(host.wait(), 0)
            self.machine.set(0)
            host.stdin.close()
            self.assertEqual(host.stdout.readline(), f"{USER}@%\n", "the same process, after the change")
            said = host.stderr.read()
        self.assert_said(said, "ahead of")
        self.assertEqual(said.count("this machine's clock"), 1)
        self.assert_accepted(2)


if __name__ == "__main__":
    harness.main()
