# SPDX-License-Identifier: MIT
"""Rules of the layout: one concept is in one place, no dependency cycles, and every source is in a folder."""
import pathlib
import re
import tempfile
import unittest

import harness
import house

WALK = re.compile(r"^## Walk: (.+)$", re.M)
STEP = re.compile(r"^\d+\. `([\w./]+)`", re.M)
LONGEST_WALK = 6

# The files of a scratch tree that breaks each rule once, and the rule against cycles twice.
PLANTED = {
    "common/rds_iam.h": "bool ria_door(void);\nbool ria_window(void);\n",
    "common/loose.c": "\n",
    "common/base/buf.h": "void ria_buf_free(void);\nvoid ria_buf_clear(void);\n",
    "common/base/buf.c": '#include "base/buf.h"\nvoid ria_buf_free(void)\n{\n}\n',
    "common/base/lonely.h": "/* What it does. */\nbool ria_lonely(int number);\n",
    "common/base/first.h": '#include "base/second.h"\n',
    "common/base/second.h": '#include "base/first.h"\n',
    "common/aws/caller.c": "static bool find(void)\n{\n}\nvoid ria_called(void)\n{\n    ria_back();\n}\n",
    "common/aws/back.c": "static bool find(void)\n{\n}\nvoid ria_back(void)\n{\n    ria_called();\n}\n",
    "common/provider/sso.c": "\n",
    "common/fetch/sso.c": "\n",
    "common/login/token.c": "\n",
    "common/aws/token.c": "\n",
    "pg_plugin/meson.build": "x = executable('x', 'own.c', '../common/base/buf.c')\n",
}


def walks(root):
    """(README, title, files in the listed order) of each walk in a README of the product. A walk is a list of files in
    reading order."""
    for folder in house.FOLDERS:
        for readme in sorted((root / folder).rglob("README.md")):
            parts = WALK.split(readme.read_text(encoding="utf-8"))
            for title, text in zip(parts[1::2], parts[2::2]):
                yield readme.relative_to(root), title, STEP.findall(re.split(r"^## ", text, flags=re.M)[0])


def broken_steps(root, files):
    """Problems in a walk: a file that does not exist, or that no earlier file of the walk includes or calls."""
    arrows = house.graph(root)
    for number, name in enumerate(files):
        if not (root / name).exists():
            yield f"{name} does not exist"
        elif number and not any(house.module(name) in arrows[house.module(earlier)]
                                for earlier in files[:number] if house.module(earlier) in arrows):
            yield f"{name} is not used by any earlier file"


class House(unittest.TestCase):
    def rule(self, find, planted):
        """`find` returns nothing for the source tree, and returns the violations of PLANTED in a scratch tree."""
        self.assertEqual(find(harness.SOURCE), type(planted)())
        with tempfile.TemporaryDirectory(dir=harness.WORK) as scratch:
            for name, text in PLANTED.items():
                path = pathlib.Path(scratch) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            self.assertEqual(find(pathlib.Path(scratch)), planted)

    def test_every_source_of_the_core_has_a_folder(self):
        self.rule(house.loose, ["common/loose.c"])

    def test_no_folder_compiles_the_sources_of_another_folder(self):
        self.rule(house.compiled_elsewhere, ["pg_plugin/meson.build: ../common/base/buf.c"])

    def test_no_two_modules_depend_on_each_other(self):
        self.rule(house.cycles, [("common/aws/back", "common/aws/caller"),
                                  ("common/base/first", "common/base/second")])

    def test_no_short_header_declares_a_single_function(self):
        self.rule(house.short_headers, ["common/base/lonely.h"])

    def test_no_file_name_is_used_for_two_topics(self):
        self.rule(house.ambiguous_names, {"token": ["common/aws", "common/login"]})

    def test_no_static_function_has_the_name_of_one_in_another_file(self):
        self.rule(house.shared_statics, {"find": ["common/aws/back.c", "common/aws/caller.c"]})

    def test_each_file_of_a_walk_is_used_by_an_earlier_one(self):
        found = list(walks(harness.SOURCE))
        self.assertGreaterEqual(len(found), 3)
        for readme, title, files in found:
            with self.subTest(walk=f"{readme}: {title}"):
                self.assertGreater(len(files), 2)
                self.assertLessEqual(len(files), LONGEST_WALK)
                self.assertEqual(list(broken_steps(harness.SOURCE, files)), [])

    def test_control_a_broken_walk_is_found(self):
        files = ["common/login/token_for.c", "common/login/resolve.c", "common/fetch/xml.c", "common/nothing.c"]
        self.assertEqual(list(broken_steps(harness.SOURCE, files)), [
            "common/fetch/xml.c is not used by any earlier file", "common/nothing.c does not exist"])


harness.main()
