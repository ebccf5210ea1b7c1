# SPDX-License-Identifier: MIT
"""dlsym() under the preload: which copy of libpq a looked-up function stands for, and that every other
lookup finds what it found without it. Nobody logs in: small objects stand for libpq, and
test_preload_libpq.py has real ones."""
import json
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
# ping(library): what its PQping() says, where that function lies, and its address. ctypes looks a name
# up anew each time that it is asked for by an index.
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
# Loads one copy more than there is room for, and unloads the third.
NINE = LOOK + """
libraries = [ctypes.CDLL(path) for path in sys.argv[1:]]
first, again = [[ping(each) for each in libraries] for _ in range(2)]
_ctypes.dlclose(libraries.pop(2)._handle)
print(json.dumps([first, again, [ping(each) for each in reversed(libraries)][::-1]]))
"""
# Two copies come and go, and lie where the other lay; from time to time something else lies there.
RELOAD = LOOK + """
import mmap
said, held = [], []
for turn in range(40):
    number = 1 + turn % 2
    library = ctypes.CDLL(sys.argv[number])
    said.append([number, ping(library), place(f"{number}.so")])
    _ctypes.dlclose(library._handle)
    if turn % 4 == 3:
        held.append(mmap.mmap(-1, 4 * mmap.PAGESIZE))
print(json.dumps(said))
"""
GLOBAL = LOOK + """
copies = [ctypes.CDLL(sys.argv[1]), ctypes.CDLL(sys.argv[2], ctypes.RTLD_GLOBAL)]
print(json.dumps(ping(ctypes.CDLL(None))))
"""
# One copy twice: as everybody's, and in a namespace of its own.
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


def run(argv, *preloads, **env):
    """A program under these objects, in this order."""
    return harness.run(argv, env={"PATH": "/usr/bin:/bin", "LD_PRELOAD": ":".join(str(p) for p in preloads), **env})


class LookupCase(unittest.TestCase):
    def setUp(self):
        self.ours = ways.preload()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="copies-", dir=harness.WORK))
        self.addCleanup(shutil.rmtree, self.directory)

    def copies(self, count):
        """Files that are distinct copies of libpq, by the numbers that they answer a ping with."""
        paths = [self.directory / f"{number}.so" for number in range(1, count + 1)]
        for path in paths:
            shutil.copy(PROGRAMS / "copy.so", path)
        return paths

    def python(self, script, *arguments, preloads=None, **env):
        result = run([PYTHON, "-c", script, *arguments], *([self.ours] if preloads is None else preloads), **env)
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
        return result.stdout


class WhoAsks(LookupCase):
    """RTLD_NEXT and RTLD_DEFAULT, from objects that are preloaded and from one that is loaded later."""

    def answers(self, *preloads):
        return self.python(LOAD, PROGRAMS / "lookups_module.so", preloads=preloads)

    def test_each_finds_what_it_finds_without_us(self):
        first, second = PROGRAMS / "lookups_first.so", PROGRAMS / "lookups_second.so"
        plain = self.answers(first, second)
        for line in ("first: next everywhere: lookups_second.so, no error, then no error",
                     "second: default everywhere: lookups_first.so, no error, then no error",
                     "module: default only_module: lookups_module.so, no error, then no error",
                     "second: next malloc: libc.so.6, no error, then no error"):
            self.assertIn(line + "\n", plain)
        self.assertRegex(plain, "second: next everywhere: nothing, .*lookups_second.so: undefined symbol: everywhere, ")
        for order in ((self.ours, first, second), (first, self.ours, second), (first, second, self.ours)):
            with self.subTest(order=[p.name for p in order]):
                self.assertEqual(self.answers(*order), plain)

    def test_control_a_call_on_top_of_the_callers_is_found(self):
        first, second = PROGRAMS / "lookups_first.so", PROGRAMS / "lookups_second.so"
        plain = self.answers(first, second)
        wrapped = self.answers(first, second, PROGRAMS / "wrapped_dlsym.so")
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
        # The third is gone, and the ninth has its place.
        self.assertEqual([number for number, *_ in later], [1, 2, 4, 5, 6, 7, 8, 9])
        self.assertEqual(later[:-1], first[:2] + first[3:8])
        self.assertEqual(later[-1][1:], first[2][1:])

    def test_a_copy_lies_where_another_lay(self):
        said = json.loads(self.python(RELOAD, *self.copies(2)))
        self.assertEqual([number for number, _, _ in said], [answer[0] for _, answer, _ in said])
        self.assertEqual({answer[1] for _, answer, _ in said}, {self.ours.name})
        places = {number: {at for n, _, at in said if n == number} for number in (1, 2)}
        self.assertTrue(places[1] & places[2], "control: one took the other's place")
        self.assertGreater(len(places[1]), COPIES_MAX, "control: more places than there are numbers")

    def test_the_programs_own_handle_finds_the_copy_that_all_see(self):
        number, owner, _ = json.loads(self.python(GLOBAL, *self.copies(2)))
        self.assertEqual((number, owner), (2, self.ours.name))
        plain = json.loads(self.python(GLOBAL, *self.copies(2), preloads=[]))
        self.assertEqual(plain[:2], [2, "2.so"])

    def test_a_function_of_that_name_in_no_libpq_is_left_alone(self):
        path = self.directory / "7.so"
        done = harness.run(["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", path],
                           stdin="unsigned PQping(const char *conninfo) { (void)conninfo; return 7; }\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(self.python(LOOK + "print(json.dumps(ping(ctypes.CDLL(sys.argv[1]))))", path))
        self.assertEqual(answer[:2], [7, "7.so"])

    def test_a_copy_in_a_namespace_of_its_own_is_left_alone(self):
        """No call that begins with its address could be brought to it."""
        ours, theirs = json.loads(self.python(TWICE, *self.copies(1)))
        self.assertNotEqual(ours[3], theirs[3], "control: there are two")
        self.assertEqual([ours[:2], theirs[:2]], [[1, self.ours.name], [1, "1.so"]])

    def test_threads_and_children_at_once(self):
        paths = self.copies(COPIES_MAX + 2)
        for preloads in ([], [self.ours]):
            with self.subTest(preloads=preloads):
                result = run([PROGRAMS / "copies_at_once", *paths], *preloads)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertRegex(result.stdout, "^right [0-9]+\n$")


class Others(LookupCase):
    """Objects that are preloaded too, before us and behind us."""

    def both_orders(self, other):
        for preloads in ((self.ours, other), (other, self.ours)):
            with self.subTest(order=[pathlib.Path(p).name for p in preloads]):
                yield preloads

    def test_a_dlsym_of_its_own(self):
        """Behind us it is asked by us. Before us it finds libc's, and we are not asked."""
        wrapper = PROGRAMS / "wrapped_dlsym.so"
        script = LOOK + OWN_NAME + "print(json.dumps(ping(ctypes.CDLL(sys.argv[1]))[:2]))"
        path, = self.copies(1)
        for preloads, owner in (((self.ours, wrapper), self.ours.name), ((wrapper, self.ours), "1.so")):
            lines = self.python(script, path, preloads=preloads).splitlines()
            self.assertEqual(set(lines[:-2]), {"asked for PQping"})
            self.assertEqual(lines[-2:], ["f", json.dumps([1, owner])])

    def test_a_clock_that_stands_still(self):
        library, = pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
        for preloads in self.both_orders(library):
            result = run(["date", "+%Y-%m-%d"], *preloads, FAKETIME="2020-02-29 12:00:00")
            self.assertEqual(result.stdout, "2020-02-29\n", result.stderr)

    def test_allocators_that_look_up_before_all_else(self):
        path, = self.copies(1)
        script = LOOK + "print(json.dumps(ping(ctypes.CDLL(sys.argv[1]))[:2] + [place(sys.argv[2]) > 0]))"
        for name in ("libjemalloc.so.2", "libtcmalloc_minimal.so.4"):
            library, = pathlib.Path("/usr/lib").glob(f"*/{name}")
            library = library.resolve()
            for preloads in self.both_orders(library):
                said = json.loads(self.python(script, path, library.name, preloads=preloads))
                self.assertEqual(said, [1, self.ours.name, True])


if __name__ == "__main__":
    harness.main()
