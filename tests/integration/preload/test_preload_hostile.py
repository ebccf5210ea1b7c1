# SPDX-License-Identifier: MIT
"""A client under the preload sends a token only to a server that it verified. It sends none without TLS, over TLS
with an invalid certificate, or over Kerberos encryption. The class Limits shows the exception: a copy of libpq that the
preload does not reach."""
import struct
import tempfile

from labcase import USER, LabCase, harness
from impostors import IMPOSTORS
from postgresql_peer import GSS_REQUEST, PostgreSQLPeer
import kerberos
import traces
import ways
from service import Services

PRINCIPAL = "etl-session"
# Every sslmode under which libpq may send a password to a server whose name it did not verify.
WEAK = ("disable", "allow", "prefer", "require", "verify-ca")


class Hostile(LabCase):
    """A peer under the name of an RDS endpoint records what it receives. The tests search the record."""

    def psql(self, port, sslmode, argv=(), **extra):
        pg = self.lab.pg
        return self.home.run(
            [*argv, "psql", "-w", "-X", "-c", "select 1", f"host={pg.host} port={port} user={USER} dbname=shop"],
            PRINCIPAL, PGSSLMODE=sslmode, PGSSLROOTCERT=str(self.lab.ca_file), **extra)

    def exec(self):
        return [harness.installed("bin/rds-iam"), "exec", "--"]

    def assert_nothing(self, peer, *secrets):
        self.assertGreaterEqual(peer.connections, 1, "control: psql must have connected")
        self.assertEqual([a for a in peer.answers if a[1].strip(b"\0")], [])
        secrets = [*secrets, *traces.secrets_of(self.lab.principals[PRINCIPAL])]
        self.assertEqual(traces.find(peer.received, secrets), [])

    def test_a_server_without_tls_gets_no_token(self):
        for sslmode in (*WEAK, "verify-full"):
            with self.subTest(sslmode=sslmode), PostgreSQLPeer(None) as peer:
                result = self.psql(peer.port, sslmode, self.exec())
                self.assertNotEqual(result.returncode, 0)
                self.assert_nothing(peer)

    def test_a_server_with_an_invalid_certificate_gets_no_token(self):
        for certificate in filter(None, IMPOSTORS.values()):
            for sslmode in ("require", "verify-ca", "verify-full"):
                peer = PostgreSQLPeer(getattr(self.lab.certificates, certificate))
                with self.subTest(certificate=certificate, sslmode=sslmode), peer:
                    self.psql(peer.port, sslmode, self.exec())
                    self.assert_nothing(peer)

    def test_a_pasted_token_is_not_sent(self):
        for sslmode in WEAK:
            with self.subTest(sslmode=sslmode), PostgreSQLPeer(None) as peer:
                token = self.lab.token(PRINCIPAL, self.lab.pg, USER, port=peer.port)
                result = self.psql(peer.port, sslmode, self.exec(), PGPASSWORD=token)
                self.assertNotEqual(result.returncode, 0)
                is_verified = sslmode in ("allow", "prefer")  # under exec these become verify-full
                self.assertIn("server does not support SSL, but SSL was required" if is_verified else
                              "the token that was given as the password is not sent", result.stderr)
                self.assert_nothing(peer, traces.signature(token))

    def test_sslmode_disable_on_the_command_line_does_not_release_the_agents_token(self):
        services = Services(self.home)
        for preloaded in (True, False):
            with self.subTest(preloaded=preloaded), PostgreSQLPeer(None) as peer:
                services.add(f"peer{peer.port}", port=peer.port)
                self.assertEqual(services.fill(PRINCIPAL).returncode, 0)
                # The client has no credentials, so it could only send the passfile's token.
                argv = [*(self.exec() if preloaded else []), "psql", "-w", "-X", "-c", "select 1",
                        f"service=peer{peer.port} sslmode=disable"]
                result = self.home.run(argv, None)
                self.assertNotEqual(result.returncode, 0)
                if preloaded:
                    self.assertIn("the token in the passfile is not sent", result.stderr)
                    self.assert_nothing(peer)
                else:
                    self.assertIn(b"Action=connect", peer.answers[0][1], "control: no preload")

    def test_a_ping_sends_no_token_to_any_server(self):
        """PQping() logs in if it has a password. The result of PQping() is the same without a login, so the preload
        withholds even a token in PGPASSWORD."""
        for certificate, sslmode in ((None, "disable"), ("other_ca", "require"), ("server", "verify-full")):
            for way in ("ping", "pingparams"):
                for preloaded in (True, False):
                    peer = PostgreSQLPeer(certificate and getattr(self.lab.certificates, certificate))
                    with self.subTest(certificate=certificate, way=way, preloaded=preloaded), peer:
                        token = self.lab.token(PRINCIPAL, self.lab.pg, USER, port=peer.port)
                        conninfo = (f"host={self.lab.pg.host} port={peer.port} user={USER} dbname=shop sslmode={sslmode}"
                                    + (f" sslrootcert={self.lab.ca_file}" if sslmode == "verify-full" else ""))
                        result = self.home.run([ways.PROGRAMS / "ways", "linked", way, conninfo], PRINCIPAL,
                                               PGPASSWORD=token, **(ways.with_preload() if preloaded else {}))
                        self.assertEqual(result.stdout, "ping 0\n")
                        if preloaded:
                            self.assert_nothing(peer, traces.signature(token))
                        else:
                            self.assertEqual([data for _, data in peer.answers], [token.encode() + b"\0"], "control")

    def passfile(self, name, port):
        """Writes a passfile with a token that the user made. Returns its path and the token."""
        pg = self.lab.pg
        token = self.lab.token(PRINCIPAL, pg, USER, port=port)
        password = token.replace(":", "\\:")
        return self.home.write(name, f"other:*:*:*:word\n{pg.host}:{port}:*:{USER}:{password}\n"), token

    def test_a_token_in_a_passfile_with_a_long_path_is_not_sent(self):
        for directories in (1, 8):
            name = "/".join(["d" * 200] * directories) + "/pass"
            for preloaded in (True, False):
                with self.subTest(directories=directories, preloaded=preloaded), PostgreSQLPeer(None) as peer:
                    path, token = self.passfile(name, peer.port)
                    result = self.psql(peer.port, "disable", self.exec() if preloaded else [], PGPASSFILE=str(path))
                    self.assertNotEqual(result.returncode, 0)
                    if preloaded:
                        self.assertIn("the token in the passfile is not sent", result.stderr)
                        self.assert_nothing(peer, traces.signature(token))
                    else:
                        self.assertEqual(peer.answers, [(False, token.encode() + b"\0")], "control: no preload")

    def test_no_token_is_sent_if_a_file_in_memory_cannot_be_made(self):
        for limit in ("0", "unlimited"):
            with self.subTest(limit=limit), PostgreSQLPeer(None) as peer:
                path, token = self.passfile("pass", peer.port)
                shell = ["bash", "-c", f'ulimit -f {limit}; exec "$@"', "-"]
                result = self.psql(peer.port, "disable", [*shell, *self.exec()], PGPASSFILE=str(path))
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertIn("the token in the passfile is not sent", result.stderr)
                self.assertEqual("cannot make a passfile in memory" in result.stderr, limit == "0")
                self.assert_nothing(peer, traces.signature(token))

    def test_a_token_in_a_passfile_that_the_agent_serves_is_not_sent(self):
        for directory in ("run", "rds-iam/run"):
            for preloaded in (True, False):
                with self.subTest(directory=directory, preloaded=preloaded), PostgreSQLPeer(None) as peer:
                    services = Services(self.home, directory)
                    services.add("peer", port=peer.port)
                    argv = [*(self.exec() if preloaded else []), "psql", "-w", "-X", "-c", "select 1",
                            "service=peer sslmode=disable"]
                    with services.agent(PRINCIPAL):
                        result = self.home.run(argv, None)
                    if preloaded:
                        self.assertIn("the token in the passfile is not sent", result.stderr)
                        self.assert_nothing(peer)
                    else:
                        self.assertIn(b"Action=connect", peer.answers[0][1], "control: no preload")

    def test_control_psql_without_the_preload_sends_the_token(self):
        with PostgreSQLPeer(None) as peer:
            token = self.lab.token(PRINCIPAL, self.lab.pg, USER, port=peer.port)
            self.psql(peer.port, "disable", PGPASSWORD=token)
            self.assertEqual(peer.answers, [(False, token.encode() + b"\0")])
            self.assertIn("a piece of a secret", traces.find(peer.received, [traces.signature(token)]))

    def test_control_a_verified_server_gets_the_token(self):
        with PostgreSQLPeer(self.lab.certificates.server) as peer:
            result = self.psql(peer.port, "verify-full", self.exec())
            (through_tls, data), = peer.answers
            self.assertTrue(through_tls)
            self.assertIn(b"Action=connect", data)
            self.assertIn("password authentication failed by the peer", result.stderr)
            self.assertNotIn("X-Amz", result.stderr)


class Kerberos(LabCase):
    """If the user has a Kerberos ticket, libpq 12 and later offers GSS encryption, which needs no certificate.
    libpq makes the offer before TLS and under every sslmode. The tests count the offers that the peer
    receives: a server cannot accept what was not offered."""

    def psql(self, peer, principal, *words, preloaded=True, **extra):
        """Runs psql with LD_PRELOAD (or without it), not under rds-iam exec."""
        conninfo = f"host={self.lab.pg.host} port={peer.port} user={USER} dbname=shop {' '.join(words)}"
        return self.home.run(
            ["psql", "-w", "-X", "-c", "select 1", conninfo], principal,
            **{"PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(self.lab.ca_file),
               **kerberos.environment(self.home), **(ways.with_preload() if preloaded else {}), **extra})

    def peer(self):
        return PostgreSQLPeer(self.lab.certificates.server)

    @staticmethod
    def offers(peer):
        return peer.received.count(struct.pack("!II", 8, GSS_REQUEST))

    def assert_sent_by_tls(self, peer):
        (through_tls, data), = peer.answers
        self.assertTrue(through_tls)
        self.assertIn(b"Action=connect", data)
        self.assertEqual(self.offers(peer), 0)

    def test_a_token_that_the_preload_makes_is_sent_by_tls(self):
        for words in ((), ("gssencmode=prefer",), ("gssencmode=disable",)):
            with self.subTest(words=words), self.peer() as peer:
                self.psql(peer, PRINCIPAL, *words)
                self.assert_sent_by_tls(peer)

    def test_a_token_in_pgpassword_is_sent_by_tls(self):
        for principal in (None, PRINCIPAL):
            with self.subTest(principal=principal), self.peer() as peer:
                token = self.lab.token("etl", self.lab.pg, USER, port=peer.port)
                self.psql(peer, principal, PGPASSWORD=token)
                self.assert_sent_by_tls(peer)
                self.assertEqual(peer.answers[0][1], token.encode() + b"\0")

    def test_the_replacement_of_an_expired_token_is_sent_by_tls(self):
        with self.peer() as peer:
            old = self.lab.token(PRINCIPAL, self.lab.pg, USER, port=peer.port, at=1000000)
            self.psql(peer, PRINCIPAL, PGPASSWORD=old)
            self.assert_sent_by_tls(peer)
            self.assertNotEqual(peer.answers[0][1], old.encode() + b"\0")

    def test_the_agents_token_is_sent_by_tls(self):
        services = Services(self.home)
        with self.peer() as peer:
            services.add("peer", port=peer.port)
            self.assertEqual(services.fill(PRINCIPAL).returncode, 0)
            self.psql(peer, None, "service=peer")
            self.assert_sent_by_tls(peer)

    def test_every_way_to_connect_sends_the_token_by_tls(self):
        """The preload completes the arguments of each of these functions. Resets need no test: a reset uses the
        arguments of the first connection."""
        for lookup in ("linked", "dlsym"):
            for way in (*ways.CONNECTS, "login"):
                with self.subTest(lookup=lookup, way=way), self.peer() as peer:
                    pg = self.lab.pg
                    conninfo = f"host={pg.host} port={peer.port} user={USER} dbname=shop"
                    words = ["-", pg.host, peer.port, "shop", USER] if way == "login" else [conninfo]
                    result = self.home.run(
                        [ways.PROGRAMS / "ways", lookup, way, *words], PRINCIPAL, PGSSLMODE="verify-full",
                        PGSSLROOTCERT=str(self.lab.ca_file), **ways.with_preload(),
                        **kerberos.environment(self.home))
                    self.assertIn("password authentication failed by the peer", result.stdout)
                    self.assert_sent_by_tls(peer)

    def test_gssencmode_require_gets_no_token(self):
        for extra in ({}, {"PGPASSWORD": self.lab.token("etl", self.lab.pg, USER)}):
            with self.subTest(given=bool(extra)), self.peer() as peer:
                result = self.psql(peer, PRINCIPAL, "gssencmode=require", **extra)
                self.assertIn("gssencmode=require: with a Kerberos ticket, libpq 12 and later tries GSS encryption before TLS, so the "
                              "token could go to a server that has shown no certificate; set gssencmode=disable or "
                              "PGGSSENCMODE=disable", result.stderr)
                self.assertEqual((self.offers(peer), peer.answers), (1, []))

    def test_control_gss_encryption_is_offered_without_a_token(self):
        for preloaded in (True, False):
            with self.subTest(preloaded=preloaded), self.peer() as peer:
                self.psql(peer, None, preloaded=preloaded)
                self.assertEqual(self.offers(peer), 1)


class Limits(LabCase):
    """A copy of libpq that the preload does not reach: the private copy of a module that is loaded with RTLD_DEEPBIND.
    This copy sends what the program gives it, as without rds-iam exec (SECURITY.md)."""

    def test_a_copy_that_the_preload_does_not_reach(self):
        copies = ways.Copies(ways.debian_libpq(), tempfile.mkdtemp(prefix="libpq-", dir=harness.WORK))
        self.addCleanup(copies.remove)
        case = ways.Case("private", "connectdb", "given")
        for deep, sslmode, is_sent in ((True, "", True), (True, "sslmode=disable", True),
                                       (False, "", False), (False, "sslmode=disable", False)):
            for given in ("PGPASSWORD", "PGPASSFILE"):
                with self.subTest(deep=deep, sslmode=sslmode, given=given), PostgreSQLPeer(None) as peer:
                    pg = self.lab.pg
                    token = self.lab.token("etl", pg, USER, port=peer.port)
                    escaped = token.replace(":", "\\:")
                    path = self.home.write("pass", f"*:*:*:{USER}:{escaped}\n")
                    conninfo = f"host={pg.host} hostaddr=127.0.0.1 port={peer.port} user={USER} dbname=shop {sslmode}"
                    self.home.run(
                        [harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--",
                         *copies.command(case, conninfo, deep)], None,
                        **copies.env(case), **{given: token if given == "PGPASSWORD" else str(path)})
                    sent = [data for _, data in peer.answers if data.strip(b"\0")]
                    self.assertEqual(sent, [token.encode() + b"\0"] if is_sent else [])


if __name__ == "__main__":
    harness.main()
