# SPDX-License-Identifier: MIT
"""A machine whose clock is ten minutes ahead or behind. The first login succeeds, because rds-iam learns the offset
from STS. The login after the clock is corrected succeeds, too. machine_clock.py describes the simulation."""
import subprocess

from cloud import CloudCase
from labcase import USER, harness
from machine_clock import MachineClock
from mariadb_client import CONFIG

WRONG_SECONDS = 600
# For each error of the machine's clock, offsets from the real time: AWS's clock, the wrong clock, the corrected
# clock.
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
        """Logs in on the machine. Returns stderr."""
        result = self.home.run(self.machine.argv(self.argv()), "etl-base", **self.env())
        self.assert_logged_in(result)
        return result.stderr

    def assert_warning(self, text, word):
        self.assertRegex(text, rf"this machine's clock is (599|600|601) s {word} AWS's; the token is "
                         "dated by AWS's: set the clock")

    def check(self, word):
        aws, wrong, right = CLOCKS[word]
        self.lab.clock(aws)
        self.machine.set(wrong)
        for _ in range(2):
            self.assert_warning(self.log_in(), word)
        self.assertEqual(len(self.calls()), 2, "two requests of the first login, none of the second")
        self.machine.set(right)
        for _ in range(2):
            self.assertNotIn("this machine's clock", self.log_in())
        self.assertEqual(len(self.calls()), 3, "one more request after the clock is corrected")
        self.assert_accepted(4)

    def test_a_clock_that_is_ahead(self):
        self.check("ahead of")

    def test_a_clock_that_is_behind(self):
        self.check("behind")

    def test_control_a_token_without_the_offset_is_rejected(self):
        """The credentials are cached before the clock becomes wrong, so rds-iam cannot know the offset."""
        self.log_in()
        self.machine.set(WRONG_SECONDS)
        result = self.home.run(self.machine.argv(self.argv()), "etl-base", **self.env())
        self.assertNotEqual(result.returncode, 0)
        self.assert_refused("NotYetValid")

    def test_a_clock_that_is_corrected_while_a_program_runs(self):
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
            stderr = host.stderr.read()
        self.assert_warning(stderr, "ahead of")
        self.assertEqual(stderr.count("this machine's clock"), 1)
        self.assert_accepted(2)


if __name__ == "__main__":
    harness.main()
