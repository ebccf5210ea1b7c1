# SPDX-License-Identifier: MIT
"""The agent: the entries that it refuses and its messages, renewal, failure, recovery, and how it ends."""
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import time

from cloud import needs_root
from labcase import USER, LabCase, harness
import process
from service import Services, agent_program, await_true

# What is wrong with an entry; the setting whose line the message names (None: the line of [name]); the message.
REFUSED = (
    ({"without": ("host",)}, None, "has no host=; add host=ENDPOINT"),
    ({"without": ("host",), "hostaddr": "127.0.0.1"}, None, "has no host=; add host=ENDPOINT"),
    ({"host": ""}, "host=", "has no host=; add host=ENDPOINT"),
    ({"without": ("user",)}, None, "has no user=; add user=NAME"),
    ({"without": ("sslmode",)}, None, "has no sslmode=; add sslmode=verify-full"),
    ({"sslmode": "require"}, "sslmode=", "has sslmode=require, which lets the token go to an unverified server"),
    ({"sslmode": "verify-ca"}, "sslmode=", "has sslmode=verify-ca, which lets the token go"),
    ({"host": "/var/run/postgresql"}, "host=", "has the Unix socket /var/run/postgresql as its host"),
    ({"host": "@abstract"}, "host=", "has the Unix socket @abstract as its host"),
    ({"host": "a.example,,b.example"}, "host=", "has an empty or overlong host"),
    ({"password": "geheim-typed"}, "password=", "has a password=, and with it libpq does not read"),
    ({"port": "0"}, "port=", "has a port that is not between 1 and 65535"),
    ({"port": "54x"}, "port=", "has a port that is not between 1 and 65535"),
    ({"port": "1,2"}, "port=", "has 1 hosts and 2 ports; give one port, or one for each host"),
    ({"hostaddr": "127.0.0.1,127.0.0.2"}, "hostaddr=", "has fewer or more addresses than hosts"),
    ({"gssencmode": "prefer"}, "gssencmode=", "has gssencmode=prefer: with a Kerberos ticket"),
    ({"gssencmode": "require"}, "gssencmode=", "has gssencmode=require: with a Kerberos ticket"),
    ({"iam": "yes"}, "iam=", 'libpq does not know "iam", so it rejects the service'),
    ({"dbname ": " shop"}, "dbname ", 'libpq does not know "dbname "'),
    ({"options": "x" * 1100}, "options=", "is longer than the 1022 bytes that libpq reads"),
)


# A script for a new mount namespace. It runs the agent in a root directory that contains /top and the directories of
# the real root. Then it moves /top.
MOVED_TOP = """
set -e
mkdir "$1/root" "$1/root/top"
for name in /*; do
    [ -d "$name" ] && [ ! -L "$name" ] && mkdir "$1/root$name" && mount --rbind "$name" "$1/root$name" || true
    [ -L "$name" ] && cp -P "$name" "$1/root$name" || true
done
chmod 700 "$1/root/top"
timeout 20 chroot "$1/root" "$2" --foreground --directory /top/run 2>"$1/log" & agent=$!
until grep -qs 'services have their tokens' "$1/log"; do kill -0 $agent; sleep 0.02; done
mv "$1/root/top" "$1/root/moved"
wait $agent || echo "ended $?"
cat "$1/log" >&2
"""


class AgentCase(LabCase):
    def setUp(self):
        super().setUp()
        self.services = Services(self.home)

    def psql(self, service="prod"):
        return self.home.run(["psql", "-XAtw", f"service={service}", "-c", "select 1"], principal=None)

    def where(self, line):
        return f"{self.home.path}/.pg_service.conf:{line}: "


class Entries(AgentCase):
    def test_each_faulty_entry_is_refused_with_its_line_and_remedy(self):
        for i, (change, place, message) in enumerate(REFUSED):
            with self.subTest(**{k: str(v)[:40] for k, v in change.items()}):
                services = Services(self.home)
                line = services.add("bad", **change)
                services.passfile("bad").parent.mkdir(mode=0o700, exist_ok=True)
                # A line as a killed agent leaves it, except that its token has other parameters than rds-iam's tokens.
                services.passfile("bad").write_text(
                    f"host:1:*:u:host\\:1/?DBUser=u&X-Amz-Security-Token={'x' * 2000}&X-Amz-Signature=0\n")
                result = services.fill()
                self.assertEqual(result.returncode, 1)
                number = services.line_of(place) if place else line
                self.assertIn(self.where(number), result.stderr)
                self.assertIn(message, result.stderr)
                self.assertFalse(services.passfile("bad").exists())
                self.assertNotIn("geheim", result.stderr)

    def test_a_host_that_is_a_url_is_not_printed_whole(self):
        for host in ("postgresql://user:c4nary@h/db?c4nary", "user:c4nary@h", "h/c4nary", "//u:c4nary@h"):
            with self.subTest(host=host):
                services = Services(self.home)
                services.add("bad", host=host)
                result = services.fill()
                lint = self.home.run([harness.installed("bin/rds-iam"), "lint"], principal=None)
                self.assertIn("0 of 1 services have their tokens", result.stderr, "control: the entry is refused")
                self.assertNotIn("c4nary", result.stdout + result.stderr + lint.stdout + lint.stderr)

    def test_a_bad_entry_does_not_stop_a_good_one(self):
        self.services.add("bad", sslmode="prefer")
        self.services.add("prod")
        result = self.services.fill()
        self.assertEqual(result.returncode, 1)
        self.assertIn("1 of 2 services have their tokens", result.stderr)
        self.assertEqual(self.psql().returncode, 0)
        self.assert_accepted()

    def test_without_home_the_service_file_is_in_the_home_of_the_passwd_entry(self):
        """libpq 15 and later versions also use that home directory, so psql reads the same file in this test."""
        self.services.add("prod")
        user = f"someone:x:{os.geteuid()}:{os.getegid()}::{self.home.path}:/bin/sh\n"
        passwd = {"NSS_WRAPPER_PASSWD": str(self.home.write("passwd", user)),
                  "NSS_WRAPPER_GROUP": str(self.home.write("group", f"some:x:{os.getegid()}:\n"))}
        without = ["env", "-u", "HOME", "-u", "PGSERVICEFILE"]
        result = self.home.run(
            [*without, agent_program(), "--once", "--directory", self.services.directory], **passwd,
            AWS_SHARED_CREDENTIALS_FILE=str(self.home.path / ".aws" / "credentials"))
        self.assertIn("1 of 1 services have their tokens", result.stderr)
        result = self.home.run([*without, harness.installed("bin/rds-iam"), "lint"], None, **passwd)
        self.assertIn("1 service in 1 file: 0 errors", result.stdout)
        result = self.home.run([*without, "psql", "-XAtwc", "select 1", "service=prod"], None, **passwd)
        self.assertEqual(result.stdout, "1\n", result.stderr)

    def test_entries_without_gssencmode_are_served_with_one_warning(self):
        first = self.services.add("one")
        self.services.add("two")
        self.services.add("safe", gssencmode="disable")
        result = self.services.fill()
        self.assertIn("3 of 3 services have their tokens", result.stderr)
        self.assertEqual(result.stderr.count("Kerberos"), 1, result.stderr)
        self.assertIn(f"{self.where(first)}[one] has no gssencmode= (2 of 3 services have none)", result.stderr)

    def test_entries_with_gssencmode_disable_are_served_without_a_warning(self):
        self.services.add("prod", gssencmode="disable")
        result = self.services.fill()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("Kerberos", result.stderr)
        self.assertEqual(self.psql().returncode, 0)

    def test_an_empty_password_is_ignored(self):
        self.services.add("prod", password="")
        self.assertEqual(self.services.fill().returncode, 0)
        self.assertEqual(self.psql().returncode, 0)

    def test_trailing_blanks_and_a_long_line_after_the_entry_are_accepted(self):
        self.services.add("prod", sslmode="verify-full   ")
        self.services.add("later", **{"options": "x" * 1100})
        result = self.services.fill()
        self.assertIn("1 of 2 services", result.stderr)
        self.assertEqual(self.psql().returncode, 0)

    def test_valid_entries_that_share_a_passfile_are_all_served(self):
        shared = self.services.directory / "shared"
        self.services.add("one", passfile=shared)
        self.services.add("two", passfile=shared, dbname="postgres")
        self.services.add("three", passfile=shared, user="other_iam_user")
        self.assertEqual(self.services.fill().returncode, 0)
        for name in ("one", "two"):
            self.assertEqual(self.psql(name).returncode, 0)
        self.assert_accepted(2)
        self.psql("three")
        self.assert_refused("AccessDenied")

    def test_entries_that_share_a_passfile_are_all_refused_if_one_is_invalid(self):
        shared = self.services.directory / "shared"
        self.services.add("one", passfile=shared)
        place = self.services.line_of("passfile=")
        second = self.services.add("two", passfile=shared, sslmode="require")
        result = self.services.fill()
        message = (
            f"{self.where(place)}[one] shares its passfile with [two] ({self.where(second)[:-2]}), but "
            "[two] does not qualify for tokens; fix [two] or give it a passfile of its own")
        self.assertIn(message, result.stderr)
        self.assertFalse(shared.exists())

    def test_the_first_of_two_entries_with_one_name_is_used(self):
        first = self.services.add("prod")
        second = self.services.add("prod", user="other_iam_user")
        result = self.services.fill()
        self.assertIn(f"{self.where(second)}[prod] is never read", result.stderr)
        self.assertIn(f".pg_service.conf:{first}; rename one of the two", result.stderr)
        self.assertEqual(self.psql().returncode, 0)

    def test_a_passfile_is_served_through_a_link_to_the_directory_but_not_elsewhere(self):
        self.services.add("elsewhere", passfile=self.home.path / "elsewhere")
        self.services.add("below", passfile=self.services.directory / "sub" / "x")
        result = self.services.fill()
        self.assertIn("no service has its passfile in this directory; add this line to a service in pg_service.conf: passfile=", result.stderr)
        self.assertIn(f"passfile={self.services.directory}/NAME", result.stderr)
        self.assertFalse((self.home.path / "elsewhere").exists())
        link = self.home.path / "link"
        link.symlink_to(self.services.directory)
        self.services.add("prod", passfile=link / "prod")
        self.assertEqual(self.services.fill().returncode, 0)
        self.assertEqual(self.psql().returncode, 0)

    def test_reserved_and_hidden_names_of_passfiles_are_refused(self):
        for name in ("agent.pid", "agent.log", ".hidden"):
            with self.subTest(name=name):
                services = Services(self.home)
                services.add("prod", passfile=services.directory / name)
                result = services.fill()
                self.assertIn(f'"{name}" is not a valid passfile name', result.stderr)
                self.assertIn(self.where(services.line_of("passfile=")), result.stderr)

    def test_service_files_are_found_as_libpq_finds_them(self):
        named = self.home.path / "named.conf"
        system = self.home.path / "system"
        self.services.add("prod")
        text = (self.home.path / ".pg_service.conf").read_text()
        (self.home.path / ".pg_service.conf").rename(named)
        system.mkdir()
        for extra in ({"PGSERVICEFILE": str(named)}, {"PGSYSCONFDIR": str(system)}):
            with self.subTest(extra=extra):
                self.assertIn("no service has its passfile", self.services.fill().stderr)
                (system / "pg_service.conf").write_text(text if "PGSYSCONFDIR" in extra else "")
                self.assertEqual(self.services.fill(**extra).returncode, 0)
                result = self.home.run(
                    ["psql", "-XAtw", "service=prod", "-c", "select 1"], None, **extra)
                self.assertEqual(result.returncode, 0, result.stderr)
        result = self.services.fill(PGSERVICEFILE="/nowhere/pg.conf")
        self.assertIn("PGSERVICEFILE names /nowhere/pg.conf, which does not exist", result.stderr)


class Directory(AgentCase):
    def test_files_are_private(self):
        self.services.add("prod")
        self.services.fill()
        mode = lambda path: stat.S_IMODE(path.stat().st_mode)  # noqa: E731
        self.assertEqual(mode(self.services.directory), 0o700)
        self.assertEqual(mode(self.services.passfile("prod")), 0o600)
        self.assertEqual(sorted(os.listdir(self.services.directory)), ["prod"])

    def test_a_directory_that_others_can_enter_is_refused(self):
        self.services.add("prod")
        self.services.directory.mkdir(mode=0o755)
        self.services.directory.chmod(0o755)
        result = self.services.fill()
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"other users can enter it; run: chmod 700 {self.services.directory}", result.stderr)
        self.assertEqual(os.listdir(self.services.directory), [])

    def test_a_link_in_place_of_the_directory_or_the_passfile_is_not_followed(self):
        target = self.home.path / "target"
        target.mkdir(mode=0o700)
        self.services.directory.symlink_to(target)
        self.assertIn("cannot be opened as a directory", self.services.fill().stderr)
        self.services.directory.unlink()
        self.services.add("prod")
        self.services.directory.mkdir(mode=0o700)
        (self.home.path / "precious").write_text("keep")
        self.services.passfile("prod").symlink_to(self.home.path / "precious")
        self.assertEqual(self.services.fill().returncode, 0)
        self.assertEqual((self.home.path / "precious").read_text(), "keep")
        self.assertFalse(self.services.passfile("prod").is_symlink())

    def test_the_default_directory_is_below_the_runtime_or_the_home_directory(self):
        runtime = self.home.path / "runtime"
        runtime.mkdir(mode=0o700)
        for extra, usual in (
            ({"XDG_RUNTIME_DIR": str(runtime)}, runtime / "rds-iam" / "run"),
            ({}, self.home.path / ".cache" / "rds-iam" / "run"),
            ({"XDG_RUNTIME_DIR": "/nowhere"}, self.home.path / ".cache" / "rds-iam" / "run"),
        ):
            with self.subTest(extra=extra):
                run = lambda: self.home.run([agent_program(), "--once"], **extra)  # noqa: E731, B023
                self.assertIn(f"passfile={usual}/NAME", run().stderr)
                self.assertFalse((usual.parent.parent / "rds-iam").exists(), "no directory was created")
                services = Services(self.home)
                services.add("prod", passfile=usual / "prod")
                self.assertEqual(run().returncode, 0)
                self.assertEqual(stat.S_IMODE(usual.stat().st_mode), 0o700)
                services.clear()
                self.home.write(".pg_service.conf", "")
                (usual / "prod").unlink()
                self.assertIn(f"passfile={usual}/NAME", run().stderr)
                self.assertTrue(usual.is_dir(), "control: a directory that existed before stays")
                shutil.rmtree(usual.parent)

    @needs_root
    def test_home_must_not_be_the_root_directory(self):
        result = self.home.run(["setpriv", *process.DROP_ROOT, agent_program(), "--once"], HOME="/")
        self.assertEqual(result.returncode, 1)
        self.assertIn("HOME is /, where you have no directory of your own; set HOME, or name a directory "
                      "with --directory\n", result.stderr)

    def test_a_refusal_leaves_no_directory_behind(self):
        self.services.add("prod", sslmode="require")
        for words in (["--once"], ["--status"]):
            with self.subTest(words=words):
                result = self.home.run([agent_program(), *words], "etl")
                self.assertEqual(result.returncode, 1)
                self.assertFalse((self.home.path / ".cache").exists(), result.stderr)

    def test_a_service_without_a_writable_passfile_is_not_counted(self):
        self.services.add("prod")
        self.services.passfile("prod").mkdir(parents=True)
        self.services.directory.chmod(0o700)
        self.assertIn("0 of 1 services have their tokens", self.services.fill().stderr)
        self.services.passfile("prod").rmdir()
        self.assertIn("1 of 1 services have their tokens", self.services.fill().stderr, "control")


class Lifecycle(AgentCase):
    def token(self):
        return self.services.passfile("prod").read_text()

    def test_sighup_renews_and_readers_see_complete_files(self):
        self.services.add("prod")
        with self.services.agent("etl-session") as agent:
            seen = set()

            def three_tokens():
                agent.renew()
                text = self.token()
                self.assertRegex(text, r"^[^\n]+X-Amz-Signature=[0-9a-f]{64}\n$")
                seen.add(re.search(r"X-Amz-Date=(\w+)", text).group(1))
                return len(seen) >= 3

            await_true(three_tokens)
            self.assertEqual(self.psql().returncode, 0)
        self.assert_accepted()

    def test_tokens_are_renewed_before_their_credentials_expire(self):
        self.services.add("prod")
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 8))
        with self.services.agent(AWS_CREDENTIAL_EXPIRATION=ends) as agent:
            first = self.token()
            await_true(lambda: self.token() not in ("", first), agent.log)
            await_true(lambda: self.token() == "", agent.log)
            agent.await_log("the AWS credentials of the environment expired at ")
            self.assertIn("no password supplied", self.psql().stderr)

    def test_the_passfile_is_empty_while_credentials_are_invalid(self):
        principal = self.lab.principals["etl"]
        good = (f"[default]\naws_access_key_id = {principal.access_key}\n"
                f"aws_secret_access_key = {principal.secret_key}\n")
        self.home.write(".aws/credentials", good)
        line = self.services.add("prod")
        with self.services.agent(None) as agent:
            self.assertEqual(self.psql().returncode, 0)
            self.home.write(".aws/credentials", good.splitlines()[0] + "\n" + good.splitlines()[1])
            agent.renew()
            await_true(lambda: self.token() == "", agent.log)
            agent.await_log(
                f"{self.where(line)}[prod] no token for {USER} at {self.lab.pg.host}:"
                f"{self.lab.pg.port}: {self.home.path}/.aws/credentials:2: the profile \"default\" "
                "has an aws_access_key_id but no aws_secret_access_key; add it")
            self.assertIn("no password supplied", self.psql().stderr)
            self.home.write(".aws/credentials", good)
            await_true(lambda: self.token() != "", agent.log)
            self.assertEqual(self.psql().returncode, 0)
            self.assertEqual(agent.log().count("add it"), 1, "logged once: " + agent.log())
        self.assert_accepted(2)

    def test_an_edited_service_file_is_read_again(self):
        self.services.add("prod")
        with self.services.agent() as agent:
            self.services.add("second")
            await_true(lambda: self.services.passfile("second").exists(), agent.log)
            self.home.write(".pg_service.conf", "# no entries\n")
            for name in ("prod", "second"):
                await_true(lambda: not self.services.passfile(name).exists(), agent.log)

    def test_the_passfiles_are_removed_when_the_agent_ends(self):
        self.services.add("prod")
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number=number), self.services.agent() as agent:
                self.assertTrue(self.services.passfile("prod").exists())
                self.assertEqual(agent.end(number), 0)
                self.assertEqual(os.listdir(self.services.directory), [])

    def test_one_directory_has_one_agent(self):
        self.services.add("prod")
        with self.services.agent() as agent:
            result = self.home.run(
                [agent_program(), "--foreground", "--directory", self.services.directory])
            self.assertEqual(result.returncode, 1)
            self.assertIn(f"another agent serves this directory, as process {agent.process.pid}", result.stderr)
            agent.end(signal.SIGKILL)
        with self.services.agent() as agent:
            self.assertEqual(agent.end(), 0)

    def test_an_agent_in_the_background_logs_to_a_file(self):
        self.services.add("prod")
        result = self.home.run([agent_program(), "--directory", self.services.directory])
        self.assertEqual(result.returncode, 0, result.stderr)
        pid = int(re.search(r"running in the background as process (\d+)", result.stderr).group(1))
        end_with_this_test(pid)
        self.addCleanup(end_process, pid)
        self.assertIn(f"its log is {self.services.directory}/agent.log", result.stderr)
        log = self.services.directory / "agent.log"
        await_true(lambda: "1 of 1 services have their tokens" in log.read_text())
        self.assertEqual(self.psql().returncode, 0)
        self.assertEqual(stat.S_IMODE(log.stat().st_mode), 0o600)
        self.assertEqual(int((self.services.directory / "agent.pid").read_text()), pid)
        os.kill(pid, signal.SIGTERM)
        await_true(lambda: os.listdir(self.services.directory) == ["agent.log"])
        self.assertNotIn("X-Amz", log.read_text())
        self.assert_accepted()

    def test_an_agent_in_the_background_reports_what_it_serves(self):
        """The agent also starts without credentials, because they can appear later."""
        for profile, reason in (("prdo", 'the profile "prdo" does not exist'), (None, "no AWS credentials")):
            with self.subTest(profile=profile):
                self.services.clear()
                self.services.add("prod")
                result = self.home.run([agent_program(), "--directory", self.services.directory], None,
                                       **({"AWS_PROFILE": profile} if profile else {}))
                self.assertEqual(result.returncode, 0, result.stderr)
                pid = int(re.search(r"running in the background as process (\d+)", result.stderr).group(1))
                end_with_this_test(pid)
                self.addCleanup(end_process, pid)
                lines = result.stderr.splitlines()[-3:]
                self.assertIn(reason, lines[0])
                self.assertIn(f"0 of 1 services have their tokens in {self.services.directory}", lines[1])
                os.kill(pid, signal.SIGTERM)
                await_true(lambda: os.listdir(self.services.directory) == ["agent.log"])

    def test_the_agent_ends_when_its_directory_is_removed(self):
        self.services.add("prod")
        with self.services.agent() as agent:
            shutil.rmtree(self.services.directory)
            await_true(lambda: agent.process.poll() is not None, agent.log)
            self.assertEqual(agent.process.returncode, 1)
            self.assertIn("the directory is gone, so the agent ends", agent.log())

    def test_the_agent_ends_when_a_parent_directory_is_moved(self):
        self.services.directory = self.home.path / "cache" / "rds-iam" / "run"
        self.services.directory.parent.mkdir(parents=True)
        self.services.add("prod")
        # The service file is elsewhere, so that the agent watches nothing else in the home.
        named = self.home.write("conf/services", (self.home.path / ".pg_service.conf").read_text())
        with self.services.agent(PGSERVICEFILE=str(named)) as agent:
            moved = (self.home.path / "cache").rename(self.home.path / "cache.old")
            await_true(lambda: agent.process.poll() is not None, agent.log)
            self.assertEqual(agent.process.returncode, 1)
            self.assertIn(f"{self.services.directory}: the directory is gone, so the agent ends", agent.log())
            self.assertEqual(os.listdir(moved / "rds-iam" / "run"), [])

    def test_the_agent_ends_when_a_directory_in_the_root_is_moved(self):
        """The agent runs in a root directory of its own, which contains what the agent needs."""
        self.services.directory = pathlib.Path("/top/run")
        self.services.add("prod")
        result = self.home.run(
            ["unshare", "-rm", "sh", "-c", MOVED_TOP, "sh", self.home.path, agent_program()], timeout=60)
        self.assertEqual((result.returncode, result.stdout), (0, "ended 1\n"), result.stderr)
        self.assertIn("/top/run: the directory is gone, so the agent ends", result.stderr)

    def test_the_command_line_accepts_only_valid_options(self):
        rows = (
            (["--help"], 0, "usage: rds-iam-agent"),
            (["--version"], 0, "rds-iam-agent "),
            (["--onec"], 2, "unknown option --onec; write --once"),
            (["--nope"], 2, "unknown option --nope; see rds-iam-agent --help"),
            (["--onc"], 2, "unknown option --onc; write --once"),
            (["--once=1"], 2, "--once takes no value"),
            (["--directory"], 2, "rds-iam-agent: --directory needs a value; see rds-iam-agent --help\n"),
            (["--directory="], 2, "the value of --directory is empty"),
            (["now"], 2, 'unexpected argument "now"'),
            (["--once", "--foreground"], 2, "--once and --foreground cannot be combined"),
            (["--once", "--directory", "/nowhere/run"], 1, "/nowhere/run: cannot be created"),
        )
        for arguments, status, text in rows:
            with self.subTest(arguments=arguments):
                result = self.home.run([agent_program(), *arguments])
                self.assertEqual(result.returncode, status, result.stderr)
                self.assertIn(text, result.stdout if status == 0 else result.stderr)


# Waits until one process ends, then kills another one.
WATCHER = """
import os, select, signal, sys
select.select([os.pidfd_open(int(sys.argv[1]))], [], [])
os.kill(int(sys.argv[2]), signal.SIGKILL)
"""


def end_with_this_test(pid):
    """Kills the background process `pid` when the test process ends, even if the test process is killed."""
    subprocess.Popen(
        ["/usr/bin/python3", "-c", WATCHER, str(os.getpid()), str(pid)], start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def end_process(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


if __name__ == "__main__":
    harness.main()
