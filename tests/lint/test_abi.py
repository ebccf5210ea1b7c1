"""The product's declarations of Connector/C and libpq match the installed headers."""
import unittest

import harness

# (the product's struct, its member, the struct in the installed header, its member)
OFFSETS = [
    ("ria_mariadb", "net.pvio", "MYSQL", "net.pvio"),
    ("ria_mariadb", "net.read_pos", "MYSQL", "net.read_pos"),
    ("ria_mariadb", "net.last_errno", "MYSQL", "net.last_errno"),
    ("ria_mariadb", "net.unused_extension", "MYSQL", "net.extension"),
    ("ria_mariadb", "host", "MYSQL", "host"),
    ("ria_mariadb", "user", "MYSQL", "user"),
    ("ria_mariadb", "passwd", "MYSQL", "passwd"),
    ("ria_mariadb", "port", "MYSQL", "port"),
    ("ria_mariadb", "options", "MYSQL", "options"),
    ("ria_mariadb", "options.ssl_ca", "MYSQL", "options.ssl_ca"),
    ("ria_mariadb", "options.ssl_capath", "MYSQL", "options.ssl_capath"),
    ("ria_mariadb", "options.unused_extension", "MYSQL", "options.extension"),
    ("ria_mariadb", "methods", "MYSQL", "methods"),
    ("ria_mariadb_pvio", "type", "struct st_ma_pvio", "type"),
    ("ria_mariadb_pvio", "mysql", "struct st_ma_pvio", "mysql"),
    ("ria_mariadb_methods", "set_error", "struct st_mariadb_methods", "set_error"),
    ("ria_mariadb_methods", "api", "struct st_mariadb_methods", "api"),
    ("ria_mariadb_api", "get_info", "struct st_mariadb_api", "mariadb_get_infov"),
    ("ria_mariadb_api", "get_ssl_cipher", "struct st_mariadb_api", "mysql_get_ssl_cipher"),
    ("ria_mariadb_api", "get_option", "struct st_mariadb_api", "mysql_get_optionv"),
]
NUMBERS = [
    ("RIA_MARIADB_OPT_SSL_VERIFY_SERVER_CERT", "MYSQL_OPT_SSL_VERIFY_SERVER_CERT"),
    ("RIA_MARIADB_OPT_DEFAULT_AUTH", "MYSQL_DEFAULT_AUTH"),
    ("RIA_MARIADB_INFO_TLS_LIBRARY", "MARIADB_TLS_LIBRARY"),
    ("RIA_MARIADB_PLUGIN_ERROR", "CR_AUTH_PLUGIN_ERR"),
    ("RIA_MARIADB_SOCKET_UNIX", "PVIO_TYPE_UNIXSOCKET"),
    ("RIA_MARIADB_SOCKET_TCP", "PVIO_TYPE_SOCKET"),
]
INCLUDES = "#include <stddef.h>\n#include <mysql.h>\n#include <errmsg.h>\n#include <ma_pvio.h>\n" '#include "abi.h"\n'


LIBPQ_INCLUDES = '#include <stddef.h>\n#include <libpq-fe.h>\n#include "preload/abi.h"\n'
LIBPQ_OFFSETS = [
    ("ria_pq_option", name, "PQconninfoOption", name) for name in ("keyword", "val", "label", "dispsize")
]
LIBPQ_NUMBERS = [("RIA_PQ_CONNECTION_BAD", "CONNECTION_BAD")]


def check_libpq(offsets, numbers):
    # The functions are then declared twice, and the compiler compares the two declarations. The define gives the
    # handle type the same name in both.
    includes = "#define ria_pq_conn pg_conn\n" + LIBPQ_INCLUDES
    return check(offsets, numbers, includes, "libpq", "pg_plugin")


def check(offsets, numbers, includes=INCLUDES, library="libmariadb", folder="mysql_plugin/mariadb"):
    lines = [includes]
    for struct, member, theirs, their_member in offsets:
        lines.append('_Static_assert(offsetof(struct %s, %s) == offsetof(%s, %s), "%s.%s");' % (
            struct, member, theirs, their_member, struct, member))
    for ours, theirs in numbers:
        lines.append('_Static_assert((int)%s == (int)%s, "%s");' % (ours, theirs, ours))
    flags = harness.run(["pkg-config", "--cflags", library]).stdout.split()
    include = "-I%s" % (harness.SOURCE / folder)
    return harness.run(["gcc", "-std=gnu11", "-fsyntax-only", "-x", "c", *flags, include, "-"],
                       stdin="\n".join(lines) + "\n")


class Abi(unittest.TestCase):
    def test_the_private_layout_matches_the_installed_header(self):
        result = check(OFFSETS, NUMBERS)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_our_declarations_of_libpq_match_its_header(self):
        result = check_libpq(LIBPQ_OFFSETS, LIBPQ_NUMBERS)
        self.assertEqual(result.returncode, 0, result.stderr)
        wrong = check_libpq([("ria_pq_option", "val", "PQconninfoOption", "label")], [])
        self.assertIn("ria_pq_option.val", wrong.stderr, "control")

    def test_control_a_wrong_offset_and_a_wrong_number_are_found(self):
        self.assertIn("ria_mariadb.host", check([("ria_mariadb", "host", "MYSQL", "user")], []).stderr)
        self.assertIn("SSL_VERIFY", check([], [(NUMBERS[0][0], "MYSQL_DEFAULT_AUTH")]).stderr)


harness.main()
