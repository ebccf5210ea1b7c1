# SPDX-License-Identifier: MIT
"""What libmariadb does with a connection beyond opening it: another user, a reconnect, a coroutine,
many threads. Each new login asks for a token of its own."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from labcase import USER, harness  # noqa: E402
from mariadb_client import MariadbCase  # noqa: E402

PROGRAM = harness.BUILD / "tests" / "integration" / "src" / "connections"
WHO_IS_IT = f"{USER}@%"

# ASYNC_CONTEXT_DEFAULT_STACK_SIZE of Connector/C 3.1 to 3.3.18; later ones have 256 KB.
SMALL_STACK = 61440


class Connections(MariadbCase):
    def connections(self, command, *arguments, user=USER, principal="etl", **extra):
        mariadb = self.lab.mariadb
        return self.home.run(
            [PROGRAM, command, mariadb.host, mariadb.port, user, *arguments], principal, **extra)

    def assert_steps(self, result, *steps):
        self.assertEqual(result.stdout.splitlines(), list(steps), result.stderr)
        self.assertEqual(result.returncode, 0)

    def test_a_change_of_user_gets_a_token_for_the_new_user(self):
        password = self.lab.passwords["native_user"]
        result = self.connections("change-user", USER, "", "native_user", password, USER, "")
        self.assert_steps(
            result, f"connect: {WHO_IS_IT}", f"change: {WHO_IS_IT}", "change: native_user@%",
            f"change: {WHO_IS_IT}", f"reset: {WHO_IS_IT}")
        self.assert_accepted(3)

    def test_a_change_of_user_in_long_tokens(self):
        result = self.connections("change-user", USER, "", principal="etl-session")
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assert_accepted(2)

    def test_a_change_to_a_user_that_no_policy_names(self):
        result = self.connections("change-user", "other_iam_user", "")
        self.assertIn("change: 1045 Access denied for user 'other_iam_user'@", result.stdout)
        self.assert_refused("AccessDenied")

    def test_a_reconnect_gets_a_token_of_its_own(self):
        result = self.connections("reconnect")
        self.assert_steps(result, f"connect: {WHO_IS_IT}", f"reconnect: {WHO_IS_IT}")
        self.assert_accepted(2)

    def test_a_reconnect_that_is_refused_shows_the_sentence(self):
        result = self.connections("reconnect", "AWS_ACCESS_KEY_ID", "")
        self.assertIn("reconnect: 2061 rds-iam: AWS_SECRET_ACCESS_KEY is set but", result.stdout)
        self.assertEqual(result.returncode, 1)

    def test_a_percent_sign_does_not_reach_the_librarys_printf(self):
        # Connector/C uses the text of a failed reconnect as a format.
        result = self.connections("reconnect", "AWS_CREDENTIAL_EXPIRATION", "%s%n%s%n")
        self.assertEqual(result.returncode, 1, result)
        self.assertIn('AWS_CREDENTIAL_EXPIRATION is "?s?n?s?n"', result.stdout)

    def test_the_nonblocking_interface(self):
        for principal in ("etl", "etl-session"):
            for stack in (0, SMALL_STACK):
                with self.subTest(principal=principal, stack=stack):
                    result = self.connections("nonblocking", stack, principal=principal)
                    self.assert_steps(result, "waited: yes", f"connect: {WHO_IS_IT}")
        self.assert_accepted(4)

    def test_a_refusal_through_the_nonblocking_interface(self):
        result = self.connections("nonblocking", SMALL_STACK, principal=None)
        self.assertIn("waited: yes\nconnect: 2061 rds-iam: no AWS credentials", result.stdout)
        self.assertEqual(result.returncode, 1)

    def test_forty_threads_after_a_first_connection(self):
        result = self.connections("threads", 40)
        self.assert_steps(result, f"connect: {WHO_IS_IT}", *[f"thread: {WHO_IS_IT}"] * 40)
        self.assert_accepted(41)


if __name__ == "__main__":
    harness.main()
