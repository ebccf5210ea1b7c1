# SPDX-License-Identifier: MIT
"""MariaDB clients that connect to scripted peers, and checks of what the peers received.

There are two clients: the `mariadb` command, which contains Connector/C, and Python's MySQLdb, which loads
libmariadb.so.3. Both log in as the same user and run in the same home directory. Each test file contains what its tests
expect.
"""
import json
import subprocess
import time

import labcase
from mariadb_client import VERIFIES_ITSELF

import traces

HOST = "mydb.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com"
TYPED = "typed-at-the-prompt-1234567890"
# A principal with a session: the tests search for its secret key and its session token.
PRINCIPAL = "etl-session"

# The message of MariaDB's library if the certificate has another host name.
WRONG_NAME = ("Hostname verification failed" if VERIFIES_ITSELF
              else "Validation of SSL server certificate failed")

MYSQLDB = """
import json, sys, MySQLdb
try:
    MySQLdb.connect(**json.loads(sys.argv[1]))
except MySQLdb.Error as error:
    sys.exit("ERROR %d: %s" % error.args)
"""


def stock_plugins():
    """Returns the plugin directory of the distribution, which contains MariaDB's own plugins. They are the control of
    the tests with hostile servers: they send such a server the password that the user gave."""
    done = subprocess.run(
        ["mariadb_config", "--plugindir"], stdout=subprocess.PIPE, text=True, check=True, timeout=30)
    return done.stdout.strip()


def command_line(home, host, port, password):
    typed = [] if password is None else ["--password=" + password]
    return ["mariadb", "-h", host, "-P", port, "-u", labcase.USER, "--protocol=tcp", *typed, "-e", "select 1"]


def mysqldb(home, host, port, password):
    arguments = {
        "host": host, "port": port, "user": labcase.USER, "read_default_file": str(home.path / ".my.cnf"),
        **({} if password is None else {"passwd": password}),
    }
    return ["/usr/bin/python3", "-c", MYSQLDB, json.dumps(arguments)]


CLIENTS = {"mariadb": command_line, "MySQLdb": mysqldb}


class HostileCase(labcase.LabCase):
    """The base class of tests with scripted peers. The peers have names and certificates of the lab. Derived classes
    can also use the lab's servers."""

    def write_options(self, plugins, *lines):
        """Writes the user's my.cnf: the plugin directory, and the options in `lines`, where RDS-CA stands for the path
        of the lab's CA file."""
        text = "\n".join(["[client]", "plugin-dir=%s" % plugins, *lines, ""])
        self.home.write(".my.cnf", text.replace("RDS-CA", str(self.lab.ca_file)))

    def dial(self, client, port, host=HOST, password=None, principal=PRINCIPAL, **environment):
        """Runs one client that logs in once. Checks that its output contains no secret, and returns the output.
        Stores in self.secrets the principal's secret key and session token, and the signatures of the tokens that the
        client could have sent."""
        started = time.time()
        argv = CLIENTS[client](self.home, host, port, password)
        result = self.home.run(argv, principal=principal, **environment)
        self.assertGreaterEqual(result.returncode, 0, "%s was ended by a signal: %s" % (client, result))
        text = result.stdout + result.stderr
        self.secrets = self.everything_secret(host, port, started)
        self.assertEqual(traces.find(text, self.secrets), [], "a secret was printed")
        return text

    def token(self, host=HOST, port=3306, at=None):
        """Returns a token for the account, made by botocore."""
        return self.lab.token(PRINCIPAL, self.lab.mariadb, labcase.USER, host=host, port=port, at=at)

    def everything_secret(self, host, port, started):
        """Returns the secrets of the credentials, and the signature of the token of each second since `started`."""
        tokens = [self.token(host, port, at) for at in range(int(started), int(time.time()) + 1)]
        return traces.secrets_of(self.lab.principals[PRINCIPAL]) + [traces.signature(t) for t in tokens]

    def assert_no_token(self, peer):
        """Checks that the client connected once, and that the peer received no part of a token or of a secret."""
        self.assertEqual(peer.connections, 1, "control: the client must have connected")
        self.assertEqual(traces.find(peer.received, self.secrets), [])

    def assert_token(self, answer, host, port):
        """Checks that the answer was sent over TLS, begins like a token for this host, port and user, and ends with a
        NUL."""
        through_tls, data = answer
        self.assertTrue(through_tls, "a token without TLS")
        head = "%s:%d/?Action=connect&DBUser=%s&" % (host, port, labcase.USER)
        self.assertEqual(data[: len(head)], head.encode())
        self.assertEqual(data[-1:], b"\0")

    def assert_message(self, client, text, message):
        """Checks that the client printed the error number of plugins (2061) and rds-iam's message. The output must
        contain no percent sign, because the library may use the message as the format of printf()."""
        start = "ERROR 2061%s: rds-iam: " % (" (HY000)" if client == "mariadb" else "")
        self.assertIn(start + message, text)
        self.assertNotIn("%", text)
