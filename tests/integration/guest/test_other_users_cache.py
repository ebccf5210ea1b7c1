# SPDX-License-Identifier: MIT
"""Files that another user puts in the place of the cache, or of the agent's directory.

rds-iam ignores such files in the cache: it does not follow links and does not write into these files. The login works
with new credentials from the source. As a control, each row first uses a valid cache, and then adds a flaw to the
cache. The agent refuses a directory of another user, and replaces a passfile of another user. Tests that need a file of
another user run only as root.
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
DAMAGED = "is damaged or has no expiry time, so it is ignored"
NO_DIRECTORY = "is not a directory"
CACHED, NOT_CACHED = True, False


class Place:
    """The cache in a home directory: its only entry, and the files and directories around it."""

    def __init__(self, home):
        self.product = home / ".cache/rds-iam"
        self.directory = self.product / "cache"
        self.entry = next(p for p in self.directory.iterdir() if not p.suffix)
        self.lock = self.entry.with_name(self.entry.name + ".lock")
        self.fresh = self.entry.with_name(self.entry.name + ".new")
        self.good = self.entry.read_bytes()
        # Stands for the directory of another user, but belongs to the user of the test. Only foreign() gives the file
        # "precious" in it to another user.
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
        """Puts a file of another user at `path`. It is a hard link to the file "precious"."""
        self.write(self.precious, content)
        self.give_away(self.precious)
        path.unlink(missing_ok=True)
        os.link(self.precious, path)


# -- Flaws. Each function gets a Place and adds one flaw to it. ---------------------------------------


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
    """Makes the cache's parent a link to a directory in which rds-iam must create nothing."""
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
    """Also locks the file, as if another process of that user held the lock while the row runs."""
    place.entry.unlink()
    place.foreign(place.lock, PRECIOUS)
    place.held = place.lock.open("rb")
    fcntl.flock(place.held, fcntl.LOCK_EX)


# Each row: the flaw, a part of the log line, whether the fetched credentials are cached afterwards.
ROWS = (
    (torn, DAMAGED, CACHED),
    (longer, DAMAGED, CACHED),
    (empty, DAMAGED, CACHED),
    (huge, "cannot be read to its end", CACHED),
    (group_readable, NOT_ALONE, CACHED),
    (writable, NOT_ALONE, CACHED),
    (link_to_a_good_one, NO_FILE, CACHED),
    (dangling_link, NO_FILE, CACHED),
    (fifo, NOT_ALONE, CACHED),
    (directory_for_file, NOT_ALONE, NOT_CACHED),
    (open_directory, NOT_ALONE, NOT_CACHED),
    (writable_directory, NOT_ALONE, NOT_CACHED),
    (linked_directory, NO_DIRECTORY, NOT_CACHED),
    (linked_parent, NO_DIRECTORY, NOT_CACHED),
    (writable_parent, NO_DIRECTORY, NOT_CACHED),
    (linked_fresh_file, NO_FILE, CACHED),
    (fresh_directory, NO_FILE, NOT_CACHED),
    (linked_lock, NO_FILE, NOT_CACHED),
    (fifo_lock, NO_FILE, NOT_CACHED),
)
FOREIGN_ROWS = (
    (foreign_good_file, NOT_ALONE, CACHED),
    (foreign_directory, NOT_ALONE, NOT_CACHED),
    (foreign_parent, NO_DIRECTORY, NOT_CACHED),
    (foreign_fresh_file, NO_FILE, CACHED),
    (foreign_lock, NO_FILE, NOT_CACHED),
)


class Cache(CloudCase):
    def explain(self, **extra):
        """Runs rds-iam credentials, which must find the role. Returns (number of requests to STS, log)."""
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
        for add_flaw, line, is_cached in rows:
            with self.subTest(flaw=add_flaw.__name__):
                self.fresh_home()
                self.assertEqual(self.explain()[0], 1)
                self.assertEqual(self.explain()[0], 0, "control: the entry is used")
                place = Place(self.home.path)
                add_flaw(place)
                theirs = self.state_of(place)
                requests, log = self.explain()
                self.assertEqual(requests, 1)
                name = f"{place.directory}/{place.entry.name[:8]}"
                self.assertRegex(log, f"rds-iam: cache {name}\\.\\.\\.: .*{line}")
                self.assertEqual(self.state_of(place), theirs, "the other user's files are unchanged")
                self.assertEqual(self.explain()[0], 0 if is_cached else 1)
                if is_cached:
                    status = place.entry.lstat()
                    self.assertEqual((oct(status.st_mode), status.st_uid), ("0o100600", os.geteuid()))

    @staticmethod
    def state_of(place):
        """Returns the path, mode, owner and content of everything in the other user's directory."""
        return [(str(p), oct(p.lstat().st_mode), p.lstat().st_uid,
                 p.read_bytes() if p.is_file() else None) for p in sorted(place.theirs.rglob("*"))]

    def test_a_damaged_or_untrusted_cache_is_ignored(self):
        self.assertEqual(len(ROWS), 19)
        self.check(ROWS)

    @needs_root
    def test_files_of_another_user_are_ignored(self):
        self.assertEqual(len(FOREIGN_ROWS), 5)
        self.check(FOREIGN_ROWS)

    def test_only_old_files_of_the_cache_are_removed(self):
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

    def test_an_old_lock_file_that_is_in_use_is_not_removed(self):
        """Other processes wait for this lock. If it were removed, a later process would create a new lock file and
        fetch credentials at the same time."""
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
        self.assertFalse(unused.exists(), "control: an old unused lock file is removed")
        self.assertEqual(place.lock.stat().st_ino, inode)


class RuntimeDirectory(CloudCase):
    """The cache is in $XDG_RUNTIME_DIR if only the user controls it, else in the home directory."""

    def check(self, name, value, is_used, make=lambda path: None):
        path = self.home.path / name
        make(path)
        self.role_profile("p", "rds-access")
        env = self.cloud_env(XDG_RUNTIME_DIR=value or str(path))
        for _ in range(2):
            self.get_credentials("--profile", "p", env=env)
        self.assertEqual(len(self.calls()), 1, "control: the credentials are cached")
        self.assertEqual(len(self.cache_files()), 0 if is_used else 1)
        made = sorted(p.name for p in path.rglob("*")) if path.exists() else []
        self.assertEqual("cache" in made, is_used)
        return made

    def test_a_directory_of_the_user(self):
        self.check("run", None, True, lambda path: path.mkdir(mode=0o700))

    def test_a_link_to_a_directory_of_the_user(self):
        def make(path):
            (self.home.path / "real").mkdir(mode=0o700)
            path.symlink_to(self.home.path / "real")
        self.check("run", None, True, make)

    def test_a_directory_that_does_not_exist(self):
        self.assertEqual(self.check("none", None, False), [])

    def test_a_relative_path(self):
        self.assertEqual(self.check("run", "run", False, lambda path: path.mkdir(mode=0o700)), [])

    @needs_root
    def test_a_directory_of_another_user(self):
        def make(path):
            path.mkdir(mode=0o700)
            os.chown(path, OTHER.pw_uid, OTHER.pw_gid)
        self.assertEqual(self.check("run", None, False, make), [])

    @needs_root
    def test_credentials_of_an_instance_are_not_cached_in_a_directory_of_another_user(self):
        path = self.home.path / "run"
        path.mkdir(mode=0o700)
        env = self.machine_env(XDG_RUNTIME_DIR=str(path))
        for calls in (3, 3):
            self.get_credentials(principal=None, env=env)
            self.assertEqual(len(self.calls()), calls, "control: cached in the user's own directory")
        os.chown(path, OTHER.pw_uid, OTHER.pw_gid)
        self.get_credentials(principal=None, env=env)
        self.assertEqual(len(self.calls()), 6)
        self.assertEqual(self.cache_files(), [])


@needs_root
class AgentsDirectory(CloudCase):
    """An agent's directory, passfile or runtime directory that belongs to another user. test_agent.py tests other
    links, and modes."""

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
        self.assertEqual(list(runtime.iterdir()), [], "a failed run creates nothing there")
        os.chown(runtime, OTHER.pw_uid, OTHER.pw_gid)
        result = self.home.run(command, XDG_RUNTIME_DIR=str(runtime))
        self.assertIn(f"passfile={self.home.path}/.cache/rds-iam/run/NAME", result.stderr)
        self.assertEqual(list(runtime.iterdir()), [])


if __name__ == "__main__":
    harness.main()
