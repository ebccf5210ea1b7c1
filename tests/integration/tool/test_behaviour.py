# SPDX-License-Identifier: MIT
"""Runs the installed program for every row of behaviour.json. An HTTP server stands in for the container
endpoint and for STS; setup.mock in behaviour.json describes its responses. Further tests cover URIs without a scheme,
and both formats of an expiry time."""
import calendar
import http.server
import json
import threading
import time
import unittest

from labcase import Home, harness

VECTORS = json.loads((harness.SOURCE / "tests/vectors/behaviour.json").read_text(encoding="utf-8"))
ROWS = 40
# The part of the message that a row must cause if the search for credentials stops with an error.
STOPS = {
    "env key without secret": "AWS_SECRET_ACCESS_KEY is not",
    "AWS_PROFILE missing": 'the profile "nope" does not exist',
    "static without secret": "no aws_secret_access_key",
    "static without id": "no aws_access_key_id",
    "role_arn without source": "without source_profile or credential_source",
    "source_profile missing": 'source_profile names "nope"',
    "source and credential_source": "both source_profile and credential_source",
    "loop a->b->a": "form a cycle",
    "credential_source lower case": 'credential_source is "environment"',
    "process fails (exit 1)": "ended with status 1",
    "process bad JSON": "printed no credentials (not JSON)",
    "process before keys of the config file": "printed no credentials (not JSON)",
    "process expired": "printed expired credentials",
    "web identity env, no file": "the token file /nope does not exist",
    "web identity env, no role": "AWS_ROLE_ARN is not",
    "sso without token": "config:2: profile default is not logged in (",
    "malformed config": "a section line without its closing ]",
    "container 404": "answers with status 404",
    "container bad host": "and not to 192.0.2.1",
    "container token newline": "is not an authorization token",
    "container token file missing": "the token file /nope does not exist",
}
WARNINGS = {
    "env keys and AWS_PROFILE=p": "AWS_PROFILE is set",
    "env keys with spaces around": "blanks around the value were removed",
}


EXTENDED = "%Y-%m-%dT%H:%M:%SZ"
BASIC = "%Y%m%dT%H%M%SZ"


def in_an_hour(form=EXTENDED):
    return time.strftime(form, time.gmtime(time.time() + 3600))


class Mock(http.server.BaseHTTPRequestHandler):
    ends = {"/creds": EXTENDED, "/basic": BASIC}

    def do_GET(self):
        form = self.ends.get(self.path)
        body = json.dumps({"AccessKeyId": "ASIAECS", "SecretAccessKey": "s", "Token": "t",
                           "Expiration": in_an_hour(form or EXTENDED)})
        self.answer(404 if form is None else 200, "" if form is None else body)

    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        action = form.partition("Action=")[2].partition("&")[0]
        self.answer(200, (
            f"<{action}Response><{action}Result><Credentials><AccessKeyId>ASIASTS</AccessKeyId>"
            "<SecretAccessKey>sk</SecretAccessKey><SessionToken>tok</SessionToken>"
            f"<Expiration>{in_an_hour(self.ends.get(self.path, EXTENDED))}</Expiration>"
            f"</Credentials></{action}Result>"
            f"</{action}Response>"))

    def answer(self, status, text):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format, *arguments):
        """Prints nothing."""


class NoLab:
    """Stands in for the lab in a Home. These tests resolve no host name."""

    principals = {}

    @staticmethod
    def client_env(**extra):
        return {"PATH": "/usr/bin:/bin", **extra}


class Behaviour(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mock)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.shutdown)
        cls.url = f"http://127.0.0.1:{cls.server.server_address[1]}"

    def run_row(self, row):
        home = Home(NoLab)
        self.addCleanup(home.remove)
        home.write(".aws/config", row["config"])
        home.write(".aws/credentials", row["credentials"])
        jwt = home.write("jwt", "some token")
        env = {**VECTORS["setup"]["common_env"], **row["env"]}
        env = {name: value.replace("${MOCK}", self.url).replace("${JWT_FILE}", str(jwt))
               for name, value in env.items()}
        return home.run([harness.installed("bin/rds-iam"), "credentials"], None, **env)

    def check(self, row, result):
        expected = row["expect"]
        if expected["result"] == "stop":
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertIn(STOPS[row["name"]], result.stderr)
            return
        self.assertEqual(result.returncode, 0, result.stderr)
        found = json.loads(result.stdout)
        self.assertEqual(found["AccessKeyId"], expected["access_key_id"])
        self.assertEqual(found.get("SessionToken"), expected["session_token"])
        self.assertEqual("warning" in expected, row["name"] in WARNINGS)
        if row["name"] in WARNINGS:
            self.assertIn(WARNINGS[row["name"]], result.stderr)

    def test_a_full_uri_without_scheme(self):
        """rds-iam rejects a value without http:// or https://. It does not complete such a value to a URL, append it to
        the address of ECS, or use it as a host."""
        address = self.url.removeprefix("http://")
        variable = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
        row = {"config": "", "credentials": "", "env": {variable: "${MOCK}/creds"}}
        self.assertEqual(json.loads(self.run_row(row).stdout)["AccessKeyId"], "ASIAECS", "control")
        for uri in ("/creds", f"//{address}/creds", f"{address}/creds", "localhost:1/creds", "creds",
                    "[::1]:1/creds", f"://{address}/creds", f"ftp://{address}/creds"):
            with self.subTest(uri=uri):
                row["env"] = {variable: uri}
                result = self.run_row(row)
                self.assertEqual((result.returncode, result.stdout), (1, ""))
                self.assertIn(f"{variable}: is not a URL; write http://ADDRESS/PATH", result.stderr)

    def test_both_formats_of_an_expiry_time(self):
        """Tests four of the sources that report when their credentials expire."""
        keys = {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "s"}
        for form, path in ((EXTENDED, "/creds"), (BASIC, "/basic")):
            until = in_an_hour(form)
            answer = {"Version": 1, "AccessKeyId": "ASIA", "SecretAccessKey": "s", "SessionToken": "t",
                      "Expiration": until}
            role = {"AWS_WEB_IDENTITY_TOKEN_FILE": "${JWT_FILE}", "AWS_ROLE_ARN": "arn:aws:iam::1:role/r",
                    "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "${MOCK}" + path}
            for name, env, config in (
                ("environment", {**keys, "AWS_CREDENTIAL_EXPIRATION": until}, ""),
                ("process", {}, f"[default]\ncredential_process = echo '{json.dumps(answer)}'\n"),
                ("container", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "${MOCK}" + path}, ""),
                ("STS", role, ""),
            ):
                with self.subTest(source=name, form=form):
                    result = self.run_row({"config": config, "credentials": "", "env": env})
                    self.assertEqual(result.returncode, 0, result.stderr)
                    left = calendar.timegm(
                        time.strptime(json.loads(result.stdout)["Expiration"], EXTENDED)) - time.time()
                    self.assertTrue(3000 < left <= 3600, left)

    def test_every_row(self):
        self.assertEqual(len(VECTORS["scenarios"]), ROWS)
        for row in VECTORS["scenarios"]:
            with self.subTest(row=row["name"]):
                self.check(row, self.run_row(row))


if __name__ == "__main__":
    harness.main()
