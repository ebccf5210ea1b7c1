# SPDX-License-Identifier: MIT
"""Under rds-iam exec, programs on libmariadb log in with tokens, send no token and no password to hostile servers, and
reach local servers as they do without rds-iam exec. Only ODBC, mydumper and myloader are given a TLS setting."""
import shutil

import mysql_programs
from mysql_programs import PROGRAMS, SILENT
import hostile
from labcase import USER, harness, mariadb_plugins
import traces
import trust_server
from impostors import IMPOSTORS, VERIFIED
from mysql_peer import MySQLPeer, Script

ME = f"{USER}@%"
PROXY = "mine.proxy-abcdefghijkl.us-east-1.rds.amazonaws.com"
UNGUARDED = mysql_programs.SOURCE / "unguarded"
# A program with an option for TLS. With this option, the program does not connect to a server without TLS.
REQUIRES_TLS = {"ODBC, with SSLVERIFY"}
# Programs that reject a port together with a socket, or that use another path of the socket.
NO_SOCKET = {"DBD::MariaDB", "mysqltcl", "Pike"}


class ProgramCase(hostile.HostileCase):
    def run_program(self, name, under=True, own=None, host=None, port=None, user=USER, password="", principal="etl",
                    **extra):
        """Runs a program that logs in once, under rds-iam exec or without it."""
        server = self.lab.mariadb
        argv = mysql_programs.command(name, self.home, host or server.host, port or server.port, user, password)
        own = ["--ca", self.lab.ca_file] if own is None else own
        under = [harness.installed("bin/rds-iam"), "exec", *own, "--"] if under else []
        return self.home.run([*under, *argv], principal, **extra)

    def assert_printed(self, name, result, user=ME):
        """Checks that the program printed the user that the server sees, or the server's uptime if the program is in
        SILENT."""
        if name in SILENT:
            self.assertIn("uptime", result.stdout, result.stderr)
        else:
            self.assertEqual(result.stdout.strip(), user, result.stderr)


class Logins(ProgramCase):
    def test_each_program_logs_in(self):
        for name in PROGRAMS:
            with self.subTest(program=name):
                seen = len(self.verdicts())
                result = self.run_program(name)
                self.assert_printed(name, result)
                self.assertEqual(result.stderr, "")
                self.assertEqual([v["reason"] for v in self.verdicts()[seen:]], [None])

    def test_the_ca_store_replaces_the_option_ca(self):
        trust_server.install_store(self.home.path, self.lab.ca_file)
        for name in PROGRAMS:
            with self.subTest(program=name):
                self.assert_printed(name, self.run_program(name, own=[]))

    def test_control_none_logs_in_without_exec(self):
        for name in PROGRAMS:
            with self.subTest(program=name):
                self.assertNotRegex(self.run_program(name, under=False).stdout, f"{ME}|uptime")
        self.assert_nothing_sent()

    def test_a_session_token(self):
        for name in ("a C program", "MySQLdb"):
            with self.subTest(program=name):
                self.assertEqual(self.run_program(name, principal="etl-session").stdout.strip(), ME)

    def test_password_accounts_of_an_rds_host(self):
        password = self.lab.passwords["native_user"]
        for name in PROGRAMS:
            with self.subTest(program=name):
                result = self.run_program(name, user="native_user", password=password)
                self.assert_printed(name, result, "native_user@%")

    def test_without_a_ca_a_warning_names_the_command_to_run(self):
        result = self.run_program("a C program", own=[])
        self.assertIn(f"{self.lab.mariadb.host} is not verified: no usable root certificates for RDS servers were found; run: rds-iam setup ca",
                      result.stderr)
        self.assertNotIn(ME, result.stdout)
        self.assert_nothing_sent()

    def test_an_option_file_that_the_library_reads_is_respected(self):
        """Such an option counts even if it weakens the verification, because rds-iam does not change a user's
        settings."""
        self.home.write(".my.cnf", "[client]\nssl-verify-server-cert=0\n")
        server = self.lab.mariadb
        program = mysql_programs.SOURCE / "handles"
        steps = ["init", "group=client", f"connect={server.host},{server.port},{USER}"]
        result = self.home.run([harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--", program, *steps])
        self.assertIn("rds-iam: the server's ", result.stdout, result.stderr)
        self.assert_nothing_sent()


class TurnsTlsOff(ProgramCase):
    """mydumper and myloader turn TLS off on each connection, unless they get the option --ssl."""

    def dump(self, *options, tool="mydumper"):
        server = self.lab.mariadb
        words = ("-B", "shop", "-T", "orders", "--no-locks", "-v", "1", "-o", "out") if tool == "mydumper" else ("-d", "out")
        return self.home.run([harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--", tool,
                              "-h", server.host, "-P", server.port, "-u", USER, *words, *options])

    def test_mydumper_with_ssl(self):
        result = self.dump("--ssl")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("INSERT INTO `orders`", (self.home.path / "out/shop.orders.sql").read_text())
        self.assertEqual({v["reason"] for v in self.verdicts()}, {None})

    def test_myloader_with_ssl(self):
        """The account has no right to write. So after the login, the server refuses to create the tables."""
        self.dump("--ssl")
        seen = len(self.verdicts())
        self.assertIn("command denied to user", self.dump("--ssl", tool="myloader").stderr)
        self.assertEqual({v["reason"] for v in self.verdicts()[seen:]}, {None})

    def test_without_ssl_the_message_names_the_missing_encryption(self):
        self.home.write("out/metadata", "")
        for tool in ("mydumper", "myloader"):
            result = self.dump(tool=tool)
            self.assertIn("the connection is not encrypted, so no token was sent", result.stderr)
            self.assertNotEqual(result.returncode, 0)
        self.assert_nothing_sent()


class Hostile(ProgramCase):
    """A server that cannot prove its name gets not one byte of a token or of a typed password."""

    def certificate(self, kind):
        return None if kind is None else getattr(self.lab.certificates, kind)

    def assert_sends_nothing(self, peer, name, **how):
        result = self.run_program(name, port=peer.port, principal=hostile.PRINCIPAL, **{"host": hostile.HOST, **how})
        secrets = traces.secrets_of(self.lab.principals[hostile.PRINCIPAL]) + [b"X-Amz-Signature="]
        self.assertNotIn(ME, result.stdout)
        self.assertGreaterEqual(peer.connections, 1, "control: the client must have connected")
        self.assertEqual(traces.find(peer.received, secrets), [])

    def test_no_program_sends_a_token(self):
        for name in PROGRAMS:
            with self.subTest(program=name), MySQLPeer(self.lab.certificates.other_ca) as peer:
                self.assert_sends_nothing(peer, name)

    def test_a_public_ca_and_another_name(self):
        """The other CA stands for a public CA. A public CA signs the certificate of an RDS Proxy, but not that of a
        database."""
        self.home.write(".config/rds-iam/rds-ca.pem", self.lab.ca_file.read_text(), mode=0o644)
        self.home.write(".config/rds-iam/rds-ca-public.pem", self.lab.other_ca_file.read_text(), mode=0o644)
        hosts = self.home.write("hosts", f"127.0.0.1 {PROXY} {hostile.HOST}\n")
        for host in (PROXY, hostile.HOST):
            with self.subTest(host=host), MySQLPeer(self.lab.certificates.other_ca) as peer:
                self.assert_sends_nothing(peer, "a C program", host=host, own=[], NSS_WRAPPER_HOSTS=str(hosts))

    def test_control_a_verified_peer_gets_a_token(self):
        with MySQLPeer(self.certificate("server")) as peer:
            self.run_program("a C program", host=hostile.HOST, port=peer.port, principal=hostile.PRINCIPAL)
            self.assert_token(peer.answers[0], hostile.HOST, peer.port)

    def test_control_without_the_guard_a_hostile_peer_gets_a_token(self):
        """The plugin in UNGUARDED is built from the same sources, but treats each connection as verified. The installed
        plugin sends no part of a token to the same peers."""
        for plugins, is_sent in ((mariadb_plugins(), False), (UNGUARDED, True)):
            for title, kind in {"no TLS": None, "another CA": "other_ca"}.items():
                with self.subTest(peer=title, guard=not is_sent), MySQLPeer(self.certificate(kind)) as peer:
                    self.run_program("a C program", False, host=hostile.HOST, port=peer.port,
                                     principal=hostile.PRINCIPAL, MARIADB_PLUGIN_DIR=str(plugins))
                    self.assertEqual(traces.find(peer.received) != [], is_sent)

    def test_a_typed_password_goes_to_a_verified_server_alone(self):
        for title, kind in {**IMPOSTORS, "the right one": VERIFIED}.items():
            for under in (True, False):
                with self.subTest(peer=title, under=under), MySQLPeer(self.certificate(kind)) as peer:
                    self.run_program("a C program", under, host=hostile.HOST, port=peer.port, password=hostile.TYPED)
                    sent = hostile.TYPED.encode() in peer.received
                    self.assertEqual(sent, kind == VERIFIED or not under)


class Local(ProgramCase):
    """A server that is not RDS and has no TLS gets the same bytes as without rds-iam exec."""

    def test_over_tcp(self):
        for name in PROGRAMS:
            for password in ("", hostile.TYPED) if name not in REQUIRES_TLS else ():
                with self.subTest(program=name, password=password):
                    sent = []
                    for under in (True, False):
                        with MySQLPeer(None, Script(asks=())) as peer:
                            result = self.run_program(name, under, host="127.0.0.1", port=peer.port, password=password)
                        self.assertNotIn("rds-iam", result.stderr)
                        sent.append([data for _, data in peer.messages])
                    self.assertEqual(*sent)
                    self.assertTrue(sent[0], "control: something was sent")

    def test_a_unix_socket(self):
        account = {"user": "native_user", "password": self.lab.passwords["native_user"], "host": "localhost"}
        socket = self.lab.directory / "mariadb.sock"
        for name in PROGRAMS:
            if name in REQUIRES_TLS | mysql_programs.SILENT:
                continue
            with self.subTest(program=name):
                results = [self.run_program(name, under, MYSQL_UNIX_PORT=str(socket), **account)
                           for under in (True, False)]
                outcomes = [(result.stdout, result.returncode) for result in results]
                self.assertEqual(*outcomes)
                self.assertNotIn("rds-iam", results[0].stderr)
                self.assertEqual(outcomes[0][0] == "native_user@%\n", name not in NO_SOCKET, results[0].stderr)


if not shutil.which("mydumper"):
    del TurnsTlsOff  # Debian 13 does not have mydumper
if __name__ == "__main__":
    harness.main()
