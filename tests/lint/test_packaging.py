# SPDX-License-Identifier: MIT
"""The packages in .packaging contain what `meson install` installs: each file is in one Debian package and in one RPM
package. The control file, the changelog, the spec and the Containerfile agree with each other and with meson.build.
tests/long/test_packages.py builds, installs and uses the packages."""
import fnmatch
import os
import pathlib
import re
import shutil
import tempfile
import unittest

import harness

PACKAGING = harness.SOURCE / ".packaging"
DEBIAN = PACKAGING / "debian"
SPEC = PACKAGING / "rds-iam.spec"
NAMES = ("rds-iam", "rds-iam-mysql", "rds-iam-postgresql")
RPM_MACROS = {"_libdir": "/usr/lib", "_datadir": "/usr/share", "_mandir": "/usr/share/man"}


def read(path):
    return path.read_text(encoding="utf-8")


def installed(scratch):
    """The files and links that `meson install` installs, as paths with the prefix /usr. Only the directory of the user's
    unit depends on the prefix (test_install.py)."""
    done = harness.run(["meson", "install", "-C", harness.BUILD, "--no-rebuild", "--quiet", "--destdir", scratch])
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    root = scratch / harness.PREFIX.relative_to("/")
    return sorted("/usr/" + str(path.relative_to(root)).replace("share/systemd/user/", "lib/systemd/user/") for path in root.rglob("*")
                  if path.is_symlink() or not path.is_dir())


def matches(path, pattern):
    """Whether a pattern names the file. A pattern that ends with a slash names all files below a directory."""
    return path.startswith(pattern) if pattern.endswith("/") else fnmatch.fnmatchcase(path, pattern)


def differences(files, packages):
    """The files that are in no package or in several ones, and the patterns that match no file."""
    found = []
    for path in files:
        holders = [name for name, patterns in packages.items() if any(matches(path, each) for each in patterns)]
        if len(holders) != 1:
            found.append(f"{path} is in {len(holders)} packages")
    for name, patterns in packages.items():
        found += [f"{name}: {each} matches no file" for each in patterns if not any(matches(path, each) for path in files)]
    return found


def debian_packages():
    return {name: ["/" + line for line in read(DEBIAN / f"{name}.install").split()] for name in NAMES}


def spec_packages():
    """The lists of files in the spec, with the macros' values for the prefix /usr."""
    defines = [word for name, value in RPM_MACROS.items() for word in ("--define", f"{name} {value}")]
    done = harness.run(["rpmspec", "-P", *defines, SPEC])
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    found = {}
    for name, body in re.findall(r"^%files ?(\w*)\n(.*?)(?=^%)", re.sub("%(license|doc|dir) .*", "", done.stdout),
                                 re.MULTILINE | re.DOTALL):
        found[f"rds-iam-{name}" if name else "rds-iam"] = body.split()
    return found


def control():
    """The paragraphs of the control file: field -> value."""
    text = re.sub("^#.*\n", "", read(DEBIAN / "control"), flags=re.MULTILINE)
    return [dict(re.findall(r"^([\w-]+):[ \t]*((?:.*\n)(?:[ \t].*\n)*)", part + "\n", re.MULTILINE))
            for part in re.split(r"\n{2,}", text.strip())]


def words(value):
    """The package names in a field of the control file."""
    return {re.match(r"[\w.+-]+", each.strip())[0] for each in value.split(",")
            if each.strip() and not each.strip().startswith("$")}


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = pathlib.Path(tempfile.mkdtemp(prefix="destdir-", dir=harness.WORK))
        cls.addClassCleanup(shutil.rmtree, scratch, ignore_errors=True)
        cls.files = installed(scratch)

    def test_each_file_is_in_one_debian_package(self):
        self.assertEqual(differences(self.files, debian_packages()), [])

    def test_each_file_is_in_one_rpm_package(self):
        packages = spec_packages()
        self.assertEqual(set(packages), set(NAMES))
        self.assertEqual(differences(self.files, packages), [])

    def test_each_file_is_in_the_same_package_of_debian_and_rpm(self):
        debian, rpm = debian_packages(), spec_packages()
        self.assertEqual(
            [path for path in self.files for name in NAMES
             if any(matches(path, each) for each in debian[name]) != any(matches(path, each) for each in rpm[name])], [])

    def test_control_planted_differences_are_found(self):
        new = "/usr/bin/rds-iam-new"
        for packages in (debian_packages(), spec_packages()):
            self.assertEqual(differences([*self.files, new], packages), [f"{new} is in 0 packages"])
            packages["rds-iam-mysql"].append("/usr/bin/rds-iam")
            self.assertEqual(differences(self.files, packages), ["/usr/bin/rds-iam is in 2 packages"])
            packages["rds-iam-mysql"][-1] = new
            self.assertEqual(differences(self.files, packages), [f"rds-iam-mysql: {new} matches no file"])

    def test_a_plugin_directory_has_the_distributions_plugins(self):
        for name in ("dialog.so", "client_ed25519.so"):
            self.assertIn(f"/usr/lib/rds-iam/mariadb/{name}", self.files)


class Fields(unittest.TestCase):
    def setUp(self):
        source, *packages = control()
        self.source = source
        self.packages = {each["Package"].strip(): each for each in packages}

    def test_the_fields_of_each_package(self):
        self.assertEqual(tuple(self.packages), NAMES)
        for name, fields in self.packages.items():
            with self.subTest(package=name):
                self.assertEqual(fields["Architecture"].split(), ["amd64", "arm64"])
                self.assertNotIn("Multi-Arch", fields)  # the comment in the control file gives the reason
                self.assertIn("${shlibs:Depends}", fields["Depends"])
                if name != "rds-iam":
                    self.assertIn("rds-iam (= ${binary:Version})", fields["Depends"])
        self.assertIn("no package can be \"same\"", " ".join(read(DEBIAN / "control").split()))

    def test_the_version_is_the_same_everywhere(self):
        version = re.search(r"^  version: '(.*)',$", read(harness.SOURCE / "meson.build"), re.MULTILINE)[1]
        self.assertRegex(read(DEBIAN / "changelog"), rf"^rds-iam \({re.escape(version)}-\d+\) ")
        self.assertRegex(read(SPEC), rf"(?m)^Version: +{re.escape(version)}$")
        self.assertIn(f"## {version}\n", read(harness.SOURCE / "NEWS.md"))
        self.assertIn(f'RIA_VERSION "{version}"', read(harness.SOURCE / "common/rds_iam.h"))
        plugin = ".version = {" + version.replace(".", ", ") + "},"
        self.assertIn(plugin, read(harness.SOURCE / "mysql_plugin/mariadb/plugin.h"))
        self.assertIn(plugin, read(harness.SOURCE / "mysql_plugin/mysql/declaration.c"))

    def test_the_license_text(self):
        copyright_file = read(DEBIAN / "copyright")
        self.assertIn("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/", copyright_file)
        shown = copyright_file.split("License: MIT\n")[2].replace("\n .\n", "\n\n").split()
        self.assertEqual(shown, read(harness.SOURCE / "LICENSE").split("authors\n", 1)[1].split())

    def test_the_containerfile_installs_what_the_control_file_needs(self):
        needed = words(self.source["Build-Depends"].replace("debhelper-compat", "debhelper"))
        self.assertGreater(len(needed), 5, "control")
        build = read(PACKAGING / "Containerfile").split("\nFROM ")[1]
        self.assertLessEqual(needed, set(re.search("^RUN .*", build, re.MULTILINE)[0].split()))

    def test_each_override_and_each_filter_has_a_reason_above(self):
        for path in [*DEBIAN.glob("*lintian-overrides"), PACKAGING / "rpmlint.toml"]:
            above = ""
            for line in read(path).splitlines():
                if re.match(r"\s*'|[\w-]+:", line):
                    self.assertRegex(above, r"^\s*(#|')", f"{path.name}: {line}")
                above = line

    def test_a_maintainer_script_enables_and_starts_nothing(self):
        rules = read(DEBIAN / "rules")
        for helper in ("dh_installsystemd", "dh_installsystemduser"):
            self.assertRegex(rules, rf"(?m)^\t{helper} --no-enable")
        for path in DEBIAN.glob("*inst"):
            self.assertNotRegex(read(path), r"systemctl( --\w+)* (start|restart|enable)|invoke (--\w+ )?(start|enable)")
            for line in re.findall(r"^ .*systemctl .*", read(path), re.MULTILINE):
                self.assertRegex(line, " (list-units|daemon-reload|try-restart) ?")

    def test_the_spec_and_the_debian_rules_set_the_same_build_options(self):
        for option in ("-Dtests=true -Dlab=false", "-Dmariadb_plugin_dir=", "-Dmysql_plugin_dir=",
                       "-Dpostgresql_sysconfdir="):
            for path in (SPEC, DEBIAN / "rules"):
                self.assertIn(option, read(path))

    def test_scripts_are_executable(self):
        for name in ("build-deb", "normalize-dist", "debian/rules"):
            self.assertTrue(os.access(PACKAGING / name, os.X_OK), name)


harness.main()
