# SPDX-License-Identifier: MIT
"""The common part of RDS and IAM. It parses the query protocol, determines the sender of a request, and checks that the
sender's policies allow the request. STS does not use it: every caller may request its own identity, and assume.py
decides who may assume a role.
"""
import re

import iam
import parameters as query
import signature
from exchange import AwsError
from principals import permits
from sts import document


class QueryService:
    """Serves the operations of one service. A subclass sets the attributes and defines one method for each operation,
    which takes (caller, region, parameters) and returns the content of the result."""

    SERVICE = None
    VERSION = None
    NAMESPACE = None
    OPERATIONS = {}  # the operation's name: (method's name, the names of its parameters)

    def __init__(self, principals, now):
        self._principals = principals
        self._now = now

    def regions(self, request):
        """The regions that the scope of a request to this host may name."""
        raise NotImplementedError

    def operation(self, request):
        found = re.search(r"(?:^|&)Action=(\w+)", request.body.decode("latin-1") or request.query)
        return found[1] if found else "none"

    def serve(self, request):
        parameters = query.decode(request)
        request.parameters = parameters
        operation = parameters.pop("Action", "")
        if parameters.pop("Version", None) != self.VERSION or operation not in self.OPERATIONS:
            raise AwsError(400, "InvalidAction", f"Could not find operation {operation}")
        caller, region = signature.verify(
            request, self._principals, self.SERVICE, self.regions(request), self._now()
        )
        method, names = self.OPERATIONS[operation]
        unknown = set(parameters) - set(names)
        if unknown:
            raise AwsError(400, "ValidationError", f"The lab does not know {', '.join(sorted(unknown))}")
        result = getattr(self, method)(caller, region, parameters)
        return document(f"{operation}Response", [
            (f"{operation}Result", result), ("ResponseMetadata", [("RequestId", None)]),
        ], namespace=self.NAMESPACE)  # fmt: skip

    def error(self, status, code, message):
        blame = "Sender" if status < 500 else "Receiver"
        error = [("Type", blame), ("Code", code), ("Message", message)]
        return document(
            "ErrorResponse", [("Error", error), ("RequestId", None)], status, self.NAMESPACE
        )

    def authorize(self, caller, operation, resource):
        """Raises AwsError unless the caller's policies allow the operation on this resource."""
        action = f"{self.SERVICE}:{operation}"
        decision = permits(caller, action, resource)
        if decision != iam.ALLOW:
            raise AwsError(
                403,
                "AccessDenied",
                f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource} "
                f"because no identity-based policy allows the {action} action",
                decision,
            )
