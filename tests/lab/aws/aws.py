# SPDX-License-Identifier: MIT
"""The AWS side over HTTP and HTTPS: routes a request to its service, lets a fault strike, writes
the call down, sends the answer.

What is asked for decides the service, not the address: "/" is STS, "/latest/" the instance
metadata, what begins with /v1/ or /v2/ a container endpoint, SSO's two and
sign-in have a path each.
A call is in the record before its answer is sent, so whoever has the answer finds it there.
"""
import email.utils
import http.server
import os
import pathlib
import select
import socket
import ssl
import struct
import time

import oidc
import portal
import signature
import signin
from assume import Roles
from container import Container
from exchange import Answer, AwsError, Request
from faults import Faults
from metadata import Metadata
from oidc import Oidc
from portal import Portal
from signin import Signin
from sts import Sts

BODY_MAX = 1 << 20
IDLE_SECONDS = 30
HANDSHAKE_SECONDS = 30
HANG_SECONDS = 600
DRIP_SECONDS = 0.2
FLOOD_BYTES = 1 << 30
MISSING_BYTES = 100


class Cloud:
    """The services and their record of calls. now() is the lab's clock."""

    def __init__(self, fixture, principals, now, calls, certificates):
        provider_key = pathlib.Path(certificates.provider_public_key).read_text(encoding="ascii")
        roles = Roles(fixture, principals, now, provider_key)
        self._sts = Sts(fixture.cloud, principals, roles, now)
        self._metadata = Metadata(fixture, roles, now)
        self._container = Container(fixture, roles)
        self.oidc = Oidc(now)
        self.signin = Signin(fixture, roles, now)
        self._portal = Portal(fixture, roles, self.oidc)
        self._calls = calls
        self.faults = Faults()
        self.now = now

    def answer(self, request):
        """The Answer, and the Fault that is to disturb it or None."""
        request.service, service = self._route(request)
        if service is not None:
            request.operation = service.operation(request)
        fault = self.faults.take(request)

        def true_answer():
            return _served(service, request)

        answer = fault.answer(request, service, true_answer) if fault else true_answer()
        self._write_down(request, answer, fault)
        return answer, fault

    def _route(self, request):
        if request.path == "/":
            return "sts", self._sts
        if request.path.startswith("/latest/"):
            return "imds", self._metadata
        if request.path == portal.PATH:
            return "sso", self._portal
        if request.path == oidc.PATH:
            return "sso-oidc", self.oidc
        if request.path == signin.PATH:
            return "signin", self.signin
        if self._container.knows(request.path):
            return "container", self._container
        return "none", None

    def _write_down(self, request, answer, fault):
        try:
            claim = signature.parse(request)
        except AwsError:
            claim = None
        sent = fault is None or fault.kind not in ("hang", "reset", "close")
        self._calls.append(
            time=round(self.now(), 3),
            service=request.service,
            operation=request.operation,
            method=request.method,
            path=request.path,
            host=request.header("host"),
            tls=request.tls,
            caller=claim and claim.access_key,
            scope=claim and f"{claim.day}/{claim.region}/{claim.service}",
            signed_headers=claim and claim.signed_headers,
            user_agent=request.header("user-agent"),
            content_type=request.header("content-type"),
            accept=request.header("accept"),
            headers=[name.lower() for name, _ in request.headers],
            parameters=request.parameters,
            status=answer.status if sent else None,
            code=request.code,
            detail=request.detail,
            issued=request.issued,
            fault=fault and fault.kind,
        )


def _served(service, request):
    if service is None:
        return Answer(404, "text/plain", b"Not Found\n")
    try:
        return service.serve(request)
    except AwsError as error:
        request.code, request.detail = error.code, error.detail or error.message
        return service.error(error.status, error.code, error.message)
    except Exception as error:  # a fault of the lab must be seen, and not as AWS's
        request.code, request.detail = "LabFault", f"{type(error).__name__}: {error}"
        return Answer(500, "text/plain", b"the lab has a fault; see its calls\n")


class Door(http.server.ThreadingHTTPServer):
    """Serves one listening socket for one machine; context is None for plain HTTP."""

    daemon_threads = True

    def __init__(self, listener, cloud, machine, context=None):
        super().__init__(None, _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.cloud, self.machine, self.context = cloud, machine, context

    def finish_request(self, request, client_address):
        """In the connection's own thread, so that a slow handshake keeps nobody waiting."""
        if self.context is not None:
            request.settimeout(HANDSHAKE_SECONDS)
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except OSError:
                return  # the client does not trust us, or is gone
        try:
            super().finish_request(request, client_address)
        finally:
            # socketserver closes the socket that it accepted; TLS has taken the connection over.
            request.close()

    def handle_error(self, request, client_address):
        """Quiet: a client that hangs up is no event."""


def server_context(certificate):
    """TLS as AWS's servers speak it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True  # or every answer waits for the client's delayed ACK

    def do_GET(self):
        body = self._body()
        if body is None:
            return
        request = Request(
            method=self.command,
            target=self.path,
            headers=tuple((name, value.strip()) for name, value in self.headers.items()),
            body=body,
            tls=isinstance(self.connection, ssl.SSLSocket),
            machine=self.server.machine,
        )
        answer, fault = self.server.cloud.answer(request)
        send = _MANNERS.get(fault and fault.manner, _Handler._send)
        send(self, answer, fault)

    do_POST = do_PUT = do_HEAD = do_DELETE = do_GET

    def _body(self):
        """The request's body, or None if there is none to be had; then the client has been told."""
        try:
            length = int(self.headers.get("Content-Length", "0"))
        except ValueError:
            length = -1
        if not 0 <= length <= BODY_MAX or "Transfer-Encoding" in self.headers:
            self._send(Answer(411, "text/plain", b"a body needs a Content-Length\n"))
            self.close_connection = True
            return None
        return self.rfile.read(length)

    def _send(self, answer, fault=None):
        self._send_head(answer, len(answer.body))
        self._send_body(answer.body)

    def _send_head(self, answer, length):
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(length))
        self.send_header("Date", email.utils.formatdate(self.server.cloud.now(), usegmt=True))
        self.end_headers()

    def _send_body(self, body):
        if self.command != "HEAD":
            self.wfile.write(body)

    def _delay(self, answer, fault):
        time.sleep(fault.seconds)
        self._send(answer)

    def _hang(self, answer, fault):
        select.select([self.connection], [], [], HANG_SECONDS)
        self.close_connection = True

    def _drip(self, answer, fault):
        self._send_head(answer, len(answer.body))
        for number in range(len(answer.body)):
            time.sleep(DRIP_SECONDS)
            self._send_body(answer.body[number : number + 1])

    def _reset(self, answer, fault):
        linger = struct.pack("ii", 1, 0)  # close() throws away what is in flight, and says so
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        os.close(self.connection.detach())  # before anybody says goodbye by a FIN
        self.close_connection = True

    def _close(self, answer, fault):
        self.close_connection = True

    def _truncated(self, answer, fault):
        self._send_head(answer, len(answer.body) + MISSING_BYTES)
        self._send_body(answer.body)
        self.close_connection = True

    def _flood(self, answer, fault):
        self._send_head(answer, FLOOD_BYTES)
        self._send_body(answer.body)
        blanks = b" " * 65536
        left = FLOOD_BYTES - len(answer.body)
        while left > 0:
            self._send_body(blanks[:left])
            left -= len(blanks)

    def log_message(self, format, *arguments):
        """Quiet."""


_MANNERS = {
    "delay": _Handler._delay,
    "hang": _Handler._hang,
    "drip": _Handler._drip,
    "reset": _Handler._reset,
    "close": _Handler._close,
    "truncated": _Handler._truncated,
    "flood": _Handler._flood,
}
