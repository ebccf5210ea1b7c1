# SPDX-License-Identifier: MIT
"""Runs one part of tests/run --sanitize, and writes the results for tests/summary.py.

usage: part.py PART LOG

A part is a row of PARTS: what it builds first, and the test files that it runs. Each finding of the sanitizers is a
failed case, even if the test that caused it has passed. The exit status is 0 if no case failed.
"""
import concurrent.futures
import json
import os
import pathlib
import shutil
import sys
from typing import NamedTuple

import harness
import sanitizers

TESTS = harness.SOURCE / "tests"
FILE_SECONDS = 3600
# The message of a login that has reached its deadline. With a sanitizer and on a loaded machine, a login may be that
# slow.
DEADLINE = "took longer than a login allows"


class Part(NamedTuple):
    build: object  # a function, or None
    prefix: pathlib.Path
    files: tuple  # (file below tests/, tests or classes of it ...)


# The test files that run with sanitized programs. README.md lists what cannot run with sanitizers.
PROGRAMS = {
    "agent": ("agent_lines",),
    "credentials": ("login", "process_cache", "process_chain", "sso"),
    "tool": ("check",),
}

PARTS = {
    "programs": Part(sanitizers.build_address, sanitizers.ADDRESS_PREFIX, tuple(
        (f"integration/{folder}/test_{name}.py",) for folder, names in PROGRAMS.items() for name in names)),
    "guests": Part(sanitizers.build_address, sanitizers.ADDRESS_PREFIX, (("sanitize/test_guests.py",),)),
    "threads": Part(sanitizers.build_thread, harness.PREFIX, (("sanitize/test_races.py",),)),
    "valgrind": Part(None, harness.PREFIX, (
        ("integration/guest/test_valgrind.py",), ("integration/preload/test_preload_libpq.py", "Memory"))),
    "analyzers": Part(None, harness.PREFIX, (("sanitize/test_analyzers.py",),)),
}


def run_file(part, words):
    """Runs one test file. Returns the row for tests/summary.py."""
    env = {**os.environ, "RIA_PREFIX": str(part.prefix), "NSS_WRAPPER_DISABLE_DEEPBIND": "1"}
    command = [harness.PYTHON, TESTS / words[0], *words[1:]]
    try:
        result = harness.run(command, env=env, timeout=FILE_SECONDS)
        if result.returncode != 0 and DEADLINE in result.stdout + result.stderr:
            result = harness.run(command, env=env, timeout=FILE_SECONDS)
        status, text, errors = result.returncode, result.stdout, result.stderr
    except harness.subprocess.TimeoutExpired:
        status, text, errors = 1, "", f"no result in {FILE_SECONDS} s"
    if status != 0:
        print(f"{words[0]}: failed\n{text}{errors}", flush=True)
    return {"name": words[0], "result": "OK" if status == 0 else "FAIL", "stdout": text}


def finding_rows():
    """Returns a failed row for each file that a sanitizer has written."""
    rows = []
    for path in sorted(sanitizers.FINDINGS.glob("*")):
        print(f"{path}:\n{path.read_text(errors='replace')[:8000]}", flush=True)
        rows.append({"name": path.name, "result": "FAIL", "stdout": f"1..1\nnot ok 1 - {path.name}\n"})
    return rows


def main():
    name, log = sys.argv[1:]
    part = PARTS[name]
    if part.build is not None:
        part.build()
    shutil.rmtree(sanitizers.FINDINGS, ignore_errors=True)
    sanitizers.FINDINGS.mkdir(parents=True)
    sanitizers.FINDINGS.chmod(0o1777)  # some tests run programs as another user
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = list(pool.map(lambda words: run_file(part, words), part.files))
    rows += finding_rows()
    pathlib.Path(log).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return 0 if all(row["result"] == "OK" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
