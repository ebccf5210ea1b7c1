# SPDX-License-Identifier: MIT
"""labd's listening sockets for clients of the AWS side: on its own loopback, and in network
namespaces that namespace.py makes.

A socket belongs for ever to the namespace in which it was made, so labd can serve a namespace that
it is not in: namespace.py hands listening sockets over, through an abstract Unix socket, and labd
serves them for as long as that connection lasts. Databases are relayed byte by byte.
"""
import json
import secrets
import socket
import socketserver
import threading

from aws import Door, server_context
from control import may_ask, serve
from exchange import Machine

BACKLOG = 512
HANDOVER_MAX = 4096
SOCKETS_MAX = 32
HANDOVER_SECONDS = 60
RELAY_BYTES = 65536


class Networks:
    """The lab's own loopback from the start, and whatever is handed over later.

    machine and ports ("http", "https") are those of the loopback.
    """

    def __init__(self, cloud, certificate, instance_role):
        self.socket_name = f"rdslab-network-{secrets.token_hex(12)}"
        self.machine = Machine(instance_role)
        self.ports = {}
        self._cloud = cloud
        self._context = server_context(certificate)
        for kind in ("http", "https"):
            listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
            self.ports[kind] = listener.getsockname()[1]
            serve(self._door(kind, listener, self.machine))
        networks = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                networks.take_over(self.request)

        serve(_HandoverServer(f"\0{self.socket_name}", Handler))

    def take_over(self, connection):
        """Serve what comes over one connection, until it ends."""
        if not may_ask(connection):
            return
        connection.settimeout(HANDOVER_SECONDS)
        message, descriptors, _, _ = socket.recv_fds(connection, HANDOVER_MAX, SOCKETS_MAX)
        listeners = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        description = json.loads(message)
        machine = Machine(description["instance_role"])
        doors = [
            self._door(kind, listener, machine)
            for kind, listener in zip(description["kinds"], listeners, strict=True)
        ]
        for door in doors:
            serve(door)
        connection.sendall(b"ready\n")
        connection.settimeout(None)
        connection.recv(1)  # says nothing more; it ends with the namespace's process
        for door in doors:
            door.shutdown()
            door.server_close()

    def _door(self, kind, listener, machine):
        """kind is http, https, or the port of the loopback to which connections are relayed."""
        if kind == "http":
            return Door(listener, self._cloud, machine)
        if kind == "https":
            return Door(listener, self._cloud, machine, self._context)
        return _Relay(listener, kind)


class _HandoverServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Quiet: a namespace that is gone is no event."""


class _Relay(socketserver.ThreadingTCPServer):
    """Passes connections on to a port of the loopback."""

    daemon_threads = True

    def __init__(self, listener, port):
        super().__init__(None, None, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self._port = port

    def finish_request(self, request, client_address):
        with socket.create_connection(("127.0.0.1", self._port)) as server:
            forward = threading.Thread(target=_copy, args=(request, server), daemon=True)
            forward.start()
            _copy(server, request)
            forward.join()

    def handle_error(self, request, client_address):
        """Quiet."""


def _copy(source, destination):
    """Everything up to the end, and then the end."""
    try:
        while data := source.recv(RELAY_BYTES):
            destination.sendall(data)
        destination.shutdown(socket.SHUT_WR)
    except OSError:
        for each in (source, destination):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # is shut already
