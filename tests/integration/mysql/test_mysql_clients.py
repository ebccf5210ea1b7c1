# SPDX-License-Identifier: MIT
"""Clients on Oracle's library log in to a real server. The client of tests/loader stands for such a client. The
variables that set up Oracle's clients must not affect MariaDB's clients."""
import os
import pathlib

from labcase import USER, harness, mariadb_plugins
from mysql_client import GATE, PASSWORD_GIVEN, STOCK, VERIFY_IDENTITY, MysqlCase, in_each, preload, shadow_plugins
from service import await_true

SET_VERIFY_IDENTITY = "set --ssl-mode=VERIFY_IDENTITY --ssl-ca=FILE, where rds-iam setup ca installs FILE"


class MysqlClients(MysqlCase):
    @in_each
    def test_login(self, library):
        for principal in ("etl", "etl-session"):
            result = self.client(library, *VERIFY_IDENTITY, principal=principal)
            self.assert_logged_in(result)
            self.assertEqual(self.verdicts()[-1]["reason"], None)

    @in_each
    def test_login_with_options_that_allow_cleartext_passwords(self, library):
        for option in ("--enable-cleartext-plugin", "--default-auth=mysql_clear_password"):
            self.assert_logged_in(self.client(library, *VERIFY_IDENTITY, option))
            self.assertGreater(self.verdicts()[-1]["token_length"], 300)

    @in_each
    def test_a_password_that_may_not_be_sent_is_not_replaced_by_a_token(self, library):
        """The password can be a placeholder, or an old one that was not removed. Tests an RDS name, a mapped name and
        another name."""
        self.home.write(
            ".config/rds-iam/config",
            f"[db.example.com]\nendpoint = {self.lab.mariadb.host}:{self.lab.mariadb.port}\n")
        for host in (None, "db.example.com", "127.0.0.1"):
            for option in ("--password=placeholder", "--enable-cleartext-plugin"):
                for environment in ({}, {**GATE, "LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN": "0"}):
                    result = self.client(
                        library, "--ssl-mode=REQUIRED", "--password=left-over", option, host=host, **environment)
                    self.assertEqual(result.stdout, PASSWORD_GIVEN + "\n")
        self.assert_nothing_sent()

    @in_each
    def test_change_of_user(self, library):
        before = len(self.verdicts())
        result = self.client(library, *VERIFY_IDENTITY, "--change-user=" + USER)
        self.assert_logged_in(result, USER, USER)
        self.assertEqual([v["reason"] for v in self.verdicts()[before:]], [None, None])

    @in_each
    def test_change_to_a_user_that_no_policy_names(self, library):
        result = self.client(library, *VERIFY_IDENTITY, "--change-user=other_iam_user")
        self.assertIn("ERROR 1045 (28000): Access denied for user 'other_iam_user'@", result.stdout)
        self.assert_refused("AccessDenied")

    @in_each
    def test_twelve_threads_make_the_first_logins(self, library):
        before = len(self.verdicts())
        result = self.client(library, *VERIFY_IDENTITY, "--threads=12")
        self.assert_logged_in(result, *[USER] * 12)
        self.assertEqual([v["reason"] for v in self.verdicts()[before:]], [None] * 12)

    @in_each
    def test_identities_without_permission(self, library):
        for principal in ("no-policy", "denied", "foreign"):
            result = self.client(library, *VERIFY_IDENTITY, principal=principal)
            self.assertIn("ERROR 1045 (28000): Access denied", result.stdout)
            self.assert_refused("AccessDenied")

    @in_each
    def test_an_expired_token(self, library):
        """The journal's reason Expired shows that the server received a complete token of the right user."""
        self.lab.clock(3600)
        result = self.client(library, *VERIFY_IDENTITY)
        self.lab.clock(0)
        self.assertIn("ERROR 1045 (28000): Access denied", result.stdout)
        self.assert_refused("Expired")

    @in_each
    def test_no_credentials(self, library):
        seen = len(self.verdicts())
        result = self.client(library, *VERIFY_IDENTITY, principal=None)
        self.assert_refused_by_us(result, "no AWS credentials: ")
        await_true(lambda: len(self.verdicts()) > seen)  # the client does not wait for the server
        self.assertEqual(self.verdicts()[-1]["token_length"], 0, "the server denies a login without a token")

    @in_each
    def test_less_than_verify_identity(self, library):
        for options in (("--ssl-mode=REQUIRED",), ("--ssl-mode=PREFERRED",), (),
                        ("--ssl-mode=VERIFY_CA", "--ssl-ca=RDS-CA")):  # fmt: skip
            self.assert_refused_by_us(
                self.client(library, *options),
                "the server's host name was not verified, so no token was sent; " + SET_VERIFY_IDENTITY)
        self.assert_refused_by_us(
            self.client(library, "--ssl-mode=DISABLED"),
            "the connection is not encrypted, so no token was sent; " + SET_VERIFY_IDENTITY)

    def aborted(self):
        """Returns the server's count of aborted handshakes, read with a password account."""
        query = "show global status where variable_name = 'Aborted_connects_preauth'"
        result = self.home.run(
            ["mariadb", "--no-defaults", "-h", self.lab.mariadb.host, "-P", self.lab.mariadb.port,
             "-u", "native_user", "-N", "-e", query], None, MYSQL_PWD=self.lab.passwords["native_user"])
        return int(result.stdout.split()[1])

    @in_each
    def test_a_refusal_does_not_abort_the_handshake(self, library):
        """After many aborted handshakes, a server blocks the client's host. test_mariadb_manners.py shows that the
        server counts them."""
        before, seen = self.aborted(), len(self.verdicts())
        for mode, message in (("DISABLED", "the connection is not encrypted"),
                               ("REQUIRED", "the server's host name was not verified")):  # fmt: skip
            self.assert_refused_by_us(self.client(library, "--ssl-mode=" + mode), message)
        await_true(lambda: len(self.verdicts()) == seen + 2)
        self.assertEqual([v["token_length"] for v in self.verdicts()[seen:]], [0, 0], "control: the server received a response")
        self.assertEqual(self.aborted(), before)

    @in_each
    def test_alias_without_a_section(self, library):
        result = self.client(library, *VERIFY_IDENTITY, host="db.example.com")
        self.assertTrue(result.stdout.startswith(STOCK + " (rds-iam: "), result.stdout)
        self.assertIn(f"[db.example.com:{self.lab.mariadb.port}], then endpoint = ENDPOINT:ITS_PORT", result.stdout)
        self.assert_nothing_sent()

    @in_each
    def test_alias_with_the_section_that_the_message_prints(self, library):
        self.home.write(
            ".config/rds-iam/config",
            f"[db.example.com]\nendpoint = {self.lab.mariadb.host}:{self.lab.mariadb.port}\n")
        self.assert_logged_in(self.client(library, *VERIFY_IDENTITY, host="db.example.com"))

    @in_each
    def test_a_tunnel_needs_the_endpoints_own_name(self, library):
        """The certificate does not contain another name, so no --ssl-mode works, and tls = verify-ca does not
        help."""
        self.home.write(
            ".config/rds-iam/config",
            f"[127.0.0.1]\nendpoint = {self.lab.mariadb.host}:{self.lab.mariadb.port}\ntls = verify-ca\n")
        self.assert_refused_by_us(
            self.client(library, "--ssl-mode=VERIFY_CA", "--ssl-ca=RDS-CA", host="127.0.0.1"),
            "the server's host name was not verified, so no token was sent; use the endpoint's own name "
            "with --ssl-mode=VERIFY_IDENTITY, and for a tunnel map this name to the tunnel's address in /etc/hosts")
        self.assertIn("ERROR 2026", self.client(library, *VERIFY_IDENTITY, host="127.0.0.1").stdout)

    @in_each
    def test_password_accounts_still_log_in(self, library):
        for shadowed in (False, True):
            for user, environment in (("native_user", {}), ("pam_user", GATE)):
                result = self.client(
                    library, *VERIFY_IDENTITY, "--password=" + self.lab.passwords[user],
                    user=user, host="db.example.com", shadowed=shadowed, **environment)
                self.assert_logged_in(result, user)

    @in_each
    def test_cleartext_password_without_permission(self, library):
        """The error begins with the library's own message, with and without the shadow plugin."""
        for shadowed in (False, True):
            result = self.client(
                library, *VERIFY_IDENTITY, "--password=" + self.lab.passwords["pam_user"],
                user="pam_user", host="db.example.com", shadowed=shadowed)
            self.assertTrue(result.stdout.startswith(STOCK), result.stdout)

    @in_each
    def test_control_without_the_shadow_plugin_nothing_is_sent(self, library):
        result = self.client(library, *VERIFY_IDENTITY, shadowed=False)
        self.assertEqual(result.stdout, STOCK + "\n")
        self.assert_nothing_sent()

    def test_the_log_names_the_user_and_host_of_a_token(self):
        result = self.client("9.x", *VERIFY_IDENTITY, RDS_IAM_LOG="1")
        self.assertEqual(result.returncode, 0)
        self.assertIn(f"rds-iam: signed for {USER} at {self.lab.mariadb.host}:", result.stderr)

    def test_the_log_reports_that_a_password_was_sent_instead_of_a_token(self):
        result = self.client(
            "9.x", "--ssl-mode=REQUIRED", "--password=typed", RDS_IAM_LOG="1", host="127.0.0.1", **GATE)
        self.assertIn("ERROR 1045", result.stdout)
        self.assertEqual(
            result.stderr, "rds-iam: the program gave a password, so the password was sent and no token was made\n")

    @in_each
    def test_a_password_for_a_host_with_tokens_causes_a_warning(self, library):
        """The password may be a left-over. `rds-iam exec` shows the same warning."""
        self.home.write(
            ".config/rds-iam/config",
            f"[127.0.0.1]\nendpoint = {self.lab.mariadb.host}:{self.lab.mariadb.port}\n")
        for host in (self.lab.mariadb.host, "127.0.0.1"):
            result = self.client(
                library, "--ssl-mode=REQUIRED", "--password=left-over", host=host, RDS_IAM_LOG="warning", **GATE)
            self.assertIn("ERROR 1045", result.stdout)
            self.assertEqual(
                result.stderr,
                "rds-iam: warning: the program's own password (MYSQL_PWD, password= in an option file, -p, or "
                f"a setting) is sent to {host} instead of a token; remove it if {USER} logs in with IAM\n")

    @in_each
    def test_a_broken_configuration_causes_no_warning_and_the_password_is_sent(self, library):
        self.home.write(".config/rds-iam/config", "[127.0.0.1\n")
        result = self.client(
            library, "--ssl-mode=REQUIRED", "--password=" + self.lab.passwords["pam_user"], user="pam_user",
            host="127.0.0.1", RDS_IAM_LOG="warning", **GATE)
        self.assert_logged_in(result, "pam_user")

    @in_each
    def test_the_log_gives_the_reason_of_a_refusal(self, library):
        """The log line is for programs that do not print the library's error. The level "warning", which exec uses,
        does not show it."""
        at = f"{USER} at {self.lab.mariadb.host}:{self.lab.mariadb.port}"
        rows = (
            (("--ssl-mode=REQUIRED",), "the server's host name was not verified, so no token was sent; set --ssl-mode"),
            (("--ssl-mode=DISABLED",), "the connection is not encrypted, so no token was sent; set --ssl-mode"),
            ((*VERIFY_IDENTITY, "--password=x"), "a password was given, so no token was made; for a token give no"),
        )
        for options, reason in rows:
            for level, shown in (("1", True), ("warning", False)):
                result = self.client(library, *options, RDS_IAM_LOG=level)
                self.assertEqual(result.returncode, 1)
                self.assertEqual(result.stderr.startswith(f"rds-iam: {at} is refused: {reason}"), shown, result.stderr)
                self.assertEqual(result.stderr.count("\n"), 1 if shown else 0)

    def test_the_links_point_to_the_librarys_own_plugins(self):
        links = {path.stem: os.readlink(path) for path in shadow_plugins().iterdir() if path.is_symlink()}
        self.assertIn("mysql_native_password", links)
        self.assertIn("authentication_kerberos_client", links)
        for name, target in links.items():
            self.assertEqual(pathlib.Path(target).name, name + ".so")
            self.assertTrue(target.startswith("/"), target)


class MariadbClients(MysqlCase):
    """MariaDB's clients with the variables for Oracle's library. MariaDB's library also reads LIBMYSQL_PLUGINS."""

    def both(self, program, *arguments, user=USER, **environment):
        """Runs the same command without and with the variables for Oracle's library. Returns both results."""
        argv = [program, "-h", self.lab.mariadb.host, "-P", self.lab.mariadb.port, "-u", user, *arguments]
        return [self.home.run(argv, "etl", **environment, **more) for more in ({}, preload())]

    def write_my_cnf(self, *lines):
        self.home.write(
            ".my.cnf", f"[client]\nssl-ca={self.lab.ca_file}\nssl-verify-server-cert=1\n" + "".join(
                line + "\n" for line in lines))

    def assert_alike(self, results, status):
        without, with_them = results
        for result in results:
            self.assertEqual(result.returncode, status, result)
        self.assertEqual(without.stdout, with_them.stdout)
        self.assertEqual(without.stderr, with_them.stderr)

    def test_stock_clients(self):
        self.write_my_cnf()
        password = "--password=" + self.lab.passwords["native_user"]
        self.assert_alike(self.both("mariadb", password, "-e", "select 1", user="native_user"), 0)
        dumped = ("mariadb-dump", password, "--skip-dump-date", "shop")
        self.assert_alike(self.both(*dumped, user="native_user"), 0)
        refused = self.both("mariadb", "-e", "select 1")
        self.assert_alike(refused, 1)
        self.assertIn("ERROR 1045", refused[0].stderr)
        self.assert_nothing_sent()

    def test_clients_with_the_plugin_for_mariadb(self):
        self.write_my_cnf("plugin-dir=%s" % mariadb_plugins())
        self.assert_alike(self.both("mariadb", "-N", "-e", "select current_user()"), 0)
        dumped = self.both("mariadb-dump", "--skip-dump-date", "shop")
        self.assert_alike(dumped, 0)
        self.assertIn("CREATE TABLE", dumped[0].stdout)
        self.assert_accepted(4)

    def test_one_environment_for_both_libraries(self):
        """A service that runs clients of both libraries needs both sets of variables."""
        self.write_my_cnf()
        directory = {"MARIADB_PLUGIN_DIR": str(mariadb_plugins())}
        self.assert_alike(self.both("mariadb", "-N", "-e", "select current_user()", **directory), 0)
        self.assert_logged_in(self.client("9.x", *VERIFY_IDENTITY, **directory))
        self.assert_accepted(3)

    def test_control_a_mariadb_client_with_the_directory_for_oracles_library(self):
        """The client loads rds_iam_v1, which has the same interface version as the client's own plugins. The plugin
        does not recognize the library and sends nothing. The call of the plugin shows that the variables take
        effect."""
        self.write_my_cnf()
        for program, arguments in (("mariadb", ("-e", "select 1")), ("mariadb-dump", ("shop",))):
            result = self.both(
                program, *arguments, MARIADB_PLUGIN_DIR=str(shadow_plugins()), RDS_IAM_LOG="1")[1]
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("of a known client library, so nothing was sent", result.stderr)
        self.assert_nothing_sent()


if __name__ == "__main__":
    harness.main()
