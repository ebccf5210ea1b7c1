# SPDX-License-Identifier: MIT
"""Drivers that ignore the verification that a service entry asks for, with the agent alone. The agent sees
that a passfile is opened. It does not see how the driver connects.

Each driver connects to the lab's server and to impostors: one without TLS, one with a certificate of another
CA, one with a certificate that it signed itself, one with a certificate of another server. With the usual settings
(`leaks`) the driver sends the token to an impostor without TLS and to one with a certificate of another CA. These
logins are the control of all other logins, and the reason for the table in pg_plugin/READERS.md. With the settings that
`rds-iam setup postgres` prints (`holds`) the impostors get nothing, and the lab's server accepts the login. If the
preload reaches the driver, the impostor without TLS gets nothing under `rds-iam exec`, even with the usual settings.
Class Readme tries the settings of the table in README.md."""
import contextlib
import re
import shlex
import struct
from typing import NamedTuple

from documents import README, rows
from labcase import USER, LabCase, harness
from impostors import IMPOSTORS
from postgresql_peer import GSS_REQUEST, PostgreSQLPeer
from service import Services
import kerberos
import traces

DATABASE = "work"
QUERY = "select current_user"
TLS_VARIABLES = ("PGSSLMODE", "PGSSLROOTCERT", "PGGSSENCMODE")


class Spelling(NamedTuple):
    """One way to give a driver its settings."""

    words: str  # the driver's connection settings
    variables: tuple = ()  # the environment variables that are set


class Driver(NamedTuple):
    argv: tuple  # the command; the words of the spelling replace WORDS
    leaks: tuple  # spellings with which the driver sends the token to an impostor
    holds: tuple  # spellings with which the driver sends the impostors nothing
    sees_preload: bool = True  # the driver calls a libpq that the preload of rds-iam exec reaches
    connects_again: bool = False  # the driver may open more than one connection in a login


RUBY_PG = 'require "pg"; puts PG.connect(WORDS).exec("select current_user").getvalue(0, 0)'
ACTIVE_RECORD = """
require "active_record"
ActiveRecord::Base.establish_connection(WORDS)
puts ActiveRecord::Base.connection.select_value("select current_user")
"""
SEQUEL = 'require "sequel"; puts Sequel.connect(WORDS).get(Sequel.lit("current_user"))'
PYODBC = 'import pyodbc; print(pyodbc.connect("WORDS").execute("select current_user").fetchone()[0])'
PSYCOPG = """
import psycopg2
cursor = psycopg2.connect("WORDS").cursor()
cursor.execute("select current_user")
print(cursor.fetchone()[0])
"""
ISQL = """
printf "[db]\\nDriver = PostgreSQL Unicode\\nWORDS" >odbc.ini
echo "select current_user" | ODBCINI=$PWD/odbc.ini isql -b db
"""
PGCLI = 'echo "select current_user;" | TERM=dumb LC_ALL=C.UTF-8 pgcli -w WORDS 2>&1'
DBD_PG = """
use DBI;
my $handle = DBI->connect("dbi:Pg:WORDS", "", "", {RaiseError => 1, PrintError => 0});
print $handle->selectrow_array("select current_user");
"""
# The class is compiled once in each home. This takes four times as long as a login.
JDBC = """
java="java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
[ -e Login.class ] || { cat >Login.java; $java -m jdk.compiler/com.sun.tools.javac.Main Login.java; } <<'END'
import java.sql.*;
class Login {
    public static void main(String[] words) throws Exception {
        try (Connection connection = DriverManager.getConnection(words[0]);
             ResultSet rows = connection.createStatement().executeQuery("select current_user")) {
            rows.next();
            System.out.println(rows.getString(1));
        }
    }
}
END
exec $java -cp /usr/share/java/postgresql.jar:. Login "WORDS"
"""
SERVER = "host=%(host)s port=%(port)s user=%(user)s dbname=%(database)s"
ODBC = "Driver=PostgreSQL Unicode;"
ODBC_SERVER = "Servername=%(host)s;Port=%(port)s;Username=%(user)s;Database=%(database)s;"
URL = "jdbc:postgresql://%(host)s:%(port)s/%(database)s?user=%(user)s"
WITH_SERVICE = ("PGSERVICE", *TLS_VARIABLES)
WITH_PASSFILE = ("PGPASSFILE", *TLS_VARIABLES)

DRIVERS = {
    # ruby-pg merges PQconndefaults() into the program's settings, so the defaults override the entry.
    "ruby_pg": Driver(
        ("ruby", "-e", RUBY_PG),
        leaks=(Spelling('"service=%(service)s user=%(user)s port=%(port)s"'),
               Spelling('"postgresql://%(user)s@:%(port)s/?service=%(service)s"')),
        holds=(Spelling("", WITH_SERVICE), Spelling("", ("PGSERVICE",)),
               Spelling('"service=%(service)s user=%(user)s port=%(port)s"', TLS_VARIABLES))),
    "active_record": Driver(
        ("ruby", "-e", ACTIVE_RECORD),
        leaks=(Spelling('adapter: "postgresql", service: "%(service)s", username: "%(user)s", port: %(port)s'),),
        holds=(Spelling('adapter: "postgresql"', WITH_SERVICE),)),
    "sequel": Driver(
        ("ruby", "-e", SEQUEL),
        leaks=(Spelling('adapter: "postgres", user: "%(user)s", port: %(port)s, '
                        'driver_options: {service: "%(service)s"}'),),
        holds=(Spelling('"postgres:///"', WITH_SERVICE),)),
    # If the data source has no SSLmode, psqlODBC passes sslmode=disable, which overrides the service entry and the
    # environment.
    "psqlodbc": Driver(
        ("/usr/bin/python3", "-c", PYODBC),
        leaks=(Spelling(ODBC, WITH_SERVICE), Spelling(ODBC + ODBC_SERVER, WITH_PASSFILE),
               Spelling(ODBC + ODBC_SERVER + "pqopt={service=%(service)s};")),
        holds=(Spelling(ODBC + "SSLmode=verify-full;", WITH_SERVICE),
               Spelling(ODBC + ODBC_SERVER + "SSLmode=verify-full;", WITH_PASSFILE))),
    "psqlodbc_data_source": Driver(
        ("bash", "-c", ISQL),
        leaks=(Spelling("", WITH_SERVICE),),
        holds=(Spelling("SSLmode = verify-full\\n", WITH_SERVICE),)),
    # pgcli reads the entry itself, but only host, port, user and dbname. From version 4 on, a thread of pgcli opens
    # a second connection for completion, unless pgcli ends before that.
    "pgcli": Driver(
        ("bash", "-c", PGCLI),
        leaks=(Spelling("service=%(service)s", ("PGPASSFILE",)),),
        holds=(Spelling("", WITH_SERVICE), Spelling("service=%(service)s", WITH_PASSFILE)),
        connects_again=True),
    # No service entry. libpq uses its default for each missing setting, such as sslmode=prefer.
    "psql_passfile": Driver(
        ("psql", "-XAtwc", QUERY, "WORDS"),
        leaks=(Spelling(SERVER, ("PGPASSFILE",)),),
        holds=(Spelling(SERVER, WITH_PASSFILE),)),
    "dbd_pg_passfile": Driver(
        ("perl", "-e", DBD_PG),
        leaks=(Spelling(SERVER.replace(" ", ";"), ("PGPASSFILE",)),),
        holds=(Spelling(SERVER.replace(" ", ";"), WITH_PASSFILE),)),
    # pgJDBC implements the protocol itself and reads no environment variable for sslmode.
    "pgjdbc_passfile": Driver(
        ("bash", "-c", JDBC),
        leaks=(Spelling(URL, WITH_PASSFILE),),
        holds=(Spelling(URL + "&sslmode=verify-full&sslrootcert=%(ca)s", ("PGPASSFILE",)),),
        sees_preload=False),
}  # fmt: skip


class DriverCase(LabCase):
    def setUp(self):
        super().setUp()
        self.services = Services(self.home)
        self.environment = self.printed_environment()

    def printed_environment(self):
        """Returns the variables that `rds-iam setup postgres` prints for a shell."""
        pg = self.lab.pg
        result = self.home.run(
            [harness.installed("bin/rds-iam"), "setup", "postgres", "--hostname", pg.host, "--port", pg.port,
             "--username", USER, "--dbname", DATABASE, "--ca", self.lab.ca_file, "--program", "ruby-pg"],
            principal=None)
        lines = " ".join(re.findall(r"^\s+export (.*)$", result.stdout, re.M))
        variables = dict(word.split("=", 1) for word in shlex.split(lines))
        self.assertEqual(sorted(variables), sorted(WITH_SERVICE), "rds-iam setup postgres prints them for a shell")
        return variables

    def add(self, name, port):
        self.services.add(name, port=port, dbname=DATABASE)

    def login(self, argv, spelling, service, port, under=()):
        """Logs in once. Returns the driver's output, after a check that it contains no secret."""
        where = {
            "service": service, "host": self.lab.pg.host, "port": port, "user": USER, "database": DATABASE,
            "ca": self.lab.ca_file}  # fmt: skip
        variables = {**self.environment, "PGSERVICE": service, "PGPASSFILE": str(self.services.passfile(service))}
        command = [word.replace("WORDS", spelling.words % where) for word in argv]
        result = self.home.run(
            [*under, *command], principal=None, **{name: variables[name] for name in spelling.variables})
        text = result.stdout + result.stderr
        self.assertEqual(traces.find(text, self.secrets()), [], "a secret was printed")
        return text

    def secrets(self):
        return traces.secrets_of(self.lab.principals["etl"])

    @contextlib.contextmanager
    def impostors(self, certificates):
        """Starts one impostor and adds one service for each certificate. An agent serves all services."""
        with contextlib.ExitStack() as stack:
            peers = []
            for number, name in enumerate(certificates):
                peers.append(stack.enter_context(PostgreSQLPeer(name and getattr(self.lab.certificates, name))))
                self.add(f"impostor-{number}", peers[-1].port)
            self.add("rds", self.lab.pg.port)
            stack.enter_context(self.services.agent())
            yield peers

    def assert_leaked(self, peer, text):
        tokens = [answer for _, answer in peer.answers if b"&X-Amz-Signature=" in answer]
        self.assertNotEqual(tokens, [], f"control: with these settings the token leaks; {text}")
        self.assertIn("X-Amz-", traces.find(peer.received, self.secrets()))

    def assert_nothing_sent(self, peer, text):
        self.assertGreaterEqual(peer.connections, 1, f"control: the driver must have connected; {text}")
        self.assertEqual([answer for _, answer in peer.answers if answer.strip(b"\0")], [])
        self.assertEqual(traces.find(peer.received, self.secrets()), [])


class Drivers(DriverCase):
    def rows(self, driver):
        """Returns the logins: certificate, spelling, prefix and check. The first spelling of each kind is tried with
        several impostors. A further spelling that leaks is tried with an impostor without TLS. A further spelling
        that does not leak is tried with an impostor that has a certificate of another CA."""
        rows = [(name, driver.leaks[0], (), self.assert_leaked) for name in (None, "other_ca")]
        rows += [(None, spelling, (), self.assert_leaked) for spelling in driver.leaks[1:]]
        rows += [(name, driver.holds[0], (), self.assert_nothing_sent) for name in IMPOSTORS.values()]
        rows += [("other_ca", spelling, (), self.assert_nothing_sent) for spelling in driver.holds[1:]]
        if driver.sees_preload:
            under = (harness.installed("bin/rds-iam"), "exec", "--ca", str(self.lab.ca_file), "--")
            rows += [(None, driver.leaks[0], under, self.assert_nothing_sent)]
        return rows

    def check(self, driver):
        rows = self.rows(driver)
        with self.impostors([name for name, _, _, _ in rows]) as peers:
            for number, (name, spelling, under, expectation) in enumerate(rows):
                with self.subTest(certificate=name, spelling=spelling, under=under):
                    text = self.login(driver.argv, spelling, f"impostor-{number}", peers[number].port, under)
                    expectation(peers[number], text)
            for spelling in driver.holds:
                with self.subTest(server="the lab's", spelling=spelling):
                    self.assertIn(USER, self.login(driver.argv, spelling, "rds", self.lab.pg.port))
        logins = len(driver.holds)
        self.assert_accepted(max(logins, len(self.verdicts())) if driver.connects_again else logins)


class Readme(DriverCase):
    """The README's table of programs: with the permanent settings of its row, a program sends nothing to a server
    without TLS, and logs in to the lab's server."""

    TITLE = "Which program needs what"
    THREE = "with three more variables"
    # Each program of the table that reads a service: the command, and the words of the command that contain its
    # settings. %s stands for those settings of the row that are not environment variables.
    PROGRAMS = {
        "`psql`": (("psql", "-XAtwc", QUERY, "WORDS"), "%s"),
        "psycopg": (("/usr/bin/python3", "-c", PSYCOPG), "%s"),
        "DBD::Pg": (("perl", "-e", DBD_PG), "%s"),
        "Ruby's pg": (DRIVERS["ruby_pg"].argv, "%s"),
        "(Rails": (DRIVERS["active_record"].argv, 'adapter: "postgresql"%s'),
        "Sequel": (DRIVERS["sequel"].argv, '"postgres:///"%s'),
        "pgcli": (DRIVERS["pgcli"].argv, "%s"),
        "psqlodbc": (DRIVERS["psqlodbc"].argv, ODBC + "%s;"),
    }

    def settings(self, program):
        """Returns the settings of the program's row: the words, and the names of the variables."""
        cell, = [permanent for names, _, permanent in rows(README, self.TITLE) if program in names]
        spans = [span for span in re.findall("`([^`]+)`", cell) if not span.startswith("rds-iam ")]
        self.assertNotEqual(spans, [], cell)
        words = [span.replace("prod", "%(service)s") for span in spans if not span.startswith("PG")]
        variables = [span.split("=")[0] for span in spans if span.startswith("PG")]
        return " ".join(words), (*variables, *(TLS_VARIABLES if self.THREE in cell else ()))

    def spelling(self, program, row=None):
        """Returns the spelling of the settings of the program's row, or of another program's row."""
        words, variables = self.settings(row or program)
        return Spelling(self.PROGRAMS[program][1].replace("%s", words), variables)

    def test_no_program_sends_a_token_to_a_server_without_tls(self):
        with self.impostors([None] * len(self.PROGRAMS)) as peers:
            for number, (program, (argv, _)) in enumerate(self.PROGRAMS.items()):
                with self.subTest(program=program):
                    spelling = self.spelling(program)
                    text = self.login(argv, spelling, f"impostor-{number}", peers[number].port)
                    self.assert_nothing_sent(peers[number], text)
                    self.assertIn(USER, self.login(argv, spelling, "rds", self.lab.pg.port))

    def test_control_psqlodbc_with_the_settings_of_pgcli_sends_a_token(self):
        program = "psqlodbc"
        with self.impostors([None]) as peers:
            text = self.login(self.PROGRAMS[program][0], self.spelling(program, "pgcli"), "impostor-0", peers[0].port)
            self.assert_leaked(peers[0], text)

    def test_each_row_with_a_service_is_tried(self):
        found = [names for names, _, permanent in rows(README, self.TITLE) if re.search("PGSERVICE|service=", permanent)]
        self.assertGreater(len(found), 2)
        for names in found:
            self.assertTrue(any(program in names for program in self.PROGRAMS), names)


class Kerberos(DriverCase):
    """Tests PGGSSENCMODE. Without it, libpq offers a Kerberos ticket before TLS, even if PGSSLMODE is verify-full."""

    def offers(self, variables):
        with PostgreSQLPeer(self.lab.certificates.server) as peer:
            self.services.clear()
            self.add("rds", peer.port)
            with self.services.agent():
                ticket = kerberos.environment(self.home)
                argv = ["env", *(f"{name}={value}" for name, value in ticket.items()), *DRIVERS["psql_passfile"].argv]
                self.login(argv, Spelling(SERVER, variables), "rds", peer.port)
            return peer.received.count(struct.pack("!II", 8, GSS_REQUEST))

    def test_with_all_three_variables_no_ticket_is_offered(self):
        self.assertEqual(self.offers(WITH_PASSFILE), 0)

    def test_control_without_pggssencmode_a_ticket_is_offered(self):
        self.assertEqual(self.offers(("PGPASSFILE", "PGSSLMODE", "PGSSLROOTCERT")), 1)


def add_drivers():
    """Makes one test for each driver, so that a failure names the driver."""
    for name, driver in DRIVERS.items():
        def test(self, driver=driver):
            self.check(driver)
        setattr(Drivers, "test_" + name, test)


add_drivers()
if __name__ == "__main__":
    harness.main()
