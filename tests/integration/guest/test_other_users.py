# SPDX-License-Identifier: MIT
"""Files that another user can write, and variables that another user can set, must not decide which program runs or
whose credentials are used.

The tests cover settings files, programs with more rights than their caller, and the search for programs. Tests that
need a file of another user run only as root. The rows of FLAWS with the verdict WORKS are the control: a file without
a harmful flaw takes effect.
"""
import json
import os
import pwd
import shutil

from cloud import CloudCase, needs_root
from labcase import USER, harness
from service import Services, agent_program
import process

OTHER = pwd.getpwnam("nobody")
SHARED = 4
HOST = "db.abcdefghijkl.us-east-1.rds.amazonaws.com"
LOGIN = ("--hostname", HOST, "--port", "3306", "--username", "u")


# -- Flaws. Each function gets the path of a file and adds one flaw to it. ----------------------------


def nothing(_path):
    pass


def readable(path):
    path.chmod(0o644)


def in_open_directory(path):
    path.parent.chmod(0o777)


def for_group(path):
    """Makes the file writable by a shared group. Only root can set the group; without root, the file becomes
    writable by all users instead."""
    path.chmod(0o660)
    if os.geteuid() == 0:
        os.chown(path, -1, SHARED)
    else:
        path.chmod(0o662)


def for_all(path):
    path.chmod(0o646)


def fifo(path):
    path.unlink()
    os.mkfifo(path, 0o600)


def foreign(path):
    os.chown(path, OTHER.pw_uid, OTHER.pw_gid)


def foreign_in_open_directory(path):
    foreign(path)
    in_open_directory(path)


def link(path, add_flaw=nothing):
    """Renames the file, puts a link to it in its place, and adds another flaw to the renamed file."""
    target = path.with_name("target")
    path.rename(target)
    path.symlink_to(target)
    add_flaw(target)


def link_to_writable(path):
    link(path, for_all)


def link_to_foreign(path):
    link(path, foreign)


WRITABLE_BY = " can write it; run: chmod "  # test_whose_files.py checks the complete message
WORKS, WRITABLE, IRREGULAR, FOREIGN = "works", "writable", "irregular", "foreign"
FLAWS = (
    (nothing, WORKS), (readable, WORKS), (link, WORKS), (in_open_directory, WORKS),
    (for_group, WRITABLE), (for_all, WRITABLE), (link_to_writable, WRITABLE),
    (fifo, IRREGULAR),
)
FOREIGN_FLAWS = (
    (foreign, FOREIGN), (foreign_in_open_directory, FOREIGN), (link_to_foreign, FOREIGN),
)


class SettingsFiles(CloudCase):
    """Each flaw at each place of a settings file that is below the home directory or that a variable names."""

    def explain(self, *arguments, **extra):
        env = self.cloud_env(RDS_IAM_LOG="1", **extra)
        return self.credentials("--explain", *arguments, principal=None, env=env)

    def assert_refused_with(self, result, message):
        """Checks that rds-iam fails, and uses no other source instead."""
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn(message, result.stderr)
        self.assertNotIn("access key", result.stdout)

    def assert_key(self, result, access_key):
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"access key         {access_key}\n", result.stdout)

    def each(self, places, flaws):
        """Yields (place, function that adds a flaw, expected verdict) for each combination, each with an empty
        home directory."""
        rows = [(place, add_flaw, verdict) for place in places for add_flaw, verdict in flaws]
        for place, add_flaw, verdict in rows:
            with self.subTest(place=place[0], flaw=add_flaw.__name__):
                shutil.rmtree(self.home.path)
                self.home.path.mkdir(mode=0o700)
                yield place, add_flaw, verdict
        self.seen = len(rows)

    def keys(self, name):
        principal = self.lab.principals[name]
        return (f"aws_access_key_id = {principal.access_key}\n"
                f"aws_secret_access_key = {principal.secret_key}\n")

    # The places of rds-iam's configuration. The configuration decides whose credentials sign for which address.

    CONFIGURATION = (
        ("~/.config", ".config/rds-iam/config", None),
        ("XDG_CONFIG_HOME", "xdg/rds-iam/config", "xdg"),
        ("RDS_IAM_CONFIG", "own.conf", "own.conf"),
    )

    def check_configuration(self, flaws):
        messages = {
            WRITABLE: WRITABLE_BY,
            IRREGULAR: "{0}: is not a regular file; name another",
            FOREIGN: f"{{0}}: belongs to uid {OTHER.pw_uid}, neither to root nor to you; run: chown",
        }
        for (name, file, value), add_flaw, verdict in self.each(self.CONFIGURATION, flaws):
            self.home.write(".aws/credentials", "[default]\n" + self.keys("etl")
                            + "[evil]\n" + self.keys("etl-base"))
            path = self.home.write(file, f"[{HOST}]\nprofile = evil\n")
            add_flaw(path)
            extra = {} if value is None else {name: str(self.home.path / value)}
            result = self.explain(*LOGIN, **extra)
            if verdict == WORKS:
                self.assertIn(f"profile            evil ({path}:2)", result.stdout)
                self.assert_key(result, self.lab.principals["etl-base"].access_key)
            else:
                self.assert_refused_with(result, messages[verdict].format(path))

    def test_a_configuration_of_the_user(self):
        self.check_configuration(FLAWS)
        self.assertEqual(self.seen, 24)

    @needs_root
    def test_a_configuration_of_another_user(self):
        self.check_configuration(FOREIGN_FLAWS)
        self.assertEqual(self.seen, 9)

    @needs_root
    def test_a_configuration_of_root_takes_effect_for_another_user(self):
        self.home.write(".aws/credentials", "[evil]\n" + self.keys("etl"))
        path = self.home.write(".config/rds-iam/config", f"[{HOST}]\nprofile = evil\n", 0o644)
        for below in (self.home.path, *(p for p in self.home.path.rglob("*") if p != path)):
            foreign(below)
        self.assertEqual(path.stat().st_uid, 0)
        argv = ["setpriv", *process.DROP_ROOT, harness.installed("bin/rds-iam"), "credentials",
                "--explain", *LOGIN]
        result = self.home.run(argv, None, **self.cloud_env())
        self.assertIn(f"profile            evil ({path}:2)", result.stdout)
        self.assert_key(result, self.lab.principals["etl"].access_key)

    # The places of AWS's files. A credential_process in them decides which program runs.

    PROCESS = (
        ("~/.aws/config", ".aws/config", None, "[default]\n{}"),
        ("~/.aws/credentials", ".aws/credentials", None, "[default]\n{}"),
        ("AWS_CONFIG_FILE", "one/config", "AWS_CONFIG_FILE", "[default]\n{}"),
        ("AWS_SHARED_CREDENTIALS_FILE", "one/file", "AWS_SHARED_CREDENTIALS_FILE", "[default]\n{}"),
        ("a role's source", ".aws/credentials", None, "[base]\n{}"),
    )

    def check_process(self, flaws):
        messages = {
            WRITABLE: WRITABLE_BY,
            IRREGULAR: "{0}: is not a regular file; name another",
            FOREIGN: f"{{0}}:2: credential_process is not taken from a file of uid {OTHER.pw_uid}, who is "
                     f"neither root nor you; run: chown {os.geteuid()} {{0}}, or copy it",
        }
        principal = self.lab.principals["etl-base"]
        document = {"Version": 1, "AccessKeyId": principal.access_key,
                    "SecretAccessKey": principal.secret_key}
        for (name, file, variable, text), add_flaw, verdict in self.each(self.PROCESS, flaws):
            keys = self.home.write("keys", json.dumps(document))
            proof = self.home.path / "proof"
            if name == "a role's source":
                self.home.write(".aws/config", "[default]\nsource_profile = base\nrole_arn = "
                                f"{self.lab.roles['rds-access'].arn}\n")
            path = self.home.write(file, text.format(
                f"credential_process = id -u >{proof}; cat {keys}\n"))
            add_flaw(path)
            result = self.explain(**({variable: str(path)} if variable else {}))
            self.assertEqual(proof.exists(), verdict == WORKS)
            if verdict != WORKS:
                self.assert_refused_with(result, messages[verdict].format(path))
            elif name == "a role's source":
                self.assertIn(self.lab.roles["rds-access"].session_arn("rds-iam"), result.stdout)
            else:
                self.assertEqual(proof.read_text(), f"{os.geteuid()}\n")
                self.assert_key(result, principal.access_key)

    def test_a_credential_process(self):
        self.check_process(FLAWS)
        self.assertEqual(self.seen, 40)

    @needs_root
    def test_a_credential_process_in_a_file_of_another_user(self):
        self.check_process(FOREIGN_FLAWS)
        self.assertEqual(self.seen, 15)

    # Keys in another user's file are used with a warning. Keys in a file that other users can write are rejected.

    KEYS = (("~/.aws/credentials", ".aws/credentials"), ("~/.aws/config", ".aws/config"))

    def check_keys(self, flaws):
        for (_, file), add_flaw, verdict in self.each(self.KEYS, flaws):
            path = self.home.write(file, "[default]\n" + self.keys("etl"))
            add_flaw(path)
            result = self.explain()
            if verdict == WRITABLE:
                self.assert_refused_with(result, WRITABLE_BY.format(path))
                continue
            self.assert_key(result, self.lab.principals["etl"].access_key)
            warning = f"rds-iam: warning: {path}: belongs to uid {OTHER.pw_uid}, neither to root nor to you; "
            self.assertEqual(warning in result.stderr, verdict == FOREIGN)

    def test_keys(self):
        self.check_keys([row for row in FLAWS if row[1] != IRREGULAR])
        self.assertEqual(self.seen, 14)

    @needs_root
    def test_keys_in_a_file_of_another_user(self):
        self.check_keys(FOREIGN_FLAWS)
        self.assertEqual(self.seen, 6)


MORE_RIGHTS = "rds-iam: this program runs with more rights than its caller"
MORE_RIGHTS_WHOLE = f"{MORE_RIGHTS} (setuid, seteuid or file capabilities), so it gets no token and no credentials; " \
                    "remove these rights\n"

# Replaces two files in a mount namespace, then runs a command.
IN_PLACE = 'mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/mysql/my.cnf && shift 2 && exec "$@"'

# Connects after the statement {}, which changes the real user or group. With the statement "pass", the script is the
# control.
CHANGES_USER = """
import os, sys, MySQLdb
{}
try:
    connection = MySQLdb.connect(read_default_file=sys.argv[1], host=sys.argv[2], port=int(sys.argv[3]),
                                 user=sys.argv[4])
    cursor = connection.cursor()
    cursor.execute("select current_user()")
    print(cursor.fetchone()[0])
except MySQLdb.Error as error:
    sys.exit(str(error))
"""


@needs_root
class MoreRights(CloudCase):
    """A program with more rights than its caller gets no token and no credentials: a set-uid copy of rds-iam, of the
    agent or of a host program, or a program whose real and effective users differ. rds-iam then uses nothing from the
    environment. A program whose real and effective groups differ starts no other program. The control is the same
    program without these rights."""

    def setUp(self):
        super().setUp()
        self.copy = self.home.path / "copy"
        shutil.copy(harness.installed("bin/rds-iam"), self.copy)
        os.chown(self.copy, OTHER.pw_uid, OTHER.pw_gid)
        self.broken = str(self.home.write("broken/rds-iam/config", "[\n"))

    def run_copy(self, mode, *arguments, **env):
        self.copy.chmod(mode)
        return harness.run([self.copy, *arguments], cwd="/", env={
            "AWS_EC2_METADATA_DISABLED": "true", **env})

    def test_no_variable_has_an_effect(self):
        etl = self.lab.principals["etl"].env()
        self.home.write(".config/rds-iam/config", "[\n")
        home = str(self.home.path)
        rows = (
            ({"HOME": home}, f"{home}/.config/rds-iam/config:1: a section line"),
            ({"XDG_CONFIG_HOME": home + "/broken"}, f"{self.broken}:1: a section line"),
            ({"RDS_IAM_CONFIG": self.broken}, f"{self.broken}:1: a section line"),
            (etl, f"X-Amz-Credential={etl['AWS_ACCESS_KEY_ID']}"),
            ({**etl, "RDS_IAM_LOG": "1"}, "rds-iam: signed for u at"),
            ({"AWS_PROFILE": "none"}, 'AWS_PROFILE: the profile "none"'),
            ({"AWS_DEFAULT_PROFILE": "none"}, 'AWS_DEFAULT_PROFILE: the profile "none"'),
            ({"AWS_CONFIG_FILE": self.broken}, f"{self.broken}:1: a section line"),
            ({"AWS_SHARED_CREDENTIALS_FILE": self.broken}, f"{self.broken}:1: a section line"),
            ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/none", "AWS_ROLE_ARN": "arn:aws:iam::1:role/r"},
             "AWS_WEB_IDENTITY_TOKEN_FILE: the token file"),
            ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/"},
             "AWS_CONTAINER_CREDENTIALS_FULL_URI: plain http goes only to"),
            ({"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://192.0.2.1"},
             "AWS_EC2_METADATA_SERVICE_ENDPOINT: plain http goes only to"),
        )
        self.assertEqual(len(rows), 12)
        for env, effect in rows:
            with self.subTest(env=list(env)):
                control = self.run_copy(0o755, "token", *LOGIN, **env)
                self.assertIn(effect, control.stdout + control.stderr)
                result = self.run_copy(0o4755, "token", *LOGIN, **env)
                self.assertEqual((result.returncode, result.stdout), (1, ""))
                self.assertEqual(result.stderr, MORE_RIGHTS_WHOLE)

    def test_a_set_uid_copy_prints_no_credentials(self):
        etl = self.lab.principals["etl"].env()
        for arguments in (["credentials"], ["credentials", "--explain"]):
            self.assertIn(etl["AWS_ACCESS_KEY_ID"], self.run_copy(0o755, *arguments, **etl).stdout)
            result = self.run_copy(0o4755, *arguments, **etl)
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertEqual(result.stderr, MORE_RIGHTS_WHOLE)

    def test_a_set_uid_copy_clears_no_cache(self):
        entry = self.home.write(".cache/rds-iam/cache/" + "0" * 64, "x")
        for path in (self.home.path, entry.parent.parent.parent, entry.parent.parent, entry.parent, entry):
            foreign(path)
        env = {"HOME": str(self.home.path)}
        result = self.run_copy(0o4755, "credentials", "--clear", **env)
        self.assertEqual(result.stdout, "removed from the cache: 0\n", result.stderr)
        self.assertTrue(entry.exists())
        os.chown(entry.parent, os.geteuid(), os.getegid())
        result = self.run_copy(0o755, "credentials", "--clear", **env)
        self.assertEqual(result.stdout, "removed from the cache: 1\n")

    def test_a_set_uid_host_program_gets_no_token_from_the_plugin(self):
        """The loader ignores LD_PRELOAD for the program, so the lab's host names and the options are in /etc."""
        shutil.copy(harness.BUILD / "tests/integration/src/login", self.copy)
        os.chown(self.copy, 0, 0)
        options = self.write_my_cnf()
        options.chmod(0o644)
        argv = ["unshare", "--mount", "sh", "-c", IN_PLACE, "sh", self.lab.hosts_file, options,
                "setpriv", *process.DROP_ROOT,
                self.copy, self.lab.mariadb.host, self.lab.mariadb.port, USER]
        env = {"PATH": process.PATH, "HOME": "/none", "AWS_EC2_METADATA_DISABLED": "true",
               **self.lab.principals["etl"].env()}
        self.copy.chmod(0o755)
        result = harness.run(argv, env=env)
        self.assertEqual((result.stdout, result.stderr), (f"{USER}@%\n", ""))
        self.assert_accepted()
        self.copy.chmod(0o4755)
        result = harness.run(argv, env=env)
        self.assertIn("ERROR 2061 (HY000): " + MORE_RIGHTS, result.stderr)
        self.assertEqual(len([v for v in self.verdicts() if v["token_length"] > 0]), 1)

    def test_a_set_uid_agent_writes_no_passfile(self):
        services = Services(self.home)
        services.add("shop")
        shutil.copy(agent_program(), self.copy)
        os.chown(self.copy, 0, 0)
        argv = ["setpriv", *process.DROP_ROOT, self.copy, "--once", "--directory", services.directory]
        for path in (self.home.path, self.home.path / ".pg_service.conf"):
            foreign(path)
        for mode, status, message in ((0o4755, 1, "runs with more rights than its caller"),
                                       (0o755, 0, "1 of 1 services have their tokens")):
            with self.subTest(mode=oct(mode)):
                self.copy.chmod(mode)
                result = self.home.run(
                    argv, "etl", PGSERVICEFILE=str(self.home.path / ".pg_service.conf"))
                self.assertEqual(result.returncode, status, result.stderr)
                self.assertIn(message, result.stderr)
                self.assertEqual(services.passfile("shop").exists(), status == 0)

    def test_a_program_with_different_real_and_effective_ids_gets_no_token(self):
        proof = self.home.path / "proof"
        principal = self.lab.principals["etl"]
        keys = self.home.write("keys", json.dumps({
            "Version": 1, "AccessKeyId": principal.access_key, "SecretAccessKey": principal.secret_key}))
        self.home.write(".aws/config", f"[default]\ncredential_process = id -u >{proof}; cat {keys}\n")
        argv = [self.home.path / ".my.cnf", self.lab.mariadb.host, self.lab.mariadb.port, USER]

        def connect(line):
            return self.home.run(["/usr/bin/python3", "-c", CHANGES_USER.format(line), *argv], None)

        self.assertEqual(connect("pass").stdout, f"{USER}@%\n")
        self.assert_accepted()
        self.assertEqual(proof.read_text(), "0\n")
        proof.unlink()
        for line, reason in ((f"os.setresuid({OTHER.pw_uid}, 0, 0)", MORE_RIGHTS),
                             (f"os.setresgid({OTHER.pw_gid}, 0, 0)", "effective group differs from its real group")):
            result = connect(line)
            self.assertIn("2061", result.stderr)
            self.assertIn(reason, result.stderr)
            self.assertFalse(proof.exists(), "the credential_process did not run")
        self.assertEqual(len([v for v in self.verdicts() if v["token_length"] > 0]), 1)

    def test_keys_in_the_environment_are_used_with_another_group_but_not_with_another_user(self):
        self.write_my_cnf()
        argv = [self.home.path / ".my.cnf", self.lab.mariadb.host, self.lab.mariadb.port, USER]
        for line, is_accepted in ((f"os.setresgid({OTHER.pw_gid}, 0, 0)", True),
                                  (f"os.setresuid({OTHER.pw_uid}, 0, 0)", False)):
            result = self.home.run(["/usr/bin/python3", "-c", CHANGES_USER.format(line), *argv], "etl")
            self.assertEqual(result.stdout, f"{USER}@%\n" if is_accepted else "", result.stderr)
            self.assertEqual(MORE_RIGHTS in result.stderr, not is_accepted)


SPY = r"""
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
unsigned la_version(unsigned version) { return version; }
__attribute__((constructor)) static void record(void)
{
    char name[4096];
    ssize_t len = readlink("/proc/self/exe", name, sizeof(name) - 1);
    int fd = open(getenv("SPY_OUT"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    name[len < 0 ? 0 : len] = '\n';
    if (fd >= 0) { (void)!write(fd, name, (size_t)len + 1); close(fd); }
}
"""


class WhichProgram(CloudCase):
    """The product runs only the installed rds-iam-fetch and the system's shell."""

    def setUp(self):
        super().setUp()
        self.role_profile("p", "rds-access")
        self.fakes = self.home.path / "fakes"
        self.proof = self.home.path / "proof"
        for name in ("rds-iam-fetch", "sh"):
            self.home.write(f"fakes/{name}", f"#!/bin/sh\ntouch {self.proof}\n", 0o700)

    def ask(self, argv, cwd, **extra):
        env = self.home.env("etl-base", **self.cloud_env(**extra))
        return harness.run(argv, env=env, cwd=cwd)

    def test_no_variable_and_no_directory_selects_another_program(self):
        usual = process.PATH
        rows = (
            ("a directory of PATH", {"PATH": f"{self.fakes}:{usual}"}, "/"),
            ("the current directory", {"PATH": f".:{usual}"}, self.fakes),
            ("an empty entry of PATH", {"PATH": f":{usual}"}, self.fakes),
            ("HOME", {"HOME": str(self.fakes), "PATH": f"{self.fakes}:{usual}",
                      "AWS_CONFIG_FILE": str(self.home.path / ".aws/config")}, self.fakes),
        )
        self.assertEqual(len(rows), 4)
        for name, env, cwd in rows:
            for program in ("rds-iam-fetch", "sh"):
                with self.subTest(row=name, program=program):
                    self.ask(["/usr/bin/env", program, "-c", "true"], cwd, **env)
                    self.assertTrue(self.proof.exists(), "control: env finds the fake program")
                    self.proof.unlink()
            with self.subTest(row=name):
                shutil.rmtree(self.home.path / ".cache", ignore_errors=True)
                shutil.rmtree(self.fakes / ".cache", ignore_errors=True)
                before = len(self.calls())
                command = [harness.installed("bin/rds-iam"), "credentials", "--profile", "p"]
                self.assertIn("ASIA", self.ask(command, cwd, **env).stdout)
                self.assertEqual(len(self.calls()), before + 1, "the installed program sent a request")
                self.assertFalse(self.proof.exists())

    def test_the_systems_shell_runs_a_credential_process(self):
        self.home.write(".aws/config", "[profile p]\ncredential_process = echo '{}'\n")
        result = self.ask([harness.installed("bin/rds-iam"), "credentials", "--profile", "p"],
                          self.fakes, PATH=f"{self.fakes}:{process.PATH}")
        self.assertIn('printed no credentials (the JSON has no "Version": 1)', result.stderr)
        self.assertFalse(self.proof.exists())

    def test_libraries_preloaded_into_the_host_are_not_loaded_into_rds_iam_fetch(self):
        spy = self.home.path / "spy.so"
        built = harness.run(["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", spy], stdin=SPY)
        self.assertEqual(built.returncode, 0, built.stderr)
        self.home.write(".aws/config", "[profile p]\ncredential_process = /bin/cat keys\n")
        principal = self.lab.principals["etl"]
        self.home.write("keys", json.dumps({
            "Version": 1, "AccessKeyId": principal.access_key, "SecretAccessKey": principal.secret_key}))
        command = [harness.installed("bin/rds-iam"), "credentials", "--profile", "p"]
        for variable in ("LD_PRELOAD", "LD_AUDIT"):
            with self.subTest(variable=variable):
                out = self.home.path / f"loaded-{variable}"
                result = self.ask(command, self.home.path, **{variable: str(spy), "SPY_OUT": str(out)})
                self.assertIn(principal.access_key, result.stdout)
                # The control: rds-iam itself starts with the variable. rds-iam-fetch is not in the list, because it
                # starts without the variable. The command gets the variable back.
                self.assertEqual([os.path.basename(p) for p in out.read_text().split()],
                                 ["rds-iam", "dash", "cat"])


if __name__ == "__main__":
    harness.main()
