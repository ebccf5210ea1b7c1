#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Figures of the source tree: files, headers, the include graph and names.

    tests/lint/house.py [FOLDER]

prints the figures of this source tree, or of another version of the tree in FOLDER. test_house.py checks
the rules of the layout with them. Sources are the C files in the three folders of the product. A module is a .c file
together with the header of the same name.
"""
import pathlib
import re
import statistics
import sys

FOLDERS = ("common", "mysql_plugin", "pg_plugin")
PUBLIC_HEADER = "common/rds_iam.h"
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
COMMENT = re.compile(r"/\*.*?\*/", re.S)
# clang-format begins the first line of a function and both braces of its body in the first column.
PROTOTYPE = re.compile(r"^[a-z][\w\s*]*?\b(\w+)\([^;{}]*\)[^;{}]*;", re.M)
DEFINITION = re.compile(r"^(?!static)[a-z][\w\s*]*?\b(ria_\w+)\([^;{}]*\)\s*{", re.M)
STATIC = re.compile(r"^(?:__attribute__\(\([^\n]*\)\)\s)?static\b[^=;{}()]*?\b([a-z_]\w*)\([^;{}]*\)\s*{", re.M)
SHORT_HEADER = 30
# Two files may have the same name only if they are two sides of one task.
TWO_SIDES = (
    {"common/provider", "common/fetch"},             # the choice of a credential source; its requests
    {"mysql_plugin/mariadb", "mysql_plugin/mysql"},  # the two plugins
)
# These file names state the role of a file, not its topic: the main() of a program, and the interface between two
# objects (abi).
NAMES_OF_ROLES = {"main", "abi"}
# The files of the sub-commands of rds-iam have the names of the sub-commands.
SUBCOMMANDS = {"common/tool/" + name for name in ("credentials", "exec", "lint", "setup", "token")}


def sources(root):
    """Every .c and .h file of the product, relative to the root."""
    return [p.relative_to(root).as_posix() for folder in FOLDERS for p in sorted((root / folder).rglob("*"))
            if p.suffix in (".c", ".h")]


def included(root, path):
    """The files of the product that one file includes."""
    folders = [pathlib.PurePosixPath(path).parent, *FOLDERS]
    for name in INCLUDE.findall((root / path).read_text(encoding="utf-8")):
        found = [f"{folder}/{name}" for folder in folders if (root / folder / name).exists()]
        if found:
            yield found[0]


def module(path):
    return path.rsplit(".", 1)[0]


def definitions(root):
    """{function: module} for each function that exactly one module defines."""
    places = {}
    for path in sources(root):
        if path.endswith(".c"):
            for name in DEFINITION.findall((root / path).read_text(encoding="utf-8")):
                places.setdefault(name, set()).add(module(path))
    return {name: modules.pop() for name, modules in places.items() if len(modules) == 1}


def graph(root):
    """{module: the modules that it depends on}. A module depends on the modules whose functions it calls, and on the
    headers that it includes, except those that declare its own functions."""
    arrows, defined = {}, definitions(root)
    for path in sources(root):
        needed = arrows.setdefault(module(path), set())
        text = COMMENT.sub("", (root / path).read_text(encoding="utf-8"))
        own = set(DEFINITION.findall(text)) if path.endswith(".c") else set()
        needed.update(module(other) for other in included(root, path)
                      if not own & set(prototypes(root, other)))
        if path.endswith(".c"):
            needed.update(defined[name] for name in re.findall(r"\bria_\w+", text) if name in defined)
    return {name: others - {name} for name, others in arrows.items()}


def reachable(arrows, start):
    found, waiting = set(), list(arrows.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(arrows.get(name, ()))
    return found


def cycles(root):
    """The sets of modules that depend on each other, directly or through other modules (dependency cycles)."""
    arrows = graph(root)
    reach = {name: reachable(arrows, name) for name in arrows}
    return sorted({tuple(sorted(other for other in reach[name] if name in reach.get(other, ())))
                   for name in arrows if name in reach[name]})


def prototypes(root, header):
    return PROTOTYPE.findall(COMMENT.sub("", (root / header).read_text(encoding="utf-8")))


def lines(root, path):
    return len((root / path).read_text(encoding="utf-8").splitlines())


def short_headers(root):
    """Headers of fewer than 30 lines that declare a single function."""
    return [path for path in sources(root) if path.endswith(".h") and lines(root, path) < SHORT_HEADER
            and len(prototypes(root, path)) == 1]


def loose(root):
    """Sources directly in common/, except those of the public header."""
    return [path for path in sources(root) if path.count("/") == 1 and path.startswith("common/")
            and module(path) != module(PUBLIC_HEADER)]


def compiled_elsewhere(root):
    """Sources that a folder's build file takes from another folder."""
    return [f"{path.relative_to(root)}: {name}" for folder in FOLDERS
            for path in sorted((root / folder).rglob("meson.build"))
            for name in re.findall(r"'(\.\./[^']+\.[cS])'", path.read_text(encoding="utf-8"))]


def ambiguous_names(root):
    """File names that occur in two folders which are not two sides of one task."""
    places = {}
    for path in {module(path) for path in sources(root)} - SUBCOMMANDS:
        folder, name = path.rsplit("/", 1)
        places.setdefault(name, set()).add(folder)
    return {name: sorted(folders) for name, folders in sorted(places.items())
            if len(folders) > 1 and name not in NAMES_OF_ROLES and folders not in TWO_SIDES}


def shared_statics(root):
    """Static functions with the same name in several files, unless the files are two sides of one task."""
    places = {}
    for path in sources(root):
        if path.endswith(".c"):
            for name in STATIC.findall(COMMENT.sub("", (root / path).read_text(encoding="utf-8"))):
                places.setdefault(name, set()).add(path)
    return {name: sorted(paths) for name, paths in sorted(places.items())
            if len({path.rsplit("/", 1)[1] for path in paths}) > 1
            or len(paths) > 1 and {path.rsplit("/", 1)[0] for path in paths} not in TWO_SIDES}


def functions(root):
    """Length of each function, from the line of its name to its closing brace, longest last."""
    found = []
    for path in sources(root):
        start = None
        for number, line in enumerate((root / path).read_text(encoding="utf-8").splitlines(), 1):
            if re.match(r"[a-z_][\w\s*]*\w+\(", line) and not line.rstrip().endswith(";"):
                start = number
            elif line == "}" and start:
                found.append((number - start + 1, f"{path}:{start}"))
                start = None
    return sorted(found)


def figures(root):
    every = [(lines(root, path), path) for path in sources(root)]
    lengths = functions(root)
    yield "lines of C", sum(count for count, _ in every)
    yield "files", len(every)
    yield "headers below 30 lines with one function", len(short_headers(root))
    yield "cycles of modules", len(cycles(root))
    yield "loose sources in common/", sum(path.endswith(".c") for path in loose(root))
    yield "sources compiled by another folder", len(compiled_elsewhere(root))
    yield "file names with two meanings", " ".join(ambiguous_names(root)) or 0
    yield "static functions of one name in several files", len(shared_statics(root))
    yield "function, median", statistics.median(count for count, _ in lengths)
    yield "function, longest", "%d (%s)" % lengths[-1]
    yield "file, median", statistics.median(count for count, _ in every)
    yield "file, longest", "%d (%s)" % max(every)


if __name__ == "__main__":
    tree = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    for title, figure in figures(tree):
        print(f"{title:42} {figure}")
