# SPDX-License-Identifier: MIT
"""The recipes in RECIPES.md for particular programs: each program logs in with the commands and files of its recipe."""
import os
import shlex
import signal

import units
from documents import RECIPES, blocks
from labcase import harness
from user_machine import AS_USER, DocsCase, plays
from service import await_true

PDNS = "pdns_server --daemon=no --guardian=no --local-address=127.0.0.1 --local-port=5300"


class Programs(DocsCase):
    def set_up_clients(self):
        """Runs the commands `rds-iam setup mysql` of the recipe for Django. Other recipes refer to them."""
        for block in blocks(RECIPES):
            if block.title == "Django" and "setup mysql" in block.text:
                for command in self.fill(block.text).splitlines():
                    self.assertEqual(self.run_command(command, "etl").returncode, 0, command)

    def assert_both_engines(self):
        self.assertEqual({v["engine"] for v in self.verdicts()}, {"postgresql", "mariadb"})
        self.assert_logins(2, "etl")

    def start_unit(self, command):
        """In the place of `systemctl restart NAME`: makes the directories of the unit, and runs its commands in its
        environment and as its user."""
        unit = units.read(self.network, command.split()[-1])
        for line in unit.directories():
            self.assertEqual(self.run_command(line).returncode, 0, line)
        for line in unit.commands("ExecStartPre"):
            self.run_of_unit(unit, line)
        self.daemon = self.start(unit.command_line(*unit.commands("ExecStart"), AWS_CA_BUNDLE=self.lab.cloud_ca_file))
        return ""

    def run_of_unit(self, unit, line):
        result = self.run_command(unit.command_line(line, AWS_CA_BUNDLE=self.lab.cloud_ca_file))
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def start_unit_that_logs_in(self, command):
        self.start_unit(command)
        self.await_login()
        return ""

    @plays(RECIPES, "Daemons")
    def test_daemons(self):
        self.as_root = True
        sockets = self.run_command("directory=$(mktemp -d) && chown nobody $directory && echo $directory").stdout.strip()
        self.addCleanup(self.run_command, f"rm -r {sockets}")
        self.words = {"DAEMON_ACCOUNT": "nobody", "DAEMON_HOME": str(self.home.path), "DAEMON": "pdns", "DAEMON_COMMAND": self.fill(
            f"/usr/sbin/{PDNS} --socket-dir={sockets} --launch=gmysql --gmysql-host=MYSQL_ENDPOINT --gmysql-user=DB_USER --gmysql-dbname=shop")}
        self.play(RECIPES, "Daemons", instead={
            "systemctl daemon-reload": str, "systemctl restart pdns": self.start_unit_that_logs_in})
        self.assert_logins(1)

    @plays(RECIPES, "Postfix")
    def test_postfix(self):
        self.as_root = True
        outputs = self.play(RECIPES, "Postfix", "etl")
        self.assertEqual(list(outputs.values())[-1], "Ada\n")
        self.assert_logins(1, "etl")

    @plays(RECIPES, "Dovecot 2.3", "Dovecot 2.4")
    def test_dovecot(self):
        """Plays only the recipe of the installed release, 2.3 or 2.4."""
        def authenticate(command):
            unit = units.read(self.network, "dovecot")
            daemon, = unit.commands("ExecStart")
            self.start(unit.command_line(f"{daemon} -o log_path=/dev/stderr"))
            await_true(lambda: self.run_command("test -S /run/dovecot/auth-userdb").returncode == 0, self.daemon_log)
            result = self.run_command(command)
            self.assertIn("auth succeeded", result.stdout, result.stderr + self.daemon_log())
            return ""

        self.as_root = True
        self.assertEqual(self.run_command("rds-iam setup mysql >>/etc/mysql/conf.d/my.cnf").returncode, 0)
        release = self.run_command("dovecot --version").stdout[:3]
        self.play(RECIPES, f"Dovecot {release}", instead={"doveadm auth test": authenticate})
        self.assert_logins(1, self.instance())

    @plays(RECIPES, "FreeRADIUS")
    def test_freeradius(self):
        self.as_root = True
        self.play(RECIPES, "FreeRADIUS", instead={
            "systemctl daemon-reload": str, "systemctl restart freeradius": self.start_unit_that_logs_in})
        self.assert_logins(1, self.instance())

    def instance(self):
        return self.lab.roles["instance"].session_arn("i-0123456789abcdef0")

    @plays(RECIPES, "PowerDNS")
    def test_powerdns(self):
        self.as_root = True
        result = self.run_command("rds-iam setup mysql >>/etc/mysql/conf.d/my.cnf")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.play(RECIPES, "PowerDNS", instead={"systemctl restart pdns": self.start_unit_that_logs_in})
        self.assert_logins(1, self.instance())

    @plays(RECIPES, "Django")
    def test_django(self):
        outputs = list(self.play(RECIPES, "Django", "etl", LC_ALL="C.UTF-8").values())
        self.assertEqual(["class Orders" in text for text in outputs[-2:]], [True, True], outputs)
        self.assert_both_engines()

    @plays(RECIPES, "Rails")
    def test_rails(self):
        self.set_up_clients()
        self.play(RECIPES, "Rails", "etl")
        self.assert_both_engines()

    @plays(RECIPES, "SQLAlchemy")
    def test_sqlalchemy(self):
        self.set_up_clients()
        self.play(RECIPES, "SQLAlchemy", "etl")
        self.assert_both_engines()

    @plays(RECIPES, "ODBC")
    def test_odbc(self):
        self.play(RECIPES, "ODBC", "etl")
        self.assert_both_engines()

    @plays(RECIPES, "Programs with a password command")
    def test_a_password_command(self):
        outputs = self.play(RECIPES, "Programs with a password command", "etl")
        self.assertIn("X-Amz-Signature=", list(outputs.values())[0])
        self.assert_logins(1, "etl")

    @plays(RECIPES, "PgBouncer")
    def test_pgbouncer(self):
        """The second run of the timer's command replaces a token that has expired. Before that run, the test ends
        PgBouncer's connection to the server, so that PgBouncer has to log in again."""
        def write_token(command):
            runs.append(command)
            if len(runs) == 2:
                self.expire_connection()
            self.write_pgbouncer_token(self.lab.principals["etl"].env())
            if len(runs) == 2:
                self.reload_pgbouncer()
            return ""

        def start(command):
            self.start_unit(command)
            await_true(lambda: "process up" in self.daemon_log(), self.daemon_log)
            return ""

        def measure(command):
            length = int(self.run_command(command, "etl").stdout)
            self.assertIn(length, range(300, 2049))
            return ""

        runs = []
        self.as_root, self.reloads = True, 0
        self.play(RECIPES, "PgBouncer", instead={
            "rds-iam token": measure,
            "systemctl daemon-reload": str, "systemctl enable --now pgbouncer-token": str,
            "systemctl start pgbouncer-token": write_token, "systemctl restart pgbouncer": start})
        self.assertEqual(len(runs), 2)
        self.assert_logins(3, "etl")
        self.assertNotIn("too long", self.daemon_log())
        # A password that is one byte longer than PgBouncer accepts.
        longer = """printf '"user" "%02048d"\\n' 0 >/run/pgbouncer-token/userlist.txt"""
        self.assertEqual(self.run_command(longer).returncode, 0)
        self.reload_pgbouncer()
        await_true(lambda: "password too long in auth file" in self.daemon_log(), self.daemon_log)

    def write_pgbouncer_token(self, keys):
        """In the place of `systemctl start pgbouncer-token`. keys: AWS's variables, in the place of those that
        systemd reads from an Environment= of the unit."""
        unit = units.read(self.network, "pgbouncer-token")
        lab = {**keys, "AWS_CA_BUNDLE": self.lab.cloud_ca_file}
        for line in (*unit.directories(), unit.command_line(*unit.commands("ExecStart"), **lab)):
            result = self.run_command(line)
            self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(unit.commands("ExecStartPost"), ["+/usr/bin/systemctl try-reload-or-restart pgbouncer"])

    def expire_connection(self):
        self.lab.expire_tokens()
        ended = self.run_command(self.fill("rds-iam exec -- psql -h POSTGRES_ENDPOINT -U DB_USER shop"), "etl", stdin=(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where usename = current_user and pid <> pg_backend_pid()"))
        self.assertRegex(ended.stdout, r"\n +1\n", ended.stderr)

    def reload_pgbouncer(self):
        """Does what the unit's ExecReload= does. Each command in front of PgBouncer on the command line executes the
        next one in its own process, so the process id of the first one is PgBouncer's."""
        reload, = units.read(self.network, "pgbouncer").commands("ExecReload")
        self.assertEqual(reload, "/bin/kill -HUP $MAINPID")
        os.kill(self.daemon.pid, signal.SIGHUP)
        self.reloads += 1
        await_true(lambda: self.daemon_log().count("got SIGHUP") == self.reloads, self.daemon_log)

    @plays(RECIPES, "A sidecar in Kubernetes")
    def test_a_sidecar(self):
        """tests/integration/tool/test_setup_postgres.py logs in with the example."""
        outputs = self.play(RECIPES, "A sidecar in Kubernetes")
        self.assertIn("medium: Memory", list(outputs.values())[0])
        self.assertIn("sslrootcert=/services/global-bundle.pem\n", (self.home.path / "pg_service.conf").read_text())


class Servers(DocsCase):
    """A PostgreSQL server that connects to another one. The server and an agent run on the machine, as ACCOUNT."""

    changes_servers = True
    SOCKET = "@rds-iam-client"
    SETTINGS = {"listen_addresses": "", "unix_socket_directories": SOCKET, "dynamic_shared_memory_type": "mmap",
                "fsync": "off", "shared_buffers": "16MB", "wal_retrieve_retry_interval": "100ms"}

    def setUp(self):
        super().setUp()
        self.outputs = []
        made = self.network.run(["install", "-d", "-o", "nobody", "-m", "700", "/run/rds-iam/postgres"],
                                env={"PATH": "/usr/bin:/bin"})
        self.assertEqual(made.returncode, 0, made.stderr)
        data = self.home.path / "data"
        newest = self.run_command("dirname $(ls /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)")
        bin_directory = newest.stdout.strip()
        made = self.run_command(f"{bin_directory}/initdb -D {data} -U postgres -N --auth=trust --locale=C -E UTF8")
        self.assertEqual(made.returncode, 0, made.stderr)
        options = " ".join(f"-c {name}={value!r}" for name, value in self.SETTINGS.items())
        self.server = self.start(f"{shlex.join(AS_USER)} {bin_directory}/postgres -D {data} {options}")
        await_true(lambda: "ready to accept connections" in self.daemon_log(), self.daemon_log)

    def start_agent(self, command):
        """In the place of `systemctl enable --now rds-iam-agent@postgres`: the unit's command, as ACCOUNT."""
        agent = f"{shlex.join(AS_USER)} rds-iam-agent --foreground --directory /run/rds-iam/postgres"
        self.start(agent, "etl", log="agent.log")
        await_true(lambda: "have their tokens" in self.daemon_log("agent.log"), lambda: self.daemon_log("agent.log"))
        return ""

    def run_on_client(self, text):
        """Runs SQL as a superuser of the server that connects. Returns its output."""
        result = self.run_command(f"psql -XAtqw -v ON_ERROR_STOP=1 -h {self.SOCKET} -U postgres postgres", stdin=text)
        self.assertEqual(result.returncode, 0, result.stderr + self.daemon_log("agent.log"))
        self.outputs.append(result.stdout)
        return result.stdout

    def play_on_client(self, title, run_sql=None):
        self.outputs.clear()
        self.play(RECIPES, title, other={"sql": run_sql or self.run_on_client}, instead={
            "systemctl enable --now rds-iam-agent@postgres": self.start_agent})

    @plays(RECIPES, "postgres_fdw and dblink")
    def test_foreign_tables(self):
        self.play_on_client("postgres_fdw and dblink")
        self.assertEqual(self.outputs, ["3\n", "3\n"])
        self.assert_logins(2, "etl")

    @plays(RECIPES, "Subscriptions")
    def test_a_subscription(self):
        self.lab.parameter("rds.iam_auth_for_replication", "1")
        self.words = {"shop": "work"}  # the database in which the lab's user may create tables and publications
        table = "create table orders (id integer primary key);"
        made = self.run_command(self.fill("rds-iam exec -- psql -h POSTGRES_ENDPOINT -U DB_USER work"), "etl", stdin=(
            f"{table} insert into orders values (7); create publication orders for table orders;"))
        self.assertEqual(made.stderr, "")
        self.play_on_client("postgres_fdw and dblink", run_sql=str)  # the next recipe refers to this recipe for the agent
        self.run_on_client(table)
        self.play_on_client("Subscriptions")
        await_true(lambda: self.run_on_client("select * from orders") == "7\n", self.daemon_log)
        self.run_on_client("drop subscription orders")
        self.assert_logins(3, "etl")


if os.geteuid() != 0:
    # A machine has an /etc and a /usr of its own, which only root can mount.
    del Programs, Servers
if __name__ == "__main__":
    harness.main()
