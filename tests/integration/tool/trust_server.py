# SPDX-License-Identifier: MIT
"""Stands in for Amazon's server of CA bundles, in a network namespace of its own or in a network of the lab.

In the namespace the host names of Amazon's server lead to loopback, and /etc/ssl/certs contains the CA of this
server and the CA certificates that the test chooses. The server sends the file "body" of its directory. The
file "behaviour" selects a fault: "cut", "status NNN", "silent" or "other certificate". Empty: no fault.

The class TrustServer starts this file as a program in the namespace. The program ends when its parent ends.
"""
import contextlib
import http.server
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import certificates
import harness

NAMES = ("truststore.pki.rds.amazonaws.com", "truststore.pki.us-gov-west-1.rds.amazonaws.com",
         "rds-truststore.s3.cn-north-1.amazonaws.com.cn")
# In a network of the lab, the lab's AWS services listen on 127.0.0.1:443.
ADDRESS_IN_NETWORK = "127.0.0.2"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
NOBODY = 65534


class TrustServer:
    """Use: with TrustServer(directory) as server: server.body.write_bytes(...); run(server.argv([...]))."""

    def __init__(self, directory, system_roots=(), network=None, hosts=""):
        """`network` is a network of the lab, and `hosts` contains the lines of its /etc/hosts."""
        self._network, self._hosts = network, hosts
        self.directory = pathlib.Path(directory)
        self.body = self.directory / "body"
        self.requests = self.directory / "requests"
        self._behaviour = self.directory / "behaviour"
        self._roots = system_roots

    def behave(self, text):
        self._behaviour.write_text(text)

    def __enter__(self):
        for name in ("good", "other", "certs"):
            (self.directory / name).mkdir()
        for name in ("good", "other"):
            certificates.make_cloud(self.directory / name, NAMES, {"PATH": PATH})
        self._trust(self.directory / "good/aws-ca.crt")
        for root in self._roots:
            self._trust(root)
        address = ADDRESS_IN_NETWORK if self._network else "127.0.0.1"
        (self.directory / "hosts").write_text("127.0.0.1 localhost\n" + self._hosts + "".join(f"{address} {n}\n" for n in NAMES))
        self.body.write_bytes(b"")
        self.behave("")
        unshare = ["unshare", "--net", "--mount"]
        if os.geteuid() != 0:
            unshare += ["--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}", "--keep-caps"]
        argv = [harness.PYTHON, __file__, self.directory, address]
        self._holder = subprocess.Popen(
            self._network.command(argv) if self._network else [*unshare, *argv],
            env={"PATH": PATH}, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        line = self._holder.stdout.readline()
        if line != "ready\n":
            self.__exit__()
            raise OSError(f"the server did not start: {line}")
        return self

    def _trust(self, certificate):
        name = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", certificate],
                              stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        shutil.copy(certificate, self.directory / f"certs/{name}.0")

    def __exit__(self, *exception):
        self._holder.stdin.close()
        self._holder.wait(timeout=60)
        self._holder.stdout.close()

    def argv(self, argv):
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", f"--target={self._holder.pid}", "--net", "--mount", *user, *argv]


def install_store(home, bundle):
    """Runs `rds-iam setup ca` as an ordinary user with an empty home; the command downloads the bundle. If root ran the
    command, it would install the bundle in /etc. Afterwards the files of the home belong to the user who runs the
    tests."""
    user = []
    if os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)
        user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    with tempfile.TemporaryDirectory(prefix="trust-", dir=harness.WORK) as directory, TrustServer(directory) as server:
        server.body.write_bytes(pathlib.Path(bundle).read_bytes())
        result = harness.run(server.argv([*user, harness.installed("bin/rds-iam"), "setup", "ca"]),
                             env={"PATH": PATH, "HOME": str(home)})
        if result.returncode != 0 or not server.requests.exists():
            raise OSError(f"rds-iam setup ca: {result.stderr}")
    for path in (home, *home.rglob("*")):
        os.chown(path, os.geteuid(), os.getegid())


class Handler(http.server.BaseHTTPRequestHandler):
    directory = None

    def do_GET(self):
        behaviour = (self.directory / "behaviour").read_text()
        body = (self.directory / "body").read_bytes()
        with open(self.directory / "requests", "a", encoding="ascii") as log:
            log.write(f"{self.headers['Host']} {self.path}\n")
        if behaviour == "silent":
            time.sleep(600)
        self.send_response(int(behaviour.split()[1]) if behaviour.startswith("status") else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:len(body) // 2] if behaviour == "cut" else body)

    def log_message(self, *arguments):
        """Prints nothing."""


class Server(http.server.ThreadingHTTPServer):
    """Performs each TLS handshake in the thread of its connection, with the certificate that the file "behaviour"
    selects."""
    daemon_threads = True

    def finish_request(self, request, client_address):
        directory = Handler.directory
        which = "other" if (directory / "behaviour").read_text() == "other certificate" else "good"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / which / "aws.crt", directory / which / "aws.key")
        with contextlib.suppress(OSError), context.wrap_socket(request, server_side=True) as stream:
            super().finish_request(stream, client_address)


def main():
    directory = pathlib.Path(sys.argv[1])
    Handler.directory = directory
    for argv in (["ip", "link", "set", "lo", "up"], ["mount", "--bind", directory / "hosts", "/etc/hosts"],
                 ["mount", "--bind", directory / "certs", "/etc/ssl/certs"]):
        subprocess.run(argv, check=True)
    with Server((sys.argv[2], 443), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print("ready", flush=True)
        sys.stdin.read()
        os._exit(0)


if __name__ == "__main__":
    main()
