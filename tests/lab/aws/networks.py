# SPDX-License-Identifier: MIT
"""labd's listening sockets for clients of the AWS services: on the lab's own loopback, and in network namespaces that
namespace.py makes.

A socket always belongs to the namespace in which it was made, so labd can serve a namespace that it is not in:
namespace.py passes listening sockets to labd through an abstract Unix socket, and labd serves them until that
connection ends. Connections to databases are relayed byte by byte.
"""
import json
import secrets
import socket
import socketserver
import threading

from aws import HttpEndpoint, server_context
from control import is_permitted, serve
from exchange import Machine

BACKLOG = 512
HANDOVER_MAX = 4096
SOCKETS_MAX = 32
HANDOVER_SECONDS = 60
RELAY_BYTES = 65536


class Networks:
    """Serves the lab's own loopback from the start, and sockets that are passed to it later.

    machine and ports ("http", "https") describe the loopback.
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
            serve(self._endpoint(kind, listener, self.machine))
        networks = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                networks.take_over(self.request)

        serve(_HandoverServer(f"\0{self.socket_name}", Handler))

    def take_over(self, connection):
        """Serves the sockets that arrive on one connection, until the connection ends."""
        if not is_permitted(connection):
            return
        connection.settimeout(HANDOVER_SECONDS)
        message, descriptors, _, _ = socket.recv_fds(connection, HANDOVER_MAX, SOCKETS_MAX)
        listeners = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        description = json.loads(message)
        machine = Machine(description["instance_role"])
        endpoints = [
            self._endpoint(kind, listener, machine)
            for kind, listener in zip(description["kinds"], listeners, strict=True)
        ]
        for endpoint in endpoints:
            serve(endpoint)
        connection.sendall(b"ready\n")
        connection.settimeout(None)
        connection.recv(1)  # returns when the namespace's process ends
        for endpoint in endpoints:
            endpoint.shutdown()
            endpoint.server_close()

    def _endpoint(self, kind, listener, machine):
        """kind is "http", "https", or the port of the loopback to which connections are relayed."""
        if kind == "http":
            return HttpEndpoint(listener, self._cloud, machine)
        if kind == "https":
            return HttpEndpoint(listener, self._cloud, machine, self._context)
        return Relay(listener, kind)


class _HandoverServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Prints nothing, because a namespace that has ended is not an error."""


class Relay(socketserver.ThreadingTCPServer):
    """Relays connections to a port of the loopback."""

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
        """Prints nothing."""


def _copy(source, destination):
    """Copies all data until the source ends, and then ends the destination."""
    try:
        while data := source.recv(RELAY_BYTES):
            destination.sendall(data)
        destination.shutdown(socket.SHUT_WR)
    except OSError:
        for each in (source, destination):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # already closed
