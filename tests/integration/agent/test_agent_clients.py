# SPDX-License-Identifier: MIT
"""Unchanged libpq programs with the agent. They have no AWS settings and get only the name of a service, in PGSERVICE
or as service=. Most of them run without the preload. In class Languages, each program connects before and after its
first token has expired. Other tests show what a program cannot do with a passfile alone, but can do with the
preload."""
import re

from labcase import USER, harness
from service import Services, await_true
import test_preload_clients as clients
import ways

# The second path ends like the agent's default directory, so the preload recognizes its passfiles.
DIRECTORIES = ("run", "rds-iam/run")
# A program that links libpq and calls PQreset(). Ruby cannot test a reset, because the reset of ruby-pg 1.5 and later
# begins a new connection.
PQRESET = (ways.PROGRAMS / "ways", "linked", "reset", "service=work")
RUBY = """
require "pg"
$stdout.sync = true
loop do
  connection = PG.connect
  puts connection.exec("select current_user").getvalue(0, 0)
  connection.close
  break unless STDIN.gets
end
"""
PHP = """
for ($line = "first"; $line !== false; $line = fgets(STDIN)) {
    $connection = pg_connect("service=work", PGSQL_CONNECT_FORCE_NEW);
    echo pg_fetch_row(pg_query($connection, "select current_user"))[0], "\\n";
}
"""


class AgentCase(clients.ClientCase):
    def setUp(self):
        super().setUp()
        self.services = Services(self.home)
        # hostaddr is needed because PHP's modules do not use the lab's name resolution.
        self.services.add("work", dbname="work", hostaddr="127.0.0.1")
        self.environment = {"PGSERVICE": "work"}
        self.preload, self.exec = self.exec, []
        agent = self.services.agent()
        agent.__enter__()
        self.addCleanup(agent.__exit__, None, None, None)

    def start(self, *argv, **how):
        return super().start(*argv, principal=None, **how)

    def run_client(self, *argv, stdin=None, **extra):
        return self.home.run([*self.exec, *argv], None, stdin=stdin, **{**self.environment, **extra})

    def expire_tokens(self):
        """Expires all tokens. Clients share a token for a second, so this method waits until a newer one is served."""
        passfile = self.services.passfile("work")
        before = passfile.read_text()
        self.lab.expire_tokens()
        await_true(lambda: passfile.read_text() != before)

    def assert_all_accepted(self):
        self.assertEqual({(v["reason"], v["principal"]) for v in self.verdicts()}, {(None, "etl")})


class Languages(AgentCase):
    def assert_twice(self, *argv, again="again\n", **extra):
        process = self.start(*argv, **extra)
        self.assertEqual(process.stdout.readline().strip(), USER)
        self.expire_tokens()
        output, errors = process.communicate(again, timeout=clients.DEADLINE_SECONDS)
        self.assertEqual((output.strip(), process.returncode), (USER, 0), errors)
        self.assert_accepted(2)

    def test_psycopg2(self):
        self.assert_twice("/usr/bin/python3", "-c", clients.PSYCOPG.format(module="psycopg2", conninfo=""))

    def test_psycopg3(self):
        self.assert_twice("/usr/bin/python3", "-c", clients.PSYCOPG.format(module="psycopg", conninfo=""))

    def test_ruby_pg(self):
        """ruby-pg keeps the TLS settings of an entry only if PGSERVICE names the entry: see test_agent_drivers.py."""
        self.assert_twice("ruby", "-e", RUBY)

    def test_a_reset_needs_the_preload(self):
        """The agent has credentials. The client has none."""
        for preload, expected in ((self.preload, f"ok {USER}"), ([], "PAM authentication failed")):
            process = self.start(*PQRESET, under=preload)
            self.assertEqual(process.stdout.readline(), "connected\n")
            self.expire_tokens()
            output, errors = process.communicate("again\n", timeout=clients.DEADLINE_SECONDS)
            self.assertIn(expected, output, errors)
            self.lab.clock(0)

    def test_perl_dbd_pg(self):
        self.assert_twice("perl", "-e", clients.PERL, CONNINFO="")

    def test_php(self):
        self.environment = {}
        self.assert_twice("php", "-r", PHP)

    def test_psql_connects_again(self):
        process = self.start("psql", "-XAtqw")
        process.stdin.write("select current_user;\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline().strip(), USER)
        self.expire_tokens()
        output, errors = process.communicate("\\c\nselect current_user;\n", timeout=clients.DEADLINE_SECONDS)
        self.assertEqual((output.strip(), process.returncode), (USER, 0), errors)
        self.assert_accepted(2)


class LostConnection(AgentCase):
    """psql on a terminal resets a lost connection. A reset does not read the passfile again."""

    lose_connection = clients.Psql.lose_connection

    def test_the_connection_is_reset_with_the_preload(self):
        """The agent has credentials and the client has none. The preload may print a message between psql's lines."""
        terminal = clients.Terminal(self, self.preload, None)
        self.assertRegex(self.lose_connection(terminal), "Attempting reset: .*\nSucceeded[.]|reset: Succeeded[.]")
        self.assert_accepted(2)

    def test_control_without_the_preload_a_reset_fails_and_a_new_connection_works(self):
        terminal = clients.Terminal(self, [], None)
        self.assertIn("Attempting reset: Failed.", self.lose_connection(terminal))
        self.assert_refused("Expired")
        terminal.say("\\c service=work")
        terminal.say("select 'in ' || 'again';")
        terminal.await_text("in again\r\n")
        self.assertEqual([v["reason"] for v in self.verdicts()], [None, "Expired", None])


class Tools(AgentCase):
    # Only these methods are shared: clients.Tools also contains tests.
    make_archive, lock = clients.Tools.make_archive, clients.Tools.lock
    await_waiting, restore = clients.Tools.await_waiting, clients.Tools.restore
    restore_once = clients.Tools.restore_once

    def test_pg_dump_works_with_jobs(self):
        archive = self.make_archive()
        result = self.run_client("pg_dump", "-w", "-Fd", "-j", "2", "-f", archive)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue((archive / "toc.dat").exists())
        self.assert_all_accepted()

    def test_pgbench_gets_a_token_for_the_connection_of_each_transaction(self):
        self.environment = {}
        self.home.write("one.sql", "select 1;\n")
        result = self.run_client("pgbench", "-n", "-C", "-c", "2", "-t", "5", "-f", "one.sql", "service=work")
        self.assertIn("number of transactions actually processed: 10/10", result.stdout, result.stderr)
        self.assertGreaterEqual(len(self.verdicts()), 10)
        self.assert_all_accepted()

    def test_pg_restore_with_jobs_needs_the_preload(self):
        archive = self.make_archive()
        self.assertEqual(self.run_client("pg_dump", "-w", "-Fd", "-f", archive).returncode, 0)
        status, errors = self.restore(archive)
        self.assertEqual(status, 1, "control")
        self.assertIn("reconnection failed", errors)
        self.assertIn("PAM authentication failed", errors)
        self.assert_refused("Expired")
        # The agent has credentials. The client has none.
        status, errors = self.restore(archive, under=self.preload)
        self.assertEqual(status, 0, errors)


class Renewal(clients.ClientCase):
    """Resets after the agent got other credentials, and the preload's warnings. The client has the preload and no
    credentials. If the session token of the new credentials is much longer, a new password does not fit into the memory
    block in which the connection stores the old one."""

    def profile(self, name):
        principal = self.lab.principals[name]
        return (f"[default]\naws_access_key_id = {principal.access_key}\n"
                f"aws_secret_access_key = {principal.secret_key}\naws_session_token = {principal.session_token}\n")

    def reset_after(self, first, second, directory="run"):
        """Returns what a program prints after PQreset(), and its stderr."""
        services = Services(self.home, directory)
        services.add("work", dbname="work")
        own = self.home.write("agents-credentials", self.profile(first))
        with services.agent(None, AWS_SHARED_CREDENTIALS_FILE=str(own)) as agent:
            process = self.start(*PQRESET, principal=None)
            self.assertEqual(process.stdout.readline(), "connected\n")
            before = self.date(services)
            own.write_text(self.profile(second), encoding="utf-8")
            self.lab.expire_tokens()
            agent.renew()
            self.await_renewed(services, second, before)
            return process.communicate("again\n", timeout=clients.DEADLINE_SECONDS)

    @staticmethod
    def date(services):
        return re.search("X-Amz-Date=([0-9TZ]+)", services.passfile("work").read_text())[1]

    def await_renewed(self, services, principal, before):
        """Waits for a token of the new credentials whose time is later than `before`. Until the agent has
        fetched the new credentials it uses the old ones, and the preload accepts only a token with a later second."""
        key = self.lab.principals[principal].access_key
        await_true(lambda: key in services.passfile("work").read_text() and self.date(services) > before)

    def test_a_longer_token_fits(self):
        for directory in DIRECTORIES:
            with self.subTest(directory=directory):
                self.begin_again()
                output, errors = self.reset_after("etl-short-session", "etl-renewed", directory)
                self.assertEqual((output.strip(), errors), (f"ok {USER}", ""))
                first, second = (v["token_length"] for v in self.verdicts() if v["token_length"])
                self.assertGreater(second, first)

    def test_a_token_that_is_too_long_is_reported(self):
        for directory in DIRECTORIES:
            with self.subTest(directory=directory):
                self.begin_again()
                output, errors = self.reset_after("etl-short-session", "etl-session", directory)
                self.assertIn("the fresh token is longer than the one that the connection stores", errors)
                self.assertIn("PAM authentication failed", output)

    def begin_again(self):
        self.lab.clock(0)
        self._seen = len(self.lab.journal())

    def test_a_login_with_the_agents_token_causes_no_warning(self):
        argv = [*self.exec, "psql", "-XAtwc", "select 1", "service=work"]
        for directory in DIRECTORIES:
            with self.subTest(directory=directory):
                services = Services(self.home, directory)
                services.clear()
                services.add("work", dbname="work")
                with services.agent():
                    result = self.home.run(argv, None)
                    self.assertEqual((result.stdout, result.stderr), ("1\n", ""))
                    result = self.home.run(argv, None, RDS_IAM_LOG="1")
                    self.assertIn("rds-iam: no token for", result.stderr, "control: the preload tried to make a token")

    def test_control_a_login_without_a_valid_token_causes_a_warning(self):
        """The passfile contains an expired token, a token of another user, or nothing."""
        pg = self.lab.pg
        old = self.lab.token("etl", pg, USER, at=1000000).replace(":", "\\:")
        other = self.lab.token("etl", pg, "somebody").replace(":", "\\:")
        argv = [*self.exec, "psql", "-XAtwc", "select 1", "service=work"]
        for directory in DIRECTORIES:
            services = Services(self.home, directory)
            services.add("work", dbname="work")
            services.directory.mkdir(mode=0o700)
            for line in (f"{pg.host}:{pg.port}:*:{USER}:{old}\n", f"{pg.host}:{pg.port}:*:somebody:{other}\n", ""):
                with self.subTest(directory=directory, line=line[:80]):
                    self.home.write(f"{directory}/work", line)
                    result = self.home.run(argv, None)
                    self.assertEqual(result.stdout, "")
                    self.assertIn(f"rds-iam: warning: no token for {USER} at", result.stderr)

    def test_control_a_reset_without_a_newer_token_causes_a_warning(self):
        for directory in DIRECTORIES:
            with self.subTest(directory=directory):
                self.begin_again()
                services = Services(self.home, directory)
                services.add("work", dbname="work")
                self.assertEqual(services.fill("etl").returncode, 0)
                process = self.start(*PQRESET, principal=None)
                self.assertEqual(process.stdout.readline(), "connected\n")
                self.lab.expire_tokens()
                output, errors = process.communicate("again\n", timeout=clients.DEADLINE_SECONDS)
                self.assertRegex(errors, f"^rds-iam: warning: no token for {USER} at .*: no AWS credentials: ")
                self.assertIn("PAM authentication failed", output)


class Replication(AgentCase):
    def receive(self, *arguments):
        return self.run_client("pg_recvlogical", "-w", "-d", "service=work", "--slot=clients", *arguments)

    def test_pg_recvlogical_works_with_the_agent_with_and_without_the_preload(self):
        self.lab.parameter("rds.iam_auth_for_replication", "0")
        self.assertIn("PAM authentication failed", self.receive("--create-slot").stderr, "control")
        self.lab.parameter("rds.iam_auth_for_replication", "1")
        self.addCleanup(self.lab.parameter, "rds.iam_auth_for_replication", "0")
        for under in ([], self.preload):
            with self.subTest(under=under):
                self.exec = under
                self.assertEqual(self.receive("--create-slot").returncode, 0)
                self.expire_tokens()
                self.run_client("psql", "-XAtwc", "select pg_logical_emit_message(true, 'rds-iam', 'a change')")
                end = self.run_client("psql", "-XAtwc", "select pg_current_wal_lsn()").stdout.strip()
                received = self.receive("--start", "--file=-", f"--endpos={end}")
                self.assertIn("content:a change", received.stdout, received.stderr)
                self.assertEqual(self.receive("--drop-slot").returncode, 0)
        self.assert_all_accepted()


if __name__ == "__main__":
    harness.main()
