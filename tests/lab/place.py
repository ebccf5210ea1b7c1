# SPDX-License-Identifier: MIT
"""The directories of a lab: its own directory, and a cache that all labs of a build directory share.

    BUILD/lab/lock          locked while a lab directory is made or removed
    BUILD/lab/cache/...     certificates and empty databases, made once
    BUILD/lab/<name>/       one running lab; its labd is the process that has locked <name>/lock
    BUILD/lab/<name>/data/  the databases; if labd may mount, in memory, in a mount that only labd and its servers see

The lab writes nowhere else, not even in /tmp.
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

# A process holds a lock of locked() while it makes a few directories or fills the cache, which takes seconds at most.
LOCK_TIMEOUT_SECONDS = 120

# linux/sched.h and sys/mount.h
CLONE_NEWNS = 0x00020000
MS_NOSUID, MS_NODEV, MS_REC, MS_PRIVATE = 2, 4, 16384, 1 << 18
MNT_DETACH = 2

# Characters without a special meaning in LD_PRELOAD and in PAM's service files.
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+~@%=,-]+")


def lab_root(build_dir):
    """Returns the path BUILD/lab. Makes the directory if it does not exist."""
    build = pathlib.Path(build_dir).resolve()
    if not build.is_dir():
        raise LabError(f"the build directory {build} does not exist; run meson setup first")
    if not PLAIN_PATH.fullmatch(str(build)):
        raise LabError(f"the lab cannot use {build!s}: the path contains a blank or a special character")
    root = build / "lab"
    root.mkdir(exist_ok=True)
    return root


@contextlib.contextmanager
def locked(path):
    """Holds an exclusive lock on a file. The file is made if it does not exist, and is not removed."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
        while not try_lock(descriptor):
            if time.monotonic() > deadline:
                raise LabError(f"another lab has locked {path} for {LOCK_TIMEOUT_SECONDS} s")
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def try_lock(descriptor):
    """Returns true if this process now holds the lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


@contextlib.contextmanager
def own_directory(root):
    """A new lab directory, which is removed at the end. Directories of killed labs are removed first."""
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
    """Gives this process its own mount namespace, which it shares with the programs that it starts. Must be called
    before the process starts a thread. Returns False if the process is not permitted to do this."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        return False
    return libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0


@contextlib.contextmanager
def data_directory(path, in_memory):
    """Makes the empty directory path/data, to which the servers write. in_memory is the result of own_mounts().
    Making the 1,500 files of a database takes longer than starting its server if they are on disk. In memory, making
    them takes a tenth of the time."""
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
    """Mounts an overlay at `path`: it shows the directory `template` and stores changes in directories
    beside `path`, so a file is copied only when it is changed. path.parent must be from data_directory(). Returns False
    if the process may not mount, or if the kernel does not support an overlay of these file systems."""
    if not path.parent.is_mount():
        return False
    upper, work = (path.with_name(f"{path.name}.{part}") for part in ("upper", "work"))
    for each in (path, upper, work):
        each.mkdir()
    found = template.stat()
    os.chown(upper, found.st_uid, found.st_gid)  # an overlay has the owner and mode of its upper directory
    upper.chmod(found.st_mode & 0o7777)
    options = f"lowerdir={template},upperdir={upper},workdir={work}"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"lab", os.fsencode(path), b"overlay", MS_NOSUID | MS_NODEV, os.fsencode(options)) == 0:
        return True
    for each in (path, upper, work):
        each.rmdir()
    return False


def lab_directories(root):
    """Every lab directory, of running labs and of labs that were killed."""
    return sorted(path for path in root.iterdir() if path.is_dir() and path.name != "cache")


def is_alive(path):
    """Whether a labd holds the lock of this directory."""
    try:
        descriptor = os.open(path / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)


def holder(path):
    """The process id of the labd that holds the lock of this directory, or None."""
    try:
        pid = int((path / "lock").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return pid if is_alive(path) else None


def remove(path):
    """Removes a tree, even if a server that is ending still writes to it."""
    for _ in range(20):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(0.05)


def cached(root, name, make):
    """Returns the path of a cache entry. If it does not exist, make(directory) fills a new one; other labs that
    need the same entry wait for it."""
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
