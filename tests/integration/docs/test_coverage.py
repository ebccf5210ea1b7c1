# SPDX-License-Identifier: MIT
"""A test runs each block of README.md and RECIPES.md, or RECIPES.md lists the block in its table of what no test runs.
Each command in the text of a document exists with its options."""
import pathlib
import re
import tempfile
import unittest

import harness
from documents import README, RECIPES, blocks, commands, indented, inline_commands, rows
from user_machine import WORDS, played
import phrases
import test_readme  # noqa: F401
import test_recipes_places  # noqa: F401
import test_recipes_programs  # noqa: F401

# Blocks that other tests run: {a command of the block: the test}.
ELSEWHERE = {"meson setup": "tests/long/test_empty_root.py", "apt install": "tests/long/test_package_recipes.py",
             "ogrinfo": "tests/long/test_package_recipes.py"}
TABLE = "What no test runs"
RECIPES_UNPLAYED_MAX = 4


def excused(path=RECIPES):
    """Returns the recipes in the table of what no test runs. Rows with backquotes name single commands, not recipes."""
    return {("RECIPES.md", cells[0]) for cells in rows(path, TABLE) if "`" not in cells[0]}


def excused_commands(path=RECIPES):
    """Returns the beginnings of commands in the table of what no test runs."""
    return tuple(command for cells in rows(path, TABLE) for command in re.findall("`([^`]+)`", cells[0]))


def is_run(path, block):
    """Returns whether a test runs a block, or the table lists it."""
    name = (path.name, block.title)
    return (name in played or name in excused() or any(f"\n{command}" in f"\n{block.text}" for command in ELSEWHERE)
            or block.language == "sh" and all(line.startswith(excused_commands()) for line in commands(block.text)))


def unplayed(path):
    """Returns the blocks of a document that no test runs, as {(document, title): line}."""
    return {(path.name, block.title): block.line for block in blocks(path) if not is_run(path, block)}


class Coverage(unittest.TestCase):
    def test_each_block_is_run(self):
        for path in (README, RECIPES):
            self.assertEqual(unplayed(path), {})
            self.assertEqual(indented(path), [], "a block of code that is not between ```")

    def test_each_excuse_is_needed(self):
        titles = {(path.name, block.title) for path in (README, RECIPES) for block in blocks(path)}
        for name in (*played, *excused()):
            self.assertIn(name, titles)
        text = "".join(block.text for path in (README, RECIPES) for block in blocks(path))
        for command in (*ELSEWHERE, *excused_commands()):
            self.assertIn(f"\n{command} ", f"\n{text}")
        self.assertEqual(set(played) & excused(), set())
        self.assertLessEqual(len(excused()), RECIPES_UNPLAYED_MAX)
        for name in ELSEWHERE.values():
            self.assertTrue((harness.SOURCE / name).exists(), name)

    def test_each_placeholder_with_a_value_is_used(self):
        text = README.read_text(encoding="utf-8") + RECIPES.read_text(encoding="utf-8")
        self.assertEqual([word for word in WORDS if word not in text], [])

    def test_control_planted_blocks_are_found(self):
        with tempfile.TemporaryDirectory(dir=harness.WORK) as scratch:
            path = pathlib.Path(scratch) / "RECIPES.md"
            text = RECIPES.read_text(encoding="utf-8")
            path.write_text(text + "\n## A new recipe\n\n```sh\nrds-iam-new\n```\n\n    indented --code\n", encoding="utf-8")
            self.assertEqual(list(unplayed(path)), [("RECIPES.md", "A new recipe")])
            self.assertEqual(len(indented(path)), 1)
            path.write_text(text + "| A new recipe | no time |\n", encoding="utf-8")
            self.assertIn(("RECIPES.md", "A new recipe"), excused(path), "control: the table is read")

    def options(self, words):
        """Returns the help text of a command, which lists its options."""
        subcommands = [word for word in words[1:3] if re.fullmatch("[a-z][a-z-]*", word)]
        for count in range(len(subcommands), -1, -1):
            result = harness.run([harness.installed(f"bin/{words[0]}"), *subcommands[:count], "--help"])
            if result.returncode == 0:
                return result.stdout
        raise AssertionError(words)

    def test_each_command_in_the_text_exists_with_its_options(self):
        found = [words for path in phrases.documents(harness.SOURCE) for words in inline_commands(path)]
        self.assertGreater(len(found), 80)
        for words in found:
            with self.subTest(command=" ".join(words)):
                self.check_command(words)

    def check_command(self, words):
        if words[0] == "rds-iam" and not words[1].startswith("-"):
            self.assertIn(f"\n  {words[1]} ", self.options(["rds-iam"]))
        for word in words[1:words.index("--") if "--" in words else None]:
            if word.startswith("--") and word not in ("--help", "--version"):
                self.assertIn(word.split("=")[0], self.options(words))

    def test_control_a_planted_command_is_found(self):
        for text in ("rds-iam setpu mysql", "rds-iam check --hostnaem x", "rds-iam-agent --onec"):
            with self.assertRaises(AssertionError):
                self.check_command(text.split())

    def test_the_readme_is_short(self):
        self.assertLessEqual(README.read_text(encoding="utf-8").count("\n"), test_readme.LIMIT)


if __name__ == "__main__":
    harness.main()
