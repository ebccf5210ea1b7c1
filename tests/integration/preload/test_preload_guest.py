# SPDX-License-Identifier: MIT
"""The effects of the preload on other programs: programs without libpq, programs with more rights than their
caller, the messages if no token can be made, and what remains of a token in a process."""
import json
import os
import shutil
import socket
import statistics
import subprocess
import time

from labcase import USER, LabCase, harness
import traces
import ways
from test_agent_lease import LeaseCase

# Prints the mapped libraries, and properties of the process that the preload must not change.
MAPS = """
import json, os, signal, threading
maps = {line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}
print(json.dumps([sorted(os.path.basename(m) for m in maps), threading.active_count(), len(os.listdir("/proc/self/fd")),
                  os.umask(0o22), str(signal.getsignal(signal.SIGTERM)), sorted(os.environ)]))
"""
# Interpreters that load modules with dlopen() and dlsym(), among them modules that use libpq.
INTERPRETERS = (
    ["php", "-r", "echo implode(' ', get_loaded_extensions()), ' ', function_exists('pg_connect');"],
    ["/usr/bin/python3", "-c",
     "import psycopg, psycopg2, sqlite3, ssl; print(psycopg2.__libpq_version__, psycopg.pq.version(), ssl.HAS_SNI)"],
    ["perl", "-MDBI", "-MDBD::Pg", "-MPOSIX", "-e", "print join(' ', DBI->available_drivers), $DBD::Pg::VERSION"],
    ["ruby", "-ropenssl", "-rpg", "-rfiddle", "-e",
     "puts PG.library_version, OpenSSL::VERSION, Fiddle.dlopen('libpq.so.5')['PQlibVersion'] != 0"],
    ["node", "-e", "console.log(require('crypto').createHash('sha256').update('x').digest('hex'))"],
)
# Calls functions that open or examine a file, and that the preload interposes, with a null path. The kernel rejects
# the path with EFAULT.
NULLS = """
import ctypes, sys
library = ctypes.CDLL(None, use_errno=True)
for call in sys.argv[1:]:
    name, *arguments = call.split()
    result = library[name](*[None if a == "null" else b"r" if a == "r" else int(a) for a in arguments])
    print(name, result, ctypes.get_errno())
"""
LEFT = """
import json, os, psycopg2
connection = psycopg2.connect("")
links = []
for fd in os.listdir("/proc/self/fd"):
    try:
        links.append(os.readlink("/proc/self/fd/" + fd).split(":")[0])
    except FileNotFoundError:
        pass
print(json.dumps([sorted(links), len(os.listdir("/proc/self/task")), open("/proc/self/environ").read(),
                  open("/proc/self/cmdline").read()]))
"""


class WithoutLibpq(LabCase):
    """Programs without libpq, and programs with libpq that show when a connection loads the token module,
    rds-iam-pq-token.so."""

    def test_programs_run_as_without_the_preload(self):
        for argv in (["ls", "-la", "/usr/bin"], ["cat", "/etc/passwd"], ["ls", "/no/such/directory"],
                     ["grep", "-c", "root", "/etc/passwd"], ["find", "/etc/ssl", "-name", "*.pem"]):
            with self.subTest(argv=argv):
                plain, preloaded = self.home.run(argv), self.home.run(argv, **ways.with_preload())
                self.assertEqual((preloaded.returncode, preloaded.stdout, preloaded.stderr),
                                 (plain.returncode, plain.stdout, plain.stderr))

    def test_interpreters_load_their_modules(self):
        for argv in INTERPRETERS:
            with self.subTest(argv=argv[0]):
                plain, preloaded = self.home.run(argv), self.home.run(argv, **ways.with_preload())
                self.assertEqual((plain.returncode, plain.stderr), (0, ""))
                self.assertGreater(len(plain.stdout), 10)
                self.assertEqual((preloaded.returncode, preloaded.stdout, preloaded.stderr), (0, plain.stdout, ""))

    def test_a_null_path_is_still_rejected(self):
        calls = ["open null 0", "open64 null 0", "openat -100 null 0", "openat64 -100 null 0", "__open_2 null 0",
                 "__open64_2 null 0", "__openat_2 -100 null 0", "__openat64_2 -100 null 0", "stat null null",
                 "stat64 null null", "__xstat 1 null null", "__xstat64 1 null null", "fopen null r", "fopen64 null r"]
        argv = ["/usr/bin/python3", "-S", "-c", NULLS, *calls]
        plain, preloaded = self.home.run(argv), self.home.run(argv, **ways.with_preload())
        self.assertEqual((preloaded.returncode, preloaded.stdout), (0, plain.stdout), preloaded.stderr)
        self.assertEqual(plain.stdout.count(" 14\n"), len(calls), "control")

    def test_a_process_is_unchanged_and_does_not_load_libcrypto(self):
        argv = ["/usr/bin/python3", "-S", "-c", MAPS]
        plain = json.loads(self.home.run(argv).stdout)
        preloaded = json.loads(self.home.run(argv, **ways.with_preload()).stdout)
        added = set(preloaded[0]) - set(plain[0])
        self.assertEqual(added, {ways.preload().name})
        self.assertEqual(preloaded[1:5], plain[1:5])
        self.assertEqual(set(preloaded[5]) - set(plain[5]), {"RDS_IAM_LOG"})

    def test_control_a_login_loads_the_module(self):
        script = "import psycopg2; psycopg2.connect('')" + MAPS
        pg = self.lab.pg
        result = self.home.run(
            ["/usr/bin/python3", "-c", script], PGHOST=pg.host, PGPORT=str(pg.port), PGUSER=USER,
            PGDATABASE="shop", PGSSLMODE="verify-full", PGSSLROOTCERT=str(self.lab.ca_file), **ways.with_preload())
        self.assertIn("rds-iam-pq-token.so", json.loads(result.stdout)[0], result.stderr)

    def test_a_login_with_a_password_loads_the_module_only_for_a_log(self):
        script = ("import psycopg2, sys\ntry: psycopg2.connect('')\n"
                  "except psycopg2.OperationalError as e: print(e, file=sys.stderr)\n" + MAPS)
        pg = self.lab.pg
        for words, brings in ((["env", "-u", "RDS_IAM_LOG"], False), ([], True)):
            result = self.home.run(
                [*words, "/usr/bin/python3", "-c", script], PGHOST=pg.host, PGPORT=str(pg.port), PGUSER=USER,
                PGDATABASE="shop", PGPASSWORD="another-one", PGSSLMODE="require", **ways.with_preload())
            self.assertIn("authentication failed", result.stderr)
            self.assertEqual("rds-iam-pq-token.so" in json.loads(result.stdout)[0], brings, "only with RDS_IAM_LOG")

    def test_a_constructor_that_waits_for_a_thread_that_opens_files(self):
        module = ways.PROGRAMS / "opens_as_loaded.so"
        argv = ["/usr/bin/python3", "-S", "-c", f"import ctypes; print(ctypes.CDLL('{module}').files_opened())"]
        for extra in ({}, ways.with_preload()):
            with self.subTest(preloaded=bool(extra)):
                self.assertEqual(self.home.run(argv, **extra).stdout, "8\n")

    def test_the_cost_of_a_program_start(self):
        """Prints the times, and does not check them: they depend on the machine."""
        def milliseconds(**extra):
            start = time.monotonic()
            self.home.run(["ls", "/"], **extra)
            return (time.monotonic() - start) * 1000

        plain, preloaded = [], []
        for _ in range(30):
            plain.append(milliseconds(LD_PRELOAD=""))
            preloaded.append(milliseconds(LD_PRELOAD=str(ways.preload())))
        self.assertEqual(len(preloaded), len(plain))
        print("# ls /: %.2f ms, under the preload %.2f ms" % (statistics.median(plain), statistics.median(preloaded)))


class Messages(LabCase):
    """If the environment of the program prevents a token, libpq reports that it has no password. The
    preload reports the reason."""

    def setUp(self):
        super().setUp()
        pg = self.lab.pg
        self.settings = {"PGHOST": pg.host, "PGPORT": str(pg.port), "PGUSER": USER, "PGDATABASE": "shop",
                         "PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(self.lab.ca_file)}
        self.psql = ["psql", "-XAtwc", "select 1"]

    def without_module(self):
        """Returns an environment with a copy of the preload that has a wrong name for its module."""
        content = ways.preload().read_bytes()
        path = self.home.path / "librds-iam-pq.so"
        path.write_bytes(content.replace(b"rds-iam-pq-token.so", b"rds-iam-pq-ghost.so"))
        return {"LD_PRELOAD": f"libnss_wrapper.so:{path}", "RDS_IAM_LOG": "warning"}

    def message(self):
        missing = ways.preload().parent / "rds-iam-pq-ghost.so"
        return (f"rds-iam: warning: {missing} is not installed, so logins to PostgreSQL servers get no token, and rds-iam "
                "does not verify these servers; install the package rds-iam-postgresql\n")

    def test_the_module_cannot_be_loaded(self):
        result = self.home.run(self.psql, **self.settings, **self.without_module())
        self.assertEqual(result.stderr.count(self.message()), 1, result.stderr)
        self.assertIn("no password supplied", result.stderr)
        result = self.home.run(["env", "-u", "RDS_IAM_LOG", *self.psql], **self.settings, **self.without_module())
        self.assertNotIn("rds-iam: ", result.stderr, "the log is off")
        self.assertIn("no password supplied", result.stderr)
        given = {"PGPASSWORD": "another-one"}
        result = self.home.run(self.psql, **self.settings, **self.without_module(), **given)
        self.assertNotIn("rds-iam: ", result.stderr, "a password was given, so no token is made")
        self.assertIn("authentication failed", result.stderr)
        result = self.home.run(self.psql, **self.settings, **ways.with_preload())
        self.assertEqual((result.stdout, result.stderr), ("1\n", ""), "control")

    def test_the_message_is_not_written_to_a_network_connection(self):
        """If a program closed its stderr, a connection may use descriptor 2."""
        for family in (socket.AF_INET, socket.AF_UNIX):
            with self.subTest(family=family.name):
                here, there = self.pair(family)
                with here, there:
                    subprocess.run(self.psql, stderr=there, check=False, timeout=ways.TIMEOUT_SECONDS,
                                   env=self.home.env(**self.settings, **self.without_module()), cwd=self.home.path)
                    there.close()
                    text = here.makefile().read()
                self.assertIn("no password supplied", text, "psql's own message")
                self.assertEqual(self.message() in text, family == socket.AF_UNIX, text)

    @staticmethod
    def pair(family):
        if family == socket.AF_UNIX:
            return socket.socketpair()
        with socket.create_server(("127.0.0.1", 0)) as server:
            here = socket.create_connection(server.getsockname())
            return here, server.accept()[0]

    def test_the_stack_is_too_small_and_no_thread_can_be_started(self):
        conninfo, _ = ways.forms(self.home, self.lab)["fields"]
        argv = [ways.PROGRAMS / "loads", "coroutine", ways.PROGRAMS / "connects_at_load.so", "connect_now"]
        # The limit of processes does not apply to root, so another user runs the program.
        self.home.path.chmod(0o755)
        user = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"] if os.geteuid() == 0 else []
        for limit in ([], ["prlimit", "--nproc=1"]):
            result = self.home.run([*user, *limit, *argv], CONNINFO=conninfo, **ways.with_preload())
            if limit:
                self.assertEqual(
                    result.stderr,
                    "rds-iam: warning: no token can be made: the stack is too small for it, and a thread "
                    "cannot be started: Resource temporarily unavailable; raise the limits of threads and memory "
                    "(ulimit -u and -v)\n")
                self.assertIn("failed: ", result.stdout)
            else:
                self.assertIn(f"ok {USER}", result.stdout, result.stderr)

    def test_libpq_finds_no_home_directory(self):
        empty = self.home.write("passwd", "", mode=0o644)
        nobody = {"NSS_WRAPPER_PASSWD": str(empty), "NSS_WRAPPER_GROUP": str(empty)}
        argv = ["env", "-u", "HOME", *self.psql]
        result = self.home.run(argv, **self.settings, **ways.with_preload(), **nobody)
        self.assertEqual(
            result.stderr.splitlines()[0],
            f"rds-iam: warning: no token for {USER} at {self.lab.pg.host}: libpq reads no passfile because it found "
            "no home directory; set PGPASSFILE to any name, or HOME for libpq 15 and later")
        self.assertIn("no password supplied", result.stderr)
        token = {"PGPASSWORD": self.lab.token("etl", self.lab.pg, USER)}
        result = self.home.run(argv, **self.settings, **ways.with_preload(), **nobody, **token)
        self.assertEqual((result.stdout, result.stderr), ("1\n", ""), "a token was given")
        result = self.home.run(argv, None, **self.settings, **ways.with_preload(), **nobody)
        self.assertIn("no AWS credentials", result.stderr, "only the first reason is reported")
        self.assertNotIn("PGPASSFILE", result.stderr)
        for extra in ({"PGPASSFILE": str(self.home.path / "none")}, {"HOME": str(self.home.path)}):
            with self.subTest(extra=list(extra)):
                words = [f"{name}={value}" for name, value in extra.items()]
                result = self.home.run(["env", "-u", "HOME", *words, *self.psql], **self.settings,
                                       **ways.with_preload(), **nobody)
                self.assertEqual((result.stdout, result.stderr), ("1\n", ""))


class Remains(LabCase):
    def test_no_descriptor_thread_or_token_remains(self):
        pg = self.lab.pg
        argv = ["/usr/bin/python3", "-c", LEFT]
        settings = {"PGHOST": pg.host, "PGPORT": str(pg.port), "PGUSER": USER, "PGDATABASE": "shop",
                    "PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(self.lab.ca_file)}
        token = self.lab.token("etl", pg, USER)
        stock = json.loads(self.home.run(argv, **settings, PGPASSWORD=token).stdout)
        result = self.home.run(argv, **settings, **ways.with_preload())
        self.assertEqual(result.returncode, 0, result.stderr)
        preloaded = json.loads(result.stdout)
        self.assertEqual(preloaded[:2], stock[:2])
        self.assertEqual(traces.find("".join(preloaded[2:])), [])
        self.assertIn("X-Amz-", traces.find("".join(stock[2:])), "control: the search finds a token")
        self.assert_accepted(2)

    def start_cancelled(self, port, principal, **extra):
        """Starts a program whose thread connects. The program cancels the thread when it reads a line."""
        conninfo, _ = ways.forms(self.home, self.lab)["fields"]
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", ways.PROGRAMS / "cancelled",
             conninfo.replace(f"port={self.lab.pg.port}", f"port={port}")],
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=self.home.path,
            env=self.home.env(principal, **ways.with_preload(), **extra))
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def cancel(self, process):
        process.stdin.write("\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), "cancelled\n")

    @staticmethod
    def last_line(process):
        """Returns the rest of the output. communicate() would lose text that readline() has already buffered."""
        process.wait(timeout=ways.TIMEOUT_SECONDS)
        return process.stdout.read()

    def test_cancellation_waits_until_the_token_is_made(self):
        gate = LeaseCase.gate(self)
        self.addCleanup(gate.release)
        process = self.start_cancelled(
            self.lab.pg.port, None, AWS_PROFILE="gate", AWS_CONFIG_FILE=str(self.home.path / ".aws/gate"))
        gate.await_asked()
        self.cancel(process)
        gate.open()
        # libpq opened the passfile in memory and was cancelled while it read, so the descriptor remains.
        self.assertIn("ended 1 ", self.last_line(process))

    def test_a_cancelled_thread_leaves_no_token(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            process = self.start_cancelled(server.getsockname()[1], "etl")
            peer, _ = server.accept()
            with peer:
                self.assertEqual(len(peer.recv(8)), 8, "libpq sends its TLS request and waits")
                self.cancel(process)
                self.assertEqual(self.last_line(process), "ended 1 0\n")

    def test_a_file_size_limit_does_not_end_the_program(self):
        """A write beyond the limit raises SIGXFSZ. psql has no handler for this signal, so the signal would kill it."""
        pg = self.lab.pg
        for limit, message in (("0", "cannot make a passfile in memory"), ("unlimited", USER)):
            result = self.home.run(
                ["bash", "-c", f"ulimit -f {limit}; exec psql -XAtwc 'select current_user'"],
                PGHOST=pg.host, PGPORT=str(pg.port), PGUSER=USER, PGDATABASE="shop", PGSSLMODE="verify-full",
                PGSSLROOTCERT=str(self.lab.ca_file), **ways.with_preload())
            self.assertGreaterEqual(result.returncode, 0, "psql was not killed")
            self.assertIn(message, result.stdout + result.stderr)

    def test_a_passfile_that_other_users_can_read_is_still_ignored(self):
        pg = self.lab.pg
        self.home.write(".pgpass", f"{pg.host}:*:*:scram_user:{self.lab.passwords['scram_user']}\n", mode=0o644)
        result = self.home.run(
            ["psql", "-XAtwc", "select 1", f"host={pg.host},{pg.host} port={pg.port} user=scram_user dbname=shop"],
            PGSSLMODE="verify-full", PGSSLROOTCERT=str(self.lab.ca_file), **ways.with_preload())
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("has group or world access", result.stderr)
        self.assertIn("password authentication failed", result.stderr, "control: psql had only the token")


if os.geteuid() == 0:  # only root can make a program that runs with more rights than its caller

    class Privileged(LabCase):
        def test_a_setgid_program_gets_no_token(self):
            program = self.home.path / "ways"
            shutil.copy(ways.PROGRAMS / "ways", program)
            conninfo, _ = ways.forms(self.home, self.lab)["hostaddr"]
            cases = [[program, lookup, "connectdb", conninfo] for lookup in ("linked", "dlsym")]
            for argv in cases:
                result = self.home.run(argv, **ways.with_preload())
                self.assertEqual(result.stdout, f"ok {USER}\n", result.stderr)
            os.chown(program, 0, 65534)
            program.chmod(0o2755)
            for argv in cases:
                result = self.home.run(argv, **ways.with_preload())
                self.assertIn("no password supplied", result.stdout)
                self.assertNotIn("signed", result.stderr)
            self.assert_accepted(2)


if __name__ == "__main__":
    harness.main()
