# SPDX-License-Identifier: MIT
"""Connector/C of other Debian releases, as the `mariadb` command and as the library. The tests are those that Debian
12's own Connector/C passes: logins, changes of user, reconnects and refusals. A release that the mirror does not
serve is skipped with the reason; the installed one is never skipped."""
import pathlib

import client_releases
from labcase import USER, harness
from mariadb_client import CONFIG, MariadbCase, connector_c

ME = f"{USER}@%"
PROGRAM = harness.BUILD / "tests" / "integration" / "src" / "connections"
SMALL_STACK = 61440
# The version number that Connector/C of each release reports. Connector/C 3.1, in bullseye, reports the number of the
# MariaDB server. No release contains Connector/C 3.2.
SERIES = {
    "installed": "%d.%d." % connector_c()[:2], "bullseye": "10.5.", "bookworm": "3.3.", "trixie": "3.4.", "sid": "3.4.",
}


class Installed:
    """The installed client, with the interface of client_releases.Client."""

    @staticmethod
    def command(name):
        return [name]

    @staticmethod
    def program(path):
        return [path]


class Versions(MariadbCase):
    def client(self, suite):
        if suite == "installed":
            return Installed
        try:
            return client_releases.fetch(suite)
        except client_releases.NotServed as reason:
            self.skipTest(str(reason))

    def run_there(self, argv, principal="etl", **extra):
        # LD_PRELOAD contains a path: the loader of another release looks for a bare name in its own directories only.
        wrapper = next(pathlib.Path("/usr/lib").glob("*/libnss_wrapper.so"))
        return self.home.run(argv, principal, LD_PRELOAD=str(wrapper), **extra)

    def sent(self):
        return [v for v in self.verdicts() if v["token_length"] > 0]

    def refuse(self, argv, message, principal="etl"):
        before = self.sent()
        result = self.run_there(argv, principal)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("rds-iam: ", result.stderr)
        self.assertIn(message, result.stderr)
        self.assertEqual(self.sent(), before)

    def check_command(self, client):
        command = client.command("mariadb")
        for principal in ("etl", "etl-session"):
            result = self.run_there([*command, *self.argv()[1:]], principal)
            self.assert_logged_in(result)
        self.refuse([*command, *self.argv()[1:]], "no AWS credentials", None)
        self.refuse([*command, "--skip-ssl", "--ssl-verify-server-cert=0", *self.argv()[1:]],
                    "the connection is not encrypted")
        self.write_my_cnf(ssl_verify_server_cert=0)
        self.refuse([*command, *self.argv()[1:]], "was not verified, so no token was sent")
        self.write_my_cnf(default_auth="aws_rds_iam")
        self.assert_logged_in(self.run_there([*command, *self.argv()[1:]]))
        self.check_tunnel(command)
        password = self.lab.passwords["native_user"]
        result = self.run_there(
            [*command, *self.argv(user="native_user")[1:]], None, MYSQL_PWD=password)
        self.assert_logged_in(result, "native_user")
        self.write_my_cnf()

    def check_tunnel(self, command):
        """For 127.0.0.1, Connector/C 3.4 does not check the certificate's name, and calls the plugin, which sends
        nothing. Other versions check the name and end the connection."""
        port = self.lab.mariadb.port
        lines = f"[127.0.0.1:{port}]\nendpoint = {self.lab.mariadb.host}:{port}\n"
        self.write_my_cnf()
        self.home.write(CONFIG, lines)
        before = self.sent()
        result = self.run_there([*command, *self.argv(host="127.0.0.1")[1:]])
        self.assertRegex(result.stderr, "ERROR 2026|host name was not verified")
        self.assertEqual(self.sent(), before)
        self.home.write(CONFIG, "")

    def check_library(self, suite, client):
        place = [self.lab.mariadb.host, self.lab.mariadb.port, USER]
        rows = (
            (["change-user", *place, USER, ""], [f"connect: {ME}", f"change: {ME}", f"reset: {ME}"]),
            (["reconnect", *place], [f"connect: {ME}", f"reconnect: {ME}"]),
            (["nonblocking", *place, SMALL_STACK],
             ["waited: yes", f"connect: {ME}", f"change: {ME}", f"reconnect: {ME}"]),
            (["reuse", *place], [f"connect: {ME}"] * 3 + [f"child: {ME}"]),
            (["threads", *place, 40], [f"connect: {ME}"] + [f"thread: {ME}"] * 40),
        )
        version = self.run_there([*client.program(PROGRAM), "version", *place]).stdout
        self.assertTrue(version.startswith("version: " + SERIES[suite]), version)
        for arguments, steps in rows:
            for principal in ("etl", "etl-session"):
                with self.subTest(command=arguments[0], principal=principal):
                    result = self.run_there([*client.program(PROGRAM), *arguments], principal)
                    self.assertEqual(result.stdout.splitlines(), steps, result.stderr)
        result = self.run_there(
            [*client.program(PROGRAM), "reconnect", *place, "AWS_CREDENTIAL_EXPIRATION", "%s%n"])
        self.assertIn('AWS_CREDENTIAL_EXPIRATION is "?s?n"', result.stdout)


def add_tests():
    for suite in SERIES:
        def command(self, suite=suite):
            self.check_command(self.client(suite))

        def library(self, suite=suite):
            self.check_library(suite, self.client(suite))

        setattr(Versions, f"test_command_of_{suite}", command)
        setattr(Versions, f"test_library_of_{suite}", library)


add_tests()
if __name__ == "__main__":
    harness.main()
