# SPDX-License-Identifier: MIT
"""Static analysis of the product by gcc -fanalyzer, cppcheck and clang's analyzer. suppressions.txt lists every
finding, with a reason. As a control, each tool finds a defect that was planted. .ci/run also runs clang-tidy, which
contains clang's analyzer, with a lower limit for each function."""
import pathlib
import unittest

import analyzers
import harness

PLANTED = pathlib.Path(__file__).with_name("planted.c")
# The check by which each tool reports its planted defect.
CONTROL = {"gcc": "analyzer-use-after-free", "cppcheck": "arrayIndexOutOfBounds", "clang": "unix.Malloc"}


class Analyzers(unittest.TestCase):
    def test_the_tools_have_no_other_findings(self):
        wanted = list(analyzers.sources(harness.BUILD))
        self.assertGreater(len(wanted), 200, "control: the build directory lists the product's files")
        suppressed = analyzers.suppressions()
        for tool in analyzers.TOOLS:
            with self.subTest(tool=tool):
                found, failures = analyzers.analyze(tool, wanted)
                self.assertEqual(failures, [])
                unexpected = {f for f in found if analyzers.Suppression(*f[:3]) not in suppressed}
                self.assertEqual(sorted(unexpected), [], "fix these, or suppress them with a reason")
                used = {analyzers.Suppression(*f[:3]) for f in found}
                unused = {s for s in suppressed if s.tool == tool} - used
                self.assertEqual(unused, set(), "remove these suppressions: they match no finding")

    def test_control_each_tool_finds_a_planted_defect(self):
        first = next(iter(analyzers.sources(harness.BUILD)))
        source = first._replace(path=PLANTED, directory=str(harness.SOURCE))
        options = tuple(word for word in first.options if not word.startswith("-I"))
        for tool, check in CONTROL.items():
            with self.subTest(tool=tool):
                found, _ = analyzers.findings(tool, source._replace(options=options))
                self.assertIn((PLANTED.relative_to(harness.SOURCE).as_posix(), check), {f[1:3] for f in found})

    def test_each_suppression_has_a_reason(self):
        for suppression, reason in analyzers.suppressions().items():
            with self.subTest(suppression=suppression):
                self.assertIn(suppression.tool, analyzers.TOOLS)
                self.assertGreater(len(reason.split()), 5)


if __name__ == "__main__":
    harness.main()
