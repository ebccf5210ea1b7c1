# SPDX-License-Identifier: MIT
"""Hostile PostgreSQL servers that ask for a password. The token is in a passfile, so libpq alone decides which
server gets it: the settings in pg_service.conf must prevent a leak. Scripted peers record what psql sends. The
control of each row is psql with a weaker setting than verify-full."""
import time
from typing import NamedTuple

import labcase
import harness
import traces
from postgresql_peer import PostgreSQLPeer
from service import Services

HOST = "mypg.abcdefghijkl.us-east-1.rds.amazonaws.com"
# A principal with a session: the tests search for its secret key and its session token.
PRINCIPAL = "etl-session"
SERVICE = "rds"


class Row(NamedTuple):
    """A hostile server, and the expected message."""

    name: str
    certificate: str  # its name in lab.certificates; None: no TLS
    message: str  # of psql under verify-full
    control: str  # connection settings with which psql sends the token to the same peer


ROWS = [
    Row("no_tls", None, "server does not support SSL, but SSL was required", "sslmode=prefer"),
    Row("certificate_of_another_ca", "other_ca", "certificate verify failed",
        "sslmode=require sslrootcert=/nowhere"),
    Row("certificate_of_itself", "self_signed", "certificate verify failed",
        "sslmode=require sslrootcert=/nowhere"),
    Row("certificate_with_a_wrong_name", "wrong_name",
        'server certificate for "wrong.example.com" does not match host name "' + HOST + '"',
        "sslmode=verify-ca"),
]  # fmt: skip


class HostilePostgreSQL(labcase.LabCase):
    def setUp(self):
        super().setUp()
        self.services = Services(self.home)

    def psql(self, words="", **environment):
        """Returns the output of psql. `words` are more settings of its connection string. The client has no
        credentials, only the passfile."""
        argv = ["psql", "-w", "-X", "-c", "select 1", "service=%s %s" % (SERVICE, words)]
        result = self.home.run(argv, principal=None, **environment)
        self.assertGreaterEqual(result.returncode, 0, "psql was ended by a signal: %s" % result)
        return result.stdout + result.stderr

    def record(self, certificate, words="", **environment):
        """Runs psql once while the agent serves its passfile. Returns the output, the peer, and the tokens that the
        agent can have made, one for each second."""
        start = int(time.time())
        with PostgreSQLPeer(certificate and getattr(self.lab.certificates, certificate)) as peer:
            self.services.add(SERVICE, host=HOST, port=peer.port, dbname="postgres")
            with self.services.agent(PRINCIPAL) as agent:
                text = self.psql(words, **environment)
                self.assertTrue(agent.status()["opened"].startswith("1 times"), "control: the passfile was opened")
            self.services.clear()
        tokens = [self.token(peer.port, at) for at in range(start, int(time.time()) + 1)]
        self.assertEqual(traces.find(text, self.secrets(tokens)), [], "a secret was printed")
        self.assertGreaterEqual(peer.connections, 1, "control: psql must have connected")
        return text, peer, tokens

    def token(self, port, at):
        """Returns the token that botocore makes for the second `at`."""
        return self.lab.token(PRINCIPAL, self.lab.pg, labcase.USER, host=HOST, port=port, at=at)

    def secrets(self, tokens):
        signatures = [traces.signature(token) for token in tokens]
        return [*signatures, *traces.secrets_of(self.lab.principals[PRINCIPAL])]

    def assert_sent(self, peer, tokens, is_encrypted):
        """Checks that the peer received all bytes of one of the tokens. Returns that token."""
        was_encrypted, answer = peer.answers[0]
        self.assertEqual(was_encrypted, is_encrypted)
        self.assertIn(answer, [token.encode() + b"\0" for token in tokens])
        return answer[:-1].decode()

    def refuse(self, row):
        text, peer, tokens = self.record(row.certificate)
        self.assertIn(row.message, text)
        self.assertEqual(peer.answers, [])
        self.assertEqual(traces.find(peer.received, self.secrets(tokens)), [])

    def control(self, row):
        """Uses the same entry, but the user weakens verification on the command line. libpq then sends the token,
        because a passfile alone cannot prevent this."""
        _, peer, tokens = self.record(row.certificate, row.control)
        token = self.assert_sent(peer, tokens, row.certificate is not None)
        found = traces.find(peer.received, [traces.signature(token)])
        self.assertEqual(len(found), len(traces.WORDS) + 1, found)

    def test_verified_server_gets_the_token(self):
        """The control of each refusal: psql reads the agent's passfile and sends the token from this file."""
        text, peer, tokens = self.record("server")
        self.assertIn("password authentication failed by the peer", text)
        self.assert_sent(peer, tokens, True)
        self.assertEqual(len(peer.answers), 1)

    def test_typed_password_in_the_environment_leaks_without_verification(self):
        """If PGPASSWORD is set, psql does not open the passfile."""
        typed = "typed-at-the-prompt-1234567890"
        with PostgreSQLPeer(None) as peer:
            self.services.add(SERVICE, host=HOST, port=peer.port, dbname="postgres")
            text = self.psql("sslmode=prefer", PGPASSWORD=typed)
        self.assertNotIn(typed, text)
        self.assertEqual(peer.answers, [(False, typed.encode() + b"\0")])

    def test_environment_does_not_weaken_the_entry(self):
        """PGSSLMODE has an effect only if the entry has no sslmode."""
        for row in ROWS:
            text, peer, _ = self.record(row.certificate, PGSSLMODE="disable")
            self.assertIn(row.message, text)
            self.assertEqual(peer.answers, [])


def add_rows():
    """Makes one test for each row, so that a failure names the row."""
    for row in ROWS:
        def test(self, row=row):
            self.refuse(row)
            self.control(row)
        setattr(HostilePostgreSQL, "test_" + row.name, test)


add_rows()
if __name__ == "__main__":
    harness.main()
