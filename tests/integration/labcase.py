# SPDX-License-Identifier: MIT
"""The base class of integration tests: one lab for the test file, home directories for clients, and the verdicts in
the lab's journal.

A Home stands for a user's machine. It contains the files that a user writes (my.cnf, pg_service.conf,
~/.aws), and a client runs in it without the environment variables of the test process.
"""
import pathlib
import shutil
import tempfile
import unittest

import harness
import pool
import rdslab

USER = "clickpipes_iam_user"


def mariadb_plugins():
    """Returns the installed plugin directory, for plugin-dir= in a my.cnf."""
    return harness.installed("lib*/**/rds-iam/mariadb/mysql_clear_password.so").parent


class Home:
    """An empty home directory. Programs that run in it resolve the lab's host names."""

    def __init__(self, lab):
        harness.WORK.mkdir(parents=True, exist_ok=True)
        self.lab = lab
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="home-", dir=harness.WORK))

    def write(self, name, text, mode=0o600):
        """Writes a file of the user, such as ".my.cnf". Returns its path."""
        path = self.path / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    def env(self, principal="etl", **extra):
        """Returns a client's environment. If `principal` is None, it contains no AWS credentials."""
        keys = self.lab.principals[principal].env() if principal else {}
        # client_env() sets the lab's own HOME, for clients that need no files. This home replaces it.
        return {**self.lab.client_env(**keys), "HOME": str(self.path), **extra}

    def run(self, argv, principal="etl", stdin=None, timeout=120, **extra):
        """Runs a client and waits for its end; see harness.run()."""
        return harness.run(
            argv, env=self.env(principal, **extra), stdin=stdin, timeout=timeout, cwd=self.path)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


class LabCase(unittest.TestCase):
    """Takes one lab for all classes of the file. Each test has a new home and starts with the right clock."""

    lab = None
    changes_servers = False  # True: the tests change accounts or tables, so no other file can use the lab afterwards

    @classmethod
    def setUpClass(cls):
        if LabCase.lab is None:
            LabCase.lab = rdslab.Lab(harness.BUILD).start() if cls.changes_servers else pool.take(harness.BUILD)
            unittest.addModuleCleanup(LabCase.stop_lab)

    @staticmethod
    def stop_lab():
        """Stops the lab, or gives it back, at the end of the test file."""
        if LabCase.lab is not None:
            LabCase.lab.stop()
            LabCase.lab = None

    def setUp(self):
        self.home = Home(self.lab)
        self.addCleanup(self.home.remove)
        self.lab.clock(0)
        self._seen = len(self.lab.journal())

    def verdicts(self):
        """Returns the token verifier's verdicts of this test, oldest first."""
        return self.lab.journal()[self._seen:]

    def assert_accepted(self, count=1):
        """Checks that this test made `count` logins, and that the verifier accepted all of them."""
        verdicts = self.verdicts()
        self.assertEqual([v["reason"] for v in verdicts], [None] * count, verdicts)

    def assert_refused(self, reason):
        """Checks that the verifier refused the last login for this reason."""
        verdicts = self.verdicts()
        self.assertTrue(verdicts, "no login reached the verifier")
        self.assertEqual(verdicts[-1]["reason"], reason, verdicts[-1])

    def assert_nothing_sent(self):
        """Checks that no token or password reached the verifier. A client that refuses may end the
        handshake with an empty password, which the verifier records and refuses."""
        self.assertEqual([v for v in self.verdicts() if v["token_length"] > 0], [])
