# SPDX-License-Identifier: MIT
"""The call stacks on which a program may connect under the preload: in the constructor of a library, on threads
with large and small stacks, in a coroutine, with a signal handler that jumps away, and within another connection
attempt."""
import pathlib
import signal
import socket
import subprocess

from labcase import USER, LabCase, harness
from postgresql_peer import PostgreSQLPeer
import traces
import ways
from test_agent_lease import LeaseCase

LIBRARY = ways.PROGRAMS / "connects_at_load.so"
# "entry" has a passfile like an agent's, "fields" has none.
FORMS = ("fields", "entry")
# With a smaller stack than SMALL_KIB libpq itself cannot use TLS.
SMALL_KIB, LARGE_KIB = 64, 1024
# An OpenSSL configuration with a provider that is not built in. OpenSSL loads the provider when OpenSSL is first used.
PROVIDERS = (
    "openssl_conf = main\n[main]\nproviders = all\n[all]\ndefault = one\nlegacy = one\n"
    "[one]\nactivate = 1\n")


class Stacks(LabCase):
    def loads(self, stack, form, *function, preload=True, program="loads", **extra):
        conninfo, named = ways.forms(self.home, self.lab)[form]
        argv = [ways.PROGRAMS / program, *([stack, LIBRARY, *function] if stack else [])]
        env = ways.with_preload() if preload else {}
        return self.home.run(argv, CONNINFO=conninfo, **named, **env, **extra)

    def assert_in(self, result, *more):
        self.assertEqual(result.stdout.splitlines(), [f"ok {USER}", *more], result.stderr)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_a_linked_library_connects_in_its_constructor(self):
        for form in FORMS:
            with self.subTest(form=form):
                self.assert_in(self.loads(None, form, program="loads_linked", CONNECT_AT_LOAD="1"))
        self.assert_accepted(len(FORMS))

    def test_a_loaded_library_connects_in_its_constructor_on_a_large_stack(self):
        for stack in ("first", "thread", LARGE_KIB):
            for form in FORMS:
                with self.subTest(stack=stack, form=form):
                    result = self.loads(stack, form, CONNECT_AT_LOAD="1")
                    self.assertEqual(result.stdout.splitlines()[:1], [f"ok {USER}"], result.stderr)
                    self.assertEqual(result.stdout.splitlines()[-1], "threads 0", "on the caller's stack")
        self.assert_accepted(6)

    def test_a_loaded_library_connects_in_its_constructor_on_a_small_stack(self):
        openssl = self.home.write("openssl.cnf", PROVIDERS)
        for stack in ("coroutine", SMALL_KIB):
            for form in FORMS:
                with self.subTest(stack=stack, form=form):
                    result = self.loads(stack, form, CONNECT_AT_LOAD="1", OPENSSL_CONF=str(openssl))
                    self.assertEqual(result.stdout.splitlines()[:1], [f"ok {USER}"], result.stderr)
                    self.assertNotIn("threads 0\n", result.stdout, "the token was made on a thread of the preload")
        self.assert_accepted(4)

    def test_a_program_connects_on_a_small_stack_outside_a_constructor(self):
        for stack in ("coroutine", SMALL_KIB):
            for form in FORMS:
                with self.subTest(stack=stack, form=form):
                    result = self.loads(stack, form, "connect_now")
                    self.assertEqual(result.stdout.splitlines()[:1], [f"ok {USER}"], result.stderr)
                    self.assertNotIn("threads 0\n", result.stdout)
        self.assert_accepted(4)

    def test_a_program_whose_main_stack_is_small(self):
        conninfo, _ = ways.forms(self.home, self.lab)["fields"]
        result = self.home.run(
            ["sh", "-c", 'ulimit -s 200; exec "$@"', "sh", ways.PROGRAMS / "loads", "first", LIBRARY, "connect_now"],
            CONNINFO=conninfo, **ways.with_preload())
        self.assert_in(result, "threads 1")

    def used(self, result):
        """Returns how many bytes of stack the program used. Checks that it logged in."""
        words = dict(line.split() for line in result.stdout.splitlines())
        self.assertEqual(words["ok"], USER, result.stderr)
        return int(words["used"])

    def test_the_stack_size_that_a_token_needs(self):
        """With keys in the environment and with a credential_process, a login uses far less stack than the preload
        requires to be free."""
        token = self.lab.token("etl", self.lab.pg, USER)
        stock = self.used(self.loads(LARGE_KIB, "fields", "connect_now", preload=False, PGPASSWORD=token))
        lab = self.lab.principals["etl"]
        answer = ('{"Version":1,"AccessKeyId":"%s","SecretAccessKey":"%s"}' % (lab.access_key, lab.secret_key))
        self.home.write(".aws/config", f"[default]\ncredential_process = echo '{answer}'\n")
        for name, principal in (("environment", "etl"), ("process", None)):
            for form in FORMS:
                conninfo, named = ways.forms(self.home, self.lab)[form]
                result = self.home.run(
                    [ways.PROGRAMS / "loads", LARGE_KIB, LIBRARY, "connect_now"], principal,
                    CONNINFO=conninfo, **named, **ways.with_preload())
                used = self.used(result)
                print(f"# {name}, {form}: {used} bytes of stack; libpq alone: {stock}")
                self.assertLess(used, 128 * 1024)
                self.assertIn("threads 0\n", result.stdout)


class Jumps(LabCase):
    def test_a_handler_that_jumps_away_runs_after_the_token_is_made(self):
        gate = LeaseCase.gate(self)
        self.addCleanup(gate.release)
        conninfo, _ = ways.forms(self.home, self.lab)["fields"]
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", ways.PROGRAMS / "jumps_away", conninfo], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.home.path,
            env=self.home.env(None, AWS_PROFILE="gate", AWS_CONFIG_FILE=str(self.home.path / ".aws/gate"),
                              **ways.with_preload()))
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        gate.await_asked()
        process.send_signal(signal.SIGUSR1)
        self.assertTrue(self.pending(process.pid) & 1 << (signal.SIGUSR1 - 1), "the signal is pending")
        gate.open()
        self.assertEqual(process.stdout.readline(), "jumped\n")
        gate.release()
        out, err = process.communicate(timeout=ways.TIMEOUT_SECONDS)
        self.assertEqual(out, f"ok {USER}\nfiles in memory: 0\n", err)
        self.assert_accepted()

    @staticmethod
    def pending(pid):
        """Returns the bit mask of the process's pending signals."""
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(dict(line.split(":") for line in lines)["ShdPnd"], 16)

    def test_a_call_after_the_jump_is_checked_again(self):
        """The second call comes from deeper in the stack, so it looks like a call within the call that the jump
        left."""
        token = self.lab.token("etl", self.lab.pg, USER)
        for way in ((), ("ping",)):
            for preloaded in (True, False):
                with self.subTest(way=way, preloaded=preloaded), socket.create_server(("127.0.0.1", 0)) as silent:
                    directory = self.home.path / f"{len(way)}{preloaded}"
                    directory.mkdir()
                    left = f"host={self.lab.pg.host} hostaddr=127.0.0.1 port={silent.getsockname()[1]}"
                    with PostgreSQLPeer(None, f"{directory}/.s.PGSQL.5432") as peer:
                        self.jump(silent, left, f"host={directory} port=5432", *way, preloaded=preloaded,
                                  PGPASSWORD=token)
                        sent = [data.rstrip(b"\0") for _, data in peer.answers]
                        self.assertEqual(peer.connections, 1)
                        if preloaded:
                            self.assertEqual([data for data in sent if data], [])
                            self.assertEqual(traces.find(peer.received, [traces.signature(token)]), [])
                        else:
                            self.assertEqual(sent, [token.encode()], "control: no preload")

    def jump(self, silent, *words, preloaded, **extra):
        """Starts a program that jumps out of a connection attempt. Waits for its end."""
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", ways.PROGRAMS / "jumps_away", *words], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.home.path,
            env=self.home.env(None, PGUSER=USER, PGSSLMODE="verify-full", PGSSLROOTCERT=str(self.lab.ca_file),
                              **(ways.with_preload() if preloaded else {}), **extra))
        self.addCleanup(process.kill)
        connection, _ = silent.accept()
        with connection:
            connection.recv(1)
            process.send_signal(signal.SIGUSR1)
            out, err = process.communicate(timeout=ways.TIMEOUT_SECONDS)
        self.assertEqual(out.splitlines()[:1], ["jumped"], err)

    def test_a_nested_call_is_checked(self):
        token = self.lab.token("etl", self.lab.pg, USER)
        for preloaded in (True, False):
            with self.subTest(preloaded=preloaded), PostgreSQLPeer(None, f"{self.home.path}/.s.PGSQL.5432") as peer:
                result = self.home.run(
                    [ways.PROGRAMS / "connects_within", f"host={self.lab.pg.host}", f"host={self.home.path}"], None,
                    PGUSER=USER, PGSSLMODE="verify-full", PGSSLROOTCERT=str(self.lab.ca_file), PGPASSWORD=token,
                    **(ways.with_preload() if preloaded else {}))
                self.assertRegex(result.stdout, "inner: .*\n+outer: could not translate host name")
                sent = [data.rstrip(b"\0") for _, data in peer.answers if data.strip(b"\0")]
                self.assertEqual(peer.connections, 1)
                self.assertEqual(sent, [] if preloaded else [token.encode()])

    def test_a_signal_without_a_handler_ends_the_program_at_once(self):
        gate = LeaseCase.gate(self)
        self.addCleanup(gate.release)
        conninfo, _ = ways.forms(self.home, self.lab)["fields"]
        process = subprocess.Popen(
            [ways.PROGRAMS / "jumps_away", conninfo], stdout=subprocess.DEVNULL, cwd=self.home.path,
            env=self.home.env(None, AWS_PROFILE="gate", AWS_CONFIG_FILE=str(self.home.path / ".aws/gate"),
                              **ways.with_preload()))
        self.addCleanup(process.kill)
        gate.await_asked()
        process.send_signal(signal.SIGINT)
        # The gate is still closed, so no token was made.
        self.assertEqual(process.wait(ways.TIMEOUT_SECONDS), -signal.SIGINT)


if __name__ == "__main__":
    harness.main()
