# SPDX-License-Identifier: MIT
"""Runs the commands of README.md's quick start and of every recipe of RECIPES.md, in root directories with empty
systems of Debian 12 and 13. Such a system has the clients psql and mariadb, the built packages of rds-iam and the
packages that the recipe names. The lab is outside of it."""
import os
import time
import unittest

import surroundings
import test_coverage
import test_readme
import test_recipes_places
import test_recipes_programs
from documents import RECIPES
from empty_root import RELEASES
from labcase import harness
import package_machine
from package_machine import PACKAGES, OnlyTheNetwork, done, install_command
from user_machine import played, plays

# Tests of recipes that cannot be run in a release: {(name of the test, release): the reason}.
UNPLAYED = {}
QUICK_START = ("rds-iam setup ca", "rds-iam exec -- psql", "rds-iam exec -- mariadb")


class TypesTheQuickStart(package_machine.PackageCase):
    """The README's commands in a root without rds-iam. The user root runs the first command, and
    another user runs the others."""

    has_product = False

    def install(self):
        start = time.monotonic()
        done(self.root, f"cd {PACKAGES} && {install_command()}")
        self.seconds = {install_command(): time.monotonic() - start}
        self.addCleanup(self.report)

    def trust_server(self):
        """Adds the names and the CA of the server to the root."""
        self.assert_the_product_is_that_of_the_packages()
        server = self.start_trust_server(OnlyTheNetwork(self.network))
        self.in_machine(f"cat {server.directory}/hosts >/etc/hosts && "
                        f"cp {server.directory}/good/aws-ca.crt /usr/local/share/ca-certificates && update-ca-certificates")
        return server

    def play_command(self, block, command, *others):
        start = time.monotonic()
        output = super().play_command(block, command, *others)
        if block.title == "Quick start" and command.startswith(QUICK_START):
            self.seconds[command] = time.monotonic() - start
        return output

    def report(self):
        if len(self.seconds) == 1 + len(QUICK_START):
            for command, seconds in self.seconds.items():
                print(f"# {self.release}: quick start: {seconds:5.1f} s: {command}", flush=True)
            print(f"# {self.release}: quick start: {sum(self.seconds.values()):5.1f} s, {len(self.seconds)} commands", flush=True)


def cases(release):
    """The classes of tests/integration/docs, for the roots of a release."""
    class Readme(TypesTheQuickStart, test_readme.Readme):
        pass

    class Places(package_machine.PackageCase, test_recipes_places.Places):
        pass

    class Targets(package_machine.PackageCase, test_recipes_places.Targets):
        pass

    class Programs(package_machine.PackageCase, test_recipes_programs.Programs):
        @plays(RECIPES, "GDAL")
        def test_gdal(self):
            self.set_up_clients()
            output = "".join(self.play(RECIPES, "GDAL", "etl").values())
            self.assertIn("orders", output)
            self.assert_logins(1, "etl")

    class Servers(package_machine.PackageCase, test_recipes_programs.Servers):
        pass

    found = (Readme, Places, Targets, Programs, Servers)
    for case in found:
        case.release = release
        case.__name__ = case.__qualname__ = f"{case.__name__}_{release}"
        for test, other in UNPLAYED:
            if other == release and hasattr(case, test):
                setattr(case, test, None)
    return found


class Coverage(unittest.TestCase):
    def test_each_recipe_is_played_in_each_release(self):
        for release in RELEASES:
            tests = {name for case in CASES[release] for name in dir(case) if callable(getattr(case, name))}
            missing = {title for (document, title), test in played.items() if test not in tests}
            self.assertEqual(missing, {title for (_, title), test in played.items() if (test, release) in UNPLAYED})
        self.assertEqual(test_coverage.unplayed(RECIPES), {})
        reasons = [*test_coverage.excused(), *UNPLAYED]
        self.assertLessEqual(len(reasons), test_coverage.RECIPES_UNPLAYED_MAX)
        for (test, release), reason in UNPLAYED.items():
            print(f"# {release}: {test} is not played: {reason}", flush=True)


# Only root can make a root, and mount.
if os.geteuid() == 0:
    surroundings.leave_mount_namespace()
    CASES = {release: cases(release) for release in RELEASES}
    globals().update({case.__name__: case for release in RELEASES for case in CASES[release]})
else:
    del Coverage
if __name__ == "__main__":
    harness.main()
