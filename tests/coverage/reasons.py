# SPDX-License-Identifier: MIT
"""Compares the uncovered lines of the code that runs in other programs with the table of the lines that no test runs.

A row of the table is: FILE FUNCTION LINES REASON. LINES is the number of uncovered lines of the function, or a range
such as 0-2, if timing decides whether they run.
"""
import collections
import re

FOLDERS = ("common", "mysql_plugin", "pg_plugin")
# The sources that only programs of rds-iam contain. All other sources are in the plugins or the preload, which run in
# other programs.
OWN_PROGRAMS = ("common/check/", "common/cli/", "common/fetch/", "common/probe/", "common/tool/", "pg_plugin/agent/")
ROW = re.compile(r"(\S+)\s+(\S+)\s+(\d+)(?:-(\d+))?\s+(\S.*)")
MARKER = re.compile(r"\b[GL]COV_EXCL")


def is_guest(path):
    return not path.startswith(OWN_PROGRAMS)


def counted_lines(file):
    """The lines of a file that have code. gcovr also lists lines with braces only."""
    return [line for line in file["lines"] if not line["gcovr/noncode"]]


def read_rows(text):
    """Returns ({(file, function): (least, most)}, problems)."""
    rows, problems = {}, []
    for number, line in enumerate(text.splitlines(), 1):
        found = ROW.fullmatch(line.strip())
        if line.strip() == "" or line.startswith("#"):
            continue
        if not found or (found.group(1), found.group(2)) in rows:
            problems.append(f"reasons.txt:{number}: not a row, or a second row for the same function: {line}")
            continue
        least = int(found.group(3))
        rows[found.group(1), found.group(2)] = least, int(found.group(4) or least)
    return rows, problems


def uncovered(files):
    """{(file, function): [line]} of the code that runs in other programs. `files` is the list in gcovr's JSON."""
    found = collections.defaultdict(list)
    for each in files:
        if not is_guest(each["file"]):
            continue
        starts = sorted((function["lineno"], function["name"]) for function in each["functions"])
        for line in counted_lines(each):
            if line["count"] == 0:
                names = [name for start, name in starts if start <= line["line_number"]]
                found[each["file"], names[-1] if names else "-"].append(line["line_number"])
    return found


def markers(root):
    """Places that hide lines from gcovr. No source may do this."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.[ch]")):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if MARKER.search(line):
                    yield f"{path.relative_to(root)}:{number}: hides lines from the report; write a row in reasons.txt"


def problems(files, text, root):
    """Returns one sentence for each function whose row is missing or wrong, each invalid row, and each place that hides
    lines."""
    rows, found = read_rows(text)
    lines = uncovered(files)
    for file, function in sorted(set(rows) | set(lines)):
        least, most = rows.get((file, function), (0, 0))
        numbers = lines.get((file, function), [])
        if not least <= len(numbers) <= most:
            row = "has no row" if most == 0 else f"has a row for {least}" if least == most else f"has a row for {least}-{most}"
            found.append(f"{file}:{','.join(map(str, numbers)) or '-'}: {function}() has {len(numbers)} uncovered lines "
                         f"and {row}; write a test, or correct reasons.txt")
    return found + list(markers(root))
