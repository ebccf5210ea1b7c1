# SPDX-License-Identifier: MIT
"""The product's declarations of Connector/C's and libpq's types, functions and constants match the installed
headers."""
import re
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
# (the option in the table of mysql_plugin/preload/dialect.c, the option in the header of libmariadb)
OPTIONS = {
    "CA": "MYSQL_OPT_SSL_CA",
    "CA_PATH": "MYSQL_OPT_SSL_CAPATH",
    "VERIFY": "MYSQL_OPT_SSL_VERIFY_SERVER_CERT",
    "ENFORCE": "MYSQL_OPT_SSL_ENFORCE",
    "FP": "MARIADB_OPT_SSL_FP",
    "FP_LIST": "MARIADB_OPT_SSL_FP_LIST",
    "PEER_FP": "MARIADB_OPT_TLS_PEER_FP",
    "PEER_FP_LIST": "MARIADB_OPT_TLS_PEER_FP_LIST",
    "PLUGIN_DIR": "MYSQL_PLUGIN_DIR",
    "PROTOCOL": "MYSQL_OPT_PROTOCOL",
    "DEFAULT_FILE": "MYSQL_READ_DEFAULT_FILE",
    "DEFAULT_GROUP": "MYSQL_READ_DEFAULT_GROUP",
}
PRELOAD_NUMBERS = [
    ("RIA_PROTOCOL_TCP", "MYSQL_PROTOCOL_TCP"),
    ("RIA_REMEMBER_OPTIONS", "CLIENT_REMEMBER_OPTIONS"),
    ("RIA_ERROR_UNKNOWN_PROTOCOL", "CR_CONN_UNKNOWN_PROTOCOL"),
    ("RIA_ERROR_ALREADY_CONNECTED", "CR_ALREADY_CONNECTED"),
]
# The preload declares libmariadb's functions again, and the compiler compares both declarations. Four functions get
# another name here, because the preload's declarations differ: they use int instead of an enumeration, and int
# instead of my_bool in mysql_ssl_set().
PRELOAD_INCLUDES = (
    "#include <mysql.h>\n#include <errmsg.h>\n"
    "#define mysql_options restated_options\n#define mysql_options4 restated_options4\n"
    "#define mysql_optionsv restated_optionsv\n#define mysql_ssl_set restated_ssl_set\n"
    "#define ria_handle st_mysql\n#include \"preload/client_abi.h\"\n")
INCLUDES = "#include <stddef.h>\n#include <mysql.h>\n#include <errmsg.h>\n#include <ma_pvio.h>\n" '#include "abi.h"\n'


LIBPQ_INCLUDES = '#include <stddef.h>\n#include <libpq-fe.h>\n#include "preload/abi.h"\n'
LIBPQ_OFFSETS = [
    ("ria_pq_option", name, "PQconninfoOption", name) for name in ("keyword", "val", "label", "dispsize")
]
LIBPQ_NUMBERS = [("RIA_PQ_CONNECTION_BAD", "CONNECTION_BAD")]


def check_libpq(offsets, numbers):
    # The define gives the handle type the same name in the product's header and in libpq's header. So the compiler can
    # compare the two declarations of each function.
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
    def test_our_copy_of_connector_cs_structs_matches_its_headers(self):
        result = check(OFFSETS, NUMBERS)
        self.assertEqual(result.returncode, 0, result.stderr)

    def preload_numbers(self):
        text = (harness.SOURCE / "mysql_plugin/preload/dialect.c").read_text(encoding="utf-8")
        table = text.split("ria_dialect mariadb = {")[1].split("}};")[0]
        return dict(re.findall(r"\[RIA_OPTION_(\w+)\] = (\d+),", table))

    def test_the_preloads_declarations_of_libmariadb_match_its_headers(self):
        numbers = self.preload_numbers()
        self.assertEqual(set(numbers), set(OPTIONS))
        pairs = [(numbers[ours], theirs) for ours, theirs in OPTIONS.items()] + PRELOAD_NUMBERS
        result = check([], pairs, PRELOAD_INCLUDES, "libmariadb", "mysql_plugin")
        self.assertEqual(result.returncode, 0, result.stderr)
        wrong = check([], [(numbers["CA"], "MYSQL_OPT_SSL_CAPATH")], PRELOAD_INCLUDES, "libmariadb", "mysql_plugin")
        self.assertIn("static assertion failed", wrong.stderr, "control")

    def test_the_products_declarations_of_libpq_match_its_header(self):
        result = check_libpq(LIBPQ_OFFSETS, LIBPQ_NUMBERS)
        self.assertEqual(result.returncode, 0, result.stderr)
        wrong = check_libpq([("ria_pq_option", "val", "PQconninfoOption", "label")], [])
        self.assertIn("ria_pq_option.val", wrong.stderr, "control")

    def test_control_a_wrong_offset_and_a_wrong_number_are_found(self):
        self.assertIn("ria_mariadb.host", check([("ria_mariadb", "host", "MYSQL", "user")], []).stderr)
        self.assertIn("SSL_VERIFY", check([], [(NUMBERS[0][0], "MYSQL_DEFAULT_AUTH")]).stderr)


harness.main()
