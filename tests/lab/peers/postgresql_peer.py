# SPDX-License-Identifier: MIT
"""A recording peer that speaks PostgreSQL's protocol up to the verdict on the password.

    PostgreSQLPeer(None)      answers SSLRequest with N, requests a cleartext password, then sends an error
    PostgreSQLPeer(cert)      answers SSLRequest with S, starts TLS, requests a cleartext password, then sends an error
    PostgreSQLPeer(cert, refusal=TEXT, code="28000")           the text and the SQLSTATE of the error
    PostgreSQLPeer(cert, refusal=TEXT, needs_password=False)   sends the error without requesting a password

The packets follow "Message Formats" of the PostgreSQL documentation.
"""
import struct

from recorder import Peer

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CLEARTEXT_PASSWORD = b"R" + struct.pack("!II", 8, 3)


class PostgreSQLPeer(Peer):
    """Requests a cleartext password on every connection (unless needs_password is false), records what the client
    sends, and denies the login."""

    def __init__(
        self, certificate=None, address=None, refusal="password authentication failed by the peer", code="28P01",
        needs_password=True,
    ):  # fmt: skip
        super().__init__(certificate, address)
        self._refusal = refusal
        self._code = code
        self._needs_password = needs_password

    def converse(self, wire):
        code = self._read_startup(wire)
        while code in (SSL_REQUEST, GSS_REQUEST):
            if code == SSL_REQUEST and self.context is not None:
                wire.send(b"S")
                wire.start_tls(self.context)
            else:
                wire.send(b"N")
            code = self._read_startup(wire)
        if self._needs_password:
            wire.send(CLEARTEXT_PASSWORD)
            _, size = struct.unpack("!cI", wire.read(5))
            self.record_password(wire, wire.read(size - 4))
        fields = f"SFATAL\0VFATAL\0C{self._code}\0M{self._refusal}\0\0".encode()
        wire.send(b"E" + struct.pack("!I", 4 + len(fields)) + fields)

    def _read_startup(self, wire):
        """Reads a packet of the startup phase, which has no type byte. Returns its code."""
        size, code = struct.unpack("!II", wire.read(8))
        wire.read(size - 8)
        return code
