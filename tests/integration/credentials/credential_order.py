# SPDX-License-Identifier: MIT
"""Situations with several configured credential sources, and an HTTP server that stands for AWS.

A row of credential_order.json names the configured sources and the way in which the profile is named. Situation
writes the files and the environment of a row. cloud() runs a server that stands for STS, the SSO portal, a container's
endpoint and the instance metadata service. Each source gives a different access key id, so the key id that a
program obtains tells which source the program used.
"""
import contextlib
import hashlib
import http.server
import json
import pathlib
import re
import threading
import time
import urllib.parse

VECTORS = pathlib.Path(__file__).resolve().parents[2] / "vectors/credential_order.json"
PROFILE = "p"
ROLE = "arn:aws:iam::123456789012:role/"
LOGIN_SESSION = "arn:aws:sts::123456789012:assumed-role/Admin/ada"
START_URL = "https://example.awsapps.com/start"


def keys(name):
    return [f"aws_access_key_id = AKIA{name}", "aws_secret_access_key = s"]


def process(name):
    answer = {"Version": 1, "AccessKeyId": f"AKIA{name}", "SecretAccessKey": "s"}
    return [f"credential_process = /bin/echo '{json.dumps(answer)}'"]


# The sources that a profile can name. "config" has the lines of the profile in ~/.aws/config, "credentials" those
# in ~/.aws/credentials.
PROFILE_SOURCES = {
    "profile web identity": {"config": ["web_identity_token_file = ${HOME}/profile-token",
                                        f"role_arn = {ROLE}profilerole"]},
    "sso": {"config": ["sso_session = dev", "sso_account_id = 123456789012", "sso_role_name = R"]},
    "credentials file keys": {"credentials": keys("CREDENTIALS")},
    "login": {"config": [f"login_session = {LOGIN_SESSION}"]},
    "process": {"config": process("PROCESS")},
    "config file keys": {"config": keys("CONFIG")},
}
SOURCES = {
    "environment": {"env": {"AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT", "AWS_SECRET_ACCESS_KEY": "s"}},
    "role": {"config": [f"role_arn = {ROLE}profilerole", "source_profile = base"]},
    "environment web identity": {"env": {"AWS_WEB_IDENTITY_TOKEN_FILE": "${HOME}/environment-token",
                                         "AWS_ROLE_ARN": f"{ROLE}environmentrole"}},
    **PROFILE_SOURCES,
    "container": {"env": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "${CLOUD}/container"}},
    "instance": {"env": {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "${CLOUD}",
                         "AWS_EC2_METADATA_DISABLED": "false"}},
}
# Settings that are not a source by themselves: a part of a source, which a row can set in the environment and in the
# profile, or another source_profile of a role.
PARTS = {
    "environment role": {"env": {"AWS_ROLE_ARN": f"{ROLE}environmentrole"}},
    "environment token file": {"env": {"AWS_WEB_IDENTITY_TOKEN_FILE": "${HOME}/environment-token"}},
    "environment session name": {"env": {"AWS_ROLE_SESSION_NAME": "environmentname"}},
    "profile session name": {"config": ["role_session_name = profilename"]},
    "profile token file": {"config": ["web_identity_token_file = ${HOME}/profile-token"]},
    "own source": {"config": [f"role_arn = {ROLE}profilerole", f"source_profile = {PROFILE}"]},
    "sso session alone": {"config": ["sso_session = dev"]},
    "base role": {"base config": [f"role_arn = {ROLE}baserole", "source_profile = root"]},
    "base role of the profile": {"base config": [f"role_arn = {ROLE}baserole",
                                                 f"source_profile = {PROFILE}"]},
}
BASE_SOURCES = {f"base {name}": {f"base {file}": lines for file, lines in source.items()}
                for name, source in PROFILE_SOURCES.items()}
CONFIGURED = {**SOURCES, **PARTS, **BASE_SOURCES}
# Sections that every config file has. Situation also writes the profile "base", the source_profile of the source
# "role". "base" has static keys unless the row configures it.
SECTIONS = f"""[profile root]
aws_access_key_id = AKIAROOT
aws_secret_access_key = s
[sso-session dev]
sso_region = us-east-1
sso_start_url = {START_URL}
"""
COMMON_ENV = {"AWS_ENDPOINT_URL": "${CLOUD}", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
              "AWS_EC2_METADATA_DISABLED": "true"}


def in_an_hour():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))


class Situation:
    """The files and the environment of one row, below a home directory."""

    def __init__(self, row, home, cloud):
        self.home = pathlib.Path(home)
        self.cloud = cloud
        self.named_by = row["profile"]
        self.lines = {"config": [], "credentials": [], "base config": [], "base credentials": []}
        self.env = dict(COMMON_ENV)
        for name in row["configured"]:
            parts = CONFIGURED[name]
            self.env.update(parts.get("env", {}))
            for file, lines in parts.items():
                if file != "env":
                    # Two sources can have the same line. Such a line is written once.
                    self.lines[file] += [line for line in lines if line not in self.lines[file]]
        if not self.lines["base config"] + self.lines["base credentials"]:
            self.lines["base config"] = keys("BASE")

    def fill(self, text):
        return text.replace("${HOME}", str(self.home)).replace("${CLOUD}", self.cloud)

    def files(self):
        section = "default" if self.named_by is None else PROFILE
        prefix = "" if self.named_by is None else "profile "
        # If no profile is named, the program uses [default], so these lines go into [default].
        config = [f"[{prefix}{section}]", "region = us-east-1", *self.lines["config"],
                  "[profile base]", *self.lines["base config"], SECTIONS]
        credentials = []
        for name in ("", "base "):
            lines = self.lines[name + "credentials"]
            credentials += [f"[{'base' if name else section}]", *lines] if lines else []
        text = "\n".join(config).replace(f"source_profile = {PROFILE}", f"source_profile = {section}")
        sso = {"startUrl": START_URL, "region": "us-east-1", "accessToken": "sso-token",
               "expiresAt": in_an_hour()}
        login = {"accessToken": {"accessKeyId": "ASIALOGIN", "secretAccessKey": "s", "sessionToken": "t",
                                 "accountId": "123456789012", "expiresAt": in_an_hour()},
                 "tokenType": "urn:aws:params:oauth:token-type:access_token_sigv4",
                 "refreshToken": "r", "clientId": "c", "dpopKey": "k"}
        return {
            ".aws/config": text,
            ".aws/credentials": "\n".join([*credentials, ""]),
            f".aws/sso/cache/{hashlib.sha1(b'dev').hexdigest()}.json": json.dumps(sso),
            f".aws/login/cache/{hashlib.sha256(LOGIN_SESSION.encode()).hexdigest()}.json": json.dumps(login),
            "environment-token": "environmenttoken",
            "profile-token": "profiletoken",
        }

    def write(self):
        for name, text in self.files().items():
            path = self.home / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_text(self.fill(text), encoding="utf-8")
            path.chmod(0o600)

    def environment(self):
        named = {"AWS_PROFILE": PROFILE} if self.named_by == "AWS_PROFILE" else {}
        return {name: self.fill(value) for name, value in {**self.env, **named}.items()}

    def option(self):
        """Returns the profile to name with --profile, or None."""
        return PROFILE if self.named_by == "option" else None


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answers = {
            "/container": credentials("ASIACONTAINER"),
            "/latest/meta-data/iam/security-credentials/": "instance-role",
            "/latest/meta-data/iam/security-credentials/instance-role":
                {"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2020-01-01T00:00:00Z",
                 **credentials("ASIAINSTANCE")},
            "/federation/credentials": {"roleCredentials": {
                "accessKeyId": "ASIASSO", "secretAccessKey": "s", "sessionToken": "t",
                "expiration": int(time.time() + 3600) * 1000}},
        }
        answer = answers.get(self.path.partition("?")[0])
        self.answer(404 if answer is None else 200, answer or "")

    def do_PUT(self):
        self.answer(200, "instance-token")

    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        values = {name: value for name, value in urllib.parse.parse_qsl(form)}
        action = values["Action"]
        # The key id in the response is made of the role, the key id that signed the request (or the web identity
        # token), and the session name if the row sets one.
        signer = re.search(r"Credential=([A-Z]+)/", self.headers.get("Authorization", ""))
        who = signer.group(1) if signer else values.get("WebIdentityToken", "")
        name = values["RoleSessionName"] if values["RoleSessionName"].endswith("name") else ""
        key = "ASIA" + (values["RoleArn"].rpartition("/")[2] + who + name).upper()
        self.answer(200, (
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>'
            f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
            f"<SessionToken>t</SessionToken><Expiration>{in_an_hour()}</Expiration></Credentials>"
            "<AssumedRoleUser><AssumedRoleId>A:s</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/r/s</Arn>"
            f"</AssumedRoleUser></{action}Result><ResponseMetadata><RequestId>1</RequestId>"
            f"</ResponseMetadata></{action}Response>"))

    def answer(self, status, content):
        text = content if isinstance(content, str) else json.dumps(content)
        self.send_response(status)
        self.send_header("x-aws-ec2-metadata-token-ttl-seconds", "21600")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format, *arguments):
        """Logs nothing."""


def credentials(key):
    return {"AccessKeyId": key, "SecretAccessKey": "s", "Token": "t", "Expiration": in_an_hour()}


@contextlib.contextmanager
def cloud():
    """Runs the server. Yields its URL."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
