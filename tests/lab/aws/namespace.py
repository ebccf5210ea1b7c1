# SPDX-License-Identifier: MIT
"""A network namespace with AWS's real addresses, served by a lab that is outside of it.

    with lab.network(instance_role="instance-b") as network:
        network.run(["aws", "sts", "get-caller-identity"], env=network.client_env())

The namespace contains the instance metadata service and the container endpoints at their link-local addresses on port
80. It contains STS and the other AWS services at every AWS host name of lab.json on port 443. The lab's databases and
AWS services also have the lab's own ports. The databases also have the ports 5432 and 3306; tokens for these ports are
accepted after Lab.usual_ports(). The namespace's /etc/hosts is the lab's file, so names also resolve without
libnss_wrapper. The namespace has no route to other networks. Root makes the namespace directly; an ordinary user makes
it in a new user namespace.

When this file runs as a program, it is the process that keeps the namespace alive. It makes the listening sockets,
passes them to labd (networks.py) and waits until its parent or labd ends.
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
USUAL_PORTS = {"postgresql": 5432, "mariadb": 3306}
PR_SET_PDEATHSIG = 1
MS_BIND = 4096


class Network:
    """One namespace, from __enter__ to __exit__. The top of this file describes it.

    instance_role is the name of the role that its metadata service serves, or None. boot_id is the text that the
    processes in the namespace read from /proc/sys/kernel/random/boot_id. tunnels maps further ports of the namespace to
    an engine; a connection to such a port reaches the lab's database of this engine.
    """

    def __init__(self, lab, instance_role, boot_id=None, tunnels=()):
        self._lab = lab
        self._role = instance_role
        self._boot_id = boot_id
        self._tunnels = dict(tunnels)
        self._holder = None

    def __enter__(self):
        plan = {
            "owner": os.getpid(),
            "instance_role": self._role,
            "hosts": str(self._lab.hosts_file),
            "boot_id": self._boot_id_file(),
            "relays": self._relays(),
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
            raise LabError(f"this system does not allow a network namespace: {text}")
        return self

    def __exit__(self, *exception):
        self._holder.kill()
        self._holder.wait()
        self._holder.stdout.close()

    @property
    def pid(self):
        """The id of the process that keeps the namespace alive."""
        return self._holder.pid

    def client_env(self, **extra):
        """The whole environment for a client inside. HOME is private and empty. The only variable that points to the
        lab is AWS_CA_BUNDLE, the CA of the lab's AWS services."""
        trust = {"AWS_CA_BUNDLE": str(self._lab.cloud_ca_file)}
        return {"PATH": process.PATH, "HOME": str(self._lab.home), **trust, **extra}

    def command(self, argv, cwd="/"):
        """Returns the command line that runs argv inside the namespace."""
        target = ["nsenter", f"--target={self.pid}", "--net", "--mount", f"--wdns={cwd}"]
        if os.geteuid() != 0:
            target += ["--user", "--preserve-credentials"]
        return [*target, "--", *(str(word) for word in argv)]

    def run(self, argv, env, timeout=120, cwd="/"):
        """Runs a program inside to its end. Returns its output as text."""
        return subprocess.run(
            self.command(argv, cwd), env=env, timeout=timeout, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
            check=False,
        )  # fmt: skip

    def _relays(self):
        """[port in the namespace, port of a database on the lab's loopback] of each relay."""
        own = self._lab.state["ports"]
        pairs = [[port, port] for port in own.values()]
        pairs += [[port, own[engine]] for engine, port in USUAL_PORTS.items() if port not in own.values()]
        return pairs + [[port, own[engine]] for port, engine in self._tunnels.items()]

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
        return  # the owner ended before prctl() was called
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
    connection.recv(1)  # labd sends nothing more; recv() returns when labd ends


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
    """Uses mount(2), which needs only the capability CAP_SYS_ADMIN. mount(8) also requires the user id 0."""
    if libc.mount(source.encode(), target.encode(), None, MS_BIND, None) != 0:
        raise OSError(ctypes.get_errno(), f"cannot mount {source} on {target}")


def _listeners(plan):
    """Yields (kind, listening socket). networks.py explains the kinds."""
    addresses = [("http", each, 80) for each in LINK_LOCAL]
    addresses += [("http", each, 80) for each in LINK_LOCAL_6 if _has_ipv6()]
    addresses += [("http", "127.0.0.1", plan["cloud_ports"]["http"])]
    addresses += [("https", "127.0.0.1", port) for port in (443, plan["cloud_ports"]["https"])]
    addresses += [(target, "127.0.0.1", port) for port, target in plan["relays"]]
    for kind, address, port in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        yield kind, socket.create_server((address, port), family=family, backlog=BACKLOG)


if __name__ == "__main__":
    main()
