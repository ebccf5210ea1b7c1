# SPDX-License-Identifier: MIT
"""Programs that start without some of the descriptors 0 to 2, or that close their stderr themselves.

The next file that such a program opens gets the number of a missing descriptor. The product must not write a log line
into that file. Most tests run a program with RDS_IAM_LOG=1. The program writes a file, which must have the same content
as if the program had a stderr. As a control, the same program also runs with a stderr, where the log line does appear.
"""
import re

from labcase import USER, harness
from mariadb_client import MariadbCase
from service import agent_program

SIGNED = re.compile(r"rds-iam: signed for ")
CLOSINGS = ("2>&-", ">&- 2>&-", "<&- 2>&-", "<&- >&- 2>&-", ">&-", "<&-")
NO_STDOUT = "could not open stdout for appending"

# A script that closes its stderr, as a daemon does, and then opens its dump, which becomes descriptor 2.
CLOSES_IT = """
import os, sys
%(before)s
os.close(2)
dump = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC %(flags)s)
assert dump == 2
os.set_inheritable(2, True)
os.write(dump, b"first\\n")
%(login)s
os.write(dump, b"last\\n")
"""
IMPORT = {"psycopg2": "import psycopg2", "MySQLdb": "import MySQLdb"}
LOGIN = {
    "psycopg2": 'psycopg2.connect("")',
    "MySQLdb": 'MySQLdb.connect(host="%(host)s", port=%(port)d, user="%(user)s", read_default_group="client")',
}


class ClosedCase(MariadbCase):
    def setUp(self):
        super().setUp()
        pg = self.lab.pg
        self.postgresql = {
            "PGHOST": pg.host, "PGPORT": str(pg.port), "PGUSER": USER, "PGDATABASE": self.lab.database_name,
            "PGSSLROOTCERT": str(self.lab.ca_file)}
        self.dump = self.home.path / "dump"

    def run_closed(self, closing, argv, **extra):
        """Runs argv from a shell that first closes descriptors. Returns (result, content of the dump or None)."""
        self.dump.unlink(missing_ok=True)
        result = self.home.run(
            ["sh", "-c", f'exec "$@" {closing}', "sh", *argv], **{"RDS_IAM_LOG": "1", **extra})
        text = self.dump.read_text(errors="replace") if self.dump.exists() else None
        # pg_dump writes a new random key after \restrict and \unrestrict in each run.
        return result, text and re.sub(r"(?m)^(\\(?:un)?restrict) .*", r"\1", text)

    @staticmethod
    def under_exec(*argv):
        return [harness.installed("bin/rds-iam"), "exec", "--", *argv]

    def mariadb_dump(self, *options):
        return self.argv("--skip-dump-date", f"--result-file={self.dump}", *options, "shop",
                         program="mariadb-dump", query=None)

    def assert_dumps_are_complete(self, argv, closings=CLOSINGS, **extra):
        result, whole = self.run_closed("", argv, **extra)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, SIGNED, "control: with a stderr, the line appears")
        self.assertGreater(len(whole), 100)
        self.assertNotRegex(whole, SIGNED)
        for closing in closings:
            with self.subTest(closing=closing):
                result, dump = self.run_closed(closing, argv, **extra)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(dump, whole)


class UnderExec(ClosedCase):
    def without_stdout(self):
        """Returns the entries of CLOSINGS that close stdout, if pg_dump fails with them even without rds-iam; else
        an empty list. pg_dump 16 and later reopens its stdout even with -f."""
        closings = [closing for closing in CLOSINGS if re.search(r"(^| )>&-", closing)]
        self.assertEqual(len(closings), 3)
        argv = ["sh", "-c", 'exec "$@" >&-', "sh", "pg_dump", "-w", "-h", self.home.path, "-f", self.dump]
        alone = self.home.run(argv)
        self.assertEqual(alone.returncode, 1)
        return closings if NO_STDOUT in alone.stderr else []

    def test_pg_dump(self):
        argv = self.under_exec("pg_dump", "-w", "--data-only", "-f", self.dump)
        refused = self.without_stdout()
        self.assert_dumps_are_complete(
            argv, [closing for closing in CLOSINGS if closing not in refused], **self.postgresql)
        for closing in refused:
            with self.subTest(closing=closing):
                result, dump = self.run_closed(closing, argv, **self.postgresql)
                self.assertEqual((result.returncode, dump or ""), (1, ""))
                self.assertEqual(NO_STDOUT in result.stderr, "2>&-" not in closing, "same as without rds-iam exec")

    def test_psql_with_its_output_in_a_file(self):
        self.assert_dumps_are_complete(
            self.under_exec("psql", "-XAtw", "-o", self.dump, "-c", "select repeat('x', 200)"), **self.postgresql)

    def test_mariadb_dump(self):
        self.assert_dumps_are_complete(self.under_exec(*self.mariadb_dump()))

    def test_a_shell_under_exec_closes_descriptors(self):
        for closing in ("2>&-", "<&- 2>&-", "<&- >&- 2>&-"):
            if closing in self.without_stdout():
                continue
            script = f"pg_dump -w --data-only -f {self.dump}"
            self.assert_dumps_are_complete(self.under_exec("sh", "-c", script), closings=(), **self.postgresql)
            _, whole = self.run_closed("", self.under_exec("sh", "-c", script), **self.postgresql)
            result, dump = self.run_closed("", self.under_exec("sh", "-c", f"{script} {closing}"), **self.postgresql)
            self.assertEqual((result.returncode, dump), (0, whole), result.stderr)

    def test_warnings_of_exec_itself(self):
        """Without a CA, rds-iam exec and the preload print a warning."""
        settings = {**self.postgresql, "PGSSLROOTCERT": "", "RDS_IAM_LOG": "warning"}
        argv = self.under_exec("psql", "-XAtw", "-h", self.lab.pg.host, "-L", self.dump, "-c", "select 1")
        result, _ = self.run_closed("", argv, **settings)
        self.assertIn("rds-iam: warning: not connected: no usable root certificates", result.stderr, "control")
        for closing in CLOSINGS:
            with self.subTest(closing=closing):
                _, dump = self.run_closed(closing, argv, **settings)
                self.assertNotIn("rds-iam: ", dump or "")

    def test_closed_descriptors_of_the_command_become_the_null_device(self):
        script = (f"import os; open({str(self.dump)!r}, 'w').write(' '.join(os.readlink(f'/proc/self/fd/{{fd}}')"
                  " for fd in range(3)))")
        for closing in CLOSINGS:
            with self.subTest(closing=closing):
                argv = self.under_exec("/usr/bin/python3", "-S", "-c", script)
                found = self.run_closed(closing, argv)[1].split()
                self.assertEqual(found[0], "/dev/null", "by harness.run(), or by exec if the shell has closed it")
                self.assertEqual(found[1] == "/dev/null", closing != "2>&-" and " >&-" in " " + closing, found)
                self.assertEqual(found[2] == "/dev/null", "2>&-" in closing, found)

    def test_a_write_to_a_closed_stdout_is_still_an_error(self):
        result = self.home.run(["sh", "-c", 'exec "$@" >&-', "sh", *self.under_exec("env")])
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("write error", result.stderr)

    def test_a_stderr_that_is_a_file_gets_the_log(self):
        """The shell that starts rds-iam exec redirects stderr to the file, or a shell under rds-iam exec does."""
        inner = f"psql -XAtwc 'select 1' 2>{self.dump}"
        for closing, argv in ((f"2>{self.dump}", self.under_exec("psql", "-XAtwc", "select 1")),
                              (f"2>>{self.dump}", self.under_exec("psql", "-XAtwc", "select 1")),
                              ("", self.under_exec("sh", "-c", inner)),
                              ("2>&-", self.under_exec("sh", "-c", inner))):
            with self.subTest(closing=closing, argv=argv[-1]):
                result, text = self.run_closed(closing, argv, **self.postgresql)
                self.assertEqual(result.stdout, "1\n", text)
                self.assertRegex(text, SIGNED)


class ClosesItself(ClosedCase):
    """Most programs here close their stderr themselves, and their dump becomes descriptor 2."""

    def script(self, driver, before, flags=""):
        place = {"host": self.lab.mariadb.host, "port": self.lab.mariadb.port, "user": USER}
        login = LOGIN[driver] % place
        text = CLOSES_IT % {"before": "\n".join(["", IMPORT[driver], *before]), "flags": flags, "login": login}
        return ["/usr/bin/python3", "-c", text.replace("LOGIN", login), self.dump]

    def assert_dump_is_complete(self, argv, expects_log, **extra):
        result, dump = self.run_closed("", argv, **extra)
        self.assertEqual((result.returncode, dump), (0, "first\nlast\n"), result.stderr)
        self.assertEqual(bool(SIGNED.search(result.stderr)), expects_log, result.stderr)

    def test_under_exec_before_and_after_the_first_login(self):
        for driver in LOGIN:
            for before, expects_log in (((), False), (("LOGIN",), True)):
                for flags in ("", "| os.O_APPEND", "| os.O_CLOEXEC"):
                    with self.subTest(driver=driver, before=before, flags=flags):
                        self.assert_dump_is_complete(
                            self.under_exec(*self.script(driver, before, flags)), expects_log, **self.postgresql)

    def test_a_plugin_alone(self):
        """Without rds-iam exec, no preload sees the start of the program. If the program opens its dump before its
        first login, the plugin recognizes the dump only by its close-on-exec flag, which Python sets."""
        for before, inheritable, expects_log in (((), False, False), (("LOGIN",), True, True),
                                                 (("LOGIN",), False, True)):
            with self.subTest(before=before, inheritable=inheritable):
                script = self.script("MySQLdb", before)
                script[2] = script[2].replace("set_inheritable(2, True)", f"set_inheritable(2, {inheritable})")
                self.assert_dump_is_complete(script, expects_log)

    def test_a_plugin_alone_in_mariadb_dump(self):
        self.assert_dumps_are_complete(self.mariadb_dump())

    def test_a_plugin_alone_beside_a_connection_to_a_local_server(self):
        """The connection to the local server is descriptor 2. A log line in this connection would break its
        protocol."""
        script = "\n".join([
            "import os, socket, MySQLdb",
            f"path = {str(self.home.path / 's')!r}",
            "listener = socket.socket(socket.AF_UNIX); listener.bind(path); listener.listen()",
            "os.close(2)",
            "client = socket.socket(socket.AF_UNIX); client.set_inheritable(True); client.connect(path)",
            "assert client.fileno() == 2",
            "server, _ = listener.accept()",
            LOGIN["MySQLdb"] % {"host": self.lab.mariadb.host, "port": self.lab.mariadb.port, "user": USER},
            "client.shutdown(socket.SHUT_WR)",
            "print(server.recv(100))"])
        result, _ = self.run_closed("", ["/usr/bin/python3", "-c", script])
        self.assertEqual(result.stdout, "b''\n", result.stderr)
        self.assert_accepted()

    def test_a_plugin_alone_logs_to_a_stderr_that_is_a_file(self):
        for redirection in ("2>", "2>>"):
            with self.subTest(redirection=redirection):
                result, text = self.run_closed(f"{redirection}{self.dump}", self.argv())
                self.assertEqual(result.returncode, 0, text)
                self.assertRegex(text, SIGNED)


class Programs(ClosedCase):
    """If rds-iam's own programs start without the descriptors 0 to 2, they open /dev/null as these descriptors.
    No other file, socket or pipe gets one of these numbers."""

    def opened(self, argv, **extra):
        trace = self.home.path / "trace"
        self.home.run(
            ["strace", "-f", "-qq", "-e", "trace=openat,socket,socketpair,pipe2,dup,memfd_create,inotify_init1",
             "-o", trace, "sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *argv], **extra)
        lines = trace.read_text().splitlines()
        # The loader closes its files before main(). main() begins with this open().
        start = next(i for i, line in enumerate(lines) if re.search(r'"/dev/null", O_RDWR\) = 0$', line))
        first = lines[start].split()[0]
        return [line for line in lines[start + 1:] if line.split()[0] == first]

    def test_no_program_opens_a_file_as_descriptor_0_to_2(self):
        token = ["token", "--hostname", self.lab.pg.host, "--port", "5432", "--username", "u"]
        tool = harness.installed("bin/rds-iam")
        fetch = harness.installed("libexec/rds-iam/rds-iam-fetch")
        agent = [agent_program(), "--directory", self.home.path / "run"]
        self.home.write(".pg_service.conf", "[a]\nhost=b\n")
        for argv in ([tool, *token], [tool, "credentials"], [tool, "credentials", "--explain"], [tool, "lint"],
                     [tool, "setup", "mysql"], [tool, "exec", "--", "/no/such/program"], [fetch],
                     [*agent, "--once"], [*agent, "--status"]):
            with self.subTest(argv=argv[1:] or argv):
                opened = self.opened(argv)
                filled = [line for line in opened if re.search(r"\) = [012]$", line)]
                self.assertEqual([re.search(r'"(.*)"', line).group(1) for line in filled], ["/dev/null"] * 2, filled)
                for line in opened:
                    self.assertNotRegex(line, r"\[[012][,\]]", "an end of a pipe or a socket pair")


if __name__ == "__main__":
    harness.main()
