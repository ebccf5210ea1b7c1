# SPDX-License-Identifier: MIT
"""CREATE SUBSCRIPTION: a second PostgreSQL server, the subscriber, connects to the lab's server through libpq.
An agent runs as the subscriber's user, and each worker of the subscription opens the passfile again. In a second
test the subscriber runs under the preload and needs neither agent nor passfile."""
import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess

from labcase import USER, LabCase, harness
from service import DEADLINE_SECONDS, Services, await_true
import process

PARAMETER = "rds.iam_auth_for_replication"
# PostgreSQL does not run as root. --pdeathsig comes last, because changing the user clears it.
AS_SERVER = ["setpriv", *(process.DROP_ROOT if os.geteuid() == 0 else []), "--pdeathsig=KILL"]
SETTINGS = {
    "listen_addresses": "",
    "dynamic_shared_memory_type": "mmap",  # in the data directory, not in /dev/shm
    "fsync": "off",
    "shared_buffers": "16MB",
    "wal_retrieve_retry_interval": "100ms",  # between two attempts of a worker
}
READY = "database system is ready to accept connections"


class Subscriber:
    """A PostgreSQL server on an abstract socket. Only the operating-system user that runs the server can log in."""

    def __init__(self, home):
        self.home = home
        self.data = home.path / "subscriber"
        self.socket = f"@rds-iam-{secrets.token_hex(8)}"
        self.log = home.path / "subscriber.log"

    def run(self, *argv):
        return self.home.run([*AS_SERVER, *argv], None)

    def sql(self, command):
        return self.run("psql", "-XAtw", "-h", self.socket, "-U", "postgres", "-c", command)

    def make(self):
        """Creates the data directory. Only the operating-system user of the server can log in."""
        made = self.run(f"{process.POSTGRESQL_BIN}/initdb", "-D", self.data, "-U", "postgres", "-N",
                        "--auth=reject", "--locale=C", "-E", "UTF8", "--no-instructions")
        assert made.returncode == 0, made.stderr
        (self.data / "pg_hba.conf").write_text("local all all peer map=own\n")
        user = pwd.getpwuid(process.server_uid()).pw_name
        (self.data / "pg_ident.conf").write_text(f"own {user} postgres\n")

    @contextlib.contextmanager
    def running(self, under=(), principal=None):
        """Creates the data directory, and runs the server until the `with` block ends. under: words in front of the
        server's command."""
        self.make()
        settings = {**SETTINGS, "unix_socket_directories": self.socket}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("wb") as output:
            server = subprocess.Popen(
                [*AS_SERVER, *under, f"{process.POSTGRESQL_BIN}/postgres", "-D", self.data, *options],
                env=self.home.env(principal), cwd=self.home.path, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT)
        try:
            await_true(lambda: READY in self.read_log(), self.read_log)
            yield self
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait(DEADLINE_SECONDS)

    def read_log(self):
        return self.log.read_text(encoding="utf-8", errors="replace")


class Subscription(LabCase):
    changes_servers = True

    def setUp(self):
        super().setUp()
        process.hand_over(self.home.path)
        self.services = Services(self.home)
        self.services.add("work", dbname="work")
        process.hand_over(self.home.path / ".pg_service.conf")
        self.subscriber = Subscriber(self.home)

    def publisher(self, command):
        """Runs an SQL command on the publisher, with the same passfile and an ordinary connection."""
        return self.subscriber.run("psql", "-XAtw", "service=work", "-c", command)

    def subscribe(self, passfile=None):
        words = (f"host={self.lab.pg.host} port={self.lab.pg.port} user={USER} dbname=work"
                 f" sslmode=verify-full sslrootcert={self.lab.ca_file}")
        words += f" passfile={passfile}" if passfile else ""
        return self.subscriber.sql(f"create subscription s connection '{words}' publication p")

    def expire_tokens(self):
        """Expires all tokens. Clients share a token for a second, so this method waits until a newer one is served."""
        before = self.services.passfile("work").read_text()
        self.lab.expire_tokens()
        await_true(lambda: self.services.passfile("work").read_text() != before)

    def await_rows(self, expected):
        await_true(lambda: self.subscriber.sql("select string_agg(id::text, ' ' order by id) from t")
                   .stdout == f"{expected}\n", self.subscriber.read_log)

    def publish(self):
        made = self.publisher("drop publication if exists p; drop table if exists t;"
                              "create table t (id int primary key); insert into t values (1);"
                              "create publication p for table t")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.addCleanup(self.lab.parameter, PARAMETER, "0")

    def test_workers_log_in_while_the_subscription_exists(self):
        with self.services.agent(under=AS_SERVER), self.subscriber.running():
            self.publish()
            self.assertEqual(self.subscriber.sql("create table t (id int primary key)").stderr, "")
            before = len(self.verdicts())
            self.lab.parameter(PARAMETER, "0")
            passfile = self.services.passfile("work")
            self.assertIn(f'PAM authentication failed for user "{USER}"', self.subscribe(passfile).stderr)
            self.assertEqual(self.verdicts()[before:], [], "the verifier was not asked about the token")
            self.assertEqual(self.publisher("select 1").stdout, "1\n", "control: without replication")

            self.lab.parameter(PARAMETER, "1")
            self.assertEqual(self.subscribe(passfile).returncode, 0)
            self.await_rows("1")
            self.publisher("insert into t values (2)")
            self.await_rows("1 2")

            self.expire_tokens()
            seen = len(self.verdicts())
            ended = self.publisher("select count(pg_terminate_backend(pid)) from pg_stat_replication")
            self.assertEqual(ended.stdout, "1\n", ended.stderr)
            self.publisher("insert into t values (3)")
            self.await_rows("1 2 3")
            self.assertGreater(len(self.verdicts()), seen + 2, "a new worker logged in, and psql twice")
            self.assertEqual(self.subscriber.sql("drop subscription s").stderr,
                             'NOTICE:  dropped replication slot "s" on publisher\n')
        self.assertEqual({(v["reason"], v["principal"]) for v in self.verdicts()}, {(None, "etl")})
        self.assertFalse(self.services.passfile("work").exists())

    def test_a_server_under_the_preload_needs_no_passfile(self):
        companion = [str(harness.installed("bin/rds-iam")), "exec", "--"]
        with self.services.agent(under=AS_SERVER):
            self.publish()
            self.lab.parameter(PARAMETER, "1")
            with self.subscriber.running():
                self.assertEqual(self.subscriber.sql("create table t (id int primary key)").stderr, "")
                self.assertIn("no password supplied", self.subscribe().stderr, "control")
            shutil.rmtree(self.subscriber.data)
            with self.subscriber.running(companion, "etl"):
                self.assertEqual(self.subscriber.sql("create table t (id int primary key)").stderr, "")
                self.assertEqual(self.subscribe().returncode, 0)
                self.await_rows("1")
                self.expire_tokens()
                ended = self.publisher("select count(pg_terminate_backend(pid)) from pg_stat_replication")
                self.assertEqual(ended.stdout, "1\n", ended.stderr)
                self.publisher("insert into t values (2)")
                self.await_rows("1 2")
                self.assertEqual(self.subscriber.sql("drop subscription s").stderr,
                                 'NOTICE:  dropped replication slot "s" on publisher\n')
        self.assertEqual({(v["reason"], v["principal"]) for v in self.verdicts()}, {(None, "etl")})


if __name__ == "__main__":
    harness.main()
