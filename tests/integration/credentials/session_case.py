# SPDX-License-Identifier: MIT
"""Sessions of the AWS CLI: a profile "p" whose session comes from `aws sso login` or from `aws login`.

SsoCase and LoginCase differ in the environment, in the operation that renews the session's token, and
in the name of the service that a fault is for. Profiles and token files are written by CloudCase."""
import concurrent.futures
import json
import os
import signal
import subprocess

from cloud import CloudCase
from labcase import harness
from service import await_true

AT_ONCE = 50
# A token of so short a life is renewed at once.
SHORT = {"expires": 60}


class SessionCase(CloudCase):
    """What both kinds of session have in common. Derive from one of the two classes below."""

    service = None  # as faults.py names it
    renewal = None  # the operation

    def session_env(self, **extra):
        """The environment in which the session's service is the lab's, without any key."""
        raise NotImplementedError

    def ask(self, *arguments, **extra):
        """`rds-iam credentials` with the profile. Returns its result."""
        return self.credentials(
            "--profile", "p", *arguments, principal=None, env=self.session_env(**extra))

    def good(self, *arguments, **extra):
        """The credentials, parsed. The command must succeed and print nothing on stderr."""
        result = self.ask(*arguments, **extra)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return json.loads(result.stdout)

    def operations(self):
        """The operations that the lab's AWS was asked for during this test."""
        return [call["operation"] for call in self.calls()]

    def ask_at_once(self):
        """The results of AT_ONCE commands at once. Each has a cache of its own, so none finds the
        credentials that another has cached."""
        def ask(number):
            path = self.home.path / f"run-{number}"
            path.mkdir(mode=0o700)
            return self.ask(XDG_RUNTIME_DIR=str(path))

        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            results = list(pool.map(ask, range(AT_ONCE)))
        self.assertEqual([result.stderr for result in results if result.returncode], [])
        return results

    def kill_while_the_server_answers(self, path, before):
        """The server revokes a refresh token when it answers. A login that is killed at that moment must
        not lose the session: the renewal goes on without the login, and writes the new token to `path`.
        before: what the file contains now."""
        self.lab.faults({"service": self.service, "kind": "delay", "seconds": 1})
        process = subprocess.Popen(
            [harness.installed("bin/rds-iam"), "credentials", "--profile", "p"],
            env=self.home.env(None, **self.session_env()), cwd=self.home.path,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        await_true(lambda: self.renewal in self.operations())  # the old token is spent
        pids = [process.pid, *harness.children(process.pid)]
        self.assertEqual(len(pids), 2, "control: rds-iam and rds-iam-fetch")
        for pid in pids:
            os.killpg(pid, signal.SIGKILL)
        process.wait(timeout=60)
        await_true(lambda: json.loads(path.read_text())["refreshToken"] != before["refreshToken"])
        self.good()


class SsoCase(SessionCase):
    service, renewal = "sso-oidc", "CreateToken"

    def session_env(self, **extra):
        return self.sso_env(**extra)

    def forget(self):
        """Clears the role's cached credentials, so the next login needs the SSO token again."""
        self.credentials("--clear")


class LoginCase(SessionCase):
    service, renewal = "signin", "CreateOAuth2Token"

    def setUp(self):
        super().setUp()
        self.arn = self.login_profile()

    def session_env(self, **extra):
        return self.login_env(**extra)
