# SPDX-License-Identifier: MIT
"""Runs one command in a clean room and says what it left behind.

usage: clean_room.py CLONE HOME USER KILL_AT COMMAND...     (in namespaces of its own, as process 1)

CLONE is a git clone, HOME an empty directory, USER a name to run as ("" for the caller). KILL_AT is a
text: when the command prints it, the command is killed by SIGKILL; "" lets it run to its end. One
JSON object is printed: status, output (its end), files, processes.

/tmp, /var/tmp and /dev/shm are empty and private here, so nobody else's files are seen.
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
OUTPUT_KEPT = 6000
# After a kill the kernel ends what hangs on the killed process, one after the other.
END_SECONDS = 10


def mount_private():
    libc = ctypes.CDLL(None, use_errno=True)
    for path in PRIVATE:
        if os.path.isdir(path) and libc.mount(b"tmpfs", path.encode(), b"tmpfs", 0, b"mode=1777") != 0:
            raise OSError(ctypes.get_errno(), f"cannot mount on {path}")


def files(clone, home):
    """Every path in the places where a program might leave something."""
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
    """Command lines of all processes of this namespace but this one; the dead do not count."""
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
                # "pid (name) state ...": in the middle of an exec a process has no command line.
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
    return child.wait(), "".join(lines)[-OUTPUT_KEPT:]


def await_end():
    """The processes that are still there after a while."""
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
