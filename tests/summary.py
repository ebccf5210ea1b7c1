#!/usr/bin/python3
"""Adds up what meson's JUnit files say and closes with one line: N passed, N failed, N skipped.

Exit status 0 only if something passed and nothing failed. A test that broke off before it said
anything counts as failed.
"""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def count(path):
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


def main():
    totals = [sum(column) for column in zip(*(count(pathlib.Path(p)) for p in sys.argv[1:]))] or [0, 0, 0]
    print("%d passed, %d failed, %d skipped" % tuple(totals))
    return 0 if totals[0] > 0 and totals[1] == 0 else 1


sys.exit(main())
