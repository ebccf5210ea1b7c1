# SPDX-License-Identifier: MIT
"""Debian systems in which a test runs the commands of README.md and RECIPES.md. Each is a root directory with an empty
system of a release, the clients psql and mariadb, the built packages of rds-iam, and the packages that the recipe
names. It contains no other file of the product, of this tree or of this machine, except the work directory of the
tests, and the lab's directory and certificates.

    with PackageRoots("trixie") as roots, roots.root(["postfix-mysql"]) as path: ...

Installed packages are in overlays over the empty root. So for each release, the empty root is unpacked only once, and
the packages of rds-iam are installed only once. The mounts must belong to the test process: call
surroundings.leave_mount_namespace() first. Only root can use this module.
"""
import contextlib
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import harness
from built_packages import NAMES, of_last_commit, package
from documents import README, RECIPES, block, packages
from empty_root import EmptyRoot, run_in
from labcase import LabCase
from user_machine import DocsCase, played

CLIENTS = ["mariadb-client", "postgresql-client"]
# As in Debian's container images: no package starts a service.
EMPTY = """printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
printf 'APT::Get::Assume-Yes "true";\\nAPT::Install-Recommends "false";\\n' >/etc/apt/apt.conf.d/90test
apt-get -q update"""
PACKAGES = "/root/packages"  # the directory of the built packages
# The packages of the daemon that the test starts with the recipe for any daemon.
OF_THE_TEST = {"Daemons": ["pdns-server", "pdns-backend-mysql"]}
# Makes a root the root directory of the machine. $1: the root; $2: the lab's names; the rest: directories that are the
# same in the root.
ENTER = r"""
set -e
cd "$1"
names=$2
shift 2
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
for directory; do
    mkdir -p ".$directory"
    mount --bind "$directory" ".$directory"
done
cat "$names" >etc/hosts
: >etc/resolv.conf
pivot_root . .
umount --lazy .
"""


def done(root, command):
    """Runs a command in a root, on this machine's network. It must succeed. Returns its output."""
    status, output = run_in(root, f"export DEBIAN_FRONTEND=noninteractive; {command}")
    if status != 0:
        raise AssertionError(f"{command}:\n{output[-6000:]}")
    return output


def install_command():
    """The README's command that installs the packages."""
    return block(README, "sh", "apt install ./").strip()


class PackageRoots:
    """The roots of one release."""

    def __init__(self, release):
        self.release = release
        self._stack = contextlib.ExitStack()
        self._base = self._product = self._scratch = None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            built = of_last_commit(self.release)
            self._base = stack.enter_context(EmptyRoot(self.release)).path
            scratch = tempfile.TemporaryDirectory(prefix="layers-", dir=harness.WORK)
            self._scratch = pathlib.Path(stack.enter_context(scratch))
            done(self._base, f"{EMPTY} && apt-get -q install {' '.join(CLIENTS)}")
            (self._base / PACKAGES.lstrip("/")).mkdir()
            for name in NAMES:
                shutil.copy(package(built, name), self._base / PACKAGES.lstrip("/"))
            self._product = self._scratch / "product"
            with self._mounted([self._base], self._product) as root:
                done(root, f"cd {PACKAGES} && {install_command()}")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    @contextlib.contextmanager
    def root(self, names=(), has_product=True):
        """The path of a root in which these packages are installed too. Its changes are lost at the end."""
        with tempfile.TemporaryDirectory(prefix="layer-", dir=self._scratch) as directory:
            lower = [self._product, self._base] if has_product else [self._base]
            with self._mounted(lower, pathlib.Path(directory) / "changes") as root:
                if names:
                    done(root, f"apt-get -q install {' '.join(names)}")
                yield root

    @contextlib.contextmanager
    def _mounted(self, lower, changes):
        """An overlay of directories, the topmost first. Changes are written to the new directory `changes`."""
        root, work = (changes.with_name(f"{changes.name}.{word}") for word in ("root", "work"))
        for each in (changes, root, work):
            each.mkdir()
            each.chmod(0o755)
        options = f"lowerdir={':'.join(map(str, lower))},upperdir={changes},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, root], check=True)
        try:
            yield root
        finally:
            subprocess.run(["umount", "--lazy", root], check=True)


_roots = {}


def roots_of(release):
    """The roots of a release. They are made once, and removed at the end of the test file."""
    if not _roots:
        unittest.addModuleCleanup(_roots.clear)
    if release not in _roots:
        _roots[release] = PackageRoots(release)
        unittest.addModuleCleanup(_roots[release].__exit__)
        _roots[release].__enter__()
    return _roots[release]


class OnlyTheNetwork:
    """The network of a machine, for a program that needs this machine's files."""

    def __init__(self, network):
        self._network = network

    def command(self, argv):
        return ["nsenter", f"--target={self._network.pid}", "--net", "unshare", "--mount", *argv]


class PackageCase(DocsCase):
    """Runs the tests of a class derived from DocsCase in roots of `release`. Derive the new class from PackageCase and
    from that class. Each test has a root of its own, and each class a lab of its own."""

    release = None
    changes_servers = True
    has_product = True  # False: the test installs the packages of rds-iam

    @classmethod
    def setUpClass(cls):
        LabCase.stop_lab()
        super().setUpClass()

    @classmethod
    def make_machine(cls):
        cls.roots = roots_of(cls.release)

    def setUp(self):
        names = self.named_packages()
        start = time.monotonic()
        self.root = self.enterContext(self.roots.root(names, self.has_product))
        print(f"# {self.release}: {self._testMethodName}: {time.monotonic() - start:.0f} s to install"
              f" {', '.join(names) or 'no more packages'}", flush=True)
        self.install()
        self.network = self.enterContext(self.lab.network(tunnels=self.tunnels))
        shared = (self.lab.directory, self.lab.ca_file.parent, self.lab.cloud_ca_file.parent, harness.WORK)
        made = self.network.run(["sh", "-c", ENTER, "sh", self.root, self.lab.hosts_file, *shared],
                                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        self.assertEqual(made.returncode, 0, made.stderr)
        super().setUp()
        if self.has_product:
            self.prepare()

    def named_packages(self):
        """The packages that the recipes of this test name."""
        titles = [title for (document, title), test in played.items()
                  if (document, test) == (RECIPES.name, self._testMethodName)]
        return sorted({name for title in titles for name in (*packages(RECIPES, title), *OF_THE_TEST.get(title, ()))})

    def install(self):
        """Installs more in self.root, on this machine's network. A subclass may override this method, which does
        nothing."""

    def in_machine(self, command):
        """Runs a shell command as root that must succeed. Returns its output."""
        result = self.network.run(["sh", "-c", command], env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"})
        self.assertEqual(result.returncode, 0, f"{command}:\n{result.stdout}{result.stderr}")
        return result.stdout

    def prepare(self):
        """Runs the first command of RECIPES.md, with the lab's root certificates. Then checks that the installed
        product is that of the packages."""
        self.in_machine(f"rds-iam setup ca --file {self.lab.ca_file}")
        self.assert_the_product_is_that_of_the_packages()

    def assert_the_product_is_that_of_the_packages(self):
        owners = self.in_machine("dpkg -S /usr/bin/rds-iam /usr/lib/rds-iam/mariadb /usr/bin/rds-iam-agent")
        self.assertEqual([line.split(":")[0] for line in owners.splitlines()], list(NAMES))
        self.assertEqual(self.in_machine("command -v rds-iam").strip(), "/usr/bin/rds-iam")
        for path in (harness.PREFIX, harness.BUILD / "build.ninja", harness.SOURCE / "README.md"):
            self.assertTrue(path.exists(), "control")
            self.in_machine(f"! test -e '{path}'")
