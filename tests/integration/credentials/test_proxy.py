# SPDX-License-Identifier: MIT
"""HTTPS_PROXY and NO_PROXY. Requests to STS use the proxy that is set. Requests to the endpoints of an instance and
of a container never use a proxy, no matter which proxy variable is set."""
import http.server
import select
import socket
import threading

from cloud import CloudCase
from labcase import harness
from mariadb_client import CONFIG

USER_AND_PASSWORD = "proxy-user:proxy-password"


class Proxy:
    """A proxy on loopback that opens tunnels. `targets` has the target of each request: the host and port of a
    CONNECT, or the URL of another request. `sent` has all bytes that clients sent through its tunnels."""

    def __init__(self, refusal=None):
        self.refusal = refusal
        self.targets = []
        self.sent = b""
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.proxy = self
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.address}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    timeout = 30

    def do_CONNECT(self):
        proxy = self.server.proxy
        proxy.targets.append(self.path)
        if proxy.refusal:
            self.send_error(proxy.refusal)
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port))) as server:
            self.send_response_only(200)
            self.end_headers()
            self._tunnel(server)
        self.close_connection = True

    def _tunnel(self, server):
        ends = {self.connection: server, server: self.connection}
        while True:
            for end in select.select(list(ends), [], [])[0]:
                data = end.recv(65536)
                if not data:
                    return
                if end is self.connection:
                    self.server.proxy.sent += data
                ends[end].sendall(data)

    def do_GET(self):
        self.server.proxy.targets.append(self.path)
        self.send_error(502)

    do_PUT = do_POST = do_GET

    def log_message(self, format, *arguments):
        """Logs nothing; Proxy.targets has the requests."""


class Proxies(CloudCase):
    def setUp(self):
        super().setUp()
        self.role = self.lab.roles["rds-access"].arn
        self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nrole_arn = {self.role}\n")
        self.door = self.sts_door()
        self.passage = self.door.passage()
        self.sts = self.door.url.partition("//")[2]

    def proxy(self, refusal=None):
        proxy = Proxy(refusal)
        self.addCleanup(proxy.close)
        return proxy

    def log_in(self, principal="etl-base", **env):
        self.credentials("--clear")
        return self.mariadb(principal=principal, **self.cloud_env(AWS_ENDPOINT_URL_STS=self.door.url, **env))

    def test_requests_to_sts_use_the_proxy(self):
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            with self.subTest(variable=name):
                proxy = self.proxy()
                self.assert_logged_in(self.log_in(**{name: proxy.url}))
                self.assertEqual(proxy.targets, [self.sts])
                self.assertEqual(proxy.sent[:2], b"\x16\x03", "a TLS handshake")
                self.assertNotIn(b"AssumeRole", proxy.sent)
        self.assertEqual(len(self.passage.calls), 3)

    def test_hosts_in_no_proxy_are_reached_without_the_proxy(self):
        for names, used in (("localhost", False), ("*", False), ("example.com", True)):
            with self.subTest(NO_PROXY=names):
                proxy = self.proxy()
                self.assert_logged_in(self.log_in(HTTPS_PROXY=proxy.url, NO_PROXY=names))
                self.assertEqual(proxy.targets, [self.sts] if used else [])
        self.assertEqual(len(self.passage.calls), 3)

    def test_a_proxy_that_refuses_the_request(self):
        for refusal in (403, 407):
            with self.subTest(refusal=refusal):
                proxy = self.proxy(refusal)
                result = self.log_in(HTTPS_PROXY=f"http://{USER_AND_PASSWORD}@{proxy.address}")
                self.assert_message(result, f"STS could not be reached: {self.sts}: the proxy answers with status "
                                     f"{refusal}; check HTTPS_PROXY and NO_PROXY")
                self.assertNotIn("proxy-password", result.stderr)
                self.assertEqual(set(proxy.targets), {self.sts})
        self.assertEqual(self.passage.calls, [], "no request without the proxy")

    def every_variable(self, proxy):
        return {name: proxy.url for name in (
            "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")}

    def test_requests_to_a_machines_own_endpoints_use_no_proxy(self):
        self.home.write(CONFIG, "")
        proxy = self.proxy()
        for env in (self.machine_env(), self.pod_env("pod")):
            self.assert_logged_in(self.mariadb(principal=None, **env, **self.every_variable(proxy)))
        self.assertEqual([call["service"] for call in self.calls()], ["imds"] * 3 + ["container"])
        self.assertEqual(proxy.targets, [])
        # Control: with the same variables, the request for a role uses the proxy.
        self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nrole_arn = {self.role}\n")
        env = {**self.pod_env("pod"), "AWS_ENDPOINT_URL_STS": self.door.url}
        self.mariadb(principal=None, **env, **self.every_variable(proxy))
        self.assertEqual(proxy.targets, [self.sts])
        self.assertEqual(len(self.passage.calls), 1)

    def test_requests_to_a_containers_https_endpoint_use_no_proxy(self):
        self.home.write(CONFIG, "")
        proxy = self.proxy()
        env = self.pod_env("pod")
        env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = self.door.url + self.lab.cloud.containers["pod"].path
        self.assert_logged_in(self.mariadb(principal=None, **env, **self.every_variable(proxy)))
        self.assertEqual([method for method, _ in self.passage.calls], ["GET"])
        self.assertEqual(proxy.targets, [])


if __name__ == "__main__":
    harness.main()
