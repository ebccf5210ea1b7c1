# SPDX-License-Identifier: MIT
"""Accounts with passwords go through the same plugin directory as if we were not there, whatever is
wrong with our configuration."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from labcase import USER, harness, mariadb_plugins  # noqa: E402
from mariadb_client import CONFIG, UNVERIFIED, MariadbCase  # noqa: E402

ACCOUNTS = ("native_user", "ed25519_user", "pam_user")


def stock_plugins():
    """The distribution's own plugin directory."""
    return harness.run(["mariadb_config", "--plugindir"]).stdout.strip()


class PasswordCase(MariadbCase):
    def log_in_as(self, user, *options, **extra):
        extra.setdefault("MYSQL_PWD", self.lab.passwords[user])
        return self.mariadb(*options, user=user, principal=None, **extra)

    def assert_all_log_in(self, **extra):
        for user in ACCOUNTS:
            self.assert_logged_in(self.log_in_as(user, **extra), user)
        self.assert_nothing_sent()


class Accounts(PasswordCase):
    def test_each_kind_of_account_logs_in(self):
        self.assert_all_log_in()

    def test_the_password_may_come_from_the_option_file_or_the_command_line(self):
        for user in ACCOUNTS:
            password = self.lab.passwords[user]
            with self.subTest(user=user):
                self.assert_logged_in(
                    self.mariadb(f"-p{password}", user=user, principal=None), user)
                self.write_my_cnf(password=password)
                self.assert_logged_in(self.mariadb(user=user, principal=None), user)

    def test_broken_credentials_are_never_looked_at(self):
        half = {"AWS_ACCESS_KEY_ID": "AKIALABETLEXAMPLE001"}
        self.assert_all_log_in(**half)
        result = self.mariadb(principal=None, **half)
        self.assert_sentence(result, "AWS_SECRET_ACCESS_KEY is not")

    def test_a_wrong_password_is_the_servers_business(self):
        for user in ACCOUNTS:
            with self.subTest(user=user):
                result = self.log_in_as(user, MYSQL_PWD="wrong")
                self.assertIn(f"ERROR 1045 (28000): Access denied for user '{user}'", result.stderr)
                self.assertNotIn("rds-iam", result.stderr)

    def test_the_links_matter(self):
        # Control: a directory with our file alone has no plugin for ed25519.
        bare = self.home.path / "bare"
        bare.mkdir()
        (bare / "mysql_clear_password.so").symlink_to(mariadb_plugins() / "mysql_clear_password.so")
        self.write_my_cnf(plugin_dir=bare)
        self.assertIn("client_ed25519.so: cannot open", self.log_in_as("ed25519_user").stderr)
        self.assert_logged_in(self.log_in_as("pam_user"), "pam_user")

    def test_a_typed_password_goes_where_the_stock_plugin_sends_it(self):
        # Without TLS too: that is between the account's owner and the server.
        plain = ("--skip-ssl", "--ssl-verify-server-cert=0")
        for directory in (stock_plugins(), mariadb_plugins()):
            with self.subTest(directory=directory):
                self.write_my_cnf(plugin_dir=directory)
                result = self.log_in_as("pam_user", *plain)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn("pam_user@%", result.stdout)

    def test_the_log_says_that_a_password_took_the_tokens_place(self):
        said = "rds-iam: the program gave a password, so that was sent and no token was made\n"
        result = self.mariadb(MYSQL_PWD="typed", RDS_IAM_LOG="1")
        self.assertIn("ERROR 1045", result.stderr)
        self.assertIn(said, result.stderr)
        self.assertNotIn(said, self.mariadb(RDS_IAM_LOG="1").stderr)
        self.assertNotIn(said, self.mariadb(MYSQL_PWD="typed").stderr)

    def test_a_typed_token_is_held_to_the_tokens_rule(self):
        token = self.lab.token("etl", self.lab.mariadb, USER)
        plain = ("--skip-ssl", "--ssl-verify-server-cert=0")
        rows = (
            (plain, "the connection is not encrypted, so no token was sent"),
            (("--ssl-verify-server-cert=0",), UNVERIFIED),
        )
        for options, sentence in rows:
            with self.subTest(options=options):
                result = self.mariadb(*options, principal=None, MYSQL_PWD=token)
                self.assert_sentence(result, sentence)
        self.assert_logged_in(self.mariadb(principal=None, MYSQL_PWD=token))
        self.assertEqual(self.verdicts()[-1]["token_length"], len(token))


class BrokenConfiguration(PasswordCase):
    """Each kind of damage leaves password accounts alone, and stops an IAM user with a sentence."""

    def assert_harmless(self, sentence, **extra):
        self.assert_all_log_in(**extra)
        self.assert_sentence(self.mariadb(**extra), sentence)

    def test_what_is_wrong_in_the_file(self):
        rows = (
            ("# ours\n[db.example.com\n", 2),
            (f"[{'x' * 20}]\n\nprofil = etl\n", 3),
            ("[db.example.com]\nendpoint = nowhere\n", 2),
            ("[*.rds.amazonaws.com]\nendpoint = db.example.com:3306\n", 1),
        )
        for text, line in rows:
            with self.subTest(text=text):
                path = self.home.write(CONFIG, text)
                self.assert_harmless(f"{path}:{line}: ")

    def test_a_file_that_others_can_write(self):
        path = self.home.write(CONFIG, "", mode=0o664)
        self.assert_harmless(f"{path}: others can write it; type: chmod go-w {path}")

    def test_a_directory_in_its_place(self):
        path = self.home.path / CONFIG
        path.mkdir(parents=True)
        self.assert_harmless(f"{path}: is no regular file; name another one")

    def test_a_fifo_in_its_place(self):
        path = self.home.path / CONFIG
        path.parent.mkdir(parents=True)
        os.mkfifo(path)
        self.assert_harmless(f"{path}: is no regular file; name another one")

    def test_rds_iam_config_names_nothing(self):
        self.assert_harmless(
            "RDS_IAM_CONFIG names /nowhere/config, which does not exist; mend or unset it",
            RDS_IAM_CONFIG="/nowhere/config")

    def test_control_the_same_file_mended_lets_the_iam_user_in(self):
        path = self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nregion = us-east-1\n")
        self.assert_logged_in(self.mariadb())
        self.assert_logged_in(self.mariadb(RDS_IAM_CONFIG=str(path)))
        self.assert_accepted(2)


class Homeless(PasswordCase):
    """Services run without a home."""

    def options(self):
        path = self.write_my_cnf("service.cnf")
        return f"--defaults-file={path}"

    def without_home(self, argv, principal, **extra):
        env = self.home.env(principal, **extra)
        del env["HOME"]
        return harness.run(argv, env=env, cwd="/")

    def test_an_empty_home(self):
        option = self.options()
        empty = self.home.path / "empty"
        empty.mkdir()
        for user in ACCOUNTS:
            self.assert_logged_in(self.log_in_as(user, option, HOME=str(empty)), user)
        self.assert_logged_in(self.mariadb(option, HOME=str(empty)))
        self.assert_accepted()

    def test_no_home_at_all(self):
        option = self.options()
        for user in ACCOUNTS:
            result = self.without_home(
                self.argv(option, user=user), None, MYSQL_PWD=self.lab.passwords[user])
            self.assert_logged_in(result, user)
        result = self.without_home(self.argv(option), None)
        self.assert_sentence(result, "no AWS credentials")
        self.assert_logged_in(self.without_home(self.argv(option), "etl"))


if __name__ == "__main__":
    harness.main()
