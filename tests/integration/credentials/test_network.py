# SPDX-License-Identifier: MIT
"""Machines in a network where AWS's real names and addresses lead to the lab. No setting names an address of the lab.

Instance, container, role and web identity are tested at their real addresses (test_sso.py does so for SSO). Two
machines that share a home directory are tested, too. Debian's AWS CLI on the same machine is the control."""
import re

from labcase import harness
from mariadb_client import CONFIG
from network import Host, NetworkCase
from service import Services, agent_program

STS = "sts.us-east-1.amazonaws.com"
INSTANCE = "i-0123456789abcdef0"
BOOT_IDS = ("11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000")


class TrueAddresses(NetworkCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.network = cls.enterClassContext(cls.lab.network())

    def setUp(self):
        super().setUp()
        self.host = Host(self.home, self.network)
        self.services = Services(self.host)
        self.services.add("shop")

    def pod(self, address):
        pod = self.lab.cloud.containers["pod"]
        token = self.home.write("pod-token", pod.authorization)
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{address}{pod.path}",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token)}

    def assert_same_identity(self, env, role, session, hosts, message, cli=None):
        """Checks that rds-iam and the AWS CLI have the same identity: `session` of `role`.

        `credentials --explain` prints `message`, both databases accept a login of this session, and AWS receives
        requests at each of `hosts` and at no other host. `cli` is the environment of the AWS CLI; None: the same as
        `env`."""
        arn = self.lab.roles[role].session_arn(session)
        database = ["--hostname", self.lab.pg.host, "--port", self.lab.pg.port, "--username", "u"]
        shown = self.host.run(
            [harness.installed("bin/rds-iam"), "credentials", "--explain", *database], **env)
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        self.assertIn(message, shown.stdout)
        self.assertEqual(self.login(self.host, **env), arn)
        filled = self.host.run(
            [agent_program(), "--once", "--directory", self.services.directory], **env)
        self.assertEqual(filled.returncode, 0, filled.stderr)
        psql = self.host.run(["psql", "-XAtw", "service=shop", "-c", "select 1"])
        self.assertEqual(psql.stdout, "1\n", psql.stderr)
        self.assertEqual(self.lab.last_verdict()["principal"], arn)
        self.assert_accepted(2)
        calls = self.calls()
        self.assertEqual({call["host"] for call in calls}, set(hosts))
        self.assertEqual([call for call in calls if call["tls"] != (call["host"] == STS)], [])
        control = self.host.caller(**(env if cli is None else cli))
        self.assertEqual(control.stdout.strip(), arn, control.stderr)

    def test_an_instance(self):
        self.assert_same_identity(
            {}, "instance", INSTANCE, ["169.254.169.254"],
            "identity           that of the instance's role instance")

    def test_an_instance_by_ipv6(self):
        self.assert_same_identity(
            {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"}, "instance", INSTANCE,
            ["[fd00:ec2::254]"], "identity           that of the instance's role instance")

    def test_a_task(self):
        task = self.lab.cloud.containers["task"]
        self.assert_same_identity(
            {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": task.path}, "ecs-task", task.session_name,
            ["169.254.170.2"], "container          found   the container's endpoint")

    @staticmethod
    def cli_version():
        """Returns the version as a tuple, for example (2, 9) in Debian 12."""
        shown = harness.run(["/usr/bin/aws", "--version"]).stdout
        return tuple(int(number) for number in re.match(r"aws-cli/(\d+)\.(\d+)", shown).groups())

    def test_a_pod(self):
        # The AWS CLI 2.9 of Debian 12 does not know the addresses and the token files of EKS Pod Identity.
        result = self.host.caller(**self.pod("169.254.170.23"))
        if self.cli_version() < (2, 13):
            self.assertIn("Unsupported host '169.254.170.23'", result.stderr)
        else:
            self.assertIn(self.lab.cloud.containers["pod"].session_name, result.stdout, result.stderr)
        cli = {**self.pod("169.254.170.2"), "AWS_CONTAINER_AUTHORIZATION_TOKEN":
               self.lab.cloud.containers["pod"].authorization}
        for address in ("169.254.170.23", "[fd00:ec2::23]"):
            with self.subTest(address=address):
                self.calls()
                self._seen = len(self.lab.journal())
                self.assert_same_identity(
                    self.pod(address), "eks-pod", self.lab.cloud.containers["pod"].session_name,
                    [address], "container          found   the container's endpoint", cli=cli)

    def test_a_role_from_sts(self):
        arn = self.lab.roles["rds-access"].arn
        self.home.write(
            ".aws/config", f"[default]\nrole_arn = {arn}\nrole_session_name = etl\n"
            "credential_source = Ec2InstanceMetadata\n")
        self.assert_same_identity(
            {}, "rds-access", "etl", ["169.254.169.254", STS],
            f"role               {arn} ({self.home.path}/.aws/config:2)")

    def test_endpoints_of_sts(self):
        """rds-iam must use the host name of each variant, and sign for the region that STS accepts there."""
        arn = self.lab.roles["rds-access"].arn
        keys = {"AWS_PROFILE": "p", **self.lab.principals["etl-base"].env()}
        for variables, region, host, signed_for in (
            ({}, "eu-west-1", "sts.eu-west-1.amazonaws.com", "eu-west-1"),
            ({"AWS_STS_REGIONAL_ENDPOINTS": "legacy"}, "eu-west-1", "sts.amazonaws.com", "us-east-1"),
            ({"AWS_USE_FIPS_ENDPOINT": "true"}, "us-east-1", "sts-fips.us-east-1.amazonaws.com", "us-east-1"),
            ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "us-east-1", "sts.us-east-1.api.aws", "us-east-1"),
            ({}, "aws-global", "sts.amazonaws.com", "us-east-1"),
            ({"AWS_ENDPOINT_URL": "https://sts.us-west-2.amazonaws.com"}, "us-west-2",
             "sts.us-west-2.amazonaws.com", "us-west-2"),
        ):
            with self.subTest(host=host, region=region):
                self.home.write(".aws/config", f"[profile p]\nrole_arn = {arn}\nregion = {region}\n"
                                "credential_source = Environment\n")
                self.host.run([harness.installed("bin/rds-iam"), "credentials", "--clear"])
                self.calls()
                result = self.host.run(
                    [harness.installed("bin/rds-iam"), "credentials", "--profile", "p"],
                    **keys, **variables)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                (call,) = self.calls()
                self.assertEqual((call["host"], call["scope"].split("/")[1]), (host, signed_for))

    def test_a_web_identity_from_sts(self):
        role = self.lab.roles["web-identity"]
        token = self.home.write("token", self.lab.web_identity())
        self.assert_same_identity(
            {"AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": role.arn,
             "AWS_ROLE_SESSION_NAME": "etl"}, "web-identity", "etl", [STS],
            f"role               {role.arn} (AWS_ROLE_ARN)")

    def test_sts_with_an_untrusted_certificate(self):
        """The client trusts another CA than that of the lab's STS, so rds-iam must send nothing to STS."""
        self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\n"
                        f"role_arn = {self.lab.roles['rds-access'].arn}\n")
        result = self.host.run(self.argv(), "etl-base", AWS_CA_BUNDLE=str(self.lab.ca_file))
        self.assertIn(f"STS could not be reached: {STS}: SSL", result.stderr)
        self.assertEqual(self.calls(), [])
        self.assert_nothing_sent()
        # Control: without AWS_CA_BUNDLE, the certificate is trusted.
        self.assert_logged_in(self.host.run(self.argv(), "etl-base"))


class SharedHome(NetworkCase):
    """Machines that share a home directory, for example over NFS. Each machine has a different role at AWS."""

    def host(self, role, boot_id):
        """Returns a machine and the ARN of its role session."""
        network = self.enterContext(self.lab.network(role, boot_id))
        return Host(self.home, network), self.lab.roles[role].session_arn(INSTANCE)

    def two_hosts(self):
        hosts = (self.host("instance", BOOT_IDS[0]), self.host("instance-b", BOOT_IDS[1]))
        self.assertEqual(len({arn for _, arn in hosts}), 2, "control: the roles differ")
        return hosts

    def run_directory(self):
        """Returns an XDG_RUNTIME_DIR that the machines share. Real machines should not share one."""
        path = self.home.path / "run"
        path.mkdir(mode=0o700)
        return path

    @staticmethod
    def cached(directory):
        """Returns the cache entries, without their lock files."""
        return [path for path in (directory / "rds-iam/cache").glob("*") if not path.suffix]

    def test_each_logs_in_as_its_own_role(self):
        hosts = self.two_hosts()
        shown = [host.run(["cat", "/proc/sys/kernel/random/boot_id"]).stdout.strip() for host, _ in hosts]
        self.assertEqual(tuple(shown), BOOT_IDS, "control: two machines")
        for host, arn in hosts:
            self.assertEqual(host.caller().stdout.strip(), arn, "control: the AWS CLI")
        for _ in range(2):
            for host, arn in hosts:
                self.assertEqual(self.login(host), arn)
        self.assertEqual(self.cached(self.home.path / ".cache"), [])

    def assert_separate_entries(self, hosts, directory):
        for requests in (3, 0):  # three requests to the metadata service; then its response is cached
            for host, arn in hosts:
                self.calls()
                self.assertEqual(self.login(host, XDG_RUNTIME_DIR=str(directory)), arn)
                self.assertEqual(len(self.calls()), requests)
        self.assertEqual(len(self.cached(directory)), len(hosts))

    def test_machines_that_share_a_runtime_directory(self):
        self.assert_separate_entries(self.two_hosts(), self.run_directory())

    def test_two_networks_of_one_machine(self):
        """Two networks stand for two containers of one machine, which have the same boot id."""
        hosts = [self.host(role, BOOT_IDS[0]) for role in ("instance", "instance-b")]
        self.assert_separate_entries(hosts, self.run_directory())

    def write_role(self, **settings):
        lines = {"role_arn": self.lab.roles["rds-access"].arn, **settings}
        self.home.write(
            ".aws/config", "[default]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items()))
        return self.lab.roles["rds-access"].session_arn("rds-iam")

    def test_a_machine_does_not_use_a_role_session_of_another_machine(self):
        arn = self.write_role(credential_source="Ec2InstanceMetadata")
        hosts = self.two_hosts()
        run = {"XDG_RUNTIME_DIR": str(self.run_directory())}
        for extra, requests in (({}, 1), ({}, 1), (run, 1), (run, 0)):
            for host, _ in hosts:
                self.calls()
                self.assertEqual(self.login(host, **extra), arn)
                calls = self.calls()
                assumed = [call for call in calls if call["operation"] == "AssumeRole"]
                self.assertEqual(len(assumed), requests)
                own = [call["issued"] for call in calls if call["service"] == "imds"]
                self.assertEqual([call["caller"] in own for call in assumed], [True] * requests)

    def test_control_machines_share_a_role_session_if_its_keys_are_in_the_home(self):
        """Shows that each machine finds the cache entries in the shared home directory."""
        arn = self.write_role(source_profile="default", **{
            "aws_access_key_id": self.lab.principals["etl-base"].access_key,
            "aws_secret_access_key": self.lab.principals["etl-base"].secret_key})
        for (host, _), requests in zip(self.two_hosts(), (1, 0), strict=True):
            self.assertEqual(self.login(host), arn)
            self.assertEqual(len(self.calls()), requests)
        self.assertEqual(len(self.cached(self.home.path / ".cache")), 1)


if __name__ == "__main__":
    harness.main()
