# SPDX-License-Identifier: MIT
"""The lab's Security Token Service: AssumeRole and AssumeRoleWithWebIdentity, in XML.

The caller's signature is recomputed by botocore. A role's trust policy and the caller's own policy
must both allow the call. A session that is issued here is a principal that the database logins are
judged by. Not here: HTTP, and conditions other than the external id.
"""
import calendar
import dataclasses
import hmac
import re
import secrets
import time
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import iam
from fixture import Principal

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
SKEW_SECONDS = 300  # STS's own words say 5 or 15 minutes; the stricter one
CHAINED_MAX_SECONDS = 3600
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/sts/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})")


class StsError(Exception):
    """What STS answers when it says no."""

    def __init__(self, status, code, message):
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


def denied(message):
    return StsError(403, "AccessDenied", message)


class Sts:
    """admit(principal) makes an issued session known to the verifier."""

    def __init__(self, fixture, now, admit):
        self._roles = {role.arn: role for role in fixture.roles.values()}
        self._principals = {entry.access_key: entry for entry in fixture.principals.values()}
        self._now = now
        self._admit = admit
        self.web_identity_token = secrets.token_urlsafe(48)

    def call(self, headers, body):
        """(status, XML, caller's access key or None, operation) of one request."""
        form = {name: values[0] for name, values in parse_qs(body.decode(), True).items()}
        operation = form.get("Action", "")
        key = (AUTHORIZATION.fullmatch(headers.get("Authorization", "")) or [None, None])[1]
        try:
            if operation == "AssumeRole":
                xml = self._assume_role(self._authenticate(headers, body), form)
            elif operation == "AssumeRoleWithWebIdentity":
                xml = self._web_identity(form)
            else:
                raise StsError(400, "InvalidAction", f"Could not find operation {operation}")
        except StsError as error:
            return error.status, _error_xml(error), key, operation
        return 200, xml, key, operation

    def _authenticate(self, headers, body):
        found = AUTHORIZATION.fullmatch(headers.get("Authorization", ""))
        if not found:
            raise StsError(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
        key, day, region, names, signature = found.groups()
        principal = self._principals.get(key)
        if principal is None or headers.get("X-Amz-Security-Token") != principal.session_token:
            raise StsError(
                403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        date = headers.get("X-Amz-Date", "")
        self._check_date(date)
        expected = _signature(principal, region, headers, names.split(";"), date, body)
        if day != date[:8] or not hmac.compare_digest(expected, signature):
            raise StsError(
                403, "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.")
        if principal.expires is not None and self._now() >= principal.expires:
            raise StsError(403, "ExpiredToken", "The security token included in the request is expired")
        return principal

    def _check_date(self, date):
        try:
            signed = calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
        except ValueError:
            raise StsError(400, "IncompleteSignature", "Date must be in ISO-8601") from None
        if abs(self._now() - signed) > SKEW_SECONDS:
            late = self._now() > signed
            raise StsError(
                403, "SignatureDoesNotMatch",
                f"Signature {'expired' if late else 'not yet current'}: {date} is now "
                f"{'earlier' if late else 'later'} than {_basic(self._now())} (5 min.)")

    def _assume_role(self, caller, form):
        role = self._roles.get(form.get("RoleArn", ""))
        actions = ["sts:AssumeRole"]
        if any(name.startswith("Tags.member.") for name in form):
            actions.append("sts:TagSession")
        for action in actions:
            allowed = role is not None and iam.evaluate(
                caller.policies, action, role.arn) == iam.ALLOW
            if not allowed or not _trusts(role, caller, action, form.get("ExternalId")):
                raise denied(
                    f"User: {caller.arn} is not authorized to perform: {action} on resource: "
                    f"{form.get('RoleArn')}")
        duration = self._duration(role, caller, form)
        return self._issue(role, form, duration, "AssumeRole")

    def _web_identity(self, form):
        role = self._roles.get(form.get("RoleArn", ""))
        if form.get("WebIdentityToken") != self.web_identity_token:
            raise StsError(400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account")
        if role is None:
            raise denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
        return self._issue(role, form, int(form.get("DurationSeconds", 3600)), "AssumeRoleWithWebIdentity")

    @staticmethod
    def _duration(role, caller, form):
        duration = int(form.get("DurationSeconds", 3600))
        if caller.assumed_arn and duration > CHAINED_MAX_SECONDS:
            raise StsError(
                400, "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
                "role chaining")
        if not 900 <= duration <= role.max_session:
            raise StsError(
                400, "ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
        return duration

    def _issue(self, role, form, duration, operation):
        session = form.get("RoleSessionName", "")
        if not SESSION_NAME.fullmatch(session):
            raise StsError(400, "ValidationError", "RoleSessionName is not valid")
        principal = Principal(
            name=f"{role.name}/{session}",
            account=role.account,
            access_key="ASIA" + secrets.token_hex(8).upper(),
            secret_key=secrets.token_urlsafe(30),
            session_token=secrets.token_urlsafe(900),
            expires=self._now() + duration,
            policies=role.policies,
            assumed_arn=role.session_arn(session),
        )
        self._principals[principal.access_key] = principal
        self._admit(principal)
        return _issued_xml(principal, operation)

    def machine(self, role, life):
        """Credentials of an instance or a container: a session that nobody assumed."""
        principal = Principal(
            name=f"{role.name}/i-0123", account=role.account,
            access_key="ASIA" + secrets.token_hex(8).upper(), secret_key=secrets.token_urlsafe(30),
            session_token=secrets.token_urlsafe(900), expires=self._now() + life,
            policies=role.policies, assumed_arn=role.session_arn("i-0123"))
        self._principals[principal.access_key] = principal
        # A metadata service in an outage hands out what has ended, and AWS goes on taking it.
        self._admit(dataclasses.replace(principal, expires=self._now() + max(life, 3600)))
        return principal


def _signature(principal, region, headers, names, date, body):
    credentials = Credentials(principal.access_key, principal.secret_key, principal.session_token)
    request = AWSRequest(
        method="POST", url=f"https://{headers['Host']}/", data=body,
        headers={name: headers.get(name, "") for name in names})
    request.context["timestamp"] = date
    signer = SigV4Auth(credentials, "sts", region)
    return signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)


def _trusts(role, caller, action, external_id):
    """Trust statements: a principal, actions, and at most the condition on the external id."""
    for statement in role.trust:
        known = {"Effect", "Principal", "Action", "Condition"}
        if set(statement) - known or statement["Effect"] != "Allow":
            raise iam.PolicyError(f"the trust policy of {role.name} is not understood")
        trusted = _as_list(statement["Principal"]["AWS"])
        base_arn = re.sub(r":sts:(.*):assumed-role/([^/]+)/.*", r":iam:\1:role/\2", caller.arn)
        condition = statement.get("Condition", {"StringEquals": {"sts:ExternalId": external_id}})
        if base_arn in trusted and action in _as_list(statement["Action"]) and condition == {
                "StringEquals": {"sts:ExternalId": external_id}}:
            return True
    return False


def _as_list(value):
    return value if isinstance(value, list) else [value]


def _basic(moment):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))


def _issued_xml(principal, operation):
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(principal.expires))
    return (
        f'<{operation}Response xmlns="{NAMESPACE}"><{operation}Result><AssumedRoleUser>'
        f"<AssumedRoleId>AROALAB:x</AssumedRoleId><Arn>{escape(principal.arn)}</Arn></AssumedRoleUser>"
        f"<Credentials><AccessKeyId>{principal.access_key}</AccessKeyId>"
        f"<SecretAccessKey>{principal.secret_key}</SecretAccessKey>"
        f"<SessionToken>{principal.session_token}</SessionToken><Expiration>{expires}</Expiration>"
        f"</Credentials></{operation}Result><ResponseMetadata><RequestId>r</RequestId>"
        f"</ResponseMetadata></{operation}Response>\n")


def _error_xml(error):
    return (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{error.code}</Code>'
        f"<Message>{escape(error.message)}</Message></Error><RequestId>r</RequestId></ErrorResponse>\n")
