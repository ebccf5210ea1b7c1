# SPDX-License-Identifier: MIT
"""Extracts the code blocks of a document (the text between two lines with ```), and the names of the files that the
blocks show.

A block is the content of a file if the paragraph in front of it ends with the file's name in backquotes and a colon. A
shell block must also begin with #!; all other shell blocks are commands. Markdown also shows indented lines as code.
The documents must not use that form; indented() finds such lines.
"""
import pathlib
import re
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parent.parent
README, RECIPES = ROOT / "README.md", ROOT / "RECIPES.md"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_FILE = re.compile(r"`((?:~/|/)[\w./@-]+|[\w/-]+\.(?:py|rb|ya?ml|conf))`[^`]*:\s*$")
# The language of blocks that show pictures and output; they are not run.
PICTURE = "text"


class Block(NamedTuple):
    """language is the word behind ```. file is the name of the block's file, or None if it has none. line is the number
    of the first line between the two ```."""

    title: str
    language: str
    file: str
    text: str
    line: int


def blocks(path):
    """Every block of a document except pictures, in order. title is the last heading before the block, ## or ###."""
    text = path.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        before = text[:match.start()]
        titles = re.findall(r"^###? (.+)$", _FENCE.sub("", before), re.M)
        named = _FILE.search(before.rstrip("\n").rsplit("\n\n", 1)[-1])
        if match[1] == PICTURE:
            continue
        is_file = named and (match[1] != "sh" or match[2].startswith("#!"))
        found.append(Block(titles[-1] if titles else "", match[1], named[1] if is_file else None, match[2],
                           before.count("\n") + 2))
    return found


def indented(path):
    """The numbers of the lines outside of blocks at which indented code begins."""
    text = _FENCE.sub(lambda match: "\n" * match[0].count("\n"), path.read_text(encoding="utf-8"))
    return [i + 2 for i, (before, line) in enumerate(zip(text.split("\n"), text.split("\n")[1:]))
            if before == "" and line.startswith("    ")]


def section(path, title):
    """The text of a section of a document."""
    return path.read_text(encoding="utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def packages(path, title):
    """The Debian packages that a recipe names behind *Packages:*. title: the heading of the recipe's section (##) or of
    a part of it (###)."""
    found = [part for part in re.split("^(?=## )", path.read_text(encoding="utf-8"), flags=re.M)
             if re.search(f"^###? {re.escape(title)}$", part, re.M)]
    if len(found) != 1:
        raise LookupError(f"{path} has {len(found)} sections with the title {title}")
    return re.findall("`([^`]+)`", "".join(re.findall(r"\*Packages:\*((?:[\s,]+`[^`]+`)+)", found[0])))


def verifications(path, title):
    """The rds-iam commands in backquotes between "Verify:" and "What can go wrong:" of a recipe."""
    text = section(path, title).partition("*Verify:*")[2].partition("*What")[0]
    return [" ".join(command.split()) for command in re.findall(r"`(rds-iam [^`]+)`", text)]


def inline_commands(path):
    """Each rds-iam command in backquotes outside of blocks, as a list of words."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    return [command.split() for command in re.findall(r"`(rds-iam(?:-agent)? [^`]+)`", text)]


def rows(path, title):
    """The rows of the first table of a section, as lists of cells, without the table's head."""
    table = re.search(r"(?:^\|.*\n)+", section(path, title) + "\n", re.M)
    if table is None:
        raise LookupError(f"{path} has no table in its section {title}")
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[0].splitlines()[2:]]


def block(path, language, text):
    """The only block of a language that contains this text."""
    found = [each.text for each in blocks(path) if each.language == language and text in each.text]
    if len(found) != 1:
        raise LookupError(f"{path} has {len(found)} blocks of {language} with {text.strip()}")
    return found[0]


def filled(path, text, values):
    """The text, in which each placeholder (a word in capitals) is replaced by its value. Raises LookupError if the text
    lacks a placeholder that has a value."""
    word = re.compile(rf"\b({'|'.join(values)})\b")
    unused = set(values) - set(word.findall(text))
    if unused:
        raise LookupError(f"{path} has no placeholder {', '.join(sorted(unused))} in this text")
    return word.sub(lambda name: values[name[1]], text)


def commands(text):
    """The commands of a block of shell. Continuation lines are joined to their command; comments are left out."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return [line.strip() for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]
