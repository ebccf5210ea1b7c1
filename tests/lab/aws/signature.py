# SPDX-License-Identifier: MIT
"""Determines which principal signed a request with Signature Version 4, from the Authorization header. To check the
signature, this module makes botocore compute the signature of the same request.

The order of the checks and most messages are those of STS, as far as aws-cli#6676 and boto3 show them. AWS does not
document all of them. Comments mark the messages that are not from STS.
"""
import calendar
import hashlib
import hmac
import re
import time
from dataclasses import dataclass

from exchange import AwsError

ALGORITHM = "AWS4-HMAC-SHA256"
TOLERANCE_SECONDS = 300
AUTHORIZATION = re.compile(
    ALGORITHM + r" +Credential=(?P<credential>[^, ]+), *SignedHeaders=(?P<headers>[^, ]+), *"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
INVALID_TOKEN = "The security token included in the request is invalid."
NO_MATCH = (
    "The request signature we calculated does not match the signature you provided. Check your "
    "AWS Secret Access Key and signing method. Consult the service documentation for details."
)


@dataclass
class Claim:
    """The fields of the Authorization header, and `date` from the header x-amz-date."""

    access_key: str
    day: str
    region: str
    service: str
    signed_headers: list
    signature: str
    date: str


def verify(request, principals, service, regions, now):
    """Returns the principal that signed the request, and the region of its scope. Raises AwsError.

    regions contains the regions that are valid for the host name of the request.
    """
    claim = parse(request)
    request.caller = claim.access_key
    _check_scope(claim, service, regions)
    principal = principals.find(claim.access_key)
    if principal is None:
        raise AwsError(403, "InvalidClientTokenId", INVALID_TOKEN, "no such access key")
    if request.header("x-amz-security-token") != principal.session_token:
        raise AwsError(403, "InvalidClientTokenId", INVALID_TOKEN, "wrong or missing session token")
    _check_signature(request, claim, principal)
    _check_time(claim, now)
    if principal.expires is not None and now >= principal.expires:
        raise AwsError(
            403, "ExpiredToken", "The security token included in the request is expired"
        )
    return principal, claim.region


def parse(request):
    """Returns the Claim of a request. Raises AwsError if Authorization or x-amz-date is missing or malformed."""
    authorization = request.header("authorization")
    if authorization is None:
        raise AwsError(
            403, "MissingAuthenticationToken", "Request is missing Authentication Token"
        )
    found = AUTHORIZATION.fullmatch(authorization)
    if not found:
        # Not the message of STS, which names each missing field.
        raise _incomplete("Authorization header is not of the form that Signature Version 4 has.")
    credential = found["credential"].split("/")
    if len(credential) != 5 or credential[4] != "aws4_request":
        raise _incomplete("Credential must have exactly 5 slash-delimited elements.")
    date = request.header("x-amz-date") or ""
    try:
        _moment(date)
    except ValueError:
        raise _incomplete(
            f"Date must be in ISO-8601 'basic format'. Got '{date}'."
        ) from None
    return Claim(*credential[:4], found["headers"].split(";"), found["signature"], date)


def _incomplete(message):
    return AwsError(403, "IncompleteSignature", message)


def _moment(date):
    if not re.fullmatch(r"[0-9]{8}T[0-9]{6}Z", date):
        raise ValueError(date)
    return calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))


def _check_scope(claim, service, regions):
    code = "SignatureDoesNotMatch"
    if claim.service != service:
        raise AwsError(403, code, f"Credential should be scoped to correct service: '{service}'.")
    if claim.region not in regions:
        raise AwsError(
            403, code, "Credential should be scoped to a valid region.",
            f"the scope has the region {claim.region}; this host name is valid for {', '.join(regions)}",
        )  # fmt: skip
    if claim.day != claim.date[:8]:
        raise AwsError(
            403, code,
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{claim.day}' != '{claim.date[:8]}', from '{claim.date}'.",
        )  # fmt: skip


def _check_signature(request, claim, principal):
    sent = {name.lower() for name, _ in request.headers}
    required = {"host"} | {name for name in sent if name.startswith("x-amz-")}
    required |= sent & {"content-type"}
    unsigned = sorted(required - set(claim.signed_headers))
    if unsigned:
        raise AwsError(403, "SignatureDoesNotMatch", NO_MATCH, f"not signed: {', '.join(unsigned)}")
    absent = sorted(set(claim.signed_headers) - sent)
    if absent or claim.signed_headers != sorted(set(claim.signed_headers)):
        raise AwsError(403, "SignatureDoesNotMatch", NO_MATCH, "SignedHeaders: absent or unsorted")
    body_hash = request.header("x-amz-content-sha256")
    if body_hash is not None and body_hash != hashlib.sha256(request.body).hexdigest():
        raise AwsError(403, "SignatureDoesNotMatch", NO_MATCH, "x-amz-content-sha256 is not the body's")
    if not hmac.compare_digest(_expected(request, claim, principal), claim.signature):
        raise AwsError(403, "SignatureDoesNotMatch", NO_MATCH, "botocore computes another signature for this request")


def _expected(request, claim, principal):
    """Returns the signature that botocore computes for the request, with the signed headers that the claim names."""
    # Imported here, because importing botocore takes as long as starting the lab's two database servers.
    import plain_botocore  # noqa: F401
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.compat import HTTPHeaders
    from botocore.credentials import Credentials

    class Signer(SigV4Auth):
        def headers_to_sign(self, _):
            headers = HTTPHeaders()
            for name, value in request.headers:
                if name.lower() in claim.signed_headers:
                    headers[name.lower()] = value
            return headers

    replica = AWSRequest(
        method=request.method,
        url=f"https://{request.header('host')}{request.target}",
        headers=dict(request.headers),
        data=request.body,
    )
    replica.context["timestamp"] = claim.date
    replica.context["payload_signing_enabled"] = True
    credentials = Credentials(principal.access_key, principal.secret_key, principal.session_token)
    signer = Signer(credentials, claim.service, claim.region)
    return signer.signature(
        signer.string_to_sign(replica, signer.canonical_request(replica)), replica
    )


def _check_time(claim, now):
    age = int(now) - _moment(claim.date)
    now_text = _text(now)
    if age > TOLERANCE_SECONDS:
        raise AwsError(
            403, "SignatureDoesNotMatch",
            f"Signature expired: {claim.date} is now earlier than {_text(now - TOLERANCE_SECONDS)} "
            f"({now_text} - 5 min.)",
        )  # fmt: skip
    if age < -TOLERANCE_SECONDS:
        raise AwsError(
            403, "SignatureDoesNotMatch",
            f"Signature not yet current: {claim.date} is still later than "
            f"{_text(now + TOLERANCE_SECONDS)} ({now_text} + 5 min.)",
        )  # fmt: skip


def _text(moment):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))
