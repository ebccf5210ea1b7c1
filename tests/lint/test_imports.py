# SPDX-License-Identifier: MIT
"""How the Python tests find their modules: by PYTHONPATH, which tests/python sets, and in no other way."""
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
# The value of PYTHONPATH may be set here, and nowhere else.
PYTHONPATH = re.compile(r"""\bPYTHONPATH\b["']?\s*[=:\],]""")
SETS_PYTHONPATH = {
    "tests/python",
    "tests/surroundings.py",  # removes it
    "tests/long/test_credential_order_botocore.py",  # another botocore, for one program
    "tests/vectors/generate_credential_order.py",  # shows the command that names another botocore
    "tests/vectors/generate_service_endpoints.py",
}


def sources(folder):
    """The Python and shell programs below a folder, except this file."""
    for path in sorted(folder.rglob("*")):
        is_program = path.suffix in (".py", "") and path.is_file() and "corpus" not in path.parts
        if is_program and path.resolve() != pathlib.Path(__file__).resolve():
            yield path


def places(folder, pattern):
    """Files below a folder that match, as names relative to its parent."""
    return {str(path.relative_to(folder.parent)) for path in sources(folder)
            if pattern.search(path.read_text(encoding="utf-8"))}


def names(folder):
    """The folders of each module name."""
    found = collections.defaultdict(list)
    for path in sorted(folder.rglob("*.py")):
        found[path.stem].append(str(path.parent))
    return found


class Imports(unittest.TestCase):
    def planted(self, **files):
        """A folder named "tests" with these Python files in its folders a and b."""
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

    def test_few_files_set_pythonpath(self):
        self.assertEqual(places(TESTS, PYTHONPATH) - SETS_PYTHONPATH, set())
        for line in ('env["PYTHONPATH"] = x', '{"PYTHONPATH": x}', "PYTHONPATH=x python3"):
            self.assertEqual(places(self.planted(a__x=line), PYTHONPATH), {"tests/a/x.py"}, f"control: {line}")

    def test_module_names_are_unique(self):
        self.assertEqual({name: where for name, where in names(TESTS).items() if len(where) > 1}, {})
        planted = names(self.planted(a__x="", b__x=""))
        self.assertEqual(len(planted["x"]), 2, "control")

    def test_no_module_hides_one_of_python(self):
        self.assertEqual(set(names(TESTS)) & set(sys.stdlib_module_names), set())
        planted = self.planted(a__json="")
        self.assertEqual(set(names(planted)) & set(sys.stdlib_module_names), {"json"}, "control")

    def test_every_folder_is_searched(self):
        """From any directory, also by a relative name."""
        folders = {str(path.parent) for path in TESTS.rglob("*.py")}
        script = "import os, sys; print(*sys.path, sys.flags.no_user_site, sys.dont_write_bytecode, sep='\\n')"
        for directory, program in ((harness.SOURCE, "tests/python"), (TESTS, "./python"), ("/", harness.PYTHON)):
            result = harness.run([program, "-c", script.replace("sys.path", "os.environ['PYTHONPATH'].split(':')")],
                                 env={"PATH": "/usr/bin:/bin"}, cwd=directory)
            self.assertEqual(result.stderr, "")
            *path, no_user_site, no_byte_code = result.stdout.split("\n")[:-1]
            self.assertEqual(set(path), folders)
            self.assertEqual((no_user_site, no_byte_code), ("1", "True"))

    def test_programs_under_test_do_not_inherit_it(self):
        self.assertNotIn("PYTHONPATH", os.environ)
        self.assertIn(str(TESTS), sys.path, "control: this process has got it")


if __name__ == "__main__":
    harness.main()
