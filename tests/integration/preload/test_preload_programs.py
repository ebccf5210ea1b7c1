# SPDX-License-Identifier: MIT
"""Under rds-iam exec, programs on libpq log in with tokens, and send no token to hostile servers. Of the PROGRAMS, only
"psqlodbc, with SSLmode" is given a TLS setting: SSLmode=verify-full."""
import time

import pg_programs
from labcase import USER, LabCase, harness
from pg_programs import PROGRAMS, WHO
from postgresql_peer import PostgreSQLPeer
import traces
import trust_server

# A principal with a session: the tests search for its secret key and its session token.
PRINCIPAL = "etl-session"
PROXY = "mine.proxy-abcdefghijkl.us-east-1.rds.amazonaws.com"
THREADS = 40
PASSWORD = "typed-at-the-prompt-1234567890"
REQUIRES_TLS = {"psqlodbc, with SSLmode"}
# Programs that do not accept the directory of a Unix socket as libpq does.
NO_SOCKET = {"PyGreSQL", "DBD::Pg"}
# A program that passes an empty password, which overrides PGPASSWORD.
NO_PASSWORD = {"libdbi"}


class ProgramCase(LabCase):
    def run_program(self, name, under=True, own=None, host=None, port=None, **extra):
        """Runs a program that logs in once, under rds-iam exec or without it."""
        pg = self.lab.pg
        argv = pg_programs.command(name, self.home, host or pg.host, port or pg.port, USER, "work")
        own = ["--ca", self.lab.ca_file] if own is None else own
        under = [harness.installed("bin/rds-iam"), "exec", *own, "--"] if under else []
        return self.home.run([*under, *argv], PRINCIPAL, **extra)

    def assert_logs_in(self, name, **how):
        seen = len(self.verdicts())
        result = self.run_program(name, **how)
        self.assertEqual(result.returncode, 0, result.stderr)
        if name in WHO:
            self.assertEqual(result.stdout.strip(), USER, result.stderr)
        reasons = [verdict["reason"] for verdict in self.verdicts()[seen:]]
        self.assertEqual((set(reasons), reasons != []), ({None}, True))


class Logins(ProgramCase):
    def test_each_program_logs_in(self):
        for name in PROGRAMS:
            with self.subTest(program=name):
                self.assert_logs_in(name)

    def test_the_ca_store_replaces_the_option_ca(self):
        trust_server.install_store(self.home.path, self.lab.ca_file)
        for name in PROGRAMS:
            with self.subTest(program=name):
                self.assert_logs_in(name, own=[])

    def test_control_none_logs_in_without_exec(self):
        for name in PROGRAMS:
            with self.subTest(program=name):
                result = self.run_program(name, under=False)
                self.assertNotIn(USER + "\n", result.stdout)
        self.assert_nothing_sent()

    def psqlodbc(self, mode, **extra):
        pg = self.lab.pg
        text = pg_programs.PYODBC % {"host": pg.host, "port": pg.port, "user": USER, "database": "work", "mode": mode}
        return self.home.run([harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--",
                              "/usr/bin/python3", self.home.write("script", text)], PRINCIPAL, **extra)

    def test_other_modes_of_psqlodbc_do_not_change(self):
        """psqlodbc passes sslmode=disable to libpq if the user sets no SSLmode. rds-iam exec replaces this mode, but
        neither require nor verify-ca."""
        for mode, reason in (("require", "sslmode=require"), ("verify-ca", "host name was not verified")):
            with self.subTest(mode=mode):
                result = self.psqlodbc(f"SSLmode={mode}")
                self.assertNotEqual(result.returncode, 0)
                pg = self.lab.pg
                self.assertIn(f"rds-iam: warning: no token for {USER} at {pg.host}:{pg.port}: ", result.stderr)
                self.assertIn(reason, result.stderr)
        self.assert_nothing_sent()

    def test_psqlodbc_with_a_password_connects_without_tls(self):
        """A given password is sent to an RDS server without TLS, as without rds-iam exec. A token is not sent."""
        for mode in ("PWD=typed-at-the-prompt;", "PWD=typed-at-the-prompt;SSLmode=disable"):
            with self.subTest(mode=mode), PostgreSQLPeer(None) as peer:
                text = pg_programs.PYODBC % {"host": self.lab.pg.host, "port": peer.port, "user": USER,
                                             "database": "work", "mode": mode}
                self.home.run([harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--",
                               "/usr/bin/python3", self.home.write("script", text)], PRINCIPAL)
                self.assertEqual(set(peer.answers), {(False, b"typed-at-the-prompt\0")})

    def test_another_driver_that_disables_tls_gets_no_token(self):
        """Control: psycopg2 passes sslmode=disable only if the user sets it, so rds-iam exec does not replace it."""
        pg = self.lab.pg
        text = pg_programs.PYTHON.format(module="psycopg2", arguments=pg_programs.KEYWORDS + ', sslmode="disable"')
        place = {"host": pg.host, "port": pg.port, "user": USER, "database": "work"}
        result = self.home.run([harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--",
                                "/usr/bin/python3", self.home.write("script", text % place)], PRINCIPAL)
        self.assertIn(f"rds-iam: warning: no token for {USER} at {pg.host}:{pg.port}: ", result.stderr)
        self.assertIn("sslmode=disable", result.stderr)
        self.assert_nothing_sent()


class Hostile(ProgramCase):
    """A server that cannot prove its name gets no part of a token or of a secret (traces.py defines a part)."""

    def certificate(self, kind):
        return None if kind is None else getattr(self.lab.certificates, kind)

    def secrets(self):
        return traces.secrets_of(self.lab.principals[PRINCIPAL]) + [b"X-Amz-Signature="]

    def assert_sends_nothing(self, peer, name, **how):
        result = self.run_program(name, port=peer.port, **how)
        self.assertNotEqual(result.returncode, 0)
        self.assertGreaterEqual(peer.connections, 1, f"control: the client must have connected: {result.stderr}")
        self.assertEqual(traces.find(peer.received, self.secrets()), [])
        return result

    def test_no_program_sends_a_token(self):
        for name in PROGRAMS:
            with self.subTest(program=name), PostgreSQLPeer(self.lab.certificates.other_ca) as peer:
                self.assert_sends_nothing(peer, name)

    def test_a_public_ca_and_another_name(self):
        """The other CA stands for a public CA. A public CA signs the certificate of an RDS Proxy, but not that of a
        database."""
        self.home.write(".config/rds-iam/rds-ca.pem", self.lab.ca_file.read_text(), mode=0o644)
        self.home.write(".config/rds-iam/rds-ca-public.pem", self.lab.other_ca_file.read_text(), mode=0o644)
        hosts = self.home.write("hosts", f"127.0.0.1 {PROXY} {self.lab.pg.host}\n")
        for host, reason in ((PROXY, "does not match host name"), (None, "certificate verify failed")):
            with self.subTest(host=host), PostgreSQLPeer(self.lab.certificates.other_ca) as peer:
                result = self.assert_sends_nothing(peer, "psql", host=host, own=[], NSS_WRAPPER_HOSTS=str(hosts))
                self.assertIn(reason, result.stderr)

    def test_control_a_verified_peer_gets_a_token(self):
        for name in ("psql", "psycopg 3"):
            with self.subTest(program=name), PostgreSQLPeer(self.lab.certificates.server) as peer:
                self.run_program(name, port=peer.port)
                self.assertNotEqual(traces.find(peer.received, self.secrets()), [])
                self.assertEqual([encrypted for encrypted, _ in peer.answers], [True])

    def test_control_without_the_guard_a_hostile_peer_gets_a_token(self):
        """Another token module, built from the same sources, treats each connection as verified."""
        source = pg_programs.SOURCE
        swapped = {"LD_PRELOAD": f"libnss_wrapper.so:{source}/other_module.so"}
        for kind, mode in ((None, "disable"), ("other_ca", "require")):
            for module in ("rds-iam-pq-token.so", "unguarded_pq_token.so"):
                with self.subTest(peer=kind, module=module), PostgreSQLPeer(self.certificate(kind)) as peer:
                    words = (f"host={self.lab.pg.host} port={peer.port} user={USER} dbname=work sslmode={mode}"
                             " gssencmode=disable")
                    found = (source / module if "unguarded" in module
                             else harness.installed(f"lib*/**/{module}"))
                    self.home.run([harness.installed("bin/rds-iam"), "exec", "--", "psql", "-XAtw", words], PRINCIPAL,
                                  **swapped, OTHER_MODULE=str(found))
                    self.assertGreaterEqual(peer.connections, 1)
                    sent = traces.find(peer.received, self.secrets())
                    self.assertEqual(sent != [], "unguarded" in module, sent)


class Local(ProgramCase):
    """A server that is not RDS and has no TLS gets the same passwords as without rds-iam exec."""

    def assert_unchanged(self, name, host, address=None):
        outcomes = []
        for under in (True, False):
            with PostgreSQLPeer(None, address) as peer:
                port = peer.port if address is None else address.rsplit(".", 1)[1]
                result = self.run_program(name, under, host=host, port=int(port), PGPASSWORD=PASSWORD)
                outcomes.append((peer.answers, result.returncode))
            self.assertNotIn("rds-iam", result.stderr)
        self.assertEqual(*outcomes)
        self.assertIn((False, PASSWORD.encode() + b"\0"), outcomes[0][0])

    def test_over_tcp(self):
        for name in PROGRAMS:
            if name not in REQUIRES_TLS | NO_PASSWORD:
                with self.subTest(program=name):
                    self.assert_unchanged(name, "127.0.0.1")

    def test_a_unix_socket(self):
        directory = self.home.path / "s"
        directory.mkdir()
        for name in PROGRAMS:
            if name not in REQUIRES_TLS | NO_PASSWORD | NO_SOCKET:
                with self.subTest(program=name):
                    self.assert_unchanged(name, str(directory), str(directory / ".s.PGSQL.5432"))


class ManyThreads(ProgramCase):
    def test_forty_threads_make_the_first_connections_at_once(self):
        pg = self.lab.pg
        started = time.monotonic()
        result = self.home.run(
            [harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--",
             pg_programs.SOURCE / "threads_at_once", THREADS,
             f"host={pg.host} port={pg.port} user={USER} dbname=work connect_timeout=60"], PRINCIPAL)
        self.assertEqual(result.stdout, f"{USER}\n" * THREADS, result.stderr)
        self.assert_accepted(THREADS)
        self.assertLess(time.monotonic() - started, 60)


if __name__ == "__main__":
    harness.main()
