# SPDX-License-Identifier: MIT
"""AWS's sign-in service: the logins by `aws login`, and CreateOAuth2Token with a refresh token.

As with SSO (oidc.py), a test registers a login. A refresh token can be used once; with `grace`, it is valid until the
client uses its successor. Each request carries a proof that its sender has the session's key (DPoP, RFC 9449).
python3-jwt verifies the proof's signature; this module checks the rest of it.
"""
import json
import secrets
import threading
from dataclasses import dataclass, field

import jwt
from exchange import AwsError, json_answer
from jwt.algorithms import ECAlgorithm
from principals import Grant

PATH = "/v1/token"
NEEDED = ("clientId", "grantType", "refreshToken")
SERVICE = "signin.amazonaws.com"
# The maximum difference between the proof's time and the lab's clock.
PROOF_SECONDS = 60


@dataclass
class Login:
    """One login. key is the public key of the session as a JWK. proofs are the ids (jti) of the proofs used so far."""

    client_id: str
    refresh_token: str
    key: dict
    role: str
    user: str
    seconds: float
    grace: bool = False
    has_ended: bool = False
    previous: str = ""
    proofs: set = field(default_factory=set)


class Signin:
    """The sign-in service. Thread-safe."""

    def __init__(self, fixture, roles, now):
        self._fixture = fixture
        self._roles = roles
        self._now = now
        self._lock = threading.Lock()
        self._by_token = {}

    def log_in(self, body):
        """Registers a login. body contains the attributes of Login."""
        self._fixture.roles[body["role"]]  # KeyError: there is no such role
        with self._lock:
            self._by_token[body["refresh_token"]] = Login(**body)

    def log_out(self, body):
        """Ends the login with the body's refresh_token at once. Raises KeyError if no login has this token."""
        with self._lock:
            self._by_token[body["refresh_token"]].has_ended = True

    def operation(self, request):
        return "CreateOAuth2Token"

    def serve(self, request):
        if request.method != "POST":
            return self.error(405, "MethodNotAllowed", "only POST")
        try:
            body = json.loads(request.body)
        except ValueError:
            body = None
        if not isinstance(body, dict) or any(not isinstance(body.get(n), str) for n in NEEDED):
            raise AwsError(400, "INVALID_REQUEST", "a member is missing")
        claims, key = _proof(request.header("dpop"), self._now())
        request.parameters = {
            "members": sorted(body), "grantType": body["grantType"], "clientId": body["clientId"],
            "proof": sorted(claims), "htm": claims["htm"], "htu": claims["htu"],
        }  # fmt: skip
        url = f"http{'s' if request.tls else ''}://{request.header('host')}{request.path}"
        if body["grantType"] != "refresh_token" or (claims["htm"], claims["htu"]) != ("POST", url):
            raise AwsError(400, "INVALID_REQUEST", f"the proof is not for a POST to {url}")
        return self._renew(request, body, claims, key)

    def _renew(self, request, body, claims, key):
        with self._lock:
            login = self._by_token.get(body["refreshToken"])
            if login is None or login.has_ended or login.client_id != body["clientId"]:
                raise AwsError(401, "TOKEN_EXPIRED", "The session has ended")
            if login.key != key or claims["jti"] in login.proofs:
                raise AwsError(400, "INVALID_REQUEST", "the proof was made with another key, or was used before")
            login.proofs.add(claims["jti"])
            self._spend(login, body["refreshToken"])
            login.refresh_token = secrets.token_urlsafe(96)
            self._by_token[login.refresh_token] = login
        role = self._fixture.roles[login.role]
        session = self._roles.assume_as_service(SERVICE, role, Grant(login.user, login.seconds))
        request.issued = session.access_key
        return json_answer(200, {
            "accessToken": {
                "accessKeyId": session.access_key,
                "secretAccessKey": session.secret_key,
                "sessionToken": session.session_token,
            },
            "tokenType": "aws_sigv4",
            "expiresIn": int(login.seconds),
            "refreshToken": login.refresh_token,
        })  # fmt: skip

    def _spend(self, login, used):
        """Invalidates the login's other refresh token and, without grace, also the one that was used."""
        other = login.previous if used == login.refresh_token else login.refresh_token
        for token in (other,) if login.grace else (other, used):
            self._by_token.pop(token, None)
        login.previous = used

    def error(self, status, code, message):
        """An Answer in the form of sign-in's errors."""
        return json_answer(status, {"error": code, "message": message})


def _proof(token, now):
    """Verifies a proof. Returns its claims and the public key that it contains."""
    try:
        head = jwt.get_unverified_header(token)
        key = head["jwk"]
        if (head["typ"], head["alg"], set(key)) != ("dpop+jwt", "ES256", {"kty", "x", "y", "crv"}):
            raise ValueError("its header is not that of a DPoP proof")
        public = ECAlgorithm.from_jwk(json.dumps(key))
        claims = jwt.decode(
            token, public, algorithms=["ES256"],
            options={"require": ["htm", "htu", "iat", "jti"], "verify_iat": False},
        )  # fmt: skip
        if abs(claims["iat"] - now) > PROOF_SECONDS:
            raise ValueError("its time is too far from the current time")
    except (jwt.PyJWTError, ValueError, KeyError, TypeError) as error:
        raise AwsError(400, "INVALID_REQUEST", "the proof is not valid", str(error)) from None
    return claims, key
