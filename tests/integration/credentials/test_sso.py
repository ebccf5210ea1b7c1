# SPDX-License-Identifier: MIT
"""AWS SSO: a login with a token file of the AWS CLI, the renewal of the token, and sessions that cannot be
renewed."""
import concurrent.futures
import json
import stat

from labcase import harness
from mariadb_client import CONFIG
from network import HostCase
from service import await_true
from session_case import AT_ONCE, SHORT, SsoCase


class Logins(SsoCase):
    def test_a_login_with_sso_session_and_with_the_older_settings(self):
        arn = self.lab.roles["sso-etl"].session_arn(self.lab.cloud.sso.user)
        self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nprofile = p\n")
        for session in ("dev", None):
            with self.subTest(session=session):
                self.forget()
                self.sso_profile(session=session)
                self.sso_login(session or self.lab.cloud.sso.start_url, renewable=bool(session))
                self.assert_logged_in(self.mariadb(principal=None, **self.sso_env()))
                self.assertEqual(self.lab.last_verdict()["principal"], arn)
        self.assertEqual(self.operations(), ["GetRoleCredentials"] * 2)

    def test_output_of_explain(self):
        config = self.sso_profile()
        self.sso_login()
        shown = self.ask("--explain").stdout
        self.assertIn(f"source             the SSO session of profile p ({config}:2)\n", shown)
        self.assertIn(f"account            {self.lab.roles['sso-etl'].account} ({config}:3)\n", shown)
        self.assertIn(f"role name          Etl ({config}:4)\n", shown)
        for name, variable in (("SSO portal", "SSO"), ("SSO OIDC  ", "SSO_OIDC")):
            self.assertIn(f"{name}         {self.lab.cloud_https} (AWS_ENDPOINT_URL_{variable})\n", shown)
        self.assertIn(f"identity           role Etl of account {self.lab.roles['sso-etl'].account}\n", shown)

    def test_a_clock_that_is_wrong(self):
        """rds-iam learns the offset from the portal's response, and dates the database token with AWS's time."""
        self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nprofile = p\n")
        self.sso_profile()
        self.sso_login()
        self.lab.clock(600)
        for _ in range(2):
            result = self.mariadb(principal=None, **self.sso_env(RDS_IAM_LOG="1"))
            self.assert_logged_in(result)
            self.assertRegex(result.stderr, "this machine's clock is (599|600|601) s behind AWS's")
        self.assertEqual(self.operations(), ["GetRoleCredentials"])

    def test_a_role_assumed_with_the_session(self):
        self.sso_profile(name="base")
        self.sso_login()
        config = self.home.path / ".aws/config"
        config.write_text(config.read_text() + "[profile p]\nsource_profile = base\n"
                          f"role_arn = {self.lab.roles['rds-access'].arn}\n")
        self.get_credentials()
        self.assertEqual(self.operations(), ["GetRoleCredentials", "AssumeRole"])


class Renewal(SsoCase):
    def setUp(self):
        super().setUp()
        self.sso_profile()

    def test_a_token_is_renewed_and_written_in_the_form_of_the_cli(self):
        path, before = self.sso_login(**SHORT)
        path.write_text(json.dumps({**before, "unknown": {"member": [1, None]}}))
        path.chmod(0o644)
        self.get_credentials()
        self.assertEqual(self.operations(), ["CreateToken", "GetRoleCredentials"])
        text = path.read_text(encoding="ascii")
        after = json.loads(text)
        self.assertEqual(text, json.dumps(after), "the form of Python's json.dumps()")
        self.assertEqual(list(after), [*before, "unknown"])
        changed = {name for name in before if after[name] != before[name]}
        self.assertEqual(changed, {"accessToken", "refreshToken", "expiresAt"})
        self.assertEqual(after["unknown"], {"member": [1, None]})
        self.assertRegex(after["expiresAt"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual({p.name for p in path.parent.iterdir()}, {path.name, path.name + ".lock"})

    def test_a_token_is_renewed_15_minutes_before_it_expires(self):
        for expires, renewals in ((880, 1), (1000, 0)):
            self.forget()
            self.sso_login(expires=expires)
            before = len(self.lab.calls(operation="CreateToken"))
            self.get_credentials()
            self.assertEqual(len(self.lab.calls(operation="CreateToken")) - before, renewals)

    def test_if_renewal_fails_a_valid_token_is_used(self):
        path, before = self.sso_login(**SHORT)
        for fault in ({"kind": "status", "status": 503}, {"kind": "reset"}, {"kind": "body", "body": "{}"}):
            with self.subTest(fault=fault):
                self.forget()
                self.lab.faults({"service": "sso-oidc", "times": 99, **fault})
                result = self.ask("--explain")
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn("could not be renewed and is used until it expires", result.stdout + result.stderr)
                self.assertEqual(json.loads(path.read_text()), before)

    def test_messages_for_a_session_that_cannot_be_renewed(self):
        config = self.home.path / ".aws/config"
        last = "run: aws sso login --profile p\n"
        with self.subTest("no login"):
            result = self.ask()
            self.assertIn(f"{config}:2: profile p is not logged in (", result.stderr)
            self.assertTrue(result.stderr.endswith(last), result.stderr)
        for name, terms in (("no refresh token", {"renewable": False}), ("no registration", {"registration": -1})):
            with self.subTest(name):
                _, token = self.sso_login(expires=-60, **terms)
                result = self.ask()
                self.assertIn(
                    f"{config}:2: the SSO session of profile p expired at {token['expiresAt']}; " + last,
                    result.stderr)
        with self.subTest("the server rejects the refresh token"):
            _, token = self.sso_login(expires=-60)
            self.lab.sso_logout(token)
            result = self.ask()
            self.assertRegex(result.stderr, f"expired at {token['expiresAt']}, .*with status 400: invalid_grant; " + last)
        with self.subTest("the portal rejects the access token"):
            _, token = self.sso_login()
            self.lab.sso_logout(token)
            result = self.ask()
            self.assertIn("with status 401: Session token not found or invalid; the session has expired; " + last,
                          result.stderr)
        with self.subTest("a temporary error"):
            _, token = self.sso_login(expires=-60)
            self.lab.faults({"service": "sso-oidc", "kind": "status", "status": 500, "times": 99})
            result = self.ask()
            self.assertIn(f"expired at {token['expiresAt']} and could not be renewed: ", result.stderr)
            self.assertTrue(result.stderr.endswith("; try again\n"), result.stderr)
        for token in (token["accessToken"], token["refreshToken"], token["clientSecret"]):
            self.assertNotIn(token, result.stderr)

    def test_a_file_without_a_token_is_rejected_before_any_request(self):
        path, token = self.sso_login(expires=-60)
        for change in ({"accessToken": ""}, {"accessToken": None}, {"accessToken": {}}, {"expiresAt": "soon"},
                       {"expiresAt": None}):
            with self.subTest(change=change):
                document = {name: value for name, value in {**token, **change}.items() if value is not None}
                path.write_text(json.dumps(document))
                result = self.ask()
                self.assertEqual((result.returncode, result.stdout), (1, ""))
                self.assertIn(
                    f"{path} contains no usable token; run: aws sso login --profile p\n", result.stderr)
                self.assertEqual(json.loads(path.read_text()), document)
        self.assertEqual(self.calls(), [])
        path.write_text(json.dumps(token))
        self.get_credentials()
        self.assertIn("CreateToken", [call["operation"] for call in self.calls()],
                      "control: its refresh token was good")

    def test_a_role_that_is_not_assigned(self):
        self.sso_profile(role="Admin")
        self.sso_login()
        self.assertIn("with status 403: No access; ask for role Admin in account", self.ask().stderr)

    def test_a_directory_that_cannot_be_written(self):
        """rds-iam must not use up the refresh token if it could not write the new token."""
        path, before = self.sso_login(**SHORT)
        for number, name in enumerate((".lock", ".new"), 1):
            with self.subTest(name=name):
                self.forget()
                in_the_way = path.with_name(path.name + name)
                in_the_way.mkdir()
                result = self.ask("--explain")
                self.assertIn(f"{in_the_way} cannot be ", result.stdout + result.stderr)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(self.operations(), ["GetRoleCredentials"] * number)
                self.assertEqual(json.loads(path.read_text()), before)
                in_the_way.rmdir()

    def test_a_truncated_file(self):
        path, _ = self.sso_login()
        path.write_text(path.read_text()[:40])
        self.assertIn("is not JSON; run: aws sso login --profile p", self.ask().stderr)

    def test_a_renewal_does_not_overwrite_a_new_login(self):
        path, _ = self.sso_login(**SHORT)
        self.lab.faults({"service": "sso-oidc", "kind": "delay", "seconds": 2})
        with concurrent.futures.ThreadPoolExecutor() as pool:
            run = pool.submit(self.ask)
            await_true(lambda: "CreateToken" in self.operations())
            _, new = self.sso_login()
            self.assertEqual(run.result().returncode, 0, run.result().stderr)
        self.assertEqual(json.loads(path.read_text()), new)

    def test_fifty_processes_send_one_renewal(self):
        self.sso_login(**SHORT)
        self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nprofile = p\n")
        self.run_many()
        self.assertEqual(sorted(self.operations()), ["CreateToken"] + ["GetRoleCredentials"] * AT_ONCE)


class Kills(SsoCase):
    def test_the_session_survives_a_kill_while_the_server_responds(self):
        self.sso_profile()
        self.kill_while_the_server_responds(*self.sso_login(**SHORT))
        self.assertEqual(self.operations(), ["CreateToken", "GetRoleCredentials"])


class TheCli(HostCase):
    """Debian's AWS CLI in a network where the real host names of SSO lead to the lab. The CLI and rds-iam read each
    other's token files and send the same requests."""

    def setUp(self):
        super().setUp()
        self.sso_profile()

    def run_rds_iam(self):
        """Runs rds-iam without its cache. Returns the requests to AWS."""
        self.host.run([harness.installed("bin/rds-iam"), "credentials", "--clear"])
        result = self.host.run([harness.installed("bin/rds-iam"), "credentials", "--profile", "p"])
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return self.calls()

    def run_aws_cli(self):
        """Runs the AWS CLI without its cache. Returns the requests to AWS, except the one for the identity."""
        for path in (self.home.path / ".aws/cli/cache").glob("*"):
            path.unlink()
        result = self.host.caller(AWS_PROFILE="p")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.strip(),
                         self.lab.roles["sso-etl"].session_arn(self.lab.cloud.sso.user))
        return [call for call in self.calls() if call["operation"] != "GetCallerIdentity"]

    def test_each_reads_the_renewed_token_of_the_other_and_sends_the_same_requests(self):
        renewed = []
        for first, second in ((self.run_rds_iam, self.run_aws_cli), (self.run_aws_cli, self.run_rds_iam)):
            path, before = self.sso_login(**SHORT)
            calls = first()
            self.assertEqual([c["operation"] for c in calls], ["CreateToken", "GetRoleCredentials"])
            after = json.loads(path.read_text())
            self.assertNotEqual(after["refreshToken"], before["refreshToken"])
            self.assertEqual(set(after), set(before))
            renewed.append(calls)
            self.assertEqual([c["operation"] for c in second()], ["GetRoleCredentials"])
            self.assertEqual(json.loads(path.read_text()), after)
        for own_call, other_call in zip(*renewed):
            self.assertIn("aws-cli", other_call["user_agent"], "control: the AWS CLI sent it")
            for parameters in (own_call["parameters"], other_call["parameters"]):
                parameters.pop("clientId", None)  # each login registers a new client
            for key in ("method", "path", "host", "tls", "parameters", "content_type", "caller"):
                self.assertEqual(own_call[key], other_call[key], key)
            extra = {"accept-encoding", "user-agent", "accept", "connection", "content-length"}
            self.assertEqual(set(own_call["headers"]) - extra, set(other_call["headers"]) - extra)


if __name__ == "__main__":
    harness.main()
