# SPDX-License-Identifier: MIT
"""Accounts with passwords log in with rds-iam's plugin directory as they do without it, even if rds-iam's
configuration is broken."""
import os
import re

from labcase import USER, harness, mariadb_plugins
from mariadb_client import CONFIG, UNVERIFIED, MariadbCase

ACCOUNTS = ("native_user", "ed25519_user", "pam_user")


def stock_plugins():
    """Returns the distribution's own plugin directory."""
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

    def test_broken_credentials_have_no_effect(self):
        half = {"AWS_ACCESS_KEY_ID": "AKIALABETLEXAMPLE001"}
        self.assert_all_log_in(**half)
        result = self.mariadb(principal=None, **half)
        self.assert_message(result, "AWS_SECRET_ACCESS_KEY is not")

    def test_for_a_wrong_password_only_the_server_reports_an_error(self):
        for user in ACCOUNTS:
            with self.subTest(user=user):
                result = self.log_in_as(user, MYSQL_PWD="wrong")
                self.assertIn(f"ERROR 1045 (28000): Access denied for user '{user}'", result.stderr)
                self.assertNotIn("rds-iam: ", result.stderr)

    def test_control_the_links_in_the_plugin_directory_are_needed(self):
        # A directory with rds-iam's plugin alone has no plugin for ed25519.
        bare = self.home.path / "bare"
        bare.mkdir()
        (bare / "mysql_clear_password.so").symlink_to(mariadb_plugins() / "mysql_clear_password.so")
        self.write_my_cnf(plugin_dir=bare)
        self.assertIn("client_ed25519.so: cannot open", self.log_in_as("ed25519_user").stderr)
        self.assert_logged_in(self.log_in_as("pam_user"), "pam_user")

    def test_a_password_is_sent_wherever_the_stock_plugin_sends_it(self):
        # The password is sent even without TLS, because the product does not change the security of password
        # accounts.
        plain = ("--skip-ssl", "--ssl-verify-server-cert=0")
        for directory in (stock_plugins(), mariadb_plugins()):
            with self.subTest(directory=directory):
                self.write_my_cnf(plugin_dir=directory)
                result = self.log_in_as("pam_user", *plain)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn("pam_user@%", result.stdout)

    def assert_warned(self, result, host, user=USER):
        self.assertIn("ERROR 1045", result.stderr)
        self.assertIn(
            "rds-iam: warning: the program's own password (MYSQL_PWD, password= in an option file, -p, or a "
            f"setting) is sent to {host} instead of a token; remove it if {user} logs in with IAM\n", result.stderr)

    def test_a_left_over_password_causes_a_warning(self):
        """`rds-iam exec` shows the same warning. The password is still sent."""
        host, port = self.lab.mariadb.host, self.lab.mariadb.port
        for level in ("1", "warning"):
            self.assert_warned(self.mariadb(MYSQL_PWD="left-over", RDS_IAM_LOG=level), host)
            self.assert_warned(self.mariadb("-pleft-over", RDS_IAM_LOG=level), host)
        self.write_my_cnf(password="left-over")
        self.assert_warned(self.mariadb(RDS_IAM_LOG="warning"), host)
        self.write_my_cnf()
        self.home.write(CONFIG, f"[{self.lab.certified_name}]\nendpoint = {host}:{port}\n")
        self.assert_warned(
            self.mariadb(host=self.lab.certified_name, MYSQL_PWD="left-over", RDS_IAM_LOG="warning"),
            self.lab.certified_name)
        self.assert_warned(self.exec_mariadb(MYSQL_PWD="left-over"), host)
        for result in (self.mariadb(RDS_IAM_LOG="warning"), self.mariadb(MYSQL_PWD="left-over")):
            self.assertNotIn("rds-iam: ", result.stderr)

    def exec_mariadb(self, *options, **extra):
        tool = harness.installed("bin/rds-iam")
        return self.home.run([tool, "exec", "--", *self.argv(*options)], "etl", **extra)

    def test_a_password_for_another_name_causes_no_warning(self):
        line = "rds-iam: the program gave a password, so the password was sent and no token was made\n"
        for level, shown in (("1", line), ("warning", "")):
            result = self.mariadb(host=self.lab.certified_name, MYSQL_PWD="typed", RDS_IAM_LOG=level)
            self.assertIn("ERROR 1045", result.stderr)
            self.assertEqual("".join(re.findall("^rds-iam.*\n", result.stderr, re.M)), shown)

    def test_a_broken_configuration_causes_no_warning_and_the_password_is_sent(self):
        for text in ("[db.example.com\n", "[a]\nprofil = x\n", None):
            path = self.home.write(CONFIG, text or "", mode=0o600 if text else 0o666)
            result = self.log_in_as(
                "pam_user", host=self.lab.certified_name, RDS_IAM_LOG="warning", RDS_IAM_CONFIG=str(path))
            self.assert_logged_in(result, "pam_user")
            self.assertNotIn("rds-iam: ", result.stderr)

    def test_the_log_gives_the_reason_of_a_refusal(self):
        """The log line is for programs that do not print the library's error. At the level "warning",
        which exec sets, the line is missing, because the client's own error is enough."""
        at = f"{USER} at {self.lab.mariadb.host}:{self.lab.mariadb.port}"
        rows = (
            (("--skip-ssl", "--ssl-verify-server-cert=0"), "etl", "the connection is not encrypted, so no token was"),
            (("--ssl-verify-server-cert=0",), "etl", UNVERIFIED),
            ((), None, "no AWS credentials: "),
        )
        for options, principal, reason in rows:
            line = f"rds-iam: {at} is refused: {reason}"
            result = self.mariadb(*options, principal=principal, RDS_IAM_LOG="1")
            self.assert_message(result, reason)
            self.assertEqual(len(re.findall("^" + re.escape(line), result.stderr, re.M)), 1, result.stderr)
            for result in (self.mariadb(*options, principal=principal, RDS_IAM_LOG="warning"),
                           self.mariadb(*options, principal=principal)):  # fmt: skip
                self.assert_message(result, reason)
                self.assertNotIn("is refused: ", result.stderr)

    def test_the_log_has_the_error_that_a_program_does_not_print(self):
        script = (
            "import MySQLdb, sys\n"
            "try: MySQLdb.connect(host=sys.argv[1], port=int(sys.argv[2]), user=sys.argv[3])\n"
            "except MySQLdb.Error: print('no connection')\n")
        argv = ["/usr/bin/python3", "-c", script, self.lab.mariadb.host, self.lab.mariadb.port, USER]
        plugins = {"MARIADB_PLUGIN_DIR": str(mariadb_plugins())}
        result = self.home.run(argv, "etl", RDS_IAM_LOG="1", **plugins)
        self.assertEqual(result.stdout, "no connection\n")
        self.assertIn(" is refused: the connection is not encrypted, so no token was sent; ", result.stderr)
        self.assertEqual(self.home.run(argv, "etl", **plugins).stderr, "")

    def test_a_token_given_as_the_password_needs_verification(self):
        token = self.lab.token("etl", self.lab.mariadb, USER)
        plain = ("--skip-ssl", "--ssl-verify-server-cert=0")
        rows = (
            (plain, "the connection is not encrypted, so no token was sent"),
            (("--ssl-verify-server-cert=0",), UNVERIFIED),
        )
        for options, message in rows:
            with self.subTest(options=options):
                result = self.mariadb(*options, principal=None, MYSQL_PWD=token)
                self.assert_message(result, message)
        self.assert_logged_in(self.mariadb(principal=None, MYSQL_PWD=token))
        self.assertEqual(self.verdicts()[-1]["token_length"], len(token))


class BrokenConfiguration(PasswordCase):
    """With each kind of broken configuration, password accounts still log in, and the login of an IAM user fails with a
    message."""

    def assert_harmless(self, message, **extra):
        self.assert_all_log_in(**extra)
        self.assert_message(self.mariadb(**extra), message)

    def test_errors_in_the_file(self):
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
        path = self.home.write(CONFIG, "", mode=0o666)
        self.assert_harmless(f"{path}: every user can write it; run: chmod o-w {path}")

    def test_a_directory_in_the_place_of_the_file(self):
        path = self.home.path / CONFIG
        path.mkdir(parents=True)
        self.assert_all_log_in()
        self.assert_harmless(f"{path}: is a directory; replace it with a file", RDS_IAM_CONFIG=str(path))

    def test_a_fifo_in_the_place_of_the_file(self):
        path = self.home.path / CONFIG
        path.parent.mkdir(parents=True)
        os.mkfifo(path)
        self.assert_harmless(f"{path}: is not a regular file; name another")

    def test_rds_iam_config_names_a_missing_file(self):
        self.assert_harmless(
            "RDS_IAM_CONFIG names /nowhere/config, which does not exist; fix or unset it",
            RDS_IAM_CONFIG="/nowhere/config")

    def test_control_with_a_correct_file_the_iam_user_logs_in(self):
        path = self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nregion = us-east-1\n")
        self.assert_logged_in(self.mariadb())
        self.assert_logged_in(self.mariadb(RDS_IAM_CONFIG=str(path)))
        self.assert_accepted(2)


class Homeless(PasswordCase):
    """Logins without a usable home directory, as in a service."""

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

    def test_home_is_not_set(self):
        option = self.options()
        for user in ACCOUNTS:
            result = self.without_home(
                self.argv(option, user=user), None, MYSQL_PWD=self.lab.passwords[user])
            self.assert_logged_in(result, user)
        result = self.without_home(self.argv(option), None)
        self.assert_message(result, "no AWS credentials")
        self.assert_logged_in(self.without_home(self.argv(option), "etl"))


if __name__ == "__main__":
    harness.main()
