# SPDX-License-Identifier: MIT
"""The cost that the product's plugin adds to a login of the `mariadb` command, compared with the distribution's
plugin, which gets a token as the password: instructions, resident memory and time.

Instructions and memory have a limit. Time has no limit. The benchmark prints the time together with the difference
between two series of the distribution's plugin; this difference is the noise of the machine.
"""
import os
import pathlib
import re
import statistics
import subprocess
import time

import hostile
import series
from labcase import USER, harness, mariadb_plugins
from mariadb_client import MariadbCase

INSTRUCTIONS_MAX = 1.005
RSS_KIB_MAX = 64
PAIRS = int(os.environ.get("RIA_BENCH_PAIRS", "60"))
COUNTED = 5  # logins under callgrind; their counts vary, because signatures differ in length
SECONDS = 120


class Cost(MariadbCase):
    def setUp(self):
        super().setUp()
        # Both variants have paths and variables of the same length. The addresses of strings decide which code path
        # the C library takes, and this alone changes a login by a thousandth.
        ours, stock = self.home.path / "ours_", self.home.path / "stock"
        ours.symlink_to(mariadb_plugins())
        stock.symlink_to(hostile.stock_plugins())
        self.files = {"ours": self.write_my_cnf("ours_.cnf", plugin_dir=ours),
                      "stock": self.write_my_cnf("stock.cnf", plugin_dir=stock)}
        self.set_principal("etl")

    def set_principal(self, principal):
        token = self.lab.token(principal, self.lab.mariadb, USER)
        self.usual = {
            whose: (self.files[whose], self.home.env(principal, **{variable: token}))
            for whose, variable in (("ours", "MYSQL_PWX"), ("stock", "MYSQL_PWD"))}

    def log_in(self, whose, *prefix):
        """Runs one login. Returns its seconds and its stderr."""
        options, environment = self.usual[whose]
        argv = [*prefix, *self.argv(f"--defaults-file={options}", query="select 1")]
        start = time.monotonic()
        with subprocess.Popen(
                [str(word) for word in argv], env=environment, cwd=self.home.path,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as client:
            output, errors = client.communicate(timeout=SECONDS)
            seconds = time.monotonic() - start
        self.assertEqual(output, "1\n", errors)
        return seconds, errors

    def instructions(self, whose):
        _, errors = self.log_in(whose, "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")
        return int(re.search(r"Collected : (\d+)", errors).group(1))

    def test_instructions(self):
        found = {}
        for name, principal in (("instructions", "etl"), ("instructions_session", "etl-session")):
            self.set_principal(principal)
            counted = {"stock": [], "ours": []}
            for _ in range(COUNTED):
                for whose, counts in counted.items():
                    counts.append(self.instructions(whose))
            stock, ours = (statistics.median(counted[whose]) for whose in ("stock", "ours"))
            found[name] = ours / stock
            length = len(self.lab.principals[principal].session_token or "")
            series.record(
                f"mariadb_{name}", f"mariadb, session token of {length} bytes, instructions: ours over stock",
                series.ratios(counted["ours"], counted["stock"]), "times",
                f"{ours / 1e6:.3f} and {stock / 1e6:.3f} million: {ours / stock:.4f}; limit {INSTRUCTIONS_MAX}")
        for name, ratio in found.items():
            self.assertLessEqual(ratio, INSTRUCTIONS_MAX, name)

    def resident(self, whose):
        """The resident KiB of a client that has logged in and waits for its next command, from smaps_rollup. For this
        file, the kernel counts the pages one by one; its running total, in other files, is wrong by dozens of pages.
        setarch -R turns off random addresses, which change how many adjacent pages of a file the kernel maps."""
        options, environment = self.usual[whose]
        argv = ["setarch", "-R",
                *self.argv(f"--defaults-file={options}", "-N", "--unbuffered", query=None)]
        with subprocess.Popen(
                [str(word) for word in argv], env=environment, cwd=self.home.path,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
            client.stdin.write("select 1;\n")
            client.stdin.flush()
            self.assertEqual(client.stdout.readline(), "1\n")
            rollup = pathlib.Path(f"/proc/{client.pid}/smaps_rollup").read_text()
            client.stdin.close()
        return int(re.search(r"Rss:\s+(\d+) kB", rollup).group(1))

    def test_resident_memory(self):
        rows = [[self.resident(whose) for whose in ("stock", "ours", "stock")] for _ in range(PAIRS)]
        noise = statistics.median(row[2] - row[0] for row in rows)
        added = [row[1] - row[0] for row in rows]
        series.record("mariadb_resident", "mariadb, resident memory: ours minus stock", added, "KiB",
                      f"stock has {statistics.median(row[0] for row in rows):.0f} KiB; stock minus stock {noise:+.0f} KiB")
        self.assertLessEqual(statistics.median(added), RSS_KIB_MAX)

    def test_time(self):
        rows = [[self.log_in(whose)[0] for whose in ("stock", "ours", "stock")] for _ in range(PAIRS)]
        milliseconds = statistics.median(row[0] for row in rows) * 1000
        series.record("mariadb_wall", "mariadb, connect and select 1, elapsed: ours over stock",
                      [row[1] / row[0] for row in rows], "times", f"stock takes {milliseconds:.1f} ms")
        series.record(None, "  the same with stock for both", [row[2] / row[0] for row in rows], "times")


if __name__ == "__main__":
    harness.main()
