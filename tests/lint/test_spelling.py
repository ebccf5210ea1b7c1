# SPDX-License-Identifier: MIT
"""The words of all documents and manual pages are spelled as American English or listed in words.txt (names, terms of
the field). Text in backquotes and in blocks of code is not checked."""
import pathlib
import re
import tempfile
import unittest

import harness
import phrases

WORDS = harness.SOURCE / "tests/lint/words.txt"
# What is not prose: a line break in a table, the target of a link, an address, a path, the name of a file or host, an
# option, a name with _ or a digit, an abbreviation.
NOT_PROSE = re.compile(r"<br>|\]\([^)]*\)|https?://\S+|\S*[/_=\\]\S*|[\w*-]+(?:\.[\w*-]+)+|--[\w-]+|\b\w*\d\w*\b|\b[A-Z]{2,}s?\b")
# In a manual page, *bold* and _underlined_ text is what a user enters or replaces.
NAMES_IN_MANUAL = re.compile(r"(?<![\w\\])\*[^*\n]+\*|(?<![\w\\])_[^_\n]+_")


def documents(root):
    yield from phrases.documents(root)
    for folder in phrases.FOLDERS:
        yield from sorted((root / folder).rglob("*.scd"))


def words(path):
    """(line, word) of each word in the prose of a document, without 's. Only words of letters are checked."""
    text = re.sub(r"^```.*?^```$", lambda match: "\n" * match[0].count("\n"), path.read_text(encoding="utf-8"),
                  flags=re.M | re.S)
    # Code in backquotes may continue on the next line.
    text = re.sub(r"`[^`]*`", lambda match: " " + "\n" * match[0].count("\n"), text)
    if path.suffix == ".scd":
        text = NAMES_IN_MANUAL.sub(" ", text)
    for number, line in enumerate(text.split("\n"), 1):
        for word in re.findall(r"[A-Za-z]+(?:'[a-z]+)?", NOT_PROSE.sub(" ", line)):
            yield number, word.removesuffix("'s")


def listed():
    return [line for line in WORDS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def misspelled(paths):
    """[(place, word)] of the words that neither aspell nor words.txt knows."""
    found = [(f"{path.parent.name}/{path.name}:{number}", word) for path in paths for number, word in words(path)]
    text = "\n".join(sorted({word for _, word in found})) + "\n"
    result = harness.run(["aspell", "--lang=en_US", "--encoding=utf-8", "list"], stdin=text,
                         env={"PATH": "/usr/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"})
    assert result.returncode == 0 and not result.stderr, result.stderr
    unknown = set(result.stdout.split()) - set(listed())
    known = {word.lower() for word in listed()}
    return [(place, word) for place, word in found
            if word in unknown and word.lower() not in known]


class Spelling(unittest.TestCase):
    def test_each_word_is_spelled_correctly(self):
        self.assertEqual(misspelled(documents(harness.SOURCE)), [])

    def test_control_a_planted_error_is_found(self):
        with tempfile.TemporaryDirectory(dir=harness.WORK) as scratch:
            path = pathlib.Path(scratch) / "planted.md"
            path.write_text("A server that recieves a token, `recieves` it,\nand a colour.\n\n```\nrecieves\n```\n",
                            encoding="utf-8")
            self.assertEqual([(place.split("/")[1], word) for place, word in misspelled([path])],
                             [("planted.md:1", "recieves"), ("planted.md:2", "colour")])

    def test_the_list_is_sorted_and_needed(self):
        self.assertEqual(listed(), sorted(set(listed()), key=lambda word: (word.lower(), word)))
        result = harness.run(["aspell", "--lang=en_US", "list"], stdin="\n".join(listed()) + "\n",
                             env={"PATH": "/usr/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"})
        self.assertEqual(sorted(set(listed()) - set(result.stdout.split())), [], "aspell knows these words")


harness.main()
