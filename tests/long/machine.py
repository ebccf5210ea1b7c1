# SPDX-License-Identifier: MIT
"""A simulated machine that systemd runs: the distribution's own systemd as process 1 of new namespaces, with the
files of this machine, an empty /run, and one additional user.

    with Machine(home.path) as machine:
        machine.install(harness.PREFIX / "lib/systemd/system/x.service", "system", "[Service]\\n...")
        machine.systemctl("start", "x.service")
        machine.as_user("cat", path)

Only root can make such a machine. The simulated machine cannot write to any file of this machine outside the home. Its
cgroup is removed at the end. This module does not depend on what a unit does.
"""
import os
import pathlib
import secrets
import subprocess
import time

import harness

USER, UID = "ria-user", 54321
RUNTIME = f"/run/user/{UID}"
BOOT_SECONDS = 60

# $1: name of the cgroup; $2: the home, the only directory of this machine that can be written; $3: the user's id.
#
# This machine's files must not change, but a systemd changes files when it boots; for example, it empties /tmp. So this
# machine's units are hidden, the targets that start them are replaced by empty ones, and /, /sys and /proc/sys are
# read-only. Directories that must be written are separate file systems.
BOOT = r"""
set -eu
mount --make-rprivate /
umount -l /sys/fs/cgroup || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir "/sys/fs/cgroup/$1"
echo 0 >"/sys/fs/cgroup/$1/cgroup.procs"
exec unshare --cgroup sh -euc '
    umount /sys/fs/cgroup
    for folder in /run /tmp /var/log /var/tmp /var/lib /etc/systemd/system /etc/systemd/user \
            /usr/lib/systemd/system /usr/lib/systemd/user; do
        mount -t tmpfs -o mode=755 tmpfs "$folder"
    done
    chmod 1777 /tmp /var/tmp
    mount -t tmpfs -o mode=755 tmpfs /mnt
    mkdir /mnt/pts /mnt/shm
    for node in null zero full random urandom tty; do
        cp -a "/dev/$node" /mnt
    done
    ln -s /proc/self/fd /mnt/fd
    mount --move /mnt /dev
    mount -t devpts -o newinstance,ptmxmode=666 devpts /dev/pts
    ln -s pts/ptmx /dev/ptmx
    mount --bind "$1" "$1"
    mount --bind "$1/etc/passwd" /etc/passwd
    mount --bind "$1/etc/group" /etc/group
    mount --bind /proc/sys /proc/sys
    for at in / /sys /proc/sys; do
        mount -o remount,bind,ro "$at"
    done
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    if touch /ria-canary /etc/ria-canary /usr/ria-canary 2>/dev/null || test -e /tmp/.X11-unix; then
        echo "this machine could be written" >&2
        exit 1
    fi
    for kind in system user; do
        mkdir -p "/run/systemd/$kind"
        for target in empty basic default sysinit shutdown multi-user network-online sockets timers paths; do
            printf "[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\n" >"/run/systemd/$kind/$target.target"
        done
    done
    mkdir -m 755 /run/user
    install -d -m 700 -o "$2" -g "$2" "/run/user/$2"
    mount --make-rshared / # as systemd has it outside of a container
    exec env -i container=lxc PATH="$PATH" /lib/systemd/systemd --system --unit=empty.target --log-target=null
' sh "$2" "$3"
"""
REMOVE = r"""
mount -t cgroup2 cgroup2 /sys/fs/cgroup
cd /sys/fs/cgroup && find "$1" -depth -type d -exec rmdir {} +
"""
# A user manager, as user@.service starts it, but without logind. It may not make user namespaces. An attempt fails with
# EPERM, as on a kernel that forbids user namespaces to ordinary users.
MANAGER = f"""
[Service]
Type=notify
User={USER}
Environment=XDG_RUNTIME_DIR={RUNTIME}
ExecStart=/lib/systemd/systemd --user --log-target=null
Delegate=pids memory
RestrictNamespaces=~user
NoNewPrivileges=no
"""


class Machine:
    def __init__(self, home):
        self.home = home
        self._name = "ria-" + secrets.token_hex(4)

    def __enter__(self):
        etc = self.home / "etc"
        etc.mkdir(mode=0o755)
        for name, line in (("passwd", f"{USER}:x:{UID}:{UID}::{self.home}:/bin/sh\n"), ("group", f"{USER}:x:{UID}:\n")):
            (etc / name).write_text(pathlib.Path("/etc", name).read_text() + line)
            (etc / name).chmod(0o644)
        self._log = (self.home / "boot.log").open("wb")
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--fork", "--kill-child", "--pid", "--mount", "--uts", "--ipc",
             "--mount-proc", "sh", "-c", BOOT, "sh", self._name, self.home, str(UID)],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        deadline = time.monotonic() + BOOT_SECONDS
        while self.systemctl("is-system-running").stdout not in ("running\n", "degraded\n"):
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.__exit__()
                raise AssertionError("systemd does not start: " + (self.home / "boot.log").read_text())
            time.sleep(0.05)
        return self

    def __exit__(self, *exception):
        self._process.kill()
        self._process.wait()
        self._log.close()
        removed = None
        for _ in range(50):  # some of its killed processes may still be in the cgroup
            removed = harness.run(["unshare", "--mount", "sh", "-c", REMOVE, "sh", self._name])
            if removed.returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError(removed.stderr)

    def run(self, *argv, **env):
        """Runs a program in the machine, as root."""
        inside = harness.children(self._process.pid)[:1] or [self._process.pid]
        words = [f"{name}={value}" for name, value in env.items()]
        return harness.run(["nsenter", "-a", "-t", str(inside[0]), "env", *words, *argv])

    def as_user(self, *argv, **env):
        return self.run("setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", *argv,
                        **{"HOME": self.home, "XDG_RUNTIME_DIR": RUNTIME, **env})

    def systemctl(self, *words):
        return self.run("systemctl", *words)

    def user_systemctl(self, *words):
        return self.as_user("systemctl", "--user", *words)

    def install(self, unit, kind, drop_in=""):
        """Installs an unmodified unit, and a drop-in with the settings of a test. kind: "system" or "user"."""
        self.write(f"/run/systemd/{kind}/{unit.name}", unit.read_text())
        self.write(f"/run/systemd/{kind}/{unit.name}.d/test.conf", drop_in)

    def write(self, path, text):
        result = self.run("sh", "-c", 'mkdir -p "${1%/*}" && printf %s "$2" >"$1"', "sh", path, text)
        assert result.returncode == 0, result.stderr

    def own(self):
        """Gives every file of the home to the user, except etc, which belongs to root."""
        for path in [self.home, *self.home.rglob("*")]:
            if "etc" not in path.relative_to(self.home).parts[:1]:
                os.chown(path, UID, UID, follow_symlinks=False)
        self.home.chmod(0o755)
        os.chown(self.home, UID, UID)

    def start_user_manager(self):
        self.write("/run/systemd/system/manager.service", MANAGER)
        self.systemctl("daemon-reload")
        return self.systemctl("start", "manager.service")
