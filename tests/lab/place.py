# SPDX-License-Identifier: MIT
"""Where a lab lives: one directory of its own, and a cache that all labs of a build share.

    BUILD/lab/lock          held while directories are made or swept
    BUILD/lab/cache/...     certificates and empty databases, made once
    BUILD/lab/<name>/       one running lab; whoever holds the lock on <name>/lock is its labd
    BUILD/lab/<name>/data/  the databases, in memory where labd may mount, which it alone sees

Nothing is ever written elsewhere, /tmp included.
"""
import contextlib
import ctypes
import fcntl
import os
import pathlib
import re
import secrets
import shutil
import time

from fixture import LabError

# Holders of these locks make a few directories, or the cache: seconds at most.
LOCK_TIMEOUT_SECONDS = 120

# linux/sched.h and sys/mount.h
CLONE_NEWNS = 0x00020000
MS_NOSUID, MS_NODEV, MS_REC, MS_PRIVATE = 2, 4, 16384, 1 << 18
MNT_DETACH = 2

# Characters that LD_PRELOAD and PAM's service files take literally.
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+~@%=,-]+")


def lab_root(build_dir):
    """BUILD/lab, made if need be."""
    build = pathlib.Path(build_dir).resolve()
    if not build.is_dir():
        raise LabError(f"the build directory {build} does not exist; run meson setup first")
    if not PLAIN_PATH.fullmatch(str(build)):
        raise LabError(f"the lab cannot live in {build!s}: the path has a blank or a special sign")
    root = build / "lab"
    root.mkdir(exist_ok=True)
    return root


@contextlib.contextmanager
def locked(path):
    """Hold an exclusive lock on a file, which is made if need be and stays."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
        while not try_lock(descriptor):
            if time.monotonic() > deadline:
                raise LabError(f"another lab has held {path} for {LOCK_TIMEOUT_SECONDS} s")
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def try_lock(descriptor):
    """True if the lock is ours now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


@contextlib.contextmanager
def own_directory(root):
    """A new lab directory, removed at the end. Directories of dead labs are swept first."""
    with locked(root / "lock"):
        for path in lab_directories(root):
            if not is_alive(path):
                remove(path)
        path = root / secrets.token_hex(4)
        path.mkdir(mode=0o755)
        marker = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try_lock(marker)
        os.write(marker, f"{os.getpid()}\n".encode())
    try:
        for name in ("tmp", "home"):
            (path / name).mkdir(mode=0o700)
        yield path
    finally:
        with locked(root / "lock"):
            remove(path)
            os.close(marker)


def own_mounts():
    """Give this process a mount namespace of its own, which the programs that it starts share. Call it
    before any thread starts. False where the process has no right to it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        return False
    return libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0


@contextlib.contextmanager
def data_directory(path, in_memory):
    """The empty directory path/data for what servers write. Making the 1,500 files of a database costs
    more than starting its server does; in memory it costs a tenth. in_memory: own_mounts() was True."""
    data = path / "data"
    data.mkdir(mode=0o755)
    libc = ctypes.CDLL(None, use_errno=True)
    target = os.fsencode(data)
    options = b"mode=755"
    mounted = in_memory and libc.mount(b"lab", target, b"tmpfs", MS_NOSUID | MS_NODEV, options) == 0
    try:
        yield data
    finally:
        if mounted:
            libc.umount2(target, MNT_DETACH)


def layered(template, path):
    """Mounts an overlay at `path`: it shows the directory `template` and keeps every change beside `path`,
    so no file is copied before it is written to. path.parent is from data_directory(). Returns False if
    the process may not mount, or if the kernel has no overlay for these file systems."""
    if not path.parent.is_mount():
        return False
    upper, work = (path.with_name(f"{path.name}.{part}") for part in ("upper", "work"))
    for each in (path, upper, work):
        each.mkdir()
    found = template.stat()
    os.chown(upper, found.st_uid, found.st_gid)  # the upper directory's owner and mode are the overlay's
    upper.chmod(found.st_mode & 0o7777)
    options = f"lowerdir={template},upperdir={upper},workdir={work}"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"lab", os.fsencode(path), b"overlay", MS_NOSUID | MS_NODEV, os.fsencode(options)) == 0:
        return True
    for each in (path, upper, work):
        each.rmdir()
    return False


def lab_directories(root):
    """Every lab directory, of living labs and of dead ones."""
    return sorted(path for path in root.iterdir() if path.is_dir() and path.name != "cache")


def is_alive(path):
    """Whether some labd holds this directory."""
    try:
        descriptor = os.open(path / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)


def holder(path):
    """Process id of the labd that holds this directory, or None if none does."""
    try:
        pid = int((path / "lock").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return pid if is_alive(path) else None


def remove(path):
    """Delete a tree that a dying server may still be writing to."""
    for _ in range(20):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(0.05)


def cached(root, name, make):
    """Path of the cache entry; make(directory) fills a new one. Parallel first starts wait."""
    cache = root / "cache"
    cache.mkdir(exist_ok=True)
    entry = cache / name
    if entry.exists():
        return entry
    with locked(cache / f"{name}.lock"):
        if entry.exists():
            return entry
        for leftover in cache.glob(f"new-{name}-*"):
            remove(leftover)
        draft = cache / f"new-{name}-{secrets.token_hex(4)}"
        draft.mkdir()
        try:
            make(draft)
            draft.rename(entry)
        finally:
            if draft.exists():
                remove(draft)
    return entry
