# SPDX-License-Identifier: MIT
"""PostgreSQL servers that want a token without having earned it. The token lies in a passfile, so
libpq alone decides whom it is sent to: what pg_service.conf says must keep it at home. Scripted
peers record what psql sends; the control of each is psql with less than verify-full."""
from typing import NamedTuple

import labcase

import harness
import traces
from postgresql_peer import PostgreSQLPeer

HOST = "mypg.abcdefghijkl.us-east-1.rds.amazonaws.com"
# A session's credentials: a secret key and a session token to look for.
PRINCIPAL = "etl-session"
SERVICE = "rds"


class Row(NamedTuple):
    """certificate: of lab.certificates; None: no TLS. sentence: psql's under verify-full. control:
    connection words under which psql hands the password over to the same peer."""

    name: str
    certificate: str
    sentence: str
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
    def publish(self, port):
        """Puts a passfile with a token for HOST:port where the service entry can name it, and
        returns its path and the token. By hand: a stand-in for whatever renews passfiles."""
        token = self.lab.token(PRINCIPAL, self.lab.pg, labcase.USER, host=HOST, port=port)
        line = ":".join((HOST, str(port), "*", labcase.USER, token.replace(":", "\\:")))
        return self.home.write("passfile", line + "\n"), token

    def write_service(self, port, passfile):
        """The entry that a user writes."""
        self.home.write(".pg_service.conf", "\n".join((
            "[%s]" % SERVICE,
            "host=%s" % HOST,
            "port=%d" % port,
            "user=%s" % labcase.USER,
            "dbname=postgres",
            "sslmode=verify-full",
            "sslrootcert=%s" % self.lab.ca_file,
            "passfile=%s" % passfile,
            "",
        )))  # fmt: skip

    def psql(self, words="", **environment):
        """What psql prints; with words of the user's own on its command line. The client has no
        credentials: the passfile is all that it has."""
        argv = ["psql", "-w", "-X", "-c", "select 1", "service=%s %s" % (SERVICE, words)]
        result = self.home.run(argv, principal=None, **environment)
        self.assertGreaterEqual(result.returncode, 0, "psql died by a signal: %s" % result)
        return result.stdout + result.stderr

    def record(self, certificate, words="", **environment):
        """One login under the published passfile; what was printed, the peer, and the token."""
        with PostgreSQLPeer(certificate and getattr(self.lab.certificates, certificate)) as peer:
            passfile, token = self.publish(peer.port)
            self.write_service(peer.port, passfile)
            text = self.psql(words, **environment)
        self.assertEqual(traces.find(text, self.secrets(token)), [], "a secret was printed")
        self.assertGreaterEqual(peer.connections, 1, "control: psql must have been there")
        return text, peer, token

    def secrets(self, token):
        return [traces.signature(token), *traces.secrets_of(self.lab.principals[PRINCIPAL])]

    def refuse(self, row):
        text, peer, token = self.record(row.certificate)
        self.assertIn(row.sentence, text)
        self.assertEqual(peer.answers, [])
        self.assertEqual(traces.find(peer.received, self.secrets(token)), [])

    def control(self, row):
        """The same passfile, for somebody who turns verification down on the command line: libpq
        hands the token over. It is what the passfile alone cannot prevent."""
        _, peer, token = self.record(row.certificate, row.control)
        self.assertEqual(peer.answers[0], (row.certificate is not None, token.encode() + b"\0"))
        found = traces.find(peer.received, [traces.signature(token)])
        self.assertEqual(len(found), len(traces.WORDS) + 1, found)

    def test_verified_server_gets_the_token(self):
        """The control of every refusal: this passfile is found and used."""
        text, peer, token = self.record("server")
        self.assertIn("password authentication failed by the peer", text)
        self.assertEqual(peer.answers, [(True, token.encode() + b"\0")])

    def test_typed_password_in_the_environment_leaks_without_verification(self):
        typed = "typed-at-the-prompt-1234567890"
        text, peer, _ = self.record(None, "sslmode=prefer", PGPASSWORD=typed)
        self.assertNotIn(typed, text)
        self.assertEqual(peer.answers, [(False, typed.encode() + b"\0")])

    def test_environment_does_not_weaken_the_entry(self):
        """PGSSLMODE counts only where the entry says nothing."""
        for row in ROWS:
            text, peer, _ = self.record(row.certificate, PGSSLMODE="disable")
            self.assertIn(row.sentence, text)
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
