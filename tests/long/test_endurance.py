# SPDX-License-Identifier: MIT
"""Ten thousand logins in one process, by eight threads: none fails, and after the last one the process
holds what it held after the hundredth. The resident size is judged where the threads take turns, and
against the distribution's plugin."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
import hostile  # noqa: E402
from labcase import USER, harness  # noqa: E402
from mariadb_client import MariadbCase  # noqa: E402

PROGRAM = harness.BUILD / "tests" / "integration" / "src" / "endurance"
THREADS = 8
FIRST, ALL = 100, 10000
RSS_KIB = 64
SECONDS = 1500


class Endurance(MariadbCase):
    def endure(self, all_logins, *arguments, principal="etl"):
        """What the process held after the first logins and after all."""
        mariadb = self.lab.mariadb
        result = self.home.run(
            [PROGRAM, mariadb.host, mariadb.port, USER, THREADS, FIRST, all_logins, *arguments],
            principal, timeout=SECONDS)
        self.assertEqual(result.returncode, 0, result.stderr[-500:])
        lines = [line.split() for line in result.stdout.splitlines()]
        counts = [dict(zip(words[::2], map(int, words[1::2]))) for words in lines]
        self.assertEqual([c["logins"] for c in counts], [FIRST, all_logins])
        print("#", *result.stdout.splitlines(), sep="\n# ")
        return counts

    def assert_nothing_is_left(self, first, last):
        self.assertEqual(last["failures"], 0)
        for held in ("descriptors", "threads", "children"):
            self.assertEqual(last[held], first[held], held)
        self.assertEqual((last["threads"], last["children"]), (THREADS + 1, 0))
        verdicts = self.verdicts()
        self.assertEqual({v["reason"] for v in verdicts}, {None})
        self.assertEqual(len(verdicts), ALL + 1)

    def test_ten_thousand_logins_one_after_the_other(self):
        """The client library and OpenSSL themselves grow for some thousand logins, so the
        distribution's plugin goes the same way, with a token as its typed password."""
        first, last = self.endure(ALL, "turns")
        self.assert_nothing_is_left(first, last)
        ours = last["rss"] - first["rss"]
        token = self.lab.token("etl", self.lab.mariadb, USER)
        self.write_my_cnf(plugin_dir=hostile.stock_plugins(), password=f'"{token}"')
        first, last = self.endure(ALL, "turns", principal=None)
        stock = last["rss"] - first["rss"]
        print(f"# grown by {ours} KiB, with the distribution's plugin by {stock} KiB")
        self.assertLessEqual(ours - stock, RSS_KIB)

    def test_ten_thousand_logins_at_once(self):
        first, last = self.endure(ALL)
        self.assert_nothing_is_left(first, last)

    def test_control_a_planted_leak_is_seen(self):
        first, last = self.endure(1000, "turns", "leak")
        self.assertGreater(last["rss"] - first["rss"], RSS_KIB)
        self.assertGreater(last["descriptors"], first["descriptors"])


if __name__ == "__main__":
    harness.main()
