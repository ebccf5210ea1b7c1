# SPDX-License-Identifier: MIT
"""Simulates a machine with a wrong clock, which a test can set.

The clock of the real machine does not change. libfaketime shifts the time of day that programs read. It does not shift
the clocks that count from the start of the machine, because setting the time of day does not change those clocks.
rds-iam-fetch drops LD_PRELOAD, so the file /etc/ld.so.preload of a mount namespace loads libfaketime. The client
program and rds-iam-fetch therefore see the same clock.

To simulate a clock that is behind, a test sets the clocks of AWS and the database ahead instead. If the simulated
clock were behind, the lab's certificates would not be valid yet, because they may be less than ten minutes old.
"""
import glob
import os
import pathlib
import tempfile
import unittest

from labcase import harness

# If a program is killed, libfaketime's shared memory stays in /dev/shm. So the namespace has its own /dev/shm,
# which is mounted before the first program loads libfaketime.
MOUNT = ('mount -t tmpfs none /dev/shm && mount -t overlay overlay -o "lowerdir=$1:/etc" /etc'
         ' && shift && exec "$@"')


def faketime_library():
    (path,) = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    return path


class MachineClock:
    """The clock of one test. It is right until set() is called."""

    def __init__(self, test):
        self._file = test.home.write("clock", "+0s")
        upper = pathlib.Path(tempfile.mkdtemp(prefix="etc-", dir=harness.WORK))
        preload = upper / "ld.so.preload"
        test.addCleanup(upper.rmdir)
        test.addCleanup(preload.unlink)
        upper.chmod(0o755)
        preload.write_text(faketime_library() + "\n")
        self._prefix = ["unshare", "-m", "--propagation", "private"]
        if os.geteuid() != 0:
            self._prefix += ["-U", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}", "--keep-caps"]
        self._prefix += ["sh", "-c", MOUNT, "sh", str(upper)]
        found = harness.run([*self._prefix, "cat", "/etc/ld.so.preload"])
        if found.returncode != 0:
            raise unittest.SkipTest(f"cannot create a mount namespace: {found.stderr.strip()}")

    def set(self, offset):
        """Sets the clock to the real time plus `offset` seconds."""
        # The file is renamed into place, so that no program reads half of it.
        draft = self._file.with_suffix(".new")
        draft.write_text(f"{offset:+d}s\n")
        draft.rename(self._file)

    def argv(self, argv):
        """Returns the command line that runs a program on this machine."""
        return [*self._prefix, *argv]

    def env(self):
        return {"FAKETIME_TIMESTAMP_FILE": str(self._file), "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
