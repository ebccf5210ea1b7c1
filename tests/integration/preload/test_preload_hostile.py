# SPDX-License-Identifier: MIT
"""Servers that want a token without having earned it get nothing from a client under the preload: by
no TLS, by TLS that proves nothing, nor by a Kerberos ticket in its place."""
import struct
import tempfile

from labcase import USER, LabCase, harness
from postgresql_peer import GSS_REQUEST, PostgreSQLPeer
import kerberos
import traces
import ways
from service import Services

PRINCIPAL = "etl-session"
# Every sslmode under which libpq may send a password to somebody whom it did not verify by name.
WEAK = ("disable", "allow", "prefer", "require", "verify-ca")


class Hostile(LabCase):
    """A recording peer under the name of an RDS endpoint. Whatever it got is looked through."""

    def psql(self, port, sslmode, argv=(), **extra):
        pg = self.lab.pg
        return self.home.run(
            [*argv, "psql", "-w", "-X", "-c", "select 1", f"host={pg.host} port={port} user={USER} dbname=shop"],
            PRINCIPAL, PGSSLMODE=sslmode, PGSSLROOTCERT=str(self.lab.ca_file), **extra)

    def exec(self):
        return [harness.installed("bin/rds-iam"), "exec", "--"]

    def assert_nothing(self, peer, *secrets):
        self.assertGreaterEqual(peer.connections, 1, "control: psql must have been there")
        self.assertEqual([a for a in peer.answers if a[1].strip(b"\0")], [])
        secrets = [*secrets, *traces.secrets_of(self.lab.principals[PRINCIPAL])]
        self.assertEqual(traces.find(peer.received, secrets), [])

    def test_a_server_without_tls_gets_nothing(self):
        for sslmode in (*WEAK, "verify-full"):
            with self.subTest(sslmode=sslmode), PostgreSQLPeer(None) as peer:
                result = self.psql(peer.port, sslmode, self.exec())
                self.assertNotEqual(result.returncode, 0)
                self.assert_nothing(peer)

    def test_nor_does_one_with_a_certificate_that_does_not_hold(self):
        for certificate in ("other_ca", "self_signed", "wrong_name"):
            for sslmode in ("require", "verify-ca", "verify-full"):
                peer = PostgreSQLPeer(getattr(self.lab.certificates, certificate))
                with self.subTest(certificate=certificate, sslmode=sslmode), peer:
                    self.psql(peer.port, sslmode, self.exec())
                    self.assert_nothing(peer)

    def test_nor_does_it_get_a_token_that_somebody_pasted(self):
        for sslmode in WEAK:
            with self.subTest(sslmode=sslmode), PostgreSQLPeer(None) as peer:
                token = self.lab.token(PRINCIPAL, self.lab.pg, USER, port=peer.port)
                result = self.psql(peer.port, sslmode, self.exec(), PGPASSWORD=token)
                self.assertNotEqual(result.returncode, 0)
                is_verified = sslmode in ("allow", "prefer")  # under exec these become verify-full
                self.assertIn("server does not support SSL, but SSL was required" if is_verified else
                              "the token that was given as the password is not sent", result.stderr)
                self.assert_nothing(peer, traces.signature(token))

    def test_nor_does_it_get_the_agents_token_by_words_that_weaken_the_entry(self):
        services = Services(self.home)
        for under in (True, False):
            with self.subTest(under=under), PostgreSQLPeer(None) as peer:
                services.add(f"peer{peer.port}", port=peer.port)
                self.assertEqual(services.fill(PRINCIPAL).returncode, 0)
                # The client has no credentials: the passfile is all that it could send.
                argv = [*(self.exec() if under else []), "psql", "-w", "-X", "-c", "select 1",
                        f"service=peer{peer.port} sslmode=disable"]
                result = self.home.run(argv, None)
                self.assertNotEqual(result.returncode, 0)
                if under:
                    self.assertIn("the token in the passfile is not sent", result.stderr)
                    self.assert_nothing(peer)
                else:
                    self.assertIn(b"Action=connect", peer.answers[0][1], "control: stock psql sends it")

    def passfile(self, name, port):
        """A token of the user's own, in a passfile. Returns its path and the token."""
        pg = self.lab.pg
        token = self.lab.token(PRINCIPAL, pg, USER, port=port)
        password = token.replace(":", "\\:")
        return self.home.write(name, f"other:*:*:*:word\n{pg.host}:{port}:*:{USER}:{password}\n"), token

    def test_nor_does_it_get_that_of_a_passfile_whose_path_is_long(self):
        for directories in (1, 8):
            name = "/".join(["d" * 200] * directories) + "/pass"
            for under in (True, False):
                with self.subTest(directories=directories, under=under), PostgreSQLPeer(None) as peer:
                    path, token = self.passfile(name, peer.port)
                    result = self.psql(peer.port, "disable", self.exec() if under else [], PGPASSFILE=str(path))
                    self.assertNotEqual(result.returncode, 0)
                    if under:
                        self.assertIn("the token in the passfile is not sent", result.stderr)
                        self.assert_nothing(peer, traces.signature(token))
                    else:
                        self.assertEqual(peer.answers, [(False, token.encode() + b"\0")], "control: stock psql sends it")

    def test_nor_does_it_where_there_can_be_no_file_in_memory(self):
        for limit in ("0", "unlimited"):
            with self.subTest(limit=limit), PostgreSQLPeer(None) as peer:
                path, token = self.passfile("pass", peer.port)
                shell = ["bash", "-c", f'ulimit -f {limit}; exec "$@"', "-"]
                result = self.psql(peer.port, "disable", [*shell, *self.exec()], PGPASSFILE=str(path))
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertIn("the token in the passfile is not sent", result.stderr)
                self.assertEqual("cannot make a passfile in memory" in result.stderr, limit == "0")
                self.assert_nothing(peer, traces.signature(token))

    def test_nor_by_a_passfile_that_an_agent_serves_as_it_is_opened(self):
        for directory in ("run", "rds-iam/run"):
            for under in (True, False):
                with self.subTest(directory=directory, under=under), PostgreSQLPeer(None) as peer:
                    services = Services(self.home, directory)
                    services.add("peer", port=peer.port)
                    argv = [*(self.exec() if under else []), "psql", "-w", "-X", "-c", "select 1",
                            "service=peer sslmode=disable"]
                    with services.agent(PRINCIPAL):
                        result = self.home.run(argv, None)
                    if under:
                        self.assertIn("the token in the passfile is not sent", result.stderr)
                        self.assert_nothing(peer)
                    else:
                        self.assertIn(b"Action=connect", peer.answers[0][1], "control: stock psql sends it")

    def test_control_stock_psql_hands_it_over(self):
        with PostgreSQLPeer(None) as peer:
            token = self.lab.token(PRINCIPAL, self.lab.pg, USER, port=peer.port)
            self.psql(peer.port, "disable", PGPASSWORD=token)
            self.assertEqual(peer.answers, [(False, token.encode() + b"\0")])
            self.assertIn("a piece of a secret", traces.find(peer.received, [traces.signature(token)]))

    def test_control_a_verified_server_gets_it(self):
        with PostgreSQLPeer(self.lab.certificates.server) as peer:
            result = self.psql(peer.port, "verify-full", self.exec())
            (through_tls, data), = peer.answers
            self.assertTrue(through_tls)
            self.assertIn(b"Action=connect", data)
            self.assertIn("password authentication failed by the peer", result.stderr)
            self.assertNotIn("X-Amz", result.stderr)


class Kerberos(LabCase):
    """libpq 12 and later offers whoever has a ticket an encryption that needs no certificate, before
    TLS and whatever sslmode says. The peer counts offers: without one a server cannot accept it."""

    def psql(self, peer, principal, *words, under=True, **extra):
        """Under the preload and not rds-iam exec, whose variables are another matter."""
        conninfo = f"host={self.lab.pg.host} port={peer.port} user={USER} dbname=shop {' '.join(words)}"
        return self.home.run(
            ["psql", "-w", "-X", "-c", "select 1", conninfo], principal,
            **{"PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(self.lab.ca_file),
               **kerberos.environment(self.home), **(ways.with_preload() if under else {}), **extra})

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

    def test_a_token_of_ours(self):
        for words in ((), ("gssencmode=prefer",), ("gssencmode=disable",)):
            with self.subTest(words=words), self.peer() as peer:
                self.psql(peer, PRINCIPAL, *words)
                self.assert_sent_by_tls(peer)

    def test_a_token_that_is_given(self):
        for principal in (None, PRINCIPAL):
            with self.subTest(principal=principal), self.peer() as peer:
                token = self.lab.token("etl", self.lab.pg, USER, port=peer.port)
                self.psql(peer, principal, PGPASSWORD=token)
                self.assert_sent_by_tls(peer)
                self.assertEqual(peer.answers[0][1], token.encode() + b"\0")

    def test_one_that_is_replaced(self):
        with self.peer() as peer:
            old = self.lab.token(PRINCIPAL, self.lab.pg, USER, port=peer.port, at=1000000)
            self.psql(peer, PRINCIPAL, PGPASSWORD=old)
            self.assert_sent_by_tls(peer)
            self.assertNotEqual(peer.answers[0][1], old.encode() + b"\0")

    def test_the_agents(self):
        services = Services(self.home)
        with self.peer() as peer:
            services.add("peer", port=peer.port)
            self.assertEqual(services.fill(PRINCIPAL).returncode, 0)
            self.psql(peer, None, "service=peer")
            self.assert_sent_by_tls(peer)

    def test_every_way_to_connect(self):
        """Its arguments are completed in each; a connection's reset goes by what it began with."""
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

    def test_who_wants_kerberos_gets_no_token(self):
        for extra in ({}, {"PGPASSWORD": self.lab.token("etl", self.lab.pg, USER)}):
            with self.subTest(given=bool(extra)), self.peer() as peer:
                result = self.psql(peer, PRINCIPAL, "gssencmode=require", **extra)
                self.assertIn("gssencmode=require: with a Kerberos ticket libpq 12 and later tries GSS encryption before TLS, and the "
                              "token goes to a server that showed no certificate; set gssencmode=disable or "
                              "PGGSSENCMODE=disable", result.stderr)
                self.assertEqual((self.offers(peer), peer.answers), (1, []))

    def test_control_a_ticket_is_offered_where_there_is_no_token(self):
        for under in (True, False):
            with self.subTest(under=under), self.peer() as peer:
                self.psql(peer, None, under=under)
                self.assertEqual(self.offers(peer), 1)


class Limits(LabCase):
    """A copy of libpq that the preload does not reach, here a module's with RTLD_DEEPBIND: it sends what the
    program gives it, as without rds-iam exec (SECURITY.md)."""

    def test_what_holds_where_the_preload_does_not_reach(self):
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
