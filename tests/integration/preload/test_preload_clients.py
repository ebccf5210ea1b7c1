# SPDX-License-Identifier: MIT
"""Unchanged libpq programs under rds-iam exec, before and after their first token has expired. The control is
the same program without the preload: with a token as its password, or without a password."""
import contextlib
import os
import pty
import select
import subprocess
import time

from labcase import USER, LabCase, harness
from mariadb_client import credentials_file
from service import Services
import ways

DEADLINE_SECONDS = 60
# While a test holds this advisory lock, a restore that creates the index waits.
LOCK = 4711
SLOW_INDEX = f"""
create function wait_for_test(n integer) returns integer immutable language plpgsql as $$
begin perform pg_advisory_lock({LOCK}); perform pg_advisory_unlock({LOCK}); return n; end $$;
create table things (n integer primary key);
insert into things values (1);
create index waiting on things (wait_for_test(n));
"""
PSYCOPG = """
import itertools, sys, {module} as driver
for line in itertools.chain(["first"], sys.stdin):
    connection = driver.connect("{conninfo}")
    cursor = connection.cursor()
    cursor.execute("select current_user")
    print(cursor.fetchone()[0], flush=True)
    connection.close()
"""
# The program declares libpq's functions itself, as libpq's header does. It is not linked with libpq.
CFFI = """
import cffi, ctypes.util, os, sys
ffi = cffi.FFI()
ffi.cdef("typedef struct conn conn; conn *PQconnectdb(const char *); void PQreset(conn *); char *PQuser(conn *);"
         "int PQstatus(conn *); char *PQerrorMessage(conn *);")
pq = ffi.dlopen(ctypes.util.find_library("pq"))
conn = pq.PQconnectdb(os.environ["CONNINFO"].encode())
def report():
    print(ffi.string((pq.PQerrorMessage if pq.PQstatus(conn) else pq.PQuser)(conn)).decode(), flush=True)
report()
for line in sys.stdin:
    pq.PQreset(conn)
    report()
"""
CTYPES = """
import ctypes, os, sys
pq = ctypes.CDLL("libpq.so.5")
pq.PQuser.restype = pq.PQerrorMessage.restype = ctypes.c_char_p
pq.PQconnectdb.restype = ctypes.c_void_p
for name in ("PQuser", "PQstatus", "PQerrorMessage", "PQreset"):
    getattr(pq, name).argtypes = [ctypes.c_void_p]
conn = pq.PQconnectdb(os.environ["CONNINFO"].encode())
def report():
    print((pq.PQerrorMessage if pq.PQstatus(conn) else pq.PQuser)(conn).decode(), flush=True)
report()
for line in sys.stdin:
    pq.PQreset(conn)
    report()
"""
RUBY = """
require "pg"
connection = PG.connect(ENV.fetch("CONNINFO"))
$stdout.sync = true
puts connection.exec("select current_user").getvalue(0, 0)
while STDIN.gets
  connection.reset
  puts connection.exec("select current_user").getvalue(0, 0)
end
"""
PERL = """
use DBI; $| = 1;
my $line = "first";
while (defined $line) {
    my $handle = DBI->connect("dbi:Pg:$ENV{CONNINFO}", "", "", {RaiseError => 1});
    print $handle->selectrow_array("select current_user"), "\\n";
    $handle->disconnect;
    $line = <STDIN>;
}
"""
PHP = """
$connection = pg_connect(getenv("CONNINFO"));
if ($connection) { echo pg_fetch_row(pg_query($connection, "select current_user"))[0], "\\n"; }
"""


class ClientCase(LabCase):
    def setUp(self):
        super().setUp()
        pg = self.lab.pg
        self.environment = {
            "PGHOST": pg.host, "PGPORT": str(pg.port), "PGUSER": USER, "PGDATABASE": "work",
            "PGSSLROOTCERT": str(self.lab.ca_file), "PGSSLMODE": "verify-full"}  # fmt: skip
        self.old_token = {"PGPASSWORD": self.lab.token("etl", pg, USER)}
        self.exec = [harness.installed("bin/rds-iam"), "exec", "--"]

    def run_client(self, *argv, stdin=None, **extra):
        return self.home.run([*self.exec, *argv], stdin=stdin, **{**self.environment, **extra})

    def start(self, *argv, under=None, principal="etl", **extra):
        """Starts a client that keeps running. It is killed at the end of the test at the latest."""
        command = [*(self.exec if under is None else under), *argv]
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *(str(a) for a in command)], cwd=self.home.path,
            env=self.home.env(principal, **{**self.environment, **extra}), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.close, process)
        return process

    def expire_tokens(self):
        self.lab.expire_tokens()

    @staticmethod
    def close(process):
        process.kill()
        process.communicate()


class Languages(ClientCase):
    """Each client except PHP logs in twice in one process, the second time after its first token has expired."""

    def assert_twice(self, *argv, **extra):
        process = self.start(*argv, **extra)
        line = process.stdout.readline().strip()
        self.assertEqual(line, USER, line or process.communicate()[1])
        self.lab.expire_tokens()
        output, errors = process.communicate("again\n", timeout=DEADLINE_SECONDS)
        self.assertEqual((output.strip(), process.returncode), (USER, 0), errors)
        self.assert_accepted(2)

    def test_psycopg2(self):
        self.assert_twice("/usr/bin/python3", "-c", PSYCOPG.format(module="psycopg2", conninfo=""))

    def test_psycopg3(self):
        """Debian's psycopg has no C extension. It looks up libpq's functions with ctypes."""
        script = PSYCOPG.format(module="psycopg", conninfo=f"host={self.lab.pg.host} user={USER}")
        script += "assert driver.pq.__impl__ == 'python', driver.pq.__impl__\n"
        del self.environment["PGHOST"], self.environment["PGUSER"]
        self.assert_twice("/usr/bin/python3", "-c", script)
        result = self.home.run(["/usr/bin/python3", "-c", script], stdin="", **self.environment)
        self.assertIn("no password supplied", result.stderr, "control: without the preload")
        self.assert_accepted(2)

    def test_psycopg3_with_an_entry(self):
        conninfo, named = ways.forms(self.home, self.lab)["entry"]
        self.assert_twice("/usr/bin/python3", "-c", PSYCOPG.format(module="psycopg", conninfo=conninfo), **named)

    def test_programs_that_look_up_libpqs_functions_connect_and_reset(self):
        for script in (CFFI, CTYPES):
            argv = ["/usr/bin/python3", "-c", script]
            with self.subTest(script=script.split()[1]):
                self.lab.clock(0)
                self._seen = len(self.lab.journal())
                self.assert_twice(*argv, CONNINFO="application_name=lookup")
                result = self.home.run(argv, stdin="", CONNINFO="", **self.environment)
                self.assertIn("no password supplied", result.stdout, "control: without the preload")
                self.lab.clock(0)
                self.assert_refused_reset(argv)

    def assert_refused_reset(self, argv):
        """Checks the control of a reset: without the preload the login works, and the reset sends an expired token."""
        old_token = {"PGPASSWORD": self.lab.token("etl", self.lab.pg, USER)}
        process = self.start(*argv, under=[], CONNINFO="", **old_token)
        self.assertEqual(process.stdout.readline().strip(), USER)
        self.lab.expire_tokens()
        output, errors = process.communicate("again\n", timeout=DEADLINE_SECONDS)
        self.assertIn("PAM authentication failed", output, errors)
        self.assert_refused("Expired")

    def test_ruby_pg_connects_and_resets(self):
        self.assert_twice("ruby", "-e", RUBY, CONNINFO="application_name=ruby")

    def test_perl_dbd_pg(self):
        self.assert_twice("perl", "-e", PERL, CONNINFO="")

    def test_php_logs_in_with_the_preload_or_the_agent(self):
        """PHP 8.2 loads its modules with RTLD_DEEPBIND, so no preload reaches them, not even the one that resolves
        the lab's names. PHP 8.4 of Debian 13 loads its modules without that flag, so the preload reaches them."""
        services = Services(self.home)
        services.add("prod", hostaddr="127.0.0.1", dbname="work")
        argv = ["php", "-r", PHP]
        major, minor = self.run_client(
            "php", "-r", "echo PHP_MAJOR_VERSION, ' ', PHP_MINOR_VERSION;").stdout.split()
        is_reached = (int(major), int(minor)) >= (8, 4)
        result = self.run_client(*argv, CONNINFO="service=prod")
        if is_reached:
            self.assertEqual(result.stdout.strip(), USER, result.stderr)
        else:
            self.assertIn("no password supplied", result.stdout + result.stderr)
        self.assertEqual(services.fill().returncode, 0)
        result = self.run_client(*argv, CONNINFO="service=prod")
        self.assertEqual(result.stdout.strip(), USER, result.stderr)
        self.assert_accepted(1 + is_reached)


class Terminal:
    """psql on a terminal, where psql continues after an error."""

    def __init__(self, case, under, principal="etl", **extra):
        self.master, slave = pty.openpty()
        self.text = ""
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *(str(a) for a in under), "psql", "-XAtq", "-P", "pager=off"],
            env=case.home.env(principal, TERM="dumb", **{**case.environment, **extra}), cwd=case.home.path,
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        case.addCleanup(self.end)

    def say(self, line):
        """Enters a line."""
        os.write(self.master, (line + "\n").encode())

    def await_text(self, *texts):
        """Reads until the output since the last call contains one of the texts. Returns that output."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not any(text in self.text for text in texts):
            if not select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"none of {texts} in {self.text!r}")
            self.text += os.read(self.master, 65536).decode()
        found, self.text = self.text, ""
        return found

    def end(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


class Psql(ClientCase):
    def test_psql_connects_again_after_its_token_has_expired(self):
        script = "\\c shop\nselect current_database();\n"
        process = self.start("psql", "-XAtq")
        process.stdin.write("select 'in';\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), "in\n")
        self.lab.expire_tokens()
        output, errors = process.communicate(script, timeout=DEADLINE_SECONDS)
        self.assertEqual(output, "shop\n", errors)
        self.assert_accepted(2)

    def lose_connection(self, terminal):
        """Lets the token expire and ends the server process. Returns the result of psql's reset."""
        terminal.say("select 'i' || 'n';")
        terminal.await_text("in\r\n")
        self.expire_tokens()
        terminal.say("select pg_terminate_backend(pg_backend_pid());")
        return terminal.await_text("Succeeded.", "Failed.")

    def test_a_lost_connection_is_reset(self):
        terminal = Terminal(self, self.exec)
        self.assertIn("Attempting reset: Succeeded.", self.lose_connection(terminal))
        self.assert_accepted(2)

    def test_control_without_the_preload_the_reset_fails(self):
        terminal = Terminal(self, [], **self.old_token)
        self.assertIn("Attempting reset: Failed.", self.lose_connection(terminal))
        self.assert_refused("Expired")

    def test_a_password_account_logs_in_as_without_the_preload(self):
        result = self.run_client("psql", "-XAtwc", "select current_user", PGUSER="scram_user",
                                 PGPASSWORD=self.lab.passwords["scram_user"], PGDATABASE="shop")
        self.assertEqual(result.stdout, "scram_user\n", result.stderr)
        line = f"{self.lab.pg.host}:*:*:scram_user:{self.lab.passwords['scram_user']}\n"
        self.home.write(".pgpass", line)
        result = self.run_client("psql", "-XAtwc", "select current_user", PGUSER="scram_user", PGDATABASE="shop")
        self.assertEqual(result.stdout, "scram_user\n", result.stderr)
        self.assertEqual(self.verdicts(), [])

    def test_a_password_that_prevents_a_token_is_reported_and_not_printed(self):
        host = self.lab.pg.host
        end = f" is sent to {host}, so no token is sent; remove it if {USER} logs in with IAM\n"
        given = "rds-iam: warning: the program's own password (PGPASSWORD, or a setting)" + end
        line = f"rds-iam: warning: the password in the passfile {self.home.path}/.pgpass" + end
        result = self.run_client("psql", "-XAtwc", "select 1", PGPASSWORD="another-one")
        self.assertIn(given, result.stderr)
        self.assertNotIn("another-one", result.stderr)
        self.assertNotIn(given, self.run_client("psql", "-XAtwc", "select 1").stderr, "control")
        self.home.write(".pgpass", "*:*:*:*:another-one\n")
        result = self.run_client("psql", "-XAtwc", "select 1")
        self.assertIn(line, result.stderr)
        self.assertNotIn("another-one", result.stderr)
        result = self.run_client("psql", "-XAtwc", "select 1", PGHOST="db.example.com", PGPASSWORD="another-one")
        self.assertNotIn("is sent to", result.stderr, "not an RDS endpoint")

    def test_passwords_of_other_hosts_in_the_list_are_used(self):
        """The passfile has a password for the first of two hosts, which both lead to one server. If the first host's
        port is closed, the second host gets a token. If it is open, the first host gets the password."""
        pg = self.lab.pg
        own = self.lab.passwords["scram_user"]
        self.home.write(".pgpass", f"db.example.com:*:*:*:{own}\n")
        hosts = f"db.example.com,{pg.host}"
        argv = ["psql", "-XAtwc", "select current_user"]
        result = self.run_client(*argv, PGHOST=hosts, PGPORT=f"1,{pg.port}")
        self.assertEqual(result.stdout.strip(), USER, result.stderr)
        self.assert_accepted()
        result = self.run_client(*argv, PGHOST=hosts, PGPORT=f"{pg.port},1", PGUSER="scram_user", PGDATABASE="shop")
        self.assertEqual(result.stdout.strip(), "scram_user", result.stderr)
        self.assert_accepted()

    def test_an_old_token_in_the_environment_or_the_passfile(self):
        """The lab's server treats the token as expired, although the times in the token are valid. The preload replaces
        the token, because the token's identity is that of rds-iam's credentials."""
        self.lab.expire_tokens()
        result = self.run_client("psql", "-XAtwc", "select 1", **self.old_token)
        self.assertEqual(result.stdout, "1\n", result.stderr)
        token = self.old_token["PGPASSWORD"].replace(":", "\\:")
        self.home.write(".pgpass", f"*:*:*:*:{token}\n")
        result = self.run_client("psql", "-XAtwc", "select 1")
        self.assertEqual(result.stdout, "1\n", result.stderr)
        self.assert_accepted(2)

    def test_a_valid_token_of_another_identity_is_sent_with_any_own_credentials(self):
        ours = [name for name in self.lab.principals if name not in ("etl", "etl-renewed")]
        self.assertIn("etl-session", ours)
        for principal in ours:
            with self.subTest(principal=principal):
                result = self.home.run([*self.exec, "psql", "-XAtwc", "select 1"], principal, **self.environment,
                                       **self.pasted())
                self.assertEqual(result.stdout, "1\n", result.stderr)
                verdict = self.verdicts()[-1]
                self.assertEqual((verdict["reason"], verdict["principal"]), (None, "etl"))

    def test_a_valid_token_is_sent_twice_with_an_older_one_in_the_passfile(self):
        pasted = self.pasted("etl-session", at=int(time.time()) - 60)
        older = self.pasted("etl-session", at=int(time.time()) - 300)["PGPASSWORD"].replace(":", "\\:")
        self.home.write(".pgpass", f"*:*:*:*:{older}\n")
        result = self.run_client(
            "/usr/bin/python3", "-c", "import psycopg2\nfor turn in range(2): psycopg2.connect('')", **pasted)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual([v["principal"] for v in self.verdicts()], ["etl-session"] * 2)

    def test_an_expired_or_nearly_expired_token_of_another_identity_is_replaced(self):
        for age in (899, 845, 1000000):
            with self.subTest(age=age):
                result = self.run_client("psql", "-XAtwc", "select 1",
                                         **self.pasted("etl-session", at=int(time.time()) - age))
                self.assertEqual(result.stdout, "1\n", result.stderr)
                self.assertEqual(self.verdicts()[-1]["principal"], "etl")

    def test_a_valid_token_of_an_identity_that_the_process_has_used_is_replaced(self):
        """The program gives an old token after other credentials have replaced those of the token. The control is a
        program that has not logged in with the old credentials."""
        old = self.pasted(at=int(time.time()) - 60)["PGPASSWORD"]
        script = "import os, psycopg2\n%sos.replace('next', '.aws/credentials')\npsycopg2.connect(password=os.environ['OLD'])"
        for first, expected in (("psycopg2.connect('')\n", ["etl", "etl-session"]), ("", ["etl"])):
            with self.subTest(first=first):
                self.home.write(".aws/credentials", credentials_file(self.lab.principals["etl"], "default"))
                self.home.write("next", credentials_file(self.lab.principals["etl-session"], "default"))
                seen = len(self.verdicts())
                result = self.home.run([*self.exec, "/usr/bin/python3", "-c", script % first], None, **self.environment,
                                       OLD=old)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual([v["principal"] for v in self.verdicts()[seen:]], expected)

    def pasted(self, principal="etl", **how):
        return {"PGPASSWORD": self.lab.token(principal, self.lab.pg, USER, **how)}

    def test_a_pasted_token_is_sent_if_there_are_no_credentials(self):
        result = self.home.run([*self.exec, "psql", "-XAtwc", "select 1"], None, **self.environment, **self.old_token)
        self.assertEqual(result.stdout, "1\n", result.stderr)

    def test_no_token_is_in_what_libpq_reports(self):
        result = self.run_client("psql", "-XAtwc", "\\conninfo", "-c", "\\echo :HOST :PORT :USER")
        self.assertNotIn("X-Amz", result.stdout + result.stderr)
        self.assertIn(self.lab.pg.host, result.stdout)


class Replication(ClientCase):
    """pg_recvlogical with the preload and without an agent, before and after its first token has expired."""

    def receive(self, *arguments):
        return self.run_client("pg_recvlogical", "-w", "-d", "work", "--slot=preload", *arguments)

    def test_pg_recvlogical(self):
        self.lab.parameter("rds.iam_auth_for_replication", "1")
        self.addCleanup(self.lab.parameter, "rds.iam_auth_for_replication", "0")
        self.assertEqual(self.receive("--create-slot").returncode, 0)
        self.lab.expire_tokens()
        self.run_client("psql", "-XAtwc", "select pg_logical_emit_message(true, 'rds-iam', 'a change')")
        end = self.run_client("psql", "-XAtwc", "select pg_current_wal_lsn()").stdout.strip()
        received = self.receive("--start", "--file=-", f"--endpos={end}")
        self.assertIn("content:a change", received.stdout, received.stderr)
        self.assertEqual(self.receive("--drop-slot").returncode, 0)
        self.assertEqual({(v["reason"], v["principal"]) for v in self.verdicts()}, {(None, "etl")})

    def test_control_without_the_preload_there_is_no_password(self):
        self.exec = []
        self.assertIn("no password supplied", self.receive("--create-slot").stderr)
        self.assertEqual([v for v in self.verdicts() if v["token_length"] > 0], [])


class Tools(ClientCase):
    def make_archive(self):
        result = self.run_client("psql", "-XAtqw", "-v", "ON_ERROR_STOP=1", stdin=SLOW_INDEX)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.addCleanup(self.run_client, "psql", "-XAtqwc", "drop table if exists things; drop function wait_for_test")
        return self.home.path / "archive"

    def test_pg_dump_with_jobs(self):
        archive = self.make_archive()
        result = self.run_client("pg_dump", "-w", "-Fd", "-j", "2", "-f", archive)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue((archive / "toc.dat").exists())
        self.assertEqual({v["reason"] for v in self.verdicts()}, {None})

    @contextlib.contextmanager
    def lock(self):
        """Holds the lock until the `with` block ends. The session that holds the lock logs in before the block
        begins."""
        holder = self.start("psql", "-XAtq")
        holder.stdin.write(f"select 'locked' from (select pg_advisory_lock({LOCK})) as locked;\n")
        holder.stdin.flush()
        self.assertEqual(holder.stdout.readline(), "locked\n")
        yield
        holder.communicate(timeout=DEADLINE_SECONDS)

    def await_waiting(self, process):
        """Returns True as soon as a session of the restore waits for the lock, False if `process` ends before that."""
        waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self.run_client("psql", "-XAtwc", waiting).stdout != "1\n":
            self.assertLess(time.monotonic(), deadline, "no restore waits for the lock")
            if process.poll() is not None:
                return False
        return True

    def restore(self, archive, under=None, password=dict):
        """Runs pg_restore -j. The token lives for two seconds, and expires while an index is created. Returns
        the exit status and stderr. password() is called at each start and returns environment variables."""
        for _ in range(2):
            seen, moments = len(self.lab.journal()), []
            status, errors = self.restore_once(archive, moments, under, password)
            if status == 0 or not ways.were_late(self.lab, self.lab.journal()[seen:], moments):
                break
        self.lab.token_life(None)
        return status, errors

    def restore_once(self, archive, moments, under, password):
        """Runs pg_restore once. Appends to `moments` the times at which its logins began, for ways.were_late()."""
        self.lab.token_life(None)
        with self.lock():
            self.lab.token_life(ways.TOKEN_LIFE)
            moments.append(time.time())
            process = self.start("pg_restore", "-w", "-j", "2", "--clean", "--if-exists", "-d", "work", archive,
                                 under=under, **password())
            if self.await_waiting(process):
                self.lab.await_token_end()
                moments.append(time.time())
        _, errors = process.communicate(timeout=DEADLINE_SECONDS)
        return process.returncode, errors

    def test_pg_restore_with_jobs_that_outlive_the_token(self):
        archive = self.make_archive()
        self.assertEqual(self.run_client("pg_dump", "-w", "-Fd", "-f", archive).returncode, 0)
        self.assertEqual(self.restore(archive), (0, ""))
        status, errors = self.restore(archive, [], self.pasted_token)
        self.assertEqual(status, 1, "control")
        self.assertIn("PAM authentication failed", errors)
        self.assert_refused("Expired")

    def pasted_token(self):
        return {"PGPASSWORD": self.lab.token("etl", self.lab.pg, USER)}

    def test_pgbench_with_a_connection_for_each_transaction(self):
        self.home.write("one.sql", "select 1;\n")
        result = self.run_client("pgbench", "-n", "-C", "-c", "2", "-t", "5", "-f", "one.sql")
        self.assertIn("number of transactions actually processed: 10/10", result.stdout, result.stderr)
        verdicts = self.verdicts()
        self.assertGreaterEqual(len(verdicts), 10)
        self.assertEqual({v["reason"] for v in verdicts}, {None})


if __name__ == "__main__":
    harness.main()
