# SPDX-License-Identifier: MIT
"""Credentials in memory: those that a host program or the agent caches between two logins, and those of rds-iam.

A core file of the host program contains the program's own data but none of these credentials. Expired credentials are
wiped, and rds-iam wipes its credentials before it exits. As a control, a test first finds the same bytes in the memory
of the running process, with two exceptions: the memory of a forked child is not searched, and in `rds-iam token` only
the signature of the token is found."""
import ctypes
import json
import pathlib
import re
import subprocess
import time

from cloud import CloudCase, needs_root
from labcase import USER, harness
from mariadb_client import CONFIG
from service import Services, await_true
from test_secrets import find, memory, pieces

PR_SET_PTRACER, PR_SET_PTRACER_ANY = 0x59616D61, -1
MOVED_CLOCK = harness.BUILD / "tests/integration/src/moved_clock.so"

# Logs in once for each line of its standard input. Its heap contains its own data: the characters of its argument in
# reverse order. Neither its command line nor its text contains them in this order.
PROGRAM = """
import sys
own = "".join(reversed(sys.argv[1])) * 3
for line in sys.stdin:
    try:
        cursor = connect().cursor()
        cursor.execute("select 1")
        print("in", flush=True)
    except Exception as error:
        print("out", str(error).replace(chr(10), " "), flush=True)
"""
OWN = "canary-of-the-host-itself-0123456789"
IN_DUMP = "".join(reversed(OWN)).encode()


def allow_gcore():
    """Allows gcore to attach to this process. Without this call, a kernel with Yama allows only ancestors to attach."""
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def ranges(pid):
    """Yields (start, end, mode, text in smaps) for each memory mapping of a process."""
    text = pathlib.Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8")
    for block in re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", text, flags=re.M)[1:]:
        span, mode = block.split()[:2]
        yield *(int(number, 16) for number in span.split("-")), mode, block


class CoreCase(CloudCase):
    def setUp(self):
        super().setUp()
        self.entry = self.lab.principals["etl-session"]
        # A token contains the session token in percent-encoded form. Pieces with +, / or = can therefore only come
        # from the product's copy. The tests search only for every eighth piece, because the search of a dump takes
        # long.
        raw = {piece for piece in sorted(pieces(self.entry.session_token))[::8] if re.search(rb"[+/=]", piece)}
        self.secrets = pieces(self.entry.secret_key) | raw
        self.write_keys(3600)
        self.home.write(".aws/config", "[default]\ncredential_process = cat keys\n")

    def write_keys(self, seconds):
        self.home.write("keys", json.dumps({
            "Version": 1, "AccessKeyId": self.entry.access_key, "SecretAccessKey": self.entry.secret_key,
            "SessionToken": self.entry.session_token, "Expiration": stamp(seconds)}))

    def start(self, argv, **extra):
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *map(str, argv)], cwd=self.home.path, text=True,
            env=self.home.env(None, **self.cloud_env(**extra)), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=allow_gcore)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def send(self, process, line):
        """Writes a line to the client's stdin. Returns the line that the client prints."""
        process.stdin.write(line + "\n")
        process.stdin.flush()
        return process.stdout.readline()

    def mysqldb(self, **extra):
        connect = (f'def connect():\n    import MySQLdb\n    return MySQLdb.connect(host="{self.lab.mariadb.host}", '
                   f'port={self.lab.mariadb.port}, user="{USER}", read_default_file="{self.home.path}/.my.cnf", '
                   'read_default_group="anything")\n')
        return self.start(["/usr/bin/python3", "-c", connect + PROGRAM, OWN], **extra)

    def psycopg2(self):
        pg = self.lab.pg
        connect = (f'def connect():\n    import psycopg2\n    return psycopg2.connect("host={pg.host} port={pg.port} '
                   f'user={USER} dbname={self.lab.database_name} sslmode=verify-full sslrootcert={self.lab.ca_file}")\n')
        return self.start([harness.installed("bin/rds-iam"), "exec", "--", "/usr/bin/python3", "-c",
                           connect + PROGRAM, OWN])

    def command(self):
        process = self.start(self.argv("--unbuffered", "-N", query=None))
        self.assertEqual(self.send(process, f"select reverse('{OWN}');"), IN_DUMP.decode() + "\n")
        return process


    def psql(self):
        pg = self.lab.pg
        program, = pathlib.Path("/usr/lib/postgresql").glob("*/bin/psql")  # the one in PATH is a script
        process = self.start([harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--", program, "-XAtwq",
                              "-h", pg.host, "-p", str(pg.port), "-U", USER, self.lab.database_name])
        self.assertEqual(self.send(process, f"select reverse('{OWN}');"), IN_DUMP.decode() + "\n")
        return process


class Dumps(CoreCase):
    """A host program that caches credentials for its next login."""

    def gcore(self, pid):
        result = harness.run(["gcore", "-o", self.home.path / "dump", pid], timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        return (self.home.path / f"dump.{pid}").read_bytes()

    def assert_only_in_undumped_mapping(self, process):
        """Checks that the only mapping that contains the secret is the one that is excluded from core files."""
        # Before memory(), because on some kernels, reading the memory makes its pages resident.
        before = list(ranges(process.pid))
        self.assertTrue(find(self.secrets, memory(process.pid)), "control: the credentials are cached")
        found = []
        with open(f"/proc/{process.pid}/mem", "rb", buffering=0) as mem:
            for start, end, mode, block in before:
                if mode.startswith("rw"):
                    mem.seek(start)
                    if find(self.secrets, mem.read(end - start) or b""):
                        found.append((end - start, block))
        self.assertEqual([size for size, _ in found], [1024 * 1024])
        self.assertRegex(found[0][1], r"(?m)^VmFlags:.* dd( |$)")
        resident = int(re.search(r"Rss: +(\d+) kB", found[0][1])[1])
        self.assertLessEqual(resident, 4, "one cached copy uses one page")

    def assert_not_dumped(self, dump):
        self.assertIn(IN_DUMP, dump, "control: the dump contains the host's own data")
        self.assertEqual(find(self.secrets, dump), [])

    def test_a_program_on_libmariadb(self):
        process = self.mysqldb()
        self.assertEqual(self.send(process, "log in"), "in\n")
        self.assert_only_in_undumped_mapping(process)
        self.assert_not_dumped(self.gcore(process.pid))
        self.assertEqual(self.send(process, "once more"), "in\n")

    def test_a_program_under_the_preload(self):
        process = self.psycopg2()
        self.assertEqual(self.send(process, "log in"), "in\n")
        self.assert_only_in_undumped_mapping(process)
        self.assert_not_dumped(self.gcore(process.pid))

    def test_the_mariadb_command(self):
        process = self.command()
        self.assert_only_in_undumped_mapping(process)
        self.assert_not_dumped(self.gcore(process.pid))

    def test_psql_under_the_preload(self):
        process = self.psql()
        self.assert_only_in_undumped_mapping(process)
        self.assert_not_dumped(self.gcore(process.pid))

    def test_credentials_of_a_role(self):
        """The credentials come from STS. The test gets them from `rds-iam credentials`, which reads the cache file."""
        self.home.write(".aws/config", "")
        self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nrole_arn = {self.lab.roles['rds-access'].arn}\n"
                        "session_tags = team=etl, env=prod\n")
        process = self.mysqldb(**self.lab.principals["etl-base"].env())
        self.assertEqual(self.send(process, "log in"), "in\n")
        session = self.get_credentials("--hostname", self.lab.mariadb.host, "--port", str(self.lab.mariadb.port),
                            "--username", USER)
        self.secrets = pieces(session["SecretAccessKey"])
        self.assert_only_in_undumped_mapping(process)
        self.assert_not_dumped(self.gcore(process.pid))

    def test_control_a_complete_dump_contains_the_credentials(self):
        process = self.mysqldb()
        self.assertEqual(self.send(process, "log in"), "in\n")
        result = harness.run(
            ["gdb", "-nx", "-batch", "-p", process.pid, "-ex", "set use-coredump-filter off",
             "-ex", "set dump-excluded-mappings on", "-ex", f"gcore {self.home.path}/whole"], timeout=120)
        dump = (self.home.path / "whole").read_bytes()
        self.assertTrue(find(self.secrets, dump), result.stderr)

    def test_a_forked_child_uses_the_credentials_of_its_parent(self):
        """The child does not fetch credentials. Its copy of the credentials is not in a core file either."""
        self.home.write(".aws/config", "[default]\ncredential_process = echo x >>runs; cat keys\n")
        connect = (f'import os, time\ndef connect():\n    import MySQLdb\n    found = MySQLdb.connect(host="{self.lab.mariadb.host}", '
                   f'port={self.lab.mariadb.port}, user="{USER}", read_default_file="{self.home.path}/.my.cnf", '
                   'read_default_group="anything")\n'
                   '    if not hasattr(os, "child"):\n        os.child = os.fork()\n'
                   '        if os.child != 0:\n            time.sleep(1000)\n    return found\n')
        process = self.start(["/usr/bin/python3", "-c", connect + PROGRAM, OWN])
        self.assertEqual(self.send(process, "log in"), "in\n")
        (child,) = harness.children(process.pid)
        self.assertEqual(self.send(process, "log in"), "in\n")
        self.assertEqual((self.home.path / "runs").read_text(), "x\n")
        self.assert_not_dumped(self.gcore(child))


class Expired(CoreCase):
    """Expired credentials are wiped even if no new credentials replace them. rds-iam also wipes valid credentials when
    it exits."""

    def test_in_a_host_program_at_its_next_login(self):
        clock = self.home.write("clock", "0")
        process = self.mysqldb(LD_PRELOAD=f"{MOVED_CLOCK} {self.home.env(None)['LD_PRELOAD']}", MOVED_CLOCK=str(clock))
        self.assertEqual(self.send(process, "log in"), "in\n")
        self.assertTrue(find(self.secrets, memory(process.pid)), "control: the credentials are cached")
        (self.home.path / "keys").unlink()
        clock.write_text("7200")
        self.assertIn("out", self.send(process, "again"))
        self.assertEqual(find(self.secrets, memory(process.pid)), [])

    @needs_root
    def test_in_the_agent_without_a_request(self):
        """The command prints credentials only once. They expire after 12 s."""
        self.home.write(".aws/config", "[default]\ncredential_process = cat keys && rm keys\n")
        self.write_keys(12)
        services = Services(self.home)
        services.add("prod")
        with services.agent(None, **self.cloud_env()) as agent:
            self.assertIn("X-Amz-Signature=", services.passfile("prod").read_text(), agent.log())
            self.assertFalse((self.home.path / "keys").exists())
            self.assertTrue(find(self.secrets, memory(agent.worker)), "control: the credentials are cached")
            await_true(lambda: not find(self.secrets, memory(agent.worker)), agent.log)

    def dumps_at_exit(self, *arguments):
        """gdb stops rds-iam after it has printed, and again when it exits. Each time, gdb dumps the memory of rds-iam.
        (gdb does not dump at the entry of write(), because write() could then fail with ENOSYS.) rds-iam hides its
        mappings from its own user, so gdb runs as root of a user namespace. Returns the output and the two dumps."""
        result = self.home.run(
            ["unshare", "-r", "gdb", "-nx", "-batch", "-ex", "catch syscall exit_group", "-ex", "catch syscall write",
             "-ex", "run", "-ex", "continue", "-ex", "set use-coredump-filter off", "-ex", "set dump-excluded-mappings on",
             "-ex", f"gcore {self.home.path}/printing", "-ex", "delete 2", "-ex", "continue",
             "-ex", f"gcore {self.home.path}/ending",
             "--args", str(harness.installed("bin/rds-iam")), *arguments], None, timeout=120, **self.cloud_env())
        self.assertIn("(returned from syscall write)", result.stdout)
        self.assertIn("exit_group", result.stdout)
        return result.stdout, *((self.home.path / name).read_bytes() for name in ("printing", "ending"))

    def test_in_rds_iam_at_its_exit(self):
        output, printing, ending = self.dumps_at_exit("credentials")
        self.assertIn(self.entry.secret_key, output)
        for secret in (self.entry.secret_key, self.entry.session_token):
            self.assertIn(secret.encode(), printing, "control: in memory while rds-iam prints")
            self.assertNotIn(secret.encode(), ending)

    def test_in_rds_iam_token_at_its_exit(self):
        server = self.lab.pg
        output, printing, ending = self.dumps_at_exit(
            "token", "--hostname", server.host, "--port", str(server.port), "--username", USER)
        signature = re.search(r"X-Amz-Signature=([0-9a-f]{64})", output)[1].encode()
        self.assertIn(signature, printing, "control: in memory while rds-iam prints")
        for secret in (self.entry.secret_key.encode(), self.entry.session_token.encode(), signature):
            self.assertNotIn(secret, ending)


if __name__ == "__main__":
    harness.main()
