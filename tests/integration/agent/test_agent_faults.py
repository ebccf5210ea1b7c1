# SPDX-License-Identifier: MIT
"""Faults that a running agent meets: processes that are killed or stopped while a client waits, a full disk, a
removed directory, invalid files, missing credentials, a clock that is set to another time. The results are those that
pg_plugin/agent/README.md describes. No client waits for more than 5 seconds (opener.py), and no token
stays in a file."""
import concurrent.futures
import contextlib
import os
import pathlib
import re
import shutil
import signal
import time

from cloud import needs_root
from labcase import harness
from service import agent_program, await_true
from test_agent_lease import LeaseCase

# The standard signals that a program can catch and that end it by default. Two are missing: SIGHUP makes the agent
# renew its tokens, and the agent ignores SIGPIPE.
ENDING = [getattr(signal, "SIG" + name) for name in (
    "TERM INT QUIT ABRT ALRM BUS FPE ILL IO PROF PWR SEGV STKFLT SYS TRAP USR1 USR2 VTALRM XCPU XFSZ"
).split()]
TOKEN = b"X-Amz-Signature="

# Prints a word, the number of lines that were read and the seconds that this took.
TIMED_READ = """
import sys, time
start = time.monotonic()
text = open(sys.argv[1]).read()
print(f"{sys.argv[2]}:{len(text.splitlines())}:{time.monotonic() - start}")
"""
# A script for a new mount namespace, where the directory is a file system of two pages. The passfile takes
# one page while it contains a token, and none otherwise.
FULL_DISK = """
set -e
mount -t tmpfs -o size=8k,mode=700 none "$1"
"$2" --foreground --directory "$1" 2>"$3" & agent=$!
until grep -qs 'services have their tokens' "$3"; do sleep 0.02; done
read_it() { /usr/bin/python3 -c "$4" "$1/small" "$5"; }
read_it "$@" small
until [ "$(stat -c %s "$1/small")" = 0 ]; do sleep 0.02; done
dd if=/dev/zero of="$1/filler" bs=4096 count=64 2>/dev/null || true
read_it "$@" full
rm "$1/filler"
until [ "$(wc -l <"$1/small")" = 1 ]; do sleep 0.02; done
read_it "$@" again
kill $agent; wait $agent
"""


# A script for a new mount namespace, where the directory is on a file system with fixed modes.
OWN_MODES = """
set -e
mkdir "$1.real"
bindfs --perms="$3" --chmod-ignore -f "$1.real" "$1" & mount=$!
until mountpoint -q "$1"; do kill -0 $mount; sleep 0.02; done
"$2" --once --directory "$1/run" 2>&1 && echo in || true
ls "$1.real"
kill $mount; wait $mount || true
"""


def tokens_in(directory):
    """Returns the names of the files that contain part of a token."""
    found = []
    for path in sorted(directory.rglob("*")):
        if path.is_file() and TOKEN in path.read_bytes():
            found.append(path.name)
    return found


def needs_fuse(test):
    """Decorates a test that mounts a FUSE file system. Most containers do not have /dev/fuse; there the test
    does not exist."""
    return test if os.access("/dev/fuse", os.R_OK | os.W_OK) else None


class FaultCase(LeaseCase):
    @contextlib.contextmanager
    def serving(self, **extra):
        """Runs an agent that serves the entry "prod"."""
        self.services.add("prod")
        with self.services.agent("etl-session", **extra) as agent:
            yield agent

    def open_later(self, pool, name="prod"):
        """Opens the passfile in a thread, as a client does. The future's result is the text that it read."""
        return pool.submit(self.read, name)

    def assert_served(self, agent, name="prod"):
        """Waits until an open of the passfile returns a token."""
        await_true(lambda: "X-Amz-Signature" in self.read(name), agent.log)

    @contextlib.contextmanager
    def waiting(self):
        """Runs an agent and a client that waits, because the source of the agent's credentials waits at a gate (Gate
        in test_agent_lease.py)."""
        gate = self.gate()
        aws = self.home.path / ".aws/config"
        (self.home.path / ".aws/gate").rename(aws)
        self.services.add("prod")
        with self.services.agent(None, wait=False, AWS_PROFILE="gate") as agent, \
                concurrent.futures.ThreadPoolExecutor() as pool:
            gate.await_asked()
            opener = self.open_later(pool)
            await_true(lambda: agent.status()["opened"].startswith("1 times"), agent.log)
            try:
                yield agent, opener, gate
            finally:
                gate.release()


class Processes(FaultCase):
    def test_a_killed_worker_releases_a_waiting_client(self):
        with self.waiting() as (agent, opener, gate):
            worker = agent.worker
            os.kill(worker, signal.SIGKILL)
            self.assertEqual(opener.result(), "")
            agent.await_log("the worker was ended by signal 9, so a new worker replaces it")
            await_true(lambda: agent.worker not in (0, worker))
            gate.release()
            self.assert_served(agent)

    @needs_root  # only root can enter the namespace of a process that is not dumpable
    def test_a_worker_that_cannot_start_is_started_again(self):
        self.services.add("prod")

        def allow(agent, instances):
            result = self.home.run(
                ["nsenter", "-U", "--preserve-credentials", "-t", str(agent.process.pid), "sh", "-c",
                 f"echo {instances} >/proc/sys/user/max_inotify_instances"], None)
            self.assertEqual(result.returncode, 0, result.stderr)

        with self.services.agent(under=["unshare", "-r"]) as agent:
            allow(agent, 0)
            os.kill(agent.worker, signal.SIGKILL)
            agent.await_log("cannot be watched: Too many open files")
            agent.await_log("the worker ended with status 3, so a new worker replaces it")
            allow(agent, 100)
            await_true(lambda: self.services.passfile("prod").exists(), agent.log)
            self.assert_served(agent)
            self.assertEqual(agent.end(), 0)

    def test_an_agent_that_inherits_an_ignored_sigchld_notices_its_worker(self):
        """The parent of the agent ignores SIGCHLD, and the agent inherits that."""
        self.services.add("prod")
        ignoring = ["env", "--ignore-signal=CHLD"]
        with self.services.agent(under=ignoring) as agent:
            os.kill(agent.worker, signal.SIGKILL)
            agent.await_log("the worker was ended by signal 9, so a new worker replaces it")
            self.assert_served(agent)
            self.assertEqual(agent.end(), 0)

    def test_a_stopped_worker_is_replaced_and_new_clients_are_released(self):
        with self.serving() as agent, concurrent.futures.ThreadPoolExecutor() as pool:
            worker = agent.worker
            os.kill(worker, signal.SIGSTOP)
            openers = [self.open_later(pool) for _ in range(4)]
            self.assertEqual([opener.result() for opener in openers], [""] * 4)
            agent.await_log(f"the worker (process {worker}) was stopped and is killed")
            self.assert_served(agent)

    def test_a_stopped_worker_releases_a_waiting_client(self):
        with self.waiting() as (agent, opener, gate):
            worker = agent.worker
            os.kill(worker, signal.SIGSTOP)
            self.assertEqual(opener.result(), "")
            agent.await_log(f"the worker (process {worker}) was stopped and is killed")
            gate.release()
            self.assert_served(agent)

    def test_a_worker_that_stops_shortly_before_the_clients_time_limit_is_killed_in_time(self):
        """After two faults in a row, the client still waits for no longer than the limit for one fault."""
        start = time.monotonic()
        with self.waiting() as (agent, opener, gate):
            worker = agent.worker
            await_true(lambda: time.monotonic() - start > 3.5)
            os.kill(worker, signal.SIGSTOP)
            self.assertEqual(opener.result(), "")
            agent.await_log(f"the worker (process {worker}) was stopped and is killed")
            gate.release()
            self.assert_served(agent)

    def test_a_worker_that_continues_in_time_is_not_replaced(self):
        with self.serving() as agent:
            worker = agent.worker
            os.kill(worker, signal.SIGSTOP)
            os.kill(worker, signal.SIGCONT)
            self.assert_served(agent)
            self.assertEqual(agent.worker, worker)

    def test_clients_are_served_while_the_supervisor_is_stopped(self):
        with self.serving() as agent:
            agent.process.send_signal(signal.SIGSTOP)
            self.addCleanup(agent.process.send_signal, signal.SIGCONT)
            for _ in range(5):
                self.assertIn("X-Amz-Signature", self.read())
            agent.process.send_signal(signal.SIGCONT)
            self.assertEqual(agent.end(), 0)

    def test_a_waiting_client_is_served_while_the_supervisor_is_stopped(self):
        with self.waiting() as (agent, opener, gate):
            agent.process.send_signal(signal.SIGSTOP)
            self.addCleanup(agent.process.send_signal, signal.SIGCONT)
            gate.open()
            self.assertIn("X-Amz-Signature", opener.result())
            agent.process.send_signal(signal.SIGCONT)
            self.assertEqual(agent.end(), 0)

    def test_a_client_does_not_wait_for_late_credentials_while_the_supervisor_is_stopped(self):
        with self.waiting() as (agent, opener, gate):
            agent.process.send_signal(signal.SIGSTOP)
            self.addCleanup(agent.process.send_signal, signal.SIGCONT)
            self.assertEqual(opener.result(), "")
            agent.await_log("credentials are late, so clients read only the lines that are ready")
            agent.process.send_signal(signal.SIGCONT)
            gate.release()
            self.assert_served(agent)

    def test_a_killed_supervisor_ends_the_worker_and_removes_the_files(self):
        with self.waiting() as (agent, opener, _):
            worker = agent.worker
            pidfd = os.pidfd_open(worker)
            self.addCleanup(os.close, pidfd)
            agent.end(signal.SIGKILL)
            self.assertEqual(opener.result(), "")
            await_true(lambda: not pathlib.Path(f"/proc/{worker}").exists())
            self.assertEqual(self.passfiles(), [])

    def passfiles(self):
        """Returns the names in the agent's directory, without the agent's own files."""
        return [name for name in os.listdir(self.services.directory) if not name.startswith("agent.")]

    def test_no_token_stays_after_any_signal_that_ends_the_agent(self):
        self.services.add("prod")
        for number in ENDING:
            with self.subTest(number=number), self.services.agent("etl-session") as agent:
                self.assertIn("X-Amz-Signature", self.read())
                agent.end(number)
                await_true(lambda: self.passfiles() == [], agent.log)
                self.assertEqual(tokens_in(self.services.directory), [])

    def test_no_token_stays_when_both_processes_are_killed_between_opens(self):
        with self.serving() as agent:
            self.assertIn("X-Amz-Signature", self.read())
            self.await_rest()
            worker = agent.worker
            # While the supervisor is stopped, it does not replace the worker.
            agent.process.send_signal(signal.SIGSTOP)
            os.kill(worker, signal.SIGKILL)
            agent.end(signal.SIGKILL)
        self.assertEqual(self.passfiles(), ["prod"])
        self.assertEqual(tokens_in(self.services.directory), [])
        self.services.passfile("planted").write_text(self.token_line())
        self.assertEqual(tokens_in(self.services.directory), ["planted"], "control: the search finds tokens")

    def token_line(self):
        token = self.lab.token("etl", self.lab.pg, "clickpipes_iam_user")
        return f"host:5432:*:user:{token}\n".replace(token, token.replace(":", "\\:"))

    def test_a_token_of_a_killed_worker_is_removed_before_the_next_worker_starts(self):
        """A worker that lived for less than a second is replaced after a pause. The test looks at the file during this
        pause."""
        with self.serving() as agent:
            path = self.services.passfile("prod")
            with path.open() as held:
                self.assertIn("X-Amz-Signature", held.read())
                self.assertEqual(tokens_in(self.services.directory), ["prod"], "control: the file contains a token")
                os.kill(agent.worker, signal.SIGKILL)
                agent.await_log("so a new worker replaces it")
                self.assertTrue(not path.exists() or path.stat().st_size == 0)
            await_true(path.exists, agent.log)
            self.assert_served(agent)

    def test_a_passfile_that_a_killed_agent_left_is_removed_at_the_next_start(self):
        self.services.directory.mkdir(mode=0o700)
        planted = self.services.passfile("of-a-removed-entry")
        planted.write_text(self.token_line())
        planted.chmod(0o600)
        foreign = {}
        for name, text in (("notes", "X-Amz-Signature= is part of each token\n"), ("empty", "")):
            foreign[name] = text
            self.services.passfile(name).write_text(text)
            self.services.passfile(name).chmod(0o600)
        self.assertEqual(tokens_in(self.services.directory), ["notes", planted.name], "control")
        with self.serving() as agent:
            self.assertFalse(planted.exists(), agent.log())
            for name, text in foreign.items():
                self.assertEqual(self.services.passfile(name).read_text(), text)


class Files(FaultCase):
    def test_a_removed_directory_releases_a_waiting_client(self):
        with self.waiting() as (agent, opener, _):
            shutil.rmtree(self.services.directory)
            self.assertEqual(opener.result(), "")
            await_true(lambda: agent.process.poll() is not None, agent.log)
            self.assertIn("the directory is gone, so the agent ends", agent.log())

    def test_an_invalid_service_file_does_not_affect_a_waiting_client(self):
        with self.waiting() as (agent, opener, gate):
            path = self.home.write(".pg_service.conf", "rubbish\n")
            agent.await_log(f"{path}:1: is not a comment, a [group] or a setting")
            gate.open()
            self.assertIn("X-Amz-Signature", opener.result(), agent.log())

    def test_a_client_gets_a_token_again_when_failed_credentials_work_again(self):
        with self.waiting() as (agent, opener, gate):
            gate.open("bad")
            self.assertEqual(opener.result(), "")
            agent.await_log("[prod] no token for", "credential_process")
            gate.release()
            self.assert_served(agent)

    def test_a_full_disk_empties_the_file_and_is_logged(self):
        log = self.home.path / "agent.stderr"
        self.services.add("small")
        self.services.directory.mkdir(mode=0o700)
        result = self.home.run(
            ["unshare", "-rm", "sh", "-c", FULL_DISK, "sh", self.services.directory, agent_program(),
             log, TIMED_READ], "etl")
        reads = [line.split(":") for line in result.stdout.split()]
        for _, _, seconds in reads:
            self.opener.add(float(seconds))
        self.assertEqual([(when, lines) for when, lines, _ in reads],
                         [("small", "1"), ("full", "0"), ("again", "1")], result.stderr + log.read_text())
        self.assertIn("small: cannot be written, so it is empty: No space left on device", log.read_text())

    @needs_fuse
    def test_a_file_system_with_fixed_modes_is_refused(self):
        """vfat has fixed modes, and so have network file systems that map all users to one."""
        for name, perms, mode in (("open", "a=rwX", "0666"), ("executable", "u=rwx:go=", "0700"), ("good", "a=", None)):
            with self.subTest(name=name):
                directory = self.home.path / name
                directory.mkdir()
                self.services.clear()
                self.services.add("prod", passfile=directory / "run/prod")
                perms = "u=rwX:go=" if mode is None else perms
                result = self.home.run(
                    ["unshare", "-rm", "sh", "-c", OWN_MODES, "sh", directory, agent_program(), perms])
                if mode is None:
                    self.assertIn("in\nrun\n", result.stdout, "control: " + result.stderr)
                else:
                    self.assertIn(
                        f"{directory}/run: its file system changes a file's mode 0600 to {mode}",
                        result.stdout, result.stderr)
                    self.assertNotIn("run", result.stdout.splitlines(), "the agent created nothing")

    def test_passfiles_that_were_changed_are_replaced(self):
        precious = self.home.write("precious", "keep")

        def replace(path, make):
            path.unlink()
            make()

        with self.serving() as agent:
            path = self.services.passfile("prod")
            for name, change in (
                ("removed", path.unlink),
                ("a link", lambda: replace(path, lambda: path.symlink_to(precious))),
                ("a hard link", lambda: replace(path, lambda: os.link(precious, path))),
                ("a pipe", lambda: replace(path, lambda: os.mkfifo(path))),
                ("a second name", lambda: self.link_and_read(path)),
                ("another mode", lambda: path.chmod(0o644)),
            ):
                with self.subTest(name=name):
                    change()

                    def is_good():
                        status = os.lstat(path) if os.path.lexists(path) else None
                        return (status and status.st_mode == 0o100600 and status.st_nlink == 1
                                and status.st_size == 0)

                    await_true(is_good, agent.log)
                    self.assert_served(agent)
                    self.assertEqual(precious.read_text(), "keep")
            second = self.home.path / "second"
            self.assertEqual(second.read_text(), "", "no token under the second name")

    def link_and_read(self, path):
        """Makes a hard link, of which inotify does not notify the agent. A client that then opens the passfile reads
        nothing."""
        self.await_rest()
        os.link(path, self.home.path / "second")
        self.assertEqual(path.read_text(), "")

    def test_an_invalid_service_file_changes_nothing(self):
        path = self.home.path / ".pg_service.conf"
        with self.serving() as agent:
            good = path.read_text()
            for rubbish, message in (
                (b"\x7fELF\x02\x01 rubbish\n", f"{path}:1: is not a comment, a [group] or a setting"),
                (good.encode() + b"rubbish\n", f"{path}:{good.count(chr(10)) + 1}: is not a comment"),
                (b"# one\n[prod]\nhost=\0\n", f"{path}:3: contains a NUL byte; write it as plain text"),
            ):
                with self.subTest(message=message):
                    before = len(agent.log())
                    path.write_bytes(rubbish)
                    await_true(lambda: message in agent.log()[before:], agent.log)
                    await_true(lambda: "so the previous entries are served until" in agent.log(), agent.log)
                    self.assertIn("X-Amz-Signature", self.read())
            path.write_text(good.replace("[prod]", "[other]"))
            agent.await_log("1 of 1 services")
            self.assert_served(agent)

    def test_an_invalid_configuration_changes_nothing(self):
        host = "tunnel.example.com"
        config = self.home.write(
            ".config/rds-iam/config", f"[{host}]\nendpoint = {self.lab.pg.host}:{self.lab.pg.port}\n")
        good = config.read_text()
        self.services.add("tunnel", host=host)
        with self.services.agent() as agent:
            self.assertIn(self.lab.pg.host, self.read("tunnel"))
            config.write_text(good + "endpoint\n")
            agent.await_log(f"{config}:3: ", "the previous configuration is used until the file is fixed")
            self.assertIn("the previous configuration is used until the file is fixed", agent.log())
            self.await_rest("tunnel")
            self.assertIn(self.lab.pg.host, self.read("tunnel"))
            other = "other.abcdefghijkl.us-east-1.rds.amazonaws.com"
            config.write_text(good.replace(self.lab.pg.host, other))
            await_true(lambda: other in self.read("tunnel"), agent.log)


class Clock(FaultCase):
    def agent(self, moved, then=(), **extra):
        """Runs an agent whose clock is shifted by the number of seconds in the file `moved`."""
        return self.services.agent(
            under=["env", f"LD_PRELOAD={harness.BUILD / 'tests/integration/src/moved_clock.so'}",
                   f"MOVED_CLOCK={moved}", *then], **extra)

    def test_clients_log_in_after_the_clock_was_set_back_and_forth_by_an_hour(self):
        moved = self.home.write("moved", "0")
        self.services.add("prod")
        with self.agent(moved) as agent:
            for offset in (0, 3600, -3600, 0):
                with self.subTest(offset=offset):
                    moved.write_text(str(offset))
                    self.lab.clock(offset)
                    self.assertEqual(self.psql().returncode, 0, agent.log())
        self.assert_accepted(4)

    def test_credentials_expire_and_are_valid_again_with_the_clock(self):
        moved = self.home.write("moved", "0")
        self.services.add("prod")
        end = time.gmtime(time.time() + 1800)
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", end)
        with self.agent(moved, AWS_CREDENTIAL_EXPIRATION=ends) as agent:
            self.assertEqual(agent.status()["credentials"], f"the environment, until {ends}")
            self.assert_served(agent)
            moved.write_text("3600")
            await_true(lambda: self.read() == "", agent.log)
            agent.await_log(
                f"the AWS credentials of the environment expired at {time.strftime('%Y%m%dT%H%M%SZ', end)}")
            moved.write_text("0")
            self.assert_served(agent)

    def test_a_token_in_a_file_is_replaced_when_the_clock_is_set_back(self):
        """Without leases, the token stays in the file until it is due for renewal. The agent notices the change of the
        clock earlier, because the kernel then cancels the agent's timer. moved_clock.so cancels the timer if the mark
        file exists. The agent watches the home for its service file, so a new mark file also makes the agent set the
        timer."""
        moved = self.home.write("moved", "0")
        self.services.add("prod")
        date = lambda: re.search("X-Amz-Date=(\\w+)", self.read() or "X-Amz-Date=Z").group(1)  # noqa: E731
        without_leases = [harness.BUILD / "tests/integration/src/without_leases"]
        with self.agent(moved, then=without_leases) as agent:
            first = date()
            moved.write_text("-3600")
            self.assertEqual(date(), first)
            mark = moved.with_name("moved.told")
            mark.touch()  # one system call, because moved_clock.so in the agent can remove the file at once
            await_true(lambda: date() < first, agent.log)
            self.assertFalse(mark.exists())


if __name__ == "__main__":
    harness.main()
