# SPDX-License-Identifier: MIT
"""Runs one command in a clean room and reports the files and processes that it left behind.

usage: clean_room.py CLONE HOME USER KILL_AT COMMAND...     (as process 1 of new mount and pid namespaces)

CLONE is a git clone, HOME an empty directory, and USER the name of the user to run as ("" for the caller). If
KILL_AT is not "", SIGKILL ends the command when it prints this text; otherwise it runs to its end. This program
prints one JSON object with the members status, output (its last 6,000 characters), files and processes.

/tmp, /var/tmp, /dev/shm and /run/user are empty and private here, so files of other processes are not seen. The
clone's directory build does not count as left behind.
"""
import ctypes
import json
import os
import pathlib
import pwd
import signal
import subprocess
import sys
import time

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PRIVATE = ("/tmp", "/var/tmp", "/dev/shm", "/run/user")
OUTPUT_MAX = 6000
# After a kill, the kernel ends the processes that depend on the killed one, one after the other.
END_SECONDS = 10


def mount_private():
    libc = ctypes.CDLL(None, use_errno=True)
    for path in PRIVATE:
        if os.path.isdir(path) and libc.mount(b"tmpfs", path.encode(), b"tmpfs", 0, b"mode=1777") != 0:
            raise OSError(ctypes.get_errno(), f"cannot mount on {path}")


def files(clone, home):
    """Every path in the places where a program might leave a file, and what git status lists in the clone."""
    found = set()
    for root in [home, *PRIVATE]:
        for directory, names, leaves in os.walk(root):
            found.update(os.path.join(directory, name) for name in names + leaves)
    status = subprocess.run(
        ["git", "-c", f"safe.directory={clone}", "-C", clone, "status", "--porcelain", "--ignored"],
        stdout=subprocess.PIPE, text=True, check=True)
    found.update(line for line in status.stdout.splitlines() if line != "!! build/")
    return found


def processes():
    """The command lines of all processes of this namespace, except this one and processes that have ended."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                break
        except ChildProcessError:
            break
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                # "pid (name) state ...". During an exec a process has no command line, so its name is used.
                name, state = (entry / "stat").read_text().rsplit(")", 1)
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            if state.split()[0] not in "ZX":
                found.append(line.strip() or name.split("(", 1)[1])
    return found


def run(clone, home, user, kill_at, command):
    env = {"PATH": PATH, "HOME": home}
    drop = []
    if user:
        entry = pwd.getpwnam(user)
        drop = ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
    child = subprocess.Popen(
        [*drop, *command], cwd=clone, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace")
    lines = []
    for line in child.stdout:
        lines.append(line)
        if kill_at and kill_at in line:
            child.send_signal(signal.SIGKILL)
            break
    return child.wait(), "".join(lines)[-OUTPUT_MAX:]


def await_end():
    """Waits for the processes to end. Returns those that are still running after END_SECONDS."""
    deadline = time.monotonic() + END_SECONDS
    while processes() and time.monotonic() < deadline:
        time.sleep(0.1)
    return processes()


def main():
    clone, home, user, kill_at, *command = sys.argv[1:]
    mount_private()
    before = files(clone, home)
    status, output = run(clone, home, user, kill_at, command)
    left = await_end()
    print(json.dumps({
        "status": status,
        "output": output,
        "files": sorted(files(clone, home) - before),
        "processes": left,
    }))


main()
