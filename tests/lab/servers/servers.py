# SPDX-License-Identifier: MIT
"""The lab's PostgreSQL and MariaDB servers: makes them from a template, starts and stops them.

Each class contains one server's files, flags and log. This module does not decide how logins are verified or when a
server must stop. Some flags only save time or disk space; do not use them for data that must not be lost.
"""
import hashlib
import os
import pathlib
import signal
import socket
import string
import subprocess
import time

import place
import process
import recipes
from fixture import LabError

HERE = pathlib.Path(__file__).resolve().parent

# Long enough for a cold start on a busy machine; a server that needs longer has hung.
START_TIMEOUT_SECONDS = 120
STOP_TIMEOUT_SECONDS = 60
PORT_ATTEMPTS = 5

# The SQL blocks of RECIPES.md: {placeholder in the files of sql/: title of the block}.
RECIPES_TITLES = {
    "recipes_mariadb": "MySQL, MariaDB",
    "recipes_postgresql": "PostgreSQL",
    "recipes_replication": "PostgreSQL, replication",
}


def reserve_port():
    """Returns a bound socket that reserves a free port until the server has bound it.

    With SO_REUSEADDR on both sockets, the server can bind the port although this socket, which never listens, is
    bound to it. The kernel does not choose this port for another process that binds port 0.
    """
    reservation = socket.socket()
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reservation.bind(("127.0.0.1", 0))
    return reservation


def rendered(name, fixture):
    """The text of a file in sql/, with the fixture's passwords and the statements of RECIPES.md inserted."""
    text = (HERE / "sql" / name).read_text(encoding="utf-8")
    statements = {name: recipes.statements(title) for name, title in RECIPES_TITLES.items()}
    return string.Template(text).substitute(fixture.passwords, **statements)


def fingerprint(binary, *texts):
    """Part of the name of a cache entry, such as a template. If the binary, the user or one of the texts changes, the
    name changes, so a new entry is made."""
    facts = [os.stat(binary).st_size, os.stat(binary).st_mtime_ns, os.geteuid(), *texts]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]


def copy_tree(source, destination):
    """Makes `destination` a copy of a template, with the same owners. The copy is an overlay if labd may mount one,
    which saves a third of the time that a lab needs to start. Otherwise the files are copied, by reference if the file
    system supports this."""
    if place.layered(source, destination):
        return
    subprocess.run(
        ["cp", "-a", "--reflink=auto", str(source), str(destination)],
        check=True,
        stdin=subprocess.DEVNULL,
        timeout=START_TIMEOUT_SECONDS,
    )


class Server:
    """The common part of both servers. Call prepare(), start(), await_ready(), then stop()."""

    engine = None
    ready_text = None
    port_lost_text = None
    death_signal = None

    def __init__(self, directory, fixture, certificates, modules, socket_name):
        self.directory = directory
        self.fixture = fixture
        self.database = fixture.databases[self.engine]
        self.certificates = certificates
        self.modules = modules
        self.socket_name = socket_name
        self.data = directory / "data" / self.engine
        self.log = directory / f"{self.engine}.log"
        self.process = None
        self.port = None
        self._reservation = None
        self._attempts = 0

    def start(self):
        """Starts the server on a free port. Does not wait for it."""
        self._attempts += 1
        self.log.write_bytes(b"")
        self._reservation = reserve_port()
        self.port = self._reservation.getsockname()[1]
        env = process.environment(
            self.directory / "tmp",
            LD_PRELOAD=str(self.modules / "pam_confdir.so"),
            RDSLAB_PAM_CONFDIR=str(self.directory / "pam.d"),
            RDSLAB_SOCKET=self.socket_name,
            RDSLAB_RESOURCE=self.database.resource_id,
        )
        self.process = process.start(
            self.command(), self.death_signal, self.log, env, self.directory
        )

    def await_ready(self):
        """Returns when the server accepts connections. Starts it again if another process took its port."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while True:
            log = self._log_text()
            if self.ready_text in log:
                break
            if self.process.poll() is not None:
                if self.port_lost_text not in log or self._attempts >= PORT_ATTEMPTS:
                    raise self.failure("did not start")
                self._reservation.close()
                self.start()
            if time.monotonic() > deadline:
                raise self.failure(f"was not ready after {START_TIMEOUT_SECONDS} s")
            time.sleep(0.02)
        self._reservation.close()

    def stop(self):
        """Stops the server at once, without saving anything."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.Signals[f"SIG{self.death_signal}"])
        try:
            self.process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_TIMEOUT_SECONDS)

    def failure(self, what):
        """Returns a LabError that contains the end of the server's log."""
        return LabError(f"{self.engine} {what}; its log ends:\n{process.log_tail(self.log)}")

    def _log_text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def command(self):
        """The argv of the server."""
        raise NotImplementedError

    def write_pam_service(self, name, module_arguments):
        """Writes a PAM service that uses only the lab's module."""
        module = self.modules / "pam_rdslab.so"
        services = self.directory / "pam.d"
        services.mkdir(exist_ok=True)
        (services / name).write_text(
            f"auth required {module} {module_arguments}\naccount required {module}\n"
        )

    def run_step(self, command, log, directory, text=""):
        """Runs one command that helps to make a template, and waits for its end."""
        env = process.environment(directory)
        step = process.start(command, "KILL", log, env, directory, stdin=subprocess.PIPE)
        try:
            step.communicate(text.encode(), timeout=START_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            step.kill()
            step.wait()
        output = log.read_text(encoding="utf-8", errors="replace")
        if step.returncode != 0 or "ERROR:" in output:
            raise LabError(
                f"{self.engine} could not be made ({command[0]} ended with {step.returncode}):\n"
                + process.log_tail(log)
            )


class PostgreSQL(Server):
    """PostgreSQL. Members of rds_iam, except master_user, log in through PAM; all logins need TLS. The server also
    simulates an Aurora DSQL cluster: members of dsql_iam log in to the database "postgres" through PAM, and the
    verifier checks their tokens as tokens of that cluster. All other logins use SCRAM."""

    engine = "postgresql"
    ready_text = "database system is ready to accept connections"
    port_lost_text = "could not bind IPv4 address"
    death_signal = "QUIT"  # stops at once, as KILL does, but frees the shared memory segment

    # The master user logs in with a password, although it is a member of rds_iam (so that it can grant rds_iam).
    HBA = (
        "hostssl all master_user 127.0.0.1/32 scram-sha-256\n"
        "hostssl all +rds_iam 127.0.0.1/32 pam pamservice=rdslab-token\n"
        "hostssl postgres +dsql_iam 127.0.0.1/32 pam pamservice=rdslab-dsql\n"
        "hostssl all all      127.0.0.1/32 scram-sha-256\n"
    )
    SETTINGS = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "dynamic_shared_memory_type": "mmap",  # in the data directory, not in /dev/shm
        "ssl": "on",
        "fsync": "off",
        "full_page_writes": "off",
        "shared_buffers": "16MB",
        "max_connections": "200",
        "autovacuum": "off",
        "jit": "off",
        "wal_level": "logical",  # rds.logical_replication
    }
    # A new data directory contains two WAL segments, of 16 MB each by default. Smaller segments make the template
    # smaller.
    INITDB = ["-U", "postgres", "--auth=reject", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions",
              "--wal-segsize=1"]
    # This file is in the data directory. The server reads it again on SIGHUP.
    PARAMETERS = "rds.conf"
    _parameter = None

    def prepare(self, root):
        """Makes the data directory and the configuration in the lab directory."""
        roles = rendered("postgresql.sql", self.fixture)
        shop = rendered("shop.sql", self.fixture)
        server = f"{process.POSTGRESQL_BIN}/postgres"
        name = f"postgresql-{fingerprint(server, roles, shop, *self.INITDB)}"
        template = place.cached(root, name, lambda draft: self._make(draft, roles, shop))
        copy_tree(template / "data", self.data)
        (self.directory / "pg_hba.conf").write_text(self.HBA)
        resources = {"rdslab-token": self.database, "rdslab-dsql": self.fixture.dsql}
        for service, database in resources.items():
            self.write_pam_service(
                service, f"socket={self.socket_name} resource={database.resource_id}")

    def _make(self, draft, roles, shop):
        data = draft / "data"
        data.mkdir(mode=0o700)
        for path in (draft, data):
            process.hand_over(path)
        binaries = process.POSTGRESQL_BIN
        initdb = [f"{binaries}/initdb", "-D", data, *self.INITDB]
        single = [f"{binaries}/postgres", "--single", "-j", "-F", "-D", data]
        self.run_step(initdb, draft / "initdb.log", draft)
        self.run_step([*single, "postgres"], draft / "roles.log", draft, roles)
        self.run_step([*single, self.fixture.database_name], draft / "shop.log", draft, shop)
        with (data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(f"include_if_exists = '{self.PARAMETERS}'\n")

    def set_parameter(self, name, value):
        """Sets an RDS parameter, which applies from the next login. PostgreSQL stores it, and pam_rdslab.so reads it."""
        if self._parameter == (name, value):
            return
        change = f'parameter "{name}" changed to "{value}"'
        before = self._log_text().count(change)
        path = self.data / self.PARAMETERS
        path.write_text(f"{name} = '{value}'\n", encoding="utf-8")
        path.chmod(0o644)
        self.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while self._log_text().count(change) == before:
            if time.monotonic() > deadline:
                raise self.failure(f"did not apply {name}")
            time.sleep(0.02)
        self._parameter = (name, value)

    def reset_parameter(self):
        """Gives the parameter that was set last the value that it has on RDS by default."""
        if self._parameter is not None:
            self.set_parameter(self._parameter[0], "0")

    def command(self):
        certificate, key = self.certificates.server
        settings = {
            **self.SETTINGS,
            "port": self.port,
            "hba_file": self.directory / "pg_hba.conf",
            "ssl_cert_file": certificate,
            "ssl_key_file": key,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [f"{process.POSTGRESQL_BIN}/postgres", "-D", self.data, *options]


class MariaDB(Server):
    """MariaDB with TLS, the lab's version of RDS's plugin, and accounts with ordinary passwords."""

    engine = "mariadb"
    ready_text = "ready for connections"
    port_lost_text = "Can't start server: Bind on TCP/IP port"
    death_signal = "KILL"

    INNODB = [
        "--innodb-log-file-size=4M",
        "--innodb-undo-tablespaces=0",
        "--innodb-flush-method=nosync",
        "--innodb-use-native-aio=0",
    ]
    OPTIONS = [
        *INNODB,
        "--bind-address=127.0.0.1",
        "--socket=../../mariadb.sock",  # relative to the data directory, so the path is never too long
        "--pid-file=mariadb.pid",
        "--plugin-load-add=aws_authentication_plugin",
        "--plugin-load-add=auth_ed25519",
        "--plugin-load-add=auth_pam_v1",
        "--pam-use-cleartext-plugin",
        "--skip-name-resolve",
        "--skip-log-bin",
        "--max-connections=600",
        "--connect-timeout=60",  # hundreds of clients on two processors are slow
        "--max-connect-errors=100000",
        "--log-warnings=1",
        "--innodb-buffer-pool-size=8M",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=0",
        "--innodb-buffer-pool-dump-at-shutdown=0",
        "--innodb-buffer-pool-load-at-startup=0",
        "--aria-pagecache-buffer-size=1M",
        "--key-buffer-size=1M",
        "--performance-schema=off",
        "--thread-handling=one-thread-per-connection",
    ]
    # "socket": other users of this machine cannot log in to the root account through TCP.
    INSTALL = [*INNODB, "--auth-root-authentication-method=socket", "--skip-test-db", "--skip-name-resolve"]
    PLUGINS = ("auth_ed25519.so", "auth_pam_v1.so")

    @classmethod
    def template_name(cls):
        return f"mariadb-{fingerprint('/usr/sbin/mariadbd', *cls.INSTALL)}"

    def prepare(self, root):
        """Makes the data directory and the configuration in the lab directory."""
        copy_tree(place.cached(root, self.template_name(), self._make) / "data", self.data)
        statements = rendered("mariadb.sql", self.fixture) + rendered("shop.sql", self.fixture)
        (self.directory / "mariadb.sql").write_text(statements, encoding="utf-8")
        self._link_plugins()
        self.write_pam_service("rdslab-password", f"password={self.fixture.passwords['pam_user']}")

    def _link_plugins(self):
        plugins = self.directory / "plugins"
        plugins.mkdir()
        for name in self.PLUGINS:
            (plugins / name).symlink_to(f"{process.MARIADB_PLUGINS}/{name}")
        own = "aws_authentication_plugin.so"
        (plugins / own).symlink_to(self.modules / own)

    def _make(self, draft):
        data = draft / "data"
        data.mkdir(mode=0o700)
        for path in (draft, data):
            process.hand_over(path)
        install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", *self.INSTALL, f"--tmpdir={draft}"]
        self.run_step(install, draft / "install.log", draft)

    def command(self):
        certificate, key = self.certificates.server
        return [
            "/usr/sbin/mariadbd",
            "--no-defaults",
            f"--datadir={self.data}",
            f"--port={self.port}",
            f"--tmpdir={self.directory / 'tmp'}",
            f"--plugin-dir={self.directory / 'plugins'}",
            f"--init-file={self.directory / 'mariadb.sql'}",
            f"--ssl-ca={self.certificates.ca_file}",
            f"--ssl-cert={certificate}",
            f"--ssl-key={key}",
            *self.OPTIONS,
        ]

    def await_ready(self):
        super().await_ready()
        # MariaDB starts even if the SQL contains a mistake.
        if "[ERROR]" in self._log_text():
            raise self.failure("started with errors")
