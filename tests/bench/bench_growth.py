# SPDX-License-Identifier: MIT
"""Costs that grow with the size of the configuration, and the cost of a login on another thread. A row prints the
median of the times of one variant, or the ratio of the medians of two variants of the same run; a row of series.py also
prints the minimum and the maximum. No row fails because something is slow. A row prints its goal if it has one; the
goals of the rows of rds-iam-agent --once are in report.py. README.md explains the other rows."""
import os
import statistics
import subprocess
import time

import series
from bench_token import botocore
from labcase import USER, harness
from service import agent_program
from test_agent_lease import LeaseCase

LOGINS = harness.BUILD / "tests/bench/bench_logins"
HOST = "wanted.abcdefghijkl.us-east-1.rds.amazonaws.com"
SETTLED_SECONDS = 0.1  # a file that was written more recently is read at each login; see config/config_copy.h
LINES, SECTIONS, OPENS = 100, 1000, 11
LONG = {10000: "25 ms", 50000: "125 ms"}  # lines of a long passfile, and the goal
TEXT_SECONDS = 1.2  # the agent returns the same tokens for one second
PROFILES = 5000
ENTRIES, ONCE_ROUNDS = (10, 1000, 10000), 5


def sections(count):
    """A configuration whose last section matches the login, so that a search from the top reads every section."""
    others = (f"[u{i}@db{i:05}.abcdefghijkl.eu-west-1.rds.amazonaws.com:5432]\nregion = eu-west-1\n"
              for i in range(count - 1))
    return "".join(others) + f"[{HOST}]\nregion = us-east-1\n"


def profiles(count):
    """An AWS configuration with SSO profiles, and with static keys in its last profile."""
    sso = (f"[profile account{i:04}-admin]\nsso_session = corp\nsso_account_id = {100000000000 + i}\n"
           "sso_role_name = Admin\nregion = eu-west-1\n" for i in range(count - 1))
    return ("".join(sso) + "[profile wanted]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n"
            "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n")


def row(what, measured, goal):
    print(f"# {what:58} {measured:>24}   goal {goal}", flush=True)


def ms(nanoseconds):
    return f"{nanoseconds / 1e6:.3f} ms"


class Growth(LeaseCase):
    def logins(self, way, *files, **extra):
        """Runs the program bench_logins. Returns the numbers that it prints: the median nanoseconds of a login, one
        number for each variant."""
        time.sleep(SETTLED_SECONDS)
        result = subprocess.run(
            [LOGINS, way, *files], env=self.home.env("etl", **extra), cwd=self.home.path,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return [int(line) for line in result.stdout.split()]

    def test_sections(self):
        files = [self.home.write(f"sections{count}", sections(count)) for count in (1, SECTIONS, 10 * SECTIONS)]
        one, thousand, many = self.logins("files", *files)
        row("a login, 1,000 sections over 1", f"{thousand / one:.2f} ({ms(one)})", "2")
        row("a login, 10,000 sections over 1", f"{many / one:.2f}", "2")
        first_one, first_many = self.logins("first", files[0], files[2])
        row("the first login of a process, 10,000 sections", ms(first_many), "10 ms")
        row("  the same with 1 section", ms(first_one), "-")

    def test_threads(self):
        config = self.home.write("one", sections(1))
        first, other = self.logins("threads", RDS_IAM_CONFIG=str(config))
        row("a login on another thread over one on the first", f"{other / first:.2f} ({ms(first)})", "1.3")

    def test_profiles(self):
        config = str(self.home.write("one", sections(1)))
        took = {}
        for count in (1, PROFILES):
            aws = self.home.write(f"profiles{count}", profiles(count))
            took[count], = self.logins(
                "files", config, AWS_CONFIG_FILE=str(aws), AWS_PROFILE="wanted",
                AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_SESSION_TOKEN="")
        row("a login, 5,000 profiles in ~/.aws/config", ms(took[PROFILES]), "5 ms")
        row("  the same with 1 profile", ms(took[1]), "-")

    def opens(self, name, lines=LINES):
        """The milliseconds of each open. Before each open the file is at rest and the tokens are more than a second
        old, so the agent makes new ones."""
        times = []
        for _ in range(OPENS):
            time.sleep(TEXT_SECONDS)
            self.await_rest(name)
            start = time.perf_counter_ns()
            text = self.services.passfile(name).read_bytes()
            times.append((time.perf_counter_ns() - start) / 1e6)
            self.assertEqual(text.count(b"X-Amz-Signature"), lines)
        return times

    def test_open_of_a_passfile(self):
        one, many = self.home.path / "one", self.home.path / "many"
        one.write_text(sections(1))
        many.write_text(sections(SECTIONS))
        shared = self.services.directory / "shared"
        self.services.add_all({
            f"s{i}": {"host": HOST, "user": f"{USER}{i}", "passfile": shared} for i in range(LINES)})
        for what, config in (("1 section", one), ("1,000 sections", many)):
            with self.services.agent(RDS_IAM_CONFIG=str(config)) as agent:
                agent.await_log(f"{LINES} of {LINES} services have their tokens")
                times = self.opens("shared")
                row(f"an open of a passfile, 100 lines x {what}",
                    f"{statistics.median(times):.2f} ms", "5 ms")

    def test_open_of_a_long_passfile(self):
        for lines, goal in LONG.items():
            shared = self.services.directory / "shared"
            self.services.add_all({
                f"s{i}": {"host": HOST, "user": f"{USER}{i}", "passfile": shared} for i in range(lines)})
            with self.services.agent() as agent:
                agent.await_log(f"{lines} of {lines} services have their tokens")
                times = self.opens("shared", lines)
            series.record(f"open_{lines}", f"an open of a passfile, {lines:,} lines; goal {goal}", times, "ms")

    def test_many_entries_once(self):
        """rds-iam-agent --once writes the tokens of many entries and ends. It is compared with a program that writes
        the same passfile with botocore."""
        commands = []
        for count in ENTRIES:
            home = self.home.path / f"once{count}"
            services = type(self.services)(self.home)
            shared = home / "shared"
            services.add_all({
                f"s{i}": {"host": HOST, "user": f"{USER}{i}", "passfile": shared} for i in range(count)})
            file = self.home.write(f"once{count}.conf", (self.home.path / ".pg_service.conf").read_text())
            commands.append(series.Command(
                [agent_program(), "--once", "--directory", home], self.home.env("etl", PGSERVICEFILE=str(file))))
        words, _ = botocore()
        commands.append(series.Command(
            [*words, HOST, USER, ENTRIES[-1], self.home.path / "by-botocore"], self.home.env("etl")))
        few, some, many, theirs = (
            series.column(runs, 1) for runs in series.alternate(commands, ONCE_ROUNDS))
        self.assertEqual((self.home.path / f"once{ENTRIES[-1]}/shared").read_text().count("X-Amz-Signature"), ENTRIES[-1])
        series.record("once", "10,000 entries, processor time: --once over botocore", series.ratios(many, theirs), "times",
                      f"{min(many):.1f} and {min(theirs):.0f} ms at best")
        steps = ENTRIES[2] - ENTRIES[1], ENTRIES[1] - ENTRIES[0]
        series.record("once_growth", "an entry from 1,000 to 10,000 over one from 10 to 1,000",
                      [((c - b) / steps[0]) / ((b - a) / steps[1]) for a, b, c in zip(few, some, many)], "times")


if __name__ == "__main__":
    os.environ.pop("RDS_IAM_CONFIG", None)
    harness.main()
