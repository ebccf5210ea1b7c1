# SPDX-License-Identifier: MIT
"""A small DNS server in a network of its own, and a client in that network.

    tests/python tests/integration/dns.py DIRECTORY CERTIFICATES RECORDS COMMAND...

The caller starts this program in new mount and network namespaces (see mysql/test_alias.py). The program
brings loopback up, makes its DNS server the resolver, starts a recording MySQL peer and runs COMMAND. The
word PORT in COMMAND is replaced by the peer's port. RECORDS is "alias=target,...". The DNS server does not
answer a query for an alias whose target is "silent". The program prints JSON: the names that were queried,
the command's output and exit status, the peer's port, how many connections the peer accepted, and whether it
received any part of a token.
"""
import json
import pathlib
import socket
import struct
import subprocess
import sys
import threading

import surroundings  # noqa: F401  removes PYTHONPATH from the environment
from certificates import Certificates
from mysql_peer import MySQLPeer


def name_of(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def asked_name(message):
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ".".join(labels)


def reply(message, records):
    """Returns a response: the chain of CNAME records of the queried name, and an address for the last name."""
    name, answers = asked_name(message), b""
    count = 0
    while name in records:
        target = name_of(records[name])
        answers += name_of(name) + struct.pack(">HHIH", 5, 1, 60, len(target)) + target
        name, count = records[name], count + 1
    answers += name_of(name) + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([127, 0, 0, 1])
    question = message[12:12 + len(name_of(asked_name(message))) + 4]
    return message[:2] + struct.pack(">HHHHH", 0x8180, 1, count + 1, 0, 0) + question + answers


def serve(server, records, asked):
    while True:
        message, client = server.recvfrom(4096)
        name = asked_name(message)
        asked.append(name)
        if records.get(name) != "silent":
            server.sendto(reply(message, records), client)


def main():
    directory, certificates, text, *command = sys.argv[1:]
    records = dict(pair.split("=") for pair in text.split(",") if pair)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    resolver = pathlib.Path(directory) / "resolv.conf"
    resolver.write_text("nameserver 127.0.0.1\n", encoding="utf-8")
    subprocess.run(["mount", "--bind", resolver, "/etc/resolv.conf"], check=True)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    asked = []
    threading.Thread(target=serve, args=(server, records, asked), daemon=True).start()
    with MySQLPeer(Certificates(certificates).server) as peer:
        argv = [str(peer.port) if word == "PORT" else word for word in command]
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=60, check=False)
    print(json.dumps({
        "asked": asked, "printed": done.stdout, "status": done.returncode, "port": peer.port,
        "got_token": b"X-Amz-" in peer.received, "connections": peer.connections}))


main()
