# SPDX-License-Identifier: MIT
"""Logins of libmariadb that are not the first login of a simple program: a change of user, a reconnect, a login in a
coroutine, logins in many threads. Each login gets a new token."""
import socket

from labcase import USER, harness, mariadb_plugins
from mariadb_client import MariadbCase

PROGRAM = harness.BUILD / "tests" / "integration" / "src" / "connections"
SLOW = PROGRAM.with_name("slow_dlopen.so")
ACCOUNT = f"{USER}@%"

# ASYNC_CONTEXT_DEFAULT_STACK_SIZE of Connector/C 3.1 to 3.3.18. Later versions use 256 KB.
SMALL_STACK = 61440

# An OpenSSL configuration with a provider that OpenSSL loads from a file.
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

    def test_a_change_of_user_sends_a_token_for_the_new_user(self):
        password = self.lab.passwords["native_user"]
        result = self.connections("change-user", USER, "", "native_user", password, USER, "")
        self.assert_steps(
            result, f"connect: {ACCOUNT}", f"change: {ACCOUNT}", "change: native_user@%",
            f"change: {ACCOUNT}", f"reset: {ACCOUNT}")
        self.assert_accepted(3)

    def test_a_change_of_user_with_a_long_token(self):
        result = self.connections("change-user", USER, "", principal="etl-session")
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assert_accepted(2)

    def test_a_change_to_a_user_that_no_policy_names(self):
        result = self.connections("change-user", "other_iam_user", "")
        self.assertIn("change: 1045 Access denied for user 'other_iam_user'@", result.stdout)
        self.assert_refused("AccessDenied")

    def test_a_reconnect_sends_a_new_token(self):
        result = self.connections("reconnect")
        self.assert_steps(result, f"connect: {ACCOUNT}", f"reconnect: {ACCOUNT}")
        self.assert_accepted(2)

    def test_a_reconnect_that_is_refused_shows_the_message(self):
        result = self.connections("reconnect", "AWS_ACCESS_KEY_ID", "")
        self.assertIn("reconnect: 2061 rds-iam: AWS_SECRET_ACCESS_KEY is set but", result.stdout)
        self.assertEqual(result.returncode, 1)

    def test_a_percent_sign_does_not_reach_the_librarys_printf(self):
        # Connector/C uses the message of a failed reconnect as a printf format.
        result = self.connections("reconnect", "AWS_CREDENTIAL_EXPIRATION", "%s%n%s%n")
        self.assertEqual(result.returncode, 1, result)
        self.assertIn('AWS_CREDENTIAL_EXPIRATION is "?s?n?s?n"', result.stdout)

    def test_the_nonblocking_interface(self):
        for principal in ("etl", "etl-session"):
            for stack in (0, SMALL_STACK):
                with self.subTest(principal=principal, stack=stack):
                    result = self.connections("nonblocking", stack, principal=principal)
                    self.assert_steps(
                        result, "waited: yes", f"connect: {ACCOUNT}", f"change: {ACCOUNT}",
                        f"reconnect: {ACCOUNT}")
        self.assert_accepted(4 * 3)

    def test_a_refusal_through_the_nonblocking_interface(self):
        result = self.connections("nonblocking", SMALL_STACK, principal=None)
        self.assertIn("waited: yes\nconnect: 2061 rds-iam: no AWS credentials", result.stdout)
        self.assertEqual(result.returncode, 1)

    def test_a_reused_handle_a_library_that_is_initialized_twice_and_a_child_process(self):
        result = self.connections("reuse")
        self.assert_steps(result, *[f"connect: {ACCOUNT}"] * 3, f"child: {ACCOUNT}")
        self.assert_accepted(4)

    def test_for_a_list_of_hosts_the_token_is_signed_for_the_connected_host(self):
        mariadb = self.lab.mariadb
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            hosts = f"{self.lab.mariadb_reader_host}:{closed.getsockname()[1]},{mariadb.host}:{mariadb.port}"
            result = self.home.run([PROGRAM, "reuse", hosts, 0, USER])
        self.assert_steps(result, *[f"connect: {ACCOUNT}"] * 3, f"child: {ACCOUNT}")
        self.assert_accepted(4)

    def test_a_program_with_a_small_first_stack(self):
        """The stack of the first thread is limited to 512 KiB. If less than 256 KiB of it are free, the plugin makes
        the token in another thread."""
        mariadb = self.lab.mariadb
        words = [str(word) for word in (PROGRAM, "reconnect", mariadb.host, mariadb.port, USER)]
        result = self.home.run(["sh", "-c", 'ulimit -s 512; exec "$@"', "sh", *words])
        self.assert_steps(result, f"connect: {ACCOUNT}", f"reconnect: {ACCOUNT}")
        self.assert_accepted(2)

    def test_a_library_that_connects_in_its_constructor(self):
        """The thread that runs the constructor holds the lock of the dynamic linker. A thread of the plugin must not
        wait for this lock."""
        mariadb = self.lab.mariadb
        stacks = ("first", "thread", 256)
        # With this configuration, OpenSSL loads a provider when it is first used.
        openssl = self.home.write("openssl.cnf", PROVIDERS)
        for stack in stacks:
            with self.subTest(stack=stack):
                result = self.home.run(
                    [PROGRAM.with_name("loads"), stack, PROGRAM.with_name("connects_at_load_mariadb.so")],
                    CONNECT_AT_LOAD="1", OPENSSL_CONF=str(openssl), DB_HOST=mariadb.host, DB_PORT=str(mariadb.port), DB_USER=USER)
                self.assertEqual(result.stdout.splitlines()[:1], [f"ok {ACCOUNT}"], result.stderr)
        self.assert_accepted(len(stacks))

    def test_the_plugin_starts_a_thread_only_if_the_stack_is_too_small(self):
        """The plugin uses the stack of any thread if it has enough room. For a coroutine, the plugin cannot find out
        the size of the stack, so it starts a thread."""
        mariadb = self.lab.mariadb
        rows = {"first": 0, "thread": 0, "2048": 0, "512": 0, "256": 1, "coroutine": 1}
        for stack, threads in rows.items():
            with self.subTest(stack=stack):
                result = self.home.run(
                    [PROGRAM.with_name("loads"), stack, PROGRAM.with_name("connects_at_load_mariadb.so"), "connect_now"],
                    DB_HOST=mariadb.host, DB_PORT=str(mariadb.port), DB_USER=USER)
                lines = result.stdout.splitlines()
                self.assertEqual((lines[:1], lines[-1:]), ([f"ok {ACCOUNT}"], [f"threads {threads}"]), result.stderr)
        self.assert_accepted(len(rows))

    def test_forty_threads_after_a_first_connection(self):
        result = self.connections("threads", 40)
        self.assert_steps(result, f"connect: {ACCOUNT}", *[f"thread: {ACCOUNT}"] * 40)
        self.assert_accepted(41)

    def crowd(self, *wrapper, **extra):
        """Forty threads make the first connections of a process at once. The plugin is slow to load."""
        mariadb = self.lab.mariadb
        return self.home.run(
            [*wrapper, PROGRAM, "threads", mariadb.host, mariadb.port, USER, 40, "cold"],
            LD_PRELOAD=f"libnss_wrapper.so:{SLOW}", **extra)

    def test_forty_first_logins_with_the_recommended_settings(self):
        # With LIBMYSQL_PLUGINS, the library loads the plugin before any thread needs it.
        settings = {
            "LIBMYSQL_PLUGINS": "mysql_clear_password", "MARIADB_PLUGIN_DIR": str(mariadb_plugins())}
        for _ in range(20):
            self.assert_steps(self.crowd(**settings), *[f"thread: {ACCOUNT}"] * 40)
        self.assert_accepted(20 * 40)

    def test_control_forty_first_logins_without_these_settings(self):
        """Every version of the library has this race: one thread loads the plugin, and the logins of the other
        threads fail because the plugin is already loaded."""
        result = self.crowd()
        self.assertEqual(result.returncode, 1)
        self.assertIn("it is already loaded", result.stdout)

    def test_forty_first_logins_under_exec(self):
        self.write_my_cnf(without=["plugin-dir"])
        under_exec = (harness.installed("bin/rds-iam"), "exec", "--")
        for _ in range(5):
            self.assert_steps(self.crowd(*under_exec), *[f"thread: {ACCOUNT}"] * 40)
        self.assert_accepted(5 * 40)
        control = self.crowd(*under_exec, "env", "--unset=LIBMYSQL_PLUGINS")
        self.assertEqual(control.returncode, 1)
        self.assertIn("it is already loaded", control.stdout)


if __name__ == "__main__":
    harness.main()
