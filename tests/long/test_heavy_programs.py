# SPDX-License-Identifier: MIT
"""GDAL, Qt, R and OCaml with both engines, without any TLS setting: under rds-iam exec they log in, and they send
nothing to a server with a certificate of another CA."""
import heavy_programs
import hostile
from heavy_programs import PROGRAMS
from labcase import USER, harness
from mysql_peer import MySQLPeer
from postgresql_peer import PostgreSQLPeer
import traces

PEERS = {"mysql": MySQLPeer, "pgsql": PostgreSQLPeer}


class HeavyPrograms(hostile.HostileCase):
    @classmethod
    def setUpClass(cls):
        command = heavy_programs.install()
        if command is not None:
            raise AssertionError(f"packages are missing; as root, run: {command}")
        super().setUpClass()

    def run_program(self, name, under=True, port=None):
        server = self.lab.pg if name.startswith("pgsql") else self.lab.mariadb
        place = {"host": server.host, "port": port or server.port, "user": USER}
        argv = PROGRAMS[name](self.home, place)
        under = [harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--"] if under else []
        return self.home.run([*under, *argv], hostile.PRINCIPAL)

    def test_each_program_logs_in(self):
        for name in PROGRAMS:
            with self.subTest(program=name):
                seen = len(self.verdicts())
                result = self.run_program(name)
                self.assertRegex(result.stdout, rf"(?m)\b{USER}(@%)?\s*$", result.stderr)
                self.assertEqual({v["reason"] for v in self.verdicts()[seen:]}, {None})

    def test_control_none_logs_in_without_exec(self):
        for name in PROGRAMS:
            with self.subTest(program=name):
                result = self.run_program(name, under=False)
                self.assertNotRegex(result.stdout, rf"(?m)\b{USER}(@%)?\s*$")
        self.assert_nothing_sent()

    def test_another_ca(self):
        for name in PROGRAMS:
            with self.subTest(program=name), PEERS[name[:5]](self.lab.certificates.other_ca) as peer:
                self.run_program(name, port=peer.port)
                self.assertGreaterEqual(peer.connections, 1, "control: the client must have connected")
                secrets = traces.secrets_of(self.lab.principals[hostile.PRINCIPAL])
                self.assertEqual(traces.find(peer.received, secrets), [])

    def test_control_a_verified_peer_gets_a_token(self):
        for name in PROGRAMS:
            with self.subTest(program=name), PEERS[name[:5]](self.lab.certificates.server) as peer:
                self.run_program(name, port=peer.port)
                self.assertNotEqual(traces.find(peer.received), [])


if __name__ == "__main__":
    harness.main()
