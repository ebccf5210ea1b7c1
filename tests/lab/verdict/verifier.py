# SPDX-License-Identifier: MIT
"""The verdict on one token: may this user log in to this database now, and if not, why?

botocore computes the signature again, and iam.py evaluates the policies. This module does not listen on a socket, read
a clock or store a record, because these are tasks of labd. A verdict never contains a token.

AWS documents what RDS checks, but not how strictly. This verifier accepts only what botocore writes, with the
parameters in any order, so a token that it accepts is certainly valid.
"""
import calendar
import hmac
import re
import time
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

import plain_botocore  # noqa: F401
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import iam
from principals import Principals, permits

# How far a client's clock may be ahead. Other AWS services allow this much; RDS documents no value.
FUTURE_TOLERANCE_SECONDS = 300

FIXED_PARAMETERS = {
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-SignedHeaders": "host",
}
FREE_PARAMETERS = {"X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Signature"}
OPTIONAL_PARAMETERS = {"X-Amz-Security-Token"}


class Form(NamedTuple):
    """What distinguishes the tokens of a service. life_max is the longest life that the service documents, in
    seconds."""

    host: str
    actions: tuple
    parameters: frozenset
    life_max: int


FORMS = {
    "rds-db": Form(r"[A-Za-z0-9.-]+:[0-9]{1,5}", ("connect",), frozenset({"DBUser"}), 900),
    "dsql": Form(r"[A-Za-z0-9.-]+", ("DbConnect", "DbConnectAdmin"), frozenset(), 604800),
}


class Verdict(NamedTuple):
    """reason is a fixed word such as "Expired", or None if the login is accepted. principal is the name of the access
    key's owner, or None if the key is unknown. signed_at is the token's date, or None if the token has none."""

    reason: str
    detail: str
    principal: str = None
    signed_at: int = None

    @property
    def accepted(self):
        return self.reason is None


class Refused(Exception):
    """Carries a Verdict out of the checks."""

    def __init__(self, reason, detail):
        super().__init__(reason)
        self.verdict = Verdict(reason, detail)


@dataclass
class Claim:
    """The fields of a well-formed token. They are not verified yet."""

    address: str
    parameters: dict
    signed_at: int
    life: int
    access_key: str
    day: str
    region: str
    service: str

    @property
    def user(self):
        """The database user, or None if tokens of this service contain none."""
        return self.parameters.get("DBUser")

    @property
    def session_token(self):
        return self.parameters.get("X-Amz-Security-Token")


class Verifier:
    """Verifies tokens for the databases of one fixture.

    ports maps an engine to its port and may be filled later. now() returns seconds since the epoch. principals
    defaults to those of the fixture. is_expired(second) returns true if a token that was signed at this second has
    expired, although its own expiry is later. iam_off contains the engines for which IAM authentication is disabled.
    """

    def __init__(self, fixture, ports, now=time.time, principals=None, is_expired=lambda _: False,
                 iam_off=()):
        self._databases = {
            entry.resource_id: entry for entry in (*fixture.databases.values(), fixture.dsql)
        }
        self._principals = principals or Principals(fixture, now)
        self._ports = ports
        self._now = now
        self._is_expired = is_expired
        self._iam_off = iam_off
        for principal in fixture.principals.values():
            for policy in principal.policies:
                iam.statements(policy)

    def engine(self, resource_id):
        """The name of the database's engine, or "unknown"."""
        database = self._databases.get(resource_id)
        return database.engine if database else "unknown"

    def verify(self, resource_id, user, token):
        """Returns the Verdict on a token (bytes) that was sent as the user's password."""
        name = signed_at = None
        try:
            database = self._databases[resource_id]
            claim = parse(token, FORMS[database.service])
            signed_at = claim.signed_at
            principal = self._principals.find(claim.access_key)
            name = principal and principal.name
            self._check(database, user, claim, principal)
        except Refused as refused:
            return refused.verdict._replace(principal=name, signed_at=signed_at)
        return Verdict(None, "", name, signed_at)

    def _check(self, database, user, claim, principal):
        if database.engine in self._iam_off:
            raise Refused("IamOff", f"IAM authentication is disabled for {database.engine}")
        self._check_target(database, user, claim)
        _check_keys(principal, claim)
        _check_signature(principal, claim)
        self._check_time(principal, claim)
        arn = database.user_arn(user)
        if principal.account != database.account:
            raise Refused("AccessDenied", f"{principal.name} is not in account {database.account}")
        action = database.permission(user)
        answer = permits(principal, action, arn)
        if answer != iam.ALLOW:
            raise Refused("AccessDenied", f"{answer}: {principal.name} {action} on {arn}")
        role = getattr(principal, "role", None)
        if not database.is_granted(user, role.arn if role else principal.arn):
            raise Refused("AccessDenied", f"the database has no grant of {user} to {principal.name}")

    def _check_target(self, database, user, claim):
        expected = database.addresses(self._ports.get(database.engine))
        if claim.address not in expected:
            raise Refused("WrongHost", f"signed for {claim.address}, sent to {expected[0]}")
        if claim.user not in (None, user):
            raise Refused("WrongUser", f"signed for {claim.user!r}, the login is for {user!r}")
        action = database.permission(user).partition(":")[2]
        if claim.parameters["Action"] != action:
            raise Refused("WrongAction", f"signed for {claim.parameters['Action']}, {user} needs {action}")
        if (claim.service, claim.region) != (database.service, database.region):
            raise Refused(
                "WrongScope",
                f"the scope is {claim.region}/{claim.service}, "
                f"the database needs {database.region}/{database.service}",
            )

    def _check_time(self, principal, claim):
        now = self._now()
        age = now - claim.signed_at
        if age < -FUTURE_TOLERANCE_SECONDS:
            raise Refused("NotYetValid", f"signed {-age:.0f} s in the future")
        if self._is_expired(claim.signed_at):
            raise Refused("Expired", f"signed {age:.1f} s ago, past the end that was set for tokens")
        if age > claim.life:
            raise Refused("Expired", f"signed {age:.0f} s ago, valid for {claim.life} s")
        if principal.expires is not None and now >= principal.expires:
            raise Refused("Expired", f"the credentials of {principal.name} have expired")


def parse(token, form):
    """Parses a token of a form into a Claim. Raises Refused with "Malformed"."""
    try:
        text = token.decode("ascii")
    except UnicodeDecodeError:
        raise Refused("Malformed", "not ASCII") from None
    # Not parsed by urllib, which removes tabs and newlines: a token that contains them is malformed.
    address, found, query = text.partition("/?")
    if not found or not re.fullmatch(form.host, address):
        raise Refused("Malformed", f"not of the form {form.host}/?query")
    parameters = _parameters(query, form)
    credential = parameters["X-Amz-Credential"].split("/")
    if len(credential) != 5 or credential[4] != "aws4_request":
        raise Refused("Malformed", "X-Amz-Credential is not key/day/region/service/aws4_request")
    access_key, day, region, service, _ = credential
    if day != parameters["X-Amz-Date"][:8]:
        raise Refused("Malformed", "X-Amz-Credential and X-Amz-Date name different days")
    return Claim(
        address=address,
        parameters=parameters,
        signed_at=_moment(parameters["X-Amz-Date"]),
        life=_life(parameters["X-Amz-Expires"], form.life_max),
        access_key=access_key,
        day=day,
        region=region,
        service=service,
    )


def _parameters(query, form):
    parameters = {}
    for pair in query.split("&"):
        name, _, encoded = pair.partition("=")
        try:
            value = unquote_to_bytes(encoded).decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("Malformed", "a parameter is not UTF-8") from None
        if name in parameters:
            raise Refused("Malformed", "a parameter is given twice")
        # Only one encoding is accepted; otherwise %2f would be accepted where %2F was signed.
        if encoded != quote(value, safe="-_.~"):
            raise Refused("Malformed", "a parameter is not encoded as SigV4 encodes")
        parameters[name] = value
    required = FREE_PARAMETERS | set(FIXED_PARAMETERS) | form.parameters | {"Action"}
    missing = required - set(parameters)
    if missing:
        raise Refused("Malformed", "missing " + ", ".join(sorted(missing)))
    if set(parameters) - required - OPTIONAL_PARAMETERS:
        raise Refused("Malformed", "a parameter that is not part of a token")
    for name, value in FIXED_PARAMETERS.items():
        if parameters[name] != value:
            raise Refused("Malformed", f"{name} is not {value}")
    if parameters["Action"] not in form.actions:
        raise Refused("Malformed", f"Action is not {' or '.join(form.actions)}")
    return parameters


def _moment(text):
    try:
        if not re.fullmatch(r"[0-9]{8}T[0-9]{6}Z", text):
            raise ValueError(text)
        return calendar.timegm(time.strptime(text, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise Refused("Malformed", "X-Amz-Date is not a time") from None


def _life(text, most):
    if not re.fullmatch(r"[1-9][0-9]{0,9}", text) or int(text) > most:
        raise Refused("Malformed", f"X-Amz-Expires is not in 1 to {most}")
    return int(text)


def _check_keys(principal, claim):
    if principal is None:
        raise Refused("InvalidClientTokenId", "no such access key")
    if claim.session_token != principal.session_token:
        wrong = "unexpected" if principal.session_token is None else "missing or wrong"
        raise Refused("InvalidClientTokenId", f"{wrong} security token")


def _check_signature(principal, claim):
    """Compares the token's signature with the one that botocore computes. botocore encodes and sorts the decoded
    parameters again, so the token's own encoding and order have no influence."""
    credentials = Credentials(principal.access_key, principal.secret_key, principal.session_token)
    signer = SigV4QueryAuth(credentials, claim.service, claim.region)
    signed = {
        name: value for name, value in claim.parameters.items() if name != "X-Amz-Signature"
    }
    request = AWSRequest(method="GET", url=f"https://{claim.address}/", params=signed)
    request.context["timestamp"] = claim.parameters["X-Amz-Date"]
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    expected = signer.signature(to_sign, request)
    if not hmac.compare_digest(expected, claim.parameters["X-Amz-Signature"]):
        raise Refused("SignatureDoesNotMatch", "the signature is not the one computed here")
