# SPDX-License-Identifier: MIT
"""MariaDB clients that are sent to scripted peers, and what the peers then have.

One account, one home, two clients: the `mariadb` command, which has Connector/C linked in, and
Python's MySQLdb, which loads libmariadb.so.3. Not here: any expectation of one test.
"""
import json
import subprocess
import time

import labcase
from mariadb_client import VERIFIES_ITSELF

import traces

HOST = "mydb.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com"
TYPED = "typed-at-the-prompt-1234567890"
# A session's credentials: a secret key and a session token to look for.
PRINCIPAL = "etl-session"

# The library's own words for a server with another name.
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
    """The distribution's plugin directory: the control of every refusal."""
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
    """A lab for its names and certificates; its servers are seldom dialled."""

    def write_options(self, plugins, *lines):
        """The whole my.cnf of the user: which plugins, and how much TLS."""
        text = "\n".join(["[client]", "plugin-dir=%s" % plugins, *lines, ""])
        self.home.write(".my.cnf", text.replace("RDS-CA", str(self.lab.ca_file)))

    def dial(self, client, port, host=HOST, password=None, principal=PRINCIPAL, **environment):
        """One client logs in once. Returns what it printed, in which nothing secret may be, and
        remembers in self.secrets what could have been sent meanwhile."""
        started = time.time()
        argv = CLIENTS[client](self.home, host, port, password)
        result = self.home.run(argv, principal=principal, **environment)
        self.assertGreaterEqual(result.returncode, 0, "%s died by a signal: %s" % (client, result))
        text = result.stdout + result.stderr
        self.secrets = self.everything_secret(host, port, started)
        self.assertEqual(traces.find(text, self.secrets), [], "a secret was printed")
        return text

    def token(self, host=HOST, port=3306, at=None):
        """A token of botocore's for the account."""
        return self.lab.token(PRINCIPAL, self.lab.mariadb, labcase.USER, host=host, port=port, at=at)

    def everything_secret(self, host, port, started):
        """The credentials, and the signature of every token that they can have made since."""
        tokens = [self.token(host, port, at) for at in range(int(started), int(time.time()) + 1)]
        return traces.secrets_of(self.lab.principals[PRINCIPAL]) + [traces.signature(t) for t in tokens]

    def assert_no_token(self, peer):
        """Not one byte of a token or of what signs it has reached the peer; the client has."""
        self.assertEqual(peer.connections, 1, "control: the client must have been there")
        self.assertEqual(traces.find(peer.received, self.secrets), [])

    def assert_token(self, answer, host, port):
        """The answer is a whole token, sent through TLS."""
        through_tls, data = answer
        self.assertTrue(through_tls, "a token in plain text")
        head = "%s:%d/?Action=connect&DBUser=%s&" % (host, port, labcase.USER)
        self.assertEqual(data[: len(head)], head.encode())
        self.assertEqual(data[-1:], b"\0")

    def assert_message(self, client, text, message):
        """Our refusal, as the client shows it: number, place, what is wrong, what to do."""
        start = "ERROR 2061%s: rds-iam: " % (" (HY000)" if client == "mariadb" else "")
        self.assertIn(start + message, text)
        self.assertNotIn("%", text)
