# SPDX-License-Identifier: MIT
"""The preload fails closed: if it cannot determine what a connection would send, no connection begins. The program
gets a handle that fails with the reason, or, from PQconnectStart(), NULL if there was no memory for a handle. In this
file, libpq is too old, libpq misbehaves (for example, as if its memory were exhausted), or a part of rds-iam is
missing or has another version. If only a passfile cannot be read completely, the connection begins, but an
unverified server gets no password of the passfile. test_preload_memory.py really exhausts the memory.

Unless a test gives the peer a certificate, the peer has no TLS, so a token that it receives is a leak."""
import re
import tempfile

from closed import OLD, UNASKED, UNKNOWN, ClosedCase, harness, ways
from labcase import USER
from postgresql_peer import PostgreSQLPeer
import traces

SOURCE = harness.SOURCE / "tests/integration/src"
NO_ATTEMPT = "ping 3\n"
DIFFERS = "m.so: its version differs from that of librds-iam-pq.so; reinstall rds-iam"

# Calls the four connection functions that bare_libpq.so has, each with the token as its password, and prints what
# they return.
CALLS = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
token = sys.argv[2].encode()
print(library["PQconnectdb"](b"host=x password=" + token), flush=True)
print(library["PQconnectStart"](b"host=x password=" + token), flush=True)
print(library["PQsetdbLogin"](b"x", None, None, None, b"shop", b"u", token), flush=True)
print(library["PQping"](b"host=x password=" + token), flush=True)
"""


class Misbehaving(ClosedCase):
    """Programs load a library that is built from src/odd_libpq.c as libpq.so.5. It passes their calls to Debian's
    libpq, except for one fault, which the environment variable ODD names."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.copies = ways.Copies(ways.debian_libpq(), tempfile.mkdtemp(prefix="libpq-", dir=harness.WORK))
        cls.addClassCleanup(cls.copies.remove)
        cls.directory = cls.copies.directory / "odd"
        cls.directory.mkdir()
        private = cls.copies.directory / "private" / "libpq.so.9"
        done = harness.run(
            ["gcc", "-shared", "-fPIC", "-Wl,--no-as-needed", SOURCE / "odd_libpq.c", private,
             f"-Wl,-rpath,{private.parent}", "-Wl,-soname,libpq.so.5", "-Wl,--allow-shlib-undefined", "-o",
             cls.directory / "libpq.so.5"])
        assert done.returncode == 0, done.stderr

    def run_way(self, way, conninfo, odd, preloaded=True, **extra):
        """Runs src/ways.c, which calls one function of libpq, with the preload or without it."""
        env = {"ODD": odd, "LD_LIBRARY_PATH": str(self.directory), **(ways.with_preload() if preloaded else {})}
        return self.home.run([ways.PROGRAMS / "ways", "linked", way, conninfo], None, **{**env, **extra})

    def test_no_token_is_sent_and_the_handle_reports_why(self):
        for odd, why in (("old_version", OLD), ("conninfo_returns_null", UNKNOWN),
                         ("start_returns_null", UNKNOWN), ("accepts_invalid_settings", UNKNOWN)):
            for way in ways.CONNECTS:
                for kind, extra in self.given().items():
                    with self.subTest(odd=odd, way=way, kind=kind), PostgreSQLPeer(None) as peer:
                        result = self.run_way(way, self.conninfo(peer), odd, **extra)
                        # With start_returns_null, PQconnectStart() returns NULL, so there is no error message.
                        message = "" if odd == "start_returns_null" and way.startswith("start") else why
                        self.assertEqual(result.stdout.startswith("failed: "), True, result.stdout)
                        self.assertIn(message, result.stdout)
                        self.assertIn("rds-iam: warning: not connected: ", result.stderr)
                        self.assert_nothing(peer)

    def test_a_ping_sends_no_token(self):
        for odd in ("old_version", "conninfo_returns_null", "start_returns_null", "accepts_invalid_settings"):
            for way in ("ping", "pingparams"):
                with self.subTest(odd=odd, way=way), PostgreSQLPeer(None) as peer:
                    result = self.run_way(way, self.conninfo(peer), odd, PGPASSWORD=self.token)
                    self.assertEqual(result.stdout, NO_ATTEMPT)
                    self.assert_nothing(peer)

    def test_with_an_old_libpq_a_verified_server_gets_no_token(self):
        with PostgreSQLPeer(self.lab.certificates.server) as peer:
            result = self.run_way("connectdb", self.conninfo(peer, "verify-full"), "old_version",
                                  PGPASSWORD=self.token)
            self.assertIn(OLD, result.stdout)
            self.assert_nothing(peer)

    def test_control_without_the_preload_the_token_is_sent(self):
        for odd in ("old_version", "conninfo_returns_null"):
            for kind, extra in self.given().items():
                with self.subTest(odd=odd, kind=kind), PostgreSQLPeer(None) as peer:
                    self.run_way("connectdb", self.conninfo(peer), odd, preloaded=False, **extra)
                    self.assert_token(peer)

    def test_control_without_a_fault_only_a_verified_server_gets_the_token(self):
        with PostgreSQLPeer(None) as peer:
            result = self.run_way("connectdb", self.conninfo(peer), "none", PGPASSWORD=self.token)
            self.assertIn("the token that was given as the password is not sent", result.stderr)
            self.assert_nothing(peer)
        with PostgreSQLPeer(self.lab.certificates.server) as peer:
            self.run_way("connectdb", self.conninfo(peer, "verify-full"), "none", PGPASSWORD=self.token)
            self.assert_token(peer)

    def test_a_library_with_only_the_connect_functions(self):
        library = ways.PROGRAMS / "bare_libpq.so"
        argv = ["/usr/bin/python3", "-c", CALLS, library, self.token]
        result = self.home.run(argv, None, **ways.with_preload())
        begun = [line for line in result.stdout.splitlines() if line.startswith("begun")]
        refused = f"begun: sslmode='{OLD}'"
        self.assertEqual(begun, [refused, refused, refused + " without a password"], result.stderr)
        self.assertEqual(result.stdout.splitlines()[-1], "3")
        self.assertEqual(traces.find(result.stdout), [])
        control = self.home.run(argv, None)
        self.assertEqual(control.stdout.count(self.token), 4, "control: without the preload each call uses the token")


class Refused(ClosedCase):
    """If libpq rejects the program's arguments, the preload does not change libpq's message."""

    def test_the_message_is_the_same_with_the_preload(self):
        for way in ways.CONNECTS:
            for conninfo in ("service=nowhere", "host=x port=1,2", "nonsense=1", "sslmode=nonsense", "port=5432 =",
                             "host=x target_session_attrs=nonsense", "postgresql://[", "host=x channel_binding=x"):
                with self.subTest(way=way, conninfo=conninfo):
                    argv = [ways.PROGRAMS / "ways", "linked", way, conninfo]
                    preloaded = self.home.run(argv, None, **ways.with_preload(PGPASSWORD=self.token))
                    bare = self.home.run(argv, None, PGPASSWORD=self.token)
                    self.assertEqual((preloaded.stdout, preloaded.returncode), (bare.stdout, bare.returncode))
                    self.assertTrue(bare.stdout.startswith("failed: "))


class Module(ClosedCase):
    """The token module, rds-iam-pq-token.so, is missing, so the preload cannot query it. Some connections need no
    query."""

    def without_module(self):
        path = self.home.path / "librds-iam-pq.so"
        path.write_bytes(ways.preload().read_bytes().replace(b"rds-iam-pq-token.so", b"rds-iam-pq-ghost.so"))
        return {"LD_PRELOAD": f"libnss_wrapper.so:{path}", "RDS_IAM_LOG": "warning"}

    def psql(self, conninfo, **extra):
        return self.home.run(["psql", "-wXc", "select 1", conninfo], None, **{**self.without_module(), **extra})

    def test_no_token_is_sent(self):
        for sslmode in ("disable", "prefer", "require", "verify-ca"):
            for kind, extra in self.given().items():
                with self.subTest(sslmode=sslmode, kind=kind), PostgreSQLPeer(None) as peer:
                    result = self.psql(self.conninfo(peer, sslmode), **extra)
                    self.assertIn(UNASKED, result.stderr)
                    self.assertEqual(peer.connections, 0)

    def test_no_token_is_sent_to_a_unix_socket_alone_or_in_a_list(self):
        directory = self.home.path / "s"
        directory.mkdir()
        for hosts in (f"{directory}", f"{directory},{self.lab.pg.host}"):
            for kind, extra in self.given().items():
                with self.subTest(hosts=hosts, kind=kind):
                    with PostgreSQLPeer(None, f"{directory}/.s.PGSQL.5432") as peer:
                        result = self.psql(f"host={hosts} port=5432 user={USER} sslmode=verify-full", **extra)
                        self.assertIn(UNASKED, result.stderr)
                        self.assertEqual(peer.connections, 0)

    def test_connections_that_need_no_query_work(self):
        for sslmode, given, sent in (
                ("verify-full", {"PGPASSWORD": self.token}, self.token), ("prefer", {"PGPASSWORD": "word"}, "word"),
                ("verify-full", {"PGPASSFILE": self.passfile()}, self.token), ("prefer", {}, None)):
            certificate = self.lab.certificates.server if sslmode == "verify-full" else None
            with self.subTest(sslmode=sslmode, given=list(given)), PostgreSQLPeer(certificate) as peer:
                result = self.psql(self.conninfo(peer, sslmode), **given)
                self.assertEqual(peer.connections, 1, result.stderr)
                sent_now = [data.rstrip(b"\0").decode() for _, data in peer.answers if data.strip(b"\0")]
                self.assertEqual(sent_now, [sent] if sent else [])


class Versions(ClosedCase):
    """The preload and the token module each contain a version number. Each rejects the other if the numbers differ."""

    # A module that replaces the real one. The version in its function table is the real version plus OFFSET. With
    # REFUSES, the module returns no function table.
    REPLACEMENT = """
#include "preload/module.h"
#include <unistd.h>
static void prepare(void) {}
static void make_passfile(const struct ria_pq_target *target, const char *given, struct ria_pq_passfile *out)
{
    (void)!write(2, "the replacement module was called\\n", 34);
    *out = (struct ria_pq_passfile){.fd = target == NULL || given != NULL ? 0 : -1};
}
const struct ria_pq_module *ria_pq_module_for_version(unsigned version)
{
    static const struct ria_pq_module module = {
        .version = RIA_PQ_MODULE_VERSION + (OFFSET), .prepare = prepare, .make_passfile = make_passfile};
    return REFUSES || version != RIA_PQ_MODULE_VERSION ? NULL : &module;
}
"""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        header = (harness.SOURCE / "pg_plugin/preload/module.h").read_text(encoding="utf-8")
        cls.version = int(re.search(r"RIA_PQ_MODULE_VERSION = (\d+)", header).group(1))

    def with_module(self, text, *macros):
        """Compiles the C source `text` as a token module. Returns an environment with a preload that loads this
        module."""
        real = str(ways.preload().parent / "rds-iam-pq-token.so")
        # The path of this module overwrites the path of the real module in the preload, so both must have the same
        # length.
        path = self.home.path / ("m" * (len(real) - len(str(self.home.path)) - 4) + ".so")
        self.assertEqual(len(str(path)), len(real))
        done = harness.run(
            ["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-Wl,-z,nodelete",
             f"-I{harness.SOURCE}/common", f"-I{harness.SOURCE}/pg_plugin", *macros, "-x", "c", "-", "-o", path],
            stdin=text)
        assert done.returncode == 0, done.stderr
        preload = self.home.path / "librds-iam-pq.so"
        preload.write_bytes(ways.preload().read_bytes().replace(real.encode(), str(path).encode()))
        return {"LD_PRELOAD": f"libnss_wrapper.so:{preload}", "RDS_IAM_LOG": "warning"}

    def connect(self, **extra):
        with PostgreSQLPeer(None) as peer:
            return self.home.run(["psql", "-wXc", "select 1", self.conninfo(peer, "verify-full")], None, **extra)

    def test_the_preload_rejects_a_module_of_another_version(self):
        for name, offset, refuses in (("a later version", 1, 0), ("an earlier version", -1, 0),
                                      ("a very different version", 1000, 0), ("a refusal", 0, 1)):
            with self.subTest(name):
                result = self.connect(**self.with_module(
                    self.REPLACEMENT, f"-DOFFSET={offset}", f"-DREFUSES={refuses}"))
                self.assertIn(DIFFERS, result.stderr)
                self.assertNotIn("replacement module", result.stderr)

    def test_the_preload_rejects_a_module_without_the_function_for_a_version(self):
        result = self.connect(**self.with_module("const unsigned ria_pq_module[] = {4};\n"))
        self.assertIn(DIFFERS, result.stderr)

    def test_control_a_module_of_the_same_version_is_called(self):
        result = self.connect(**self.with_module(self.REPLACEMENT, "-DOFFSET=0", "-DREFUSES=0"))
        self.assertIn("the replacement module was called", result.stderr, result.returncode)

    def test_the_module_rejects_a_preload_of_another_version(self):
        module = ways.preload().parent / "rds-iam-pq-token.so"
        script = ("import ctypes, sys\n"
                  f"give = ctypes.CDLL('{module}').ria_pq_module_for_version\n"
                  "give.restype = ctypes.c_void_p\n"
                  "print(*[give(ctypes.c_uint(int(v))) is not None for v in sys.argv[1:]])")
        versions = [self.version, 0, self.version - 1, self.version + 1, 2 ** 32 - 1]
        result = self.home.run(["/usr/bin/python3", "-c", script, *map(str, versions)], None)
        self.assertEqual(result.stdout.split(), ["True", "False", "False", "False", "False"], result.stderr)


class Passfiles(ClosedCase):
    """If rds-iam cannot read all lines of a passfile, no password in the passfile is sent to an unverified server."""

    def test_lines_after_a_nul_byte_and_in_an_overlong_file(self):
        line = f"*:*:*:{USER}:" + self.token.replace(":", "\\:") + "\n"
        long_line = "#" + "x" * 1023 + "\n"
        for name, text in (("nul", "#\0\nmore of it\n" + line), ("long", long_line * (33 * 1024) + line)):
            for preloaded in (True, False):
                with self.subTest(name=name, preloaded=preloaded), PostgreSQLPeer(None) as peer:
                    path = self.home.write("pass", text)
                    hosts = f"{self.lab.pg.host},{self.lab.pg.host}"
                    conninfo = self.conninfo(peer).replace(self.lab.pg.host, hosts)
                    result = self.home.run(
                        ["psql", "-wXc", "select 1", conninfo], None, PGPASSFILE=str(path),
                        **(ways.with_preload() if preloaded else {}))
                    if preloaded:
                        self.assertIn("the token in the passfile is not sent: ", result.stderr)
                        self.assert_nothing(peer)
                    else:
                        self.assertIn(self.token.encode() + b"\0", [data for _, data in peer.answers], "control")


if __name__ == "__main__":
    harness.main()
