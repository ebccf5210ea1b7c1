#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Phrases that are hard to understand at first reading, and the plain words that this project uses instead.

    tests/lint/phrases.py [--list] [FOLDER]

prints the number of such phrases in the messages, comments, documents and scripts of a source tree, and the
share of comments in its C code. --list prints each phrase and its place. FOLDER is another version of the
tree. test_phrases.py fails if one of them is found.
"""
import io
import pathlib
import re
import sys
import tokenize

FOLDERS = ("common", "mysql_plugin", "pg_plugin")
# Programs that are not C and that users run or read.
PROGRAMS = ("mysql_plugin/link_plugins.sh", "tests/bench/bench.py", "tests/bench/run", "tests/demo",
            "tests/integration/demo.py", "tests/prepare", "tests/run")
# Files whose comments begin with #: build files, units, manifests.
HASH_COMMENTS = ("meson.build", "meson_options.txt", "*.service.in", "*.yaml", "*.map")

# (the phrase, the words to write instead, examples of the phrase that test_phrases.py adds to a scratch tree)
PHRASES = (
    (r"(?:no|some|any|every)body(?:'s)?|who(?:so)?ever",
     "the user, the caller, the server, the peer, another user",
     ("nobody can read it", "it is somebody's key", "if anybody asks", "everybody can write it", "whoever wrote it")),
    (r"persons?(?:'s)?|people(?:'s)?", "the user, users",
     ("a person reads it", "two persons", "the person's shell", "people type it")),
    (r"(?<!there )(?:is|are|was|were) no(?! (?:longer|more|less|later|earlier|one\b))|(?:is|are) none of",
     "is not a ..., there is no ...",
     ("x is no region", "these are no URLs", "it was no file", "they were no keys", "it is none of ours")),
    (r"types?:|types? in",
     "run: COMMAND, enter", ("file: type: chmod 600 file", "type in the code")),
    (r"(?<!a )mend(?:s|ed|ing)?", "fix, correct", ("mend it", "it is mended", "mending it")),
    (r"kept", "cached, stored, retained", ("it is kept for an hour",)),
    (r"(?:un)?said", "reported, printed, stated", ("as is said above", "it stays unsaid")),
    (r"g[ai]ves? way|given way|giving way",
     "is replaced by", ("it gives way to it", "it gave way", "giving way to it")),
    (r"c[oa]mes? to(?! (?:an end|rest))|what comes of", "resolves to, adds up to, becomes",
     ("it comes to nothing", "they come to 8 KB", "it came to the same", "what comes of it")),
    (r"(?:is|are|was|were|be|been) passed over",
     "is ignored", ("the line is passed over", "it has been passed over")),
    (r"as late as can be", "on demand", ("read as late as can be",)),
    (r"go(?:es|ing)? on|went on|gone on",
     "continue", ("it goes on with it", "to go on", "it went on", "going on with it")),
    (r"beats", "overrides, takes precedence over", ("it beats everything", "[a] beats [b]")),
    (r"wants? in", "logs in", ("who wants in where",)),
    (r"roads?", "origin, path", ("the road of a plan", "all roads lead there")),
    (r"h(?:as|ave) (?:it|them) (?:written|made|read)",
     "create, request", ("have it written again", "has them made")),
    (r"a word (?:about|of it)|without a word", "a message, silently", ("not a word about it", "without a word")),
    (r"by (?:his|its|their) (?:own )?word|whose word",
     "according to", ("by its word it is on", "by their own word", "on whose word")),
    (r"somewhere|nowhere(?! else)", "the name of the place", ("it is somewhere in it", "it leads nowhere")),
    (r"(?:has|have|had|is|are|was|were|be|been) got",
     "obtained, received", ("how keys are got", "it has got a token", "to be got")),
    (r"h(?:olds?|eld) (?:no(?! locks?\b)|nothing|neither)",
     "contains no", ("it holds no token", "they hold nothing", "it held neither")),
    (r"out of sight", "hidden, not visible", ("it is out of sight",)),
    (r"but for", "except", ("all but for one",)),
    (r"as of", "since, as in", ("answers as of ria_provide", "as of 3.4.1")),
    (r"(?:is|are|was|be) not there",
     "does not exist, is missing", ("the file is not there", "they are not there")),
    (r"of (?:its|his|their) own accord", "by itself, without a request", ("it answers of its own accord",)),
    (r"go(?:es)? by|went by|to go by", "follows, uses", ("it goes by the clock", "nothing to go by")),
    (r"(?:is|are|was|were) told(?! (?:to|apart)\b)|told of", "receives, reports", ("what a user is told", "it is told of it")),
    (r"judge[sd]?|judging", "check", ("it is judged later", "judging by it")),
    (r"speaks? of", "names, mentions", ("the text speaks of it", "they speak of files")),
    (r"for good", "permanently", ("it fails for good",)),
    (r"in the midst of", "during", ("in the midst of a call",)),
    (r"answers? for", "is responsible for, replaces", ("it answers for it", "they answer for libpq")),
    (r"what (?:is|was|it is|they are) asked", "the request", ("what is asked of it", "what it is asked")),
)
PATTERNS = tuple((re.compile(rf"(?<![\w'/.`{{-])(?:{pattern})(?![\w-])", re.I), better)
                 for pattern, better, _ in PHRASES)
TOKEN = re.compile(r'/\*(?P<comment>.*?)\*/|(?P<text>"(?:\\.|[^"\\\n])*"(?:[\s\\]*"(?:\\.|[^"\\\n])*")*)', re.S)
PIECE = re.compile(r'"((?:\\.|[^"\\\n])*)"')
HASH = re.compile(r"(?:^|(?<=\s))#(?!!)[^\n]*", re.M)
SHELL = re.compile(r"(?P<comment>(?:^|(?<=\s))#[^\n]*)|\"(?P<double>(?:\\.|[^\"\\])*)\"|'(?P<single>[^']*)'", re.M)
FENCE = re.compile(r"^```.*?^```", re.M | re.S)


def read(path):
    return path.read_text(encoding="utf-8")


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def parts(path):
    """(kind, line, text) of each comment and each message of a C file."""
    source = read(path)
    for match in TOKEN.finditer(source):
        line = line_of(source, match.start())
        if match["comment"] is not None:
            yield "comment", line, re.sub(r"\s*\n\s*\*? ?", " ", match["comment"])
        elif " " in match["text"].replace('" "', ""):
            yield "message", line, "".join(PIECE.findall(match["text"])).replace("\\n", " ")


def script_parts(path):
    """(line, text) of each comment and each string of a Python or shell program."""
    source = read(path)
    if "python" in source.split("\n", 1)[0] or path.suffix == ".py":
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type in (tokenize.COMMENT, tokenize.STRING):
                yield token.start[0], token.string
    else:
        for match in SHELL.finditer(source):
            yield line_of(source, match.start()), match.group()


def documents(root):
    yield from sorted(root.glob("*.md"))
    for folder in (*FOLDERS, "tests"):
        yield from sorted(path for name in ("*.md", "*.scd") for path in (root / folder).rglob(name))


def hits(kind, place, text):
    text = re.sub(r"\s+", " ", text)
    for pattern, better in PATTERNS:
        for match in pattern.finditer(text):
            yield kind, place, text[max(0, match.start() - 20):match.end() + 20].strip(), better


def found_in_c(root):
    """The phrases in the messages and comments of the product, and in the comments of the tests."""
    for folder in (*FOLDERS, "tests"):
        for path in sorted((root / folder).rglob("*.[ch]")):
            for kind, line, text in parts(path):
                if kind == "comment" or folder != "tests":
                    yield from hits(kind, f"{path.relative_to(root)}:{line}", text)


def found(root):
    """(kind, place, phrase, better words) of each phrase found."""
    yield from found_in_c(root)
    for folder in FOLDERS:
        for path in sorted(path for name in HASH_COMMENTS for path in (root / folder).rglob(name)):
            text = read(path)
            for match in HASH.finditer(text):
                yield from hits("comment", f"{path.relative_to(root)}:{line_of(text, match.start())}", match.group())
    for path in documents(root):
        # Blocks between ``` are commands and their output.
        text = FENCE.sub(lambda match: "\n" * match.group().count("\n"), read(path))
        for match in re.finditer(r"(?:[^\n]+\n?)+", text):
            yield from hits("document", f"{path.relative_to(root)}:{line_of(text, match.start())}", match.group())
    for name in PROGRAMS:
        if (root / name).exists():
            for line, text in script_parts(root / name):
                yield from hits("program", f"{name}:{line}", text)


def comment_share(root):
    """(folder, per cent of the lines of its C code that contain a comment other than the license line)."""
    for folder in FOLDERS:
        every = comment = 0
        for path in sorted((root / folder).rglob("*.[ch]")):
            source = read(path)
            every += source.count("\n")
            comment += sum(match.group().count("\n") + 1 for match in TOKEN.finditer(source)
                           if match["comment"] is not None and "SPDX" not in match.group().split("\n", 1)[0]
                           or match["comment"] is not None and "\n" in match.group())
        yield folder, 100 * comment / max(every, 1)


def main(arguments):
    root = pathlib.Path(arguments[-1] if arguments and not arguments[-1].startswith("-")
                        else pathlib.Path(__file__).resolve().parents[2])
    count = dict.fromkeys(("message", "comment", "document", "program"), 0)
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
