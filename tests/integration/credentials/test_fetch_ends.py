# SPDX-License-Identifier: MIT
"""rds-iam-fetch ends by its deadline, and the process group of a credential_process ends with it."""
import os
import pathlib
import select
import signal
import socket
import subprocess

from cloud import CloudCase
from labcase import USER, harness
from mariadb_client import CONFIG

PATIENCE = 60  # seconds that a test waits for the end of a process

# A command that starts two processes: one in the command's process group, and one outside this group. The process
# outside the group writes the ids of both processes.
COMMAND = "sleep 1000 & setsid sh -c 'echo $0 $$ >pids; exec sleep 1000' $! & wait"


class Watched:
    """A process with a known id. A test can wait for its end. It is killed at the end of the test."""

    def __init__(self, case, pid):
        self.pid = pid
        self._fd = os.pidfd_open(pid)
        case.addCleanup(self._remove)

    def has_ended(self, seconds):
        return bool(select.select([self._fd], [], [], seconds)[0])

    def _remove(self):
        if not self.has_ended(0):
            signal.pidfd_send_signal(self._fd, signal.SIGKILL)
        os.close(self._fd)


class Ends(CloudCase):
    def setUp(self):
        super().setUp()
        self.home.write(".aws/config", f"[profile p]\ncredential_process = {COMMAND}\n")
        self.pids = self.home.path / "pids"
        os.mkfifo(self.pids)

    def start(self, *arguments):
        """Starts rds-iam, which waits for the command. Returns four processes: rds-iam, rds-iam-fetch, and the two
        processes of the command, inside and outside its process group."""
        process = subprocess.Popen(
            [str(harness.installed("bin/rds-iam")), *arguments], cwd=self.home.path, text=True,
            env=self.home.env(None, **self.cloud_env()), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True)
        self.addCleanup(process.kill)
        with self.pids.open(encoding="ascii") as pids:
            inside, outside = (Watched(self, int(pid)) for pid in pids.read().split())
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        return process, Watched(self, int(children)), inside, outside

    def test_a_kill_of_rds_iam_fetch_ends_the_process_group_of_the_command(self):
        process, fetch, inside, outside = self.start("credentials", "--profile", "p")
        self.assertFalse(inside.has_ended(0), "control: it runs")
        os.kill(fetch.pid, signal.SIGKILL)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, out), (1, ""))
        self.assertIn("was killed by signal 9 (SIGKILL)", err)
        self.assertTrue(inside.has_ended(PATIENCE))
        self.assertFalse(outside.has_ended(0), "control: the process outside the group still runs")

    def test_at_the_deadline_rds_iam_fetch_and_the_process_group_of_the_command_end(self):
        """One rds-iam-fetch is stopped and cannot keep its deadline, so rds-iam kills it. A second one never receives a
        request, and ends by itself."""
        near_end, far_end = socket.socketpair()
        program = harness.installed("libexec/**/rds-iam-fetch")
        mute = subprocess.Popen([str(program)], stdin=far_end, stderr=subprocess.PIPE, text=True)
        far_end.close()
        self.addCleanup(mute.kill)
        self.home.write(CONFIG, f"[{self.lab.pg.host}]\nprofile = p\n")
        process, fetch, inside, outside = self.start(
            "token", "--hostname", self.lab.pg.host, "--port", "5432", "--username", USER)
        os.kill(fetch.pid, signal.SIGSTOP)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, out), (1, ""))
        self.assertIn("the credential_process exceeded the 10 s limit of a login", err)
        for which in (fetch, inside):
            self.assertTrue(which.has_ended(PATIENCE))
        self.assertFalse(outside.has_ended(0))
        # The second one ends although the other end of its socket is still open.
        _, complaint = mute.communicate(timeout=PATIENCE)
        self.assertEqual(mute.returncode, 2)
        self.assertIn("is started by the plugins", complaint)
        near_end.close()


if __name__ == "__main__":
    harness.main()
