# SPDX-License-Identifier: MIT
"""What another user puts into the place of the cache is passed over, neither followed nor written
over, and the login works by its source. So it is with the agent's directory.

Each row spoils a cache that has just served (the control). Tests that need another user's file are
there for root alone.
"""
import fcntl
import os
import pwd
import shutil

from cloud import CloudCase, needs_root
from labcase import harness
from service import Services, agent_program

OTHER = pwd.getpwnam("nobody")
PRECIOUS = b"another user's bytes\n"

NOT_ALONE = "is not private to the user, so it is ignored"
NO_FILE = "it does not exist, or it is a symbolic link"
DAMAGED = "is damaged, so it is ignored"
NO_DIRECTORY = "is not a directory"
KEPT, NOT_KEPT = True, False


class Place:
    """The cache of a home: its one entry and what stands around it."""

    def __init__(self, home):
        self.product = home / ".cache/rds-iam"
        self.directory = self.product / "cache"
        self.entry = next(p for p in self.directory.iterdir() if not p.suffix)
        self.lock = self.entry.with_name(self.entry.name + ".lock")
        self.fresh = self.entry.with_name(self.entry.name + ".new")
        self.good = self.entry.read_bytes()
        # Another user's, or what stands for it where the test is not run by root.
        self.theirs = home / "theirs"
        self.theirs.mkdir(mode=0o755)
        self.precious = self.theirs / "precious"
        self.write(self.precious, PRECIOUS)

    @staticmethod
    def write(path, content, mode=0o600):
        path.write_bytes(content)
        path.chmod(mode)

    def replace(self, path, content):
        path.unlink(missing_ok=True)
        self.write(path, content)

    def give_away(self, path):
        os.chown(path, OTHER.pw_uid, OTHER.pw_gid)

    def foreign(self, path, content):
        """Another user's file in that place, which the precious one is a second name of."""
        self.write(self.precious, content)
        self.give_away(self.precious)
        path.unlink(missing_ok=True)
        os.link(self.precious, path)


# -- what is wrong; each function gets the place -----------------------------------------------------


def torn(place):
    place.write(place.entry, place.good[:-20])


def longer(place):
    place.write(place.entry, place.good + b"x")


def empty(place):
    place.write(place.entry, b"")


def huge(place):
    place.write(place.entry, place.good * 200)


def group_readable(place):
    place.entry.chmod(0o640)


def writable(place):
    place.entry.chmod(0o602)


def link_to_a_good_one(place):
    place.write(place.precious, place.good)
    place.entry.unlink()
    place.entry.symlink_to(place.precious)


def dangling_link(place):
    place.entry.unlink()
    place.entry.symlink_to(place.theirs / "none")


def fifo(place):
    place.entry.unlink()
    os.mkfifo(place.entry, 0o600)


def directory_for_file(place):
    place.entry.unlink()
    place.entry.mkdir(mode=0o700)


def open_directory(place):
    place.directory.chmod(0o755)


def writable_directory(place):
    place.directory.chmod(0o777)


def linked_directory(place):
    place.directory.rename(place.theirs / "cache")
    place.directory.symlink_to(place.theirs / "cache")


def linked_parent(place):
    """The way to the cache leads elsewhere, where nothing of ours may be made."""
    shutil.rmtree(place.product)
    place.product.symlink_to(place.theirs)


def writable_parent(place):
    shutil.rmtree(place.directory)
    place.product.chmod(0o777)


def linked_fresh_file(place):
    place.entry.unlink()
    place.fresh.symlink_to(place.precious)


def fresh_directory(place):
    place.entry.unlink()
    place.fresh.mkdir()


def linked_lock(place):
    place.entry.unlink()
    place.replace(place.lock, b"")
    place.lock.unlink()
    place.lock.symlink_to(place.precious)


def fifo_lock(place):
    place.entry.unlink()
    place.lock.unlink()
    os.mkfifo(place.lock, 0o600)


def foreign_good_file(place):
    place.foreign(place.entry, place.good)


def foreign_directory(place):
    place.give_away(place.directory)


def foreign_parent(place):
    shutil.rmtree(place.directory)
    place.give_away(place.product)


def foreign_fresh_file(place):
    place.entry.unlink()
    place.foreign(place.fresh, PRECIOUS)


def foreign_lock(place):
    """Held, too, for as long as the test runs."""
    place.entry.unlink()
    place.foreign(place.lock, PRECIOUS)
    place.held = place.lock.open("rb")
    fcntl.flock(place.held, fcntl.LOCK_EX)


# what is wrong, the log line, whether the fetched credentials are kept in the end
ROWS = (
    (torn, DAMAGED, KEPT),
    (longer, DAMAGED, KEPT),
    (empty, DAMAGED, KEPT),
    (huge, "cannot be read to its end", KEPT),
    (group_readable, NOT_ALONE, KEPT),
    (writable, NOT_ALONE, KEPT),
    (link_to_a_good_one, NO_FILE, KEPT),
    (dangling_link, NO_FILE, KEPT),
    (fifo, NOT_ALONE, KEPT),
    (directory_for_file, NOT_ALONE, NOT_KEPT),
    (open_directory, NOT_ALONE, NOT_KEPT),
    (writable_directory, NOT_ALONE, NOT_KEPT),
    (linked_directory, NO_DIRECTORY, NOT_KEPT),
    (linked_parent, NO_DIRECTORY, NOT_KEPT),
    (writable_parent, NO_DIRECTORY, NOT_KEPT),
    (linked_fresh_file, NO_FILE, KEPT),
    (fresh_directory, NO_FILE, NOT_KEPT),
    (linked_lock, NO_FILE, NOT_KEPT),
    (fifo_lock, NO_FILE, NOT_KEPT),
)
FOREIGN_ROWS = (
    (foreign_good_file, NOT_ALONE, KEPT),
    (foreign_directory, NOT_ALONE, NOT_KEPT),
    (foreign_parent, NO_DIRECTORY, NOT_KEPT),
    (foreign_fresh_file, NO_FILE, KEPT),
    (foreign_lock, NO_FILE, NOT_KEPT),
)


class Cache(CloudCase):
    def explain(self, **extra):
        """The right role is found; how often STS was asked for it."""
        before = len(self.calls())
        result = self.credentials(
            "--profile", "p", "--explain", env=self.cloud_env(RDS_IAM_LOG="1", **extra))
        self.assertEqual(result.returncode, 0, result.stderr)
        identity = self.lab.roles["rds-access"].session_arn("rds-iam")
        self.assertIn(f"identity           {identity}\n", result.stdout)
        return len(self.calls()) - before, result.stderr

    def fresh_home(self):
        shutil.rmtree(self.home.path)
        self.home.path.mkdir(mode=0o700)
        self.role_profile("p", "rds-access")

    def check(self, rows):
        for spoil, line, is_kept in rows:
            with self.subTest(flaw=spoil.__name__):
                self.fresh_home()
                self.assertEqual(self.explain()[0], 1)
                self.assertEqual(self.explain()[0], 0, "control: it is kept and serves")
                place = Place(self.home.path)
                spoil(place)
                theirs = self.state_of(place)
                asked, log = self.explain()
                self.assertEqual(asked, 1)
                name = f"{place.directory}/{place.entry.name[:8]}"
                self.assertRegex(log, f"rds-iam: cache {name}\\.\\.\\.: .*{line}")
                self.assertEqual(self.state_of(place), theirs, "something of theirs was changed")
                self.assertEqual(self.explain()[0], 0 if is_kept else 1)
                if is_kept:
                    status = place.entry.lstat()
                    self.assertEqual((oct(status.st_mode), status.st_uid), ("0o100600", os.geteuid()))

    @staticmethod
    def state_of(place):
        """All that stands in the other user's directory."""
        return [(str(p), oct(p.lstat().st_mode), p.lstat().st_uid,
                 p.read_bytes() if p.is_file() else None) for p in sorted(place.theirs.rglob("*"))]

    def test_what_cannot_be_trusted_is_passed_over(self):
        self.assertEqual(len(ROWS), 19)
        self.check(ROWS)

    @needs_root
    def test_what_belongs_to_another_user_is_passed_over(self):
        self.assertEqual(len(FOREIGN_ROWS), 5)
        self.check(FOREIGN_ROWS)

    def test_only_entries_of_ours_grow_old(self):
        self.fresh_home()
        self.explain()
        place = Place(self.home.path)
        old = [place.directory / name for name in ("0" * 64, "1" * 64 + ".new")]
        others = [place.directory / name for name in ("notes", "0" * 63, "2" * 64 + ".txt", "f" * 65)]
        for path in (*old, *others):
            place.write(path, PRECIOUS)
            os.utime(path, (0, 0))
        place.entry.unlink()
        self.explain()
        self.assertEqual([p for p in old if p.exists()], [], "control: old entries are removed")
        self.assertEqual([p for p in others if not p.exists()], [])

    def test_a_lock_that_is_in_use_does_not_grow_old(self):
        """Others wait for it; who came later would find a new one, and ask beside them."""
        self.fresh_home()
        self.explain()
        place = Place(self.home.path)
        unused = place.directory / ("0" * 64 + ".lock")
        place.write(unused, PRECIOUS)
        inode = place.lock.stat().st_ino
        for path in (place.lock, unused):
            os.utime(path, (0, 0))
        place.entry.unlink()
        self.explain()
        self.assertFalse(unused.exists(), "control: an old lock is removed")
        self.assertEqual(place.lock.stat().st_ino, inode)


class RuntimeDirectory(CloudCase):
    """$XDG_RUNTIME_DIR counts if it is the user's own; else the cache is in the home."""

    def check(self, name, value, is_used, make=lambda path: None):
        path = self.home.path / name
        make(path)
        self.role_profile("p", "rds-access")
        env = self.cloud_env(XDG_RUNTIME_DIR=value or str(path))
        for _ in range(2):
            self.good("--profile", "p", env=env)
        self.assertEqual(len(self.calls()), 1, "control: it is kept somewhere")
        self.assertEqual(len(self.cache_files()), 0 if is_used else 1)
        made = sorted(p.name for p in path.rglob("*")) if path.exists() else []
        self.assertEqual("cache" in made, is_used)
        return made

    def test_the_users_own(self):
        self.check("run", None, True, lambda path: path.mkdir(mode=0o700))

    def test_a_link_to_the_users_own(self):
        def make(path):
            (self.home.path / "real").mkdir(mode=0o700)
            path.symlink_to(self.home.path / "real")
        self.check("run", None, True, make)

    def test_one_that_does_not_exist(self):
        self.assertEqual(self.check("none", None, False), [])

    def test_a_relative_one(self):
        self.assertEqual(self.check("run", "run", False, lambda path: path.mkdir(mode=0o700)), [])

    @needs_root
    def test_another_users(self):
        def make(path):
            path.mkdir(mode=0o700)
            os.chown(path, OTHER.pw_uid, OTHER.pw_gid)
        self.assertEqual(self.check("run", None, False, make), [])

    @needs_root
    def test_an_instances_credentials_are_not_kept_in_another_users(self):
        path = self.home.path / "run"
        path.mkdir(mode=0o700)
        env = self.machine_env(XDG_RUNTIME_DIR=str(path))
        for calls in (3, 3):
            self.good(principal=None, env=env)
            self.assertEqual(len(self.calls()), calls, "control: in the user's own they are kept")
        os.chown(path, OTHER.pw_uid, OTHER.pw_gid)
        self.good(principal=None, env=env)
        self.assertEqual(len(self.calls()), 6)
        self.assertEqual(self.cache_files(), [])


@needs_root
class AgentsDirectory(CloudCase):
    """test_agent.py shows the same for links and for modes."""

    def setUp(self):
        super().setUp()
        self.services = Services(self.home)
        self.services.add("shop")
        self.passfile = self.services.passfile("shop")
        self.services.directory.mkdir(mode=0o700)
        self.theirs = self.home.path / "theirs"
        self.theirs.write_bytes(PRECIOUS)
        os.chown(self.theirs, OTHER.pw_uid, OTHER.pw_gid)

    def assert_filled(self, **extra):
        result = self.services.fill(**extra)
        self.assertIn("1 of 1 services have their tokens", result.stderr)
        self.assertEqual(self.theirs.read_bytes(), PRECIOUS)
        self.assertEqual(self.passfile.stat().st_uid, 0)

    def test_another_users_directory_is_refused(self):
        self.assert_filled()
        self.passfile.unlink()
        os.chown(self.services.directory, OTHER.pw_uid, OTHER.pw_gid)
        result = self.services.fill()
        self.assertEqual(result.returncode, 1)
        message = f"{self.services.directory}: belongs to uid {OTHER.pw_uid} and not to you"
        self.assertIn(message, result.stderr)
        self.assertFalse(self.passfile.exists())

    def test_another_users_passfile_is_replaced_and_not_written(self):
        os.link(self.theirs, self.passfile)
        self.assert_filled()

    def test_a_link_in_place_of_the_new_passfile_is_not_followed(self):
        (self.services.directory / ".shop.new").symlink_to(self.theirs)
        self.assert_filled()

    def test_another_users_runtime_directory_is_not_used(self):
        runtime = self.home.path / "run-of-another"
        runtime.mkdir(mode=0o700)
        command = [agent_program(), "--once"]
        result = self.home.run(command, XDG_RUNTIME_DIR=str(runtime))
        self.assertIn(f"passfile={runtime}/rds-iam/run/NAME", result.stderr, "control")
        self.assertEqual(list(runtime.iterdir()), [], "a refusal leaves nothing there")
        os.chown(runtime, OTHER.pw_uid, OTHER.pw_gid)
        result = self.home.run(command, XDG_RUNTIME_DIR=str(runtime))
        self.assertIn(f"passfile={self.home.path}/.cache/rds-iam/run/NAME", result.stderr)
        self.assertEqual(list(runtime.iterdir()), [])


if __name__ == "__main__":
    harness.main()
