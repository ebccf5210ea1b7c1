# SPDX-License-Identifier: MIT
"""What the preload of rds-iam exec adds to the start of a program without a client library: /bin/true runs with and
without it, alternately. An empty object shows the part that every preload costs. The time has no limit. The benchmark
fails only if the preload maps another object of rds-iam, or libcrypto."""
import os
import statistics
import unittest

import harness

SPAWNS = harness.BUILD / "tests/bench/bench_spawns"
EMPTY = harness.BUILD / "tests/bench/bench_empty.so"
PAIRS = int(os.environ.get("RIA_BENCH_SPAWNS", "3000"))


class Preload(unittest.TestCase):
    def measure(self, title, library):
        """Prints quartiles of the added time, and the ratio of the medians."""
        result = harness.run([SPAWNS, PAIRS, f"LD_PRELOAD={library}", "/bin/true"], timeout=600)
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = [tuple(map(int, line.split())) for line in result.stdout.splitlines()]
        self.assertEqual(len(rows), PAIRS)
        low, middle, high = (value / 1000 for value in statistics.quantiles([a - b for a, b in rows], n=4))
        with_it, without = (statistics.median(column) / 1000 for column in zip(*rows))
        print(f"# {title:28} {with_it:7.0f} us, without {without:7.0f} us, added {middle:5.0f} us "
              f"(quartiles {low:.0f} to {high:.0f}), ratio {with_it / without:.3f}", flush=True)

    def test_the_start_of_a_program(self):
        self.measure("/bin/true with the preload", harness.installed("lib*/**/rds-iam/librds-iam-pq.so"))
        self.measure("/bin/true with an empty one", EMPTY)

    def test_what_is_mapped(self):
        preload = harness.installed("lib*/**/rds-iam/librds-iam-pq.so")
        maps = harness.run(["cat", "/proc/self/maps"], env={"PATH": "/usr/bin:/bin", "LD_PRELOAD": str(preload)}).stdout
        self.assertIn(str(preload), maps, "control")
        for name in ("libcrypto", "rds-iam-pq-token", "rds-iam-mysql-host"):
            self.assertNotIn(name, maps)


if __name__ == "__main__":
    harness.main()
