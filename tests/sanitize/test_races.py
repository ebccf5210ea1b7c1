# SPDX-License-Identifier: MIT
"""The thread sanitizer finds no race in the code that threads of a host program run: the unit tests of this code, and the
MariaDB plugin in a program with many threads. As a control, a race that was planted is found.

The client library has no sanitizer, so its own accesses are not seen."""
import pathlib
import re

import sanitizers
from labcase import USER, harness
from mariadb_client import MariadbCase

FOUND = 66  # the exit status of a program in which the sanitizer has found a race
SUPPRESSIONS = pathlib.Path(__file__).with_name("thread_suppressions.txt")
OPTIONS = f"halt_on_error=0:exitcode={FOUND}:suppressions={SUPPRESSIONS}:print_suppressions=1"
# test_guest_thread calls the product in a signal handler, to show that its check of the stack works there.
OPTIONS += ":report_signal_unsafe=0"
PROGRAMS = sanitizers.THREAD / "tests/integration/src"
THREADS = 40
# These tests measure stacks, of which the sanitizer uses a part. They fail here, and pass in the suite "unit".
OF_STACKS = {
    "guest_thread": {"the_stack_of_a_thread_is_large_enough_up_to_its_size", "used_stack_is_not_counted"},
    "guest_work": {"work_runs_on_a_stack_that_is_large_enough"},
}
RACE = """
#include <pthread.h>
static int shared;
static void *add(void *unused) { for (int i = 0; i < 100000; i++) shared++; return unused; }
int main(void) { pthread_t one, two; pthread_create(&one, 0, add, 0); pthread_create(&two, 0, add, 0);
                 pthread_join(one, 0); pthread_join(two, 0); return shared == 1; }
"""


class Threads(MariadbCase):
    used = set()  # the suppressions that matched a report

    def test_z_each_suppression_is_used(self):
        """Runs last, because tests run in the order of their names. The other tests collect the used suppressions."""
        listed = {line.strip() for line in SUPPRESSIONS.read_text().splitlines() if line.strip() and line[0] != "#"}
        self.assertEqual(listed - self.used, set())

    def watched(self, argv, timeout=600, **extra):
        """Runs a program. Returns its result after a check that it reported no race."""
        result = self.home.run(argv, timeout=timeout, TSAN_OPTIONS=OPTIONS, **extra)
        self.assertNotIn("WARNING: ThreadSanitizer", result.stderr)
        self.used.update(re.findall(r"^\d+ (\w+:\S+)$", result.stderr, re.M))
        return result

    def test_control_a_race_is_found(self):
        program = self.home.path / "race"
        compiled = harness.run(["gcc", "-g", "-fsanitize=thread", "-x", "c", "-", "-o", program], stdin=RACE)
        self.assertEqual(compiled.returncode, 0, compiled.stderr)
        result = self.home.run([program], TSAN_OPTIONS=OPTIONS)
        self.assertEqual(result.returncode, FOUND)
        self.assertIn("WARNING: ThreadSanitizer: data race", result.stderr)

    def test_unit_tests(self):
        for name in sanitizers.THREAD_UNITS:
            with self.subTest(name=name):
                result = self.watched([sanitizers.THREAD / f"tests/unit/test_{name}"], CMOCKA_MESSAGE_OUTPUT="TAP",
                                      LD_PRELOAD="")  # libnss_wrapper waits for ever in a forked child
                failing = OF_STACKS.get(name, set())
                self.assertRegex(result.stdout, r"(?m)^ok \d")
                self.assertEqual(set(re.findall(r"^not ok \d+ - (\w+)", result.stdout, re.M)), failing)
                numbers = re.findall(r"^(?:not )?ok (\d+)", result.stdout, re.M)
                self.assertEqual(numbers, [str(number) for number in range(1, len(numbers) + 1)])
                plan = re.findall(r"^1\.\.(\d+)$", result.stdout, re.M)
                self.assertEqual(plan, numbers[-1:], "the TAP plan is complete")
                self.assertEqual(result.returncode, len(failing), result.stderr)  # cmocka exits with their number

    def test_the_mariadb_plugin_in_many_threads(self):
        self.write_my_cnf(plugin_dir=sanitizers.THREAD_GUESTS / "mariadb")
        place = (self.lab.mariadb.host, self.lab.mariadb.port, USER)
        result = self.watched([PROGRAMS / "connections", "threads", *place, THREADS])
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assert_accepted(THREADS + 1)

    def test_control_the_plugin_is_the_sanitized_one(self):
        plugin = sanitizers.THREAD_GUESTS / "mariadb/mysql_clear_password.so"
        self.assertIn("__tsan_init", harness.run(["nm", "-D", plugin]).stdout)


if __name__ == "__main__":
    harness.main()
