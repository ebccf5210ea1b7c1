# SPDX-License-Identifier: MIT
"""aws_cli_cache = read: rds-iam uses role credentials from the cache of the AWS CLI and of botocore.

The AWS CLI and botocore themselves write the entries, in a network in which AWS's real host names resolve to the lab.
The tests show which entries rds-iam uses and which it ignores."""
import hashlib
import json
import time

from labcase import harness
from mariadb_client import CONFIG
from network import HostCase

# Makes botocore cache role credentials in the AWS CLI's directory. botocore's JSONFileCache writes times that end in
# "UTC".
BOTOCORE = """
import botocore.credentials, botocore.session, os
session = botocore.session.Session(profile="p")
provider = session.get_component("credential_provider").get_provider("assume-role")
provider.cache = botocore.credentials.JSONFileCache(os.path.expanduser("~/.aws/cli/cache"))
print(session.get_credentials().get_frozen_credentials().access_key)
"""


class CliCache(HostCase):
    def setUp(self):
        super().setUp()
        self.role = self.lab.roles["rds-access"]
        self.keys = self.lab.principals["etl-base"].env()
        self.allow("read")

    def allow(self, word):
        self.home.write(CONFIG, f"[{self.lab.pg.host}]\nprofile = p\naws_cli_cache = {word}\n")

    def role_profile(self, **settings):
        lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
        self.home.write(".aws/config", f"[profile p]\nrole_arn = {self.role.arn}\nregion = us-east-1\n"
                        f"credential_source = Environment\n{lines}")

    def run_rds_iam(self, *arguments, **extra):
        """Runs rds-iam after its own cache is cleared. Returns (result, operations of the requests to AWS)."""
        self.host.run([harness.installed("bin/rds-iam"), "credentials", "--clear"])
        self.calls()
        result = self.host.run(
            [harness.installed("bin/rds-iam"), "credentials", "--hostname", self.lab.pg.host, "--port",
             "1", "--username", "u", *arguments], **{**self.keys, **extra})
        return result, [call["operation"] for call in self.calls()]

    def key_from_entry(self):
        """rds-iam must use an entry of the CLI cache and send no request. Returns the access key id."""
        result, operations = self.run_rds_iam()
        self.assertEqual((result.returncode, result.stderr, operations), (0, "", []))
        return json.loads(result.stdout)["AccessKeyId"]

    def assert_entry_ignored(self):
        result, operations = self.run_rds_iam()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotEqual(operations, [])

    def aws(self, profile):
        """Runs Debian's AWS CLI. The profile is an option, because keys in the environment override AWS_PROFILE."""
        result = self.host.run(
            ["aws", "--profile", profile, "sts", "get-caller-identity"],
            **{"AWS_DEFAULT_REGION": "us-east-1", **self.keys})
        self.assertEqual(result.returncode, 0, result.stderr)

    def cache_with_cli(self):
        """Lets the AWS CLI get the credentials of the profile's role. Returns the path of its only cache entry and the
        key id in it."""
        for path in (self.home.path / ".aws/cli/cache").glob("*"):
            path.unlink()
        self.aws("p")
        (entry,) = (self.home.path / ".aws/cli/cache").iterdir()
        return entry, json.loads(entry.read_text())["Credentials"]["AccessKeyId"]

    def test_role_credentials_that_the_cli_cached(self):
        for settings in ({}, {"role_session_name": "me"}, {"duration_seconds": 1800},
                         {"role_session_name": "me", "duration_seconds": "3600", "external_id": "etl/4711"}):
            if settings.get("external_id"):
                self.role = self.lab.roles["rds-access-external"]
            with self.subTest(settings=settings):
                self.role_profile(**settings)
                _, key = self.cache_with_cli()
                self.assertEqual(self.key_from_entry(), key)
        result, _ = self.run_rds_iam("--explain")
        self.assertIn(f"CLI cache          read ({self.home.path}/{CONFIG}:3)\n", result.stdout)
        self.assertIn(f"identity           {self.role.session_arn('me')}\n", result.stdout)

    def test_role_credentials_that_botocore_cached(self):
        self.role_profile()
        result = self.host.run(
            ["/usr/bin/python3", "-c", BOTOCORE], AWS_DEFAULT_REGION="us-east-1", **self.keys)
        self.assertEqual(result.returncode, 0, result.stderr)
        (entry,) = (self.home.path / ".aws/cli/cache").iterdir()
        self.assertIn("UTC", json.loads(entry.read_text())["Credentials"]["Expiration"], "control: the form of the time")
        self.assertEqual(self.key_from_entry(), result.stdout.strip())

    def test_sso_credentials_that_the_cli_cached(self):
        for session in ("dev", None):
            with self.subTest(session=session):
                self.sso_profile(session=session)
                self.sso_login(session or self.lab.cloud.sso.start_url)
                self.keys = {}
                _, key = self.cache_with_cli()
                self.assertEqual(self.key_from_entry(), key)

    def test_a_chain_of_roles_starts_at_its_last_cached_role(self):
        """rds-iam uses the last role whose credentials are cached, and assumes the following roles of the chain
        itself."""
        hop = self.lab.roles["etl-hop"].arn
        self.home.write(".aws/config", "[profile base]\nregion = us-east-1\ncredential_source = Environment\n"
                        f"role_arn = {hop}\n[profile p]\nregion = us-east-1\nsource_profile = base\n"
                        f"role_arn = {self.role.arn}\n")
        self.aws("base")
        result, operations = self.run_rds_iam()
        self.assertEqual((result.returncode, result.stderr, operations), (0, "", ["AssumeRole"]))
        self.aws("p")
        self.key_from_entry()

    def test_the_cache_is_used_only_if_it_is_set_to_read(self):
        self.role_profile()
        self.cache_with_cli()
        self.allow("off")
        self.assert_entry_ignored()
        self.allow("write")
        result, _ = self.run_rds_iam()
        self.assertIn(f"{CONFIG}:3: aws_cli_cache must be read or off", result.stderr)

    def test_an_invalid_or_untrusted_entry_is_ignored(self):
        self.role_profile(role_session_name="me")
        entry, key = self.cache_with_cli()
        valid_text = entry.read_text()

        def changed(**values):
            document = json.loads(valid_text)
            document["Credentials"].update(values.pop("Credentials", {}))
            document.update(values)
            return json.dumps(document)

        def at(form, seconds):
            return time.strftime(form, time.gmtime(time.time() + seconds))

        arn = self.role.session_arn
        for name, text, mode in (
            ("truncated", valid_text[:-20], 0o600),
            ("empty", "", 0o600),
            ("not an object", "[]", 0o600),
            ("expires soon", changed(Credentials={"Expiration": at("%Y-%m-%dT%H:%M:%SZ", 880)}), 0o600),
            ("no expiration", changed(Credentials={"Expiration": None}), 0o600),
            ("no secret", changed(Credentials={"SecretAccessKey": ""}), 0o600),
            ("a line break", changed(Credentials={"SessionToken": "a\nb"}), 0o600),
            ("another session", changed(AssumedRoleUser={"Arn": arn("you")}), 0o600),
            ("another role", changed(AssumedRoleUser={"Arn": arn("me").replace("rds-access", "x")}), 0o600),
            ("another account", changed(AssumedRoleUser={"Arn": arn("me").replace("::1", "::9")}), 0o600),
            ("no user", changed(AssumedRoleUser={}), 0o600),
            ("writable by others", valid_text, 0o602),
        ):
            with self.subTest(name):
                entry.write_text(text)
                entry.chmod(mode)
                self.assert_entry_ignored()
        entry.chmod(0o600)
        for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%dT%H:%M:%SUTC"):
            with self.subTest(form=form):
                entry.write_text(changed(Credentials={"Expiration": at(form, 1000)}))
                self.assertEqual(self.key_from_entry(), key, "control: a valid entry is used")

    def test_a_role_with_mfa(self):
        """This test has no terminal for an MFA code, so rds-iam needs the session that the AWS CLI cached."""
        serial = "arn:aws:iam::210987654321:mfa/etl-base"
        self.role_profile()
        entry, key = self.cache_with_cli()
        self.role_profile(mfa_serial=serial)
        result, operations = self.run_rds_iam()
        self.assertEqual((result.returncode, operations), (1, []))
        self.assertIn("the role needs an MFA code, and this program cannot ask for it", result.stderr)
        # The CLI names the entry of this role after the hash of these two settings.
        text = json.dumps({"RoleArn": self.role.arn, "SerialNumber": serial}, sort_keys=True)
        entry.rename(entry.with_name(hashlib.sha1(text.encode()).hexdigest() + ".json"))
        self.assertEqual(self.key_from_entry(), key)


if __name__ == "__main__":
    harness.main()
