# SPDX-License-Identifier: MIT
"""A credential_process that takes longer than the 10 s limit of a login.

The login fails, and its message names a command. After the user runs this command once, the plugin, the preload,
`rds-iam token` and the agent use the cache.
The agent fetches credentials ahead of a login and has a limit of 60 s."""
import concurrent.futures
import re
import shlex
import time

from labcase import USER, harness
from mariadb_client import CONFIG
from opener import Opener, within_limit
from process_case import ProcessCase
from service import Services, await_true

LIMIT = "the credential_process exceeded the 10 s limit of a login; "
SLOW = 11  # seconds; longer than the limit of a login
AHEAD = 32  # seconds; much longer than the limit of a login, and shorter than the agent's
NOT_ANSWERED = 600
LONG_LIMIT_SECONDS = 60
IN_TIME = 5  # seconds that a login may take if it uses the cache


class Slow(ProcessCase):
    """A command that takes longer than the limit of a login."""

    def test_after_one_run_of_the_command_every_login_uses_the_cache(self):
        self.command(SLOW)
        services = Services(self.home)
        services.add("prod")
        logins = (self.token, self.plugin, self.exec_psql)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            early = [login.result() for login in [pool.submit(each) for each in logins]]
        for result in early:
            self.assertNotEqual(result.returncode, 0)
        self.assertIn(f"{self.home.path}/.aws/config:2: {LIMIT}run in this environment: rds-iam credentials --ho",
                      early[0].stderr)
        self.assertEqual(self.cache_entries(), [])
        # Run the command exactly as the message prints it.
        named = re.search(r"run in this environment: (rds-iam .*)", early[0].stderr).group(1)
        result = self.home.run(
            ["sh", "-c", named.replace("rds-iam", shlex.quote(str(self.tool)), 1)], None, **self.env)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        before = self.run_count
        begin = time.monotonic()
        self.assert_logged_in(self.plugin())
        self.assertEqual(self.exec_psql().stdout, f"{USER}\n")
        self.assert_cached()
        with services.agent(None, **self.env):
            psql = self.home.run(["psql", "-XAtw", "service=prod", "-c", "select current_user"], None)
        self.assertEqual((psql.returncode, psql.stdout), (0, f"{USER}\n"), psql.stderr)
        self.assertLess(time.monotonic() - begin, 4 * IN_TIME)
        self.assertEqual(self.run_count, before)
        sent = [verdict["reason"] for verdict in self.verdicts() if verdict["token_length"] > 0]
        self.assertEqual(sent, [None] * 3)
        # Only the cache entry contains the secret.
        (entry,) = self.cache_entries()
        self.assertEqual((entry.stat().st_mode & 0o777, entry.parent.stat().st_mode & 0o777), (0o600, 0o700))
        self.assertEqual(self.places_of_secret(), ["xdg"])

    def test_the_message_names_the_limit_the_setting_and_the_command(self):
        self.command(NOT_ANSWERED)
        database = self.lab.pg
        command = f"rds-iam credentials --hostname {database.host} --port {database.port} --username {USER}"
        setting = f"set cache_credential_process = yes for this host in ~/{CONFIG}, then "
        wide = self.home.path / "wide"
        wide.mkdir()
        wide.chmod(0o777)
        section = f"[{database.host}]\nprofile = p\ncache_credential_process = "
        yes = self.home.write("yes", section + "yes\n")
        no = self.home.write("n" * 150, section + "no\n")
        here = "run in this environment: " + command
        unset = "fix XDG_RUNTIME_DIR (it is not set), "
        not_own = "fix XDG_RUNTIME_DIR (it is not a directory that only you can write), "
        self.configure(word=None)
        rows = (
            ({}, setting + here),
            ({"RDS_IAM_CONFIG": str(no)}, f"set cache_credential_process = yes, then run: {command}"),
            ({"RDS_IAM_CONFIG": str(yes)}, here),
            ({"RDS_IAM_CONFIG": str(yes), "XDG_RUNTIME_DIR": ""}, unset + here),
            ({"RDS_IAM_CONFIG": str(yes), "XDG_RUNTIME_DIR": str(wide)}, not_own),
            ({"XDG_RUNTIME_DIR": ""}, unset),
        )
        with concurrent.futures.ThreadPoolExecutor(len(rows) + 2) as pool:
            logins = [(pool.submit(self.plugin), self.lab.mariadb), (pool.submit(self.exec_psql), database)]
            results = list(pool.map(lambda row: self.token(RDS_IAM_LOG="1", **row[0]), rows))
        for (extra, remedy), result in zip(rows, results):
            with self.subTest(extra):
                self.assertEqual(result.returncode, 1)
                message = result.stderr.splitlines()[-1]
                self.assertIn(f"/.aws/config:2: {LIMIT}{remedy}", message)
                self.assertIn(command, message)
                self.assertLessEqual(len(message.removeprefix("rds-iam: ")), 380, "a client would truncate it")
        for login, database in logins:
            result = login.result()
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(LIMIT + "set cache_credential_process = yes", result.stderr)
            self.assertIn(f"--hostname {database.host} --port {database.port} --username {USER}", result.stderr)
        self.assert_nothing_sent()


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
            self.assertNotEqual(self.psql().returncode, 0, "control: there is no token yet")
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


class Chain(ProcessCase):
    def test_a_role_assumed_with_the_credentials_of_a_slow_command(self):
        """The user runs rds-iam with only --profile, which caches the command's credentials. A later login then only
        assumes the role."""
        self.print_keys(principal=self.lab.principals["etl-base"])
        self.command(SLOW)
        self.configure(role_arn=self.lab.roles["rds-access"].arn)
        self.assertEqual(self.run_credentials("--profile", "p").returncode, 0)
        self.assert_cached()
        self.assertEqual([call["operation"] for call in self.calls()], ["AssumeRole"])


if __name__ == "__main__":
    harness.main()
