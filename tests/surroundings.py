# SPDX-License-Identifier: MIT
"""What a test process must not inherit from the caller of tests/run, and how it gets rid of it: ignored
and blocked signals, a umask, and a tree that only root can reach.

Nothing here changes the machine: the directories are opened in a mount namespace of the process's own.
"""
import ctypes
import os
import pathlib
import signal

# tests/python has set it for this process. A program under test must not import from this tree.
os.environ.pop("PYTHONPATH", None)

# subprocess resets these in the programs that it starts.
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
CLONE_NEWNS = 0x00020000
SEARCHABLE = 0o001


def reset_process():
    """Gives this process, and the programs that it starts, the state that a login shell gives: no signal
    ignored or blocked, umask 022. The caller may have another one: nohup and `&` ignore signals, and a
    program that inherits this cannot be ended by them."""
    for number in signal.valid_signals():
        if signal.getsignal(number) == signal.SIG_IGN and number not in IGNORED_BY_PYTHON:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(0o022)


def open_directories(source, *others):
    """Makes a source tree, and other directories that tests use, reachable for every user. Only root's
    tests start programs as other users, and only they need it: root's clone may lie below /root, which
    is closed to others, or be closed itself, because root's umask was 077 when it was made.

    In a mount namespace of this process an empty directory covers the topmost closed one, and the trees
    are mounted into it at their own paths. OSError where the kernel does not let it.
    """
    if os.geteuid() != 0:
        return
    trees = sorted(source.iterdir()) if _is_closed(source) else [source]
    trees += [path for path in others if path.is_dir() and not path.is_relative_to(source)]
    covered = {_topmost_closed(path) for path in trees} - {None}
    if not covered:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.unshare(CLONE_NEWNS), "unshare")
    _mount(libc, "none", "/", None, MS_REC | MS_PRIVATE)
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
    os.chdir(os.getcwd())  # the one that is in the namespace


def _is_closed(path):
    return not path.stat().st_mode & SEARCHABLE


def _topmost_closed(path):
    """The directory above the path, nearest to /, that other users cannot search; or None."""
    return next((each for each in reversed(pathlib.Path(path).parents) if _is_closed(each)), None)


def _mount(libc, source, target, kind, flags, options=None):
    words = [word and str(word).encode() for word in (source, target, kind)]
    _check(libc.mount(*words, flags, options and options.encode()), f"mount on {target}")


def _check(status, what):
    if status != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
