# SPDX-License-Identifier: MIT
"""Ten thousand logins in one process, by eight threads. No login fails. From the hundredth login to the last one, the
resident memory of the process grows by at most RSS_KIB, and its allocated memory by at most HELD_BYTES.

To measure the memory in use, glibc is configured to cache nothing. By default glibc caches seven free blocks of each
size up to 1 KiB for each thread, and the stacks of threads that have ended. With any plugin, these caches grow for
some thousand logins, because some block sizes occur rarely."""

import hostile
from labcase import USER, harness
from mariadb_client import MariadbCase

PROGRAM = harness.BUILD / "tests" / "integration" / "src" / "endurance"
THREADS = 8
FIRST, ALL = 100, 10000
RSS_KIB = 64
# malloc may return a slightly larger block than the last time; a lost block has 32 bytes.
HELD_BYTES = 1024
SECONDS = 1500
NO_CACHES = ":".join((
    "glibc.malloc.tcache_count=0", "glibc.malloc.arena_max=1", "glibc.pthread.stack_cache_size=0"))
# The most that glibc's caches can contain: 7 blocks of each size from 32 to 1,040 bytes, for each thread.
CACHES_KIB = THREADS * 7 * sum(range(32, 1041, 16)) // 1024


class Endurance(MariadbCase):
    def endure(self, all_logins, *arguments, principal="etl", tunables=NO_CACHES):
        """Runs the logins. Returns the resources that the process held after the first logins and after all."""
        mariadb = self.lab.mariadb
        result = self.home.run(
            [PROGRAM, mariadb.host, mariadb.port, USER, THREADS, FIRST, all_logins, *arguments],
            principal, timeout=SECONDS, GLIBC_TUNABLES=tunables)
        self.assertEqual(result.returncode, 0, result.stderr[-500:])
        lines = [line.split() for line in result.stdout.splitlines()]
        counts = [dict(zip(words[::2], map(int, words[1::2]))) for words in lines]
        self.assertEqual([c["logins"] for c in counts], [FIRST, all_logins])
        print("#", *result.stdout.splitlines(), sep="\n# ")
        return counts

    def assert_nothing_leaks(self, first, last):
        self.assertEqual(last["failures"], 0)
        for held in ("descriptors", "threads", "children"):
            self.assertEqual(last[held], first[held], held)
        self.assertEqual((last["threads"], last["children"]), (THREADS + 1, 0))
        verdicts = self.verdicts()
        self.assertEqual({v["reason"] for v in verdicts}, {None})
        self.assertEqual(len(verdicts), ALL + 1)

    def assert_no_growth(self, *arguments):
        """Measures the product's plugin, and for comparison the distribution's plugin with a token as the password."""
        first, last = self.endure(ALL, *arguments)
        self.assert_nothing_leaks(first, last)
        token = self.lab.token("etl", self.lab.mariadb, USER)
        self.write_my_cnf(plugin_dir=hostile.stock_plugins(), password=f'"{token}"')
        stock_first, stock_last = self.endure(ALL, *arguments, principal=None)
        print(*(
            f"# {whose} grew by {end['rss'] - start['rss']} KiB, {end['held'] - start['held']} bytes"
            for whose, start, end in (
                ("ours", first, last), ("the distribution's", stock_first, stock_last))), sep="\n")
        self.assertLessEqual(last["rss"] - first["rss"], RSS_KIB)
        self.assertLessEqual(last["held"] - first["held"], HELD_BYTES)

    def test_ten_thousand_logins_one_after_the_other(self):
        self.assert_no_growth("turns")

    def test_ten_thousand_logins_eight_at_once(self):
        self.assert_no_growth()

    def test_with_caches_memory_grows_no_more_than_the_caches(self):
        """With glibc's default settings, the memory grows by at most the size of the caches (and RSS_KIB)."""
        first, last = self.endure(ALL, tunables="")
        self.assert_nothing_leaks(first, last)
        self.assertLessEqual(last["rss"] - first["rss"], CACHES_KIB + RSS_KIB)

    def test_control_a_leak_of_sixteen_bytes_in_each_fourth_login_is_found(self):
        """malloc's smallest block has 32 bytes, so this leak is about 78 KiB, a little more than RSS_KIB."""
        first, last = self.endure(ALL, "leak", 4)
        self.assertGreater(last["rss"] - first["rss"], RSS_KIB)
        self.assertGreater(last["held"] - first["held"], HELD_BYTES)
        self.assertGreater(last["descriptors"], first["descriptors"])

    def test_control_a_leak_of_sixteen_bytes_in_each_twentieth_login_is_found(self):
        """The number of bytes held shows a leak earlier than the resident memory, so fewer logins are needed."""
        first, last = self.endure(ALL // 10, "turns", "leak", 20)
        self.assertGreater(last["held"] - first["held"], HELD_BYTES)


if __name__ == "__main__":
    harness.main()
