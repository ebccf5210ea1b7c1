# SPDX-License-Identifier: MIT
"""The access role of RECIPES.md with the document's own texts. A service of another account assumes the access role
with session tags, and logs in to both servers as clickpipes_iam_user. Further tests show which identity the databases
see: the principal of the STS session, with its tags, its expiration and its policies."""
import time

from cloud import REGION, CloudCase
from labcase import USER, harness, rdslab
from mariadb_client import CONFIG
import recipes
from service import Services

ACCESS_ROLE = "rds-access-clickpipes"
PARAMETER = "rds.iam_auth_for_replication"
MESSAGE_MIN = 450  # characters; a shorter message is not cut
BOTH = "must be allowed by both the caller's own policy and the role's trust policy"


def ends_with(text, message):
    """Returns whether a text ends with a message. A message that contains the path of a long home directory is cut, and
    then ends in "..."."""
    if not text.endswith("...\n"):
        return text.endswith(message)
    whole = text.removesuffix("...\n")
    return len(whole) > MESSAGE_MIN and any(whole.endswith(message[:end]) for end in range(1, len(message)))


class ExampleCase(CloudCase):
    def setUp(self):
        super().setUp()
        self.services = Services(self.home)
        self.services.add("shop")

    def write_section(self, role, **settings):
        """Writes a configuration for both servers."""
        lines = {"role_arn": self.lab.roles[role].arn, **settings}
        text = "".join(f"{key} = {value}\n" for key, value in lines.items())
        self.home.write(CONFIG, f"[*.{REGION}.rds.amazonaws.com]\n{text}")

    def psql(self, command="select 1"):
        # The client has no AWS settings, only the passfile.
        return self.home.run(["psql", "-XAtw", "service=shop", "-c", command], None)

    def assert_both_log_in(self, arn, principal=None, **env):
        seen = len(self.verdicts())
        self.assert_logged_in(self.mariadb(principal=principal, **env))
        filled = self.services.fill(principal, **env)
        self.assertEqual(filled.returncode, 0, filled.stderr)
        self.assertEqual(self.psql().stdout, "1\n")
        found = [(v["reason"], v["principal"]) for v in self.verdicts()[seen:]]
        self.assertEqual(found, [(None, arn)] * 2)

    def assert_both_refused(self, reason, arn, principal=None, **env):
        """Checks that both databases refuse the login. They give no reason; the journal contains it."""
        seen = len(self.verdicts())
        self.assertIn("ERROR 1045", self.mariadb(principal=principal, **env).stderr)
        filled = self.services.fill(principal, **env)
        self.assertEqual(filled.returncode, 0, filled.stderr)
        self.assertIn("PAM authentication failed", self.psql().stderr)
        found = [(v["reason"], v["principal"]) for v in self.verdicts()[seen:]]
        self.assertEqual(found, [(reason, arn)] * 2)

    def assert_message_everywhere(self, message, principal=None, **env):
        """Checks that rds-iam, mariadb and the agent print the same message, and that no server gets a token."""
        host, port = self.lab.mariadb.host, self.lab.mariadb.port
        result = self.home.run(
            [harness.installed("bin/rds-iam"), "token", "--hostname", host, "--port", port,
             "--username", USER], principal, **env)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertTrue(ends_with(result.stderr, message), result.stderr)
        self.assertIn("ERROR 2061 (HY000): rds-iam: ", text := self.mariadb(principal=principal, **env).stderr)
        self.assertTrue(ends_with(text, message), text)
        with self.services.agent(principal, **env) as agent:
            lines = agent.log().splitlines(keepends=True)
            self.assertTrue(any(ends_with(line, message) for line in lines), lines)
            self.assertIn(f"no token for {USER} at {self.lab.pg.host}:{self.lab.pg.port}: ", agent.log())
        self.assert_nothing_sent()
        return result.stderr


class Recipe(ExampleCase):
    def setUp(self):
        super().setUp()
        role = self.lab.roles[ACCESS_ROLE]
        self.home.write(CONFIG, recipes.configuration(
            REGION=REGION, ACCOUNT_ID=role.account, ACCESS_ROLE=ACCESS_ROLE))

    def test_the_service_logs_in_on_both_servers(self):
        self.assert_both_log_in(self.lab.roles[ACCESS_ROLE].session_arn("rds-iam"),
                                **self.pod_env("service"))
        assumed = [call for call in self.calls() if call["operation"] == "AssumeRole"]
        self.assertEqual(assumed[0]["parameters"]["Tags.member.1.Key"], "team")
        self.assertEqual(assumed[0]["parameters"]["Tags.member.1.Value"], "etl")

    def test_explain_prints_the_role_and_the_source(self):
        result = self.credentials(
            "--explain", "--hostname", self.lab.pg.host, "--port", "5432", "--username", USER,
            principal=None, env=self.pod_env("service"))
        role = self.lab.roles[ACCESS_ROLE]
        for line in ("source             the container's endpoint (AWS_CONTAINER_CREDENTIALS_FULL_URI)",
                     f"role               {role.arn} ({self.home.path / CONFIG}:2)",
                     f"identity           {role.session_arn('rds-iam')}"):
            self.assertIn(line + "\n", result.stdout)

    def test_without_the_role_the_service_has_no_permission(self):
        self.home.write(CONFIG, "")
        session = self.lab.cloud.containers["service"].session_name
        self.assert_both_refused(
            "AccessDenied", self.lab.roles["service"].session_arn(session), **self.pod_env("service"))
        self.assertIn("is not in account", self.lab.last_verdict()["detail"])

    def test_the_lab_uses_the_policies_of_the_recipes(self):
        trust = recipes.trust_policy(SERVICE_ACCOUNT="210987654321", SERVICE_ROLE="service")
        self.assertEqual(self.lab.roles[ACCESS_ROLE].trust, trust)
        self.assertEqual(trust["Statement"][0]["Action"], ["sts:AssumeRole", "sts:TagSession"])
        arns = [policy["Statement"][0]["Resource"] for policy in self.lab.roles[ACCESS_ROLE].policies]
        self.assertEqual(arns, [
            f"arn:aws:rds-db:{REGION}:123456789012:dbuser:{server.resource_id}/{USER}"
            for server in (self.lab.pg, self.lab.mariadb)])
        # The database has this user, but the policy does not name it.
        result = self.mariadb(user="other_iam_user", principal=None, **self.pod_env("service"))
        self.assertIn("ERROR 1045", result.stderr)
        self.assert_refused("AccessDenied")

    def test_replication(self):
        env = self.pod_env("service")
        self.lab.parameter(PARAMETER, "0")
        self.assertEqual(self.services.fill(None, **env).returncode, 0)
        refused = self.receive("--create-slot")
        self.assertIn(f'PAM authentication failed for user "{USER}"', refused.stderr)
        self.assertEqual(self.psql().stdout, "1\n", "control: the same token works without replication")
        self.lab.parameter(PARAMETER, "1")
        self.assertEqual(self.receive("--create-slot").stderr, "")
        self.addCleanup(self.receive, "--drop-slot")
        self.psql("select pg_logical_emit_message(true, 'rds-iam', 'a row that changed')")
        end = self.psql("select pg_current_wal_lsn()").stdout.strip()
        received = self.receive("--start", "--file=-", f"--endpos={end}")
        self.assertIn("content:a row that changed", received.stdout, received.stderr)
        self.assertEqual({v["principal"] for v in self.verdicts()},
                         {self.lab.roles[ACCESS_ROLE].session_arn("rds-iam")})

    def receive(self, *arguments):
        return self.home.run(
            ["pg_recvlogical", "-w", "-d", "service=shop", "--slot=story", *arguments], None)


class Roles(ExampleCase):
    def test_a_role_of_the_configuration_logs_in_with_all_clients(self):
        self.write_section(
            "rds-access", role_session_name="pipe-1", session_tags="team=etl, env=prod",
            transitive_tag_keys="team")
        role = self.lab.roles["rds-access"]
        self.assert_both_log_in(role.session_arn("pipe-1"), "etl-base", **self.cloud_env())
        (call,) = self.calls()  # both clients use one cached session
        self.assertEqual(call["parameters"], {
            "Action": "AssumeRole", "Version": "2011-06-15",
            "RoleArn": role.arn, "RoleSessionName": "pipe-1",
            "Tags.member.1.Key": "team", "Tags.member.1.Value": "etl",
            "Tags.member.2.Key": "env", "Tags.member.2.Value": "prod",
            "TransitiveTagKeys.member.1": "team"})
        self.assertTrue(call["tls"])

    def test_sts_is_called_in_the_region_of_the_database(self):
        self.write_section("rds-access")
        env = self.cloud_env()
        del env["AWS_REGION"]
        self.assert_logged_in(self.mariadb(principal="etl-base", **env))
        self.assertIn(f"/{REGION}/sts", self.calls()[0]["scope"])

    def test_a_role_without_permission_is_refused_by_the_databases(self):
        self.write_section("rds-access-powerless")
        arn = self.lab.roles["rds-access-powerless"].session_arn("rds-iam")
        self.assert_both_refused("AccessDenied", arn, "etl-base", **self.cloud_env())

    def test_a_policy_with_a_condition_on_tags(self):
        arn = self.lab.roles["rds-access-tagged"].session_arn("rds-iam")
        self.write_section("rds-access-tagged", session_tags=f"dbuser={USER}")
        self.assert_both_log_in(arn, "etl-base", **self.cloud_env())
        self.write_section("rds-access-tagged", session_tags="dbuser=clickpipes_other")
        self.assert_both_refused("AccessDenied", arn, "etl-base", **self.cloud_env())

    def test_a_session_that_expires_or_is_revoked(self):
        self.write_section("rds-access")
        arn = self.lab.roles["rds-access"].session_arn("rds-iam")
        env = self.cloud_env()
        self.assert_both_log_in(arn, "etl-base", **env)
        for end, reason, owner in (
            (self.lab.expire, "Expired", arn), (self.lab.revoke, "InvalidClientTokenId", None)
        ):
            with self.subTest(reason=reason):
                end(self.cached_session())
                self.assert_both_refused(reason, owner, "etl-base", **env)
                self.credentials("--clear")
                self.assert_logged_in(self.mariadb(principal="etl-base", **env))

    def cached_session(self):
        """Returns the session that the next login will use, as Keys with only the access key."""
        issued = [call["issued"] for call in self.calls() if call["issued"]][-1]
        return rdslab.Keys(issued, None, None)


class Refusals(ExampleCase):
    """Refusals of STS: the message names the caller, the action and the policy to check."""

    def assert_denied(self, user, action, role, cause, principal, more="", **env):
        """Checks the message of all clients. cause: the reason in the lab's journal; more: the end of the message."""
        text = self.assert_message_everywhere(f"{action} {BOTH}{more}\n", principal, **env)
        self.assertIn(
            f"{self.home.path}/{CONFIG}:2: {self.caller()} cannot assume {self.lab.roles[role].arn}: "
            f"STS says AccessDenied: User: {user} is not authorized to perform: {action}; ", text)
        # AWS does not report which policy denied the request. The lab's journal does.
        self.assertEqual({call["detail"] for call in self.refused()}, {cause})

    def refused(self):
        return [call for call in self.calls() if call["code"] == "AccessDenied"]

    def caller(self):
        return self.refused()[0]["caller"]

    def test_tags_that_the_trust_policy_does_not_allow(self):
        self.write_section("rds-access-untagged", session_tags="team=etl")
        self.assert_denied(
            "arn:aws:iam::210987654321:user/etl-base", "sts:TagSession", "rds-access-untagged",
            "trust policy: ImplicitDeny sts:TagSession", "etl-base", **self.cloud_env())

    def test_tags_that_the_callers_policy_does_not_allow(self):
        self.write_section("rds-access", session_tags="team=etl")
        self.assert_denied(
            "arn:aws:iam::210987654321:user/etl-base-untagged", "sts:TagSession", "rds-access",
            "caller's policy: ImplicitDeny sts:TagSession", "etl-base-untagged", **self.cloud_env())

    def test_transitive_tags_of_the_pods_own_session(self):
        self.write_section("rds-access-untagged")
        # rds-iam, mariadb and the agent each send a request to the container endpoint.
        self.assert_message_everywhere(f"sts:TagSession {BOTH}\n", **self.pod_env("service"))
        for call in self.refused():
            self.assertEqual(call["detail"], "trust policy: ImplicitDeny sts:TagSession")
            self.assertNotIn("Tags.member.1.Key", call["parameters"])

    def test_a_wrong_external_id(self):
        self.write_section("rds-access-external", external_id="etl/4712")
        self.assert_denied(
            "arn:aws:iam::210987654321:user/etl-base", "sts:AssumeRole", "rds-access-external",
            "trust policy: ImplicitDeny sts:AssumeRole", "etl-base",
            ", which may require another external_id; or the role does not exist: compare its name", **self.cloud_env())
        self.write_section("rds-access-external", external_id="etl/4711")
        self.assert_logged_in(self.mariadb(principal="etl-base", **self.cloud_env()))

    def tokens(self):
        """Returns rows: a web identity token, the error of STS, the advice in the message of rds-iam."""
        mint, now = self.lab.web_identity, int(time.time())
        head, body, signature = mint().split(".")
        compare = "compare the token's issuer, key and audience with the account's identity provider"
        return (
            (f"{head}.{body}.{signature[:-8]}AAAAAAAA",
             "InvalidIdentityToken: The ID Token provided is not valid.", compare),
            (mint(audience="somebody"), "InvalidIdentityToken: Incorrect token audience", compare),
            (mint(provider="issuer.example.com"),
             "InvalidIdentityToken: No OpenIDConnect provider found in your account for "
             "https://issuer.example.com", compare),
            (mint(expires=now - 1), "ExpiredTokenException: Token expired: current date/time ",
             "the token has expired; get a new one"),
            (mint(subject="system:serviceaccount:other:etl"),
             "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity",
             "the role's trust policy must name the token's provider, audience and subject"),
        )

    def test_web_identities(self):
        env = self.web_identity_env()
        path = env["AWS_WEB_IDENTITY_TOKEN_FILE"]
        for token, error, advice in self.tokens():
            with self.subTest(error=error):
                self.home.write("web-identity-token", token)
                text = self.assert_message_everywhere(f"; {advice}\n", **env)
                self.assertIn(f"the token in {path} cannot assume {env['AWS_ROLE_ARN']}: STS says {error}",
                              text)
                for piece in token.split("."):
                    self.assertNotIn(piece, text)
        self.home.write("web-identity-token", self.lab.web_identity())
        self.assert_both_log_in(self.lab.roles["web-identity"].session_arn("rds-iam"), **env)


if __name__ == "__main__":
    harness.main()
