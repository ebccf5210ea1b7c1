# SPDX-License-Identifier: MIT
"""Daemons under rds-iam exec, as a systemd unit starts them: a small environment, and the daemon in the foreground.
Each daemon's own configuration names the host, port, user and database, and contains no TLS setting."""
import os
import pathlib
import shutil
import socket
import subprocess
import time

import trust_server
from labcase import USER, LabCase, harness, mariadb_plugins

DEADLINE_SECONDS = 60
POSTFIX = pathlib.Path("/usr/lib/postfix/sbin")
MAPS = {
    "mysql": "hosts = inet:{host}:{port}\nuser = {user}\npassword =\ndbname = shop\nquery = select current_user()\n",
    "pgsql": "hosts = inet:{host}:{port}\nuser = {user}\npassword =\ndbname = shop\nquery = select current_user\n",
}
NAMES = {"mysql": f"{USER}@%\n", "pgsql": f"{USER}\n"}
# Postfix's master starts proxymap, and passes on only the variables that import_environment lists.
MAIN_CF = """
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = loopback-only
inet_protocols = ipv4
maillog_file =
syslog_name = postfix-rds-iam-test
proxy_read_maps = proxy:mysql:{place}/mysql.cf proxy:pgsql:{place}/pgsql.cf
import_environment = MAIL_CONFIG MAIL_DEBUG {passed}
"""
MASTER_CF = "proxymap  unix  -       -       n       -       -       proxymap\n"
# The variables that rds-iam exec sets and those that a login needs. (Postfix adds its own variables.)
PASSED = ("LD_PRELOAD RDS_IAM_CA RDS_IAM_CA_PUBLIC LIBMYSQL_PLUGINS LIBMYSQL_PLUGIN_DIR MARIADB_PLUGIN_DIR PGSSLMODE"
          " PGGSSENCMODE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_EC2_METADATA_DISABLED NSS_WRAPPER_HOSTS")

# The query returns the name under which the server has logged Dovecot in. Dovecot uses this name as the password of
# each user. So `doveadm auth test` with this password succeeds only if Dovecot has logged in to the database.
DOVECOT_CONF = """
base_dir = {place}/base
state_dir = {place}/state
protocols =
ssl = no
log_path = /dev/stderr
auth_mechanisms = plain
import_environment = {passed}
passdb {{
  driver = sql
  args = {place}/sql.conf
}}
userdb {{
  driver = static
  args = uid=dovecot gid=dovecot home=/nonexistent
}}
"""
DOVECOT_SQL = """
driver = {engine}
connect = host={host} port={port} dbname=shop user={user}
default_pass_scheme = PLAIN
password_query = SELECT {function} AS password, '%u' AS user
"""
FUNCTIONS = {"mysql": "current_user()", "pgsql": "current_user"}
# The variables with which the lab's host names resolve.
NAMES_OF_LAB = "LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_HOSTS AWS_EC2_METADATA_DISABLED"


class DaemonCase(LabCase):
    """If has_store is true, the home contains the files that `rds-iam setup ca` installs, and HOME is set, as in a unit
    with User=. Otherwise HOME is not set, and rds-iam exec gets --ca. A daemon that changes its user needs --ca,
    because it could not read the files in the home."""

    has_store = False

    def setUp(self):
        super().setUp()
        self.places = {"mysql": self.lab.mariadb, "pgsql": self.lab.pg}
        if self.has_store:
            trust_server.install_store(self.home.path, self.lab.ca_file)

    def argv(self, *command, under=True):
        own = () if self.has_store else ("--ca", self.lab.ca_file)
        return [*([harness.installed("bin/rds-iam"), "exec", *own, "--"] if under else []), *command]

    def environment(self):
        env = self.home.env()
        if not self.has_store:
            del env["HOME"]
        return env

    def start(self, *command, under=True):
        """Starts a daemon in the foreground. It is killed at the end of the test."""
        log = open(self.home.path / "daemon.log", "wb")
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *map(str, self.argv(*command, under=under))], env=self.environment(),
            cwd=self.home.path, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.addCleanup(log.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def log(self):
        return (self.home.path / "daemon.log").read_text(errors="replace")

    def await_verdict(self, process, seen):
        """Waits for a login. Returns its verdict, or None if the daemon has ended without one."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            ended = process.poll() is not None
            new = self.verdicts()[seen:]
            if new or ended:
                return new[0] if new else None
            time.sleep(0.05)
        raise AssertionError(f"no login: {self.log()}")

    def assert_daemon_logs_in(self, *command):
        seen = len(self.verdicts())
        process = self.start(*command)
        verdict = self.await_verdict(process, seen)
        self.assertIsNotNone(verdict, self.log())
        self.assertEqual((verdict["reason"], verdict["user"]), (None, USER))
        process.kill()

    @staticmethod
    def free_port():
        with socket.create_server(("127.0.0.1", 0)) as server:
            return server.getsockname()[1]


class PostfixCase(DaemonCase):
    def write_maps(self, directory, more=""):
        for engine, text in MAPS.items():
            place = self.places[engine]
            self.home.write(f"{directory}/{engine}.cf", text.format(host=place.host, port=place.port, user=USER)
                            + (more if engine == "mysql" else ""))
        self.home.write(f"{directory}/main.cf", "compatibility_level = 3.6\n", mode=0o644)
        return self.home.path / directory

    def postmap(self, directory, engine, under=True, prefix=""):
        return harness.run(self.argv("postmap", "-c", directory, "-q", "anyone",
                                     f"{prefix}{engine}:{directory}/{engine}.cf", under=under),
                           env=self.environment(), cwd=self.home.path)


class Postmap(PostfixCase):
    has_store = True

    def test_both_engines(self):
        directory = self.write_maps("postfix")
        for engine, name in NAMES.items():
            with self.subTest(engine=engine):
                result = self.postmap(directory, engine)
                self.assertEqual(result.stdout, name, result.stderr)
                self.assertEqual(self.verdicts()[-1]["reason"], None)
                seen = len(self.verdicts())
                control = self.postmap(directory, engine, under=False)
                self.assertEqual((control.stdout, [v for v in self.verdicts()[seen:] if v["token_length"] > 0]), ("", []))


if os.geteuid() == 0:
    class Proxymap(PostfixCase):
        """Postfix's master starts proxymap as the user postfix. master passes on only the variables that
        import_environment lists."""

        def start_master(self, passed, more="", under=True):
            place = self.write_maps("postfix", more)
            queue, data = self.home.path / "queue", self.home.path / "data"
            for directory in (queue, data, *(queue / name for name in ("pid", "private", "public"))):
                directory.mkdir()
            shutil.chown(data, "postfix")
            for name in ("private", "public"):
                shutil.chown(queue / name, "postfix")
            for path in (self.home.path, *place.iterdir()):
                path.chmod(0o755 if path.is_dir() else 0o644)
            text = MAIN_CF.format(queue=queue, data=data, place=place, passed=passed)
            self.home.write("postfix/main.cf", text, mode=0o644)
            self.home.write("postfix/master.cf", MASTER_CF, mode=0o644)
            place.chmod(0o755)
            master = self.start(POSTFIX / "master", "-c", place, "-d", under=under)
            socket_path = queue / "private/proxymap"
            deadline = time.monotonic() + DEADLINE_SECONDS
            while not socket_path.exists():
                self.assertIsNone(master.poll(), self.log())
                self.assertLess(time.monotonic(), deadline, self.log())
                time.sleep(0.05)
            return place

        def test_proxymap_logs_in_if_master_passes_the_variables_on(self):
            place = self.start_master(PASSED)
            for engine, name in NAMES.items():
                with self.subTest(engine=engine):
                    result = self.postmap(place, engine, under=False, prefix="proxy:")
                    self.assertEqual(result.stdout, name, result.stderr + self.log())
                    self.assertEqual(self.verdicts()[-1]["reason"], None)

        def test_control_proxymap_does_not_log_in_if_master_clears_the_variables(self):
            place = self.start_master(NAMES_OF_LAB)
            for engine in NAMES:
                with self.subTest(engine=engine):
                    self.assertEqual(self.postmap(place, engine, under=False, prefix="proxy:").stdout, "")
            self.assert_nothing_sent()

        def test_proxymap_logs_in_with_an_option_file_instead(self):
            options = self.home.write("my.cnf", "[client]\nplugin-dir=%s\nssl-ca=%s\nssl-verify-server-cert=1\n"
                                      % (mariadb_plugins(), self.lab.ca_file), mode=0o644)
            place = self.start_master(NAMES_OF_LAB + " AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY",
                                      f"option_file = {options}\noption_group = client\n", under=False)
            result = self.postmap(place, "mysql", under=False, prefix="proxy:")
            self.assertEqual(result.stdout, NAMES["mysql"], result.stderr + self.log())
            self.assert_accepted()



def has_dovecot_24():
    """Returns true if a Dovecot other than 2.3 is installed. The configuration of 2.4 (Debian 13) has another
    format."""
    return shutil.which("dovecot") and not harness.run(["dovecot", "--version"]).stdout.startswith("2.3.")


if os.geteuid() == 0 and not has_dovecot_24():
    class Dovecot(DaemonCase):
        """Dovecot's master starts auth (as the user dovecot) and auth-worker. master passes on only the variables that
        import_environment lists. auth connects to PostgreSQL. For MySQL, auth and auth-worker connect."""

        def authenticate(self, engine, passed):
            """Starts dovecot under rds-iam exec, and makes it look up a user. Returns the result of doveadm."""
            server = self.places[engine]
            place = self.home.path / f"dovecot-{engine}"
            for directory in ("base", "state"):
                (place / directory).mkdir(parents=True)
            self.home.write(f"{place.name}/sql.conf", DOVECOT_SQL.format(
                engine=engine, host=server.host, port=server.port, user=USER, function=FUNCTIONS[engine]), mode=0o644)
            config = self.home.write(f"{place.name}/dovecot.conf", DOVECOT_CONF.format(place=place, passed=passed),
                                     mode=0o644)
            for path in (self.home.path, place):
                path.chmod(0o755)
            dovecot = self.start("dovecot", "-F", "-c", config)
            deadline = time.monotonic() + DEADLINE_SECONDS
            while not (place / "base/auth-client").exists():
                self.assertIsNone(dovecot.poll(), self.log())
                self.assertLess(time.monotonic(), deadline, self.log())
                time.sleep(0.05)
            result = harness.run(["doveadm", "-c", config, "auth", "test", "anyone", NAMES[engine].strip()],
                                 env=self.environment())
            dovecot.terminate()
            dovecot.wait(DEADLINE_SECONDS)
            return result

        def test_dovecot_logs_in_if_master_passes_the_variables_on(self):
            for engine in NAMES:
                with self.subTest(engine=engine):
                    seen = len(self.verdicts())
                    result = self.authenticate(engine, PASSED)
                    self.assertIn("anyone auth succeeded", result.stdout, self.log())
                    self.assertEqual({v["reason"] for v in self.verdicts()[seen:]}, {None})

        def test_control_dovecot_does_not_log_in_if_master_clears_the_variables(self):
            for engine in NAMES:
                with self.subTest(engine=engine):
                    result = self.authenticate(engine, NAMES_OF_LAB)
                    self.assertNotEqual(result.returncode, 0)
                    self.assertRegex(self.log(), "Access denied|no password supplied")
            self.assert_nothing_sent()


class Pdns(DaemonCase):
    """pdns_server connects when it starts."""

    has_store = True

    def command(self, kind):
        launch, engine = {"mysql": ("gmysql", "mysql"), "pgsql": ("gpgsql", "pgsql")}[kind]
        place = self.places[engine]
        directory = self.home.path / "pdns"
        directory.mkdir(exist_ok=True)
        options = {"host": place.host, "port": place.port, "user": USER, "password": "", "dbname": "shop"}
        return ["pdns_server", f"--config-dir={directory}", f"--socket-dir={directory}", f"--launch={launch}",
                "--daemon=no", "--guardian=no", "--local-address=127.0.0.1", f"--local-port={self.free_port()}",
                *(f"--{launch}-{key}={value}" for key, value in options.items())]

    def test_each_backend(self):
        for engine in self.places:
            with self.subTest(engine=engine):
                self.assert_daemon_logs_in(*self.command(engine))

    def test_control_without_exec(self):
        for engine in self.places:
            with self.subTest(engine=engine):
                process = self.start(*self.command(engine), under=False)
                deadline = time.monotonic() + DEADLINE_SECONDS
                while process.poll() is None and "nable to" not in self.log() and time.monotonic() < deadline:
                    time.sleep(0.05)
                self.assertRegex(self.log(), "Access denied|no password supplied|nable to")
                process.kill()
        self.assert_nothing_sent()


class Coturn(DaemonCase):
    """turnserver connects when it starts, to read its realms."""

    has_store = True

    def command(self, engine):
        place = self.places[engine]
        database = f"host={place.host} port={place.port} user={USER} dbname=shop"
        port = self.free_port()
        return ["turnserver", "-n", "--no-tls", "--no-dtls", "--no-cli", "--lt-cred-mech", "--realm=x",
                "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={port}", "--log-file=stdout",
                f"--pidfile={self.home.path}/turn.pid", "--mysql-userdb" if engine == "mysql" else "--psql-userdb",
                database]

    def test_each_engine(self):
        for engine in self.places:
            with self.subTest(engine=engine):
                self.assert_daemon_logs_in(*self.command(engine))

    def test_control_without_exec(self):
        for engine, error in (("mysql", "Cannot open MySQL DB connection"), ("pgsql", "Cannot open PostgreSQL DB connection")):
            with self.subTest(engine=engine):
                process = self.start(*self.command(engine), under=False)
                deadline = time.monotonic() + DEADLINE_SECONDS
                while process.poll() is None and error not in self.log() and time.monotonic() < deadline:
                    time.sleep(0.05)
                self.assertIn(error, self.log())
                process.kill()
        self.assert_nothing_sent()


if __name__ == "__main__":
    harness.main()
