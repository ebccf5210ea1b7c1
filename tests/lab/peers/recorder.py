# SPDX-License-Identifier: MIT
"""A scripted server that records every byte that a client sends to it.

    with MySQLPeer(certificate=lab.certificates.other_ca) as peer:
        subprocess.run(["mariadb", "-P", str(peer.port), ...], timeout=30)
    assert not traces.find(peer.received, secrets)

This module contains what the two protocols share: the listener, TLS and the record. mysql_peer.py and
postgresql_peer.py contain the packets that the peer sends. A thread serves the clients one after the other. A peer
ends when the test reads the record or leaves the `with` block. It first waits until every client that has connected
has closed its connection; no read takes longer than TIMEOUT_SECONDS.
"""
import contextlib
import os
import socket
import ssl
import threading

# A client that sends nothing for this long has hung, because no client waits on purpose.
TIMEOUT_SECONDS = 60
READ_SIZE = 65536


class Wire:
    """One accepted connection. All data is recorded before it is processed."""

    def __init__(self, connection, received):
        self._socket = connection
        self._received = received
        self._incoming = bytearray()
        self._tls = None
        self.is_encrypted = False

    def start_tls(self, context):
        """Performs the server's part of a TLS handshake. Raises ssl.SSLError or EOFError if the client ends it."""
        self._from_client, self._to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._from_client, self._to_client, server_side=True)
        self._from_client.write(bytes(self._incoming))
        self._incoming.clear()
        try:
            self._until_it_has_enough(self._tls.do_handshake)
        except ssl.SSLError:
            self._flush()  # sends the TLS alert
            raise
        self._flush()
        self.is_encrypted = True

    def send(self, data):
        if self._tls is None:
            self._socket.sendall(data)
        else:
            self._tls.write(data)
            self._flush()

    def read(self, count):
        """Returns exactly `count` bytes. Raises EOFError if the client closes the connection earlier."""
        while len(self._incoming) < count:
            self._incoming += self._more()
        data = bytes(self._incoming[:count])
        del self._incoming[:count]
        return data

    def hang_up(self):
        """Shuts down the direction to the client. drain() still records what the client sends."""
        with contextlib.suppress(OSError):  # the client has already closed the connection
            self._socket.shutdown(socket.SHUT_WR)

    def drain(self):
        """Reads, only to record the data, until the client closes the connection. After a failed or ended TLS
        session, bytes are recorded as they arrive."""
        while True:
            try:
                self._more()
            except ssl.SSLError:
                self._tls = None
            except (EOFError, ConnectionError):
                return

    def _more(self):
        if self._tls is None:
            return self._from_socket()
        text = self._until_it_has_enough(lambda: self._tls.read(READ_SIZE))
        if not text:
            self._tls = None  # the client has ended TLS
        self._received += text
        return text

    def _from_socket(self):
        data = self._socket.recv(READ_SIZE)
        if not data:
            raise EOFError
        self._received += data
        return data

    def _until_it_has_enough(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self._flush()
                self._from_client.write(self._from_socket())

    def _flush(self):
        data = self._to_client.read()
        if data:
            self._socket.sendall(data)


class Peer:
    """A server on a free port of 127.0.0.1. It listens from __enter__ on.

    certificate: the certificates.Certificate that it presents; None: it offers no TLS.
    address: the Unix socket on which the peer listens instead: a path, or an abstract name that begins with NUL.
    """

    def __init__(self, certificate=None, address=None):
        self.context = None
        self._address = address
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate.certificate, certificate.key)
        self._received = bytearray()
        self._connections = 0
        self._answers = []
        self._fault = None
        self._thread = None
        self._last_caller = None

    def __enter__(self):
        if self._address is None:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.port = self._listener.getsockname()[1]
        else:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(self._address)
            self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._finish()

    @property
    def received(self):
        """Every byte that clients sent, as it arrived, and the decrypted data of TLS connections. Waits for the
        clients to close their connections; afterwards the peer serves no further client."""
        self._finish()
        return bytes(self._received)

    @property
    def connections(self):
        """The number of clients that connected, including those that sent nothing."""
        self._finish()
        return self._connections

    @property
    def answers(self):
        """The data that clients sent when a password was requested, each as (through TLS?, bytes)."""
        self._finish()
        return list(self._answers)

    def converse(self, wire):
        """Carries out the script with one client. May raise EOFError and OSError if the client leaves."""
        raise NotImplementedError

    def record_password(self, wire, data):
        """Adds the client's response to a password request to `answers`."""
        self._answers.append((wire.is_encrypted, data))

    def _serve(self):
        try:
            while True:
                connection, address = self._listener.accept()
                with connection:
                    if address == self._last_caller:
                        return
                    self._connections += 1
                    connection.settimeout(TIMEOUT_SECONDS)
                    self._serve_one(Wire(connection, self._received))
        except Exception as fault:  # raised again when the test reads the record
            self._fault = fault

    def _serve_one(self, wire):
        try:
            self.converse(wire)
        except TimeoutError:
            raise
        except (EOFError, ConnectionError, ssl.SSLError):
            pass  # the client has closed the connection
        wire.drain()

    def _finish(self):
        """Connects to the peer itself. Connections are served in the order in which they arrive, so all earlier clients
        have been served when this connection is served."""
        if self._thread is not None:
            with socket.socket(self._listener.family) as caller:
                caller.bind(("127.0.0.1", 0) if self._address is None else "")  # "": any free name
                self._last_caller = caller.getsockname()
                caller.settimeout(TIMEOUT_SECONDS)
                caller.connect(self._listener.getsockname())
                self._thread.join(TIMEOUT_SECONDS * 2)
            is_stuck, self._thread = self._thread.is_alive(), None
            self._listener.close()
            if self._address is not None and not self._address.startswith("\0"):
                os.unlink(self._address)
            if is_stuck:
                raise TimeoutError("a client of the recording peer does not close its connection")
        if self._fault is not None:
            raise self._fault
