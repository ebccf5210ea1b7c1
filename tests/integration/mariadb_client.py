# SPDX-License-Identifier: MIT
"""A user's my.cnf and the `mariadb` command, for every test of MariaDB clients.

Not here: what one test asserts, and other programs than `mariadb`.
"""
import subprocess

from labcase import USER, LabCase, mariadb_plugins

# One row: who the server thinks it is talking to, and the cipher of this connection.
WHO = (
    "select current_user(), variable_value from information_schema.session_status"
    " where variable_name = 'Ssl_cipher'")
CONFIG = ".config/rds-iam/config"


def connector_c():
    """The version of Connector/C here, in the `mariadb` command and as a library: (3, 3, 20)."""
    done = subprocess.run(
        ["mariadb_config", "--cc_version"], stdout=subprocess.PIPE, text=True, check=True, timeout=30)
    return tuple(int(number) for number in done.stdout.strip().split("."))


# From 3.4 on the library, where it has a CA, verifies chain and name by itself, whatever
# ssl-verify-server-cert says, and the `mariadb` command verifies unless told not to. A plugin sees none of
# it while that option is off: it then knows of no verification at all. Debian 13 has 3.4, Debian 12 3.3.
VERIFIES_ITSELF = connector_c() >= (3, 4)
# A server that is told from RDS neither by its CA nor by its name, ssl-ca being set and verification off.
UNVERIFIED = ("the server's certificate was not verified, so no token was sent; " if VERIFIES_ITSELF
                else "the server's host name was not verified, so no token was sent; ")


def credentials_file(principal, profile):
    """~/.aws/credentials with one profile."""
    lines = [
        f"[{profile}]",
        f"aws_access_key_id = {principal.access_key}",
        f"aws_secret_access_key = {principal.secret_key}",
    ]
    if principal.session_token:
        lines.append(f"aws_session_token = {principal.session_token}")
    return "\n".join(lines) + "\n"


class MariadbCase(LabCase):
    """Every test starts with the my.cnf that the README tells users to write."""

    def setUp(self):
        super().setUp()
        self.write_my_cnf()

    def write_my_cnf(self, name=".my.cnf", without=(), **settings):
        """The [client] group, with settings replaced, added or left out. Returns its path."""
        usual = {
            "plugin-dir": mariadb_plugins(),
            "ssl-ca": self.lab.ca_file,
            "ssl-verify-server-cert": 1,
            **{key.replace("_", "-"): value for key, value in settings.items()},
        }
        lines = [f"{key}={value}\n" for key, value in usual.items() if key not in without]
        return self.home.write(name, "[client]\n" + "".join(lines))

    def argv(self, *options, host=None, user=USER, query=WHO, program="mariadb"):
        """The command line as a user types it. --defaults-file and its like must stand first."""
        return [program, *options, "-h", host or self.lab.mariadb.host,
                "-P", self.lab.mariadb.port, "-u", user, *(("-N", "-e", query) if query else ())]

    def mariadb(self, *options, host=None, user=USER, query=WHO, principal="etl", **extra):
        """Runs `mariadb`; extra is environment."""
        return self.home.run(
            self.argv(*options, host=host, user=user, query=query), principal, **extra)

    def assert_logged_in(self, result, user=USER):
        """The client printed the row of WHO: the right account, over TLS."""
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, rf"^{user}@%\s+TLS_\w+\s*$")

    def assert_message(self, result, message):
        """The client refused before any token was sent, and printed the message."""
        self.assertNotEqual(result.returncode, 0, result.stdout)
        self.assertIn("rds-iam: ", result.stderr)
        self.assertIn(message, result.stderr)
        self.assert_nothing_sent()
