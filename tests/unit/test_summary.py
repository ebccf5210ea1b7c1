# SPDX-License-Identifier: MIT
"""The last line that tests/run prints. A test that does not finish counts as failed."""
import json
import pathlib
import tempfile
import unittest

import harness

SUMMARY = harness.SOURCE / "tests/summary.py"
GOOD = ("OK", "1..2\nok 1 - a\nok 2 - b\n# ok - tests\n")


class Summary(unittest.TestCase):
    def assert_line(self, line, *suites):
        """Each suite is (exit status of the runner, tests in its log, or None if there is no log)."""
        with tempfile.TemporaryDirectory(dir=harness.WORK) as scratch:
            arguments = []
            for number, (status, tests) in enumerate(suites):
                log = pathlib.Path(scratch) / ("%d.json" % number)
                if tests is not None:
                    log.write_text("".join(
                        json.dumps({"name": "t", "result": result, "stdout": text}) + "\n"
                        for result, text in tests), encoding="utf-8")
                arguments.append("%d=%s" % (status, log))
            result = harness.run([harness.PYTHON, SUMMARY, *arguments])
        self.assertEqual(result.stdout, line + "\n", result.stderr)
        good = " 0 failed" in line and not line.startswith("0 passed")
        self.assertEqual(result.returncode, 0 if good else 1)

    def test_cases_are_added_up(self):
        self.assert_line("4 passed, 0 failed, 0 skipped", (0, [GOOD]), (0, [GOOD]))
        self.assert_line("3 passed, 0 failed, 1 skipped",
                         (0, [GOOD, ("OK", "ok 1 a\nok 2 b # SKIP no reason\n1..2\n")]))

    def test_failures_are_counted(self):
        self.assert_line("3 passed, 1 failed, 0 skipped",
                         (1, [GOOD, ("ERROR", "1..2\nok 1 - a\nnot ok 2 - b\n")]))

    def test_a_crash_and_a_timeout_count_the_unreported_cases(self):
        self.assert_line("3 passed, 2 failed, 0 skipped", (1, [GOOD, ("ERROR", "1..3\nok 1 - a\n")]))
        self.assert_line("3 passed, 1 failed, 0 skipped", (1, [GOOD, ("TIMEOUT", "1..2\nok 1 - a\n")]))

    def test_a_silent_failure_counts_as_one(self):
        self.assert_line("2 passed, 1 failed, 0 skipped", (1, [GOOD, ("ERROR", "")]))
        self.assert_line("3 passed, 1 failed, 0 skipped", (1, [GOOD, ("ERROR", "1..1\nok 1 - a\n")]))

    def test_a_failed_suite_without_a_log_counts_as_one(self):
        self.assert_line("2 passed, 1 failed, 0 skipped", (0, [GOOD]), (1, None))
        self.assert_line("2 passed, 1 failed, 0 skipped", (9, [GOOD]))

    def test_an_empty_suite_counts_as_zero_and_an_empty_run_fails(self):
        self.assert_line("2 passed, 0 failed, 0 skipped", (0, [GOOD]), (0, None))
        self.assert_line("0 passed, 0 failed, 0 skipped", (0, None))


harness.main()
