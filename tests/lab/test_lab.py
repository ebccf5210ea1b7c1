# SPDX-License-Identifier: MIT
"""The lab's own test. Unmodified clients log in with tokens made by botocore, and labs do not affect each other. However
a lab ends, it leaves no process. Only a killed labd leaves a directory, which the next lab removes. This test does not
use the product."""
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
import fixture
import harness
import place
import process
import rdslab
import recipes
import servers

USER = "clickpipes_iam_user"
DEADLINE_SECONDS = 60

# A test process that owns a lab. It prints the lab's state, and waits to be killed.
OWNER = """
import json, sys
import rdslab
lab = rdslab.Lab(sys.argv[1]).start()
print(json.dumps(lab.state), flush=True)
sys.stdin.read()
"""


def setUpModule():
    harness.WORK.mkdir(parents=True, exist_ok=True)


def mariadb(lab, user, password, query):
    """Runs the unmodified client, which sends the password to the server over verified TLS."""
    return harness.run(
        ["mariadb", "--no-defaults", f"--ssl-ca={lab.ca_file}", "--ssl-verify-server-cert", "-N",
         "-h", lab.mariadb.host, "-P", lab.mariadb.port, "-u", user, "-e", query],
        env=lab.client_env(MYSQL_PWD=password))


def psql(lab, user, password, query):
    return harness.run(
        ["psql", "-XAtwc", query,
         f"host={lab.pg.host} port={lab.pg.port} user={user} dbname={lab.database_name}"
         f" sslmode=verify-full sslrootcert={lab.ca_file}"],
        env=lab.client_env(PGPASSWORD=password))


def traces(text):
    """The ids of the processes, except this one, that have the text in one of four places: their command line, their
    environment, the name of their working directory, or the name of an open file."""
    found = set()
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid() and has_trace(entry, text):
            found.add(int(entry.name))
    return found


def has_trace(entry, text):
    # The process may belong to another user, or end during the search.
    for name in ("cmdline", "environ"):
        with contextlib.suppress(OSError):
            if text.encode() in (entry / name).read_bytes():
                return True
    links = [entry / "cwd"]
    with contextlib.suppress(OSError):
        links += (entry / "fd").iterdir()
    for link in links:
        with contextlib.suppress(OSError):
            if text in os.readlink(link):
                return True
    return False


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def shared_memory_of(pids):
    """The System V shared memory segments that these processes made."""
    lines = pathlib.Path("/proc/sysvipc/shm").read_text(encoding="utf-8").splitlines()
    column = lines[0].split().index("cpid")
    return [line for line in lines[1:] if int(line.split()[column]) in pids]


def await_true(condition, what):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {DEADLINE_SECONDS} s")
        time.sleep(0.02)


class Logins(unittest.TestCase):
    """Logins of unmodified clients to one lab."""

    @classmethod
    def setUpClass(cls):
        start = time.monotonic()
        cls.lab = rdslab.Lab(harness.BUILD).start()
        print(f"# up after {time.monotonic() - start:.2f} s")
        cls.addClassCleanup(cls.lab.stop)

    def setUp(self):
        self.lab.clock(0)

    def assert_last(self, engine, reason):
        verdict = self.lab.last_verdict()
        self.assertEqual((verdict["engine"], verdict["reason"]), (engine, reason))

    def test_a_valid_token_logs_in(self):
        for principal in ("etl", "etl-session"):
            for server, client in ((self.lab.pg, psql), (self.lab.mariadb, mariadb)):
                with self.subTest(principal=principal, engine=server.engine):
                    token = self.lab.token(principal, server, USER)
                    result = client(self.lab, USER, token, "select count(*) from shop.orders"
                                    if client is mariadb else "select count(*) from orders")
                    self.assertEqual(result.stdout.strip(), "3", result.stderr)
                    self.assert_last(server.engine, None)
                    self.assertEqual(self.lab.last_verdict()["token_length"], len(token))

    def test_an_invalid_token_does_not_log_in(self):
        rows = (
            ("WrongUser", {"user": "other_iam_user"}, 0),
            ("WrongHost", {"port": 1}, 0),
            ("WrongScope", {"region": "eu-west-1"}, 0),
            ("Malformed", {"life": 901}, 0),
            ("Expired", {}, 1000),
            ("NotYetValid", {}, -1000),
        )
        for reason, overrides, offset in rows:
            for server, client in ((self.lab.pg, psql), (self.lab.mariadb, mariadb)):
                with self.subTest(reason=reason, engine=server.engine):
                    token = self.lab.token("etl", server, **{"user": USER, **overrides})
                    self.lab.clock(offset)
                    result = client(self.lab, USER, token, "select 1")
                    self.assertNotEqual(result.returncode, 0)
                    self.assertRegex(result.stderr, "PAM authentication failed|ERROR 1045")
                    self.assertNotIn(reason, result.stderr)
                    self.assert_last(server.engine, reason)

    def test_expire_tokens_expires_earlier_tokens_and_no_later_ones(self):
        old = self.lab.token("etl", self.lab.pg, USER)
        self.lab.expire_tokens()
        self.assertNotEqual(psql(self.lab, USER, old, "select 1").returncode, 0)
        self.assert_last("postgresql", "Expired")
        fresh = self.lab.token("etl", self.lab.pg, USER)
        self.assertEqual(psql(self.lab, USER, fresh, "select 1").returncode, 0)
        self.lab.clock(0)
        self.assertEqual(psql(self.lab, USER, old, "select 1").returncode, 0)

    def test_token_life_expires_tokens_after_that_life(self):
        """A token is valid during its life. If a slow login lets its token expire, the test repeats the login."""
        self.lab.token_life(2)
        token = self.lab.token("etl", self.lab.pg, USER)
        while psql(self.lab, USER, token, "select 1").returncode != 0:
            verdict = self.lab.last_verdict()
            self.assert_last("postgresql", "Expired")
            self.assertGreater(verdict["time"] - verdict["signed_at"], 2)
            print(f"# a login took {verdict['time'] - verdict['signed_at']:.1f} s; retrying")
            token = self.lab.token("etl", self.lab.pg, USER)
        self.assert_last("postgresql", None)
        self.lab.await_token_end()
        self.assertNotEqual(psql(self.lab, USER, token, "select 1").returncode, 0)
        self.assert_last("postgresql", "Expired")
        self.assertRegex(self.lab.last_verdict()["detail"], "^signed [0-9.]+ s ago, past the end")
        self.lab.clock(0)
        self.assertEqual(psql(self.lab, USER, token, "select 1").returncode, 0, "control")

    def test_logins_with_passwords_do_not_use_the_verifier(self):
        before = len(self.lab.journal())
        for user, password in self.lab.passwords.items():
            with self.subTest(user=user):
                client = psql if user == "scram_user" else mariadb
                result = client(self.lab, user, password, "select 42")
                self.assertEqual(result.stdout.strip(), "42", result.stderr)
                result = client(self.lab, user, password + "x", "select 42")
                self.assertNotEqual(result.returncode, 0)
        self.assertEqual(len(self.lab.journal()), before)

    def test_accounts_are_made_with_the_statements_of_the_recipes(self):
        rows = (
            ("mariadb.sql", "MySQL, MariaDB", (
                "CREATE USER 'clickpipes_iam_user' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS';",)),
            ("postgresql.sql", "PostgreSQL", (
                "CREATE USER clickpipes_iam_user;", "GRANT rds_iam TO clickpipes_iam_user;")),
        )
        for name, title, statements in rows:
            self.assertIn(recipes.statements(title), servers.rendered(name, fixture.load()))
            for statement in statements:
                self.assertIn(statement, recipes.statements(title).splitlines())
        token = self.lab.token("etl", self.lab.mariadb, USER)
        shown = mariadb(self.lab, USER, token, "show create user current_user()").stdout
        self.assertRegex(shown, "IDENTIFIED VIA AWSAuthenticationPlugin USING 'RDS' REQUIRE SSL")
        token = self.lab.token("etl", self.lab.pg, USER)
        shown = psql(self.lab, USER, token, "select pg_has_role(current_user, 'rds_iam', 'member')")
        self.assertEqual(shown.stdout.strip(), "t")

    def test_replication_needs_a_parameter(self):
        def identify():
            token = self.lab.token("etl", self.lab.pg, USER)
            return harness.run(
                ["psql", "-XAtwc", "IDENTIFY_SYSTEM",
                 f"host={self.lab.pg.host} port={self.lab.pg.port} user={USER}"
                 f" dbname={self.lab.database_name} sslmode=require replication=database"],
                env=self.lab.client_env(PGPASSWORD=token))

        before = len(self.lab.journal())
        self.assertIn("PAM authentication failed", identify().stderr)
        self.assertEqual(len(self.lab.journal()), before, "the verifier received a token")
        for value, accepted in (("1", True), ("0", False)):
            self.lab.parameter("rds.iam_auth_for_replication", value)
            self.assertEqual(identify().returncode == 0, accepted)
        self.assertEqual(len(self.lab.journal()), before + 1)

    def test_databases_are_in_memory_if_the_lab_may_mount(self):
        scratch = pathlib.Path(tempfile.mkdtemp(prefix="mount-", dir=harness.WORK))
        self.addCleanup(scratch.rmdir)
        may_mount = harness.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", scratch]).returncode == 0
        data = self.lab.directory / "data"
        mounts = pathlib.Path(f"/proc/{self.lab.state['pid']}/mountinfo").read_text(encoding="utf-8")
        self.assertEqual(f" {data} " in mounts, may_mount)
        self.assertEqual(sorted(path.name for path in data.iterdir()),
                         [] if may_mount else ["mariadb", "postgresql"], "the mount is visible outside the lab")
        for pid in self.lab.state["server_pids"].values():
            kind = os.statvfs(f"/proc/{pid}/cwd")
            self.assertEqual(kind.f_fsid != os.statvfs(self.lab.directory).f_fsid, may_mount)

    def test_a_block_that_is_missing_in_the_recipes_is_an_error(self):
        with self.assertRaisesRegex(LookupError, "RECIPES.md has 0 blocks of sql with -- Oracle"):
            recipes.statements("Oracle")
        with self.assertRaisesRegex(LookupError, "RECIPES.md has no placeholder STRAY in this text"):
            recipes.configuration(REGION="r", ACCOUNT_ID="1", ACCESS_ROLE="a", STRAY="s")

    def test_a_client_that_trusts_only_another_ca_sends_no_token(self):
        token = self.lab.token("etl", self.lab.mariadb, USER)
        before = len(self.lab.journal())
        result = harness.run(
            ["mariadb", "--no-defaults", f"--ssl-ca={self.lab.other_ca_file}",
             "--ssl-verify-server-cert", "-h", self.lab.mariadb.host, "-P", self.lab.mariadb.port,
             "-u", USER], env=self.lab.client_env(MYSQL_PWD=token))
        self.assertIn("ERROR 2026", result.stderr)
        self.assertEqual(len(self.lab.journal()), before)


class Ends(unittest.TestCase):
    """Each test has its own labs."""

    def start_owner(self, build=harness.BUILD):
        """Starts a process that owns a lab. Returns the process and the lab's state."""
        owner = subprocess.Popen(
            [harness.PYTHON, "-c", OWNER, str(build)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(owner.stdout.close)
        self.addCleanup(owner.stdin.close)
        self.addCleanup(owner.wait)
        self.addCleanup(owner.kill)
        return owner, rdslab.json.loads(owner.stdout.readline())

    def assert_found(self, state):
        """Control: the search of assert_gone() finds a running lab. Returns the ids of the lab's processes."""
        found = traces(state["directory"])
        self.assertLessEqual({state["pid"], *state["server_pids"].values()}, found)
        for port in state["ports"].values():
            self.assertTrue(is_listening(port))
        self.assertTrue(shared_memory_of(set(state["server_pids"].values())))
        return found

    def assert_gone(self, state, seen):
        await_true(lambda: not traces(state["directory"]), "the processes end")
        # A process that is ending has no trace left, but its ports may still be in use for a moment.
        for port in state["ports"].values():
            await_true(lambda port=port: not is_listening(port), f"port {port} is free")
        await_true(lambda: not shared_memory_of(seen), "the shared memory is gone")

    def test_two_labs_at_once(self):
        with rdslab.Lab(harness.BUILD) as one, rdslab.Lab(harness.BUILD) as two:
            self.assertNotEqual(one.directory, two.directory)
            self.assertEqual(len({*one.state["ports"].values(), *two.state["ports"].values()}), 4)
            for lab, other in ((one, two), (two, one)):
                token = lab.token("etl", lab.mariadb, USER)
                self.assertEqual(mariadb(lab, USER, token, "select 1").returncode, 0)
                self.assertIsNone(lab.last_verdict()["reason"])
                # The port is part of the signature, so the token of one lab is not valid in the other.
                mariadb(other, USER, token, "select 1")
                self.assertEqual(other.last_verdict()["reason"], "WrongHost")
            one.stop()
            self.assertFalse(one.directory.exists())
            token = two.token("etl", two.pg, USER)
            self.assertEqual(psql(two, USER, token, "select 1").returncode, 0)

    def test_a_lab_that_is_stopped_leaves_nothing(self):
        with rdslab.Lab(harness.BUILD) as lab:
            state = lab.state
            seen = self.assert_found(state)
        self.assertFalse(pathlib.Path(state["directory"]).exists())
        self.assert_gone(state, seen)

    def test_a_killed_owner_leaves_nothing(self):
        owner, state = self.start_owner()
        seen = self.assert_found(state)
        owner.send_signal(signal.SIGKILL)
        self.assert_gone(state, seen)
        self.assertFalse(pathlib.Path(state["directory"]).exists())

    def test_a_killed_labd_leaves_a_directory_that_the_next_lab_removes(self):
        # In the shared build directory, a lab of another test could remove the directory too early.
        build = self.scratch()
        owner, state = self.start_owner(build)
        seen = self.assert_found(state)
        os.kill(state["pid"], signal.SIGKILL)
        self.assert_gone(state, seen - {owner.pid})
        self.assertTrue(pathlib.Path(state["directory"]).exists())
        with rdslab.Lab(build):
            self.assertFalse(pathlib.Path(state["directory"]).exists())

    def test_a_lab_ends_when_one_of_its_servers_ends(self):
        _, state = self.start_owner()
        seen = self.assert_found(state)
        os.kill(state["server_pids"]["mariadb"], signal.SIGKILL)
        self.assert_gone(state, seen)
        self.assertFalse(pathlib.Path(state["directory"]).exists())

    def test_the_command_line(self):
        build = self.scratch()
        program = [harness.PYTHON, HERE / "rdslab.py"]
        up = harness.run([*program, "up", "--build-dir", build, "--env"], env=process.environment("/"))
        self.assertEqual(up.returncode, 0, up.stderr)
        directory = up.stdout.split("RDSLAB_DIRECTORY=")[1].split()[0]
        self.assertGreaterEqual(len(traces(directory)), 3)
        down = harness.run([*program, "down", "--build-dir", build], env=process.environment("/"))
        self.assertEqual(down.returncode, 0, down.stderr)
        self.assertFalse(pathlib.Path(directory).exists())
        await_true(lambda: not traces(directory), "the processes end")

    def test_other_options_make_another_template(self):
        class Changed(servers.MariaDB):
            INSTALL = [*servers.MariaDB.INSTALL, "--skip-test-db"]

        self.assertNotEqual(Changed.template_name(), servers.MariaDB.template_name())

    def test_the_newest_postgresql_server_is_found(self):
        """Of several releases, the newest server is found. A release with only a client is ignored."""
        for servers, clients, expected in (
            (("15",), (), "15"), (("17",), (), "17"), (("15", "17"), (), "17"), (("9.6", "13"), (), "13"),
            (("9", "10"), (), "10"), (("15",), ("17",), "15"), ((), ("17",), "*"),
        ):
            with self.subTest(servers=servers, clients=clients):
                root = pathlib.Path(tempfile.mkdtemp(prefix="releases-", dir=harness.WORK))
                self.addCleanup(shutil.rmtree, root)
                for name in (*servers, *clients):
                    (root / name / "bin").mkdir(parents=True)
                for name in servers:
                    (root / name / "bin/initdb").touch()
                self.assertEqual(process.newest_postgresql(f"{root}/*/bin"), f"{root}/{expected}/bin")

    def test_an_error_names_what_is_missing(self):
        modules = harness.BUILD / "tests" / "lab"
        rows = (
            (("/nowhere/build",), {"modules": modules},
             "the build directory /nowhere/build does not exist"),
            ((harness.BUILD,), {"modules": "/nowhere"},
             "pam_rdslab.so, .* not found in /nowhere; run ninja in the build dir"),
            ((harness.BUILD,), {"owner": 1 << 22}, "the lab's owner, process 4194304, does not exist"),
        )
        for arguments, keywords, message in rows:
            with self.subTest(message=message), self.assertRaisesRegex(rdslab.LabError, message):
                rdslab.Lab(*arguments, **keywords).start()

    def scratch(self):
        """A separate build directory, removed after the test. It contains the lab's modules, and a link to the cache of
        the shared build directory."""
        build = pathlib.Path(tempfile.mkdtemp(prefix="build-", dir=harness.WORK))
        self.addCleanup(place.remove, build)
        copy_modules(build)
        cache = place.lab_root(harness.BUILD) / "cache"
        cache.mkdir(exist_ok=True)
        (place.lab_root(build) / "cache").symlink_to(cache)
        return build


def copy_modules(build):
    modules = build / "tests" / "lab"
    modules.mkdir(parents=True)
    for path in (harness.BUILD / "tests" / "lab").glob("*.so"):
        shutil.copy(path, modules)


# If root runs this file, an ordinary user runs all tests above as well.
if os.geteuid() == 0:

    class OrdinaryUser(unittest.TestCase):
        def test_the_lab_needs_no_root(self):
            nobody = pwd.getpwnam("nobody")
            as_nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                         "--pdeathsig", "KILL"]
            scratch = pathlib.Path(tempfile.mkdtemp(prefix="build-", dir=harness.WORK))
            self.addCleanup(place.remove, scratch)
            scratch.chmod(0o755)
            # Labs of this user cannot mount. The test mounts for them, because databases in memory save ten seconds.
            build = self.enterContext(place.data_directory(scratch, place.own_mounts()))
            copy_modules(build)
            for path in (build, *build.rglob("*")):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
            if harness.run([*as_nobody, "test", "-r", HERE / "rdslab.py", "-a", "-w", build]).returncode:
                # The source tree is below a directory that only root can enter, so the user keeps CAP_DAC_OVERRIDE.
                as_nobody = ["setpriv", *process.DROP_ROOT, "--pdeathsig", "KILL"]
            result = harness.run(
                [*as_nobody, harness.PYTHON, __file__], timeout=200, cwd="/",
                env=process.environment(build, RIA_BUILD=str(build), RIA_WORK=str(build / "work")))
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            self.assertNotIn("not ok", result.stdout)
            for name in ("test_a_valid_token_logs_in", "test_a_killed_owner_leaves_nothing"):
                self.assertRegex(result.stdout, rf"(?m)^ok \d+ {name}")


if __name__ == "__main__":
    harness.main()
