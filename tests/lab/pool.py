# SPDX-License-Identifier: MIT
"""Labs that test programs use one after another, because starting a lab takes longer than most tests.

    lab = pool.take(build_dir)      # a started lab, reset to the state after its start
    lab.stop()                      # gives it back

A pool is a directory; RIA_LABS is its path. Each file in it, called a slot, describes one lab. The process that has
locked the file uses the lab. RIA_LABS_OWNER is a process id: the labs end with this process. If RIA_LABS is not set,
take() starts a lab and stop() ends it. A test that changes the servers themselves (accounts, tables) needs a lab of its
own: rdslab.Lab(build_dir).start().
"""
import fcntl
import json
import os
import pathlib
import shutil

import rdslab

SLOTS = 64  # more than the number of test programs that run at the same time


def take(build_dir):
    directory = os.environ.get("RIA_LABS")
    if not directory:
        return rdslab.Lab(build_dir).start()
    return PooledLab(build_dir, _lock_slot(pathlib.Path(directory)))


class PooledLab(rdslab.Lab):
    """A lab of the pool. The file `slot` is locked, and contains the lab's state if the lab has been started."""

    def __init__(self, build_dir, slot):
        super().__init__(build_dir, owner=int(os.environ["RIA_LABS_OWNER"]))
        self._slot = slot
        if not self._attach():
            self.start()
            slot.seek(0)
            slot.truncate()
            slot.write(json.dumps(self.state))
            slot.flush()

    def stop(self):
        """Gives the lab back. It continues to run."""
        self._slot.close()
        if self._labd is not None:
            self._labd.stdout.close()

    def _attach(self):
        """Resets the lab of the slot. Returns False if the slot has no lab, or if its lab has ended."""
        text = self._slot.read()
        if not text:
            return False
        self._fill(json.loads(text))
        self.life = None
        try:
            self.reset()
        except rdslab.LabError:
            return False
        for path in self.home.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        return True


def _lock_slot(directory):
    """Locks the first free slot."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in range(SLOTS):
        slot = open(directory / str(number), "a+", encoding="utf-8")
        try:
            fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            slot.close()
            continue
        slot.seek(0)
        return slot
    raise rdslab.LabError(f"all {SLOTS} labs in {directory} are in use")
