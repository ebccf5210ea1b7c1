# SPDX-License-Identifier: MIT
"""The comparison of uncovered lines with tests/coverage/reasons.txt finds lines without a row and rows without lines."""
import pathlib
import tempfile
import unittest

import harness
import reasons

ROW = "common/base/a.c second 2 cannot fail: the buffer is large enough\n"


def line(number, count, has_code=True):
    return {"line_number": number, "count": count, "gcovr/noncode": not has_code, "branches": []}


def file(name, *lines):
    functions = [{"name": "second", "lineno": 10}, {"name": "first", "lineno": 3}]
    return {"file": name, "functions": functions, "lines": list(lines)}


class Reasons(unittest.TestCase):
    files = [
        file("common/base/a.c", line(3, 7), line(10, 1), line(11, 0), line(12, 0), line(13, 0, has_code=False)),
        file("common/tool/main.c", line(4, 0)),
    ]

    def problems(self, text, files=None, sources=()):
        with tempfile.TemporaryDirectory(dir=harness.WORK) as scratch:
            root = pathlib.Path(scratch)
            (root / "common").mkdir()
            for name, content in sources:
                (root / "common" / name).write_text(content, encoding="utf-8")
            return reasons.problems(files or self.files, text, root)

    def assert_one(self, expected, text, **other):
        found = self.problems(text, **other)
        self.assertEqual(len(found), 1, found)
        self.assertIn(expected, found[0])

    def test_a_table_that_lists_exactly_the_uncovered_lines_is_accepted(self):
        for text in (ROW, "# a comment\n\n" + ROW, ROW.replace(" 2 ", " 0-2 ")):
            self.assertEqual(self.problems(text), [])

    def test_uncovered_lines_without_a_row_are_found(self):
        self.assert_one("common/base/a.c:11,12: second() has 2 uncovered lines and has no row", "")
        more = [file("common/base/a.c", line(4, 0), line(11, 0), line(12, 0))]
        self.assert_one("common/base/a.c:4: first() has 1 uncovered lines and has no row", ROW, files=more)
        self.assert_one("second() has 2 uncovered lines and has a row for 1", ROW.replace(" 2 ", " 1 "))

    def test_rows_without_lines_are_found(self):
        planted = "common/base/b.c third 1 cannot fail\n"
        self.assert_one("common/base/b.c:-: third() has 0 uncovered lines and has a row for 1", ROW + planted)
        covered = [file("common/base/a.c", line(11, 1), line(12, 0))]
        self.assert_one("second() has 1 uncovered lines and has a row for 2", ROW, files=covered)

    def test_rows_that_cannot_be_read_are_found(self):
        for planted in ("common/base/a.c first 1\n", "common/base/a.c first cannot fail\n", ROW):
            self.assert_one("reasons.txt:2: not a row, or a second row", ROW + planted)

    def test_comments_that_hide_lines_are_found(self):
        hidden = "int i; // GCOV" + "_EXCL_LINE\n"
        self.assert_one("common/a.c:2: hides lines", ROW, sources=[("a.c", "\n" + hidden), ("b.c", "int i;\n")])

    def test_the_table_of_this_tree_can_be_read_and_names_existing_files(self):
        rows, problems = reasons.read_rows((harness.SOURCE / "tests/coverage/reasons.txt").read_text(encoding="utf-8"))
        self.assertEqual(problems, [])
        self.assertEqual([path for path, _ in rows if not (harness.SOURCE / path).exists()], [])
        self.assertGreater(len(rows), 0)


harness.main()
