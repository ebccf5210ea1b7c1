#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Copies a build directory's compile_commands.json, with each source file once for each set of macros.

usage: each_file_once.py BUILD DIRECTORY

A file that several targets compile stands in the list once for each of them, and clang-tidy would look at
it as often: twice as long as needed. What sets targets apart beside macros (position-independent code,
sanitizers, directories of headers for tests) changes nothing of what it finds. The first entry stays, which
is the product's own.
"""
import json
import pathlib
import shlex
import sys

MACROS = ("-D", "-U", "-std=", "-include")


def main():
    build, directory = (pathlib.Path(argument) for argument in sys.argv[1:])
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    # Products first; sorted() keeps the order of the rest.
    entries = sorted(entries, key=lambda entry: entry["output"].startswith("tests/"))
    kept = {}
    for entry in entries:
        macros = tuple(sorted(word for word in shlex.split(entry["command"]) if word.startswith(MACROS)))
        kept.setdefault((entry["file"], macros), entry)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "compile_commands.json").write_text(json.dumps(list(kept.values())), encoding="utf-8")
    if {entry["file"] for entry in entries} != {file for file, _ in kept}:
        sys.exit("a source file has been lost")


if __name__ == "__main__":
    main()
