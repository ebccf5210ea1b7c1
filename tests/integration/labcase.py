# SPDX-License-Identifier: MIT
"""What every integration test starts with: one lab for the file, homes for clients, the journal.

A test file is a user's machine in small: a Home holds what a user would write (my.cnf,
pg_service.conf, ~/.aws), and a client runs in it with nothing of the caller's environment. Not
here: anything that knows one client or one server.
"""
import pathlib
import shutil
import tempfile
import unittest

import harness
import rdslab

USER = "clickpipes_iam_user"


def mariadb_plugins():
    """The installed plugin directory, as a my.cnf names it."""
    return harness.installed("lib*/**/rds-iam/mariadb/mysql_clear_password.so").parent


class Home:
    """An empty home directory of a user who is in the lab's network."""

    def __init__(self, lab):
        harness.WORK.mkdir(parents=True, exist_ok=True)
        self.lab = lab
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="home-", dir=harness.WORK))

    def write(self, name, text, mode=0o600):
        """A file of the user's, such as ".my.cnf". Returns its path."""
        path = self.path / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    def env(self, principal="etl", **extra):
        """The environment of a client here; principal None: no AWS credentials in it."""
        keys = self.lab.principals[principal].env() if principal else {}
        # The lab's own home is for clients that need no files; this one replaces it.
        return {**self.lab.client_env(**keys), "HOME": str(self.path), **extra}

    def run(self, argv, principal="etl", stdin=None, timeout=120, **extra):
        """Runs a client to its end; see harness.run()."""
        return harness.run(
            argv, env=self.env(principal, **extra), stdin=stdin, timeout=timeout, cwd=self.path)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


class LabCase(unittest.TestCase):
    """One lab for all classes of the file; a fresh home and an unmoved clock for each of their tests."""

    lab = None

    @classmethod
    def setUpClass(cls):
        if LabCase.lab is None:
            LabCase.lab = rdslab.Lab(harness.BUILD).start()
            unittest.addModuleCleanup(LabCase.stop_lab)

    @staticmethod
    def stop_lab():
        """At the end of the file."""
        LabCase.lab.stop()
        LabCase.lab = None

    def setUp(self):
        self.home = Home(self.lab)
        self.addCleanup(self.home.remove)
        self.lab.clock(0)
        self._seen = len(self.lab.journal())

    def verdicts(self):
        """What the verifier decided during this test, oldest first."""
        return self.lab.journal()[self._seen:]

    def assert_accepted(self, count=1):
        """Every login of this test was accepted, and there were `count` of them."""
        verdicts = self.verdicts()
        self.assertEqual([v["reason"] for v in verdicts], [None] * count, verdicts)

    def assert_refused(self, reason):
        """The last login was refused, and for this reason."""
        verdicts = self.verdicts()
        self.assertTrue(verdicts, "no login reached the verifier")
        self.assertEqual(verdicts[-1]["reason"], reason, verdicts[-1])

    def assert_nothing_sent(self):
        """No token or password reached the verifier. A client that refuses politely ends the
        handshake with an empty one, which the verifier sees and refuses."""
        self.assertEqual([v for v in self.verdicts() if v["token_length"] > 0], [])
