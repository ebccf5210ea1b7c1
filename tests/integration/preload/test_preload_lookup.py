# SPDX-License-Identifier: MIT
"""dlsym() under the preload. For a function of libpq it must find the right copy of libpq. Every other lookup
must have the same result as without the preload. These tests do not log in: small libraries stand in for
libpq. test_preload_libpq.py uses real copies."""
import json
import os
import pathlib
import shutil
import tempfile
import unittest

from labcase import harness
import ways
from ways import PROGRAMS

PYTHON = "/usr/bin/python3"
COPIES_MAX = 8
LOAD = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"
# ping(library) calls PQping(). It returns the number of the copy, the file that contains the function, and the
# function's address. ctypes looks up a name again each time that it is used as an index.
LOOK = """
import ctypes, _ctypes, json, sys
def owner(address):
    for line in open("/proc/self/maps"):
        start, end = (int(word, 16) for word in line.split()[0].split("-"))
        if start <= address < end:
            return line.split()[-1].split("/")[-1]
def ping(library):
    function = library["PQping"]
    address = ctypes.cast(function, ctypes.c_void_p).value
    return [function(b""), owner(address), address]
def place(name):
    return min(int(line.split("-")[0], 16) for line in open("/proc/self/maps") if line.split()[-1].endswith("/" + name))
"""
# Loads one copy more than the preload can handle, then unloads the third copy.
NINE = LOOK + """
libraries = [ctypes.CDLL(path) for path in sys.argv[1:]]
first, again = [[ping(each) for each in libraries] for _ in range(2)]
_ctypes.dlclose(libraries.pop(2)._handle)
print(json.dumps([first, again, [ping(each) for each in reversed(libraries)][::-1]]))
"""
# Loads and unloads two copies in turn, so that they reuse each other's address. After every fourth turn, other memory
# is mapped and stays mapped, so the next copy gets another address.
RELOAD = LOOK + """
import mmap
found, held = [], []
for turn in range(40):
    number = 1 + turn % 2
    library = ctypes.CDLL(sys.argv[number])
    found.append([number, ping(library), place(f"{number}.so")])
    _ctypes.dlclose(library._handle)
    if turn % 4 == 3:
        held.append(mmap.mmap(-1, 4 * mmap.PAGESIZE))
print(json.dumps(found))
"""
GLOBAL = LOOK + """
copies = [ctypes.CDLL(sys.argv[1]), ctypes.CDLL(sys.argv[2], ctypes.RTLD_GLOBAL)]
print(json.dumps(ping(ctypes.CDLL(None))))
"""
# Loads one copy twice: into the program's namespace and into a namespace of its own.
TWICE = LOOK + """
ours = ctypes.CDLL(sys.argv[1])
dlmopen = ctypes.CDLL(None).dlmopen
dlmopen.restype, dlmopen.argtypes = ctypes.c_void_p, (ctypes.c_long, ctypes.c_char_p, ctypes.c_int)
theirs = ctypes.CDLL(sys.argv[1], handle=dlmopen(-1, sys.argv[1].encode(), 2))
print(json.dumps([ping(each) + [ctypes.addressof(ctypes.c_char.in_dll(each, "PQconninfo"))] for each in (ours, theirs)]))
"""
OWN_NAME = """
print(ctypes.c_char.in_dll(ctypes.CDLL(None), "own_name").value.decode())
"""


# The command that runs programs of another processor. Its last word is the directory with the system of that processor.
EMULATOR = os.environ.get("RIA_EMULATOR", "").split()
SYSTEM = pathlib.Path(EMULATOR[-1] if EMULATOR else "/")


def run(argv, *preloads, **env):
    """Runs a program with these libraries preloaded, in this order. The emulator itself runs without them."""
    variable = f"LD_PRELOAD={':'.join(str(p) for p in preloads)}"
    under = [*EMULATOR, "-E", variable] if EMULATOR else ["env", variable]
    program = pathlib.Path(shutil.which(argv[0]))
    if not program.is_relative_to(PROGRAMS):
        program = SYSTEM / program.relative_to("/")
    return harness.run([*under, program, *argv[1:]], env={"PATH": "/usr/bin:/bin", **env})


class LookupCase(unittest.TestCase):
    def setUp(self):
        self.ours = ways.preload()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="copies-", dir=harness.WORK))
        self.addCleanup(shutil.rmtree, self.directory)

    def copies(self, count):
        """Makes distinct copies of libpq's stand-in. PQping() of each copy returns the number in its file name."""
        paths = [self.directory / f"{number}.so" for number in range(1, count + 1)]
        for path in paths:
            shutil.copy(PROGRAMS / "copy.so", path)
        return paths

    def python(self, script, *arguments, preloads=None, **env):
        result = run([PYTHON, "-c", script, *arguments], *([self.ours] if preloads is None else preloads), **env)
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
        return result.stdout


class Callers(LookupCase):
    """Lookups with RTLD_NEXT, RTLD_DEFAULT and a handle, by preloaded libraries and by a library that is loaded
    later."""

    def lookups(self, *preloads):
        return self.python(LOAD, PROGRAMS / "lookups_module.so", preloads=preloads)

    def test_the_preload_changes_no_result(self):
        first, second = PROGRAMS / "lookups_first.so", PROGRAMS / "lookups_second.so"
        plain = self.lookups(first, second)
        for line in ("first: next everywhere: lookups_second.so, no error, then no error",
                     "second: default everywhere: lookups_first.so, no error, then no error",
                     "module: default only_module: lookups_module.so, no error, then no error",
                     "second: next malloc: libc.so.6, no error, then no error"):
            self.assertIn(line + "\n", plain)
        self.assertRegex(plain, "second: next everywhere: nothing, .*lookups_second.so: undefined symbol: everywhere, ")
        for order in ((self.ours, first, second), (first, self.ours, second), (first, second, self.ours)):
            with self.subTest(order=[p.name for p in order]):
                self.assertEqual(self.lookups(*order), plain)

    def test_control_a_simple_dlsym_wrapper_changes_results(self):
        first, second = PROGRAMS / "lookups_first.so", PROGRAMS / "lookups_second.so"
        plain = self.lookups(first, second)
        wrapped = self.lookups(first, second, PROGRAMS / "wrapped_dlsym.so")
        self.assertNotEqual(wrapped, plain)
        self.assertRegex(wrapped, "first: next everywhere: nothing, ")


class Copies(LookupCase):
    def test_eight_copies_and_one_more(self):
        paths = self.copies(COPIES_MAX + 1)
        first, again, later = json.loads(self.python(NINE, *paths))
        self.assertEqual([number for number, *_ in first], list(range(1, 10)))
        self.assertEqual([owner for _, owner, _ in first], [self.ours.name] * COPIES_MAX + ["9.so"])
        self.assertEqual(len({address for *_, address in first}), 9)
        self.assertEqual(again, first)
        # The third copy was unloaded, and the ninth copy then got the number that the preload had given to the third.
        self.assertEqual([number for number, *_ in later], [1, 2, 4, 5, 6, 7, 8, 9])
        self.assertEqual(later[:-1], first[:2] + first[3:8])
        self.assertEqual(later[-1][1:], first[2][1:])

    def test_a_copy_at_the_address_of_an_unloaded_copy(self):
        found = json.loads(self.python(RELOAD, *self.copies(2)))
        self.assertEqual([number for number, _, _ in found], [answer[0] for _, answer, _ in found])
        self.assertEqual({answer[1] for _, answer, _ in found}, {self.ours.name})
        places = {number: {at for n, _, at in found if n == number} for number in (1, 2)}
        self.assertTrue(places[1] & places[2], "control: both copies were at one address")
        self.assertGreater(len(places[1]), COPIES_MAX, "control: more addresses than the preload has numbers")

    def test_the_main_programs_handle_finds_the_global_copy(self):
        number, owner, _ = json.loads(self.python(GLOBAL, *self.copies(2)))
        self.assertEqual((number, owner), (2, self.ours.name))
        plain = json.loads(self.python(GLOBAL, *self.copies(2), preloads=[]))
        self.assertEqual(plain[:2], [2, "2.so"])

    def test_a_function_of_that_name_outside_libpq_is_not_replaced(self):
        path = self.directory / "7.so"
        done = harness.run([os.environ.get("RIA_COMPILER", "gcc"), "-shared", "-fPIC", "-x", "c", "-", "-o", path],
                           stdin="unsigned PQping(const char *conninfo) { (void)conninfo; return 7; }\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(self.python(LOOK + "print(json.dumps(ping(ctypes.CDLL(sys.argv[1]))))", path))
        self.assertEqual(answer[:2], [7, "7.so"])

    def test_a_copy_in_another_namespace_is_not_replaced(self):
        """The preload could not forward a call to such a copy."""
        ours, theirs = json.loads(self.python(TWICE, *self.copies(1)))
        self.assertNotEqual(ours[3], theirs[3], "control: there are two copies")
        self.assertEqual([ours[:2], theirs[:2]], [[1, self.ours.name], [1, "1.so"]])

    def test_threads_and_child_processes(self):
        paths = self.copies(COPIES_MAX + 2)
        for preloads in ([], [self.ours]):
            with self.subTest(preloads=preloads):
                result = run([PROGRAMS / "copies_at_once", *paths], *preloads)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertRegex(result.stdout, "^right [0-9]+\n$")


class OtherPreloads(LookupCase):
    """Other preloaded libraries, before and after rds-iam's preload."""

    def both_orders(self, other):
        for preloads in ((self.ours, other), (other, self.ours)):
            with self.subTest(order=[pathlib.Path(p).name for p in preloads]):
                yield preloads

    def test_a_library_with_its_own_dlsym(self):
        """If LD_PRELOAD lists the library after the preload, the preload calls the library's dlsym(). If LD_PRELOAD
        lists the library first, the library calls libc's dlsym(), and the preload is not involved."""
        wrapper = PROGRAMS / "wrapped_dlsym.so"
        script = LOOK + OWN_NAME + "print(json.dumps(ping(ctypes.CDLL(sys.argv[1]))[:2]))"
        path, = self.copies(1)
        for preloads, owner in (((self.ours, wrapper), self.ours.name), ((wrapper, self.ours), "1.so")):
            lines = self.python(script, path, preloads=preloads).splitlines()
            self.assertEqual(set(lines[:-2]), {"asked for PQping"})
            self.assertEqual(lines[-2:], ["f", json.dumps([1, owner])])

    def test_libfaketime(self):
        library, = SYSTEM.glob("usr/lib/*/faketime/libfaketime.so.1")
        for preloads in self.both_orders(library):
            result = run([PYTHON, "-c", "import time; print(time.strftime('%Y-%m-%d'))"], *preloads,
                         FAKETIME="2020-02-29 12:00:00")
            self.assertEqual(result.stdout, "2020-02-29\n", result.stderr)

    def test_allocators_that_call_dlsym_at_the_start(self):
        path, = self.copies(1)
        script = LOOK + "print(json.dumps(ping(ctypes.CDLL(sys.argv[1]))[:2] + [place(sys.argv[2]) > 0]))"
        for name in ("libjemalloc.so.2", "libtcmalloc_minimal.so.4"):
            library, = SYSTEM.glob(f"usr/lib/*/{name}")
            library = library.resolve()
            for preloads in self.both_orders(library):
                found = json.loads(self.python(script, path, library.name, preloads=preloads))
                self.assertEqual(found, [1, self.ours.name, True])


if __name__ == "__main__":
    harness.main()
