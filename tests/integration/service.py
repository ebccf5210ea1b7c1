# SPDX-License-Identifier: MIT
"""A user's pg_service.conf, the agent that fills the passfiles of its entries, and the check of systemd units.

This module does not check the messages of clients and servers.
"""
import contextlib
import pathlib
import signal
import subprocess
import time

import harness
from labcase import USER

DEADLINE_SECONDS = 60


def agent_program():
    return harness.installed("bin/rds-iam-agent")


def systemd_analyze(*words):
    """Returns the command line of systemd-analyze, with a /run of its own. systemd-analyze creates
    /run/systemd, and without a running systemd an ordinary user cannot create that directory."""
    return ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs none /run && exec systemd-analyze "$@"', "sh", *words]


# The targets that the units of rds-iam name, and those that systemd adds to every unit.
TARGETS = ("basic", "default", "multi-user", "network-online", "shutdown", "sysinit")


def verify_unit(home, path, *options, units=None):
    """Runs systemd-analyze verify. It loads only this unit and empty targets, because other units of the machine may
    be broken."""
    runtime = home.path / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    for name in TARGETS:
        home.write(f"targets/{name}.target", f"[Unit]\nDescription={name}\n")
    return home.run(
        systemd_analyze(*options, "verify", path), None, XDG_RUNTIME_DIR=str(runtime),
        SYSTEMD_UNIT_PATH=str(units or home.path / "targets"))


class Services:
    """The entries of a home's service file. Their passfiles are in one directory of that home."""

    def __init__(self, home, directory="run"):
        self.home = home
        self.lab = home.lab
        self.directory = home.path / directory
        self.directory.parent.mkdir(mode=0o700, exist_ok=True)
        self._text = "# services of a user\n"

    def add(self, name, without=(), **settings):
        """Adds a valid entry for the lab, with settings replaced, added, or left out. Returns the line number
        of its [name]."""
        line = self._append(name, without, settings)
        self.home.write(".pg_service.conf", self._text)
        return line

    def add_all(self, entries):
        """Adds many entries. `entries` maps each name to a dict of settings."""
        text, self._text = self._text, ""
        parts = []
        for name, settings in entries.items():
            self._append(name, (), settings)
            parts.append(self._text)
            self._text = ""
        self._text = text + "".join(parts)
        self.home.write(".pg_service.conf", self._text)

    def _append(self, name, without, settings):
        entry = {
            "host": self.lab.pg.host,
            "port": self.lab.pg.port,
            "user": USER,
            "dbname": self.lab.database_name,
            "sslmode": "verify-full",
            "sslrootcert": self.lab.ca_file,
            "passfile": self.directory / name,
            **settings,
        }
        lines = [f"{key}={value}" for key, value in entry.items() if key not in without]
        line = self._text.count("\n") + 1
        self._text += f"[{name}]\n" + "\n".join(lines) + "\n"
        return line

    def clear(self):
        """Removes all entries. The service file does not change until the next add()."""
        self._text = "# services of a user\n"

    def line_of(self, text):
        """Returns the number of the last line of the service file that begins with the text."""
        lines = self._text.splitlines()
        return max(i for i, line in enumerate(lines, 1) if line.startswith(text))

    def passfile(self, name):
        return self.directory / name

    def fill(self, principal="etl", **extra):
        """Runs rds-iam-agent --once. Returns its result."""
        return self.home.run(
            [agent_program(), "--once", "--directory", self.directory], principal, **extra)

    @contextlib.contextmanager
    def agent(self, principal="etl", under=(), wait=True, **extra):
        """Runs an agent in the foreground while the `with` block runs. `under` are words in front of the command. If
        `wait` is true, waits until the agent has tried each entry, otherwise only until --status succeeds."""
        agent = Agent(self, principal, extra, under)
        try:
            agent.await_start(wait)
            yield agent
        finally:
            agent.end()


class Agent:
    """A running agent. Its log goes to a file, because a pipe could fill and block the agent."""

    def __init__(self, services, principal, extra, under=()):
        self._services = services
        self._log = services.home.path / "agent.stderr"
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *under, agent_program(), "--foreground", "--directory",
             services.directory],
            env=services.home.env(principal, **extra), cwd=services.home.path,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._log.open("wb"))

    def await_start(self, wait):
        if wait:
            self.await_log("services have their tokens", "no service has its passfile")
        else:
            await_true(lambda: self._ask_status().returncode == 0, self.log)

    def log(self):
        return self._log.read_text(encoding="utf-8", errors="replace")

    def await_log(self, *texts):
        """Waits until one of the texts is in the log."""
        await_true(lambda: any(text in self.log() for text in texts), lambda: f"{texts}: {self.log()}")

    @property
    def worker(self):
        """The process id of the agent's worker process, or 0 while the agent has none."""
        pid = self.process.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def _ask_status(self):
        return self._services.home.run(
            [agent_program(), "--status", "--directory", self._services.directory], None)

    def status(self):
        """Returns the output of --status as a dict. The key of a line is its first word."""
        result = self._ask_status()
        assert result.returncode == 0, result.stderr
        return {line.split(None, 1)[0]: line.split(None, 1)[1].strip()
                for line in result.stdout.splitlines()}

    def renew(self):
        self.process.send_signal(signal.SIGHUP)

    def end(self, number=signal.SIGTERM):
        """Sends the signal to the agent, waits for its end and returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(DEADLINE_SECONDS)


def await_true(condition, what=lambda: ""):
    """Waits until the condition is true. After DEADLINE_SECONDS, the test fails with the text of what()."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen within {DEADLINE_SECONDS} s; {what()}")
        time.sleep(0.02)
