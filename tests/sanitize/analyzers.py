# SPDX-License-Identifier: MIT
"""Runs the static analyzers, and compares their findings with suppressions.txt.

Each analyzer is a row of TOOLS: the command for one file, made from the file's command in compile_commands.json, and
the form of a finding. A finding is (tool, file below the source tree, check, line). test_analyzers.py contains the
assertions.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
from typing import NamedTuple

import harness

SUPPRESSIONS = pathlib.Path(__file__).with_name("suppressions.txt")
OPTIONS_WITH_A_VALUE = ("-MQ", "-MF", "-o")


class Finding(NamedTuple):
    tool: str
    file: str
    check: str
    line: str


class Suppression(NamedTuple):
    tool: str
    file: str
    check: str


class Source(NamedTuple):
    directory: str
    path: pathlib.Path
    options: tuple  # of the compiler, without -Werror and the names of output files


def sources(build):
    """Yields each C file of the product once, with the options of its first target."""
    seen = set()
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        path = pathlib.Path(os.path.normpath(os.path.join(entry["directory"], entry["file"])))
        below = path.relative_to(harness.SOURCE).as_posix()
        if path in seen or below.startswith("tests/") or path.suffix != ".c":
            continue
        seen.add(path)
        words = shlex.split(entry["command"])
        first = next(i for i, word in enumerate(words) if word.startswith("-"))
        options = iter(words[first:-1])
        kept = []
        for word in options:
            if word in OPTIONS_WITH_A_VALUE:
                next(options)
            elif word not in ("-c", "-MD", "-Werror", "-fdiagnostics-color=always", entry["file"]):
                kept.append(word)
        yield Source(entry["directory"], path, tuple(kept))


def gcc(source):
    return ["gcc", *source.options, "-fanalyzer", "-fdiagnostics-plain-output", "-c", "-o", "/dev/null", source.path]


def cppcheck(source):
    kept = [word for word in source.options if word.startswith(("-I", "-D", "-U"))]
    return ["cppcheck", "--quiet", "--enable=warning,performance,portability", "--std=c11", "--max-configs=1",
            "--template={file}:{line}: warning: {message} [{id}]", *kept, source.path]


def clang(source):
    # The analyzer that scan-build runs, with its default limits. The options for warnings are gcc's.
    kept = [word for word in source.options if not word.startswith("-W")]
    return ["clang", "--analyze", "--analyzer-output", "text", *kept, source.path]


TOOLS = {"gcc": gcc, "cppcheck": cppcheck, "clang": clang}
# FILE:LINE:COLUMN: warning: MESSAGE [CHECK]; before this, gcc's message also contains the CWE number in brackets.
FOUND = re.compile(r"^(\S+?):(\d+)(?::\d+)?: (?:warning|error|portability|performance): .* \[([\w.,=+-]+)\]$", re.M)


def findings(tool, source):
    """Returns the findings of one file, and a text if the tool failed without a finding."""
    result = harness.run(["nice", *TOOLS[tool](source)], cwd=source.directory, timeout=900, env=dict(os.environ))
    text = result.stdout + result.stderr
    found = set()
    for file, line, check in FOUND.findall(text):
        path = pathlib.Path(os.path.normpath(os.path.join(source.directory, file)))
        below = path.relative_to(harness.SOURCE) if path.is_relative_to(harness.SOURCE) else path
        found.add(Finding(tool, below.as_posix(), check.split(",")[0].removeprefix("-W"), line))
    failed = "" if found or result.returncode == 0 else f"{source.path}: exit status {result.returncode}\n{text}"
    return found, failed


def analyze(tool, wanted):
    """Analyzes files with one tool, one file for each processor at a time. Returns the findings and the failures."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda source: findings(tool, source), wanted))
    return set().union(*(found for found, _ in results)), [text for _, text in results if text]


def suppressions(path=SUPPRESSIONS):
    """Returns {Suppression: reason}. The reason is the comment before a line."""
    found, reason = {}, []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            reason.append(line[1:].strip())
        elif line.strip():
            found[Suppression(*line.split())] = " ".join(reason)
        else:
            reason = []
    return found
