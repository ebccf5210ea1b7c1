# SPDX-License-Identifier: MIT
"""The recipes in RECIPES.md for places where a program runs, and for targets that it connects to: the commands log in
with the files of each recipe."""
import hashlib
import json
import os

import yaml

from cloud import REGION
from documents import RECIPES
from labcase import harness
from user_machine import DocsCase, plays
import recipes
import servers
import fixture


def first(outputs):
    return next(iter(outputs.values()))


# A trust policy that no session of these tests satisfies.
NOBODY = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}]}


class Places(DocsCase):
    def take_policies(self, name):
        """Takes a role's policies away until the test ends, so that the login needs the policies of the document."""
        self.addCleanup(self.lab.role, name)
        self.lab.role(name, NOBODY, [])

    def session(self, role, name="rds-iam"):
        return self.lab.roles[role].session_arn(name)

    @plays(RECIPES, "Amazon EC2")
    def test_ec2(self):
        outputs = self.play(RECIPES, "Amazon EC2")
        self.assertIn("instance metadata", first(outputs))
        self.assertIn(self.lab.roles["instance"].name, first(outputs))
        self.assert_logins(2)

    @plays(RECIPES, "Amazon ECS")
    def test_ecs(self):
        task = self.lab.cloud.containers["task"]
        outputs = self.play(RECIPES, "Amazon ECS", AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=task.path)
        self.assertIn("the container's endpoint", first(outputs))
        self.assert_logins(1, self.session("ecs-task", task.session_name))

    @plays(RECIPES, "EKS: IRSA")
    def test_irsa(self):
        role = self.lab.roles["web-identity"]
        token = self.give("token", self.lab.web_identity())
        self.take_policies(role.name)
        printed = []

        def set_up_policy(command):
            printed.append(json.loads(self.run_command(command).stdout))
            return ""

        outputs = self.play(
            RECIPES, "EKS: IRSA", AWS_ROLE_ARN=role.arn, AWS_WEB_IDENTITY_TOKEN_FILE=str(token),
            instead={"aws eks describe-cluster": str, "rds-iam setup policy": set_up_policy},
            other={"json": lambda text: self.lab.role(role.name, json.loads(text), printed)})
        annotations = yaml.safe_load((self.home.path / "serviceaccount.yaml").read_text())["metadata"]["annotations"]
        self.assertEqual(annotations, {"eks.amazonaws.com/role-arn": role.arn})
        self.assertIn("web identity", "".join(outputs.values()))
        self.assert_logins(1, self.session("web-identity"))

    @plays(RECIPES, "EKS: Pod Identity")
    def test_pod_identity(self):
        self.take_policies("eks-pod")
        commands = []
        outputs = self.play(
            RECIPES, "EKS: Pod Identity", **self.pod_env("pod"),
            instead={"aws eks create-pod-identity-association": commands.append},
            other={"json": lambda text: self.lab.role("eks-pod", json.loads(text))})  # the policies are again those of the lab
        self.assertEqual(len(commands), 1)
        self.assertIn("the container's endpoint", str(outputs))
        self.assert_logins(1, self.session("eks-pod", self.lab.cloud.containers["pod"].session_name))

    def test_control_without_the_documents_policies_no_pod_logs_in(self):
        command = self.fill("rds-iam exec -- psql -w -h POSTGRES_ENDPOINT -U DB_USER shop")
        token = self.give("token", self.lab.web_identity())
        irsa = {"AWS_ROLE_ARN": self.lab.roles["web-identity"].arn, "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)}
        for role, env, refusal in (
                ("web-identity", irsa, "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
                ("eks-pod", self.pod_env("pod"), "pods.eks.amazonaws.com may not assume the role")):
            with self.subTest(role=role):
                self.take_policies(role)
                self.assertIn(refusal, self.run_command(command, **env).stderr)

    @plays(RECIPES, "A laptop with SSO")
    def test_sso(self):
        def log_in(command):
            name = hashlib.sha1(b"corp").hexdigest()
            self.give(f".aws/sso/cache/{name}.json", json.dumps(self.lab.sso_login()))
            return ""

        self.play(RECIPES, "A laptop with SSO", instead={"aws sso login --profile prod": log_in})
        self.assert_logins(2)


class Targets(DocsCase):
    tunnels = {15432: "postgresql", 13306: "mariadb"}

    @plays(RECIPES, "Tunnels: SSH and SSM")
    def test_tunnels(self):
        opened = []
        self.play(RECIPES, "Tunnels: SSH and SSM", "etl", instead={"ssh -N -f -L 15432:": opened.append})
        for port, engine in self.tunnels.items():
            self.assertIn(f"-L {port}:", opened[0], engine)
        self.assert_logins(5)

    @plays(RECIPES, "A name of your own (CNAME)")
    def test_cname(self):
        self.play(RECIPES, "A name of your own (CNAME)", "etl")
        self.assert_logins(1)

    @plays(RECIPES, "A service of another account")
    def test_another_account(self):
        """The lab was made with the policies and the SQL of RECIPES.md; see tests/lab/recipes.py."""
        self.lab.parameter("rds.iam_auth_for_replication", "1")
        role = self.lab.roles["rds-access-clickpipes"]
        self.words = {"REGION": REGION, "ACCOUNT_ID": role.account, "ACCESS_ROLE": role.name,
                      "SERVICE_ACCOUNT": "210987654321", "SERVICE_ROLE": "service", "RESOURCE_ID": self.lab.pg.resource_id}
        accounts = servers.rendered("postgresql.sql", fixture.load()) + servers.rendered("mariadb.sql", fixture.load())
        shown = []
        self.addCleanup(self.lab.role, "service")
        self.lab.role("service", policies=[])

        def show(text):
            shown.append(json.loads(text))
            self.lab.role("service", policies=shown[2:])

        rows = self.play(
            RECIPES, "A service of another account", order=("ini",), **self.pod_env("service"), other={
                "sql": lambda text: self.assertIn(text, accounts), "json": show})
        printed = [json.loads(text) for command, text in rows.items() if command.startswith("rds-iam setup trust-policy")]
        self.assertEqual(shown[0], printed[0])
        self.assertEqual(shown[:2], [role.trust, role.policies[0]])
        self.assertEqual(len(shown), 3)
        self.assertEqual(shown[0], recipes.trust_policy(SERVICE_ACCOUNT="210987654321", SERVICE_ROLE="service"))
        dumps = [text for command, text in rows.items() if "dump" in command]
        self.assertEqual([("Grace" in text) for text in dumps], [True, True], dumps)
        self.assert_logins(5, self.session(role))

    def session(self, role):
        return role.session_arn("rds-iam")

    def test_control_a_service_without_its_own_policy_is_refused(self):
        role = self.lab.roles["rds-access-clickpipes"]
        self.give(".config/rds-iam/config", recipes.configuration(REGION=REGION, ACCOUNT_ID=role.account, ACCESS_ROLE=role.name))
        self.addCleanup(self.lab.role, "service")
        self.lab.role("service", policies=[])
        command = self.fill("rds-iam exec -- psql -h POSTGRES_ENDPOINT -U clickpipes_iam_user shop")
        self.assertIn("is not authorized to perform: sts:AssumeRole", self.run_command(command, **self.pod_env("service")).stderr)
        self.lab.role("service")
        self.assertIn("clickpipes_iam_user", self.run_command(command, **self.pod_env("service")).stdout)

    def copy(self, source, target):
        """Copies a file as root."""
        result = self.network.run(["cp", source, target], env={"PATH": "/bin"})
        self.assertEqual(result.returncode, 0, result.stderr)

    def use_public_ca(self):
        """Puts the lab's CA into the file of Amazon's public CAs, and another CA into the file of RDS's CAs."""
        self.copy(self.lab.other_ca_file, "/etc/rds-iam/rds-ca.pem")
        self.addCleanup(self.copy, self.lab.ca_file, "/etc/rds-iam/rds-ca.pem")
        self.copy(self.lab.ca_file, "/etc/rds-iam/rds-ca-public.pem")

    @plays(RECIPES, "Aurora DSQL")
    def test_aurora_dsql(self):
        self.use_public_ca()
        outputs = self.play(RECIPES, "Aurora DSQL", "dsql-admin")
        self.assertIn('"dsql:DbConnectAdmin"', list(outputs.values())[0])
        self.assert_logins(2, "dsql-admin", "admin")

    @plays(RECIPES, "RDS Proxy")
    def test_rds_proxy(self):
        """The lab's PostgreSQL stands for the proxy, and also has a proxy's name. So the policy of the login names the
        database's resource id, not a proxy's."""
        self.use_public_ca()
        self.play(RECIPES, "RDS Proxy", "etl")
        self.assert_logins(2)
        control = self.run_command(self.fill("rds-iam exec -- psql -h POSTGRES_ENDPOINT -U DB_USER shop"), "etl")
        self.assertIn("certificate verify failed", control.stderr)

    @plays(RECIPES, "Replicas and lists of hosts")
    def test_replicas(self):
        self.play(RECIPES, "Replicas and lists of hosts", "etl")
        self.assert_logins(2)

    @plays(RECIPES, "A global database")
    def test_a_global_database(self):
        self.play(RECIPES, "A global database", "etl")
        self.assert_logins(1)

    def test_control_a_recipe_without_its_file_does_not_log_in(self):
        command = self.fill("rds-iam exec -- mariadb -h GLOBAL_ENDPOINT -u DB_USER")
        result = self.run_command(command, "etl")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("endpoint", result.stderr)
        with self.assertRaises(AssertionError):
            self.assert_logins(1)

    def test_control_a_user_without_a_policy_is_refused(self):
        with self.assertRaises(AssertionError):
            self.play(RECIPES, "Replicas and lists of hosts", "no-policy")
        self.assert_refused("AccessDenied")


if os.geteuid() != 0:
    # A machine has an /etc and a /usr of its own, which only root can mount.
    del Places, Targets
if __name__ == "__main__":
    harness.main()
