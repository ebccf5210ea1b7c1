# SPDX-License-Identifier: MIT
"""A client of the AWS services that sends exactly one request: it does not retry, follow redirects or limit the
response. botocore signs the request for the time that the caller gives. The lab's own tests use this client, and other
tests use it as a control.

    reply = sts(lab, lab.principals["etl-base"], Action="GetCallerIdentity")
    assert reply.status == 200 and reply.text("Arn").endswith("user/etl-base")
"""
import http.client
import json
import time
import urllib.parse
from typing import NamedTuple
from xml.etree import ElementTree

import plain_botocore  # noqa: F401
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from fixture import Keys
from sts import NAMESPACE, VERSION

TIMEOUT_SECONDS = 60
HOST = "sts.us-east-1.amazonaws.com"


class Reply(NamedTuple):
    status: int
    headers: dict
    body: bytes

    def text(self, name):
        """The text of the first XML element with this name, or None."""
        found = ElementTree.fromstring(self.body).findall(f".//{{{NAMESPACE}}}{name}")
        return found[0].text if found else None

    def json(self):
        return json.loads(self.body)

    def keys(self):
        """The credentials in an STS response, in the form that Lab.token() accepts."""
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        return Keys(*(self.text(name) for name in names))


def ask(lab, method, path, headers=None, body=None, timeout=TIMEOUT_SECONDS):
    """Sends one request to the HTTP port of the lab's AWS services. Raises OSError and HTTPException."""
    address = urllib.parse.urlsplit(lab.cloud_http)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, found, response.read())
    finally:
        connection.close()


def sts(lab, keys, host=HOST, region="us-east-1", service="sts", at=None, change=None, **parameters):
    """Sends one request to STS. If keys is None, the request is not signed. change(request) may alter the request after
    it is signed."""
    fields = {"Version": VERSION, **parameters}
    request = AWSRequest(
        method="POST",
        url=f"https://{host}/",
        data=urllib.parse.urlencode(fields).encode(),
        headers={
            "Host": host, "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        },
    )  # fmt: skip
    if keys is not None:
        _sign(request, keys, service, region, time.time() if at is None else at)
    if change is not None:
        change(request)
    return ask(lab, "POST", "/", dict(request.headers.items()), request.data)


def _sign(request, keys, service, region, at):
    credentials = Credentials(keys.access_key, keys.secret_key, keys.session_token)
    signer = SigV4Auth(credentials, service, region)
    # add_auth() does these steps too, but always uses the current time.
    request.context["timestamp"] = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    signer._modify_request_before_signing(request)
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(to_sign, request))


def tags(transitive=(), **pairs):
    """The request parameters of session tags."""
    found = {}
    for number, (key, value) in enumerate(pairs.items(), 1):
        found[f"Tags.member.{number}.Key"] = key
        found[f"Tags.member.{number}.Value"] = value
    for number, key in enumerate(transitive, 1):
        found[f"TransitiveTagKeys.member.{number}"] = key
    return found
