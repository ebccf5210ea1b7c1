# SPDX-License-Identifier: MIT
"""Shared code of the tests of file owners: another user, a server that records requests, and
command lines that run a program as another user or on a file system with fixed modes."""
import http.server
import os
import pwd
import threading

from cloud import CloudCase
from labcase import harness
import process

OTHER = pwd.getpwnam("nobody")
HOST = "db.abcdefghijkl.us-east-1.rds.amazonaws.com"
LOGIN = ("--hostname", HOST, "--port", "5432", "--username", "u")
TOOL = harness.installed("bin/rds-iam")

# A script for a new mount namespace. It mounts a file system over the directory $1, and runs the command that begins
# with $3. In this file system, every file has the modes $2, and chmod has no effect.
FIXED_MODES = """
set -e
mv "$1" "$1.real"; mkdir "$1"
bindfs --perms="$2" --chmod-ignore -f "$1.real" "$1" & mount=$!
until mountpoint -q "$1"; do kill -0 $mount; sleep 0.02; done
where=$1; shift 2
status=0; "$@" || status=$?
umount "$where"; wait $mount || true
rmdir "$where"; mv "$where.real" "$where"
exit $status
"""


class Recorder:
    """An HTTP server on loopback that records each request and responds with status 400."""

    def __init__(self):
        self.requests = []
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                recorder.requests.append(f"{self.command} {self.path}\n{self.headers}\n{body.decode()}")
                self.send_response(400)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = handle_any

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class WhoseFilesCase(CloudCase):
    def setUp(self):
        super().setUp()
        self.recorder = Recorder()
        self.addCleanup(self.recorder.close)

    def keys(self, name="etl"):
        principal = self.lab.principals[name]
        return (f"aws_access_key_id = {principal.access_key}\n"
                f"aws_secret_access_key = {principal.secret_key}\n")

    def explain(self, *arguments, under=(), **extra):
        env = self.cloud_env(RDS_IAM_LOG="1", **extra)
        env = {name: value for name, value in env.items() if value is not None}
        return self.home.run([*under, TOOL, "credentials", "--explain", *arguments], None, **env)

    def as_user(self, uid, gid):
        """Returns a command prefix that runs a program as this user. A capability lets the program reach the build
        directory."""
        return ["setpriv", f"--reuid={uid}", f"--regid={gid}", *process.DROP_ROOT[2:]]

    def on_fixed_modes(self, directory, modes):
        """Returns a command prefix that runs a program while the directory has fixed modes."""
        return ["unshare", "--mount", "sh", "-c", FIXED_MODES, "sh", directory, modes]

    def assert_key(self, result, name="etl"):
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"access key         {self.lab.principals[name].access_key}\n", result.stdout)

    def assert_refused(self, result, *pieces):
        """Checks that no source provided credentials and that the message contains each piece."""
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertNotIn("access key", result.stdout)
        message = result.stderr.splitlines()[-1]
        for piece in pieces:
            self.assertIn(piece, message)

    def give_away(self, *paths):
        for path in paths:
            os.chown(path, OTHER.pw_uid, OTHER.pw_gid)


class FilePlacesCase(WhoseFilesCase):
    """The kinds of file from which rds-iam reads its configuration, AWS credentials and tokens, and CA certificates."""

    def places(self):
        """Returns rows of (name, path, setting that names the path, other variables, arguments of rds-iam)."""
        aws = "[default]\n" + self.keys()
        role = f"[default]\nrole_arn = {self.lab.roles['rds-access'].arn}\nsource_profile = base\n[profile base]\n"
        token = self.lab.web_identity()
        identity = {"AWS_ROLE_ARN": self.lab.roles["web-identity"].arn}
        pod = self.lab.cloud.containers["pod"]
        sso, _ = self.sso_login()
        self.sso_profile()
        (self.home.path / ".aws/config").rename(self.home.path / "sso-config")
        login, _ = self.aws_login()
        arn = self.login_profile()
        (self.home.path / ".aws/config").rename(self.home.path / "login-config")
        self.assertTrue(arn)
        none = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
        profile = self.home.write("d0/profile", f"[default]\nrole_arn = {identity['AWS_ROLE_ARN']}\n"
                                  f"web_identity_token_file = {self.home.path}/d1/token\n")
        return (
            ("configuration", self.home.write("d2/config", f"[{HOST}]\nprofile = default\n"), "RDS_IAM_CONFIG",
             {"AWS_SHARED_CREDENTIALS_FILE": str(self.home.write("d3/keys", aws))}, LOGIN),
            ("config", self.home.write("d4/config", aws), "AWS_CONFIG_FILE", {}, ()),
            ("credentials", self.home.write("d5/file", aws), "AWS_SHARED_CREDENTIALS_FILE", {}, ()),
            ("web identity", self.home.write("d6/token", token), "AWS_WEB_IDENTITY_TOKEN_FILE",
             {**none, **identity}, ()),
            ("web identity of a profile", self.home.write("d1/token", token), "web_identity_token_file",
             {"AWS_CONFIG_FILE": str(profile)}, ()),
            ("container", self.home.write("d7/token", pod.authorization),
             "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
             {**none, "AWS_CONTAINER_CREDENTIALS_FULL_URI": self.lab.cloud_http + pod.path}, ()),
            ("CA bundle", self.home.write("d8/ca", self.lab.cloud_ca_file.read_text()), "AWS_CA_BUNDLE",
             {"AWS_CONFIG_FILE": str(self.home.write("d9/config", role + self.keys("etl-base")))}, ()),
            ("SSO", sso, "HOME", {"AWS_CONFIG_FILE": str(self.home.path / "sso-config"),
                                  **self.sso_env()}, ("--profile", "p")),
            ("login", login, "AWS_LOGIN_CACHE_DIRECTORY",
             {"AWS_CONFIG_FILE": str(self.home.path / "login-config"), **self.login_env()},
             ("--profile", "p")),
        )

    def ask(self, place, under=()):
        _, path, named_by, env, arguments = place
        env = dict(env)
        if named_by.isupper() and named_by not in ("HOME", "AWS_LOGIN_CACHE_DIRECTORY"):
            env[named_by] = str(path)
        self.credentials("--clear")
        return self.explain(*arguments, under=under, **env)
