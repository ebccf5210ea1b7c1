# SPDX-License-Identifier: MIT
"""The common start of every Python test: the directories of a test run, and a runner that prints TAP to stdout.

meson sets environment variables that name the build directory, the installed prefix and the work directory. A test
ends with its parent process, so a killed run leaves no process behind. It discards most of the state that it inherits
(surroundings.py), and runs programs with a time limit. Code that uses servers is in lab/ and integration/.
"""
import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import unittest

from tap import TAPTestRunner

import surroundings

PR_SET_PDEATHSIG = 1

SOURCE = pathlib.Path(__file__).resolve().parent.parent
PYTHON = SOURCE / "tests" / "python"
BUILD = pathlib.Path(os.environ.get("RIA_BUILD", SOURCE / "build" / "plain"))
PREFIX = pathlib.Path(os.environ.get("RIA_PREFIX", SOURCE / "build" / "prefix"))
# Tests write only here: labs, scratch directories, logs.
WORK = pathlib.Path(os.environ.get("RIA_WORK", SOURCE / "build" / "work")).resolve()

# The configuration and the CA store of the machine. Tests run as on a machine without them.
OWN_CONFIGURATION = pathlib.Path("/etc/rds-iam")


def installed(pattern):
    """The path of the one installed file that matches a pattern such as "bin/rds-iam" or "lib*/**/x.so"."""
    found = sorted(PREFIX.glob(pattern))
    if len(found) != 1:
        raise FileNotFoundError(
            "%s: %d installed files match %s; run tests/run, which installs" % (PREFIX, len(found), pattern))
    return found[0]


def run(argv, env=None, stdin=None, timeout=120, cwd=None):
    """Runs a program to its end. Input and output are text. env, if given, is the whole environment."""
    return subprocess.run(
        [str(a) for a in argv], env=env, input=stdin, timeout=timeout, cwd=cwd,
        stdin=subprocess.DEVNULL if stdin is None else None,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", check=False)


def children(pid):
    """The process ids of the children of a process, from /proc."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(each) for each in task.read_text().split()]
        except OSError:  # this thread has ended
            pass
    return found


def main():
    """Runs the tests of the calling file, or those that the arguments name: CLASS or CLASS.TEST."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    surroundings.reset_process()
    try:
        surroundings.open_directories(SOURCE, BUILD, PREFIX, WORK)
    except OSError as error:  # the tests that need these directories fail and report it
        print(f"# other users cannot reach {SOURCE}: {error}; clone into a directory that they can enter", flush=True)
    try:
        surroundings.hide_directory(OWN_CONFIGURATION)
    except OSError as error:  # the tests that expect no CA store and no configuration fail
        print(f"# {OWN_CONFIGURATION} cannot be hidden: {error}; run the tests as root, or remove it", flush=True)
    WORK.mkdir(parents=True, exist_ok=True)
    runner = TAPTestRunner()
    runner.set_stream(True)
    runner.set_format("{method_name}")
    module = sys.modules["__main__"]
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(sys.argv[1:], module) if sys.argv[1:] else loader.loadTestsFromModule(module)
    result = runner.run(suite)
    for test, traceback in (*result.failures, *result.errors):
        # meson prints the stderr of a failed test, but not its stdout, where the TAP lines are.
        print(f"{test}\n{traceback}", file=sys.stderr)
    sys.exit(0 if result.wasSuccessful() else 1)
