# SPDX-License-Identifier: MIT
"""An agent that cannot wait for events, because it lacks descriptors, or because poll() or epoll_wait() fails. It must
not try again without a pause; the tests count its messages."""
import contextlib

from labcase import harness
from service import agent_program, await_true
from test_agent_lease import LeaseCase

SECONDS = 60
# If each worker ends at once, the supervisor pauses longer before each start. So the log has few messages.
FEW = 20


class Waits(LeaseCase):
    def assert_served(self, agent):
        """Waits until an open of the passfile returns a token."""
        await_true(lambda: self.services.passfile("prod").exists(), agent.log)
        await_true(lambda: "X-Amz-Signature" in self.read("prod"), agent.log)

    @contextlib.contextmanager
    def failing_to_wait(self):
        """Runs an agent. Yields the agent and the path of a file. While this file contains the name poll or epoll_wait,
        the named function fails in the agent."""
        fault = self.home.path / "fault"
        library = harness.BUILD / "tests/integration/src/fails_to_wait.so"
        self.services.add("prod")
        with self.services.agent("etl-session", LD_PRELOAD=str(library), WAIT_FAULT=str(fault)) as agent:
            self.assert_served(agent)
            yield agent, fault

    def test_a_worker_that_cannot_wait_for_events_is_replaced(self):
        with self.failing_to_wait() as (agent, fault):
            fault.write_text("epoll_wait")
            agent.renew()
            agent.await_log("cannot wait for events: Bad file descriptor")
            agent.await_log("the worker ended with status 3, so a new worker replaces it")
            fault.unlink()
            self.assert_served(agent)
            self.assertLess(agent.log().count("cannot wait for events"), FEW)
            self.assertEqual(agent.end(), 0)

    def test_an_agent_that_cannot_wait_for_events_ends(self):
        with self.failing_to_wait() as (agent, fault):
            fault.write_text("poll")
            agent.renew()
            self.assertEqual(agent.process.wait(SECONDS), 1)
            log = agent.log()
            self.assertEqual(log.count("the agent ends: it cannot wait for events: Bad file descriptor"), 1, log)
            self.assertFalse(self.services.passfile("prod").exists())

    def test_an_agent_without_descriptors_names_the_reason(self):
        library = harness.BUILD / "tests/integration/src/agent_faults.so"
        self.services.add("prod")
        for function, what in (
            ("epoll_create1", "cannot start the worker"),
            ("signalfd", "cannot wait for events"),
            ("timerfd_create", "cannot wait for events"),
        ):
            with self.subTest(function=function):
                result = self.home.run(
                    [agent_program(), "--foreground", "--directory", self.services.directory],
                    LD_PRELOAD=str(library), AGENT_FAULT=function)
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertIn(f"{what}: Too many open files", result.stderr)


if __name__ == "__main__":
    harness.main()
