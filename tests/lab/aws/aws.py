# SPDX-License-Identifier: MIT
"""The AWS services over HTTP and HTTPS: selects the service of a request, applies a fault, records the call, and sends
the response.

The path, and not the address, selects the service. A request for "/" is for RDS or IAM if the scope of its signature
names that service, and otherwise for STS. "/latest/" is the instance metadata service, and a path that begins with /v1/
or /v2/ is a container endpoint. SSO's two services and sign-in have one path each. A call is recorded before its
response is sent, so a test that has received the response finds the record.
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
from iam_api import Iam
from metadata import Metadata
from oidc import Oidc
from portal import Portal
from rds_api import Rds
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
    """The services and the record of their calls. now() returns the time of the lab's clock. ports and iam_off are
    arguments of Rds (rds_api.py), and may be filled later."""

    def __init__(self, fixture, principals, now, calls, certificates, ports, iam_off):
        provider_key = pathlib.Path(certificates.provider_public_key).read_text(encoding="ascii")
        roles = self.roles = Roles(fixture, principals, now, provider_key)
        self._sts = Sts(fixture.cloud, principals, roles, now)
        self._by_scope = {
            "rds": Rds(fixture, principals, now, ports, iam_off),
            "iam": Iam(fixture.cloud, principals, roles, now),
        }
        self._metadata = Metadata(fixture, roles, now)
        self._container = Container(fixture, roles)
        self.oidc = Oidc(now)
        self.signin = Signin(fixture, roles, now)
        self._portal = Portal(fixture, roles, self.oidc)
        self._calls = calls
        self.faults = Faults()
        self.now = now

    def answer(self, request):
        """Returns the Answer, and the Fault that affects the request, or None."""
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
            scope = _scope(request)
            return (scope, self._by_scope[scope]) if scope in self._by_scope else ("sts", self._sts)
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


def _scope(request):
    """The service in the scope of a request's signature, or None."""
    try:
        return signature.parse(request).service
    except AwsError:
        return None


def _served(service, request):
    if service is None:
        return Answer(404, "text/plain", b"Not Found\n")
    try:
        return service.serve(request)
    except AwsError as error:
        request.code, request.detail = error.code, error.detail or error.message
        return service.error(error.status, error.code, error.message)
    except Exception as error:  # an error in the lab must be visible, and must not look like an error of AWS
        request.code, request.detail = "LabFault", f"{type(error).__name__}: {error}"
        return Answer(500, "text/plain", b"internal error in the lab; see its calls\n")


class HttpEndpoint(http.server.ThreadingHTTPServer):
    """Serves one listening socket of one machine. context is the TLS context, or None for plain HTTP."""

    daemon_threads = True

    def __init__(self, listener, cloud, machine, context=None):
        super().__init__(None, _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.cloud, self.machine, self.context = cloud, machine, context

    def finish_request(self, request, client_address):
        """Runs in the connection's thread, so a slow TLS handshake delays no other client."""
        if self.context is not None:
            request.settimeout(HANDSHAKE_SECONDS)
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except OSError:
                return  # the client rejected the certificate or closed the connection
        try:
            super().finish_request(request, client_address)
        finally:
            # socketserver closes the accepted socket, but wrap_socket() has detached the connection from it.
            request.close()

    def handle_error(self, request, client_address):
        """Prints nothing, because a client that closes its connection is not an error."""


def server_context(certificate):
    """The TLS context of the simulated AWS servers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True  # otherwise every response waits for the client's delayed ACK

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
        """Returns the request's body. If the body has no valid length, sends an error and returns None."""
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
        linger = struct.pack("ii", 1, 0)  # close() discards unsent data and sends a RST
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        os.close(self.connection.detach())  # closes the socket before socketserver can send a FIN
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
        """Prints nothing, because Cloud records the calls."""


_MANNERS = {
    "delay": _Handler._delay,
    "hang": _Handler._hang,
    "drip": _Handler._drip,
    "reset": _Handler._reset,
    "close": _Handler._close,
    "truncated": _Handler._truncated,
    "flood": _Handler._flood,
}
