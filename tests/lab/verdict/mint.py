# SPDX-License-Identifier: MIT
"""RDS tokens made by botocore, good ones and every kind of bad one.

None of the product's signing and none of the lab's own: a token from here is what an AWS SDK
would have given to the client.
"""
import time

import plain_botocore  # noqa: F401
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

LIFE_SECONDS = 900


def mint(principal, host, port, user, region, at=None, life=LIFE_SECONDS, service="rds-db"):
    """A token for user at host:port, signed at the given time (seconds of the epoch; now).

    principal has access_key, secret_key and session_token.
    """
    credentials = Credentials(principal.access_key, principal.secret_key, principal.session_token)
    signer = SigV4QueryAuth(credentials, service, region, expires=life)
    request = AWSRequest(
        method="GET",
        url=f"https://{host}:{port}/",
        params={"Action": "connect", "DBUser": user},
    )
    # add_auth() does these four steps, but only ever for the present time.
    moment = time.gmtime(time.time() if at is None else at)
    request.context["timestamp"] = time.strftime("%Y%m%dT%H%M%SZ", moment)
    signer._modify_request_before_signing(request)
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(to_sign, request))
    return request.url.removeprefix("https://")
