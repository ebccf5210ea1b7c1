# SPDX-License-Identifier: MIT
"""The contents of the lab: lab.json as objects.

The policy "connect" and the trust policy of the role rds-access-clickpipes are those of RECIPES.md. Databases,
principals and passwords are constants. Ports and directories are not here, because they differ between labs.
"""
import calendar
import hashlib
import json
import pathlib
import time
from dataclasses import dataclass, field

import recipes

HERE = pathlib.Path(__file__).resolve().parent


class LabError(Exception):
    """The lab cannot do what a caller requested. The text is one message for the user."""


@dataclass(frozen=True)
class Database:
    """One database as RDS names it. endpoints[0] is the writer endpoint. instances maps the names of a cluster's
    instances to their resource ids; it is empty for a database that is not a cluster."""

    engine: str
    resource_id: str
    account: str
    region: str
    endpoints: tuple
    instances: dict = field(default_factory=dict)

    service = "rds-db"  # the service in a token's scope

    def user_arn(self, user):
        """The ARN on which a policy must allow permission()."""
        return f"arn:aws:rds-db:{self.region}:{self.account}:dbuser:{self.resource_id}/{user}"

    def permission(self, user):
        """The action that a policy must allow for this database user. Its part after the colon is the action in the
        token."""
        return "rds-db:connect"

    def addresses(self, port):
        """The addresses (host:port) for which a token can be signed."""
        return [f"{name}:{port}" for name in self.endpoints]

    def is_granted(self, user, arn):
        """Whether the database lets the IAM user or role log in as this database user. Always true, because RDS has no
        such grants: only IAM policies decide."""
        return True


@dataclass(frozen=True)
class Dsql:
    """An Aurora DSQL cluster. The lab's PostgreSQL server simulates it in the database "postgres", for the members of
    the role dsql_iam. endpoints[1] is the cluster's host name for AWS PrivateLink. grants maps each database user to
    the ARNs in its AWS IAM GRANT statements; the user admin needs no grant."""

    cluster_id: str
    account: str
    region: str
    endpoints: tuple
    grants: dict

    engine = "dsql"
    service = "dsql"

    @property
    def resource_id(self):
        return f"cluster/{self.cluster_id}"

    def user_arn(self, user):
        return f"arn:aws:dsql:{self.region}:{self.account}:{self.resource_id}"

    def permission(self, user):
        return "dsql:DbConnectAdmin" if user == "admin" else "dsql:DbConnect"

    def addresses(self, port):
        return list(self.endpoints)

    def is_granted(self, user, arn):
        return user == "admin" or arn in self.grants.get(user, ())


@dataclass(frozen=True)
class Keys:
    """AWS credentials. session_token is None for long-term keys."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(repr=False)

    def env(self):
        """The environment variables from which an AWS tool reads the credentials."""
        variables = {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
        }
        if self.session_token:
            variables["AWS_SESSION_TOKEN"] = self.session_token
        return variables


@dataclass(frozen=True)
class Principal(Keys):
    """An IAM user with AWS credentials. expires is in seconds since the epoch, or None.

    mfa contains the serial number of an MFA device and the only code that it shows, or is None.
    """

    name: str
    account: str
    arn: str
    user_id: str
    expires: float
    policies: tuple = field(repr=False)
    tags: dict = field(default_factory=dict)
    mfa: dict = None

    @property
    def partition(self):
        return self.arn.split(":")[1]


@dataclass(frozen=True)
class Role:
    """A role: its trust policy, and the policies of its sessions. tags are the role's own tags."""

    name: str
    arn: str
    role_id: str
    trust: dict = field(repr=False)
    policies: tuple = field(repr=False)
    max_seconds: int
    tags: dict

    @property
    def account(self):
        return self.arn.split(":")[4]

    def session_arn(self, session_name):
        """The ARN of a session of this role. It does not contain the role's path."""
        _, partition, _, _, account, resource = self.arn.split(":", 5)
        name = resource.split("/")[-1]
        return f"arn:{partition}:sts::{account}:assumed-role/{name}/{session_name}"


@dataclass(frozen=True)
class Container:
    """One path of the container endpoints. If authorization is set, only a client that sends it gets credentials;
    otherwise every client gets them. All session_tags are transitive, as in EKS."""

    path: str
    service: str
    role: str
    session_name: str
    authorization: str = field(repr=False)
    session_tags: dict


@dataclass(frozen=True)
class Sso:
    """AWS SSO: the start URL, the region and the user of a login. roles maps role names of the portal to roles of
    the fixture."""

    start_url: str
    region: str
    user: str
    roles: dict


@dataclass(frozen=True)
class Cloud:
    """The AWS services' data, except roles. provider is the issuer of web identity tokens, without https://.
    instance_role is the role that the metadata service on the lab's loopback serves."""

    names: tuple
    regions: tuple
    disabled_regions: tuple
    instance_role: str
    containers: dict
    sso: Sso
    provider: str
    provider_account: str
    audiences: tuple

    @property
    def provider_arn(self):
        return f"arn:aws:iam::{self.provider_account}:oidc-provider/{self.provider}"


@dataclass(frozen=True)
class Fixture:
    """All data of lab.json."""

    databases: dict
    dsql: Dsql
    principals: dict
    roles: dict
    cloud: Cloud
    passwords: dict
    certified_names: tuple
    uncertified_names: tuple
    database_name: str

    @property
    def endpoints(self):
        """Every RDS host name of both servers."""
        return tuple(name for database in self.databases.values() for name in database.endpoints)


def load(path=HERE / "lab.json"):
    """Reads the fixture. A KeyError or TypeError means that lab.json contains a mistake."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    databases = {
        engine: Database(engine, **{**entry, "endpoints": tuple(entry["endpoints"])})
        for engine, entry in raw["databases"].items()
    }
    dsql = Dsql(**{**raw["dsql"], "endpoints": tuple(raw["dsql"]["endpoints"])})
    named = {name: (policy,) for name, policy in raw["policies"].items()}
    named["connect"] = tuple(_access_policy(database) for database in databases.values())
    return Fixture(
        databases=databases,
        dsql=dsql,
        principals={
            name: _principal(name, entry, named) for name, entry in raw["principals"].items()
        },
        roles={name: _role(name, entry, named) for name, entry in raw["roles"].items()},
        cloud=_cloud(raw["cloud"]),
        passwords=raw["passwords"],
        certified_names=(*raw["certified_names"], *dsql.endpoints),
        uncertified_names=tuple(raw["uncertified_names"]),
        database_name=raw["database_name"],
    )


def _access_policy(database):
    return recipes.access_policy(
        REGION=database.region, ACCOUNT_ID=database.account, RESOURCE_ID=database.resource_id
    )


def _principal(name, entry, named):
    expires = entry.get("expires")
    return Principal(
        name=name,
        account=entry["account"],
        arn=f"arn:{entry.get('partition', 'aws')}:iam::{entry['account']}:user/{name}",
        user_id=_unique_id("AIDA", name),
        access_key=entry["access_key"],
        secret_key=entry["secret_key"],
        # The file contains a list of parts, so that its lines stay short.
        session_token="".join(entry.get("session_token", [])) or None,
        expires=calendar.timegm(time.strptime(expires, "%Y-%m-%dT%H:%M:%SZ")) if expires else None,
        policies=_policies(entry["policies"], named),
        tags=entry.get("tags", {}),
        mfa=entry.get("mfa"),
    )


def _role(name, entry, named):
    return Role(
        name=name,
        arn=entry["arn"],
        role_id=_unique_id("AROA", name),
        trust=entry.get("trust") or recipes.trust_policy(**entry["trust_of_recipes"]),
        policies=_policies(entry["policies"], named),
        max_seconds=entry.get("max_seconds", 3600),
        tags=entry.get("tags", {}),
    )


def _cloud(entry):
    return Cloud(
        names=tuple(entry["names"]),
        regions=tuple(entry["regions"]),
        disabled_regions=tuple(entry["disabled_regions"]),
        instance_role=entry["instance_role"],
        containers={name: _container(each) for name, each in entry["containers"].items()},
        sso=Sso(**entry["sso"]),
        provider=entry["provider"]["issuer"],
        provider_account=entry["provider"]["account"],
        audiences=tuple(entry["provider"]["audiences"]),
    )


def _container(entry):
    return Container(
        path=entry["path"],
        service=entry["service"],
        role=entry["role"],
        session_name=entry["session_name"],
        authorization=entry.get("authorization"),
        session_tags=entry.get("session_tags", {}),
    )


def _policies(listed, named):
    """Returns an entry's policies. Each item is a policy, or the name of policies that several entries share."""
    found = (named[each] if isinstance(each, str) else (each,) for each in listed)
    return tuple(policy for policies in found for policy in policies)


def _unique_id(prefix, name):
    """The unique id that IAM gives to a user or role. It is the same in every lab."""
    return prefix + hashlib.sha256(name.encode()).hexdigest()[:17].upper()
