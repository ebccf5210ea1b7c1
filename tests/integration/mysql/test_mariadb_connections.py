# SPDX-License-Identifier: MIT
"""What libmariadb does with a connection beyond opening it: another user, a reconnect, a coroutine,
many threads. Each new login asks for a token of its own."""
import socket

from labcase import USER, harness, mariadb_plugins
from mariadb_client import MariadbCase

PROGRAM = harness.BUILD / "tests" / "integration" / "src" / "connections"
SLOW = PROGRAM.with_name("slow_dlopen.so")
WHO_IS_IT = f"{USER}@%"

# ASYNC_CONTEXT_DEFAULT_STACK_SIZE of Connector/C 3.1 to 3.3.18; later ones have 256 KB.
SMALL_STACK = 61440

# A configuration with a provider that is not built into OpenSSL.
PROVIDERS = (
    "openssl_conf = main\n[main]\nproviders = all\n[all]\ndefault = one\nlegacy = one\n"
    "[one]\nactivate = 1\n")


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

    def test_a_reconnect_that_is_refused_shows_the_message(self):
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
                    self.assert_steps(
                        result, "waited: yes", f"connect: {WHO_IS_IT}", f"change: {WHO_IS_IT}",
                        f"reconnect: {WHO_IS_IT}")
        self.assert_accepted(4 * 3)

    def test_a_refusal_through_the_nonblocking_interface(self):
        result = self.connections("nonblocking", SMALL_STACK, principal=None)
        self.assertIn("waited: yes\nconnect: 2061 rds-iam: no AWS credentials", result.stdout)
        self.assertEqual(result.returncode, 1)

    def test_a_handle_that_is_used_again_a_library_that_is_ended_and_a_child(self):
        result = self.connections("reuse")
        self.assert_steps(result, *[f"connect: {WHO_IS_IT}"] * 3, f"child: {WHO_IS_IT}")
        self.assert_accepted(4)

    def test_a_list_of_hosts_signs_for_the_one_that_answers(self):
        mariadb = self.lab.mariadb
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            hosts = f"{self.lab.mariadb_reader_host}:{closed.getsockname()[1]},{mariadb.host}:{mariadb.port}"
            result = self.home.run([PROGRAM, "reuse", hosts, 0, USER])
        self.assert_steps(result, *[f"connect: {WHO_IS_IT}"] * 3, f"child: {WHO_IS_IT}")
        self.assert_accepted(4)

    def test_a_program_with_a_small_first_stack(self):
        """Less than a token may need; it is then made on a thread."""
        mariadb = self.lab.mariadb
        words = [str(word) for word in (PROGRAM, "reconnect", mariadb.host, mariadb.port, USER)]
        result = self.home.run(["sh", "-c", 'ulimit -s 512; exec "$@"', "sh", *words])
        self.assert_steps(result, f"connect: {WHO_IS_IT}", f"reconnect: {WHO_IS_IT}")
        self.assert_accepted(2)

    def test_a_library_that_connects_in_its_constructor(self):
        """Its thread holds the dynamic linker's lock, for which a thread of ours must not wait."""
        mariadb = self.lab.mariadb
        stacks = ("first", "thread", 256)
        # OpenSSL loads an object when it is first used.
        openssl = self.home.write("openssl.cnf", PROVIDERS)
        for stack in stacks:
            with self.subTest(stack=stack):
                result = self.home.run(
                    [PROGRAM.with_name("loads"), stack, PROGRAM.with_name("connects_at_load_mariadb.so")],
                    CONNECT_AT_LOAD="1", OPENSSL_CONF=str(openssl), DB_HOST=mariadb.host, DB_PORT=str(mariadb.port), DB_USER=USER)
                self.assertEqual(result.stdout.splitlines()[:1], [f"ok {WHO_IS_IT}"], result.stderr)
        self.assert_accepted(len(stacks))

    def test_a_thread_of_ours_is_started_only_where_the_stack_has_no_room(self):
        """A thread's own stack with enough left is as good as the first one; the bounds of a coroutine's
        cannot be asked."""
        mariadb = self.lab.mariadb
        rows = {"first": 0, "thread": 0, "2048": 0, "512": 0, "256": 1, "coroutine": 1}
        for stack, threads in rows.items():
            with self.subTest(stack=stack):
                result = self.home.run(
                    [PROGRAM.with_name("loads"), stack, PROGRAM.with_name("connects_at_load_mariadb.so"), "connect_now"],
                    DB_HOST=mariadb.host, DB_PORT=str(mariadb.port), DB_USER=USER)
                lines = result.stdout.splitlines()
                self.assertEqual((lines[:1], lines[-1:]), ([f"ok {WHO_IS_IT}"], [f"threads {threads}"]), result.stderr)
        self.assert_accepted(len(rows))

    def test_forty_threads_after_a_first_connection(self):
        result = self.connections("threads", 40)
        self.assert_steps(result, f"connect: {WHO_IS_IT}", *[f"thread: {WHO_IS_IT}"] * 40)
        self.assert_accepted(41)

    def crowd(self, *wrapper, **extra):
        """Forty threads make this process's first connections, with a plugin that is slow to load."""
        mariadb = self.lab.mariadb
        return self.home.run(
            [*wrapper, PROGRAM, "threads", mariadb.host, mariadb.port, USER, 40, "cold"],
            LD_PRELOAD=f"libnss_wrapper.so:{SLOW}", **extra)

    def test_forty_threads_at_first_with_the_settings_that_we_recommend(self):
        # The library loads the plugin before any thread asks for it.
        settings = {
            "LIBMYSQL_PLUGINS": "mysql_clear_password", "MARIADB_PLUGIN_DIR": str(mariadb_plugins())}
        for _ in range(20):
            self.assert_steps(self.crowd(**settings), *[f"thread: {WHO_IS_IT}"] * 40)
        self.assert_accepted(20 * 40)

    def test_control_forty_threads_at_first_without_them(self):
        """The race of every version: all but one thread find that another one has been faster."""
        result = self.crowd()
        self.assertEqual(result.returncode, 1)
        self.assertIn("it is already loaded", result.stdout)

    def test_forty_threads_at_first_under_exec(self):
        self.write_my_cnf(without=["plugin-dir"])
        under_exec = (harness.installed("bin/rds-iam"), "exec", "--")
        for _ in range(5):
            self.assert_steps(self.crowd(*under_exec), *[f"thread: {WHO_IS_IT}"] * 40)
        self.assert_accepted(5 * 40)
        control = self.crowd(*under_exec, "env", "--unset=LIBMYSQL_PLUGINS")
        self.assertEqual(control.returncode, 1)
        self.assertIn("it is already loaded", control.stdout)


if __name__ == "__main__":
    harness.main()
