# SPDX-License-Identifier: MIT
"""The coverage build counts what a process runs, however the process ends (tests/coverage/counters.c)."""
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import unittest

import harness

COVERAGE = harness.SOURCE / "tests" / "coverage"
PROGRAM = r"""
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static volatile int here;
int main(int argc, char **argv)
{
    if (argc == 1) { return 0; }
    if (strcmp(argv[1], "exit") == 0) {
        here++; /* exit */
    } else if (strcmp(argv[1], "_exit") == 0) {
        here++; /* _exit */
        _exit(0);
    } else if (strcmp(argv[1], "execve") == 0) {
        here++; /* execve */
        return execl("/bin/true", "true", (char *)NULL);
    } else if (strcmp(argv[1], "child") == 0) {
        if (vfork() == 0) {
            here++; /* child */
            _exit(0);
        }
    } else if (strcmp(argv[1], "signal") == 0) {
        here++; /* signal */
        raise(SIGKILL);
    } else {
        here++; /* never */
    }
    return 0;
}
"""
ENDS = {"exit": 0, "_exit": 0, "execve": 0, "child": 0, "signal": -9}


def compiler_arguments():
    """The arguments for the compiler in tests/coverage/run, except the selection of the product's sources."""
    text = (COVERAGE / "run").read_text(encoding="utf-8")
    words = shlex.split(re.search(r"local arguments=\((.*?)\)\n    local", text, re.S).group(1))
    return [word for word in words if not word.startswith("-fprofile-filter-files")]


class Counters(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="counters-", dir=harness.WORK)
        self.addCleanup(scratch.cleanup)
        self.path = pathlib.Path(scratch.name)
        (self.path / "counts").mkdir()
        (self.path / "program.c").write_text(PROGRAM, encoding="utf-8")
        self.gcc("-fPIC", f'-DRIA_COVERAGE_COUNTS="{self.path}/counts"', "-D_GNU_SOURCE", "-c", COVERAGE / "counters.c")
        self.gcc(*compiler_arguments(), "-c", "program.c")

    def gcc(self, *arguments):
        result = subprocess.run(["gcc", *map(str, arguments)], cwd=self.path, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)

    def program(self, *link_arguments):
        self.gcc("-o", "program", "program.o", "counters.o", f"-Wl,-T,{COVERAGE}/counters.ld", *link_arguments, "-lgcov")
        return self.path / "program"

    def counted(self, program):
        """{the comment of a line: how often the line ran}."""
        (counts,) = (self.path / "counts").iterdir()
        result = harness.run([program, "exit"], env={**os.environ, "RIA_COVERAGE_WRITE": str(counts)})
        self.assertEqual(result.returncode, 0, result.stderr)
        text = subprocess.run(["gcov", "-t", "program.c"], cwd=self.path, stdout=subprocess.PIPE, text=True, check=True).stdout
        return {name: 0 if count == "#####" else int(count)
                for count, name in re.findall(r"^ *([#\d]+)\*?: .*/\* (\w+) \*/", text, re.M)}

    def test_counts_survive_each_end(self):
        for arguments in ((), ("-no-pie",)):
            with self.subTest(arguments):
                program = self.program(*arguments)
                for end, status in ENDS.items():
                    for _ in range(2):
                        self.assertEqual(harness.run([program, end]).returncode, status)
                self.assertEqual(self.counted(program), {**dict.fromkeys(ENDS, 2), "never": 0})
                for path in (*(self.path / "counts").iterdir(), *self.path.glob("*.gcda")):
                    path.unlink()

    def test_a_process_whose_counts_cannot_be_stored_runs_as_usual(self):
        program = self.program()
        (self.path / "counts").rmdir()
        self.assertEqual([harness.run([program, end]).returncode for end in ENDS], list(ENDS.values()))


harness.main()
