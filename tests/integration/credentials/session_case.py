# SPDX-License-Identifier: MIT
"""Sessions of the AWS CLI: a profile "p" whose session comes from `aws sso login` or from `aws login`.

SsoCase and LoginCase differ in the environment, in the operation that renews the session's token, and in the name
of the service to which the lab adds faults. CloudCase writes the profiles and the token files."""
import concurrent.futures
import json
import os
import signal
import subprocess

from cloud import CloudCase
from labcase import harness
from service import await_true

AT_ONCE = 50
# The arguments for a token that rds-iam renews at once, because the token expires soon.
SHORT = {"expires": 60}


class SessionCase(CloudCase):
    """The common base of both kinds of session. A test derives from one of the two classes below."""

    service = None  # the service's name in the lab's faults (tests/lab/aws/faults.py)
    renewal = None  # the operation that renews the token

    def session_env(self, **extra):
        """Returns an environment that sends the session's requests to the lab and contains no access key."""
        raise NotImplementedError

    def ask(self, *arguments, **extra):
        """Runs `rds-iam credentials` with the profile. Returns the result."""
        return self.credentials(
            "--profile", "p", *arguments, principal=None, env=self.session_env(**extra))

    def get_credentials(self, *arguments, **extra):
        """Runs `rds-iam credentials` with the profile. Returns the parsed credentials. The command must succeed and
        print nothing on stderr."""
        result = self.ask(*arguments, **extra)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return json.loads(result.stdout)

    def operations(self):
        """Returns the operations of all requests to the lab's AWS during this test."""
        return [call["operation"] for call in self.calls()]

    def run_many(self):
        """Runs AT_ONCE commands at the same time and returns their results. Each command has its own cache, so no
        command uses credentials that another command cached."""
        def ask(number):
            path = self.home.path / f"run-{number}"
            path.mkdir(mode=0o700)
            return self.ask(XDG_RUNTIME_DIR=str(path))

        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            results = list(pool.map(ask, range(AT_ONCE)))
        self.assertEqual([result.stderr for result in results if result.returncode], [])
        return results

    def kill_while_the_server_responds(self, path, before):
        """Kills rds-iam and rds-iam-fetch while the server renews the session's token.

        The server revokes the old refresh token when it responds. The session must not be lost: the renewal
        continues in another process, which writes the new token to `path`. `before` is the content of that file
        before this call."""
        self.lab.faults({"service": self.service, "kind": "delay", "seconds": 1})
        process = subprocess.Popen(
            [harness.installed("bin/rds-iam"), "credentials", "--profile", "p"],
            env=self.home.env(None, **self.session_env()), cwd=self.home.path,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        await_true(lambda: self.renewal in self.operations())  # the server has revoked the old refresh token
        pids = [process.pid, *harness.children(process.pid)]
        self.assertEqual(len(pids), 2, "control: the processes are rds-iam and rds-iam-fetch")
        for pid in pids:
            os.killpg(pid, signal.SIGKILL)
        process.wait(timeout=60)
        await_true(lambda: json.loads(path.read_text())["refreshToken"] != before["refreshToken"])
        self.get_credentials()


class SsoCase(SessionCase):
    service, renewal = "sso-oidc", "CreateToken"

    def session_env(self, **extra):
        return self.sso_env(**extra)

    def forget(self):
        """Deletes the role's cached credentials, so the next login needs the SSO token again."""
        self.credentials("--clear")


class LoginCase(SessionCase):
    service, renewal = "signin", "CreateOAuth2Token"

    def setUp(self):
        super().setUp()
        self.arn = self.login_profile()

    def session_env(self, **extra):
        return self.login_env(**extra)
