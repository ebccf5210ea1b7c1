#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints which shares of the lines and branches ran, for each folder of the product, and writes an HTML report.

usage: shares.py BUILD [--check] [--tests]

BUILD is the directory in which tests/coverage/run makes its directories. --check compares the uncovered lines of the
code that runs in other programs with tests/coverage/reasons.txt. --tests also checks the results of the last tests.

A line is a line with code; lines with braces only do not count. A branch is one outcome of a conditional jump in code
that gcc did not optimize: each operand of && and || counts, as does each case of a switch. gcovr leaves out the jumps
of lines without code of their own (--exclude-unreachable-branches), and those that C++ exceptions would take
(--exclude-throw-branches).
"""
import collections
import json
import os
import pathlib
import re
import subprocess
import sys

import reasons

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
REASONS = SOURCE / "tests" / "coverage" / "reasons.txt"
BUILD_ID = re.compile(rb"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0(.{20})", re.S)
# A program that does nothing, into which the libraries are loaded.
LOADER = "/bin/true"
# Tests of properties that the measured objects do not have.
NOT_OF_THIS_BUILD = {
    "core_files": "code that is not optimized leaves parts of secrets in registers and on the stack",
    "traces": "the test sees that each program opens its file of counters",
}


def write_gcda(build):
    """Makes each object that has counted write its .gcda files. Objects with the same source add to the same file."""
    for path in (build / "coverage").rglob("*.gcda"):
        path.unlink()
    targets = json.loads(subprocess.run(
        ["meson", "introspect", "--targets", build / "coverage"], stdout=subprocess.PIPE, check=True).stdout)
    for target in targets:
        if target["type"] not in ("executable", "shared module", "shared library"):
            continue
        path = target["filename"][0]
        found = BUILD_ID.search(pathlib.Path(path).read_bytes())
        counts = build / "coverage-counts" / (found.group(1).hex() if found else "none")
        if counts.exists():
            environment = {**os.environ, "RIA_COVERAGE_WRITE": str(counts)}
            if target["type"] == "executable":
                subprocess.run([path], env=environment, check=True)
            else:
                subprocess.run([LOADER], env={**environment, "LD_PRELOAD": path}, check=True)


def run_gcovr(*arguments):
    subprocess.run(["gcovr", "--root", SOURCE, *arguments], check=True, cwd=SOURCE)


def measure(build):
    """Writes the HTML report. Returns the files with their lines and functions, as gcovr writes them to JSON."""
    traced = build / "coverage.json"
    folders = [word for folder in reasons.FOLDERS for word in ("--filter", f"{SOURCE}/{folder}/")]
    # ThreadSanitizer, with which loader/threads is built, adds lines that have no code. A process that was killed
    # between two counters can leave a branch with the count -1, which gcovr cannot read. With
    # --gcov-ignore-parse-errors, gcovr ignores this branch.
    run_gcovr("--exclude-directories", ".*/loader/threads", *folders, "--exclude-unreachable-branches",
              "--exclude-throw-branches", "--gcov-ignore-parse-errors", "--json", traced, build / "coverage")
    html = build / "coverage-report"
    html.mkdir(exist_ok=True)
    run_gcovr("-a", traced, "--html-details", html / "index.html")
    return json.loads(traced.read_text(encoding="utf-8"))["files"]


def figures(files):
    """{folder: [lines, covered lines, branches, covered branches]}, with the totals."""
    table = collections.defaultdict(lambda: [0, 0, 0, 0])
    for each in files:
        folder = str(pathlib.PurePath(each["file"]).parent)
        totals = ["total", "in other programs" if reasons.is_guest(each["file"]) else "in programs of rds-iam"]
        for line in reasons.counted_lines(each):
            taken = [branch["count"] > 0 for branch in line["branches"]]
            for key in (folder, *totals):
                for number, value in enumerate((1, line["count"] > 0, len(taken), sum(taken))):
                    table[key][number] += value
    return table


def percent(part, whole):
    return "    -" if whole == 0 else "%5.1f" % (100 * part / whole)


def failed_tests(build):
    """Yields a sentence for each failed test, except those of NOT_OF_THIS_BUILD."""
    log = build / "coverage/meson-logs/coverage.json"
    if not log.exists():
        yield "no test has run; build/coverage-tests.log has the reason"
        return
    for line in log.read_text(encoding="utf-8").splitlines():
        test = json.loads(line)
        name = test["name"].split(" / ")[-1]
        if test["result"] not in ("OK", "SKIP", "EXPECTEDFAIL") and name not in NOT_OF_THIS_BUILD:
            yield f"the test {name} failed; build/coverage-tests.log has its output"


def main():
    build = pathlib.Path(sys.argv[1])
    write_gcda(build)
    files = measure(build)
    print("%-26s %6s %6s %9s %6s" % ("folder", "lines", "%", "branches", "%"))
    for folder, (lines, covered, branches, taken) in sorted(
            figures(files).items(), key=lambda item: (not item[0].startswith(reasons.FOLDERS), item[0] == "total", item[0])):
        print("%-26s %6d %6s %9d %6s" % (folder, lines, percent(covered, lines), branches, percent(taken, branches)))
    problems = list(failed_tests(build)) if "--tests" in sys.argv else []
    if "--check" in sys.argv:
        problems += reasons.problems(files, REASONS.read_text(encoding="utf-8"), SOURCE)
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
