# SPDX-License-Identifier: MIT
"""How long a client's open(2) of a passfile takes, measured by who opens it: 5 seconds at most, whatever
befalls the agent. Not here: what is in the passfile."""
import functools
import os
import time

WAIT_SECONDS = 5
AGAIN_MAX = 4


class Opener:
    """Opens passfiles, in any thread, and remembers the longest time that one took."""

    def __init__(self):
        self._seconds = [0.0]

    def read(self, path):
        start = time.monotonic()
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self._seconds.append(time.monotonic() - start)
        return text

    def add(self, seconds):
        """What an opener in another process measured."""
        self._seconds.append(seconds)

    @property
    def longest(self):
        return max(self._seconds)


def within_limit(test):
    """A test method of a case with an `opener`, none of whose opens may take longer. On a machine with
    more to do than it has processors the test is run again, and the times are printed."""

    @functools.wraps(test)
    def run(case):
        test(case)
        for _ in range(AGAIN_MAX):
            longest = case.opener.longest
            if longest <= WAIT_SECONDS:
                break
            load, processors = os.getloadavg()[0], os.cpu_count()
            case.assertGreater(load, processors, f"an open took {longest:.1f} s, and the machine was not busy")
            print(f"# an open took {longest:.1f} s with a load of {load:.1f} on {processors} processors; once more")
            case.doCleanups()
            case.setUp()
            test(case)
        case.assertLessEqual(case.opener.longest, WAIT_SECONDS)

    return run
