# SPDX-License-Identifier: MIT
"""agent.pid, which the agent locks so that a directory has one agent: file systems without locks, a killed agent whose
worker is stopped, and other files that have the names of the agent's own files."""
import os
import signal
import socket

from labcase import harness
from service import agent_program
from test_agent_lease import LeaseCase

LINK = "it is a symbolic link; remove it"
SECOND = "it has several hard links; remove it"
OTHER = "it is not a regular file; remove it"


class Lock(LeaseCase):
    def setUp(self):
        super().setUp()
        self.services.add("prod")
        self.run_directory = self.services.directory

    def start(self, **extra):
        """Starts an agent that must fail. Returns its messages."""
        result = self.home.run([agent_program(), "--directory", self.run_directory], **extra)
        self.assertEqual(result.returncode, 1, result.stderr)
        return result.stderr

    def test_a_second_agent_is_refused_even_if_the_pid_file_is_invalid(self):
        with self.services.agent():
            self.run_directory.joinpath("agent.pid").write_text("rubbish\n")
            messages = self.start()
        self.assertIn(
            "another agent serves this directory, but the file agent.pid does not contain its process id", messages)

    def test_a_file_system_without_locks_is_named(self):
        library = harness.BUILD / "tests/integration/src/agent_faults.so"
        messages = self.start(LD_PRELOAD=str(library), AGENT_FAULT="flock")
        self.assertIn(
            f"{self.run_directory}/agent.pid: cannot be locked: No locks available; name a directory on another file "
            "system with --directory", messages)

    def test_a_killed_agent_is_not_named_as_the_process_to_stop(self):
        with self.services.agent() as agent:
            worker = agent.worker
            os.kill(worker, signal.SIGSTOP)
            agent.end(signal.SIGKILL)
            try:
                messages = self.start()
            finally:
                os.kill(worker, signal.SIGKILL)
        self.assertIn(
            f"{self.run_directory}: process {agent.process.pid}, the agent of this directory, has ended, but its "
            "worker has not; find the worker's process id with: pgrep -a rds-iam-agent; to stop it, run: kill -KILL "
            "followed by this id", messages)
        with self.services.agent() as agent:
            self.assertEqual(agent.end(), 0, "control: the directory has no agent any more")

    def test_other_files_under_the_names_of_its_own_files_are_not_changed(self):
        precious = self.home.write("precious", "keep")
        self.run_directory.mkdir(mode=0o700)
        for name, make, why in (
            ("agent.pid", lambda path: path.symlink_to(precious), LINK),
            ("agent.pid", lambda path: os.link(precious, path), SECOND),
            ("agent.pid", os.mkfifo, OTHER),
            ("agent.pid", self.bind, OTHER),
            ("agent.log", lambda path: path.symlink_to(precious), LINK),
            ("agent.log", lambda path: os.link(precious, path), SECOND),
            ("agent.log", os.mkfifo, OTHER),
        ):
            with self.subTest(name=name, why=why):
                path = self.run_directory / name
                make(path)
                self.assertIn(f"{path}: cannot be written: {why}", self.start())
                self.assertEqual(precious.read_text(), "keep")
                path.unlink()

    def bind(self, path):
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))

    def test_an_interrupted_status_waits_for_the_response(self):
        library = harness.BUILD / "tests/integration/src/agent_faults.so"
        with self.services.agent():
            result = self.home.run(
                [agent_program(), "--status", "--directory", self.run_directory],
                LD_PRELOAD=str(library), AGENT_FAULT="poll")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("1 of 1 services", result.stdout)


if __name__ == "__main__":
    harness.main()
