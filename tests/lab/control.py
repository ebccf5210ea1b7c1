# SPDX-License-Identifier: MIT
"""labd's two doors: the servers ask for verdicts at one, tests look and steer at the other.

    abstract Unix socket   three netstrings (resource id, user, token); answer "OK" or "NO"
    HTTP on 127.0.0.1      GET /journal      the verdicts so far, one JSON object a line
                           GET /calls        the calls to the AWS side, likewise
                           GET /live         how many of the accepted tokens have not ended
                           POST /clock       {"offset": seconds} moves the clock of everything;
                                             {"oldest": second} beside it ends tokens signed before,
                                             {"life": seconds} those that are older
                           POST /faults      a list of faults (faults.py) that replaces the last one
                           POST /machine     {"instance_role": name or null, "seconds": number}
                           POST /expire      {"access_key": ...} ends a session
                           POST /parameter   {"name": ..., "value": ...} of PostgreSQL's on RDS
                           POST /sso        somebody has logged in to SSO (oidc.py)
                           POST /sso-over   {"client_id": ...} and is logged out
                           POST /login      the same by aws login (signin.py)
                           POST /login-over {"refresh_token": ...} and is logged out
                           POST /revoke      {"access_key": ...} takes a key away

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

ENGINE_TIMEOUT_SECONDS = 60
TOKEN_MAX = 1 << 20
REQUEST_BODY_MAX = 65536


class Clock:
    """The real time and an offset; and when a token has had its life, although it says more: it was
    signed before `oldest`, or more than `life` seconds ago."""

    def __init__(self):
        self.set(0.0)

    def set(self, offset, oldest=0, life=None):
        self.offset, self.oldest, self.life = offset, oldest, life

    def now(self):
        return time.time() + self.offset

    def has_ended(self, signed_at):
        """Tokens are dated by the second, and so is their age: a life of two lasts two to three."""
        if signed_at < self.oldest:
            return True
        return self.life is not None and int(self.now()) - signed_at > self.life


class Journal:
    """Entries in the order in which they were given. Threads may call at once."""

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

    def entries(self):
        return [json.loads(line) for line in self.text().splitlines()]


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
        serve(self._server)

    def warm_up(self):
        """Have the verifier ready before the first question."""
        with self._lock:
            if self._verifier is None:
                self._verifier = self._make_verifier()
        return self._verifier

    def answer(self, connection):
        """One question on one connection."""
        connection.settimeout(ENGINE_TIMEOUT_SECONDS)
        if not may_ask(connection):
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
        engine, principal, signed_at = "unknown", None, None
        user = user.decode("utf-8", "replace")
        try:
            verifier = self.warm_up()
            engine = verifier.engine(resource)
            reason, detail, principal, signed_at = verifier.judge(resource, user, token)
        except Exception as error:  # a fault of the lab must not let anybody in, and be seen
            reason, detail = "LabFault", type(error).__name__
        self._journal.append(
            time=round(self._now(), 3),
            engine=engine,
            user=user,
            principal=principal,
            verdict="refused" if reason else "accepted",
            reason=reason,
            detail=detail,
            signed_at=signed_at,
            token_length=len(token),
        )
        return reason is None


class ControlDoor:
    """The HTTP API for tests: pages are read, actions take a JSON body and answer nothing.

    An action that raises KeyError, TypeError or ValueError has not understood its body.
    """

    def __init__(self, pages, actions):
        class Handler(_ControlHandler):
            pass

        Handler.pages, Handler.actions = pages, actions
        self._server = _ControlServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        serve(self._server)


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
    pages = None
    actions = None
    timeout = 10

    def do_GET(self):
        page = self.pages.get(self.path)
        if page is None:
            self._reply(404, f"there is {', '.join(self.pages)}\n")
        else:
            self._reply(200, page(), "application/jsonl")

    def do_POST(self):
        action = self.actions.get(self.path)
        if action is None:
            self._reply(404, f"there is {', '.join(self.actions)}\n")
            return
        try:
            length = min(int(self.headers.get("Content-Length", "0")), REQUEST_BODY_MAX)
            action(json.loads(self.rfile.read(length)))
        except (ValueError, KeyError, TypeError) as error:
            self._reply(400, f"the body is not understood: {error}\n")
            return
        self._reply(200, "{}\n", "application/json")

    def _reply(self, status, text, content_type="text/plain"):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *arguments):
        """Quiet."""


def serve(server):
    """Serve from now on, in a thread of its own."""
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()


def may_ask(connection):
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
