# SPDX-License-Identifier: MIT
"""Removes the state that a test process must not inherit from the caller of tests/run: ignored and blocked signals,
the umask, a source tree that only root can reach, and the machine's own configuration of rds-iam.

The machine is not changed: directories are made reachable or hidden in a mount namespace of this process.
"""
import ctypes
import os
import pathlib
import signal

# tests/python sets PYTHONPATH for this process. A program under test must not import modules from this tree.
os.environ.pop("PYTHONPATH", None)

# Python ignores these signals; subprocess restores their default action in the programs that it starts.
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
CLONE_NEWNS = 0x00020000
SEARCHABLE = 0o001


def reset_process():
    """Gives this process, and the programs that it starts, the state that a login shell gives: no signal is
    ignored or blocked, and the umask is 022. The caller's state may differ: nohup and `&` start a process that ignores
    signals. Its child processes also ignore these signals, so a test could not end them with such a signal."""
    for number in signal.valid_signals():
        if signal.getsignal(number) == signal.SIG_IGN and number not in IGNORED_BY_PYTHON:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(0o022)


def open_directories(source, *others):
    """Makes a source tree, and other directories that tests use, reachable for every user. This is needed only
    if the tests run as root, because only root's tests start programs as other users. Root's clone may be below
    /root, which other users cannot enter. A clone that root made with the umask 077 cannot be entered by others either.

    In a mount namespace of this process, an empty directory is mounted over the topmost directory that other users
    cannot enter. The trees are then mounted below the empty directory, at their own paths. Raises OSError if the kernel
    does not allow this.
    """
    if os.geteuid() != 0:
        return
    trees = sorted(source.iterdir()) if _is_closed(source) else [source]
    trees += [path for path in others if path.is_dir() and not path.is_relative_to(source)]
    covered = {_topmost_closed(path) for path in trees} - {None}
    if not covered:
        return
    libc = leave_mount_namespace()
    moved = [(path, os.open(path, os.O_PATH | os.O_CLOEXEC)) for path in trees if _topmost_closed(path)]
    for path in sorted(covered):
        _mount(libc, "tmpfs", path, "tmpfs", 0, "mode=755")
    for path, descriptor in moved:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            path.mkdir(mode=0o755, exist_ok=True)
        else:
            path.touch()
        _mount(libc, f"/proc/self/fd/{descriptor}", path, None, MS_BIND | MS_REC)
        os.close(descriptor)
    os.chdir(os.getcwd())  # enter the directory of this path in the new namespace


def hide_directory(directory):
    """If the directory exists, mounts an empty directory over it, which only this process and its children see. Raises
    OSError if the kernel does not allow this, or if the tests do not run as root."""
    if directory.is_dir():
        _mount(leave_mount_namespace(), "tmpfs", directory, "tmpfs", 0, "mode=755")


def leave_mount_namespace():
    """Enters a new mount namespace, whose mounts are not seen outside. Returns libc, for _mount()."""
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.unshare(CLONE_NEWNS), "unshare")
    _mount(libc, "none", "/", None, MS_REC | MS_PRIVATE)
    return libc


def _is_closed(path):
    return not path.stat().st_mode & SEARCHABLE


def _topmost_closed(path):
    """The topmost directory above the path that other users cannot search, or None."""
    return next((each for each in reversed(pathlib.Path(path).parents) if _is_closed(each)), None)


def _mount(libc, source, target, kind, flags, options=None):
    words = [word and str(word).encode() for word in (source, target, kind)]
    _check(libc.mount(*words, flags, options and options.encode()), f"mount on {target}")


def _check(status, what):
    if status != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
