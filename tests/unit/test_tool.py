# SPDX-License-Identifier: MIT
"""The installed `rds-iam token`: options, exit status, messages, and the token.

Also unknown commands, `--help` and `--version`.
"""
import calendar
import pathlib
import shutil
import tempfile
import types
import unittest

import harness
import mint

HOST = "mydb.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com"
NOW = "2026-08-22 12:34:56"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "tool/Secret+Key/EXAMPLE"}
SESSION = "tool/Session+Token/EXAMPLE=="
# No line on stderr may contain one of these.
SECRETS = [KEYS["AWS_SECRET_ACCESS_KEY"], SESSION, "X-Amz-Signature", "profile/Secret+Key"]
GOOD = ["--hostname", HOST, "--port", "3306", "--username", "etl"]
SEE = "; see rds-iam token --help\n"


def fake_clock():
    """Returns the variables that preload libfaketime, so a process sees the time NOW."""
    found = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        raise FileNotFoundError("apt-get install faketime")
    return {"LD_PRELOAD": str(found[0]), "FAKETIME": NOW, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": "UTC"}


def without(option):
    """Returns GOOD without one of its options."""
    at = GOOD.index(option)
    return GOOD[:at] + GOOD[at + 2:]


def expected(user="etl", host=HOST, port=3306, region="eu-west-1", session=None, secret=None):
    """Returns the token that botocore makes at the fake time NOW."""
    principal = types.SimpleNamespace(
        access_key=KEYS["AWS_ACCESS_KEY_ID"], secret_key=secret or KEYS["AWS_SECRET_ACCESS_KEY"],
        session_token=session)
    at = calendar.timegm((2026, 8, 22, 12, 34, 56))
    return mint.mint(principal, host, port, user, region, at=at)


class Tool(unittest.TestCase):
    def setUp(self):
        harness.WORK.mkdir(parents=True, exist_ok=True)
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="tool-", dir=harness.WORK))
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        (self.home / ".aws").mkdir()
        self.config = self.home / "config"
        self.config.write_text("", encoding="utf-8")
        self.config.chmod(0o600)

    def profiles(self, text):
        (self.home / ".aws/config").write_text(text, encoding="utf-8")

    def env(self, keys):
        # The machine's own /etc/rds-iam/config must have no effect.
        return {"HOME": str(self.home), "AWS_EC2_METADATA_DISABLED": "true",
                "RDS_IAM_CONFIG": str(self.config), **keys}

    def run_tool(self, *arguments, **keys):
        return self.checked(harness.run(
            [harness.installed("bin/rds-iam"), *arguments], env={**self.env(keys), **fake_clock()},
            cwd=self.home))

    def token(self, *arguments, **keys):
        return self.run_tool("token", *arguments, **(keys or KEYS))

    def checked(self, result):
        self.assertEqual(self.secrets_in(result.stderr), [])
        return result

    @staticmethod
    def secrets_in(text):
        return [secret for secret in SECRETS if secret in text]

    def assert_printed(self, result, text, warnings=0):
        self.assertEqual((result.returncode, result.stdout), (0, text), result.stderr)
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), warnings, result.stderr)
        for line in lines:
            self.assertTrue(line.startswith("rds-iam: warning: "), line)

    def assert_failed(self, result, message):
        """Checks the exit status, that stdout is empty, and that stderr is one line that begins with the message."""
        self.assertEqual((result.returncode, result.stdout), (1, ""), result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertTrue(result.stderr.startswith("rds-iam: " + message), result.stderr)

    def assert_usage(self, result, message, see=SEE):
        self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
        self.assertEqual(result.stderr, "rds-iam: " + message + see)

    def test_control_a_secret_on_stderr_would_be_found(self):
        for secret in SECRETS:
            self.assertEqual(self.secrets_in("x %s y" % secret), [secret])
        # Every text of SECRETS is in the input of this call or in its token; token() checks that none is on stderr.
        self.profiles("[profile p]\naws_access_key_id = A\naws_secret_access_key = profile/Secret+Key\n")
        result = self.token(*GOOD, "--profile", "p", **KEYS, AWS_SESSION_TOKEN=SESSION)
        self.assertIn("X-Amz-Signature", result.stdout)

    def test_the_token_equals_that_of_botocore_for_the_same_second(self):
        self.assert_printed(self.token(*GOOD), expected() + "\n")
        self.assert_printed(
            self.token(*GOOD, **KEYS, AWS_SESSION_TOKEN=SESSION), expected(session=SESSION) + "\n")

    def test_user_names_are_encoded_as_in_botocore(self):
        for user in ("a b", "user+x", "ユーザー", "a&b=c", "a%41b", "jane.doe@example.com", "-dash"):
            with self.subTest(user=user):
                result = self.token("--hostname", HOST, "--port", "3306", "--username=" + user)
                self.assert_printed(result, expected(user=user) + "\n")

    def test_the_keys_of_the_profile_sign_the_token(self):
        self.profiles(
            "[profile p]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = profile/Secret+Key\n")
        want = expected(secret="profile/Secret+Key") + "\n"
        self.assert_printed(self.token(*GOOD, "--profile", "p"), want)
        self.assert_printed(self.token(*GOOD, AWS_PROFILE="p"), want)

    def test_every_usual_form_of_an_option_is_accepted(self):
        ways = [
            ["--username", "etl", "--port", "3306", "--hostname", HOST],
            ["--hostname=" + HOST, "--port=3306", "--username=etl"],
            ["--port=3306", "--hostname", HOST, "--username=etl"],
            ["--username", "other", *GOOD],
            [*GOOD, "--"],
            [*without("--port"), "--port", "03306"],
        ]
        for arguments in ways:
            with self.subTest(arguments=arguments):
                self.assert_printed(self.token(*arguments), expected() + "\n")

    def test_a_port_is_part_of_the_token(self):
        for port in (1, 443, 5432, 65535):
            with self.subTest(port=port):
                result = self.token(*without("--port"), "--port", str(port))
                self.assert_printed(result, expected(port=port) + "\n", warnings=int(port == 443))

    def test_usage_errors_name_the_option_or_argument(self):
        rows = [
            (without("--hostname"), "--hostname is missing"),
            (without("--port"), "--port is missing"),
            (without("--username"), "--username is missing"),
            ([], "--hostname is missing"),
            ([*GOOD, "--region"], "--region needs a value"),
            ([*GOOD, "--profile"], "--profile needs a value"),
            (["--hostname"], "--hostname needs a value"),
            (["--port", "--username", "a"], "--port needs a value"),
            ([*GOOD, "--region", "--profile", "p"], "--region needs a value"),
            ([*GOOD[:-2], "--region", "--username"], "--region needs a value"),
            ([*GOOD, "--region", ""], "the value of --region is empty"),
            ([*GOOD, "--profile="], "the value of --profile is empty"),
            ([*GOOD, "--username", ""], "the value of --username is empty"),
            ([*without("--port"), "--port", ""], "the value of --port is empty"),
            ([*without("--port"), "--port", "0"], '--port "0" is not between 1 and 65535'),
            ([*without("--port"), "--port", "65536"], '--port "65536" is not between 1 and 65535'),
            ([*without("--port"), "--port", "abc"], '--port "abc" is not between 1 and 65535'),
            ([*without("--port"), "--port", "-1"], '--port "-1" is not between 1 and 65535'),
            ([*without("--port"), "--port", "3306 "], '--port "3306 " is not between 1 and 65535'),
            ([*without("--port"), "--port", "184467440737095516"],
             '--port "184467440737095516" is not between 1 and 65535'),
            ([*GOOD, "--nonsense"], "unknown option --nonsense"),
            ([*GOOD, "--nonsense=1"], "unknown option --nonsense"),
            ([*GOOD, "--hostnmae=x"], "unknown option --hostnmae; write --hostname"),
            ([*GOOD, "--user-nam", "x"], "unknown option --user-nam; write --username"),
            ([*GOOD, "--ports", "1"], "unknown option --ports; write --port"),
            ([*GOOD, "--prot", "1"], "unknown option --prot; write --port"),
            ([*GOOD, "--pt", "1"], "unknown option --pt"),
            ([*GOOD, "--hostname" + "e" * 30, "x"], "unknown option --hostname" + "e" * 30),
            ([*GOOD, "--p", "1"], "unknown option --p; write --port or --profile"),
            ([*GOOD, "--usernam=x"], "unknown option --usernam; write --username"),
            ([*GOOD, "--he"], "unknown option --he; write --help"),
            ([*GOOD, "-x"], "unknown option -x"),
            ([*GOOD, "-xyz"], "unknown option -x"),
            ([*GOOD, "-psecret"], "unknown option -p; write --port or --profile"),
            ([*GOOD, "-port", "1"], "unknown option -p; write --port or --profile"),
            ([*GOOD, "-\u00e9"], "unknown option -\u00e9"),
            ([*GOOD, "-\u2013port", "1"], "unknown option -\u2013"),
            ([*GOOD, "\u2013port", "1"], 'unexpected argument "\u2013port"'),
            ([*GOOD, "--\u00e9"], "unknown option --\u00e9"),
            ([*GOOD, "--help=1"], "--help takes no value"),
            (["more", *GOOD], 'unexpected argument "more"'),
            ([*GOOD, "-"], 'unexpected argument "-"'),
            ([*GOOD, ""], 'unexpected argument ""'),
            ([*GOOD, "more"], 'unexpected argument "more"'),
            ([*GOOD, "--", "--region"], 'unexpected argument "--region"'),
        ]
        for arguments, message in rows:
            with self.subTest(arguments=arguments):
                self.assert_usage(self.token(*arguments), message)

    def test_a_missing_or_unknown_command_is_a_usage_error(self):
        see = "; see rds-iam --help\n"
        self.assert_usage(self.run_tool(), "no command given", see)
        self.assert_usage(self.run_tool("nonsense"), 'unknown command "nonsense"', see)
        for word, meant in (("chekc", "check"), ("check ", "check"), ("exce", "exec"), ("stup", "setup"),
                            ("tokens", "token"), ("credential", "credentials"), ("credits", "credentials")):
            with self.subTest(word=word):
                self.assert_usage(self.run_tool(word), f'unknown command "{word}"; write {meant}', see)
        for word, rest in (("--nonsense", ""), ("--verison", "; write --version"), ("-v", "; write --version"),
                           ("--hlep", "; write --help"), ("-x", "")):
            with self.subTest(word=word):
                self.assert_usage(self.run_tool(word), f"unknown option {word}{rest}", see)
        self.assert_usage(self.run_tool("help", "stup"), 'unknown command "stup"; write setup', see)
        for word, advice in (("psql", "write rds-iam exec -- psql"), ("mysqldump", "write rds-iam exec -- mysqldump"),
                             ("login", "write rds-iam exec -- and the client"), ("version", "write --version"), ("agent", "run rds-iam-agent"),
                             ("status", "run rds-iam-agent --status")):
            with self.subTest(word=word):
                self.assert_usage(self.run_tool(word), f'unknown command "{word}"; {advice}', see)

    def test_help_and_version_need_no_other_option(self):
        for arguments, words in (
            (["--help"], ["usage: rds-iam COMMAND", "rds-iam COMMAND --help"]),
            (["-h"], ["usage: rds-iam COMMAND"]),
            (["token", "--help"], ["usage: rds-iam token", *(o for o in GOOD if o.startswith("--")),
                                   "--region", "--profile", "exit status"]),
            (["token", "-h"], ["usage: rds-iam token"]),
            (["token", "--help", "--nonsense"], ["usage: rds-iam token"]),
            (["--version"], ["rds-iam "]),
            (["help"], ["usage: rds-iam COMMAND", "rds-iam COMMAND --help"]),
            (["--help", "--help"], ["usage: rds-iam COMMAND"]),
            (["help", "help"], ["usage: rds-iam COMMAND"]),
            (["setup", "-h", "--help"], ["usage: rds-iam setup KIND"]),
            (["help", "token"], ["usage: rds-iam token"]),
            (["--help", "token"], ["usage: rds-iam token"]),
            (["help", "setup"], ["usage: rds-iam setup KIND"]),
            (["help", "setup", "postgres"], ["usage: rds-iam setup postgres"]),
            (["setup", "help"], ["usage: rds-iam setup KIND"]),
            (["setup", "help", "ca"], ["usage: rds-iam setup ca"]),
            (["help", "exec", "false"], ["usage: rds-iam exec"]),
        ):
            with self.subTest(arguments=arguments):
                result = self.run_tool(*arguments)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                for word in words:
                    self.assertIn(word, result.stdout)
        self.assertRegex(self.run_tool("--version").stdout, r"\Ards-iam \d+\.\d+\.\d+\n\Z")

    def test_the_region_option_is_used_and_a_difference_causes_a_warning(self):
        result = self.token(*GOOD, "--region", "us-east-2")
        self.assert_printed(result, expected(region="us-east-2") + "\n", warnings=1)
        self.assertIn("signing for the region us-east-2, although the name %s contains eu-west-1; if the server refuses "
                      "the token, remove --region\n" % HOST, result.stderr)
        self.assert_printed(self.token(*GOOD, "--region", "eu-west-1"), expected() + "\n")
        self.assert_failed(
            self.token(*GOOD, "--region", "Ireland"), '--region: "Ireland" is not a region')

    def test_the_region_of_the_environment_is_ignored(self):
        result = self.token(*GOOD, **KEYS, AWS_REGION="us-east-2", AWS_DEFAULT_REGION="us-east-2")
        self.assert_printed(result, expected() + "\n")

    def test_a_host_that_is_not_an_rds_name_needs_a_region(self):
        arguments = ["--hostname", "db.example", *without("--hostname")]
        self.assert_failed(self.token(*arguments), "db.example is not an RDS endpoint")
        result = self.token(*arguments, "--region", "eu-west-1")
        self.assert_printed(result, expected(host="db.example") + "\n", warnings=1)
        self.assertIn("rds-iam: warning: db.example is not an RDS endpoint", result.stderr)

    def test_the_configuration_file_applies(self):
        self.config.write_text("[tunnel:13306]\nendpoint = %s:3306\n" % HOST, encoding="utf-8")
        result = self.token("--hostname", "tunnel", "--port", "13306", "--username", "etl")
        self.assert_printed(result, expected() + "\n")
        self.config.chmod(0o666)
        self.assert_failed(
            self.token(*GOOD), "%s: every user can write it; run: chmod o-w %s" % (self.config, self.config))

    def test_missing_and_invalid_credentials_are_reported(self):
        self.profiles("[profile half]\naws_access_key_id = A\n")
        rows = [
            ({"AWS_PROFILE": "nope"}, 'AWS_PROFILE: the profile "nope" does not exist'),
            ({"AWS_PROFILE": "half"},
             '%s/.aws/config:2: the profile "half" has an aws_access_key_id but no' % self.home),
            ({"AWS_ACCESS_KEY_ID": "A"}, "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not"),
            ({"AWS_SECRET_ACCESS_KEY": KEYS["AWS_SECRET_ACCESS_KEY"]},
             "AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not"),
            ({"PATH": "/nowhere"}, "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret."),
            ({**KEYS, "AWS_CREDENTIAL_EXPIRATION": "2026-08-22T12:34:56Z"},
             "the AWS credentials of the environment expired at 20260822T123456Z"),
        ]
        for keys, message in rows:
            with self.subTest(keys=keys):
                self.assert_failed(self.token(*GOOD, **keys), message)
        self.assert_failed(self.token(*GOOD, "--profile", "nope"), '--profile: the profile "nope"')

    def test_a_misspelled_key_or_section_is_named(self):
        file = self.home / ".aws/credentials"
        keys = "aws_access_key_id = A\naws_secret_access_key = s\n"
        for text, profile, message in (
                ("[default]\naws_access_key = A\naws_secret_key = s\n", [],
                 f"[default] contains no credentials: {file}:2: write aws_access_key_id in place of aws_access_key"),
                ("[profile default]\n" + keys, [],
                 f"no [default]: {file}:1: write [default] in place of [profile default]"),
                ("[profile a]\n" + keys, [], f"no [default] in {self.home}/.aws/config or {file}"),
                ("[b]\n[profile b]\n" + keys, ["--profile", "b"],
                 f"[b] contains no credentials: {file}:2: write [b] in place of [profile b]"),
                ("[profile a]\n" + keys, ["--profile", "a"],
                 '--profile: the profile "a" does not exist, because the word "profile" is superfluous in '
                 f"{file}:1; write [a] there")):
            file.write_text(text, encoding="utf-8")
            with self.subTest(text=text):
                result = self.token(*GOOD, *profile, PATH="/nowhere")
                self.assertEqual(result.returncode, 1)
                self.assertIn(message, result.stderr)
        file.unlink()

    def test_a_closed_or_full_stdout_is_a_failure(self):
        tool = harness.installed("bin/rds-iam")
        for arguments in (["token", *GOOD], ["--help"], ["--version"], ["token", "--help"]):
            for where in (">&-", ">/dev/full"):
                with self.subTest(arguments=arguments, where=where):
                    # No fake clock here: if stdout is closed, a file that libfaketime opens could become descriptor 1.
                    result = self.checked(harness.run(
                        ["/bin/sh", "-c", 'exec "$0" "$@" ' + where, tool, *arguments],
                        env=self.env(KEYS), cwd=self.home))
                    self.assert_failed(result, "cannot write to stdout: ")


harness.main()
