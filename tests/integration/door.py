# SPDX-License-Identifier: MIT
"""A proxy to the lab's AWS that injects faults. Each client has its own passage through the proxy, with its
own fault and its own record of requests, so that many clients can meet many faults at the same time.

    door = Door(lab_url, certificate)
    passage = door.passage(Fault("status", status=503, times=2))
    ...                       # a client sends requests to door.url
    passage.calls             # [("POST", "/"), ...], one for each request

If the proxy has several passages, the first part of a request's path selects one of them. The proxy removes this prefix
from the path. It forwards each request that the fault does not affect to the lab's AWS. The client gets the status,
body, content type and date of the lab's response.
"""
import http.client
import http.server
import re
import select
import socket
import ssl
import struct
import threading
from dataclasses import dataclass
from email.utils import formatdate

HANG_SECONDS = 30
DRIP_SECONDS = 0.2
LARGE_BODY = 1 << 30
ALWAYS = 1 << 30


@dataclass(frozen=True)
class Fault:
    """A fault. It affects the first `times` requests whose path matches the regular expression `path`.

    If `kind` is None, no request is affected. Otherwise it is one of these words:

    status     sends `status`, `body`, `type` and `headers`
    delay      sends the lab's response after `seconds`
    retyped    sends the lab's response with the content type `type`
    hang       sends nothing
    reset      resets the connection
    truncated  closes the connection before the end of the body
    drip       sends a byte of the body every DRIP_SECONDS
    large      sends a body of LARGE_BODY bytes
    redirect   sends a redirect to the URL `body`, or to /elsewhere if `body` is empty
    """

    kind: str = None
    status: int = 200
    body: str = ""
    headers: tuple = ()
    type: str = "text/xml"
    seconds: float = 0
    times: int = ALWAYS
    path: str = ""


class Passage:
    """One client's way through the proxy. The first part of the request path, `prefix`, selects it."""

    def __init__(self, fault, prefix):
        self.fault, self.prefix = fault, prefix
        self.calls = []
        self._left = fault.times
        self._lock = threading.Lock()

    def take(self, method, path):
        """Records a request. Returns whether the fault affects it."""
        with self._lock:
            self.calls.append((method, path))
            if not self.fault.kind or not re.search(self.fault.path, path) or self._left == 0:
                return False
            self._left -= 1
            return True


class Door:
    """Serves on loopback, or on the given listening socket. Uses TLS if a certificate is given."""

    def __init__(self, lab_url, certificate=None, listener=None):
        self.lab_url = lab_url
        self._passages = {}
        self._server = _Server(listener)
        self._server.door = self
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate, certificate.key)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False)
        port = self._server.socket.getsockname()[1]
        self.url = f"https://localhost:{port}" if certificate else f"http://127.0.0.1:{port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def passage(self, fault=Fault(), prefix=""):
        """Opens a passage. prefix: "" for the only passage, or "/" and a name."""
        self._passages[prefix] = Passage(fault, prefix)
        return self._passages[prefix]

    def find(self, path):
        """Returns the passage of a request, and the path after the prefix."""
        prefix = "/" + path.split("/")[1]
        return (self._passages[prefix], path[len(prefix):]) if prefix in self._passages else (
            self._passages[""], path)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listener):
        super().__init__(("127.0.0.1", 0), _Handler, bind_and_activate=listener is None)
        if listener is not None:
            self.socket.close()
            self.socket = listener
        self.server_name, self.server_port = "localhost", 0

    def handle_error(self, request, client_address):
        """Prints nothing, because a client may close its connection at any time."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = HANG_SECONDS
    disable_nagle_algorithm = True

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        passage, self.path = self.server.door.find(self.path)
        fault = passage.fault
        if not passage.take(self.command, self.path):
            self._pass_on(body)
        elif fault.kind in ("delay", "retyped"):
            # If the client closes the connection, the delay ends.
            select.select([self.connection], [], [], fault.seconds)
            self._pass_on(body, fault.type if fault.kind == "retyped" else None)
        else:
            self.close_connection = True
            getattr(self, "_" + fault.kind)(fault)

    do_POST = do_PUT = do_GET

    def _pass_on(self, body, other_type=None):
        """Forwards the request, and sends the lab's response with the lab's Date header."""
        url = self.server.door.lab_url
        kind = http.client.HTTPSConnection if url.startswith("https") else http.client.HTTPConnection
        trust = {"context": ssl._create_unverified_context()} if url.startswith("https") else {}
        lab = kind(url.split("//")[1], timeout=HANG_SECONDS, **trust)
        try:
            lab.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                lab.putheader(name, value)
            lab.endheaders(body)
            answer = lab.getresponse()
            self._send(answer.status, answer.read(), other_type or answer.getheader("Content-Type"),
                       date=answer.getheader("Date"))
        finally:
            lab.close()

    def _send(self, status, body, content_type, length=None, date=None, **headers):
        self.send_response_only(status)
        self.send_header("Date", date or formatdate(usegmt=True))
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _status(self, fault):
        self._send(fault.status, fault.body.encode(), fault.type, **dict(fault.headers))

    def _hang(self, fault):
        select.select([self.connection], [], [], HANG_SECONDS)

    def _reset(self, fault):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _truncated(self, fault):
        self._send(200, b"<Assu", fault.type, length=4000)

    def _drip(self, fault):
        self._send(200, b"", fault.type, length=1000)
        while not select.select([self.connection], [], [], DRIP_SECONDS)[0]:
            self.wfile.write(b" ")

    def _large(self, fault):
        self._send(200, b"", fault.type, length=LARGE_BODY)
        for _ in range(LARGE_BODY >> 16):
            self.wfile.write(b"x" * (1 << 16))

    def _redirect(self, fault):
        self._send(302, b"", fault.type, Location=fault.body or "/elsewhere")

    def log_message(self, format, *arguments):
        """Prints nothing, because Passage.calls contains the requests."""
