# SPDX-License-Identifier: MIT
"""The MariaDB plugin with the address sanitizer and the undefined behaviour sanitizer, in clients
that were built without them. The loader maps the sanitizer's runtime library before the client. As a control, a
faulty plugin is found in the same way.

Leaks are not checked here, because clients leak at their exit; test_valgrind.py checks them."""
import pathlib
import shutil
import signal
import tempfile

import sanitizers
from labcase import USER, harness
from mariadb_client import MariadbCase
from test_valgrind import FAULTY

PROGRAM = harness.BUILD / "tests/integration/src/connections"
MARIADB = sanitizers.ADDRESS_GUESTS / "mariadb"
FINDINGS = harness.WORK / "guests" / "findings"  # of the clients
SANITIZED = ("-g", "-O1", "-shared", "-fPIC", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")


class Guests(MariadbCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The library with the options comes first, because libasan defines the same functions.
        options = sanitizers.default_options("-shared", output=harness.WORK / "guests" / "options.so", findings=FINDINGS)
        cls.runtime = f"{options} {sanitizers.runtime('libasan.so')} libnss_wrapper.so"

    def setUp(self):
        super().setUp()
        self.write_my_cnf(plugin_dir=MARIADB)
        self.forget_findings()

    def forget_findings(self):
        shutil.rmtree(FINDINGS, ignore_errors=True)
        FINDINGS.mkdir(parents=True)

    def findings(self):
        return "".join(path.read_text(errors="replace") for path in FINDINGS.glob("*"))

    def run_client(self, argv, principal="etl", **extra):
        result = self.home.run(argv, principal, LD_PRELOAD=self.runtime, **extra)
        self.assertEqual(self.findings(), "")
        return result

    def test_control_a_faulty_plugin_is_found(self):
        directory = self.home.path / "faulty"
        directory.mkdir()
        compiled = harness.run(
            ["gcc", *SANITIZED, f"-I{harness.SOURCE / 'mysql_plugin/mariadb'}",
             "-o", directory / "mysql_clear_password.so", "-x", "c", "-"], stdin=FAULTY)
        self.assertEqual(compiled.returncode, 0, compiled.stderr)
        self.write_my_cnf(plugin_dir=directory)
        result = self.home.run(self.argv(), LD_PRELOAD=self.runtime)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("heap-use-after-free", self.findings())
        self.assertIn("faulty_authenticate", self.findings())
        self.forget_findings()

    def test_control_undefined_behavior_of_a_program_is_found(self):
        with tempfile.TemporaryDirectory(dir=harness.WORK) as scratch:
            options = sanitizers.default_options("-c", output=pathlib.Path(scratch) / "options.o", findings=FINDINGS)
            program = pathlib.Path(scratch) / "program"
            compiled = harness.run(["gcc", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-o", program,
                                    "-x", "c", "-", "-x", "none", options],
                                   stdin="int main(int c, char **v) { (void)v; return (c + 0x7fffffff) & 1; }")
            self.assertEqual(compiled.returncode, 0, compiled.stderr)
            self.assertEqual(harness.run([program]).returncode, -signal.SIGABRT)
        self.assertIn("signed-integer-overflow", self.findings())
        self.forget_findings()

    def test_logins_of_mariadb(self):
        for principal in ("etl", "etl-session"):
            with self.subTest(principal=principal):
                self.assert_logged_in(self.run_client(self.argv(), principal))
        self.assert_accepted(2)

    def test_control_the_client_maps_the_sanitized_plugin(self):
        result = self.run_client(["strace", "-f", "-e", "trace=openat", *map(str, self.argv())])
        self.assertRegex(result.stderr, rf'"{MARIADB}/mysql_clear_password.so".* = [0-9]')
        self.assertIn("__asan_init", harness.run(["nm", "-D", MARIADB / "mysql_clear_password.so"]).stdout)

    def test_refusals_of_the_plugin(self):
        rows = (
            ((), {"principal": None}, "no AWS credentials"),
            (("--skip-ssl", "--ssl-verify-server-cert=0"), {}, "is not encrypted"),
            ((), {"RDS_IAM_CONFIG": "/nowhere"}, "RDS_IAM_CONFIG names /nowhere"),
            ((), {"AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z"}, "expired at"),
        )
        for options, extra, message in rows:
            with self.subTest(message=message):
                result = self.run_client(self.argv(*options), **extra)
                self.assert_message(result, message)

    def test_a_program_on_libmariadb(self):
        place = (self.lab.mariadb.host, self.lab.mariadb.port, USER)
        for command, *arguments in (("change-user", USER, ""), ("reconnect",), ("threads", 8)):
            with self.subTest(command=command):
                result = self.run_client([PROGRAM, command, *place, *arguments])
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assert_accepted(2 + 2 + 9)


if __name__ == "__main__":
    harness.main()
