# SPDX-License-Identifier: MIT
"""Parameters of AWS's query protocol: decodes them, combines the members of lists, and checks STS's limits.

The limits are those of STS's API reference; the messages are those of STS's validation.
"""
import re
import unicodedata
import urllib.parse
from typing import NamedTuple

from exchange import AwsError

FORM = "application/x-www-form-urlencoded"
TAGS_MAX = 50


class Limit(NamedTuple):
    """The length and the pattern of a text."""

    shortest: int
    longest: int
    pattern: str = None


LIMITS = {
    "RoleArn": Limit(20, 2048),
    "RoleSessionName": Limit(2, 64, r"[\w+=,.@-]*"),
    "ExternalId": Limit(2, 1224, r"[\w+=,.@:\/-]*"),
    "SerialNumber": Limit(9, 256, r"[\w+=/:,.@-]*"),
    "TokenCode": Limit(6, 6, r"[\d]*"),
    "SourceIdentity": Limit(2, 64, r"[\w+=,.@-]*"),
    "WebIdentityToken": Limit(4, 20000),
    "Policy": Limit(1, 2048),
}
TAG_KEY, TAG_VALUE = Limit(1, 128), Limit(0, 256)
SECONDS_MIN, SECONDS_MAX = 900, 43200

# The record of calls contains only the lengths of these secrets.
SECRET = {"WebIdentityToken", "TokenCode"}


def decode(request):
    """Returns a request's parameters, in the order of the request. Raises AwsError if the request is malformed."""
    if request.method == "POST":
        kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
        if kind != FORM:
            raise AwsError(404, "UnknownOperationException", "", f"the content type is {kind!r}")
        text = request.body.decode("utf-8", "replace")
    else:
        text = request.query
    try:
        pairs = urllib.parse.parse_qsl(
            text, keep_blank_values=True, strict_parsing=bool(text), errors="strict"
        )
    except ValueError:
        raise AwsError(400, "MalformedQueryString", "The query string is malformed.") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise AwsError(400, "MalformedQueryString", "A parameter is given twice.")
    return parameters


def without_secrets(parameters):
    """The parameters in the form that the record of calls may contain."""
    return {
        name: f"({len(value)} characters)" if name in SECRET else value
        for name, value in parameters.items()
    }


def check(parameters, required, optional):
    """Raises a ValidationError with one message for all missing parameters and all values beyond the limits. An unknown
    parameter, or a list with a gap, has a message of its own."""
    wrong = [_constraint(None, name, "Member must not be null") for name in required
             if name not in parameters]  # fmt: skip
    for name, value in parameters.items():
        top = name.partition(".")[0]
        if top not in {*required, *optional, "Action", "Version"}:
            # STS ignores some unknown parameters. Here they are an error, to reveal a misspelled name.
            raise validation_error(f"The lab's STS does not know the parameter {name}")
        if name in LIMITS:
            wrong += violations(name, value, LIMITS[name])
    wrong += _seconds_violations(parameters.get("DurationSeconds"))
    for number, (key, value) in enumerate(tags(parameters), 1):
        wrong += violations(f"tags.{number}.member.key", key, TAG_KEY, _is_tag_text)
        wrong += violations(f"tags.{number}.member.value", value, TAG_VALUE, _is_tag_text)
    for number, key in enumerate(transitive_keys(parameters), 1):
        wrong += violations(f"transitiveTagKeys.{number}.member", key, TAG_KEY, _is_tag_text)
    if wrong:
        errors = f"{len(wrong)} validation error{'s' if len(wrong) > 1 else ''} detected: "
        raise validation_error(errors + "; ".join(wrong))


def validation_error(message):
    return AwsError(400, "ValidationError", message)


def violations(name, value, limit, is_text=None):
    """The violations of a limit, in STS's words."""
    place = name[0].lower() + name[1:]
    found = []
    if len(value) < limit.shortest:
        text = f"Member must have length greater than or equal to {limit.shortest}"
        found.append(_constraint(value, place, text))
    if len(value) > limit.longest:
        text = f"Member must have length less than or equal to {limit.longest}"
        found.append(_constraint(value, place, text))
    if limit.pattern and not re.fullmatch(limit.pattern, value, re.ASCII):
        text = f"Member must satisfy regular expression pattern: {limit.pattern}"
        found.append(_constraint(value, place, text))
    if is_text and not is_text(value):
        pattern = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*"
        text = f"Member must satisfy regular expression pattern: {pattern}"
        found.append(_constraint(value, place, text))
    return found


def tags(parameters):
    """The tags of Tags.member.N as (key, value), in order."""
    found = []
    while f"Tags.member.{len(found) + 1}.Key" in parameters:
        member = f"Tags.member.{len(found) + 1}"
        found.append((parameters[f"{member}.Key"], parameters.get(f"{member}.Value", "")))
    _check_members(parameters, "Tags", 2 * len(found))
    _check_count("tags", found)
    return found


def transitive_keys(parameters):
    """The keys of TransitiveTagKeys.member.N, in order."""
    found = []
    while f"TransitiveTagKeys.member.{len(found) + 1}" in parameters:
        found.append(parameters[f"TransitiveTagKeys.member.{len(found) + 1}"])
    _check_members(parameters, "TransitiveTagKeys", len(found))
    _check_count("transitiveTagKeys", found)
    return found


def _check_count(name, found):
    if len(found) > TAGS_MAX:
        raise validation_error(f"Member '{name}' must have length less than or equal to {TAGS_MAX}")


def _check_members(parameters, name, expected):
    if sum(key.startswith(f"{name}.") for key in parameters) != expected:
        raise validation_error(f"The members of {name} are not numbered from 1 without a gap")


def _seconds_violations(text):
    if text is None:
        return []
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise validation_error(f"Value '{text}' at 'durationSeconds' is not a number")
    if int(text) < SECONDS_MIN:
        what = f"Member must have value greater than or equal to {SECONDS_MIN}"
    elif int(text) > SECONDS_MAX:
        what = f"Member must have value less than or equal to {SECONDS_MAX}"
    else:
        return []
    return [_constraint(text, "durationSeconds", what)]


def _constraint(value, place, text):
    shown = "null" if value is None else value
    return f"Value '{shown}' at '{place[0].lower() + place[1:]}' failed to satisfy constraint: {text}"


def _is_tag_text(text):
    return all(char in "_.:/=+-@" or unicodedata.category(char)[0] in "LZN" for char in text)
