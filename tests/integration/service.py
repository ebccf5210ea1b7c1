# SPDX-License-Identifier: MIT
"""A user's pg_service.conf, and the agent that serves it.

Not here: what a client or a server says.
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
    """The command line of systemd-analyze. It makes /run/systemd, which an ordinary user cannot where no
    systemd runs: it gets a /run of its own."""
    return ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs none /run && exec systemd-analyze "$@"', "sh", *words]


class Services:
    """Entries of one home's service file, all with passfiles in one directory of that home."""

    def __init__(self, home, directory="run"):
        self.home = home
        self.lab = home.lab
        self.directory = home.path / directory
        self.directory.parent.mkdir(mode=0o700, exist_ok=True)
        self._text = "# services of a user\n"

    def add(self, name, without=(), **settings):
        """A good entry for the lab, with settings replaced, added, or left out. The line number of
        its [name] is returned."""
        line = self._append(name, without, settings)
        self.home.write(".pg_service.conf", self._text)
        return line

    def add_all(self, entries):
        """Many at once: a dict of settings for each name."""
        for name, settings in entries.items():
            self._append(name, (), settings)
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
        """Forgets the entries, for the next add()."""
        self._text = "# services of a user\n"

    def line_of(self, text):
        """Number of the last line of the service file that begins so."""
        lines = self._text.splitlines()
        return max(i for i, line in enumerate(lines, 1) if line.startswith(text))

    def passfile(self, name):
        return self.directory / name

    def fill(self, principal="etl", **extra):
        """rds-iam-agent --once: its result."""
        return self.home.run(
            [agent_program(), "--once", "--directory", self.directory], principal, **extra)

    @contextlib.contextmanager
    def agent(self, principal="etl", under=(), wait=True, **extra):
        """An agent in the foreground for as long as the block lasts; `under`: words in front of the
        command; wait: until each entry was tried."""
        agent = Agent(self, principal, extra, under)
        try:
            agent.await_start(wait)
            yield agent
        finally:
            agent.end()


class Agent:
    """A running agent. Its log is collected in a file, because a pipe would fill."""

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
        """Returns when one of the texts is in the log."""
        await_true(lambda: any(text in self.log() for text in texts), lambda: f"{texts}: {self.log()}")

    @property
    def worker(self):
        """Process id of the worker; 0 while there is none."""
        pid = self.process.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def _ask_status(self):
        return self._services.home.run(
            [agent_program(), "--status", "--directory", self._services.directory], None)

    def status(self):
        """What --status says, by the first word of its lines."""
        result = self._ask_status()
        assert result.returncode == 0, result.stderr
        return {line.split(None, 1)[0]: line.split(None, 1)[1].strip()
                for line in result.stdout.splitlines()}

    def renew(self):
        self.process.send_signal(signal.SIGHUP)

    def end(self, number=signal.SIGTERM):
        """Ends it and returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(DEADLINE_SECONDS)


def await_true(condition, what=lambda: ""):
    """Looks until the condition holds; fails the test after a while."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen within {DEADLINE_SECONDS} s; {what()}")
        time.sleep(0.02)
