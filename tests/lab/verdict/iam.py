# SPDX-License-Identifier: MIT
"""IAM policies: is this action on this resource allowed, and who may assume this role?

Identity policies may contain Effect, Action, NotAction, Resource, NotResource and Condition; trust policies may
contain Effect, Principal, Action and Condition. This module supports the wildcards * and ?, and the operators and
condition keys in the tables below. It supports the policy variable ${aws:PrincipalTag/...}, and ${*}, ${?} and ${$} for
the characters *, ? and $. An explicit Deny takes precedence. Anything else in a policy is an error and is never
ignored, because a partly understood policy could allow too much. Permission boundaries, the policies of an AWS
organization, and resource policies other than trust policies are not supported.

A context maps condition keys, in lower case, to text. A key that is not in the context is absent from the request.
"""
import re
from typing import NamedTuple

ALLOW, DENY, IMPLICIT_DENY = "Allow", "Deny", "ImplicitDeny"

_POLICY_ELEMENTS = {"Version", "Id", "Statement"}
_IDENTITY_ELEMENTS = {
    "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition",
}  # fmt: skip
_TRUST_ELEMENTS = {"Sid", "Effect", "Principal", "Action", "Condition"}
_PRINCIPAL_KINDS = {"AWS", "Federated", "Service"}
_VERSIONS = {"2012-10-17", "2008-10-17"}

_CONDITION_KEYS = re.compile(
    r"sts:(externalid|rolesessionname|sourceidentity)"
    r"|aws:(principalarn|principalaccount|multifactorauthpresent)"
    r"|aws:(principaltag|requesttag)/.+"
    r"|[a-z0-9-]+(\.[a-z0-9-]+)+(/[^:]*)?:(aud|sub)"  # of an OpenID Connect provider
)
_VARIABLE = re.compile(r"\$\{([^}]*)\}?")
_KNOWN_VARIABLE = re.compile(r"aws:PrincipalTag/[^,}]+|[*?$]", re.IGNORECASE)


class PolicyError(ValueError):
    """A policy contains an element that this module does not support."""


class Caller(NamedTuple):
    """A caller as trust policies name it. kind is AWS, Federated or Service; names are all the texts that identify
    the caller under this kind."""

    kind: str
    names: frozenset


def evaluate(policies, action, resource, context=None):
    """Evaluates identity policies. Returns ALLOW, DENY or IMPLICIT_DENY (no statement matched)."""
    context = context or {}
    return _decision(
        statement
        for policy in policies
        for statement in statements(policy)
        if _covers(statement, "Action", action, {}, ignore_case=True)
        and _covers(statement, "Resource", resource, context)
        and _condition_holds(statement, context)
    )


def evaluate_trust(policy, action, caller, context=None):
    """Evaluates a role's trust policy. Returns the same values as evaluate()."""
    return _decision(
        statement
        for statement in trust_statements(policy)
        if _covers(statement, "Action", action, {}, ignore_case=True)
        and caller.names.intersection(as_list(statement["Principal"].get(caller.kind, [])))
        and _condition_holds(statement, context or {})
    )


def statements(policy):
    """Checks an identity policy and returns its statements. Raises PolicyError."""
    return _checked(policy, _IDENTITY_ELEMENTS, ("Action", "Resource"))


def trust_statements(policy):
    """Checks a trust policy and returns its statements. Raises PolicyError."""
    found = _checked(policy, _TRUST_ELEMENTS, ("Action",))
    for statement in found:
        principal = statement.get("Principal")
        if not isinstance(principal, dict) or not principal:
            raise PolicyError("a trust policy's Principal must name AWS, Federated or Service")
        _check_elements(principal, _PRINCIPAL_KINDS, "principal")
        for kind, names in principal.items():
            for name in _strings(names, kind):
                if "*" in name:
                    raise PolicyError("a Principal with a wildcard is not supported")
    return found


def matches(pattern, text, ignore_case=False, context=None):
    """Matches IAM wildcards: * stands for any number of characters, ? for one. Variables are replaced by their
    values in the context; a pattern with a variable that the context lacks matches nothing."""
    wild = {"*": ".*", "?": "."}
    expression, done = "", 0
    for variable in _VARIABLE.finditer(pattern):
        value = _value(variable[1], context or {})
        if value is None:
            return False
        expression += "".join(wild.get(c) or re.escape(c) for c in pattern[done : variable.start()])
        expression += re.escape(value)
        done = variable.end()
    expression += "".join(wild.get(char) or re.escape(char) for char in pattern[done:])
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    return re.fullmatch(expression, text, flags) is not None


def as_list(value):
    return value if isinstance(value, list) else [value]


def _value(name, context):
    """The value of a policy variable, or None. ${*}, ${?} and ${$} stand for these characters."""
    return name if name in ("*", "?", "$") else context.get(name.lower())


def _literal(pattern, text, context):
    """Compares for equality. Only policy variables have a special meaning."""
    if any(_value(variable[1], context) is None for variable in _VARIABLE.finditer(pattern)):
        return False
    return _VARIABLE.sub(lambda variable: _value(variable[1], context), pattern) == text


# For each operator: the comparison with one value of the policy, and whether the operator is negated. If the request
# lacks the key, a negated operator holds and any other operator fails.
_OPERATORS = {
    "StringEquals": (_literal, False),
    "StringNotEquals": (_literal, True),
    "StringLike": (lambda pattern, text, context: matches(pattern, text, context=context), False),
    "StringNotLike": (lambda pattern, text, context: matches(pattern, text, context=context), True),
    "Bool": (lambda wanted, text, context: wanted.lower() == text.lower(), False),
}


def _decision(applying):
    effects = {statement["Effect"] for statement in applying}
    return DENY if DENY in effects else ALLOW if effects else IMPLICIT_DENY


def _checked(policy, elements, sides):
    _check_elements(policy, _POLICY_ELEMENTS, "policy")
    if policy.get("Version", "2008-10-17") not in _VERSIONS:
        raise PolicyError(f"policy version {policy['Version']!r} is not supported")
    found = as_list(policy.get("Statement", []))
    for statement in found:
        _check_elements(statement, elements, "statement")
        if statement.get("Effect") not in (ALLOW, DENY):
            raise PolicyError("a statement's Effect must be Allow or Deny")
        for name in sides:
            _check_side(statement, name)
        if "Condition" in statement:
            _check_condition(statement["Condition"])
        if "${" in str(statement) and policy.get("Version") != "2012-10-17":
            raise PolicyError("policy variables need Version 2012-10-17")
    return found


def _check_elements(element, names, what):
    if not isinstance(element, dict):
        raise PolicyError(f"a {what} must be an object")
    unknown = set(element) - names
    if unknown:
        raise PolicyError(f"{what} element is not supported: {', '.join(sorted(unknown))}")


def _strings(value, name):
    found = as_list(value)
    if not found or not all(isinstance(item, str) for item in found):
        raise PolicyError(f"{name} must be a string or a list of strings")
    return found


def _check_side(statement, name):
    if (name in statement) == ("Not" + name in statement):
        raise PolicyError(f"a statement needs either {name} or Not{name}")
    for pattern in _strings(statement.get(name, statement.get("Not" + name)), name):
        if name == "Action" and "${" in pattern:
            raise PolicyError("an Action must not contain policy variables")
        _check_variables(pattern)


def _check_variables(pattern):
    for variable in _VARIABLE.finditer(pattern):
        if not variable[0].endswith("}") or not _KNOWN_VARIABLE.fullmatch(variable[1]):
            raise PolicyError(f"policy variable is not supported: {variable[0]}")


def _check_condition(condition):
    _check_elements(condition, set(_OPERATORS), "condition")
    if not condition:
        raise PolicyError("a Condition must not be empty")
    for operator, tests in condition.items():
        if not isinstance(tests, dict) or not tests:
            raise PolicyError(f"{operator} must be an object with condition keys")
        for key, wanted in tests.items():
            if not _CONDITION_KEYS.fullmatch(key.lower()):
                raise PolicyError(f"condition key is not supported: {key}")
            for text in _strings(wanted, key):
                _check_variables(text)


def _covers(statement, name, text, context, ignore_case=False):
    inverted = "Not" + name in statement
    patterns = as_list(statement["Not" + name if inverted else name])
    return any(matches(pattern, text, ignore_case, context) for pattern in patterns) != inverted


def _condition_holds(statement, context):
    """All tests of all operators must hold. A test holds if one of its values matches; with a negated operator, if none
    matches."""
    for operator, tests in statement.get("Condition", {}).items():
        compare, negated = _OPERATORS[operator]
        for key, wanted in tests.items():
            text = context.get(key.lower())
            found = text is not None and any(
                compare(pattern, text, context) for pattern in as_list(wanted)
            )
            if found == negated:
                return False
    return True
