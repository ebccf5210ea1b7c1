# SPDX-License-Identifier: MIT
"""The Python tests find their modules only through PYTHONPATH, which tests/python sets. Names of modules are unique, and
programs under test do not inherit PYTHONPATH."""
import collections
import os
import pathlib
import re
import sys
import tempfile
import unittest

import harness

TESTS = harness.SOURCE / "tests"
ELSEWHERE = re.compile(r"\bsys\s*\.\s*path\b|\bsys import .*\bpath\b|\bsite\.addsitedir\b")
# An assignment of PYTHONPATH. Only the files listed below may contain one.
PYTHONPATH = re.compile(r"""\bPYTHONPATH\b["']?\s*[=:\],]""")
SETS_PYTHONPATH = {
    "tests/python",
    "tests/surroundings.py",  # removes it
    "tests/long/test_credential_order_botocore.py",  # selects another botocore for one program
    "tests/vectors/generate_credential_order.py",  # shows the command that selects another botocore
    "tests/vectors/generate_dsql_tokens.py",
    "tests/vectors/generate_service_endpoints.py",
}


def sources(folder):
    """The Python and shell programs below a folder, except this file."""
    for path in sorted(folder.rglob("*")):
        is_program = path.suffix in (".py", "") and path.is_file() and "corpus" not in path.parts
        if is_program and path.resolve() != pathlib.Path(__file__).resolve():
            yield path


def places(folder, pattern):
    """The files below a folder that match the pattern, as paths relative to the folder's parent."""
    return {str(path.relative_to(folder.parent)) for path in sources(folder)
            if pattern.search(path.read_text(encoding="utf-8"))}


def names(folder):
    """{module name: the folders that contain a module of this name}"""
    found = collections.defaultdict(list)
    for path in sorted(folder.rglob("*.py")):
        found[path.stem].append(str(path.parent))
    return found


class Imports(unittest.TestCase):
    def planted(self, **files):
        """A temporary folder named "tests" that contains the given Python files: a__x=TEXT is the file a/x.py."""
        root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(dir=harness.WORK))) / "tests"
        for name, text in files.items():
            path = root / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return root

    def test_no_file_changes_the_search_path(self):
        self.assertEqual(places(TESTS, ELSEWHERE), set())
        for line in ("sys.path.insert(0, x)", "sys.path[:0] = [x]", "from sys import argv, path", "site.addsitedir(x)"):
            self.assertEqual(places(self.planted(a__x=line), ELSEWHERE), {"tests/a/x.py"}, f"control: {line}")

    def test_only_listed_files_set_pythonpath(self):
        self.assertEqual(places(TESTS, PYTHONPATH) - SETS_PYTHONPATH, set())
        for line in ('env["PYTHONPATH"] = x', '{"PYTHONPATH": x}', "PYTHONPATH=x python3"):
            self.assertEqual(places(self.planted(a__x=line), PYTHONPATH), {"tests/a/x.py"}, f"control: {line}")

    def test_module_names_are_unique(self):
        self.assertEqual({name: where for name, where in names(TESTS).items() if len(where) > 1}, {})
        planted = names(self.planted(a__x="", b__x=""))
        self.assertEqual(len(planted["x"]), 2, "control")

    def test_no_module_hides_a_standard_module(self):
        self.assertEqual(set(names(TESTS)) & set(sys.stdlib_module_names), set())
        planted = self.planted(a__json="")
        self.assertEqual(set(names(planted)) & set(sys.stdlib_module_names), {"json"}, "control")

    def test_every_folder_is_searched(self):
        """tests/python works from any directory, and when it is called by a relative path."""
        folders = {str(path.parent) for path in TESTS.rglob("*.py")}
        script = "import os, sys; print(*sys.path, sys.flags.no_user_site, sys.dont_write_bytecode, sep='\\n')"
        for directory, program in ((harness.SOURCE, "tests/python"), (TESTS, "./python"), ("/", harness.PYTHON)):
            result = harness.run([program, "-c", script.replace("sys.path", "os.environ['PYTHONPATH'].split(':')")],
                                 env={"PATH": "/usr/bin:/bin"}, cwd=directory)
            self.assertEqual(result.stderr, "")
            *path, no_user_site, no_byte_code = result.stdout.split("\n")[:-1]
            self.assertEqual(set(path), folders)
            self.assertEqual((no_user_site, no_byte_code), ("1", "True"))

    def test_programs_under_test_do_not_inherit_pythonpath(self):
        self.assertNotIn("PYTHONPATH", os.environ)
        self.assertIn(str(TESTS), sys.path, "control: this process uses the path")


if __name__ == "__main__":
    harness.main()
