# SPDX-License-Identifier: MIT
"""`rds-iam check`: logins that succeed, its output, DNS servers and database servers that do not answer, and mistakes
on the command line. test_check_configured.py tests services and option files; test_check_causes.py tests the causes of
a refused login."""
import concurrent.futures
import copy
import json
import os
import pathlib
import pty
import re
import subprocess
import time

from check_case import SCHEMA, CheckCase, Silent, schema_errors
from cloud import needs_root
from labcase import USER, harness
from mariadb_client import CONFIG
from mysql_peer import Script, error
from postgresql_peer import PostgreSQLPeer
import process

EACH = ("postgres", "mysql")
PROGRAMS = harness.BUILD / "tests/integration/src"
# A run of check may take this much longer than the client alone, because check also sends a request to STS and one to
# the server.
SECONDS_MORE = 2
ATTEMPTS = 5
# The sum of the time limits of a run (credentials, identity, server, login), and a margin for a loaded machine.
BUDGET_SECONDS = 90


class Good(CheckCase):
    def test_a_login_that_succeeds(self):
        for engine, version in (("postgres", r"\d+\.\d+ "), ("mysql", r"\d+\.\d+\.\d+-MariaDB")):
            with self.subTest(engine=engine):
                seen = len(self.lab.journal())
                output = self.check(self.login_to(engine))
                self.assertEqual((output.status, output.document["result"], output.causes), (0, "in", ()))
                self.assertLessEqual(output.marks(), {"ok", "note"}, output.stdout)
                self.assertEqual([v["reason"] for v in self.lab.journal()[seen:]], [None], "one login")
                self.assertIn(f"as {USER}", output.item("login")["text"])
                self.assertRegex(output.item("server version")["text"], version + ".*, TLS_\\w+$")
                self.assertEqual(output.item("identity")["text"], self.lab.principals["etl"].arn)

    def test_check_is_about_as_fast_as_the_client(self):
        for engine in EACH:
            with self.subTest(engine=engine):
                more = []
                for _ in range(ATTEMPTS):
                    login = self.login_to(engine)
                    more.append(self.seconds(self.check_text, login, 0) - self.seconds(self.client, login, 0))
                    if more[-1] < SECONDS_MORE:
                        break
                self.assertLess(min(more), SECONDS_MORE)

    def test_nothing_is_written(self):
        before = sorted(self.home.path.rglob("*"))
        for engine in EACH:
            self.check_text(self.login_to(engine))
        self.assertEqual(sorted(self.home.path.rglob("*")), before)

    def test_the_engine_is_found(self):
        """Without --engine, check finds the engine: a MySQL server sends a greeting, a PostgreSQL server sends none."""
        for engine in EACH:
            with self.subTest(engine=engine):
                login = self.login_to(engine)
                output = self.check(login.change(engine=None))
                self.assertEqual(output.status, 0, output.stdout)

    def test_a_login_with_a_password_is_not_a_login_with_a_token(self):
        for engine, user, variable in (("postgres", "scram_user", "PGPASSWORD"), ("mysql", "native_user", "MYSQL_PWD")):
            with self.subTest(engine=engine):
                login = self.login_to(engine, user=user, env={variable: self.lab.passwords[user]})
                output = self.check(login)
                self.assertEqual((output.status, output.causes), (1, ("password-given",)), output.document["items"][-3:])

    def test_the_clock(self):
        """A wrong clock is a fault only if the server refuses logins because of it; otherwise it is a warning."""
        for offset, mark in ((0, "ok"), (200, "warning"), (600, "warning"), (-200, "warning"), (1000, "fault"), (-1000, "fault")):
            with self.subTest(offset=offset):
                self.lab.clock(offset)
                output = self.check(self.login_to("postgres"))
                self.assertEqual(output.item("clock")["mark"], mark, output.item("clock"))
                self.assertEqual(output.status, 3 if mark == "fault" else 0)

    def test_a_role_and_a_profile(self):
        base = self.lab.principals["etl-base"]
        self.home.write(".aws/credentials", f"[base]\naws_access_key_id = {base.access_key}\n"
                        f"aws_secret_access_key = {base.secret_key}\n")
        role = self.lab.roles["rds-access"]
        self.home.write(".aws/config", f"[profile p]\nrole_arn = {role.arn}\nsource_profile = base\n"
                        "role_session_name = checked\n")
        for engine in EACH:
            with self.subTest(engine=engine):
                output = self.check(self.login_to(engine, principal=None), "--profile", "p")
                # The client that check starts has no option for a profile, so check passes the profile in AWS_PROFILE.
                self.assertEqual(output.item("identity")["text"], role.session_arn("checked"))
                self.assertEqual(output.status, 0, output.stdout)
                self.assertEqual(self.lab.last_verdict()["principal"], role.session_arn("checked"))


class Times(CheckCase):
    PHASES = ("name", "tcp", "tls", "credentials", "signature", "verdict")

    def test_each_phase_of_a_login(self):
        for engine in EACH:
            with self.subTest(engine=engine):
                output = self.check(self.login_to(engine))
                times = output.document["times_us"]
                self.assertTrue(all(times[name] >= 0 for name in (*self.PHASES, "login")), times)
                parts = sum(times[name] for name in self.PHASES if name != "credentials")
                self.assertTrue(times["verdict"] == 0 or parts == times["login"], times)
                labels = "name, TCP, TLS, credentials, signature, server's verdict, the whole login"
                self.assertRegex(output.item("times")["text"], labels.replace(",", r" \d+\.\d ms,") + r" \d+\.\d ms")

    def test_a_slow_verdict_counts_as_time_of_the_server(self):
        class Slow(PostgreSQLPeer):
            def record_password(self, wire, data):
                super().record_password(wire, data)
                time.sleep(2)

        with Slow(self.lab.certificates.server) as peer:
            output = self.check(self.login_to("postgres", port=peer.port))
        times = output.document["times_us"]
        self.assertEqual(output.status, 3)
        self.assertGreater(times["verdict"], sum(times[name] for name in self.PHASES if name != "verdict"), times)

    def test_phases_that_were_not_reached(self):
        for changes, known in (
                ({"principal": None}, {"name", "tcp", "tls", "credentials"}),
                ({"host": "nope.abcdefghijkl.us-east-1.rds.amazonaws.com"}, {"name", "credentials", "signature"})):
            with self.subTest(**changes):
                output = self.check(self.login_to("postgres", **changes))
                times = output.document["times_us"]
                self.assertEqual({name for name, value in times.items() if value is not None}, known)
                self.assertNotIn("times", [each["name"] for each in output.document["items"]])


class Programs(CheckCase):
    def test_the_library_of_a_program(self):
        module = next(pathlib.Path("/usr/lib/python3/dist-packages/MySQLdb").glob("_mysql*.so"))
        for engine, program, library in (
                ("postgres", "psql", "libpq "), ("postgres", "/usr/bin/pg_dump", "libpq "),
                ("postgres", f"{process.POSTGRESQL_BIN}/psql", "libpq "),
                ("postgres", f"{process.POSTGRESQL_BIN}/pg_dump", "libpq "),
                ("mysql", PROGRAMS / "connections", "libmariadb.so.3"), ("mysql", module, "libmariadb.so.3")):
            with self.subTest(program=str(program)):
                output = self.check(self.login_to(engine), "--program", program)
                self.assertEqual(output.status, 0, output.stdout)
                self.assertIn(library, output.item("client library")["text"])

    def test_a_script_is_followed(self):
        """Debian's psql is a Perl script, pg_wrapper, which starts the newest version."""
        named = pathlib.Path("/usr/bin/psql")
        self.assertEqual(named.read_bytes()[:2], b"#!", "control: a script")
        text = self.check(self.login_to("postgres"), "--program", named).item("client library")["text"]
        self.assertIn(f" of {process.POSTGRESQL_BIN}/psql, for the script {named}", text)
        script = self.home.write("script", f"#! {process.POSTGRESQL_BIN}/psql -f\n", mode=0o700)
        second = self.home.write("second", f"#!/usr/bin/env {script}\n", mode=0o700)
        for each in (script, second):
            text = self.check(self.login_to("postgres"), "--program", each).item("client library")["text"]
            self.assertIn(f" of {process.POSTGRESQL_BIN}/psql, for the script {each}", text)

    def test_the_engine_of_a_program(self):
        login = self.login_to("postgres", engine=None)
        self.assertEqual(self.check(login, "--program", f"{process.POSTGRESQL_BIN}/psql").status, 0)

    def test_programs_without_a_client_library(self):
        script = self.home.write("script", "#!/bin/sh\n", mode=0o700)
        fifo = self.home.path / "fifo"
        os.mkfifo(fifo)
        for program in ("/bin/true", "mariadb", script, fifo, self.home.path):
            with self.subTest(program=str(program)):
                output = self.run_argv(self.argv(self.login_to("postgres"), "--program", program), self.login_to("postgres"))
                self.assertEqual((output.status, output.stdout), (2, ""))
                self.assertEqual(output.stderr.count("\n"), 1)
                as_json = self.run_argv(
                    self.argv(self.login_to("postgres"), "--json", "--program", program), self.login_to("postgres"))
                document = json.loads(as_json.stdout)
                self.assertEqual(list(schema_errors(document, SCHEMA)), [])
                self.assertEqual((as_json.status, document["status"]), (2, 2))
                self.assertEqual(f"rds-iam: {document['summary']}\n", output.stderr)
                what = "is a script for /bin/sh, which is" if program == script else "is"
                self.assertIn(
                    f"rds-iam: {program} {what} not linked with libpq, libmariadb or libmysqlclient; ", output.stderr)


class Printed(CheckCase):
    def test_lines_have_80_columns(self):
        texts = [self.check_text(self.login_to(engine, principal=principal)).stdout
                 for engine in EACH for principal in ("etl", "no-policy", None)]
        self.assertTrue(any(len(line) > 76 for text in texts for line in text.splitlines()), "control: long lines")
        with self.assertRaises(AssertionError):
            self.assert_lines("  ok   DNS                " + "word " * 20)

    def test_a_command_of_several_lines_can_be_copied(self):
        login = self.login_to("mysql", principal="no-policy")
        text = self.check_text(login).stdout
        remedies = {each["cause"]: each["remedy"] for each in self.check(login).document["causes"]}
        command = text[text.index("aws iam simulate-principal-policy"):].split("\n\n")[0]
        self.assertGreater(command.count("\n"), 1)
        words = subprocess.run(["sh", "-c", f"printf '%s\\n' {command}"], stdout=subprocess.PIPE, text=True, check=True,
                               timeout=60).stdout.splitlines()
        self.assertEqual(words, remedies["policy-deny"].split())

    def test_colours_on_a_terminal_only(self):
        login = self.login_to("postgres")
        self.assertNotIn("\x1b", self.check_text(login.change(env={"TERM": "xterm"})).stdout)
        for env, is_coloured in (
                ({"TERM": "xterm-256color"}, True), ({"TERM": "xterm", "NO_COLOR": ""}, True),
                ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({}, False)):
            with self.subTest(**env):
                text = self.on_terminal(login.change(env=env))
                self.assertEqual("\x1b[32mok" in text, is_coloured, text)
                self.assertEqual("\x1b" in text, is_coloured)
                plain = re.sub(r"\x1b\[\d+m", "", text)
                self.assert_lines(plain)
                self.assertTrue(plain.rstrip().endswith("The login works."))
        self.assertNotIn("\x1b", self.on_terminal(login.change(env={"TERM": "xterm"}, options=("--json",))))

    def on_terminal(self, login):
        """Runs check with a terminal as its stdout. Returns what it printed."""
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [str(word) for word in self.argv(login)], env=self.home.env(login.principal, **login.env),
            cwd=self.home.path, stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.PIPE, text=True)
        os.close(slave)
        shown = b""
        try:
            while part := os.read(master, 4096):
                shown += part
        except OSError:  # the program has closed the terminal
            pass
        os.close(master)
        self.assertEqual(process.communicate(timeout=60)[1], "")
        text = shown.decode().replace("\r\n", "\n")
        self.assert_no_secret(text)
        return text

    def test_an_output_that_cannot_be_written(self):
        """stdout is /dev/full, so every write to it fails as on a full disk."""
        for options in ((), ("--json",)):
            with self.subTest(options=options), open("/dev/full", "w", encoding="utf-8") as full:
                login = self.login_to("postgres", options=options)
                done = subprocess.run(
                    [str(word) for word in self.argv(login)], env=self.home.env(login.principal, **login.env),
                    stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn("No space left on device", done.stderr)

    def test_control_characters_of_a_server(self):
        with PostgreSQLPeer(self.lab.certificates.server, refusal="\x1b[2J\x07 evil\x9b\nline") as peer:
            login = self.login_to("postgres", port=peer.port)
            output, text = self.check(login), self.check_text(login).stdout
        self.assertEqual(output.status, 3)
        self.assertNotRegex(text, r"[\x00-\x09\x0b-\x1f\x7f]")
        self.assertIn("evil", output.item("login")["text"])

    def test_control_a_planted_secret_is_found(self):
        secret = self.lab.principals["etl-session"].session_token
        token = self.lab.token("etl", self.lab.pg, USER)
        for text in (f"x{secret[40:70]}x", token, "X-Amz-Signature=", self.lab.passwords["scram_user"],
                     self.lab.principals["no-policy"].secret_key):
            with self.subTest(text=text[:20]), self.assertRaises(AssertionError):
                self.assert_no_secret(text)

    def test_a_server_that_prints_the_token(self):
        """A hostile server that has a certificate of the CA gets the token, and sends it back in its error."""
        class Echo(PostgreSQLPeer):
            def record_password(self, wire, data):
                super().record_password(wire, data)
                self._refusal = "you sent " + data.rstrip(b"\0").decode()

        with Echo(self.lab.certificates.server) as peer:
            login = self.login_to("postgres", port=peer.port)
            output = self.check(login)  # fails if the output contains the token
            self.check_text(login)
            self.assertIn(b"X-Amz-Signature=", peer.received, "control: the token was sent")
        self.assertEqual(output.status, 3)


class Documents(CheckCase):
    def test_control_the_schema_rejects_other_documents(self):
        good = self.check(self.login_to("postgres")).document
        self.assertEqual(list(schema_errors(good, SCHEMA)), [])
        for change in (
                lambda d: d.pop("items"), lambda d: d.update(more=1), lambda d: d.update(status="0"),
                lambda d: d.update(status=True), lambda d: d.update(result="yes"), lambda d: d["items"].append({}),
                lambda d: d["items"][0].update(mark="good"), lambda d: d["items"][0].update(text=""),
                lambda d: d["items"][0].update(text=None), lambda d: d.update(causes={}), lambda d: d.update(causes=[1])):
            document = copy.deepcopy(good)
            change(document)
            self.assertNotEqual(list(schema_errors(document, SCHEMA)), [])

    @needs_root
    def test_a_machine_without_a_network(self):
        """A new network namespace has no address, so check reaches neither DNS nor STS nor the server."""
        for engine in EACH:
            with self.subTest(engine=engine):
                begun = time.monotonic()
                output = self.check(self.login_to(engine, under=("unshare", "-n")))
                self.assertLess(time.monotonic() - begun, BUDGET_SECONDS)
                self.assertEqual((output.status, output.causes), (4, ("unreached",)), output.stdout)
                self.assertEqual(output.item("configuration")["mark"], "ok")
                self.assertEqual(output.item("access key")["text"], self.lab.principals["etl"].access_key)
                self.assertEqual(output.item("region")["text"].split(",")[0], "us-east-1")
                self.assertEqual(output.item("identity")["mark"], "skipped")
                self.assertEqual(output.item("login")["mark"], "skipped")

    def test_each_address_of_a_name_is_printed_once(self):
        """The server does not listen on the first address. The text of the second address is the beginning of the text
        of the first."""
        host = self.lab.pg.host
        hosts = self.home.write("hosts", f"127.0.0.12 {host}\n127.0.0.1 {host}\n127.0.0.12 {host}\n")
        output = self.check(self.login_to("postgres", env={"NSS_WRAPPER_HOSTS": str(hosts)}))
        self.assertEqual(output.item("DNS")["text"].split(",")[0], "127.0.0.12 127.0.0.1")

    def test_a_dns_server_that_does_not_answer(self):
        """A laptop can be in a network that drops all packets. check still reports what needs no network."""
        host = "mypg.abcdefghijkl.us-east-1.rds.amazonaws.com"
        login = self.login_to("postgres", host=host, port=5432, aliases={host: "silent"},
                              env={"LD_PRELOAD": "", "PGCONNECT_TIMEOUT": "2"})
        begun = time.monotonic()
        output = self.check(login)
        self.assertLess(time.monotonic() - begun, BUDGET_SECONDS)
        self.assertEqual((output.status, output.causes), (4, ("unreached",)), output.stdout)
        self.assertEqual((output.item("DNS")["mark"], output.item("DNS")["text"]), ("fault", "no answer in time"))
        self.assertEqual(output.item("region")["text"].split(",")[0], "us-east-1")
        self.assertEqual(output.item("access key")["text"], self.lab.principals["etl"].access_key)

    def test_a_silent_server_takes_the_time_that_the_output_states(self):
        class StopsBeforeTls(Silent):
            """Agrees to TLS, as PostgreSQL does, and sends nothing more."""

            def converse(self, wire):
                wire.read(8)
                wire.send(b"S")
                raise EOFError

        for server, engine in ((Silent, "postgres"), (Silent, "mysql"), (StopsBeforeTls, "postgres")):
            with self.subTest(server=server.__name__, engine=engine), server() as silent:
                variable = {"PGCONNECT_TIMEOUT": "2"} if engine == "postgres" else {}
                more = []
                for _ in range(ATTEMPTS):
                    good = self.seconds(self.check, self.login_to(engine), 0)
                    begun = time.monotonic()
                    output = self.check(self.login_to(engine, port=silent.port, env=variable))
                    more.append(time.monotonic() - begun - good)
                    limit, stated = map(int, re.search(
                        r"^(\d+) s, set by .*; this part of the check ends after (\d+) s at the latest$",
                        output.item("time limit")["text"]).groups())
                    if more[-1] < stated:
                        break
                self.assertEqual((limit, stated - limit), (2 if variable else 10, 3))
                self.assertLess(min(more), stated)
                self.assertEqual((output.status, output.causes), (4, ("no-answer",)), output.stdout)
                self.assertEqual(output.item("TLS")["text"], f"the server did not answer within {limit} s")

    def test_a_server_that_takes_the_token_and_does_not_answer(self):
        class NoVerdict(PostgreSQLPeer):
            def record_password(self, wire, data):
                super().record_password(wire, data)
                raise EOFError

        with NoVerdict(self.lab.certificates.server) as peer:
            output = self.check(self.login_to("postgres", port=peer.port, env={"PGCONNECT_TIMEOUT": "3"}))
            self.assertIn(b"X-Amz-Signature=", peer.received, "control: the token was sent")
        self.assertEqual((output.status, output.causes), (3, ("slow-verdict",)), output.stdout)

    def test_a_warning_is_not_taken_for_the_refusal(self):
        """The preload prints a warning about the region. The server receives the token, and ends the connection with
        an error without a text."""
        class Ends(PostgreSQLPeer):
            def record_password(self, wire, data):
                super().record_password(wire, data)
                self._refusal = "\0"  # an error without a text

        with Ends(self.lab.certificates.server) as peer:
            self.home.write(CONFIG, f"[{self.lab.pg.host}]\nregion = eu-west-1\n")
            output = self.check(self.login_to("postgres", port=peer.port))
        self.assertIn("signing for the region", output.item("hook")["text"], "control: there is a warning")
        self.assertEqual((output.status, output.causes), (3, ("region",)), output.stdout)

    def test_names_that_contain_the_words_of_causes(self):
        for engine, quote in (("postgres", '"'), ("mysql", "'")):
            for name in ("pg_hba.conf", "competing requests", "replication connection", "using password: NO",
                         "rate limit exceeded", "could not be loaded"):
                with self.subTest(engine=engine, name=name):
                    text = {"postgres": f'PAM authentication failed for user "{name}"',
                            "mysql": f"Access denied for user '{name}'@'%' (using password: YES)"}[engine]
                    script = {"refusal": text} if engine == "postgres" else {
                        "script": Script(verdict=error(1045, text, "28000"))}
                    peer = self.peer(engine, **script)
                    output = self.check(self.login_to(engine, port=peer.port, user=name))
                    self.assertIn("policy-missing", output.causes, output.stdout)
                    self.assertEqual(output.status, 3)

    def test_a_silent_server_and_a_silent_sts(self):
        self.lab.faults({"kind": "hang", "service": "sts", "times": None})
        with Silent() as silent, concurrent.futures.ThreadPoolExecutor() as pool:
            begun = time.monotonic()
            runs = [pool.submit(self.check, self.login_to(engine, port=silent.port)) for engine in EACH]
            self.assertEqual([(run.result().status, run.result().causes) for run in runs], [(4, ("no-answer",))] * 2)
            self.assertLess(time.monotonic() - begun, BUDGET_SECONDS)


class Alias(CheckCase):
    """A host name that is a DNS alias of a database; dns.py is the DNS server."""

    ALIAS = "db.example.com"
    RDS = "prod.cluster-abc123.eu-west-1.rds.amazonaws.com"

    def ask(self):
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        login = self.login_to("mysql", host=self.ALIAS, port="PORT")
        argv = ["unshare", *user, "--net", "--mount", "--fork", "--kill-child", harness.PYTHON,
                harness.SOURCE / "tests/integration/dns.py", self.home.path, self.lab.certificates.directory,
                f"{self.ALIAS}={self.RDS}", *self.argv(login, "--json")]
        result = self.home.run(argv, login.principal, **login.env)
        self.assertEqual(result.returncode, 0, result.stderr)
        seen = json.loads(result.stdout)
        self.assert_no_secret(seen["printed"])
        return seen, json.loads(seen["printed"])

    def test_the_alias_is_named(self):
        for _ in range(ATTEMPTS):  # rds-iam allows 2 s for the lookup; a loaded machine may need longer
            seen, document = self.ask()
            if self.RDS in seen["printed"]:
                break
        self.assertEqual(list(schema_errors(document, SCHEMA)), [])
        self.assertEqual((seen["status"], [each["cause"] for each in document["causes"]]), (1, ["no-endpoint"]))
        endpoint = [each for each in document["items"] if each["name"] == "endpoint"][0]
        self.assertIn(f"a DNS alias of {self.RDS}", endpoint["text"])
        self.assertIn(f"[{self.ALIAS}:{seen['port']}], then endpoint = {self.RDS}:{seen['port']}", endpoint["text"])
        self.assertFalse(seen["got_token"])

    def test_with_a_section_the_token_is_sent(self):
        self.home.write(CONFIG, f"[{self.ALIAS}]\nendpoint = {self.RDS}:3306\ntls = verify-ca\n")
        seen, document = self.ask()
        self.assertTrue(seen["got_token"], document)
        self.assertEqual(seen["status"], 3)


class Usage(CheckCase):
    GOOD = ("--hostname", "h", "--username", "u")

    def test_mistakes(self):
        for words in (
                ("--hostname", "h"), ("--username", "u"), ("--aws",), ("--port", "5432"),
                (*self.GOOD, "--port", "abc"), (*self.GOOD, "--port", "0"), (*self.GOOD, "--port", "65536"),
                (*self.GOOD, "--port", "-1"), (*self.GOOD, "--port", "54 32"), (*self.GOOD, "--port", ""),
                (*self.GOOD, "--engine", "oracle"), (*self.GOOD, "--engine", "Postgres"), (*self.GOOD, "--engine", ""),
                ("--service", "prod", "--hostname", "h"), ("--service", "prod", "--username", "u"),
                ("--service", "prod", "--port", "5432"), ("--service", "prod", "--engine", "mysql"),
                ("--defaults-group", "client", "--engine", "postgres"),
                ("--service", "prod", "--defaults-group", "client"),
                ("--hots", "h", "--username", "u"), (*self.GOOD, "--dbname"), (*self.GOOD, "extra"),
                ("-U", "u", "--hostname", "h"), (*self.GOOD, "--json=yes"),
                ("--hostname", "", "--username", "u"), ("--hostname", "h", "--username", ""), ("--service", ""),
                ("--defaults-group", ""), (*self.GOOD, "--dbname", ""), (*self.GOOD, "--program", ""),
                (*self.GOOD, "--ca", ""), (*self.GOOD, "--profile", "")):
            with self.subTest(words=words):
                result = self.home.run([harness.installed("bin/rds-iam"), "check", *words])
                self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
                self.assertRegex(result.stderr, r"\Ards-iam: [^\n]+\n\Z")
                self.assert_json(("--json", *words), result.stderr)

    def assert_json(self, words, message):
        """Checks that with --json, stdout contains the message too."""
        result = self.home.run([harness.installed("bin/rds-iam"), "check", *words])
        document = json.loads(result.stdout)
        self.assertEqual(list(schema_errors(document, SCHEMA)), [])
        self.assertEqual((result.returncode, document["status"], document["result"]), (2, 2, "usage-error"))
        self.assertEqual((document["items"], document["causes"], document["target"]), ([], [], None))
        self.assertEqual(f"rds-iam: {document['summary']}\n", result.stderr)
        self.assertEqual(result.stderr, message)

    def test_without_options_and_without_services(self):
        result = self.home.run([harness.installed("bin/rds-iam"), "check"])
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertEqual(result.stderr.count("\n"), 1)

    def test_help(self):
        for words in (("--help",), (*self.GOOD, "--help")):
            result = self.home.run([harness.installed("bin/rds-iam"), "check", *words])
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            for option in ("--hostname", "--port", "--username", "--service", "--defaults-group", "--engine",
                           "--dbname", "--program", "--ca", "--profile", "--json"):
                self.assertIn(f"\n  {option} ", result.stdout)
            self.assertLessEqual(max(map(len, result.stdout.splitlines())), 80)


if __name__ == "__main__":
    harness.main()
