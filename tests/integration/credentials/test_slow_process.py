# SPDX-License-Identifier: MIT
"""A credential_process that takes longer than the 10 s limit of a login.

The login fails, and its message names a command. After the user runs this command once, the plugin, the preload,
`rds-iam token` and the agent use the cache. test_slow_process_ahead.py tests the programs that have more time."""
import concurrent.futures
import re
import shlex
import time

from labcase import USER, harness
from mariadb_client import CONFIG
from process_case import ProcessCase
from service import Services

LIMIT = "the credential_process exceeded the 10 s limit of a login; "
SLOW = 11  # seconds; longer than the limit of a login
NOT_ANSWERED = 600  # seconds; no login waits until a command that takes so long ends
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
