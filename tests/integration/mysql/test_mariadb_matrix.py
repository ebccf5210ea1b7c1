# SPDX-License-Identifier: MIT
"""Every client that Debian has for MariaDB: a login, another one after the server has dropped the
connection, and a change of user where the client has one. What a user writes is the option file
that the README gives; each client is told to read it in its own words."""
import pathlib

from labcase import USER, harness, mariadb_plugins
from mariadb_client import MariadbCase

ME = f"{USER}@%"
# The server answers with an error, or not at all, and hangs up.
DROP = "kill connection_id()"
# For a program that cannot ask whether the server is still there. How many statements are lost before the
# library connects again depends on when each end notices; the first one after that is answered.
AGAIN = "select current_user()\n" * 10

# Each prints one line for each login: the user that the server sees.
PROGRAMS = {
    "MySQLdb": (["/usr/bin/python3", "-c"], """
import MySQLdb
connection = MySQLdb.connect(host="%(host)s", port=%(port)d, user="%(user)s", read_default_file="%(file)s")
def show():
    cursor = connection.cursor()
    cursor.execute("select current_user()")
    print(cursor.fetchone()[0])
show()
try:
    connection.query("%(drop)s")
except MySQLdb.Error:
    pass
connection.ping(True)
show()
connection.change_user("%(user)s", "", "shop")
show()
"""),
    "DBD::mysql": (["perl", "-e"], """
use DBI;
my $connection = DBI->connect(
    "DBI:mysql:host=%(host)s;port=%(port)d;mysql_read_default_file=%(file)s", "%(user)s", "",
    {PrintError => 0, mysql_auto_reconnect => 1}) or die DBI->errstr;
print $connection->selectrow_array("select current_user()"), "\\n";
$connection->do("%(drop)s");
$connection->ping;
print $connection->selectrow_array("select current_user()"), "\\n";
"""),
    "DBD::MariaDB": (["perl", "-e"], """
use DBI;
my $connection = DBI->connect(
    "DBI:MariaDB:host=%(host)s;port=%(port)d;mariadb_read_default_file=%(file)s", "%(user)s", "",
    {PrintError => 0, mariadb_auto_reconnect => 1}) or die DBI->errstr;
print $connection->selectrow_array("select current_user()"), "\\n";
$connection->do("%(drop)s");
$connection->ping;
print $connection->selectrow_array("select current_user()"), "\\n";
"""),
    "mysql2": (["ruby", "-e"], """
require "mysql2"
client = Mysql2::Client.new(
  host: "%(host)s", port: %(port)d, username: "%(user)s", default_file: "%(file)s", reconnect: true)
show = -> { puts client.query("select current_user()", as: :array).first.first }
show.call
begin
  client.query("%(drop)s")
rescue Mysql2::Error
end
client.ping
show.call
"""),
}
# Forty threads whose logins are this process's first; one line for each.
CROWD = """
import socket
import threading
import MySQLdb
socket.getaddrinfo("%(host)s", None)  # nss_wrapper has a race of its own when threads ask it first
start = threading.Barrier(40)
def log_in():
    start.wait()
    try:
        connection = MySQLdb.connect(host="%(host)s", port=%(port)d, user="%(user)s", read_default_file="%(file)s")
        cursor = connection.cursor()
        cursor.execute("select current_user()")
        text = cursor.fetchone()[0]
    except MySQLdb.Error as error:
        text = str(error)
    print(text + "\\n", end="")
threads = [threading.Thread(target=log_in) for _ in range(40)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
LOGINS = {"MySQLdb": 3, "DBD::mysql": 2, "DBD::MariaDB": 2, "mysql2": 2}


class Matrix(MariadbCase):
    def options(self):
        mariadb = self.lab.mariadb
        return {
            "host": mariadb.host, "port": mariadb.port, "user": USER, "drop": DROP,
            "file": self.home.path / ".my.cnf",
        }

    def test_every_language(self):
        for name, (interpreter, script) in PROGRAMS.items():
            for principal in ("etl", "etl-session"):
                with self.subTest(program=name, principal=principal):
                    seen = len(self.verdicts())
                    result = self.home.run([*interpreter, script % self.options()], principal)
                    self.assertEqual(
                        result.stdout.splitlines(), [ME] * LOGINS[name], result.stderr)
                    self.assertEqual(
                        [v["reason"] for v in self.verdicts()[seen:]], [None] * LOGINS[name])

    def test_the_command_connects_again(self):
        # A script's connection is not made anew by itself; "connect" does it.
        statements = f"select current_user();\n{DROP};\nconnect;\nselect current_user();\n"
        result = self.home.run([*self.argv("--force", query=None), "-N"], stdin=statements)
        self.assertIn("Connection was killed", result.stderr)
        lines = [line for line in result.stdout.splitlines() if line == ME]
        self.assertEqual(lines, [ME, ME], result)
        self.assert_accepted(2)

    def test_mariadb_dump_and_mariadb_slap(self):
        result = self.home.run([*self.argv(query=None, program="mariadb-dump"), "shop"])
        self.assertIn("(1,'Ada',1250)", result.stdout, result.stderr)
        # One connection that looks at the server, and one for each of 4 clients, 5 times.
        slap = ["--concurrency=4", "--iterations=5", "--no-drop", "--create-schema=shop",
                "--query=select count(*) from orders"]
        result = self.home.run([*self.argv(query=None, program="mariadb-slap"), *slap])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("Number of clients running queries: 4", result.stdout)
        self.assertEqual({v["reason"] for v in self.verdicts()}, {None})
        self.assertGreaterEqual(len(self.verdicts()), 1 + 4 * 5)

    def test_forty_threads(self):
        """With the settings that we recommend. The race without them needs luck or a slow loader:
        test_mariadb_connections.py shows it. mariadb-slap itself logs in once before its threads."""
        settings = {
            "LIBMYSQL_PLUGINS": "mysql_clear_password", "MARIADB_PLUGIN_DIR": str(mariadb_plugins())}
        result = self.home.run(["/usr/bin/python3", "-c", CROWD % self.options()], **settings)
        self.assertEqual(result.stdout.splitlines(), [ME] * 40, result.stderr)
        slap = [*self.argv(query=None, program="mariadb-slap"), "--concurrency=40", "--iterations=1",
                "--no-drop", "--create-schema=shop", "--query=select 1"]
        result = self.home.run(slap, **settings)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual({v["reason"] for v in self.verdicts()}, {None})
        self.assertGreaterEqual(len(self.verdicts()), 2 * 40)

    def odbc(self, settings, statements=f"select current_user()\n{DROP}\n{AGAIN}"):
        mariadb = self.lab.mariadb
        driver = next(pathlib.Path("/usr/lib").glob("*/odbc/libmaodbc.so"))
        sources = self.home.write(
            "odbc.ini",
            f"[lab]\nDriver={driver}\nSERVER={mariadb.host}\nPORT={mariadb.port}\nUID={USER}\n"
            f"{settings}\n")
        return self.home.run(
            ["isql", "-v", "-b", "lab"], stdin=statements, ODBCINI=str(sources))

    def test_odbc(self):
        # 4194304 is its AUTO_RECONNECT.
        rows = ("USE_MYCNF=1",
                f"PLUGIN_DIR={mariadb_plugins()}\nSSLCA={self.lab.ca_file}\nSSLVERIFY=1")
        for settings in rows:
            with self.subTest(settings=settings):
                seen = len(self.verdicts())
                result = self.odbc(settings + "\nOPTIONS=4194304")
                reasons = [v["reason"] for v in self.verdicts()[seen:]]
                self.assertEqual(set(reasons), {None}, reasons)
                self.assertGreaterEqual(len(reasons), 2, "one more after the first connection's end")
                self.assertGreaterEqual(result.stdout.count(ME), 2, result.stdout + result.stderr)

    def test_control_odbc_without_reconnecting(self):
        result = self.odbc("USE_MYCNF=1")
        self.assertEqual(result.stdout.count(ME), 1, result.stdout)
        self.assert_accepted(1)

    def test_odbc_without_the_plugin_directory(self):
        """The control, and how a refusal looks there."""
        result = self.odbc(f"SSLCA={self.lab.ca_file}\nSSLVERIFY=1")
        self.assertNotIn(ME, result.stdout)
        result = self.odbc(f"PLUGIN_DIR={mariadb_plugins()}")
        self.assertIn("rds-iam: the connection is not encrypted", result.stdout)
        self.assert_nothing_sent()


if __name__ == "__main__":
    harness.main()
