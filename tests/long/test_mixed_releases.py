# SPDX-License-Identifier: MIT
"""Parts of two releases run together, as they do during an update: an old plugin starts a new rds-iam-fetch, an old
agent serves new clients, both releases share a cache. Many logins run at once.

Each login succeeds, with the session that it asked for. If the releases exchange records of different versions, a login
may fail instead, with the message that tells the user to restart the program. No program crashes, and every cache file
is complete."""
import collections
import concurrent.futures
import itertools
import os
import pathlib
import shutil
import subprocess
import threading

from cloud import CloudCase
from labcase import USER, harness
from mariadb_client import credentials_file
from other_release import files_of, mix, releases, replace, under
from service import Agent, Services

RESTART = "if this program ran during an update of rds-iam, restart it"
SESSIONS = 6
AT_ONCE = 8
LOGINS = 48
ROUNDS = 4
RECORD_HEADER = 12
# The parts of a tree that are of the other release.
MIXES = (
    ("fetch",), ("plugins",), ("preload", "token module"), ("token module",), ("tool",),
    ("plugins", "preload", "token module", "tool", "agent"),
)
# What a failed login may report while `meson install` replaces a file, which it does without a rename.
MISSING = ("cannot open shared object file", "file too short", "No such file or directory", "cannot be started",
           "is missing", "invalid ELF header", "object file has no", "cannot read file data", "exited with status 127",
           "Permission denied", "not found")


class MixedCase(CloudCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.releases = releases()

    def setUp(self):
        super().setUp()
        (self.home.path / ".my.cnf").unlink()
        self.my_cnf = self.write_my_cnf("rds.cnf")
        self.write_sessions("a")
        self.counter = itertools.count()

    def write_sessions(self, letter):
        """Writes profiles whose sessions no cache contains yet."""
        self.letter = letter
        text = "".join(
            f"[profile {letter}{i}]\nrole_arn = {self.lab.roles['rds-access'].arn}\nsource_profile = base\n"
            f"role_session_name = {letter}{i}\n" for i in range(SESSIONS))
        self.home.write(".aws/config", text)
        self.home.write(".aws/credentials", credentials_file(self.lab.principals["etl-base"], "base"))

    def tree(self, name, source=harness.PREFIX):
        tree = self.home.path / name
        shutil.copytree(source, tree, symlinks=True)
        return tree

    def commands(self):
        """The kinds of logins, each with the text that it prints if it succeeds."""
        tool = harness.installed("bin/rds-iam")
        mariadb, pg = self.lab.mariadb, self.lab.pg
        query = ["-h", mariadb.host, "-P", mariadb.port, "-u", USER, "-N", "-e", "select current_user()"]
        execute = [tool, "exec", "--ca", self.lab.ca_file, "--"]
        return (
            (["mariadb", f"--defaults-file={self.my_cnf}", *query], f"{USER}@%\n"),
            ([*execute, "mariadb", *query], f"{USER}@%\n"),
            ([*execute, "psql", "-XAtw", "-h", pg.host, "-p", pg.port, "-U", USER, "-d", self.lab.database_name, "-c",
              "select current_user"], f"{USER}\n"),
            ([tool, "token", "--hostname", pg.host, "--port", pg.port, "--username", USER], "X-Amz-Signature"),
        )

    def login(self, tree, number):
        """Logs in with the files of the tree. Returns (session, kind, message)."""
        argv, expected = self.commands()[number % 4]
        session = f"{self.letter}{number // 4 % SESSIONS}"
        result = self.home.run([*under(tree), *argv], None, AWS_PROFILE=session, **self.cloud_env())
        is_in = result.returncode == 0 and expected in result.stdout
        if result.returncode < 0 or result.returncode >= 128:
            return session, "crash", f"{argv[0]}: {result.returncode} {result.stderr}"
        return session, "ok" if is_in else "restart" if RESTART in result.stderr else "other", result.stderr

    def log_in(self, *trees, count=LOGINS):
        """Logs in many times at once, with each of the trees in turn."""
        seen = len(self.verdicts())
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            numbers = [next(self.counter) for _ in range(count)]
            results = list(pool.map(lambda n: (n, *self.login(trees[n // 24 % len(trees)], n)), numbers))
        self.assert_own_sessions(results, seen)
        self.assert_whole_cache()
        return results

    def assert_own_sessions(self, results, seen):
        """Each server login was accepted, and had the session that its client asked for."""
        verdicts = self.verdicts()[seen:]
        tokens = [verdict for verdict in verdicts if verdict["token_length"] > 0]
        self.assertEqual({verdict["reason"] for verdict in tokens} - {None}, set())
        got = collections.Counter(verdict["principal"].split("/")[-1] for verdict in tokens)
        asked = collections.Counter(
            session for number, session, kind, _ in results if kind == "ok" and number % 4 != 3)
        self.assertEqual(got, asked)

    def assert_whole_cache(self):
        paths = self.cache_files()
        for path in paths:
            record = path.read_bytes()
            self.assertEqual((record[:4], int.from_bytes(record[8:12], "big")), (b"RIAR", len(record) - RECORD_HEADER))
        return paths

    def kinds(self, results):
        return collections.Counter(kind for _, _, kind, _ in results)

    def assert_all_in(self, results):
        self.assertEqual([result for result in results if result[2] != "ok"], [])


class SameRecords(MixedCase):
    """The releases exchange records of the same version, so every login succeeds."""

    def test_mixed_parts(self):
        for (name, other), parts in itertools.product(self.releases.items(), MIXES):
            for is_reversed in (False, True):
                with self.subTest(release=name, parts=parts, is_reversed=is_reversed):
                    self.write_sessions(f"m{next(self.counter)}x")
                    tree = self.tree(f"mixed-{next(self.counter)}", other if is_reversed else harness.PREFIX)
                    mix(tree, harness.PREFIX if is_reversed else other, parts)
                    self.assert_all_in(self.log_in(tree))
                    shutil.rmtree(tree)

    def test_a_shared_cache(self):
        for name, other in self.releases.items():
            with self.subTest(release=name):
                self.write_sessions(f"c{next(self.counter)}x")
                before = len(self.calls())
                self.assert_all_in(self.log_in(harness.PREFIX, other, count=4 * LOGINS))
                # Each release uses the entries of the other one. The entries are sessions of a role; the credentials of
                # an EC2 instance are not tested here.
                self.assertEqual(len(self.calls()) - before, SESSIONS)

    def test_agents(self):
        for name, other in self.releases.items():
            for parts in (("agent",), ("fetch",), ("agent", "fetch")):
                with self.subTest(release=name, parts=parts):
                    services = Services(self.home, f"run{next(self.counter)}")
                    services.add("prod")
                    self.write_sessions(f"g{next(self.counter)}x")
                    tree = self.tree(f"agent-{next(self.counter)}")
                    mix(tree, other, parts)
                    agent = Agent(services, None, {"AWS_PROFILE": f"{self.letter}0", **self.cloud_env()},
                                  under(tree))
                    try:
                        agent.await_start(True)
                        self.log_in_by_agent(agent)
                    finally:
                        agent.end()
                    shutil.rmtree(tree)

    def log_in_by_agent(self, agent):
        """Logs in with the installed files and the tokens of the agent: psql, psql under `rds-iam exec`, and
        `rds-iam check`."""
        tool = harness.installed("bin/rds-iam")
        psql = ["psql", "-XAtw", "service=prod", "-c", "select current_user"]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            results = list(pool.map(
                lambda argv: self.home.run(argv, None),
                [argv for _ in range(LOGINS // 4) for argv in (psql, [tool, "exec", "--", *psql])]))
        self.assertEqual({result.stdout for result in results}, {f"{USER}\n"},
                         [result.stderr for result in results if result.returncode != 0][:1] + [agent.log()])
        checked = self.home.run([tool, "check", "--service", "prod"], None, AWS_PROFILE=f"{self.letter}0",
                                **self.cloud_env())
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.assertIn("opened", agent.status())


class OtherRecords(MixedCase):
    """A release whose records have another version. A part of one release and a part of the other refuse each other."""

    def test_mixed_parts(self):
        for parts, refused in ((("fetch",), {0, 1, 2, 3}), (("plugins",), {0, 1}), (("token module",), {2})):
            with self.subTest(parts=parts):
                self.write_sessions(f"n{next(self.counter)}x")
                tree = self.tree(f"next-{next(self.counter)}")
                mix(tree, None, parts)
                kinds = {number: collections.Counter() for number in range(4)}
                for number, _, kind, message in self.log_in(tree):
                    kinds[number % 4][kind] += 1
                    self.assertIn(kind, ("ok", "restart"), message)
                for number, counts in kinds.items():
                    expected = "restart" if number in refused else "ok"
                    self.assertEqual(dict(counts), {expected: LOGINS // 4}, f"kind {number} of login")

    def test_a_shared_cache(self):
        """Each release ignores the entries of the other one and replaces them."""
        tree = self.tree("next")
        mix(tree, None, ("fetch", "plugins"))
        for which in (harness.PREFIX, tree, harness.PREFIX):
            for requests in (SESSIONS, 0):
                before = len(self.calls())
                with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                    results = list(pool.map(lambda n, which=which: self.login(which, 4 * n), range(SESSIONS)))
                self.assertEqual({kind for _, kind, _ in results}, {"ok"}, results)
                self.assertEqual(len(self.calls()) - before, requests)
                self.assert_whole_cache()


class InPlace(MixedCase):
    """The files of a tree are replaced while logins run."""

    def while_logins_run(self, root, replace_all):
        """Replaces the files several times while logins run. Returns the results of these logins."""
        tree = pathlib.Path(f"{root}{harness.PREFIX}")
        results, done = [], threading.Event()

        def work():
            while not done.is_set():
                number = next(self.counter)
                results.append((number, *self.login(tree, number)))

        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            workers = [pool.submit(work) for _ in range(AT_ONCE)]
            try:
                for letter in "pqrs"[:ROUNDS]:
                    enough = len(results) + AT_ONCE
                    while len(results) < enough and not any(worker.done() for worker in workers):
                        done.wait(0.02)
                    replace_all(tree, letter)
            finally:
                done.set()
            for worker in workers:
                worker.result()
        return results

    def start(self, other):
        root = self.home.path / f"root{next(self.counter)}"
        shutil.copytree(other, pathlib.Path(f"{root}{harness.PREFIX}"), symlinks=True)
        self.write_sessions(f"i{next(self.counter)}x")
        return root, len(self.verdicts())

    def test_by_rename(self):
        """A package manager replaces files by rename. The releases have the same records, so every login succeeds."""
        for name, other in self.releases.items():
            with self.subTest(release=name):
                root, seen = self.start(other)

                def replace_all(tree, letter, other=other):
                    source = harness.PREFIX if letter in "pr" else other
                    for part in files_of(tree, ("fetch", "plugins", "preload", "token module", "agent", "tool")):
                        replace(tree, source / part, part)

                results = self.while_logins_run(root, replace_all)
                self.assert_all_in(results)
                self.assert_own_sessions(results, seen)
                self.assert_whole_cache()
                print(f"# {name}, by rename: {len(results)} logins", flush=True)

    def test_by_meson_install(self):
        """meson removes each file and then copies it. So a login can find a file missing or incomplete."""
        for name, other in self.releases.items():
            with self.subTest(release=name):
                root, seen = self.start(other)

                def replace_all(tree, letter):
                    done = subprocess.run(
                        ["meson", "install", "-C", harness.BUILD, "--no-rebuild", "--quiet"], env={
                            **os.environ, "DESTDIR": str(root)}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
                    self.assertEqual(done.returncode, 0, done.stdout)

                results = self.while_logins_run(root, replace_all)
                kinds = self.kinds(results)
                print(f"# {name}, by meson install: {dict(kinds)}", flush=True)
                for result in results:
                    is_documented = result[2] in ("ok", "restart") or any(text in result[3] for text in MISSING)
                    self.assertTrue(is_documented, result)
                self.assert_own_sessions(results, seen)
                self.assert_whole_cache()
                self.assert_all_in(self.log_in(pathlib.Path(f"{root}{harness.PREFIX}")))


if __name__ == "__main__":
    harness.main()
