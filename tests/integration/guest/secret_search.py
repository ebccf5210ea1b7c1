# SPDX-License-Identifier: MIT
"""Searches for secrets in texts and in memory. Not here: where the secrets come from (secret_sources.py)."""
import re
from urllib.parse import quote

# The searches look for pieces of this length, so they also find a secret of which only a part was copied.
PIECE = 16

TOKEN = re.compile(rb"X-Amz-[A-Z]|/\?Action=connect|(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


def pieces(secret):
    """Returns all pieces of a secret, plain and percent-encoded."""
    return {text[i:i + PIECE].encode()
            for text in (secret, quote(secret, safe="")) for i in range(len(text) - PIECE + 1)}


def find(needles, haystack):
    return [needle for needle in needles if needle in haystack]
