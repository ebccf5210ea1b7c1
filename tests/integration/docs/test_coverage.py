# SPDX-License-Identifier: MIT
"""Each block of README.md and RECIPES.md is run by a test, or stands in RECIPES.md's table of what no test runs."""
import pathlib
import tempfile
import unittest

import harness
from documents import README, RECIPES, blocks, indented, rows
from machine import WORDS, played
import test_readme  # noqa: F401
import test_recipes_places  # noqa: F401
import test_recipes_programs  # noqa: F401

# Sections that other tests run.
ELSEWHERE = {("README.md", "Install"): "tests/long/test_empty_root.py"}
TABLE = "What no test runs"
RECIPES_UNPLAYED_MAX = 4


def excused(path=RECIPES):
    """The recipes in the table of what no test runs. Its rows for single commands have backquotes."""
    return {("RECIPES.md", cells[0]) for cells in rows(path, TABLE) if "`" not in cells[0]}


def unplayed(path):
    """The sections of a document with a block that no test runs, as {(document, title): line}."""
    known = {*played, *ELSEWHERE, *excused()}
    return {(path.name, block.title): block.line for block in blocks(path) if (path.name, block.title) not in known}


class Coverage(unittest.TestCase):
    def test_each_block_is_run(self):
        for path in (README, RECIPES):
            self.assertEqual(unplayed(path), {})
            self.assertEqual(indented(path), [], "a block of code that is not between ```")

    def test_each_excuse_is_needed(self):
        titles = {(path.name, block.title) for path in (README, RECIPES) for block in blocks(path)}
        for name in (*played, *ELSEWHERE, *excused()):
            self.assertIn(name, titles)
        self.assertEqual(set(played) & excused(), set())
        self.assertLessEqual(len(excused()), RECIPES_UNPLAYED_MAX)
        for name in ELSEWHERE.values():
            self.assertTrue((harness.SOURCE / name).exists(), name)

    def test_each_word_in_capitals_is_used(self):
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

    def test_the_readme_is_short(self):
        self.assertLessEqual(README.read_text(encoding="utf-8").count("\n"), test_readme.LIMIT)


if __name__ == "__main__":
    harness.main()
