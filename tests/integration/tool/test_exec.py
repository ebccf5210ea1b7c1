# SPDX-License-Identifier: MIT
"""rds-iam exec: logins of unchanged clients from an empty home directory, the variables that exec sets, and the
messages if there is no token."""
import os
import re
import shutil

from labcase import USER, LabCase, harness
import mysql_client
from postgresql_peer import PostgreSQLPeer
import ways


class ExecCase(LabCase):
    def exec(self, *command, own=(), principal="etl", **extra):
        """Runs `rds-iam exec OWN -- COMMAND` in the test's home directory, which is empty unless the test writes
        files."""
        return self.home.run([harness.installed("bin/rds-iam"), "exec", *own, "--", *command], principal, **extra)

    def psql(self, *words, own=None, **extra):
        pg = self.lab.pg
        own = ["--ca", self.lab.ca_file] if own is None else own
        return self.exec("psql", "-XAtw", "-h", pg.host, "-p", pg.port, "-U", USER, *words,
                         self.lab.database_name, own=own, **extra)

    def mariadb(self, *options, **extra):
        server = self.lab.mariadb
        return self.exec("mariadb", "-h", server.host, "-P", server.port, "-u", USER, *options, "-N", "-e",
                         "select current_user()", **extra)


class Clients(ExecCase):
    def test_the_home_directory_stays_empty(self):
        self.assertEqual(self.psql("-c", "select current_user").stdout.strip(), USER)
        self.assertEqual(list(self.home.path.iterdir()), [])

    def test_psql(self):
        result = self.psql("-c", "select current_user, ssl from pg_stat_ssl where pid = pg_backend_pid()")
        self.assertEqual((result.stdout, result.stderr), (f"{USER}|t\n", ""))
        self.assert_accepted()

    def test_psql_with_the_ca_in_the_environment(self):
        result = self.psql("-c", "select 1", own=[], PGSSLROOTCERT=str(self.lab.ca_file))
        self.assertEqual(result.stdout, "1\n", result.stderr)

    def test_mariadb_with_tls_options_on_the_command_line(self):
        result = self.mariadb(f"--ssl-ca={self.lab.ca_file}", "--ssl-verify-server-cert")
        self.assertEqual(result.stdout.strip(), f"{USER}@%", result.stderr)
        self.assert_accepted()

    def test_mariadb_with_the_host_alone(self):
        result = self.mariadb(own=["--ca", self.lab.ca_file])
        self.assertEqual((result.stdout, result.stderr), (f"{USER}@%\n", ""))
        self.assert_accepted()

    def test_mariadb_without_a_ca_reports_what_is_missing(self):
        result = self.mariadb()
        self.assertIn("so no token was sent", result.stderr)
        self.assert_nothing_sent()

    def test_a_client_of_oracles_library_with_tls_options(self):
        """tests/loader stands in for Oracle's library. The options are those of Oracle's mysql."""
        server = self.lab.mariadb
        for library in mysql_client.LIBRARIES:
            with self.subTest(library=library):
                result = self.exec(
                    mysql_client.PROGRAM, "--library=" + library, "--ssl-mode=VERIFY_IDENTITY",
                    f"--ssl-ca={self.lab.ca_file}", server.host, server.port, USER)
                self.assertEqual(result.stdout, f"{USER}@%\n", result.stderr)
        self.assert_accepted(len(mysql_client.LIBRARIES))

    def test_a_program_that_the_command_starts_logs_in(self):
        pg = self.lab.pg
        script = f"psql -XAtw -h {pg.host} -p {pg.port} -U {USER} -c 'select 7' {self.lab.database_name} | cat"
        result = self.exec("sh", "-c", script, own=["--ca", self.lab.ca_file])
        self.assertEqual(result.stdout, "7\n", result.stderr)

    def test_exec_inside_exec_adds_nothing(self):
        tool = harness.installed("bin/rds-iam")
        once = self.exec("env").stdout
        self.assertEqual(self.exec(tool, "exec", "--", "env").stdout, once)


class Variables(ExecCase):
    def variables(self, own=(), **extra):
        lines = self.exec("env", own=own, **extra).stdout.splitlines()
        return dict(line.split("=", 1) for line in lines)

    def test_variables_that_exec_sets(self):
        library = harness.installed("lib*/**/rds-iam/librds-iam-pq.so")
        found = self.variables(["--ca", self.lab.ca_file])
        self.assertEqual(found["LD_PRELOAD"], f"libnss_wrapper.so:{library}")
        self.assertEqual(found["MARIADB_PLUGIN_DIR"], str(library.parent / "mariadb"))
        self.assertEqual(found["RDS_IAM_CA"], str(self.lab.ca_file))
        self.assertEqual(found["RDS_IAM_CA_PUBLIC"], str(self.lab.ca_file))
        self.assertEqual([name for name in found if name.startswith("PG")], [], "libpq's own variables are not set")
        self.assertEqual(found["RDS_IAM_LOG"], "warning")
        self.assertEqual(found["LIBMYSQL_PLUGIN_DIR"], str(mysql_client.shadow_plugins()))

    def test_setup_mysql_prints_the_same_plugins(self):
        text = self.home.run([harness.installed("bin/rds-iam"), "setup", "mysql", "--program", "environment"]).stdout
        printed = re.search(r'^ *LIBMYSQL_PLUGINS="(mysql_clear_password;[^"]*)"', text, re.M).group(1)
        self.assertEqual(self.variables()["LIBMYSQL_PLUGINS"], printed)
        self.assertEqual(printed, "mysql_clear_password;" + mysql_client.preload()["LIBMYSQL_PLUGINS"])

    def test_plugins_that_the_user_names_stay_in_front(self):
        for named, found in (
                ("other", "other;mysql_clear_password;rds_iam_v1;rds_iam_v2"),
                ("mysql_clear_password;other", "mysql_clear_password;other;rds_iam_v1;rds_iam_v2")):
            with self.subTest(named=named):
                self.assertEqual(self.variables(LIBMYSQL_PLUGINS=named)["LIBMYSQL_PLUGINS"], found)

    def test_variables_that_the_user_set_stay(self):
        found = self.variables(PGSSLMODE="verify-ca", PGGSSENCMODE="require", RDS_IAM_LOG="1", PGSSLROOTCERT="/a.pem")
        self.assertEqual(
            (found["PGSSLMODE"], found["PGGSSENCMODE"], found["RDS_IAM_LOG"], found["PGSSLROOTCERT"]),
            ("verify-ca", "require", "1", "/a.pem"))

    def test_the_preload_precedes_a_preloaded_libpq(self):
        """The loader takes the first definition of a function, so libpq's would hide the preload's."""
        ours = str(harness.installed("lib*/**/rds-iam/librds-iam-pq.so"))
        libpq = str(ways.debian_libpq())
        for before, after in (
                (f"libnss_wrapper.so:{libpq}", f"libnss_wrapper.so:{ours}:{libpq}"),
                (f"libnss_wrapper.so {libpq}", f"libnss_wrapper.so {ours}:{libpq}"),
                (f"libnss_wrapper.so {ours} {libpq}", f"libnss_wrapper.so {ours} {libpq}"),
                (f"libnss_wrapper.so {libpq} {ours}", f"libnss_wrapper.so {ours}:{libpq}"),
                ("libpq.so.5:libnss_wrapper.so", f"{ours}:libpq.so.5:libnss_wrapper.so"),
                (f"{libpq}:{ours}", f"{ours}:{libpq}"),
                (f"{ours}:{libpq}", f"{ours}:{libpq}"),
                ("libnss_wrapper.so:libmariadb.so.3", f"libnss_wrapper.so:{ours}:libmariadb.so.3"),
                ("libmysqlclient.so.21", f"{ours}:libmysqlclient.so.21"),
                ("libmysqlclient_r.so", f"libmysqlclient_r.so:{ours}"),
                ("/lib/libpq-old/libm.so.6:libpqxx.so", f"/lib/libpq-old/libm.so.6:libpqxx.so:{ours}"),
                ("libnss_wrapper.so:libm.so.6", f"libnss_wrapper.so:libm.so.6:{ours}")):
            with self.subTest(before=before):
                self.assertEqual(self.variables(LD_PRELOAD=before)["LD_PRELOAD"], after)

    def test_a_preloaded_libpq_does_not_send_a_token_unchecked(self):
        token = self.lab.token("etl", self.lab.pg, USER, port=5432)
        for command in (("psql", "-Xw"), ("sh", "-c", 'exec psql -Xw "$1"', "sh")):
            for under in (True, False):
                with self.subTest(command=command[0], under=under), \
                        PostgreSQLPeer(None, f"{self.home.path}/.s.PGSQL.5432") as peer:
                    words = [*command, f"host={self.home.path} port=5432"]
                    start = self.exec if under else lambda *argv, **extra: self.home.run(argv, **extra)
                    start(*words, PGPASSWORD=token, LD_PRELOAD=f"libnss_wrapper.so:{ways.debian_libpq()}")
                    sent = [data.rstrip(b"\0") for _, data in peer.answers if data.strip(b"\0")]
                    self.assertEqual(peer.connections, 1)
                    self.assertEqual(sent, [] if under else [token.encode()])

    def test_an_invalid_log_setting_is_corrected(self):
        for invalid, used in (("loud", "info"), ("loud:/log", "info:/log"), ("debug:log", "debug"), ("loud:log", "info"),
                              ("1", "1"), ("0", "0"), ("debug:/log", "debug:/log")):
            with self.subTest(invalid=invalid):
                self.assertEqual(self.variables(RDS_IAM_LOG=invalid)["RDS_IAM_LOG"], used)

    def test_exec_puts_no_secret_into_the_environment(self):
        before = self.home.env()
        added = {k: v for k, v in self.variables().items() if before.get(k) != v}
        self.assertLessEqual(
            set(added), {"LD_PRELOAD", "MARIADB_PLUGIN_DIR", "LIBMYSQL_PLUGINS", "LIBMYSQL_PLUGIN_DIR", "RDS_IAM_LOG",
                         "RDS_IAM_CA", "RDS_IAM_CA_PUBLIC", "PWD"})


class Messages(ExecCase):
    """The messages for a login without a token."""

    def test_without_credentials(self):
        result = self.psql("-c", "select 1", principal=None)
        self.assertIn("rds-iam: warning: no token for clickpipes_iam_user at mypg.", result.stderr)
        self.assertIn(": no AWS credentials: ", result.stderr)
        self.assertIn("no password supplied", result.stderr)
        self.assert_nothing_sent()

    def test_with_a_weaker_sslmode(self):
        result = self.psql("-c", "select 1", PGSSLMODE="require")
        self.assertIn("sslmode=require would send the token to an unverified server; remove it (also PGSSLMODE), or "
                      "set sslmode=verify-full", result.stderr)
        self.assert_nothing_sent()

    def test_the_log_can_be_turned_off(self):
        for value, is_off in (("0", True), ("", False), ("warning", False), ("1", False)):
            with self.subTest(value=value):
                result = self.psql("-c", "select 1", PGSSLMODE="require", RDS_IAM_LOG=value)
                self.assertIn("no password supplied", result.stderr)
                self.assertEqual("rds-iam:" not in result.stderr, is_off)
                server = self.lab.mariadb
                result = self.exec("mariadb", "-h", server.host, "-P", server.port, "-u", USER, "-pleft-over",
                                   f"--ssl-ca={self.lab.ca_file}", "--ssl-verify-server-cert", RDS_IAM_LOG=value)
                self.assertIn("ERROR 1045", result.stderr)
                self.assertEqual("rds-iam:" not in result.stderr, is_off)

    def test_a_fault_of_the_log_setting_is_reported_once(self):
        for value, fault in (("loud", "the level is not one of warning, info and debug"),
                             ("warning:log", "the file is not an absolute path")):
            for login in (lambda **extra: self.psql("-c", "select 1", PGSSLMODE="require", **extra), self.mariadb):
                result = login(RDS_IAM_LOG=value)
                self.assertEqual(result.stderr.count(fault), 1, result.stderr)
                self.assertGreater(result.stderr.count("rds-iam:"), 1, "control: the client's process logs, too")

    def test_a_host_that_is_not_an_rds_endpoint(self):
        result = self.exec("psql", "-w", "-h", "db.example.com", "-p", self.lab.pg.port, "-U", USER, "-c", "select 1",
                           self.lab.database_name, own=["--ca", self.lab.ca_file])
        self.assertIn("db.example.com is not an RDS endpoint", result.stderr)
        self.assertIn("no password supplied", result.stderr)

    def test_without_root_certificates_the_message_names_setup_ca(self):
        """libpq's own message advises the user to turn verification off."""
        result = self.psql("-c", "select 1", own=[])
        self.assertIn("rds-iam: not connected: no usable root certificates for RDS servers were found; "
                      "run: rds-iam setup ca", result.stderr)
        self.assert_nothing_sent()
        self.home.write(".postgresql/root.crt", self.lab.ca_file.read_text())
        self.assertEqual(self.psql("-c", "select 1", own=[]).stderr, "")

    def test_without_home_the_message_names_the_searched_directories(self):
        place = {"XDG_CONFIG_HOME": str(self.home.path / "config")}
        text = f"no usable root certificates of RDS are in {self.home.path}/config/rds-iam or /etc/rds-iam; set HOME to"
        command = [harness.installed("bin/rds-iam"), "exec", "--", "true"]
        self.assertIn(text, self.home.run(["env", "-u", "HOME", *command], None, **place).stderr)
        self.assertEqual(self.home.run(command, None, **place).stderr, "", "control: with HOME")

    def test_exec_itself_prints_nothing(self):
        for words in (("psql", "--version"), ("psql", "-h", self.lab.pg.host, "--version"), ("echo", "-h", "a")):
            with self.subTest(words=words):
                self.assertEqual(self.exec(*words).stderr, "")

    def test_a_missing_preload(self):
        """Hides the preload in a mount namespace, because other tests use the installation at the same time.
        test_parts.py hides the objects that the preload loads."""
        parts = ("librds-iam-pq.so", "rds-iam-pq-token.so", "rds-iam-mysql-host.so")
        installed = harness.installed(f"lib*/**/rds-iam/{parts[0]}").parent
        for missing in (None, parts[0]):
            copied = [name for name in parts if name != missing]
            with self.subTest(missing=missing):
                directory = self.home.path / f"without-{missing}"
                directory.mkdir()
                for name in copied:
                    shutil.copy(installed / name, directory)
                result = self.home.run(
                    ["unshare", "-rm", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh",
                     directory, installed, harness.installed("bin/rds-iam"), "exec", "--", "echo", "ran"])
                if missing is None:
                    self.assertEqual(result.stdout, "ran\n", "control")
                    continue
                self.assertEqual((result.returncode, result.stdout), (1, ""))
                self.assertEqual(
                    result.stderr,
                    f"rds-iam: {installed}/{missing}: cannot be read (No such file or directory); reinstall rds-iam\n")

    def test_the_object_of_the_other_commands(self):
        """rds-iam exec works without rds-iam-commands.so. Every other command needs this object."""
        name = "rds-iam-commands.so"
        installed = harness.installed(f"lib*/**/rds-iam/{name}").parent
        for state, reason in (("complete", None),
                              ("missing", "cannot open shared object file: No such file or directory"),
                              ("damaged", "undefined symbol: ria_commands_run")):
            directory = self.home.path / state
            shutil.copytree(installed, directory, symlinks=True)
            if state != "complete":
                (directory / name).unlink()
            if state == "damaged":
                shutil.copy(installed / "rds-iam-pq-token.so", directory / name)
            start = ["unshare", "-rm", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh",
                     directory, installed, harness.installed("bin/rds-iam")]
            with self.subTest(state=state):
                self.assertEqual(self.home.run([*start, "exec", "--", "echo", "ran"]).stdout, "ran\n")
                result = self.home.run([*start, "setup", "sql", "--username", "u", "--engine", "postgres"])
                if reason is None:
                    self.assertEqual((result.returncode, result.stderr), (0, ""), "control")
                    continue
                self.assertEqual((result.returncode, result.stdout), (1, ""))
                self.assertEqual(result.stderr, f"rds-iam: {installed}/{name}: {reason}; reinstall rds-iam\n")

    def test_the_exit_status_is_that_of_the_command(self):
        self.assertEqual(self.exec("sh", "-c", "exit 7").returncode, 7)
        self.assertEqual(self.exec("sh", "-c", "kill -TERM $$").returncode, -15)

    def test_a_command_that_cannot_be_run(self):
        file = self.home.write("no-program", "")
        for command, status, message in (
                ("/no/such/program", 127, "rds-iam: cannot run /no/such/program: No such file or directory\n"),
                (file, 126, f"rds-iam: cannot run {file}: Permission denied\n")):
            with self.subTest(command=command):
                result = self.exec(command)
                self.assertEqual((result.returncode, result.stderr), (status, message))

    def test_usage(self):
        tool = harness.installed("bin/rds-iam")
        write = 'rds-iam: write -- before the command "psql"; see rds-iam exec --help\n'
        for words, message in (
                (["exec"], "rds-iam: no command given: write -- and the command; see rds-iam exec --help\n"),
                (["exec", "--ca", "--", "psql"], "rds-iam: --ca needs a value; see rds-iam exec --help\n"),
                (["exec", "--"], "rds-iam: no command given: write -- and the command; see rds-iam exec --help\n"),
                (["exec", "psql", "-h", "db"], write),
                (["exec", "--ca", "/no/ca", "psql", "-h", "db", "--", "x"], write),
                (["exec", "--ca", "/no/ca", "--", "true"],
                 "rds-iam: --ca /no/ca: No such file or directory; name Amazon's bundle, or omit --ca\n"),
                (["exec", "--ca", "/", "--", "true"],
                 "rds-iam: --ca /: Is a directory; name Amazon's bundle, or omit --ca\n"),
                (["exec", "--profile", "p", "--", "psql"],
                 "rds-iam: unknown option --profile; set AWS_PROFILE in the environment; see rds-iam exec --help\n"),
                (["exec", "--profile=p", "--", "psql"],
                 "rds-iam: unknown option --profile; set AWS_PROFILE in the environment; see rds-iam exec --help\n"),
                (["exec", "--region=r", "--", "psql"],
                 "rds-iam: unknown option --region; the endpoint's name has the region; for an alias, see "
                 "rds-iam.conf(5); see rds-iam exec --help\n")):
            with self.subTest(words=words):
                result = self.home.run([tool, *words])
                self.assertEqual((result.stdout, result.stderr), ("", message))
                self.assertEqual(result.returncode, 1 if "true" in words else 2)


if os.geteuid() == 0:  # only root can make a program that runs with more rights than its caller

    class Privileged(ExecCase):
        def test_a_setgid_copy_runs_nothing(self):
            tool = self.home.path / "rds-iam"
            shutil.copy(harness.installed("bin/rds-iam"), tool)
            self.assertEqual(self.home.run([tool, "exec", "--", "echo", "ran"]).stdout, "ran\n", "control")
            os.chown(tool, 0, 65534)
            tool.chmod(0o2755)
            result = self.home.run([tool, "exec", "--", "echo", "ran"])
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertIn("runs with more rights than its caller", result.stderr)


if __name__ == "__main__":
    harness.main()
