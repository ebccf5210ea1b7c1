# SPDX-License-Identifier: MIT
"""Profile names with blanks and quotes, and files with many profiles.

rds-iam finds the profiles that the AWS CLI itself writes. Its messages print each name in the form that the AWS CLI and
its files need, except that `?` replaces a control character.
"""
import shlex

from cloud import CloudCase
from labcase import harness

TOOL = harness.installed("bin/rds-iam")
NAMES = ("Foo Bar", "Foo's Bar", 'the "one"', "tab\tted", "für uns")


class Names(CloudCase):
    def configure(self, name, *answers):
        """Runs `aws configure`. This command asks for access key, secret key, region and output format, and writes both
        files."""
        result = self.home.run(["/usr/bin/aws", "configure", "--profile", name], None,
                               stdin="".join(f"{each}\n" for each in answers), LC_ALL="C.UTF-8")
        self.assertEqual(result.returncode, 0, result.stderr)

    def ask(self, *arguments, **extra):
        return self.home.run([TOOL, "credentials", "--explain", *arguments], None, **self.cloud_env(**extra))

    def test_profiles_that_the_aws_cli_wrote(self):
        key = self.lab.principals["etl"]
        for name in NAMES:
            with self.subTest(name=name):
                for file in ("config", "credentials"):
                    (self.home.path / ".aws" / file).unlink(missing_ok=True)
                self.configure(name, key.access_key, key.secret_key, "eu-west-1", "")
                for result in (self.ask("--profile", name), self.ask(AWS_PROFILE=name)):
                    self.assertIn(f"access key         {key.access_key}\n", result.stdout, result.stderr)
                text = (self.home.path / ".aws/config").read_text(encoding="utf-8")
                self.assertIn("region = eu-west-1\n", text)
                self.assertIn("[profile ", text, "control: the CLI writes a section for the name")

    def test_messages_print_the_form_that_works(self):
        for name in NAMES:
            with self.subTest(name=name):
                shown = shlex.quote(name).replace("\t", "?")
                self.home.write(".aws/config", "[default]\nregion = x\n")
                result = self.ask("--profile", name)
                self.assertIn(f"add [profile {shown}] to ", result.stderr)
                self.home.write(".aws/config", f"[profile {shlex.quote(name)}]\nsso_session = {name}\n"
                                "sso_account_id = 111122223333\nsso_role_name = R\n")
                result = self.ask("--profile", name)
                self.assertIn(f"add [sso-session {shown}] or", result.stderr)
                self.home.write(".aws/config", f"[profile {shlex.quote(name)}]\nsso_session = {name}\n"
                                "sso_account_id = 111122223333\nsso_role_name = R\n"
                                f"[sso-session {shlex.quote(name)}]\nsso_start_url = https://x\n"
                                "sso_region = eu-west-1\n")
                result = self.ask("--profile", name)
                self.assertIn(f"run: aws sso login --profile {shown}\n", result.stderr)

    def test_a_services_section_with_a_blank_in_its_name(self):
        self.home.write(".aws/config", "[default]\nservices = my services\nrole_arn = "
                        f"{self.lab.roles['rds-access'].arn}\nsource_profile = base\n"
                        f"[services 'my services']\nsts =\n  endpoint_url = {self.lab.cloud_https}\n")
        key = self.lab.principals["etl-base"]
        self.home.write(".aws/credentials", f"[base]\naws_access_key_id = {key.access_key}\n"
                        f"aws_secret_access_key = {key.secret_key}\n")
        result = self.ask(AWS_ENDPOINT_URL_STS="")
        self.assertIn("access key         ASIA", result.stdout, result.stderr)


class Sizes(CloudCase):
    FORM = ("[profile account-{0:05d}-Administrator]\nsso_session = corporate\nsso_account_id = {0:012d}\n"
            "sso_role_name = Administrator\nregion = eu-west-1\n\n")

    def ask(self, **extra):
        return self.home.run([TOOL, "credentials", "--explain", "--profile", "own"], None,
                             **self.cloud_env(**extra))

    def test_files_up_to_the_limit(self):
        key = self.lab.principals["etl"]
        own = f"[profile own]\naws_access_key_id = {key.access_key}\naws_secret_access_key = {key.secret_key}\n"
        limit = 16 * 1024 * 1024
        rows = {
            "a thousand profiles": "".join(self.FORM.format(i) for i in range(1000)),
            "five thousand profiles": "".join(self.FORM.format(i) for i in range(5000)),
            "a line of 100 KB": f"[profile long]\ncredential_process = {'x' * 100000}\n",
            "a comment up to the limit": "#\n" * ((limit - len(own)) // 2),
        }
        for name, text in rows.items():
            with self.subTest(name=name):
                self.home.write(".aws/config", text + own)
                self.assertIn(f"access key         {key.access_key}\n", self.ask().stdout)
        path = self.home.write(".aws/config", "#\n" * (limit // 2) + own)
        self.assertIn(f"{path}: is larger than 16 MiB, the limit; remove what is not needed, or name "
                      "another file\n", self.ask().stderr)


if __name__ == "__main__":
    harness.main()
