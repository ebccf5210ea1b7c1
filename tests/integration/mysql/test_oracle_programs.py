# SPDX-License-Identifier: MIT
"""Under rds-iam exec, programs on the model of Oracle's library (tests/loader, with a network) log in without any
setting for TLS or plugins: one program that is linked with the library, and two that look its functions up. Only
plugins without their check send a token to a hostile server; ../guest/test_impostors.py shows what the real plugins
do."""
import hostile
import mysql_programs
import oracle_programs
from labcase import USER, harness
import traces
import trust_server
from mysql_client import LIBRARIES, PROGRAM
from mysql_peer import MySQLPeer
from oracle_programs import PROGRAMS

ME = f"{USER}@%"
LIBRARY = harness.BUILD / "tests" / "loader"
VERSIONS = ("50734", "80408", "90400")


class OraclePrograms(hostile.HostileCase):
    def run_program(self, name, version, under=True, own=None, host=None, port=None, **extra):
        server = self.lab.mariadb
        argv = oracle_programs.command(name, LIBRARY / f"liboracle_{version}.so", LIBRARY / f"says_who_{version}",
                                       [host or server.host, port or server.port, USER])
        own = ["--ca", self.lab.ca_file] if own is None else own
        under = [harness.installed("bin/rds-iam"), "exec", *own, "--"] if under else []
        return self.home.run([*under, *argv], hostile.PRINCIPAL, **extra)

    def each(self):
        return [(name, version) for name in PROGRAMS for version in VERSIONS]

    def test_each_program_logs_in(self):
        for name, version in self.each():
            with self.subTest(program=name, version=version):
                seen = len(self.verdicts())
                result = self.run_program(name, version)
                self.assertEqual((result.stdout, result.stderr), (ME + "\n", ""))
                self.assertEqual([v["reason"] for v in self.verdicts()[seen:]], [None])

    def test_the_ca_store_replaces_the_option_ca(self):
        trust_server.install_store(self.home.path, self.lab.ca_file)
        for name, version in self.each():
            with self.subTest(program=name, version=version):
                self.assertEqual(self.run_program(name, version, own=[]).stdout, ME + "\n")

    def test_control_none_logs_in_without_exec(self):
        for name, version in self.each():
            with self.subTest(program=name, version=version):
                self.assertNotIn(ME, self.run_program(name, version, under=False).stdout)
        self.assert_nothing_sent()

    def test_control_without_the_guard_a_hostile_peer_gets_a_token(self):
        """The plugins in `unguarded` are built from the same sources, but treat each connection as verified. The
        installed plugins send no part of a token to the same peers."""
        shipped = harness.installed("lib*/**/rds-iam/mysql/rds_iam_v1.so").parent
        for plugins, is_sent in ((shipped, False), (mysql_programs.SOURCE / "unguarded", True)):
            for kind in (None, "other_ca"):
                certificate = None if kind is None else self.lab.certificates.other_ca
                for library in LIBRARIES:
                    with self.subTest(peer=kind, guard=not is_sent, library=library), MySQLPeer(certificate) as peer:
                        self.home.run([PROGRAM, f"--library={library}", hostile.HOST, peer.port, USER],
                                      hostile.PRINCIPAL, LIBMYSQL_PLUGIN_DIR=str(plugins),
                                      LIBMYSQL_PLUGINS="rds_iam_v1;rds_iam_v2")
                        self.assertGreaterEqual(peer.connections, 1)
                        self.assertEqual(traces.find(peer.received) != [], is_sent)


if __name__ == "__main__":
    harness.main()
