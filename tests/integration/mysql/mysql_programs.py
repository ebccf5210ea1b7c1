# SPDX-License-Identifier: MIT
"""Programs on libmariadb: programs of Debian, and two C programs of ../src. Each program is given a host, a port, a
user and at most a password, but no TLS setting, except ODBC with its SSLVERIFY. Each program prints the user that the
server sees, except those in SILENT.
"""
import harness

SOURCE = harness.BUILD / "tests" / "integration" / "src"

MYSQLDB = """
import MySQLdb
connection = MySQLdb.connect(host="%(host)s", port=%(port)d, user="%(user)s", passwd="%(password)s", db="shop")
cursor = connection.cursor()
cursor.execute("select current_user()")
print(cursor.fetchone()[0])
"""
PERL = """
use DBI;
my $connection = DBI->connect("DBI:{driver}:host=%(host)s;port=%(port)d;database=shop", "%(user)s", "%(password)s",
                              {{PrintError => 0}}) or die DBI->errstr;
print $connection->selectrow_array("select current_user()"), "\\n";
"""
MYSQL2 = """
require "mysql2"
client = Mysql2::Client.new(host: "%(host)s", port: %(port)d, username: "%(user)s", password: "%(password)s",
                            database: "shop")
puts client.query("select current_user()", as: :array).first.first
"""
LUA_SQL = """
local environment = require("luasql.mysql").mysql()
local connection = assert(environment:connect("shop", "%(user)s", "%(password)s", "%(host)s", %(port)d))
print((connection:execute("select current_user()"):fetch()))
"""
LUA_DBI = """
local connection = assert(require("DBI").Connect("MySQL", "shop", "%(user)s", "%(password)s", "%(host)s", %(port)d))
local statement = assert(connection:prepare("select current_user()"))
statement:execute()
print(statement:fetch()[1])
"""
SYSBENCH = """
function thread_init()
  print((sysbench.sql.driver():connect():query_row("select current_user()")))
end
function event()
end
"""
TDBC = """
package require tdbc::mysql
tdbc::mysql::connection create db -host "%(host)s" -port %(port)d -user "%(user)s" -passwd "%(password)s" -db shop
puts [lindex [db allrows -as lists "select current_user()"] 0 0]
"""
PIKE = """
int main()
{
    object connection = Sql.Sql("mysql://%(user)s:%(password)s@%(host)s:%(port)d/shop");
    write(connection->query("select current_user() as me")[0]->me + "\\n");
}
"""
PYODBC = """
import pyodbc
connection = pyodbc.connect("Driver=libmaodbc.so;Server=%(host)s;Port=%(port)d;UID=%(user)s;PWD=%(password)s;"
                            "Database=shop;SSLVERIFY=1")
print(connection.execute("select current_user()").fetchone()[0])
"""
# pam_mysql compares the typed password with a column. Here the column is the user that the server sees.
PAM_MYSQL = ("auth required pam_mysql.so host=%(host)s:%(port)d user=%(user)s passwd=%(password)s db=shop crypt=plain"
             " table=orders usercolumn='anyone' passwdcolumn=current_user()\n"
             "account required pam_permit.so\n")
MYSQLTCL = """
package require mysqltcl
set db [mysql::connect -host "%(host)s" -port %(port)d -user "%(user)s" -password "%(password)s" -db shop]
puts [lindex [mysql::sel $db "select current_user()" -flatlist] 0]
"""


def _script(interpreter, text, name="script"):
    def command(home, place):
        return [*interpreter, home.write(name, text % place)]
    return command


def _sysbench(home, place):
    return ["sysbench", "--db-driver=mysql", "--mysql-host=" + place["host"], f"--mysql-port={place['port']}",
            "--mysql-user=" + place["user"], "--mysql-password=" + place["password"], "--mysql-db=shop", "--events=1",
            "--verbosity=0", home.write("who.lua", SYSBENCH), "run"]


def _pamtester(home, place):
    """The preloaded object pam_confdir.so makes PAM read its service file from the home. The shell prints the user's
    name if pam_mysql found it in the database."""
    home.write("pam.d/pam_mysql", PAM_MYSQL % place)
    shim = harness.BUILD / "tests" / "lab" / "pam_confdir.so"
    name = place["user"] + "@%"
    return ["sh", "-c", 'echo "$1" | LD_PRELOAD="$2:$LD_PRELOAD" RDSLAB_PAM_CONFDIR="$3" pamtester pam_mysql anyone'
            ' authenticate >"$4" 2>&1 && echo "$1" || cat "$4" >&2', "sh", name, shim, home.path / "pam.d", home.path / "pam.log"]


def _report(_home, place):
    return ["mariadb-report", "--no-mycnf", "--host", place["host"], "--port", place["port"], "--user", place["user"],
            *(["--password", place["password"]] if place["password"] else [])]


def _c_program(name, *first):
    def command(_home, place):
        return [SOURCE / name, *first, place["host"], place["port"], place["user"], place["password"]]
    return command


PROGRAMS = {
    "a C program": _c_program("says_who"),
    "libdbi": _c_program("says_who_dbi", "mysql"),
    "MySQLdb": _script(["/usr/bin/python3"], MYSQLDB),
    "DBD::mysql": _script(["perl"], PERL.format(driver="mysql")),
    "DBD::MariaDB": _script(["perl"], PERL.format(driver="MariaDB")),
    "mysql2": _script(["ruby"], MYSQL2),
    "lua-sql": _script(["lua5.3"], LUA_SQL),
    "lua-dbi": _script(["lua5.3"], LUA_DBI),
    "sysbench": _sysbench,
    "tdbc::mysql": _script(["tclsh"], TDBC),
    "mysqltcl": _script(["tclsh"], MYSQLTCL),
    "Pike": _script(["pike8.0"], PIKE, "script.pike"),
    "ODBC, with SSLVERIFY": _script(["/usr/bin/python3"], PYODBC),
    "pam_mysql": _pamtester,
    "mariadb-report": _report,
}
# This program prints the server's counters, and not the user.
SILENT = {"mariadb-report"}


def command(name, home, host, port, user, password=""):
    """Returns the command line of a program, and writes the program's script into the home if it needs one."""
    place = {"host": host, "port": port, "user": user, "password": password}
    return PROGRAMS[name](home, place)
