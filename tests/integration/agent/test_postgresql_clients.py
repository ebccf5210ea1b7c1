# SPDX-License-Identifier: MIT
"""libpq programs log in with pg_service.conf and the agent alone. Also: logins that the server refuses."""
import json

from labcase import USER, LabCase, harness
from service import Services

WHO = "select current_user, ssl, version from pg_stat_ssl where pid = pg_backend_pid()"
PSYCOPG2 = """
import json, psycopg2
connection = psycopg2.connect(%s)
cursor = connection.cursor()
cursor.execute(%r)
print(json.dumps(cursor.fetchone()))
""" % ("{}", WHO)


class ServiceCase(LabCase):
    def setUp(self):
        super().setUp()
        self.services = Services(self.home)

    def fill(self, principal="etl", **extra):
        result = self.services.fill(principal, **extra)
        self.assertEqual(result.returncode, 0, result.stderr)

    def psql(self, service="service=prod", command="select 1", **extra):
        # The client has no AWS settings, only the passfile.
        return self.home.run(["psql", "-XAtw", service, "-c", command], principal=None, **extra)


class Clients(ServiceCase):
    def test_psql_logs_in_over_verified_tls(self):
        self.services.add("prod")
        self.fill()
        result = self.psql(command=WHO)
        self.assertEqual(result.stdout.strip(), f"{USER}|t|TLSv1.3", result.stderr)
        self.assert_accepted()

    def test_tokens_with_and_without_a_session_token(self):
        self.services.add("prod")
        for principal, least, most in (("etl", 300, 400), ("etl-session", 2000, 2800)):
            with self.subTest(principal=principal):
                self.fill(principal)
                self.assertEqual(self.psql().returncode, 0)
                verdict = self.verdicts()[-1]
                self.assertIsNone(verdict["reason"])
                self.assertTrue(least <= verdict["token_length"] <= most, verdict)

    def test_pg_dump_writes_the_rows(self):
        self.services.add("prod")
        self.fill("etl-session")
        result = self.home.run(["pg_dump", "-w", "-d", "service=prod", "--data-only"], principal=None)
        self.assertIn("Grace", result.stdout, result.stderr)
        self.assert_accepted()

    def test_psycopg2_by_service_and_by_environment(self):
        self.services.add("prod")
        self.fill()
        for argument, extra in (("'service=prod'", {}), ("''", {"PGSERVICE": "prod"})):
            with self.subTest(argument=argument):
                script = PSYCOPG2.format(argument)
                result = self.home.run(
                    ["/usr/bin/python3", "-c", script], principal=None, **extra)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(json.loads(result.stdout), [USER, True, "TLSv1.3"])
        self.assert_accepted(2)

    def test_an_entry_with_several_hosts(self):
        pg = self.lab.pg
        self.services.add("prod", host=f"{pg.host},{pg.host}", port=f"1,{pg.port}")
        self.fill()
        self.assertEqual(self.psql().returncode, 0)
        self.assert_accepted()
        hosts = [line.split(":")[1] for line in self.services.passfile("prod").read_text().splitlines()]
        self.assertEqual(hosts, ["1", str(pg.port)])

    def test_a_token_for_a_tunnel_is_signed_for_the_endpoint(self):
        pg = self.lab.pg
        # hostaddr and port are the local end of a tunnel. In this test the lab's server listens there.
        self.services.add("prod", host="db.example.com", hostaddr="127.0.0.1")
        self.home.write(
            ".config/rds-iam/config", f"[db.example.com:{pg.port}]\nendpoint = {pg.host}:{pg.port}\n")
        self.fill()
        self.assertEqual(self.psql().returncode, 0, self.psql().stderr)
        self.assertIsNone(self.verdicts()[-1]["reason"])

    def test_credentials_of_a_profile(self):
        principal = self.lab.principals["etl"]
        self.services.add("prod")
        self.home.write(
            ".aws/credentials",
            f"[work]\naws_access_key_id = {principal.access_key}\n"
            f"aws_secret_access_key = {principal.secret_key}\n")
        self.fill(None, AWS_PROFILE="work")
        self.assertEqual(self.psql().returncode, 0)
        self.home.write(".config/rds-iam/config", f"[{self.lab.pg.host}]\nprofile = work\n")
        self.fill(None)
        self.assertEqual(self.psql().returncode, 0)
        self.assert_accepted(2)

    def test_a_password_account_in_the_same_service_file(self):
        self.services.add("prod")
        self.services.add(
            "plain", user="scram_user", password=self.lab.passwords["scram_user"],
            without=("passfile",))
        self.fill()
        self.assertEqual(self.psql("service=plain").returncode, 0)
        self.assert_nothing_sent()


class Refusals(ServiceCase):
    """Logins that the server refuses. The client gets no reason; the lab's journal contains it. Two tests also show
    logins in which the client has no token for the server to refuse."""

    def assert_pam_failure(self, result):
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(f'PAM authentication failed for user "{USER}"', result.stderr)

    def test_an_expired_token_and_a_token_from_the_future(self):
        self.services.add("prod")
        for offset, reason in ((1000, "Expired"), (-1000, "NotYetValid")):
            with self.subTest(reason=reason):
                self.fill()
                self.lab.clock(offset)
                self.assert_pam_failure(self.psql())
                self.assert_refused(reason)
                self.lab.clock(0)

    def test_the_wrong_region_and_the_wrong_port(self):
        pg = self.lab.pg
        rows = (
            (f"[{pg.host}]\nregion = eu-west-1\n", "WrongScope"),
            (f"[{pg.host}]\nendpoint = {pg.host}:5432\n", "WrongHost"),
        )
        self.services.add("prod")
        for config, reason in rows:
            with self.subTest(reason=reason):
                self.home.write(".config/rds-iam/config", config)
                self.fill()
                self.assert_pam_failure(self.psql())
                self.assert_refused(reason)

    def test_another_user(self):
        pg = self.lab.pg
        token = self.home.run(
            [harness.installed("bin/rds-iam"), "token", "--hostname", pg.host, "--port", pg.port,
             "--username", "other_iam_user"])
        self.assertEqual(token.returncode, 0, token.stderr)
        self.services.add("prod", without=("passfile",))
        self.assert_pam_failure(self.psql(PGPASSWORD=token.stdout.strip()))
        self.assert_refused("WrongUser")

    def test_identities_without_permission(self):
        self.services.add("prod")
        for principal in ("no-policy", "denied", "foreign"):
            with self.subTest(principal=principal):
                self.fill(principal)
                self.assert_pam_failure(self.psql())
                self.assert_refused("AccessDenied")

    def test_an_iam_user_that_no_policy_names(self):
        self.services.add("prod", user="other_iam_user")
        self.fill()
        self.assertIn("PAM authentication failed", self.psql().stderr)
        self.assert_refused("AccessDenied")

    def test_expired_credentials(self):
        self.services.add("prod")
        self.fill("etl-expired")
        self.assert_pam_failure(self.psql())
        self.assert_refused("Expired")
        result = self.services.fill("etl-expired", AWS_CREDENTIAL_EXPIRATION="2020-01-01T00:00:00Z")
        self.assertEqual(result.returncode, 1)
        self.assertIn("expired at 20200101T000000Z; get new ones", result.stderr)
        self.assertIn("no password supplied", self.psql().stderr)

    def test_a_passfile_line_is_for_one_user(self):
        self.services.add("prod")
        self.fill()
        result = self.psql("service=prod user=other_iam_user")
        self.assertIn("no password supplied", result.stderr)
        self.assert_nothing_sent()


if __name__ == "__main__":
    harness.main()
