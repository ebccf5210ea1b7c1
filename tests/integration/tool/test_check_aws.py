# SPDX-License-Identifier: MIT
"""`rds-iam check --aws`: several causes look the same to the client. The tests make each of these causes in the lab,
and the command names only this cause and those that the answers of AWS cannot exclude.

The lab's RDS and IAM answer from the same data that decides a login. If the identity lacks a permission, the network
lacks one of these services, or an answer cannot be used, the output reports the item as skipped, and the command still
makes its other requests.
"""
import json
import socket
from typing import NamedTuple

from cloud import CloudCase
from labcase import USER, harness
from mariadb_client import CONFIG
from rawclient import sts

GROUP_POSTGRES = {"policy-missing", "policy-deny", "account", "iam-off", "user-missing"}
NO_CONNECT = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'


class Output(NamedTuple):
    status: int
    document: dict

    @property
    def causes(self):
        return [each["cause"] for each in self.document["causes"]]

    def item(self, name):
        """The mark and the text of an item of the section AWS, or None."""
        found = [(each["mark"], each["text"]) for each in self.document["items"]
                 if each["section"] == "AWS" and each["name"] == name]
        return found[-1] if found else None

    def remedy(self, cause):
        return next(each["remedy"] for each in self.document["causes"] if each["cause"] == cause)


class AwsCase(CloudCase):
    def setUp(self):
        super().setUp()
        for engine in ("postgresql", "mariadb"):
            self.lab.iam_authentication(engine, True)

    def argv(self, *options, server=None, host=None, port=None, user=USER):
        server = server or self.lab.pg
        engine = "postgres" if server == self.lab.pg else "mysql"
        return [harness.installed("bin/rds-iam"), "check", "--hostname", host or server.host, "--port",
                str(port or server.port), "--username", user, "--engine", engine, "--ca", str(self.lab.ca_file),
                "--json", *options]

    def check(self, principal, *options, env=None, **login):
        services = {f"AWS_ENDPOINT_URL_{name}": self.lab.cloud_https for name in ("RDS", "IAM")}
        result = self.home.run(
            self.argv(*options, **login), principal, **self.cloud_env(**{**services, **(env or {})}))
        self.assertGreaterEqual(result.returncode, 0, result.stderr)
        for each in self.lab.principals.values():
            self.assertNotIn(each.secret_key, result.stdout + result.stderr)
        return Output(result.returncode, json.loads(result.stdout))

    def asked(self):
        return [call["operation"] for call in self.calls() if call["service"] in ("rds", "iam")]

    def role(self, name, **parameters):
        """Assumes a role, as another program does. Returns the environment variables with the keys of the session."""
        reply = sts(self.lab, self.lab.principals["etl-base"], Action="AssumeRole",
                    RoleArn=self.lab.roles[name].arn, RoleSessionName="check", **parameters)
        self.assertEqual(reply.status, 200, reply.body)
        return reply.keys().env()

    def assert_alone(self, output, cause, *unseen):
        """Checks that the command names only this cause and, after it, the causes `unseen`, which the answers of AWS
        cannot exclude."""
        self.assertEqual((output.status, output.causes), (3, [cause, *unseen]), json.dumps(output.document, indent=1))


class EachCauseAlone(AwsCase):
    def test_control_without_the_option_aws_is_not_asked_and_several_causes_are_named(self):
        output = self.check("asker-no-policy")
        self.assertEqual(output.status, 3)
        self.assertGreaterEqual(set(output.causes), GROUP_POSTGRES - {"user-missing"})
        self.assertEqual(self.asked(), [])
        self.assertNotIn("AWS", [each["section"] for each in output.document["items"]])

    def test_a_login_that_works(self):
        for server, operations in (
                (self.lab.pg, ["DescribeDBInstances", "SimulatePrincipalPolicy"]),
                (self.lab.mariadb, ["DescribeDBClusters", "SimulatePrincipalPolicy"])):
            with self.subTest(server=server.host):
                seen = len(self.asked())
                output = self.check("asker", "--aws", server=server)
                self.assertEqual((output.status, output.causes), (0, []), output.document)
                self.assertEqual(self.asked()[seen:], operations)
                self.assertEqual(output.item("IAM login"), ("ok", "IAM authentication is enabled"))
                self.assertEqual(output.item("port")[0], "ok")
                mark, text = output.item("database")
                self.assertEqual(mark, "ok")
                self.assertRegex(text, r"^my(pg|db) of account 123456789012: (db|cluster)-M?[YP]G?\w+, available$")
                mark, text = output.item("policy")
                self.assertEqual(mark, "ok")
                self.assertTrue(text.startswith("allowed (identity policy only): rds-db:connect on arn:aws:rds-db:"))

    def test_no_policy(self):
        output = self.check("asker-no-policy", "--aws")
        self.assert_alone(output, "policy-missing")
        self.assert_refused("AccessDenied")
        self.assertEqual(output.item("policy")[0], "fault")
        self.assertIn(
            "--account 123456789012 --resource-id db-PGLABABCDEFGHIJKLMNOPQRST", output.remedy("policy-missing"))

    def test_a_deny(self):
        output = self.check("asker-denied", "--aws")
        self.assert_alone(output, "policy-deny")
        self.assert_refused("AccessDenied")
        self.assertIn("--policy-source-arn arn:aws:iam::123456789012:user/asker-denied", output.remedy("policy-deny"))
        self.assertIn(f"dbuser:db-PGLABABCDEFGHIJKLMNOPQRST/{USER}", output.remedy("policy-deny"))

    def test_a_policy_that_names_an_instance_of_the_cluster(self):
        for host in (self.lab.mariadb.host, self.lab.mariadb_reader_host,
                     "mydb-1.abcdefghijkl.us-east-1.rds.amazonaws.com"):
            with self.subTest(host=host):
                output = self.check("asker-other-resource", "--aws", server=self.lab.mariadb, host=host)
                self.assert_alone(output, "policy-resource", "user-missing", "user-plugin")
                self.assert_refused("AccessDenied")
                self.assertIn("db-MYLABINSTANCEABCDEFGHIJ", output.item("resource")[1])

    def test_another_account(self):
        output = self.check("asker-foreign", "--aws")
        self.assert_alone(output, "account")
        self.assert_refused("AccessDenied")
        self.assertEqual(
            output.item("database"), ("fault", "account 999999999999 has no instance mypg in us-east-1"))
        self.assertEqual(output.item("policy")[0], "skipped")

    def test_another_account_that_has_a_database_of_the_same_name(self):
        """The two databases differ only in their endpoints, and the command compares the endpoints."""
        host = "mypg.zyxwvutsrqpo.us-east-1.rds.amazonaws.com"
        self.home.write(CONFIG, f"[127.0.0.1]\nendpoint = {host}:{self.lab.pg.port}\ntls = verify-ca\n")
        output = self.check("asker", "--aws", host="127.0.0.1")
        mark, text = output.item("database")
        self.assertEqual(mark, "fault")
        self.assertIn(f"but with another endpoint: {self.lab.pg.host}", text)

    def test_iam_authentication_is_off(self):
        self.lab.iam_authentication("postgresql", False)
        output = self.check("asker", "--aws")
        self.assert_alone(output, "iam-off")
        self.assert_refused("IamOff")
        self.assertEqual(output.item("IAM login"), ("fault", "IAM authentication is not enabled"))
        self.assertEqual(
            output.remedy("iam-off"), "aws rds modify-db-instance --region us-east-1 --db-instance-identifier mypg "
            "--enable-iam-database-authentication --apply-immediately")

    def test_the_token_is_signed_for_another_port(self):
        server = self.lab.mariadb
        self.home.write(CONFIG, f"[127.0.0.1]\nendpoint = {server.host}:3309\ntls = verify-ca\n")
        output = self.check("asker", "--aws", server=server, host="127.0.0.1")
        self.assert_alone(output, "signed-port", "user-missing", "user-plugin")
        self.assert_refused("WrongHost")
        self.assertEqual(
            output.item("port"), ("fault", f"the endpoint's port is {server.port}, but the token is signed for 3309"))

    def test_two_causes_at_once(self):
        self.lab.iam_authentication("postgresql", False)
        output = self.check("asker-no-policy", "--aws")
        self.assertEqual(output.causes, ["policy-missing", "iam-off"])

    def test_a_role_with_a_path(self):
        output = self.check(None, "--aws", env=self.role("rds-access-asker-powerless"))
        self.assert_alone(output, "policy-missing")
        self.assertEqual(
            output.item("role"), ("ok", "arn:aws:iam::123456789012:role/team/rds-access-asker-powerless"))

    def test_causes_that_aws_does_not_report_are_still_named(self):
        connect = json.loads(NO_CONNECT)
        connect["Statement"][0]["Action"] = ["rds:Describe*", "iam:*"]
        output = self.check(None, "--aws", env=self.role("rds-access-asker", Policy=json.dumps(connect)))
        self.assertEqual(output.status, 3)
        self.assert_refused("AccessDenied")
        self.assertEqual(output.item("policy")[0], "ok")
        self.assertLessEqual({"session-policy", "service-control-policy"}, set(output.causes))
        self.assertFalse(GROUP_POSTGRES - {"user-missing"} & set(output.causes) - {"user-missing"}, output.causes)

    def test_a_boundary_and_an_organization_override_the_policy(self):
        for element in ("<PermissionsBoundaryDecisionDetail><AllowedByPermissionsBoundary>false"
                        "</AllowedByPermissionsBoundary></PermissionsBoundaryDecisionDetail>",
                        "<OrganizationsDecisionDetail><AllowedByOrganizations>false</AllowedByOrganizations>"
                        "</OrganizationsDecisionDetail>"):
            with self.subTest(element=element):
                self.lab.faults({"kind": "body", "service": "iam", "content_type": "text/xml", "body": simulation(
                    f"<EvalDecision>implicitDeny</EvalDecision>{element}")})
                self.assert_alone(self.check("asker-no-policy", "--aws"), "policy-deny")

    def test_a_policy_with_a_condition_is_not_decided(self):
        output = self.check("asker-tagged", "--aws")
        mark, text = output.item("policy")
        self.assertEqual(mark, "warning")
        self.assertIn("with a condition on aws:PrincipalTag/dbuser", text)
        self.assertLessEqual({"policy-missing", "policy-deny"}, set(output.causes))
        self.assertFalse({"account", "iam-off"} & set(output.causes))


class OtherEndpoints(AwsCase):
    """Tests only the items of `--aws`, because the lab has no server for these names. So the exit status may be that
    of a failed login."""

    def test_a_custom_endpoint_and_a_proxy(self):
        for label, text in (("analysts.cluster-custom-abcdefghijkl", "mydb of account 123456789012: cluster-MY"),
                            ("px.proxy-abcdefghijkl", "px of account 123456789012: prx-0123456789abcdef0")):
            with self.subTest(label=label):
                output = self.check("asker", "--aws", host=f"{label}.us-east-1.rds.amazonaws.com")
                self.assertIn(output.status, (3, 4))
                self.assertIn(text, output.item("database")[1])
                self.assertEqual(output.item("IAM login")[0], "ok")
                self.assertIn(text.split()[-1], output.item("policy")[1])

    def test_names_without_the_identifier_of_a_database(self):
        for name in ("mine.endpoint.proxy-abcdefghijkl", "x.shardgrp-abcdefghijkl"):
            with self.subTest(name=name):
                output = self.check("asker", "--aws", host=f"{name}.us-east-1.rds.amazonaws.com")
                self.assertEqual(output.item("database")[0], "skipped")
                self.assertEqual(output.item("policy")[0], "skipped")

    def test_a_custom_endpoint_that_does_not_exist(self):
        output = self.check("asker", "--aws", host="none.cluster-custom-abcdefghijkl.us-east-1.rds.amazonaws.com")
        self.assertEqual(
            output.item("database"), ("fault", "account 123456789012 has no custom endpoint none in us-east-1"))


class Unanswered(AwsCase):
    def assert_group(self, output):
        self.assertEqual(output.status, 3)
        self.assertGreaterEqual(set(output.causes), GROUP_POSTGRES - {"user-missing"}, output.causes)

    def test_an_identity_without_permissions(self):
        output = self.check("no-policy", "--aws")
        self.assert_group(output)
        self.assertEqual(
            output.item("database"), ("skipped", "not permitted: rds:DescribeDBInstances; the other checks continue"))
        self.assertEqual(
            output.item("policy"), ("skipped", "not asked: the resource id of the database is not known"))

    def test_a_session_without_permissions_still_asks_for_its_role(self):
        output = self.check(None, "--aws", env=self.role("rds-access-powerless"))
        self.assert_group(output)
        self.assertEqual(output.item("role"), ("skipped", "not permitted: iam:GetRole; the other checks continue"))
        self.assertEqual(self.asked(), ["DescribeDBInstances", "GetRole"])

    def test_permissions_for_rds_only(self):
        output = self.check("asker-rds", "--aws")
        self.assertEqual(output.item("database")[0], "ok")
        self.assertEqual(
            output.item("policy"), ("skipped", "not permitted: iam:SimulatePrincipalPolicy; the other checks continue"))
        self.assertLessEqual({"policy-missing", "policy-deny"}, set(output.causes))
        self.assertFalse({"account", "iam-off"} & set(output.causes))

    def test_a_network_without_rds(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        output = self.check("asker-no-policy", "--aws", env={"AWS_ENDPOINT_URL_RDS": f"https://127.0.0.1:{port}"})
        self.assert_group(output)
        mark, text = output.item("database")
        self.assertEqual(mark, "skipped")
        self.assertRegex(text, r"^rds:DescribeDBInstances has no answer: RDS did not answer: 127\.0\.0\.1:\d+: ")

    def test_answers_that_cannot_be_used(self):
        other = ("<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance>"
                 "<DBInstanceIdentifier>other</DBInstanceIdentifier><IAMDatabaseAuthenticationEnabled>false"
                 "</IAMDatabaseAuthenticationEnabled></DBInstance></DBInstances></DescribeDBInstancesResult>"
                 "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></DescribeDBInstancesResponse>")
        page = "<html><body><p>Please log in to the network.</p></body></html>"
        for fault, reason in (
                ({"kind": "flood"}, "RDS sent no usable response: "),
                ({"kind": "malformed"}, "this is not an RDS response"),
                ({"kind": "empty"}, "this is not an RDS response"),
                ({"kind": "entity-bomb"}, "this is not an RDS response"),
                ({"kind": "body", "body": page}, "this is not an RDS response"),
                ({"kind": "body", "body": other, "content_type": "text/xml"}, "this is not an RDS response"),
                ({"kind": "redirect"}, "RDS rejects the request: HTTP status 302"),
                ({"kind": "status", "status": 400, "code": "InvalidParameterValue", "message": "too long " * 99},
                 "RDS rejects the request: InvalidParameterValue"),
                ({"kind": "status", "status": 503}, "RDS rejects the request: HTTP status 503")):
            with self.subTest(fault=fault["kind"], body=fault.get("body", "")[:20]):
                self.lab.faults({"service": "rds", "times": None, **fault})
                output = self.check("asker-no-policy", "--aws")
                self.assert_group(output)
                mark, text = output.item("database")
                self.assertEqual(mark, "skipped")
                self.assertTrue(text.startswith("rds:DescribeDBInstances has no answer: "), text)
                self.assertIn(reason, text)
        self.assertEqual([c["host"] for c in self.calls() if "elsewhere" in (c["host"] or "")], [])

    def test_an_invalid_resource_id(self):
        """A resource id of a response is written into an ARN or a command only if it has the form of a resource id."""
        body = ("<R><DBInstance><DBInstanceIdentifier>mypg</DBInstanceIdentifier><DbiResourceId>db-1; rm -rf ~"
                "</DbiResourceId><DBInstanceArn>arn:aws:rds:us-east-1:123456789012:db:mypg</DBInstanceArn>"
                "<DBInstanceStatus>available</DBInstanceStatus></DBInstance><ResponseMetadata><RequestId>r</RequestId>"
                "</ResponseMetadata></R>")
        self.lab.faults({"kind": "body", "service": "rds", "body": body, "content_type": "text/xml"})
        output = self.check("asker-no-policy", "--aws")
        self.assertEqual(output.item("database"), ("warning", "AWS reports no valid resource id for the database"))
        self.assertNotIn("rm -rf", json.dumps(output.document))

    def test_a_decision_that_does_not_exist(self):
        self.lab.faults({"kind": "body", "service": "iam", "content_type": "text/xml",
                         "body": simulation("<EvalDecision>perhaps</EvalDecision>")})
        output = self.check("asker-no-policy", "--aws")
        self.assertEqual(output.item("policy")[0], "skipped")
        self.assertLessEqual({"policy-missing", "policy-deny"}, set(output.causes))

    def test_without_an_identity_aws_is_not_asked(self):
        output = self.check("etl-expired", "--aws")
        self.assertEqual(output.item("AWS"), ("skipped", "not asked, because the identity is not known"))
        self.assertEqual(self.asked(), [])


class Settings(AwsCase):
    def test_a_services_section_and_plain_http(self):
        """A services section and the rule against plain http apply to RDS and IAM, as they do to STS."""
        self.home.write(".aws/config", "[default]\nservices = lab\n[services lab]\nrds =\n"
                        f"  endpoint_url = {self.lab.cloud_https}\niam =\n  endpoint_url = http://192.0.2.1/\n")
        output = self.check("asker", "--aws", env={"AWS_ENDPOINT_URL_RDS": "", "AWS_ENDPOINT_URL_IAM": ""})
        self.assertEqual(output.item("database")[0], "ok", output.document)
        mark, text = output.item("policy")
        self.assertEqual(mark, "skipped")
        self.assertIn("IAM must not be used over plain http", text)

    def test_a_clock_that_is_wrong(self):
        self.lab.clock(1000)
        output = self.check("asker", "--aws")
        self.assertEqual((output.item("database")[0], output.item("policy")[0]), ("ok", "ok"))
        self.assertEqual(output.causes, ["clock"])


def simulation(content):
    """A response of SimulatePrincipalPolicy for the user of the PostgreSQL server."""
    resource = f"arn:aws:rds-db:us-east-1:123456789012:dbuser:db-PGLABABCDEFGHIJKLMNOPQRST/{USER}"
    return ("<R><EvaluationResults><member><EvalActionName>rds-db:connect</EvalActionName>"
            f"<EvalResourceName>{resource}</EvalResourceName>{content}</member></EvaluationResults>"
            "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></R>")


if __name__ == "__main__":
    harness.main()
