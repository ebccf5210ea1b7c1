# SPDX-License-Identifier: MIT
"""The lab's AWS over HTTP and HTTPS: STS at /, the instance's metadata, a container's endpoint.

    POST /                                   STS
    PUT, GET /latest/...                     instance metadata, version 2
    GET /container                           container credentials; Authorization must be TOKEN

Faults are told beforehand (Cloud.faults) and happen to the requests that match. Every request is
written down, without secrets: Cloud.calls.
"""
import http.server
import json
import socket
import ssl
import struct
import threading
import time
from email.utils import formatdate
from urllib.parse import parse_qsl

from sts import Sts

CONTAINER_TOKEN = "container-token-of-the-lab"
METADATA_TOKEN = "metadata-token-of-the-lab"
ROLE_PATH = "/latest/meta-data/iam/security-credentials/"
SECRET_PARAMETERS = {"WebIdentityToken", "TokenCode"}
DRIP_SECONDS = 0.3
LARGE_BODY = 1 << 30


class Cloud:
    """Both doors. faults: a list of {"service", "kind", "times", ...}; see _Handler._fault()."""

    def __init__(self, fixture, clock, admit, certificate):
        self.sts = Sts(fixture, clock.now, admit)
        self.clock = clock
        self.machine_role = fixture.roles["machine"]
        self.calls = []
        self.faults = []
        self.machine_life = 21600
        self.lock = threading.Lock()
        self.http = self._serve(None)
        self.https = self._serve(certificate)

    def _serve(self, certificate):
        class Handler(_Handler):
            cloud = self

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.handle_error = lambda request, address: None  # clients that are killed are no event
        server.daemon_threads = True
        server.request_queue_size = 256
        scheme, host = "http", "127.0.0.1"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate, certificate.key)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False)
            scheme, host = "https", "localhost"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"{scheme}://{host}:{server.server_address[1]}"

    def describe(self):
        return {
            "http": self.http,
            "https": self.https,
            "container_token": CONTAINER_TOKEN,
            "web_identity_token": self.sts.web_identity_token,
        }

    def take_fault(self, service):
        """The fault that the next request of this service meets, or None."""
        with self.lock:
            for fault in self.faults:
                if fault["service"] == service and fault.get("times", 1) > 0:
                    fault["times"] = fault.get("times", 1) - 1
                    return fault
        return None


class _Handler(http.server.BaseHTTPRequestHandler):
    cloud = None
    timeout = 30
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer("sts", body)

    def do_PUT(self):
        self._answer("imds", b"")

    def do_GET(self):
        self._answer("container" if self.path.startswith("/container") else "imds", b"")

    def _answer(self, service, body):
        fault = self.cloud.take_fault(service)
        call = {
            "service": service, "method": self.command, "path": self.path,
            "tls": isinstance(self.connection, ssl.SSLSocket), "fault": fault and fault["kind"],
            "user_agent": self.headers.get("User-Agent"),
            "headers": sorted(name.lower() for name in self.headers),
            "form": [(n, v) for n, v in parse_qsl(body.decode(), True) if n not in SECRET_PARAMETERS],
        }
        with self.cloud.lock:
            self.cloud.calls.append(call)
        if fault:
            self._fault(fault)
            return
        status, text, content_type = getattr(self, f"_{service}")(body, call)
        self._reply(status, text.encode(), content_type)

    def _sts(self, body, call):
        status, xml, call["caller"], call["operation"] = self.cloud.sts.call(self.headers, body)
        return status, xml, "text/xml"

    def _imds(self, body, call):
        if self.command == "PUT" and self.path == "/latest/api/token":
            return 200, METADATA_TOKEN, "text/plain"
        if self.headers.get("X-aws-ec2-metadata-token") != METADATA_TOKEN:
            return 401, "", "text/plain"
        if self.path == ROLE_PATH:
            return 200, self.cloud.machine_role.name, "text/plain"
        if self.path == ROLE_PATH + self.cloud.machine_role.name:
            return 200, json.dumps({"Code": "Success", **self._machine()}), "text/plain"
        return 404, "", "text/plain"

    def _container(self, body, call):
        if self.headers.get("Authorization") != CONTAINER_TOKEN:
            return 401, '{"code": "Unauthorized", "message": "the token is not valid"}', "application/json"
        return 200, json.dumps(self._machine()), "application/json"

    def _machine(self):
        principal = self.cloud.sts.machine(self.cloud.machine_role, self.cloud.machine_life)
        return {
            "AccessKeyId": principal.access_key, "SecretAccessKey": principal.secret_key,
            "Token": principal.session_token,
            "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(principal.expires)),
        }

    def _reply(self, status, body, content_type, length=None):
        self.send_response_only(status)
        self.send_header("Date", formatdate(self.cloud.clock.now(), usegmt=True))
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def _fault(self, fault):
        kind = fault["kind"]
        self.close_connection = True
        if kind == "status":
            self._reply(fault["status"], fault.get("body", "").encode(), fault.get("type", "text/xml"))
        elif kind == "hang":
            time.sleep(fault.get("seconds", 30))
        elif kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif kind == "truncated":
            self._reply(200, b"<Assu", "text/xml", length=4000)
        elif kind == "drip":
            self._reply(200, b"", "text/xml", length=1000)
            for _ in range(100):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(DRIP_SECONDS)
        elif kind == "large":
            self._reply(200, b"", "text/xml", length=LARGE_BODY)
            for _ in range(LARGE_BODY >> 16):
                self.wfile.write(b"x" * (1 << 16))
        elif kind == "redirect":
            self.send_response_only(302)
            self.send_header("Location", self.cloud.http + "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            raise ValueError(kind)

    def log_message(self, format, *arguments):
        """Quiet; see Cloud.calls."""
