# SPDX-License-Identifier: MIT
"""Makes tokens of RDS and Aurora DSQL with botocore. The arguments decide whether a token is valid.

Only botocore's code makes a token. No code of the product or of the lab takes part, so a token of this module is what
an AWS SDK would give to the client.
"""
import time

import plain_botocore  # noqa: F401
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

LIFE_SECONDS = 900


def mint(principal, host, port, user, region, at=None, life=LIFE_SECONDS, service="rds-db"):
    """A token for user at host:port, signed at the time `at` (seconds since the epoch; None: now).

    principal has access_key, secret_key and session_token.
    """
    return _sign(principal, f"{host}:{port}", {"Action": "connect", "DBUser": user}, region, at, life, service)


def mint_dsql(principal, host, action, region, at=None, life=LIFE_SECONDS, service="dsql"):
    """A token of Aurora DSQL for an action, "DbConnect" or "DbConnectAdmin". It contains no port and no user. Debian 12's
    botocore has no method that makes such a token. Later releases have one, which uses the same signer as _sign()."""
    return _sign(principal, host, {"Action": action}, region, at, life, service)


def _sign(principal, host, parameters, region, at, life, service):
    credentials = Credentials(principal.access_key, principal.secret_key, principal.session_token)
    signer = SigV4QueryAuth(credentials, service, region, expires=life)
    request = AWSRequest(method="GET", url=f"https://{host}/", params=parameters)
    # add_auth() does these steps too, but always uses the current time.
    moment = time.gmtime(time.time() if at is None else at)
    request.context["timestamp"] = time.strftime("%Y%m%dT%H%M%SZ", moment)
    signer._modify_request_before_signing(request)
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(to_sign, request))
    return request.url.removeprefix("https://")
