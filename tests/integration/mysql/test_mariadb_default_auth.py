# SPDX-License-Identifier: MIT
"""Tests of the second plugin, aws_rds_iam, which the option default-auth selects. This plugin is for libraries that
have mysql_clear_password built in.

The plugin directory of most tests contains the distribution's own mysql_clear_password, which would send an empty
password. With this directory, only the second plugin can log in the IAM user."""
import pathlib

import hostile
import traces
from labcase import USER, harness, mariadb_plugins
from mariadb_client import CONFIG, UNVERIFIED, VERIFIES_ITSELF, MariadbCase
from mysql_peer import CLEAR, NATIVE, OK, SCRAMBLE, MySQLPeer, Script, switch

DEFAULT_AUTH = "default-auth=aws_rds_iam"
CONNECTIONS = harness.BUILD / "tests" / "integration" / "src" / "connections"
ACCOUNTS = ("native_user", "ed25519_user", "pam_user")


def static_build(home):
    """Creates a plugin directory that acts like a library with a built-in mysql_clear_password: it contains the
    distribution's plugins and aws_rds_iam.so. Returns the directory."""
    directory = home.path / "plugins"
    directory.mkdir(exist_ok=True)
    for path in pathlib.Path(hostile.stock_plugins()).glob("*.so"):
        (directory / path.name).symlink_to(path)
    (directory / "aws_rds_iam.so").symlink_to(mariadb_plugins() / "aws_rds_iam.so")
    return directory


class DefaultAuth(MariadbCase):
    def setUp(self):
        super().setUp()
        self.plugins = static_build(self.home)
        self.write_my_cnf(plugin_dir=self.plugins, default_auth="aws_rds_iam")

    def connections(self, command, *arguments, **extra):
        mariadb = self.lab.mariadb
        return self.home.run(
            [CONNECTIONS, command, mariadb.host, mariadb.port, USER, *arguments], **extra)

    def test_control_without_default_auth_the_built_in_plugin_sends_an_empty_password(self):
        self.write_my_cnf(plugin_dir=self.plugins)
        self.assertIn("ERROR 1045", self.mariadb().stderr)
        self.assert_nothing_sent()

    def test_the_iam_user_logs_in(self):
        for principal in ("etl", "etl-session"):
            self.assert_logged_in(self.mariadb(principal=principal))
        self.assert_accepted(2)

    def test_the_second_plugin_works_together_with_the_first(self):
        self.write_my_cnf(default_auth="aws_rds_iam")
        self.assert_logged_in(self.mariadb())
        self.assert_accepted()

    def test_password_accounts_still_log_in(self):
        for user in ACCOUNTS:
            with self.subTest(user=user):
                result = self.mariadb(user=user, MYSQL_PWD=self.lab.passwords[user], principal=None)
                self.assert_logged_in(result, user)

    def test_a_token_given_as_the_password_needs_verification(self):
        token = self.lab.token("etl", self.lab.mariadb, USER)
        self.assert_logged_in(self.mariadb(MYSQL_PWD=token, principal=None))
        self.write_my_cnf(
            plugin_dir=self.plugins, default_auth="aws_rds_iam", ssl_verify_server_cert=0)
        result = self.mariadb(MYSQL_PWD=token, principal=None)
        self.assertIn(UNVERIFIED, result.stderr)
        sent = [v["reason"] for v in self.verdicts() if v["token_length"] > 0]
        self.assertEqual(sent, [None], "only the first login sends the token")

    def test_a_change_of_user_a_reconnect_and_the_nonblocking_interface(self):
        rows = (
            ("change-user", USER, ""),
            ("reconnect",),
            ("nonblocking", 61440),
        )
        for row in rows:
            with self.subTest(command=row[0]):
                result = self.connections(*row)
                self.assertEqual(result.returncode, 0, result.stdout)
        self.assert_accepted(2 + 2 + 3)

    def test_a_change_to_a_native_account_fails_with_every_default_auth(self):
        """A limit of the library: after a change of user, its mysql_native_password uses an old scramble."""
        password = self.lab.passwords["native_user"]
        for plugin in ("aws_rds_iam", "client_ed25519"):
            with self.subTest(plugin=plugin):
                self.write_my_cnf(default_auth=plugin)
                result = self.connections("change-user", "native_user", password)
                self.assertIn("change: 1045 Access denied for user 'native_user'", result.stdout)

    def test_a_refusal_shows_the_message(self):
        self.assert_message(self.mariadb(principal=None), "no AWS credentials")
        self.write_my_cnf(
            plugin_dir=self.plugins, default_auth="aws_rds_iam", without=("ssl-ca",),
            ssl_verify_server_cert=0, skip_ssl="")
        self.assert_message(self.mariadb(), "the connection is not encrypted")

    def test_a_password_account_logs_in_with_a_broken_configuration(self):
        self.home.write(CONFIG, "[nonsense\n")
        result = self.mariadb(
            user="native_user", MYSQL_PWD=self.lab.passwords["native_user"], principal=None)
        self.assert_logged_in(result, "native_user")


NOT_ENCRYPTED = "the connection is not encrypted, so no token was sent; set ssl-ca and "
ITSELF = "the server asks for the plugin aws_rds_iam, but"
OFF = "ssl-verify-server-cert=0"


class Hostile(hostile.HostileCase):
    ROWS = (
        ("no TLS", None, (), Script(), NOT_ENCRYPTED),
        ("wrong name", "wrong_name", ("ssl-ca=RDS-CA", OFF), Script(),
         hostile.WRONG_NAME if VERIFIES_ITSELF else UNVERIFIED + "add ssl-verify-server-cert=1"),
        ("no verification", "server", ("ssl-ca=RDS-CA", OFF), Script(),
         UNVERIFIED + "add ssl-verify-server-cert=1"),
        # Without ssl-ca, version 3.4 itself sends an empty password.
        ("unknown CA", "other_ca", ("ssl", OFF), Script(), None if VERIFIES_ITSELF else
         "the server's certificate was not verified, so no token was sent; set ssl-ca and "),
        ("asks twice", None, (), Script(asks=(switch(CLEAR), switch(CLEAR))), NOT_ENCRYPTED),
        ("greeting asks", None, (), Script(greeting=CLEAR), NOT_ENCRYPTED),
        ("greeting names aws_rds_iam", None, (), Script(greeting="aws_rds_iam"), ITSELF),
        ("greeting names aws_rds_iam, verification set", "server", ("ssl-ca=RDS-CA", "ssl-verify-server-cert=1"),
         Script(greeting="aws_rds_iam", asks=(), verdict=OK), ITSELF),
        ("accepts the login after its request", None, (), Script(verdict=OK), NOT_ENCRYPTED),
        # In these rows, the library itself sends empty passwords, and the server denies the login.
        ("never stops asking", None, (), Script(asks=(switch(CLEAR),) * 9), None),
        ("a scramble first", None, (), Script(asks=(switch(NATIVE, SCRAMBLE + b"\0"), switch(CLEAR))), None),
    )  # fmt: skip

    def test_hostile_servers_get_no_token(self):
        plugins = static_build(self.home)
        for name, certificate, options, script, message in self.ROWS:
            with self.subTest(server=name):
                self.write_options(plugins, DEFAULT_AUTH, *options)
                key = certificate and getattr(self.lab.certificates, certificate)
                with MySQLPeer(key, script) as peer:
                    text = self.dial("mariadb", peer.port)
                if message is None:
                    self.assertIn("ERROR 1045 (28000): Access denied by the peer", text)
                elif message == hostile.WRONG_NAME:
                    self.assertIn(message, text)
                else:
                    self.assert_message("mariadb", text, message)
                self.assertEqual([data for _, data in peer.answers if data not in (b"", b"\0")], [])
                self.assert_no_token(peer)

    def test_control_a_verified_server_gets_a_token(self):
        self.write_options(
            static_build(self.home), DEFAULT_AUTH, "ssl-ca=RDS-CA", "ssl-verify-server-cert=1")
        with MySQLPeer(self.lab.certificates.server) as peer:
            self.dial("mariadb", peer.port)
        self.assert_token(peer.answers[0], hostile.HOST, peer.port)
        self.assertNotEqual(traces.find(peer.received, self.secrets), [])


if __name__ == "__main__":
    harness.main()
