#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Copies a build directory's compile_commands.json; each source file is listed once for each set of macros.

usage: each_file_once.py BUILD DIRECTORY

Meson lists a file once for each target that compiles it. From such a list, clang-tidy would check the
file once for each target, which takes twice as long as needed. Apart from macros, the options of the targets
(position-independent code, sanitizers, include directories of tests) do not change the findings of clang-tidy. Of the
entries with the same file and the same macros, an entry of the product is retained, if there is one.
"""
import json
import pathlib
import shlex
import sys

MACROS = ("-D", "-U", "-std=", "-include")


def main():
    build, directory = (pathlib.Path(argument) for argument in sys.argv[1:])
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    # The product's targets come first. sorted() is stable, so Meson's order is otherwise unchanged.
    entries = sorted(entries, key=lambda entry: entry["output"].startswith("tests/"))
    unique = {}
    for entry in entries:
        macros = tuple(sorted(word for word in shlex.split(entry["command"]) if word.startswith(MACROS)))
        unique.setdefault((entry["file"], macros), entry)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "compile_commands.json").write_text(json.dumps(list(unique.values())), encoding="utf-8")
    if {entry["file"] for entry in entries} != {file for file, _ in unique}:
        sys.exit("a source file is missing from the copy")


if __name__ == "__main__":
    main()
