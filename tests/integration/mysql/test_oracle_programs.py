# SPDX-License-Identifier: MIT
"""Programs on a library of Oracle's shape (tests/loader, with a network) that are told nothing of TLS and of plugins
log in under rds-iam exec: one that is linked with it, and two that look its functions up. Hostile servers get no
token."""
import hostile
import mysql_programs
from labcase import USER, harness
import traces
from mysql_client import LIBRARIES, PROGRAM
from mysql_peer import MySQLPeer

ME = f"{USER}@%"
LIBRARY = harness.BUILD / "tests" / "loader"
VERSIONS = ("50734", "80408", "90400")
CTYPES = """
import ctypes, sys
library, host, port, user = sys.argv[1:]
my = ctypes.CDLL(library)
for name in ("mysql_init", "mysql_real_connect", "mysql_store_result"):
    my[name].restype = ctypes.c_void_p
my.mysql_fetch_row.restype = ctypes.POINTER(ctypes.c_char_p)
handle = ctypes.c_void_p(my.mysql_init(None))
if not my.mysql_real_connect(handle, host.encode(), user.encode(), None, None, int(port), None, 0):
    sys.exit("%d" % my.mysql_errno(handle))
my.mysql_query(handle, b"select current_user()")
result = ctypes.c_void_p(my.mysql_store_result(handle))
print(my.mysql_fetch_row(result)[0].decode())
my.mysql_close(handle)
"""
CFFI = """
import cffi, sys
library, host, port, user = sys.argv[1:]
ffi = cffi.FFI()
ffi.cdef("typedef struct my my; my *mysql_init(my *); int mysql_query(my *, const char *); void mysql_close(my *);"
         "my *mysql_real_connect(my *, const char *, const char *, const char *, const char *, unsigned,"
         " const char *, unsigned long); my *mysql_store_result(my *); char **mysql_fetch_row(my *);"
         "const char *mysql_error(my *);")
my = ffi.dlopen(library)
handle = my.mysql_init(ffi.NULL)
if not my.mysql_real_connect(handle, host.encode(), user.encode(), ffi.NULL, ffi.NULL, int(port), ffi.NULL, 0):
    sys.exit(ffi.string(my.mysql_error(handle)).decode())
my.mysql_query(handle, b"select current_user()")
print(ffi.string(my.mysql_fetch_row(my.mysql_store_result(handle))[0]).decode())
my.mysql_close(handle)
"""


def linked(version, place):
    return [LIBRARY / f"says_who_{version}", *place, ""]


def looks_up(script):
    def command(version, place):
        return ["/usr/bin/python3", "-c", script, LIBRARY / f"liboracle_{version}.so", *place]
    return command


PROGRAMS = {"linked": linked, "ctypes": looks_up(CTYPES), "cffi": looks_up(CFFI)}


class OraclePrograms(hostile.HostileCase):
    def run_program(self, name, version, under=True, host=None, port=None, **extra):
        server = self.lab.mariadb
        argv = PROGRAMS[name](version, [host or server.host, port or server.port, USER])
        under = [harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--"] if under else []
        return self.home.run([*under, *argv], hostile.PRINCIPAL, **extra)

    def each(self):
        return [(name, version) for name in PROGRAMS for version in VERSIONS]

    def test_each_logs_in_with_host_and_user_alone(self):
        for name, version in self.each():
            with self.subTest(program=name, version=version):
                seen = len(self.verdicts())
                result = self.run_program(name, version)
                self.assertEqual((result.stdout, result.stderr), (ME + "\n", ""))
                self.assertEqual([v["reason"] for v in self.verdicts()[seen:]], [None])

    def test_control_none_does_without_it(self):
        for name, version in self.each():
            with self.subTest(program=name, version=version):
                self.assertNotIn(ME, self.run_program(name, version, under=False).stdout)
        self.assert_nothing_sent()

    def test_hostile_servers(self):
        for kind in (None, "other_ca", "wrong_name", "self_signed"):
            for name in PROGRAMS:
                certificate = None if kind is None else getattr(self.lab.certificates, kind)
                with self.subTest(peer=kind, program=name), MySQLPeer(certificate) as peer:
                    result = self.run_program(name, "90400", host=hostile.HOST, port=peer.port)
                    self.assertNotEqual(result.returncode, 0)
                    self.assertGreaterEqual(peer.connections, 1)
                    secrets = traces.secrets_of(self.lab.principals[hostile.PRINCIPAL])
                    self.assertEqual(traces.find(peer.received, secrets), [])

    def test_control_a_verified_peer_gets_one(self):
        for name in PROGRAMS:
            with self.subTest(program=name), MySQLPeer(self.lab.certificates.server) as peer:
                self.run_program(name, "90400", host=hostile.HOST, port=peer.port)
                self.assert_token(peer.answers[0], hostile.HOST, peer.port)

    def test_control_without_the_guard_a_hostile_peer_gets_one(self):
        """The plugins are built from the same sources, but they take each connection for a verified one."""
        shipped = harness.installed("lib*/**/rds-iam/mysql/rds_iam_v1.so").parent
        for plugins, is_sent in ((shipped, False), (mysql_programs.SOURCE / "unguarded", True)):
            for kind in (None, "other_ca"):
                certificate = None if kind is None else self.lab.certificates.other_ca
                for library in LIBRARIES:
                    with self.subTest(peer=kind, guard=not is_sent, library=library), MySQLPeer(certificate) as peer:
                        self.home.run([PROGRAM, f"--library={library}", hostile.HOST, peer.port, USER],
                                      hostile.PRINCIPAL, LIBMYSQL_PLUGIN_DIR=str(plugins),
                                      LIBMYSQL_PLUGINS="rds_iam_v1;rds_iam_v2")
                        self.assertGreaterEqual(peer.connections, 1)
                        self.assertEqual(traces.find(peer.received) != [], is_sent)


if __name__ == "__main__":
    harness.main()
