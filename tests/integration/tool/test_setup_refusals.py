# SPDX-License-Identifier: MIT
"""What `rds-iam setup mysql --write` and `rds-iam setup postgres --write` refuse: a section with other contents, and
each file that cannot be replaced without a loss. Each refusal has a message, and the file stays as it was. Also tests
similar files that the commands accept, and commands that run at the same time."""
import fcntl
import os
import pathlib
import pwd
import stat
import subprocess
import time

from labcase import harness
from test_setup_write import BACKUP, KINDS, MYSQL, POSTGRES, WriteCase, tool

# An ordinary user without any capability.
ORDINARY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=-all", "--"]

# Each row: the group as it is in the file, and the line and the words of the refusal. LINES stands for the lines that
# the command writes, without the name of the group. filled() explains the other words in capitals.
MYSQL_ROWS = (
    ("[client-rds]\n", 1, "has no plugin-dir"),
    ("# x\n[client-rds]\nLINESuser=x\n", 6, "also has user"),
    ("[client-rds]\nLINESpassword=hunter2\n", 5, "also has password"),
    ("[client-rds]\nLINESpassword hunter2\n", 5, "also has password"),
    ("[client-rds]\nssl-ca=/other\n", 2, "has another ssl-ca"),
    ("[client-rds]\nLINES[a]\nx=1\n[client-rds]\nssl_ca=/other\n", 8, "has another ssl_ca"),
    ("[client-rds]\nLINESssl-verify-server-cert=0\n", 5, "has another ssl-verify-server-cert"),
    ("[client-rds]\nLINESssl-verify-server-cert\n", 5, "has another ssl-verify-server-cert"),
    (" [ Client-RDS ] # x\nplugin-dir=/other\n", 2, "has another plugin-dir"),
    ("[client-rds]\r\nssl-ca=/other\r\n", 2, "has another ssl-ca"),
    ("[client-rds]\nssl-ca=/other", 2, "has another ssl-ca"),
)
# Files whose group has the settings that the command would write, in another form. The command changes nothing.
MYSQL_SAME = (
    "[client-rds]\nLINES", "[client-rds]\nLINES[a]\npassword=x\n", "# x\n[client-rds]\n# y\n;z\n\nLINES",
    "[CLIENT-RDS]\nUNDERSCORES", "[client-rds]\nBLANKS", "[client-rds]\nLINES[a]\n[client-rds]\nLINES",
    "[client-rds]\nCRLF", "!include /nonexistent\n[client-rds]\nLINES")
POSTGRES_ROWS = (
    ("[rds]\n", 1, "does not have host="),
    ("[a]\nhost=h\n\n[rds]\nhost=h\n", 5, "does not have host="),
    ("[rds]\nLINESpassword=hunter2\n", 11, "also contains password"),
    ("[rds]\nLINESconnect_timeout=5\n", 11, "also contains connect_timeout"),
    ("[rds]\nhost=h\nLINES", 2, "does not have host="),
    ("[rds]\nNOGSS", 1, "does not have gssencmode=disable"),
    ("[rds]\nPREFER", 6, "does not have sslmode=verify-full"),
    ("[rds]\nhost=h\n[rds]\nLINES", 2, "does not have host="),
    ("[rds]\nhost=h", 2, "does not have host="),
)
POSTGRES_SAME = ("[rds]\nLINES", "# x\n[rds]\n\nLINES# y\n", "[rds]\nLINES[rds]\nhost=h\n", "[rds]\nCRLF",
                 "[rds]\nREVERSED", "[rds]\nLINESport=1\n")


class Refusals(WriteCase):
    def lines(self, kind):
        """Returns the lines of the section, without its name."""
        self.assert_written(self.write(kind))
        text = self.path(kind).read_text().split("\n", 1)[1]
        self.path(kind).unlink()
        return text

    def filled(self, kind, form, lines):
        ways = {
            "LINES": lines,
            "UNDERSCORES": lines.replace("plugin-dir", "plugin_dir").replace("ssl-", "ssl_").replace("server-", "server_"),
            "BLANKS": "".join("  " + line.replace("=", " = ") + "  \n" for line in lines.splitlines()),
            "CRLF": lines.replace("\n", "\r\n"),
            "REVERSED": "".join(line + "\n" for line in reversed(lines.splitlines())),
            "NOGSS": lines.replace("gssencmode=disable\n", ""),
            "PREFER": lines.replace("verify-full", "prefer"),
        }
        for word, text in ways.items():
            form = form.replace(word, text)
        return form.encode()

    def test_a_section_with_other_contents(self):
        for kind, rows in ((MYSQL, MYSQL_ROWS), (POSTGRES, POSTGRES_ROWS)):
            lines = self.lines(kind)
            for form, line, difference in rows:
                with self.subTest(kind=kind.name, form=form):
                    self.path(kind).write_bytes(self.filled(kind, form, lines))
                    path = self.path(kind).resolve()
                    self.assert_refused_unchanged(
                        kind, f"rds-iam: {path}:{line}: [{kind.group}] already exists and {difference}")
                    result = self.write(kind)
                    self.assertIn(", so nothing was added; ", result.stderr)
                    self.assertNotIn("hunter2", result.stderr)
            self.path(kind).unlink()

    def test_the_same_settings_in_another_form(self):
        for kind, forms in ((MYSQL, MYSQL_SAME), (POSTGRES, POSTGRES_SAME)):
            lines = self.lines(kind)
            for form in forms:
                with self.subTest(kind=kind.name, form=form):
                    self.path(kind).write_bytes(self.filled(kind, form, lines))
                    before = self.files()
                    result = self.write(kind)
                    self.assert_written(result)
                    self.assertIn("nothing was changed", result.stdout)
                    self.assertEqual(self.files(), before)
            self.path(kind).unlink()

    def test_a_section_with_a_similar_name_is_another_one(self):
        for kind in KINDS:
            for name in ("[%sx]", "[x%s]", "#[%s]", "x[%s]"):
                with self.subTest(kind=kind.name, name=name):
                    self.path(kind).write_text((name % kind.group) + "\nhost=other\n")
                    self.assert_written(self.write(kind))
                    for path in self.home.path.glob(kind.file + "*"):
                        path.unlink()

    def test_another_service_name(self):
        self.assert_written(self.write(POSTGRES))
        self.assert_written(self.write(POSTGRES, "--service", "second"))
        self.assertIn("\n\n[second]\n", self.path(POSTGRES).read_text())

    def test_a_line_that_is_too_long_for_libpq(self):
        self.path(POSTGRES).write_bytes(b"[a]\noptions=" + b"x" * 1100 + b"\n")
        self.assert_refused_unchanged(POSTGRES, f"{self.path(POSTGRES).resolve()}:2: this line is longer than 1022 bytes")

    def test_the_longest_line_that_libpq_reads(self):
        """With its newline, a line may have 1022 bytes. libpq reads the entry after such a line, and rejects the entry
        after a longer line."""
        for size, is_read in ((1021, True), (1022, False)):
            for end in ("\n", ""):  # the command ends the last line before it adds the entry
                with self.subTest(size=size, end=end):
                    text = f"# {'x' * (size - 2)}"
                    self.path(POSTGRES).write_text(text + end)
                    if is_read:
                        self.assert_written(self.write(POSTGRES))
                    else:
                        self.assert_refused_unchanged(POSTGRES, ":1: this line is longer than 1022 bytes with its newline")
                        self.path(POSTGRES).write_text(f"{text}\n[rds]\nhost=127.0.0.1\nport=1\n")
                    result = self.home.run(["psql", "-w", "service=rds"], None)
                    self.assertEqual("too long" in result.stderr, not is_read, result.stderr)

    def test_a_path_that_is_not_a_regular_file_is_refused(self):
        for kind in KINDS:
            path = self.path(kind)
            for make, message in (
                    (path.mkdir, "is not a regular file; remove it, or name a file"),
                    (lambda path=path: os.mkfifo(path), "is not a regular file; remove it, or name a file"),
                    (lambda path=path: path.symlink_to("/dev/null"), "/dev/null: is not a regular file"),
                    (lambda path=path: path.symlink_to("nothing"), "is a symbolic link to a file that does not exist"),
                    (lambda path=path: path.symlink_to(path.name), "cannot be found: Too many levels of symbolic links"),
                    (lambda path=path: path.symlink_to("no/such/file"), "is a symbolic link to a file that does not")):
                make()
                with self.subTest(kind=kind.name, message=message):
                    was = path.lstat()
                    self.assert_refused_unchanged(kind, message)
                    self.assertEqual((was.st_ino, was.st_mode), (path.lstat().st_ino, path.lstat().st_mode))
                if path.is_dir() and not path.is_symlink():
                    path.rmdir()
                else:
                    path.unlink()
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))

    def test_paths_in_pgservicefile(self):
        for path, message in (("/no/such/file", "its directory does not exist; create the directory"),
                              (f"{self.home.path}/", "is not a regular file"),
                              ("/dev/null", "is not a regular file"),
                              (f"{self.home.path}/{'x' * 300}", "cannot be found: File name too long"),
                              (f"{self.home.path}/{'x' * 252}", "the file name is too long")):
            with self.subTest(path=path[-40:]):
                self.assert_refused_unchanged(POSTGRES, message, PGSERVICEFILE=path)

    def test_a_file_with_a_second_name(self):
        for kind in KINDS:
            with self.subTest(kind=kind.name):
                os.link(self.home.write(kind.file, "# own\n"), self.home.path / f"second-{kind.name}")
                self.assert_refused_unchanged(kind, "has 2 names (hard links)")

    def test_a_file_with_an_access_control_list(self):
        """A new file without the list would give the group the rights that the list's mask has."""
        for kind in KINDS:
            with self.subTest(kind=kind.name):
                path = self.home.write(kind.file, "# own\n")
                subprocess.run(["setfacl", "-m", "u:1:r", path], check=True)
                self.assert_refused_unchanged(kind, "has an access control list")
                subprocess.run(["setfacl", "-b", path], check=True)
                self.assert_written(self.write(kind))

    def test_a_file_that_other_users_can_write(self):
        for kind in KINDS:
            with self.subTest(kind=kind.name):
                path = self.home.write(kind.file, "# own\n", mode=0o666)
                self.assert_refused_unchanged(kind, f"every user can write it; run: chmod o-w {path.resolve()}")

    def test_a_file_that_is_too_long(self):
        for kind in KINDS:
            with self.subTest(kind=kind.name):
                with self.path(kind).open("wb") as file:
                    file.truncate(64 * 1024 * 1024)
                self.assert_refused_unchanged(kind, str(self.path(kind).resolve()))
                self.path(kind).write_bytes(b"#" + b"x" * 500 + b"\n" + b"# own\n" * 100000)
                self.assert_written(self.write(kind))

    def test_too_many_backups(self):
        for kind in KINDS:
            self.home.write(kind.file, "# own\n")
            self.home.write(kind.file + BACKUP, "")
            for number in range(1, 100):
                self.home.write(f"{kind.file}{BACKUP}.{number}", "")
            self.assert_refused_unchanged(kind, "no backup can be written beside it: File exists")

    def test_eight_writers_at_once(self):
        """Each of eight commands adds its service. A lock lets them write one after the other."""
        self.home.write(POSTGRES.file, "# own\n")
        running = [subprocess.Popen(
            [str(word) for word in self.argv(POSTGRES, "--service", f"s{i}")], stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, env=self.home.env(None), cwd=self.home.path) for i in range(8)]
        for each in running:
            _, errors = each.communicate(timeout=120)
            self.assertEqual((each.returncode, errors), (0, b""))
        text = self.path(POSTGRES).read_text()
        for i in range(8):
            self.assertEqual(text.count(f"\n[s{i}]\n"), 1)
        self.assertEqual(text.count("passfile="), 8)

    def test_a_lock_that_is_not_released(self):
        self.home.write(MYSQL.file, "# own\n")
        descriptor = os.open(self.home.path, os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        started = time.monotonic()
        self.assert_refused_unchanged(MYSQL, "another setup of rds-iam is running; try again later")
        self.assertGreater(time.monotonic() - started, 9)

    def test_another_program_changes_the_file_meanwhile(self):
        """A debugger stops the command before it gives the new file its name. Meanwhile the debugger's shell command
        writes to the old file."""
        self.home.write(MYSQL.file, "# own\n")
        script = self.home.write("change.gdb", "\n".join([
            "set pagination off", "set breakpoint pending on", "catch syscall fsync", "run", "continue", "continue",
            f"shell printf '# changed\\n' >>{self.path(MYSQL)}", "delete", "continue", ""]))
        arguments = [str(word) for word in self.argv(MYSQL)]
        result = self.home.run(["gdb", "-nx", "-q", "-batch", "-x", script, "--args", *arguments], None)
        self.assertIn("another program has just changed it, so nothing was added; try again", result.stdout + result.stderr)
        self.assertEqual(self.path(MYSQL).read_text(), "# own\n# changed\n")
        self.assertEqual(sorted(self.files()), [".my.cnf", "change.gdb"])

    def test_a_file_that_would_exceed_the_size_limit(self):
        """A limit on the size of files stands in for a full disk. The command leaves no temporary file behind."""
        for kind in KINDS:
            with self.subTest(kind=kind.name):
                self.home.write(kind.file, "# own\n" * 200)
                limit = ["prlimit", "--fsize=512", "--"]
                self.assert_refused_unchanged(kind, "no backup can be written beside it: File too large", under=limit)
                self.home.write(kind.file, "#" * 510 + "\n")
                self.assert_refused_unchanged(kind, "cannot be replaced and is unchanged: File too large", under=limit)
                self.path(kind).unlink()

    def test_a_ca_file_that_cannot_be_read(self):
        pg = self.lab.pg
        for argv in (["mysql", "--ssl-ca", "/no/ca"],
                     ["postgres", "--hostname", pg.host, "--username", "u", "--dbname", "d", "--ca", "/no/ca"]):
            result = self.home.run([tool(), "setup", *argv, "--write"], None)
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertIn("/no/ca: cannot be read, so n", result.stderr)
        self.assertEqual(self.files(), {})

    def test_missing_values_are_named_all_at_once(self):
        for given, missing in (([], "--hostname, --username, --dbname"), (["--username", "u"], "--hostname, --dbname"),
                               (["--hostname", "h", "--dbname", "d"], "--username")):
            with self.subTest(given=given):
                result = self.home.run([tool(), "setup", "postgres", *given, "--write"], None)
                self.assertEqual((result.returncode, result.stderr), (
                    2, f"rds-iam: missing: {missing}; see rds-iam setup postgres --help\n"))
        self.assertEqual(self.files(), {})


class OtherUsers(WriteCase):
    """Tests that need root: files and directories of another user, a full disk, and a mounted file. The commands run as
    root or as an ordinary user."""

    def test_as_another_user(self):
        nobody = pwd.getpwnam("nobody")
        self.home.path.chmod(0o755)
        for kind in KINDS:
            with self.subTest(kind=kind.name):
                path = self.home.write(kind.file, "# own\n", mode=0o644)
                before = self.files()
                self.assert_refused_unchanged(
                    kind, f"{path.resolve()}: belongs to uid 0 and not to you", before, under=ORDINARY)
                path.unlink()
                self.assert_refused_unchanged(kind, "cannot be replaced and is unchanged: Permission denied", {},
                                              under=ORDINARY)
                own = self.home.path / f"home-{kind.name}"
                own.mkdir()
                os.chown(own, nobody.pw_uid, nobody.pw_gid)
                self.assert_refused_unchanged(
                    kind, f"the new file would belong to root, but its directory belongs to uid {nobody.pw_uid}", {},
                    HOME=str(own))
                own.rmdir()

    def test_an_unwritable_directory(self):
        """The user's own file in a directory of root: neither a backup nor the file is written."""
        owner = pwd.getpwnam("nobody").pw_uid
        self.home.path.chmod(0o755)
        for kind in KINDS:
            with self.subTest(kind=kind.name):
                path = self.home.write(kind.file, "# own\n")
                os.chown(path, owner, -1)
                self.assert_refused_unchanged(
                    kind, "no backup can be written beside it: Permission denied",
                    under=ORDINARY)

    def test_a_full_disk(self):
        """The files are on a file system of two pages, which the test fills."""
        for kind in KINDS:
            with self.subTest(kind=kind.name):
                place = self.home.path / f"disk-{kind.name}"
                place.mkdir()
                script = ('mount -t tmpfs -o size=8k,mode=700 none "$1" && printf "# own\\n" >"$1/$2" && '
                          'dd if=/dev/zero of="$1/filler" bs=4096 count=64 2>/dev/null; shift 2; "$@"; status=$?; '
                          'ls -A "$HOME"; cat "$HOME"/.[mp]*; exit $status')
                result = self.home.run(["unshare", "--mount", "sh", "-c", script, "sh", place, kind.file,
                                        *self.argv(kind)], None, HOME=str(place))
                self.assertEqual(result.returncode, 1, result)
                self.assertEqual(result.stdout, f"{kind.file}\nfiller\n# own\n")
                self.assertIn("No space left on device", result.stderr)

    def test_a_mounted_file(self):
        """Containers mount single files. A rename cannot replace such a file."""
        for kind in KINDS:
            with self.subTest(kind=kind.name):
                path, other = self.home.write(kind.file, "# own\n"), self.home.write("mounted", "# mounted\n")
                script = 'mount --bind "$1" "$2" && shift 2 && "$@"; status=$?; cat "$HOME"/.[mp]*; exit $status'
                result = self.home.run(["unshare", "--mount", "sh", "-c", script, "sh", other, path,
                                        *self.argv(kind)], None)
                self.assertEqual((result.returncode, result.stdout), (1, "# mounted\n"))
                self.assertIn("cannot be replaced and is unchanged: Device or resource busy; add the lines yourself",
                              result.stderr)
                self.assertEqual(sorted(pathlib.Path(self.home.path).glob(kind.file + "*")), [path])
                path.unlink()


if os.geteuid() != 0:
    del OtherUsers
if __name__ == "__main__":
    harness.main()
