# SPDX-License-Identifier: MIT
"""The scripts of the Debian package rds-iam-postgresql under a real systemd: an upgrade restarts the agents that run as
system services and starts no other, the first installation starts none, and a removal stops them."""
import os
import pathlib
import shutil
import tempfile
import unittest

import harness
import machine

SCRIPTS = harness.SOURCE / ".packaging/debian"
RUNS, RESTS = "rds-iam-agent@daemon.service", "rds-iam-agent@games.service"
# The agent needs AWS settings; the scripts do not.
DROP_IN = "[Service]\nType=exec\nWatchdogSec=0\nExecStart=\nExecStart=/bin/sleep infinity\n"


class Agents(unittest.TestCase):
    def setUp(self):
        harness.WORK.mkdir(parents=True, exist_ok=True)
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="scripts-", dir=harness.WORK))
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)

    def script(self, booted, name, *arguments):
        result = booted.run("sh", SCRIPTS / f"rds-iam-postgresql.{name}", *arguments)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def state(self, booted, unit):
        """The state of a unit, and its process id."""
        shown = [booted.systemctl("show", "--value", "-P", each, unit).stdout.strip() for each in ("ActiveState", "MainPID")]
        return shown[0], int(shown[1])

    def allow_services(self, booted):
        """Hides this machine's policy-rc.d. In a container, it forbids package scripts to start services."""
        policy = "/usr/sbin/policy-rc.d"
        if os.path.exists(policy):
            self.assertEqual(booted.run("mount", "--bind", "/dev/null", policy).returncode, 0)

    def test_upgrade_and_removal(self):
        with machine.Machine(self.home) as booted:
            self.allow_services(booted)
            booted.install(harness.PREFIX / "lib/systemd/system/rds-iam-agent@.service", "system", DROP_IN)
            booted.systemctl("daemon-reload")
            started = booted.systemctl("start", RUNS)
            self.assertEqual(started.returncode, 0, started.stderr)
            first = self.state(booted, RUNS)
            self.assertEqual(first[0], "active")
            self.script(booted, "postinst", "configure", "")
            self.assertEqual(self.state(booted, RUNS), first, "the first installation")
            self.script(booted, "prerm", "upgrade", "0.1.0-2")
            self.assertEqual(self.state(booted, RUNS), first, "the old package's script during an upgrade")
            self.script(booted, "postinst", "configure", "0.1.0-1")
            second = self.state(booted, RUNS)
            self.assertEqual(second[0], "active")
            self.assertNotEqual(second[1], first[1], "the upgrade restarts it")
            self.assertEqual(self.state(booted, RESTS), ("inactive", 0))
            self.script(booted, "prerm", "remove")
            self.assertEqual(self.state(booted, RUNS), ("inactive", 0))


# Only root can start a systemd.
if os.geteuid() != 0:
    del Agents.test_upgrade_and_removal
harness.main()
