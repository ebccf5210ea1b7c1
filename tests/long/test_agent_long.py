# SPDX-License-Identifier: MIT
"""The agent over minutes and with ten thousand entries: it does not wake while nothing happens, its memory stays
below a limit, and the kernel completes an open if both processes of the agent are stopped."""
import concurrent.futures
import os
import pathlib
import signal
import time

from labcase import harness
from opener import WAIT_SECONDS
from service import await_true
from test_agent_lease import LeaseCase

IDLE_SECONDS = 60
ENTRIES = 10000
# The limits are a few times the measured values, and far below what a leak of tokens would use.
RSS_ONE_KB = 24 * 1024
RSS_MANY_KB = 64 * 1024
# Longer than fs.lease-break-time, which is 45 seconds by default.
FROZEN_SECONDS = 100


def status_of(pid, key):
    """{thread id: the number in one line of its /proc/PID/task/*/status}"""
    found = {}
    for path in sorted(pathlib.Path(f"/proc/{pid}/task").glob("*/status")):
        lines = dict(line.split(":", 1) for line in path.read_text().splitlines())
        found[path.parent.name] = int(lines[key].split()[0])
    return found


class Long(LeaseCase):
    def switches(self, agent):
        return [status_of(pid, "voluntary_ctxt_switches") for pid in (agent.process.pid, agent.worker)]

    def rss(self, agent):
        """The resident memory of both processes, in KB."""
        return [max(status_of(pid, "VmRSS").values()) for pid in (agent.process.pid, agent.worker)]

    def await_sleep(self, agent):
        """Waits until neither process has woken for three seconds, so the supervisor knows that the worker is idle."""
        seen = []

        def is_still():
            seen.append(self.switches(agent))
            time.sleep(1)
            return len(seen) > 3 and seen[-1] == seen[-4]

        await_true(is_still, agent.log)

    def test_no_process_wakes_while_nothing_happens(self):
        self.services.add("prod")
        expiration = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200))
        with self.services.agent("etl-session", AWS_CREDENTIAL_EXPIRATION=expiration) as agent:
            self.assertIn("X-Amz-Signature", self.read())
            self.await_sleep(agent)
            before = self.switches(agent)
            time.sleep(IDLE_SECONDS)
            self.assertEqual(self.switches(agent), before)
            self.assertIn("X-Amz-Signature", self.read())
            self.assertNotEqual(self.switches(agent), before, "control: an open wakes the agent")

    def test_memory_with_one_entry(self):
        self.services.add("prod")
        with self.services.agent("etl-session") as agent:
            self.assertIn("X-Amz-Signature", self.read())
            self.report("one entry", agent, RSS_ONE_KB)

    def report(self, what, agent, limit):
        supervisor, worker = self.rss(agent)
        print(f"# {what}: RSS of the supervisor {supervisor} KB, of the worker {worker} KB")
        self.assertLess(supervisor, limit)
        self.assertLess(worker, limit)

    def add_many(self, passfile):
        names = [f"entry-{i}" for i in range(ENTRIES)]
        self.services.add_all({name: {
            "host": f"db{i}.abcdefghijkl.us-east-1.rds.amazonaws.com", "passfile": passfile(name)}
            for i, name in enumerate(names)})
        return names

    def test_ten_thousand_entries_with_a_file_each(self):
        names = self.add_many(self.services.passfile)
        with self.services.agent("etl-session") as agent:
            agent.await_log(f"{ENTRIES} of {ENTRIES} services have their tokens")
            self.report("ten thousand files", agent, RSS_MANY_KB)
            for name in names:
                self.assertIn("X-Amz-Signature", self.read(name))
            for name in names:
                self.await_rest(name)
            self.assertEqual(agent.status()["opened"].split()[0], str(ENTRIES))
            self.report("ten thousand files, each read once", agent, RSS_MANY_KB)
            self.assertEqual(agent.end(), 0)
            self.assertEqual(os.listdir(self.services.directory), [])

    def test_ten_thousand_entries_in_one_file(self):
        shared = self.services.directory / "shared"
        self.services.add("prod")
        self.add_many(lambda _: shared)
        with self.services.agent() as agent, concurrent.futures.ThreadPoolExecutor() as pool:
            reading = pool.submit(self.read, "shared")
            self.assertIn("X-Amz-Signature", self.read("prod"))
            text = reading.result()
            self.assertGreater(text.count("\n"), 0, agent.log())
            await_true(lambda: self.read("shared").count("\n") == ENTRIES, agent.log)

    def test_an_open_while_both_processes_are_stopped(self):
        """The kernel breaks the lease after 45 seconds, and the opener reads an empty file."""
        self.services.add("prod")
        with self.services.agent() as agent, concurrent.futures.ThreadPoolExecutor() as pool:
            worker = agent.worker
            agent.process.send_signal(signal.SIGSTOP)
            os.kill(worker, signal.SIGSTOP)
            opener = pool.submit(self.services.passfile("prod").read_text)
            start = time.monotonic()
            self.assertEqual(opener.result(FROZEN_SECONDS), "")
            seconds = time.monotonic() - start
            print(f"# both processes stopped: an open took {seconds:.1f} s")
            self.assertGreater(seconds, WAIT_SECONDS, "control: no process of the agent was running")
            os.kill(worker, signal.SIGCONT)
            agent.process.send_signal(signal.SIGCONT)
            await_true(lambda: "X-Amz-Signature" in self.read(), agent.log)


if __name__ == "__main__":
    harness.main()
