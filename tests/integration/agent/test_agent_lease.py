# SPDX-License-Identifier: MIT
"""The agent serves a passfile when a client opens it, which the agent notices by a lease on the file (F_SETLEASE). The
tests show what the file contains at which moment, many clients at once, slow and failing sources of credentials, and
kernels or file systems without leases."""
import concurrent.futures
import os
import re
import threading
import time

from labcase import LabCase, harness
from opener import Opener, within_limit
from service import Services, await_true

# Uses processes, because the lab's name resolution does not support thirty threads.
PSYCOPG2 = """
import multiprocessing, psycopg2
def connect(_):
    connection = psycopg2.connect("service=prod")
    connection.cursor().execute("select 1")
    connection.close()
with multiprocessing.Pool(30) as pool:
    print(len(pool.map(connect, range(300), 1)))
"""
DATE = re.compile(r"X-Amz-Date=(\w+)")


class LeaseCase(LabCase):
    """All tests of the subclasses check that no open of a passfile takes longer than opener.py allows."""

    def __init_subclass__(cls):
        super().__init_subclass__()
        for name, test in list(vars(cls).items()):
            if name.startswith("test") and callable(test):
                setattr(cls, name, within_limit(test))

    def setUp(self):
        super().setUp()
        self.services = Services(self.home)
        self.opener = Opener()

    def psql(self, service="prod"):
        return self.home.run(["psql", "-XAtw", f"service={service}", "-c", "select 1"], principal=None)

    def read(self, name="prod"):
        """Opens the passfile as a client does."""
        return self.opener.read(self.services.passfile(name))

    def size(self, name="prod"):
        """Returns the size of the passfile without opening it."""
        return self.services.passfile(name).stat().st_size

    def await_rest(self, name="prod"):
        """Waits until the passfile is empty again."""
        await_true(lambda: self.size(name) == 0)

    def gate(self, name="gate"):
        """Makes a credential_process that waits until the gate opens, and a profile of the same name that runs it."""
        principal = self.lab.principals["etl"]
        fifo = self.home.path / f"{name}.fifo"
        os.mkfifo(fifo)
        answer = ('{"Version":1,"AccessKeyId":"%s","SecretAccessKey":"%s"}'
                  % (principal.access_key, principal.secret_key))
        script = self.home.write(
            f"{name}.sh", f"#!/bin/sh\necho asked >>{self.home.path}/{name}.asked\n"
            f"read word <{fifo}\n[ \"$word\" = good ] || exit 1\necho '{answer}'\n", 0o700)
        self.home.write(f".aws/{name}", f"[profile {name}]\ncredential_process = {script}\n")
        return Gate(self.home.path / f"{name}.asked", fifo)


class Gate:
    """A credential_process that waits at a FIFO until the test opens the gate. It records each of its starts."""

    def __init__(self, asked, fifo):
        self._asked = asked
        self._fifo = fifo

    def await_asked(self, count=1):
        """Waits until the credential_process was started at least `count` times."""
        await_true(lambda: self._asked.exists() and self._asked.read_text().count("asked") >= count)

    def open(self, word="good"):
        """Lets one waiting process continue. Any word other than "good" makes it fail."""
        self._fifo.write_text(word + "\n")

    def release(self):
        """Opens the gate for each process that waits and for all later processes."""
        if self._fifo.is_fifo():
            fd = os.open(self._fifo, os.O_RDWR | os.O_NONBLOCK)
            os.write(fd, b"good\n" * 100)
            open_gate = self._fifo.with_suffix(".open")
            open_gate.write_text("good\n")
            open_gate.rename(self._fifo)
            os.close(fd)


LONG_LINES = 1500  # their text is longer than two pieces of 256 KiB (RIA_PASSFILE_PIECE)
LONG_HOST = "wanted.abcdefghijkl.us-east-1.rds.amazonaws.com"


class Long(LeaseCase):
    """A passfile that is longer than the text that the agent holds in memory."""

    def setUp(self):
        super().setUp()
        shared = self.services.directory / "shared"
        self.services.add_all({
            f"s{i}": {"host": LONG_HOST, "user": f"u{i}", "passfile": shared} for i in range(LONG_LINES)})

    def check(self, text):
        lines = text.splitlines()
        self.assertGreater(len(text), 2 * 256 * 1024)
        self.assertEqual([line.split(":")[3] for line in lines], [f"u{i}" for i in range(LONG_LINES)])
        for line in lines:
            self.assertRegex(line, r"DBUser=u\d+&.*&X-Amz-Signature=[0-9a-f]{64}$")

    def test_every_open_reads_every_line(self):
        with self.services.agent() as agent:
            agent.await_log(f"{LONG_LINES} of {LONG_LINES} services have their tokens")
            for _ in range(3):
                self.await_rest("shared")
                self.check(self.read("shared"))

    def test_once_writes_every_line(self):
        self.assertEqual(self.services.fill().returncode, 0)
        self.check(self.services.passfile("shared").read_text())
        self.assertEqual(
            sorted(path.name for path in self.services.directory.iterdir() if path.name != "agent.pid"), ["shared"])


class Serving(LeaseCase):
    def test_the_file_is_empty_between_two_opens(self):
        self.services.add("prod")
        with self.services.agent("etl-session") as agent:
            inode = self.services.passfile("prod").stat().st_ino
            for _ in range(3):
                self.assertEqual(self.size(), 0)
                self.assertRegex(self.read(), r"^[^\n]+X-Amz-Signature=[0-9a-f]{64}\n$")
                self.await_rest()
            self.assertEqual(self.services.passfile("prod").stat().st_ino, inode)
            self.assertEqual(self.psql().returncode, 0, agent.log())
        self.assert_accepted()

    def test_at_most_one_token_is_made_each_second(self):
        """The agent makes at most one token in each second, and no two tokens have the same time."""
        self.services.add("prod")
        with self.services.agent() as agent:
            start = int(time.time())
            dates = {DATE.search(self.read()).group(1) for _ in range(500)}
            seconds = int(time.time()) - start + 1
            made = int(agent.status()["opened"].split()[3])
            self.assertLessEqual(made, seconds + 1)
            self.assertEqual(len(dates), made)

    def test_each_of_ten_thousand_opens_gets_a_token(self):
        self.services.add("prod")
        with self.services.agent() as agent:
            bad = [text for text in (self.read() for _ in range(10000)) if "X-Amz-Signature" not in text]
            self.assertEqual(bad, [], agent.log())
            self.await_rest()

    def test_three_hundred_connections_succeed_thirty_at_once(self):
        self.services.add("prod")
        with self.services.agent("etl-session") as agent:
            result = self.home.run(["/usr/bin/python3", "-c", PSYCOPG2], None, timeout=120)
            self.assertEqual(result.stdout.strip(), "300", result.stderr + agent.log())
            self.await_rest()
        self.assert_accepted(300)

    def test_a_file_that_a_reader_holds_open_is_replaced(self):
        """The next reader gets a new file. The old file has lost its name."""
        self.services.add("prod")
        with self.services.agent():
            with self.services.passfile("prod").open() as held:
                inode = os.fstat(held.fileno()).st_ino
                await_true(lambda: self.services.passfile("prod").stat().st_ino != inode)
                self.assertEqual(os.fstat(held.fileno()).st_nlink, 0)
                self.assertIn("X-Amz-Signature", held.read())
                self.assertEqual(self.size(), 0)
                self.assertIn("X-Amz-Signature", self.read())

    def test_a_passfile_has_a_line_for_each_of_its_entries(self):
        self.services.add("one")
        self.services.add("two", passfile=self.services.directory / "shared")
        self.services.add("three", passfile=self.services.directory / "shared", dbname="postgres")
        with self.services.agent():
            self.assertEqual(self.read("one").count("\n"), 1)
            self.assertEqual(self.read("shared").count("\n"), 2)
            for name in ("one", "two", "three"):
                self.assertEqual(self.psql(name).returncode, 0)
        self.assert_accepted(3)

    def test_a_nonblocking_open_fails_with_eagain(self):
        self.services.add("prod")
        with self.services.agent():
            with self.assertRaises(BlockingIOError):
                os.close(os.open(self.services.passfile("prod"), os.O_RDONLY | os.O_NONBLOCK))
            self.assertIn("X-Amz-Signature", self.read())


class Sources(LeaseCase):
    def add_gated(self, name):
        """Adds a service whose profile gets its credentials through a gate, and configures the profile."""
        gate = self.gate(name)
        host = f"{name}.abcdefghijkl.us-east-1.rds.amazonaws.com"
        self.services.add(name, host=host)
        config = self.home.path / ".config/rds-iam/config"
        before = config.read_text() if config.exists() else ""
        self.home.write(".config/rds-iam/config", f"{before}[{host}]\nprofile = {name}\n")
        aws = self.home.path / ".aws/config"
        before = aws.read_text() if aws.exists() else ""
        self.home.write(".aws/config", before + (self.home.path / f".aws/{name}").read_text())
        return gate

    def start(self):
        """Starts an agent, and does not wait until it has credentials."""
        return self.services.agent("etl", wait=False)

    def test_credentials_are_fetched_before_the_first_open(self):
        gate = self.add_gated("slow")
        with self.start() as agent:
            gate.await_asked()
            gate.open()
            agent.await_log("1 of 1 services have their tokens")
            self.assertIn("X-Amz-Signature", self.read("slow"))

    def test_a_slow_source_delays_only_its_own_file(self):
        gate = self.add_gated("slow")
        self.services.add("prod")
        with self.start() as agent, concurrent.futures.ThreadPoolExecutor() as pool:
            gate.await_asked()
            waiting = pool.submit(self.read, "slow")
            for _ in range(20):
                self.assertIn("X-Amz-Signature", self.read("prod"))
            self.assertFalse(waiting.done())
            gate.open()
            self.assertIn("X-Amz-Signature", waiting.result(), agent.log())

    def test_after_four_seconds_clients_get_the_lines_that_are_ready(self):
        gate = self.add_gated("slow")
        shared = self.services.directory / "shared"
        self.services.add("late", host="slow.abcdefghijkl.us-east-1.rds.amazonaws.com", passfile=shared)
        self.services.add("prod", passfile=shared)
        with self.start() as agent:
            gate.await_asked()
            text = self.read("shared")
            self.assertEqual(text.count("\n"), 1, text)
            self.assertTrue(text.startswith(self.lab.pg.host))
            agent.await_log("shared: credentials are late, so clients read only the lines that are ready")
            gate.open()
            await_true(lambda: self.read("shared").count("\n") == 2, agent.log)

    def test_a_source_that_fails_is_logged_and_tried_again(self):
        gate = self.add_gated("slow")
        with self.start() as agent, concurrent.futures.ThreadPoolExecutor() as pool:
            gate.await_asked()
            waiting = pool.submit(self.read, "slow")
            gate.open("bad")
            self.assertEqual(waiting.result(), "")
            agent.await_log("[slow] no token for", "credential_process")
            self.assertIn("credential_process", agent.status()["last"])
            gate.await_asked(2)
            gate.open()
            await_true(lambda: "X-Amz-Signature" in self.read("slow"), agent.log)
            agent.await_log("[slow] has its token again")


class WithoutLeases(LeaseCase):
    def agent(self, principal="etl", **extra):
        return self.services.agent(
            principal, under=[harness.BUILD / "tests/integration/src/without_leases"], **extra)

    def test_tokens_are_renewed_and_the_log_reports_it_once(self):
        self.services.add("prod")
        with self.agent("etl-session") as agent:
            message = "so the passfiles contain tokens at all times, renewed every few minutes"
            self.assertEqual(agent.log().count(message), 1, agent.log())
            self.assertIn("cannot take a lease: Invalid argument", agent.log())
            self.assertIn("by renewal", agent.status()["serving"])
            self.assertGreater(self.size(), 0)
            self.assertEqual(self.psql().returncode, 0)
            first = self.read()

            def is_renewed():
                agent.renew()
                return self.read() not in ("", first)

            await_true(is_renewed, agent.log)
            self.assertEqual(agent.log().count(message), 1)
            self.assertEqual(agent.end(), 0)
            self.assertEqual(os.listdir(self.services.directory), [])
        self.assert_accepted()

    def test_tokens_are_renewed_in_time_and_removed_when_their_credentials_expire(self):
        self.services.add("prod")
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 8))
        with self.agent(AWS_CREDENTIAL_EXPIRATION=ends) as agent:
            first = self.read()
            await_true(lambda: self.read() not in ("", first), agent.log)
            await_true(lambda: self.read() == "", agent.log)
            self.assertIn("no password supplied", self.psql().stderr)

    def test_readers_see_complete_files(self):
        self.services.add("prod")
        done = threading.Event()
        seen = set()

        def read_repeatedly():
            while not done.is_set():
                seen.add(re.sub(r"[0-9a-f]{64}\n$", "WHOLE", self.read())[-5:])

        with self.agent() as agent, concurrent.futures.ThreadPoolExecutor() as pool:
            reader = pool.submit(read_repeatedly)
            dates = set()

            def three_tokens():
                agent.renew()
                dates.add(DATE.search(self.read()).group(1))
                return len(dates) >= 3

            await_true(three_tokens, agent.log)
            done.set()
            reader.result()
        self.assertEqual(seen, {"WHOLE"})


if __name__ == "__main__":
    harness.main()
