# SPDX-License-Identifier: MIT
"""rds-iam gets credentials of a role, a web identity, a container, an instance or a process from the lab's AWS, uses
them for a login, and caches them."""
import json
import os
import stat

from cloud import CloudCase, needs_root
from labcase import harness


class Roles(CloudCase):
    def test_an_external_id(self):
        self.role_profile("with_id", "rds-access-external", external_id="etl/4711")
        self.role_profile("without_id", "rds-access-external")
        self.assertTrue(self.get_credentials("--profile", "with_id")["AccessKeyId"].startswith("ASIA"))
        result = self.credentials("--profile", "without_id")
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"{self.home.path}/.aws/config:6: AKIALABBASEXAMPLE007 cannot assume "
                      f"{self.lab.roles['rds-access-external'].arn}: STS says AccessDenied", result.stderr)
        self.assertTrue(result.stderr.endswith(
            "User: arn:aws:iam::210987654321:user/etl-base is not authorized to perform: sts:AssumeRole; "
            "sts:AssumeRole must be allowed by both the caller's own policy and the role's trust policy, "
            "which may require an external_id; or the role does not exist: compare its name\n"), result.stderr)

    def test_the_message_names_the_policy_that_sts_names(self):
        self.role_profile("p", "rds-access")
        for words, policy in (
            ("no identity-based policy", "the caller's own policy\n"),
            ("no role trust policy", "the role's trust policy, which may require an external_id\n"),
            ("no permissions boundary", "the caller's permissions boundary\n"),
        ):
            with self.subTest(words=words):
                self.lab.faults({
                    "service": "sts", "kind": "status", "status": 403, "code": "AccessDenied",
                    "message": f"User: {'x' * 300} is not authorized to perform: sts:AssumeRole on "
                               f"resource: {'y' * 300} because {words} allows the sts:AssumeRole action"})
                result = self.credentials("--profile", "p")
                self.assertTrue(result.stderr.endswith("sts:AssumeRole must be allowed by " + policy),
                                result.stderr)

    def test_a_chain_of_roles_lasts_one_hour_at_most(self):
        self.role_profile("hop", "etl-hop")
        self.role_profile("end", "rds-access", credential_source=None, source_profile="hop")
        self.role_profile("long", "rds-access", credential_source=None, source_profile="hop",
                          duration_seconds=7200)
        self.get_credentials("--profile", "end")
        self.assertEqual([c["operation"] for c in self.calls()], ["AssumeRole", "AssumeRole"])
        result = self.credentials("--profile", "long")
        self.assertIn("lasts one hour at most: set duration_seconds to 3600 or less", result.stderr)

    def test_a_duration_and_a_session_name_are_sent(self):
        self.role_profile("p", "rds-access", duration_seconds=7200, role_session_name="me@x")
        self.get_credentials("--profile", "p")
        form = dict(self.calls()[0]["parameters"])
        self.assertEqual((form["DurationSeconds"], form["RoleSessionName"]), ("7200", "me@x"))

    def test_wrong_keys(self):
        self.role_profile("p", "rds-access")
        result = self.credentials(
            "--profile", "p", env={**self.cloud_env(), "AWS_SECRET_ACCESS_KEY": "wrong"})
        self.assertIn("STS says SignatureDoesNotMatch", result.stderr)
        self.assertNotIn("wrong", result.stderr.replace("the clock is wrong", ""))


class Sources(CloudCase):
    def test_a_web_identity(self):
        env = self.web_identity_env()
        self.home.write("web-identity-token", self.lab.web_identity() + "\n")
        self.assert_logged_in(self.mariadb(principal=None, **env))
        call = self.calls()[0]
        self.assertEqual(call["operation"], "AssumeRoleWithWebIdentity")
        self.assertNotIn("authorization", call["headers"])
        self.home.write("web-identity-token", "another")
        result = self.mariadb(principal=None, **env)
        self.assertIn("STS says InvalidIdentityToken", result.stderr)
        self.assertNotIn("another", result.stderr)

    def test_an_instance(self):
        run = self.home.path / "xdg"
        run.mkdir(mode=0o700)
        env = self.machine_env(XDG_RUNTIME_DIR=str(run))
        for _ in range(2):
            self.assert_logged_in(self.mariadb(principal=None, **env))
        self.assertEqual([c["method"] for c in self.calls()], ["PUT", "GET", "GET"])
        # Other machines with other roles may share the home directory, so the cache is in the runtime directory.
        self.assertEqual(self.cache_files(), [])
        self.assertEqual(len(list((run / "rds-iam/cache").glob("*[0-9a-f]"))), 1)

    def test_an_instance_in_an_outage(self):
        self.lab.machine(seconds=-60)
        result = self.credentials("--explain", principal=None, env=self.machine_env())
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("they are still used, as AWS recommends during an outage", result.stderr)
        self.assert_logged_in(self.mariadb(principal=None, **self.machine_env()))

    def test_a_container(self):
        env = self.pod_env("pod")
        self.home.write("pod-token", self.lab.cloud.containers["pod"].authorization + "\n")
        self.assert_logged_in(self.mariadb(principal=None, **env))
        self.home.write("pod-token", "stale")
        result = self.credentials(principal=None, env=env)
        self.assertIn(
            "answers with status 403: The token is not that of a known pod", result.stderr)

    def test_a_process(self):
        principal = self.lab.principals["etl"]
        document = {"Version": 1, "AccessKeyId": principal.access_key,
                    "SecretAccessKey": principal.secret_key}
        self.home.write("keys", json.dumps(document))
        self.home.write(".aws/config", "[default]\ncredential_process = cat keys; echo note >&2\n")
        self.assert_logged_in(self.mariadb(principal=None, **self.cloud_env()))
        self.home.write(".aws/config", "[default]\ncredential_process = cat keys; echo no luck >&2; exit 3\n")
        result = self.mariadb(principal=None, **self.cloud_env())
        self.assertIn(f"{self.home.path}/.aws/config:2: the credential_process ended with status 3: no "
                      "luck; run it by hand to see why", result.stderr)
        self.assertNotIn(principal.secret_key, result.stderr)


class Cache(CloudCase):
    def setUp(self):
        super().setUp()
        self.role_profile("p", "rds-access")

    def write_short_profile(self):
        """Writes the profile q, whose sessions last 15 minutes, as a token does. Also sets the clock of the lab's AWS
        back by 5 s, so that a session expires 5 s before a token that is made at the same time."""
        self.role_profile("q", "rds-access", duration_seconds=900)
        self.lab.clock(-5)

    def test_entries_are_private_and_are_used_until_15_minutes_before_they_expire(self):
        first = self.get_credentials("--profile", "p")
        self.assertEqual(self.get_credentials("--profile", "p"), first)
        self.assertEqual(len(self.calls()), 1)
        (entry,) = self.cache_files()
        self.assertEqual(stat.S_IMODE(entry.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(entry.parent.stat().st_mode), 0o700)
        self.write_short_profile()
        self.get_credentials("--profile", "q")
        self.get_credentials("--profile", "q")
        self.assertEqual(len(self.calls()), 3, "the entry of q expires sooner than a new token")

    def test_if_renewal_fails_valid_credentials_are_used(self):
        self.write_short_profile()
        first = self.get_credentials("--profile", "q")
        self.lab.faults({"service": "sts", "kind": "status", "status": 500, "times": 99})
        result = self.credentials("--profile", "q")
        self.assertEqual(json.loads(result.stdout), first)
        self.assertIn("could not be renewed and are used until they expire", result.stderr)

    def test_an_untrusted_entry_is_ignored(self):
        self.get_credentials("--profile", "p")
        (entry,) = self.cache_files()
        valid_bytes = entry.read_bytes()
        copy = self.home.path / "copy"
        copy.write_bytes(valid_bytes)

        def truncated():
            entry.write_bytes(valid_bytes[:-20])

        def readable_by_group():
            entry.write_bytes(valid_bytes)
            entry.chmod(0o640)

        def symbolic_link():
            entry.unlink()
            entry.symlink_to(copy)

        def readable_directory():
            entry.unlink()
            entry.write_bytes(valid_bytes)
            entry.chmod(0o600)
            entry.parent.chmod(0o755)

        for i, add_flaw in enumerate((truncated, readable_by_group, symbolic_link, readable_directory), 2):
            with self.subTest(add_flaw=add_flaw.__name__):
                add_flaw()
                self.get_credentials("--profile", "p")
                self.assertEqual(len(self.calls()), i)

    def test_each_identity_has_its_own_entry(self):
        self.role_profile("q", "rds-access", role_session_name="other")
        self.get_credentials("--profile", "p")
        self.get_credentials("--profile", "q")
        self.assertEqual((len(self.calls()), len(self.cache_files())), (2, 2))

    def test_clearing_removes_the_cached_credentials(self):
        self.get_credentials("--profile", "p")
        result = self.credentials("--clear")
        self.assertEqual(result.stdout, "removed from the cache: 1\n")
        self.assertEqual(self.cache_files(), [])

    def test_clearing_leaves_other_files_in_the_cache_directory(self):
        self.get_credentials("--profile", "p")
        (entry,) = self.cache_files()
        other = entry.with_name("z" * 64)
        other.write_bytes(b"x")
        self.assertEqual(self.credentials("--clear").stdout, "removed from the cache: 1\n")
        self.assertEqual(self.cache_files(), [other])

    @needs_root
    def test_clearing_leaves_the_directory_of_another_user(self):
        self.get_credentials("--profile", "p")
        (entry,) = self.cache_files()
        os.chown(entry.parent, 65534, 65534)
        self.assertEqual(self.credentials("--clear").stdout, "removed from the cache: 0\n")
        self.assertEqual(self.cache_files(), [entry])

    def test_without_a_usable_home_nothing_is_cached(self):
        env = self.cloud_env(HOME="/proc", AWS_CONFIG_FILE=str(self.home.path / ".aws/config"))
        self.get_credentials("--profile", "p", env=env)
        self.get_credentials("--profile", "p", env=env)
        self.assertEqual(len(self.calls()), 2)


# Sends with botocore the requests that the tests below send with rds-iam: AssumeRole with the keys of the environment,
# or AssumeRoleWithWebIdentity with a token file.
BOTOCORE = """
import botocore.session, sys
url, authority, role, token = sys.argv[1:5]
client = botocore.session.Session().create_client(
    "sts", region_name="us-east-1", endpoint_url=url, verify=authority)
if token:
    client.assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="s1", WebIdentityToken=open(token).read())
else:
    client.assume_role(
        RoleArn=role, RoleSessionName="s1", ExternalId="etl/4711", DurationSeconds=1800)
"""


class LikeBotocore(CloudCase):
    """The requests that rds-iam and botocore send to STS have the same parameters, method, path, scope and signed
    headers. The lab accepts both."""

    def botocore(self, role, token=""):
        result = self.home.run(
            ["/usr/bin/python3", "-c", BOTOCORE, self.lab.cloud_https, self.lab.cloud_ca_file, role,
             token], "etl-base")
        self.assertEqual(result.returncode, 0, result.stderr)

    def assert_last_two_are_equal(self):
        own_call, other_call = self.calls()[-2:]
        self.assertIn("Botocore", other_call["user_agent"], "control: botocore sent the last request")
        self.assertEqual(own_call["parameters"], other_call["parameters"])
        signed = {"authorization", "content-type", "host", "x-amz-date", "x-amz-security-token"}
        self.assertEqual(signed & set(own_call["headers"]), signed & set(other_call["headers"]))
        for key in ("method", "path", "operation", "caller", "scope", "signed_headers", "content_type"):
            self.assertEqual(own_call[key], other_call[key])

    def test_assume_role(self):
        self.role_profile(
            "p", "rds-access-external", external_id="etl/4711", role_session_name="s1",
            duration_seconds=1800)
        self.get_credentials("--profile", "p")
        self.botocore(self.lab.roles["rds-access-external"].arn)
        self.assert_last_two_are_equal()

    def test_web_identity(self):
        env = self.web_identity_env(AWS_ROLE_SESSION_NAME="s1")
        self.get_credentials(principal=None, env=env)
        self.botocore(env["AWS_ROLE_ARN"], env["AWS_WEB_IDENTITY_TOKEN_FILE"])
        self.assert_last_two_are_equal()


class Remedies(CloudCase):
    def test_the_remedy_fits_the_state_of_the_instance(self):
        self.role_profile("p", "rds-access", credential_source="Ec2InstanceMetadata")
        fault = {"service": "imds", "kind": "status", "times": 9}
        for change, words in (
            ({"operation": "ListRoles", "status": 404}, "but the instance has no role; attach one to it"),
            ({"operation": "Put*", "status": 403}, "version 1 is never used; enable the metadata service (IMDSv2)"),
            ({"operation": "Put*", "status": 404}, "has no version 2, and version 1 is never used"),
            ({"operation": "Put*", "status": 405}, "has no version 2, and version 1 is never used"),
        ):
            with self.subTest(**change):
                self.lab.faults({**fault, **change})
                result = self.credentials("--profile", "p", principal=None, env=self.machine_env())
                self.assertEqual(result.returncode, 1)
                self.assertIn(words, result.stderr)
                self.assertNotIn("run this on the instance", result.stderr)

    def test_temporary_keys_of_a_command_need_a_session_token(self):
        document = {"Version": 1, "AccessKeyId": "ASIAX", "SecretAccessKey": "s"}
        message = "printed a temporary AccessKeyId (ASIA...) without a SessionToken, which AWS requires"
        for change, works in (({}, False), ({"SessionToken": ""}, False), ({"SessionToken": None}, False),
                              ({"SecurityToken": "t"}, False), ({"SessionToken": "t"}, True),
                              ({"AccessKeyId": "AKIAX"}, True)):
            with self.subTest(change=change):
                self.home.write("keys", json.dumps({**document, **change}))
                path = self.home.write(".aws/config", "[profile p]\ncredential_process = cat keys\n")
                result = self.credentials("--profile", "p", principal=None)
                self.assertEqual(result.returncode, 0 if works else 1, result.stderr)
                if not works:
                    self.assertIn(f"{path}:2: the credential_process {message}", result.stderr)

    def test_an_unusable_ca_bundle_is_not_reported_as_a_network_failure(self):
        empty = self.home.write("empty.pem", "")
        self.role_profile("p", "rds-access")
        for extra in ({"AWS_CA_BUNDLE": "/nowhere.pem"}, {"AWS_CA_BUNDLE": str(empty)},
                      {"AWS_CA_BUNDLE": "/dev/null"}):
            for profile, env in ((["--profile", "p"], self.cloud_env(**extra)),
                                 ([], self.web_identity_env(**extra))):
                with self.subTest(extra=extra, profile=profile):
                    result = self.credentials(*profile, principal="etl-base" if profile else None, env=env)
                    self.assertEqual(result.returncode, 1)
                    self.assertIn("because STS could not be reached: AWS_CA_BUNDLE: the CA bundle", result.stderr)
                    self.assertNotIn("check the network", result.stderr)
        self.assertEqual(self.calls(), [])


class CommandLine(CloudCase):
    def test_keys_that_would_break_the_json_output_are_not_printed(self):
        self.home.write(
            ".aws/credentials", '[default]\naws_access_key_id = AKIAX\naws_secret_access_key = a"b\n')
        result = self.credentials(principal=None)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertEqual(
            result.stderr, "rds-iam: these credentials contain characters that no AWS key has; fix their source, "
                           "which --explain shows\n")

    def test_invalid_combinations_of_options_are_rejected(self):
        for arguments, text in (
            (["--explain", "--clear"], "--explain and --clear cannot be used together"),
            (["--region", "eu-west-1"], "--region needs --hostname, --port and --username"),
            (["--hostname", "h"], "--hostname, --port and --username must be given together"),
            (["--profile", "x", "y"], 'unexpected argument "y"'),
            (["--nope"], "unknown option --nope"),
        ):
            with self.subTest(arguments=arguments):
                result = self.credentials(*arguments)
                self.assertEqual(result.returncode, 2)
                self.assertIn(text, result.stderr)


if __name__ == "__main__":
    harness.main()
