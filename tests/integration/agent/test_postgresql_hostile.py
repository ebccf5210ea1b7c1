# SPDX-License-Identifier: MIT
"""PostgreSQL servers that want a token without having earned it. The token comes out of a passfile, so
libpq alone decides whom it is sent to: what pg_service.conf says must keep it at home. Scripted
peers record what psql sends; the control of each is psql with less than verify-full."""
import time
from typing import NamedTuple

import labcase
import harness
import traces
from postgresql_peer import PostgreSQLPeer
from service import Services

HOST = "mypg.abcdefghijkl.us-east-1.rds.amazonaws.com"
# A session's credentials: a secret key and a session token to look for.
PRINCIPAL = "etl-session"
SERVICE = "rds"


class Row(NamedTuple):
    """certificate: of lab.certificates; None: no TLS. message: psql's under verify-full. control:
    connection words under which psql hands the password over to the same peer."""

    name: str
    certificate: str
    message: str
    control: str


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
        """What psql prints; with words of the user's own on its command line. The client has no
        credentials: the passfile is all that it has."""
        argv = ["psql", "-w", "-X", "-c", "select 1", "service=%s %s" % (SERVICE, words)]
        result = self.home.run(argv, principal=None, **environment)
        self.assertGreaterEqual(result.returncode, 0, "psql died by a signal: %s" % result)
        return result.stdout + result.stderr

    def record(self, certificate, words="", **environment):
        """One login through the agent; what was printed, the peer, and the tokens that the agent
        can have made, by their second."""
        start = int(time.time())
        with PostgreSQLPeer(certificate and getattr(self.lab.certificates, certificate)) as peer:
            self.services.add(SERVICE, host=HOST, port=peer.port, dbname="postgres")
            with self.services.agent(PRINCIPAL) as agent:
                text = self.psql(words, **environment)
                self.assertTrue(agent.status()["opened"].startswith("1 times"), "control: it was read")
            self.services.clear()
        tokens = [self.token(peer.port, at) for at in range(start, int(time.time()) + 1)]
        self.assertEqual(traces.find(text, self.secrets(tokens)), [], "a secret was printed")
        self.assertGreaterEqual(peer.connections, 1, "control: psql must have been there")
        return text, peer, tokens

    def token(self, port, at):
        """botocore's, for that second."""
        return self.lab.token(PRINCIPAL, self.lab.pg, labcase.USER, host=HOST, port=port, at=at)

    def secrets(self, tokens):
        signatures = [traces.signature(token) for token in tokens]
        return [*signatures, *traces.secrets_of(self.lab.principals[PRINCIPAL])]

    def assert_handed_over(self, peer, tokens, is_encrypted):
        """The peer got one of the tokens, whole. Returns it."""
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
        """The same entry, for somebody who turns verification down on the command line: libpq
        hands the token over. It is what the passfile alone cannot prevent."""
        _, peer, tokens = self.record(row.certificate, row.control)
        token = self.assert_handed_over(peer, tokens, row.certificate is not None)
        found = traces.find(peer.received, [traces.signature(token)])
        self.assertEqual(len(found), len(traces.WORDS) + 1, found)

    def test_verified_server_gets_the_token(self):
        """The control of every refusal: this passfile is found and used."""
        text, peer, tokens = self.record("server")
        self.assertIn("password authentication failed by the peer", text)
        self.assert_handed_over(peer, tokens, True)
        self.assertEqual(len(peer.answers), 1)

    def test_typed_password_in_the_environment_leaks_without_verification(self):
        """It beats the passfile, which is not opened then."""
        typed = "typed-at-the-prompt-1234567890"
        with PostgreSQLPeer(None) as peer:
            self.services.add(SERVICE, host=HOST, port=peer.port, dbname="postgres")
            text = self.psql("sslmode=prefer", PGPASSWORD=typed)
        self.assertNotIn(typed, text)
        self.assertEqual(peer.answers, [(False, typed.encode() + b"\0")])

    def test_environment_does_not_weaken_the_entry(self):
        """PGSSLMODE counts only where the entry says nothing."""
        for row in ROWS:
            text, peer, _ = self.record(row.certificate, PGSSLMODE="disable")
            self.assertIn(row.message, text)
            self.assertEqual(peer.answers, [])


def add_rows():
    """Each row is a test of its own, so that a failure has its name."""
    for row in ROWS:
        def test(self, row=row):
            self.refuse(row)
            self.control(row)
        setattr(HostilePostgreSQL, "test_" + row.name, test)


add_rows()
if __name__ == "__main__":
    harness.main()
