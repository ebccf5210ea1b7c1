# SPDX-License-Identifier: MIT
"""Looks for pieces of tokens and credentials in bytes that somebody recorded or printed.

A piece is any PIECE bytes in a row of a secret, or a word that stands in every RDS token. They are
looked for as they are and under one and two layers of percent-encoding. A test that finds nothing
must find something in the same way in the same run.
"""
from urllib.parse import unquote_to_bytes

PIECE = 16
WORDS = (b"X-Amz-", b"Action=connect", b"DBUser=")


def find(data, secrets=()):
    """What of a token or of the secrets is in data; an empty list if nothing is."""
    data = data.encode() if isinstance(data, str) else bytes(data)
    once = unquote_to_bytes(data)
    forms = (data, once, unquote_to_bytes(once))
    found = [word.decode() for word in WORDS if any(word in form for form in forms)]
    pieces = set().union(*(_pieces(form) for form in forms))
    for secret in secrets:
        found += ["a piece of a secret"] * (not pieces.isdisjoint(_secret_pieces(secret)))
    return found


def secrets_of(principal):
    """What nobody may see of a principal."""
    return [text for text in (principal.secret_key, principal.session_token) if text]


def signature(token):
    """The signature of a token, by which it is worth something."""
    return token.rpartition("X-Amz-Signature=")[2]


def _secret_pieces(secret):
    raw = secret.encode() if isinstance(secret, str) else secret
    if len(raw) < PIECE:
        raise ValueError(f"a secret of fewer than {PIECE} bytes has no piece to look for")
    return _pieces(raw) | _pieces(unquote_to_bytes(raw))


def _pieces(data):
    return {data[i : i + PIECE] for i in range(len(data) - PIECE + 1)}
