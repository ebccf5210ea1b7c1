# SPDX-License-Identifier: MIT
"""The credential endpoints of ECS tasks and EKS pods.

ECS gives every task its own path, which other tasks cannot guess. EKS has one path for all pods; a token in the
Authorization header identifies the pod.
"""
import hmac
import time

from exchange import AwsError, json_answer
from principals import Grant

SECONDS = 21600


class Container:
    """Serves the container paths that lab.json defines. The sessions are issued by `roles`."""

    def __init__(self, fixture, roles):
        self._fixture = fixture
        self._roles = roles

    def knows(self, path):
        """Whether a path belongs to the container endpoints, even if lab.json does not define it."""
        return path.startswith(("/v1/", "/v2/"))

    def operation(self, request):
        return "GetCredentials"

    def serve(self, request):
        if request.method != "GET":
            return self.error(405, "MethodNotAllowed", "only GET")
        entries = [
            each for each in self._fixture.cloud.containers.values() if each.path == request.path
        ]
        if not entries:
            return self.error(400, "InvalidIdInRequest", "CredentialsV2Request: ID not found")
        entry = _authorized(request.header("authorization"), entries)
        role = self._fixture.roles[entry.role]
        grant = Grant(
            entry.session_name,
            SECONDS,
            tags=entry.session_tags,
            transitive=tuple(entry.session_tags),
        )
        session = self._roles.assume_as_service(entry.service, role, grant)
        if session is None:
            return self.error(400, "AccessDeniedException", f"{entry.service} may not assume the role")
        request.issued = session.access_key
        content = {
            "RoleArn": role.arn,
            "AccessKeyId": session.access_key,
            "SecretAccessKey": session.secret_key,
            "Token": session.session_token,
            "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(session.expires)),
        }
        if entry.authorization:
            # The agent of EKS returns the account and not the role.
            del content["RoleArn"]
            content["AccountId"] = role.account
        return json_answer(200, content)

    def error(self, status, code, message):
        """An Answer in the form of the ECS agent's errors."""
        return json_answer(status, {"code": code, "message": message, "HTTPErrorCode": status})


def _authorized(given, entries):
    """Returns the first entry that needs no authorization, or whose authorization is this Authorization header. Raises
    AwsError if no entry matches."""
    for entry in entries:
        if entry.authorization is None:
            return entry
        if given is not None and hmac.compare_digest(given.encode(), entry.authorization.encode()):
            return entry
    if given is None:
        raise AwsError(401, "AccessDeniedException", "Service account token cannot be empty")
    raise AwsError(403, "AccessDeniedException", "The token is not that of a known pod",
                   "another token is expected")  # fmt: skip
