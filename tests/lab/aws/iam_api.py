# SPDX-License-Identifier: MIT
"""IAM: describes roles, and simulates the identity policies of a user or role. As in AWS, the simulation
ignores session policies.
"""
import re

import iam
from exchange import AwsError
from query_service import QueryService

HOST = re.compile(r"iam(-fips)?(\.[a-z-]+)?\.(amazonaws\.com|api\.aws)")
HOME_REGION = "us-east-1"
DECISIONS = {iam.ALLOW: "allowed", iam.DENY: "explicitDeny", iam.IMPLICIT_DENY: "implicitDeny"}
VARIABLE = re.compile(r"\$\{([^}]+)\}")


class Iam(QueryService):
    SERVICE = "iam"
    VERSION = "2010-05-08"
    NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
    OPERATIONS = {
        "GetRole": ("_get_role", ["RoleName"]),
        "SimulatePrincipalPolicy": (
            "_simulate", ["PolicySourceArn", "ActionNames.member.1", "ResourceArns.member.1"],
        ),
    }  # fmt: skip

    def __init__(self, cloud, principals, roles, now):
        super().__init__(principals, now)
        self._cloud = cloud
        self._roles = roles

    def regions(self, request):
        return (HOME_REGION,) if HOST.fullmatch(request.host) else self._cloud.regions

    def _get_role(self, caller, region, parameters):
        name = parameters["RoleName"]
        role = next((
            each for each in self._roles.all()
            if each.account == caller.account and each.arn.split("/")[-1] == name
        ), None)  # fmt: skip
        self.authorize(
            caller, "GetRole", role.arn if role else f"arn:aws:iam::{caller.account}:role/{name}"
        )
        if role is None:
            raise AwsError(
                404, "NoSuchEntity", f"The role with name {name} cannot be found."
            )
        path = role.arn.partition(":role")[2].rpartition("/")[0] + "/"
        return [("Role", [
            ("Path", path), ("RoleName", name), ("RoleId", role.role_id), ("Arn", role.arn),
            ("AssumeRolePolicyDocument", "%7B%7D"), ("MaxSessionDuration", str(role.max_seconds)),
        ])]  # fmt: skip

    def _simulate(self, caller, region, parameters):
        source = parameters["PolicySourceArn"]
        self.authorize(caller, "SimulatePrincipalPolicy", source)
        known = {each.arn: each for each in (*self._principals.users(), *self._roles.all())}
        owner = known.get(source)
        if owner is None or owner.account != caller.account:
            raise AwsError(404, "NoSuchEntity", f"The entity with ARN {source} cannot be found.")
        action, resource = parameters["ActionNames.member.1"], parameters["ResourceArns.member.1"]
        missing = sorted(_keys(owner.policies))
        return [
            ("IsTruncated", "false"),
            ("EvaluationResults", [("member", [
                ("EvalActionName", action),
                ("EvalResourceName", resource),
                ("EvalDecision", DECISIONS[iam.evaluate(owner.policies, action, resource)]),
                ("MatchedStatements", [("member", [
                    ("StartPosition", [("Line", "1"), ("Column", "1")])])]),
                ("MissingContextValues", [("member", key) for key in missing]),
            ])]),
        ]  # fmt: skip


def _keys(policies):
    """Returns the condition keys in Condition, and the variables in Resource and NotResource. Variables in the values
    of conditions are left out."""
    found = set()
    for policy in policies:
        for statement in iam.statements(policy):
            for tests in statement.get("Condition", {}).values():
                found.update(tests)
            for name in ("Resource", "NotResource"):
                for pattern in iam.as_list(statement.get(name, [])):
                    found.update(VARIABLE.findall(pattern))
    return found
