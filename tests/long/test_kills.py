# SPDX-License-Identifier: MIT
"""Logins that are killed at random moments: no session is lost. For each kind of session, the test makes two runs of
five hundred logins.

In the first run, the server invalidates a refresh token when it responds. The test kills the processes of the login,
rds-iam and rds-iam-fetch. The renewal is a separate process, and continues. In the second run (grace), the server
also accepts the previous token until the client uses the new one. The test kills the renewal as well; the file then
contains the complete old token or the complete new one. After each kill, the token file is complete, and only the user
who owns it can read the files in its directory.
"""
import fcntl
import json
import os
import random
import signal
import subprocess
import time

from cloud import CloudCase
from killing import descendants
from labcase import harness

KILLS = int(os.environ.get("RIA_KILLS", "500"))
COMMAND = ["credentials", "--profile", "p"]


class Kills(CloudCase):
    def renewals(self):
        return len(self.lab.calls(operation=self.operation))

    def expire_token(self, path, parent):
        """Changes the file so that its access token has expired. The lock ensures that no renewal runs at the same
        time."""
        with open(f"{path}.lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            document = json.loads(path.read_text())
            (document[parent] if parent else document)["expiresAt"] = "2026-01-01T00:00:00Z"
            draft = path.with_suffix(".draft")
            draft.write_text(json.dumps(document))
            draft.chmod(0o600)
            draft.rename(path)

    def killed_login(self, seconds, env, with_renewal):
        process = subprocess.Popen(
            [harness.installed("bin/rds-iam"), *COMMAND], env=self.home.env(None, **env),
            cwd=self.home.path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        victims = descendants(process.pid) if with_renewal else harness.children(process.pid)
        for pid in [*victims, process.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return process.wait(timeout=30)

    def check_files(self, path):
        """Checks that the token file is complete, and that no other user can read it or a temporary file. Returns
        whether a temporary file is left."""
        with open(f"{path}.lock", "a") as lock:  # the renewal of a killed login continues
            fcntl.flock(lock, fcntl.LOCK_EX)
            json.loads(path.read_text())
            names = {file.name for file in path.parent.iterdir()}
            self.assertLessEqual(names, {path.name + end for end in ("", ".lock", ".new")})
            for file in path.parent.iterdir():
                self.assertEqual(file.stat().st_mode & 0o777, 0o600, file)
        return path.name + ".new" in names

    def check(self, path, parent, env, with_renewal):
        self.credentials("--clear")
        self.expire_token(path, parent)
        start = time.monotonic()
        self.assertEqual(self.home.run([harness.installed("bin/rds-iam"), *COMMAND], None, **env).stderr, "")
        path.with_name(path.name + ".lock").chmod(0o600)  # expire_token() may have created it
        whole = time.monotonic() - start
        before, killed, left = self.renewals(), 0, 0
        for _ in range(KILLS):
            self.expire_token(path, parent)
            self.credentials("--clear")
            status = self.killed_login(random.uniform(0, 1.3 * whole), env, with_renewal)
            killed += status == -signal.SIGKILL
            left += self.check_files(path)
        renewed = self.renewals() - before
        self.expire_token(path, parent)
        self.credentials("--clear")
        result = self.home.run([harness.installed("bin/rds-iam"), *COMMAND], None, **env)
        self.assertEqual((result.returncode, result.stderr), (0, ""), "the session is lost")
        self.assertFalse(self.check_files(path), "the next renewal replaces the temporary file")
        print(f"# {self.operation}, with renewal killed: {with_renewal}: {killed} of {KILLS} killed, {renewed} renewals, "
              f"{left} temporary files", flush=True)
        # Controls: many logins were killed, some before and some after the server had answered.
        self.assertGreater(killed, KILLS // 4)
        self.assertGreater(renewed, KILLS // 50)
        self.assertLess(renewed, KILLS)

    def test_sso(self):
        self.operation = "CreateToken"
        for grace in (False, True):
            with self.subTest(grace=grace):
                self.sso_profile()
                path, _ = self.sso_login(expires=-60, grace=grace)
                self.check(path, None, self.sso_env(), with_renewal=grace)

    def test_aws_login(self):
        self.operation = "CreateOAuth2Token"
        for grace in (False, True):
            with self.subTest(grace=grace):
                self.login_profile()
                path, _ = self.aws_login(expires=-60, grace=grace)
                self.check(path, "accessToken", self.login_env(), with_renewal=grace)


if __name__ == "__main__":
    harness.main()
