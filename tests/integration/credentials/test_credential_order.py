# SPDX-License-Identifier: MIT
"""Runs the installed rds-iam for every row of credential_order.json. rds-iam must use the same source as botocore. The
AWS CLI contains botocore, so it uses this source, too."""
import json
import pathlib
import tempfile
import unittest

import credential_order as order
from labcase import harness

DOCUMENT = json.loads(order.VECTORS.read_text(encoding="ascii"))
SINGLE = len(order.SOURCES)
# Every source alone and every pair, for each of the three ways to name a profile.
MATRIX = 3 * (SINGLE + SINGLE * (SINGLE - 1) // 2)


HOST = "prod.abc123def456.us-east-1.rds.amazonaws.com"
KEYS = "aws_access_key_id = AKIAKEYS\naws_secret_access_key = s\n"
PROCESS = """credential_process = echo '{"Version": 1, "AccessKeyId": "AKIAPROCESS", "SecretAccessKey": "s"}'\n"""
WEB = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/nope"}
POD = {**WEB, "AWS_ROLE_ARN": f"{order.ROLE}r", "AWS_REGION": "us-east-1"}
CONTAINER = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/never"}
# A broken source before or after another source. Each row: name, environment, ~/.aws/config, ~/.aws/credentials, and
# the expected result. If the broken source is first, the result is a part of its error message, even if the other
# source works. If a working source is first, the result is its access key id.
BROKEN = (
    ("a pod's token file that does not exist", POD, "[default]\n" + KEYS, "",
     "the token file /nope does not exist"),
    ("a pod without a role", WEB, "[default]\n" + PROCESS, "", "AWS_ROLE_ARN is not; set both or unset both"),
    ("a role without a source, and a pod", POD, f"[default]\nrole_arn = {order.ROLE}r\n", "",
     'the profile "default" has role_arn without source_profile or credential_source'),
    ("a file that cannot be parsed, and a pod", POD, "[default\n", "", "a section line without its closing ]"),
    ("a profile that does not exist, and a pod", {**POD, "AWS_PROFILE": "nope"}, "", "",
     'AWS_PROFILE: the profile "nope" does not exist'),
    ("a profile that does not exist, and a container", {**CONTAINER, "AWS_PROFILE": "nope"}, "", "",
     'AWS_PROFILE: the profile "nope" does not exist'),
    ("SSO without its start URL", {}, "[default]\nsso_account_id = 1\nsso_role_name = R\n" + KEYS, "",
     'the profile "default" uses AWS SSO and has no sso_start_url'),
    ("a key id without a secret in the credentials file", {}, "[default]\n" + PROCESS,
     "[default]\naws_access_key_id = A\n",
     'the profile "default" has an aws_access_key_id but no aws_secret_access_key'),
    ("a secret without a key id in the credentials file", {}, "[default]\n" + PROCESS,
     "[default]\naws_secret_access_key = s\n",
     'the profile "default" has an aws_secret_access_key but no aws_access_key_id'),
    ("a key id without a secret after a process", {}, "[default]\naws_access_key_id = A\n" + PROCESS, "",
     "AKIAPROCESS"),
    ("a process that fails", {}, "[default]\ncredential_process = false\n" + KEYS, "", "ended with status 1"),
    ("a process that fails after keys", {}, "[default]\ncredential_process = false\n", "[default]\n" + KEYS,
     "AKIAKEYS"),
    ("a credential source without a role", CONTAINER, "[default]\ncredential_source = Environment\n", "",
     'the profile "default" has credential_source without role_arn'),
    ("a credential source without a role after keys", {},
     "[default]\ncredential_source = Environment\n" + KEYS, "", "AKIAKEYS"),
)


class CredentialOrder(unittest.TestCase):
    def run_in(self, home, environment, *arguments):
        """Runs rds-iam credentials. Returns (access key id, or None on failure; stderr)."""
        result = harness.run(
            [harness.installed("bin/rds-iam"), "credentials", *arguments],
            env={"PATH": "/usr/bin:/bin", "HOME": str(home), **environment})
        key = json.loads(result.stdout)["AccessKeyId"] if result.returncode == 0 else None
        return key, result.stderr

    def ask(self, row, url, by_configuration=False):
        """Runs rds-iam credentials in the situation of a row. If the row names its profile by an option, the command
        line contains --profile; if `by_configuration` is true, a section of rds-iam's configuration names the profile
        instead. Returns the result of run_in()."""
        with tempfile.TemporaryDirectory(dir=harness.WORK) as home:
            situation = order.Situation(row, home, url)
            situation.write()
            arguments = ["--profile", situation.option()] if situation.option() else []
            if by_configuration:
                path = situation.home / ".config/rds-iam/config"
                path.parent.mkdir(parents=True)
                path.write_text(f"[{HOST}]\nprofile = {situation.option()}\n", encoding="utf-8")
                arguments = ["--hostname", HOST, "--port", "5432", "--username", "u"]
            return self.run_in(home, situation.environment(), *arguments)

    def check(self, rows, **how):
        agreed = 0
        with order.cloud() as url:
            for row in rows:
                with self.subTest(row=row):
                    key, stderr = self.ask(row, url, **how)
                    self.assertEqual(key, row["access_key_id"], stderr)
                    agreed += 1
        self.assertEqual(agreed, len(rows))

    def test_rds_iam_uses_the_same_source_as_botocore(self):
        self.check(DOCUMENT["rows"])

    def test_a_profile_of_the_configuration_has_the_effect_of_the_option(self):
        self.check([row for row in DOCUMENT["rows"] if row["profile"] == "option"], by_configuration=True)

    def test_the_search_stops_at_a_broken_source(self):
        for name, environment, config, credentials, expected in BROKEN:
            with self.subTest(name=name), tempfile.TemporaryDirectory(dir=harness.WORK) as home:
                directory = pathlib.Path(home) / ".aws"
                directory.mkdir(mode=0o700)
                for file, text in (("config", config), ("credentials", credentials)):
                    (directory / file).write_text(text, encoding="utf-8")
                    (directory / file).chmod(0o600)
                key, stderr = self.run_in(home, {"AWS_EC2_METADATA_DISABLED": "true", **environment})
                if expected.startswith("AKIA"):
                    self.assertEqual(key, expected, stderr)
                else:
                    self.assertIsNone(key)
                    self.assertIn(expected, stderr)

    def test_the_matrix_is_complete(self):
        seen = {(row["profile"], *row["configured"]) for row in DOCUMENT["rows"]}
        self.assertEqual(len(seen), len(DOCUMENT["rows"]))
        whole = [row for row in DOCUMENT["rows"]
                 if len(row["configured"]) <= 2 and set(row["configured"]) <= set(order.SOURCES)]
        self.assertEqual(len(whole), MATRIX)
        self.assertEqual(MATRIX, 198)


if __name__ == "__main__":
    harness.main()
