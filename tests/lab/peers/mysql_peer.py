# SPDX-License-Identifier: MIT
"""A recording peer that speaks MySQL's protocol up to the verdict on the password. After the verdict OK, it answers
each command with OK.

    MySQLPeer(None)                              no TLS; requests mysql_clear_password; denies the login
    MySQLPeer(None, Script(greeting=CLEAR))      requests mysql_clear_password in the greeting, before TLS starts
    MySQLPeer(cert, Script(asks=[switch(CLEAR), switch(CLEAR)], verdict=OK))
    MySQLPeer(cert, Script(greeting=error(1040, "Too many connections", None)))   an error in place of the greeting

The packets follow "Connection Phase Packets" of the MySQL documentation. The scramble is constant, and the peer offers
neither compression nor connection attributes, so two clients that make the same calls send the same bytes.
"""
import struct
from typing import NamedTuple

from recorder import Peer

CLEAR = "mysql_clear_password"
NATIVE = "mysql_native_password"
SCRAMBLE = b"an9oZ:k{QW2#xT5vLr;e"

LONG_PASSWORD, LONG_FLAG, CONNECT_WITH_DB, PROTOCOL_41 = 0x1, 0x4, 0x8, 0x200
SSL, TRANSACTIONS, SECURE_CONNECTION = 0x800, 0x2000, 0x8000
MULTI_STATEMENTS, MULTI_RESULTS = 0x10000, 0x20000
PLUGIN_AUTH, PLUGIN_AUTH_LENENC_DATA = 0x80000, 0x200000
CAPABILITIES = (
    LONG_PASSWORD | LONG_FLAG | CONNECT_WITH_DB | PROTOCOL_41 | TRANSACTIONS | SECURE_CONNECTION
    | MULTI_STATEMENTS | MULTI_RESULTS | PLUGIN_AUTH | PLUGIN_AUTH_LENENC_DATA
)  # fmt: skip

SSL_REQUEST_SIZE = 32  # an SSLRequest is a handshake response that ends before the user name

OK = b"\x00\x00\x00\x02\x00\x00\x00"


def error(number, text, state="HY000"):
    """An ERR_Packet. state is its SQLSTATE, or None for a packet that replaces the greeting: that packet has none."""
    return b"\xff" + struct.pack("<H", number) + (f"#{state}" if state else "").encode() + text.encode()


DENIED = error(1045, "Access denied by the peer", "28000")


def switch(plugin, data=b""):
    """An AuthSwitchRequest."""
    return b"\xfe" + plugin.encode() + b"\0" + data


class Script(NamedTuple):
    """What the peer sends on one connection. greeting is the plugin that the greeting names, or a packet that is sent
    in place of the greeting. asks are packets that request data; the client answers each of them. verdict ends the
    login. commands is the number of commands that the peer answers after the verdict OK. If is_cut is true, the peer
    sends only the first half of the last of `asks` and no verdict, and closes the connection."""

    greeting: str = NATIVE
    asks: tuple = (switch(CLEAR),)
    verdict: bytes = DENIED
    commands: int = 100
    is_cut: bool = False


class MySQLPeer(Peer):
    """The n-th connection uses the n-th script; the last script serves all further connections.

    messages: the payload of every packet that clients sent, as (through TLS?, bytes). Reading it waits for the clients
    to close their connections.
    """

    def __init__(self, certificate=None, *scripts):
        super().__init__(certificate)
        self._scripts = list(scripts or [Script()])
        self._messages = []

    @property
    def messages(self):
        self._finish()
        return list(self._messages)

    def converse(self, wire):
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        packets = _Packets(wire, self._messages)
        if isinstance(script.greeting, bytes):
            packets.write(script.greeting)
            wire.hang_up()
            return
        packets.write(self._greeting(script.greeting))
        response = packets.read()
        if self.context is not None and len(response) == SSL_REQUEST_SIZE:
            wire.start_tls(self.context)
            response = packets.read()
        if script.greeting == CLEAR:
            self.record_password(wire, _authentication_data(response))
        for ask in script.asks[:-1] if script.is_cut else script.asks:
            packets.write(ask)
            self.record_password(wire, packets.read())
        if script.is_cut:
            packets.write(script.asks[-1], len(script.asks[-1]) // 2)
            wire.hang_up()
            return
        packets.write(script.verdict)
        if script.verdict == OK:
            for _ in range(script.commands):
                packets.read_command()
                packets.write(OK)
            wire.hang_up()

    def _greeting(self, plugin):
        capabilities = CAPABILITIES | (SSL if self.context is not None else 0)
        return b"".join((
            b"\x0a5.5.5-10.11.9-MariaDB\0",
            struct.pack("<I", 7),
            SCRAMBLE[:8] + b"\0",
            struct.pack("<HBHH", capabilities & 0xFFFF, 45, 2, capabilities >> 16),
            bytes([len(SCRAMBLE) + 1]) + bytes(10),
            SCRAMBLE[8:] + b"\0",
            plugin.encode() + b"\0",
        ))  # fmt: skip


class _Packets:
    """Reads and writes packets: length, sequence number, payload."""

    def __init__(self, wire, messages):
        self._wire = wire
        self._messages = messages
        self._sequence = 0

    def write(self, payload, cut_at=None):
        head = len(payload).to_bytes(3, "little") + bytes([self._sequence % 256])
        self._sequence += 1
        self._wire.send(head + payload[:cut_at])

    def read(self):
        head = self._wire.read(4)
        self._sequence = head[3] + 1
        payload = self._wire.read(int.from_bytes(head[:3], "little"))
        self._messages.append((self._wire.is_encrypted, payload))
        return payload

    def read_command(self):
        """Reads the next command. COM_QUIT ends the conversation with EOFError."""
        payload = self.read()
        if payload[:1] == b"\x01":
            raise EOFError
        return payload


def _authentication_data(response):
    """The password in a HandshakeResponse41."""
    (capabilities,) = struct.unpack("<I", response[:4])
    _, _, rest = response[SSL_REQUEST_SIZE:].partition(b"\0")
    if capabilities & PLUGIN_AUTH_LENENC_DATA and rest[:1] == b"\xfc":
        (length,) = struct.unpack("<H", rest[1:3])
        return rest[3 : 3 + length]
    return rest[1 : 1 + rest[0]]
