# SPDX-License-Identifier: MIT
"""Clients on a machine whose clock is wrong, and is set later.

The clock of the machine that runs the tests is not touched. libfaketime shifts what programs read as
the time of day and leaves the clocks alone that count from the machine's start, as a clock that is set
does. It is loaded by /etc/ld.so.preload of a mount namespace, because rds-iam-fetch drops LD_PRELOAD:
guest and rds-iam-fetch see the same clock.

A clock that is behind is made by moving AWS and the database ahead: certificates of the lab may be
younger than ten minutes, and would not be valid yet.
"""
import glob
import os
import pathlib
import tempfile
import unittest

from labcase import harness

# libfaketime's shared memory stays in /dev/shm where a program is killed, so that is one of our own,
# mounted before the first program has libfaketime in it.
MOUNT = ('mount -t tmpfs none /dev/shm && mount -t overlay overlay -o "lowerdir=$1:/etc" /etc'
         ' && shift && exec "$@"')


def faketime_library():
    (path,) = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    return path


class MachineClock:
    """The clock of one test: wrong by `offset` seconds, until it is set otherwise."""

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
            raise unittest.SkipTest(f"no mount namespace to be had: {found.stderr.strip()}")

    def set(self, offset):
        # Renamed into place, so that nobody reads half of it.
        draft = self._file.with_suffix(".new")
        draft.write_text(f"{offset:+d}s\n")
        draft.rename(self._file)

    def argv(self, argv):
        """The program on this machine."""
        return [*self._prefix, *argv]

    def env(self):
        return {"FAKETIME_TIMESTAMP_FILE": str(self._file), "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
