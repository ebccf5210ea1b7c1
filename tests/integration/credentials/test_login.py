# SPDX-License-Identifier: MIT
"""`aws login`: a login with the credentials of its token file, and their renewal. python3-jwt checks the DPoP proof
of the renewal request. Also sessions that cannot be renewed."""
import json
import stat
import subprocess

from labcase import harness
from mariadb_client import CONFIG
from session_case import SHORT, LoginCase


class Logins(LoginCase):
    def test_a_login_renews_credentials_that_expire_soon(self):
        self.aws_login(**SHORT)
        self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nprofile = p\n")
        for _ in range(2):
            self.assert_logged_in(self.mariadb(principal=None, **self.login_env()))
            self.assertEqual(self.lab.last_verdict()["principal"], self.arn)
        self.assertEqual(self.operations(), ["CreateOAuth2Token"])

    def test_valid_credentials_are_used_without_a_request(self):
        for directory, extra in ((".aws/login/cache", {}),
                                 ("elsewhere", {"AWS_LOGIN_CACHE_DIRECTORY": "~/elsewhere"})):
            self.aws_login(directory, expires=320)
            self.assertEqual(self.get_credentials(**extra)["AccessKeyId"], "ASIAFIRST")
            (self.home.path / directory).rename(self.home.path / "away")
            (self.home.path / "away").rename(self.home.path / f"away-{directory[:1]}")
        self.assertEqual(self.operations(), [])

    def test_credentials_are_renewed_5_minutes_before_they_expire(self):
        self.aws_login(expires=280)
        self.get_credentials()
        self.assertEqual(self.operations(), ["CreateOAuth2Token"])

    def test_output_of_explain(self):
        config = self.home.path / ".aws/config"
        self.aws_login(**SHORT)
        shown = self.ask("--explain").stdout
        self.assertIn(f"source             the aws login of profile p ({config}:2)\n", shown)
        self.assertIn(f"sign-in            {self.lab.cloud_https} (AWS_ENDPOINT_URL_SIGNIN)\n", shown)
        self.assertIn(f"identity           {self.arn}\n", shown)

    def test_a_role_assumed_with_the_session(self):
        config = self.home.path / ".aws/config"
        config.write_text(config.read_text().replace("profile p", "profile base") + "[profile p]\n"
                          f"source_profile = base\nrole_arn = {self.lab.roles['rds-access'].arn}\n")
        self.aws_login(**SHORT)
        self.get_credentials()
        self.assertEqual(self.operations(), ["CreateOAuth2Token", "AssumeRole"])


class Renewal(LoginCase):
    def test_credentials_are_renewed_and_written_back(self):
        path, before = self.aws_login(**SHORT)
        path.write_text(json.dumps({**before, "unknown": {"member": 1}}))
        path.chmod(0o644)
        key = self.get_credentials()["AccessKeyId"]
        after = json.loads(path.read_text(encoding="ascii"))
        self.assertEqual(path.read_text(), json.dumps(after), "the form of Python's json.dumps()")
        self.assertEqual(list(after), [*before, "unknown"])
        changed = {name for name in before if after[name] != before[name]}
        self.assertEqual(changed, {"accessToken", "refreshToken"})
        self.assertEqual(after["accessToken"]["accessKeyId"], key)
        self.assertEqual(after["accessToken"]["accountId"], before["accessToken"]["accountId"])
        self.assertRegex(after["accessToken"]["expiresAt"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)

    def test_the_renewal_request_contains_a_proof(self):
        """The lab also checks the proof: python3-jwt checks the signature, and the lab itself checks the key, the
        URL and the time, and that the proof is not used twice."""
        self.aws_login(**SHORT)
        self.get_credentials()
        (call,) = self.calls()
        self.assertEqual(call["parameters"], {
            "members": ["clientId", "grantType", "refreshToken"], "grantType": "refresh_token",
            "clientId": "arn:aws:signin:::devtools/same-device",
            "proof": ["htm", "htu", "iat", "jti"], "htm": "POST",
            "htu": self.lab.cloud_https + "/v1/token"})
        self.assertEqual((call["method"], call["content_type"]), ("POST", "application/json"))
        self.assertNotIn("authorization", call["headers"])

    def test_control_a_proof_with_another_key_is_rejected(self):
        path, token = self.aws_login(expires=-60)
        other = self.lab.aws_login()
        path.write_text(json.dumps({**token, "dpopKey": other["dpopKey"]}))
        self.assertIn("with status 400: INVALID_REQUEST; run: aws login --profile p", self.ask().stderr)

    def test_an_invalid_key_is_rejected(self):
        path, token = self.aws_login(expires=-60)
        for key in ("", "no PEM", token["dpopKey"].replace("\n", "\n!", 1), subprocess.run(
                ["openssl", "genrsa", "-traditional", "1024"], capture_output=True, text=True, check=True).stdout,
                subprocess.run(["openssl", "ecparam", "-name", "secp384r1", "-genkey", "-noout"],
                               capture_output=True, text=True, check=True).stdout):
            path.write_text(json.dumps({**token, "dpopKey": key}))
            result = self.ask()
            self.assertEqual(result.returncode, 1)
            self.assertTrue(result.stderr.endswith("run: aws login --profile p\n"), result.stderr)
        self.assertIn("the dpopKey of its token file is not a P-256 private key", result.stderr)
        self.assertEqual(self.calls(), [])

    def test_a_file_without_credentials_is_rejected_before_any_request(self):
        """A request would use up the refresh token, but rds-iam could not write the response into such a file."""
        path, token = self.aws_login(expires=-60)
        whole = token["accessToken"]
        broken = [{}, [], "ASIA", None, 1, {**whole, "expiresAt": "soon"}, {**whole, "accessKeyId": ""},
                  *({name: value for name, value in whole.items() if name != member}
                    for member in ("accessKeyId", "secretAccessKey", "sessionToken", "expiresAt"))]
        files = [{name: value for name, value in token.items() if name != "accessToken"},
                 *({**token, "accessToken": each} for each in broken)]
        for document in files:
            with self.subTest(accessToken=str(document.get("accessToken"))[:20]):
                path.write_text(json.dumps(document))
                result = self.ask()
                self.assertEqual((result.returncode, result.stdout), (1, ""))
                self.assertIn(
                    f"{path} contains no usable token; run: aws login --profile p\n", result.stderr)
                self.assertEqual(json.loads(path.read_text()), document)
        self.assertEqual(self.operations(), [])
        path.write_text(json.dumps(token))
        self.get_credentials()
        self.assertEqual(self.operations(), ["CreateOAuth2Token"], "control: its refresh token was good")

    def test_a_key_in_pkcs8_form_is_accepted(self):
        path, token = self.aws_login(**SHORT)
        newer = subprocess.run(["openssl", "pkcs8", "-topk8", "-nocrypt"], input=token["dpopKey"],
                               capture_output=True, text=True, check=True).stdout
        path.write_text(json.dumps({**token, "dpopKey": newer}))
        self.get_credentials()
        self.assertEqual(self.operations(), ["CreateOAuth2Token"])

    def test_messages_for_a_session_that_cannot_be_renewed(self):
        config = self.home.path / ".aws/config"
        last = "run: aws login --profile p\n"
        outputs = []

        def ask():
            result = self.ask()
            outputs.append(result.stdout + result.stderr)
            return result

        result = ask()
        self.assertIn(f"{config}:2: profile p is not logged in (", result.stderr)
        self.assertTrue(result.stderr.endswith(last), result.stderr)
        path, token = self.aws_login(expires=-60)
        when = token["accessToken"]["expiresAt"]
        self.lab.aws_logout(token)
        result = ask()
        self.assertRegex(result.stderr, f"expired at {when}, .* with status 401: TOKEN_EXPIRED; " + last)
        for fault, words in (
            ({"status": 403, "code": "INSUFFICIENT_PERMISSIONS"},
             "INSUFFICIENT_PERMISSIONS; allow signin:CreateOAuth2Token; try again\n"),
            ({"status": 403, "code": "USER_CREDENTIALS_CHANGED"}, "USER_CREDENTIALS_CHANGED; " + last),
            ({"status": 500}, "with status 500; try again\n"),
        ):
            self.lab.faults({"service": "signin", "kind": "status", "times": 99, **fault})
            result = ask()
            self.assertTrue(result.stderr.endswith(words), result.stderr)
        path.write_text("{}")
        self.assertIn(f"{path} contains no usable token; " + last, ask().stderr)
        for secret in (token["refreshToken"], token["dpopKey"].split("\n")[1]):
            self.assertNotIn(secret, "".join(outputs))

    def test_if_renewal_fails_valid_credentials_are_used(self):
        path, before = self.aws_login(**SHORT)
        for fault in ({"kind": "status", "status": 503}, {"kind": "reset"}, {"kind": "body", "body": "{}"}):
            self.lab.faults({"service": "signin", "times": 99, **fault})
            result = self.ask()
            self.assertEqual(json.loads(result.stdout)["AccessKeyId"], "ASIAFIRST", result.stderr)
            self.assertIn("could not be renewed and is used until it expires", result.stderr)
            self.assertEqual(json.loads(path.read_text()), before)

    def test_fifty_processes_send_one_renewal(self):
        self.aws_login(expires=-60)
        results = self.run_many()
        self.assertEqual(len({r.stdout for r in results}), 1)
        self.assertEqual(self.operations(), ["CreateOAuth2Token"])


class Kills(LoginCase):
    def test_the_session_survives_a_kill_while_the_server_responds(self):
        self.kill_while_the_server_responds(*self.aws_login(expires=-60))
        self.assertEqual(self.operations(), ["CreateOAuth2Token"])


if __name__ == "__main__":
    harness.main()
