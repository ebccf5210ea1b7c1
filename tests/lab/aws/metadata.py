# SPDX-License-Identifier: MIT
"""The instance metadata service, version 2. A PUT returns a token, and every other request needs this token.

A token is valid only on the machine that fetched it. faults.py simulates other problems of this service, such as the
hop limit or a disabled service.
"""
import json
import secrets
import time

from exchange import Answer
from principals import Grant

INSTANCE_ID = "i-0123456789abcdef0"
REGION = "us-east-1"
TOKEN = "/latest/api/token"
CREDENTIALS = "/latest/meta-data/iam/security-credentials/"
TTL_MAX_SECONDS = 21600
# How long AWS accepts credentials that the service returns during an outage, although their expiry has passed.
OUTAGE_SECONDS = 3600


class Metadata:
    """Serves requests. roles issues the sessions."""

    def __init__(self, fixture, roles, now):
        self._by_name = fixture.roles
        self._roles = roles
        self._now = now
        self._texts = {
            "/latest/meta-data/placement/region": REGION,
            "/latest/meta-data/placement/availability-zone": REGION + "a",
            "/latest/meta-data/instance-id": INSTANCE_ID,
        }

    def operation(self, request):
        """The name of the requested operation, for faults and for the record."""
        if request.path == TOKEN:
            return "PutToken"
        if request.path in (CREDENTIALS, CREDENTIALS[:-1]):
            return "ListRoles"
        return "GetRoleCredentials" if request.path.startswith(CREDENTIALS) else "GetMetadata"

    def serve(self, request):
        if request.path == TOKEN:
            return self._put_token(request)
        if request.method != "GET":
            return self.error(405, "Method Not Allowed")
        token = request.header("x-aws-ec2-metadata-token")
        if request.machine.tokens.get(token, 0) <= self._now():
            request.detail = "no token: version 1" if token is None else "unknown or old token"
            return self.error(401, "Unauthorized")
        if self.operation(request) == "GetMetadata":
            text = self._texts.get(request.path)
            return self.error(404, "Not Found") if text is None else _text(text)
        role = self._by_name.get(request.machine.instance_role)
        if role is None:
            return self.error(404, "Not Found")
        name = role.arn.split("/")[-1]
        if self.operation(request) == "ListRoles":
            return _text(name)
        if request.path != CREDENTIALS + name:
            return self.error(404, "Not Found")
        return self._credentials(request, role)

    def error(self, status, code, message=""):
        """An Answer in the form of this service's errors."""
        page = f"<!DOCTYPE html>\n<html><head><title>{status} - {code}</title></head><body>"
        page += f"<h1>{status} - {code}</h1>{message}</body></html>\n"
        return Answer(status, "text/html", page.encode())

    def _put_token(self, request):
        if request.method != "PUT":
            return self.error(405, "Method Not Allowed")
        if request.header("x-forwarded-for") is not None:
            return self.error(403, "Forbidden")
        ttl = request.header("x-aws-ec2-metadata-token-ttl-seconds") or ""
        if not ttl.isdigit() or not 1 <= int(ttl) <= TTL_MAX_SECONDS:
            return self.error(400, "Bad Request")
        token = secrets.token_urlsafe(40) + "=="
        request.machine.tokens[token] = self._now() + int(ttl)
        return _text(token, ("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", ttl))

    def _credentials(self, request, role):
        seconds = request.machine.seconds
        grant = Grant(INSTANCE_ID, seconds if seconds > 0 else OUTAGE_SECONDS)
        session = self._roles.assume_as_service("ec2.amazonaws.com", role, grant)
        updated = _iso(self._now())
        if session is None:
            content = {
                "Code": "AssumeRoleUnauthorizedAccess",
                "Message": "EC2 cannot assume the role " + role.arn.split("/")[-1]
                + ".  Please see documentation at "
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html",
                "LastUpdated": updated,
            }  # fmt: skip
        else:
            request.issued = session.access_key
            content = {
                "Code": "Success",
                "LastUpdated": updated,
                "Type": "AWS-HMAC",
                "AccessKeyId": session.access_key,
                "SecretAccessKey": session.secret_key,
                "Token": session.session_token,
                "Expiration": _iso(self._now() + seconds),
            }
        return _text(json.dumps(content, indent=2))


def _text(text, *headers):
    return Answer(200, "text/plain", text.encode(), headers)


def _iso(moment):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
