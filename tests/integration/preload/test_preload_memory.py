# SPDX-License-Identifier: MIT
"""Connections under the preload that run out of memory, at each allocation in turn. Before a connection, the preload
calls libpq to determine the settings of the connection. If memory runs out, libpq may use other settings in the
connection itself, and PQconninfo() omits settings for which it has no memory.
The peer has no TLS, so every token that it receives is a leak."""

from closed import UNKNOWN, ClosedCase, harness, ways
from labcase import USER
from postgresql_peer import PostgreSQLPeer


class Memory(ClosedCase):
    def starve(self, once, conninfo, step=1, preloaded=True, **extra):
        """Runs a program that makes allocations fail. Returns its lines, and how many of them
        report a child that a signal killed."""
        env = {**(ways.with_preload() if preloaded else {}), **extra}
        argv = [ways.PROGRAMS / "starves", "1" if once else "0", "1", str(step), conninfo]
        result = self.home.run(argv, None, timeout=240, **env)
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = result.stdout.splitlines()
        return lines, len([line for line in lines if line.startswith("signal")])

    def test_memory_runs_out_at_each_allocation(self):
        for kind, extra in self.given().items():
            for once in (True, False):
                with self.subTest(kind=kind, once=once):
                    with PostgreSQLPeer(None) as peer:
                        lines, signals = self.starve(once, self.conninfo(peer), **extra)
                        self.assertGreater(len(lines), 100, "control: there were allocations that could fail")
                        if once:  # otherwise libpq has no memory for a handle
                            self.assertTrue(any(UNKNOWN in line for line in lines), set(lines))
                        self.assert_nothing(peer)
                    with PostgreSQLPeer(None) as peer:
                        lines, own = self.starve(once, self.conninfo(peer), preloaded=False, **extra)
                        self.assertIn((False, self.token.encode() + b"\0"), peer.answers, "control: no preload")
                        self.assertLessEqual(signals, own, "no more crashes than libpq alone")

    def test_memory_runs_out_before_a_unix_socket_is_recognized(self):
        directory = self.home.path / "s"
        directory.mkdir()
        for kind, extra in self.given().items():
            with self.subTest(kind=kind), PostgreSQLPeer(None, f"{directory}/.s.PGSQL.5432") as peer:
                self.starve(True, f"host={directory} port=5432 user={USER} dbname=shop", **extra)
                self.assertGreater(peer.connections, 1)
                self.assert_nothing(peer)


if __name__ == "__main__":
    harness.main()
