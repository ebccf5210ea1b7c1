# SPDX-License-Identifier: MIT
"""One request to the AWS side and its answer, as the services see them. No sockets here."""
import json
import urllib.parse
from dataclasses import dataclass, field
from typing import NamedTuple


class Answer(NamedTuple):
    """What is sent back; headers are pairs beyond Content-Type, Content-Length and Date."""

    status: int
    content_type: str
    body: bytes
    headers: tuple = ()


class AwsError(Exception):
    """A service says no. The journal's detail says what the answer does not."""

    def __init__(self, status, code, message, detail=""):
        super().__init__(message)
        self.status, self.code, self.message, self.detail = status, code, message, detail


@dataclass
class Machine:
    """What is particular to the machine that a request comes from: the lab's loopback, or one of
    its networks. instance_role is the name of a role, or None for an instance without one; seconds
    is how long its sessions last from their issue. Negative seconds are an outage: the service hands
    out what ended so long ago, and AWS goes on taking it."""

    instance_role: str
    seconds: float = 21600
    tokens: dict = field(default_factory=dict, repr=False)


@dataclass
class Request:
    """headers are pairs in the order in which they came. What follows them is for the journal and
    is filled by whoever learns it."""

    method: str
    target: str
    headers: tuple
    body: bytes
    tls: bool
    machine: Machine
    service: str = "none"
    operation: str = "none"
    caller: str = None
    parameters: dict = field(default_factory=dict)
    issued: str = None
    code: str = None
    detail: str = ""

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        return self.target.partition("?")[2]

    def header(self, name):
        """The header's value, or None. A header that came twice is joined as HTTP has it."""
        found = [value for key, value in self.headers if key.lower() == name]
        return ",".join(found) if found else None

    @property
    def host(self):
        """Name or address that the client asked for, without the port."""
        return urllib.parse.urlsplit("//" + (self.header("host") or "")).hostname or ""


def json_answer(status, content, **headers):
    return Answer(status, "application/json", json.dumps(content).encode(), tuple(headers.items()))
