# SPDX-License-Identifier: MIT
"""RDS_IAM_LOG=LEVEL[:FILE] in the plugin for MariaDB, the preload, the agent, rds-iam and rds-iam-fetch.

Not here: the log of programs that close their stderr (test_closed_descriptors.py), and the values of RDS_IAM_LOG
(tests/unit/test_log_line.c)."""
import concurrent.futures
import re

from cloud import CloudCase
from labcase import USER, harness
from mariadb_client import CONFIG
from secret_search import TOKEN, find, pieces
from secret_sources import SecretSources
from service import Services, agent_program

LEVELS = ("warning", "info", "debug")
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ rds-iam\[\d+\] ([\w.+-]+) (warning|info|debug): \S.*")


class LogCase(CloudCase):
    def setUp(self):
        super().setUp()
        self.file = self.home.path / "log"
        self.tool = harness.installed("bin/rds-iam")

    def lines(self):
        """Returns (program, level, whole line) of each line of the file. Every line must have the common format."""
        found = []
        for line in self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else []:
            match = LINE.fullmatch(line)
            self.assertIsNotNone(match, line)
            found.append((*match.groups(), line))
        return found

    def text(self):
        return "\n".join(line for _, _, line in self.lines())

    def exec_psql(self, principal="etl", **extra):
        """Runs psql under rds-iam exec, so the preload makes the token."""
        return self.home.run(
            [self.tool, "exec", "--ca", self.lab.ca_file, "--", "psql", "-XAtw", "-h", self.lab.pg.host, "-p",
             str(self.lab.pg.port), "-U", USER, "-c", "select 1", self.lab.database_name], principal, **extra)


class File(LogCase):
    def test_every_program_writes_the_same_format(self):
        self.home.write(CONFIG, "".join(f"[{server.host}]\nprofile = p\n" for server in (self.lab.pg, self.lab.mariadb)))
        self.role_profile("p", "rds-access")
        services = Services(self.home)
        services.add("prod")
        services.add("weak", sslmode="require")
        env = self.cloud_env(RDS_IAM_LOG=f"debug:{self.file}")
        self.assert_logged_in(self.mariadb(principal="etl-base", **env))
        self.credentials("--clear")
        psql = self.exec_psql("etl-base", **env)
        self.assertEqual((psql.returncode, psql.stdout), (0, "1\n"), psql.stderr)
        filled = services.fill("etl-base", **env)
        self.assertIn("[weak] has sslmode=require", filled.stderr, "the agent's own log")
        token = self.home.run([self.tool, "token", "--hostname", self.lab.pg.host, "--port", str(self.lab.pg.port),
                               "--username", USER], "etl-base", **env)
        self.assertEqual((token.returncode, token.stderr), (0, ""))
        found = self.lines()
        self.assertEqual({program for program, _, _ in found},
                         {"mariadb", "psql", "rds-iam", "rds-iam-agent", "rds-iam-fetch"})
        self.assertEqual({level for _, level, _ in found}, set(LEVELS))
        self.assertEqual(self.file.stat().st_mode & 0o7777, 0o600)
        self.assertNotIn("rds-iam: ", psql.stderr)
        self.assert_lines_that_find_a_cause("\n".join(line for _, _, line in found))

    def assert_lines_that_find_a_cause(self, text):
        home, pg = self.home.path, self.lab.pg
        for piece in (
                rf"mariadb debug: {home}/\.aws/config was read \(\d+ bytes\)",
                rf"mariadb debug: {home}/\.aws/credentials does not exist",
                r"mariadb debug: .*: no credentials are cached",
                r"mariadb debug: .*: rds-iam-fetch was asked and responded after \d+ ms",
                r"rds-iam-fetch debug: \S+ responded with status 200 after \d+ ms",
                rf"psql debug: PQconnectdbParams is a function of /\S+/libpq\.so\S*, recognized as libpq 1\d+\n",
                rf"psql info: signed for {USER} at {pg.host}:{pg.port} in {pg.region} with ASIA",
                rf"psql debug: the token for {USER} at {pg.host}:{pg.port} in {pg.region} is valid for \d+ s, until ",
                rf"rds-iam-agent debug: .*: credentials which expire in \d+ s are cached in {home}/\S+/[0-9a-f]{{8}}\.\.\.",
                r"rds-iam-agent warning: .*\[weak\] has sslmode=require"):
            self.assertRegex(text, piece)

    def test_the_preload_recognizes_libmariadb(self):
        script = (f"import MySQLdb; MySQLdb.connect(host={self.lab.mariadb.host!r}, port={self.lab.mariadb.port}, "
                  f"user={USER!r}, read_default_group='client')")
        result = self.home.run(
            [self.tool, "exec", "--", "/usr/bin/python3", "-c", script], RDS_IAM_LOG=f"debug:{self.file}")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(self.text(), r"python3 debug: mysql_real_connect is a function of /\S+, recognized as libmariadb")

    def test_a_level_contains_the_levels_before_it(self):
        for count, level in enumerate(LEVELS, 1):
            self.file.unlink(missing_ok=True)
            for name in (level, level.upper()):
                with self.subTest(level=name):
                    self.assert_logged_in(self.mariadb(
                        AWS_CREDENTIAL_EXPIRATION="", MYSQL_PWD="", RDS_IAM_LOG=f"{name}:{self.file}"))
                    self.assertLessEqual({found for _, found, _ in self.lines()}, set(LEVELS[:count]))
                    self.assertEqual(bool(self.lines()), level != "warning", "a login without a problem")

    def test_no_file_is_made_if_the_log_is_off(self):
        for value in (f"0:{self.file}", "", "0"):
            self.assert_logged_in(self.mariadb(RDS_IAM_LOG=value))
            self.assertFalse(self.file.exists(), value)
        self.assert_logged_in(self.mariadb(RDS_IAM_LOG=f"1:{self.file}"))
        self.assertTrue(self.file.exists(), "control")

    def test_a_renamed_file_is_made_again(self):
        """The test renames the file while a program runs, as logrotate does."""
        connect = (f"MySQLdb.connect(host={self.lab.mariadb.host!r}, port={self.lab.mariadb.port}, user={USER!r}, "
                   "read_default_group='client')")
        script = (f"import os, MySQLdb\n{connect}\nos.rename({str(self.file)!r}, {str(self.file) + '.1'!r})\n{connect}\n"
                  "print([os.readlink(f'/proc/self/fd/{fd}') for fd in range(64) if os.path.exists(f'/proc/self/fd/{fd}')])")
        result = self.home.run(["/usr/bin/python3", "-c", script], RDS_IAM_LOG=f"info:{self.file}")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn(str(self.file), result.stdout, "no descriptor is kept")
        old = (self.home.path / "log.1").read_text().splitlines()
        self.assertEqual((len(old), len(self.lines())), (1, 1))
        self.assertEqual(result.stderr, "")

    def test_lines_of_many_programs_do_not_mix(self):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda _: self.mariadb(RDS_IAM_LOG=f"debug:{self.file}"), range(24)))
        self.assertEqual({result.returncode for result in results}, {0})
        self.assertEqual(len([line for _, level, line in self.lines() if level == "info"]), 24)

    def test_a_file_that_cannot_be_used_is_named_once_and_the_log_goes_to_stderr(self):
        link = self.home.path / "link"
        link.symlink_to(self.file)
        for path, reason in ((link, "is a symbolic link"), (self.home.path, "cannot be opened: Is a directory"),
                             ("/dev/null", "is not a regular file")):
            with self.subTest(path=path):
                result = self.exec_psql(RDS_IAM_LOG=f"info:{path}")
                self.assertEqual((result.returncode, result.stdout), (0, "1\n"), result.stderr)
                first, *rest = result.stderr.splitlines()
                self.assertIn(reason, first)
                self.assertTrue(first.startswith("rds-iam: warning: RDS_IAM_LOG"), first)
                self.assertEqual([line for line in rest if reason in line], [], "once")
                self.assertEqual([line for line in rest if not line.startswith("rds-iam: signed for")], [])
        self.assertFalse(self.file.exists())

    def test_an_invalid_value_is_named_once(self):
        for value, message in (
                ("verbose", "the level is not one of warning, info and debug, so info is used; correct it"),
                ("info:log", "the file is not an absolute path, so the log goes to stderr; write LEVEL:/PATH")):
            with self.subTest(value=value):
                result = self.mariadb(RDS_IAM_LOG=value)
                self.assert_logged_in(result)
                warning, signed = result.stderr.splitlines()
                self.assertEqual(warning, f"rds-iam: warning: RDS_IAM_LOG={value}: {message}")
                self.assertTrue(signed.startswith("rds-iam: signed for"), "info is used")

    def test_the_tool_writes_warnings_to_stderr_and_to_the_file(self):
        self.home.write(".aws/config", "[profile p]\nregion: x\n")
        for value in (f"warning:{self.file}", "0"):
            result = self.credentials(env=self.cloud_env(AWS_PROFILE="p", RDS_IAM_LOG=value))
            self.assertIn("rds-iam: warning: ", result.stderr)
        self.assertEqual(len(self.lines()), result.stderr.count("rds-iam: warning: "))

    def test_the_agent_in_the_background_has_the_same_format_in_its_own_log(self):
        services = Services(self.home)
        services.add("weak", sslmode="require")
        log = services.directory / "agent.log"
        started = self.home.run([agent_program(), "--directory", services.directory])
        self.addCleanup(lambda: self.home.run(["kill", re.search(r"process (\d+)", started.stderr).group(1)]))
        for line in log.read_text().splitlines():
            self.assertRegex(line, LINE)
        self.assertRegex(log.read_text(), r"rds-iam-agent info: started, version")
        self.assertRegex(log.read_text(), r"rds-iam-agent warning: .*\[weak\] has sslmode=require")


class Secrets(SecretSources, LogCase):
    def output(self, env, options, level, to_file):
        """Returns all output of the programs that this method runs, and the content of the log file. At the level
        debug, the plugin makes a login and a refused login, and the preload and the agent run, too. At the other
        levels, which have fewer lines, only the plugin makes a login."""
        value = f"{level}:{self.file}" if to_file else level
        self.file.unlink(missing_ok=True)
        env = {**env, "RDS_IAM_LOG": value}
        results = [self.mariadb(*options, principal=None, **env)]
        if level == "debug":
            services = Services(self.home)
            services.add("prod")
            results += [self.mariadb(*options, "--skip-ssl", "--ssl-verify-server-cert=0", principal=None, **env),
                        self.exec_psql(None, **env), services.fill(None, **env)]
        log = self.file.read_bytes() if self.file.exists() else b""
        text = b"".join((result.stdout + result.stderr).encode() for result in results) + log
        return re.sub(rb"/cache/[0-9a-f]{64}\.json", b"", text)  # the name of a file of `aws login`, not a signature

    def test_no_log_contains_a_secret(self):
        for name, source in self.SOURCES.items():
            env, secrets, options = source(self)
            needles = set().union(*map(pieces, secrets))
            self.assertGreater(len(needles), 8)
            for level in LEVELS:
                for to_file in (False, True):
                    with self.subTest(source=name, level=level, to_file=to_file):
                        text = self.output(env, options, level, to_file)
                        self.assertEqual(find(needles, text), [], text)
                        self.assertIsNone(TOKEN.search(text), text)
                        if level != "warning":
                            self.assertRegex(text, b"signed for|the program gave a password", "control: the log is on")
                        if level == "debug":
                            self.assertIn(b"the token for", text, "control: the log is on")
            self.home.remove()
            self.home.path.mkdir(mode=0o700)
            self.write_my_cnf()

    def test_control_the_search_finds_a_secret_that_is_planted_in_the_log(self):
        """The name of a settings file is a text that the log shows."""
        env, secrets, options = self.from_environment()
        for to_file in (False, True):
            for secret in secrets:
                planted = re.sub("/", "", secret)[:40]
                with self.subTest(to_file=to_file, secret=planted):
                    text = self.output({**env, "RDS_IAM_CONFIG": f"/no/{planted}"}, options, "debug", to_file)
                    self.assertTrue(find(pieces(planted), text), text)
        self.assertIsNotNone(TOKEN.search(self.lab.token("etl", self.lab.mariadb, USER).encode()))


if __name__ == "__main__":
    harness.main()
