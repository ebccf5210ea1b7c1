# SPDX-License-Identifier: MIT
"""labd's two doors: the servers ask for verdicts at one, tests look and steer at the other.

    abstract Unix socket   three netstrings (resource id, user, token); answer "OK" or "NO"
    HTTP on 127.0.0.1      GET /journal      the verdicts so far, one JSON object a line
                           POST /clock       {"offset": seconds} moves the verifier's clock
                           GET /calls        what AWS was asked, one JSON object a line
                           POST /faults      [{"service", "kind", "times"}] of the next requests
                           POST /machine     {"life": seconds} of a machine's credentials

The journal has the length of a token and never the token.
"""
import http.server
import json
import os
import secrets
import socket
import socketserver
import struct
import threading
import time

import process

ENGINE_TIMEOUT_SECONDS = 10
TOKEN_MAX = 1 << 20
REQUEST_BODY_MAX = 4096


class Clock:
    """The real time and an offset."""

    def __init__(self):
        self.offset = 0.0

    def now(self):
        return time.time() + self.offset


class Journal:
    """Verdicts in the order in which they were given. Threads may call at once."""

    def __init__(self):
        self._lock = threading.Lock()
        self._lines = []

    def append(self, **entry):
        line = json.dumps(entry)
        with self._lock:
            self._lines.append(line)

    def text(self):
        with self._lock:
            return "".join(line + "\n" for line in self._lines)


class VerifierDoor:
    """Answers the servers. make_verifier() is called by the first question, in its thread.

    Late, because importing botocore takes as long as starting both servers.
    """

    def __init__(self, make_verifier, journal, now):
        self.socket_name = f"rdslab-{secrets.token_hex(12)}"
        self._make_verifier = make_verifier
        self._verifier = None
        self._lock = threading.Lock()
        self._journal = journal
        self._now = now
        door = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                door.answer(self.request)

        self._server = _AbstractServer(f"\0{self.socket_name}", Handler)
        _serve(self._server)

    def warm_up(self):
        """Have the verifier ready before the first question."""
        with self._lock:
            if self._verifier is None:
                self._verifier = self._make_verifier()
        return self._verifier

    def answer(self, connection):
        """One question on one connection."""
        connection.settimeout(ENGINE_TIMEOUT_SECONDS)
        if not _may_ask(connection):
            return
        try:
            with connection.makefile("rb") as stream:
                resource, user, token = (_read_netstring(stream) for _ in range(3))
        except (OSError, ValueError):
            return
        accepted = self._judge(resource.decode("utf-8", "replace"), user, token)
        try:
            connection.sendall(b"OK\n" if accepted else b"NO\n")
        except OSError:
            pass  # the server gave up waiting; the journal has the verdict

    def _judge(self, resource, user, token):
        engine = "unknown"
        user = user.decode("utf-8", "replace")
        try:
            verifier = self.warm_up()
            engine = verifier.engine(resource)
            reason, detail = verifier.judge(resource, user, token)
        except Exception as error:  # a fault of the lab must not let anybody in, and be seen
            reason, detail = "LabFault", type(error).__name__
        self._journal.append(
            time=round(self._now(), 3),
            engine=engine,
            user=user,
            verdict="refused" if reason else "accepted",
            reason=reason,
            detail=detail,
            token_length=len(token),
        )
        return reason is None


class ControlDoor:
    """The HTTP API for tests. cloud is set when there is one."""

    def __init__(self, journal, clock):
        class Handler(_ControlHandler):
            door = self

        self.cloud = None
        self.clock = clock
        Handler.journal, Handler.clock = journal, clock
        self._server = _ControlServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        _serve(self._server)


class _AbstractServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """Quiet: a server of the lab that hangs up is no event."""


class _ControlServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Quiet: a test that hangs up is no event."""


class _ControlHandler(http.server.BaseHTTPRequestHandler):
    door = None
    journal = None
    clock = None
    timeout = 10

    def do_GET(self):
        if self.path == "/journal":
            self._reply(200, self.journal.text(), "application/jsonl")
        elif self.path == "/calls":
            calls = list(self.door.cloud.calls)
            self._reply(200, "".join(json.dumps(call) + "\n" for call in calls), "application/jsonl")
        else:
            self._reply(404, "there is /journal and /calls\n")

    def do_POST(self):
        setters = {"/clock": self._set_clock, "/faults": self._set_faults, "/machine": self._set_machine}
        if self.path not in setters:
            self._reply(404, "there is /clock, /faults and /machine\n")
            return
        try:
            length = min(int(self.headers.get("Content-Length", "0")), REQUEST_BODY_MAX)
            setters[self.path](json.loads(self.rfile.read(length)))
        except (ValueError, KeyError, TypeError):
            self._reply(400, "that is not what is set here; see the head of control.py\n")
            return
        self._reply(200, "{}\n", "application/json")

    def _set_clock(self, body):
        self.clock.offset = float(body["offset"])

    def _set_faults(self, body):
        self.door.cloud.faults = [dict(fault) for fault in body]

    def _set_machine(self, body):
        self.door.cloud.machine_life = int(body["life"])

    def _reply(self, status, text, content_type="text/plain"):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *arguments):
        """Quiet."""


def _serve(server):
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()


def _may_ask(connection):
    """An abstract socket has no file mode: only labd's user and the servers' may ask."""
    size = struct.calcsize("3i")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return struct.unpack("3i", credentials)[1] in (os.geteuid(), process.server_uid())


def _read_netstring(stream):
    head = b""
    while not head.endswith(b":"):
        char = stream.read(1)
        if not char or len(head) > 10:
            raise ValueError("not a netstring")
        head += char
    length = int(head[:-1])
    if not 0 <= length <= TOKEN_MAX:
        raise ValueError("too long")
    body = stream.read(length + 1)
    if len(body) != length + 1 or body[-1:] != b",":
        raise ValueError("not a netstring")
    return body[:-1]
