# SPDX-License-Identifier: MIT
"""STS: parses requests of the query protocol and writes responses in XML.

It supports AssumeRole, AssumeRoleWithWebIdentity and GetCallerIdentity. assume.py decides who may assume a role;
signature.py determines who sent a request.
"""
import re
import time
import uuid
from xml.etree import ElementTree

import parameters as query
import signature
from exchange import Answer, AwsError

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
VERSION = "2011-06-15"
SERVICE = "sts"
GLOBAL_REGION = "us-east-1"

HOST = re.compile(
    r"sts(-fips)?(\.(?P<region>[a-z0-9-]+))?"
    r"\.(amazonaws\.com|amazonaws\.com\.cn|api\.aws|api\.amazonwebservices\.com\.cn)"
)
PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


class Sts:
    """Serves requests. roles decides who may assume a role."""

    def __init__(self, cloud, principals, roles, now):
        self._cloud = cloud
        self._principals = principals
        self._roles = roles
        self._now = now
        self._operations = {
            "AssumeRole": self._assume_role,
            "AssumeRoleWithWebIdentity": self._assume_role_with_web_identity,
            "GetCallerIdentity": self._get_caller_identity,
        }

    def operation(self, request):
        """The name of the requested operation, or "none" if the request does not name one."""
        found = re.search(r"(?:^|&)Action=(\w+)", request.body.decode("latin-1") or request.query)
        return found[1] if found else "none"

    def serve(self, request):
        parameters = query.decode(request)
        request.parameters = query.without_secrets(parameters)
        operation = parameters.get("Action", "")
        if parameters.get("Version") != VERSION or operation not in self._operations:
            raise AwsError(
                400,
                "InvalidAction",
                f"Could not find operation {operation} for version {parameters.get('Version')}",
            )
        result = self._operations[operation](request, parameters)
        return document(f"{operation}Response", [
            (f"{operation}Result", result), ("ResponseMetadata", [("RequestId", None)]),
        ])  # fmt: skip

    def error(self, status, code, message):
        """An Answer in the form of STS's errors."""
        blame = "Sender" if status < 500 else "Receiver"
        error = [("Type", blame), ("Code", code), ("Message", message)]
        return document("ErrorResponse", [("Error", error), ("RequestId", None)], status)

    def _get_caller_identity(self, request, parameters):
        caller = self._caller(request)
        query.check(parameters, (), ())
        return [("Arn", caller.arn), ("UserId", caller.user_id), ("Account", caller.account)]

    def _assume_role(self, request, parameters):
        caller = self._caller(request)
        session, packed = self._roles.assume(caller, parameters)
        request.issued = session.access_key
        result = _session(session)
        if session.source_identity:
            result.append(("SourceIdentity", session.source_identity))
        return [*result, ("PackedPolicySize", str(packed))]

    def _assume_role_with_web_identity(self, request, parameters):
        self._check_region(_regions(request, self._cloud)[0], self._cloud.provider_account)
        session, packed, claims = self._roles.assume_with_web_identity(parameters)
        request.issued = session.access_key
        return [
            *_session(session),
            ("SubjectFromWebIdentityToken", claims["sub"]),
            ("Audience", claims["aud"]),
            ("Provider", self._cloud.provider_arn),
            ("PackedPolicySize", str(packed)),
        ]

    def _caller(self, request):
        regions = _regions(request, self._cloud)
        caller, region = signature.verify(
            request, self._principals, SERVICE, regions, self._now()
        )
        prefix = next((each for each in PARTITIONS if region.startswith(each)), None)
        if caller.partition != PARTITIONS.get(prefix, "aws"):
            raise AwsError(
                403,
                "InvalidClientTokenId",
                signature.INVALID_TOKEN,
                f"{caller.partition} keys in {region}",
            )
        self._check_region(region, caller.account)
        return caller

    def _check_region(self, region, account):
        if region in self._cloud.disabled_regions:
            raise AwsError(
                403,
                "RegionDisabledException",
                f"STS is not activated in this region for account:{account}. Your account "
                "administrator can activate STS in this region using the IAM Console.",
            )


def document(root, content, status=200, namespace=NAMESPACE):
    """Returns an XML Answer. content is a list of (name, text or another such list). Generates the RequestId."""
    request_id = str(uuid.uuid4())
    element = ElementTree.Element(root, xmlns=namespace)
    _append(element, content, request_id)
    ElementTree.indent(element)
    body = ElementTree.tostring(element, encoding="unicode") + "\n"
    headers = (("x-amzn-RequestId", request_id),)
    return Answer(status, "text/xml", body.encode(), headers)


def _append(element, content, request_id):
    for name, value in content:
        child = ElementTree.SubElement(element, name)
        if name == "RequestId":
            child.text = request_id
        elif isinstance(value, str):
            child.text = value
        else:
            _append(child, value, request_id)


def _session(session):
    """The elements that the responses of both AssumeRole operations contain."""
    expiration = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(session.expires))
    return [
        ("AssumedRoleUser", [("AssumedRoleId", session.user_id), ("Arn", session.arn)]),
        ("Credentials", [
            ("AccessKeyId", session.access_key),
            ("SecretAccessKey", session.secret_key),
            ("SessionToken", session.session_token),
            ("Expiration", expiration),
        ]),
    ]  # fmt: skip


def _regions(request, cloud):
    """The regions that the scope of a request to this host may name. A host that is not a host name of AWS, such as
    the loopback address, allows all regions."""
    found = HOST.fullmatch(request.host)
    if not found:
        return cloud.regions
    return (found["region"] or GLOBAL_REGION,)
