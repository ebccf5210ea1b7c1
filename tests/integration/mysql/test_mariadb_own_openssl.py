# SPDX-License-Identifier: MIT
"""Programs that export their own functions with names of OpenSSL functions.

For some of the OpenSSL functions that the plugin calls, the dynamic linker finds the function of the program. For the
other functions, it finds that of libcrypto. Such a mixture of two versions of OpenSSL can crash. Therefore the plugin
prints a message and does not sign, and the program continues."""
import hostile
import labcase
import harness
from mysql_peer import MySQLPeer

ADVICE = (": a program exports OpenSSL names of its own (link it without -rdynamic or hide them), or takes "
          "the address of one and is loaded at a fixed address (link it with -pie)")
# The groups of OpenSSL functions that a program can export (../src/openssl_names.c).
GROUPS = ("fetch", "context", "digest", "update", "memory", "start")


def program(name):
    return harness.BUILD / "tests" / "integration" / "src" / name


class OwnOpenSSL(hostile.HostileCase):
    def setUp(self):
        super().setUp()
        self.write_options(labcase.mariadb_plugins(), "ssl-ca=RDS-CA", "ssl-verify-server-cert=1")

    def log_in(self, name, port):
        argv = [program(name), hostile.HOST, port, labcase.USER]
        return self.home.run(argv, principal=hostile.PRINCIPAL)

    def accepted(self, name):
        result = self.log_in(name, self.lab.mariadb.port)
        self.assertEqual((result.returncode, result.stdout), (0, labcase.USER + "@%\n"), result)
        self.assert_accepted()

    def refused(self, name, message):
        """The program must exit with status 1 and the plugin's message, and the server must get an empty password.
        Returns stderr."""
        with MySQLPeer(self.lab.certificates.server) as peer:
            result = self.log_in(name, peer.port)
        self.assertEqual(result.returncode, 1, result)
        self.assert_message("mariadb", result.stderr, message)
        self.assertEqual(peer.answers, [(True, b"\0")])
        return result.stderr

    def test_control_a_program_without_such_names(self):
        self.accepted("login")

    def test_control_a_program_with_hidden_names(self):
        self.accepted("login_own_hidden")

    def test_all_names_from_the_program_and_a_correct_hmac(self):
        """All functions come from one OpenSSL, that of the program, which computes a correct HMAC. So the plugin signs
        with it."""
        self.accepted("login_own_all")

    def test_all_names_from_the_program_and_a_wrong_hmac(self):
        self.refused(
            "login_own_wrong",
            "OpenSSL computes a wrong HMAC in this program, so nothing is signed with it")


def add_groups():
    for group in GROUPS:
        def test(self, name="login_own_" + group):
            text = self.refused(name, "OpenSSL's functions come from both ")
            for words in (str(program(name)), "libcrypto.so.3", ADVICE):
                self.assertIn(words, text)
        setattr(OwnOpenSSL, "test_own_functions_of_the_group_" + group, test)


add_groups()
if __name__ == "__main__":
    harness.main()
