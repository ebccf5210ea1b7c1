# SPDX-License-Identifier: MIT
"""aws_cli_cache = read: role credentials that the AWS CLI and botocore have kept, written by them at AWS's
true names; which entries count, and which do not."""
import hashlib
import json
import time

from labcase import harness
from mariadb_client import CONFIG
from network import HostCase

# botocore's own cache of roles, where the CLI's is; its JSONFileCache writes times as ...UTC.
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

    def ours(self, *arguments, **extra):
        """(result, what AWS was asked), with nothing that we have kept ourselves."""
        self.host.run([harness.installed("bin/rds-iam"), "credentials", "--clear"])
        self.calls()
        result = self.host.run(
            [harness.installed("bin/rds-iam"), "credentials", "--hostname", self.lab.pg.host, "--port",
             "1", "--username", "u", *arguments], **{**self.keys, **extra})
        return result, [call["operation"] for call in self.calls()]

    def taken(self):
        """The key of an entry that was used."""
        result, operations = self.ours()
        self.assertEqual((result.returncode, result.stderr, operations), (0, "", []))
        return json.loads(result.stdout)["AccessKeyId"]

    def passed_over(self):
        result, operations = self.ours()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotEqual(operations, [])

    def aws(self, profile):
        """Debian's AWS CLI; keys of the environment would beat a profile that is no option."""
        result = self.host.run(
            ["aws", "--profile", profile, "sts", "get-caller-identity"],
            **{"AWS_DEFAULT_REGION": "us-east-1", **self.keys})
        self.assertEqual(result.returncode, 0, result.stderr)

    def cli(self):
        """The AWS CLI assumes the role. Returns its one entry and the key in it."""
        for path in (self.home.path / ".aws/cli/cache").glob("*"):
            path.unlink()
        self.aws("p")
        (entry,) = (self.home.path / ".aws/cli/cache").iterdir()
        return entry, json.loads(entry.read_text())["Credentials"]["AccessKeyId"]

    def test_what_the_cli_has_kept_of_a_role(self):
        for settings in ({}, {"role_session_name": "me"}, {"duration_seconds": 1800},
                         {"role_session_name": "me", "duration_seconds": "3600", "external_id": "etl/4711"}):
            if settings.get("external_id"):
                self.role = self.lab.roles["rds-access-external"]
            with self.subTest(settings=settings):
                self.role_profile(**settings)
                _, key = self.cli()
                self.assertEqual(self.taken(), key)
        result, _ = self.ours("--explain")
        self.assertIn(f"CLI cache          read ({self.home.path}/{CONFIG}:3)\n", result.stdout)
        self.assertIn(f"identity           {self.role.session_arn('me')}\n", result.stdout)

    def test_what_botocore_has_kept_of_a_role(self):
        self.role_profile()
        result = self.host.run(
            ["/usr/bin/python3", "-c", BOTOCORE], AWS_DEFAULT_REGION="us-east-1", **self.keys)
        self.assertEqual(result.returncode, 0, result.stderr)
        (entry,) = (self.home.path / ".aws/cli/cache").iterdir()
        self.assertIn("UTC", json.loads(entry.read_text())["Credentials"]["Expiration"], "control")
        self.assertEqual(self.taken(), result.stdout.strip())

    def test_what_the_cli_has_kept_of_sso(self):
        for session in ("dev", None):
            with self.subTest(session=session):
                self.sso_profile(session=session)
                self.sso_login(session or self.lab.cloud.sso.start_url)
                self.keys = {}
                _, key = self.cli()
                self.assertEqual(self.taken(), key)

    def test_the_end_of_a_chain(self):
        """The outermost role that is there counts; what is above it is assumed with it."""
        hop = self.lab.roles["etl-hop"].arn
        self.home.write(".aws/config", "[profile base]\nregion = us-east-1\ncredential_source = Environment\n"
                        f"role_arn = {hop}\n[profile p]\nregion = us-east-1\nsource_profile = base\n"
                        f"role_arn = {self.role.arn}\n")
        self.aws("base")
        result, operations = self.ours()
        self.assertEqual((result.returncode, result.stderr, operations), (0, "", ["AssumeRole"]))
        self.aws("p")
        self.taken()

    def test_nobody_has_asked_for_it(self):
        self.role_profile()
        self.cli()
        self.allow("off")
        self.passed_over()
        self.allow("write")
        result, _ = self.ours()
        self.assertIn(f"{CONFIG}:3: aws_cli_cache must be read or off", result.stderr)

    def test_what_cannot_be_trusted_is_passed_over(self):
        self.role_profile(role_session_name="me")
        entry, key = self.cli()
        good = entry.read_text()

        def changed(**values):
            document = json.loads(good)
            document["Credentials"].update(values.pop("Credentials", {}))
            document.update(values)
            return json.dumps(document)

        def at(form, seconds):
            return time.strftime(form, time.gmtime(time.time() + seconds))

        arn = self.role.session_arn
        for name, text, mode in (
            ("torn", good[:-20], 0o600),
            ("empty", "", 0o600),
            ("no object", "[]", 0o600),
            ("ends soon", changed(Credentials={"Expiration": at("%Y-%m-%dT%H:%M:%SZ", 880)}), 0o600),
            ("no end", changed(Credentials={"Expiration": None}), 0o600),
            ("no secret", changed(Credentials={"SecretAccessKey": ""}), 0o600),
            ("a line break", changed(Credentials={"SessionToken": "a\nb"}), 0o600),
            ("another session", changed(AssumedRoleUser={"Arn": arn("you")}), 0o600),
            ("another role", changed(AssumedRoleUser={"Arn": arn("me").replace("rds-access", "x")}), 0o600),
            ("another account", changed(AssumedRoleUser={"Arn": arn("me").replace("::1", "::9")}), 0o600),
            ("nobody", changed(AssumedRoleUser={}), 0o600),
            ("writable by others", good, 0o602),
        ):
            with self.subTest(name):
                entry.write_text(text)
                entry.chmod(mode)
                self.passed_over()
        entry.chmod(0o600)
        for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%dT%H:%M:%SUTC"):
            with self.subTest(form=form):
                entry.write_text(changed(Credentials={"Expiration": at(form, 1000)}))
                self.assertEqual(self.taken(), key, "control")

    def test_a_role_with_mfa(self):
        """Here nobody can type a code; the AWS CLI was given one."""
        serial = "arn:aws:iam::210987654321:mfa/etl-base"
        self.role_profile()
        entry, key = self.cli()
        self.role_profile(mfa_serial=serial)
        result, operations = self.ours()
        self.assertEqual((result.returncode, operations), (1, []))
        self.assertIn("the role needs an MFA code, and this program cannot ask for it", result.stderr)
        # The name that the CLI gives it: the role with its serial number.
        text = json.dumps({"RoleArn": self.role.arn, "SerialNumber": serial}, sort_keys=True)
        entry.rename(entry.with_name(hashlib.sha1(text.encode()).hexdigest() + ".json"))
        self.assertEqual(self.taken(), key)


if __name__ == "__main__":
    harness.main()
