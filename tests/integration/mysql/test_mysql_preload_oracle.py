# SPDX-License-Identifier: MIT
"""Which options the preload sets on handles of Oracle's libmysqlclient, with the option numbers of each version.
Debian does not have this library, so a small object (../src/options_of_oracle.c) stands in for it and prints the
options with which it would connect."""
import json
import unittest

import mysql_programs
from labcase import Home, harness

HOST = "mydb.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com"
PROXY = "mine.proxy-abcdefghijkl.us-east-1.rds.amazonaws.com"
OTHER = "db.example.com"
# Numbers of MYSQL_OPT_SSL_CA, MYSQL_OPT_SSL_CAPATH, MYSQL_OPT_SSL_MODE, MYSQL_PLUGIN_DIR
NUMBERS = {50734: (27, 28, 42, 22), 80025: (21, 22, 35, 16), 80408: (21, 22, 35, 16), 90400: (21, 22, 35, 16)}
IDENTITY, REQUIRED, PREFERRED = 5, 3, 2
REMEMBER = 1 << 31
SCRIPT = """
import ctypes, json, sys
library = ctypes.CDLL(sys.argv[1])
for name in ("mysql_init", "mysql_real_connect"):
    library[name].restype = ctypes.c_void_p
init = library["mysql_init"]
init.restype, init.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
handle = ctypes.c_void_p(init(None))
for name, *rest in json.loads(sys.argv[2]):
    if name in ("connect", "nonblocking"):
        function = library["mysql_real_connect" + ("" if name == "connect" else "_nonblocking")]
        host, flags = rest
        for _ in range(1 if name == "connect" else 3):
            function(handle, host and host.encode(), b"user", None, None, 3306, None, ctypes.c_ulong(flags))
    elif name == "ssl_set":
        library["mysql_ssl_set"](handle, None, None, *(text and text.encode() for text in rest), None)
    else:
        number, value = rest
        library[name](handle, number, value.encode() if isinstance(value, str) else ctypes.byref(ctypes.c_uint(value)), None)
library["mysql_close"](handle)
"""


class Oracle(unittest.TestCase):
    def setUp(self):
        self.home = Home(None)
        self.addCleanup(self.home.remove)
        self.plugins = harness.installed("lib*/**/rds-iam/mysql/rds_iam_v1.so").parent

    def run_steps(self, version, *steps, ca=True, **extra):
        """Returns the lines that mysql_real_connect() prints."""
        env = {"PATH": "/usr/bin:/bin", "HOME": str(self.home.path), **extra}
        if ca:
            env.update(RDS_IAM_CA="/rds.pem", RDS_IAM_CA_PUBLIC="/public.pem")
        library = mysql_programs.SOURCE / f"options_of_oracle_{version}.so"
        result = harness.run([harness.installed("bin/rds-iam"), "exec", "--", "/usr/bin/python3", "-c", SCRIPT, library,
                              json.dumps(steps)], env=env)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.log = result.stderr
        return result.stdout.splitlines()

    def line(self, host, ca="/rds.pem", capath="-", mode=IDENTITY, plugins=None, others=0):
        return f"{host}: ca={ca} capath={capath} mode={mode} plugin-dir={plugins or self.plugins} others={others}"

    def in_each(self, expected, *steps, **extra):
        """Checks that every version prints the same lines. A step may be a function of the version's option
        numbers."""
        for version, numbers in NUMBERS.items():
            with self.subTest(version=version):
                done = [step(*numbers) if callable(step) else step for step in steps]
                self.assertEqual(self.run_steps(version, *done, **extra), expected)

    def test_a_name_of_rds_is_verified(self):
        self.in_each([self.line(HOST)], ("connect", HOST, 0))

    def test_a_proxy_has_a_certificate_of_the_public_roots(self):
        self.in_each([self.line(PROXY, ca="/public.pem")], ("connect", PROXY, 0))

    def test_nothing_is_set_for_other_hosts_or_without_a_host(self):
        for host in (OTHER, "127.0.0.1", "localhost", None):
            untouched = self.line(host or "-", ca="-", mode=0, plugins="-")
            self.in_each([untouched], ("connect", host, 0))

    def test_what_the_program_sets_stays(self):
        self.in_each([self.line(HOST, ca="/own.pem")],
                     lambda ca, *_: ("mysql_options", ca, "/own.pem"), ("connect", HOST, 0))
        self.in_each([self.line(HOST, ca="-", capath="/own")],
                     lambda _, capath, *__: ("mysql_options4", capath, "/own"), ("connect", HOST, 0))
        self.in_each([self.line(HOST, ca="/own.pem")], ("ssl_set", "/own.pem", None), ("connect", HOST, 0))
        self.in_each([self.line(HOST, mode=REQUIRED)],
                     lambda *numbers: ("mysql_options", numbers[2], REQUIRED), ("connect", HOST, 0))
        self.in_each([self.line(HOST, plugins="/own")],
                     lambda *numbers: ("mysql_options", numbers[3], "/own"), ("connect", HOST, 0))

    def test_a_failure_frees_the_options_of_the_program(self):
        self.in_each([self.line(HOST, mode=REQUIRED), self.line(HOST)],
                     lambda *numbers: ("mysql_options", numbers[2], REQUIRED), ("connect", HOST, 0), ("connect", HOST, 0))

    def test_a_failure_frees_nothing_with_client_remember_options(self):
        self.in_each([self.line(HOST, mode=REQUIRED)] * 2, lambda *numbers: ("mysql_options", numbers[2], REQUIRED),
                     ("connect", HOST, REMEMBER), ("connect", HOST, REMEMBER))

    def test_a_handle_keeps_no_setting_for_another_host(self):
        self.in_each([self.line(HOST), self.line(OTHER, ca="-", mode=PREFERRED, plugins="-"), self.line(HOST)],
                     ("connect", HOST, REMEMBER), ("connect", OTHER, REMEMBER), ("connect", HOST, REMEMBER))

    def test_the_nonblocking_function(self):
        self.in_each([self.line(HOST), self.line(HOST)], ("nonblocking", HOST, 0), ("nonblocking", HOST, 0))

    def test_tls_verify_ca_has_no_effect_and_a_warning_states_it_once(self):
        """Oracle's library reports only VERIFY_IDENTITY to a plugin, so with VERIFY_CA no token would be sent."""
        config = self.home.write(".config/rds-iam/config", f"[{OTHER}]\nendpoint = {HOST}:3306\ntls = verify-ca\n")
        self.in_each([self.line(OTHER)] * 2, ("connect", OTHER, 0), ("connect", OTHER, 0))
        self.assertEqual(self.log, (
            f"rds-iam: warning: {config}:3: tls = verify-ca has no effect in Oracle's client library, which reports to a "
            f"plugin only that it verified the name; so the name {OTHER} must be in the server's certificate; for a "
            "tunnel, dial the name of the RDS endpoint (/etc/hosts)\n"))
        config.write_text(f"[{OTHER}]\nendpoint = {HOST}:3306\n")
        self.in_each([self.line(OTHER)], ("connect", OTHER, 0))
        self.assertEqual(self.log, "", "control")

    def test_without_a_ca_a_warning_names_the_command_to_run(self):
        for version in NUMBERS:
            lines = self.run_steps(version, ("connect", HOST, 0), ca=False)
            self.assertEqual(lines, [self.line(HOST, ca="-", mode=0)])
            self.assertIn(f"{HOST} is not verified: no usable root certificates for RDS servers were found; run: rds-iam setup ca", self.log)

    def test_control_without_exec(self):
        library = mysql_programs.SOURCE / "options_of_oracle_80408.so"
        result = harness.run(["/usr/bin/python3", "-c", SCRIPT, library, json.dumps([("connect", HOST, 0)])],
                             env={"PATH": "/usr/bin:/bin", "RDS_IAM_CA": "/rds.pem"})
        self.assertEqual(result.stdout.splitlines(), [self.line(HOST, ca="-", mode=0, plugins="-")])

    def test_nothing_is_set_in_an_unknown_version(self):
        self.assertEqual(self.run_steps(50600, ("connect", HOST, 0)), [self.line(HOST, ca="-", mode=0, plugins="-")])


if __name__ == "__main__":
    harness.main()
