#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Adds up what the suites say and closes with one line: N passed, N failed, N skipped.

usage: summary.py STATUS=FILE... -- for each suite the exit status of its runner and its JUnit file.

Exit status 0 only if something passed and nothing failed. A test that broke off (a crash, a time
limit) counts as failed, once, beside those of its cases that had been told. A suite whose runner
failed without telling of any failure counts as one failed test; a suite without tests as nothing.
"""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def count(path):
    """(passed, failed, skipped) of one JUnit file."""
    passed = failed = skipped = 0
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        cases = list(suite.iter("testcase"))
        bad = [c for c in cases if c.find("failure") is not None or c.find("error") is not None]
        skip = [c for c in cases if c.find("skipped") is not None]
        # meson reports a test that died between two of its cases on the suite alone.
        lost = max(0, int(suite.get("errors", 0)) + int(suite.get("failures", 0)) - len(bad))
        passed += len(cases) - len(bad) - len(skip)
        failed += len(bad) + lost
        skipped += len(skip)
    return passed, failed, skipped


def suite_totals(argument):
    status, _, path = argument.partition("=")
    try:
        passed, failed, skipped = count(pathlib.Path(path))
    except (FileNotFoundError, ElementTree.ParseError):
        passed = failed = skipped = 0
    if status != "0" and failed == 0:
        failed = 1
    return passed, failed, skipped


def main():
    passed, failed, skipped = (sum(column) for column in zip(*map(suite_totals, sys.argv[1:])))
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 0 if passed > 0 and failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
