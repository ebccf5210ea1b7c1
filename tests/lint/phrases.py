#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Phrases that a reader must read twice, and the plain words that this project uses in their place.

    tests/lint/phrases.py [--list] [FOLDER]

prints how many there are in the messages, the comments and the documents of a source tree, and how
much of its C is comment. --list prints each with its place. The rules are in test_phrases.py.
"""
import pathlib
import re
import sys

FOLDERS = ("common", "mysql_plugin", "pg_plugin")
# What is not to be written: what is to be written.
PHRASES = {
    r"(?:no|some|any)body(?:'s)?|who(?:so)?ever": "the user, the caller, the server, the peer, another user",
    r"persons?(?:'s)?|people(?:'s)?": "the user, users",
    r"(?<!there )(?:is|are|was) no(?! (?:longer|more|less)\b)": "is not a valid ..., there is no ...",
    r"type:|types? (?:it|them|in)": "run: COMMAND, enter",
    r"mend(?:s|ed|ing)?": "fix, correct",
    r"kept": "cached, stored, retained",
    r"said|unsaid": "logged, reported, printed, stated",
    r"g[ai]ves? way": "is replaced by",
    r"c[oa]mes? to(?! an end)": "resolves to, adds up to, becomes",
    r"(?:is|are|was|were|be) passed over": "is ignored",
    r"as late as can be": "on demand",
    r"go(?:es|ing)? on|went on": "continue",
    r"beats (?:everything|all)": "overrides every other source",
    r"wants in": "logs in",
    r"(?:this|the|that) road": "origin, path",
    r"has it written|have it written": "create",
    r"a word (?:about|of it)": "a message",
    r"by (?:his|its) word": "according to",
}
PATTERNS = {re.compile(rf"(?<![\w'-])(?:{pattern})(?![\w-])", re.I): better for pattern, better in PHRASES.items()}
TOKEN = re.compile(r'/\*(?P<comment>.*?)\*/|(?P<text>"(?:\\.|[^"\\\n])*"(?:\s*"(?:\\.|[^"\\\n])*")*)', re.S)
PIECE = re.compile(r'"((?:\\.|[^"\\\n])*)"')


def parts(path):
    """(kind, line, text) of each comment and each message of a C file."""
    source = path.read_text(encoding="utf-8")
    for match in TOKEN.finditer(source):
        line = source.count("\n", 0, match.start()) + 1
        if match["comment"] is not None:
            yield "comment", line, re.sub(r"\s*\n \* ?", " ", match["comment"])
        elif " " in match["text"].replace('" "', ""):
            yield "message", line, "".join(PIECE.findall(match["text"])).replace("\\n", " ")


def documents(root):
    yield from sorted(root.glob("*.md"))
    for folder in (*FOLDERS, "tests"):
        yield from sorted((root / folder).rglob("*.md"))


def found(root):
    """(kind, place, phrase, better words), by kind and place."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.[ch]")):
            for kind, line, text in parts(path):
                yield from hits(kind, f"{path.relative_to(root)}:{line}", text)
    for path in documents(root):
        paragraphs = re.split(r"\n\s*\n", path.read_text(encoding="utf-8"))
        for paragraph in paragraphs:
            yield from hits("document", path.relative_to(root).as_posix(), paragraph.replace("\n", " "))


def hits(kind, place, text):
    for pattern, better in PATTERNS.items():
        for match in pattern.finditer(text):
            yield kind, place, text[max(0, match.start() - 20):match.end() + 20].strip(), better


def comment_share(root):
    """Per cent of the lines of each folder's C that hold a comment."""
    for folder in FOLDERS:
        every = comment = 0
        for path in sorted((root / folder).rglob("*.[ch]")):
            source = path.read_text(encoding="utf-8")
            every += source.count("\n")
            comment += sum(match.group().count("\n") + 1 for match in TOKEN.finditer(source)
                           if match["comment"] is not None and "SPDX" not in match.group().split("\n", 1)[0]
                           or match["comment"] is not None and "\n" in match.group())
        yield folder, 100 * comment / every


def main(arguments):
    root = pathlib.Path(arguments[-1] if arguments and not arguments[-1].startswith("-")
                        else pathlib.Path(__file__).resolve().parents[2])
    count = dict.fromkeys(("message", "comment", "document"), 0)
    for kind, place, phrase, better in found(root):
        count[kind] += 1
        if "--list" in arguments:
            print(f"{place}: {kind}: ... {phrase} ...  ->  {better}")
    for kind, number in count.items():
        print(f"{kind}s with a phrase to be replaced: {number}")
    for folder, share in comment_share(root):
        print(f"{folder}: {share:.1f} % of its lines of C are comment")


if __name__ == "__main__":
    main(sys.argv[1:])
