# SPDX-License-Identifier: MIT
"""What exists in the lab: lab.json as objects.

Databases, principals and passwords are constants of the fixture; ports and directories are not
here, because they differ from one lab to the next.
"""
import calendar
import json
import pathlib
import time
from dataclasses import dataclass, field

HERE = pathlib.Path(__file__).resolve().parent


class LabError(Exception):
    """The lab cannot do what it was asked. The text is one sentence for the person who asked."""


@dataclass(frozen=True)
class Database:
    """One database as RDS names it. endpoints[0] is the one that writes."""

    engine: str
    resource_id: str
    account: str
    region: str
    endpoints: tuple

    def user_arn(self, user):
        """What a policy must allow rds-db:connect on."""
        return f"arn:aws:rds-db:{self.region}:{self.account}:dbuser:{self.resource_id}/{user}"


@dataclass(frozen=True)
class Principal:
    """Somebody with AWS credentials. expires is in seconds of the epoch, or None."""

    name: str
    account: str
    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires: float
    policies: tuple = field(repr=False)
    assumed_arn: str = None  # of a role's session

    @property
    def arn(self):
        return self.assumed_arn or f"arn:aws:iam::{self.account}:user/{self.name}"

    def env(self):
        """The credentials as an AWS tool reads them from its environment."""
        variables = {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
        }
        if self.session_token:
            variables["AWS_SESSION_TOKEN"] = self.session_token
        return variables


@dataclass(frozen=True)
class Role:
    """A role: who may assume it (trust), and what its sessions may do (policies)."""

    name: str
    account: str
    trust: tuple
    policies: tuple
    max_session: int

    @property
    def arn(self):
        return f"arn:aws:iam::{self.account}:role/{self.name}"

    def session_arn(self, session):
        return f"arn:aws:sts::{self.account}:assumed-role/{self.name}/{session}"


@dataclass(frozen=True)
class Fixture:
    """The whole of lab.json."""

    databases: dict
    principals: dict
    roles: dict
    passwords: dict
    certified_names: tuple
    uncertified_names: tuple
    database_name: str

    @property
    def endpoints(self):
        """Every RDS name, of both servers."""
        return tuple(name for database in self.databases.values() for name in database.endpoints)


def load(path=HERE / "lab.json"):
    """Read the fixture; a KeyError or TypeError here is a mistake in lab.json."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    return Fixture(
        databases={
            engine: Database(engine, **{**entry, "endpoints": tuple(entry["endpoints"])})
            for engine, entry in raw["databases"].items()
        },
        principals={name: _principal(name, entry) for name, entry in raw["principals"].items()},
        roles={name: _role(name, entry) for name, entry in raw["roles"].items()},
        passwords=raw["passwords"],
        certified_names=tuple(raw["certified_names"]),
        uncertified_names=tuple(raw["uncertified_names"]),
        database_name=raw["database_name"],
    )


def _role(name, entry):
    return Role(
        name=name,
        account=entry["account"],
        trust=tuple(entry["trust"]),
        policies=tuple(entry["policies"]),
        max_session=entry.get("max_session", 3600),
    )


def _principal(name, entry):
    expires = entry.get("expires")
    return Principal(
        name=name,
        account=entry["account"],
        access_key=entry["access_key"],
        secret_key=entry["secret_key"],
        # A list of pieces in the file, so that its lines stay short.
        session_token="".join(entry.get("session_token", [])) or None,
        expires=calendar.timegm(time.strptime(expires, "%Y-%m-%dT%H:%M:%SZ")) if expires else None,
        policies=tuple(entry["policies"]),
    )
