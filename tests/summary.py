#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Adds up the results of the suites and prints one line: N passed, N failed, N skipped.

usage: summary.py STATUS=LOG... -- for each suite, the exit status of its runner and the path of meson's JSON log.

The exit status is 0 only if at least one case passed and no case failed. The program counts the cases of each test,
from the test's TAP output. A planned case without a result counts as failed: its test crashed or ran out of time. If
a test or a suite's runner failed without reporting a failed case, this counts as one failure. (meson's JUnit file
cannot be used here, because it leaves out interrupted tests.)
"""
import json
import pathlib
import re
import sys

PLAN = re.compile(r"^1\.\.(\d+)", re.M)
CASE = re.compile(r"^(not )?ok\b(.*)$", re.M)
SKIP = re.compile(r"#\s*skip", re.I)
GOOD = ("OK", "SKIP", "EXPECTEDFAIL")


def count_test(test):
    """Returns the counts (passed, failed, skipped) of one test. test is one line of meson's log, as a dict."""
    text = test.get("stdout", "")
    cases = CASE.findall(text)
    planned = PLAN.search(text)
    skipped = sum(1 for bad, rest in cases if not bad and SKIP.search(rest))
    failed = sum(1 for bad, _ in cases if bad)
    passed = len(cases) - skipped - failed
    if planned:
        failed += max(0, int(planned.group(1)) - len(cases))
    if test["result"] not in GOOD and failed == 0:
        failed = 1
    return passed, failed, skipped


def count_suite(argument):
    status, _, path = argument.partition("=")
    log = pathlib.Path(path)
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    totals = [count_test(json.loads(line)) for line in lines]
    passed, failed, skipped = (sum(column) for column in zip(*totals)) if totals else (0, 0, 0)
    if status != "0" and failed == 0:
        failed = 1
    return passed, failed, skipped


def main():
    passed, failed, skipped = (sum(column) for column in zip(*map(count_suite, sys.argv[1:])))
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 0 if passed > 0 and failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
