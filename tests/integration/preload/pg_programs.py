# SPDX-License-Identifier: MIT
"""Programs on libpq: programs of Debian, and one C program of ../src. Each program is given a host, a port, a user and
a database, but no TLS setting, except one of the two programs with psqlodbc. A program in WHO prints the user that the
server sees; a program in TOOLS does not. Each test file contains what its tests expect.
"""
import harness

SOURCE = harness.BUILD / "tests" / "integration" / "src"

PYTHON = """
import {module} as driver
connection = driver.connect({arguments})
cursor = connection.cursor()
cursor.execute("select current_user")
print(cursor.fetchone()[0])
"""
KEYWORDS = 'host="%(host)s", port=%(port)d, user="%(user)s", dbname="%(database)s"'
PGDB = 'host="%(host)s:%(port)d", user="%(user)s", database="%(database)s"'
PYODBC = """
import pyodbc
connection = pyodbc.connect("Driver=psqlodbcw.so;Server=%(host)s;Port=%(port)s;UID=%(user)s;Database=%(database)s;"
                            "%(mode)s")
print(connection.execute("select current_user").fetchone()[0])
"""
# Each name stands for itself, so that only %(mode)s is replaced in PYODBC. command() replaces the names later.
PLACES = {"host": "%(host)s", "port": "%(port)d", "user": "%(user)s", "database": "%(database)s"}
PERL = """
use DBI;
my $connection = DBI->connect("dbi:Pg:host=%(host)s;port=%(port)d;dbname=%(database)s", "%(user)s", "",
                              {PrintError => 0}) or die DBI->errstr;
print $connection->selectrow_array("select current_user"), "\\n";
"""
RUBY = """
require "pg"
connection = PG.connect(%(arguments)s)
puts connection.exec("select current_user").getvalue(0, 0)
"""
LUA_SQL = """
local environment = require("luasql.postgres").postgres()
local connection = assert(environment:connect("host=%(host)s port=%(port)d user=%(user)s dbname=%(database)s"))
print((connection:execute("select current_user"):fetch()))
"""
LUA_DBI = """
local connection = assert(require("DBI").Connect("PostgreSQL", "%(database)s", "%(user)s", nil, "%(host)s", %(port)d))
local statement = assert(connection:prepare("select current_user"))
statement:execute()
print(statement:fetch()[1])
"""
TDBC = """
package require tdbc::postgres
tdbc::postgres::connection create db -host "%(host)s" -port %(port)d -user "%(user)s" -db "%(database)s"
puts [lindex [db allrows -as lists "select current_user"] 0 0]
"""
PGTCL = """
package require Pgtcl
set db [pg_connect -conninfo "host=%(host)s port=%(port)d user=%(user)s dbname=%(database)s"]
puts [lindex [pg_result [pg_exec $db "select current_user"] -getTuple 0] 0]
"""
SYSBENCH = """
function thread_init()
  print((sysbench.sql.driver():connect():query_row("select current_user")))
end
function event()
end
"""


def _script(interpreter, text):
    def command(home, place):
        return [*interpreter, home.write("script", text % place)]
    return command


def _python(module, arguments):
    return _script(["/usr/bin/python3"], PYTHON.format(module=module, arguments=arguments))


def _ruby_by_service(home, place):
    """ruby-pg merges libpq's defaults into the entry, including sslmode=prefer and the port 5432."""
    home.write(".pg_service.conf", "[prod]\nhost=%(host)s\nport=%(port)d\nuser=%(user)s\ndbname=%(database)s\n" % place)
    arguments = 'service: "prod", user: "%(user)s", port: %(port)d' % place
    return ["ruby", home.write("script", RUBY % {"arguments": arguments})]


def _tool(*words):
    """A tool of PostgreSQL: its name and its own options, then the host, port, user and database."""
    def command(_home, place):
        return [*words, "-w", "-h", place["host"], "-p", place["port"], "-U", place["user"], place["database"]]
    return command


def _pgbench(home, place):
    home.write("one.sql", "select 1;\n")
    return ["pgbench", "-n", "-t", "1", "-f", "one.sql", "-h", place["host"], "-p", place["port"], "-U", place["user"],
            place["database"]]


def _sysbench(home, place):
    return ["sysbench", "--db-driver=pgsql", "--pgsql-host=" + place["host"], f"--pgsql-port={place['port']}",
            "--pgsql-user=" + place["user"], "--pgsql-db=" + place["database"], "--events=1", "--verbosity=0",
            home.write("who.lua", SYSBENCH), "run"]


def _libdbi(_home, place):
    return [SOURCE / "says_who_dbi", "pgsql", place["host"], place["port"], place["user"], ""]


WHO = {
    "psql": _tool("psql", "-XAt", "-c", "select current_user"),
    "psycopg2": _python("psycopg2", KEYWORDS),
    "psycopg 3": _python("psycopg", KEYWORDS),
    "PyGreSQL": _python("pgdb", PGDB),
    "psqlodbc": _script(["/usr/bin/python3"], PYODBC % {**PLACES, "mode": ""}),
    "psqlodbc, with SSLmode": _script(["/usr/bin/python3"], PYODBC % {**PLACES, "mode": "SSLmode=verify-full"}),
    "DBD::Pg": _script(["perl"], PERL),
    "ruby-pg, by service": _ruby_by_service,
    "lua-sql": _script(["lua5.3"], LUA_SQL),
    "lua-dbi": _script(["lua5.3"], LUA_DBI),
    "tdbc::postgres": _script(["tclsh"], TDBC),
    "Pgtcl": _script(["tclsh"], PGTCL),
    "libdbi": _libdbi,
    "sysbench": _sysbench,
}
TOOLS = {
    "pg_dump": _tool("pg_dump", "--schema-only"),
    "pgbench": _pgbench,
    "vacuumdb": _tool("vacuumdb", "--analyze-only"),
    "reindexdb": _tool("reindexdb", "--system"),
}
PROGRAMS = {**WHO, **TOOLS}


def command(name, home, host, port, user, database):
    """Returns the command line of a program, and writes the files that the program needs into the home."""
    place = {"host": host, "port": port, "user": user, "database": database}
    return PROGRAMS[name](home, place)
