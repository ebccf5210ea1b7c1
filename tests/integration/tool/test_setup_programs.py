# SPDX-License-Identifier: MIT
"""`rds-iam setup postgres --program NAME`: what it prints lets the program log in, with the entry that --write adds
and the agent. test_setup.py tests the programs for MySQL servers."""
import re

from labcase import USER, harness
from service import agent_program
from test_setup_postgres import SetupCase

# How to run a program whose printed line names the service. LINE stands for the printed line.
IN_PROGRAM = {
    "psql": ("    psql ", ["bash", "-c", "echo 'select current_user' | LINE -XAtw"]),
    "psycopg": ("    psycopg2.connect", ["/usr/bin/python3", "-c", "import psycopg2\nc = LINE\nc = c.cursor()\n"
                                         "c.execute('select current_user')\nprint(c.fetchone()[0])"]),
    "psycopg3": ("    psycopg.connect", ["/usr/bin/python3", "-c", "import psycopg\nc = LINE\n"
                                         "print(c.execute('select current_user').fetchone()[0])"]),
    "DBD::Pg": ("    DBI->connect", ["perl", "-e", "use DBI; my $c = LINE or die; "
                                     "print $c->selectrow_array('select current_user')"]),
    "PHP": ("    pg_connect", ["php", "-r", "LINE echo pg_fetch_result(pg_query('select current_user'), 0, 0);"]),
    "PDO": ("    new PDO", ["php", "-r", "$c = LINE echo $c->query('select current_user')->fetchColumn();"]),
}
# How to run a program whose printed line needs the printed environment.
IN_ENVIRONMENT = {
    "ruby-pg": ("    PG.connect", ["ruby", "-e", "require 'pg'; puts LINE.exec('select current_user').getvalue(0, 0)"]),
    "Sequel": ("    Sequel.connect", ["ruby", "-e", "require 'sequel'; puts LINE.get(Sequel.lit('current_user'))"]),
    "Rails": ("      adapter:", ["ruby", "-e", "require 'active_record'; require 'yaml';"
                                 "ActiveRecord::Base.establish_connection(YAML.load('LINE'));"
                                 "puts ActiveRecord::Base.connection.select_value('select current_user')"]),
    "pgcli": ("", ["bash", "-c", 'echo "select current_user;" | TERM=dumb LC_ALL=C.UTF-8 pgcli -w 2>&1']),
    "ODBC": ("    Driver=", ["/usr/bin/python3", "-c", "import pyodbc\n"
                             "print(pyodbc.connect('LINE').execute('select current_user').fetchone()[0])"]),
}


class Programs(SetupCase):
    """What --program prints lets the program log in, with the written entry and the agent."""

    def setUp(self):
        super().setUp()
        self.assertEqual(self.setup_postgres("--write").returncode, 0)
        self.assertEqual(self.home.run([agent_program(), "--once"]).returncode, 0)

    def check(self, programs, environment, *options):
        for name, (start, argv) in programs.items():
            with self.subTest(program=name):
                text = self.program(name, *options)
                line = next(line for line in text.splitlines() if line.startswith(start)).split("#")[0].strip()
                exports = "".join(re.findall(r"^ +export .*\n", text, re.M))
                self.assertEqual(exports != "", environment)
                # The modules of PHP 8.2 do not use the lab's name resolution (libnss_wrapper.so).
                address = {"PGHOSTADDR": "127.0.0.1"} if argv[0] == "php" else {}
                result = self.home.run(["sh", "-c", exports + 'exec "$@"', "sh",
                                        *(word.replace("LINE", line) for word in argv)], None, **address)
                self.assertIn(USER, result.stdout, result.stderr)
        self.assertGreaterEqual(len(self.verdicts()), len(programs))

    def test_programs_that_name_the_service(self):
        self.check(IN_PROGRAM, False)

    def test_programs_that_name_a_service_with_a_blank(self):
        self.assertEqual(self.setup_postgres("--write", "--service", "my svc").returncode, 0)
        self.assertEqual(self.home.run([agent_program(), "--once"]).returncode, 0)
        self.check(IN_PROGRAM, False, "--service", "my svc")

    def test_each_program_gets_the_name_of_a_service_with_a_blank(self):
        """Every text that names the service to libpq quotes it. A plain name gets no quotes."""
        for name, words in (
                ("psql", ("psql \"service='my svc'\"\n", "pg_dump -d \"service='my svc'\"\n", "\"service='my svc' dbname=OTHER\"")),
                ("psycopg", ("psycopg.connect(\"service='my svc'\")",)), ("SQLAlchemy", ("?service=my%20svc\"",)),
                ("DBD::Pg", ("\"dbi:Pg:service='my svc'\"", "?service=my%20svc\"")),
                ("PHP", ("pg_connect(\"service='my svc'\")", "PDO(\"pgsql:service='my svc'\")")),
                ("GDAL", ("PG:\"service='my svc'\"", "PGSERVICE=my\\ svc osm2pgsql")),
                ("libpqxx", ("    service='my svc'\n",)), ("replication", ("-d \"service='my svc'\".",)),
                ("postgres_fdw", ("CREATE SERVER \"my svc\" ", "CURRENT_USER SERVER \"my svc\"\n"))):
            with self.subTest(name=name):
                text = self.program(name, "--service", "my svc")
                for word in words:
                    self.assertIn(word, text)
                self.assertNotIn("service=my svc", text)
                self.assertNotIn("service='", self.program(name), "control: a plain name needs no quotes")

    def test_perl_does_not_expand_the_at_sign_of_a_service(self):
        service = "a@b"
        line = next(line for line in self.program("DBD::Pg", "--service", service).splitlines() if "DBI->connect" in line)
        text = re.search(r'connect\((".*?"),', line)[1]
        result = self.home.run(["perl", "-we", f"use strict; print {text}"], None)
        self.assertEqual((result.stdout, result.stderr), (f"dbi:Pg:service={service}", ""))
        result = self.home.run(["perl", "-we", "use strict; print " + text.replace("\\@", "@")], None)
        self.assertIn("Possible unintended interpolation", result.stderr, "control: without the backslash")
        self.assertIn(f'pg_connect("service={service}")', self.program("PHP", "--service", service), "control: PHP expands no @")

    def test_programs_with_the_environment(self):
        self.check(IN_ENVIRONMENT, True)

    def test_a_url_of_postfix(self):
        """libpq reads the URL that Postfix would pass on. In the URL, the test replaces the passfile by the
        test's own passfile."""
        text = self.program("postfix").split("hosts = ", 1)[1].split("\n\n", 1)[0]
        url = "".join(text.split()).replace("/run/rds-iam/postfix/rds", re.search(
            r"^passfile=(.*)$", self.setup_postgres().stdout, re.M)[1])
        result = self.home.run(["psql", "-XAtwc", "select current_user", url], None)
        self.assertEqual(result.stdout, f"{USER}\n", result.stderr)
        self.assert_accepted()

    def test_a_program_of_the_other_kind_of_server(self):
        for kind, given, other in (("mysql", "psycopg", "postgres"), ("mysql", "pg_dump", "postgres"),
                                   ("postgres", "MySQLdb", "mysql")):
            result = self.home.run([harness.installed("bin/rds-iam"), "setup", kind, "--program", given])
            self.assertEqual(
                (result.returncode, result.stderr),
                (2, f'rds-iam: unknown program "{given}"; write rds-iam setup {other} --program {given}; '
                    f"see rds-iam setup {kind} --help\n"))


if __name__ == "__main__":
    harness.main()
