# SPDX-License-Identifier: MIT
"""cache_credential_process = yes: rds-iam caches the output of a credential_process, only below $XDG_RUNTIME_DIR.

The tests show which command a cache entry is valid for, and how long. test_slow_process.py shows the purpose of the
setting."""
import concurrent.futures
import os
import re
import time

from cloud import needs_root
from labcase import harness
from process_case import ProcessCase
from whose_files import OTHER


class Key(ProcessCase):
    """The command, profile, file, environment and home directory that a cache entry is valid for."""

    def setUp(self):
        super().setUp()
        self.assert_command_runs()
        self.assert_cached()

    def test_an_entry_is_not_valid_for_another_command(self):
        for more in ("true; ", ":; ", "  ", "X=1; "):
            with self.subTest(more=more):
                self.command(more=more)
                self.assert_command_runs()
                self.assert_cached()
        self.command()
        self.assert_cached()

    def test_an_entry_is_not_valid_for_another_profile(self):
        self.command(profile="q")
        self.configure(profile="q")
        self.assert_command_runs()
        self.home.write(".aws/config", f"[default]\ncredential_process = {self.line()}\n")
        self.configure(profile=None)
        self.assert_command_runs()
        self.command()
        self.configure()
        self.assert_cached()

    def test_an_entry_is_not_valid_for_another_file(self):
        other = self.home.path / "other"
        other.write_bytes((self.home.path / ".aws/config").read_bytes())
        other.chmod(0o600)
        self.assert_command_runs(AWS_CONFIG_FILE=str(other))
        (self.home.path / ".aws/config").rename(self.home.path / ".aws/credentials")
        self.home.write(".aws/credentials", f"[p]\ncredential_process = {self.line()}\n")
        self.assert_command_runs()

    def test_an_entry_is_not_valid_for_another_aws_variable(self):
        for extra in ({"AWS_PROFILE": "p"}, {"AWS_SOMETHING": "1"}, {"AWS_SOMETHING": "2"}, {"AWS_SOMETHING": ""},
                      {"AWS_VAULT": "corp"}, {"AWS_REGION": "eu-west-1"}):
            with self.subTest(extra):
                self.assert_command_runs(**extra)
                self.assert_cached(**extra)
        self.assert_cached()
        self.assert_cached(LANG="C.UTF-8", ANYTHING="else")

    def test_the_order_of_variables_has_no_effect(self):
        def run(*order):
            words = [f"{name}=1" for name in order]
            before = self.run_count
            result = self.home.run(["env", *words, self.tool, "token", *self.login()], None, **self.env)
            self.assertEqual(result.returncode, 0, result.stderr)
            return self.run_count - before
        self.assertEqual(run("AWS_A", "AWS_C", "AWS_B"), 1)
        self.assertEqual(run("AWS_C", "AWS_B", "AWS_A"), 0)
        self.assertEqual(run("AWS_C", "AWS_B"), 1, "control: another set of variables")

    def test_an_entry_is_not_valid_for_another_home(self):
        named = {"AWS_CONFIG_FILE": str(self.home.path / ".aws/config"), "RDS_IAM_CONFIG": str(self.config)}
        self.assert_command_runs(**named)
        other = self.home.path / "other"
        other.mkdir(mode=0o700)
        self.assert_command_runs(HOME=str(other), **named)
        self.assert_cached(HOME=str(other), **named)
        self.assert_cached(**named)

    def test_an_entry_can_be_cleared(self):
        result = self.run_credentials("--clear")
        self.assertIn("removed from the cache: 1", result.stdout)
        self.assert_command_runs()


class Setting(ProcessCase):
    def test_without_the_setting_nothing_is_cached(self):
        for word in (None, "no"):
            with self.subTest(word=word):
                self.configure(word)
                self.assertEqual(self.run_credentials().returncode, 0)
                self.assert_command_runs()
                self.assert_command_runs()
                self.assertEqual((self.cache_entries(), self.places_of_secret()), ([], []))
        self.configure("yes")
        self.assert_command_runs()
        self.assertEqual((len(self.cache_entries()), self.places_of_secret()), (1, ["xdg"]), "control: the search finds it")
        self.configure("no")
        self.assert_command_runs()

    def test_a_wildcard_section(self):
        domain = self.lab.pg.host.split(".", 1)[1]
        self.config_text(f"[*.{domain}]\nprofile = p\ncache_credential_process = yes\n")
        self.assertEqual(self.run_credentials().returncode, 0)
        self.assert_cached()
        self.config_text(f"[{self.lab.pg.host}]\nprofile = p\n"
                         f"[*.{domain}]\nprofile = p\ncache_credential_process = yes\n")
        self.assert_command_runs()

    def test_an_invalid_value_is_rejected(self):
        for word in ("maybe", "", "true", "YES", "yes please", "1"):
            with self.subTest(word=word):
                self.configure(word or " ")
                result = self.token()
                self.assertEqual(result.returncode, 1)
                self.assertIn(f'{self.config}:3: cache_credential_process is "{word}"; write yes or no', result.stderr)
                self.assertEqual(self.run_count, 0)

    def test_a_profile_without_a_login(self):
        """If no host is given, the section of rds-iam's configuration that names the same profile decides whether the
        output is cached."""
        result = self.run_credentials("--profile", "p")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assert_cached()
        self.run_credentials("--clear")
        for profile in ("q", None):
            self.configure(profile=profile)
            self.run_credentials("--profile", "p")
            self.assertEqual(self.cache_entries(), [])
        self.configure("no")
        self.run_credentials("--profile", "p")
        self.assertEqual(self.cache_entries(), [])
        self.home.write(".aws/config", f"[default]\ncredential_process = {self.line()}\n")
        self.configure(profile=None)
        self.assertEqual(self.run_credentials("--explain").returncode, 0)
        self.assert_cached()

    def test_a_broken_configuration_without_a_login(self):
        self.configure("maybe")
        result = self.run_credentials("--profile", "p")
        self.assertEqual(result.returncode, 0)
        self.assertIn("warning: ", result.stderr)
        self.assertIn(f'{self.config}:3: cache_credential_process is "maybe"', result.stderr)

    def test_output_of_explain(self):
        def lines(**extra):
            result = self.run_credentials("--explain", *self.login(), **extra)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertNotIn(self.principal.secret_key, result.stdout + result.stderr)
            return [line for line in result.stdout.splitlines() if line.startswith(("process cache ", "credentials "))]

        cache = re.escape(f"{self.runtime}/rds-iam/cache/") + "[0-9a-f]{64}"
        place = re.escape(f"({self.config}:3)")
        first, then = lines(), lines()
        self.assertRegex(first[0], rf"^process cache      {cache} {place}$")
        self.assertEqual(first[1:], ["credentials        obtained now"])
        self.assertRegex(then[1], rf"^credentials        cached in {cache}$")
        self.assertEqual(then[1].split("cached in ")[1], then[0].split()[2])
        self.assertEqual(lines(XDG_RUNTIME_DIR="")[0],
                         f"process cache      none: XDG_RUNTIME_DIR is not set ({self.config}:3)")
        self.configure("no")
        self.assertEqual(lines()[0], "process cache      none: cache_credential_process is not set")

    def test_the_setting_does_not_change_other_sources(self):
        self.role_profile("r", "rds-access")
        self.configure(profile="r")
        keys = self.lab.principals["etl-base"].env()
        result = self.run_credentials(*self.login(), **keys, XDG_RUNTIME_DIR="")
        self.assertIn("role", self.run_credentials("--explain", *self.login(), **keys).stdout)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(len(self.cache_files()), 1)


class RuntimeDirectory(ProcessCase):
    """If the runtime directory cannot be used, nothing is cached."""

    def check(self, value, what):
        """Checks that with this XDG_RUNTIME_DIR the command runs for each login, a warning gives the reason, and no
        file contains the secret."""
        extra = {"XDG_RUNTIME_DIR": str(value)}
        for count in (1, 2):
            result = self.run_credentials(*self.login(), **extra)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(self.run_count, count)
            self.assertIn(f"{self.config}:3: cache_credential_process: nothing is cached, because {what}", result.stderr)
        self.assertEqual(self.places_of_secret(), [])
        result = self.run_credentials(*self.login())
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(self.places_of_secret(), ["xdg"], "control: the search finds it there")

    NOT_ALONE = "XDG_RUNTIME_DIR is not a directory that only you can write"
    NO_FILE = "no entry can be locked and written in "

    def test_unset(self):
        self.check("", "XDG_RUNTIME_DIR is not set")

    def test_relative(self):
        self.check("xdg", "XDG_RUNTIME_DIR is not an absolute path")

    def test_missing(self):
        self.check(self.home.path / "nothing", self.NOT_ALONE)

    def test_a_file(self):
        self.check(self.home.write("file", ""), self.NOT_ALONE)

    def test_writable_by_others(self):
        path = self.home.path / "wide"
        path.mkdir()
        path.chmod(0o777)
        self.check(path, self.NOT_ALONE)

    def test_writable_by_others_with_a_sticky_bit(self):
        path = self.home.path / "wide"
        path.mkdir()
        path.chmod(0o1777)
        self.check(path, self.NOT_ALONE)

    def test_the_rds_iam_directory_is_writable_by_others(self):
        path = self.home.path / "run"
        (path / "rds-iam").mkdir(parents=True)
        (path / "rds-iam").chmod(0o777)
        self.check(path, f"{self.NO_FILE}{path}/rds-iam/cache")

    def test_the_rds_iam_directory_is_a_link(self):
        path = self.home.path / "run"
        path.mkdir()
        (self.home.path / "elsewhere").mkdir()
        (path / "rds-iam").symlink_to(self.home.path / "elsewhere")
        self.check(path, self.NO_FILE)

    @needs_root
    def test_owned_by_another_user(self):
        path = self.home.path / "theirs"
        path.mkdir(mode=0o700)
        os.chown(path, OTHER.pw_uid, OTHER.pw_gid)
        self.check(path, self.NOT_ALONE)

    @needs_root
    def test_writable_by_another_group(self):
        path = self.home.path / "shared"
        path.mkdir()
        os.chown(path, 0, OTHER.pw_gid)
        path.chmod(0o770)
        self.check(path, self.NOT_ALONE)


class Expiry(ProcessCase):
    """How long an entry is valid, and damaged entries."""

    def test_without_an_expiration(self):
        self.print_keys(None)
        for count in (1, 2):
            result = self.run_credentials(*self.login())
            self.assertEqual((result.returncode, self.run_count), (0, count))
            self.assertIn(f"{self.config}:3: cache_credential_process: the credential_process printed no Expiration, "
                          "so what it printed is not cached", result.stderr)
        self.assertEqual(self.places_of_secret(), [])
        self.print_keys()
        self.assert_command_runs()
        self.assert_cached()

    def test_expired_credentials_are_not_cached(self):
        for seconds in (-1, -3600):
            self.print_keys(seconds)
            result = self.run_credentials(*self.login())
            self.assertEqual(result.returncode, 1)
            self.assertIn("the credential_process printed expired credentials", result.stderr)
            self.assertEqual(self.cache_entries(), [])

    def test_the_command_runs_again_15_minutes_before_the_entry_expires(self):
        self.print_keys(890)
        self.assert_command_runs()
        self.assert_command_runs()
        self.print_keys(906)
        self.assert_command_runs()
        self.assert_cached()
        time.sleep(7)
        self.print_keys()
        self.assert_command_runs()
        self.assert_cached()

    def test_if_the_command_fails_a_valid_entry_is_used(self):
        self.print_keys(600)
        self.assert_command_runs()
        (self.home.path / "keys").unlink()
        result = self.token()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("could not be renewed and are used until they expire", result.stderr)

    def test_a_damaged_entry_is_ignored(self):
        self.assert_command_runs()
        (entry,) = self.cache_entries()
        valid_bytes = entry.read_bytes()
        for what, text, mode in (("empty", b"", 0o600), ("truncated", valid_bytes[:-9], 0o600),
                                 ("garbage", b"x" * 999, 0o600), ("longer", valid_bytes + b"x", 0o600),
                                 ("another version", b"\0" + valid_bytes[1:], 0o600),
                                 ("readable", valid_bytes, 0o644)):
            with self.subTest(what):
                entry.write_bytes(text)
                entry.chmod(mode)
                self.assert_command_runs()
                self.assert_cached()
                self.assertEqual((entry.read_bytes(), entry.stat().st_mode & 0o777), (valid_bytes, 0o600))
        entry.unlink()
        entry.symlink_to(self.home.write("planted", "x"))
        self.assert_command_runs()
        self.assertEqual((self.home.path / "planted").read_text(), "x")


class Chain(ProcessCase):
    """A role that is assumed with the command's credentials: the role and the command have separate entries."""

    def setUp(self):
        super().setUp()
        self.print_keys(principal=self.lab.principals["etl-base"])
        self.role = self.lab.roles["rds-access"].arn

    def on_profile(self, name="r"):
        text = (self.home.path / ".aws/config").read_text()
        self.home.write(".aws/config", f"{text}[profile {name}]\nrole_arn = {self.role}\nsource_profile = p\n"
                        f"role_session_name = {name}-session\nregion = us-east-1\n")
        self.configure(profile=name)

    def assert_only_role_assumed(self):
        """rds-iam sends a request to STS but does not run the command."""
        before = len(self.calls())
        self.assert_cached()
        self.assertEqual([call["operation"] for call in self.calls()[before:]], ["AssumeRole"])

    def test_a_role_of_a_profile(self):
        self.on_profile()
        self.assert_command_runs()
        self.assertEqual(len(self.cache_entries()), 2)
        self.assert_cached()
        self.assertEqual(len(self.calls()), 1)
        self.on_profile("other")
        self.assert_only_role_assumed()
        self.assertEqual(len(self.cache_entries()), 3)

    def test_a_role_of_the_configuration(self):
        self.configure(role_arn=self.role)
        self.assert_command_runs()
        self.assert_cached()
        self.configure(role_arn=self.role, role_session_name="again")
        self.assert_only_role_assumed()
        self.configure("no", role_arn=self.role)
        self.assert_command_runs()

    def test_the_command_runs_again_if_its_own_credentials_expire_soon(self):
        self.print_keys(600, self.lab.principals["etl-base"])
        self.configure(role_arn=self.role)
        self.assert_command_runs()
        self.assert_cached()
        self.configure(role_arn=self.role, role_session_name="again")
        self.assert_command_runs()

    def test_without_an_expiration_only_the_role_is_cached(self):
        self.print_keys(None, self.lab.principals["etl-base"])
        self.configure(role_arn=self.role)
        self.assert_command_runs()
        self.assertEqual(len(self.cache_entries()), 1)
        self.assert_cached()
        self.configure(role_arn=self.role, role_session_name="again")
        self.assert_command_runs()

    def test_without_the_setting_neither_is_cached(self):
        self.configure("no", role_arn=self.role)
        self.assert_command_runs()
        self.assert_command_runs()
        self.assertEqual((self.cache_entries(), self.cache_files()), ([], []))


class AtOnce(ProcessCase):
    def test_one_process_runs_the_command_for_all(self):
        self.command(1)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            results = [run.result() for run in [pool.submit(self.token) for _ in range(8)]]
        self.assertEqual([result.returncode for result in results], [0] * 8, [r.stderr for r in results])
        self.assertEqual(self.run_count, 1)


if __name__ == "__main__":
    harness.main()
