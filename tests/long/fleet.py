# SPDX-License-Identifier: MIT
"""A fleet of simulated hosts. Each host has its own home, with its own configuration and its own cache, assumes a role,
and logs in again and again:

| kind | what logs in |
|---|---|
| token | `rds-iam token`, a new process for each login |
| agent | an agent that runs as long as the host; a login reads its passfile |
| plugin | a program on libmariadb that runs as long as the host, and logs in to the lab's MariaDB |

For the first two kinds, this module sends each token to the lab's verifier. For the third kind, MariaDB does. A login
that fails is repeated after RESTART_SECONDS, as a service manager restarts a program."""
import asyncio
import contextlib
import random
import re
import shutil
import socket
import statistics
import subprocess
import time
from typing import NamedTuple

import harness
from cloud import sts_settings
from labcase import USER, Home, mariadb_plugins
from mariadb_client import credentials_file
from service import Services, agent_program

RESTART_SECONDS = 5
VERIFIER_SECONDS = 60
# The hosts run with a lower priority than the lab and STS, which in reality are on other machines.
NICE = ("nice", "-n", "5")
TOKEN_LIFE = 900
PROGRAM = harness.BUILD / "tests" / "integration" / "src" / "soak_mysql"
SOURCE = harness.SOURCE / "tests" / "long" / "fleet_sts.py"


class Login(NamedTuple):
    """One login: when it began, how long it took, and the reason if it failed. is_warm: the host had logged in before,
    and so had credentials that were valid."""

    begin: float
    seconds: float
    error: str
    is_warm: bool


class Request(NamedTuple):
    """One request that reached STS."""

    when: float
    host: str
    outcome: str


class Sts:
    """The program fleet_sts.py."""

    def __init__(self, lab, rate, burst):
        certificate = lab.cloud_certificate
        self._process = subprocess.Popen(
            [str(word) for word in (
                "setpriv", "--pdeathsig", "KILL", harness.PYTHON, SOURCE, lab.cloud_http.rsplit(":", 1)[1], certificate.certificate, certificate.key,
                rate, burst)],
            stdin=subprocess.PIPE, stdout=(harness.WORK / "fleet-requests").open("wb"), text=True)
        self._out = harness.WORK / "fleet-requests"
        while "\n" not in self._out.read_text():
            time.sleep(0.05)
        self.url = f"https://127.0.0.1:{self._out.read_text().split()[0]}"

    def set_mode(self, mode):
        self._process.stdin.write(mode + "\n")
        self._process.stdin.flush()

    def requests(self):
        return [Request(float(when), host, outcome) for when, host, outcome in re.findall(
            r"^([0-9.]+) (\S+) (\w+)$", self._out.read_text(), re.M)]

    def close(self):
        self._process.kill()
        self._process.wait()


def verify(lab, token):
    """Sends a token to the lab's verifier, as PostgreSQL does at a login. Returns whether the verifier accepts it."""
    parts = (part.encode() for part in (lab.pg.resource_id, USER, token))
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(VERIFIER_SECONDS)
        connection.connect(f"\0{lab.state['verifier']}")
        connection.sendall(b"".join(b"%d:%b," % (len(part), part) for part in parts))
        return connection.recv(3) == b"OK\n"


class Host:
    """Token hosts, and the part that all kinds have in common."""

    kind = "token"

    def __init__(self, lab, name, sts, usable_seconds, interval):
        self.program = harness.installed("bin/rds-iam")
        self.lab, self.name, self._interval = lab, name, interval
        self.home = Home(lab)
        self.home.write(".aws/credentials", credentials_file(lab.principals["etl-base"], "base"))
        self.home.write(
            ".aws/config", f"[default]\nrole_arn = {lab.roles['rds-access'].arn}\nsource_profile = base\n"
            f"role_session_name = {name}\nduration_seconds = {TOKEN_LIFE + usable_seconds}\n")
        self.env = self.home.env(None, **{**sts_settings(lab), "AWS_ENDPOINT_URL_STS": sts.url})
        self.logins = []
        self.started = self.ready = None
        self._task = None

    def start(self, delay=0.0):
        self.started, self.ready = time.monotonic() + delay, None
        self._task = asyncio.create_task(self._live(delay))

    async def stop(self):
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def restart_elsewhere(self):
        """The host is replaced by a new one, which has no cached credentials."""
        await self.stop()
        shutil.rmtree(self.home.path / ".cache", ignore_errors=True)
        self.start()

    async def _live(self, delay):
        await asyncio.sleep(delay)
        while True:
            begin = time.monotonic()
            error = await self.log_in()
            now = time.monotonic()
            self._note(Login(begin, now - begin, error, self.ready is not None))
            await asyncio.sleep(RESTART_SECONDS if error else self._interval * random.uniform(0.9, 1.1))

    def _note(self, login):
        self.logins.append(login)
        if not login.error and self.ready is None:
            self.ready = login.begin + login.seconds

    async def log_in(self):
        """Returns "", or the reason why the login failed."""
        process = await asyncio.create_subprocess_exec(
            *NICE, self.program, "token", "--hostname", self.lab.pg.host, "--port", str(self.lab.pg.port),
            "--username", USER, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            return errors.decode(errors="replace").strip() or f"status {process.returncode}"
        return await self.verify(out.decode().strip())

    async def verify(self, token):
        is_right = await asyncio.to_thread(verify, self.lab, token)
        return "" if is_right else "the verifier rejects the token"


class AgentHost(Host):
    kind = "agent"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.services = Services(self.home)
        self.services.add("prod", gssencmode="disable")
        self._agent = None

    async def _live(self, delay):
        await asyncio.sleep(delay)
        self._agent = await asyncio.create_subprocess_exec(
            *NICE, "setpriv", "--pdeathsig", "KILL", agent_program(), "--foreground", "--directory", self.services.directory,
            env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=(self.home.path / "agent.stderr").open("ab"))
        try:
            while not self.services.passfile("prod").exists():
                await asyncio.sleep(0.2)
            await super()._live(0)
        finally:
            self._agent.terminate()
            await self._agent.wait()

    async def log_in(self):
        text = await asyncio.to_thread(self.services.passfile("prod").read_text)
        if not text:
            return "the passfile contains no token"
        token = re.fullmatch(r"(?:(?:[^:\\]|\\.)*:){4}(.*)\n", text)[1]
        return await self.verify(re.sub(r"\\(.)", r"\1", token))


    async def open_session(self):
        process = await asyncio.create_subprocess_exec(
            "psql", "-XAtw", "service=prod", "-c", "select current_user", env=self.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out, _ = await process.communicate()
        return out.decode(errors="replace").strip()


class PluginHost(Host):
    kind = "plugin"

    async def _live(self, delay):
        await asyncio.sleep(delay)
        self.home.write(".my.cnf", f"[client]\nplugin-dir={mariadb_plugins()}\nssl-ca={self.lab.ca_file}\n"
                                   "ssl-verify-server-cert=1\n")
        server = self.lab.mariadb
        program = await asyncio.create_subprocess_exec(
            *NICE, "setpriv", "--pdeathsig", "KILL", PROGRAM, "1", str(1 / RESTART_SECONDS), "1000000", "0", server.host,
            str(server.port), USER, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        try:
            await self._read(program.stdout)
        finally:
            program.kill()
            await program.wait()

    async def _read(self, stream):
        """Reads the lines that the program prints: a line of counts each second, and before it a line for each failure
        in that second."""
        done, error = 0, ""
        begin = time.monotonic()
        while line := (await stream.readline()).decode(errors="replace"):
            counts = re.match(r"seconds \S+ logins (\d+) ", line)
            if not counts:
                error = line.strip() if re.match(r"login \d+: ", line) else error
            elif int(counts[1]) > done:
                done = int(counts[1])
                now = time.monotonic()
                self._note(Login(begin, now - begin, error, self.ready is not None))
                error = ""
            if counts:
                begin = time.monotonic()


KINDS = (Host, AgentHost, PluginHost)


class Fleet:
    """Hosts of all kinds: `others` agents and `others` plugins, and token hosts."""

    def __init__(self, lab, sts, size, others, usable_seconds, interval):
        self.hosts = []
        for number in range(size):
            kind = AgentHost if number < others else PluginHost if number < 2 * others else Host
            self.hosts.append(kind(lab, f"host-{number:04}", sts, usable_seconds, interval))
        random.shuffle(self.hosts)

    def start(self, within):
        for host in self.hosts:
            host.start(random.uniform(0, within))

    async def await_ready(self, limit):
        """Waits until every host has logged in since its start. Returns the seconds from the first start of the hosts
        that were not ready to the last login."""
        waiting = [host for host in self.hosts if host.ready is None]
        end = time.monotonic() + limit
        while any(host.ready is None for host in waiting):
            if time.monotonic() > end:
                late = [host for host in waiting if host.ready is None]
                raise TimeoutError(f"{len(late)} hosts have not logged in after {limit} s; the last error of one: "
                                   f"{late[0].logins[-1:]}")
            await asyncio.sleep(0.2)
        return max(host.ready for host in waiting) - min(host.started for host in waiting) if waiting else 0.0

    def logins(self, begin, end, kinds=KINDS):
        return [login for host in self.hosts for login in host.logins
                if begin <= login.begin < end and type(host) in kinds]

    async def sample_sessions(self, count):
        """Logs in to the lab's PostgreSQL on some agent hosts, with psql. Returns what psql prints."""
        agents = [host for host in self.hosts if isinstance(host, AgentHost)][:count]
        return [await host.open_session() for host in agents]

    async def close(self):
        await asyncio.gather(*(host.stop() for host in self.hosts))
        for host in self.hosts:
            host.home.remove()


def quantiles(values):
    """(median, 95th percentile, maximum)"""
    ordered = sorted(values)
    return (statistics.median(ordered), ordered[len(ordered) * 95 // 100], ordered[-1]) if ordered else (0, 0, 0)
