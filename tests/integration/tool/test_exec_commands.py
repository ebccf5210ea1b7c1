# SPDX-License-Identifier: MIT
"""rds-iam exec in front of each kind of command, for PostgreSQL and MySQL clients: services, shells, build tools,
programs that cannot load the preload; and the environment of the command, compared with the text of --help."""
import os
import pathlib
import re
import shutil

from cloud import needs_root
from labcase import USER, LabCase, harness
import ways

ME = f"{USER}@%"
NOBODY = 65534
PRINTS_ENVIRONMENT = """
#include <stdio.h>
extern char **environ;
int main(void)
{
    for (char **at = environ; *at != NULL; at++) {
        puts(*at);
    }
    return 0;
}
"""


class CommandCase(LabCase):
    tool = harness.installed("bin/rds-iam")

    def clients(self):
        """Returns, for each of three clients, its command line in shell syntax and what it prints after a login."""
        pg, mysql = self.lab.pg, self.lab.mariadb
        return {
            "psql": (f"psql -XAtw -h {pg.host} -p {pg.port} -U {USER} -c 'select current_user' {self.lab.database_name}",
                     USER + "\n"),
            "mariadb": (f"mariadb -h {mysql.host} -P {mysql.port} -u {USER} -N -e 'select current_user()'", ME + "\n"),
            "libmariadb": (f"{ways.PROGRAMS / 'says_who'} {mysql.host} {mysql.port} {USER} ''", ME + "\n"),
        }

    def start(self, *own):
        return [self.tool, "exec", *(own or ("--ca", self.lab.ca_file)), "--"]

    def assert_both_log_in(self, *before, environment=None, own=(), **extra):
        """Checks that each client logs in. `before` starts a shell; the client's command line is its last argument."""
        for name, (line, printed) in self.clients().items():
            with self.subTest(client=name):
                seen = len(self.verdicts())
                argv = [*self.start(*own), *before, line]
                result = (self.home.run(argv, **extra) if environment is None
                          else harness.run(argv, env=environment, cwd="/"))
                self.assertEqual((result.stdout, result.stderr), (printed, ""))
                self.assertEqual([v["reason"] for v in self.verdicts()[seen:]], [None])


class Commands(CommandCase):
    def test_a_shell(self):
        self.assert_both_log_in("sh", "-c")

    def test_a_shell_that_replaces_itself_and_one_in_the_background(self):
        for name, (line, printed) in self.clients().items():
            for script in (f"exec {line}", f"{line} & wait", f"( ( {line} ) | cat )", f"x=`{line}`; echo $x"):
                with self.subTest(client=name, script=script):
                    result = self.home.run([*self.start(), "bash", "-c", script])
                    self.assertEqual((result.stdout, result.stderr), (printed, ""))

    def test_a_script_and_an_interactive_shell(self):
        for name, (line, printed) in self.clients().items():
            with self.subTest(client=name):
                script = self.home.write("script", f"#!/bin/bash\nset -eu\n{line}\n", 0o700)
                result = self.home.run([*self.start(), script])
                self.assertEqual((result.stdout, result.stderr), (printed, ""))
                result = self.home.run([*self.start(), "bash", "--norc", "-i"], stdin=line + "\nexit\n", PS1="")
                self.assertIn(printed, result.stdout, result.stderr)

    def test_a_build_tool(self):
        for name, (line, printed) in self.clients().items():
            with self.subTest(client=name):
                self.home.write("Makefile", f"all: one\none:\n\t@{line}\n")
                result = self.home.run([*self.start(), "make", "-s", "-j2"])
                self.assertEqual((result.stdout, result.stderr), (printed, ""))

    def test_wrappers(self):
        for wrapper in (("nice",), ("timeout", "60"), ("env", "A=1"), ("setsid", "-w"), ("xargs", "-0", "-a", "/dev/null")):
            with self.subTest(wrapper=wrapper[0]):
                self.assert_both_log_in(*wrapper, "sh", "-c")

    def test_exec_inside_exec(self):
        self.assert_both_log_in(*self.start(), "sh", "-c")
        self.assert_both_log_in("sh", "-c", 'exec "$@"', "sh", self.tool, "exec", "--", "sh", "-c")

    def test_a_service_with_the_least_environment(self):
        """The command runs as systemd's ExecStart= runs a service: without HOME and USER (the second time also without
        PATH), and with / as the working directory."""
        given = self.home.env("etl")
        for leave_out in (("HOME",), ("HOME", "PATH")):
            least = {name: value for name, value in given.items() if name not in leave_out}
            with self.subTest(without=leave_out):
                self.assert_both_log_in("/bin/sh", "-c", environment=least)

    @needs_root
    def test_a_service_of_another_user(self):
        least = {name: value for name, value in self.home.env("etl").items() if name != "HOME"}
        user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        self.assert_both_log_in(*user, "/bin/sh", "-c", environment=least)
        for name, (line, printed) in self.clients().items():
            with self.subTest(client=name, order="exec as the other user"):
                result = harness.run([*user, *self.start(), "/bin/sh", "-c", line], env=least, cwd="/")
                self.assertEqual((result.stdout, result.stderr), (printed, ""))

    def test_the_option_ca_serves_both_engines(self):
        """The store contains another CA, with which the logins to both engines would fail."""
        for name in ("rds-ca.pem", "rds-ca-public.pem"):
            self.home.write(".config/rds-iam/" + name, self.lab.other_ca_file.read_text())
        self.assert_both_log_in("sh", "-c")
        for name, (line, printed) in self.clients().items():
            result = self.home.run([self.tool, "exec", "--", "sh", "-c", line])
            self.assertNotEqual(result.stdout, printed, "control: the CA of the store")
        self.home.write(".config/rds-iam/rds-ca.pem", self.lab.ca_file.read_text())
        for name, (line, printed) in self.clients().items():
            result = self.home.run([self.tool, "exec", "--", "sh", "-c", line])
            self.assertEqual(result.stdout, printed, result.stderr)

    def test_commands_that_cannot_be_run(self):
        directory = self.home.path / "directory"
        directory.mkdir()
        for command, status, reason in ((directory, 126, "Permission denied"), ("/", 126, "Permission denied"),
                                        ("", 127, "No such file or directory"),
                                        ("no-such-command", 127, "No such file or directory"),
                                        ("/etc/passwd/x", 126, "Not a directory")):
            with self.subTest(command=command):
                result = self.home.run([*self.start(), command])
                self.assertEqual((result.returncode, result.stdout, result.stderr),
                                 (status, "", f"rds-iam: cannot run {command}: {reason}\n"))


class MoreRights(CommandCase):
    """The loader ignores LD_PRELOAD in a program that runs with more rights than its caller."""

    def privileged(self, program, mode=0o4755):
        """Makes a copy of a program. The copy belongs to another user and has this mode."""
        path = self.home.path / pathlib.Path(program).name
        shutil.copy(program, path)
        os.chown(path, NOBODY, NOBODY)
        path.chmod(mode)
        return path

    @needs_root
    def test_a_warning_names_the_program_and_no_token_is_sent(self):
        pg, mysql = self.lab.pg, self.lab.mariadb
        words = {
            "/usr/bin/mariadb": ("-h", mysql.host, "-P", mysql.port, "-u", USER, "-e", "select 1"),
            str(next(pathlib.Path("/usr/lib/postgresql").glob("*/bin/psql"))): (
                "-XAtw", "-h", pg.host, "-p", pg.port, "-U", USER, "-c", "select 1", self.lab.database_name),
        }
        for program, arguments in words.items():
            for mode in (0o4755, 0o2755):
                with self.subTest(program=program, mode=mode):
                    path = self.privileged(program, mode)
                    result = self.home.run([*self.start(), path, *arguments])
                    self.assertIn(f"rds-iam: warning: {path} runs with more rights than its caller (set-user-ID, "
                                  "set-group-ID or capabilities) and cannot load librds-iam-pq.so, so it makes no tokens; ",
                                  result.stderr)
                    self.assertNotEqual(result.returncode, 0)
        self.assert_nothing_sent()

    @needs_root
    def test_a_program_that_only_root_can_read(self):
        """sudo has this mode on some systems. rds-iam runs as another user, who may run the program but not read it."""
        path = self.privileged("/usr/bin/env", 0o4111)
        os.chown(path, 0, 0)
        path.chmod(0o4111)
        shutil.chown(self.home.path, NOBODY)
        self.home.path.chmod(0o755)
        user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        result = self.home.run([*user, *self.start(), path])
        self.assertIn(f"rds-iam: warning: {path} runs with more rights than its caller", result.stderr)
        self.assertIn("PGSSLMODE=verify-full\n", result.stdout)
        path.chmod(0o111)
        result = self.home.run([*user, *self.start(), path])
        self.assertEqual(result.returncode, 0)
        self.assertNotIn("more rights", result.stderr, "control")

    @needs_root
    def test_no_warning_where_no_rights_are_gained(self):
        path = self.privileged("/usr/bin/env")
        result = self.home.run(["setpriv", "--no-new-privs", *self.start(), path])
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertNotIn("PGSSLMODE", result.stdout)
        mounted = self.home.path / "mounted"
        mounted.mkdir()
        for option in ("nosuid", "suid"):
            script = f'mount -t tmpfs -o {option} none {mounted} && cp -p {path} {mounted}/env && exec "$@"'
            result = self.home.run(["unshare", "--mount", "sh", "-c", script, "sh", *self.start(), mounted / "env"])
            if "mount" in result.stderr and result.returncode == 32:
                self.skipTest("no file system can be mounted here")
            self.assertEqual("more rights" in result.stderr, option == "suid", result.stderr)
            self.assertEqual("PGSSLMODE" in result.stdout, option == "suid")

    @needs_root
    def test_control_the_same_copies_without_the_mode_cause_no_warning(self):
        """A copy without a set-ID mode, and a set-user-ID copy that belongs to the caller, cause no warning. A
        set-user-ID copy of another user gets PGSSLMODE."""
        path = self.privileged("/usr/bin/env", 0o755)
        result = self.home.run([*self.start(), path])
        self.assertEqual(result.stderr, "")
        path = self.privileged("/usr/bin/env")
        result = self.home.run([*self.start(), path])
        self.assertIn("PGSSLMODE=verify-full\n", result.stdout)
        os.chown(path, 0, 0)
        path.chmod(0o4755)
        self.assertEqual(self.home.run([*self.start(), path]).stderr, "", "root's own program gives root no rights")


class Environment(CommandCase):
    """The changes in the environment of a command are those of the table in --help."""

    def compile(self, name, *command):
        path = self.home.path / name
        result = harness.run([*command, "-x", "c", "-o", path, "-"], stdin=PRINTS_ENVIRONMENT)
        self.assertEqual(result.returncode, 0, result.stderr)
        return path

    @staticmethod
    def parse(text):
        return dict(line.split("=", 1) for line in text.splitlines())

    def changed(self, program, *own, **extra):
        """Returns the names of the variables that differ from the environment of rds-iam itself."""
        before = {**self.home.env("etl"), "LD_PRELOAD": "", **extra}
        result = self.home.run([self.tool, "exec", *own, "--", program], **{"LD_PRELOAD": "", **extra})
        self.assertEqual(result.returncode, 0, result.stderr)
        after = self.parse(result.stdout)
        self.assertEqual(set(before) - set(after), set(), "no variable is removed")
        return {name for name, value in after.items() if before.get(name) != value}

    def test_the_table_is_complete(self):
        text = self.home.run([self.tool, "exec", "--help"]).stdout
        table = set(re.findall(r"^  ([A-Z][A-Z_]+)  ", text, re.M))
        always = {"LD_PRELOAD", "LIBMYSQL_PLUGINS", "LIBMYSQL_PLUGIN_DIR", "MARIADB_PLUGIN_DIR", "RDS_IAM_LOG"}
        ca = ("--ca", self.lab.ca_file)
        ours = {"RDS_IAM_CA", "RDS_IAM_CA_PUBLIC"}
        apart = {"PGSSLMODE", "PGGSSENCMODE"}
        asan = self.compile("asan", "gcc", "-fsanitize=address")
        static = self.compile("static", "gcc", "-static")
        musl = self.compile("musl", "musl-gcc")
        for program, own, extra, expected in (
                ("env", (), {}, always),
                ("env", ca, {}, always | ours),
                ("env", (), {"RDS_IAM_LOG": "1"}, always - {"RDS_IAM_LOG"}),
                ("env", ca, {"PGSSLROOTCERT": "/a"}, always | ours),
                (asan, (), {}, always | {"ASAN_OPTIONS"}),
                (static, (), {}, always | apart),
                (static, ca, {"PGSSLROOTCERT": "/a"}, always | ours | apart | {"PGSSLROOTCERT"}),
                (musl, ca, {}, ours | apart | {"RDS_IAM_LOG", "PGSSLROOTCERT"}),
                (musl, (), {"PGSSLMODE": "prefer", "PGGSSENCMODE": "prefer"}, {"RDS_IAM_LOG"})):
            with self.subTest(program=program, own=own, extra=extra):
                found = self.changed(program, *own, **extra)
                self.assertEqual(found, expected)
                table -= found
        self.assertEqual(table, {"MYSQL_HOME", "MARIADB_HOME"}, "every other row was seen")

    def test_the_preload_sets_the_home_variables_of_a_command_line_tool(self):
        server = self.lab.mariadb
        words = ("mariadb", "-P", server.port, "-u", USER)
        shown = {}
        for host, more in ((server.host, {"MARIADB_HOME": ""}), (None, {"MYSQL_HOST": "127.0.0.1"})):
            argv = [*self.start(), *words, *(("-h", host) if host else ("-u", "native_user")), "-e", "system env"]
            password = {} if host else {"MYSQL_PWD": self.lab.passwords["native_user"]}
            result = self.home.run(argv, **more, **password)
            self.assertEqual(result.returncode, 0, result.stderr)
            shown[host] = self.parse(result.stdout)
        for variable in ("MYSQL_HOME", "MARIADB_HOME"):
            self.assertEqual(shown[server.host][variable], str(ways.preload().parent / "in-memory"))
        self.assertFalse(pathlib.Path(shown[server.host]["MYSQL_HOME"]).exists())
        self.assertEqual([name for name in shown[None] if name.endswith("_HOME")], [])

    def test_the_help_shows_no_tls_options(self):
        """The help contains no TLS option of a client, and its lines have at most 80 columns."""
        text = self.home.run([self.tool, "exec", "--help"]).stdout
        self.assertNotIn("--ssl", text, "the examples need no TLS options")
        for line in text.splitlines():
            self.assertLessEqual(len(line), 80, line)


class Cost(CommandCase):
    def test_a_program_without_a_client_library_maps_no_object_of_rds_iam_except_the_preload(self):
        result = self.home.run([*self.start(), "cat", "/proc/self/maps"])
        self.assertIn("librds-iam-pq.so", result.stdout, "control")
        for name in ("libcrypto", "libssl", "rds-iam-pq-token", "rds-iam-mysql-host"):
            self.assertNotIn(name, result.stdout)


if __name__ == "__main__":
    harness.main()
