# SPDX-License-Identifier: MIT
"""SSO's portal: GetRoleCredentials. oidc.py stores the valid access tokens; lab.json maps the portal's role names to
roles."""
import urllib.parse

from exchange import AwsError, json_answer
from principals import Grant

PATH = "/federation/credentials"
SECONDS = 3600
SERVICE = "sso.amazonaws.com"


class Portal:
    def __init__(self, fixture, roles, oidc):
        self._fixture = fixture
        self._roles = roles
        self._oidc = oidc

    def operation(self, request):
        return "GetRoleCredentials"

    def serve(self, request):
        if request.method != "GET":
            return self.error(405, "MethodNotAllowed", "only GET")
        query = dict(urllib.parse.parse_qsl(request.query))
        request.parameters = query
        if not self._oidc.is_valid(request.header("x-amz-sso_bearer_token") or ""):
            raise AwsError(401, "UnauthorizedException", "Session token not found or invalid")
        sso = self._fixture.cloud.sso
        role = self._fixture.roles.get(sso.roles.get(query.get("role_name")))
        if role is None or role.account != query.get("account_id"):
            raise AwsError(403, "ForbiddenException", "No access")
        session = self._roles.assume_as_service(SERVICE, role, Grant(sso.user, SECONDS))
        request.issued = session.access_key
        return json_answer(200, {"roleCredentials": {
            "accessKeyId": session.access_key,
            "secretAccessKey": session.secret_key,
            "sessionToken": session.session_token,
            "expiration": int(session.expires) * 1000,
        }})  # fmt: skip

    def error(self, status, code, message):
        """An Answer in the form of the portal's errors."""
        answer = json_answer(status, {"message": message, "__type": f"com.amazonaws.switchboard.portal#{code}"})
        return answer._replace(headers=(("x-amzn-ErrorType", code),))
