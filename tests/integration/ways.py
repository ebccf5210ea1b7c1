# SPDX-License-Identifier: MIT
"""Every function of libpq that begins or resets a connection, through copies of libpq of any version.

A Copies object has one version of libpq in three forms: unchanged, under another name together with a
module of its own (as in Python wheels), and bound to itself (as builds with -Bsymbolic-functions are). A
case is a function of libpq, a form of connection string, and how the function is reached. src/ways.c runs
a case. The expected results are in the tests.

A test can shorten the life of the lab's tokens to TOKEN_LIFE seconds. On a busy machine, a login can take longer. If
this is the only reason why tokens had expired (were_late()), each refused case runs again, alone.
"""
import os
import pathlib
import shutil
import struct
import subprocess
import time
from typing import NamedTuple

import harness
from labcase import USER

PROGRAMS = harness.BUILD / "tests" / "integration" / "src"
SOURCE = pathlib.Path(__file__).resolve().parent / "src" / "ways.c"
CONNECTS = ("connectdb", "params", "start", "startparams", "setdb")
RESETS = ("reset", "resetstart")
# How libpq is reached: which copy, and whether its functions are looked up with dlsym(), as ctypes does.
REACHES = ("linked", "private", "symbolic", "dlsym", "private_dlsym", "symbolic_dlsym")
TOGETHER = 12
TIMEOUT_SECONDS = 120
TOKEN_LIFE = 2
SHARED_SECONDS = 1  # all clients that open a passfile within a second get the same token
REFUSED = "PAM authentication failed"

DT_NULL, DT_SYMBOLIC, PT_DYNAMIC = 0, 16, 2

# One process with a driver that uses the system's libpq and a module that has its own copy.
TWO_COPIES = """
import ctypes, sys
driver = __import__(sys.argv[3])
module = ctypes.CDLL(sys.argv[1])
def own():
    cursor = driver.connect("").cursor()
    cursor.execute("select current_user")
    print("ok", cursor.fetchone()[0], flush=True)
def other():
    words = [b"ways", sys.argv[2].encode(), b"connectdb", b"application_name=other"]
    module.ways(len(words), (ctypes.c_char_p * 5)(*words, None))
    ctypes.CDLL(None).fflush(None)
for turn in (own, other, own, other):
    turn()
print([line.split("/")[-1].strip() for line in open("/proc/self/maps") if "libpq.so" in line])
"""
THREADS = """
import os, socket, threading, psycopg2
# libnss_wrapper reads its files at the first lookup, and the first lookup is not thread-safe.
socket.getaddrinfo(os.environ["PGHOST"], None)
names = []
def connect():
    cursor = psycopg2.connect("").cursor()
    cursor.execute("select current_user")
    names.append(cursor.fetchone()[0])
threads = [threading.Thread(target=connect) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(*names, sep="\\n")
"""


def preload():
    return harness.installed("lib*/**/rds-iam/librds-iam-pq.so")


class Case(NamedTuple):
    reach: str
    way: str
    form: str

    def __str__(self):
        return " ".join(self)


def forms(home, lab):
    """Returns connection strings by name, each with the environment variables that it needs. The service
    entry's passfile is in a directory like the agent's, but no agent runs."""
    passfile = home.path / "rds-iam" / "run" / "prod"
    settings = {"port": lab.pg.port, "user": USER, "dbname": lab.database_name, "sslmode": "verify-full",
                "sslrootcert": lab.ca_file}
    entry = {"host": lab.pg.host, **settings, "passfile": passfile}
    services = home.write(".pg_service.conf", "[prod]\n" + "".join(f"{k}={v}\n" for k, v in entry.items()))
    # libpq 10 to 14 ignore HOME when they look for ~/.pg_service.conf.
    named = {"PGSERVICEFILE": str(services)}
    words = " ".join(f"{k}={v}" for k, v in settings.items())
    ports = words.replace(f"port={lab.pg.port}", f"port=1,{lab.pg.port}")
    return {
        "entry": ("service=prod", named),
        "uri_service": ("postgresql:///?service=prod", named),
        "pgservice": ("", {**named, "PGSERVICE": "prod"}),
        "fields": (f"host={lab.pg.host} {words}", {}),
        "multi_host": (f"host={lab.pg.host},{lab.pg.host} {ports}", {}),
        "hostaddr": (f"host={lab.pg.host} hostaddr=127.0.0.1 {words}", {}),
    }  # fmt: skip


SERVICE_FORMS = ("entry", "uri_service", "pgservice")


class Copies:
    """A libpq file, and the copies that are made of it in a directory. If the system lacks the libraries that
    the file needs, the file's own directory contains them."""

    def __init__(self, library, directory):
        self.library = pathlib.Path(library).resolve()
        self.directory = pathlib.Path(directory)
        for name in ("stock", "symbolic", "private"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        stock = self.library.read_bytes()
        (self.directory / "stock" / "libpq.so.5").write_bytes(stock)
        (self.directory / "symbolic" / "libpq.so.5").write_bytes(bound_to_itself(stock))
        private = self.directory / "private" / "libpq.so.9"
        private.write_bytes(stock.replace(b"libpq.so.5\0", b"libpq.so.9\0"))
        self.module = self.directory / "private" / "module.so"
        done = harness.run(
            ["gcc", "-shared", "-fPIC", "-I/usr/include/postgresql", "-DWAYS_MODULE",
             f'-DWAYS_LIBPQ="{private.name}"', SOURCE, private,
             "-Wl,-z,now", f"-Wl,-rpath,{private.parent}", "-o", self.module,
             "-Wl,--allow-shlib-undefined"])
        assert done.returncode == 0, done.stderr

    def command(self, case, conninfo, deep=False):
        lookup = "dlsym" if case.reach.endswith("dlsym") else "linked"
        program = [PROGRAMS / "ways"]
        if case.reach.startswith("private"):
            program = [PROGRAMS / "ways_in_module", self.module, "deepbind" if deep else "local"]
        return [*program, lookup, case.way, conninfo]

    def env(self, case):
        kind = "symbolic" if case.reach.startswith("symbolic") else "stock"
        places = [self.directory / kind]
        if not str(self.library).startswith("/usr/lib"):
            places.append(self.library.parent)
        return {"LD_LIBRARY_PATH": ":".join(str(p) for p in places)}

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)


def bound_to_itself(data):
    """Returns the library with DT_SYMBOLIC in one of the spare entries of its dynamic section."""
    data = bytearray(data)
    at, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for i in range(count):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", data, at + i * size)
        if kind != PT_DYNAMIC:
            continue
        tags = [struct.unpack_from("<Q", data, offset + j)[0] for j in range(0, length, 16)]
        end = tags.index(DT_NULL)
        assert end + 1 < len(tags), "no spare entry in the dynamic section"
        struct.pack_into("<QQ", data, offset + 16 * end, DT_SYMBOLIC, 0)
        return bytes(data)
    raise ValueError("no dynamic section")


class Run:
    """One case as a running program."""

    def __init__(self, case, copies, home, form, env, principal="etl", deep=False):
        conninfo, named = form
        argv = copies.command(case, conninfo, deep)
        self.case = case
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *(str(a) for a in argv)],
            env=home.env(principal, **{**copies.env(case), **named, **env}), cwd=home.path,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.has_connected = None

    def await_connected(self):
        line = self.process.stdout.readline()
        self.has_connected = line == "connected\n"
        return line

    def end(self):
        """Lets the program finish. Returns the rest of its output."""
        try:
            return self.process.communicate("\n", timeout=TIMEOUT_SECONDS)[0].strip()
        finally:
            self.process.kill()


def with_preload(**extra):
    return {"LD_PRELOAD": f"libnss_wrapper.so:{preload()}", "RDS_IAM_LOG": "warning", **extra}


def run_connects(cases, copies, home, lab, env, form_of=None, principal="etl"):
    """Runs at most TOGETHER cases at the same time. Returns [(case, output)]. form_of replaces the result of
    forms()."""
    form_of = form_of or forms(home, lab)
    cases = list(cases)

    def run(some):
        moments = [time.time()]
        runs = [Run(c, copies, home, form_of[c.form], env, principal) for c in some]
        return [(run.case, run.end()) for run in runs], moments

    results = []
    for start in range(0, len(cases), TOGETHER):
        results += _with_late_ones_again(run, cases[start : start + TOGETHER], lab)
    return results


def run_resets(cases, copies, home, lab, env):
    """Runs cases that reset a connection: all of them connect, then their tokens expire, then all of them reset.
    Returns [(case, output)]."""
    form_of = forms(home, lab)

    def run(some):
        moments = [time.time()]
        runs = [Run(c, copies, home, form_of[c.form], env) for c in some]
        first = [run.await_connected() for run in runs]
        if lab.life is None:
            lab.expire_tokens()
        else:
            lab.await_token_end()
        moments.append(time.time())
        # libpq's message about a list of hosts has one line for each host, so `line` may be only its first line.
        return [(run.case, run.end() if run.has_connected else line + run.end()) for run, line in zip(runs, first)], moments

    return _with_late_ones_again(run, cases, lab)


def _with_late_ones_again(run, cases, lab):
    """Returns the results of run(cases). If tokens had expired only because the machine was too slow (were_late()),
    each refused case runs again, alone. run() returns the results, and the `moments` for were_late()."""
    seen = len(lab.journal())
    results, moments = run(cases)
    if not were_late(lab, lab.journal()[seen:], moments):
        return results
    return [run([case])[0][0] if REFUSED in text else (case, text) for case, text in results]


def were_late(lab, verdicts, moments):
    """Returns whether tokens had expired, but only because the machine was too slow: the life of tokens is shortened,
    and each expired token was made for its login, but reached the server too late. `moments` are the times at which
    groups of logins began. A token was made for its login if it was signed in or after the second in which the login's
    group began, or at most SHARED_SECONDS before that second. If all were late, prints how many they were."""
    ended = [v for v in verdicts if v["reason"] == "Expired"]
    if lab.life is None or not ended:
        return False
    for verdict in ended:
        moment = max(m for m in moments if m < verdict["time"])
        if verdict["signed_at"] < int(moment) - SHARED_SECONDS:
            return False
    took = max(v["time"] - v["signed_at"] for v in ended)
    print(f"# {len(ended)} of {len(verdicts)} logins took up to {took:.1f} s, and tokens live {lab.life} s: "
          "running again")
    return True


def debian_libpq():
    found = sorted(pathlib.Path("/usr/lib").glob("*/libpq.so.5"))
    return pathlib.Path(os.path.realpath(found[0]))
