# SPDX-License-Identifier: MIT
"""A user's settings that lead to the lab's AWS instead of the real one."""
import hashlib
import json
import os

from door import Door
from labcase import harness
from mariadb_client import MariadbCase

REGION = "us-east-1"


def sts_settings(lab, **extra):
    """Where STS is, and nothing else of AWS."""
    return {
        "AWS_ENDPOINT_URL_STS": lab.cloud_https,
        "AWS_CA_BUNDLE": str(lab.cloud_ca_file),
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        **extra,
    }


def pod_settings(home, name, **extra):
    """A container with this entry of the lab's container endpoints."""
    pod = home.lab.cloud.containers[name]
    token = home.write(f"{name}-token", pod.authorization)
    return sts_settings(
        home.lab,
        AWS_CONTAINER_CREDENTIALS_FULL_URI=home.lab.cloud_http + pod.path,
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(token), **extra)


def needs_root(test):
    """Decorates a test, or a class of them, that makes files of another user: an ordinary user
    cannot, and has no such test."""
    return test if os.geteuid() == 0 else None


class CloudCase(MariadbCase):
    """No fault, no moved clock and no metadata service at the start of each test."""

    def setUp(self):
        super().setUp()
        self.lab.faults()
        self.lab.machine()
        self._calls = len(self.lab.calls())

    def cloud_env(self, **extra):
        return sts_settings(self.lab, **extra)

    def machine_env(self, **extra):
        """An instance whose metadata service is the lab's."""
        return self.cloud_env(**{
            "AWS_EC2_METADATA_DISABLED": "",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.lab.cloud_http, **extra})

    def pod_env(self, name, **extra):
        return pod_settings(self.home, name, **extra)

    def web_identity_env(self, **extra):
        token = self.home.write("web-identity-token", self.lab.web_identity())
        return self.cloud_env(
            AWS_WEB_IDENTITY_TOKEN_FILE=str(token), AWS_ROLE_ARN=self.lab.roles["web-identity"].arn,
            **extra)

    def sts_door(self):
        """A way to the lab's STS that can have a fault in it, until the end of the test."""
        return self._door(self.lab.cloud_https, self.lab.cloud_certificate)

    def local_door(self, listener=None):
        """The same to the endpoints of an instance and of a container."""
        return self._door(self.lab.cloud_http, None, listener)

    def _door(self, *arguments):
        door = Door(*arguments)
        self.addCleanup(door.close)
        return door

    def sso_env(self, **extra):
        """SSO's two endpoints are the lab's too, and no keys lie about."""
        return self.cloud_env(
            AWS_ENDPOINT_URL_SSO=self.lab.cloud_https, AWS_ENDPOINT_URL_SSO_OIDC=self.lab.cloud_https,
            **extra)

    def sso_profile(self, name="p", role="Etl", session="dev"):
        """A profile of a session, or of the older form where session is None."""
        sso = self.lab.cloud.sso
        account = self.lab.roles["sso-etl"].account
        urls = f"sso_start_url = {sso.start_url}\nsso_region = {sso.region}\n"
        own = f"sso_session = {session}\n" if session else urls
        section = f"[sso-session {session}]\n{urls}" if session else ""
        return self.home.write(
            ".aws/config", f"[profile {name}]\n{own}sso_account_id = {account}\n"
            f"sso_role_name = {role}\n{section}")

    def sso_login(self, named_after="dev", **terms):
        """What `aws sso login` leaves behind. Returns the token file's path and what is in it."""
        token = self.lab.sso_login(**terms)
        key = hashlib.sha1(named_after.encode()).hexdigest()
        return self.home.write(f".aws/sso/cache/{key}.json", json.dumps(token)), token

    def login_env(self, **extra):
        return self.cloud_env(AWS_ENDPOINT_URL_SIGNIN=self.lab.cloud_https, **extra)

    def login_profile(self, name="p"):
        arn = self.lab.roles["login-etl"].session_arn("ada")
        self.home.write(".aws/config", f"[profile {name}]\nlogin_session = {arn}\nregion = {REGION}\n")
        return arn

    def aws_login(self, directory=".aws/login/cache", **terms):
        """What `aws login` leaves behind. Returns the token file's path and what is in it."""
        token = self.lab.aws_login(**terms)
        key = hashlib.sha256(self.lab.roles["login-etl"].session_arn("ada").encode()).hexdigest()
        return self.home.write(f"{directory}/{key}.json", json.dumps(token)), token

    def calls(self):
        """What the lab's AWS was asked during this test."""
        return self.lab.calls()[self._calls:]

    def credentials(self, *arguments, principal="etl-base", env=None):
        return self.home.run(
            [harness.installed("bin/rds-iam"), "credentials", *arguments], principal,
            **(self.cloud_env() if env is None else env))

    def good(self, *arguments, **extra):
        """The credentials, parsed; they must be had, without a word on stderr."""
        result = self.credentials(*arguments, **extra)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return json.loads(result.stdout)

    def role_profile(self, name, role, **settings):
        """A profile of ~/.aws/config that assumes a role with the environment's keys; a setting of
        None is left out."""
        lines = {"role_arn": self.lab.roles[role].arn, "credential_source": "Environment", **settings}
        text = f"[profile {name}]\n" + "".join(
            f"{key} = {value}\n" for key, value in lines.items() if value is not None)
        path = self.home.path / ".aws" / "config"
        self.home.write(".aws/config", (path.read_text() if path.exists() else "") + text)

    def cache_files(self):
        """The kept credentials, without their locks."""
        return [p for p in (self.home.path / ".cache/rds-iam/cache").glob("*") if not p.suffix]
