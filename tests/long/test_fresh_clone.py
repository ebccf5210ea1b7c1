# SPDX-License-Identifier: MIT
"""A fresh clone with an empty home: tests/demo and tests/run succeed. They leave no process behind, and no file except
in the clone's build/ directory, even if they are killed."""
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
import unittest

import harness

CLEAN_ROOM = pathlib.Path(__file__).resolve().parent / "clean_room.py"
# If root runs this file, unshare needs no user namespace, and test_demo and test_run are repeated as the user nobody.
IS_ROOT = os.geteuid() == 0
USERS = ["", "nobody"] if IS_ROOT else [""]
UNSHARE = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
if not IS_ROOT:
    UNSHARE += ["--user", "--map-current-user", "--keep-caps"]
PLANT = "touch $HOME/planted /tmp/planted planted; nohup sleep 300 >/dev/null 2>&1 &"


class FreshClone(unittest.TestCase):
    def setUp(self):
        harness.WORK.mkdir(parents=True, exist_ok=True)
        self.room = pathlib.Path(tempfile.mkdtemp(prefix="fresh-", dir=harness.WORK))
        self.addCleanup(shutil.rmtree, self.room, ignore_errors=True)
        self.room.chmod(0o755)
        self.clone = self.room / "rds-iam"
        self.home = self.room / "home"

    def make_clone(self, user):
        shutil.rmtree(self.clone, ignore_errors=True)
        shutil.rmtree(self.home, ignore_errors=True)
        result = harness.run(["git", "clone", "-q", f"file://{harness.SOURCE}", self.clone])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.home.mkdir()
        if user:
            entry = pwd.getpwnam(user)
            for path in [self.clone, self.home, *self.clone.rglob("*")]:
                os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)

    def enter(self, user, *command, kill_at=""):
        """Runs a command in a clean room. Returns the report of clean_room.py."""
        argv = [*UNSHARE, "/usr/bin/python3", "-B", CLEAN_ROOM, self.clone, self.home, user, kill_at]
        # There is no time limit here, because meson's time limit applies to the whole file.
        done = subprocess.run(
            [str(a) for a in [*argv, *command]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def assert_nothing_left(self, result):
        self.assertEqual(result["files"], [])
        self.assertEqual(result["processes"], [])

    def test_control_files_and_processes_left_behind_are_found(self):
        self.make_clone("")
        result = self.enter("", "bash", "-c", PLANT)
        self.assertEqual(
            result["files"], sorted([f"{self.home}/planted", "/tmp/planted", "?? planted"]))
        self.assertEqual(len(result["processes"]), 1, result["processes"])

    def test_demo(self):
        for user in USERS:
            with self.subTest(user=user or "the caller"):
                self.make_clone(user)
                result = self.enter(user, "tests/demo")
                self.assertEqual(result["status"], 0, result["output"])
                self.assertIn("clickpipes_iam_user", result["output"])
                self.assert_nothing_left(result)
                killed = self.enter(user, "tests/demo", kill_at="Two unchanged clients")
                self.assertEqual(killed["status"], -9, killed["output"])
                self.assert_nothing_left(killed)

    def test_run(self):
        for user in USERS:
            with self.subTest(user=user or "the caller"):
                self.make_clone(user)
                result = self.enter(user, "tests/run")
                self.assertEqual(result["status"], 0, result["output"])
                self.assertRegex(result["output"].splitlines()[-1], r"^\d+ passed, 0 failed, 0 skipped$")
                self.assert_nothing_left(result)
                killed = self.enter(user, "tests/run", kill_at="sanitized ")
                self.assertEqual(killed["status"], -9, killed["output"])
                self.assert_nothing_left(killed)


if __name__ == "__main__":
    harness.main()
