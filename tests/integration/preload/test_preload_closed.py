# SPDX-License-Identifier: MIT
"""The preload fails closed: where it cannot be told what a connection would send, none is begun, and
the program gets a handle that fails with the reason. Here libpq is too old or odd, or a part of rds-iam
is missing; in test_preload_memory.py the memory ends. The peer has no TLS, so that what comes is a leak."""
import re
import tempfile

from closed import OLD, UNASKED, UNKNOWN, ClosedCase, harness, ways
from labcase import USER
from postgresql_peer import PostgreSQLPeer
import traces

SOURCE = harness.SOURCE / "tests/integration/src"
NO_ATTEMPT = "ping 3\n"

# Calls what a library has of libpq's, by their names.
CALLS = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
token = sys.argv[2].encode()
print(library["PQconnectdb"](b"host=x password=" + token), flush=True)
print(library["PQconnectStart"](b"host=x password=" + token), flush=True)
print(library["PQsetdbLogin"](b"x", None, None, None, b"shop", b"u", token), flush=True)
print(library["PQping"](b"host=x password=" + token), flush=True)
"""


class Odd(ClosedCase):
    """Debian's libpq behind a library that is odd in one way."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.copies = ways.Copies(ways.debian_libpq(), tempfile.mkdtemp(prefix="libpq-", dir=harness.WORK))
        cls.addClassCleanup(cls.copies.remove)
        cls.directory = cls.copies.directory / "odd"
        cls.directory.mkdir()
        private = cls.copies.directory / "private" / "libpq.so.9"
        done = harness.run(
            ["gcc", "-shared", "-fPIC", "-Wl,--no-as-needed", SOURCE / "odd_libpq.c", private, f"-Wl,-rpath,{private.parent}",
             "-Wl,-soname,libpq.so.5", "-Wl,--allow-shlib-undefined", "-o", cls.directory / "libpq.so.5"])
        assert done.returncode == 0, done.stderr

    def run_way(self, way, conninfo, odd, under=True, **extra):
        env = {**(ways.with_preload() if under else {}), "ODD": odd, "LD_LIBRARY_PATH": str(self.directory), **extra}
        return self.home.run([ways.PROGRAMS / "ways", "linked", way, conninfo], None, **env)

    def test_no_token_goes_and_the_handle_says_why(self):
        for odd, why in (("version", OLD), ("settings", UNKNOWN), ("nothing", UNKNOWN), ("begins", UNKNOWN)):
            for way in ways.CONNECTS:
                for kind, extra in self.given().items():
                    with self.subTest(odd=odd, way=way, kind=kind), PostgreSQLPeer(None) as peer:
                        result = self.run_way(way, self.conninfo(peer), odd, **extra)
                        # Without memory libpq itself has no handle.
                        message = "" if odd == "nothing" and way.startswith("start") else why
                        self.assertEqual(result.stdout.startswith("failed: "), True, result.stdout)
                        self.assertIn(message, result.stdout)
                        self.assertIn("rds-iam: warning: not connected: ", result.stderr)
                        self.assert_nothing(peer)

    def test_nor_with_a_ping(self):
        for odd in ("version", "settings", "nothing", "begins"):
            for way in ("ping", "pingparams"):
                with self.subTest(odd=odd, way=way), PostgreSQLPeer(None) as peer:
                    result = self.run_way(way, self.conninfo(peer), odd, PGPASSWORD=self.token)
                    self.assertEqual(result.stdout, NO_ATTEMPT)
                    self.assert_nothing(peer)

    def test_a_verified_server_makes_no_difference(self):
        with PostgreSQLPeer(self.lab.certificates.server) as peer:
            result = self.run_way("connectdb", self.conninfo(peer, "verify-full"), "version", PGPASSWORD=self.token)
            self.assertIn(OLD, result.stdout)
            self.assert_nothing(peer)

    def test_control_without_the_preload_it_goes(self):
        for odd in ("version", "settings"):
            for kind, extra in self.given().items():
                with self.subTest(odd=odd, kind=kind), PostgreSQLPeer(None) as peer:
                    self.run_way("connectdb", self.conninfo(peer), odd, under=False, **extra)
                    self.assert_token(peer)

    def test_control_where_it_is_not_odd_the_preload_decides(self):
        with PostgreSQLPeer(None) as peer:
            result = self.run_way("connectdb", self.conninfo(peer), "not at all", PGPASSWORD=self.token)
            self.assertIn("the token that was given as the password is not sent", result.stderr)
            self.assert_nothing(peer)
        with PostgreSQLPeer(self.lab.certificates.server) as peer:
            self.run_way("connectdb", self.conninfo(peer, "verify-full"), "not at all", PGPASSWORD=self.token)
            self.assert_token(peer)

    def test_a_library_with_hardly_a_function(self):
        library = ways.PROGRAMS / "bare_libpq.so"
        argv = ["/usr/bin/python3", "-c", CALLS, library, self.token]
        result = self.home.run(argv, None, **ways.with_preload())
        begun = [line for line in result.stdout.splitlines() if line.startswith("begun")]
        refused = f"begun: sslmode='{OLD}'"
        self.assertEqual(begun, [refused, refused, refused + " without a password"], result.stderr)
        self.assertEqual(result.stdout.splitlines()[-1], "3")
        self.assertEqual(traces.find(result.stdout), [])
        control = self.home.run(argv, None)
        self.assertEqual(control.stdout.count(self.token), 4, "control: it would connect with it")


class Refused(ClosedCase):
    """What libpq refuses itself, it refuses in its own words."""

    def test_its_message_is_the_same(self):
        for way in ways.CONNECTS:
            for conninfo in ("service=nowhere", "host=x port=1,2", "nonsense=1", "sslmode=nonsense", "port=5432 =",
                             "host=x target_session_attrs=nonsense", "postgresql://[", "host=x channel_binding=x"):
                with self.subTest(way=way, conninfo=conninfo):
                    argv = [ways.PROGRAMS / "ways", "linked", way, conninfo]
                    under = self.home.run(argv, None, **ways.with_preload(PGPASSWORD=self.token))
                    bare = self.home.run(argv, None, PGPASSWORD=self.token)
                    self.assertEqual((under.stdout, under.returncode), (bare.stdout, bare.returncode))
                    self.assertTrue(bare.stdout.startswith("failed: "))


class Module(ClosedCase):
    """The other object, which decides what the first one cannot, is not there."""

    def without_module(self):
        path = self.home.path / "librds-iam-pq.so"
        path.write_bytes(ways.preload().read_bytes().replace(b"rds-iam-pq-token.so", b"rds-iam-pq-ghost.so"))
        return {"LD_PRELOAD": f"libnss_wrapper.so:{path}", "RDS_IAM_LOG": "warning"}

    def psql(self, conninfo, **extra):
        return self.home.run(["psql", "-wXc", "select 1", conninfo], None, **{**self.without_module(), **extra})

    def test_no_token_goes(self):
        for sslmode in ("disable", "prefer", "require", "verify-ca"):
            for kind, extra in self.given().items():
                with self.subTest(sslmode=sslmode, kind=kind), PostgreSQLPeer(None) as peer:
                    result = self.psql(self.conninfo(peer, sslmode), **extra)
                    self.assertIn(UNASKED, result.stderr)
                    self.assertEqual(peer.connections, 0)

    def test_nor_to_a_socket_nor_to_one_of_a_list(self):
        directory = self.home.path / "s"
        directory.mkdir()
        for hosts in (f"{directory}", f"{directory},{self.lab.pg.host}"):
            for kind, extra in self.given().items():
                with self.subTest(hosts=hosts, kind=kind):
                    with PostgreSQLPeer(None, f"{directory}/.s.PGSQL.5432") as peer:
                        result = self.psql(f"host={hosts} port=5432 user={USER} sslmode=verify-full", **extra)
                        self.assertIn(UNASKED, result.stderr)
                        self.assertEqual(peer.connections, 0)

    def test_what_needs_no_decision_works(self):
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
    """The two objects are of one version; either refuses the other one's."""

    # Answers as the other object does, with a version of its own; or not at all.
    PLANTED = """
#include "preload/module.h"
#include <unistd.h>
static void prepare(void) {}
static void make_passfile(const struct ria_pq_target *target, const char *given, struct ria_pq_passfile *out)
{
    (void)!write(2, "the planted one was asked\\n", 26);
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

    def planted(self, text, *macros):
        """The environment in which a module of this text is the other object."""
        real = str(ways.preload().parent / "rds-iam-pq-token.so")
        # A name of the same length, for its place in the other object.
        path = self.home.path / ("m" * (len(real) - len(str(self.home.path)) - 4) + ".so")
        self.assertEqual(len(str(path)), len(real))
        done = harness.run(
            ["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-Wl,-z,nodelete",
             f"-I{harness.SOURCE}/common", f"-I{harness.SOURCE}/pg_plugin", *macros, "-x", "c", "-", "-o", path], stdin=text)
        assert done.returncode == 0, done.stderr
        preload = self.home.path / "librds-iam-pq.so"
        preload.write_bytes(ways.preload().read_bytes().replace(real.encode(), str(path).encode()))
        return {"LD_PRELOAD": f"libnss_wrapper.so:{preload}", "RDS_IAM_LOG": "warning"}

    def connect(self, **extra):
        with PostgreSQLPeer(None) as peer:
            return self.home.run(["psql", "-wXc", "select 1", self.conninfo(peer, "verify-full")], None, **extra)

    def test_the_first_object_refuses_another_module(self):
        for name, offset, refuses in (("a later one", 1, 0), ("an earlier one", -1, 0), ("far from it", 1000, 0),
                                      ("one that refuses", 0, 1)):
            with self.subTest(name):
                result = self.connect(**self.planted(self.PLANTED, f"-DOFFSET={offset}", f"-DREFUSES={refuses}"))
                self.assertIn("m.so: has another version; reinstall rds-iam", result.stderr)
                self.assertNotIn("planted one", result.stderr)

    def test_and_one_from_before_there_were_versions_of_the_function(self):
        result = self.connect(**self.planted("const unsigned ria_pq_module[] = {4};\n"))
        self.assertIn("m.so: has another version; reinstall rds-iam", result.stderr)

    def test_control_a_module_of_the_same_version_is_asked(self):
        result = self.connect(**self.planted(self.PLANTED, "-DOFFSET=0", "-DREFUSES=0"))
        self.assertIn("the planted one was asked", result.stderr, result.returncode)

    def test_the_module_refuses_another_first_object(self):
        module = ways.preload().parent / "rds-iam-pq-token.so"
        script = ("import ctypes, sys\n"
                  f"give = ctypes.CDLL('{module}').ria_pq_module_for_version\n"
                  "give.restype = ctypes.c_void_p\n"
                  "print(*[give(ctypes.c_uint(int(v))) is not None for v in sys.argv[1:]])")
        versions = [self.version, 0, self.version - 1, self.version + 1, 2 ** 32 - 1]
        result = self.home.run(["/usr/bin/python3", "-c", script, *map(str, versions)], None)
        self.assertEqual(result.stdout.split(), ["True", "False", "False", "False", "False"], result.stderr)


class Passfiles(ClosedCase):
    """A passfile whose lines cannot all be seen is not sent from where a token may not go."""

    def test_lines_behind_a_nul_byte_and_in_a_file_that_is_too_long(self):
        line = f"*:*:*:{USER}:" + self.token.replace(":", "\\:") + "\n"
        long_line = "#" + "x" * 1023 + "\n"
        for name, text in (("nul", "#\0\nmore of it\n" + line), ("long", long_line * (33 * 1024) + line)):
            for under in (True, False):
                with self.subTest(name=name, under=under), PostgreSQLPeer(None) as peer:
                    path = self.home.write("pass", text)
                    hosts = f"{self.lab.pg.host},{self.lab.pg.host}"
                    conninfo = self.conninfo(peer).replace(self.lab.pg.host, hosts)
                    result = self.home.run(
                        ["psql", "-wXc", "select 1", conninfo], None, PGPASSFILE=str(path),
                        **(ways.with_preload() if under else {}))
                    if under:
                        self.assertIn("the token in the passfile is not sent: ", result.stderr)
                        self.assert_nothing(peer)
                    else:
                        self.assertIn(self.token.encode() + b"\0", [data for _, data in peer.answers], "control")


if __name__ == "__main__":
    harness.main()
