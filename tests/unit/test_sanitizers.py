# SPDX-License-Identifier: MIT
"""Control of the suite "sanitized": its sanitizers find a planted defect of each kind."""
import os
import unittest

import harness

PLANTED = harness.BUILD / "tests/unit/planted"


class Sanitizers(unittest.TestCase):
    def plant(self, name):
        return harness.run([PLANTED, name], env=dict(os.environ))

    def assert_found(self, name, words):
        result = self.plant(name)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(words, result.stderr)

    def test_a_leak_is_found(self):
        self.assert_found("leak", "LeakSanitizer: detected memory leaks")

    def test_a_write_past_a_block_is_found(self):
        self.assert_found("overflow", "AddressSanitizer: heap-buffer-overflow")

    def test_undefined_behaviour_is_found(self):
        self.assert_found("undefined", "runtime error: signed integer overflow")

    def test_a_correct_program_causes_no_finding(self):
        result = self.plant("nothing")
        self.assertEqual((result.returncode, result.stderr), (0, ""))


harness.main()
