# SPDX-License-Identifier: MIT
"""Settings that make a client use the lab's AWS instead of the real AWS, and the class of the tests that use them."""
import hashlib
import json
import os

from door import Door
from labcase import harness
from mariadb_client import MariadbCase

REGION = "us-east-1"


def sts_settings(lab, **extra):
    """Returns an environment with the lab's STS endpoint. No other AWS service is configured."""
    return {
        "AWS_ENDPOINT_URL_STS": lab.cloud_https,
        "AWS_CA_BUNDLE": str(lab.cloud_ca_file),
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        **extra,
    }


def pod_settings(home, name, **extra):
    """Returns the environment of a container. `name` selects one of the lab's container endpoints."""
    pod = home.lab.cloud.containers[name]
    token = home.write(f"{name}-token", pod.authorization)
    return sts_settings(
        home.lab,
        AWS_CONTAINER_CREDENTIALS_FULL_URI=home.lab.cloud_http + pod.path,
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(token), **extra)


def needs_root(test):
    """Decorates a test or a test class that only root can run, for example because it makes files of another
    user. If an ordinary user runs the tests, the decorated test does not exist."""
    return test if os.geteuid() == 0 else None


class CloudCase(MariadbCase):
    """At the start of each test, AWS has no fault, the clock is right, and the lab's EC2 instance has its usual role.
    The environment of cloud_env() switches the instance metadata service off. The environment of machine_env() switches
    it on."""

    def setUp(self):
        super().setUp()
        self.lab.faults()
        self.lab.machine()
        self._calls = len(self.lab.calls())

    def cloud_env(self, **extra):
        return sts_settings(self.lab, **extra)

    def machine_env(self, **extra):
        """Returns the environment of an instance that uses the lab's metadata service."""
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
        """Opens a proxy to the lab's STS that can inject faults. The proxy closes at the end of the test."""
        return self._door(self.lab.cloud_https, self.lab.cloud_certificate)

    def local_door(self, listener=None):
        """Opens a proxy to the lab's endpoints for the credentials of instances and containers. The proxy can inject
        faults, and closes at the end of the test."""
        return self._door(self.lab.cloud_http, None, listener)

    def _door(self, *arguments):
        door = Door(*arguments)
        self.addCleanup(door.close)
        return door

    def sso_env(self, **extra):
        """Returns an environment with the lab's two SSO endpoints and without AWS keys."""
        return self.cloud_env(
            AWS_ENDPOINT_URL_SSO=self.lab.cloud_https, AWS_ENDPOINT_URL_SSO_OIDC=self.lab.cloud_https,
            **extra)

    def sso_profile(self, name="p", role="Etl", session="dev"):
        """Writes a profile that names an sso-session, or a profile of the legacy form if `session` is None."""
        sso = self.lab.cloud.sso
        account = self.lab.roles["sso-etl"].account
        urls = f"sso_start_url = {sso.start_url}\nsso_region = {sso.region}\n"
        own = f"sso_session = {session}\n" if session else urls
        section = f"[sso-session {session}]\n{urls}" if session else ""
        return self.home.write(
            ".aws/config", f"[profile {name}]\n{own}sso_account_id = {account}\n"
            f"sso_role_name = {role}\n{section}")

    def sso_login(self, named_after="dev", **terms):
        """Writes the token file that `aws sso login` writes. Returns its path and its content."""
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
        """Writes the token file that `aws login` writes. Returns its path and its content."""
        token = self.lab.aws_login(**terms)
        key = hashlib.sha256(self.lab.roles["login-etl"].session_arn("ada").encode()).hexdigest()
        return self.home.write(f"{directory}/{key}.json", json.dumps(token)), token

    def calls(self):
        """Returns the requests that the lab's AWS received during this test."""
        return self.lab.calls()[self._calls:]

    def credentials(self, *arguments, principal="etl-base", env=None):
        return self.home.run(
            [harness.installed("bin/rds-iam"), "credentials", *arguments], principal,
            **(self.cloud_env() if env is None else env))

    def get_credentials(self, *arguments, **extra):
        """Runs `rds-iam credentials`. Returns the parsed credentials. Checks that the command succeeded and printed
        nothing on stderr."""
        result = self.credentials(*arguments, **extra)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return json.loads(result.stdout)

    def role_profile(self, name, role, **settings):
        """Appends a profile to ~/.aws/config. The profile assumes a role, with the keys of the environment unless
        `settings` name another source. A setting with the value None is left out."""
        lines = {"role_arn": self.lab.roles[role].arn, "credential_source": "Environment", **settings}
        text = f"[profile {name}]\n" + "".join(
            f"{key} = {value}\n" for key, value in lines.items() if value is not None)
        path = self.home.path / ".aws" / "config"
        self.home.write(".aws/config", (path.read_text() if path.exists() else "") + text)

    def cache_files(self):
        """Returns the paths of the cached credentials, without the lock files."""
        return [p for p in (self.home.path / ".cache/rds-iam/cache").glob("*") if not p.suffix]
