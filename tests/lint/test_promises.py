# SPDX-License-Identifier: MIT
"""Each promise of SECURITY.md names a test that exists and that is run."""
import pathlib
import re
import tempfile
import unittest

import harness
import promises

DOCUMENT = harness.SOURCE / "SECURITY.md"
TESTS = harness.SOURCE / "tests"
HEAD = "# Security\n\n## Limits\n\n* No promise, so no test.\n\n## Promises\n\n### A heading\n\n"
GOOD = "* It is so. It stays\n  so.\n  - Test: `integration/a/test_x.py` `Rows`, `test_it`; `unit/test_y.c`\n    `it_works`\n"
# (lines of the document, what is found)
PLANTED = (
    ("* It is so.\n", "It is so.: names no test"),
    ("* It is so. (`integration/a/test_x.py`)\n", "It is so. (`integration/a/test_x.py`): names no test"),
    ("* It is so.\n  - Test: to be written\n", "It is so.: names no test"),
    ("* It is so.\n  - Test: `integration/a/test_x.py`\n", "It is so.: names no function or class of tests/integration/a/test_x.py"),
    ("* It is so.\n  - Test: `integration/a/test_z.py` `test_it`\n", "It is so.: there is no file tests/integration/a/test_z.py"),
    ("* It is so.\n  - Test: `test_it`\n", "It is so.: names no file before test_it"),
    ("* It is so.\n  - Test: `integration/a/test_x.py` `test_that`\n", "It is so.: tests/integration/a/test_x.py has no test test_that"),
    ("* It is so.\n  - Test: `integration/a/test_x.py` `Base`\n", "It is so.: tests/integration/a/test_x.py has no test Base"),
    ("* It is so.\n  - Test: `integration/a/test_x.py` `helper`\n", "It is so.: tests/integration/a/test_x.py has no test helper"),
    ("* It is so.\n  - Test: `unit/test_y.c` `not_listed`\n", "It is so.: tests/unit/test_y.c has no test not_listed"),
    ("* It is so.\n  - Test: `integration/a/test_not_run.py` `test_it`\n",
     "It is so.: no meson.build runs tests/integration/a/test_not_run.py"),
)
PYTHON = ("def helper():\n    pass\nclass Base(LabCase):\n    def run(self):\n        pass\n"
          "class Rows(Base):\n    def test_it(self):\n        pass\nclass Made(Base):\n    pass\n"
          "setattr(Made, 'test_' + name, test)\n")
C = ("static void it_works(void **state)\n{\n}\nstatic void not_listed(void **state)\n{\n}\n"
     "int main(void)\n{\n    const struct CMUnitTest tests[] = {cmocka_unit_test(it_works)};\n}\n")


class Promises(unittest.TestCase):
    maxDiff = None

    def tree(self):
        """A scratch folder tests/ with two test files that are run and one that is not."""
        root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(dir=harness.WORK)))
        for name, text in (("integration/a/test_x.py", PYTHON), ("integration/a/test_not_run.py", PYTHON),
                           ("unit/test_y.c", C), ("integration/meson.build", "t = {'a': ['x']}\n"),
                           ("unit/meson.build", "t = {\n  'y': {},\n}\n")):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return root

    def test_each_promise_names_tests_that_exist_and_are_run(self):
        self.assertEqual(list(promises.faults(DOCUMENT.read_text(encoding="utf-8"), TESTS)), [])

    def test_control_the_document_has_promises_and_each_was_read(self):
        text = DOCUMENT.read_text(encoding="utf-8")
        (section,) = promises.SECTION.findall(text)
        found = promises.promises(text)
        self.assertGreater(len(found), 40)
        self.assertEqual(len(found), len(re.findall(r"^\* ", section, re.M)))
        self.assertEqual(sum(len(pairs) for _, pairs in found),
                         sum(not word.endswith((".py", ".c")) for part in re.findall(r"- Test: (.*?)(?=^\* |^#|\Z)", section, re.M | re.S)
                             for word in promises.QUOTED.findall(part)), "no name was left out")

    def test_control_a_good_promise_has_no_fault(self):
        more = "* It is made.\n  - Test: `integration/a/test_x.py` `Made`\n"
        self.assertEqual(list(promises.faults(HEAD + GOOD + more, self.tree())), [])
        self.assertEqual([len(pairs) for _, pairs in promises.promises(HEAD + GOOD + more)], [3, 1])

    def test_control_each_planted_fault_is_found(self):
        root = self.tree()
        for lines, fault in PLANTED:
            for text in (HEAD + lines, HEAD + GOOD + lines, HEAD + lines + GOOD, HEAD + GOOD + lines + "\n### Next\n\n" + GOOD):
                with self.subTest(lines=lines):
                    self.assertEqual(list(promises.faults(text, root)), [fault])


harness.main()
