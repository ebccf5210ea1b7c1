# SPDX-License-Identifier: MIT
"""The control of test_shadow_threads. In the same build, ThreadSanitizer finds a planted race, and the program
fails."""
import os
import unittest

import harness

THREADS = harness.BUILD / "tests/loader/threads"


class Threads(unittest.TestCase):
    def test_control_a_planted_race_is_found(self):
        result = harness.run(
            [THREADS / "planted_race"], env={**os.environ, "TSAN_OPTIONS": "halt_on_error=1:exitcode=66"})
        self.assertEqual(result.returncode, 66, result)
        self.assertIn("WARNING: ThreadSanitizer: data race", result.stderr)

    def test_the_plugins_are_compiled_with_threadsanitizer(self):
        for name in ("rds_iam_v1.so", "rds_iam_v2.so"):
            symbols = harness.run(["nm", "-D", "--undefined-only", THREADS / name]).stdout
            self.assertIn("__tsan_read8", symbols)


harness.main()
