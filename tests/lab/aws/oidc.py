# SPDX-License-Identifier: MIT
"""SSO's OIDC service: the logins, and CreateToken with a refresh token.

A test cannot log in with a browser. It registers a login instead (control.py, /sso) and writes the token file that `aws
sso login` would write. A refresh token can be used once, so a client that loses the response has lost the session. This
is the strictest behavior that a client must be prepared for. With `grace`, the server also accepts the previous refresh
token until the client uses the new one.
"""
import hmac
import json
import secrets
import threading
from dataclasses import dataclass

from exchange import AwsError, json_answer

PATH = "/token"
NEEDED = ("clientId", "clientSecret", "grantType", "refreshToken")


@dataclass
class Login:
    """One login of one user. seconds is how long new access tokens are valid."""

    client_id: str
    client_secret: str
    refresh_token: str
    seconds: float
    grace: bool = False
    has_ended: bool = False
    previous: str = ""

    def accepts(self, refresh_token):
        """Whether the refresh token is valid. A valid token becomes the previous refresh token."""
        if self.has_ended or refresh_token not in (self.refresh_token, self.grace and self.previous):
            return False
        self.previous = refresh_token
        return True


class Oidc:
    """The OIDC service. Thread-safe."""

    def __init__(self, now):
        self._now = now
        self._lock = threading.Lock()
        self._logins = {}
        self._expiry = {}

    def log_in(self, body):
        """Registers a login. body contains client_id, client_secret, refresh_token, access_token, `expires` (the end
        of the access token), `seconds` (how long later tokens are valid) and `grace`."""
        login = Login(
            body["client_id"], body["client_secret"], body["refresh_token"], float(body["seconds"]),
            bool(body["grace"]),
        )  # fmt: skip
        with self._lock:
            self._logins[login.client_id] = login
            self._expiry[body["access_token"]] = (login, float(body["expires"]))

    def log_out(self, body):
        """Ends the login with the body's client_id at once. Raises KeyError if no login has this id."""
        with self._lock:
            self._logins[body["client_id"]].has_ended = True

    def is_valid(self, access_token):
        """Whether the portal may serve a client that sends this access token."""
        with self._lock:
            login, expires = self._expiry.get(access_token, (None, 0))
            return login is not None and not login.has_ended and self._now() < expires

    def operation(self, request):
        return "CreateToken"

    def serve(self, request):
        if request.method != "POST":
            return self.error(405, "MethodNotAllowed", "only POST")
        try:
            body = json.loads(request.body)
        except ValueError:
            body = None
        if not isinstance(body, dict) or any(not isinstance(body.get(n), str) for n in NEEDED):
            raise AwsError(400, "invalid_request", "a member is missing")
        request.parameters = {
            "members": sorted(body), "grantType": body["grantType"], "clientId": body["clientId"],
        }  # fmt: skip
        if body["grantType"] != "refresh_token":
            raise AwsError(400, "unsupported_grant_type", "only refresh_token")
        return self._renew(body)

    def _renew(self, body):
        with self._lock:
            login = self._logins.get(body["clientId"])
            if login is None or not _equal(login.client_secret, body["clientSecret"]):
                raise AwsError(401, "invalid_client", "Invalid client provided")
            if not login.accepts(body["refreshToken"]):
                raise AwsError(400, "invalid_grant", "Invalid refresh token provided")
            login.refresh_token = secrets.token_urlsafe(96)
            access_token = secrets.token_urlsafe(96)
            self._expiry[access_token] = (login, self._now() + login.seconds)
            return json_answer(200, {
                "accessToken": access_token,
                "expiresIn": int(login.seconds),
                "refreshToken": login.refresh_token,
                "tokenType": "Bearer",
            })  # fmt: skip

    def error(self, status, code, message):
        """An Answer in the form of OIDC's errors."""
        answer = json_answer(status, {"error": code, "error_description": message})
        return answer._replace(headers=(("x-amzn-ErrorType", code),))


def _equal(one, other):
    return hmac.compare_digest(one.encode(), other.encode())
