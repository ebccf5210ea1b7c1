# SPDX-License-Identifier: MIT
"""Which options the preload sets on handles of libmariadb, which it does not change, and which it removes again. The
tests cover one handle with several connections, options that the program sets, threads, child processes, coroutines,
and copies of the library in which a program looks functions up."""
import pathlib
import shutil

import mysql_programs
from labcase import USER, LabCase, harness, mariadb_plugins
from mysql_peer import MySQLPeer, Script

PROGRAM = mysql_programs.SOURCE / "handles"
NOTHING_SET = "show: ca=- verify=0 enforce=0 plugin-dir=-"
# The size of the client's first packet if the client asks for TLS. Without TLS, the packet also contains the user's
# name.
SSL_REQUEST_BYTES = 32
ROUNDS = 100
UNLOADED = 64
MODULE = mysql_programs.SOURCE / "tail_calls.so"
COPIES_MAX = 8  # RIA_COPIES_MAX of the preload

# Loads copies of libmariadb, and calls in each copy the functions that the preload interposes.
COPIES = """
import ctypes, sys
host, port, user, *paths = sys.argv[1:]
place = host.encode(), user.encode(), None, None, int(port), None, ctypes.c_ulong(0)
for path in paths:
    library = ctypes.CDLL(path)
    library.mysql_init.restype = library.mysql_real_connect.restype = ctypes.c_void_p
    library.mysql_error.restype = ctypes.c_char_p
    handle = ctypes.c_void_p(library.mysql_init(None))
    seconds = ctypes.c_uint(60)
    library.mysql_options(handle, 0, ctypes.byref(seconds))
    library.mysql_optionsv(handle, 11, ctypes.byref(seconds))
    library.mysql_options4(handle, 33, b"program_name", b"copies")
    library.mysql_ssl_set(handle, None, None, None, None, None)
    print("in" if library.mysql_real_connect(handle, *place) else library.mysql_error(handle).decode())
    library.mysql_close(handle)
    handle = ctypes.c_void_p(library.mysql_init(None))
    library.mysql_options(handle, 6000, None)
    made = ctypes.c_void_p()
    status = library.mysql_real_connect_start(ctypes.byref(made), handle, *place)
    while status != 0:
        status = library.mysql_real_connect_cont(ctypes.byref(made), handle, status)
    print("in" if made else library.mysql_error(handle).decode())
    status = library.mysql_close_start(handle)
    while status != 0:
        status = library.mysql_close_cont(handle, status)
"""


class HandleCase(LabCase):
    def setUp(self):
        super().setUp()
        server = self.lab.mariadb
        self.rds = f"{server.host},{server.port},{USER}"
        self.password = f"{server.host},{server.port},native_user,{self.lab.passwords['native_user']}"

    def steps(self, *steps, under=True, own=None, **extra):
        """Runs the steps with ../src/handles.c. Returns the lines that they print."""
        own = ["--ca", self.lab.ca_file] if own is None else own
        under = [harness.installed("bin/rds-iam"), "exec", *own, "--"] if under else []
        result = self.home.run([*under, PROGRAM, *steps], **extra)
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
        return result.stdout.splitlines()

    def shown(self, ca=None, verify=1, enforce=0, plugins=None):
        return f"show: ca={ca or self.lab.ca_file} verify={verify} enforce={enforce} " \
               f"plugin-dir={plugins or mariadb_plugins()}"

    def plain(self, peer):
        return f"127.0.0.1,{peer.port},{USER},typed"


class OneHandle(HandleCase):
    IN = f"connect: {USER}@% over TLS"

    def test_three_connections_with_a_new_handle_each(self):
        lines = self.steps(*("init", "connect=" + self.rds, "close") * 3)
        self.assertEqual(lines, [self.IN] * 3)
        self.assert_accepted(3)

    def test_two_failures_and_a_success(self):
        """A failure frees the options of the handle, including those that the preload has set, unless the program sets
        CLIENT_REMEMBER_OPTIONS. In both cases a later connection gets a token."""
        for options in ((), ("remember",)):
            with self.subTest(options=options):
                nobody = "connect=" + self.rds.replace(USER, "nobody") + ",wrong"
                lines = self.steps("init", *options, nobody, nobody, "connect=" + self.rds, "close",
                                   RDS_IAM_LOG="0")
                self.assertEqual([line.split(" ")[1] for line in lines], ["1045", "1045", f"{USER}@%"])

    def test_a_handle_keeps_no_setting_for_the_next_server(self):
        with MySQLPeer(None, Script(asks=())) as peer:
            lines = self.steps("init", "remember", "connect=" + self.password + "x", "show",
                               "connect=" + self.plain(peer), "show", "connect=" + self.rds, "show")
        self.assertTrue(lines[0].startswith("connect: 1045 "), lines)
        self.assertEqual(lines[1], self.shown(enforce=1))
        self.assertIn("Access denied by the peer", lines[2])
        self.assertEqual(lines[3], NOTHING_SET)
        self.assertEqual(lines[4], self.IN)
        self.assertTrue(peer.messages, "control: something was sent")

    def test_init_on_a_handle_that_was_closed(self):
        with MySQLPeer(None, Script(asks=())) as peer:
            lines = self.steps("init", "verify=0", "close", "init", "connect=" + self.rds, "show", "close",
                               "init", "connect=" + self.plain(peer), "show")
        self.assertEqual(lines[0], self.IN)
        self.assertEqual(lines[1], self.shown(enforce=1))
        self.assertEqual(lines[3], NOTHING_SET)

    def test_tls_that_the_program_turns_on_between_two_connections(self):
        """The preload turns TLS on for the first connection, and off again for the second one. It must not turn TLS off
        if the program has turned it on in between."""
        for steps, is_on in ((["enforce=1"], True), (["ssl-set="], True), (["fp=0"], True),
                             (["enforce=1", "enforce=0"], False), ([], False)):
            for under in (True, False):
                with self.subTest(steps=steps, under=under), \
                        MySQLPeer(self.lab.certificates.other_ca, Script(asks=())) as peer:
                    lines = self.steps("init", "remember", "connect=" + self.password + "x", *steps,
                                       "connect=" + self.plain(peer), "show", under=under)
                    self.assertTrue(lines[0].startswith("connect: 1045 "), lines)
                    self.assertIn(f"enforce={is_on:d}", lines[2])
                    self.assertEqual(len(peer.messages[0][1]) == SSL_REQUEST_BYTES, is_on)

    def test_a_handle_that_is_connected_already(self):
        """The library refuses the second connection. It may reconnect the first one, so the options of that connection
        stay."""
        with MySQLPeer(None, Script(asks=())) as peer:
            lines = self.steps("init", "connect=" + self.rds, "connect=" + self.plain(peer), "again")
        self.assertEqual(lines[0], self.IN)
        self.assertTrue(lines[1].startswith("connect: 2058 "), lines)
        self.assertEqual(lines[2], self.IN.replace("connect", "again"))
        self.assertEqual(peer.connections, 0)

    def test_a_reconnect(self):
        lines = self.steps("init", "connect=" + self.rds, "again")
        self.assertEqual(lines, [self.IN, self.IN.replace("connect", "again")])
        self.assert_accepted(2)

    def test_the_async_functions(self):
        """The library calls mysql_real_connect() from a coroutine."""
        lines = self.steps("init", "start=" + self.rds, "close", "init", "connect=" + self.rds)
        self.assertEqual(lines, [self.IN.replace("connect", "start"), self.IN])
        self.assert_accepted(2)

    def test_a_connection_string(self):
        host, port, user = self.rds.split(",")
        lines = self.steps("init", f"connect=host={host};port={port};user={user},0,{USER}")
        self.assertEqual(lines, [self.IN])

    def test_a_list_of_hosts(self):
        """The settings belong to the handle, so if one host of the list is an RDS host, all hosts are verified."""
        host, port, user = self.rds.split(",")
        lines = self.steps("init", f"list=127.0.0.1:1 {host}:{port},{port},{user}", "show")
        self.assertEqual(lines, [f"list: {USER}@% over TLS", self.shown(enforce=1)])

    def test_a_long_list_of_hosts(self):
        """A cluster can have sixteen instances, each with a name of about 70 characters."""
        host, port, user = self.rds.split(",")
        lines = self.steps("init", f"list={' '.join(['127.0.0.1:1'] * 100)} {host}:{port},{port},{user}")
        self.assertEqual(lines, [f"list: {USER}@% over TLS"])


class ProgramsOwn(HandleCase):
    """An option that the program sets is not changed."""

    def refused(self, *steps):
        lines = self.steps(*steps)
        self.assertNotIn(" over ", "".join(lines))
        self.assert_nothing_sent()
        return lines

    def test_a_ca_file(self):
        empty = self.home.write("empty.pem", self.lab.ca_file.read_text())
        for steps in (["ca=" + str(empty)], ["ssl-set=" + str(empty)]):
            with self.subTest(steps=steps):
                lines = self.steps("init", *steps, "connect=" + self.rds, "show")
                self.assertEqual(lines, [f"connect: {USER}@% over TLS", self.shown(ca=empty, enforce=1)])

    def test_a_ca_directory(self):
        lines = self.steps("init", f"capath={self.home.path}", "connect=" + self.rds, "show")
        self.assertIn("certificate", lines[0])
        self.assertEqual(lines[1], NOTHING_SET, "control: the library has freed the options")
        self.assert_nothing_sent()

    def test_verification_that_is_off(self):
        lines = self.refused("init", "verify=0", "remember", "connect=" + self.rds, "show")
        self.assertIn("rds-iam: the server's host name was not verified, so no token was sent", lines[0])
        self.assertEqual(lines[1], self.shown(verify=0, enforce=1))

    def test_verification_that_is_on_and_no_ca(self):
        lines = self.steps("init", "verify=1", "connect=" + self.rds, "show")
        self.assertEqual(lines, [f"connect: {USER}@% over TLS", self.shown(enforce=1)])

    def test_tls_that_is_off(self):
        lines = self.refused("init", "enforce=0", "remember", "connect=" + self.rds, "show")
        self.assertIn("rds-iam: the connection is not encrypted, so no token was sent", lines[0])
        self.assertEqual(lines[1], NOTHING_SET)

    def test_tls_that_is_off_and_a_ca(self):
        """libmariadb uses TLS if it has a CA, whatever the program has set about TLS."""
        for step in (f"ca={self.lab.ca_file}", f"ssl-set={self.lab.ca_file}"):
            for steps in (("enforce=0", step), (step, "enforce=0")):
                with self.subTest(steps=steps):
                    lines = self.steps("init", *steps, "connect=" + self.rds, "show")
                    self.assertEqual(lines, [f"connect: {USER}@% over TLS", self.shown(enforce=1)])

    def test_a_plugin_directory(self):
        lines = self.steps("init", f"plugin-dir={self.home.path}", "remember", "connect=" + self.password, "show")
        self.assertEqual(lines, ["connect: native_user@% over TLS",
                                 self.shown(enforce=1, plugins=self.home.path)])

    def test_an_empty_value_counts_as_unset(self):
        lines = self.steps("init", "ssl-set=", "ca=", "connect=" + self.rds, "show")
        self.assertEqual(lines, [f"connect: {USER}@% over TLS", self.shown(enforce=1)])


class Many(HandleCase):
    def test_forty_threads_at_their_first_connection(self):
        lines = self.steps("threads=40," + self.rds)
        self.assertEqual(lines, [f"connect: {USER}@% over TLS"] * 40)
        self.assert_accepted(40)

    def module(self, program, *arguments):
        """Runs a program that calls libmariadb through a module whose functions end with a jump. The return address is
        then not in an object that is linked with the library, so the preload searches all loaded objects."""
        result = self.home.run([harness.installed("bin/rds-iam"), "exec", "--", mysql_programs.SOURCE / program, *arguments])
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
        return result.stdout

    def test_objects_that_are_unloaded_meanwhile(self):
        """Another thread may unload some of the objects that the preload searches, in the program and in its child."""
        objects = [shutil.copy(harness.BUILD / "tests/bench/bench_empty.so", self.home.path / f"{i}.so")
                   for i in range(UNLOADED)]
        for where in ((), ("child",)):
            with self.subTest(where=where):
                printed = self.module("unloads", *where, ROUNDS, MODULE, *objects)
                self.assertEqual(printed, "all handles were made\n")

    def test_a_child_that_is_forked_while_a_thread_is_in_the_dynamic_linker(self):
        self.assertEqual(self.module("forks_inside", MODULE), "made\n")

    def test_a_child_of_a_fork(self):
        lines = self.steps("init", "fork", "connect=" + self.rds, "close", "init", "connect=" + self.rds)
        self.assertEqual(lines, [f"connect: {USER}@% over TLS"] * 2)


class Mapped(HandleCase):
    """Names that rds-iam's configuration maps to an endpoint."""

    def map(self, *lines):
        server = self.lab.mariadb
        self.home.write(".config/rds-iam/config", f"[127.0.0.1:{server.port}]\nendpoint = {server.host}:{server.port}\n"
                        + "".join(line + "\n" for line in lines))
        return f"connect=127.0.0.1,{server.port},{USER}"

    def test_a_tunnel_whose_section_allows_the_chain_alone(self):
        lines = self.steps("init", self.map("tls = verify-ca"))
        self.assertEqual(lines, [f"connect: {USER}@% over TLS"])
        self.assert_accepted()

    def test_a_tunnel_whose_section_does_not_allow_the_chain_alone(self):
        lines = self.steps("init", self.map())
        self.assertNotIn(" over ", lines[0])
        self.assert_nothing_sent()

    def test_control_without_a_section(self):
        server = self.lab.mariadb
        lines = self.steps("init", "remember", f"connect=127.0.0.1,{server.port},{USER}", "show")
        self.assertEqual(lines[1], NOTHING_SET)
        self.assert_nothing_sent()


class LookedUp(HandleCase):
    """The program looks functions up in a copy that it has loaded with RTLD_LOCAL, in addition to the copy that it is
    linked with."""

    def copy(self):
        library, = pathlib.Path("/usr/lib").glob("*/libmariadb.so.3")
        path = self.home.path / "libmariadb-copy.so.3"
        shutil.copy(library.resolve(), path)
        return str(path)

    def test_as_many_copies_as_the_preload_distinguishes(self):
        """The preload does not change the options of a further copy, so the server denies that copy's logins."""
        paths = [shutil.copy(self.copy(), self.home.path / f"copy-{i}.so") for i in range(COPIES_MAX + 1)]
        server = self.lab.mariadb
        for count in (COPIES_MAX, COPIES_MAX + 1):
            result = self.home.run([harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--",
                                    "/usr/bin/python3", "-c", COPIES, server.host, server.port, USER, *paths[:count]])
            self.assertEqual(result.returncode, 0, result.stderr)
            lines = result.stdout.splitlines()
            self.assertEqual(lines[:2 * COPIES_MAX], ["in"] * 2 * COPIES_MAX, result.stderr)
            if count == COPIES_MAX:
                self.assert_accepted(2 * COPIES_MAX)
        self.assertEqual(len(lines), 2 * COPIES_MAX + 2)
        self.assertNotIn("in", lines[2 * COPIES_MAX:])

    def test_a_copy(self):
        lines = self.steps("init", "connect=" + self.rds, "show", "close", "init", "verify=0", "remember",
                           "connect=" + self.rds, "show", HANDLES_LIBRARY=self.copy())
        self.assertEqual(lines[:2], [f"connect: {USER}@% over TLS", self.shown(enforce=1)])
        self.assertIn("no token was sent", lines[2])
        self.assertEqual(lines[3], self.shown(verify=0, enforce=1))

    def test_the_async_functions_of_a_copy(self):
        lines = self.steps("init", "start=" + self.rds, "again", HANDLES_LIBRARY=self.copy())
        self.assertEqual(lines, [f"start: {USER}@% over TLS", f"again: {USER}@% over TLS"])


if __name__ == "__main__":
    harness.main()
