# SPDX-License-Identifier: MIT
"""The README's commands on a new machine: they run as the README shows them, in empty Debian roots with a clone below
/root."""
import os
import re
import unittest

import harness
import recipes
from empty_root import RELEASES, EmptyRoot

PLACES = ("/usr/bin", "/usr/lib", "/usr/lib64", "/usr/libexec")
NAMED = re.compile(r"/usr/[\w./-]*rds-iam[\w./-]*")
SERVERS = ("mariadbd", "postgres")
# tests/run as a command of a shell, as a job without a terminal, and with a closed umask and ignored signals.
RUNS = ("tests/run", "nohup tests/run", "umask 077; trap '' HUP INT QUIT TERM; tests/run")


def ours(root):
    return [path for path in root.files(*PLACES) if "rds-iam" in path or "rds_iam" in path]


class Case(unittest.TestCase):
    def done(self, root, command):
        """Runs a command that must succeed. Returns its output."""
        status, output = root.run(command)
        self.assertEqual(status, 0, f"{command}:\n{output[-6000:]}")
        return output

    def assert_nothing_started(self, root):
        self.assertFalse((root.path / "usr/sbin/policy-rc.d").exists())
        for name in SERVERS:
            self.assertEqual(
                list(root.path.glob(f"run/**/{name}*.pid")) + list((root.path / "var/run").glob(f"{name}/*")), [])


class Install(Case):
    """The commands of the README's section Install."""

    def steps(self, root, *without):
        for step in recipes.install_steps():
            if not any(step.startswith(word) for word in without):
                self.done(root, step)

    def check(self, release):
        with EmptyRoot(release) as root:
            root.clone()
            self.assertEqual(ours(root), [], "control")
            self.steps(root)
            installed = ours(root)
            self.assert_named(root)
            self.done(root, "apt-get install -y dpkg-dev libmariadb-dev && rm -rf build")
            for path in installed:
                (root.path / path.lstrip("/")).unlink()
            self.steps(root, "apt-get")
            self.assertEqual(ours(root), installed, "other files are installed with dpkg-dev and libmariadb-dev")
            self.assert_links_lead_to_the_distribution(root)

    def assert_named(self, root):
        """All paths that the README and `rds-iam setup` name exist."""
        printed = self.done(root, "rds-iam setup mysql; rds-iam setup mysql --program mysql; "
                            "rds-iam setup postgres --program kubernetes; rds-iam setup postgres --hostname "
                            "x.abcdefghijkl.eu-west-1.rds.amazonaws.com --username u --dbname d --ca /etc/hosts")
        for text in (recipes.README.read_text(encoding="utf-8"), printed):
            named = {path.rstrip("./") for path in NAMED.findall(text)}
            self.assertGreater(len(named), 0, "control")
            for path in named:
                self.assertTrue((root.path / path.lstrip("/")).exists(), path)
        self.assertIn("/usr/lib/rds-iam/mariadb\n", printed)

    def assert_links_lead_to_the_distribution(self, root):
        plugins = root.path / "usr/lib/rds-iam/mariadb"
        target = os.readlink(plugins / "dialog.so")
        self.assertTrue((root.path / target.lstrip("/")).exists(), target)


class Commands(Case):
    """tests/demo and tests/run."""

    def check(self, release):
        with EmptyRoot(release) as root:
            root.clone(umask=0o077)
            output = self.done(root, "tests/demo")
            self.assertIn("clickpipes_iam_user", output)
            self.assert_nothing_started(root)
            for command in RUNS:
                with self.subTest(command=command):
                    last = self.done(root, command).splitlines()[-1]
                    self.assertRegex(last, r"^\d+ passed, 0 failed, 0 skipped$")
                    print(f"# {release}: {command}: {last}", flush=True)
            # The compiler of the release must report no warning.
            self.done(root, "rm -rf build/plain && tests/prepare --werror")


def add_tests():
    for release in RELEASES:
        for case in (Install, Commands):
            def test(self, release=release):
                self.check(release)
            setattr(case, f"test_{release}", test)


# debootstrap needs root.
if os.geteuid() == 0:
    add_tests()
if __name__ == "__main__":
    harness.main()
