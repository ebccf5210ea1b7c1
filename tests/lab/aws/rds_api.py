# SPDX-License-Identifier: MIT
"""RDS: describes the databases of lab.json to callers of their account. The responses for instances and clusters
contain elements that a careless parser would confuse with others: pending changes, a second endpoint, nested lists.

The proxy `px` and the custom endpoint `analysts` have no server in the lab. Only their descriptions exist.
"""
import re

from exchange import AwsError
from query_service import QueryService

HOST = re.compile(
    r"rds(-fips)?\.(?P<region>[a-z0-9-]+)"
    r"\.(amazonaws\.com|amazonaws\.com\.cn|api\.aws|api\.amazonwebservices\.com\.cn)"
)
NOT_FOUND = {
    "db": ("DBInstanceNotFound", "DBInstance {} not found."),
    "cluster": ("DBClusterNotFoundFault", "DBCluster {} not found."),
    "db-proxy": ("DBProxyNotFoundFault", "DB Proxy {} not found."),
}
PROXY = "px"
PROXY_ID = "prx-0123456789abcdef0"
CUSTOM_ENDPOINT = "analysts"


class Rds(QueryService):
    """ports maps an engine to its port. iam_off contains the engines for which IAM authentication is disabled."""

    SERVICE = "rds"
    VERSION = "2014-10-31"
    NAMESPACE = "http://rds.amazonaws.com/doc/2014-10-31/"
    OPERATIONS = {
        "DescribeDBInstances": ("_instances", ["DBInstanceIdentifier"]),
        "DescribeDBClusters": ("_clusters", ["DBClusterIdentifier"]),
        "DescribeDBClusterEndpoints": ("_cluster_endpoints", ["DBClusterEndpointIdentifier"]),
        "DescribeDBProxies": ("_proxies", ["DBProxyName"]),
    }

    def __init__(self, fixture, principals, now, ports, iam_off):
        super().__init__(principals, now)
        self._fixture = fixture
        self._ports = ports
        self._iam_off = iam_off

    def regions(self, request):
        found = HOST.fullmatch(request.host)
        return (found["region"],) if found else self._fixture.cloud.regions

    def _databases(self, caller, region):
        return [
            each for each in self._fixture.databases.values()
            if (each.account, each.region) == (caller.account, region)
        ]  # fmt: skip

    def _find(self, caller, region, operation, kind, name, found):
        """Authorizes the caller. Returns the resource's ARN and `found`. Raises AwsError if `found` is None."""
        arn = f"arn:aws:rds:{region}:{caller.account}:{kind}:{name}"
        self.authorize(caller, operation, arn)
        if found is None:
            code, message = NOT_FOUND[kind]
            raise AwsError(404, code, message.format(name))
        return arn, found

    def _has_iam(self, database):
        return "false" if database.engine in self._iam_off else "true"

    def _instances(self, caller, region, parameters):
        name = parameters["DBInstanceIdentifier"].lower()
        known = {}
        for database in self._databases(caller, region):
            host = database.endpoints[0]
            if database.instances:
                for each, resource_id in database.instances.items():
                    suffix = host.partition(".")[2].replace("cluster-", "")
                    known[each] = (database, resource_id, f"{each}.{suffix}", host.partition(".")[0])
            else:
                known[host.partition(".")[0]] = (database, database.resource_id, host, None)
        arn, (database, resource_id, host, cluster) = self._find(
            caller, region, "DescribeDBInstances", "db", name, known.get(name)
        )
        has_iam = self._has_iam(database)
        pending = "false" if has_iam == "true" else "true"
        subnet = [("SubnetAvailabilityZone", [("Name", region + "a")]), ("SubnetStatus", "Active")]
        port = str(self._ports[database.engine])
        return [("DBInstances", [("DBInstance", [
            ("PendingModifiedValues", [("IAMDatabaseAuthenticationEnabled", pending), ("Port", "1")]),
            ("ListenerEndpoint", [("Address", "listener.example.com"), ("Port", "2")]),
            ("DBSubnetGroup", [("Subnets", [("Subnet", subnet), ("Subnet", subnet)])]),
            ("DBInstanceIdentifier", name),
            ("DBInstanceStatus", "available"),
            ("Endpoint", [("HostedZoneId", "Z1"), ("Address", host), ("Port", port)]),
            ("DbInstancePort", "0"),
            *([("DBClusterIdentifier", cluster)] if cluster else []),
            ("DbiResourceId", resource_id),
            ("DBInstanceArn", arn),
            ("IAMDatabaseAuthenticationEnabled", has_iam),
        ])])]  # fmt: skip

    def _clusters(self, caller, region, parameters):
        name = parameters["DBClusterIdentifier"].lower()
        known = {
            each.endpoints[0].partition(".")[0]: each
            for each in self._databases(caller, region) if each.instances
        }  # fmt: skip
        arn, database = self._find(
            caller, region, "DescribeDBClusters", "cluster", name, known.get(name)
        )
        members = [
            ("DBClusterMember", [("DBInstanceIdentifier", each), ("IsClusterWriter", "true")])
            for each in database.instances
        ]
        return [("DBClusters", [("DBCluster", [
            ("DBClusterIdentifier", name),
            ("Status", "available"),
            ("PendingModifiedValues", [("IAMDatabaseAuthenticationEnabled", "false")]),
            ("Endpoint", database.endpoints[0]),
            ("ReaderEndpoint", database.endpoints[1]),
            ("Port", str(self._ports[database.engine])),
            ("DBClusterMembers", members),
            ("DbClusterResourceId", database.resource_id),
            ("DBClusterArn", arn),
            ("IAMDatabaseAuthenticationEnabled", self._has_iam(database)),
        ])])]  # fmt: skip

    def _cluster_endpoints(self, caller, region, parameters):
        name = parameters["DBClusterEndpointIdentifier"].lower()
        arn = f"arn:aws:rds:{region}:{caller.account}:cluster-endpoint:{name}"
        self.authorize(caller, "DescribeDBClusterEndpoints", arn)
        database = self._fixture.databases["mariadb"]
        if name != CUSTOM_ENDPOINT or database not in self._databases(caller, region):
            return [("DBClusterEndpoints", [])]
        cluster, _, suffix = database.endpoints[0].partition(".")
        return [("DBClusterEndpoints", [("DBClusterEndpointList", [
            ("DBClusterEndpointIdentifier", name),
            ("DBClusterIdentifier", cluster),
            ("Endpoint", f"{name}.{suffix.replace('cluster-', 'cluster-custom-')}"),
            ("Status", "available"),
            ("DBClusterEndpointArn", arn),
        ])])]  # fmt: skip

    def _proxies(self, caller, region, parameters):
        name = parameters["DBProxyName"].lower()
        databases = self._databases(caller, region)
        found = databases[0] if databases and name == PROXY else None
        self._find(caller, region, "DescribeDBProxies", "db-proxy", name, found)
        suffix = found.endpoints[0].partition(".")[2]
        return [("DBProxies", [("member", [
            ("DBProxyName", name),
            ("DBProxyArn", f"arn:aws:rds:{region}:{caller.account}:db-proxy:{PROXY_ID}"),
            ("Status", "available"),
            ("Auth", [("member", [("AuthScheme", "SECRETS"), ("IAMAuth", "REQUIRED")])]),
            ("Endpoint", f"{name}.proxy-{suffix}"),
            ("RequireTLS", "true"),
        ])])]  # fmt: skip
