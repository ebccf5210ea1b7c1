# SPDX-License-Identifier: MIT
"""The home directory comes from HOME, or from the passwd entry if HOME is not set.

If a default path leads to no file, the search for credentials continues. If a variable names a file that cannot be
read, or if the user has no permission to read a file at a default path, the search stops. The null device counts as an
empty file.
"""
import os

from cloud import CloudCase, needs_root
from labcase import harness

TOOL = harness.installed("bin/rds-iam")
MODULE = harness.BUILD / "tests" / "integration" / "src" / "answers_passwd.so"
# Drops the capabilities that let root search and read everything. Other users do not have them.
UNPRIVILEGED = [
    "setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"] if os.geteuid() == 0 else []
WITHOUT_HOME = ["env", "-u", "HOME"]


class HomeCase(CloudCase):
    def keys(self, name="etl"):
        principal = self.lab.principals[name]
        return (f"aws_access_key_id = {principal.access_key}\n"
                f"aws_secret_access_key = {principal.secret_key}\n")

    def explain(self, *arguments, under=(), principal=None, env=None, **extra):
        env = {**(self.cloud_env() if env is None else env), "RDS_IAM_LOG": "1", **extra}
        return self.home.run([*under, TOOL, "credentials", "--explain", *arguments], principal, **env)

    def assert_key(self, result, name="etl"):
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"access key         {self.lab.principals[name].access_key}\n", result.stdout)

    def assert_fails(self, result, message):
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertNotIn("access key", result.stdout)
        self.assertIn(message, result.stderr)


class WithoutHome(HomeCase):
    """A preloaded library (src/answers_passwd.c) supplies the passwd entry."""

    def passwd(self, home):
        log = self.home.path / "passwd-log"
        self.addCleanup(log.unlink, missing_ok=True)
        preload = self.home.env(None).get("LD_PRELOAD", "")
        return {"LD_PRELOAD": f"{MODULE}:{preload}".rstrip(":"), "PASSWD_HOME": str(home),
                "PASSWD_LOG": str(log)}

    def lookups(self):
        """Returns the names of the programs that looked up the passwd entry."""
        return (self.home.path / "passwd-log").read_text().splitlines()

    def test_every_file_of_the_home_is_found_through_the_passwd_entry(self):
        keys, log = "[default]\n" + self.keys(), self.home.path / "passwd-log"
        host = "x.abc123.us-east-1.rds.amazonaws.com"
        login = ("--hostname", host, "--port", "5432", "--username", "u")
        for under in (WITHOUT_HOME, ["env", "HOME="], ["env", "HOME= "]):
            for name, text in ((".aws/config", keys), (".aws/credentials", keys)):
                with self.subTest(under=under, name=name):
                    path = self.home.write(name, text)
                    self.assert_key(self.explain(under=under, **self.passwd(self.home.path)))
                    self.assertEqual(self.lookups(), ["rds-iam"], "one lookup, and by rds-iam itself")
                    log.unlink()
                    path.unlink()
        self.home.write(".aws/config", "[profile own]\n" + self.keys())
        self.home.write(".config/rds-iam/config", f"[{host}]\nprofile = own\n")
        self.assert_key(self.explain(*login, under=WITHOUT_HOME, **self.passwd(self.home.path)))

    def test_an_sso_session_is_found_through_the_passwd_entry(self):
        self.sso_profile("default")
        self.sso_login()
        env = {**self.sso_env(), **self.passwd(self.home.path)}
        result = self.explain(under=WITHOUT_HOME, env=env)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("access key         ASIA", result.stdout)

    def test_a_passwd_lookup_that_hangs_does_not_stop_a_login(self):
        env = self.web_identity_env(**self.passwd("never"))
        self.assertIn("access key         ASIA", self.explain(under=WITHOUT_HOME, env=env).stdout)
        self.assertEqual(self.lookups(), ["rds-iam"])

    def test_a_user_without_an_entry_has_no_home(self):
        result = self.explain(under=WITHOUT_HOME, **self.passwd(""))
        self.assert_fails(result, "HOME is not set, so ~/.aws is not known")
        env = self.web_identity_env(**self.passwd(""))
        self.assertIn("access key         ASIA", self.explain(under=WITHOUT_HOME, env=env).stdout)
        self.assert_key(self.explain(under=WITHOUT_HOME, principal="etl", **self.passwd("")))

    def test_home_takes_precedence_over_the_passwd_entry(self):
        self.home.write(".aws/credentials", "[default]\n" + self.keys())
        self.assert_key(self.explain(**self.passwd("/nowhere")))
        self.assertFalse((self.home.path / "passwd-log").exists(), "no lookup")


USUAL = (".aws/config", ".aws/credentials", ".config/rds-iam/config")
NAMED = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "RDS_IAM_CONFIG")
LOGIN = ("--hostname", "x.abc123.us-east-1.rds.amazonaws.com", "--port", "5432", "--username", "u")
UNSEARCHABLE = "is below a directory that this user cannot search"


class UnusablePath(HomeCase):
    def close(self, directory):
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0)
        self.addCleanup(directory.chmod, 0o700)

    def unusable_homes(self):
        """Yields (name, home directory, part of the log line) for each reason why a default path leads to no
        file."""
        closed = self.home.path / "closed"
        self.close(closed)
        yield "a home that may not be searched", closed, UNSEARCHABLE
        home = self.home.path / "parts"
        for name in USUAL:
            self.close((home / name).parent)
        yield "directories that may not be searched", home, UNSEARCHABLE
        home = self.home.path / "directories"
        for name in USUAL:
            (home / name).mkdir(parents=True)
        yield "directories in the place of the files", home, "is a directory; replace it with a file"
        home = self.home.path / "loops"
        for name in USUAL:
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).symlink_to(home / name)
        yield "loops of links", home, "is a loop of links"

    def test_the_environment_and_web_identity_work(self):
        for name, home, words in self.unusable_homes():
            with self.subTest(name=name):
                result = self.explain(*LOGIN, under=UNPRIVILEGED, principal="etl", HOME=str(home))
                self.assert_key(result)
                env = self.web_identity_env(HOME=str(home))
                result = self.explain(*LOGIN, under=UNPRIVILEGED, env=env)
                self.assertIn("access key         ASIA", result.stdout, result.stderr)
                for file in USUAL:
                    self.assertRegex(result.stderr, f"warning: {home}/{file}: {words}")
                result = self.explain(under=UNPRIVILEGED, HOME=str(home))
                self.assert_fails(result, f"{home}/.aws/config is a directory or a loop of links, or is below a")
                result = self.explain("--profile", "p", under=UNPRIVILEGED, HOME=str(home))
                self.assert_fails(result, f'"p" is not found, because {home}/.aws/config is')

    def test_the_same_path_in_a_variable_stops_the_search(self):
        for name, home, words in self.unusable_homes():
            for variable, file in zip(NAMED, USUAL):
                with self.subTest(name=name, variable=variable):
                    env = self.web_identity_env(**{variable: str(home / file)})
                    result = self.explain(*LOGIN, under=UNPRIVILEGED, env=env)
                    self.assert_fails(result, f"{home / file}: {words}")

    def test_a_file_that_may_not_be_read_stops_the_search(self):
        for file in USUAL:
            with self.subTest(file=file):
                path = self.home.write(file, "", mode=0)
                env = self.web_identity_env()
                self.assert_fails(self.explain(*LOGIN, under=UNPRIVILEGED, env=env),
                                  f"{path}: cannot be opened")
                path.unlink()

    # Other users must be able to run rds-iam from its prefix.
    if all(directory.stat().st_mode & 1 for directory in (harness.PREFIX, *harness.PREFIX.parents)):
        @needs_root
        def test_a_program_that_changed_to_another_user(self):
            """HOME is still root's, and the new uid has no passwd entry."""
            home = self.home.path / "root"
            home.mkdir(mode=0o700)
            under = ["setpriv", "--reuid=1000650000", "--regid=1000650000", "--clear-groups"]
            env = self.cloud_env(HOME=str(home))
            self.home.path.chmod(0o755)
            result = self.explain(under=under, principal="etl", env=env)
            self.assert_key(result)
            self.assert_fails(self.explain(under=under, env=env), ".aws/config is a directory or a loop of links")


class NullDevice(HomeCase):
    def nulls(self):
        link = self.home.path / "null"
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
        return "/dev/null", "//dev/./null", str(link)

    def test_the_null_device_is_an_empty_file_for_every_variable(self):
        for variable in NAMED:
            for value in self.nulls():
                with self.subTest(variable=variable, value=value):
                    env = self.web_identity_env(**{variable: value})
                    result = self.explain(*LOGIN, env=env)
                    self.assertIn("access key         ASIA", result.stdout, result.stderr)

    def test_a_file_that_must_not_be_empty_fails_with_a_message(self):
        rows = (
            ("AWS_WEB_IDENTITY_TOKEN_FILE", self.web_identity_env, "contains no token"),
            ("AWS_CA_BUNDLE", self.web_identity_env, "is empty; name a file of certificates"),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", lambda: self.pod_env("pod"), "it is empty"),
        )
        for variable, env, message in rows:
            for value in self.nulls():
                with self.subTest(variable=variable, value=value):
                    self.assert_fails(self.explain(env={**env(), variable: value}), message)

    def test_pgservicefile_may_be_the_null_device(self):
        result = self.home.run([TOOL, "lint"], None, PGSERVICEFILE="/dev/null")
        self.assertNotIn("regular file", result.stdout + result.stderr)


if __name__ == "__main__":
    harness.main()
