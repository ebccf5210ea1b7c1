# SPDX-License-Identifier: MIT
"""`rds-iam check` with `--service`, where the output includes what the agent knows about the service; with
`--defaults-group`; and without options, which checks all services and groups."""
import json
import re
import time

from check_case import ALL_SCHEMA, CheckCase, schema_errors
from labcase import USER, harness
from mariadb_client import CONFIG, credentials_file
from service import Services, await_true


class Configured(CheckCase):
    """A service of pg_service.conf with the agent, and a group of my.cnf."""

    def setUp(self):
        super().setUp()
        self.runtime = self.home.path / "runtime"
        self.runtime.mkdir(mode=0o700)
        self.services = Services(self.home, "runtime/rds-iam/run")
        self.env = self.cloud_env(XDG_RUNTIME_DIR=str(self.runtime))

    def login(self, name="prod", *options):
        return self.login_to("postgres", host=None, port=None, user=None, engine=None, ca=None, env=self.env,
                             options=("--service", name, *options))

    def test_a_service_that_the_agent_serves(self):
        self.services.add("prod")
        with self.services.agent("etl", **self.env):
            output = self.check(self.login())
            self.check_text(self.login())
        self.assertEqual(output.status, 0, output.stdout)
        self.assertEqual(output.item("agent")["text"], "running")
        self.assertEqual(output.item("agent's source")["text"], "the environment, without an expiry time")
        self.assert_accepted(2)

    def test_a_service_without_the_agent(self):
        self.services.add("prod")
        output = self.check(self.login())
        self.assertEqual((output.status, output.causes), (1, ("agent-not-running",)), output.stdout)
        self.assertIn("Start the agent", output.item("passfile")["remedy"])
        self.assert_nothing_sent()

    def test_the_agent_of_the_passfiles_directory(self):
        """The user's systemd unit serves only the passfiles in the runtime directory."""
        self.home.path.joinpath("other").mkdir(mode=0o700)
        printed = self.home.run([harness.installed("bin/rds-iam"), "setup", "postgres"], **self.env).stdout
        unit = re.search(r"systemctl --user enable --now \S+(?=\n# +or, without systemd: rds-iam-agent\n)", printed).group()
        for directory, env, command in (
                ("runtime/rds-iam/run", {}, f"{unit}, or without systemd: rds-iam-agent"),
                (".cache/rds-iam/run", {"XDG_RUNTIME_DIR": ""}, "rds-iam-agent"),
                (".cache/rds-iam/run", {}, f"rds-iam-agent --directory {self.home.path}/.cache/rds-iam/run"),
                ("other", {}, f"rds-iam-agent --directory {self.home.path}/other")):
            with self.subTest(directory=directory, env=env):
                self.services.clear()
                self.services.add("prod", passfile=self.home.path / directory / "prod")
                output = self.check(self.login().change(env=env))
                self.assertEqual(output.causes, ("agent-not-running",), output.stdout)
                self.assertEqual(output.item("passfile")["remedy"], f"Start the agent: {command}")
                self.assertEqual(output.document["causes"][0]["remedy"], f"Start it: {command}")

    def test_control_characters_of_a_path_are_not_printed(self):
        """The path is a part of the remedy."""
        (self.home.path / "o\x1b[2Jther").mkdir(mode=0o700)
        self.services.add("prod", passfile=self.home.path / "o\x1b[2Jther" / "prod")
        output, text = self.check(self.login()), self.check_text(self.login()).stdout
        for remedy in (output.item("passfile")["remedy"], output.document["causes"][0]["remedy"]):
            self.assertTrue(remedy.endswith(f" --directory {self.home.path}/o?[2Jther"), remedy)
        self.assertIn("o?[2Jther", text)
        self.assertNotRegex(text, r"[\x00-\x09\x0b-\x1f\x7f]")

    def test_a_service_without_a_passfile(self):
        """Without a passfile, the agent does not serve the service, but a login under rds-iam exec works."""
        self.services.add("prod", without=("passfile",))
        output = self.check(self.login())
        self.assertEqual((output.status, output.causes), (1, ("no-password-sent",)), output.stdout)
        self.assertIn("Start the client with rds-iam exec", output.item("passfile")["remedy"])
        self.assert_nothing_sent()

    def test_services_that_the_agent_refuses(self):
        for settings, message in (
                ({"sslmode": "require"}, "sslmode=require"),
                ({"sslmode": "verify-ca"}, "sslmode=verify-ca"),
                ({"without": ("sslmode",)}, "sslmode")):
            with self.subTest(**settings):
                self.services.clear()
                line = self.services.add("prod", **settings)
                self.services.add("other", passfile=self.services.passfile("other"))
                with self.services.agent("etl", **self.env):
                    output = self.check(self.login())
                self.assertEqual(output.status, 1, output.stdout)
                self.assertIn(message, output.item("passfile")["text"])
                self.assertRegex(output.item("passfile")["text"], rf"\.pg_service\.conf:({line}|{line + 5}): ")
                self.assertEqual(output.causes, ("service-refused",))
                self.assert_nothing_sent()

    def test_the_agent_of_another_directory(self):
        """check asks the agent that serves the directory of the passfile."""
        services = Services(self.home, "elsewhere")
        services.add("prod", sslmode="require")
        services.add("other")
        with services.agent("etl", **self.env):
            refused, good = self.check(self.login()), self.check(self.login("other"))
        self.assertEqual((refused.causes, good.status), (("service-refused",), 0), refused.stdout)
        self.assertIn("has sslmode=require", refused.item("agent's refusal")["text"])
        self.assertEqual(good.item("agent")["text"], "running")

    def test_an_agent_without_credentials(self):
        self.services.add("prod")
        with self.services.agent(None, wait=False, **self.env) as agent:
            agent.await_log("no AWS credentials")
            output = self.check(self.login().change(principal=None))
        self.assertEqual((output.status, output.causes), (1, ("agent",)), output.stdout)
        self.assert_nothing_sent()

    def test_an_agent_with_credentials_and_a_user_without(self):
        """The agent's credentials count, and not those of the shell in which check is run."""
        self.services.add("prod")
        with self.services.agent("etl", **self.env):
            output = self.check(self.login().change(principal=None))
        self.assertEqual((output.status, output.causes), (0, ()), output.stdout)
        self.assertEqual(output.item("credentials")["mark"], "warning")
        self.assert_accepted()

    def test_an_agent_without_credentials_and_a_user_with_credentials(self):
        """The user's shell has credentials, and the agent, started elsewhere, has none."""
        self.services.add("prod")
        with self.services.agent(None, wait=False, **self.env) as agent:
            agent.await_log("no AWS credentials")
            output = self.check(self.login())
        self.assertEqual((output.status, output.causes), (1, ("agent",)), output.stdout)
        self.assertIn("no AWS credentials", output.item("agent's last error")["text"])
        cause = output.document["causes"][0]
        self.assertIn("profile = NAME", cause["remedy"])
        self.assertNotIn("set AWS_PROFILE", cause["text"] + cause["remedy"], "the user has set it in the shell")
        self.assert_nothing_sent()

    def test_only_the_failure_of_this_service_is_named(self):
        """Another service of the same agent has no credentials. The check of this service does not report that
        failure."""
        self.services.add("other", host="other.abcdefghijkl.us-east-1.rds.amazonaws.com")
        self.services.add("prod")
        self.home.write(CONFIG, "[other.abcdefghijkl.us-east-1.rds.amazonaws.com]\nprofile = nope\n")
        with self.services.agent("etl", wait=False, **self.env) as agent:
            agent.await_log('the profile "nope" does not exist')
            good, other = self.check(self.login()), self.check(self.login("other"))
        self.assertEqual((good.status, good.causes), (0, ()), good.stdout)
        self.assertEqual([each for each in good.document["items"] if each["name"] == "agent's last error"], [])
        self.assertIn('the profile "nope" does not exist', other.item("agent's last error")["text"])

    def test_a_failure_that_has_ended_is_not_a_cause(self):
        self.services.add("prod")
        with self.services.agent(None, wait=False, **self.env) as agent:
            agent.await_log("no AWS credentials")
            self.home.write(".aws/credentials", credentials_file(self.lab.principals["etl"], "default"))
            agent.renew()
            await_true(lambda: agent.status().get("[prod]", "").endswith("  ok"), agent.log)
            output = self.check(self.login())
        self.assertEqual((output.status, output.causes), (0, ()), output.stdout)
        self.assertEqual(output.item("agent's last error")["mark"], "note")
        self.assertRegex(output.item("agent's last error")["text"], rf"^\S+Z {USER} at \S+: no AWS credentials: ")

    def test_a_service_that_the_agent_does_not_know(self):
        """The agent reads another service file, so the passfile of this service does not exist."""
        self.services.add("prod")
        other = self.home.write("other.conf", "# no services\n")
        with self.services.agent("etl", wait=False, **{**self.env, "PGSERVICEFILE": str(other)}):
            output = self.check(self.login())
        self.assertEqual((output.status, output.causes), (1, ("agent-does-not-serve",)), output.stdout)
        self.assert_nothing_sent()

    def test_a_refusal_that_only_the_agent_knows(self):
        """In the agent's service file, the entry has a weaker sslmode than in the user's file."""
        self.services.add("prod", sslmode="require")
        other = self.home.write("other.conf", (self.home.path / ".pg_service.conf").read_text())
        self.services.clear()
        self.services.add("prod")
        with self.services.agent("etl", wait=False, **{**self.env, "PGSERVICEFILE": str(other)}) as agent:
            agent.await_log("sslmode=require")
            output = self.check(self.login())
        self.assertEqual((output.status, output.causes), (1, ("service-refused",)), output.stdout)
        self.assertIn("has sslmode=require", output.item("agent's refusal")["text"])
        self.assertIn("has sslmode=require", output.document["causes"][0]["remedy"])

    def test_a_service_file_that_the_agent_does_not_use(self):
        self.services.add("prod")
        other = self.home.write("other.conf", "[prod]\nno setting\n")
        with self.services.agent("etl", wait=False, **{**self.env, "PGSERVICEFILE": str(other)}):
            output = self.check(self.login())
        self.assertEqual((output.status, output.causes), (1, ("service-refused",)), output.stdout)
        self.assertIn("other.conf:2: is not a comment", output.item("agent's refusal")["text"])

    def test_services_that_do_not_exist(self):
        for text in ("", "[other]\nhost=x\n"):
            with self.subTest(text=text):
                self.home.write(".pg_service.conf", text)
                output = self.check(self.login())
                self.assertEqual((output.status, output.causes), (1, ("no-service",)), output.stdout)
                self.assertEqual(
                    output.item("service")["text"], 'no service file has a service "prod"'
                    + ("; the services that exist are: other" if text else ""))
                self.assertEqual((output.item("login")["text"], output.item("login")["remedy"]),
                                 ("the service cannot be used", None))

    def test_a_service_of_a_tunnel_on_localhost(self):
        """libpq compares the certificate with host, so tls = verify-ca does not help. hostaddr does."""
        server = self.lab.pg
        mend = "write host=ENDPOINT and hostaddr=127.0.0.1"
        self.services.add("prod", host="localhost")
        with self.services.agent("etl", wait=False, **self.env) as agent:
            agent.await_log("localhost is not an RDS endpoint: check the spelling; for a tunnel, " + mend
                            + f", and add 2 lines: [ENDPOINT:{server.port}], then endpoint = ENDPOINT:ITS_PORT, in ")
            before = self.check(self.login())
            self.home.write(CONFIG, f"[localhost]\nendpoint = {server.host}:{server.port}\ntls = verify-ca\n")
            await_true(lambda: agent.status().get("[prod]", "").endswith("  ok"), agent.log)
            mapped = self.check(self.login())
            rejected = (f"the certificate of {server.host} does not contain localhost, so sslmode=verify-full rejects the "
                        f"server; write host={server.host} (for a tunnel, also hostaddr=127.0.0.1), and at "
                        f"{self.home.path}/{CONFIG}:2 change the section's name to [{server.host}:{server.port}]")
            agent.await_log(f".pg_service.conf:2: [prod] {rejected}")
            self.assertIn(f".pg_service.conf:2): {rejected}", agent.status()["warning"])
            for name in ("second", "third"):
                self.services.add(name)
                await_true(lambda name=name: agent.status().get(f"[{name}]", "").endswith("  ok"), agent.log)
            self.assertIn(f".pg_service.conf:2): {rejected}", agent.status()["warning"])
            self.assertEqual(agent.log().count(f"[prod] {rejected}"), 1, "logged once, although the agent read the file again")
            lint = self.home.run([harness.installed("bin/rds-iam"), "lint"], None, **self.env)
            self.assertIn(f".pg_service.conf:3: warning: {rejected}", lint.stdout)
            setup = self.home.run([harness.installed("bin/rds-iam"), "setup", "postgres", "--hostname", "localhost", "--port",
                                   server.port, "--username", USER, "--dbname", "y"], None, **self.env)
            self.assertIn(rejected, setup.stderr)
            psql = self.client(self.login().change(service="prod", engine="postgres"))
            self.services.clear()
            self.services.add("prod", hostaddr="127.0.0.1")
            await_true(lambda: server.host in agent.status().get("[prod]", ""), agent.log)
            await_true(lambda: agent.status()["[prod]"].endswith("  ok"), agent.log)
            self.assertNotIn("warning", agent.status())
            self.assertEqual(self.check(self.login()).status, 0)
        self.assertEqual(before.causes, ("no-endpoint",), before.stdout)
        self.assertIn(mend, before.item("endpoint")["text"])
        self.assertNotIn("verify-ca", before.stdout)
        self.assertEqual(before.item("server name")["remedy"], 'See "endpoint" above.')
        self.assertIn('does not match host name "localhost"', psql.stderr)
        self.assertEqual(mapped.causes, ("name-unverified",), mapped.stdout)
        self.assertIn("Write host=ENDPOINT; for a tunnel, also write hostaddr=127.0.0.1.", mapped.item("server name")["remedy"])
        result = self.home.run([harness.installed("bin/rds-iam"), "setup", "postgres", "--hostname", "localhost",
                                "--username", "x", "--dbname", "y"], HOME="/nonexistent", **self.env)
        self.assertIn(mend, result.stderr)

    def test_a_service_with_a_line_that_libpq_rejects(self):
        """libpq rejects a service with such a line, and ignores the line if it looks for another service."""
        self.services.add("first")
        line = self.services.add("prod", **{"no setting": ""})
        self.services.add("last")
        text = (self.home.path / ".pg_service.conf").read_text().replace("no setting=", "no setting")
        self.home.write(".pg_service.conf", text)
        for name, is_rejected in (("first", False), ("prod", True), ("last", False)):
            with self.subTest(name=name):
                output = self.check(self.login(name))
                psql = self.client(self.login(name).change(service=name, engine="postgres"))
                self.assertEqual("syntax error" in psql.stderr, is_rejected, psql.stderr)
                self.assertEqual("no-service" in output.causes, is_rejected, output.stdout)
                if is_rejected:
                    self.assertIn(f".pg_service.conf:{line + 8}: is not a comment", output.item("service")["text"])

    def test_a_service_with_replication(self):
        """With rds.iam_auth_for_replication = 0, RDS refuses every token for a replication connection."""
        self.services.add("prod", replication="database")
        with self.services.agent("etl", **self.env):
            self.lab.parameter("rds.iam_auth_for_replication", "0")
            refused = self.check(self.login())
            self.lab.parameter("rds.iam_auth_for_replication", "1")
            self.assertEqual(self.check(self.login()).status, 0)
        self.assertEqual(refused.status, 3)
        self.assertEqual(refused.causes[0], "replication-parameter", refused.stdout)

    def test_the_time_limit_of_the_client(self):
        """check waits for the server as long as the client does, but at most 30 s. If the client has no limit, check
        waits for 10 s."""
        server = self.lab.mariadb
        self.services.add("prod", connect_timeout="7")
        self.services.add("long", connect_timeout="1000")
        self.services.add("none", connect_timeout="0")
        self.write_my_cnf(host=server.host, port=server.port, user=USER, connect_timeout=8)
        for login, limit in (
                (self.login(), "7 s, set by connect_timeout"), (self.login("long"), "30 s, set by connect_timeout"),
                (self.login("none"), "10 s, set by rds-iam check, because the client has no limit"),
                (self.login("none").change(env={"PGCONNECT_TIMEOUT": "5"}), "10 s, set by rds-iam check"),
                (self.login_to("mysql", host=None, port=None, user=None, engine=None, options=("--defaults-group", "client")),
                 "8 s, set by connect-timeout")):
            with self.subTest(limit=limit):
                self.assertTrue(self.check(login).item("time limit")["text"].startswith(limit))

    def test_the_address_of_a_service(self):
        """hostaddr is the address of the connection; host is the name in the token and in the certificate."""
        nowhere = self.home.write("hosts", "")
        env = {**self.env, "NSS_WRAPPER_HOSTS": str(nowhere)}
        self.services.add("prod", hostaddr="127.0.0.1")
        self.services.add("closed", hostaddr="127.0.0.2")
        self.services.add("named")
        with self.services.agent("etl", **env):
            good, closed, named = [self.check(self.login(name).change(env=env)) for name in ("prod", "closed", "named")]
        self.assertEqual((good.status, good.causes), (0, ()), good.stdout)
        self.assertTrue(good.item("DNS")["text"].startswith("127.0.0.1, "), good.stdout)
        self.assertEqual((closed.status, closed.causes), (4, ("unreached",)), closed.stdout)
        self.assertTrue(closed.item("TCP")["text"].startswith("127.0.0.2: "), closed.stdout)
        self.assertEqual((named.status, named.item("DNS")["mark"]), (4, "fault"), "control: the name has no address")

    def test_of_several_hosts_the_first_is_checked(self):
        pg = self.lab.pg
        self.services.add("prod", host=f"{pg.host},{pg.host}", port=f"{pg.port},1")
        with self.services.agent("etl", **self.env):
            output = self.check(self.login())
        self.assertEqual(output.status, 0, output.stdout)
        self.assertIn("only the first host is checked", output.item("hosts")["text"])

    def test_a_service_without_a_user_is_checked_with_pguser(self):
        self.services.add("prod", without=("user",))
        output = self.check(self.login().change(env={"PGUSER": USER}))
        self.assertEqual(output.document["result"], "refused-here", output.stdout)
        self.assertNotEqual(output.item("root certificates")["mark"], "fault")

    def test_the_root_certificates_that_libpq_reads(self):
        """Without sslrootcert, libpq does not read rds-iam's CA store."""
        self.services.add("prod", without=("sslrootcert",))
        self.home.write(".config/rds-iam/rds-ca.pem", self.lab.ca_file.read_text(), mode=0o644)
        with self.services.agent("etl", **self.env):
            missing = self.check(self.login())
            by_variable = self.check(self.login().change(env={"PGSSLROOTCERT": str(self.lab.ca_file)}))
            self.home.write(".postgresql/root.crt", self.lab.ca_file.read_text())
            by_file = self.check(self.login())
        self.assertEqual((missing.status, missing.causes), (1, ("no-root-certificates",)), missing.stdout)
        self.assertIn(".postgresql/root.crt does not exist; run: rds-iam setup ca, and name the file that it installs in "
                      "sslrootcert", missing.document["causes"][0]["remedy"])
        given = self.check(self.login_to("postgres", ca="/no/ca.pem"))
        self.assertEqual(given.document["causes"][0]["remedy"],
                         "/no/ca.pem does not exist; omit --ca, and run: rds-iam setup ca")
        self.assertEqual((by_variable.status, by_file.status), (0, 0), by_file.stdout)

    def test_a_password_in_the_service(self):
        self.services.add("prod", password="an-old-password")
        with self.services.agent("etl", **self.env):
            output = self.check(self.login())
        self.assertEqual((output.status, output.causes), (3, ("password-given",)), output.stdout)

    def all_targets(self, *options, **env):
        argv = [harness.installed("bin/rds-iam"), "check", *options]
        return self.run_argv(argv, self.login().change(env=env))

    def test_all_services_and_groups(self):
        """Services and groups for hosts other than RDS are left out."""
        server = self.lab.mariadb
        self.services.add("prod")
        self.services.add("work", dbname="work")
        self.services.add("local", without=("passfile",), host="localhost")
        self.services.add("socket", without=("passfile", "host"))
        included = self.home.write("more/extra.cnf", f"[client-included]\nhost={server.host}\nport={server.port}\n"
                                   f"user={USER}\n")
        self.write_my_cnf()
        with (self.home.path / ".my.cnf").open("a", encoding="utf-8") as file:
            file.write(f"[client-rds]\nhost={server.host}\nport = {server.port}\nuser={USER}\n[mysqld]\nport=1\n"
                       f"[client-local]\nhost=localhost\n!includedir {included.parent}\n")
        with self.services.agent("etl", **self.env):
            output = self.all_targets()
            document = json.loads(self.all_targets("--json").stdout)
        self.assertEqual(output.status, 0, output.stdout)
        expected = ["service prod", "service work", "group client-rds", "group client-included"]
        self.assertEqual(re.findall("^((?:service|group) .*)$", output.stdout, re.M), expected)
        self.assertRegex(
            output.stdout, r"\nlogins checked: 4; services and groups without an RDS host were not checked\.\n\Z")
        self.assertEqual(list(schema_errors(document, ALL_SCHEMA)), [])
        self.assertEqual([each["target"] for each in document["checks"]], expected)
        self.assertEqual({each["status"] for each in document["checks"]} | {document["status"]}, {0})
        self.assert_accepted(8)

    def test_the_status_of_all_is_that_of_the_first_failure(self):
        self.services.add("good")
        self.services.add("bad", user="scram_user")
        with self.services.agent("etl", **self.env):
            document = json.loads(self.all_targets("--json").stdout)
        self.assertEqual([each["status"] for each in document["checks"]] + [document["status"]], [0, 3, 3])

    def test_nothing_to_check(self):
        self.home.write(".pg_service.conf", "[local]\nhost=localhost\n")
        for options in ((), ("--json",)):
            with self.subTest(options=options):
                output = self.all_targets(*options)
                self.assertEqual((output.status, output.stderr), (
                    2, "rds-iam: no service and no group of an option file names an RDS host: give --hostname and "
                       "--username; see rds-iam check --help\n"))
                if options:
                    document = json.loads(output.stdout)
                    self.assertEqual(list(schema_errors(document, ALL_SCHEMA)), [])
                    self.assertEqual((document["checks"], document["status"]), ([], 2))
                else:
                    self.assertEqual(output.stdout, "")

    def test_settings_without_a_host(self):
        self.services.add("prod", without=("host",))
        output = self.check(self.login())
        self.assertEqual((output.status, output.document["result"]), (1, "not-tried"), output.stdout)
        self.assertEqual(output.causes, ("service-refused",), output.stdout)
        self.assertEqual(
            output.item("login")["text"], "the settings contain no host name, so a client uses localhost or a socket")
        self.assertEqual(output.item("login")["remedy"], "Add host= to the service.")


if __name__ == "__main__":
    harness.main()
