# SPDX-License-Identifier: MIT
"""Writes dsql_tokens.json: tokens of Aurora DSQL that methods of a botocore client make.

    PYTHONPATH=DIRECTORY tests/python tests/vectors/generate_dsql_tokens.py [--print]

With --print, the program prints the text of the file and writes nothing. DIRECTORY contains botocore 1.35.74 or later;
earlier releases do not have these methods. The program calls them as AWS documents, but at a fixed time. The
intermediate values come from the signer that the methods use. For each row, the program also makes the token with the
signer alone, and compares both tokens.
"""
import json
import pathlib
import sys

import plain_botocore  # noqa: F401  (the C library writes the parameters in another order)
import botocore
import botocore.auth
import botocore.session
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

FILE = pathlib.Path(__file__).resolve().parent / "dsql_tokens.json"
ID = "abc0def1baz2quux3quuux4xyz"
KEYS = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SESSION_TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE/+=token=="
# name, host, user, region, session token, time
CASES = [
    ("a user", f"{ID}.dsql.us-east-1.on.aws", "app", "us-east-1", None, "2026-08-22T12:34:56Z"),
    ("admin", f"{ID}.dsql.us-east-1.on.aws", "admin", "us-east-1", None, "2026-08-22T12:34:56Z"),
    ("Admin, another user", f"{ID}.dsql.us-east-1.on.aws", "Admin", "us-east-1", None, "2026-08-22T12:34:56Z"),
    ("a user whose name begins with admin", f"{ID}.dsql.us-east-1.on.aws", "admin2", "us-east-1", None,
     "2026-08-22T12:34:56Z"),
    ("a user with characters that are encoded elsewhere", f"{ID}.dsql.us-east-1.on.aws", "a&b=/ \u00fc", "us-east-1",
     None, "2026-08-22T12:34:56Z"),
    ("a session", f"{ID}.dsql.us-east-1.on.aws", "app", "us-east-1", SESSION_TOKEN, "2026-08-22T12:34:56Z"),
    ("a session of admin", f"{ID}.dsql.us-east-1.on.aws", "admin", "us-east-1", SESSION_TOKEN,
     "2026-08-22T12:34:56Z"),
    ("another region", f"{ID}.dsql.ap-northeast-3.on.aws", "app", "ap-northeast-3", None, "2026-08-22T12:34:56Z"),
    ("PrivateLink", f"{ID}.dsql-fnh4.us-east-1.on.aws", "app", "us-east-1", None, "2026-08-22T12:34:56Z"),
    ("PrivateLink, admin", f"{ID}.dsql-fnh4.us-east-1.on.aws", "admin", "us-east-1", SESSION_TOKEN,
     "2026-08-22T12:34:56Z"),
    ("the last second of a year", f"{ID}.dsql.us-west-2.on.aws", "app", "us-west-2", None, "2026-12-31T23:59:59Z"),
    ("a leap day", f"{ID}.dsql.eu-west-1.on.aws", "admin", "eu-west-1", None, "2028-02-29T00:00:00Z"),
]


def token(host, user, region, session_token, timestamp):
    """The token that the method of botocore's client makes. To fix the time, this function replaces a method of the
    signer. The signer calls this method after it has read the clock, and uses the time later."""
    plain = botocore.auth.SigV4QueryAuth._modify_request_before_signing

    def with_timestamp(self, request):
        request.context["timestamp"] = timestamp
        plain(self, request)

    session = botocore.session.Session()
    client = session.create_client(
        "dsql", region_name=region, aws_access_key_id=KEYS[0], aws_secret_access_key=KEYS[1],
        aws_session_token=session_token)
    method = client.generate_db_connect_admin_auth_token if user == "admin" else client.generate_db_connect_auth_token
    botocore.auth.SigV4QueryAuth._modify_request_before_signing = with_timestamp
    try:
        return method(Hostname=host)
    finally:
        botocore.auth.SigV4QueryAuth._modify_request_before_signing = plain


def signing(host, user, region, session_token, timestamp):
    """The intermediate values and the token that the signer makes."""
    signer = botocore.auth.SigV4QueryAuth(Credentials(*KEYS, session_token), "dsql", region, expires=900)
    action = "DbConnectAdmin" if user == "admin" else "DbConnect"
    request = AWSRequest(method="GET", url=f"https://{host}/", params={"Action": action})
    request.context["timestamp"] = timestamp
    signer._modify_request_before_signing(request)
    canonical = signer.canonical_request(request)
    to_sign = signer.string_to_sign(request, canonical)
    signature = signer.signature(to_sign, request)
    signer._inject_signature_to_request(request, signature)
    return canonical, to_sign, signature, request.url.removeprefix("https://")


def row(name, host, user, region, session_token, time):
    timestamp = time.replace("-", "").replace(":", "")
    made = token(host, user, region, session_token, timestamp)
    canonical, to_sign, signature, again = signing(host, user, region, session_token, timestamp)
    if made != again:
        raise SystemExit(f"{name}: the method and the signer differ: {made} {again}")
    return {
        "name": name, "host": host, "user": user, "region": region, "access_key": KEYS[0], "secret_key": KEYS[1],
        "session_token": session_token, "time": time, "canonical_request": canonical, "string_to_sign": to_sign,
        "signature": signature, "token": made,
    }  # fmt: skip


def main():
    about = (
        f"Tokens of Aurora DSQL. \"token\" is the byte-exact text that botocore {botocore.__version__} makes: "
        "generate_db_connect_admin_auth_token for the user admin, generate_db_connect_auth_token for every other user. "
        "Times are UTC; X-Amz-Expires is always 900, botocore's default. Keys are invented. Written by "
        "generate_dsql_tokens.py.")
    document = {"about": about, "cases": [row(*case) for case in CASES]}
    text = json.dumps(document, indent=1) + "\n"
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write(text)
    else:
        FILE.write_text(text, encoding="utf-8")


main()
