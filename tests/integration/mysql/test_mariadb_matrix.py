# SPDX-License-Identifier: MIT
"""MySQLdb, DBD::mysql, DBD::MariaDB, mysql2, ODBC and commands of MariaDB: a login, a second login after the server
closes the connection, and with MySQLdb a change of user. Other tests: many logins at once. The user writes the option
file that mysql_plugin/READERS.md gives. Each program except the commands has a setting of its own that makes it read
this file."""
import pathlib

from labcase import USER, harness, mariadb_plugins
from mariadb_client import MariadbCase

ME = f"{USER}@%"
# The server sends an error or nothing, and closes the connection.
DROP = "kill connection_id()"
# The statements of a program that cannot ping the server. Several of them may fail before the library reconnects,
# because the server and the client need time to detect that the connection is closed. Then the next statement succeeds.
AGAIN = "select current_user()\n" * 10

# Each program prints one line for each login: the user name that the server sees.
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
# Forty threads make the first logins of a process at once. Prints one line for each login.
CROWD = """
import socket
import threading
import MySQLdb
socket.getaddrinfo("%(host)s", None)  # nss_wrapper itself has a race if its first lookups are in threads
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

    def test_each_program_logs_in_again_after_the_server_closes_the_connection(self):
        for name, (interpreter, script) in PROGRAMS.items():
            for principal in ("etl", "etl-session"):
                with self.subTest(program=name, principal=principal):
                    seen = len(self.verdicts())
                    result = self.home.run([*interpreter, script % self.options()], principal)
                    self.assertEqual(
                        result.stdout.splitlines(), [ME] * LOGINS[name], result.stderr)
                    self.assertEqual(
                        [v["reason"] for v in self.verdicts()[seen:]], [None] * LOGINS[name])

    def test_the_mariadb_command_reconnects(self):
        # With statements from stdin, the command does not reconnect by itself. The statement "connect" does.
        statements = f"select current_user();\n{DROP};\nconnect;\nselect current_user();\n"
        result = self.home.run([*self.argv("--force", query=None), "-N"], stdin=statements)
        self.assertIn("Connection was killed", result.stderr)
        lines = [line for line in result.stdout.splitlines() if line == ME]
        self.assertEqual(lines, [ME, ME], result)
        self.assert_accepted(2)

    def test_mariadb_dump_and_mariadb_slap(self):
        result = self.home.run([*self.argv(query=None, program="mariadb-dump"), "shop"])
        self.assertIn("(1,'Ada',1250)", result.stdout, result.stderr)
        # mariadb-slap makes one connection to check the server, then 5 times one connection for each of 4 clients.
        slap = ["--concurrency=4", "--iterations=5", "--no-drop", "--create-schema=shop",
                "--query=select count(*) from orders"]
        result = self.home.run([*self.argv(query=None, program="mariadb-slap"), *slap])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("Number of clients running queries: 4", result.stdout)
        self.assertEqual({v["reason"] for v in self.verdicts()}, {None})
        self.assertGreaterEqual(len(self.verdicts()), 1 + 4 * 5)

    def test_forty_threads_log_in_at_once(self):
        """Uses the recommended settings. Without them the library has a race, which is rare if plugins load fast;
        test_mariadb_connections.py shows the race. mariadb-slap logs in once before it starts its threads."""
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
        # The option 4194304 is the driver's AUTO_RECONNECT.
        rows = ("USE_MYCNF=1",
                f"PLUGIN_DIR={mariadb_plugins()}\nSSLCA={self.lab.ca_file}\nSSLVERIFY=1")
        for settings in rows:
            with self.subTest(settings=settings):
                seen = len(self.verdicts())
                result = self.odbc(settings + "\nOPTIONS=4194304")
                reasons = [v["reason"] for v in self.verdicts()[seen:]]
                self.assertEqual(set(reasons), {None}, reasons)
                self.assertGreaterEqual(len(reasons), 2, "a second login after the server closes the connection")
                self.assertGreaterEqual(result.stdout.count(ME), 2, result.stdout + result.stderr)

    def test_control_odbc_without_reconnecting(self):
        result = self.odbc("USE_MYCNF=1")
        self.assertEqual(result.stdout.count(ME), 1, result.stdout)
        self.assert_accepted(1)

    def test_odbc_without_the_plugin_directory(self):
        """The first login is the control: it cannot work without the plugin. The second login shows a refusal in
        ODBC."""
        result = self.odbc(f"SSLCA={self.lab.ca_file}\nSSLVERIFY=1")
        self.assertNotIn(ME, result.stdout)
        result = self.odbc(f"PLUGIN_DIR={mariadb_plugins()}")
        self.assertIn("rds-iam: the connection is not encrypted", result.stdout)
        self.assert_nothing_sent()


if __name__ == "__main__":
    harness.main()
