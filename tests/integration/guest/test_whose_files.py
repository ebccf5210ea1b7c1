# SPDX-License-Identifier: MIT
"""Which users' files rds-iam trusts.

rds-iam's configuration and pg_service.conf must belong to root or to the user. AWS's files may belong to another
user, as in a home directory that is mounted into a container. rds-iam then uses their keys, roles and sessions, but
no setting that names a program to run, a file to read, an endpoint or a CA bundle. rds-iam rejects a file that other
users can write, whether the mode or an ACL allows it, and also on a file system where chmod cannot change the mode.
The class AcceptedGroups tests the groups that are allowed to write. Each check has a control: the same file without the
flaw takes effect.
"""
import json
import os
import subprocess
import unittest

from cloud import needs_root
from labcase import harness
from service import Services
from whose_files import HOST, LOGIN, OTHER, TOOL, FilePlacesCase, WhoseFilesCase

SECRET = "the-content-of-a-private-file"
OPENSHIFT_UID = 1000650000
WEB_IDENTITY = "[default]\nrole_arn = arn:aws:iam::1:role/r\nweb_identity_token_file = {secret}\n"
KEYS_AND_ROLE = "[default]\nrole_arn = {role}\nsource_profile = base\n[profile base]\n{keys}"


@needs_root
class AnotherUsersSettings(WhoseFilesCase):
    """Settings of AWS's files that name a program to run, a file to read, an endpoint or a CA bundle."""

    # Each row: setting, text of the file, variables to set or (None) to unset, text that proves the setting's
    # effect.
    ROWS = (
        ("credential_process", "[default]\ncredential_process = touch {proof}; false\n", {}, "proof"),
        ("web_identity_token_file", WEB_IDENTITY, {"AWS_ENDPOINT_URL_STS": "{url}"}, SECRET),
        ("endpoint_url", "[default]\nendpoint_url = {url}\n" + KEYS_AND_ROLE[10:],
         {"AWS_ENDPOINT_URL_STS": None}, "Action=AssumeRole"),
        ("endpoint_url", "[services s]\nsts =\n  endpoint_url = {url}\n[default]\nservices = s\n"
         + KEYS_AND_ROLE[10:], {"AWS_ENDPOINT_URL_STS": None}, "Action=AssumeRole"),
        ("endpoint_url", "[services s]\nsso =\n  endpoint_url = {url}\n[default]\nservices = s\n{sso}",
         {"AWS_ENDPOINT_URL_SSO_OIDC": "{cloud}"}, "x-amz-sso_bearer_token"),
        ("endpoint_url", "[services s]\nsso_oidc =\n  endpoint_url = {url}\n[default]\nservices = s\n{sso}",
         {"AWS_ENDPOINT_URL_SSO": "{cloud}"}, "refreshToken"),
        ("endpoint_url", "[default]\nendpoint_url = {url}\n{login}", {}, "refreshToken"),
        ("ca_bundle", "[default]\nca_bundle = {ca}\n" + KEYS_AND_ROLE[10:], {"AWS_CA_BUNDLE": None},
         "AssumeRole"),
        ("ca_bundle", "[default]\nca_bundle = {ca}\n",
         {"AWS_CA_BUNDLE": None, "AWS_CONTAINER_CREDENTIALS_FULL_URI": "{cloud}{pod}",
          "AWS_CONTAINER_AUTHORIZATION_TOKEN": "{authorization}"}, '"container"'),
        ("ec2_metadata_service_endpoint",
         "[default]\nec2_metadata_service_endpoint = {url}\nrole_arn = {role}\n"
         "credential_source = Ec2InstanceMetadata\n", {"AWS_EC2_METADATA_DISABLED": ""},
         "PUT /latest/api/token"),
    )

    def prepare(self, text, variables):
        self.forget()
        sso, login = self.lab.cloud.sso, self.lab.roles["login-etl"].session_arn("ada")
        self.sso_login(expires=60)
        self.aws_login(expires=60)
        pod = self.lab.cloud.containers["pod"]
        values = {
            "pod": pod.path, "authorization": pod.authorization, "url": self.recorder.url, "cloud": self.lab.cloud_https, "ca": self.lab.cloud_ca_file,
            "proof": self.home.path / "proof", "secret": self.home.write("secret", SECRET),
            "role": self.lab.roles["rds-access"].arn, "keys": self.keys("etl-base"),
            "login": f"login_session = {login}\nregion = us-east-1\n",
            "sso": f"sso_session = dev\nsso_account_id = {self.lab.roles['sso-etl'].account}\n"
                   f"sso_role_name = Etl\n[sso-session dev]\nsso_start_url = {sso.start_url}\n"
                   f"sso_region = {sso.region}\n"}
        (self.home.path / "aws-config").unlink(missing_ok=True)
        path = self.home.write("aws-config", text.format(**values))
        extra = {name: value and value.format(**values) for name, value in variables.items()}
        return path, {"AWS_CONFIG_FILE": str(path), **extra}

    def forget(self):
        for path in self.home.path.glob(".cache/rds-iam/cache/*"):
            path.unlink()

    def effects(self, calls):
        """Returns everything that the setting can cause: requests, calls to the lab, and the file "proof"."""
        seen = "".join(self.recorder.requests) + json.dumps(self.calls()[calls:])
        return seen + ("proof" if (self.home.path / "proof").exists() else "")

    def test_these_settings_are_not_used_from_a_file_of_another_user(self):
        for number, (key, text, variables, effect) in enumerate(self.ROWS):
            with self.subTest(row=number, key=key):
                self.recorder.requests.clear()
                path, extra = self.prepare(text, variables)
                before = len(self.calls())
                self.explain(**extra)
                self.assertIn(effect, self.effects(before), "control: the user's own file takes effect")
                (self.home.path / "proof").unlink(missing_ok=True)
                self.forget()
                self.recorder.requests.clear()
                before = len(self.calls())
                self.give_away(path)
                result = self.explain(**extra)
                self.assertNotIn(effect, self.effects(before))
                line = text[:text.index(key + " =")].count("\n") + 1
                self.assert_refused(
                    result, f"{path}:{line}: {key} is not taken from a file of uid {OTHER.pw_uid}",
                    f"run: chown 0 {path}", "AWS_CONFIG_FILE")
                self.assertEqual(self.recorder.requests, [])
        self.assertEqual(number, 9)

    def test_the_plugin_prints_the_same_message(self):
        path, extra = self.prepare(self.ROWS[0][1], {})
        self.give_away(path)
        message = self.explain(**extra).stderr.splitlines()[-1].removeprefix("rds-iam: ")
        result = self.mariadb(principal=None, **self.cloud_env(**extra))
        self.assertIn(message, result.stderr)
        self.assertFalse((self.home.path / "proof").exists())

    def test_a_setting_that_the_source_does_not_use_has_no_effect(self):
        unused = ("credential_process = false\nendpoint_url = http://127.0.0.1:1\nca_bundle = /none\n"
                  "ec2_metadata_service_endpoint = http://127.0.0.1:1\n")
        self.give_away(
            self.home.write(".aws/config", f"[default]\n{unused}"),
            self.home.write(".aws/credentials", f"[default]\n{self.keys()}"))
        self.assert_key(self.explain())

    def test_a_variable_overrides_the_setting(self):
        text = "[default]\nendpoint_url = http://127.0.0.1:1\nca_bundle = /none\n" + KEYS_AND_ROLE[10:]
        path, extra = self.prepare(text, {})
        self.give_away(path)
        result = self.explain(**extra)
        self.assertIn(self.lab.roles["rds-access"].session_arn("rds-iam"), result.stdout, result.stderr)


@needs_root
class MountedHome(WhoseFilesCase):
    """A home directory that is mounted with `-v ~/.aws:/root/.aws`: keys, roles and sessions of another user's
    files are used, with a warning."""

    def mount(self):
        for path in (self.home.path / ".aws", *(self.home.path / ".aws").rglob("*")):
            self.give_away(path)

    def assert_warned(self, result, path):
        self.assertIn(f"rds-iam: warning: {path}: belongs to uid {OTHER.pw_uid}", result.stderr)
        self.assertNotIn("can write", result.stderr)

    def test_keys(self):
        path = self.home.write(".aws/credentials", "[default]\n" + self.keys())
        self.assertNotIn("belongs to", self.explain().stderr, "control: no warning for the user's own file")
        self.mount()
        result = self.explain()
        self.assert_key(result)
        self.assert_warned(result, path)
        self.assertIn(f"{path}: belongs to uid {OTHER.pw_uid}", result.stdout)

    def test_a_keys_file_created_with_umask_002(self):
        """The file is writable by the private group of its owner."""
        path = self.home.write(".aws/credentials", "[default]\n" + self.keys())
        os.chown(path, 4321, 4321)
        path.chmod(0o664)
        self.assert_key(self.explain())
        os.chown(path, 4321, 4322)
        self.assert_refused(self.explain(), f"{path}: all of group 4322 can write it; run: chmod g-w {path}")

    def test_a_role(self):
        path = self.home.write(".aws/config", KEYS_AND_ROLE.format(
            role=self.lab.roles["rds-access"].arn, keys=self.keys("etl-base")))
        self.mount()
        result = self.explain()
        self.assertIn(self.lab.roles["rds-access"].session_arn("rds-iam"), result.stdout, result.stderr)
        self.assert_warned(result, path)

    def test_sessions_of_sso_and_of_aws_login(self):
        for prepare, env in (
                (lambda: (self.sso_profile(), self.sso_login(expires=60)[0])[1], self.sso_env()),
                (lambda: (self.login_profile(), self.aws_login(expires=60)[0])[1], self.login_env())):
            token = prepare()
            self.mount()
            result = self.explain("--profile", "p", **env)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assert_warned(result, token)
            self.assertEqual(token.stat().st_uid, OTHER.pw_uid, "a renewal does not change the owner")

    def test_a_renewal_by_root_needs_a_directory_of_the_owner_of_the_token(self):
        """The owner of the home directory replaces the directory of the token by a link to another directory. Root
        is allowed to create a file for that owner only if the other directory belongs to that owner."""
        for prepare, env in (
                (lambda: (self.sso_profile(), self.sso_login(expires=60)[0])[1], self.sso_env()),
                (lambda: (self.login_profile(), self.aws_login(expires=60)[0])[1], self.login_env())):
            for owner, renews in ((OTHER.pw_uid, True), (0, False), (OTHER.pw_uid - 1, False)):
                with self.subTest(owner=owner, env=sorted(env)):
                    token = prepare()
                    self.mount()
                    elsewhere = self.home.path / f"elsewhere-{owner}"
                    token.parent.rename(elsewhere)
                    os.chown(elsewhere, owner, owner)
                    token.parent.symlink_to(elsewhere)
                    before = token.read_text()
                    self.credentials("--clear")
                    result = self.explain("--profile", "p", **env)
                    self.assertEqual(result.returncode, 0, "the session is valid")
                    self.assertEqual(token.read_text() != before, renews, "renewed only in a directory of the owner")
                    if not renews:
                        self.assertEqual(os.listdir(elsewhere), [token.name])
                        self.assertIn(
                            f"{token} belongs to uid {OTHER.pw_uid}, and its directory to uid {owner}; "
                            f"run: chown 0 {token}", result.stderr)
                    token.parent.unlink()
                    elsewhere.rename(self.home.path / f"done-{owner}-{len(env)}-{token.name}")

    def test_a_web_identity_token(self):
        token = self.home.write("token", self.lab.web_identity())
        self.give_away(token)
        result = self.explain(AWS_WEB_IDENTITY_TOKEN_FILE=str(token),
                              AWS_ROLE_ARN=self.lab.roles["web-identity"].arn)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assert_warned(result, token)


class WritableByOthers(FilePlacesCase):
    """Every kind of file, with each way in which other users can write it."""

    def each(self, check, under=lambda path: ()):
        """Calls check(path, setting that names the path, function that runs rds-iam) for each place. As a control,
        rds-iam must first succeed with the place's file."""
        places = self.places()
        for place in places:
            with self.subTest(place=place[0]):
                result = self.ask(place)
                self.assertEqual(result.returncode, 0, f"control: {result.stderr}")
                check(place[1], place[2], lambda place=place: self.ask(place, under(place[1])))
        self.assertEqual(len(places), 9)

    def test_writable_by_all(self):
        def check(path, _, ask):
            for mode in (0o602, 0o666):
                path.chmod(mode)
                self.assert_refused(ask(), f"{path}: every user can write it; run: chmod o-w {path}")

        self.each(check)

    @needs_root
    def test_writable_by_a_shared_group(self):
        def check(path, _, ask):
            os.chown(path, -1, 4)
            path.chmod(0o660)
            self.assert_refused(ask(), f"{path}: all of group 4 can write it; run: chmod g-w {path}")
            path.chmod(0o662)
            self.assert_refused(ask(), f"{path}: every user can write it; run: chmod go-w {path}")
            path.chmod(0o640)
            self.assertEqual(ask().returncode, 0, "the group may read the file")

        self.each(check)

    def test_writable_through_an_acl(self):
        rows = ((f"u:{OTHER.pw_uid}:rw", f"an ACL lets user {OTHER.pw_uid} write it"),
                ("g:4:rw", "an ACL lets group 4 write it"))

        def check(path, _, ask):
            for entry, words in rows:
                subprocess.run(["setfacl", "-m", entry, path], check=True)
                self.assertEqual(path.stat().st_mode & 0o022, 0o020, "the group bits of the mode are the ACL's mask")
                self.assert_refused(ask(), f"{path}: {words}; run: setfacl -b {path}")
                subprocess.run(["setfacl", "-m", "m::r", path], check=True)
                self.assertEqual(ask().returncode, 0, "the mask removes the write permission")
                subprocess.run(["setfacl", "-b", path], check=True)
            self.assertEqual(ask().returncode, 0, "the command in the message fixes it")

        self.each(check)

    @needs_root
    def test_on_a_file_system_without_chmod(self):
        def check(path, named_by, ask):
            self.assert_refused(
                ask(), f"{path}: every user can write it, and chmod may have no effect on its file system "
                "(FUSE); copy it to another file system", named_by)

        self.each(check, lambda path: self.on_fixed_modes(path.parent, "0777"))

    def test_service_files(self):
        path = self.home.write(".pg_service.conf", f"[s]\nhost={HOST}\n")

        def lint():
            return self.home.run([TOOL, "lint"], None, PGSERVICEFILE=str(path)).stdout

        rows = (("chmod", "606", "every user can write it; run: chmod o-w"),
                ("setfacl", "-mu:1:rw", "an ACL lets user 1 write it; run: setfacl -b"))
        self.assertNotIn("can write it", lint(), "control: no error for a private file")
        for command, argument, words in rows:
            subprocess.run([command, argument, path], check=True)
            self.assertIn(f"{path}: error: {words} {path}", lint())
            subprocess.run(["setfacl", "-b", path], check=True)
            path.chmod(0o600)


@needs_root
class AcceptedGroups(WhoseFilesCase):
    """Group permissions that rds-iam accepts: of Kubernetes secrets, of OpenShift users, and of umask 002. The write
    permission of another group is the control."""

    def secret(self, name, text, mode, group):
        """Adds a file to a Kubernetes volume and returns its path. In such a volume, `name` is a link to
        ..data/name, and ..data is a link to a directory such as ..2026_08_22. The files belong to root and to the
        group `fsGroup`."""
        volume = self.home.path / "volume"
        real = volume / "..2026_08_22"
        real.mkdir(parents=True, exist_ok=True)
        if not (volume / "..data").is_symlink():
            (volume / "..data").symlink_to("..2026_08_22")
        (real / name).write_text(text)
        (real / name).chmod(mode)
        os.chown(real / name, 0, group)
        if not (volume / name).is_symlink():
            (volume / name).symlink_to(f"..data/{name}")
        return volume / name

    def readable_home(self):
        self.home.path.chmod(0o755)

    def test_secrets_of_kubernetes(self):
        for mode in (0o440, 0o640, 0o444):
            with self.subTest(mode=oct(mode)):
                aws = self.secret("credentials", "[evil]\n" + self.keys(), mode, 2000)
                config = self.secret("config", f"[{HOST}]\nprofile = evil\n", mode, 2000)
                self.readable_home()
                under = ["setpriv", "--reuid=1000", "--regid=3000", "--groups=2000",
                         "--inh-caps=-all,+dac_override", "--ambient-caps=+dac_override"]
                result = self.explain(*LOGIN, under=under, RDS_IAM_CONFIG=str(config),
                                      AWS_SHARED_CREDENTIALS_FILE=str(aws))
                self.assert_key(result)
                self.assertNotIn("warning", result.stderr)

    def check_group(self, uid, gid, mode, owner):
        """Runs rds-iam as a user with settings files of this mode, group and owner. Returns (result of rds-iam
        credentials, output of rds-iam lint, paths of the files)."""
        aws = self.home.write("shared/credentials", "[evil]\n" + self.keys(), mode)
        config = self.home.write("shared/config", f"[{HOST}]\nprofile = evil\n", mode)
        service = self.home.write("shared/service", f"[s]\nhost={HOST}\n", mode)
        for path in (aws, config, service):
            os.chown(path, owner, gid)
        under = self.as_user(uid, gid)
        result = self.explain(*LOGIN, under=under, RDS_IAM_CONFIG=str(config),
                              AWS_SHARED_CREDENTIALS_FILE=str(aws))
        lint = self.home.run([*under, TOOL, "lint"], None, PGSERVICEFILE=str(service)).stdout
        return result, lint, (aws, config, service)

    def test_a_user_of_openshift(self):
        for owner in (OPENSHIFT_UID, 0):
            result, lint, _ = self.check_group(OPENSHIFT_UID, 0, 0o664, owner)
            self.assert_key(result)
            self.assertNotIn("warning", result.stderr)
            self.assertNotIn("can write it", lint)

    def test_umask_002(self):
        result, lint, paths = self.check_group(4321, 4321, 0o664, 4321)
        self.assert_key(result)
        self.assertNotIn("can write it", lint)
        for path in paths:
            subprocess.run(["setfacl", "-m", "u:1:rw", path], check=True)
        under = self.as_user(4321, 4321)
        aws, config, service = paths
        self.assert_refused(
            self.explain(*LOGIN, under=under, RDS_IAM_CONFIG=str(config), AWS_SHARED_CREDENTIALS_FILE=str(aws)),
            f"{config}: an ACL lets user 1 write it")
        self.assert_refused(self.explain(under=under, AWS_SHARED_CREDENTIALS_FILE=str(aws)),
                            f"{aws}: an ACL lets user 1 write it")
        self.assertIn(f"{service}: error: an ACL lets user 1 write it",
                      self.home.run([*under, TOOL, "lint"], None, PGSERVICEFILE=str(service)).stdout)

    def test_write_permission_of_another_group_is_rejected(self):
        result, lint, (_, config, service) = self.check_group(4321, 4322, 0o664, 4321)
        self.assert_refused(result, f"{config}: all of group 4322 can write it; run: chmod g-w {config}")
        self.assertIn(f"{service}: error: all of group 4322 can write it", lint)

    def test_the_agents_directory(self):
        outer = self.home.path / "outer"
        outer.mkdir(mode=0o755)
        services = Services(self.home)
        services.directory = outer / "run"
        services.add("prod")
        self.assertEqual(services.fill().returncode, 0, "control")
        subprocess.run(["setfacl", "-m", "u:1:rwx", outer], check=True)
        result = services.fill()
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"other users can replace files in {outer}: an ACL lets user 1 write it; run: setfacl -b "
                      f"{outer}", result.stderr)
        subprocess.run(["setfacl", "-b", outer], check=True)
        outer.chmod(0o775)
        self.assertEqual(services.fill().returncode, 0, "write permission of group 0 is accepted")


if __name__ == "__main__":
    unittest.TestCase.maxDiff = None
    harness.main()
