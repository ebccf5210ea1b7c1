# SPDX-License-Identifier: MIT
"""Shared messages are in one table, no message of five or more words occurs twice, and each command that a message
names exists."""
import collections
import re
import unittest

import harness

FOLDERS = ("common", "mysql_plugin", "pg_plugin")
TABLE = harness.SOURCE / "common/base/messages.h"
DEFINITION = re.compile(r"#define (RIA_(?:REFUSAL|REMEDY|MESSAGE)_\w+)\s+((?:\\\n|[^\n])+)")
STRING = re.compile(r'"((?:\\.|[^"\\\n])*)"(?:\s*\\?\s*"((?:\\.|[^"\\\n])*)")*')
PIECE = re.compile(r'"((?:\\.|[^"\\\n])*)"')
# Words that follow "rds-iam" where this is the name of the product and not a command.
NO_COMMAND = {"does", "is", "installed", "cannot", "authors"}


# A text with fewer words, such as "cannot be read", may occur in several places.
SENTENCE_WORDS = 5
# Names of a second wording of a message. No message needs one, because ria_fail_shown() shortens messages.
TWIN = re.compile(r"_(?:LONG|SHORT|LONGER|SHORTER|BRIEF)\b")


def sources():
    return [p for f in FOLDERS for p in sorted((harness.SOURCE / f).rglob("*.[ch]"))]


def joined(text):
    """The string literals of a C source, with adjacent literals joined."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return ["".join(PIECE.findall(match.group(0))) for match in STRING.finditer(text)]


def is_message(text):
    return len(re.findall(r"(?:^|\s)(?!%)\S*[A-Za-z]\S*", text)) >= SENTENCE_WORDS


def repeated(texts):
    """The messages that occur in more than one place."""
    count = collections.Counter(text.strip() for text in texts if is_message(text))
    return sorted(text for text, times in count.items() if times > 1)


def table(text):
    text = re.sub(r"\\\n", " ", text)
    return {name: "".join(PIECE.findall(value)) for name, value in DEFINITION.findall(text)}


def commands():
    """{command of rds-iam: its options}, from the help texts. The options of a command with sub-commands ("setup")
    include the names and options of the sub-commands."""
    def read_help(*words):
        text = harness.run([harness.installed("bin/rds-iam"), *words, "--help"]).stdout
        return set(re.findall(r"^  ([a-z][a-z-]*)  ", text, re.M)), set(re.findall(r"--[a-z-]+", text))

    options = {}
    for name in read_help()[0]:
        kinds, options[name] = read_help(name)
        for kind in kinds:
            options[name] |= {kind} | read_help(name, kind)[1]
    return options


def unknown_commands(texts, known):
    found = []
    for text in texts:
        for word, rest in re.findall(r"\brds-iam ([a-z]\w*)([^;,\n\\]*)", text):
            if word in NO_COMMAND:
                continue
            if word not in known:
                found.append("rds-iam " + word)
                continue
            used = re.findall(r"--[a-z-]+", rest) + (re.findall(r"^ ([a-z][a-z-]*)", rest) if word == "setup" else [])
            found += [f"rds-iam {word} {option}" for option in used if option not in known[word]]
    return found


class Messages(unittest.TestCase):
    def test_every_command_in_a_message_exists(self):
        known = commands()
        self.assertLessEqual({"token", "credentials"}, set(known))
        texts = [text for path in sources() for text in joined(path.read_text(encoding="utf-8"))]
        self.assertTrue(any("rds-iam credentials --" in text for text in texts), "control: the texts contain a command")
        self.assertEqual(unknown_commands(texts, known), [])

    def test_control_planted_commands_are_found(self):
        known = {"token": {"--region"}, "setup": {"mysql", "trust-policy"}}
        planted = ["see rds-iam doctor for more", "run: rds-iam token --now", "rds-iam token --region X",
                   "rds-iam setup mysql", "rds-iam setup oracle", "rds-iam setup trust-policy",
                   "rds-iam setup trust"]
        self.assertEqual(
            unknown_commands(planted, known),
            ["rds-iam doctor", "rds-iam token --now", "rds-iam setup oracle", "rds-iam setup trust"])

    def test_every_message_of_the_table_is_used(self):
        messages = table(TABLE.read_text(encoding="utf-8"))
        self.assertGreater(len(messages), 20)
        others = "\n".join(p.read_text(encoding="utf-8") for p in sources() if p != TABLE)
        for name, message in messages.items():
            with self.subTest(message=name):
                self.assertRegex(others, rf"\b{name}\b", "no source uses this message")
                self.assertGreater(len(message), 10)
                self.assertIsNone(TWIN.search(name), "this is a second wording of a message")

    def test_no_message_occurs_in_two_places(self):
        """A message that is used in two places must be in the table."""
        texts = [text for path in sources() for text in joined(path.read_text(encoding="utf-8"))]
        self.assertGreater(sum(map(is_message, texts)), 300, "control: the sources contain many messages")
        self.assertEqual(repeated(texts), [])

    def test_control_planted_copies_and_twins_are_found(self):
        source = ('ria_fail(err, "the clock shows no date that " /* a comment */ "can be signed");\n'
                  'puts("the clock shows no "\n     "date that can be signed");\n'
                  'puts("cannot be read"); puts("cannot be read"); puts("%s: %s %d %u %c"); puts("%s: %s %d %u %c");\n')
        self.assertEqual(repeated(joined(source)), ["the clock shows no date that can be signed"])
        twins = [name for name in ("RIA_REFUSAL_OTHER_LONG", "RIA_REMEDY_TLS_SHORT", "RIA_REFUSAL_LONGITUDE")
                 if TWIN.search(name)]
        self.assertEqual(twins, ["RIA_REFUSAL_OTHER_LONG", "RIA_REMEDY_TLS_SHORT"])

    def test_every_refusal_states_what_to_do_except_those_listed(self):
        """In a refusal, what the user can do follows a semicolon. The lists name the refusals without such a part."""
        remedy_elsewhere = {"RIA_REFUSAL_PLAIN", "RIA_REFUSAL_UNVERIFIED", "RIA_REFUSAL_NAME_UNVERIFIED",
                            "RIA_REFUSAL_NO_CREDENTIALS"}
        nothing_to_do = {"RIA_REFUSAL_MEMORY", "RIA_REFUSAL_THREAD", "RIA_REFUSAL_PORT", "RIA_REFUSAL_TOKEN_SIZE"}
        for name, message in table(TABLE.read_text(encoding="utf-8")).items():
            if name.startswith("RIA_REFUSAL") and name not in remedy_elsewhere | nothing_to_do:
                self.assertIn("; ", message, name)


harness.main()
