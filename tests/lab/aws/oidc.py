# SPDX-License-Identifier: MIT
"""SSO's OIDC endpoint: who has logged in, and CreateToken with a refresh token.

Nobody can click through a browser here, so a test says that somebody has logged in (control.py, /sso)
and writes the token file that `aws sso login` would have written. A refresh token is good for one use:
whoever loses the answer has lost the session. That is the hardest server that a client can meet. A
login with `grace` is at a server that takes the last one too, until its successor is shown.
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
    """One login of one person. seconds is how long the next access tokens live."""

    client_id: str
    client_secret: str
    refresh_token: str
    seconds: float
    grace: bool = False
    is_over: bool = False
    spent: str = ""

    def takes(self, refresh_token):
        """Whether it may be shown; it is then spent."""
        if self.is_over or refresh_token not in (self.refresh_token, self.grace and self.spent):
            return False
        self.spent = refresh_token
        return True


class Oidc:
    """Threads may call at once."""

    def __init__(self, now):
        self._now = now
        self._lock = threading.Lock()
        self._logins = {}
        self._expiry = {}

    def log_in(self, body):
        """Somebody has logged in: client_id, client_secret, refresh_token, access_token, its end
        `expires`, `seconds` for the tokens after it, and `grace`."""
        login = Login(
            body["client_id"], body["client_secret"], body["refresh_token"], float(body["seconds"]),
            bool(body["grace"]),
        )  # fmt: skip
        with self._lock:
            self._logins[login.client_id] = login
            self._expiry[body["access_token"]] = (login, float(body["expires"]))

    def log_out(self, body):
        """A login is over at once: body has its client_id. KeyError if there is none."""
        with self._lock:
            self._logins[body["client_id"]].is_over = True

    def is_valid(self, access_token):
        """Whether the portal may serve whoever shows this."""
        with self._lock:
            login, expires = self._expiry.get(access_token, (None, 0))
            return login is not None and not login.is_over and self._now() < expires

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
            if not login.takes(body["refreshToken"]):
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
