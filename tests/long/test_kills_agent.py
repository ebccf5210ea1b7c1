# SPDX-License-Identifier: MIT
"""rds-iam-agent, whose processes are killed at random moments while clients read its passfiles.

In each round, both processes are killed while the agent starts or serves; then the worker of the next agent; then its
supervisor. In each case, a client reads whole lines or an empty file, no open takes longer than 5 seconds, and each
file has the mode 0600. The next agent serves every passfile, and the files that killed agents leave behind do not
accumulate."""
import collections
import contextlib
import os
import random
import re
import select
import signal
import statistics
import threading
import time

from killing import kill_all
from labcase import LabCase, harness
from opener import WAIT_SECONDS
from service import DEADLINE_SECONDS, Agent, Services, await_true

KILLS = int(os.environ.get("RIA_KILLS", "500"))
LINE = re.compile(r"[^\n]+X-Amz-Signature=[0-9a-f]{64}\n")
NAMES = {"prod": 1, "shared": 2}  # passfile: its number of lines
OWN = {"agent.pid", "agent.socket"}
# The temporary files of the passfiles, and the files with which the agent tests file modes and leases.
TEMPORARY = {".prod.new", ".shared.new", ".mode.new", ".lease.new"}
READERS = 2
OPENS_SECONDS = 0.3  # the longest random time before a kill of an agent that serves
YOUNG_SECONDS = 1


class Readers(threading.Thread):
    """Opens the passfiles again and again, as clients do."""

    def __init__(self, services):
        super().__init__(daemon=True)
        self._services, self._done = services, threading.Event()
        self.texts, self.longest = collections.Counter(), 0.0
        self.torn = []

    def run(self):
        while not self._done.is_set():
            for name, count in NAMES.items():
                self.read(name, count)

    def read(self, name, count):
        start = time.monotonic()
        try:
            text = self._services.passfile(name).read_text()
        except FileNotFoundError:
            time.sleep(0.002)
            return
        self.longest = max(self.longest, time.monotonic() - start)
        kind = "empty" if text == "" else "whole" if len(LINE.findall(text)) == count else "torn"
        if kind == "torn" or (kind == "whole" and LINE.sub("", text) != ""):
            self.torn.append(text)
        self.texts[kind] += 1

    def end(self):
        self._done.set()
        self.join()


class Kills(LabCase):
    def setUp(self):
        super().setUp()
        self.services = Services(self.home)
        self.services.add("prod")
        self.services.add("two", passfile=self.services.directory / "shared")
        self.services.add("three", passfile=self.services.directory / "shared", dbname="postgres")
        self.counts = collections.Counter()
        self.recovery = collections.defaultdict(list)

    def start(self):
        agent = Agent(self.services, "etl-session", {})
        self.addCleanup(self.end, agent)
        return agent

    def end(self, agent):
        with contextlib.suppress(ProcessLookupError):
            agent.process.kill()
        agent.process.wait()

    def is_served(self):
        """Opens each passfile once. Returns whether each contains its lines."""
        try:
            return all(len(LINE.findall(self.services.passfile(name).read_text())) == count
                       for name, count in NAMES.items())
        except FileNotFoundError:
            return False

    def await_served(self, agent, what, old=0):
        """Waits until a worker other than `old` serves every passfile."""
        start = time.monotonic()
        await_true(lambda: agent.worker not in (0, old) and self.is_served(), agent.log)
        self.recovery[what].append(time.monotonic() - start)

    def check_files(self):
        """Checks what the agent left. Counts whether a token and whether a temporary file is left."""
        directory = self.services.directory
        names = set()
        has_token = False
        for path in directory.iterdir() if directory.exists() else ():
            if path.name == "agent.socket":  # for --status
                continue
            names.add(path.name)
            self.assertEqual(path.stat().st_mode & 0o777, 0o600, path)
            text = path.read_text()
            if path.name in NAMES and text != "":
                self.assertEqual(LINE.sub("", text), "", "a torn line")
            has_token |= "X-Amz-" in text
        self.assertLessEqual(names, {"agent.pid", *NAMES, *TEMPORARY})
        self.counts["a temporary file was left"] += any(name.endswith(".new") for name in names)
        self.counts["a token was left"] += has_token

    def kill_all(self, agent):
        worker = agent.worker
        worker_end = os.pidfd_open(worker) if worker else None
        kill_all(agent.process.pid)
        self.assertEqual(agent.process.wait(), -signal.SIGKILL)
        if worker_end is not None:
            self.assertTrue(select.select([worker_end], [], [], DEADLINE_SECONDS)[0])
            os.close(worker_end)

    def kill_both(self):
        agent = self.start()
        time.sleep(random.choice((0, OPENS_SECONDS)) + random.uniform(0, self.seconds))
        served = "have their tokens" in agent.log()
        self.kill_all(agent)
        self.counts["killed both"] += 1
        self.counts["both, while it served" if served else "both, while it started"] += 1
        self.check_files()

    def kill_worker(self, agent, is_young):
        """If a worker lived for less than a second, the supervisor pauses before it replaces the worker. During the
        pause, no passfile contains a token."""
        time.sleep(random.uniform(0, OPENS_SECONDS) + (0 if is_young else YOUNG_SECONDS))
        worker = agent.worker
        os.kill(worker, signal.SIGKILL)
        self.counts["killed the worker"] += 1
        if is_young:
            await_true(lambda: "so a new worker replaces it" in agent.log(), agent.log)
            if agent.worker == 0:
                self.counts["the pause after a young worker"] += 1
                texts = [path.read_text() for path in map(self.services.passfile, NAMES) if path.exists()]
                self.assertTrue(agent.worker != 0 or not any(texts), "a token in a passfile without a worker")
        self.await_served(agent, "young worker killed" if is_young else "worker killed", old=worker)

    def kill_supervisor(self, agent):
        time.sleep(random.uniform(0, OPENS_SECONDS))
        worker_end = os.pidfd_open(agent.worker)
        start = time.monotonic()
        agent.end(signal.SIGKILL)
        self.assertTrue(select.select([worker_end], [], [], DEADLINE_SECONDS)[0])
        os.close(worker_end)
        self.recovery["supervisor killed: passfiles removed"].append(time.monotonic() - start)
        self.counts["killed the supervisor"] += 1
        left = {path.name for path in self.services.directory.iterdir()}
        self.assertLessEqual(left, OWN, "the worker removed the passfiles; " + agent.log())

    def measure(self):
        start = time.monotonic()
        agent = self.start()
        await_true(self.is_served, agent.log)
        self.seconds = time.monotonic() - start
        self.assertEqual(agent.end(), 0)

    def round(self, number):
        self.kill_both()
        agent = self.start()
        self.await_served(agent, "next agent")
        self.assertEqual({path.name for path in self.services.directory.iterdir()}, {*OWN, *NAMES})
        self.kill_worker(agent, is_young=number % 2 == 0)
        self.kill_supervisor(agent)
        self.doCleanups_of_round()

    def doCleanups_of_round(self):
        """Ends the agents of the round, and removes their cleanups."""
        while self._cleanups and self._cleanups[-1][0] == self.end:
            function, arguments, _ = self._cleanups.pop()
            function(*arguments)

    def test_a_worker_that_is_killed_before_it_renames_a_passfile(self):
        """The temporary file of the passfile stays, and the next agent replaces it."""
        strace = ["strace", "-f", "-o", self.home.path / "trace", "-e", "trace=renameat",
                  "-e", "inject=renameat:signal=KILL:when=1"]
        agent = Agent(self.services, "etl-session", {}, strace)
        self.addCleanup(self.end, agent)
        agent.await_log("so a new worker replaces it")
        kill_all(agent.process.pid)
        agent.process.wait()
        self.check_files()
        self.assertEqual(self.counts["a temporary file was left"], 1)
        agent = self.start()
        self.await_served(agent, "next agent")
        self.assertEqual({path.name for path in self.services.directory.iterdir()}, {*OWN, *NAMES})

    def test_kills(self):
        readers = [Readers(self.services) for _ in range(READERS)]
        for reader in readers:
            reader.start()
        rounds = -(-KILLS // 3)
        try:
            for number in range(rounds):
                if number % 20 == 0:
                    self.measure()
                self.round(number)
        finally:
            for reader in readers:
                reader.end()
        texts = sum((reader.texts for reader in readers), collections.Counter())
        longest = max(reader.longest for reader in readers)
        times = {what: f"median {statistics.median(found):.2f} s, longest {max(found):.2f} s"
                 for what, found in self.recovery.items()}
        print(f"# {dict(self.counts)}; clients read {dict(texts)}; longest open {longest:.2f} s; {times}", flush=True)
        self.assertEqual([text for reader in readers for text in reader.torn], [])
        self.assertLess(longest, WAIT_SECONDS)
        # Controls: the kills hit an agent that served and an agent that started, and the clients read tokens.
        self.assertGreater(self.counts["both, while it served"], rounds // 10)
        self.assertGreater(self.counts["both, while it started"], rounds // 10)
        self.assertGreater(texts["whole"], KILLS)


if __name__ == "__main__":
    harness.main()
