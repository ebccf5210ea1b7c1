# SPDX-License-Identifier: MIT
"""The agent as a service: its notifications to systemd, its units, --status, the events that make it read its
files again, attempts of other users to read or replace its files or to end it, and other files that have the names of
its files."""
import contextlib
import os
import pwd
import re
import signal
import socket
import time

from cloud import needs_root
from labcase import USER, harness
from service import TARGETS, Services, agent_program, await_true, systemd_analyze, verify_unit
from test_agent_lease import LeaseCase

SOCKET_SECONDS = 60
EXPOSURE_MAX = 2.5  # of 10, measured by systemd-analyze security
UNITS = ("share/systemd/user/rds-iam-agent.service", "lib/systemd/system/rds-iam-agent@.service")
# Each row: a text of rds-iam's unit, its replacement, and the message of systemd-analyze.
FLAWS = (
    ("ExecStart=/", "ExecStart=/no", "is not executable"),
    ("WatchdogSec=", "WatchdgSec=", "Unknown key"),
    ("[Install]", "[Instal]", "Unknown section"),
)
# Units of other packages, each with a flaw that systemd-analyze reports.
OTHERS = (
    "[Service]\nExecStart=/bin/true\nNonsense=1\n",
    "[Service]\nExecStart=/bin/true\nKillMode=nonsense\n",
    "[Nonsense]\n[Service]\nExecStart=/bin/true\n",
)


class Listener:
    """A datagram socket at the address in $NOTIFY_SOCKET. It stands for systemd."""

    def __init__(self, address):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(SOCKET_SECONDS)
        self.lines = []

    def await_line(self, line):
        """Receives until the line arrives. Fails if no datagram arrives within SOCKET_SECONDS."""
        while line not in self.lines:
            self.lines += self._socket.recv(4096).decode().splitlines()

    def close(self):
        self._socket.close()


class Systemd(LeaseCase):
    def listen(self, address):
        listener = Listener(address)
        self.addCleanup(listener.close)
        return listener

    def test_systemd_gets_ready_status_watchdog_and_stopping(self):
        self.services.add("prod")
        path = str(self.home.path / "notify")
        abstract = f"rds-iam-agent-{os.getpid()}"
        for address, name in ((path, path), ("\0" + abstract, "@" + abstract)):
            with self.subTest(name=name):
                listener = self.listen(address)
                with self.services.agent(NOTIFY_SOCKET=name, WATCHDOG_USEC="100000") as agent:
                    listener.await_line("READY=1")
                    self.assertIn("X-Amz-Signature", self.read())
                    listener.await_line(
                        f"STATUS=1 of 1 services have their tokens in {self.services.directory}")
                    listener.lines.clear()
                    for _ in range(3):
                        listener.await_line("WATCHDOG=1")
                        listener.lines.clear()
                    self.assertEqual(agent.end(), 0)
                    listener.await_line("STOPPING=1")

    def test_a_watchdog_for_another_process_is_not_notified(self):
        """WATCHDOG_PID names another process, so the agent sends no WATCHDOG=1 before STOPPING=1."""
        self.services.add("prod")
        listener = self.listen(str(self.home.path / "notify"))
        with self.services.agent(
                NOTIFY_SOCKET=str(self.home.path / "notify"), WATCHDOG_USEC="1000", WATCHDOG_PID="1") as agent:
            listener.await_line("READY=1")
            agent.end()
            listener.await_line("STOPPING=1")
        self.assertNotIn("WATCHDOG=1", listener.lines)

    def test_a_child_does_not_inherit_the_notification_variables(self):
        principal = self.lab.principals["etl"]
        answer = ('{"Version":1,"AccessKeyId":"%s","SecretAccessKey":"%s"}'
                  % (principal.access_key, principal.secret_key))
        script = self.home.write(
            "process.sh", f"#!/bin/sh\nenv >{self.home.path}/seen\necho '{answer}'\n", 0o700)
        self.home.write(".aws/config", f"[default]\ncredential_process = {script}\n")
        self.services.add("prod")
        self.listen(str(self.home.path / "notify"))
        with self.services.agent(None, NOTIFY_SOCKET=str(self.home.path / "notify"),
                                 WATCHDOG_USEC="100000"):
            self.assertIn("X-Amz-Signature", self.read())
        seen = (self.home.path / "seen").read_text()
        self.assertIn("HOME=", seen, "control")
        self.assertNotIn("NOTIFY_SOCKET", seen)
        self.assertNotIn("WATCHDOG", seen)

    def test_the_units_pass_systemd_analyze(self):
        for name in UNITS:
            with self.subTest(name=name):
                path = harness.PREFIX / name
                options = ["--user"] if "/user/" in name else []
                result = verify_unit(self.home, path, *options)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertIn(f"ExecStart={agent_program()} --foreground", path.read_text())
                for good, bad, message in FLAWS:
                    self.assertIn(good, path.read_text())
                    broken = self.home.write(path.name, path.read_text().replace(good, bad))
                    self.assertIn(message, verify_unit(self.home, broken, *options).stderr, "control")

    def test_broken_units_of_other_packages_do_not_matter(self):
        unit = harness.PREFIX / UNITS[0]
        for number, text in enumerate(OTHERS):
            name = f"other{number}.service"
            self.home.write(f"other/{name}", text)
            for target in TARGETS:
                wants = self.home.path / f"other/{target}.target.wants"
                wants.mkdir(exist_ok=True)
                (wants / name).symlink_to(f"../{name}")
        for target in TARGETS:
            self.home.write(f"other/{target}.target", f"[Unit]\nDescription={target}\n")
        control = verify_unit(self.home, unit, "--user", units=self.home.path / "other").stderr
        for number in range(len(OTHERS)):
            self.assertIn(f"other{number}.service", control, "control: systemd-analyze reports them")
        result = verify_unit(self.home, unit, "--user")
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_the_exposure_of_the_systems_unit_is_limited(self):
        path = harness.PREFIX / "lib/systemd/system/rds-iam-agent@.service"

        def exposure(unit):
            text = self.home.run(systemd_analyze("security", "--offline=true", unit), None).stdout
            return float(re.search(r"Overall exposure level for \S+: ([\d.]+)", text).group(1))

        self.assertLessEqual(exposure(path), EXPOSURE_MAX)
        bare = re.sub(r"(?m)^(Cap|No|Restrict|Lock|System|Protect|Private).*\n", "", path.read_text())
        self.assertGreater(exposure(self.home.write(path.name, bare)), 7, "control")


class Status(LeaseCase):
    def test_status_prints_entries_tokens_errors_and_credentials(self):
        self.services.add("prod")
        self.services.add("weak", sslmode="require")
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200))
        with self.services.agent(AWS_CREDENTIAL_EXPIRATION=ends) as agent:
            status = agent.status()
            self.assertIn(f"process {agent.process.pid}, worker {agent.worker}", status["rds-iam-agent"])
            self.assertEqual(status["directory"], str(self.services.directory))
            self.assertIn("on open", status["serving"])
            self.assertEqual(status["entries"], "1 of 2 services have their tokens, in 2 passfiles")
            self.assertEqual(status["opened"], "0 times, with 0 tokens made")
            self.assertEqual(status["credentials"], f"the environment, until {ends}")
            self.assertEqual(
                status["[prod]"], f"{USER} at {self.lab.pg.host}:{self.lab.pg.port}  ok")
            self.read()
            text = self.text()
            self.assertIn("opened       1 times, with 1 tokens made", text)
            self.assertRegex(text, r"last token   \S+Z \[prod\] for " + USER)
            self.assertNotIn("X-Amz", text)

    def test_the_limit_of_open_files_limits_the_served_passfiles(self):
        self.services.add_all({f"p{i:03}": {} for i in range(100)})
        limited = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"]
        with self.services.agent(under=limited) as agent:
            agent.await_log(f"{self.services.directory}: only 32 passfiles are served, because")
            self.assertIn("on open", agent.status()["serving"])
            self.assertEqual(agent.status()["entries"], "32 of 100 services have their tokens, in 100 passfiles")
            made = [path.name for path in self.services.directory.glob("p*")]
            self.assertEqual(len(made), 32)
            self.assertIn("X-Amz-Signature", self.read(made[0]))
            self.assertEqual(self.psql(made[-1]).returncode, 0)

    def text(self):
        result = self.home.run(
            [agent_program(), "--status", "--directory", self.services.directory], None)
        return result.stdout + result.stderr

    def test_status_without_an_agent_names_the_command_that_starts_one(self):
        self.services.directory.mkdir(mode=0o700)
        result = self.home.run(
            [agent_program(), "--status", "--directory", self.services.directory], None)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, f"rds-iam-agent: {self.services.directory}: no agent serves it; run: "
                                        f"rds-iam-agent --directory {self.services.directory}\n")

    def test_status_of_a_missing_directory_names_the_command_that_starts_an_agent(self):
        directory = self.home.path / "missing"
        result = self.home.run([agent_program(), "--status", "--directory", directory], None)
        self.assertEqual((result.returncode, result.stderr), (
            1, f"rds-iam-agent: {directory}: the directory does not exist, so no agent serves it; run: rds-iam-agent --directory {directory}\n"))

    def test_status_creates_no_directory(self):
        """strace shows each attempt to create a directory. Even a directory that exists only for a moment would be
        wrong, because an agent that starts at that moment could use it."""
        result = self.home.run(
            ["strace", "-f", "-qq", "-e", "trace=mkdir,mkdirat,rmdir,unlink,unlinkat", agent_program(), "--status"], None)
        self.assertEqual(result.returncode, 1)
        text = "/rds-iam/run: the directory does not exist, so no agent serves it; run: "
        self.assertIn(f"{text}rds-iam-agent\n", result.stderr)
        runtime = self.home.path / "runtime"
        runtime.mkdir(mode=0o700)
        in_runtime = self.home.run([agent_program(), "--status"], None, XDG_RUNTIME_DIR=str(runtime))
        self.assertRegex(in_runtime.stderr, f"{text}systemctl --user enable --now \\S*rds-iam-agent.service, or without "
                         "systemd: rds-iam-agent\n")
        self.assertNotIn("dir(", result.stderr)
        control = self.home.run(["strace", "-qq", "-e", "trace=mkdir", agent_program(), "--once"], None)
        self.assertIn("mkdir(", control.stderr, "control")

    def test_the_agent_does_not_wait_for_status_clients(self):
        """A client that connects to the status socket and reads nothing does not block the agent."""
        self.services.add("prod")
        with self.services.agent() as agent, contextlib.ExitStack() as stack:
            for _ in range(5):
                client = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
                with working_directory(self.services.directory):
                    client.connect("agent.socket")
            self.assertIn("X-Amz-Signature", self.read())
            self.assertIn("on open", agent.status()["serving"])


@contextlib.contextmanager
def working_directory(path):
    before = os.getcwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)


class Edits(LeaseCase):
    def test_a_service_file_behind_a_link_is_read_again_when_it_is_replaced(self):
        real = self.home.path / "elsewhere"
        real.mkdir()
        self.services.add("one")
        path = self.home.path / ".pg_service.conf"
        path.rename(real / "services")
        path.symlink_to(real / "services")
        with self.services.agent() as agent:
            text = (real / "services").read_text()
            (real / "new").write_text(text.replace("/one\n", "/two\n"))
            (real / "new").rename(real / "services")
            await_true(lambda: self.services.passfile("two").exists(), agent.log)
            await_true(lambda: not self.services.passfile("one").exists(), agent.log)
            path.unlink()
            await_true(lambda: not self.services.passfile("two").exists(), agent.log)
            path.write_text(text)
            await_true(lambda: self.services.passfile("one").exists(), agent.log)

    def test_an_unchanged_entry_keeps_its_passfile(self):
        self.services.add("prod")
        with self.services.agent() as agent:
            inode = self.services.passfile("prod").stat().st_ino
            self.services.add("more")
            await_true(lambda: self.services.passfile("more").exists(), agent.log)
            self.assertEqual(self.services.passfile("prod").stat().st_ino, inode)
            for name in ("prod", "more"):
                self.assertIn("X-Amz-Signature", self.read(name))

    def test_a_hangup_reads_everything_again(self):
        self.services.add("prod")
        with self.services.agent() as agent:
            before = self.read()
            agent.process.send_signal(signal.SIGHUP)
            await_true(lambda: self.read() not in ("", before), agent.log)
            self.assertIsNone(agent.process.poll())

    def test_a_hangup_reads_the_configuration_again(self):
        """The path leads through a link that changes. inotify does not report such a change."""
        host = "tunnel.example.com"
        other = "other.abcdefghijkl.us-east-1.rds.amazonaws.com"
        for name, endpoint in (("one", self.lab.pg.host), ("two", other)):
            self.home.write(f"releases/{name}/config", f"[{host}]\nendpoint = {endpoint}:5432\n")
        current = self.home.path / "releases/current"
        current.symlink_to("one")
        self.services.add("tunnel", host=host)
        with self.services.agent(RDS_IAM_CONFIG=str(current / "config")) as agent:
            self.assertIn(self.lab.pg.host, self.read("tunnel"))
            (self.home.path / "releases/next").symlink_to("two")
            (self.home.path / "releases/next").rename(current)
            agent.renew()
            await_true(lambda: other in self.read("tunnel"), agent.log)

    def test_a_file_that_cannot_be_watched_is_reported_once_and_read_at_a_hangup(self):
        """The limit allows only watches of the agent's directory and of its parent."""
        self.services.add("one")
        named = self.home.write("named/services", (self.home.path / ".pg_service.conf").read_text())
        limited = ["unshare", "-r", "sh", "-c", 'echo 2 >/proc/sys/user/max_inotify_watches; exec "$@"', "sh"]
        with self.services.agent(under=limited, PGSERVICEFILE=str(named)) as agent:
            message = f"{named}: cannot be watched: No space left on device, so the agent sees edits of it, and"
            self.assertIn(message, agent.log())
            self.services.add("two")
            named.write_text((self.home.path / ".pg_service.conf").read_text())
            agent.renew()
            await_true(lambda: self.services.passfile("two").exists(), agent.log)
            self.assertEqual(agent.log().count("cannot be watched"), 1)


@needs_root  # only root can run programs as another user
class OtherUsers(LeaseCase):
    """Another user of the machine attacks an agent that runs as root."""

    def run_as_nobody(self, *argv):
        user = pwd.getpwnam("nobody")
        return self.home.run(
            ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *argv], None)

    def test_another_user_cannot_read_query_or_end_the_agent(self):
        self.services.add("prod")
        with self.services.agent() as agent:
            # Other users can reach the agent's directory, but cannot enter it.
            self.home.path.chmod(0o711)
            path = self.services.passfile("prod")
            for argv, message in (
                (["cat", path], "Permission denied"),
                (["ls", self.services.directory], "Permission denied"),
                (["ln", path, self.home.path / "stolen"], "Permission denied"),
                ([agent_program(), "--status", "--directory", self.services.directory],
                 "Permission denied"),
                (["sh", "-c", f"kill {agent.process.pid}"], "Operation not permitted"),
                (["sh", "-c", f"kill {agent.worker}"], "Operation not permitted"),
            ):
                with self.subTest(argv=argv):
                    result = self.run_as_nobody(*argv)
                    self.assertNotEqual(result.returncode, 0)
                    self.assertIn(message, result.stderr)
            self.assertEqual(agent.status()["opened"], "0 times, with 0 tokens made")
            # If other users can enter the directory, the mode of the file still denies them access.
            self.services.directory.chmod(0o711)
            self.assertIn("Permission denied", self.run_as_nobody("cat", path).stderr)
            self.services.directory.chmod(0o700)
            self.assertEqual(agent.status()["opened"], "0 times, with 0 tokens made")
            self.assertIn("X-Amz-Signature", self.read(), "control: the agent's user can read it")
            self.assertEqual(agent.status()["opened"], "1 times, with 1 tokens made")

    def test_a_service_file_that_another_user_can_write_is_refused(self):
        """PGSERVICEFILE or a link may lead to such a file."""
        self.services.add("prod")
        path = self.home.path / ".pg_service.conf"
        os.chown(path, pwd.getpwnam("nobody").pw_uid, -1)
        result = self.services.fill()
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"{path}: belongs to uid {pwd.getpwnam('nobody').pw_uid}, neither to root nor to you",
                      result.stderr)
        self.assertFalse(self.services.passfile("prod").exists())
        os.chown(path, 0, -1)
        path.chmod(0o666)
        self.assertIn(f"{path}: every user can write it; run: chmod o-w {path}", self.services.fill().stderr)
        path.chmod(0o660)
        os.chown(path, 0, 4)
        self.assertIn(f"{path}: all of group 4 can write it; run: chmod g-w {path}", self.services.fill().stderr)
        os.chown(path, 0, 0)
        self.assertEqual(self.services.fill().returncode, 0, "the user's private group may write it")
        path.chmod(0o600)
        self.assertEqual(self.services.fill().returncode, 0, "control")

    def test_a_running_agent_serves_the_previous_entries_if_others_can_write_the_service_file(self):
        self.services.add("prod")
        path = self.home.path / ".pg_service.conf"
        with self.services.agent() as agent:
            path.chmod(0o666)
            path.write_text(path.read_text().replace("[prod]", "[planted]"))
            agent.await_log(f"{path}: every user can write it; run: chmod o-w {path}")
            agent.await_log("the previous entries are served until the files are fixed")
            self.assertIn("[prod]", agent.status())
            self.assertNotIn("[planted]", agent.status())
            path.chmod(0o600)
            await_true(lambda: "[planted]" in agent.status(), agent.log)

    def test_nothing_is_created_in_the_home_of_another_user(self):
        nobody = pwd.getpwnam("nobody").pw_uid
        os.chown(self.home.path, nobody, -1)
        for words in (["--once"], ["--status"], ["--foreground"]):
            with self.subTest(words=words):
                result = self.home.run([agent_program(), *words])
                self.assertEqual(result.returncode, 1)
                self.assertIn(f"HOME belongs to uid {nobody} and not to you (uid 0)", result.stderr)
                self.assertFalse((self.home.path / ".cache").exists())

    def test_directories_that_others_can_replace_are_refused(self):
        nobody = pwd.getpwnam("nobody").pw_uid
        outer = self.home.path / "outer"
        outer.mkdir(mode=0o755)
        inner = Services(self.home)
        inner.directory = outer / "run"
        inner.add("prod")
        self.assertEqual(inner.fill().returncode, 0, "control")
        for change, message in (
            (lambda: outer.chmod(0o777), f"every user can write it; run: chmod o-w {outer}, or give it "
             "the sticky bit (in Kubernetes: emptyDir with medium: Memory), or name another directory"),
            (lambda: (outer.chmod(0o775), os.chown(outer, 0, 4)),
             f"all of group 4 can write it; run: chmod g-w {outer}"),
            (lambda: os.chown(outer, nobody, -1), f"it belongs to uid {nobody}, neither to root nor to you"),
        ):
            change()
            result = inner.fill()
            self.assertEqual(result.returncode, 1)
            self.assertIn(f"{inner.directory}: other users can replace files in {outer}: {message}",
                          result.stderr)
            outer.chmod(0o755)
        os.chown(outer, 0, 0)
        outer.chmod(0o775)
        self.assertEqual(inner.fill().returncode, 0, "the user's private group has no other member")
        os.chown(outer, 0, 4)
        outer.chmod(0o1777)
        self.assertEqual(inner.fill().returncode, 0, "with the sticky bit other users cannot replace the directory")
        os.chown(inner.directory, pwd.getpwnam("nobody").pw_uid, -1)
        self.assertIn("and not to you (uid 0)", inner.fill().stderr)


class Names(LeaseCase):
    def test_an_agent_without_stdout_and_stderr_does_not_log_into_its_files(self):
        self.services.add("prod")
        closed = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh"]
        with self.services.agent(under=closed, wait=False) as agent:
            await_true(lambda: agent.status()["entries"].startswith("1 of 1"))
            written = (self.services.directory / "agent.pid").read_text()
            self.assertEqual(written, f"{agent.process.pid}\n")

    def test_an_agent_works_with_a_umask_that_denies_its_owner_write_access(self):
        self.services.add("prod")
        masked = ["sh", "-c", 'umask 0277; exec "$@"', "sh"]
        with self.services.agent(under=masked) as agent:
            self.assertEqual(self.psql().returncode, 0, agent.log())
            self.assertTrue(agent.status()["opened"].startswith("1 times"))

    def test_a_directory_with_the_name_of_a_passfile_is_reported_until_it_is_removed(self):
        self.services.add("prod")
        self.services.passfile("prod").mkdir(parents=True)
        self.services.directory.chmod(0o700)
        with self.services.agent() as agent:
            agent.await_log("prod: cannot be written: Is a directory", "prod: cannot be written: File exists")
            self.assertEqual(agent.status()["entries"], "0 of 1 services have their tokens, in 1 passfiles")
            self.services.passfile("prod").rmdir()
            await_true(lambda: self.services.passfile("prod").is_file(), agent.log)
            self.assertIn("X-Amz-Signature", self.read())
            self.assertEqual(agent.status()["entries"], "1 of 1 services have their tokens, in 1 passfiles")


if __name__ == "__main__":
    harness.main()
