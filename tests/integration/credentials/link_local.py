# SPDX-License-Identifier: MIT
"""A network namespace whose loopback interface has AWS's link-local addresses, and a socket that listens there.

A program in the namespace cannot reach a real metadata service or any other address outside the namespace. Root
creates the network namespace directly; another user creates it inside a new user namespace.

LinkLocal runs this file as a program to keep the namespace alive. The program sends its listening socket to its
parent and runs until the parent closes its end of the connection.
"""
import os
import socket
import subprocess
import sys

import harness

ADDRESSES = ("169.254.169.254", "169.254.170.2", "169.254.170.23")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class LinkLocal:
    """A context manager. `listener` is a socket that listens at port 80 of every address in the namespace.
    argv() returns a command line that runs a command in the namespace."""

    def __enter__(self):
        near_end, far_end = socket.socketpair()
        unshare = ["unshare", "--net"]
        if os.geteuid() != 0:
            unshare += ["--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}", "--keep-caps"]
        with far_end:
            self._holder = subprocess.Popen(
                [*unshare, harness.PYTHON, __file__, str(far_end.fileno())],
                env={"PATH": PATH}, stdin=subprocess.DEVNULL, pass_fds=[far_end.fileno()])
        self._line = near_end
        _, descriptors, _, _ = socket.recv_fds(near_end, 1, 1)
        if not descriptors:
            self.__exit__()
            raise OSError("cannot create a network namespace")
        self.listener = socket.socket(fileno=descriptors[0])
        return self

    def __exit__(self, *exception):
        self._line.close()
        self._holder.wait()

    def argv(self, argv):
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", f"--target={self._holder.pid}", "--net", *user, *argv]


def main():
    for words in ("link set lo up", *(f"addr add {address}/32 dev lo" for address in ADDRESSES)):
        subprocess.run(["ip", *words.split()], check=True)
    line = socket.socket(fileno=int(sys.argv[1]))
    with socket.create_server(("0.0.0.0", 80), backlog=128) as listener:
        socket.send_fds(line, [b"."], [listener.fileno()])
    line.recv(1)


if __name__ == "__main__":
    main()
