# SPDX-License-Identifier: MIT
"""Aurora DSQL: psql logs in to the lab's cluster under `rds-iam exec`, with the agent and with a printed token. The
lab's verifier checks service and action of each token, and the grants of the cluster. `setup`, `check` and `lint`
accept the name of such a cluster.

In the CA store of the tests, the lab's CA is in the file of the public CAs, and the file of RDS's CAs contains another
CA. So if a login to DSQL succeeds, psql has verified the server with the public CAs.
"""
import json
import pathlib

from check_case import CheckCase
from labcase import USER, harness
from postgresql_peer import PostgreSQLPeer
from service import Services, agent_program

APP, ADMIN = "app_user", "admin"
WHO = "select current_user, ssl from pg_stat_ssl where pid = pg_backend_pid()"
REFUSED = 'PAM authentication failed for user "'


def tool():
    return harness.installed("bin/rds-iam")


class DsqlCase(CheckCase):
    def setUp(self):
        super().setUp()
        for name, certificate in (("rds-ca.pem", self.lab.other_ca_file), ("rds-ca-public.pem", self.lab.ca_file)):
            self.home.write(f".config/rds-iam/{name}", pathlib.Path(certificate).read_text(), mode=0o644)

    def psql(self, user=APP, principal="dsql-app", words="", host=None, port=None, own=(), **extra):
        server = self.lab.dsql
        return self.home.run(
            [tool(), "exec", *own, "--", "psql", "-XAtw", "-c", WHO,
             f"host={host or server.host} port={port or server.port} user={user} dbname=postgres {words}"],
            principal, **extra)

    def plain_psql(self, password, user=APP):
        """Runs psql without rds-iam."""
        server = self.lab.dsql
        return self.home.run(
            ["psql", "-XAtw", "-c", WHO, f"host={server.host} port={server.port} user={user} dbname=postgres "
             f"sslmode=verify-full sslrootcert={self.lab.ca_file}"], None, PGPASSWORD=password)

    def assert_in(self, result, user=APP, principal="dsql-app"):
        self.assertEqual((result.stdout, result.stderr), (f"{user}|t\n", ""))
        verdict = self.verdicts()[-1]
        self.assertEqual((verdict["reason"], verdict["principal"], verdict["engine"]), (None, principal, "dsql"))

    def assert_out(self, result, reason, user=APP):
        self.assertIn(REFUSED + user, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assert_refused(reason)


class Logins(DsqlCase):
    def test_exec_needs_no_tls_settings(self):
        self.assert_in(self.psql())
        self.assert_in(self.psql(ADMIN, "dsql-admin"), ADMIN, "dsql-admin")
        self.assert_accepted(2)

    def test_the_name_by_private_link(self):
        self.assert_in(self.psql(host=self.lab.dsql_private_host))

    def test_logins_without_the_permission_are_refused(self):
        self.assert_out(self.psql(ADMIN), "AccessDenied", ADMIN)
        self.assert_out(self.psql(principal="dsql-admin"), "AccessDenied")
        self.assert_out(self.psql(principal="etl"), "AccessDenied")
        self.lab.policies("dsql-app", [])
        self.addCleanup(self.lab.reset)
        self.assert_out(self.psql(), "AccessDenied")

    def test_the_policy_is_not_enough_without_a_grant(self):
        policies = self.lab.principals["dsql-app"].policies
        for name in ("no-policy", "etl"):  # the cluster has a grant for the first alone
            self.lab.policies(name, policies)
        self.addCleanup(self.lab.reset)
        self.assert_in(self.psql(principal="no-policy"), principal="no-policy")
        self.assert_out(self.psql(principal="etl"), "AccessDenied")
        self.assertEqual(self.verdicts()[-1]["detail"], f"the database has no grant of {APP} to etl")

    def test_a_role_of_the_configuration(self):
        host = self.lab.dsql.host
        role = self.lab.roles["dsql-access"]
        self.home.write(".config/rds-iam/config", f"[{host}]\nrole_arn = {role.arn}\n")
        self.assert_in(self.psql(**self.cloud_env()), principal=role.session_arn("rds-iam"))

    def test_the_action_of_another_user_is_refused(self):
        """botocore makes the tokens, and psql sends them as the password. Control: a token with the user's own action
        is accepted."""
        for user, principal, own, other in ((APP, "dsql-app", "DbConnect", "DbConnectAdmin"),
                                            (ADMIN, "dsql-admin", "DbConnectAdmin", "DbConnect")):
            with self.subTest(user=user):
                token = self.lab.dsql_token(principal, own)
                self.assert_in(self.plain_psql(token, user), user, principal)
                self.assert_out(self.plain_psql(self.lab.dsql_token(principal, other), user), "WrongAction", user)

    def test_a_printed_token(self):
        for user, principal, action in ((APP, "dsql-app", "DbConnect"), (ADMIN, "dsql-admin", "DbConnectAdmin")):
            with self.subTest(user=user):
                server = self.lab.dsql
                printed = self.home.run([tool(), "token", "--hostname", server.host, "--port", server.port,
                                         "--username", user], principal)
                self.assertEqual((printed.returncode, printed.stderr), (0, ""))
                self.assertTrue(printed.stdout.startswith(f"{server.host}/?Action={action}&X-Amz-"), printed.stdout[:80])
                self.assert_in(self.plain_psql(printed.stdout.strip(), user), user, principal)

    def test_a_service_and_the_agent(self):
        server = self.lab.dsql
        services = Services(self.home)
        services.add("cluster", host=server.host, port=server.port, user=APP, dbname="postgres")
        services.add("private", host=self.lab.dsql_private_host, port=server.port, user=APP, dbname="postgres")
        for name in ("cluster", "private"):
            lint = self.home.run([tool(), "lint"], None)
            self.assertEqual((lint.returncode, lint.stderr), (0, ""), lint.stdout)
            with services.agent("dsql-app"):
                self.assert_in(self.home.run(["psql", "-XAtwc", WHO, f"service={name}"], None))
        self.assertEqual(services.fill("dsql-app").returncode, 0)
        self.assert_in(self.home.run(["psql", "-XAtwc", WHO, "service=cluster"], None))

    def test_a_tunnel(self):
        """A name that is not the endpoint's own needs a section. The certificate of the lab's server contains
        db.example.com, so this login succeeds; the certificate of a real cluster contains no such name. (The endpoint's
        own name needs no section at any port, because a token of DSQL contains no port.)"""
        server = self.lab.dsql
        self.assertNotEqual(server.port, 5432)
        self.home.write(".config/rds-iam/config", f"[db.example.com]\nendpoint = {server.host}:5432\n")
        self.assert_in(self.psql(host="db.example.com", own=("--ca", self.lab.ca_file)))
        with PostgreSQLPeer(self.lab.certificates.wrong_name) as peer:
            result = self.psql(host="db.example.com", port=peer.port, own=("--ca", self.lab.ca_file))
            self.assertIn("does not match host name", result.stderr)
            self.assertEqual(peer.answers, [])
        self.home.write(".config/rds-iam/config",
                        f"[db.example.com]\nendpoint = {server.host}:5432\ntls = verify-ca\n")
        result = self.psql(host="db.example.com", own=("--ca", self.lab.ca_file))
        self.assertIn("config:3: tls = verify-ca is not allowed for " + server.host, result.stderr)


class Verification(DsqlCase):
    def test_the_roots_of_rds_do_not_verify_a_cluster(self):
        with PostgreSQLPeer(self.lab.certificates.other_ca) as peer:  # the CA in rds-ca.pem
            result = self.psql(port=peer.port)
            self.assertIn("certificate verify failed", result.stderr)
            self.assertEqual(peer.answers, [])
        with PostgreSQLPeer(self.lab.certificates.server) as peer:
            self.psql(port=peer.port)
            self.assertEqual(len(peer.answers), 1, "control: a peer with a certificate of the public CA gets a token")

    def test_an_unverified_server_gets_no_token(self):
        for words in ("sslmode=require", "sslmode=verify-ca", "sslmode=disable"):
            with self.subTest(words):
                with PostgreSQLPeer(None if "disable" in words else self.lab.certificates.other_ca) as peer:
                    self.psql(port=peer.port, words=words)
                    self.assertEqual([a for a in peer.answers if b"X-Amz-Signature" in a[1]], [])
        self.assert_nothing_sent()


class Commands(DsqlCase):
    def test_setup_postgres_names_the_public_roots(self):
        server = self.lab.dsql
        result = self.home.run([tool(), "setup", "postgres", "--hostname", server.host, "--port", server.port,
                                "--username", APP, "--dbname", "postgres", "--service", "cluster"], None)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"\nsslrootcert={self.home.path}/.config/rds-iam/rds-ca-public.pem\n", result.stdout)
        self.home.write(".pg_service.conf", result.stdout)
        self.assertEqual(self.home.run([agent_program(), "--once"], "dsql-app").returncode, 0)
        self.assert_in(self.home.run(["psql", "-XAtwc", WHO, "service=cluster"], None))

    def policy(self, user, host=None):
        result = self.home.run([tool(), "setup", "policy", "--hostname", host or self.lab.dsql.host, "--username", user,
                                "--account", "123456789012"], None)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout), result.stderr

    def test_the_printed_policy_allows_the_login(self):
        self.addCleanup(self.lab.policies, "no-policy", [])
        for user, action, notes in ((APP, "dsql:DbConnect", "AWS IAM GRANT DB_USER TO"), (ADMIN, "dsql:DbConnectAdmin", "")):
            with self.subTest(user=user):
                self.lab.policies("no-policy", [])
                self.assert_out(self.psql(user, "no-policy"), "AccessDenied", user)
                document, errors = self.policy(user)
                self.assertEqual(document["Statement"], [{
                    "Effect": "Allow", "Action": action,
                    "Resource": "arn:aws:dsql:us-east-1:123456789012:cluster/abcdefghijklmnopqrstuvwxyz"}])
                self.assertIn(notes, errors) if notes else self.assertEqual(errors, "")
                self.assertEqual(self.policy(user, self.lab.dsql_private_host)[0], document)
                self.lab.policies("no-policy", [document])
                self.assert_in(self.psql(user, "no-policy"), user, "no-policy")

    def test_a_resource_id_is_refused(self):
        result = self.home.run([tool(), "setup", "policy", "--hostname", self.lab.dsql.host, "--username", APP,
                                "--resource-id", "cluster-ABCDEFGHIJKL01234"], None)
        self.assertEqual(result.returncode, 2)
        self.assertIn("which contains the id of its cluster; leave out --resource-id", result.stderr)

    def login_to_dsql(self, **changes):
        return self.login_to(
            "postgres", host=self.lab.dsql.host, user=APP, principal="dsql-app", ca=None, dbname="postgres", **changes)

    def test_check_finds_a_login_that_succeeds(self):
        output = self.check(self.login_to_dsql())
        self.assertEqual((output.status, output.document["result"], output.causes), (0, "in", ()))
        self.assertLessEqual(output.marks(), {"ok", "note"}, output.stdout)
        self.assertEqual(output.item("endpoint")["text"], "Aurora DSQL")
        self.assertEqual(self.verdicts()[-1]["engine"], "dsql")

    def test_check_of_a_cluster_without_engine_and_port_assumes_postgresql(self):
        """The lab's port is not 5432, so no login is possible."""
        output = self.check(self.login_to_dsql(engine=None, port=5432, env={"PGCONNECT_TIMEOUT": "2"}))
        self.assertEqual(output.item("endpoint")["text"], "Aurora DSQL")
        self.assertNotIn("mysql", output.stdout.lower())

    def test_check_refuses_mysql(self):
        output = self.check(self.login_to_dsql(engine="mysql"))
        self.assertNotEqual(output.status, 0)
        self.assertIn("is an Aurora DSQL endpoint, which has the protocol of PostgreSQL",
                      output.item("endpoint")["text"])

    def test_check_judges_a_token_in_the_environment(self):
        """A token of Aurora DSQL contains no port. The first token is for this cluster, with another action."""
        own = self.lab.dsql_token("dsql-app", "DbConnectAdmin")
        other = self.lab.token("etl", self.lab.pg, USER)
        for token, is_other in ((own, False), (other, True)):
            with self.subTest(is_other=is_other):
                output = self.check(self.login_to_dsql(env={"PGPASSWORD": token}))
                self.assertEqual("token-for-other-server" in output.causes, is_other, output.causes)
                self.assertEqual("for another server" in output.item("password")["text"], is_other)

    def test_check_names_the_policy_that_is_missing(self):
        login = self.login_to_dsql().change(principal="etl")
        output = self.check(login)
        self.assertNotEqual(output.status, 0)
        self.assert_refused("AccessDenied")
        self.assertIn("policy-missing", output.causes)
        text = self.check_text(login)
        words = " ".join(text.stdout.replace(" \\\n", "\n").split())  # a command continues after a backslash
        self.assertIn("allows dsql:DbConnect,", words)
        self.assertNotIn("iam-off", output.causes, "Aurora DSQL has no logins without IAM")
        self.assertIn("--action-names dsql:DbConnect --resource-arns arn:aws:dsql:us-east-1:123456789012:cluster/"
                      "abcdefghijklmnopqrstuvwxyz", words)
        self.assertNotIn("rds-db:connect", words)

    def test_check_aws_sends_no_request_about_the_cluster(self):
        output = self.check_text(self.login_to_dsql(), "--aws")
        self.assertEqual(output.status, 0, output.stdout)
        words = " ".join(output.stdout.split())
        self.assertIn("database not asked: this name does not contain the identifier", words)
        self.assertIn("policy not asked: the resource id of the database is not known", words)


harness.main()
