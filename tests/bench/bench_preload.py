# SPDX-License-Identifier: MIT
"""What the preload of rds-iam exec adds to the start of a program without a client library: /bin/true runs with and
without it, alternately. An empty object shows the part that every preload costs. Times have no limit, because they
depend on the machine. Counts have limits: compared with the empty object, the preload makes at most one system call
(getpid()) and three page faults more. It maps no other object of rds-iam and no libcrypto."""
import os
import statistics
import unittest

import harness

SPAWNS = harness.BUILD / "tests/bench/bench_spawns"
PAIRS = int(os.environ.get("RIA_BENCH_SPAWNS", "1000"))
ROUNDS = int(os.environ.get("RIA_BENCH_ROUNDS", "3"))
OBJECTS = {"the preload": harness.installed("lib*/**/rds-iam/librds-iam-pq.so"),
           "an empty object": harness.BUILD / "tests/bench/bench_empty.so"}


def quartiles(values):
    return tuple(round(value) for value in statistics.quantiles(values, n=4))


def system_calls(library=None):
    own = [] if library is None else ["-E", f"LD_PRELOAD={library}"]
    lines = harness.run(["strace", *own, "/bin/true"], env={"PATH": "/usr/bin:/bin"}).stderr.splitlines()
    return sum("(" in line and "= " in line for line in lines)


class Preload(unittest.TestCase):
    def measure(self, title):
        """Prints the added time and returns the quartiles of the added page faults."""
        variable = f"LD_PRELOAD={OBJECTS[title]}"
        result = harness.run([SPAWNS, PAIRS, variable, "/bin/true"], timeout=600)
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = [tuple(map(int, line.split())) for line in result.stdout.splitlines()]
        self.assertEqual(len(rows), PAIRS)
        low, middle, high = quartiles([(row[0] - row[1]) / 1000 for row in rows])
        bare, faults = (statistics.median(column) for column in list(zip(*rows))[1::2])
        added_faults = quartiles([row[2] - row[3] for row in rows])
        print(f"# /bin/true with {title:16} adds {middle:4} us (quartiles {low} to {high}) to {bare / 1000:.0f} us, "
              f"ratio {1 + 1000 * middle / bare:.3f}; {added_faults[1]} page faults to {faults:.0f}", flush=True)
        return added_faults

    def test_the_start_of_a_program(self):
        for _ in range(ROUNDS):
            faults = {title: self.measure(title) for title in OBJECTS}
            self.assertLessEqual(faults["the preload"][1], faults["an empty object"][1] + 3)
            self.assertGreater(faults["an empty object"][1], 0, "control")

    def test_system_calls(self):
        bare = system_calls()
        added = {title: system_calls(library) - bare for title, library in OBJECTS.items()}
        print(f"# system calls added to {bare}: {added}", flush=True)
        self.assertGreater(added["an empty object"], 0, "control")
        # getpid(): a child of fork() must detect that it is a child (common/interpose/library.c).
        self.assertLessEqual(added["the preload"], added["an empty object"] + 1)

    def test_what_is_mapped(self):
        preload = OBJECTS["the preload"]
        maps = harness.run(["cat", "/proc/self/maps"], env={"PATH": "/usr/bin:/bin", "LD_PRELOAD": str(preload)}).stdout
        self.assertIn(str(preload), maps, "control")
        for name in ("libcrypto", "rds-iam-pq-token", "rds-iam-mysql-host"):
            self.assertNotIn(name, maps)


if __name__ == "__main__":
    harness.main()
