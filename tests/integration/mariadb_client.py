# SPDX-License-Identifier: MIT
"""A user's my.cnf and the `mariadb` command, for every test of MariaDB clients.

What a single test expects, and clients other than `mariadb`, are in other modules.
"""
import subprocess

from labcase import USER, LabCase, mariadb_plugins

# Returns one row: the account that the server authenticated, and the cipher of the connection.
WHO = (
    "select current_user(), variable_value from information_schema.session_status"
    " where variable_name = 'Ssl_cipher'")
CONFIG = ".config/rds-iam/config"


def connector_c():
    """Returns the version of the installed Connector/C, such as (3, 3, 20). `mariadb` has the same version."""
    done = subprocess.run(
        ["mariadb_config", "--cc_version"], stdout=subprocess.PIPE, text=True, check=True, timeout=30)
    return tuple(int(number) for number in done.stdout.strip().split("."))


# Connector/C 3.4 and later verifies the certificate chain and the host name whenever a CA is set, even if
# ssl-verify-server-cert is off. The `mariadb` command of these versions turns ssl-verify-server-cert on, unless the
# command line or an option file turns it off. If ssl-verify-server-cert is off, a plugin cannot see whether the library
# verified the server. Debian 13 has 3.4, Debian 12 has 3.3.
VERIFIES_ITSELF = connector_c() >= (3, 4)
# The beginning of rds-iam's message if ssl-ca is set and ssl-verify-server-cert is off.
UNVERIFIED = ("the server's certificate was not verified, so no token was sent; " if VERIFIES_ITSELF
                else "the server's host name was not verified, so no token was sent; ")


def credentials_file(principal, profile):
    """Returns the text of a ~/.aws/credentials with one profile."""
    lines = [
        f"[{profile}]",
        f"aws_access_key_id = {principal.access_key}",
        f"aws_secret_access_key = {principal.secret_key}",
    ]
    if principal.session_token:
        lines.append(f"aws_session_token = {principal.session_token}")
    return "\n".join(lines) + "\n"


class MariadbCase(LabCase):
    """Each test starts with a my.cnf that has the options of mysql_plugin/READERS.md in the group [client], as after
    `rds-iam setup mysql --write --all-servers`."""

    def setUp(self):
        super().setUp()
        self.write_my_cnf()

    def write_my_cnf(self, name=".my.cnf", without=(), **settings):
        """Writes the [client] group, with settings replaced, added or left out. Returns the file's path."""
        usual = {
            "plugin-dir": mariadb_plugins(),
            "ssl-ca": self.lab.ca_file,
            "ssl-verify-server-cert": 1,
            **{key.replace("_", "-"): value for key, value in settings.items()},
        }
        lines = [f"{key}={value}\n" for key, value in usual.items() if key not in without]
        return self.home.write(name, "[client]\n" + "".join(lines))

    def argv(self, *options, host=None, user=USER, query=WHO, program="mariadb"):
        """Returns the command line. Options such as --defaults-file must be the first in `options`."""
        return [program, *options, "-h", host or self.lab.mariadb.host,
                "-P", self.lab.mariadb.port, "-u", user, *(("-N", "-e", query) if query else ())]

    def mariadb(self, *options, host=None, user=USER, query=WHO, principal="etl", **extra):
        """Runs `mariadb`. `extra` contains environment variables."""
        return self.home.run(
            self.argv(*options, host=host, user=user, query=query), principal, **extra)

    def assert_logged_in(self, result, user=USER):
        """Checks that the client printed the row of WHO: the right account, over TLS."""
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, rf"^{user}@%\s+TLS_\w+\s*$")

    def assert_message(self, result, message):
        """Checks that the client sent no token and printed the message."""
        self.assertNotEqual(result.returncode, 0, result.stdout)
        self.assertIn("rds-iam: ", result.stderr)
        self.assertIn(message, result.stderr)
        self.assert_nothing_sent()
