# SPDX-License-Identifier: MIT
"""`rds-iam setup mysql --write` and `rds-iam setup postgres --write`: the written file lets an unchanged client log
in; a second run changes nothing; and no byte of the user's own lines changes. test_setup_refusals.py shows what is
refused."""
import contextlib
import os
import stat
import subprocess
from typing import NamedTuple

from labcase import USER, LabCase, harness
from mariadb_client import WHO
from service import agent_program, await_true

SUFFIX = "--defaults-group-suffix=-rds"
BACKUP = ".rds-iam-backup"


def tool():
    return harness.installed("bin/rds-iam")


class Kind(NamedTuple):
    """One of the two commands."""

    name: str
    file: str  # the file that the command writes
    group: str  # the name of the section in this file


MYSQL = Kind("mysql", ".my.cnf", "client-rds")
POSTGRES = Kind("postgres", ".pg_service.conf", "rds")
KINDS = (MYSQL, POSTGRES)


class WriteCase(LabCase):
    def argv(self, kind, *more):
        pg = self.lab.pg
        own = {
            "mysql": ["--ssl-ca", self.lab.ca_file],
            "postgres": ["--hostname", pg.host, "--port", pg.port, "--username", USER, "--dbname",
                         self.lab.database_name, "--ca", self.lab.ca_file],
        }[kind.name]
        return [tool(), "setup", kind.name, *own, "--write", *more]

    def write(self, kind, *more, under=(), **extra):
        return self.home.run([*under, *self.argv(kind, *more)], principal=None, **extra)

    def path(self, kind):
        return self.home.path / kind.file

    def files(self):
        """Returns the names and contents of all regular files in the home, without symbolic links."""
        return {path.relative_to(self.home.path).as_posix(): path.read_bytes()
                for path in sorted(self.home.path.rglob("*")) if path.is_file() and not path.is_symlink()}

    def assert_written(self, result):
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def assert_refused_unchanged(self, kind, message, before=None, **extra):
        """Runs the command, which must fail with this message and change nothing in the home."""
        before = self.files() if before is None else before
        result = self.write(kind, **extra)
        self.assertEqual((result.returncode, result.stdout), (1, ""), result.stderr)
        self.assertIn(message, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertTrue(result.stderr.startswith("rds-iam: "), result.stderr)
        self.assertEqual(self.files(), before)


class Logins(WriteCase):
    def mariadb(self, *options, **extra):
        mariadb = self.lab.mariadb
        return self.home.run(
            ["mariadb", *options, "-h", mariadb.host, "-P", mariadb.port, "-u", USER, "-N", "-e", WHO], **extra)

    def assert_logged_in(self, result):
        self.assertRegex(result.stdout, rf"^{USER}@%\s+TLS_", result.stderr)

    def test_mariadb(self):
        self.assert_written(self.write(MYSQL))
        self.assert_logged_in(self.mariadb(SUFFIX))
        self.assert_logged_in(self.mariadb(MARIADB_GROUP_SUFFIX="-rds"))
        self.assert_accepted(2)

    def test_mariadb_on_a_machine_that_logs_in_to_rds_only(self):
        self.assert_written(self.write(MYSQL, "--all-servers"))
        self.assert_logged_in(self.mariadb())
        self.assert_accepted()

    def test_a_local_server_without_tls(self):
        """Without --defaults-group-suffix, a login to a local server works as before. With the lines under [client],
        the client refuses to log in to it, even over a Unix socket."""
        with self.local_server() as server:
            local = ["mariadb", *server, "-N", "-e", "select 1"]
            self.assertEqual(self.home.run(local).stdout, "1\n", "control: without any option file")
            self.assert_written(self.write(MYSQL))
            result = self.home.run(local)
            self.assertEqual((result.stdout, result.stderr), ("1\n", ""))
            self.path(MYSQL).unlink()
            self.assert_written(self.write(MYSQL, "--all-servers"))
            self.assertIn("SSL is required", self.home.run(local).stderr)

    @contextlib.contextmanager
    def local_server(self):
        """Starts a MariaDB server without TLS and without networking. Yields a client's options."""
        data = self.home.path / "server"
        owner = ["--user=root"] if os.geteuid() == 0 else []
        small = ["--innodb-log-file-size=4M", "--innodb-buffer-pool-size=8M", "--innodb-use-native-aio=0"]
        made = self.home.run(["mariadb-install-db", "--no-defaults", f"--datadir={data}", *owner, *small,
                              "--auth-root-authentication-method=normal", "--skip-test-db"], timeout=300)
        self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
        socket = data / "s"
        log = (self.home.path / "server.log").open("wb")
        server = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "/usr/sbin/mariadbd", "--no-defaults", *owner, *small,
             f"--datadir={data}", "--skip-networking", "--skip-ssl", "--socket=s"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.home.env(None), cwd=self.home.path)
        try:
            await_true(socket.exists, lambda: (self.home.path / "server.log").read_text(errors="replace"))
            yield [f"--socket={socket}", "--user=root"]
        finally:
            server.kill()
            server.wait()
            log.close()

    def psql(self, *under, **extra):
        return self.home.run([*under, "psql", "-XAtwc", "select current_user", "service=rds"], **extra)

    def test_psql_with_the_agent(self):
        self.assert_written(self.write(POSTGRES))
        self.assertEqual(self.home.run([agent_program(), "--once"]).returncode, 0)
        result = self.psql(principal=None)
        self.assertEqual(result.stdout, f"{USER}\n", result.stderr)
        self.assert_accepted()

    def test_psql_under_exec(self):
        self.assert_written(self.write(POSTGRES))
        result = self.psql(tool(), "exec", "--")
        self.assertEqual(result.stdout, f"{USER}\n", result.stderr)
        self.assert_accepted()

    def test_psql_with_a_file_that_already_has_services(self):
        """The entry is correct even after a last line without a newline, and after lines that end as on Windows."""
        for own in (b"[other]\nhost=h", b"[other]\r\nhost=h\r\n", b"[other]\r\nhost=h", b"# text", b"\n\n"):
            with self.subTest(own=own):
                self.path(POSTGRES).write_bytes(own)
                self.assert_written(self.write(POSTGRES))
                result = self.psql(tool(), "exec", "--")
                self.assertEqual(result.stdout, f"{USER}\n", result.stderr)
                found = self.home.run([tool(), "lint"], PGSERVICEFILE=str(self.path(POSTGRES))).stdout
                self.assertIn(": 0 errors, " if b"\r" in own else ": 0 errors, 0 warnings", found)
                self.path(POSTGRES).unlink()

    def test_a_file_that_pgservicefile_names(self):
        where = {"PGSERVICEFILE": str(self.home.path / "services")}
        self.assert_written(self.write(POSTGRES, **where))
        self.assertFalse(self.path(POSTGRES).exists())
        result = self.psql(tool(), "exec", "--", **where)
        self.assertEqual(result.stdout, f"{USER}\n", result.stderr)

    def test_the_ca_store_is_used(self):
        """The commands use a store in the home. Without a store, they fail and name the command that installs one."""
        pg = self.lab.pg
        argv = [tool(), "setup", "postgres", "--hostname", pg.host, "--port", pg.port, "--username", USER,
                "--dbname", self.lab.database_name, "--write"]
        config = {"XDG_CONFIG_HOME": str(self.home.path / ".config")}
        for command in (argv, [tool(), "setup", "mysql", "--write"]):
            result = self.home.run(command, None, **config)
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertRegex(result.stderr, "^rds-iam: .*; run: rds-iam setup ca\n$")
        self.assertEqual(self.files(), {})
        ca = self.home.write(".config/rds-iam/rds-ca.pem", self.lab.ca_file.read_text(), mode=0o644)
        self.assert_written(self.home.run(argv, None, **config))
        self.assertIn(f"\nsslrootcert={ca}\n", self.path(POSTGRES).read_text())
        result = self.psql(tool(), "exec", "--", **config)
        self.assertEqual(result.stdout, f"{USER}\n", result.stderr)
        self.assert_written(self.home.run([tool(), "setup", "mysql", "--write"], None, **config))
        self.assert_logged_in(self.mariadb(SUFFIX))

    def test_the_root_certificates_of_the_host(self):
        """An RDS Proxy has a certificate of the public CAs. A name that is not an RDS endpoint is reported."""
        for name in ("rds-ca.pem", "rds-ca-public.pem"):
            self.home.write(f".config/rds-iam/{name}", self.lab.ca_file.read_text(), mode=0o644)
        store = self.home.path / ".config/rds-iam"
        for host, name, warning in (
                ("p.proxy-abcdefghijkl.eu-west-1.rds.amazonaws.com", "rds-ca-public.pem", ""),
                ("d.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com", "rds-ca.pem", ""),
                ("db.example.com", "rds-ca.pem", "db.example.com is not an RDS endpoint")):
            with self.subTest(host=host):
                result = self.home.run(
                    [tool(), "setup", "postgres", "--hostname", host, "--username", "u", "--dbname", "d"], None,
                    XDG_CONFIG_HOME=str(self.home.path / ".config"))
                self.assertIn(f"\nsslrootcert={store / name}\n", result.stdout)
                self.assertEqual(warning in result.stderr, True)
                self.assertEqual(result.stderr == "", warning == "", result.stderr)


class Contents(WriteCase):
    def test_a_new_file(self):
        for kind in KINDS:
            with self.subTest(kind=kind.name):
                old = os.umask(0)
                try:
                    result = self.write(kind)
                finally:
                    os.umask(old)
                self.assert_written(result)
                text = self.path(kind).read_text()
                self.assertEqual(stat.S_IMODE(self.path(kind).stat().st_mode), 0o600)
                lines = text.splitlines()
                self.assertEqual(lines[0], f"[{kind.group}]")
                self.assertTrue(result.stdout.startswith(
                    f"--- /dev/null\n+++ {self.path(kind).resolve()}\n@@ -0,0 +1,{len(lines)} @@\n"
                    + "".join(f"+{line}\n" for line in lines)), result.stdout)
                self.assertNotIn("The old file", result.stdout)
        self.assertEqual(sorted(self.files()), sorted(kind.file for kind in KINDS))

    def test_a_second_run_changes_nothing(self):
        for kind in KINDS:
            for own in (None, b"[a]\nhost=h", b"# x\r\n\r\n"):
                with self.subTest(kind=kind.name, own=own):
                    if own is not None:
                        self.path(kind).write_bytes(own)
                    self.assert_written(self.write(kind))
                    before, files = self.path(kind).stat(), self.files()
                    result = self.write(kind)
                    self.assert_written(result)
                    line = files[kind.file].split(b"[" + kind.group.encode())[0].count(b"\n") + 1
                    path = self.path(kind).resolve()
                    self.assertRegex(result.stdout, rf"^{path}:{line}: \[{kind.group}\] already has these "
                                                    r"(lines|settings); nothing was changed\n$")
                    after = self.path(kind).stat()
                    self.assertEqual((before.st_mtime_ns, before.st_ino), (after.st_mtime_ns, after.st_ino))
                    self.assertEqual(self.files(), files)
                    for path in self.home.path.glob(kind.file + "*"):
                        path.unlink()

    def test_the_users_own_bytes(self):
        """The new file begins with the old bytes, and the backup contains only the old bytes. An empty line separates
        the old lines from the new ones. If the last old line has no newline, one is added. No old line is printed,
        because it may be a password."""
        many = b"".join(b"[s%d]\nhost=h\n" % i for i in range(2000))
        for kind in KINDS:
            for own in (b"", b"[a]\npassword=hunter2\n", b"[a]\npassword=hunter2", b"[a]\r\npassword=hunter2\r\n",
                        b"[a]\r\npassword=hunter2", b"\xff\xfe[\x80]\n\x01\n", b"\n\n\n", b" ", many):
                with self.subTest(kind=kind.name, own=own[:40]):
                    self.path(kind).write_bytes(own)
                    result = self.write(kind)
                    self.assert_written(result)
                    added = b"" if own.endswith(b"\n") or not own else b"\n"
                    added += b"\n" if own else b""
                    whole = self.path(kind).read_bytes()
                    self.assertTrue(whole.startswith(own + added + b"[%s]\n" % kind.group.encode()), whole)
                    backup = self.home.path / (kind.file + BACKUP)
                    self.assertEqual(backup.read_bytes(), own)
                    self.assertIn(f"The old file is {backup.resolve()}\n", result.stdout)
                    self.assertEqual("had no newline" in result.stdout, added.startswith(b"\n\n"))
                    self.assertNotIn("hunter2", result.stdout)
                    first = own.count(b"\n") + (0 if not own or own.endswith(b"\n") else 1)
                    shown = [line for line in result.stdout.splitlines() if line[:1] == "+"][1:]
                    self.assertIn(f"@@ -{first},0 +{first + 1},{len(shown)} @@\n", result.stdout)
                    self.assertEqual("".join(line[1:] + "\n" for line in shown).encode(),
                                     whole[len(own) + (1 if added.startswith(b"\n\n") else 0):])
                    backup.unlink()

    def test_a_backup_is_never_overwritten(self):
        for kind in KINDS:
            self.path(kind).write_bytes(b"# own\n")
            for number, name in enumerate(("", ".1", ".2")):
                with self.subTest(kind=kind.name, name=name):
                    before = self.files()
                    self.assert_written(self.write(kind))
                    after = self.files()
                    self.assertEqual(set(after) - set(before), {kind.file + BACKUP + name})
                    self.assertEqual(after[kind.file + BACKUP + name], before[kind.file])
                    for old in set(before) - {kind.file}:
                        self.assertEqual(after[old], before[old])
                    self.path(kind).write_bytes(b"# own %d\n" % number)
            (self.home.path / (kind.file + BACKUP)).unlink()
            (self.home.path / (kind.file + BACKUP)).symlink_to("victim")
            self.assert_written(self.write(kind))
            self.assertFalse((self.home.path / "victim").exists(), "a link was followed")
            for path in self.home.path.glob(kind.file + "*"):
                path.unlink()

    def test_a_backup_with_the_same_contents_is_used_again(self):
        """A run that was killed can leave such a backup. A backup with other contents or another mode is not used."""
        for kind in KINDS:
            backup = self.home.path / (kind.file + BACKUP)
            for text, mode, names in ((b"# own\n", 0o600, [BACKUP]), (b"# owl\n", 0o600, [BACKUP, BACKUP + ".1"]),
                                      (b"# own\n", 0o640, [BACKUP, BACKUP + ".1"])):
                with self.subTest(kind=kind.name, text=text, mode=mode):
                    self.home.write(kind.file, "# own\n")
                    backup.write_bytes(text)
                    backup.chmod(mode)
                    before = backup.stat()
                    result = self.write(kind)
                    self.assert_written(result)
                    self.assertIn(f"The old file is {self.path(kind).resolve()}{names[-1]}\n", result.stdout)
                    self.assertEqual(sorted(p.name for p in self.home.path.glob(kind.file + BACKUP + "*")),
                                     [kind.file + name for name in names])
                    after = backup.stat()
                    self.assertEqual((after.st_ino, after.st_mtime_ns), (before.st_ino, before.st_mtime_ns))
                    for path in self.home.path.glob(kind.file + "*"):
                        path.unlink()

    def test_mode_owner_and_group(self):
        """The new file and the backup get the mode, the owner and the group of the old file. The umask does not change
        the mode. Only root can give the old file another group, so other users test only their own group."""
        groups = [-1] + ([5, 60] if os.geteuid() == 0 else [])
        for kind in KINDS:
            for mode in (0o600, 0o644, 0o640, 0o400):
                for group in groups:
                    with self.subTest(kind=kind.name, mode=mode, group=group):
                        path = self.home.write(kind.file, "# own\n", mode=mode)
                        os.chown(path, -1, group)
                        before = path.stat()
                        old = os.umask(0o077)
                        try:
                            self.assert_written(self.write(kind))
                        finally:
                            os.umask(old)
                        for each in (path, self.home.path / (kind.file + BACKUP)):
                            after = each.stat()
                            self.assertEqual((after.st_mode, after.st_uid, after.st_gid),
                                             (before.st_mode, before.st_uid, before.st_gid))
                            each.unlink()

    def test_the_default_access_control_list_of_the_directory(self):
        """The list does not let another user read the file or the backup."""
        paths = {kind: self.home.write(kind.file, "# own\n", mode=0o640) for kind in KINDS}
        given = harness.run(["setfacl", "-d", "-m", "u:65534:rw", self.home.path])
        self.assertEqual(given.returncode, 0, given.stderr)
        control = self.home.write("control", "")
        self.assertIn("system.posix_acl_access", os.listxattr(control), "control: new files have a list")
        for kind, path in paths.items():
            with self.subTest(kind=kind.name):
                self.assert_written(self.write(kind))
                for each in (path, self.home.path / (kind.file + BACKUP)):
                    self.assertEqual(os.listxattr(each), [])
                    self.assertEqual(stat.S_IMODE(each.stat().st_mode), 0o640)

    def test_a_symbolic_link(self):
        """The link stays, and its target is replaced, in the directory of the target."""
        for kind in KINDS:
            with self.subTest(kind=kind.name):
                target = self.home.write(f"dotfiles/{kind.name}", "# own\n")
                middle = self.home.path / f"middle-{kind.name}"
                middle.symlink_to(f"dotfiles/{kind.name}")
                self.path(kind).symlink_to(middle.name)
                result = self.write(kind)
                self.assert_written(result)
                self.assertTrue(self.path(kind).is_symlink() and middle.is_symlink())
                self.assertTrue(target.read_text().startswith(f"# own\n\n[{kind.group}]\n"))
                self.assertEqual((target.parent / (kind.name + BACKUP)).read_text(), "# own\n")
                self.assertIn(f"+++ {target.resolve()}\n", result.stdout)
                self.assertIn("nothing was changed", self.write(kind).stdout)

    def test_home_is_relative_or_not_set(self):
        """A HOME that is not an absolute path is refused. Without HOME, the home directory of the passwd entry is used,
        which libnss_wrapper supplies here."""
        for home, message in (("relative", "is not known; set HOME to an absolute path"),):
            for kind in KINDS:
                with self.subTest(kind=kind.name, home=home):
                    self.assert_refused_unchanged(kind, message, HOME=home, XDG_RUNTIME_DIR=str(self.home.path))
        for kind in KINDS:
            text = self.home.run(
                ["env", "-u", "HOME", *self.argv(kind)], None, NSS_WRAPPER_PASSWD=str(self.home.write(
                    "passwd", f"me:x:{os.geteuid()}:{os.getegid()}::{self.home.path}:/bin/sh\n")),
                NSS_WRAPPER_GROUP=str(self.home.write("group", f"me:x:{os.getegid()}:\n")),
                XDG_RUNTIME_DIR=str(self.home.path))
            self.assertEqual(text.returncode, 0, text.stderr)
            self.assertTrue(self.path(kind).exists(), text.stdout)

    def test_a_full_stdout_is_reported_and_the_file_is_written(self):
        for kind in KINDS:
            with self.subTest(kind=kind.name), open("/dev/full", "w", encoding="utf-8") as full:
                result = subprocess.run(
                    ["stdbuf", "-o0", *map(str, self.argv(kind))], stdout=full, stderr=subprocess.PIPE, text=True,
                    env=self.home.env(), timeout=60, check=False)
                self.assertEqual((result.returncode, result.stderr), (1, "rds-iam: cannot write the whole output to stdout\n"))
                self.assertIn(f"[{kind.group}]\n", self.path(kind).read_text())

    def test_a_service_file_whose_path_is_too_long(self):
        self.assert_refused_unchanged(
            POSTGRES, "PGSERVICEFILE: the path is too long; shorten it", PGSERVICEFILE="/" + "x" * 5000)


if __name__ == "__main__":
    harness.main()
