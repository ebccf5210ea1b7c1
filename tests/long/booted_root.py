# SPDX-License-Identifier: MIT
"""A root directory with a Debian system, which systemd has booted: systemd is process 1 of new namespaces, and runs the
units in the root directory.

    with EmptyRoot("trixie") as root:
        install(root)                       # systemd, D-Bus and logind
        with Booted(root.path) as machine:
            machine.run("systemctl", "start", "x.service")
            machine.of_user("ada", "start", "x.service")

A test may change the files of the root directory. The root directory uses this machine's network, and contains copies
of a few of its device nodes. (machine.py runs units with this machine's own files.) Only the user root can use this
module.
"""
import secrets
import subprocess
import time

import harness
from machine import BOOT_SECONDS, REMOVE

PACKAGES = "systemd-sysv dbus dbus-user-session libpam-systemd"
# $1: the name of the cgroup; $2: the root. /proc/sys and /sys are read-only, because the kernel is that of this machine.
BOOT = r"""
set -eu
mount --make-rprivate /
umount -l /sys/fs/cgroup || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir "/sys/fs/cgroup/$1"
echo 0 >"/sys/fs/cgroup/$1/cgroup.procs"
exec unshare --cgroup sh -euc '
    mount --bind "$1" "$1"
    cd "$1"
    mount -t proc proc proc
    mount --bind proc/sys proc/sys
    mount -o remount,bind,ro proc/sys
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=755 tmpfs dev
    mkdir dev/pts dev/shm
    for node in null zero full random urandom tty; do
        cp -a "/dev/$node" dev
    done
    ln -s /proc/self/fd dev/fd
    mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
    ln -s pts/ptmx dev/ptmx
    mount -t tmpfs -o mode=755 tmpfs run
    mount -t tmpfs -o mode=1777 tmpfs tmp
    pivot_root . .
    umount --lazy .
    cd /
    mount --make-rshared / # as systemd has it outside of a container
    exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --log-target=null
' sh "$2"
"""


def install(root):
    """Installs what Booted needs, in an EmptyRoot."""
    status, output = root.run(f"export DEBIAN_FRONTEND=noninteractive; apt-get -q update && "
                              f"apt-get -q install -y --no-install-recommends {PACKAGES}", ".")
    if status != 0:
        raise RuntimeError(output[-4000:])


class Booted:
    def __init__(self, root):
        self._root = root
        self._name = "ria-" + secrets.token_hex(4)

    def __enter__(self):
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--fork", "--kill-child", "--pid", "--mount", "--uts", "--ipc",
             "sh", "-c", BOOT, "sh", self._name, self._root],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + BOOT_SECONDS
        while self.run("systemctl", "is-system-running").stdout not in ("running\n", "degraded\n"):
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.__exit__()
                raise AssertionError(f"systemd does not start in {self._root}")
            time.sleep(0.05)
        return self

    def __exit__(self, *exception):
        self._process.kill()
        self._process.wait()
        deadline = time.monotonic() + BOOT_SECONDS
        while (removed := harness.run(["unshare", "--mount", "sh", "-c", REMOVE, "sh", self._name])).returncode != 0:
            if time.monotonic() > deadline:  # until then, killed processes of the cgroup may not have ended yet
                raise AssertionError(removed.stderr)
            time.sleep(0.1)

    def run(self, *argv):
        """Runs a program in the machine, as root."""
        inside = harness.children(self._process.pid)[:1] or [self._process.pid]
        return harness.run(["nsenter", "-a", "-t", str(inside[0]), "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *argv])

    def of_user(self, name, *words):
        """Runs systemctl with the manager of a user."""
        return self.run("systemctl", "--user", "--machine", f"{name}@", *words)
