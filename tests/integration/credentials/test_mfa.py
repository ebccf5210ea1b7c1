# SPDX-License-Identifier: MIT
"""A role that needs an MFA code. rds-iam asks for the code on a terminal, and fails if there is no terminal."""
import json
import os
import pty
import select
import signal
import subprocess
import termios

from cloud import CloudCase
from labcase import harness
from mariadb_client import CONFIG

PATIENCE = 60  # seconds that a test waits for a program


class Terminal:
    """A program with its own controlling terminal. Its stdout and stderr are pipes, so its prompt on the terminal
    and its output are separate."""

    def __init__(self, argv, env):
        self._master, slave = pty.openpty()
        self._slave = slave
        self.shown = ""

        def set_controlling_terminal():
            os.setsid()
            os.close(os.open(os.ttyname(slave), os.O_RDWR))  # becomes the controlling terminal

        self.process = subprocess.Popen(
            [str(word) for word in argv], env=env, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=set_controlling_terminal)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        os.close(self._slave)
        os.close(self._master)

    @property
    def echoes(self):
        return bool(termios.tcgetattr(self._slave)[3] & termios.ECHO)

    def await_text(self, text, times=1):
        """Reads the terminal until it has shown the text `times` times."""
        while self.shown.count(text) < times:
            ready, _, _ = select.select([self._master], [], [], PATIENCE)
            if not ready:
                raise AssertionError(f"the terminal does not show {text!r}; it shows {self.shown!r}")
            self.shown += os.read(self._master, 4096).decode()

    def type(self, keys):
        os.write(self._master, keys.encode())

    def end(self):
        """Waits for the end of the program. Returns (exit status, stdout, stderr)."""
        out, err = self.process.communicate(timeout=PATIENCE)
        while select.select([self._master], [], [], 0)[0]:
            self.shown += os.read(self._master, 4096).decode()
        return self.process.returncode, out, err


class Mfa(CloudCase):
    def setUp(self):
        super().setUp()
        self.device = self.lab.principals["etl-base"].mfa
        self.prompt = f"MFA code of {self.device['serial']}: "
        self.role_profile("p", "rds-access-mfa", mfa_serial=self.device["serial"])
        self.place = f"{self.home.path}/.aws/config:"

    def terminal(self, *arguments):
        return Terminal(
            [harness.installed("bin/rds-iam"), "credentials", "--profile", "p", *arguments],
            self.home.env("etl-base", **self.cloud_env()))

    def enter(self, keys):
        """Runs rds-iam and types the text `keys` at its prompt. Returns (exit status, stdout, stderr)."""
        with self.terminal() as terminal:
            terminal.await_text(self.prompt)
            self.assertFalse(terminal.echoes, "no echo during input")
            terminal.type(keys)
            status, out, err = terminal.end()
            self.assertTrue(terminal.echoes, "echo after input")
            self.assertEqual(terminal.shown, self.prompt + "\r\n", "the terminal shows only the prompt")
        return status, out, err

    def test_control_a_terminal_with_echo_shows_the_input(self):
        with Terminal(["sh", "-c", "echo ready >/dev/tty; read line </dev/tty"], os.environ) as terminal:
            terminal.await_text("ready")
            self.assertTrue(terminal.echoes)
            terminal.type("551155\n")
            terminal.end()
            self.assertIn("551155", terminal.shown)

    def test_the_plugin_uses_the_cached_session(self):
        status, out, err = self.enter(self.device["code"] + "\n")
        self.assertEqual((status, err), (0, ""))
        self.assertTrue(json.loads(out)["AccessKeyId"].startswith("ASIA"))
        (call,) = self.calls()
        self.assertEqual(call["parameters"]["SerialNumber"], self.device["serial"])
        self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nprofile = p\n")
        self.assert_logged_in(self.mariadb(principal="etl-base", **self.cloud_env()))
        self.assertEqual(len(self.calls()), 1, "the plugin sends no request")

    def test_a_wrong_code(self):
        wrong = f"{(int(self.device['code']) + 1) % 1000000:06}"
        status, out, err = self.enter(wrong + "\n")
        self.assertEqual((status, out), (1, ""))
        self.assertIn(f"rds-iam: {self.place}2: ", err)
        self.assertIn("STS says AccessDenied: MultiFactorAuthentication failed", err)
        self.assertIn("; enter the code that the device shows now; a code is valid for one call\n", err)
        self.assertNotIn(wrong, err)

    def test_an_invalid_code_is_not_sent(self):
        for keys, message in (
            ("55555\n", "an MFA code has six digits; try again"),
            ("5555555\n", "an MFA code has six digits; try again"),
            ("55555x\n", "an MFA code has six digits; try again"),
            ("1" * 500 + "\n", "an MFA code has six digits; try again"),
            ("\n", "no MFA code was entered; try again"),
            ("\x04", "no MFA code was entered; try again"),
        ):
            with self.subTest(keys=keys):
                self.assertEqual(self.enter(keys), (1, "", f"rds-iam: {message}\n"))
        self.assertEqual(self.calls(), [])

    def test_after_a_signal_the_terminal_echoes_again(self):
        for keys, signals in (("\x03", signal.SIGINT), ("\x1c", signal.SIGQUIT),
                              (None, signal.SIGTERM), (None, signal.SIGHUP)):
            with self.subTest(signal=signals), self.terminal() as terminal:
                terminal.await_text(self.prompt)
                self.assertFalse(terminal.echoes, "control: no echo during input")
                if keys:
                    terminal.type("12" + keys)
                else:
                    terminal.process.send_signal(signals)
                self.assertEqual(terminal.end(), (-signals, "", ""))
                self.assertTrue(terminal.echoes)
        self.assertEqual(self.calls(), [])

    def test_after_a_stop_the_prompt_is_shown_again(self):
        shell = 'rds-iam credentials --profile p; echo stopped >/dev/tty; read line </dev/tty; fg'
        env = self.home.env("etl-base", **self.cloud_env())
        env["PATH"] = f"{harness.installed('bin/rds-iam').parent}:{env['PATH']}"
        # bash has job control only if its stderr is the terminal.
        start = 'exec bash -m -c "$0" 2>/dev/tty'
        with Terminal(["sh", "-c", start, shell], env) as terminal:
            terminal.await_text(self.prompt)
            self.assertFalse(terminal.echoes)
            terminal.type("55\x1a")  # Ctrl-Z
            terminal.await_text("stopped")
            self.assertTrue(terminal.echoes)
            terminal.type("\n")
            terminal.await_text(self.prompt, 2)
            self.assertFalse(terminal.echoes)
            terminal.type(self.device["code"] + "\n")
            status, out, _ = terminal.end()
            self.assertEqual(status, 0)
            self.assertIn("ASIA", out)
            self.assertTrue(terminal.echoes)

    def test_without_a_terminal_the_message_names_a_command(self):
        result = self.credentials("--profile", "p")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertEqual(
            result.stderr,
            f"rds-iam: {self.place}4: the role needs an MFA code, and this program cannot ask for it; "
            "on a terminal, run: rds-iam credentials --profile p, which caches the session for "
            "later logins\n")
        self.assertEqual(self.calls(), [])

    def test_the_plugin_names_the_command_that_asks_for_the_code(self):
        self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nprofile = p\n")
        result = self.mariadb(principal="etl-base", **self.cloud_env())
        self.assert_message(
            result,
            f"{self.place}4: the role needs an MFA code, and this program cannot ask for it; on a "
            f"terminal, run: rds-iam credentials --hostname {self.lab.mariadb.host} --port "
            f"{self.lab.mariadb.port} --username clickpipes_iam_user, which caches the session for "
            "later logins")
        self.assertEqual(self.calls(), [])

    def test_the_command_in_the_message_of_the_plugin_caches_the_session(self):
        """The profile q has no region, and AWS_REGION is empty. So the command must name the host, because the name
        of the host contains the region."""
        self.role_profile("q", "rds-access", mfa_serial=self.device["serial"], region=None)
        self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nprofile = q\n")
        env = {**self.cloud_env(), "AWS_REGION": ""}
        refused = self.mariadb(principal="etl-base", **env).stderr
        command = refused.split("run: rds-iam ")[1].split(",")[0].split()
        with Terminal([harness.installed("bin/rds-iam"), *command],
                      self.home.env("etl-base", **env)) as terminal:
            terminal.await_text(self.prompt)
            terminal.type(self.device["code"] + "\n")
            self.assertEqual(terminal.end()[0], 0)
        self.assert_logged_in(self.mariadb(principal="etl-base", **env))
        self.assertEqual(len(self.calls()), 1)


if __name__ == "__main__":
    harness.main()
