# SPDX-License-Identifier: MIT
"""Every path that a document names is installed, on every machine: the installed directories depend neither on
the machine's packages nor on its architecture. (The tests in tests/long install the product on empty systems.) The
RUNPATH of rds-iam-fetch is the value of the build option fetch_runpath; no other object has a RUNPATH."""
import functools
import json
import os
import pathlib
import re
import shutil
import tempfile
import unittest

import harness

READMES = ("README.md", "RECIPES.md", "mysql_plugin/READERS.md", "pg_plugin/READERS.md", "mysql_plugin/mysql/README.md", "mysql_plugin/mariadb/README.md", "pg_plugin/README.md")
# A path of the product that the install steps of the README create.
OURS = re.compile(r"/usr/[\w./@-]*rds-iam[\w./@-]*|/usr/bin(?=`)")
PLUGINS = "/usr/lib/rds-iam"
DISTRIBUTION = re.compile(r"MariaDB client plugins of the distribution\s*: (\S+)")
DPKG = "dpkg-architecture"


def named_paths():
    """The paths of the product that the documents name, as {path: the document}."""
    found = {}
    for name in READMES:
        path = harness.SOURCE / name
        if path.exists():
            text = path.read_text(encoding="utf-8")
            found.update({each.rstrip("./"): name for each in OURS.findall(text)})
    return found


def covers(installed, path):
    """Whether the path is an installed file, or a directory that contains an installed file."""
    return any(each == path or each.startswith(path + "/") for each in installed)


class Install(unittest.TestCase):
    """Each simulated machine is set up once for all tests, because meson needs two seconds for it."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix="install-", dir=harness.WORK))
        cls.addClassCleanup(shutil.rmtree, cls.scratch, ignore_errors=True)

    @classmethod
    @functools.cache
    def machine(cls, architecture=None, without=()):
        """A directory for PATH that contains links to this machine's programs, except dpkg-architecture and those in
        `without`. If an architecture is given, the directory contains a dpkg-architecture that prints it."""
        programs = cls.scratch / f"bin-{len(list(cls.scratch.iterdir()))}"
        programs.mkdir()
        for directory in ("/usr/bin", "/usr/sbin"):
            for path in pathlib.Path(directory).iterdir():
                link = programs / path.name
                if path.name not in (DPKG, *without) and not link.is_symlink():
                    link.symlink_to(path)
        if architecture:
            (programs / DPKG).write_text(f"#!/bin/sh\necho {architecture}\n")
            (programs / DPKG).chmod(0o755)
        return programs

    @classmethod
    @functools.cache
    def configure(cls, programs, *options):
        """(installed paths, directory of the distribution's MariaDB client plugins), after the meson setup of
        the README."""
        build = cls.scratch / f"build-{len(list(cls.scratch.iterdir()))}"
        env = {"PATH": str(programs), "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
        result = harness.run(
            ["meson", "setup", build, harness.SOURCE, "-Dtests=false", *options], env=env, timeout=120)
        assert result.returncode == 0, result.stdout + result.stderr
        listed = harness.run(["meson", "introspect", "--installed", build], env=env)
        return list(json.loads(listed.stdout).values()), DISTRIBUTION.search(result.stdout)[1]

    def assert_as_named(self, installed, prefix="/usr"):
        for path, readme in named_paths().items():
            self.assertTrue(covers(installed, path.replace("/usr", prefix, 1)), (readme, path, installed))

    def test_the_readme_names_paths(self):
        paths = named_paths()
        for path in (f"{PLUGINS}/mariadb", f"{PLUGINS}/mysql", "/usr/libexec/rds-iam", "/usr/bin"):
            self.assertIn(path, paths)

    def test_every_machine_has_the_same_paths(self):
        found = {}
        for name, machine in (
                ("without dpkg-dev", {}),
                ("with dpkg-dev", {"architecture": "x86_64-linux-gnu"}),
                ("another architecture", {"architecture": "aarch64-linux-gnu"}),
                ("without libmariadb-dev", {"without": ("mariadb_config", "mariadb-config", "mysql_config")}),
        ):
            with self.subTest(machine=name):
                installed, _ = self.configure(self.machine(**machine), "--prefix=/usr")
                self.assert_as_named(installed)
                found[name] = sorted(installed)
        self.assertEqual(len({tuple(paths) for paths in found.values()}), 1, found)

    def test_below_another_prefix(self):
        programs = self.machine()
        for prefix in (f"{self.scratch}/.local", "/usr/local", "/opt/rds-iam"):
            with self.subTest(prefix=prefix):
                self.assert_as_named(self.configure(programs, f"--prefix={prefix}")[0], prefix)

    def test_the_libdir_option_is_used(self):
        for libdir in ("lib64", "lib/x86_64-linux-gnu"):
            installed, _ = self.configure(self.machine(), "--prefix=/usr", f"--libdir={libdir}")
            self.assertTrue(covers(installed, f"/usr/{libdir}/rds-iam/mariadb"), installed)
            self.assertFalse(covers(installed, PLUGINS), "control: the check notices another directory")

    def test_the_manual_pages_and_the_completions(self):
        """The pages need scdoc. Debian's zsh does not search site-functions below /usr, so Debian's packages use
        vendor-completions. A build for /usr uses vendor-completions too if that directory exists. It exists on this
        machine, because zsh is installed."""
        share = "/usr/share"
        pages = {f"{share}/man/man{page[-1]}/{page}" for page in (
            "rds-iam.1", "rds-iam.conf.5", "rds-iam-mysql.7", "rds-iam-postgresql.7", "rds-iam-agent.8", "rds-iam-fetch.8")}
        shells = {f"{share}/bash-completion/completions/rds-iam", f"{share}/fish/vendor_completions.d/rds-iam.fish",
                  f"{share}/bash-completion/completions/rds-iam-agent", f"{share}/fish/vendor_completions.d/rds-iam-agent.fish"}
        zsh = {"_rds-iam", "_rds-iam-agent"}
        vendor = f"{share}/zsh/vendor-completions"
        searched = harness.run(["zsh", "-f", "-c", "print -l $fpath"]).stdout.split()
        self.assertIn(vendor, searched)
        self.assertNotIn(f"{share}/zsh/site-functions", searched)
        installed, _ = self.configure(self.machine(), "--prefix=/usr")
        self.assertLessEqual({*pages, *shells, *(f"{vendor}/{name}" for name in zsh)}, set(installed))
        local, _ = self.configure(self.machine(), "--prefix=/usr/local")
        self.assertIn("/usr/local/share/zsh/site-functions", searched)
        self.assertLessEqual({f"/usr/local/share/zsh/site-functions/{name}" for name in zsh}, set(local))
        given = "/usr/share/zsh/others"
        without, _ = self.configure(
            self.machine(without=("scdoc",)), "--prefix=/usr", f"-Dzsh_completion_dir={given}")
        self.assertLessEqual({*shells, *(f"{given}/{name}" for name in zsh)}, set(without))
        self.assertEqual([path for path in without if "/man/" in path], [])

    def test_systemd_finds_the_users_unit(self):
        """systemd-analyze prints the directories that a user's systemd searches. The unit is installed in one of them,
        also below ~/.local, so systemd finds it by its name. It does not find a unit below /opt."""
        home = self.scratch / "home"
        searched = harness.run(["systemd-analyze", "--user", "unit-paths"], env={
            "HOME": str(home), "XDG_RUNTIME_DIR": str(self.scratch), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}).stdout.split()
        for prefix, is_found in (("/usr", True), ("/usr/local", True), (f"{home}/.local", True), ("/opt/rds-iam", False)):
            with self.subTest(prefix=prefix):
                installed, _ = self.configure(self.machine(), f"--prefix={prefix}")
                unit, = (path for path in installed if path.endswith("/rds-iam-agent.service"))
                self.assertEqual(os.path.dirname(unit) in searched, is_found, (unit, searched))
                self.assertIn(f"{prefix}/lib/systemd/system/rds-iam-agent@.service", installed)

    def test_the_directory_of_the_distributions_plugins_does_not_depend_on_packages(self):
        """The product installs links that lead to plugins in this directory. A file of libmariadb-dev names the
        directory. If this package is not installed, the build finds the same directory."""
        _, with_it = self.configure(self.machine(), "--prefix=/usr")
        self.assertIn("dialog.so", os.listdir(with_it))
        _, without = self.configure(
            self.machine(without=("mariadb_config", "mariadb-config", "mysql_config")), "--prefix=/usr")
        self.assertEqual(without, with_it)
        _, given = self.configure(self.machine(), "--prefix=/usr", "-Dmariadb_plugin_dir=/opt/plugins")
        self.assertEqual(given, "/opt/plugins")


class Runpath(unittest.TestCase):
    """The option -Dfetch_runpath, which is for a libcurl in a directory that the loader does not search."""
    FETCH = "rds-iam-fetch"

    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="runpath-", dir=harness.WORK))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)

    def succeed(self, *argv):
        result = harness.run(argv, timeout=600)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def search_paths(self, root):
        """{file name: its search paths, such as [("RUNPATH", "/a:/b")]} of every installed object."""
        found = {}
        for path in sorted(root.rglob("*")):
            if path.is_symlink() or not path.is_file() or path.read_bytes()[:4] != b"\x7fELF":
                continue
            text = self.succeed("readelf", "-dW", path)
            found[path.name] = re.findall(r"\((RPATH|RUNPATH)\).*\[(.*)\]", text)
        return found

    def install(self, *options):
        """Builds and installs the product. Returns the root directory of the installation."""
        build, root = self.scratch / "build", self.scratch / "root"
        self.succeed("meson", "setup", build, harness.SOURCE, "--prefix=/usr", "-Dtests=false",
                     "-Doptimization=0", *options)
        self.succeed("ninja", "-C", build)
        self.succeed("meson", "install", "-C", build, "--no-rebuild", "--destdir", root)
        return root

    def test_only_rds_iam_fetch_has_the_runpath_of_the_option(self):
        place = self.scratch / "place"
        place.mkdir()
        paths = f"{place}:/nowhere/lib"
        root = self.install(f"-Dfetch_runpath={paths}")
        found = self.search_paths(root)
        self.assertEqual(found.pop(self.FETCH), [("RUNPATH", paths)])
        self.assertEqual({name: each for name, each in found.items() if each}, {})
        self.assertGreaterEqual(len(found), 8, found)
        self.assert_found_there(root / "usr/libexec/rds-iam" / self.FETCH, place)

    def assert_found_there(self, program, place):
        """rds-iam-fetch loads libcurl from the directory `place`, or from LD_LIBRARY_PATH if that is set."""
        libcurl = pathlib.Path(re.search(r"libcurl\.so\.4 => (\S+)", self.succeed("ldd", program))[1])
        self.assertNotEqual(libcurl.parent, place, "control: the directory contains no libcurl yet")
        for directory in (place, self.scratch / "other"):
            directory.mkdir(exist_ok=True)
            shutil.copy(libcurl, directory / "libcurl.so.4")
        for env, directory in (({}, place), ({"LD_LIBRARY_PATH": str(self.scratch / "other")}, self.scratch / "other")):
            result = harness.run(["ldd", program], env={"PATH": os.environ["PATH"], **env})
            self.assertIn(f"libcurl.so.4 => {directory}/libcurl.so.4", result.stdout)

    def test_without_the_option_no_object_has_a_runpath(self):
        found = self.search_paths(harness.PREFIX)
        self.assertIn(self.FETCH, found)
        self.assertEqual({name: each for name, each in found.items() if each}, {})


harness.main()
