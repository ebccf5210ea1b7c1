# SPDX-License-Identifier: MIT
"""surroundings.py gives every test the same environment.

Programs that a test starts have default signal actions, no blocked signals and the umask 022. The signals that the
caller of tests/run ignores or blocks, and the caller's umask, have no effect. If root runs the tests, other users can
reach the clone, even if one of its parent directories is closed to them, and no test sees the machine's own
configuration of rds-iam."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

import harness

# Prints the signal state and the umask that a program inherits from a test.
PROBE = """
import subprocess, sys
import surroundings
if sys.argv[1] == "reset":
    surroundings.reset_process()
print(subprocess.run(["grep", "-E", "^(SigBlk|SigIgn|Umask):", "/proc/self/status"],
                     stdout=subprocess.PIPE, text=True, check=True).stdout, end="")
"""
# Signals that a program started with nohup, with `&` or by a supervisor may inherit as ignored.
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1,
           signal.SIGALRM, signal.SIGTSTP, signal.SIGRTMIN)


class Inherited(unittest.TestCase):
    @staticmethod
    def state(mode, prepare):
        """Returns (blocked signals, ignored signals, umask) of a program that a test starts.
        `prepare` sets the state that the test inherits."""
        result = subprocess.run(
            # Not started through tests/python, because its shell resets SIGCHLD.
            ["/usr/bin/python3", "-B", "-c", PROBE, mode], preexec_fn=prepare, cwd=harness.SOURCE / "tests",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True, env=dict(os.environ))
        fields = dict(line.split(":\t") for line in result.stdout.splitlines())
        return int(fields["SigBlk"], 16), int(fields["SigIgn"], 16), int(fields["Umask"], 8)

    def test_ignored_signals_get_their_default_action(self):
        for number in SIGNALS:
            with self.subTest(signal=number):
                def ignore(number=number):
                    signal.signal(number, signal.SIG_IGN)
                bit = 1 << (number - 1)
                self.assertTrue(self.state("as it is", ignore)[1] & bit, "control: the program ignores the signal")
                self.assertEqual(self.state("reset", ignore)[1], 0)

    def test_blocked_signals_are_unblocked(self):
        for number in SIGNALS:
            with self.subTest(signal=number):
                def block(number=number):
                    signal.pthread_sigmask(signal.SIG_BLOCK, [number])
                bit = 1 << (number - 1)
                self.assertTrue(self.state("as it is", block)[0] & bit, "control: the signal is blocked")
                self.assertEqual(self.state("reset", block)[0], 0)

    def test_the_umask_is_022(self):
        for mask in (0o077, 0o027, 0):
            with self.subTest(mask=oct(mask)):
                self.assertEqual(self.state("as it is", lambda mask=mask: os.umask(mask))[2], mask, "control")
                self.assertEqual(self.state("reset", lambda mask=mask: os.umask(mask))[2], 0o022)

    def test_every_test_starts_with_default_signals(self):
        """Checks the process of this test, which harness.main() has prepared."""
        for number in SIGNALS:
            self.assertNotEqual(signal.getsignal(number), signal.SIG_IGN)
        self.assertEqual(signal.pthread_sigmask(signal.SIG_BLOCK, ()), set())


# Only root can run a program as another user.
if os.geteuid() == 0:
    REACH = """
import pathlib, subprocess, sys
clone, mode = pathlib.Path(sys.argv[1]), sys.argv[2]
import surroundings
if mode == "open":
    surroundings.open_directories(clone, clone / "build/plain", *map(pathlib.Path, sys.argv[3:]))
other = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
for path in (clone / "build/prefix/program", *(pathlib.Path(each) / "program" for each in sys.argv[3:])):
    print(subprocess.run([*other, path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         check=False).stdout if mode == "open" or path.parent.exists() else "absent", end="")
(clone / "build/made").write_text(mode)
print(sorted(each.name for each in clone.parent.iterdir()))
"""

    HIDE = """
import os, pathlib, sys
import surroundings
place = pathlib.Path(sys.argv[1])
surroundings.hide_directory(place / "absent")
surroundings.hide_directory(place / "store")
print(os.listdir(place), os.listdir(place / "store"))
"""

    class Hidden(unittest.TestCase):
        def test_a_directory_is_hidden_from_one_process_alone(self):
            scratch = pathlib.Path(tempfile.mkdtemp(prefix="hide-", dir=harness.WORK))
            self.addCleanup(shutil.rmtree, scratch, ignore_errors=True)
            (scratch / "store").mkdir()
            (scratch / "store/file").touch()
            result = harness.run([harness.PYTHON, "-c", HIDE, scratch])
            self.assertEqual((result.stdout, result.stderr), ("['store'] []\n", ""))
            self.assertEqual(os.listdir(scratch / "store"), ["file"], "control")

        def test_every_test_starts_without_the_machines_configuration(self):
            """Checks the process of this test, which harness.main() has prepared."""
            place = harness.OWN_CONFIGURATION
            self.assertEqual(os.listdir(place) if place.exists() else [], [])

    class Reachable(unittest.TestCase):
        def setUp(self):
            self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="reach-", dir=harness.WORK))
            self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
            self.scratch.chmod(0o755)

        def place(self, modes, name="clone"):
            """Creates directories with these modes, one inside the other. The last directory is the clone. Also
            creates a file in the first directory. Returns the path of the clone."""
            path = self.scratch
            shutil.rmtree(self.scratch / "top", ignore_errors=True)
            (self.scratch / "top").mkdir()
            for number, mode in enumerate(modes):
                path = path / ("top" if number == 0 else f"d{number}" if number < len(modes) - 1 else name)
                path.mkdir(exist_ok=True)
                path.chmod(mode)
            for directory in ("tests", "build/plain", "build/prefix"):
                (path / directory).mkdir(parents=True)
            (path / "README").touch()
            self.program(path / "build/prefix")
            (self.scratch / "top" / "neighbour").touch()
            return path

        @staticmethod
        def program(directory):
            directory.mkdir(parents=True, exist_ok=True)
            (directory / "program").write_text("#!/bin/sh\necho reached\n")
            (directory / "program").chmod(0o755)

        def reach(self, clone, mode, *others):
            result = harness.run([harness.PYTHON, "-c", REACH, clone, mode, *others])
            return result.stdout.splitlines() or result.stderr

        def test_other_users_reach_a_closed_clone(self):
            for name, modes in (("below a closed home", (0o700, 0o755)),
                                ("below two closed directories", (0o700, 0o755, 0o750, 0o755)),
                                ("closed itself", (0o755, 0o700)),
                                ("closed, and below a closed directory", (0o700, 0o700)),
                                ("below a directory that only its group may enter", (0o710, 0o755))):
                with self.subTest(place=name):
                    clone = self.place(modes)
                    control = self.reach(clone, "as it is")
                    self.assertNotIn("reached", control, "control: another user cannot reach the clone")
                    opened = self.reach(clone, "open")
                    self.assertEqual(opened[0], "reached", opened)
                    if not modes[0] & 0o001:
                        self.assertNotIn("neighbour", opened[-1], "the file beside the clone is hidden")
                    self.assertEqual((clone / "build/made").read_text(), "open",
                                     "the program writes to the clone itself, not to a copy")
                    self.assertEqual((self.scratch / "top").stat().st_mode & 0o777, modes[0],
                                     "the mode of the first directory is unchanged")

        def test_a_reachable_clone_is_not_changed(self):
            for modes in ((0o755, 0o755), (0o711, 0o755), (0o777, 0o711)):
                with self.subTest(modes=modes):
                    opened = self.reach(self.place(modes), "open")
                    self.assertEqual(opened[0], "reached", opened)
                    self.assertIn("neighbour", opened[-1])

        def test_other_users_reach_a_closed_prefix_outside_the_clone(self):
            """RIA_PREFIX and RIA_WORK may name closed directories outside the clone."""
            clone = self.place((0o755, 0o755))
            other = self.scratch / "closed/prefix"
            self.program(other)
            other.parent.chmod(0o700)
            self.assertEqual(self.reach(clone, "open", other)[:2], ["reached", "reached"])
            self.assertNotEqual(self.reach(clone, "as it is", other)[1], "reached", "control")


harness.main()
