# SPDX-License-Identifier: MIT
"""The preload where memory ends, at each point of a connection in turn. libpq settles something else then
than it settles the next time, and PQconninfo() leaves out what it has no room for. The peer has no TLS, so
that what comes is a leak."""

from closed import UNKNOWN, ClosedCase, harness, ways
from labcase import USER
from postgresql_peer import PostgreSQLPeer


class Memory(ClosedCase):
    def starve(self, once, conninfo, step=1, under=True, **extra):
        env = {**(ways.with_preload() if under else {}), **extra}
        argv = [ways.PROGRAMS / "starves", "1" if once else "0", "1", str(step), conninfo]
        result = self.home.run(argv, None, timeout=240, **env)
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = result.stdout.splitlines()
        return lines, len([line for line in lines if line.startswith("signal")])

    def test_it_ends_at_each_point(self):
        for kind, extra in self.given().items():
            for once in (True, False):
                with self.subTest(kind=kind, once=once):
                    with PostgreSQLPeer(None) as peer:
                        lines, signals = self.starve(once, self.conninfo(peer), **extra)
                        self.assertGreater(len(lines), 100, "control: there were points at which it could end")
                        if once:  # else libpq has no memory for a handle
                            self.assertTrue(any(UNKNOWN in line for line in lines), set(lines))
                        self.assert_nothing(peer)
                    with PostgreSQLPeer(None) as peer:
                        lines, own = self.starve(once, self.conninfo(peer), under=False, **extra)
                        self.assertIn((False, self.token.encode() + b"\0"), peer.answers, "control: bare libpq")
                        self.assertLessEqual(signals, own, "libpq ends itself")

    def test_it_ends_before_a_socket_is_known(self):
        directory = self.home.path / "s"
        directory.mkdir()
        for kind, extra in self.given().items():
            with self.subTest(kind=kind), PostgreSQLPeer(None, f"{directory}/.s.PGSQL.5432") as peer:
                self.starve(True, f"host={directory} port=5432 user={USER} dbname=shop", **extra)
                self.assertGreater(peer.connections, 1)
                self.assert_nothing(peer)


if __name__ == "__main__":
    harness.main()
