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

# Runs in a mount namespace. $1 becomes a file system whose files have the modes $2; chmod has no effect.
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
        """Returns a command prefix that runs a program as another user who can reach the build directory."""
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
