# SPDX-License-Identifier: MIT
"""Runs the `mariadb` command and a libmariadb program with the plugin, rds-iam and rds-iam-fetch under valgrind.

No report is suppressed: with these options, valgrind reports no error of the client or of libcrypto. Blocks that are
still reachable at exit do not count as errors, because the plugin stays mapped until the exit.
"""
import shutil

from cloud import CloudCase
from labcase import USER, harness
from mariadb_client import CONFIG, MariadbCase

FOUND = 99
# libcurl 8 stores pointers into the middle of its TLS session blocks. valgrind reports such blocks as possibly
# lost.
NO_POSSIBLE_LEAKS = "--errors-for-leak-kinds=definite,indirect"
OPTIONS = (
    "--vgdb=no",  # its pipes would stay in /tmp after an exec
    "--leak-check=full",
    "--errors-for-leak-kinds=definite,indirect,possible",
    "--keep-debuginfo=yes",  # the client unloads the faulty plugin before it exits
    f"--error-exitcode={FOUND}",
)

# A faulty plugin of the same name: it reads freed memory, and leaks a block.
FAULTY = """
#include "abi.h"
#include <stdlib.h>

static int faulty_authenticate(struct ria_mariadb_vio *vio, struct ria_mariadb *mysql)
{
    volatile char *freed = malloc(100);
    free((void *)freed);
    char *volatile forgotten = malloc(freed[7] == 'x' ? 200 : 300);
    forgotten[0] = 'f';
    forgotten = NULL;
    (void)vio;
    mysql->methods->set_error(mysql, RIA_MARIADB_PLUGIN_ERROR, "HY000", "%s", "faulty");
    return RIA_MARIADB_ERROR;
}

const struct ria_mariadb_plugin _mysql_client_plugin_declaration_ = {
    .type = RIA_MARIADB_AUTHENTICATION_PLUGIN,
    .interface_version = RIA_MARIADB_INTERFACE_VERSION,
    .name = "mysql_clear_password",
    .authenticate = faulty_authenticate,
};
"""


def watched(home, argv, principal="etl", options=OPTIONS, **extra):
    """Runs a program under valgrind. Returns (result, valgrind's report)."""
    assert shutil.which("valgrind"), "apt-get install valgrind"
    log = home.path / "valgrind.log"
    log.unlink(missing_ok=True)
    result = home.run(
        ["valgrind", *options, f"--log-file={log}", *argv], principal, timeout=120, **extra)
    return result, log.read_text(encoding="utf-8", errors="replace")


class Memory(MariadbCase):
    def watched(self, argv, principal="etl", **extra):
        return watched(self.home, argv, principal, **extra)

    def assert_clean(self, report):
        self.assertIn("ERROR SUMMARY: 0 errors from 0 contexts", report)
        for kind in ("definitely", "indirectly", "possibly"):
            self.assertRegex(report, rf"{kind} lost: 0 bytes in 0 blocks", report)

    def test_control_a_faulty_plugin_is_reported(self):
        directory = self.home.path / "faulty"
        directory.mkdir()
        compiled = harness.run(
            ["gcc", "-g", "-O0", "-shared", "-fPIC", f"-I{harness.SOURCE / 'mysql_plugin/mariadb'}",
             "-o", directory / "mysql_clear_password.so", "-x", "c", "-"], stdin=FAULTY)
        self.assertEqual(compiled.returncode, 0, compiled.stderr)
        self.write_my_cnf(plugin_dir=directory)
        result, report = self.watched(self.argv())
        self.assertEqual(result.returncode, FOUND)
        self.assertIn("ERROR 2061 (HY000): faulty", result.stderr)
        for text in ("Invalid read of size 1", "definitely lost: 300 bytes", "faulty_authenticate"):
            self.assertIn(text, report)

    def test_a_login(self):
        for principal in ("etl", "etl-session"):
            with self.subTest(principal=principal):
                result, report = self.watched(self.argv(), principal)
                self.assert_logged_in(result)
                self.assert_clean(report)
        self.assert_accepted(2)

    def test_a_login_with_settings_files(self):
        principal = self.lab.principals["etl-session"]
        self.home.write(
            ".aws/credentials",
            f"[work]\naws_access_key_id = {principal.access_key}\n"
            f"aws_secret_access_key = {principal.secret_key}\n"
            f"aws_session_token = {principal.session_token}\n")
        self.home.write(
            CONFIG, f"# ours\n[{self.lab.mariadb.host}]\nprofile = work\nregion = us-east-1\n")
        result, report = self.watched(self.argv(), None)
        self.assert_logged_in(result)
        self.assert_clean(report)

    def test_refusals(self):
        rows = (
            ((), {"principal": None}, "no AWS credentials"),
            (("--skip-ssl", "--ssl-verify-server-cert=0"), {}, "is not encrypted"),
            ((), {"RDS_IAM_CONFIG": "/nowhere"}, "RDS_IAM_CONFIG names /nowhere"),
            ((), {"AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z"}, "expired at"),
        )
        for options, extra, message in rows:
            with self.subTest(message=message):
                result, report = self.watched(self.argv(*options), **extra)
                self.assertEqual(result.returncode, 1)
                self.assert_message(result, message)
                self.assert_clean(report)

    def test_a_refusal_by_the_server(self):
        result, report = self.watched(self.argv(), "no-policy")
        self.assertEqual(result.returncode, 1)
        self.assert_refused("AccessDenied")
        self.assert_clean(report)

    def test_a_program_on_libmariadb(self):
        program = harness.BUILD / "tests" / "integration" / "src" / "connections"
        place = (self.lab.mariadb.host, self.lab.mariadb.port, USER)
        rows = (("change-user", USER, ""), ("reconnect",), ("threads", 8))
        for command, *arguments in rows:
            with self.subTest(command=command):
                result, report = self.watched([program, command, *place, *arguments])
                self.assertEqual(result.returncode, 0, result.stdout)
                self.assert_clean(report)
        self.assert_accepted(2 + 2 + 9)


class OwnPrograms(CloudCase):
    def test_credentials_of_a_role_leave_no_copy_on_the_heap(self):
        """Cached credentials are in a separate mapping (base/secret.h). All other copies are freed."""
        self.role_profile("p", "rds-access")
        result, report = watched(
            self.home, [harness.installed("bin/rds-iam"), "credentials", "--profile", "p"], "etl-base",
            ("--leak-check=full", "--show-leak-kinds=all"), **self.cloud_env())
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("ASIA", result.stdout)
        self.assertNotIn("ria_memory_cache_put", report)
        # OpenSSL's own tables, which it fills when SHA-256 is looked up, contain no credentials.
        others = [block for block in report.split("loss record") if "fetch_sha256" not in block]
        self.assertNotIn("ria_obtain", "".join(others))
        self.assertRegex(report, r"fetch_sha256 \(digest.c:\d+\)", "control: the report names functions of the product")

    def test_renewals_of_sessions(self):
        """Checks rds-iam, rds-iam-fetch and the process of the renewal, which outlives rds-iam-fetch. Each has its
        own report. rds-iam-fetch is killed after its response, so its report has no summary."""
        for prepare, env in ((self.sso_session, self.sso_env()), (self.login_session, self.login_env())):
            with self.subTest(prepare=prepare.__name__):
                prepare()
                logs = self.home.path / "logs"
                shutil.rmtree(logs, ignore_errors=True)
                logs.mkdir()
                result = self.home.run(
                    ["valgrind", *OPTIONS, NO_POSSIBLE_LEAKS, "--trace-children=yes", f"--log-file={logs}/%p",
                     harness.installed("bin/rds-iam"), "credentials", "--profile", "p"],
                    None, timeout=120, **env)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                reports = [path.read_text(errors="replace") for path in logs.iterdir()]
                self.assertEqual(len(reports), 3, "control: valgrind ran all three")
                ends = [report for report in reports if "ERROR SUMMARY: 0 errors from 0 contexts" in report]
                self.assertGreaterEqual(len(ends), 2)
                for report in reports:
                    self.assertNotRegex(report, "Invalid|uninitialised|definitely lost: [1-9]|overlap")

    def sso_session(self):
        self.sso_profile()
        self.sso_login(expires=-60)

    def login_session(self):
        self.login_profile()
        self.aws_login(expires=-60)


if __name__ == "__main__":
    harness.main()
