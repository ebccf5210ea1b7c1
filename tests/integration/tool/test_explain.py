# SPDX-License-Identifier: MIT
"""rds-iam credentials: the complete lines that --explain prints, and other tools that use the printed credentials."""
import json
import re

from cloud import CloudCase
from labcase import harness
from mariadb_client import CONFIG, credentials_file

SKIPPED = "environment        absent  skipped, because a profile is named"
NO_KEYS = "environment        absent  AWS_ACCESS_KEY_ID is not set"
NO_PROFILES = "profile            absent  neither {home}/.aws/config nor {home}/.aws/credentials exists"
END = re.compile(r"expires            20\d{6}T\d{6}Z")
CACHED = re.compile(r"credentials        cached in {home}/\.cache/rds-iam/cache/[0-9a-f]{64}")


class Explanation(CloudCase):
    def setUp(self):
        super().setUp()
        self.base = self.lab.principals["etl-base"]
        self.config = f"{self.home.path}/.aws/config"

    def explain(self, *arguments, principal="etl-base", env=None):
        """Returns the lines of the explanation. Checks that stderr is empty and that no line contains a secret."""
        result = self.credentials("--explain", *arguments, principal=principal, env=env)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assert_no_secret(result.stdout)
        return result.stdout.splitlines()

    def secrets(self):
        """Yields every secret of the test: the keys of all principals, the tokens of the container and of the web
        identity, and the secrets in the cache."""
        for principal in self.lab.principals.values():
            yield principal.secret_key
            if principal.session_token:
                yield principal.session_token[:40]
        yield self.lab.cloud.containers["pod"].authorization
        yield from (path.read_text() for path in self.home.path.glob("*-token"))
        for path in self.cache_files():
            # In a cache file, 40 or more consecutive characters of the set below are a key or a token.
            yield from (text.decode() for text in re.findall(rb"[\w+/=-]{40,}", path.read_bytes()))

    def found_in(self, text):
        return [secret for secret in self.secrets() if secret in text]

    def assert_no_secret(self, text):
        self.assertEqual(self.found_in(text), [])
        # The control: the same search finds each secret if it is in the text.
        for secret in self.secrets():
            self.assertEqual(self.found_in(text + secret)[0], secret)

    def assert_lines(self, lines, *expected):
        """Compares complete lines. A pattern stands for a line that is different in each run."""
        self.assertEqual(len(lines), len(expected), lines)
        for line, one in zip(lines, expected):
            if isinstance(one, re.Pattern):
                pattern = one.pattern.replace("{home}", re.escape(str(self.home.path)))
                self.assertRegex(line, f"^{pattern}$")
            else:
                self.assertEqual(line, one.format(home=self.home.path))

    def role_lines(self, role, place, region, session="rds-iam", *more):
        """Returns the expected lines about a role. place: where it is configured."""
        sts = self.lab.cloud_https
        return (f"role               {self.lab.roles[role].arn} ({place})", f"  session name     {session}", *more,
                f"  region           {region}", f"  STS              {sts} (AWS_ENDPOINT_URL_STS)")

    def fetched(self, role, session="rds-iam"):
        """Returns the expected lines about credentials that were just obtained from STS."""
        return (f"CA bundle          {self.lab.cloud_ca_file} (AWS_CA_BUNDLE)", "credentials        obtained now",
                re.compile("access key         ASIA[0-9A-Z]{16}"),
                f"identity           {self.lab.roles[role].session_arn(session)}", END)

    def test_keys_in_the_environment(self):
        self.assert_lines(
            self.explain(),
            "environment        found   the environment",
            "source             the environment (AWS_ACCESS_KEY_ID)",
            "credentials        obtained from settings, no AWS request",
            f"access key         {self.base.access_key}",
            "expires            without an expiry time",
            f"identity           {self.base.arn}")

    def test_keys_whose_identity_sts_does_not_report(self):
        self.lab.faults({"kind": "status", "service": "sts", "status": 403, "code": "InvalidClientTokenId",
                         "message": "no such key", "times": None})
        result = self.credentials("--explain")
        self.assertRegex(result.stdout.splitlines()[-1], "^identity           not known: .*InvalidClientTokenId")
        self.assertEqual((result.returncode, result.stderr),
                         (1, "rds-iam: these credentials are not valid; see the identity above\n"))

    def test_keys_without_a_region_are_explained(self):
        """Without a region, STS is not asked, so the keys may be valid."""
        self.assertRegex(self.explain(env=self.cloud_env(AWS_REGION=""))[-1], "^identity           not known: .*region")

    def test_keys_in_a_profile(self):
        self.home.write(".aws/credentials", "# mine\n" + credentials_file(self.base, "work"))
        self.assert_lines(
            self.explain(principal=None, env=self.cloud_env(AWS_PROFILE="work")),
            NO_KEYS,
            "web identity       absent  AWS_WEB_IDENTITY_TOKEN_FILE is not set",
            "profile            found   profile work ({home}/.aws/credentials:3)",
            "source             profile work ({home}/.aws/credentials:3)",
            f"CA bundle          {self.lab.cloud_ca_file} (AWS_CA_BUNDLE)",
            "credentials        obtained from settings, no AWS request",
            f"access key         {self.base.access_key}",
            "expires            without an expiry time",
            f"identity           {self.base.arn}")

    def test_a_chain_of_three_profiles_uses_the_region_of_the_first(self):
        roles = self.lab.roles
        self.home.write(
            ".aws/config",
            f"[profile top]\nrole_arn = {roles['rds-access'].arn}\nsource_profile = middle\n"
            f"[profile middle]\nrole_arn = {roles['etl-hop'].arn}\nsource_profile = bottom\n"
            "region = eu-west-1\n[profile bottom]\nregion = ap-south-1\n")
        self.home.write(
            ".aws/credentials",
            credentials_file(self.base, "bottom") + "[top]\nregion = us-west-2\n")
        expected = (
            "profile            top (--profile)",
            SKIPPED,
            "profile            found   profile bottom ({home}/.aws/credentials:2)",
            "source             profile bottom ({home}/.aws/credentials:2)",
            *self.role_lines("etl-hop", f"{self.config}:5", "us-west-2 ({home}/.aws/credentials:5)"),
            *self.role_lines(
                "rds-access", f"{self.config}:2", "us-west-2 ({home}/.aws/credentials:5)"),
            *self.fetched("rds-access"))
        no_region = self.cloud_env(AWS_REGION="")
        self.assert_lines(self.explain("--profile", "top", env=no_region), *expected)
        self.assertEqual([c["parameters"]["RoleArn"] for c in self.calls()],
                         [roles["etl-hop"].arn, roles["rds-access"].arn], "control: the order of the roles")
        cached = [CACHED if line == "credentials        obtained now" else line for line in expected]
        self.assert_lines(self.explain("--profile", "top", env=no_region), *cached)
        self.assertEqual(len(self.calls()), 2, "the second run used the cache")

    def test_a_web_identity(self):
        env = self.web_identity_env(AWS_ROLE_SESSION_NAME="pod-7")
        self.assert_lines(
            self.explain(principal=None, env=env),
            NO_KEYS,
            NO_PROFILES,
            "web identity       found   the web identity of the environment",
            "source             the web identity of the environment (AWS_WEB_IDENTITY_TOKEN_FILE)",
            *self.role_lines(
                "web-identity", "AWS_ROLE_ARN", "us-east-1 (AWS_REGION)",
                "pod-7 (AWS_ROLE_SESSION_NAME)"),
            *self.fetched("web-identity", "pod-7"))

    def test_a_role_of_the_configuration_with_tags(self):
        ours = self.home.write(
            CONFIG,
            f"[{self.lab.pg.host}]\nrole_arn = {self.lab.roles['rds-access'].arn}\n"
            "role_session_name = pipe-1\nduration_seconds = 1800\nsession_tags = team=etl, env=prod\n"
            "transitive_tag_keys = team\n")
        role = (
            "  session name     pipe-1 ({home}/.config/rds-iam/config:3)",
            "  duration (s)     1800 ({home}/.config/rds-iam/config:4)",
            "  tags             team=etl, env=prod ({home}/.config/rds-iam/config:5)",
            "  transitive tags  team ({home}/.config/rds-iam/config:6)",
            "  region           us-east-1 (the endpoint's name)")
        lines = self.explain(
            "--hostname", self.lab.pg.host, "--port", "5432", "--username", "u",
            env={**self.cloud_env(), "AWS_REGION": ""})
        self.assert_lines(
            lines,
            f"database           {self.lab.pg.host}:5432",
            "region             us-east-1 (the endpoint's name)",
            "environment        found   the environment",
            "source             the environment (AWS_ACCESS_KEY_ID)",
            f"role               {self.lab.roles['rds-access'].arn} ({ours}:2)",
            *role,
            f"  STS              {self.lab.cloud_https} (AWS_ENDPOINT_URL_STS)",
            *self.fetched("rds-access", "pipe-1"))

    def test_a_container_and_an_instance(self):
        lines = self.explain(principal=None, env=self.pod_env("pod"))
        self.assertEqual(
            lines[4], "source             the container's endpoint (AWS_CONTAINER_CREDENTIALS_FULL_URI)")
        lines = self.explain(principal=None, env=self.machine_env())
        self.assertEqual(lines[5:7], [
            "source             the instance's role (AWS_EC2_METADATA_SERVICE_ENDPOINT)",
            f"metadata service   {self.lab.cloud_http} (AWS_EC2_METADATA_SERVICE_ENDPOINT)"])

    def test_a_wrong_clock(self):
        self.role_profile("p", "rds-access")
        self.lab.clock(600)
        lines = [line for line in self.explain("--profile", "p") if line.startswith("clock")]
        self.assertRegex("\n".join(lines), r"^clock              (599|600|601) s are added to this machine's time$")

    def test_a_refusal_is_explained_with_the_role(self):
        self.role_profile("p", "rds-access-external")
        result = self.credentials("--explain", "--profile", "p")
        self.assertEqual(result.returncode, 1)
        lines = result.stdout.splitlines()
        self.assertRegex(lines[2], rf"^profile            FAILED  {re.escape(self.config)}:2: "
                                   rf"{self.base.access_key} cannot assume ")
        arn = self.lab.roles["rds-access-external"].arn
        self.assertEqual(lines[4], f"role               {arn} ({self.config}:2)")
        self.assertIn("STS says AccessDenied", result.stderr)
        self.assert_no_secret(result.stdout + result.stderr)


BOTOCORE = """
import botocore.session, sys
url, authority = sys.argv[1:]
client = botocore.session.Session(profile="ours").create_client(
    "sts", region_name="us-east-1", endpoint_url=url, verify=authority)
print(client.get_caller_identity()["Arn"])
"""


class InOtherTools(CloudCase):
    """AWS SDKs and the AWS CLI use `credential_process = rds-iam credentials --profile NAME`."""

    def setUp(self):
        super().setUp()
        self.role_profile("theirs", "rds-access", role_session_name="shared")
        config = self.home.path / ".aws/config"
        self.home.write(
            ".aws/config",
            config.read_text() + "[profile ours]\ncredential_process = "
            f"{harness.installed('bin/rds-iam')} credentials --profile theirs\n")
        self.arn = self.lab.roles["rds-access"].session_arn("shared")

    def identity(self, *argv):
        result = self.home.run(argv, "etl-base", **self.cloud_env())
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.strip()

    def assert_shared(self, identity):
        """Checks that the other tool has the role's identity and used the credentials that rds-iam printed."""
        self.assertEqual(identity, self.arn)
        ours, theirs = self.calls()
        self.assertEqual((ours["operation"], ours["caller"]),
                         ("AssumeRole", self.lab.principals["etl-base"].access_key))
        self.assertEqual(theirs["operation"], "GetCallerIdentity")
        self.assertEqual(theirs["caller"], self.get_credentials("--profile", "theirs")["AccessKeyId"])

    def test_botocore(self):
        self.assert_shared(self.identity(
            "/usr/bin/python3", "-c", BOTOCORE, self.lab.cloud_https, self.lab.cloud_ca_file))

    def test_the_aws_cli(self):
        found = self.identity(
            "/usr/bin/aws", "--profile", "ours", "--endpoint-url", self.lab.cloud_https, "sts",
            "get-caller-identity")
        self.assert_shared(json.loads(found)["Arn"])


if __name__ == "__main__":
    harness.main()
