# SPDX-License-Identifier: MIT
"""Chains of credential_process commands that run rds-iam again.

rds-iam stops a chain before a command that is already running in the chain. If a chain has no such command, rds-iam
stops it when LIMIT commands are running. All processes of a chain end with the program that started the chain.

Each command first appends a line to a file, and stops when the file has GUARD lines. So even a chain that rds-iam
does not stop ends at GUARD commands."""
import os
import pathlib
import shlex
import signal
import subprocess
import time

from cloud import CloudCase
from labcase import USER, harness
from mariadb_client import CONFIG
from service import Services, await_true
from test_fetch_ends import Watched

LIMIT = 8  # nested commands that may run at the same time
GUARD = 20
PATIENCE = 60

BACK = "this credential_process is not started, because it would run itself again: "
DEEP = f"this credential_process is not started, because {LIMIT} nested commands are already running"
GARBAGE = ("this credential_process is not started, because RDS_IAM_PROCESS_CHAIN was not set by "
           "rds-iam; unset it")

# Another program that reads the same profiles and runs their commands.
BOTOCORE = """
import botocore.session, json, sys
found = botocore.session.Session(profile=sys.argv[1]).get_credentials()
print(json.dumps({"Version": 1, "AccessKeyId": found.access_key, "SecretAccessKey": found.secret_key}))
"""


def descendants(pid):
    """Returns the ids of all descendants of a process, as the kernel lists them."""
    found = []
    for child in harness.children(pid):
        found += [child, *descendants(child)]
    return found


class ChainCase(CloudCase):
    def setUp(self):
        super().setUp()
        self.tool = harness.installed("bin/rds-iam")
        self.started = self.home.path / "started"
        self.config = self.home.path / ".aws/config"
        entry = self.lab.principals["etl"]
        self.home.write("keys", f'{{"Version": 1, "AccessKeyId": "{entry.access_key}", '
                        f'"SecretAccessKey": "{entry.secret_key}"}}')
        self.home.write("other_tool.py", BOTOCORE)
        self.home.write(".aws/config", "")
        self.lines = {}

    def count(self):
        """Returns how many commands have started."""
        return len(self.started.read_text().splitlines()) if self.started.exists() else 0

    def profile(self, name, command):
        """Adds a profile whose command is counted."""
        text = self.config.read_text()
        quoted = f'"{name}"' if " " in name else name
        heading = "default" if name == "default" else f"profile {quoted}"
        counted = f"echo x >>{self.started}; [ $(wc -l <{self.started}) -lt {GUARD} ] || exit 9; {command}"
        self.lines[name] = text.count("\n") + 2
        self.home.write(".aws/config", f"{text}[{heading}]\ncredential_process = {counted}\n")

    def runs_profile(self, name, target, before=""):
        """Adds the profile `name`, whose command runs rds-iam with the profile `target`."""
        option = f" --profile '{target}'" if target != "default" else ""
        self.profile(name, f"{before}{self.tool} credentials{option}")

    def ask(self, *arguments, **extra):
        self.started.unlink(missing_ok=True)
        return self.credentials(*arguments, principal=None, env=self.cloud_env(**extra))

    def assert_refused(self, result, place, message):
        self.assertEqual((result.returncode, result.stdout), (1, ""), result.stderr)
        self.assertIn(f"rds-iam: {self.config}:{self.lines[place]}: {message}", result.stderr)

    def assert_back(self, result, *names):
        self.assert_refused(result, names[-1], BACK + " -> ".join(names) + ";")


class Back(ChainCase):
    """rds-iam refuses to run a command that is already running in the chain."""

    def test_a_profile_that_runs_itself(self):
        rows = {
            "the default profile": ("default", "default", ""),
            "by its name": ("p", "p", ""),
            "through a shell": ("p", "p", "sh -c 'exec \"$@\"' sh "),
            "with another environment": ("p", "p", "AWS_PROFILE=other env EXTRA=1 "),
            "in a session of its own": ("p", "p", "setsid -w "),
        }
        for row, (name, target, before) in rows.items():
            with self.subTest(row):
                self.home.write(".aws/config", "")
                self.runs_profile(name, target, before)
                result = self.ask(*(() if name == "default" else ("--profile", name)))
                self.assertEqual(self.count(), 1)
                self.assert_back(result, name, name)

    def test_profiles_that_run_each_other(self):
        names = ("a", "b", "c")
        for count in (2, 3):
            with self.subTest(count=count):
                self.home.write(".aws/config", "")
                for i in range(count):
                    self.runs_profile(names[i], names[(i + 1) % count])
                result = self.ask("--profile", "a")
                self.assertEqual(self.count(), count)
                self.assert_back(result, *names[:count], "a")

    def test_a_loop_that_begins_after_the_first_profile(self):
        self.runs_profile("first", "a")
        self.runs_profile("a", "b")
        self.runs_profile("b", "a")
        result = self.ask("--profile", "first")
        self.assertEqual(self.count(), 3)
        self.assert_back(result, "a", "b", "a")

    def test_names_with_characters_that_need_an_escape(self):
        for name in ("a,b", "x y", "a:b", "%2C%0A", "\u00fc\u20ac", "l" * 300, "a" * 47 + "\u00fc"):
            with self.subTest(name=name):
                self.home.write(".aws/config", "")
                self.runs_profile(name, "end")
                self.runs_profile("end", name)
                result = self.ask("--profile", name)
                self.assertEqual(self.count(), 2)
                self.assert_refused(result, name, BACK + name[:40])

    def test_long_names_that_differ_only_at_the_end(self):
        one, other = "n" * 300 + "1", "n" * 300 + "2"
        self.runs_profile(one, other)
        self.profile(other, "cat keys")
        self.assertEqual(self.ask("--profile", one).returncode, 0)
        self.assertEqual(self.count(), 2)

    def test_another_tool_that_reads_the_same_profiles(self):
        """botocore runs the command of the second profile itself, without a shell."""
        self.profile("p", f"/usr/bin/python3 {self.home.path}/other_tool.py q")
        self.home.write("q", f"echo x >>{self.started}; exec {self.tool} credentials --profile p\n")
        self.home.write(".aws/config", f"{self.config.read_text()}[profile q]\ncredential_process = sh q\n")
        result = self.ask("--profile", "p")
        self.assertEqual(self.count(), 2, result.stderr)
        self.assert_back(result, "p", "p")

    def test_a_role_whose_source_profile_runs_itself(self):
        self.runs_profile("base", "top")
        self.role_profile("top", "rds-access", credential_source=None, source_profile="base")
        result = self.ask("--profile", "top")
        self.assertEqual(self.count(), 1)
        self.assert_back(result, "base", "base")

    def test_a_command_that_is_a_client_with_the_plugin(self):
        """The command is `mariadb`. Its login needs the credentials that the command should print."""
        # rds-iam-fetch starts without its caller's LD_PRELOAD, but the client needs the library that resolves the
        # lab's host names.
        preload = self.home.env(None)["LD_PRELOAD"]
        self.profile("default", shlex.join(["env", f"LD_PRELOAD={preload}", *map(str, self.argv())]))
        for ask in (lambda: self.mariadb(principal=None), self.ask):
            result = ask()
            text = result.stdout + result.stderr
            self.assertIn(f"{self.config}:2: {BACK}default -> default;", text)
            self.assertEqual(self.count(), 1)

    def test_the_agent(self):
        """The agent fetches credentials with --once, and while it serves."""
        services = Services(self.home)
        services.add("prod")
        self.runs_profile("default", "default")
        result = services.fill(None)
        self.assertIn(f"{self.config}:2: {BACK}default -> default;", result.stderr)
        self.assertEqual(self.count(), 1)
        self.started.unlink()
        with services.agent(None) as agent:
            agent.await_log(f"{self.config}:2: {BACK}default -> default;")
            self.assertEqual(self.count(), 1)

    def test_the_agent_inside_a_command(self):
        services = Services(self.home)
        services.add("prod")
        program = harness.installed("bin/rds-iam-agent")
        self.profile("default", f"{program} --once --directory {services.directory} >&2; exit 1")
        result = self.ask()
        self.assertEqual(self.count(), 1)
        self.assertIn(f"{self.config}:2: {BACK}default -> default;", result.stderr)

    def test_control_a_chain_without_a_loop_works(self):
        self.runs_profile("a", "b")
        self.runs_profile("b", "c")
        self.profile("c", "cat keys")
        entry = self.lab.principals["etl"]
        for profile in ("a", "b", "c"):
            with self.subTest(profile=profile):
                found = self.get_credentials("--profile", profile, principal=None)
                self.assertEqual(found["AccessKeyId"], entry.access_key)
        self.home.write(".aws/credentials", f"[d]\naws_access_key_id = {entry.access_key}\n"
                        f"aws_secret_access_key = {entry.secret_key}\n")
        self.runs_profile("default", "d")
        self.home.write(CONFIG, "")
        self.assert_logged_in(self.mariadb(principal=None))

    def test_two_profiles_may_have_the_same_command(self):
        """A link of the chain is one command that runs. File, profile and command together identify it."""
        text = f"credential_process = if [ -e once ]; then cat keys; else touch once; {self.tool} credentials " \
               "--profile q; fi\n"
        self.home.write(".aws/config", f"[profile p]\n{text}[profile q]\n{text}")
        self.assertEqual(self.ask("--profile", "p").returncode, 0)


class Limit(ChainCase):
    """Chains in which rds-iam does not see the same link twice."""

    def numbered(self, count):
        for i in range(1, count):
            self.runs_profile(f"p{i}", f"p{i + 1}")
        self.profile(f"p{count}", "cat keys")

    def test_a_chain_of_the_limit_works_and_a_longer_chain_fails(self):
        self.numbered(LIMIT)
        self.assertEqual(self.ask("--profile", "p1").returncode, 0)
        self.assertEqual(self.count(), LIMIT)
        self.home.write(".aws/config", "")
        self.numbered(LIMIT + 1)
        result = self.ask("--profile", "p1")
        self.assertEqual(self.count(), LIMIT)
        self.assert_refused(result, f"p{LIMIT + 1}", DEEP)
        self.assertIn("p1 -> p2 -> p3", result.stderr)

    def test_a_new_file_for_each_link(self):
        self.home.write("next", f"""
            n=$(wc -l <{self.started})
            cp {self.config} config-$n
            AWS_CONFIG_FILE={self.home.path}/config-$n exec {self.tool} credentials --profile p
        """)
        self.profile("p", "sh ./next")
        result = self.ask("--profile", "p")
        self.assertEqual(self.count(), LIMIT)
        self.assertIn(DEEP, result.stderr)

    def test_a_command_that_clears_the_environment(self):
        """Each command has a keeper, a process that ends the command together with rds-iam-fetch. rds-iam also counts
        the keepers among its ancestors, which a command cannot remove."""
        settings = (f"HOME={self.home.path} AWS_EC2_METADATA_DISABLED=true PATH=/usr/bin:/bin")
        for before in ("env -u RDS_IAM_PROCESS_CHAIN ", f"env -i {settings} ", "RDS_IAM_PROCESS_CHAIN= ",
                       f"setsid -w env -i {settings} "):
            with self.subTest(before=before):
                self.home.write(".aws/config", "")
                self.runs_profile("p", "p", before)
                result = self.ask("--profile", "p")
                self.assertEqual(self.count(), LIMIT, "without the variable, only the limit ends the chain")
                self.assert_refused(result, "p", DEEP)


    def test_control_a_chain_without_variable_and_keepers_continues(self):
        """Each command clears the environment and starts the next command as a process that is not its descendant.
        Without the variable and the keepers, only GUARD ends the chain."""
        self.home.write("apart", f"""
            n=$(wc -l <{self.started})
            mkfifo end-$n
            setsid -f env -i HOME={self.home.path} PATH=/usr/bin:/bin AWS_EC2_METADATA_DISABLED=true \\
                sh -c "{self.tool} credentials --profile p >out-$n 2>&1; echo >end-$n"
            cat end-$n
            exit 1
        """)
        self.profile("p", "sh ./apart")
        result = self.ask("--profile", "p")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(self.count(), GUARD)


class Garbage(ChainCase):
    VALUES = {
        "a word": "x",
        "half a link": "0123456789abcdef",
        "a name without its escapes": "0" * 32 + ":a b",
        "an invalid escape": "0" * 32 + ":%zz",
        "a truncated escape": "0" * 32 + ":%4",
        "a comma at the end": "0" * 32 + ":a,",
        "upper case": "A" * 32 + ":a",
        "a line break": "0" * 32 + ":a\n" + "0" * 32 + ":b",
        "bytes that are not UTF-8": os.fsdecode(b"\xff\xfe"),
        "a very long word": "x" * 100000,
        "a very long name": "0" * 32 + ":" + "a" * 100000,
    }

    def test_a_value_that_rds_iam_did_not_write_is_rejected(self):
        self.profile("p", "cat keys")
        for what, value in self.VALUES.items():
            with self.subTest(what):
                result = self.ask("--profile", "p", RDS_IAM_PROCESS_CHAIN=value)
                self.assertEqual(self.count(), 0)
                self.assert_refused(result, "p", GARBAGE)

    def test_more_links_than_the_limit(self):
        self.profile("p", "cat keys")
        for count in (LIMIT, LIMIT + 1, 1000):
            chain = ",".join(f"{i:032x}:n{i}" for i in range(count))
            with self.subTest(count=count):
                result = self.ask("--profile", "p", RDS_IAM_PROCESS_CHAIN=chain)
                self.assertEqual(self.count(), 0)
                self.assertIn("this credential_process is not started, because ", result.stderr)

    def test_control_an_empty_value_is_valid_and_other_sources_ignore_the_variable(self):
        self.profile("p", "cat keys")
        self.assertEqual(self.ask("--profile", "p", RDS_IAM_PROCESS_CHAIN="").returncode, 0)
        self.assertEqual(self.ask(
            "--profile", "p", RDS_IAM_PROCESS_CHAIN="0" * 32 + ":other%20one").returncode, 0)
        self.get_credentials(principal="etl", env=self.cloud_env(RDS_IAM_PROCESS_CHAIN="x"))

    def test_the_variable_contains_no_secret(self):
        self.profile("p", f"printf %s \"$RDS_IAM_PROCESS_CHAIN\" >value; : {'S3CR3T' * 3}; cat keys")
        self.assertEqual(self.ask("--profile", "p").returncode, 0)
        value = (self.home.path / "value").read_text()
        self.assertRegex(value, r"^[0-9a-f]{32}:p$")


class Ends(ChainCase):
    """All processes of a chain end with the program that started it."""

    DEPTH = 5

    def waiting(self, *arguments):
        """Starts a program that starts a chain. The last command waits. Returns the program and all its
        descendants."""
        for i in range(1, self.DEPTH):
            self.runs_profile(f"p{i}", f"p{i + 1}")
        ready = self.home.path / "ready"
        os.mkfifo(ready)
        self.profile(f"p{self.DEPTH}", "sleep 1000 & echo >ready; wait")
        process = subprocess.Popen(
            [str(self.tool), *arguments], cwd=self.home.path, text=True,
            env=self.home.env(None, **self.cloud_env()), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        ready.read_text()
        below = [Watched(self, pid) for pid in descendants(process.pid)]
        # Each link has rds-iam-fetch, the keeper, and the shell or the program that the shell executes. The last
        # link also has sleep.
        self.assertGreaterEqual(len(below), 3 * self.DEPTH, "control: all processes run")
        self.assertFalse(any(each.has_ended(0) for each in below))
        return process, below

    def assert_all_end(self, below):
        deadline = time.monotonic() + PATIENCE
        left = [each for each in below if not each.has_ended(max(0, deadline - time.monotonic()))]
        self.assertEqual(len(left), 0, f"{len(left)} of {len(below)} processes still run")

    def test_a_kill_of_the_first_program(self):
        process, below = self.waiting("credentials", "--profile", "p1")
        process.kill()
        begin = time.monotonic()
        self.assert_all_end(below)
        self.assertLess(time.monotonic() - begin, 30, "at once, not at their deadlines of 60 s")

    def test_a_kill_of_an_rds_iam_fetch_in_the_middle(self):
        process, below = self.waiting("credentials", "--profile", "p1")
        fetches = [each for each in below
                   if pathlib.Path(f"/proc/{each.pid}/comm").read_text() == "rds-iam-fetch\n"]
        self.assertEqual(len(fetches), self.DEPTH)
        os.kill(fetches[2].pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
        self.assert_all_end(below)

    def test_the_deadline_of_the_login_at_the_beginning(self):
        """Each inner rds-iam is `rds-iam credentials`, with a limit of 60 s, because a user usually waits for it. The
        10 s limit of the login at the beginning must end all of them."""
        self.home.write(CONFIG, f"[{self.lab.pg.host}]\nprofile = p1\n")
        process, below = self.waiting(
            "token", "--hostname", self.lab.pg.host, "--port", "5432", "--username", USER)
        begin = time.monotonic()
        _, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 1)
        self.assertIn("exceeded the 10 s limit of a login", err)
        self.assert_all_end(below)
        self.assertLess(time.monotonic() - begin, 40)

    def test_the_end_of_the_agent(self):
        for i in range(1, self.DEPTH):
            self.runs_profile(f"p{i}", f"p{i + 1}")
        self.profile(f"p{self.DEPTH}", "sleep 1000")
        services = Services(self.home)
        services.add("prod")
        with services.agent(None, wait=False, AWS_PROFILE="p1") as agent:
            await_true(lambda: self.count() == self.DEPTH, agent.log)
            below = [Watched(self, pid) for pid in descendants(agent.process.pid)]
            self.assertGreaterEqual(len(below), 3 * self.DEPTH)
            os.kill(agent.worker, signal.SIGKILL)
            agent.end(signal.SIGKILL)
        self.assert_all_end(below)

    def test_a_command_that_runs_only_itself_ends_at_the_deadline(self):
        """This chain never runs rds-iam again."""
        self.home.write("again", f"echo x >>{self.started}\n"
                        f"[ $(wc -l <{self.started}) -lt {GUARD} ] || {{ echo >ready; sleep 1000; }}\n"
                        "sh ./again; exit $?\n")
        os.mkfifo(self.home.path / "ready")
        self.home.write(".aws/config", "[profile p]\ncredential_process = sh ./again\n")
        self.home.write(CONFIG, f"[{self.lab.pg.host}]\nprofile = p\n")
        process = subprocess.Popen(
            [str(self.tool), "token", "--hostname", self.lab.pg.host, "--port", "5432", "--username", USER],
            cwd=self.home.path, text=True, env=self.home.env(None, **self.cloud_env()),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        (self.home.path / "ready").read_text()
        below = [Watched(self, pid) for pid in descendants(process.pid)]
        self.assertGreaterEqual(len(below), GUARD)
        _, err = process.communicate(timeout=PATIENCE)
        self.assertIn("the credential_process exceeded the 10 s limit of a login", err)
        self.assert_all_end(below)


if __name__ == "__main__":
    harness.main()
