# SPDX-License-Identifier: MIT
"""AWS endpoints that are hostile: they redirect requests, send endless or compressed responses, put line breaks into
values, or change their answers. rds-iam gets no credentials from them, sends nothing to another server, and needs at
most 2 MB more memory than for an ordinary response.

Not here: faults of an honest service (test_faults.py, test_session_faults.py), and texts of services in messages
(../guest/test_urls.py)."""
import gzip
import http
import json
import re
import socketserver
import threading
import urllib.parse
import urllib.request

from cloud import CloudCase, needs_root
from labcase import harness
from link_local import LinkLocal

TOOL = harness.installed("bin/rds-iam")
REDIRECTS = (301, 302, 303, 307, 308)
SENT_MAX = 16 << 20  # the server stops an endless response after this many bytes
MEMORY_RESERVE = 2 << 10  # KB
TOO_LONG = ": the response is longer than 64 KB, so it is not from AWS; check "
BOMB = gzip.compress(bytes(60 << 20), 9)
KEYS = {"AccessKeyId": "ASIAHOSTILE", "SecretAccessKey": "s" * 40, "Token": "t" * 100, "Code": "Success",
        "Expiration": "2099-01-01T00:00:00Z"}
INJECTED = "\r\nX-Injected: 1"

# Runs a command, and prints the largest amount of memory that one of its processes used, in KB.
MEASURED = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print("memory", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


class Server:
    """Answers each request with the bytes of respond(method, path, body), an iterable. Records the requests as text,
    and the address that each connection was made to."""

    def __init__(self, respond, listener=None):
        server = self
        self.respond, self.requests, self.addresses = respond, [], []

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = self.rfile.readline()
                    if not line:
                        return
                    head += line
                length = re.search(rb"(?i)^content-length: *(\d+)", head, re.M)
                body = self.rfile.read(int(length[1]) if length else 0)
                text = (head + body).decode("latin-1")
                server.requests.append(text)
                server.addresses.append(self.connection.getsockname()[0])
                sent = 0
                try:
                    for part in server.respond(*text.split(" ", 2)[:2], body.decode("latin-1")):
                        self.wfile.write(part)
                        sent += len(part)
                        if sent > SENT_MAX:
                            return
                except OSError:
                    pass  # the client has closed the connection

        class Threads(socketserver.ThreadingTCPServer):
            daemon_threads, block_on_close, allow_reuse_address = True, False, True

        self._server = Threads(("127.0.0.1", 0), Handler, bind_and_activate=listener is None)
        if listener is not None:
            self._server.socket.close()
            self._server.socket = listener
        self.url = f"http://127.0.0.1:{self._server.socket.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._server.server_close()


def answer(status, body="", **headers):
    """Returns the bytes of an ordinary response."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    body = body.encode() if isinstance(body, str) else body
    return [f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\n{lines}Content-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n".encode() + body]


def head(*lines):
    return "\r\n".join(("HTTP/1.1 200 OK", "Connection: close", *lines)).encode() + b"\r\n\r\n"


def repeated(first, part):
    yield first
    while True:
        yield part


HEX = b"%x\r\n"
MANY = 1 << 16
# Responses that are larger than any response of AWS. None of them ends by itself, except the compressed ones.
LARGE = {
    "gzip": lambda: [head("Content-Encoding: gzip", f"Content-Length: {len(BOMB)}") + BOMB],
    "gzip as the transfer's encoding": lambda: [head("Transfer-Encoding: gzip") + BOMB],
    "chunks of gzip": lambda: [head("Transfer-Encoding: gzip, chunked"), HEX % len(BOMB) + BOMB + b"\r\n0\r\n\r\n"],
    "no length": lambda: repeated(head(), b"x" * MANY),
    "a length of an exabyte": lambda: repeated(head("Content-Length: 1000000000000000000"), b" " * MANY),
    "chunks": lambda: repeated(head("Transfer-Encoding: chunked"), HEX % MANY + b" " * MANY + b"\r\n"),
    "a chunk of 2^62 bytes": lambda: repeated(head("Transfer-Encoding: chunked") + HEX % (1 << 62), b" " * MANY),
    "the extension of a chunk": lambda: repeated(head("Transfer-Encoding: chunked") + b"1;", b"x" * MANY),
    "trailers": lambda: repeated(head("Transfer-Encoding: chunked") + b"0\r\n", b"X-A: 1\r\n" * 8000),
    "header lines": lambda: repeated(b"HTTP/1.1 200 OK\r\n", b"X-A: 1\r\n" * 8000),
    "one header line": lambda: repeated(b"HTTP/1.1 200 OK\r\nX-A: ", b"x" * MANY),
    "one status line": lambda: repeated(b"HTTP/1.1 200 ", b"x" * MANY),
    "interim responses": lambda: repeated(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000),
}


class HostileCase(CloudCase):
    """Contains one method for each source. The method prepares the home directory, and returns the environment in which
    rds-iam sends its first request to `url`."""

    def a_role(self, url):
        self.role_profile("p", "rds-access")
        return self.cloud_env(AWS_ENDPOINT_URL_STS=url, **self.lab.principals["etl-base"].env())

    def a_web_identity(self, url):
        self.home.write(".aws/config", "[profile p]\nregion = us-east-1\n")
        return self.web_identity_env(AWS_ENDPOINT_URL_STS=url)

    def sso(self, url):
        self.sso_profile()
        self.sso_login()
        return {**self.sso_env(), "AWS_ENDPOINT_URL_SSO": url}

    def the_renewal_of_an_sso_session(self, url):
        self.sso_profile()
        self.sso_login(expires=-60)
        return {**self.sso_env(), "AWS_ENDPOINT_URL_SSO_OIDC": url}

    def aws_login_renewal(self, url):
        self.login_profile()
        self.aws_login(expires=-60)
        return {**self.login_env(), "AWS_ENDPOINT_URL_SIGNIN": url}

    def a_container(self, url):
        return self.cloud_env(AWS_CONTAINER_CREDENTIALS_FULL_URI=url + "/c",
                              AWS_CONTAINER_AUTHORIZATION_TOKEN="authorization-of-the-pod")

    def an_instance(self, url):
        return self.machine_env(AWS_EC2_METADATA_SERVICE_ENDPOINT=url)

    SOURCES = (a_role, a_web_identity, sso, the_renewal_of_an_sso_session, aws_login_renewal, a_container, an_instance)
    PROFILES = (a_role, sso, the_renewal_of_an_sso_session, aws_login_renewal)

    def explain(self, source, url, under=()):
        """Runs `rds-iam credentials --explain` with a source in an empty home directory."""
        for path in (".aws", ".cache"):
            self.home.run(["rm", "-rf", path], None)
        env = source(self, url)
        profile = ("--profile", "p") if source in self.PROFILES else ()
        return self.home.run([*under, TOOL, "credentials", "--explain", *profile], None, **env)

    def assert_failed(self, result, *texts):
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertNotIn("access key", result.stdout)
        for text in texts:
            self.assertIn(text, result.stderr)


class Redirects(HostileCase):
    def test_no_redirect_is_followed(self):
        with Server(lambda *_: answer(200, "{}")) as other:
            for status in REDIRECTS:
                with Server(lambda *_, status=status: answer(status, Location=other.url + "/latest/api/token")) as server:
                    for source in self.SOURCES:
                        with self.subTest(status=status, source=source.__name__):
                            seen = len(server.requests)
                            self.assert_failed(self.explain(source, server.url), f"status {status}")
                            self.assertEqual((len(server.requests), other.requests), (seen + 1, []))
                    with urllib.request.urlopen(server.url):
                        self.assertEqual(len(other.requests), 1, "control: another client follows the redirect")
                    other.requests.clear()

    def test_a_container_that_redirects_to_the_metadata_service(self):
        """In this test, the container's endpoint and the metadata service have the same addresses as in AWS."""
        def respond(method, path, body):
            return answer(302, Location="http://169.254.169.254/latest/meta-data/iam/security-credentials/role")

        with LinkLocal() as network, Server(respond, network.listener) as server:
            env = self.cloud_env(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI="/v2/c")
            result = self.home.run(network.argv([TOOL, "credentials", "--explain"]), None, **env)
            self.assert_failed(result, "the container's endpoint answers with status 302")
            self.assertEqual(server.addresses, ["169.254.170.2"])
            control = "import urllib.request as r; r.urlopen('http://169.254.170.2/')"
            self.home.run(network.argv(["/usr/bin/python3", "-c", control]), None)
            self.assertIn("169.254.169.254", server.addresses, "control: another client follows the redirect")


# Responses that fail for another reason than TOO_LONG. libcurl does not decode an encoding that it did not request, so
# the compressed body is short enough to be read, and is invalid. libcurl skips the extension of a chunk.
OTHERS = {
    (HostileCase.a_role, "gzip"): ": this is not an STS response; check its endpoint",
    (HostileCase.a_container, "gzip"): "does not answer with credentials (not JSON)",
    "the extension of a chunk": ": Transferred a partial file; ",
}


class Large(HostileCase):
    def measured(self, source, url):
        result = self.explain(source, url, ["/usr/bin/python3", "-c", MEASURED])
        return result, int(re.search(r"memory (\d+)", result.stdout)[1])

    def test_responses_that_are_too_large(self):
        for source in (HostileCase.a_role, HostileCase.a_container):
            with Server(lambda *_: answer(400, "{}")) as server:
                result, usual = self.measured(source, server.url)
                self.assert_failed(result, "tatus 400")
            for name, respond in LARGE.items():
                with self.subTest(source=source.__name__, response=name), Server(lambda *_: respond()) as server:
                    result, used = self.measured(source, server.url)
                    self.assert_failed(result, OTHERS.get((source, name), OTHERS.get(name, TOO_LONG)))
                    self.assertGreaterEqual(len(server.requests), 1)
                    self.assertLess(used, usual + MEMORY_RESERVE)

    def test_responses_of_a_proxy_that_are_too_large(self):
        """The proxy answers the request to connect to STS. This answer is not authenticated."""
        def through(server):
            self.role_profile("p", "rds-access")
            return self.home.run(
                ["/usr/bin/python3", "-c", MEASURED, TOOL, "credentials", "--explain", "--profile", "p"], "etl-base",
                **self.cloud_env(AWS_ENDPOINT_URL_STS="https://sts.us-east-1.amazonaws.com", HTTPS_PROXY=server.url))

        with Server(lambda *_: answer(403)) as server:
            usual = int(re.search(r"memory (\d+)", through(server).stdout)[1])
        for name in ("header lines", "interim responses", "no length"):
            (self.home.path / ".aws/config").unlink()
            with self.subTest(response=name), Server(lambda *_: LARGE[name]()) as server:
                result = through(server)
                self.assert_failed(result, "sts.us-east-1.amazonaws.com: ", "; check ", "HTTPS_PROXY")
                self.assertIn("CONNECT sts.us-east-1.amazonaws.com:443", server.requests[0])
                used = int(re.search(r"memory (\d+)", result.stdout)[1])
                self.assertLess(used, usual + MEMORY_RESERVE)

    def test_control_the_memory_of_a_process_is_measured(self):
        """A program that stores an endless response uses much more memory."""
        keeps = "import sys, urllib.request as r; r.urlopen(sys.argv[1]).read()"
        used = []
        for respond in (lambda *_: answer(200, "{}"), lambda *_: LARGE["no length"]()):
            with Server(respond) as server:
                result = self.home.run(["/usr/bin/python3", "-c", MEASURED, "/usr/bin/python3", "-c", keeps, server.url], None)
                used.append(int(re.search(r"memory (\d+)", result.stdout)[1]))
        self.assertGreater(used[1], used[0] + MEMORY_RESERVE)


class NextRequest(HostileCase):
    """Values of a response, or of a token file, that become a part of the next request."""

    def metadata(self, token="token", role="role", keys=KEYS):
        def respond(method, path, body):
            if method == "PUT":
                return answer(200, token)
            return answer(200, role if path.endswith("/security-credentials/") else json.dumps(keys))
        return respond

    def test_no_response_adds_to_the_next_request(self):
        token, role = "gives no session token; check that it is AWS's", "does not name the role; check that it is AWS's"
        rows = [({"token": value}, token, 1) for value in ("t" + INJECTED, "t\nX-Injected: 1", "t\rX-Injected: 1", "")]
        rows += [({"role": value}, role, 2) for value in (
            "../../user-data", "r/../x", "r?X-Injected", "r#x", "r%0aX-Injected", "r X-Injected", "\nX-Injected", "r\x1b")]
        for values, message, requests in rows:
            with self.subTest(**values), Server(self.metadata(**values)) as server:
                self.assert_failed(self.explain(HostileCase.an_instance, server.url), message)
                self.assertEqual(len(server.requests), requests)
                self.assertNotIn("X-Injected", "".join(server.requests))
        with Server(self.metadata(token="a token that is odd: \x7f%0d%0a")) as server:
            result = self.explain(HostileCase.an_instance, server.url)
            self.assertIn("access key         ASIAHOSTILE", result.stdout, "control: the server is used")
            self.assertIn("a token that is odd: \x7f%0d%0a\r\n", server.requests[1], "control: the token is sent as it is")

    def test_a_renewed_sso_token(self):
        document = {"tokenType": "Bearer", "expiresIn": 3600, "refreshToken": "r"}
        with Server(lambda *_: answer(200, "{}")) as portal:
            for token in ("t" + INJECTED, "t\nX-Injected: 1"):
                with self.subTest(token=token), \
                        Server(lambda *_: answer(200, json.dumps({**document, "accessToken": token}))) as server:
                    self.sso_profile()
                    self.sso_login(expires=-60)
                    env = {**self.sso_env(), "AWS_ENDPOINT_URL_SSO_OIDC": server.url, "AWS_ENDPOINT_URL_SSO": portal.url}
                    result = self.home.run([TOOL, "credentials", "--explain", "--profile", "p"], None, **env)
                    self.assert_failed(result)
                    self.assertEqual((len(server.requests), portal.requests), (1, []))
            with Server(lambda *_: answer(200, json.dumps({**document, "accessToken": "plain"}))) as server:
                self.sso_login(expires=-60)
                env = {**self.sso_env(), "AWS_ENDPOINT_URL_SSO_OIDC": server.url, "AWS_ENDPOINT_URL_SSO": portal.url}
                self.home.run([TOOL, "credentials", "--explain", "--profile", "p"], None, **env)
                self.assertIn("x-amz-sso_bearer_token: plain", portal.requests[0], "control: the token is used")

    def test_a_token_of_a_file_in_a_header_or_a_form(self):
        with Server(lambda *_: answer(400, "{}")) as server:
            file = self.home.write("token", "t" + INJECTED)
            env = self.cloud_env(AWS_CONTAINER_CREDENTIALS_FULL_URI=server.url,
                                 AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(file))
            result = self.home.run([TOOL, "credentials"], None, **env)
            self.assert_failed(result, "is not an authorization token: it is empty, too long or contains a line break")
            self.assertEqual(server.requests, [])
            value = "t&RoleArn=arn:aws:iam::1:role/other&X=%26=+"
            file.write_text(value)
            env = self.cloud_env(AWS_WEB_IDENTITY_TOKEN_FILE=str(file), AWS_ENDPOINT_URL_STS=server.url,
                                 AWS_ROLE_ARN="arn:aws:iam::123456789012:role/own")
            self.home.run([TOOL, "credentials"], None, **env)
            form = urllib.parse.parse_qs(server.requests[0].split("\r\n\r\n")[1])
            self.assertEqual((form["WebIdentityToken"], form["RoleArn"]), ([value], ["arn:aws:iam::123456789012:role/own"]))
            self.assertNotIn("X", form)


class Answers(HostileCase):
    def test_credentials_with_characters_other_than_visible_ascii_are_rejected(self):
        for name in ("AccessKeyId", "SecretAccessKey", "Token"):
            for text in ("a\nb", "a\r\nb", "a\x1b[2Jb", "a b", "a\x7fb", "a\u00e9b", "a\u202eb"):
                with self.subTest(name=name, text=text), \
                        Server(lambda *_: answer(200, json.dumps({**KEYS, name: text}))) as server:
                    result = self.explain(HostileCase.a_container, server.url)
                    self.assert_failed(result, "the keys contain characters other than visible ASCII")
                    self.assertNotIn(text, result.stdout + result.stderr)
            with Server(lambda *_: answer(200, json.dumps({**KEYS, name: "a\0b"}))) as server:
                self.assert_failed(self.explain(HostileCase.a_container, server.url), "does not answer with credentials")
        with Server(lambda *_: answer(200, json.dumps(KEYS))) as server:
            self.assertIn("access key         ASIAHOSTILE", self.explain(HostileCase.a_container, server.url).stdout,
                          "control: the server is used")

    def test_version_1_of_the_metadata_service_is_never_used(self):
        """The server gives credentials to a request of version 1, which has no session token."""
        for status in (200, 400, 401, 403, 404, 405):
            def respond(method, path, body, status=status):
                if method == "PUT":
                    return answer(status, "")
                return answer(200, "role" if path.endswith("/security-credentials/") else json.dumps(KEYS))

            with self.subTest(status=status), Server(respond) as server:
                self.assert_failed(self.explain(HostileCase.an_instance, server.url))
                self.assertEqual({request.split()[0] for request in server.requests}, {"PUT"})
                path = "/latest/meta-data/iam/security-credentials/"
                with urllib.request.urlopen(server.url + path + "role") as control:
                    self.assertIn(b"ASIAHOSTILE", control.read(), "control: version 1 answers")

    def test_an_answer_that_changes_between_two_requests(self):
        """The service names a role, and then has no credentials of this role or rejects its own session token. rds-iam
        uses no other role, and sends no request without a token."""
        for later, message in ((answer(404), "does not give the role's credentials"),
                               (answer(401), "does not give the role's credentials"),
                               (answer(200, json.dumps({**KEYS, "Expiration": "2009-01-01T00:00:00Z", "Code": "Failed"})),
                                "the Code is Failed")):
            def respond(method, path, body, later=later):
                if method == "PUT":
                    return answer(200, "token")
                return answer(200, "role-a\nrole-b") if path.endswith("/security-credentials/") else later

            with self.subTest(later=later), Server(respond) as server:
                self.assert_failed(self.explain(HostileCase.an_instance, server.url), message)
                self.assertEqual([r.split()[1].rpartition("/")[2] for r in server.requests], ["token", "", "role-a"])
                self.assertTrue(all("Aws-Ec2-Metadata-Token" in r for r in server.requests))

    @needs_root
    def test_localhost_is_this_machine_whatever_the_hosts_file_states(self):
        """rds-iam checks that the URL names localhost. libcurl must then connect to this machine, although /etc/hosts
        maps localhost to another address."""
        hosts = self.home.write("hosts", "169.254.170.2 localhost elsewhere\n")
        self.home.path.chmod(0o755)
        with LinkLocal() as network, Server(lambda *_: answer(200, json.dumps(KEYS)), network.listener) as server:
            under = network.argv(["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/hosts && shift && exec "$@"',
                                  "sh", hosts])
            env = self.cloud_env(AWS_CONTAINER_CREDENTIALS_FULL_URI="http://localhost/c")
            result = self.home.run([*under, TOOL, "credentials", "--explain"], None, **env)
            self.assertIn("access key         ASIAHOSTILE", result.stdout, result.stderr)
            self.assertEqual(server.addresses, ["127.0.0.1"])
            control = "import urllib.request as r; r.urlopen('http://localhost/')"
            self.home.run([*under, "env", "-u", "LD_PRELOAD", "/usr/bin/python3", "-c", control], None)
            self.assertEqual(server.addresses[1:], ["169.254.170.2"], "control: the file leads other programs elsewhere")
            env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://elsewhere/c"
            result = self.home.run([*under, TOOL, "credentials"], None, **env)
            self.assert_failed(result, "plain http goes only to localhost")
            self.assertEqual(len(server.addresses), 2)


if __name__ == "__main__":
    harness.main()
