# SPDX-License-Identifier: MIT
"""Searches recorded or printed bytes for parts of tokens and credentials.

A part is any PIECE consecutive bytes of a secret, or a word that every RDS token contains. The data is searched as it
is, and after removing one and two layers of percent-encoding. A test that expects to find nothing must, in the same
run, use the same search to find something.
"""
from urllib.parse import unquote_to_bytes

PIECE = 16
WORDS = (b"X-Amz-", b"Action=connect", b"DBUser=")


def find(data, secrets=()):
    """A list of texts: each of the WORDS that data contains, and "a piece of a secret" for each secret of which data
    contains a part. Empty if data contains none of them."""
    data = data.encode() if isinstance(data, str) else bytes(data)
    once = unquote_to_bytes(data)
    forms = (data, once, unquote_to_bytes(once))
    found = [word.decode() for word in WORDS if any(word in form for form in forms)]
    pieces = set().union(*(_pieces(form) for form in forms))
    for secret in secrets:
        found += ["a piece of a secret"] * (not pieces.isdisjoint(_secret_pieces(secret)))
    return found


def secrets_of(principal):
    """The texts of a principal that must stay secret."""
    return [text for text in (principal.secret_key, principal.session_token) if text]


def signature(token):
    """The signature of a token. Without it, a token is useless to an attacker."""
    return token.rpartition("X-Amz-Signature=")[2]


def _secret_pieces(secret):
    raw = secret.encode() if isinstance(secret, str) else secret
    if len(raw) < PIECE:
        raise ValueError(f"a secret of fewer than {PIECE} bytes is too short to search for")
    return _pieces(raw) | _pieces(unquote_to_bytes(raw))


def _pieces(data):
    return {data[i : i + PIECE] for i in range(len(data) - PIECE + 1)}
