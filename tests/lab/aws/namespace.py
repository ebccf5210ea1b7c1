# SPDX-License-Identifier: MIT
"""A network of its own with AWS's true addresses, served by a lab that is outside of it.

    with lab.network(instance_role="instance-b") as network:
        network.run(["aws", "sts", "get-caller-identity"], env=network.client_env())

In it: the instance metadata service and the container endpoints at their link-local addresses and
port 80, STS at every name of lab.json and port 443, the lab's databases and its cloud at the ports
that they have outside. /etc/hosts is the lab's, so names resolve without a preload too. There is no
way out. Root makes it directly, an ordinary user in a user namespace of its own.

Run as a program this file is what holds the namespace: it makes the listening sockets, hands them
to labd (networks.py) and stays until its parent ends.
"""
import ctypes
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys

import process
from fixture import LabError

LINK_LOCAL = ("169.254.169.254", "169.254.170.2", "169.254.170.23")
LINK_LOCAL_6 = ("fd00:ec2::254", "fd00:ec2::23")
BACKLOG = 512
START_TIMEOUT_SECONDS = 60
PR_SET_PDEATHSIG = 1
MS_BIND = 4096


class Network:
    """One namespace, from __enter__ to __exit__. See the top of this file.

    instance_role is the name of the role that its metadata service hands out, or None; boot_id is a
    text that its processes find in /proc/sys/kernel/random/boot_id.
    """

    def __init__(self, lab, instance_role, boot_id=None):
        self._lab = lab
        self._role = instance_role
        self._boot_id = boot_id
        self._holder = None

    def __enter__(self):
        plan = {
            "owner": os.getpid(),
            "instance_role": self._role,
            "hosts": str(self._lab.hosts_file),
            "boot_id": self._boot_id_file(),
            "relays": list(self._lab.state["ports"].values()),
            "cloud_ports": self._lab.state["cloud_ports"],
        }
        with socket.socket(socket.AF_UNIX) as labd:
            labd.connect("\0" + self._lab.state["network"])
            command = [*_unshare(), process.PYTHON, __file__]
            command += [str(labd.fileno()), json.dumps(plan)]
            self._holder = subprocess.Popen(
                command,
                pass_fds=[labd.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={"PATH": os.defpath + ":/usr/sbin:/sbin", "LC_ALL": "C"},
                text=True,
            )
        line = self._holder.stdout.readline()
        if line != "ready\n":
            text = (line + self._holder.stdout.read()).strip()
            self.__exit__()
            raise LabError(f"no network namespace can be had here: {text}")
        return self

    def __exit__(self, *exception):
        self._holder.kill()
        self._holder.wait()
        self._holder.stdout.close()

    @property
    def pid(self):
        """Of the process that holds it."""
        return self._holder.pid

    def client_env(self, **extra):
        """A whole environment for a client inside: HOME is private and empty, and nothing points to
        the lab but the CA of its AWS."""
        trust = {"AWS_CA_BUNDLE": str(self._lab.cloud_ca_file)}
        return {"PATH": process.PATH, "HOME": str(self._lab.home), **trust, **extra}

    def command(self, argv, cwd="/"):
        """The argv that runs argv inside."""
        target = ["nsenter", f"--target={self.pid}", "--net", "--mount", f"--wdns={cwd}"]
        if os.geteuid() != 0:
            target += ["--user", "--preserve-credentials"]
        return [*target, "--", *(str(word) for word in argv)]

    def run(self, argv, env, timeout=120, cwd="/"):
        """Run a program inside to its end; text out."""
        return subprocess.run(
            self.command(argv, cwd), env=env, timeout=timeout, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
            check=False,
        )  # fmt: skip

    def _boot_id_file(self):
        if self._boot_id is None:
            return None
        path = self._lab.directory / "tmp" / f"boot-id-{self._boot_id}"
        path.write_text(self._boot_id + "\n", encoding="ascii")
        return str(path)


def _unshare():
    command = ["unshare", "--net", "--mount"]
    if os.geteuid() != 0:
        command += ["--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}"]
        command += ["--keep-caps"]
    return command


def main():
    connection = socket.socket(fileno=int(sys.argv[1]))
    plan = json.loads(sys.argv[2])
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != plan["owner"]:
        return  # it ended before the signal was asked for
    _add_addresses()
    _bind_file(libc, plan["hosts"], "/etc/hosts")
    if plan["boot_id"]:
        _bind_file(libc, plan["boot_id"], "/proc/sys/kernel/random/boot_id")
    kinds, listeners = zip(*_listeners(plan), strict=True)
    message = json.dumps({"instance_role": plan["instance_role"], "kinds": kinds})
    socket.send_fds(connection, [message.encode()], [each.fileno() for each in listeners])
    for each in listeners:
        each.close()
    print(connection.recv(6).decode(), end="", flush=True)
    connection.recv(1)  # labd says no more; it ends


def _add_addresses():
    commands = [["link", "set", "lo", "up"]]
    commands += [["address", "add", f"{each}/32", "dev", "lo"] for each in LINK_LOCAL]
    if _has_ipv6():
        commands += [["address", "add", f"{each}/128", "dev", "lo", "nodad"] for each in LINK_LOCAL_6]
    for command in commands:
        subprocess.run(["ip", *command], check=True, stdin=subprocess.DEVNULL)


def _has_ipv6():
    return pathlib.Path("/proc/net/if_inet6").exists()


def _bind_file(libc, source, target):
    """mount(8) would look at the user's id; the capability is enough for mount(2)."""
    if libc.mount(source.encode(), target.encode(), None, MS_BIND, None) != 0:
        raise OSError(ctypes.get_errno(), f"cannot mount {source} on {target}")


def _listeners(plan):
    """What to listen on, as (kind, socket); for the kinds see networks.py."""
    addresses = [("http", each, 80) for each in LINK_LOCAL]
    addresses += [("http", each, 80) for each in LINK_LOCAL_6 if _has_ipv6()]
    addresses += [("http", "127.0.0.1", plan["cloud_ports"]["http"])]
    addresses += [("https", "127.0.0.1", port) for port in (443, plan["cloud_ports"]["https"])]
    addresses += [(port, "127.0.0.1", port) for port in plan["relays"]]
    for kind, address, port in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        yield kind, socket.create_server((address, port), family=family, backlog=BACKLOG)


if __name__ == "__main__":
    main()
