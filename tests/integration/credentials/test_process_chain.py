# SPDX-License-Identifier: MIT
"""A credential_process that leads back to itself ends at once, a long chain of them ends at its
limit, and all that a chain has started ends with the login that began it.

Each command adds a line to a file before it does anything else, and goes on only while that file is
short: a chain that nothing stops ends at GUARD commands."""
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

LIMIT = 8  # commands that may wait for one another
GUARD = 20
PATIENCE = 60

BACK = "this credential_process is not started, because it would run itself again: "
DEEP = f"this credential_process is not started, because {LIMIT} nested commands are already running"
GARBAGE = ("this credential_process is not started, because RDS_IAM_PROCESS_CHAIN is not a value "
           "that rds-iam writes; unset it")

# Another tool of AWS's that reads the same profiles, and runs what they name.
BOTOCORE = """
import botocore.session, json, sys
found = botocore.session.Session(profile=sys.argv[1]).get_credentials()
print(json.dumps({"Version": 1, "AccessKeyId": found.access_key, "SecretAccessKey": found.secret_key}))
"""


def descendants(pid):
    """All processes below one, by the kernel's word."""
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
        """How many commands were started."""
        return len(self.started.read_text().splitlines()) if self.started.exists() else 0

    def profile(self, name, command):
        """A profile whose command is counted."""
        text = self.config.read_text()
        quoted = f'"{name}"' if " " in name else name
        heading = "default" if name == "default" else f"profile {quoted}"
        counted = f"echo x >>{self.started}; [ $(wc -l <{self.started}) -lt {GUARD} ] || exit 9; {command}"
        self.lines[name] = text.count("\n") + 2
        self.home.write(".aws/config", f"{text}[{heading}]\ncredential_process = {counted}\n")

    def leads_to(self, name, target, before=""):
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
    """The first repetition is refused: no command runs twice."""

    def test_a_profile_that_asks_for_itself(self):
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
                self.leads_to(name, target, before)
                result = self.ask(*(() if name == "default" else ("--profile", name)))
                self.assertEqual(self.count(), 1)
                self.assert_back(result, name, name)

    def test_profiles_that_name_one_another(self):
        names = ("a", "b", "c")
        for count in (2, 3):
            with self.subTest(count=count):
                self.home.write(".aws/config", "")
                for i in range(count):
                    self.leads_to(names[i], names[(i + 1) % count])
                result = self.ask("--profile", "a")
                self.assertEqual(self.count(), count)
                self.assert_back(result, *names[:count], "a")

    def test_a_circle_that_begins_behind_the_first_profile(self):
        self.leads_to("first", "a")
        self.leads_to("a", "b")
        self.leads_to("b", "a")
        result = self.ask("--profile", "first")
        self.assertEqual(self.count(), 3)
        self.assert_back(result, "a", "b", "a")

    def test_names_that_a_list_could_be_broken_with(self):
        for name in ("a,b", "x y", "a:b", "%2C%0A", "\u00fc\u20ac", "l" * 300, "a" * 47 + "\u00fc"):
            with self.subTest(name=name):
                self.home.write(".aws/config", "")
                self.leads_to(name, "end")
                self.leads_to("end", name)
                result = self.ask("--profile", name)
                self.assertEqual(self.count(), 2)
                self.assert_refused(result, name, BACK + name[:40])

    def test_long_names_that_differ_at_their_ends_are_two(self):
        one, other = "n" * 300 + "1", "n" * 300 + "2"
        self.leads_to(one, other)
        self.profile(other, "cat keys")
        self.assertEqual(self.ask("--profile", one).returncode, 0)
        self.assertEqual(self.count(), 2)

    def test_another_tool_that_reads_the_same_profiles(self):
        """botocore runs the second profile's command itself, and without a shell."""
        self.profile("p", f"/usr/bin/python3 {self.home.path}/other_tool.py q")
        self.home.write("q", f"echo x >>{self.started}; exec {self.tool} credentials --profile p\n")
        self.home.write(".aws/config", f"{self.config.read_text()}[profile q]\ncredential_process = sh q\n")
        result = self.ask("--profile", "p")
        self.assertEqual(self.count(), 2, result.stderr)
        self.assert_back(result, "p", "p")

    def test_a_role_that_stands_on_such_a_profile(self):
        self.leads_to("base", "top")
        self.role_profile("top", "rds-access", credential_source=None, source_profile="base")
        result = self.ask("--profile", "top")
        self.assertEqual(self.count(), 1)
        self.assert_back(result, "base", "base")

    def test_a_client_whose_plugin_asks_for_the_same_profile(self):
        """The command is a `mariadb` that logs in with the credentials that it is to print."""
        # rds-iam-fetch is started without the preloaded libraries of its caller; the lab's names are in one.
        preload = self.home.env(None)["LD_PRELOAD"]
        self.profile("default", shlex.join(["env", f"LD_PRELOAD={preload}", *map(str, self.argv())]))
        for ask in (lambda: self.mariadb(principal=None), self.ask):
            result = ask()
            text = result.stdout + result.stderr
            self.assertIn(f"{self.config}:2: {BACK}default -> default;", text)
            self.assertEqual(self.count(), 1)

    def test_the_agent(self):
        """Its fetches in the background, and those of --once."""
        services = Services(self.home)
        services.add("prod")
        self.leads_to("default", "default")
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

    def test_control_a_chain_that_ends_goes_on_working(self):
        self.leads_to("a", "b")
        self.leads_to("b", "c")
        self.profile("c", "cat keys")
        entry = self.lab.principals["etl"]
        for profile in ("a", "b", "c"):
            with self.subTest(profile=profile):
                found = self.good("--profile", profile, principal=None)
                self.assertEqual(found["AccessKeyId"], entry.access_key)
        self.home.write(".aws/credentials", f"[d]\naws_access_key_id = {entry.access_key}\n"
                        f"aws_secret_access_key = {entry.secret_key}\n")
        self.leads_to("default", "d")
        self.home.write(CONFIG, "")
        self.assert_logged_in(self.mariadb(principal=None))

    def test_one_command_under_two_profiles_is_no_repetition(self):
        """A link is file, profile and command together."""
        text = f"credential_process = if [ -e once ]; then cat keys; else touch once; {self.tool} credentials " \
               "--profile q; fi\n"
        self.home.write(".aws/config", f"[profile p]\n{text}[profile q]\n{text}")
        self.assertEqual(self.ask("--profile", "p").returncode, 0)


class Limit(ChainCase):
    """Chains in which no link is seen twice."""

    def numbered(self, count):
        for i in range(1, count):
            self.leads_to(f"p{i}", f"p{i + 1}")
        self.profile(f"p{count}", "cat keys")

    def test_as_many_as_the_limit_and_one_more(self):
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
        """The keepers of the commands above are counted: no command can take them away."""
        settings = (f"HOME={self.home.path} AWS_EC2_METADATA_DISABLED=true PATH=/usr/bin:/bin")
        for before in ("env -u RDS_IAM_PROCESS_CHAIN ", f"env -i {settings} ", "RDS_IAM_PROCESS_CHAIN= ",
                       f"setsid -w env -i {settings} "):
            with self.subTest(before=before):
                self.home.write(".aws/config", "")
                self.leads_to("p", "p", before)
                result = self.ask("--profile", "p")
                self.assertEqual(self.count(), LIMIT, "control: the mark ended the chain at its first link")
                self.assert_refused(result, "p", DEEP)


    def test_control_a_chain_that_nothing_is_known_of_goes_on(self):
        """Each command clears the environment and starts the next one as a process that is not its
        descendant: without variable and keepers nothing but GUARD ends the chain."""
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
        "an escape that is none": "0" * 32 + ":%zz",
        "an escape cut off": "0" * 32 + ":%4",
        "a comma at the end": "0" * 32 + ":a,",
        "upper case": "A" * 32 + ":a",
        "a line break": "0" * 32 + ":a\n" + "0" * 32 + ":b",
        "bytes that are not UTF-8": os.fsdecode(b"\xff\xfe"),
        "a very long one": "x" * 100000,
        "a very long name": "0" * 32 + ":" + "a" * 100000,
    }

    def test_what_rds_iam_did_not_write_is_refused(self):
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

    def test_control_a_blank_value_is_none_and_other_sources_do_not_look(self):
        self.profile("p", "cat keys")
        self.assertEqual(self.ask("--profile", "p", RDS_IAM_PROCESS_CHAIN="").returncode, 0)
        self.assertEqual(self.ask(
            "--profile", "p", RDS_IAM_PROCESS_CHAIN="0" * 32 + ":other%20one").returncode, 0)
        self.good(principal="etl", env=self.cloud_env(RDS_IAM_PROCESS_CHAIN="x"))

    def test_the_mark_holds_no_secret(self):
        self.profile("p", f"printf %s \"$RDS_IAM_PROCESS_CHAIN\" >mark; : {'S3CR3T' * 3}; cat keys")
        self.assertEqual(self.ask("--profile", "p").returncode, 0)
        mark = (self.home.path / "mark").read_text()
        self.assertRegex(mark, r"^[0-9a-f]{32}:p$")


class Ends(ChainCase):
    """What a chain has started ends with the program at its beginning."""

    DEPTH = 5

    def waiting(self, *arguments):
        """A program at the beginning of a chain whose last command waits: it, and all below it."""
        for i in range(1, self.DEPTH):
            self.leads_to(f"p{i}", f"p{i + 1}")
        told = self.home.path / "told"
        os.mkfifo(told)
        self.profile(f"p{self.DEPTH}", "sleep 1000 & echo >told; wait")
        process = subprocess.Popen(
            [str(self.tool), *arguments], cwd=self.home.path, text=True,
            env=self.home.env(None, **self.cloud_env()), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        told.read_text()
        below = [Watched(self, pid) for pid in descendants(process.pid)]
        # For each link rds-iam-fetch, the keeper, the shell or what became of it; and the sleep.
        self.assertGreaterEqual(len(below), 3 * self.DEPTH, "control: they are there")
        self.assertFalse(any(each.has_ended(0) for each in below))
        return process, below

    def assert_all_end(self, below):
        deadline = time.monotonic() + PATIENCE
        left = [each for each in below if not each.has_ended(max(0, deadline - time.monotonic()))]
        self.assertEqual(len(left), 0, f"{len(left)} of {len(below)} processes live on")

    def test_a_kill_of_the_first_program(self):
        process, below = self.waiting("credentials", "--profile", "p1")
        process.kill()
        begin = time.monotonic()
        self.assert_all_end(below)
        self.assertLess(time.monotonic() - begin, 30, "at once, and not at their deadlines, which are a minute")

    def test_a_kill_of_an_rds_iam_fetch_in_the_middle(self):
        process, below = self.waiting("credentials", "--profile", "p1")
        fetches = [each for each in below
                   if pathlib.Path(f"/proc/{each.pid}/comm").read_text() == "rds-iam-fetch\n"]
        self.assertEqual(len(fetches), self.DEPTH)
        os.kill(fetches[2].pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
        self.assert_all_end(below)

    def test_the_deadline_of_the_login_at_the_beginning(self):
        """The inner ones have a minute each, which is what a person waits for."""
        self.home.write(CONFIG, f"[{self.lab.pg.host}]\nprofile = p1\n")
        process, below = self.waiting(
            "token", "--hostname", self.lab.pg.host, "--port", "5432", "--username", USER)
        begin = time.monotonic()
        _, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 1)
        self.assertIn("exceeded the 10 s limit of a login", err)
        self.assert_all_end(below)
        self.assertLess(time.monotonic() - begin, 40)

    def test_the_agents_end(self):
        for i in range(1, self.DEPTH):
            self.leads_to(f"p{i}", f"p{i + 1}")
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

    def test_a_tool_that_asks_itself_ends_at_the_deadline(self):
        """This chain never comes back to rds-iam."""
        self.home.write("again", f"echo x >>{self.started}\n"
                        f"[ $(wc -l <{self.started}) -lt {GUARD} ] || {{ echo >told; sleep 1000; }}\n"
                        "sh ./again; exit $?\n")
        os.mkfifo(self.home.path / "told")
        self.home.write(".aws/config", "[profile p]\ncredential_process = sh ./again\n")
        self.home.write(CONFIG, f"[{self.lab.pg.host}]\nprofile = p\n")
        process = subprocess.Popen(
            [str(self.tool), "token", "--hostname", self.lab.pg.host, "--port", "5432", "--username", USER],
            cwd=self.home.path, text=True, env=self.home.env(None, **self.cloud_env()),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        (self.home.path / "told").read_text()
        below = [Watched(self, pid) for pid in descendants(process.pid)]
        self.assertGreaterEqual(len(below), GUARD)
        _, err = process.communicate(timeout=PATIENCE)
        self.assertIn("the credential_process exceeded the 10 s limit of a login", err)
        self.assert_all_end(below)


if __name__ == "__main__":
    harness.main()
