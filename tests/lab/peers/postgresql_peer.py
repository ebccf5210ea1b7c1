# SPDX-License-Identifier: MIT
"""A recording peer that speaks PostgreSQL's protocol up to the password.

    PostgreSQLPeer(None)      answers SSLRequest with N, requests a cleartext password, then sends an error
    PostgreSQLPeer(cert)      answers SSLRequest with S, starts TLS, requests a cleartext password, then sends an error

The packets follow "Message Formats" of the PostgreSQL documentation.
"""
import struct

from recorder import Peer

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CLEARTEXT_PASSWORD = b"R" + struct.pack("!II", 8, 3)


class PostgreSQLPeer(Peer):
    """Requests a cleartext password on every connection, records what the client sends, and denies the login."""

    def converse(self, wire):
        code = self._read_startup(wire)
        while code in (SSL_REQUEST, GSS_REQUEST):
            if code == SSL_REQUEST and self.context is not None:
                wire.send(b"S")
                wire.start_tls(self.context)
            else:
                wire.send(b"N")
            code = self._read_startup(wire)
        wire.send(CLEARTEXT_PASSWORD)
        _, size = struct.unpack("!cI", wire.read(5))
        self.record_password(wire, wire.read(size - 4))
        fields = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed by the peer\0\0"
        wire.send(b"E" + struct.pack("!I", 4 + len(fields)) + fields)

    def _read_startup(self, wire):
        """Reads a packet of the startup phase, which has no type byte. Returns its code."""
        size, code = struct.unpack("!II", wire.read(8))
        wire.read(size - 8)
        return code
