# SPDX-License-Identifier: MIT
"""One request to the AWS services and its answer, independent of sockets."""
import json
import urllib.parse
from dataclasses import dataclass, field
from typing import NamedTuple


class Answer(NamedTuple):
    """The response. headers contains pairs, in addition to Content-Type, Content-Length and Date."""

    status: int
    content_type: str
    body: bytes
    headers: tuple = ()


class AwsError(Exception):
    """A service rejects a request. detail is for the record of calls only; the response does not contain it."""

    def __init__(self, status, code, message, detail=""):
        super().__init__(message)
        self.status, self.code, self.message, self.detail = status, code, message, detail


@dataclass
class Machine:
    """The machine that a request comes from: the lab's loopback, or one of its networks. instance_role is the name
    of a role, or None for an instance without a role. seconds is how long its sessions are valid. A negative number of
    seconds simulates an outage: the metadata service returns credentials that expired that many seconds ago, and the
    other AWS services still accept them."""

    instance_role: str
    seconds: float = 21600
    tokens: dict = field(default_factory=dict, repr=False)


@dataclass
class Request:
    """headers contains pairs in the order of the request. The attributes after machine are for the record of calls; the
    code that learns a value sets it."""

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
        """The header's value, or None. Repeated headers are joined by commas, as HTTP specifies."""
        found = [value for key, value in self.headers if key.lower() == name]
        return ",".join(found) if found else None

    @property
    def host(self):
        """The host name or address that the client requested, without the port."""
        return urllib.parse.urlsplit("//" + (self.header("host") or "")).hostname or ""


def json_answer(status, content, **headers):
    return Answer(status, "application/json", json.dumps(content).encode(), tuple(headers.items()))
