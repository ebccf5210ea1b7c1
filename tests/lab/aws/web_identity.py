# SPDX-License-Identifier: MIT
"""Web identity tokens, which the OpenID Connect provider of a cluster gives to the cluster's pods. python3-jwt signs
them with RS256. The provider's key is made together with the lab's certificates.

mint() makes a token, as the provider does; check() verifies it, as STS does. This module does not decide which role the
sender of a token may assume.
"""
import pathlib
import time

import jwt

from exchange import AwsError

ALGORITHM = "RS256"
KEY_ID = "lab-1"


def mint(key_file, provider, subject, audience="sts.amazonaws.com", expires=None, **claims):
    """A token that is valid until `expires` (seconds since the epoch; None: in one hour)."""
    now = int(time.time())
    content = {
        "iss": f"https://{provider}",
        "sub": subject,
        "aud": [audience],
        "iat": now,
        "exp": int(expires if expires is not None else now + 3600),
        **claims,
    }
    key = pathlib.Path(key_file).read_text(encoding="ascii")
    return jwt.encode(content, key, ALGORITHM, headers={"kid": KEY_ID})


def check(token, public_key, cloud, now):
    """Returns the token's claims, or raises AwsError. cloud is the fixture's."""
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        kid = jwt.get_unverified_header(token).get("kid")
    except jwt.InvalidTokenError:
        raise _invalid("The ID Token provided is not a valid JWT.") from None
    if issuer != f"https://{cloud.provider}":
        raise _invalid(f"No OpenIDConnect provider found in your account for {issuer}")
    if kid != KEY_ID:
        raise _invalid("Couldn't retrieve verification key from your identity provider")
    # The times and the audience are checked below, because the lab has its own clock.
    options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}
    options["require"] = ["exp", "iat", "sub", "aud"]
    try:
        claims = jwt.decode(token, public_key, [ALGORITHM], options)
    except jwt.InvalidTokenError as error:
        raise _invalid("The ID Token provided is not valid.", str(error)) from None
    if now >= claims["exp"]:
        raise AwsError(
            400,
            "ExpiredTokenException",
            f"Token expired: current date/time {int(now)} must be before the expiration date/time "
            f"{claims['exp']}",
        )
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if not set(audiences) & set(cloud.audiences):
        raise _invalid("Incorrect token audience")
    claims["aud"] = next(each for each in audiences if each in cloud.audiences)
    return claims


def _invalid(message, detail=""):
    return AwsError(400, "InvalidIdentityToken", message, detail)
