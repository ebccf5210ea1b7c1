# SPDX-License-Identifier: MIT
"""IAM identity policies: may this action be done to this resource?

It knows Effect, Action, NotAction, Resource and NotResource with the wildcards * and ?, and that
an explicit Deny wins. Whatever else stands in a policy is an error and never ignored: a policy
that is half understood allows too much. Not here: conditions, principals, policy variables,
boundaries, sessions.
"""
import re

ALLOW, DENY, IMPLICIT_DENY = "Allow", "Deny", "ImplicitDeny"

_POLICY_ELEMENTS = {"Version", "Id", "Statement"}
_STATEMENT_ELEMENTS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource"}
_VERSIONS = {"2012-10-17", "2008-10-17"}


class PolicyError(ValueError):
    """A policy says something that this module does not understand."""


def evaluate(policies, action, resource):
    """ALLOW, DENY or IMPLICIT_DENY (nothing matched)."""
    answer = IMPLICIT_DENY
    for policy in policies:
        for statement in statements(policy):
            if not _applies(statement, action, resource):
                continue
            if statement["Effect"] == DENY:
                return DENY
            answer = ALLOW
    return answer


def statements(policy):
    """The policy's statements, each of them checked. Raises PolicyError."""
    _known(policy, _POLICY_ELEMENTS, "policy")
    if policy.get("Version", "2008-10-17") not in _VERSIONS:
        raise PolicyError(f"policy version {policy['Version']!r} is not known")
    found = _as_list(policy.get("Statement", []))
    for statement in found:
        _check(statement)
    return found


def matches(pattern, text, ignore_case=False):
    """IAM wildcards: * is any run of characters, ? any one; every other character is itself."""
    wild = {"*": ".*", "?": "."}
    expression = "".join(wild.get(char) or re.escape(char) for char in pattern)
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    return re.fullmatch(expression, text, flags) is not None


def _as_list(value):
    return value if isinstance(value, list) else [value]


def _known(element, names, what):
    if not isinstance(element, dict):
        raise PolicyError(f"a {what} must be an object")
    unknown = set(element) - names
    if unknown:
        raise PolicyError(f"{what} element not known here: {', '.join(sorted(unknown))}")


def _check(statement):
    _known(statement, _STATEMENT_ELEMENTS, "statement")
    if statement.get("Effect") not in (ALLOW, DENY):
        raise PolicyError("a statement's Effect must be Allow or Deny")
    for name in ("Action", "Resource"):
        if (name in statement) == ("Not" + name in statement):
            raise PolicyError(f"a statement needs either {name} or Not{name}")
        patterns = _as_list(statement.get(name, statement.get("Not" + name)))
        if not patterns or not all(isinstance(pattern, str) for pattern in patterns):
            raise PolicyError(f"{name} must be a string or a list of strings")
        if any("${" in pattern for pattern in patterns):
            raise PolicyError("policy variables are not known here")


def _applies(statement, action, resource):
    return _covers(statement, "Action", action, True) and _covers(
        statement, "Resource", resource, False
    )


def _covers(statement, name, text, ignore_case):
    inverted = "Not" + name in statement
    patterns = _as_list(statement["Not" + name if inverted else name])
    return any(matches(pattern, text, ignore_case) for pattern in patterns) != inverted
