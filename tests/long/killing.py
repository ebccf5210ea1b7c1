# SPDX-License-Identifier: MIT
"""Kills a command with SIGKILL again and again, and calls a check after each kill.

Two kinds of kills:

* At a system call: for each system call that changes files (CALLS), strace counts the calls of each process. In the
  first run, SIGKILL ends the process before its first call; in the second run, before its second call, and so on. So
  each state of the disk between two of these calls occurs.
* At a random moment: all processes of the command are killed, at a moment between its start and its end. The length of
  a whole run is measured again and again, because the load of the machine changes.
"""
import os
import random
import signal
import statistics
import subprocess
import tempfile
import time
from collections import Counter

import harness

# The system calls that change files or lock them. An unknown name would be an error of strace.
CALLS = ("mkdir", "mkdirat", "openat", "flock", "fchown", "fremovexattr", "fchmod", "pwrite64", "ftruncate", "fsync",
         "unlinkat", "renameat", "renameat2", "utimensat", "write")
WHOLE_RUNS = 5
REMEASURE_EVERY = 50
CALLS_MAX = 200
RUNS_MAX = 4  # the most runs that are started for each kill
SECONDS = 60


def descendants(pid):
    """All processes below this one, children before their parents."""
    found = []
    for child in harness.children(pid):
        found += [*descendants(child), child]
    return found


def kill_all(pid):
    """Kills a process and all processes below it. They are stopped first, so that none of them reacts to the end of
    another one."""
    victims = [pid, *reversed(descendants(pid))]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for victim in victims:
            try:
                os.kill(victim, number)
            except ProcessLookupError:
                pass


def was_killed_in(trace):
    """Returns whether a process was killed in a system call. Other kills do not count: rds-iam itself kills
    rds-iam-fetch after its response."""
    last = {}
    for line in trace.splitlines():
        pid, text = line.split(None, 1)
        if text == "+++ killed by SIGKILL +++" and last.get(pid, "").endswith(("= ?", "<unfinished ...>")):
            return True
        last[pid] = text
    return False


class Killing:
    """Kills one command. `reset` prepares a run, and `check` examines what a killed run left; it returns the names of
    temporary files that it found."""

    def __init__(self, argv, env, cwd, reset, check):
        self._argv, self._env, self._cwd = [str(word) for word in argv], env, cwd
        self._reset, self._check = reset, check
        self.counts = Counter()
        self.seconds = 0.0

    def _start(self, under=()):
        return subprocess.Popen(
            [*map(str, under), *self._argv], env=self._env, cwd=self._cwd, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def whole(self):
        """Runs the command to its end. It must succeed."""
        result = subprocess.run(
            self._argv, env=self._env, cwd=self._cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=SECONDS, text=True, check=False)
        if result.returncode != 0:
            raise AssertionError(f"the run after a kill fails with status {result.returncode}: {result.stdout}")

    def measure(self):
        """Measures the length of a whole run."""
        times = []
        for _ in range(WHOLE_RUNS):
            self._reset()
            start = time.monotonic()
            self.whole()
            times.append(time.monotonic() - start)
        self.seconds = statistics.median(times)

    def _at_call(self, call, number):
        """Kills each process of the command before it makes the system call `call` for the `number`-th time. Returns
        whether a process was killed."""
        with tempfile.NamedTemporaryFile(mode="r", dir=harness.WORK) as trace:
            self._start(["strace", "-f", "-o", trace.name, "-e", f"trace={call}",
                         "-e", f"inject={call}:signal=KILL:when={number}"]).wait(timeout=SECONDS)
            return was_killed_in(trace.read())

    def _at_random(self):
        process = self._start()
        time.sleep(random.uniform(0, 1.1 * self.seconds))
        kill_all(process.pid)
        return process.wait(timeout=SECONDS) == -signal.SIGKILL

    def _kill(self, kind, how, *arguments):
        """Returns whether a process was killed."""
        self._reset()
        killed = how(*arguments)
        left = self._check()
        self.counts["runs"] += 1
        self.counts[f"killed at {kind}"] += killed
        self.counts[f"temporary files after {kind}"] += bool(left)
        return killed

    def run(self, count, check_next, calls=CALLS):
        """Kills runs at each of these system calls. Then kills runs at random moments, until `count` runs were killed
        before they ended. check_next is called after each kill and the checks; it runs the command to its end and
        checks that the run was successful."""
        for call in calls:
            number = 1
            while self._kill("a call", self._at_call, call, number):
                check_next()
                number += 1
                if number > CALLS_MAX:
                    raise AssertionError(f"after {number} kills, the command still calls {call}")
            check_next()
        while self.killed() < count:
            if self.counts["runs"] % REMEASURE_EVERY == 0 or self.seconds == 0:
                self.measure()
            if self.counts["runs"] > RUNS_MAX * count:
                raise AssertionError(f"too few of the runs were alive when they were killed: {self.counts}")
            self._kill("a moment", self._at_random)
            check_next()

    def killed(self):
        return self.counts["killed at a call"] + self.counts["killed at a moment"]

    def check_controls(self, test, count):
        """Checks that the kills ended living processes, and that some of them left a temporary file."""
        test.assertGreaterEqual(self.killed(), max(count, 2), self.counts)
        test.assertGreaterEqual(self.counts["killed at a moment"], count // 2, self.counts)
        test.assertGreater(self.counts["temporary files after a call"], 1, self.counts)

    def report(self, name):
        print(f"# {name}: {dict(self.counts)}, a whole run takes {self.seconds * 1000:.0f} ms", flush=True)
