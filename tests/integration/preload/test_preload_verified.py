# SPDX-License-Identifier: MIT
"""How rds-iam exec changes the sslmode of a PostgreSQL connection to RDS. The modes prefer and allow, and a missing
mode, become verify-full with the CA store of rds-iam, or verify-ca if the host's section in rds-iam's configuration
contains tls = verify-ca. With verify-full and verify-ca, the connection uses the CA store if the user names no root
certificates. Other sslmodes, and connections to other hosts, do not change."""
import pathlib
import struct

from labcase import USER, LabCase, harness
from postgresql_peer import GSS_REQUEST, PostgreSQLPeer
import kerberos

PRINCIPAL = "etl-session"
WHO = "select current_user, ssl from pg_stat_ssl where pid = pg_backend_pid()"
RUBY = """
require 'pg'
options = %s
connection = PG.connect(**options)
puts connection.exec("select current_user || '|' || ssl from pg_stat_ssl where pid = pg_backend_pid()").values[0][0]
"""


class VerifiedCase(LabCase):
    def setUp(self):
        super().setUp()
        self.store = self.home.path / ".config/rds-iam"
        self.install(self.lab.ca_file)

    def install(self, rds, public=None):
        """Writes the files that rds-iam setup ca would install. Removes a file whose certificate is None."""
        for name, certificate in (("rds-ca.pem", rds), ("rds-ca-public.pem", public)):
            path = self.store / name
            if path.exists():
                path.unlink()
            if certificate is not None:
                self.home.write(f".config/rds-iam/{name}", pathlib.Path(certificate).read_text(), mode=0o644)

    def exec(self, *command, own=(), principal=PRINCIPAL, **extra):
        return self.home.run([harness.installed("bin/rds-iam"), "exec", *own, "--", *command], principal, **extra)

    def psql(self, *, port=None, words="", host=None, **extra):
        pg = self.lab.pg
        return self.exec("psql", "-XAtw", "-c", WHO,
                         f"host={host or pg.host} port={port or pg.port} user={USER} dbname={self.lab.database_name} {words}",
                         **extra)

    def assert_in(self, result):
        self.assertEqual((result.stdout.replace("|true", "|t"), result.stderr), (f"{USER}|t\n", ""))


class Connections(VerifiedCase):
    def test_host_and_user_are_enough(self):
        """Control: without exec, psql fails with the same host, port and user."""
        pg = self.lab.pg
        plain = self.home.run(["psql", "-XAtw", "-h", pg.host, "-p", pg.port, "-U", USER, "-c", WHO,
                               self.lab.database_name], PRINCIPAL)
        self.assertNotEqual(plain.returncode, 0)
        self.assert_in(self.psql())
        self.assert_accepted()

    def test_prefer_and_allow_are_verified(self):
        for words, extra in (("sslmode=prefer", {}), ("sslmode=allow", {}), ("", {"PGSSLMODE": "prefer"}),
                             ("", {"PGSSLMODE": "allow"}), ("gssencmode=prefer", {})):
            with self.subTest(words=words, extra=extra):
                self.assert_in(self.psql(words=words, **extra))
                with PostgreSQLPeer(self.lab.certificates.other_ca) as peer:
                    result = self.psql(port=peer.port, words=words, **extra)
                self.assertIn("certificate verify failed", result.stderr)
                self.assertEqual(peer.answers, [])

    def test_a_ticket_is_not_offered_with_prefer_or_allow(self):
        """Without exec, libpq offers a Kerberos ticket before TLS. Under exec, libpq does not offer the ticket,
        whether the preload makes a token or the program gives a password."""
        ticket = kerberos.environment(self.home)
        request = struct.pack("!II", 8, GSS_REQUEST)
        pg = self.lab.pg
        for mode in ("prefer", "allow"):
            for given in ({}, {"PGPASSWORD": "a-password"}):
                with self.subTest(mode=mode, given=list(given)), PostgreSQLPeer(self.lab.certificates.server) as peer:
                    self.psql(port=peer.port, words=f"sslmode={mode}", **ticket, **given)
                    (through_tls, data), = peer.answers
                    self.assertTrue(through_tls)
                    self.assertTrue(data == b"a-password\0" if given else b"X-Amz-Signature=" in data)
                    self.assertEqual(peer.received.count(request), 0)
                with PostgreSQLPeer(self.lab.certificates.server) as peer:
                    self.home.run(["psql", "-XAtw", f"host={pg.host} port={peer.port} user={USER} sslmode={mode}"], None,
                                  **ticket, **given)
                    self.assertEqual(peer.received.count(request), 1, "control: without exec it is offered")

    def test_verify_full_gets_the_missing_root_certificates(self):
        for words, extra in (("sslmode=verify-full", {}), ("", {"PGSSLMODE": "verify-full"})):
            with self.subTest(words=words, extra=extra):
                self.assert_in(self.psql(words=words, **extra))
                with PostgreSQLPeer(self.lab.certificates.other_ca) as peer:
                    result = self.psql(port=peer.port, words=words, **extra)
                self.assertIn("certificate verify failed", result.stderr)
                self.assertEqual(peer.answers, [])
        self.install(None)
        self.assertIn("root certificate file", self.psql(words="sslmode=verify-full").stderr, "libpq's own message")

    def test_verify_ca_gets_the_roots_of_rds(self):
        """A section allows a token although the name is not verified. The chain is verified with the roots of the CA
        store."""
        pg = self.lab.pg
        self.home.write(".config/rds-iam/config", f"[{pg.host}]\ntls = verify-ca\n")
        self.assert_in(self.psql(words="sslmode=verify-ca"))
        with PostgreSQLPeer(self.lab.certificates.other_ca) as peer:
            result = self.psql(port=peer.port, words="sslmode=verify-ca")
        self.assertIn("certificate verify failed", result.stderr)
        self.assertEqual(peer.answers, [])
        proxy = self.psql(host="px.proxy-abcdefghijkl.us-east-1.rds.amazonaws.com", words="sslmode=verify-ca")
        self.assertIn("root certificate file", proxy.stderr, "not the public roots, which certify every server")
        self.install(None)
        self.assertIn("root certificate file", self.psql(words="sslmode=verify-ca").stderr, "libpq's own message")

    def test_verify_full_keeps_gssencmode(self):
        """Without a ticket, libpq refuses gssencmode=require before it opens a connection."""
        result = self.psql(words="sslmode=verify-full gssencmode=require")
        self.assertIn("GSSAPI", result.stderr)
        self.assert_nothing_sent()

    def test_verify_full_keeps_the_named_root_certificates(self):
        for words, file in ((f"sslrootcert={self.lab.other_ca_file}", None), ("", ".postgresql/root.crt")):
            with self.subTest(words=words, file=file):
                if file:
                    self.home.write(file, pathlib.Path(self.lab.other_ca_file).read_text())
                result = self.psql(words=f"sslmode=verify-full {words}")
                self.assertIn("certificate verify failed", result.stderr)
        self.assert_nothing_sent()

    def test_psycopg2(self):
        pg = self.lab.pg
        script = ("import psycopg2\nc = psycopg2.connect(host=%r, port=%d, user=%r, dbname=%r)\n"
                  "r = c.cursor(); r.execute(%r); print('|'.join(map(str, r.fetchone())).replace('True', 't'))")
        self.assert_in(self.exec("/usr/bin/python3", "-c",
                                 script % (pg.host, pg.port, USER, self.lab.database_name, WHO)))

    def test_a_server_without_tls_gets_no_token(self):
        for words in ("", "sslmode=prefer", "sslmode=allow"):
            with self.subTest(words=words), PostgreSQLPeer(None) as peer:
                result = self.psql(port=peer.port, words=words)
                self.assertIn("server does not support SSL, but SSL was required", result.stderr)
                self.assertGreaterEqual(peer.connections, 1)
                self.assertEqual(peer.answers, [])

    def test_a_password_to_rds_is_sent_to_a_verified_server_only(self):
        with PostgreSQLPeer(None) as peer:
            self.psql(port=peer.port, PGPASSWORD="a-password")
            self.assertEqual(peer.answers, [])
        with PostgreSQLPeer(None) as peer:  # control: without exec the password is sent
            pg = self.lab.pg
            self.home.run(["psql", "-XAtw", f"host={pg.host} port={peer.port} user={USER} dbname=x"], None,
                          PGPASSWORD="a-password")
            self.assertEqual([answer[1] for answer in peer.answers], [b"a-password\0"])

    def test_other_sslmodes_stay_and_the_missing_token_is_reported(self):
        for mode in ("disable", "require", "verify-ca"):
            with self.subTest(mode=mode), PostgreSQLPeer(self.lab.certificates.server) as peer:
                result = self.psql(port=peer.port, words=f"sslmode={mode}", PGSSLROOTCERT=str(self.lab.ca_file))
                self.assertIn(f"no token for {USER} at {self.lab.pg.host}:{peer.port}: ", result.stderr)
                if mode == "require":
                    self.assertIn("remove it (also PGSSLMODE), or set sslmode=verify-full", result.stderr)
                self.assertEqual([answer for answer in peer.answers if answer[1].strip(b"\0")], [])

    def test_connections_to_other_hosts_do_not_change(self):
        """A server without TLS and an account with a password: the login is the same with and without exec."""
        for preloaded in (True, False):
            with self.subTest(preloaded=preloaded), PostgreSQLPeer(None) as peer:
                argv = ["psql", "-XAtw", f"host=db.example.com port={peer.port} user=someone dbname=x"]
                prefix = [harness.installed("bin/rds-iam"), "exec", "--"] if preloaded else []
                result = self.home.run([*prefix, *argv], None, PGPASSWORD="a-password",
                                       LD_PRELOAD="libnss_wrapper.so", NSS_WRAPPER_HOSTS=str(self.hosts()))
                self.assertEqual([answer[1] for answer in peer.answers], [b"a-password\0"], result.stderr)

    def hosts(self):
        return self.home.write("hosts", "127.0.0.1 db.example.com\n")

    def test_a_mapped_name_is_verified(self):
        pg = self.lab.pg
        self.home.write(".config/rds-iam/config", f"[db.example.com]\nendpoint = {pg.host}:{pg.port}\n")
        with PostgreSQLPeer(self.lab.certificates.other_ca) as peer:
            result = self.psql(host="db.example.com", port=peer.port, NSS_WRAPPER_HOSTS=str(self.hosts()))
        self.assertIn("certificate verify failed", result.stderr)
        self.assertEqual(peer.answers, [])

    def test_a_section_with_verify_ca(self):
        """The section makes libpq verify the chain and not the name. If the user sets sslmode=verify-full, libpq still
        verifies the name."""
        pg = self.lab.pg
        section = f"[127.0.0.1]\nendpoint = {pg.host}:{pg.port}\ntls = verify-ca\n"
        self.home.write(".config/rds-iam/config", section)
        self.assert_in(self.psql(host="127.0.0.1"))
        self.assert_in(self.psql(host="127.0.0.1", words="sslmode=prefer"))
        with PostgreSQLPeer(self.lab.certificates.other_ca) as peer:
            result = self.psql(host="127.0.0.1", port=peer.port)
            self.assertIn("certificate verify failed", result.stderr)
            self.assertEqual(peer.answers, [])
        with PostgreSQLPeer(None) as peer:
            self.assertIn("server does not support SSL", self.psql(host="127.0.0.1", port=peer.port).stderr)
            self.assertEqual(peer.answers, [])
        mismatch = 'does not match host name "127.0.0.1"'
        self.assertIn(mismatch, self.psql(host="127.0.0.1", words="sslmode=verify-full").stderr)
        self.assertIn(mismatch, self.psql(host="127.0.0.1", PGSSLMODE="verify-full").stderr)
        self.home.write(".config/rds-iam/config", section.replace("verify-ca", "verify-full"))
        self.assertIn(mismatch, self.psql(host="127.0.0.1").stderr)

    def test_verify_ca_for_one_host_of_a_list_only(self):
        pg = self.lab.pg
        self.home.write(".config/rds-iam/config", f"[127.0.0.1]\nendpoint = {pg.host}:{pg.port}\ntls = verify-ca\n")
        result = self.psql(host=f"127.0.0.1,{pg.host}", port=f"{pg.port},1")
        self.assertIn('does not match host name "127.0.0.1"', result.stderr)
        self.assert_in(self.psql(host="127.0.0.1,127.0.0.1", port=f"1,{pg.port}"))

    def test_a_name_that_is_mapped_to_a_proxy_gets_the_public_roots(self):
        self.install(self.lab.other_ca_file, public=self.lab.ca_file)
        self.home.write(".config/rds-iam/config", "[127.0.0.1]\nendpoint = px.proxy-abcdefghijkl.us-east-1.rds.amazonaws.com"
                        ":5432\n")
        with PostgreSQLPeer(self.lab.certificates.server) as peer:
            result = self.psql(host="127.0.0.1", port=peer.port)
            self.assertIn('does not match host name "127.0.0.1"', result.stderr, "the chain is verified before the name")
            self.assertEqual(peer.answers, [])

    def test_a_list_of_hosts_is_verified_if_all_are_rds_endpoints(self):
        pg = self.lab.pg
        self.assert_in(self.psql(host=f"{pg.host},{pg.host}", port=f"1,{pg.port}"))
        with PostgreSQLPeer(None) as peer:
            self.psql(host=f"{pg.host},db.example.com", port=f"{peer.port},{peer.port}",
                      NSS_WRAPPER_HOSTS=str(self.hosts()))
            self.assertEqual([answer for answer in peer.answers if b"Action=connect" in answer[1]], [])

    def test_ruby_pg_by_service(self):
        """ruby-pg merges libpq's defaults into the entry, among them sslmode=prefer."""
        pg = self.lab.pg
        self.home.write(".pg_service.conf", f"[prod]\nhost={pg.host}\nport={pg.port}\nuser={USER}\n"
                                            f"dbname={self.lab.database_name}\n")
        options = "{service: 'prod', user: '%s', port: %d}" % (USER, pg.port)
        self.assert_in(self.exec("ruby", "-e", RUBY % options))
        with PostgreSQLPeer(self.lab.certificates.other_ca) as peer:
            options = "{service: 'prod', user: '%s', port: %d}" % (USER, peer.port)
            result = self.exec("ruby", "-e", RUBY % options)
        self.assertIn("certificate verify failed", result.stderr)
        self.assertEqual(peer.answers, [])


class Roots(VerifiedCase):
    def test_without_a_store_the_message_names_setup_ca(self):
        self.install(None)
        result = self.psql()
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("rds-iam: not connected: no usable root certificates for RDS servers were found; "
                      "run: rds-iam setup ca", result.stderr)
        self.assert_nothing_sent()

    def test_roots_that_the_user_names_are_used(self):
        self.install(self.lab.certificates.other_ca_file)
        self.assertIn("certificate verify failed", self.psql().stderr)
        for words, extra in ((f"sslrootcert={self.lab.ca_file}", {}), ("", {"PGSSLROOTCERT": str(self.lab.ca_file)})):
            with self.subTest(words=words, extra=extra):
                self.assert_in(self.psql(words=words, **extra))
        self.home.write(".postgresql/root.crt", self.lab.ca_file.read_text())
        self.assert_in(self.psql())

    def test_ca_overrides_the_store(self):
        self.install(self.lab.certificates.other_ca_file)
        self.assert_in(self.psql(own=["--ca", self.lab.ca_file]))

    def test_a_store_that_other_users_can_write_is_not_used(self):
        self.store.chmod(0o777)
        result = self.psql()
        self.assertIn(f"{self.store}: every user can write it", result.stderr)
        self.assertIn("not connected", result.stderr)
        self.store.chmod(0o700)
        self.assert_in(self.psql())
        (self.store / "rds-ca.pem").chmod(0o666)
        result = self.psql()
        self.assertIn(f"{self.store}/rds-ca.pem: every user can write it", result.stderr)
        self.assertIn("not connected", result.stderr)

    def test_roots_that_expire_within_60_days_are_reported(self):
        text = self.lab.ca_file.read_text()
        for date, is_reported in (("2020-01-01T00:00:00Z", True), ("2999-01-01T00:00:00Z", False)):
            with self.subTest(date=date):
                self.home.write(".config/rds-iam/rds-ca.pem",
                                f"# rds-iam setup ca: the roots of us-east-1 expire at {date}\n{text}", mode=0o644)
                result = self.psql()
                self.assertEqual(f"the root certificates of us-east-1 expire at {date}; run: rds-iam setup ca"
                                 in result.stderr, is_reported, result.stderr)
                self.assertEqual(result.stdout, f"{USER}|t\n")

    def test_a_proxy_is_verified_by_the_public_roots(self):
        """The proxy's name leads to a peer whose certificate is of the other CA, which stands for a public CA."""
        name = "my.proxy-abcdefghijkl.us-east-1.rds.amazonaws.com"
        hosts = self.home.write("hosts", f"127.0.0.1 {name}\n")
        self.install(self.lab.ca_file, self.lab.certificates.other_ca_file)
        with PostgreSQLPeer(self.lab.certificates.other_ca) as peer:
            result = self.psql(host=name, port=peer.port, NSS_WRAPPER_HOSTS=str(hosts))
        self.assertIn(f'does not match host name "{name}"', result.stderr)  # the chain was verified
        self.assertEqual(peer.answers, [])
        with PostgreSQLPeer(self.lab.certificates.server) as peer:
            result = self.psql(host=name, port=peer.port, NSS_WRAPPER_HOSTS=str(hosts))
        self.assertIn("certificate verify failed", result.stderr)


harness.main()
