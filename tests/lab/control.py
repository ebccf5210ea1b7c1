# SPDX-License-Identifier: MIT
"""labd's two interfaces: the servers send tokens to the first one, and tests read and control the lab through the
second one.

    abstract Unix socket   request: three netstrings (resource id, database user, token); response: "OK" or "NO"
    HTTP on 127.0.0.1      GET /journal      the verdicts so far, one JSON object per line
                           GET /calls        the calls to the AWS services so far, in the same form
                           GET /live         the number of accepted tokens that have not expired
                           POST /clock       {"offset": seconds} sets the lab's clock, relative to real time;
                                             {"oldest": time} also expires tokens signed before this time (in
                                             seconds since the epoch),
                                             {"life": seconds} also expires tokens older than that
                           POST /faults      a list of faults (faults.py), which replaces the current one
                           POST /machine     {"instance_role": name or null, "seconds": number} sets what the
                                             loopback's metadata service serves (Machine in exchange.py)
                           POST /reset       {} undoes the actions here, except those for logins and those
                                             for issued sessions; empties the journal and the list of calls
                           POST /policies    {"access_key": ..., "policies": [...]} replaces an IAM user's policies
                           POST /role        {"arn": ..., "trust": ..., "policies": [...]} replaces a role's policies
                           POST /expire      {"access_key": ...} expires a session
                           POST /parameter   {"name": ..., "value": ...} sets a PostgreSQL parameter of RDS
                           POST /ports       {engine: port} tokens must be signed for these ports
                           POST /iam         {"engine": ..., "is_enabled": bool} enables or disables IAM
                                             authentication
                           POST /sso         registers a login to SSO (oidc.py)
                           POST /sso-over    {"client_id": ...} ends this login
                           POST /login       registers a login by aws login (signin.py)
                           POST /login-over  {"refresh_token": ...} ends this login
                           POST /revoke      {"access_key": ...} deletes a key

The journal contains the length of a token and never the token.
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
    """The lab's clock: the real time plus an offset. It also expires some tokens before the expiry that they state:
    those signed before `oldest`, and those signed more than `life` seconds ago."""

    def __init__(self):
        self.set(0.0)

    def set(self, offset, oldest=0, life=None):
        self.offset, self.oldest, self.life = offset, oldest, life

    def now(self):
        return time.time() + self.offset

    def is_expired(self, signed_at):
        """A token's date has a resolution of one second, so a life of two seconds lasts two to three."""
        if signed_at < self.oldest:
            return True
        return self.life is not None and int(self.now()) - signed_at > self.life


class Journal:
    """Entries in the order in which they were appended. Thread-safe."""

    def __init__(self):
        self._lock = threading.Lock()
        self._lines = []

    def append(self, **entry):
        line = json.dumps(entry)
        with self._lock:
            self._lines.append(line)

    def clear(self):
        with self._lock:
            self._lines.clear()

    def text(self):
        with self._lock:
            return "".join(line + "\n" for line in self._lines)

    def entries(self):
        return [json.loads(line) for line in self.text().splitlines()]


class VerifierEndpoint:
    """Verifies tokens for the servers. warm_up() or the first request calls make_verifier().

    The constructor does not call make_verifier(), because importing botocore takes as long as starting both servers.
    """

    def __init__(self, make_verifier, journal, now):
        self.socket_name = f"rdslab-{secrets.token_hex(12)}"
        self._make_verifier = make_verifier
        self._verifier = None
        self._lock = threading.Lock()
        self._journal = journal
        self._now = now
        endpoint = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                endpoint.answer(self.request)

        self._server = _AbstractServer(f"\0{self.socket_name}", Handler)
        serve(self._server)

    def warm_up(self):
        """Makes the verifier, if that has not been done, so that the first request does not wait for it."""
        with self._lock:
            if self._verifier is None:
                self._verifier = self._make_verifier()
        return self._verifier

    def answer(self, connection):
        """Reads one request from a connection and sends the response."""
        connection.settimeout(ENGINE_TIMEOUT_SECONDS)
        if not is_permitted(connection):
            return
        try:
            with connection.makefile("rb") as stream:
                resource, user, token = (_read_netstring(stream) for _ in range(3))
        except (OSError, ValueError):
            return
        accepted = self._verify(resource.decode("utf-8", "replace"), user, token)
        try:
            connection.sendall(b"OK\n" if accepted else b"NO\n")
        except OSError:
            pass  # the server has closed the connection; the journal contains the verdict

    def _verify(self, resource, user, token):
        engine, principal, signed_at = "unknown", None, None
        user = user.decode("utf-8", "replace")
        try:
            verifier = self.warm_up()
            engine = verifier.engine(resource)
            reason, detail, principal, signed_at = verifier.verify(resource, user, token)
        except Exception as error:  # an error in the lab must reject the login and be visible
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


class ControlEndpoint:
    """The HTTP API for tests. GET returns a page; POST runs an action with a JSON body and returns no data.

    An action raises KeyError, TypeError or ValueError if its body is not valid.
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
        """Prints nothing, because a server that closes its connection is not an error."""


class _ControlServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Prints nothing, because a test that closes its connection is not an error."""


class _ControlHandler(http.server.BaseHTTPRequestHandler):
    pages = None
    actions = None
    timeout = 10

    def do_GET(self):
        page = self.pages.get(self.path)
        if page is None:
            self._reply(404, f"the pages are {', '.join(self.pages)}\n")
        else:
            self._reply(200, page(), "application/jsonl")

    def do_POST(self):
        action = self.actions.get(self.path)
        if action is None:
            self._reply(404, f"the actions are {', '.join(self.actions)}\n")
            return
        try:
            length = min(int(self.headers.get("Content-Length", "0")), REQUEST_BODY_MAX)
            action(json.loads(self.rfile.read(length)))
        except (ValueError, KeyError, TypeError) as error:
            self._reply(400, f"the body is not valid: {error}\n")
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
        """Prints nothing."""


def serve(server):
    """Serves requests in a new thread."""
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()


def is_permitted(connection):
    """Whether the peer is a process of labd's user or of the servers' user. An abstract socket has no file mode
    that could restrict the access."""
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
