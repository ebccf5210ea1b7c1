# SPDX-License-Identifier: MIT
"""A client of the model of Oracle's MySQL library in tests/loader. Environment variables make the model load rds-iam's
shadow plugins (tests/loader/README.md). Each test file contains what its tests expect.
"""
import functools
import time

import hostile
import labcase
import harness
import traces

PROGRAM = harness.BUILD / "tests" / "loader" / "client"
LIBRARIES = ("5.7", "8.0, early", "8.0, late, to 8.4", "9.x")
# The TLS options that a user of MySQL 8 must set. RDS-CA stands for the lab's CA.
VERIFY_IDENTITY = ("--ssl-mode=VERIFY_IDENTITY", "--ssl-ca=RDS-CA")
# The variable with which a user allows cleartext passwords.
GATE = {"LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN": "1"}
STOCK = (
    "ERROR 2059 (HY000): Authentication plugin 'mysql_clear_password' cannot be loaded: "
    "plugin not enabled")
PASSWORD_GIVEN = (
    STOCK + " (rds-iam: a password was given, so no token was made; for a token give no password (-p, "
    "password= in an option file, MYSQL_PWD, the program's own setting); to send a password, set "
    "LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN=1, because rds-iam cannot detect --enable-cleartext-plugin)")


def shadow_plugins():
    """Returns the installed plugin directory, for LIBMYSQL_PLUGIN_DIR."""
    return harness.installed("lib*/**/rds-iam/mysql/rds_iam_v1.so").parent


def preload():
    """Returns the two variables that mysql_plugin/READERS.md tells users to set."""
    return {"LIBMYSQL_PLUGIN_DIR": str(shadow_plugins()), "LIBMYSQL_PLUGINS": "rds_iam_v1;rds_iam_v2"}


def in_each(test):
    """Decorates a test that runs once for each version of the library."""
    @functools.wraps(test)
    def for_all(self):
        for library in LIBRARIES:
            with self.subTest(library=library):
                test(self, library)
    return for_all


class MysqlCase(hostile.HostileCase):
    def client(self, library, *options, host=None, port=None, user=labcase.USER, principal="etl",
               shadowed=True, **environment):
        """Runs the client and waits for its end. RDS-CA in an option stands for the lab's CA."""
        host, port = host or self.lab.mariadb.host, port or self.lab.mariadb.port
        argv = [PROGRAM, "--library=" + library,
                *(option.replace("RDS-CA", str(self.lab.ca_file)) for option in options),
                host, port, user]
        started = time.time()
        result = self.home.run(argv, principal, **(preload() if shadowed else {}), **environment)
        self.assertIn(result.returncode, (0, 1), result)
        self.secrets = []
        if principal == hostile.PRINCIPAL:
            self.secrets = self.everything_secret(host, port, started)
            self.assertEqual(traces.find(result.stdout + result.stderr, self.secrets), [])
        return result

    def assert_logged_in(self, result, *users):
        users = users or (labcase.USER,)
        self.assertEqual(result.stdout.splitlines(), [user + "@%" for user in users], result)
        self.assertEqual((result.returncode, result.stderr), (0, ""), result)

    def assert_refused_by_us(self, result, message):
        """Checks that the client printed rds-iam's message and that no token was sent."""
        self.assertEqual(result.returncode, 1, result)
        self.assertTrue(result.stdout.startswith("ERROR 2061 (HY000): rds-iam: " + message), result.stdout)
        self.assertEqual(result.stdout.count("\n"), 1, result.stdout)
        self.assert_nothing_sent()
