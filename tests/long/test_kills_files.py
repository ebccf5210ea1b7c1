# SPDX-License-Identifier: MIT
"""Commands that write files, killed five hundred times each: `rds-iam setup mysql --write`, `rds-iam setup postgres
--write`, `rds-iam setup ca`, and rds-iam-fetch when it writes the cache.

After each kill, each file has its complete old contents or its complete new contents, and the right mode. A temporary
file gives no more rights than the file that it should replace. The next run succeeds. The number of files that killed runs
leave behind does not grow."""
import os
import pathlib
import shutil
import stat
import tempfile
import unittest

from cloud import CloudCase
from killing import CALLS, Killing
from labcase import USER, harness
from test_setup_ca import Case as SetupCaCase
from test_setup_ca import root

KILLS = int(os.environ.get("RIA_KILLS", "500"))
SECRET = "hunter2"
NOBODY = 65534
RECORD_HEADER = 12  # bytes
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def mode_of(path):
    return stat.S_IMODE(path.lstat().st_mode)


def contents(directory):
    """The names and contents of all files in a directory."""
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


class Writers:
    """How often the commands of a class are killed. integration/guest/test_killed.py kills them less often."""

    kills = KILLS
    calls = CALLS

    def kill(self, name, killing, check_next):
        killing.run(self.kills, check_next, self.calls)
        killing.report(name)
        killing.check_controls(self, self.kills)


class UserFiles(Writers, unittest.TestCase):
    """~/.my.cnf and ~/.pg_service.conf, which can contain passwords."""

    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="kills-", dir=harness.WORK))
        self.addCleanup(shutil.rmtree, self.home)
        self.ca = "/etc/ssl/certs/ca-certificates.crt"

    def check(self, name, old, argv, mode=0o640):
        path = self.home / name

        def reset():
            path.unlink(missing_ok=True)
            if old is not None:
                path.write_bytes(old)
                path.chmod(mode)

        def check_file(others):
            """Checks the file. Returns whether it has the new contents."""
            text = others.pop(name, None)
            self.assertIn(text, (old, self.new))
            if text is not None:
                self.assertEqual(mode_of(path), mode if old is not None else 0o600)
            return text == self.new

        def check():
            others = contents(self.home)
            check_file(others)
            temporary = []
            for other, text in others.items():
                self.assertEqual(mode_of(self.home / other) & ~(mode if old is not None else 0o600), 0, other)
                if other.startswith(name + ".rds-iam-backup"):
                    self.assertEqual((text, mode_of(self.home / other)), (old, mode), other)
                else:
                    self.assertTrue(other.startswith(f".{name}.rds-iam-"), other)
                    temporary.append(other)
            self.assertLessEqual(len(temporary), 1, "the temporary files of two runs")
            return temporary

        def check_next():
            killing.whole()
            others = contents(self.home)
            self.assertTrue(check_file(others), "the file is complete after the next run")
            self.assertEqual(sorted(others), [] if old is None else [name + ".rds-iam-backup"])

        env = {"HOME": str(self.home), "PATH": SYSTEM_PATH}
        killing = Killing([harness.installed("bin/rds-iam"), *argv], env, self.home, reset, check)
        reset()
        killing.whole()
        self.new = path.read_bytes()
        self.assertTrue(self.new.startswith(old or b"") and self.new != old)
        self.kill(f"{name}, {'a new file' if old is None else 'an existing file'}", killing, check_next)

    def mysql(self, old):
        self.check(".my.cnf", old, ["setup", "mysql", "--ssl-ca", self.ca, "--write"])

    def postgres(self, old):
        self.check(".pg_service.conf", old, [
            "setup", "postgres", "--hostname", "db.abcdefghijkl.us-east-1.rds.amazonaws.com", "--username", USER,
            "--dbname", "d", "--ca", self.ca, "--write"])

    def test_my_cnf(self):
        self.mysql(f"[client]\npassword={SECRET}\n".encode() * 2000)

    def test_a_new_my_cnf(self):
        self.mysql(None)

    def test_pg_service_conf(self):
        self.postgres(f"[own]\npassword={SECRET}\n".encode())

    def test_a_new_pg_service_conf(self):
        self.postgres(None)


class Store(Writers, SetupCaCase):
    """The CA store. The bundle alternates between two versions, so that each run replaces both files."""

    def test_setup_ca(self):
        first, second = root("us-east-1"), root("eu-west-1")
        bundles = {"one": self.file(first, "one.pem"), "two": self.file(first + second, "two.pem")}
        versions, publics = {}, set()
        for name, bundle in bundles.items():
            self.assertEqual(self.setup_ca("--file", bundle, "--force").returncode, 0)
            versions[name] = self.store.read_bytes()
        self.assertNotEqual(versions["one"], versions["two"])
        publics = {self.public.read_bytes(), self.public.read_bytes() + b"# old\n"}
        old_public = max(publics, key=len)
        directory = self.store.parent

        def reset():
            for path, text in ((self.store, versions["one"]), (self.public, old_public)):
                path.unlink(missing_ok=True)
                path.write_bytes(text)
                path.chmod(0o644)
                if os.geteuid() == 0:
                    os.chown(path, NOBODY, NOBODY)

        def check():
            found = contents(directory)
            self.assertIn(found.pop("rds-ca.pem"), versions.values())
            self.assertIn(found.pop("rds-ca-public.pem"), publics)
            for path in directory.iterdir():
                self.assertEqual(mode_of(path) & ~0o644, 0, path)
            for path in (self.store, self.public):
                self.assertEqual(mode_of(path), 0o644)
            self.assertLessEqual(set(found), {".rds-ca.pem.new", ".rds-ca-public.pem.new"})
            return found

        def check_next():
            killing.whole()
            self.assertEqual(contents(directory), {
                "rds-ca.pem": versions["two"], "rds-ca-public.pem": min(publics, key=len)})

        env = {"HOME": str(self.scratch), "XDG_CONFIG_HOME": str(self.config), "PATH": SYSTEM_PATH}
        argv = [*self.as_user(), self.tool, "setup", "ca", "--file", bundles["two"], "--force"]
        killing = Killing(argv, env, self.scratch, reset, check)
        self.kill("setup ca", killing, check_next)


class Cache(Writers, CloudCase):
    """The credential cache, with the session of a role. Only rds-iam-fetch writes it."""

    def entry(self):
        (path,) = self.cache_files()
        return path

    def assert_complete(self, path):
        """Checks the header and the length of a record (common/codec/record.h)."""
        record = path.read_bytes()
        self.assertEqual(record[:4], b"RIAR")
        self.assertEqual(int.from_bytes(record[8:12], "big"), len(record) - RECORD_HEADER, path)

    def test_cache(self):
        self.role_profile("p", "rds-access")
        directory = self.home.path / ".cache/rds-iam/cache"
        env = self.home.env("etl-base", **self.cloud_env())

        def reset():
            for path in self.cache_files():
                path.unlink()

        def check():
            if not directory.exists():
                return []
            self.assertEqual(mode_of(directory), 0o700)
            for path in directory.iterdir():
                self.assertEqual(mode_of(path), 0o600, path)
                self.assertIn(path.suffix, ("", ".lock", ".new"))
            for path in self.cache_files():
                self.assert_complete(path)
            self.assertLessEqual(len(list(directory.iterdir())), 3)
            return list(directory.glob("*.new"))

        def check_next():
            killing.whole()
            self.assert_complete(self.entry())
            self.assertEqual(sorted(path.suffix for path in directory.iterdir()), ["", ".lock"])
            calls = len(self.lab.calls())
            killing.whole()
            self.assertEqual(len(self.lab.calls()), calls, "the entry is used")

        killing = Killing([harness.installed("bin/rds-iam"), "credentials", "--profile", "p"], env, self.home.path,
                          reset, check)
        self.kill("cache", killing, check_next)


if __name__ == "__main__":
    harness.main()
