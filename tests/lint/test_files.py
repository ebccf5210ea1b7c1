# SPDX-License-Identifier: MIT
"""Sizes of files, READMEs, the version, shell scripts, and the files that clang-tidy checks."""
import json
import pathlib
import re
import shutil
import tempfile
import unittest

import harness

LINES_MAX = 500
FOLDERS = ["common", "mysql_plugin", "pg_plugin", "tests"]


def scripts():
    """Every shell script of the tree."""
    paths = [path for folder in (*FOLDERS, ".ci", ".packaging") for path in sorted((harness.SOURCE / folder).rglob("*"))]
    return [path for path in paths if path.is_file() and path.read_bytes()[:11] in (b"#!/bin/bash", b"#!/bin/sh\n#")]


def too_long(limit):
    found = []
    for folder in FOLDERS:
        for path in sorted((harness.SOURCE / folder).rglob("*")):
            if path.suffix in (".c", ".h", ".py") and path.read_text(encoding="utf-8").count("\n") >= limit:
                found.append(str(path.relative_to(harness.SOURCE)))
    return found


class Files(unittest.TestCase):
    def test_c_and_python_files_have_fewer_than_500_lines(self):
        self.assertEqual(too_long(LINES_MAX), [])
        self.assertNotEqual(too_long(100), [], "control: the same search finds shorter files")

    def test_every_folder_with_sources_has_a_readme(self):
        for folder in FOLDERS:
            for path in [harness.SOURCE / folder, *sorted((harness.SOURCE / folder).rglob("*"))]:
                if path.is_dir() and any(p.suffix in (".c", ".py", ".json") for p in path.iterdir()):
                    self.assertTrue((path / "README.md").exists(), "%s has no README.md" % path)

    def test_the_version_is_the_same_everywhere(self):
        version = re.search(r"version: '([0-9.]+)'", self.read("meson.build")).group(1)
        self.assertIn(f'#define RIA_VERSION "{version}"', self.read("common/rds_iam.h"))
        for path in ("mysql_plugin/mariadb/plugin.h", "mysql_plugin/mysql/declaration.c"):
            self.assertIn("{%s}" % version.replace(".", ", "), self.read(path))
        self.assertIn(f"## {version}\n", self.read("NEWS.md"))

    @staticmethod
    def read(name):
        return (harness.SOURCE / name).read_text(encoding="utf-8")

    def test_shell_scripts_pass_shellcheck(self):
        self.assertIsNotNone(shutil.which("shellcheck"), "shellcheck is missing; run: apt-get install shellcheck")
        found = scripts()
        names = {str(path.relative_to(harness.SOURCE)) for path in found}
        self.assertLessEqual({"tests/run", ".ci/run", ".packaging/build-deb", "mysql_plugin/link_plugins.sh"}, names)
        result = harness.run(["shellcheck", *found])
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_clang_tidy_checks_each_file_once_for_each_set_of_macros(self):
        def commands(directory):
            entries = json.loads((directory / "compile_commands.json").read_text(encoding="utf-8"))
            return [(each["file"], frozenset(re.findall(r"(?<=\s)'?(-[DU]\S+)", each["command"]))) for each in entries]

        scratch = pathlib.Path(tempfile.mkdtemp(prefix="tidy-", dir=harness.WORK))
        self.addCleanup(shutil.rmtree, scratch)
        result = harness.run(
            ["/usr/bin/python3", "-B", harness.SOURCE / ".ci/each_file_once.py", harness.BUILD, scratch])
        self.assertEqual(result.returncode, 0, result.stderr)
        whole, once = commands(harness.BUILD), commands(scratch)
        self.assertEqual(set(once), set(whole), "a file is missing")
        self.assertEqual(len(once), len(set(once)))
        self.assertGreater(len(whole), len(set(whole)), "control: the full list contains duplicates")


harness.main()
