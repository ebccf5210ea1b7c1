# SPDX-License-Identifier: MIT
"""A login in which one step uses up the time of the next step. The message must name the step that used the time,
and not only the service for which no time was left. Each login has the usual limit of 10 s."""
import fcntl
import json

from cloud import CloudCase
from labcase import harness
from mariadb_client import CONFIG

SSO_UNASKED = ("the SSO session of profile p: SSO's portal could not be reached: no time was left for it "
               "after ")


class TimeCase(CloudCase):
    def token(self, env):
        """Runs rds-iam token, which must fail. Returns its message."""
        self.home.write(CONFIG, f"[{self.lab.pg.host}]\nprofile = p\n")
        result = self.home.run([harness.installed("bin/rds-iam"), "token", "--hostname", self.lab.pg.host,
                                "--port", "1", "--username", "u"], None, **env)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        return result.stderr

    def assert_portal_was_not_asked(self):
        self.assertEqual([call for call in self.calls() if call["service"] == "sso"], [])

    def token_due_for_renewal(self):
        """Writes a token that is valid but due for renewal. Returns its file."""
        self.sso_profile()
        return self.sso_login(expires=600)[0]


class UsedUp(TimeCase):
    def test_by_another_process_that_renews_the_session(self):
        path = self.token_due_for_renewal()
        with path.with_name(path.name + ".lock").open("w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            message = self.token(self.sso_env())
        self.assertIn(SSO_UNASKED + "another process that renews the session's token; try again", message)
        self.assertNotIn("did not answer", message)
        self.assert_portal_was_not_asked()

    def after_the_command(self, url):
        """Makes a token with a role. The command that gives the role's source credentials takes most of the time.
        Returns the message."""
        keys = self.lab.principals["etl-base"].env()
        document = {"Version": 1, "AccessKeyId": keys["AWS_ACCESS_KEY_ID"],
                    "SecretAccessKey": keys["AWS_SECRET_ACCESS_KEY"]}
        self.home.write(".aws/config", f"""[profile b]
credential_process = sleep 8.6; echo '{json.dumps(document)}'
[profile p]
role_arn = {self.lab.roles["rds-access"].arn}
source_profile = b
""")
        return self.token(self.cloud_env(AWS_ENDPOINT_URL_STS=url))

    def test_by_a_command(self):
        self.lab.faults({"service": "sts", "kind": "hang", "times": 9})
        self.assertRegex(
            self.after_the_command(self.lab.cloud_https),
            r"because STS did not answer: [\w.]+:\d+: Timeout was reached \(in the [01]\.\d s that the "
            r"credential_process of profile b had left\); check the network")

    def test_control_a_refused_connection_names_no_other_step(self):
        """The connection is refused at once, so the message must not name a step that used up the time."""
        self.role_profile("p", "rds-access", credential_source=None, source_profile="b")
        with (self.home.path / ".aws/config").open("a", encoding="utf-8") as config:
            config.write("[profile b]\naws_access_key_id = A\naws_secret_access_key = s\n")
        message = self.token(self.cloud_env(AWS_ENDPOINT_URL_STS="https://127.0.0.1:1"))
        self.assertRegex(message, "because STS did not answer: 127.0.0.1:1: [^(]*; check the network")

    def test_by_a_role(self):
        """STS responds slowly. The credentials of the first two roles of a chain arrive in time, but not those of the
        third role."""
        roles = [self.lab.roles[name].arn for name in ("etl-hop", "rds-access", "rds-access")]
        self.home.write(".aws/config", f"""[profile p]
role_arn = {roles[2]}
source_profile = q
[profile q]
role_arn = {roles[1]}
source_profile = r
[profile r]
role_arn = {roles[0]}
source_profile = b
[profile b]
aws_access_key_id = {self.lab.principals["etl-base"].env()["AWS_ACCESS_KEY_ID"]}
aws_secret_access_key = {self.lab.principals["etl-base"].env()["AWS_SECRET_ACCESS_KEY"]}
""")
        self.lab.faults({"service": "sts", "kind": "delay", "seconds": 4.4, "times": 9})
        self.assertRegex(
            self.token(self.cloud_env()),
            rf"config:2: .*STS did not answer: [\w.]+:\d+: Timeout was reached \(in the [01]\.\d s that "
            rf"({roles[0]}|{roles[1]}) had left\); check the network")


class Renewal(TimeCase):
    def test_by_the_renewal_of_the_token(self):
        """The renewal continues in the background after the login."""
        self.token_due_for_renewal()
        self.lab.faults({"service": "sso-oidc", "kind": "hang", "times": 9})
        message = self.token(self.sso_env())
        self.assertIn(SSO_UNASKED + "the renewal of the session's token; try again", message)
        self.assertNotIn("did not answer", message)
        self.assert_portal_was_not_asked()


if __name__ == "__main__":
    harness.main()
