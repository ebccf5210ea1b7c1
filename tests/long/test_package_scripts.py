# SPDX-License-Identifier: MIT
"""The scripts of the Debian package rds-iam-postgresql under a real systemd. The first installation starts no agent. An
upgrade restarts the agents that run as services of the system and of users, and starts no other agent. A removal stops
all agents that run as services."""
import os
import pathlib
import shutil
import tempfile
import unittest

import booted_root
import harness
import machine
from built_packages import of_last_commit, package
from empty_root import RELEASES, EmptyRoot

SCRIPTS = harness.SOURCE / ".packaging/debian"
RUNS, RESTS = "rds-iam-agent@daemon.service", "rds-iam-agent@games.service"
# The unit runs sleep instead of the agent, because the agent needs AWS settings, which these tests do not have.
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
        """Hides this machine's policy-rc.d. In a container, this program forbids package scripts to start services."""
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
            self.assertEqual(self.state(booted, RUNS), first, "the first installation does not restart the agent")
            self.script(booted, "prerm", "upgrade", "0.1.0-2")
            self.assertEqual(self.state(booted, RUNS), first, "during an upgrade, prerm does not stop the agent")
            self.script(booted, "postinst", "configure", "0.1.0-1")
            second = self.state(booted, RUNS)
            self.assertEqual(second[0], "active")
            self.assertNotEqual(second[1], first[1], "the upgrade restarts the agent")
            self.assertEqual(self.state(booted, RESTS), ("inactive", 0))
            self.script(booted, "prerm", "remove")
            self.assertEqual(self.state(booted, RUNS), ("inactive", 0))


class InstalledAgents(unittest.TestCase):
    """The package is installed again with dpkg, as an upgrade does. Each user has a running manager. ada's agent runs,
    bob's is enabled and does not run, and cyd's is not enabled."""

    UNIT = "rds-iam-agent.service"
    PACKAGES = ("rds-iam", "rds-iam-postgresql")

    def done(self, result):
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def states(self, booted):
        """The process id of each agent; 0 if it does not run."""
        shown = [booted.of_user(user, "show", "--value", "-P", "MainPID", self.UNIT) for user in ("ada", "bob", "cyd")]
        shown.append(booted.run("systemctl", "show", "--value", "-P", "MainPID", "rds-iam-agent@ada.service"))
        return [int(self.done(each)) for each in shown]

    def running(self, booted):
        """The number of processes of agents."""
        names = self.done(booted.run("sh", "-c", "cat /proc/[0-9]*/comm 2>/dev/null; true")).splitlines()
        self.assertIn("systemd", names, "control")
        return sum(name.startswith("rds-iam-agent") for name in names)

    def check(self, release):
        with EmptyRoot(release) as root:
            booted_root.install(root)
            for name in self.PACKAGES:
                shutil.copy(package(of_last_commit(release), name), root.path / "root" / f"{name}.deb")
            status, output = root.run(
                "apt-get -q install -y --no-install-recommends ./rds-iam.deb ./rds-iam-postgresql.deb && mkdir -p "
                "/var/lib/systemd/linger && for user in ada bob cyd; do useradd -m $user; touch /var/lib/systemd/linger/$user; done",
                ".")
            self.assertEqual(status, 0, output[-4000:])
            with booted_root.Booted(root.path) as booted:
                self.check_upgrade_and_removal(booted)

    def check_upgrade_and_removal(self, booted):
        self.done(booted.of_user("ada", "enable", "--now", self.UNIT))
        self.done(booted.of_user("bob", "enable", self.UNIT))
        self.done(booted.run("systemctl", "start", "rds-iam-agent@ada.service"))
        first = self.states(booted)
        self.assertEqual([pid > 0 for pid in first], [True, False, False, True])
        self.done(booted.run("dpkg", "-i", "/root/rds-iam.deb", "/root/rds-iam-postgresql.deb"))
        second = self.states(booted)
        self.assertEqual([pid > 0 for pid in second], [True, False, False, True])
        self.assertFalse(set(first) & set(second) - {0}, "the upgrade restarts both agents")
        self.assertGreater(self.running(booted), 1, "control")
        self.done(booted.run("dpkg", "--remove", "rds-iam-postgresql"))
        self.assertEqual(self.running(booted), 0, "the removal stops both agents")


def add_tests():
    for release in RELEASES:
        def test(self, release=release):
            self.check(release)
        setattr(InstalledAgents, f"test_{release}", test)


# Only root can start a systemd.
if os.geteuid() == 0:
    add_tests()
else:
    del Agents.test_upgrade_and_removal
if __name__ == "__main__":
    harness.main()
