# SPDX-License-Identifier: MIT
"""The principals, found by access key: the users of lab.json, and every session that the lab's AWS services have
issued. A session exists in memory only. Code that looks up keys treats it like a user.

This module neither decides who may have a session (assume.py), nor verifies signatures.
"""
import base64
import secrets
import threading
from dataclasses import dataclass, field, replace

import iam
from fixture import Principal, Role

# Session tokens of AWS often begin with this. A token of the lab is as long as real ones, 1.2 to 2 kB.
TOKEN_PREFIX = "IQoJb3JpZ2luX2Vj"
TOKEN_BYTES_MIN, TOKEN_BYTES_MAX = 888, 1480


@dataclass(frozen=True)
class Session(Principal):
    """A session of an assumed role. tags contains the role's own, the inherited and the requested tags. If the session
    assumes another role, the new session inherits the tags whose keys transitive lists."""

    role: Role = None
    transitive: tuple = ()
    session_policies: tuple = ()
    source_identity: str = None


@dataclass(frozen=True)
class Grant:
    """The properties of a new session, except its role."""

    session_name: str
    seconds: float
    tags: dict = field(default_factory=dict)
    transitive: tuple = ()
    session_policies: tuple = ()
    source_identity: str = None


class Principals:
    """All principals, by access key. Thread-safe."""

    def __init__(self, fixture, now):
        self._now = now
        self._lock = threading.Lock()
        self._by_key = {entry.access_key: entry for entry in fixture.principals.values()}

    def reset(self, fixture):
        """Restores the users of lab.json."""
        with self._lock:
            self._by_key.update({entry.access_key: entry for entry in fixture.principals.values()})

    def find(self, access_key):
        """The principal with this access key, or None."""
        with self._lock:
            return self._by_key.get(access_key)

    def users(self):
        """The users, without the sessions."""
        with self._lock:
            return [each for each in self._by_key.values() if not is_session(each)]

    def issue(self, role, grant):
        """Issues a new Session with random keys."""
        arn = role.session_arn(grant.session_name)
        session = Session(
            access_key="ASIA" + base64.b32encode(secrets.token_bytes(10)).decode(),
            secret_key=base64.b64encode(secrets.token_bytes(30)).decode(),
            session_token=_session_token(),
            name=arn,
            account=role.account,
            arn=arn,
            user_id=f"{role.role_id}:{grant.session_name}",
            expires=int(self._now() + grant.seconds),
            policies=role.policies,
            tags={**role.tags, **grant.tags},
            role=role,
            transitive=grant.transitive,
            session_policies=grant.session_policies,
            source_identity=grant.source_identity,
        )
        with self._lock:
            self._by_key[session.access_key] = session
        return session

    def expire(self, access_key):
        """Expires a session at once. Raises KeyError if the key does not exist."""
        with self._lock:
            self._by_key[access_key] = replace(self._by_key[access_key], expires=int(self._now()))

    def change(self, access_key, policies):
        """Replaces the identity policies of a user, or of a session that was issued before. KeyError if the key does
        not exist; iam.PolicyError if a policy is not valid."""
        for policy in policies:
            iam.statements(policy)
        with self._lock:
            self._by_key[access_key] = replace(self._by_key[access_key], policies=tuple(policies))

    def revoke(self, access_key):
        """Deletes a key. Raises KeyError if the key does not exist."""
        with self._lock:
            del self._by_key[access_key]


def context(principal):
    """The condition keys of a request that depend on its principal."""
    role = getattr(principal, "role", None)
    keys = {
        "aws:principalarn": role.arn if role else principal.arn,
        "aws:principalaccount": principal.account,
    }
    keys.update({f"aws:principaltag/{key.lower()}": text for key, text in principal.tags.items()})
    source = getattr(principal, "source_identity", None)
    if source:
        keys["sts:sourceidentity"] = source
    return keys


def permits(principal, action, resource, extra=None):
    """Evaluates the principal's own policies, as iam.evaluate() does, and if they allow the action, also the session
    policies. So a session policy can only remove permissions."""
    keys = {**context(principal), **(extra or {})}
    answer = iam.evaluate(principal.policies, action, resource, keys)
    session_policies = getattr(principal, "session_policies", ())
    if answer == iam.ALLOW and session_policies:
        answer = iam.evaluate(session_policies, action, resource, keys)
    return answer


def as_caller(principal):
    """The iam.Caller with all names under which a trust policy may name the principal."""
    partition, account = principal.arn.split(":")[1], principal.account
    names = {principal.arn, account, f"arn:{partition}:iam::{account}:root"}
    role = getattr(principal, "role", None)
    if role:
        names.add(role.arn)
    return iam.Caller("AWS", frozenset(names))


def is_session(principal):
    return isinstance(principal, Session)


def _session_token():
    size = TOKEN_BYTES_MIN + secrets.randbelow(TOKEN_BYTES_MAX - TOKEN_BYTES_MIN)
    return TOKEN_PREFIX + base64.b64encode(secrets.token_bytes(size)).decode()
