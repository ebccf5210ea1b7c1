# SPDX-License-Identifier: MIT
"""No banned phrase occurs in messages, help texts, comments, documents and programs, and the share of comment lines is
not below LEAST_COMMENT."""
import pathlib
import re
import tempfile
import unittest

import harness
import phrases

# The least share of comment lines in the C code of each folder, in per cent: the shares of November 2026, when
# every header documented its module. A sentence must not become plainer by losing facts.
LEAST_COMMENT = {"common": 12.5, "mysql_plugin": 20.0, "pg_plugin": 12.9}
# Sentences that look like a banned phrase and are correct.
GOOD = (
    "There is no file of that name.", "It is no longer valid.", "The content type is text.",
    "Content-Type: text/plain", "The call comes to an end.", "The amendment is recommended.",
    "The heartbeats stop.", "It holds the lock.", "Two rows cannot be told apart.", "It has no name.",
    "A goal is set, and the value is forgotten.", "It is none.", "The server sends a password request.",
    "The result is not therefore valid.", "A personal key.", "The servers run as `nobody`.", "It holds no lock.", "The worker is told to stop.",
    "The log says so.", "It is there and nowhere else.", "The user types it.", "Read ~/.kept/file and the-road-map.",
)
# The places that are searched for phrases: (kind, file, the text of the file with %s where the phrase is).
PLACES = (
    ("message", "common/base/a.c", 'const char *text = "place: %s; "\n                   "run: it";\n'),
    ("message", "pg_plugin/agent/help.c", '#define HELP "usage: agent\\n" \\\n    "  -v  %s\\n"\n'),
    ("comment", "mysql_plugin/a.h", "/* Returns true.\n *\n * %s\n */\nint a;\n"),
    ("comment", "common/meson.build", "x = 1\n# %s\n"),
    ("comment", "pg_plugin/kubernetes/a.yaml", "kind: Pod # %s\n"),
    ("comment", "tests/unit/a.c", "/* %s */\n"),
    ("document", "README.md", "# Title\n\nText. %s\n"),
    ("document", "common/tool/a.1.scd", "# NAME\n\nText. %s\n"),
    ("document", "tests/lab/README.md", "| `a.c` | %s |\n"),
    ("program", "tests/integration/demo.py", 'print("%s")\n'),
    ("program", "tests/demo", '#!/bin/bash\necho "%s"\n'),
    ("program", "tests/run", "#!/bin/bash\n# %s\n"),
)
COMMAND = re.compile(r"^  ([a-z][a-z-]*)  ", re.M)


def tree(scratch, texts):
    for name, text in texts.items():
        path = pathlib.Path(scratch) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return pathlib.Path(scratch)


def helps():
    """(command, its help text) of each installed program that prints a help text."""
    tool = harness.installed("bin/rds-iam")
    top = harness.run([tool, "--help"]).stdout
    yield "rds-iam", top
    for name in COMMAND.findall(top):
        text = harness.run([tool, name, "--help"]).stdout
        yield f"rds-iam {name}", text
        for kind in COMMAND.findall(text):
            yield f"rds-iam {name} {kind}", harness.run([tool, name, kind, "--help"]).stdout
    yield "rds-iam-agent", harness.run([harness.installed("bin/rds-iam-agent"), "--help"]).stdout


class Phrases(unittest.TestCase):
    def check(self, kind):
        """Fails if the tree contains a banned phrase of this kind."""
        self.assertEqual([f"{place}: {phrase} -> {better}" for found, place, phrase, better
                          in phrases.found(harness.SOURCE) if found == kind], [])

    def test_no_message_has_a_banned_phrase(self):
        self.check("message")

    def test_no_comment_has_a_banned_phrase(self):
        self.check("comment")

    def test_no_document_has_a_banned_phrase(self):
        self.check("document")

    def test_no_program_that_users_run_has_a_banned_phrase(self):
        self.check("program")

    def test_every_program_of_the_list_exists(self):
        self.assertEqual([name for name in phrases.PROGRAMS if not (harness.SOURCE / name).is_file()], [])

    def test_no_help_text_has_a_banned_phrase(self):
        texts = dict(helps())
        self.assertIn("rds-iam token", texts)
        self.assertIn("rds-iam-agent", texts)
        for name, text in texts.items():
            with self.subTest(program=name):
                self.assertIn("sage: ", text)
                self.assertEqual(list(phrases.hits("help", name, text)), [])

    def test_the_share_of_comments_does_not_fall(self):
        self.assertEqual({folder: share for folder, share in phrases.comment_share(harness.SOURCE)
                          if share < LEAST_COMMENT[folder]}, {})

    def test_control_each_phrase_is_found_in_each_place(self):
        for _, better, examples in phrases.PHRASES:
            for example in examples:
                with self.subTest(example=example), tempfile.TemporaryDirectory(dir=harness.WORK) as scratch:
                    root = tree(scratch, {name: text % example for _, name, text in PLACES})
                    self.assertEqual({(kind, place.split(":")[0]) for kind, place, _, words
                                      in phrases.found(root) if words == better},
                                     {(kind, name) for kind, name, _ in PLACES})

    def test_control_a_phrase_on_two_lines_is_found(self):
        with tempfile.TemporaryDirectory(dir=harness.WORK) as scratch:
            root = tree(scratch, {"common/a.h": "/* It goes\n * on. */\n", "README.md": "It goes\non.\n",
                                  "common/a.c": 'const char *text = "it goes "\n    "on";\n'})
            self.assertEqual([(kind, place) for kind, place, _, _ in phrases.found(root)],
                             [("message", "common/a.c:1"), ("comment", "common/a.h:1"), ("document", "README.md:1")])

    def test_control_good_sentences_are_not_found(self):
        for sentence in GOOD:
            with self.subTest(sentence=sentence):
                self.assertEqual(list(phrases.hits("comment", "here", sentence)), [])

    def test_control_a_tree_with_fewer_comments_is_found(self):
        with tempfile.TemporaryDirectory(dir=harness.WORK) as scratch:
            root = tree(scratch, {"common/a.c": "/* SPDX */\n" + 9 * "int a;\n", "pg_plugin/a.c": "/* A. */\nint a;\n"})
            self.assertEqual(list(phrases.comment_share(root)),
                             [("common", 0.0), ("mysql_plugin", 0.0), ("pg_plugin", 50.0)])


harness.main()
