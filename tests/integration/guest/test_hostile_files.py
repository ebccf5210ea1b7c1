# SPDX-License-Identifier: MIT
"""FIFOs, devices, sockets, directories, endless and huge files in the place of each file that rds-iam reads, and files
that another process replaces while rds-iam reads them. rds-iam rejects such a file at once and uses nothing from it.
Also tests that each login reads AWS's files again, and that a token file or a CA bundle of another user causes a
warning.

Not here: owners of other files, modes and access control lists (test_whose_files.py)."""
import contextlib
import os
import re
import socket
import threading

from cloud import needs_root
from labcase import USER, harness
from mariadb_client import credentials_file
from service import Services
from whose_files import LOGIN, TOOL, FilePlacesCase, WhoseFilesCase

MEMORY_RESERVE = 40 << 10  # KB; a settings file may have 16 MiB, and its buffer doubles as it grows
HUGE = 1 << 30
MEASURED = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print("memory", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


# -- What is put in the place of a file. Each function gets a path at which nothing exists. -----------


def fifo(path):
    os.mkfifo(path, 0o600)


def unix_socket(path):
    """The path of a socket is limited to about 100 bytes, so the socket is created by a relative name."""
    here = os.open(".", os.O_DIRECTORY)
    try:
        os.chdir(path.parent)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.fchdir(here)
        os.close(here)
    path.chmod(0o600)


def directory(path):
    path.mkdir(mode=0o700)


def endless_device(path):
    path.symlink_to("/dev/zero")


def terminal(path):
    path.symlink_to("/dev/ptmx")


def link_to_itself(path):
    path.symlink_to(path)


def huge(path):
    """A sparse file."""
    path.touch(0o600)
    os.truncate(path, HUGE)


FORMS = (fifo, unix_socket, directory, endless_device, terminal, link_to_itself, huge)


REASONS = {form: "is not a regular file; name another" for form in FORMS} | {
    directory: "is a directory; replace it with a file", link_to_itself: "is a loop of links; replace it with a file",
    huge: r"is larger than \d+ (KB|MiB), the limit"}


class SpecialFiles(FilePlacesCase):
    def test_each_file_in_each_form_is_rejected(self):
        for place in self.places():
            name, path = place[:2]
            usual = self.ask(place)
            self.assertEqual(usual.returncode, 0, f"control: {usual.stderr}")
            memory = self.memory(self.ask(place, ["/usr/bin/python3", "-c", MEASURED]))
            path.rename(path.with_name("original"))
            for form in FORMS:
                with self.subTest(place=name, form=form.__name__):
                    with self.in_place(form, path):
                        result = self.ask(place, ["/usr/bin/python3", "-c", MEASURED])
                    self.assert_refused(result, str(path))
                    self.assertRegex(result.stderr, REASONS[form])
                    self.assertLess(self.memory(result), memory + MEMORY_RESERVE)
            path.with_name("original").rename(path)
            self.assertEqual(self.ask(place).returncode, 0, "control")

    @staticmethod
    @contextlib.contextmanager
    def in_place(form, path):
        form(path)
        try:
            yield
        finally:
            path.rmdir() if form == directory else path.unlink()

    @staticmethod
    def memory(result):
        return int(re.search(r"memory (\d+)", result.stdout)[1])

    def test_the_service_file_of_the_agent_is_rejected(self):
        services = Services(self.home)
        services.add("prod")
        path = self.home.path / ".pg_service.conf"
        self.assertEqual(services.fill().returncode, 0, "control")
        path.unlink()
        for form in FORMS:
            with self.subTest(form=form.__name__):
                with self.in_place(form, path):
                    result = services.fill()
                self.assertEqual(result.returncode, 1)
                self.assertIn(str(path), result.stderr)
                self.assertRegex(result.stderr, REASONS[form])


class Owners(FilePlacesCase):
    @needs_root
    def test_token_files_and_a_ca_bundle_of_another_user(self):
        named = {"web identity", "web identity of a profile", "container", "CA bundle"}
        for place in self.places():
            name, path = place[:2]
            if name in named:
                named.discard(name)
                with self.subTest(place=name):
                    self.assertNotIn("belongs to", self.ask(place).stderr, "control: no warning for the user's own file")
                    self.give_away(path)
                    result = self.ask(place)
                    self.assertEqual(result.returncode, 0, result.stderr)
                    self.assertIn(f"rds-iam: warning: {path}: belongs to uid ", result.stderr)
        self.assertEqual(named, set())


class Replaced(WhoseFilesCase):
    """A thread replaces a file again and again, alternately by a file that rds-iam must not use and by a good file."""

    RUNS = 60

    def replacing(self, path, good, bad):
        """Starts the thread. Returns a function that ends it."""
        has_ended = threading.Event()
        os.link(bad, path)
        fresh = path.with_name("fresh")

        def replace():
            while not has_ended.is_set():
                for source in (good, bad):  # never the same file twice: rename() of two links to one file does nothing
                    os.link(source, fresh)
                    os.replace(fresh, path)

        thread = threading.Thread(target=replace)
        thread.start()

        def end():
            has_ended.set()
            thread.join()
        return end

    def check(self, path, text, bad_text, is_used, *arguments, **env):
        """Runs rds-iam many times. Each run must use the good file, or refuse the other file, which every user can
        write."""
        good, bad = self.home.write("good", text), self.home.write("bad", bad_text)
        bad.chmod(0o666)
        proof = self.home.path / "proof"
        seen = {"used": 0, "refused": 0}
        end = self.replacing(path, good, bad)
        try:
            for _ in range(self.RUNS):
                result = self.explain(*arguments, **env)
                if result.returncode == 0:
                    self.assertIn(is_used, result.stdout)
                    seen["used"] += 1
                else:
                    self.assertIn(f"{path}: every user can write it", result.stderr)
                    seen["refused"] += 1
                self.assertFalse(proof.exists(), result.stderr)
        finally:
            end()
        self.assertTrue(all(seen.values()), f"control: rds-iam has seen both files: {seen}")
        os.link(bad, path.with_name("fresh"))
        os.replace(path.with_name("fresh"), path)
        path.chmod(0o600)
        self.explain(*arguments, **env)
        self.assertTrue(proof.exists(), "control: if only the user can write the file, it takes effect")

    def evil(self):
        return f"[default]\ncredential_process = touch {self.home.path}/proof; false\n"

    def test_a_replaced_file_of_aws_is_used_or_rejected(self):
        path = self.home.path / "aws-config"
        etl = self.lab.principals["etl"].access_key
        self.check(path, "[default]\n" + self.keys(), self.evil(), etl, AWS_CONFIG_FILE=str(path))

    def test_a_replaced_file_of_rds_iam_is_used_or_rejected(self):
        path = self.home.path / "own-config"
        self.home.write(".aws/credentials", f"[good]\n{self.keys()}")
        self.home.write(".aws/config", self.evil().replace("default", "profile evil"))
        etl = self.lab.principals["etl"].access_key
        host = LOGIN[1]
        self.check(path, f"[{host}]\nprofile = good\n", f"[{host}]\nprofile = evil\n", etl, *LOGIN,
                   RDS_IAM_CONFIG=str(path))


# Logs in, replaces ~/.aws/credentials, and logs in again, in one process.
TWICE = """
import os, sys
{import_it}
{connect}
os.replace("next", ".aws/credentials")
{connect}
"""


class EveryLogin(WhoseFilesCase):
    def test_awss_files_are_read_at_every_login(self):
        mariadb, pg = self.lab.mariadb, self.lab.pg
        programs = {
            "MySQLdb": ([], f"MySQLdb.connect(host={mariadb.host!r}, port={mariadb.port}, user={USER!r}, "
                            "read_default_group='client')"),
            "psycopg2": ([TOOL, "exec", "--ca", self.lab.ca_file, "--"],
                         f"psycopg2.connect(host={pg.host!r}, port={pg.port}, user={USER!r}, "
                         f"dbname={self.lab.database_name!r})"),
        }
        for name, (under, connect) in programs.items():
            with self.subTest(program=name):
                self.home.write(".aws/credentials", credentials_file(self.lab.principals["etl"], "default"))
                self.home.write("next", credentials_file(self.lab.principals["etl-session"], "default"))
                seen = len(self.verdicts())
                script = TWICE.format(import_it=f"import {name}", connect=connect)
                result = self.home.run([*under, "/usr/bin/python3", "-c", script], None)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual([v["principal"] for v in self.verdicts()[seen:]], ["etl", "etl-session"])


if __name__ == "__main__":
    harness.main()
