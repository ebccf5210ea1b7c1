# SPDX-License-Identifier: MIT
"""Tests instance metadata, container endpoints, AWS's real addresses and faults of the simulated AWS services. Clients
that are not part of the product (botocore, the AWS CLI) get credentials from the services, and a client can observe
every fault."""
import http.client
import json
import os
import pathlib
import select
import socket
import subprocess
import tempfile
import unittest
import urllib.parse

import harness
import rdslab
from rawclient import ask, sts, tags

USER = "clickpipes_iam_user"
TOKEN = "/latest/api/token"
ROLES = "/latest/meta-data/iam/security-credentials/"
TTL = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
OTHER = "/v2/credentials/unknown"

# Prints the credentials that botocore's own chain finds, and their identity at STS.
BOTOCORE = """
import botocore.session, json
session = botocore.session.get_session()
credentials = session.get_credentials()
frozen = credentials.get_frozen_credentials()
keys = [frozen.access_key, frozen.secret_key, frozen.token]  # botocore 1.35 and later adds an account id
identity = session.create_client("sts").get_caller_identity()
print(json.dumps({"method": credentials.method, "arn": identity["Arn"], "keys": keys}))
"""

# A test process that owns a lab and a network of the lab. It prints the id of the process that keeps the network alive,
# and waits.
OWNER = """
import sys
import rdslab
lab = rdslab.Lab(sys.argv[1]).start()
with lab.network() as network:
    print(network.pid, flush=True)
    sys.stdin.read()
"""
DEADLINE_SECONDS = 60


class CloudCase(unittest.TestCase):
    """One lab for all tests of a class. Each test starts without faults."""

    @classmethod
    def setUpClass(cls):
        cls.lab = rdslab.Lab(harness.BUILD).start()
        cls.addClassCleanup(cls.lab.stop)

    def setUp(self):
        self.lab.clock(0)
        self.lab.faults()
        self.lab.machine()

    def imds_token(self):
        return {"X-aws-ec2-metadata-token": ask(self.lab, "PUT", TOKEN, TTL).body.decode()}


class Metadata(CloudCase):
    def test_version_2_returns_credentials_of_the_role(self):
        token = self.imds_token()
        self.assertEqual(ask(self.lab, "GET", ROLES, token).body, b"instance")
        content = ask(self.lab, "GET", ROLES + "instance", token).json()
        self.assertEqual((content["Code"], content["Type"]), ("Success", "AWS-HMAC"))
        keys = rdslab.Keys(content["AccessKeyId"], content["SecretAccessKey"], content["Token"])
        arn = sts(self.lab, keys, Action="GetCallerIdentity").text("Arn")
        self.assertEqual(arn, self.lab.roles["instance"].session_arn("i-0123456789abcdef0"))

    def test_each_refusal(self):
        token = self.imds_token()
        old = {"X-aws-ec2-metadata-token": ask(self.lab, "PUT", TOKEN, TTL).body.decode()}
        rows = (
            (401, "GET", ROLES, {}),
            (401, "GET", ROLES, {"X-aws-ec2-metadata-token": "guessed"}),
            (400, "PUT", TOKEN, {}),
            (400, "PUT", TOKEN, {"X-aws-ec2-metadata-token-ttl-seconds": "21601"}),
            (403, "PUT", TOKEN, {**TTL, "X-Forwarded-For": "10.0.0.1"}),
            (405, "GET", TOKEN, TTL),
            (404, "GET", ROLES + "other", token),
        )
        for number, (status, method, path, headers) in enumerate(rows):
            with self.subTest(row=number):
                self.assertEqual(ask(self.lab, method, path, headers).status, status)
        self.lab.clock(61)
        self.assertEqual(ask(self.lab, "GET", ROLES, old).status, 401)

    def test_responses_for_other_machines(self):
        token = self.imds_token()
        self.lab.machine(None)
        self.assertEqual(ask(self.lab, "GET", ROLES, token).status, 404)
        self.lab.machine("ecs-task")
        content = ask(self.lab, "GET", ROLES + "ecs-task", token).json()
        self.assertEqual(content["Code"], "AssumeRoleUnauthorizedAccess")
        self.assertNotIn("AccessKeyId", content)
        self.lab.machine(seconds=-60)
        content = ask(self.lab, "GET", ROLES + "instance", token).json()
        self.assertLess(content["Expiration"], content["LastUpdated"])
        with self.assertRaisesRegex(rdslab.LabError, "refuses /machine: .*nobody"):
            self.lab.machine("nobody")


class Containers(CloudCase):
    def test_a_task_has_a_path_of_its_own(self):
        path = self.lab.cloud.containers["task"].path
        content = ask(self.lab, "GET", path).json()
        self.assertEqual(content["RoleArn"], self.lab.roles["ecs-task"].arn)
        self.assertEqual(ask(self.lab, "GET", path + "x").status, 400)
        self.assertEqual(ask(self.lab, "GET", "/nowhere").status, 404)

    def test_a_pod_shows_its_token_and_has_transitive_tags(self):
        pod = self.lab.cloud.containers["pod"]
        for status, headers in ((401, {}), (403, {"Authorization": "Bearer " + pod.authorization})):
            self.assertEqual(ask(self.lab, "GET", pod.path, headers).status, status)
        content = ask(self.lab, "GET", pod.path, {"Authorization": pod.authorization}).json()
        keys = rdslab.Keys(content["AccessKeyId"], content["SecretAccessKey"], content["Token"])
        wanted = {"Action": "AssumeRole", "RoleSessionName": "etl"}

        def assume(role, **parameters):
            return sts(self.lab, keys, RoleArn=self.lab.roles[role].arn, **wanted, **parameters)

        self.assertEqual(assume("rds-access").status, 200)
        # The request has no tags. STS still checks sts:TagSession, because the caller has inherited tags.
        self.assertRegex(assume("rds-access-untagged").text("Message"), "perform: sts:TagSession")
        pairs = {"kubernetes-namespace": "mine"}
        self.assertRegex(assume("rds-access", **tags(**pairs)).text("Message"), "conflicts with")


class Clients(CloudCase):
    """Unmodified clients at AWS's real addresses, in a network namespace."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.network = cls.enterClassContext(cls.lab.network())

    def setUp(self):
        super().setUp()
        scratch = tempfile.TemporaryDirectory(dir=harness.WORK)
        self.addCleanup(scratch.cleanup)
        self.home = pathlib.Path(scratch.name)

    def env(self, **extra):
        return self.network.client_env(
            **{"HOME": str(self.home), "AWS_DEFAULT_REGION": "us-east-1", **extra})

    def write(self, name, text):
        path = self.home / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return str(path)

    def aws(self, *arguments, **extra):
        return self.network.run(["aws", *arguments, "--output", "json"], env=self.env(**extra))

    def found(self, network=None, **extra):
        """The output of BOTOCORE in this environment."""
        result = (network or self.network).run(
            ["/usr/bin/python3", "-c", BOTOCORE], env=self.env(**extra))
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def test_the_aws_cli_assumes_roles(self):
        base = self.lab.principals["etl-base"].env()
        arn = self.lab.roles["rds-access-external"].arn
        command = ["sts", "assume-role", "--role-session-name", "cli", "--role-arn", arn]
        refused = self.aws(*command, **base)
        self.assertRegex(refused.stderr, r"\(AccessDenied\) when calling the AssumeRole .* not auth")
        taken = self.aws(*command, "--external-id", "etl/4711", "--tags", "Key=team,Value=a b/c",
                         "--transitive-tag-keys", "team", **base)
        self.assertEqual(taken.returncode, 0, taken.stderr)
        content = json.loads(taken.stdout)
        self.assertEqual(content["AssumedRoleUser"]["Arn"],
                         self.lab.roles["rds-access-external"].session_arn("cli"))
        call = self.lab.calls(operation="AssumeRole")[-1]
        self.assertEqual(call["parameters"]["Tags.member.1.Value"], "a b/c")
        self.assertEqual((call["tls"], call["host"]), (True, "sts.us-east-1.amazonaws.com"))
        self.assertRegex(call["user_agent"], "^aws-cli/2")

    def test_the_aws_cli_does_not_trust_another_ca(self):
        before = len(self.lab.calls())
        result = self.aws("sts", "get-caller-identity", **self.lab.principals["etl-base"].env(),
                          AWS_CA_BUNDLE=str(self.lab.ca_file))
        self.assertIn("SSL validation failed", result.stderr)
        self.assertEqual(len(self.lab.calls()), before)

    def test_credentials_that_botocore_finds_in_five_places_log_in(self):
        pod, task = (self.lab.cloud.containers[name] for name in ("pod", "task"))
        keys = self.lab.principals["etl-base"]
        config = self.write(".aws/config", f"""
[profile base]
aws_access_key_id = {keys.access_key}
aws_secret_access_key = {keys.secret_key}
[profile access]
source_profile = base
role_arn = {self.lab.roles["rds-access-external"].arn}
role_session_name = boto
external_id = etl/4711
duration_seconds = 900
""")
        rows = (
            ("iam-role", "instance", "i-0123456789abcdef0", {}),
            ("container-role", "ecs-task", task.session_name,
             {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": task.path}),
            ("container-role", "eks-pod", pod.session_name,
             {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/v1/credentials",
              "AWS_CONTAINER_AUTHORIZATION_TOKEN": pod.authorization}),
            ("assume-role", "rds-access-external", "boto",
             {"AWS_CONFIG_FILE": config, "AWS_PROFILE": "access"}),
            ("assume-role-with-web-identity", "web-identity", "pod",
             {"AWS_WEB_IDENTITY_TOKEN_FILE": self.write("token", self.lab.web_identity()),
              "AWS_ROLE_ARN": self.lab.roles["web-identity"].arn, "AWS_ROLE_SESSION_NAME": "pod"}),
        )
        for method, role, session_name, environment in rows:
            with self.subTest(role=role):
                found = self.found(**environment)
                self.assertEqual(found["method"], method)
                self.assertEqual(found["arn"], self.lab.roles[role].session_arn(session_name))
                keys = rdslab.Keys(*found["keys"])
                token = self.lab.token(keys, self.lab.mariadb, USER)
                result = self.network.run(
                    ["mariadb", "--no-defaults", f"--ssl-ca={self.lab.ca_file}",
                     "--ssl-verify-server-cert", "-N", "-h", self.lab.mariadb.host,
                     "-P", self.lab.mariadb.port, "-u", USER, "-e", "select 1"],
                    env=self.env(MYSQL_PWD=token))
                self.assertEqual(result.stdout, "1\n", result.stderr)
                self.assertEqual(self.lab.last_verdict()["principal"], found["arn"])

    def test_two_networks_are_two_machines(self):
        with self.lab.network("instance-b", boot_id="0" * 8) as other:
            arns = [self.found(network)["arn"] for network in (self.network, other)]
            shown = other.run(["cat", "/proc/sys/kernel/random/boot_id"], env=self.env()).stdout
        self.assertEqual([arn.split("/")[1] for arn in arns], ["instance", "instance-b"])
        self.assertEqual(shown, "00000000\n")

    def test_a_network_has_no_route_to_other_networks(self):
        probe = "import socket; socket.create_connection(('192.0.2.1', 80), 5)"
        result = self.network.run(["/usr/bin/python3", "-c", probe], env=self.env())
        self.assertRegex(result.stderr, "Network is unreachable")


class Ends(unittest.TestCase):
    def test_a_network_ends_with_its_owner(self):
        """If the owner of a network is killed, the process that keeps the network alive ends too."""
        owner = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", harness.PYTHON, "-c", OWNER, harness.BUILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        holder = os.pidfd_open(int(owner.stdout.readline()))
        self.addCleanup(os.close, holder)
        self.assertEqual(select.select([holder], [], [], 0)[0], [], "control: the process of the network is running")
        owner.kill()
        self.assertEqual(select.select([holder], [], [], DEADLINE_SECONDS)[0], [holder])
        owner.communicate()


class Faults(CloudCase):
    def identity(self, **options):
        return sts(self.lab, self.lab.principals["etl-base"], Action="GetCallerIdentity", **options)

    def fault(self, kind, **options):
        self.lab.faults({"kind": kind, "service": "sts", **options})

    def assert_recorded(self, kind):
        self.assertEqual([call["fault"] for call in self.lab.calls()][-1], kind)

    def test_faults_that_replace_the_response(self):
        true_size = len(self.identity().body)
        rows = (
            ({"kind": "status", "status": 503}, 503, b"", None),
            ({"kind": "status", "status": 429, "body": "slow"}, 429, b"slow", None),
            ({"kind": "status", "status": 400, "code": "Throttling"}, 400, None, "Throttling"),
            ({"kind": "status", "status": 500, "code": "InternalFailure"}, 500, None,
             "InternalFailure"),
            ({"kind": "empty"}, 200, b"", None),
            ({"kind": "body", "body": "<a/>", "content_type": "text/xml"}, 200, b"<a/>", None),
        )
        for fault, status, body, code in rows:
            with self.subTest(fault=fault):
                self.lab.faults(fault)
                reply = self.identity()
                self.assertEqual(reply.status, status)
                if body is not None:
                    self.assertEqual(reply.body, body)
                if code:
                    self.assertEqual(reply.text("Code"), code)
                self.assert_recorded(fault["kind"])
                self.assertEqual(self.identity().status, 200, "the fault affects one request only")
        self.fault("content-type", content_type="text/html")
        reply = self.identity()
        self.assertEqual((reply.headers["content-type"], len(reply.body)), ("text/html", true_size))
        self.fault("malformed")
        reply = self.identity()
        self.assertEqual((reply.status, len(reply.body)), (200, true_size // 2))
        self.fault("entity-bomb")
        self.assertIn(b'<!ENTITY a9 "&a8;', self.identity().body)
        self.fault("redirect")
        reply = self.identity()
        self.assertEqual((reply.status, reply.headers["location"]),
                         (302, "http://elsewhere.example.com/"))

    def test_faults_that_break_the_connection(self):
        for kind, error in (
            ("reset", ConnectionResetError),
            ("close", http.client.RemoteDisconnected),
            ("truncated", http.client.IncompleteRead),
        ):
            with self.subTest(kind=kind):
                self.fault(kind)
                with self.assertRaises(error) as raised:
                    self.identity()
                self.assertIs(type(raised.exception), error)
                self.assert_recorded(kind)

    def test_faults_that_make_the_client_time_out(self):
        for kind in ("hang", "delay"):
            with self.subTest(kind=kind):
                self.fault(kind, seconds=600)
                with self.assertRaises(TimeoutError):
                    ask(self.lab, "POST", "/", timeout=0.5)
                self.assert_recorded(kind)

    def test_drip_sends_the_response_byte_by_byte(self):
        self.lab.faults({"kind": "drip", "service": "imds", "operation": "GetMetadata"})
        address = urllib.parse.urlsplit(self.lab.cloud_http)
        token = self.imds_token()["X-aws-ec2-metadata-token"]
        with socket.create_connection((address.hostname, address.port), 20) as connection:
            connection.sendall(
                b"GET /latest/meta-data/placement/region HTTP/1.1\r\nHost: 169.254.169.254\r\n"
                b"Connection: close\r\nX-aws-ec2-metadata-token: %s\r\n\r\n" % token.encode())
            pieces = list(iter(lambda: connection.recv(65536), b""))
        self.assertEqual(b"".join(pieces)[-9:], b"us-east-1")
        self.assertEqual([len(piece) for piece in pieces[-9:]], [1] * 9)

    def test_flood_sends_a_whole_gigabyte(self):
        self.fault("flood")
        address = urllib.parse.urlsplit(self.lab.cloud_http)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
        self.addCleanup(connection.close)
        connection.request("POST", "/")
        response = connection.getresponse()
        size = sum(len(piece) for piece in iter(lambda: response.read(1 << 20), b""))
        self.assertEqual(size, 1 << 30)
        self.assert_recorded("flood")

    def test_a_fault_affects_the_named_requests_and_the_given_number_of_them(self):
        self.lab.faults({"kind": "status", "status": 500, "service": "imds", "operation": "Put*",
                         "skip": 1, "times": 2})
        self.assertEqual(self.identity().status, 200)
        statuses = [ask(self.lab, "PUT", TOKEN, TTL).status for _ in range(4)]
        self.assertEqual(statuses, [200, 500, 500, 200])
        self.lab.faults({"kind": "status", "status": 403, "times": None})
        self.assertEqual({ask(self.lab, "GET", OTHER).status for _ in range(5)}, {403})
        self.lab.faults()
        self.assertEqual(ask(self.lab, "GET", OTHER).status, 400)

    def test_an_invalid_fault_is_rejected(self):
        for fault in ({"kind": "unknown"}, {"kind": "status"}, {"kind": "empty", "often": 1}):
            with self.subTest(fault=fault), self.assertRaisesRegex(rdslab.LabError, "refuses /fa"):
                self.lab.faults(fault)


if __name__ == "__main__":
    harness.main()
