# SPDX-License-Identifier: MIT
"""A connection to STS that ends in the TLS handshake. If the peer closes the connection, rds-iam-fetch sends the
request again. If the peer rejects the handshake, rds-iam-fetch does not send the request again."""
import select
import socket
import threading
import urllib.parse

from cloud import CloudCase
from labcase import harness
from mariadb_client import CONFIG

ALERT = bytes((21, 3, 3, 0, 2, 2, 40))  # TLS: handshake_failure


class Handshake:
    """A server on loopback that ends the first `times` TLS handshakes: it closes the connection after it has received
    the client's first message and sent `last`. It passes later connections on to the lab's STS."""

    def __init__(self, test, times, last=b""):
        self._target = urllib.parse.urlsplit(test.lab.cloud_https)
        self._times, self._last = times, last
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        test.addCleanup(self._listener.close)
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            self.connections += 1
            with client:
                if self.connections > self._times:
                    self._pass_on(client)
                    continue
                client.recv(65536)
                client.sendall(self._last)

    def _pass_on(self, client):
        with socket.create_connection((self._target.hostname, self._target.port)) as lab:
            other = {client: lab, lab: client}
            while True:
                for end in select.select([client, lab], [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    other[end].sendall(data)


class HandshakeEnds(CloudCase):
    def setUp(self):
        super().setUp()
        role = self.lab.roles["rds-access"].arn
        self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nrole_arn = {role}\n")

    def log_in(self, server):
        return self.mariadb(principal="etl-base", **self.cloud_env(AWS_ENDPOINT_URL_STS=server.url))

    def test_after_two_closed_connections_the_third_try_succeeds(self):
        server = Handshake(self, 2)
        self.assert_logged_in(self.log_in(server))
        self.assertEqual((server.connections, len(self.calls())), (3, 1))

    def test_after_three_closed_connections_the_login_fails(self):
        server = Handshake(self, 99)
        self.assertIn("STS did not answer: 127.0.0.1:", self.log_in(server).stderr)
        self.assertEqual(server.connections, 3)

    def test_after_a_rejected_handshake_no_other_try_follows(self):
        server = Handshake(self, 99, ALERT)
        self.assertIn("STS could not be reached: 127.0.0.1:", self.log_in(server).stderr)
        self.assertEqual(server.connections, 1)


if __name__ == "__main__":
    harness.main()
