# SPDX-License-Identifier: MIT
"""Oracle's own libmysqlclient, of the Debian release that has it: programs without any setting for TLS or plugins log
in under rds-iam exec. The library runs with its release's C library. If the mirror does not serve it, the tests are
skipped with the reason."""
import unittest

import client_releases
import hostile
import oracle_programs
from labcase import USER, harness
from mysql_peer import MySQLPeer
from oracle_programs import PROGRAMS
import traces

SUITE = "sid"
PACKAGES = ("libmysqlclient24", "libmysqlclient-dev")


class OracleLibrary(hostile.HostileCase):
    @classmethod
    def setUpClass(cls):
        try:
            root = client_releases.unpack(SUITE, "oracle", PACKAGES)
        except client_releases.NotServed as reason:
            raise unittest.SkipTest(str(reason)) from None
        cls.client = client_releases.Client(SUITE, root, True)
        cls.library = next(root.glob("usr/lib/*/libmysqlclient.so.24"))
        cls.linked = cls.link(root)
        super().setUpClass()

    @classmethod
    def link(cls, root):
        """Builds a program with the library's own headers. Returns its path."""
        headers = root / "headers"  # not the release's whole directory, which has headers of its C library
        headers.mkdir(exist_ok=True)
        if not (headers / "mysql").exists():
            (headers / "mysql").symlink_to(root / "usr/include/mysql")
        program = root / "says_who"
        source = harness.SOURCE / "tests/integration/src/says_who.c"
        done = harness.run(["gcc", "-o", program, source, "-I", headers / "mysql", "-I", headers, cls.library,
                            "-Wl,--allow-shlib-undefined"])
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return program

    def run_program(self, name, under=True, host=None, port=None):
        server = self.lab.mariadb
        place = [host or server.host, port or server.port, USER]
        first, *rest = oracle_programs.command(name, self.library, self.linked, place)
        # The loader searches the release's directories first, and then those of this system, which contain the other
        # libraries of this system's programs.
        argv = [*self.client.program(first), *rest]
        under = [harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--"] if under else []
        return self.home.run([*under, *argv], hostile.PRINCIPAL)

    def test_each_program_logs_in(self):
        for name in PROGRAMS:
            with self.subTest(program=name):
                seen = len(self.verdicts())
                result = self.run_program(name)
                self.assertEqual((result.stdout, result.stderr), (f"{USER}@%\n", ""))
                self.assertEqual([v["reason"] for v in self.verdicts()[seen:]], [None])

    def test_control_none_logs_in_without_exec(self):
        for name in PROGRAMS:
            with self.subTest(program=name):
                self.assertRegex(self.run_program(name, under=False).stderr, "plugin not enabled|2059")
        self.assert_nothing_sent()

    def test_peers(self):
        """Only the last peer has a certificate of the expected CA and name, so only this peer may get a token."""
        for kind in (None, "other_ca", "wrong_name", "self_signed", "server"):
            for name in PROGRAMS:
                certificate = None if kind is None else getattr(self.lab.certificates, kind)
                with self.subTest(peer=kind, program=name), MySQLPeer(certificate) as peer:
                    self.run_program(name, host=hostile.HOST, port=peer.port)
                    self.assertGreaterEqual(peer.connections, 1, "control: the client must have connected")
                    secrets = traces.secrets_of(self.lab.principals[hostile.PRINCIPAL])
                    self.assertEqual(traces.find(peer.received, secrets) != [], kind == "server")


if __name__ == "__main__":
    harness.main()
