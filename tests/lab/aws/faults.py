# SPDX-License-Identifier: MIT
"""The faults of the AWS services that a test can request.

    {"kind": "status", "service": "sts", "operation": "AssumeRole", "status": 503, "times": 2}

A fault affects requests whose service and operation match (* and ? are wildcards). It ignores the first `skip` of them
and affects the next `times` (null: all, until the faults are cleared). If several faults match a request, only the
first of them that does not ignore the request affects it.

| kind         | what the client receives                                                          |
|--------------|-----------------------------------------------------------------------------------|
| delay        | the real response, `seconds` late                                                  |
| hang         | nothing, until the client closes the connection                                    |
| drip         | the real response, one byte of its body every 200 ms                               |
| reset        | a connection that is reset after the request                                       |
| close        | a connection that is closed after the request                                      |
| truncated    | the real response with a Content-Length that is too large, then a closed connection |
| flood        | the real response, followed by blanks up to one gigabyte                           |
| status       | `status`; if `code` is given, an error in the service's form, otherwise `body` with the content type `content_type`; with the header Retry-After if `retry_after` is given |
| content-type | the real response with the content type `content_type`                             |
| redirect     | `status` (default: 302) with the Location `location` (default: the same path on elsewhere.example.com) |
| malformed    | the first half of the real body, with a Content-Length that matches it             |
| entity-bomb  | an STS response whose XML entities expand to 3 GB                                  |
| empty        | 200 and an empty body                                                              |
| body         | 200 and `body` with the content type `content_type`                                |

A wrong clock is not a fault of one response: see /clock in control.py.
"""
import dataclasses
import fnmatch
import threading
from dataclasses import dataclass

from exchange import Answer

# aws.py applies these faults while it sends the response. With hang, reset and close, it sends none.
MANNERS = {"delay", "hang", "drip", "reset", "close", "truncated", "flood"}
# With these faults, the service does not see the request.
WITHOUT_SERVICE = {"hang", "reset", "close", "status", "redirect", "entity-bomb", "empty", "body"}

ELSEWHERE = "http://elsewhere.example.com"

ENTITY_BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE AssumeRoleResponse [\n<!ENTITY a0 "lol">\n'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">\n' for n in range(1, 10))
    + "]>\n"
    '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>'
    "<Credentials><AccessKeyId>ASIABOMB</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
    "<SessionToken>&a9;</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
    "</AssumeRoleResult></AssumeRoleResponse>\n"
)


@dataclass
class Fault:
    kind: str
    service: str = "*"
    operation: str = "*"
    times: int = 1
    skip: int = 0
    seconds: float = 1.0
    status: int = None
    code: str = None
    message: str = "This error was requested by a test."
    body: str = ""
    content_type: str = "text/html"
    location: str = None
    retry_after: str = None

    def matches(self, request):
        return fnmatch.fnmatchcase(request.service, self.service) and fnmatch.fnmatchcase(
            request.operation, self.operation
        )

    @property
    def manner(self):
        """How the response is sent, or None for the usual way."""
        return self.kind if self.kind in MANNERS else None

    def answer(self, request, service, true_answer):
        """Returns the Answer that replaces the real one. true_answer() makes the real one."""
        if self.kind in WITHOUT_SERVICE:
            return _REPLACED.get(self.kind, _nothing)(self, request, service)
        answer = true_answer()
        if self.kind == "content-type":
            return answer._replace(content_type=self.content_type)
        if self.kind == "malformed":
            return answer._replace(body=answer.body[: len(answer.body) // 2])
        return answer


def _nothing(fault, request, service):
    return Answer(200, "text/plain", b"")


def _status(fault, request, service):
    headers = (("Retry-After", fault.retry_after),) if fault.retry_after else ()
    if fault.code and service is not None:
        answer = service.error(fault.status, fault.code, fault.message)
        return answer._replace(headers=answer.headers + headers)
    return Answer(fault.status, fault.content_type, fault.body.encode(), headers)


def _redirect(fault, request, service):
    location = fault.location or ELSEWHERE + request.target
    return Answer(fault.status or 302, "text/html", b"", (("Location", location),))


_REPLACED = {
    "status": _status,
    "redirect": _redirect,
    "entity-bomb": lambda *_: Answer(200, "text/xml", ENTITY_BOMB.encode()),
    "body": lambda fault, *_: Answer(200, fault.content_type, fault.body.encode()),
}
_KINDS = MANNERS | WITHOUT_SERVICE | {"content-type", "malformed"}


class Faults:
    """The faults that are still to be applied. Thread-safe."""

    def __init__(self):
        self._lock = threading.Lock()
        self._waiting = []

    def replace(self, descriptions):
        """Replaces all faults. Raises ValueError if a description is not valid."""
        found = [_checked(each) for each in descriptions]
        with self._lock:
            self._waiting = found

    def take(self, request):
        """Returns the Fault that affects this request and counts it, or returns None."""
        with self._lock:
            for fault in self._waiting:
                if not fault.matches(request):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._waiting.remove(fault)
                return fault
        return None


def _checked(description):
    names = {each.name for each in dataclasses.fields(Fault)}
    if not isinstance(description, dict) or not set(description) <= names:
        raise ValueError(f"the members of a fault are {', '.join(sorted(names))}")
    if description.get("kind") not in _KINDS:
        raise ValueError(f"the kinds of fault are {', '.join(sorted(_KINDS))}")
    if description["kind"] == "status" and not isinstance(description.get("status"), int):
        raise ValueError("a fault of kind status needs a status")
    return Fault(**description)
