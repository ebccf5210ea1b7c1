# SPDX-License-Identifier: MIT
"""Decides whether a caller may assume a role, and which policies, tags and duration the new session has.

AssumeRole consists of one to three actions. For each action, AWS evaluates two policies: the caller's own, and the
role's trust policy. Both must allow the action, with one exception. If the role is in the caller's account, and the
trust policy names the caller itself and not only the account, it is enough that the caller's own policy does not deny
the action. The message of a refusal does not name the policy that refused; the record of calls names it. This module
does not depend on the wire format, or on how a session is stored.
"""
import json
import math
from dataclasses import replace

import iam
import parameters as query
import web_identity
from exchange import AwsError
from principals import Grant, as_caller, context, is_session, permits

SECONDS_DEFAULT = 3600
CHAIN_SECONDS_MAX = 3600

# AWS packs a session's policy and tags in an undocumented way. Here their text may have this many characters.
PACKED_MAX = 4096


class Roles:
    """The roles of a fixture. Issues their sessions."""

    def __init__(self, fixture, principals, now, provider_key):
        self._by_arn = {role.arn: role for role in fixture.roles.values()}
        self._cloud = fixture.cloud
        self._principals = principals
        self._now = now
        self._provider_key = provider_key
        for role in fixture.roles.values():
            iam.trust_statements(role.trust)
            for policy in role.policies:
                iam.statements(policy)

    def reset(self, fixture):
        """Restores the roles of the fixture."""
        self._by_arn = {role.arn: role for role in fixture.roles.values()}

    def all(self):
        return list(self._by_arn.values())

    def change(self, arn, trust, policies):
        """Replaces the trust policy of a role, and the policies of its later sessions. KeyError if the role does not
        exist; iam.PolicyError if a policy is not valid."""
        iam.trust_statements(trust)
        for policy in policies:
            iam.statements(policy)
        self._by_arn[arn] = replace(self._by_arn[arn], trust=trust, policies=tuple(policies))

    def assume(self, caller, parameters):
        """Performs AssumeRole. Returns a new Session, and its packed size in percent of the maximum."""
        query.check(parameters, ("RoleArn", "RoleSessionName"), (
            "DurationSeconds", "ExternalId", "SerialNumber", "TokenCode", "SourceIdentity",
            "Policy", "Tags", "TransitiveTagKeys"))  # fmt: skip
        role = self._by_arn.get(parameters["RoleArn"])
        tags = _unique_tags(parameters)
        session_policies = _session_policies(parameters)
        packed = _packed_size(parameters, tags)
        keys = _request_keys(caller, parameters, tags)
        for action in _actions(caller, parameters, tags):
            self._authorize(caller, role, parameters["RoleArn"], action, keys)
        inherited = {key: caller.tags[key] for key in getattr(caller, "transitive", ())}
        transitive = _transitive(parameters, tags, inherited)
        grant = Grant(
            session_name=parameters["RoleSessionName"],
            seconds=_seconds(role, parameters, is_session(caller)),
            tags={**inherited, **tags},
            transitive=(*inherited, *transitive),
            session_policies=session_policies,
            source_identity=parameters.get("SourceIdentity", _source_identity(caller)),
        )
        return self._principals.issue(role, grant), packed

    def assume_with_web_identity(self, parameters):
        """Performs AssumeRoleWithWebIdentity. Returns a new Session, its packed size, and the token's claims."""
        query.check(parameters, ("RoleArn", "RoleSessionName", "WebIdentityToken"),
                    ("DurationSeconds", "Policy"))  # fmt: skip
        session_policies = _session_policies(parameters)
        packed = _packed_size(parameters, {})
        token = parameters["WebIdentityToken"]
        claims = web_identity.check(token, self._provider_key, self._cloud, self._now())
        role = self._by_arn.get(parameters["RoleArn"])
        action = "sts:AssumeRoleWithWebIdentity"
        keys = {
            f"{self._cloud.provider}:{name}".lower(): claims[name] for name in ("aud", "sub")
        }
        keys["sts:rolesessionname"] = parameters["RoleSessionName"]
        caller = iam.Caller("Federated", frozenset({self._cloud.provider_arn}))
        answer = role and iam.evaluate_trust(role.trust, action, caller, keys)
        if answer != iam.ALLOW:
            detail = f"trust policy: {answer}" if role else "no such role"
            raise AwsError(403, "AccessDenied", f"Not authorized to perform {action}", detail)
        seconds = _seconds(role, parameters, False)
        grant = Grant(parameters["RoleSessionName"], seconds, session_policies=session_policies)
        return self._principals.issue(role, grant), packed, claims

    def assume_as_service(self, service, role, grant):
        """Returns a new Session that an AWS service gets for an instance, task or pod, or None if the role does not
        trust the service. role is a role of the fixture. If change() has replaced its policies, the new ones apply."""
        role = self._by_arn[role.arn]
        caller = iam.Caller("Service", frozenset({service}))
        actions = ["sts:AssumeRole"] + (["sts:TagSession"] if grant.tags else [])
        keys = {f"aws:requesttag/{key.lower()}": text for key, text in grant.tags.items()}
        if any(iam.evaluate_trust(role.trust, each, caller, keys) != iam.ALLOW for each in actions):
            return None
        return self._principals.issue(role, grant)

    def _authorize(self, caller, role, arn, action, keys):
        own = permits(caller, action, arn, keys)
        detail = None
        if role is None:
            detail = "no such role"
        else:
            everything = {**context(caller), **keys}
            trust = iam.evaluate_trust(role.trust, action, as_caller(caller), everything)
            if trust != iam.ALLOW:
                detail = f"trust policy: {trust} {action}"
            elif own == iam.DENY or (
                own != iam.ALLOW and not _by_name(role, action, caller, everything)
            ):
                detail = f"caller's policy: {own} {action}"
        if detail:
            raise AwsError(
                403,
                "AccessDenied",
                f"User: {caller.arn} is not authorized to perform: {action} on resource: {arn}",
                detail,
            )


def _by_name(role, action, caller, keys):
    """Whether the role is in the caller's account, and the role's trust policy names the caller itself."""
    names = {caller.arn} | ({caller.role.arn} if is_session(caller) else set())
    named = iam.Caller("AWS", frozenset(names))
    return (
        role.account == caller.account
        and iam.evaluate_trust(role.trust, action, named, keys) == iam.ALLOW
    )


def _actions(caller, parameters, tags):
    actions = ["sts:AssumeRole"]
    if tags or getattr(caller, "transitive", ()):
        actions.append("sts:TagSession")
    if "SourceIdentity" in parameters or _source_identity(caller):
        actions.append("sts:SetSourceIdentity")
    return actions


def _source_identity(caller):
    return getattr(caller, "source_identity", None)


def _request_keys(caller, parameters, tags):
    """The condition keys that the request itself sets."""
    keys = {"sts:rolesessionname": parameters["RoleSessionName"]}
    for name in ("ExternalId", "SourceIdentity"):
        if name in parameters:
            keys[f"sts:{name.lower()}"] = parameters[name]
    keys.update({f"aws:requesttag/{key.lower()}": text for key, text in tags.items()})
    if _shows_mfa(caller, parameters):
        keys["aws:multifactorauthpresent"] = "true"
    return keys


def _shows_mfa(caller, parameters):
    given = {"serial": parameters.get("SerialNumber"), "code": parameters.get("TokenCode")}
    if set(given.values()) == {None}:
        return False
    if given != getattr(caller, "mfa", None):
        raise AwsError(
            403,
            "AccessDenied",
            "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
        )
    return True


def _unique_tags(parameters):
    found = query.tags(parameters)
    if len({key.lower() for key, _ in found}) != len(found):
        raise AwsError(
            400,
            "InvalidParameterValue",
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        )
    return dict(found)


def _transitive(parameters, tags, inherited):
    """The requested transitive tag keys of the new session, without those that it inherits from the caller."""
    taken = {key.lower() for key in inherited}
    requested = query.transitive_keys(parameters)
    if any(key.lower() in taken for key in (*tags, *requested)):
        raise AwsError(
            400,
            "InvalidParameterValue",
            "One of the specified transitive tag keys can't be set because it conflicts with a "
            "transitive tag key from the calling session.",
        )
    if any(key not in tags for key in requested):
        raise AwsError(
            400,
            "InvalidParameterValue",
            "The specified transitive tag key must be included in the requested tags.",
        )
    return requested


def _session_policies(parameters):
    if "Policy" not in parameters:
        return ()
    try:
        policy = json.loads(parameters["Policy"])
    except ValueError:
        raise AwsError(
            400, "MalformedPolicyDocument", "The policy is not in the valid JSON format."
        ) from None
    try:
        iam.statements(policy)
    except iam.PolicyError as error:
        raise AwsError(
            400, "MalformedPolicyDocument", "Syntax errors in policy.", str(error)
        ) from None
    return (policy,)


def _packed_size(parameters, tags):
    size = len(parameters.get("Policy", "")) + sum(len(k) + len(v) for k, v in tags.items())
    percentage = math.ceil(size * 100 / PACKED_MAX)
    if percentage > 100:
        raise AwsError(
            400,
            "PackedPolicyTooLarge",
            f"Packed size of session tags consumes {percentage}% of allotted space.",
        )
    return percentage


def _seconds(role, parameters, chained):
    seconds = int(parameters.get("DurationSeconds", SECONDS_DEFAULT))
    if chained and seconds > CHAIN_SECONDS_MAX:
        raise query.validation_error(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining"
        )
    if seconds > role.max_seconds:
        raise query.validation_error(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    return seconds
