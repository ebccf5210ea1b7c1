# SPDX-License-Identifier: MIT
"""Measures all rows that have a goal, with the peers of each row, and writes a report as Markdown and a chart as SVG.
`tests/bench/report` builds first and then runs this program.

    tests/python tests/bench/report.py [--busy] [--output DIRECTORY]

Refuses to run if the load average of the machine is above 0.5, because most rows are times. With --busy it runs anyway,
and the report states that the machine was busy."""
import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

import harness
import series

LOAD_MAX = 0.5
AT_MOST, AT_LEAST = "at most", "at least"
# The programs that measure, and their arguments.
PROGRAMS = (
    ("bench_token.py",), ("bench_agent.py",), ("bench_growth.py", "Growth.test_open_of_a_long_passfile"),
    ("bench_growth.py", "Growth.test_many_entries_once"), ("bench_clients.py",), ("bench_mariadb.py",), ("bench.py",),
)
SECONDS = 3600
CHART = (("rds-iam token", "rds-iam token"), ("go", "AWS SDK for Go"), ("rds-signer", "Node.js, @aws-sdk/rds-signer"),
         ("botocore", "Python, botocore"), ("aws", "aws rds generate-db-auth-token"))


@dataclasses.dataclass
class Goal:
    name: str  # the name that the program gives to series.record()
    text: str
    relation: str
    limit: float
    unit: str = ""

    def is_met(self, value):
        return value <= self.limit if self.relation == AT_MOST else value >= self.limit


GOALS = (
    Goal("sign_compressions", "`ria_token_sign()`, 363 bytes, over its 12 SHA-256 compressions", AT_MOST, 1.9),
    Goal("sign_rds-signer", "rds-signer over `ria_token_sign()`", AT_LEAST, 40),
    Goal("sign_botocore", "botocore over `ria_token_sign()`", AT_LEAST, 80),
    Goal("sign_session_compressions", "`ria_token_sign()`, session token of 1,200 bytes, over its 31 SHA-256 compressions", AT_MOST, 1.9),
    Goal("sign_session_rds-signer", "rds-signer over `ria_token_sign()`, session token of 1,200 bytes", AT_LEAST, 40),
    Goal("sign_session_botocore", "botocore over `ria_token_sign()`, session token of 1,200 bytes", AT_LEAST, 80),
    Goal("for_environment", "`ria_token_for()`, keys in the environment", AT_MOST, 1800, "ns"),
    Goal("for_allocations", "`ria_token_for()`, keys in the environment: allocations, with OpenSSL's own", AT_MOST, 3),
    Goal("for_system_calls", "`ria_token_for()`, keys in the environment: system calls", AT_MOST, 2),
    Goal("for_profile", "`ria_token_for()`, keys in a profile", AT_MOST, 4000, "ns"),
    Goal("for_role", "`ria_token_for()`, a cached role", AT_MOST, 4000, "ns"),
    Goal("two_threads", "two threads over one, tokens per second", AT_LEAST, 1.95),
    Goal("open_10000", "opening a passfile of 10,000 lines", AT_MOST, 25, "ms"),
    Goal("open_50000", "opening a passfile of 50,000 lines", AT_MOST, 125, "ms"),
    Goal("once", "`rds-iam-agent --once` with 10,000 entries over botocore, processor time", AT_MOST, 1 / 50),
    Goal("once_growth", "an entry between 1,000 and 10,000 over one between 10 and 1,000", AT_MOST, 1.1),
    Goal("rest_p50", "opening a leased passfile at rest, p50", AT_MOST, 100, "us"),
    Goal("rest_p99", "opening a leased passfile at rest, p99", AT_MOST, 250, "us"),
    Goal("token_aws", "`aws rds generate-db-auth-token` over `rds-iam token`, elapsed", AT_LEAST, 200),
    Goal("token_go_pair", "`rds-iam token` over a program of the AWS SDK for Go, elapsed", AT_MOST, 1.0),
    Goal("psql_exec", "`psql`, connect and select 1, under `rds-iam exec` over none, elapsed", AT_MOST, 1.06),
    Goal("mariadb_wall", "`mariadb`, connect and select 1, our plugin over the distribution's, elapsed", AT_MOST, 1.01),
    Goal("mariadb_instructions", "`mariadb`, our plugin over the distribution's, instructions, static keys", AT_MOST, 1.005),
    Goal("mariadb_instructions_session", "`mariadb`, our plugin over the distribution's, instructions, session token", AT_MOST, 1.005),
    Goal("mariadb_resident", "`mariadb`, our plugin minus the distribution's, resident memory", AT_MOST, 64, "KiB"),
    Goal("threads_cpu", "8 threads that log in, processor time of a login, our plugin over the distribution's", AT_MOST, 1.02),
    Goal("fetch_curl", "`rds-iam-fetch` over `curl`, one HTTPS request each, processor time", AT_MOST, 0.30),
)


def measure():
    """Runs all programs. Returns {name: row} and the programs that failed."""
    rows, failed = {}, []
    with tempfile.NamedTemporaryFile(mode="r", suffix=".rows", dir=harness.WORK) as file:
        for program, *arguments in PROGRAMS:
            done = subprocess.run(
                [harness.PYTHON, harness.SOURCE / "tests/bench" / program, *arguments],
                env={**os.environ, "RIA_BENCH_ROWS": file.name}, timeout=SECONDS, check=False)
            if done.returncode != 0:
                failed.append(" ".join((program, *arguments)))
        for line in file:
            row = json.loads(line)
            rows[row["name"]] = row
    return rows, failed


def compared_value(goal, row, is_busy):
    """The value that is compared with the goal: the median. On a busy machine, the best value of a row in nanoseconds,
    microseconds or milliseconds, because other programs can only increase such a value."""
    if is_busy and goal.unit in ("ns", "us", "ms"):
        return min(row["values"])
    return statistics.median(row["values"])


def table(rows, is_busy):
    yield "| row | median (minimum to maximum) | goal | met | figures |"
    yield "|---|---|---|---|---|"
    for goal in GOALS:
        unit = f" {goal.unit}" if goal.unit else ""
        limit = f"{goal.relation} {series.digits(goal.limit) if goal.limit < 1 else f'{goal.limit:,g}'}{unit}"
        row = rows.get(goal.name)
        if row is None:
            yield f"| {goal.text} | not measured | {limit} | | |"
            continue
        is_met = goal.is_met(compared_value(goal, row, is_busy))
        yield f"| {goal.text} | {series.summary(row['values'])}{unit} | {limit} | {'yes' if is_met else 'no'} | {row['note']} |"


def machine():
    names = [line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]
    openssl = harness.run(["openssl", "version"]).stdout.split()[:2]
    return f"{os.cpu_count()} processors ({names[0] if names else platform.machine()}), {' '.join(openssl)}, glibc {platform.libc_ver()[1]}"


def main():
    parser = argparse.ArgumentParser(description="Measures all rows that have a goal.")
    parser.add_argument("--busy", action="store_true", help="measure although other programs run")
    parser.add_argument("--output", type=pathlib.Path, default=harness.SOURCE / "build/report", metavar="DIRECTORY")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    if load > LOAD_MAX and not options.busy:
        sys.exit(f"report: the load average is {load:.2f}, and more than {LOAD_MAX} changes the times; "
                 "wait until other programs have ended, or give --busy")
    harness.WORK.mkdir(parents=True, exist_ok=True)
    rows, failed = measure()
    end = os.getloadavg()[0]
    text = ["# Costs", "", f"Measured on {datetime.date.today()}: {machine()}. Load average {load:.2f} at the start,"
            f" {end:.2f} at the end.", ""]
    if options.busy and max(load, end) > LOAD_MAX:
        text += ["**The machine was busy.** Times are longer than on an idle machine, so the best value of a row in"
                 " nanoseconds, microseconds or milliseconds is compared with its goal, and not the median.", ""]
    text += table(rows, options.busy)
    text += ["", *(f"{program} ended with an error, or exceeded a limit." for program in failed)]
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "report.md").write_text("\n".join(text).rstrip() + "\n", encoding="utf-8")
    written = ["report.md"]
    if "process_rds-iam token" in rows:
        bars = [(text, statistics.median(rows[f"process_{name}"]["values"])) for name, text in CHART
                if f"process_{name}" in rows]
        (options.output / "token_time.svg").write_text(
            series.chart("Processor time to make one token in a new process", bars, "ms"), encoding="utf-8")
        written.append("token_time.svg")
    print("\n".join(text))
    print(f"report: wrote {' and '.join(written)} in {options.output}")


if __name__ == "__main__":
    main()
