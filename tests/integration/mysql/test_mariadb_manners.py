# SPDX-License-Identifier: MIT
"""The effects of a refusal by the plugin on the server and on the library. The server must count the refusal as a
denied login, and not as an aborted handshake. A library of an unknown version must get an error with a message."""
import socket

from labcase import harness, mariadb_plugins
from mariadb_client import UNVERIFIED, MariadbCase

COUNTERS = ("Aborted_connects_preauth", "Access_denied_errors")

# A plugin that calls rds-iam's plugin with a connection object of an unknown layout, without valid pointers.
OTHER_LAYOUT = """
#include "abi.h"
#include <dlfcn.h>
#include <string.h>

static int authenticate(struct ria_mariadb_vio *vio, struct ria_mariadb *mysql)
{
    static struct ria_mariadb other;
    static struct ria_mariadb_pvio pvio;
    (void)mysql;
    memset(&other, 0, sizeof(other));
    other.net.pvio = &pvio;
    other.methods = (const void *)1;
    void *library = dlopen("%s", RTLD_NOW);
    const struct ria_mariadb_plugin *ours = dlsym(library, "_mysql_client_plugin_declaration_");
    return ours->authenticate(vio, &other);
}

const struct ria_mariadb_plugin _mysql_client_plugin_declaration_ = {
    .type = RIA_MARIADB_AUTHENTICATION_PLUGIN,
    .interface_version = RIA_MARIADB_INTERFACE_VERSION,
    .name = "mysql_clear_password",
    .authenticate = authenticate,
};
"""


class Manners(MariadbCase):
    def counters(self):
        """Returns both counters of the server, read with a password account."""
        query = "show global status where variable_name in ('%s')" % "', '".join(COUNTERS)
        result = self.mariadb(
            user="native_user", query=query, principal=None,
            MYSQL_PWD=self.lab.passwords["native_user"])
        values = dict(line.split("\t") for line in result.stdout.splitlines())
        return [int(values[name]) for name in COUNTERS]

    def test_a_refusal_counts_as_a_denied_login_and_not_as_an_aborted_handshake(self):
        rows = (
            ("no credentials", {}, {"principal": None}, "no AWS credentials"),
            ("not verified", {"ssl-verify-server-cert": 0}, {}, UNVERIFIED),
            ("no TLS", {"ssl-verify-server-cert": 0, "skip-ssl": 1}, {}, "is not encrypted"),
            ("default-auth", {"default-auth": "mysql_clear_password"}, {}, "remove default-auth"),
            ("the second plugin", {"default-auth": "aws_rds_iam"}, {"principal": None},
             "no AWS credentials"),
        )
        for name, settings, extra, message in rows:
            with self.subTest(refusal=name):
                self.write_my_cnf()
                aborted, denied = self.counters()
                self.write_my_cnf(**settings, without=("ssl-ca",) if name == "no TLS" else ())
                self.assert_message(self.mariadb(**extra), message)
                self.write_my_cnf()
                self.assertEqual(self.counters(), [aborted, denied + 1])

    def test_control_the_server_counts_a_client_that_disconnects(self):
        aborted, _ = self.counters()
        with socket.create_connection(("127.0.0.1", self.lab.mariadb.port)) as client:
            client.recv(4)
        for _ in range(50):  # a thread of the server detects the disconnect
            if self.counters()[0] > aborted:
                return
        self.fail("the server does not count an aborted handshake")

    def test_an_unknown_library_gets_an_error_with_a_message(self):
        directory = self.home.path / "other"
        directory.mkdir()
        compiled = harness.run(
            ["gcc", "-shared", "-fPIC", f"-I{harness.SOURCE / 'mysql_plugin/mariadb'}",
             "-o", directory / "mysql_clear_password.so", "-x", "c", "-"],
            stdin=OTHER_LAYOUT % (mariadb_plugins() / "mysql_clear_password.so"))
        self.assertEqual(compiled.returncode, 0, compiled.stderr)
        self.write_my_cnf(plugin_dir=directory)
        self.assertIn(
            "ERROR 2061 (HY000): Plugin doesn't support this function", self.mariadb().stderr)
        self.assert_nothing_sent()


if __name__ == "__main__":
    harness.main()
