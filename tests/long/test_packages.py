# SPDX-License-Identifier: MIT
"""Tests the packages of .packaging. They are built in clean roots of Debian 12 and 13, without an error or a warning of
lintian, and twice with the same bytes. They are installed in empty roots, used with the lab's servers, upgraded,
removed and purged. Also tests the RPM spec, the Containerfile and the archive of `meson dist`. test_package_recipes.py
runs the commands of the documents with these packages. A root is a directory that contains a Debian system
(empty_root.py)."""
import hashlib
import os
import pathlib
import re
import shutil
import tempfile
import time

from built_packages import NAMES, Machine, build, keep, package
import documents
from empty_root import RELEASES, EmptyRoot
from labcase import USER, LabCase, harness

PACKAGING = harness.SOURCE / ".packaging"
CLIENTS = "apt-get -q update && apt-get -q install -y --no-install-recommends mariadb-client postgresql-client"
INSTALL = "apt-get -q install -y --no-install-recommends ./{directory}/*.deb"
# Links that an administrator makes with "systemctl enable", without a running systemd.
ENABLE = """
mkdir -p /etc/systemd/system/multi-user.target.wants
ln -s /usr/lib/systemd/system/rds-iam-agent@.service \
    /etc/systemd/system/multi-user.target.wants/rds-iam-agent@postgres.service
"""
ENABLED = "/etc/systemd/system/multi-user.target.wants/rds-iam-agent@postgres.service"


def digests(directory):
    return {name: hashlib.sha256(package(directory, name).read_bytes()).hexdigest() for name in NAMES}


def scratch(case, name):
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=harness.WORK))
    case.addCleanup(shutil.rmtree, path, ignore_errors=True)
    return path


class Debian(LabCase):
    def done(self, machine, command):
        """Runs a command that must succeed. Returns its output."""
        status, output = machine.shell(command)
        self.assertEqual(status, 0, f"{command}:\n{output[-6000:]}")
        return output

    def check(self, release):
        first, second = self.build(release)
        with Machine(release, self.lab, USER) as machine:
            self.use(machine, release, first, second)
        for part in NAMES[1:]:
            with Machine(release, self.lab, USER) as machine:
                self.use_one_part(machine, first, part)

    def build(self, release):
        """Builds the packages twice, with equal bytes, and once as the next revision. Returns the directories of the first
        build and of the next revision."""
        directory = scratch(self, f"packages-{release}")
        with EmptyRoot(release) as root:
            start = time.monotonic()
            first = build(root, directory / "first")
            keep(release, first)
            print(f"# {release}: built, unit tests, lintian: {time.monotonic() - start:.0f} s", flush=True)
            self.report_lintian(release, first)
            self.assertEqual(digests(first), digests(build(root, directory / "again", "--nocheck")))
            second = build(root, directory / "second", "--nocheck", "--revision", "2")
            self.assertNotEqual(digests(first), digests(second), "control")
        return first, second

    def report_lintian(self, release, directory):
        """build-deb fails if lintian reports an error or a warning. Prints lintian's other findings."""
        log = (directory / "lintian.log").read_text(encoding="utf-8")
        tags = re.findall(r"^[EWIPXOCM]: .*", log, re.MULTILINE)
        self.assertFalse([tag for tag in tags if tag[0] in "EW"])
        self.assertTrue([tag for tag in tags if "rds-iam" in tag], "control: lintian has looked at the packages")
        for tag in tags:
            print(f"# {release}: lintian: {tag}", flush=True)

    def use(self, machine, release, first, second):
        machine.put(first, "packages")
        machine.put(second, "upgrade")
        machine.put(self.lab.ca_file, "global-bundle.pem")
        self.done(machine, CLIENTS)
        before = machine.everything()
        self.install(machine)
        self.assert_nothing_is_enabled(machine)
        self.permanent_settings(machine)
        self.upgrade(machine)
        self.remove_and_purge(machine, before)

    def install(self, machine):
        """Installs the packages as the README shows, and logs in. test_package_recipes.py runs the quick start."""
        self.done(machine, f"cd packages && {documents.block(documents.README, 'sh', 'apt install ./')}")
        self.done(machine, "rds-iam setup ca --file global-bundle.pem")
        self.assertEqual(self.done(machine, machine.psql()), f"{USER}\n")
        self.assertEqual(self.done(machine, machine.mariadb()), f"{USER}@%\n")
        self.assert_accepted(2)

    def assert_nothing_is_enabled(self, machine):
        self.assertEqual([path for path in machine.files("/etc/systemd") if "rds-iam" in path], [])
        self.assertTrue([path for path in machine.files("/usr/lib/systemd") if "rds-iam" in path], "control")

    def permanent_settings(self, machine):
        self.done(machine, "rds-iam setup mysql --write")
        self.assertIn("plugin-dir=/usr/lib/rds-iam/mariadb", (machine.path / "root/.my.cnf").read_text())
        self.assertEqual(self.done(machine, machine.mariadb("", "--defaults-group-suffix=-rds")), f"{USER}@%\n")
        self.done(machine, f"rds-iam setup postgres --hostname {self.lab.pg.host} --port {self.lab.pg.port} "
                           f"--username {USER} --dbname {self.lab.database_name} --service prod --write")
        output = self.done(machine, "rds-iam-agent --once && psql -XAtw service=prod -c 'select current_user'")
        self.assertIn(f"{USER}\n", output)
        # The link in rds-iam's plugin directory leads to the distribution's own client plugin.
        output = self.done(machine, "readlink -f /usr/lib/rds-iam/mariadb/dialog.so")
        self.assertRegex(output, r"^/usr/lib/[^/]+-linux-gnu/libmariadb3/plugin/dialog\.so$")

    def upgrade(self, machine):
        self.done(machine, INSTALL.format(directory="upgrade"))
        versions = self.done(machine, f"dpkg-query -W -f '${{Version}}\\n' {' '.join(NAMES)}")
        self.assertEqual(versions, "0.1.0-2\n" * 3)
        self.assertEqual(self.done(machine, machine.psql()), f"{USER}\n")
        self.assertEqual(self.done(machine, machine.mariadb("", "--defaults-group-suffix=-rds")), f"{USER}@%\n")

    def remove_and_purge(self, machine, before):
        self.done(machine, ENABLE)
        self.done(machine, f"apt-get -q remove -y {' '.join(NAMES)}")
        self.assertLessEqual({"/etc/rds-iam/rds-ca.pem", ENABLED}, set(machine.left(before)), "control: settings stay")
        self.done(machine, f"apt-get -q purge -y {' '.join(NAMES)}")
        self.assertEqual(machine.left(before), [])
        self.assertFalse((machine.path / "etc/rds-iam").exists())
        known = self.done(machine, "dpkg-query -W -f '${Package}\\n' | grep rds-iam || true")
        self.assertEqual(known, "")
        self.assertEqual([path for path in machine.files("/") if "rds-iam" in path and not path.startswith(
            ("/root/", "/proc/", "/sys/", "/dev/", "/var/cache/apt/"))], [])

    def use_one_part(self, machine, packages, part):
        """rds-iam and one of the other packages: that engine's client logs in; the other client gets a message."""
        machine.put(packages, "packages")
        machine.put(self.lab.ca_file, "global-bundle.pem")
        self.done(machine, CLIENTS)
        self.done(machine, f"apt-get -q install -y --no-install-recommends ./packages/rds-iam_*.deb ./packages/{part}_*")
        self.done(machine, "rds-iam setup ca --file global-bundle.pem")
        works, fails = machine.mariadb(), machine.psql()
        if part == "rds-iam-postgresql":
            works, fails = fails, works
        self.assertEqual(self.done(machine, works).removesuffix("@%\n").strip(), USER)
        status, output = machine.shell(fails)
        missing = next(name for name in NAMES[1:] if name != part)
        self.assertNotEqual(status, 0)
        self.assertIn(f"install the package {missing}\n", output)


class Others(LabCase):
    def run_done(self, argv, timeout=1800, **options):
        result = harness.run(argv, timeout=timeout, **options)
        self.assertEqual(result.returncode, 0, (result.stdout + result.stderr)[-6000:])
        return result.stdout + result.stderr

    def archive(self, directory, umask="022"):
        """Makes the archive of `meson dist` from a clone. Returns its path."""
        clone = directory / f"clone-{umask}"
        self.run_done(["git", "clone", "-q", f"file://{harness.SOURCE}", clone])
        self.run_done(["sh", "-c", f"umask {umask}; meson setup build -Dlab=false && "
                       "meson dist -C build --no-tests --formats xztar"], cwd=clone)
        return next((clone / "build/meson-dist").glob("*.tar.xz"))

    def test_the_archive_of_meson_dist(self):
        """Two archives are equal. Outside a git checkout, an archive builds, passes the unit tests, and installs below
        any prefix and DESTDIR."""
        directory = scratch(self, "dist")
        first = self.archive(directory)
        self.assertEqual(first.read_bytes(), self.archive(directory, "077").read_bytes())
        alone = pathlib.Path(tempfile.mkdtemp(prefix="rds-iam-dist-"))  # outside every git checkout
        self.addCleanup(shutil.rmtree, alone, ignore_errors=True)
        self.run_done(["tar", "-C", alone, "-xJf", first])
        tree = next(alone.iterdir())
        self.assertNotEqual(harness.run(["git", "-C", tree, "rev-parse"]).returncode, 0, "control")
        self.run_done(["meson", "setup", "build", "-Dlab=false", "--prefix=/opt/any where", "--werror"], cwd=tree)
        self.run_done(["ninja", "-C", "build"], cwd=tree)
        output = self.run_done(["meson", "test", "-C", "build", "--no-rebuild", "--suite", "unit"], cwd=tree)
        print(f"# the archive alone: {' '.join(re.search(r'Ok: +.*', output)[0].split())}", flush=True)
        self.run_done(["meson", "install", "-C", "build", "--no-rebuild", "--destdir", alone / "dest"], cwd=tree)
        self.assertTrue((alone / "dest/opt/any where/bin/rds-iam").exists())
        self.assertEqual([path.name for path in (alone / "dest").iterdir()], ["opt"])

    def test_the_rpm_spec(self):
        directory = scratch(self, "rpm")
        (directory / "SOURCES").mkdir()
        shutil.copy(self.archive(directory), directory / "SOURCES")
        self.run_done(["rpmbuild", "-bb", "--nodeps", "--define", f"_topdir {directory}", PACKAGING / "rds-iam.spec"])
        built = sorted(directory.glob("RPMS/*/*.rpm"))
        self.assertEqual(len(built), 3)
        configured = ["-c", PACKAGING / "rpmlint.toml"]
        lint = self.run_done(["rpmlint", *configured, PACKAGING / "rds-iam.spec", *built])
        self.assertRegex(lint, r"3 packages and 1 specfiles checked; 0 errors, 0 warnings")
        print(f"# {lint.strip().splitlines()[-1].strip()}", flush=True)
        bad = (PACKAGING / "rds-iam.spec").read_text().replace("License:        MIT\n", "License: MIT\nCopyright: MIT\n")
        (directory / "bad.spec").write_text(bad)
        self.assertNotEqual(harness.run(["rpmlint", *configured, directory / "bad.spec"]).returncode, 0, "control")

    def test_the_containerfile(self):
        """Runs each RUN line of both stages in one empty root of the release that FROM names. Instead of COPY, a clone is in
        /root/rds-iam, and the packages of the first stage are already in the root."""
        text = (PACKAGING / "Containerfile").read_text(encoding="utf-8")
        stages = [stage for stage in text.split("\nFROM ")[1:]]
        self.assertEqual(len(stages), 2)
        self.assertTrue(all(stage.startswith("docker.io/library/debian:trixie-slim") for stage in stages))
        with EmptyRoot("trixie") as root:
            root.clone()
            for stage in stages:
                for line in re.findall(r"^RUN (.*)", stage, re.MULTILINE):
                    status, output = root.run(line, directory=".")
                    self.assertEqual(status, 0, f"{line}:\n{output[-4000:]}")
            status, output = root.run("rds-iam exec -- psql --version && rds-iam exec -- mariadb --version", ".")
            self.assertEqual(status, 0, output)


def add_tests():
    for release in RELEASES:
        def test(self, release=release):
            self.check(release)
        setattr(Debian, f"test_{release}", test)


# debootstrap needs root.
if os.geteuid() == 0:
    add_tests()
else:
    del Others.test_the_containerfile
if __name__ == "__main__":
    harness.main()
