# SPDX-License-Identifier: MIT
"""A secret in each kind of credential source, for the tests that search for secrets. Not here: the searches."""
import json

from cloud import CloudCase
from mariadb_client import CONFIG, credentials_file

CANARY = "Canary-typed-9f2c61d07b"


class SecretSources(CloudCase):
    """Each method from_*() prepares a source. It returns (environment, secrets, options of mariadb)."""

    def profile_p(self):
        return self.home.write(CONFIG, "".join(
            f"[{server.host}]\nprofile = p\n" for server in (self.lab.pg, self.lab.mariadb)))

    def fetched(self, env, *arguments):
        """Gets credentials from a source, which also caches them. Returns their secrets."""
        found = self.get_credentials(*arguments, principal=None, env=env)
        return [found["SecretAccessKey"], found["SessionToken"]]

    def from_environment(self):
        entry = self.lab.principals["etl-session"]
        return self.cloud_env(**entry.env()), [entry.secret_key, entry.session_token], ()

    def from_credentials_file(self):
        entry = self.lab.principals["etl-session"]
        self.home.write(".aws/credentials", credentials_file(entry, "default"))
        return self.cloud_env(), [entry.secret_key, entry.session_token], ()

    def from_process(self):
        entry = self.lab.principals["etl-session"]
        self.profile_p()
        keys = self.home.write("keys", json.dumps({
            "Version": 1, "AccessKeyId": entry.access_key, "SecretAccessKey": entry.secret_key,
            "SessionToken": entry.session_token}))
        self.home.write(".aws/config", f"[profile p]\ncredential_process = cat {keys}\n")
        return self.cloud_env(), [entry.secret_key, entry.session_token], ()

    def from_sso(self):
        self.profile_p()
        self.sso_profile()
        _, token = self.sso_login()
        secrets = [token[name] for name in ("accessToken", "refreshToken", "clientSecret")]
        return self.sso_env(), secrets, ()

    def from_cached_session(self):
        env, secrets, _ = self.from_sso()
        return env, [*secrets, *self.fetched(env, "--profile", "p")], ()

    def from_aws_login(self):
        self.profile_p()
        self.login_profile()
        _, token = self.aws_login()
        access = token["accessToken"]
        return self.login_env(), [access["secretAccessKey"], access["sessionToken"], token["refreshToken"],
                                  token["dpopKey"].splitlines()[1]], ()

    def from_web_identity(self):
        env = self.web_identity_env()
        token = (self.home.path / "web-identity-token").read_text()
        return env, [token, *self.fetched(env)], ()

    def from_container(self):
        env = self.pod_env("pod")
        return env, [self.lab.cloud.containers["pod"].authorization, *self.fetched(env)], ()

    def from_typed_password(self):
        env, secrets, _ = self.from_environment()
        return {**env, "PGPASSWORD": CANARY}, [*secrets, CANARY], (f"-p{CANARY}",)

    SOURCES = {"environment": from_environment, "credentials file": from_credentials_file, "process": from_process,
               "SSO": from_sso, "cached session": from_cached_session, "aws login": from_aws_login,
               "web identity": from_web_identity, "container": from_container, "typed password": from_typed_password}
