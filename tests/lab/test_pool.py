# SPDX-License-Identifier: MIT
"""When a second test takes a lab of the pool, the lab is in the state that it had after its start."""
import os
import signal
import subprocess
import tempfile
import time
import unittest

import harness
import pool
import rawclient


class Pool(unittest.TestCase):
    def setUp(self):
        self.owner = subprocess.Popen(["sleep", "600"])
        directory = tempfile.mkdtemp(prefix="labs-", dir=harness.WORK)
        before = {name: os.environ.get(name) for name in ("RIA_LABS", "RIA_LABS_OWNER")}
        os.environ.update(RIA_LABS=directory, RIA_LABS_OWNER=str(self.owner.pid))
        self.addCleanup(self.end, before)

    def end(self, before):
        self.owner.kill()
        self.owner.wait()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

    def test_a_lab_is_used_again_and_nothing_of_the_first_use_is_left(self):
        first = pool.take(harness.BUILD)
        first.clock(3600)
        first.faults({"kind": "status", "status": 503, "service": "sts"})
        first.machine(instance_role=None)
        first.revoke(first.principals["etl"])
        first.parameter("rds.iam_auth_for_replication", "1")
        (first.home / "left").mkdir()
        (first.home / "left" / "file").write_text("x")
        used = first.state
        other = pool.take(harness.BUILD)
        self.assertNotEqual(other.state["pid"], used["pid"], "two users at once have two labs")
        other.stop()
        first.stop()

        again = pool.take(harness.BUILD)
        self.addCleanup(again.stop)
        self.assertEqual(again.state, used)
        self.assertEqual(list(again.home.iterdir()), [])
        self.assertEqual((again.journal(), again.calls()), ([], []))
        reply = rawclient.sts(again, again.principals["etl"], Action="GetCallerIdentity")
        self.assertEqual(reply.text("Arn"), again.principals["etl"].arn, "no fault, the right clock, and the key exists again")

    def test_a_lab_that_has_ended_is_replaced(self):
        first = pool.take(harness.BUILD)
        pid = first.state["pid"]
        first.stop()
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
            time.sleep(0.05)
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass
        again = pool.take(harness.BUILD)
        self.addCleanup(again.stop)
        self.assertNotEqual(again.state["pid"], pid)
        self.assertEqual(again.journal(), [])

    def test_without_a_pool_each_test_program_has_its_own_lab(self):
        del os.environ["RIA_LABS"]
        self.addCleanup(os.environ.update, RIA_LABS="")
        lab = pool.take(harness.BUILD)
        self.assertNotIsInstance(lab, pool.PooledLab)
        lab.stop()


if __name__ == "__main__":
    harness.main()
