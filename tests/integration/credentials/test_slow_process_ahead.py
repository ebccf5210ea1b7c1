# SPDX-License-Identifier: MIT
"""A credential_process that takes longer than the 10 s limit of a login, run by programs that have more time.

The agent and `rds-iam credentials` fetch credentials ahead of a login. They have a limit of 60 s."""
import concurrent.futures
import time

from labcase import USER, harness
from opener import Opener, within_limit
from process_case import ProcessCase
from service import Services, await_true

SLOW = 11  # seconds; longer than the limit of a login
AHEAD = 32  # seconds; much longer than the limit of a login, and shorter than the agent's limit
NOT_ANSWERED = 600  # seconds; longer than every limit
LONG_LIMIT_SECONDS = 60


class LongLimit(ProcessCase):
    """The limit of 60 s, which `rds-iam credentials` and the agent have."""

    def setUp(self):
        super().setUp()
        self.opener = Opener()
        self.services = Services(self.home)
        self.services.add("prod")

    def psql(self):
        return self.home.run(["psql", "-XAtw", "service=prod", "-c", "select current_user"], None)

    def check_agent(self, seconds):
        """Runs an agent, which fetches ahead of a login. During the fetch, a client that opens the passfile gets an
        empty file without a long wait."""
        with self.services.agent(None, wait=False, **self.env) as agent:
            await_true(lambda: self.run_count == 1, agent.log)
            begin = time.monotonic()
            self.assertEqual(self.opener.read(self.services.passfile("prod")), "")
            self.assertNotEqual(self.psql().returncode, 0, "control: no token was made yet")
            self.assertLess(time.monotonic() - begin, seconds, "control: the command is running")
            while "1 of 1 services have their tokens" not in agent.log():
                self.assertLess(time.monotonic() - begin, 2 * seconds, agent.log())
                time.sleep(0.2)
            for _ in range(3):
                self.assertEqual(self.psql().stdout, f"{USER}\n", agent.log())
                time.sleep(1.1)  # a new token
            self.assertEqual(self.run_count, 1, "the new tokens use credentials from the agent's memory")
            self.assertNotIn("no token for", agent.log())
        self.assert_accepted(3)

    def hang(self):
        """Runs `rds-iam credentials` with a command that hangs. Returns (result, seconds)."""
        begin = time.monotonic()
        return self.run_credentials("--profile", "hangs"), time.monotonic() - begin

    @within_limit
    def test_the_agent_waits_for_a_command_that_takes_half_a_minute(self):
        self.configure("no")
        self.command(AHEAD)
        profiles = (self.home.path / ".aws/config").read_text()
        self.home.write(".aws/config", f"{profiles}[profile hangs]\n"
                        f"credential_process = echo touch the key >&2; sleep {NOT_ANSWERED}\n")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            hangs = pool.submit(self.hang)
            self.check_agent(AHEAD)
            result, seconds = hangs.result()
        self.assertEqual((self.cache_entries(), self.places_of_secret()), ([], []))
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"/\.aws/config:4: the credential_process did not finish within 60 s(: touch "
                         r"the key)?; run it by hand to see why")
        self.assertNotIn("cache_credential_process", result.stderr)
        self.assertGreater(seconds, LONG_LIMIT_SECONDS - 2)

    @within_limit
    def test_the_agent_fills_the_cache_for_other_programs(self):
        self.command(SLOW)
        self.check_agent(SLOW)
        self.assertEqual((len(self.cache_entries()), self.places_of_secret()), (1, ["xdg"]))
        self.assert_cached()


if __name__ == "__main__":
    harness.main()
