# SPDX-License-Identifier: MIT
"""rds-iam-fetch ends in time, and what a credential_process has started ends with it."""
import os
import pathlib
import select
import signal
import socket
import subprocess

from cloud import CloudCase
from labcase import USER, harness
from mariadb_client import CONFIG

PATIENCE = 60  # seconds until a process that does not end is given up

# It starts one process in its group and one that leaves it, which tells both numbers once it has left.
COMMAND = "sleep 1000 & setsid sh -c 'echo $0 $$ >told; exec sleep 1000' $! & wait"


class Watched:
    """A process of a known number, whose end can be awaited. It is gone when the test is."""

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
        self.told = self.home.path / "told"
        os.mkfifo(self.told)

    def start(self, *arguments):
        """A program that waits for the command: it, rds-iam-fetch, and what the command has started."""
        process = subprocess.Popen(
            [str(harness.installed("bin/rds-iam")), *arguments], cwd=self.home.path, text=True,
            env=self.home.env(None, **self.cloud_env()), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True)
        self.addCleanup(process.kill)
        with self.told.open(encoding="ascii") as told:
            inside, outside = (Watched(self, int(pid)) for pid in told.read().split())
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        return process, Watched(self, int(children)), inside, outside

    def test_a_kill_of_rds_iam_fetch_takes_the_commands_children_along(self):
        process, fetch, inside, outside = self.start("credentials", "--profile", "p")
        self.assertFalse(inside.has_ended(0), "control: it is there")
        os.kill(fetch.pid, signal.SIGKILL)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, out), (1, ""))
        self.assertIn("was killed by signal 9 (SIGKILL)", err)
        self.assertTrue(inside.has_ended(PATIENCE))
        self.assertFalse(outside.has_ended(0), "control: what has left the group is found alive")

    def test_at_the_deadline_everything_is_killed(self):
        """rds-iam-fetch hangs whole, and another one is never asked anything."""
        ours, theirs = socket.socketpair()
        program = harness.installed("libexec/**/rds-iam-fetch")
        mute = subprocess.Popen([str(program)], stdin=theirs, stderr=subprocess.PIPE, text=True)
        theirs.close()
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
        # The other end of its socket is open still.
        _, complaint = mute.communicate(timeout=PATIENCE)
        self.assertEqual(mute.returncode, 2)
        self.assertIn("is started by the plugins", complaint)
        ours.close()


if __name__ == "__main__":
    harness.main()
