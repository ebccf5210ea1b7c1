# SPDX-License-Identifier: MIT
"""The ways of logging in that test_soak.py runs, each with a client program that logs in again and again. Also takes
samples of the memory, descriptors and threads of each process.

Each way has its own home, so it has its own cache of credentials. The credentials are those of a role whose sessions
outlive a token by only the `seconds` of Way(), so rds-iam assumes the role again after about this time."""
import contextlib
import pathlib
import re
import subprocess
import threading
import time
from typing import NamedTuple

import harness
from cloud import sts_settings
from labcase import USER, Home, mariadb_plugins
from mariadb_client import credentials_file
from service import Services

PROGRAMS = harness.BUILD / "tests" / "integration" / "src"
TOKEN_LIFE = 900
# glibc caches nothing, as in test_endurance.py.
NO_CACHES = ":".join((
    "glibc.malloc.tcache_count=0", "glibc.malloc.arena_max=1", "glibc.pthread.stack_cache_size=0"))
# Errors with which a login ends if this machine is too slow for a time limit of rds-iam, of the client or of the server.
# All other errors are faults.
DEADLINES = re.compile(
    r"did not finish within|no time was left|did not respond within|in the [0-9.]+ s that|timeout expired|"
    r"did not answer: .*[Tt]imeout|took too long|within the time of a login|Lost connection .* system error: 110")
SAMPLE_SECONDS = 2
TABLE_KIB = 256  # mysql_plugin/preload/handle_record.c


class Sample(NamedTuple):
    """rss is in KiB."""

    seconds: float
    logins: int
    rss: int
    descriptors: int
    threads: int


def resources(pid):
    """(resident memory in KiB, descriptors, threads) of a process."""
    proc = pathlib.Path(f"/proc/{pid}")
    rss = re.search(r"^Rss:\s+(\d+)", (proc / "smaps_rollup").read_text(), re.M)
    return int(rss[1]), len(list((proc / "fd").iterdir())), len(list((proc / "task").iterdir()))


def table_of_handles(pid):
    """The resident memory, in KiB, of the preload's table of MySQL handles. The table has a fixed size and is mapped as a
    whole; the kernel adds a page when an entry in it is first used, which takes some thousand logins."""
    size = inside = 0
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            is_unnamed = len(line.split()) == 5
        elif line.startswith("Size:"):
            size = int(line.split()[1])
        elif line.startswith("Rss:") and is_unnamed and size == TABLE_KIB:
            inside += int(line.split()[1])
    return inside


def slope(samples):
    """The bytes of resident memory by which a process grows with each login: the slope of the straight line that fits
    the samples best. The first fifth of the logins is left out, because a process first fills its caches."""
    start = samples[-1].logins / 5
    points = [(each.logins, each.rss * 1024) for each in samples if each.logins >= start]
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


class Way:
    """One way of logging in. `leak` is the number of bytes that each login of the client program leaks."""

    name = None
    threads = 4

    def __init__(self, lab, seconds, leak=0):
        self.lab, self.leak = lab, leak
        self.home = Home(lab)
        principal = lab.principals["etl-base"]
        self.home.write(".aws/credentials", credentials_file(principal, "base"))
        self.home.write(
            ".aws/config", f"[profile soak]\nrole_arn = {lab.roles['rds-access'].arn}\nsource_profile = base\n"
            f"duration_seconds = {TOKEN_LIFE + seconds}\n")
        self.settings = sts_settings(lab, AWS_PROFILE="soak")
        self.samples = {}
        self.process = None
        self._out = self.home.path / "logins"
        self._errors = self.home.path / "failures"

    def command(self, rate, logins):
        raise NotImplementedError

    def program(self, name, rate, logins, *arguments):
        return [PROGRAMS / name, self.threads, rate, logins, self.leak, *arguments]

    @contextlib.contextmanager
    def around(self):
        """A context manager that runs what the client program needs, such as an agent."""
        yield

    def pids(self):
        """{name: process id} of the processes that are measured."""
        return {"client": self.process.pid}

    def start(self, rate, logins):
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *(str(word) for word in self.command(rate, logins))],
            env=self.home.env(None, GLIBC_TUNABLES=NO_CACHES, **self.settings), cwd=self.home.path,
            stdin=subprocess.DEVNULL, stdout=self._out.open("wb"), stderr=self._errors.open("wb"))

    def counts(self):
        """(seconds, logins, failures), from the last complete line that the client program has printed."""
        lines = re.findall(r"^seconds (\S+) logins (\d+) failures (\d+)$", self._out.read_text(), re.M)
        return (float(lines[-1][0]), int(lines[-1][1]), int(lines[-1][2])) if lines else (0.0, 0, 0)

    def sample(self):
        seconds, logins, _ = self.counts()
        for name, pid in self.pids().items():
            try:
                rss, *held = resources(pid)
                rss -= self.uncounted(pid)
            except (OSError, TypeError):  # the process has ended
                continue
            self.samples.setdefault(name, []).append(Sample(seconds, logins, rss, *held))

    def uncounted(self, pid):
        """The resident memory, in KiB, that sample() subtracts, because it grows only up to a fixed size."""
        return 0

    def failures(self):
        """(the errors of logins that this machine was too slow for, all other errors)"""
        errors = re.findall(r"^login \d+: (.*(?:\n(?!login \d).*)*)", self._errors.read_text(errors="replace"), re.M)
        late = [each for each in errors if DEADLINES.search(each)]
        return late, [each for each in errors if not DEADLINES.search(each)]

    def other_output(self):
        """What the client program, or rds-iam in it, printed on stderr, if no login failed; otherwise an empty list."""
        text = self._errors.read_text(errors="replace")
        return [] if self.failures() != ([], []) else text.splitlines()

    def remove(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.home.remove()


class _Postgres(Way):
    pass


class Agent(_Postgres):
    """libpq reads a passfile of the agent. The agent and its worker are measured, too. `under` contains words in front
    of the agent's command, such as "env" and "NAME=VALUE"."""

    name = "agent"
    under = ()

    @contextlib.contextmanager
    def around(self):
        services = Services(self.home)
        services.add("prod", gssencmode="disable")
        with services.agent(None, under=self.under, GLIBC_TUNABLES=NO_CACHES, **self.settings) as self.agent:
            yield

    def pids(self):
        return {**super().pids(), "agent": self.agent.process.pid, "worker": self.agent.worker}

    def command(self, rate, logins):
        return self.program("soak_pq", rate, logins, "service=prod")


class Preload(_Postgres):
    """libpq under rds-iam exec."""

    name = "preload, libpq"

    def command(self, rate, logins):
        server = self.lab.pg
        return [harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--", *self.program(
            "soak_pq", rate, logins,
            f"host={server.host} port={server.port} user={USER} dbname={self.lab.database_name} gssencmode=disable")]


class _Mysql(Way):
    def client(self, rate, logins):
        server = self.lab.mariadb
        return self.program("soak_mysql", rate, logins, server.host, server.port, USER)


class Plugin(_Mysql):
    """libmariadb with the plugin directory of the option file."""

    name = "plugin"

    def command(self, rate, logins):
        self.home.write(".my.cnf", f"[client]\nplugin-dir={mariadb_plugins()}\nssl-ca={self.lab.ca_file}\n"
                                   "ssl-verify-server-cert=1\n")
        return self.client(rate, logins)


class MysqlPreload(_Mysql):
    """libmariadb under rds-iam exec, without an option file."""

    name = "preload, libmariadb"

    def uncounted(self, pid):
        return table_of_handles(pid)

    def command(self, rate, logins):
        return [harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--", *self.client(rate, logins)]


WAYS = (Agent, Preload, Plugin, MysqlPreload)


def run(ways, rate, logins, limit):
    """Runs all ways at the same time, each with this many logins at this rate per second. Takes samples until all
    client programs have ended. Raises TimeoutError after `limit` seconds."""
    with contextlib.ExitStack() as stack:
        for way in ways:
            stack.enter_context(way.around())
        for way in ways:
            way.start(rate, logins)
        end = time.monotonic() + limit
        pause = threading.Event()
        while any(way.process.poll() is None for way in ways):
            for way in ways:
                if way.process.poll() is None:
                    way.sample()
            if time.monotonic() > end:
                raise TimeoutError("; ".join(f"{way.name}: {way.counts()}" for way in ways))
            pause.wait(SAMPLE_SECONDS)
