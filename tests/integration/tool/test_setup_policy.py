# SPDX-License-Identifier: MIT
"""`rds-iam setup policy` and `rds-iam setup trust-policy`: the lab's IAM and STS use the printed documents unchanged.
With the printed policy the login is accepted. With a policy for another login, the login is refused, and the journal
contains the reason."""
import json
import re
import shlex

import jmespath

from cloud import REGION
from labcase import USER, LabCase, harness
from mariadb_client import CONFIG, MariadbCase
import recipes
from test_story import ACCESS_ROLE, ExampleCase

INSTANCE = "mypg.abcdefghijkl.eu-west-1.rds.amazonaws.com"
CLUSTER = "mydb.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com"
PROXY = "px.proxy-abcdefghijkl.eu-west-1.rds.amazonaws.com"
LIMITLESS = "sg.shardgrp-abcdefghijkl.eu-west-1.rds.amazonaws.com"
GLOBAL = "g.global-abcdefghijkl.global.rds.amazonaws.com"
ACCOUNT = "123456789012"
ID = "ABCDEFGHIJKL01234"


class Printed:
    """Runs rds-iam setup in a test's home."""

    def setup(self, *words):
        return self.home.run([harness.installed("bin/rds-iam"), "setup", *words], None)

    def policy(self, server, user=USER, **options):
        """Returns the printed policy for a server of the lab. `options` replace or add options of the command."""
        given = {
            "hostname": server.host, "username": user, "account": ACCOUNT,
            "resource-id": server.resource_id, **{key.replace("_", "-"): text for key, text in options.items()},
        }
        result = self.setup("policy", *(f"--{key}={text}" for key, text in given.items() if text is not None))
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def trust_policy(self, *options):
        result = self.setup("trust-policy", *options)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return json.loads(result.stdout)


class Login(Printed, MariadbCase):
    """The printed policy is the only policy of the lab's user that is named no-policy."""

    def attach(self, *policies):
        self.lab.policies("no-policy", policies)
        self.addCleanup(self.lab.policies, "no-policy", [])

    def log_in(self):
        return self.mariadb(principal="no-policy")

    def test_the_printed_policy_allows_the_login(self):
        self.assertIn("ERROR 1045", self.log_in().stderr)
        self.assert_refused("AccessDenied")
        self.attach(self.policy(self.lab.mariadb))
        self.assert_logged_in(self.log_in())
        self.assertIsNone(self.verdicts()[-1]["reason"])

    def test_the_policy_for_the_reader_endpoint_is_the_same(self):
        reader = self.policy(self.lab.mariadb, hostname=self.lab.mariadb_reader_host)
        self.assertEqual(reader, self.policy(self.lab.mariadb))
        self.attach(reader)
        self.assert_logged_in(self.mariadb(host=self.lab.mariadb_reader_host, principal="no-policy"))

    def test_a_policy_for_another_login_does_not_allow_this_login(self):
        good = self.lab.mariadb
        others = {
            "another user": self.policy(good, user="other_iam_user"),
            "the beginning of the user": self.policy(good, user=USER[:-1]),
            "the user in capitals": self.policy(good, user=USER.upper()),
            "the user *, which is not a pattern in the policy": self.policy(good, user="*"),
            "a user name that ends with ?, which is not a pattern in the policy": self.policy(good, user=USER[:-1] + "?"),
            "another resource id": self.policy(good, resource_id=f"cluster-{ID}"),
            "another account": self.policy(good, account="999999999999"),
            "another region": self.policy(good, region="eu-west-1"),
            "another database": self.policy(self.lab.pg),
            "no resource id": self.policy(good, resource_id=None),
            "no account": self.policy(good, account=None),
        }
        for name, policy in others.items():
            with self.subTest(name):
                self.attach(policy)
                self.assertIn("ERROR 1045", self.log_in().stderr)
                self.assert_refused("AccessDenied")
                arn = f"arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:{good.resource_id}/{USER}"
                self.assertEqual(self.verdicts()[-1]["detail"],
                                 f"ImplicitDeny: no-policy rds-db:connect on {arn}")
        self.attach(self.policy(good))
        self.assert_logged_in(self.log_in())

    def test_a_mapped_host_has_the_policy_of_its_endpoint(self):
        server = self.lab.mariadb
        self.home.write(CONFIG, f"[127.0.0.1:13306]\nendpoint = {server.host}:{server.port}\n")
        policy = self.policy(server, hostname="127.0.0.1", port="13306")
        self.assertEqual(policy, self.policy(server))
        result = self.setup("policy", "--hostname=127.0.0.1", f"--username={USER}")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        other = " (no section matches, the first is [127.0.0.1:13306])"
        self.assertIn("[127.0.0.1], then endpoint = ENDPOINT:ITS_PORT, then tls = verify-ca, in ~/.config/rds-iam/config"
                      f"{other}; if the file has a "
                      "section [HOST:PORT], also give the port\n", result.stderr)
        result = self.setup("policy", "--hostname=127.0.0.1", "--port=13307", f"--username={USER}")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertTrue(result.stderr.endswith(
            f"endpoint = ENDPOINT:ITS_PORT, then tls = verify-ca, in ~/.config/rds-iam/config{other}\n"), result.stderr)


class Story(Printed, ExampleCase):
    """The example of RECIPES.md with printed policies in the place of the document's."""

    def setUp(self):
        super().setUp()
        self.role = self.lab.roles[ACCESS_ROLE]
        self.caller = self.lab.roles["service"].arn
        self.addCleanup(self.lab.role, ACCESS_ROLE)
        self.configure()

    def configure(self, more=""):
        self.home.write(CONFIG, recipes.configuration(
            REGION=REGION, ACCOUNT_ID=self.role.account, ACCESS_ROLE=ACCESS_ROLE) + more)

    def attach(self, *options):
        self.lab.role(ACCESS_ROLE, self.trust_policy(*options),
                      [self.policy(server) for server in (self.lab.pg, self.lab.mariadb)])

    def assert_sts_refuses(self, action):
        self.assert_message_everywhere(f"sts:{action} must be allowed by both the caller's own policy and the "
                                       "role's trust policy" + self.advice + "\n", **self.pod_env("service"))
        refused = [call["detail"] for call in self.calls() if call["code"] == "AccessDenied"]
        self.assertEqual(set(refused), {f"trust policy: ImplicitDeny sts:{action}"})

    advice = ""

    def test_the_printed_policies_are_those_of_the_recipes(self):
        trust = self.trust_policy(f"--role-arn={self.caller}", "--session-tags")
        self.assertEqual(trust, recipes.trust_policy(SERVICE_ACCOUNT="210987654321", SERVICE_ROLE="service"))
        for server in (self.lab.pg, self.lab.mariadb):
            self.assertEqual(self.policy(server), recipes.access_policy(
                REGION=server.region, ACCOUNT_ID=ACCOUNT, RESOURCE_ID=server.resource_id))

    def test_the_two_commands_of_the_help_print_the_same_policies(self):
        text = self.setup("--help").stdout.replace("\\\n", "")
        commands = re.findall(r"^  rds-iam setup ((?:trust-)?policy .*)$", text, re.M)
        self.assertEqual(len(commands), 2, text)
        filled = {"ENDPOINT": self.lab.pg.host, "USER": USER, "RESOURCE_ID": self.lab.pg.resource_id}
        documents = [json.loads(self.setup(*(filled.get(word, word) for word in shlex.split(line))).stdout)
                     for line in commands]
        self.assertEqual(documents, [
            recipes.trust_policy(SERVICE_ACCOUNT="210987654321", SERVICE_ROLE="SERVICE"), self.policy(self.lab.pg)])

    def test_the_service_logs_in(self):
        self.attach(f"--role-arn={self.caller}", "--session-tags")
        self.assert_both_log_in(self.role.session_arn("rds-iam"), **self.pod_env("service"))

    def test_without_session_tags_the_tags_are_refused(self):
        self.attach(f"--role-arn={self.caller}")
        self.assert_sts_refuses("TagSession")

    def test_a_service_with_another_role_is_refused(self):
        self.advice = ", which may require an external_id; or the role does not exist: compare its name"
        for other in (f"{self.caller}2", self.caller.replace("210987654321", "123456789012"),
                      self.caller.replace("role/", "role/team/")):
            with self.subTest(other):
                self.attach(f"--role-arn={other}", "--session-tags")
                self.assert_sts_refuses("AssumeRole")

    def test_the_external_id(self):
        self.attach(f"--role-arn={self.caller}", "--session-tags", "--external-id=etl:4711/+=,.@-_")
        self.configure("external_id = etl:4711/+=,.@-_\n")
        self.assert_both_log_in(self.role.session_arn("rds-iam"), **self.pod_env("service"))

    def test_a_wrong_external_id(self):
        self.attach(f"--role-arn={self.caller}", "--session-tags", "--external-id=etl/4711")
        self.configure("external_id = etl/4712\n")
        self.advice = ", which may require another external_id; or the role does not exist: compare its name"
        self.assert_sts_refuses("AssumeRole")


class Document(Printed, LabCase):
    """The texts: ARNs, notes, the commands in the notes, invalid values."""

    def run_policy(self, host, *options, user=USER):
        return self.setup("policy", f"--hostname={host}", f"--username={user}", *options)

    def resource(self, *words, **more):
        result = self.run_policy(*words, **more)
        self.assertEqual(result.returncode, 0, result.stderr)
        (statement,) = json.loads(result.stdout)["Statement"]
        self.assertEqual({key: statement[key] for key in statement if key != "Resource"},
                         {"Effect": "Allow", "Action": "rds-db:connect"})
        return statement["Resource"]

    def test_the_partition_and_the_region_are_those_of_the_endpoint(self):
        rows = (
            ("x.abc.us-east-1.rds.amazonaws.com", "aws", "us-east-1"),
            ("x.abc.us-gov-east-1.rds.amazonaws.com", "aws-us-gov", "us-gov-east-1"),
            ("x.abc.rds.cn-north-1.amazonaws.com.cn", "aws-cn", "cn-north-1"),
            ("x.abc.rds.us-iso-west-1.c2s.ic.gov", "aws-iso", "us-iso-west-1"),
            ("x.abc.rds.us-isob-east-1.sc2s.sgov.gov", "aws-iso-b", "us-isob-east-1"),
            ("x.abc.rds.eu-isoe-west-1.cloud.adc-e.uk", "aws-iso-e", "eu-isoe-west-1"),
            ("x.abc.rds.us-isof-east-1.csp.hci.ic.gov", "aws-iso-f", "us-isof-east-1"),
            ("x.abc.rds.eusc-de-east-1.amazonaws.eu", "aws-eusc", "eusc-de-east-1"),
        )
        for host, partition, region in rows:
            with self.subTest(host):
                self.assertEqual(
                    self.resource(host, f"--account={ACCOUNT}", f"--resource-id=db-{ID}"),
                    f"arn:{partition}:rds-db:{region}:{ACCOUNT}:dbuser:db-{ID}/{USER}")

    def test_characters_of_a_user_that_have_a_meaning_in_a_policy(self):
        for user, written in (("a*b", "a${*}b"), ("a?b", "a${?}b"), ("${aws:username}", "${$}{aws:username}"),
                              ("$*", "${$}${*}"), ("a/b:c", "a/b:c"), ('"\\', '"\\'), ("ユ😀", "ユ😀")):
            with self.subTest(user):
                result = self.run_policy(CLUSTER, user=user)
                self.assertTrue(result.stdout.isascii())
                self.assertTrue(self.resource(CLUSTER, user=user).endswith(f"/{written}"))
                self.assertEqual("${*}, ${?} and ${$}" in result.stderr, user != written)

    def notes(self, *words):
        result = self.run_policy(*words)
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = result.stderr.splitlines()
        self.assertTrue(all(line.startswith("rds-iam: note: ") for line in lines), lines)
        return lines

    def query(self, host):
        """Returns the operation and the JMESPath query of the command that shows the resource id. A note contains this
        command."""
        (line,) = [line for line in self.notes(host, f"--account={ACCOUNT}") if "RESOURCE_ID" in line]
        command = shlex.split(line.split("run: ")[1].split(" (if")[0])
        self.assertEqual(command[:2], ["aws", "rds"])
        self.assertEqual(command[command.index("--region") + 1], "eu-west-1")
        return command[2], command[command.index("--query") + 1]

    def test_the_command_in_the_note_finds_the_resource_id(self):
        """Evaluates the queries as the AWS CLI does. Each response also contains other databases, except the response
        for shard groups."""
        custom = "c.cluster-custom-abcdefghijkl.eu-west-1.rds.amazonaws.com"
        reader = CLUSTER.replace("cluster-", "cluster-ro-")
        clusters = {"DBClusters": [
            {"Endpoint": "other", "ReaderEndpoint": "other-ro", "DbClusterResourceId": "cluster-OTHER"},
            {"Endpoint": CLUSTER, "ReaderEndpoint": reader, "CustomEndpoints": [custom],
             "DbClusterResourceId": "cluster-THIS"}]}
        instances = {"DBInstances": [
            {"DbiResourceId": "db-CREATING"},
            {"Endpoint": {"Address": "other"}, "DbiResourceId": "db-OTHER"},
            {"Endpoint": {"Address": INSTANCE}, "DbiResourceId": "db-THIS", "DBClusterIdentifier": "shop"}]}
        proxies = {"DBProxies": [{"Endpoint": "other", "DBProxyArn": "arn:other"},
                                 {"Endpoint": PROXY, "DBProxyArn": "arn:aws:rds:eu-west-1:1:db-proxy:prx-this"}]}
        groups = {"DBShardGroups": [
            {"Endpoint": LIMITLESS, "DBShardGroupResourceId": "shardgroup-this", "DBClusterIdentifier": "shop"}]}
        rows = (
            (CLUSTER, "describe-db-clusters", clusters, ["cluster-THIS"]),
            (reader, "describe-db-clusters", clusters, ["cluster-THIS"]),
            (custom, "describe-db-clusters", clusters, ["cluster-THIS"]),
            ("x" + CLUSTER, "describe-db-clusters", clusters, []),
            (INSTANCE, "describe-db-instances", instances, [["db-THIS", "shop"]]),
            (PROXY, "describe-db-proxies", proxies, ["arn:aws:rds:eu-west-1:1:db-proxy:prx-this"]),
            (LIMITLESS, "describe-db-shard-groups", groups, [["shardgroup-this", "shop"]]),
        )
        for host, operation, answer, found in rows:
            with self.subTest(host):
                named, query = self.query(host)
                self.assertEqual(named, operation)
                self.assertEqual(jmespath.search(query, answer), found)

    def test_a_global_endpoint(self):
        self.assertIn("name the endpoint of its writer cluster", self.run_policy(GLOBAL).stderr)
        words = (GLOBAL, "--region=eu-west-1", f"--account={ACCOUNT}")
        lines = self.notes(*words)
        query, then = lines[0].split("run: ")[1].split(" to find the cluster's ARN, and then: ")
        query = shlex.split(query)[-1]
        answer = {"GlobalClusters": [
            {"Endpoint": GLOBAL, "GlobalClusterMembers": [
                {"DBClusterArn": "arn:reader", "IsWriter": False}, {"DBClusterArn": "arn:writer", "IsWriter": True}]},
            {"Endpoint": "other", "GlobalClusterMembers": [{"DBClusterArn": "arn:other", "IsWriter": True}]}]}
        self.assertEqual(jmespath.search(query, answer), ["arn:writer"])
        self.assertEqual(shlex.split(then), [
            "aws", "rds", "describe-db-clusters", "--region", "eu-west-1", "--output", "text",
            "--db-cluster-identifier", "CLUSTER_ARN", "--query", "DBClusters[].DbClusterResourceId"])
        self.assertIn("after a failover to another region", lines[1])
        self.assertEqual(self.resource(*words, f"--resource-id=cluster-{ID}"),
                         f"arn:aws:rds-db:eu-west-1:{ACCOUNT}:dbuser:cluster-{ID}/{USER}")

    def test_placeholders_have_notes(self):
        self.assertEqual(self.resource(CLUSTER), f"arn:aws:rds-db:eu-west-1:ACCOUNT_ID:dbuser:RESOURCE_ID/{USER}")
        lines = self.notes(CLUSTER)
        named = [("ACCOUNT_ID" in line, "RESOURCE_ID" in line) for line in lines]
        self.assertEqual(named, [(True, False), (False, True)])
        self.assertEqual(self.notes(CLUSTER, f"--account={ACCOUNT}", f"--resource-id=cluster-{ID}"), [])

    def test_an_instance_may_belong_to_a_cluster(self):
        warned = self.notes(INSTANCE, f"--account={ACCOUNT}", f"--resource-id=db-{ID}")
        self.assertEqual(len(warned), 1)
        self.assertIn("needs the cluster's id", warned[0])
        self.assertEqual(self.notes(INSTANCE, f"--account={ACCOUNT}", f"--resource-id=cluster-{ID}"), [])

    def assert_usage(self, result, text):
        self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
        self.assertIn(text, result.stderr)
        self.assertRegex(result.stderr, r"\Ards-iam: [^\n\x00-\x1f]+; see rds-iam setup (trust-)?policy --help\n\Z")

    def test_resource_ids_that_do_not_fit(self):
        rows = (
            (INSTANCE, f"prx-{ID}", "does not fit"), (CLUSTER, f"db-{ID}", "needs cluster-... of the cluster"),
            (CLUSTER, f"prx-{ID}", "does not fit"), (PROXY, f"cluster-{ID}", "needs prx-..."),
            (PROXY, f"db-{ID}", "does not fit"), (CLUSTER, ID, "does not fit"),
            (CLUSTER, f"CLUSTER-{ID}", "does not fit"), (GLOBAL, f"db-{ID}", "does not fit"),
            (CLUSTER, f"arn:aws:rds:eu-west-1:1:cluster:cluster-{ID}", "does not fit"),
            (CLUSTER, "*", "contains a wildcard"), (CLUSTER, "cluster-*", "contains a wildcard"),
            (CLUSTER, "cluster-ABCDEFGHIJKL0123?", "contains a wildcard"),
            (CLUSTER, "cluster-${aws:username}", "contains a wildcard"),
            (CLUSTER, "cluster-", "is not a resource id"), (CLUSTER, "cluster-SHOP", "is not a resource id"),
            (CLUSTER, "cluster-abcdefghijkl01234", "is not a resource id"),
            (INSTANCE, "db-" + ID.lower(), "is not a resource id"), (INSTANCE, f"db-{ID}/x", "is not a resource id"),
            (INSTANCE, f"db-{ID} ", "is not a resource id"), (INSTANCE, f"db-{ID}\n", "is not a resource id"),
            (INSTANCE, "db-" + "A" * 65, "is not a resource id"),
            (INSTANCE, f"db-{ID}\x1b[31m", "is not a resource id"),
        )
        for host, given, text in rows:
            with self.subTest(host=host, given=given):
                self.assert_usage(self.run_policy(host, "--region=eu-west-1", f"--resource-id={given}"), text)
        for host, given in ((PROXY, f"prx-{ID.lower()}"), (LIMITLESS, f"cluster-{ID}"), (INSTANCE, f"db-{ID}")):
            self.assertIn(f":dbuser:{given}/", self.resource(host, f"--resource-id={given}"))

    def test_other_invalid_values(self):
        for account in ("1234-5678-9012", "12345678901", "1234567890123", "12345678901a", "*", "１23456789012"):
            self.assert_usage(self.run_policy(CLUSTER, f"--account={account}"), "is not an account number")
        for user, text in (("a\nb", "contains a control character"), ("a\x7f", "contains a control character"),
                           ("a\udcff", "is not UTF-8"), ("x" * 256, "is longer than a database allows"),
                           ("", "the value of --username is empty")):
            self.assert_usage(self.run_policy(CLUSTER, user=user), text)
        self.assert_usage(self.run_policy(CLUSTER, "--port=0"), "not between 1 and 65535")
        for host, text in (("db.example.com", "[db.example.com], then endpoint = ENDPOINT:ITS_PORT"), ("a b", "is not a host name"),
                           (f"{CLUSTER}:3306", "is not a host name"),
                           (CLUSTER + ".evil.example", "is not an RDS endpoint"),
                           ("dsql.us-east-1.on.aws", "is not an RDS endpoint")):
            with self.subTest(host):
                result = self.run_policy(host)
                self.assertEqual((result.returncode, result.stdout), (1, ""))
                self.assertIn(text, result.stderr)
        result = self.run_policy(CLUSTER, "--region=cn-north-1")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("is not a region of the partition aws", result.stderr)

    def test_role_arns(self):
        good = "arn:aws:iam::210987654321:role/service"
        for arn in (good, good.replace("aws:", "aws-cn:"), good.replace("aws:", "aws-eusc:"),
                    good.replace("role/", "role/team/etl/"), good.replace("service", "a+=,.@-_" + "x" * 56)):
            (statement,) = self.trust_policy(f"--role-arn={arn}")["Statement"]
            self.assertEqual(statement, {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"})
        rows = (
            ("service", "is not an ARN"), ("arn:aws:iam::210987654321", "is not an ARN"),
            (good.replace("arn:", "ARN:"), "is not an ARN"), (good.replace("aws:", "amazon:"), "unknown partition"),
            (good.replace("aws:", ":"), "unknown partition"), (good.replace("iam:", "s3:"), "is not an ARN of IAM"),
            (good.replace("iam::", "iam:eu-west-1:"), "is not an ARN of IAM"),
            (good.replace("210987654321", "2109-8765-4321"), "has no account number"),
            (good.replace("210987654321", ""), "has no account number"),
            (good.replace("210987654321", "21098765432"), "has no account number"),
            (good.replace("role/service", "root"), "is not the ARN of a role"),
            (good.replace("role/", "user/"), "is not the ARN of a role"),
            (good.replace("role/service", "role"), "is not the ARN of a role"),
            ("arn:aws:sts::210987654321:assumed-role/service/i-1", "is the ARN of a session"),
            (good.replace("service", ""), "the name of a role"), (good + "/", "the name of a role"),
            (good + "\n", "the name of a role"), (good + " ", "the name of a role"), (good + '"', "the name of a role"),
            (good.replace("service", "x" * 65), "the name of a role"), (good + "ü", "the name of a role"),
            (good.replace("role/", "role//"), "invalid path"), (good.replace("role/", "role/a//"), "invalid path"),
            (good.replace("role/", 'role/a"/'), "invalid path"),
            ("*", "contains a wildcard"), (good.replace("service", "*"), "contains a wildcard"),
            (good.replace("service", "servic?"), "contains a wildcard"),
            (good.replace("service", "${aws:username}"), "contains a wildcard"),
            (good.replace("service", "x" * 2000), "is not an ARN"),
        )
        for arn, text in rows:
            with self.subTest(arn[:80]):
                self.assert_usage(self.setup("trust-policy", f"--role-arn={arn}"), text)

    def test_external_ids(self):
        good = "--role-arn=arn:aws:iam::210987654321:role/service"
        for external_id in ("ab", "x" * 1224):
            (statement,) = self.trust_policy(good, f"--external-id={external_id}")["Statement"]
            self.assertEqual(statement["Condition"], {"StringEquals": {"sts:ExternalId": external_id}})
        for external_id in ("a", "x" * 1225, "a b", "a*", "${aws:username}", "a\nb", "ü1"):
            with self.subTest(external_id):
                result = self.setup("trust-policy", good, f"--external-id={external_id}")
                self.assert_usage(result, "is not an external id")


harness.main()
