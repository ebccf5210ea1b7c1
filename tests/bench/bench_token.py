# SPDX-License-Identifier: MIT
"""Compares one token inside one process, and one token in a process of its own, with the packages of AWS (the peers):
botocore, the AWS CLI, the npm package @aws-sdk/rds-signer, and the AWS SDK for Go. All programs of a row run
alternately. A peer that cannot be obtained is reported and left out."""
import os
import re
import shutil
import statistics
import subprocess

import harness
import series

ROUNDS = int(os.environ.get("RIA_BENCH_ROUNDS", "9"))
PAIRS = int(os.environ.get("RIA_BENCH_PAIRS", "21"))
SIGNER = harness.BUILD / "tests/bench/bench_signer"
SOURCES = harness.SOURCE / "tests/bench/peers"
PEERS = harness.SOURCE / "build/peers"  # what is installed or compiled for this comparison
GO_SOURCES = "/usr/share/gocode"  # where Debian's packages of Go sources are
HOST, USER = "mypg.abcdefghijkl.us-east-1.rds.amazonaws.com", "iam_user"
SESSION_TOKEN = ("/" + "a" * 29) * 40  # 1,200 bytes
COMPRESSIONS = {"ria_token_sign, no session token": 12, "ria_token_sign, session token of 1,200 B": 31}


def environment(session_token=None, **extra):
    keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
    if session_token:
        keys["AWS_SESSION_TOKEN"] = session_token
    return {"PATH": "/usr/bin:/bin", "HOME": "/dev/null", **keys, **extra}


def missing(name, reason):
    print(f"# {name}: not compared: {reason}", flush=True)


def install_rds_signer():
    """Installs the npm package below build/. Returns the words of a command and its environment, or None."""
    if not shutil.which("npm") or not shutil.which("node"):
        return missing("@aws-sdk/rds-signer", "npm is not installed")
    modules = PEERS / "node_modules"
    if not (modules / "@aws-sdk/rds-signer").exists():
        PEERS.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--prefix", PEERS, "@aws-sdk/rds-signer"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            return missing("@aws-sdk/rds-signer", f"npm could not install it: {done.stdout.strip()[-200:]}")
    return [shutil.which("node"), SOURCES / "token.cjs"], {"NODE_PATH": str(modules)}


def build_go():
    """Compiles the program of the AWS SDK for Go. Returns the words of a command and its environment, or None."""
    if not shutil.which("go") or not os.path.isdir(f"{GO_SOURCES}/src/github.com/aws/aws-sdk-go-v2"):
        return missing("AWS SDK for Go", "install golang-go and golang-github-aws-aws-sdk-go-v2-dev")
    PEERS.mkdir(parents=True, exist_ok=True)
    program = PEERS / "token_go"
    done = harness.run(
        ["go", "build", "-o", program, SOURCES / "token.go"], timeout=600,
        env={**os.environ, "GO111MODULE": "off", "GOPATH": GO_SOURCES, "GOCACHE": str(PEERS / "go-cache")})
    if done.returncode != 0:
        return missing("AWS SDK for Go", f"it does not compile: {done.stderr.strip()[-200:]}")
    return [program], {}


def botocore():
    return ["/usr/bin/python3", SOURCES / "token_botocore.py"], {}


def nanoseconds_of(peer, count, session_token):
    words, extra = peer
    done = harness.run([*words, HOST, USER, count], env=environment(session_token, **extra))
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return float(done.stdout)


def signer_rows(rounds):
    """{row: (minimum, median, maximum, own allocations, OpenSSL's allocations)} of the program bench_signer."""
    done = harness.run([SIGNER, "rounds", rounds])
    rows = re.findall(r"^(.+?) +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)$", done.stdout, re.M)
    return {row[0]: tuple(float(number) for number in row[1:]) for row in rows}


def system_calls():
    """The system calls of one ria_token_for(), counted in 1,000 of them."""
    totals = []
    for count in (1000, 2000):
        done = harness.run(["strace", "-c", "-f", SIGNER, "once", count, "environment"])
        totals.append(int(re.search(r"^100.00 .*?(\d+) +(?:\d+ )? *total$", done.stderr, re.M).group(1)))
    return (totals[1] - totals[0]) / 1000


def measure_in_process(peers):
    """Each round runs bench_signer and then each peer. A row compares a peer with the minimum that bench_signer has
    measured in the same round."""
    rounds = []
    for _ in range(ROUNDS):
        row = {"ours": signer_rows(31)}
        for name, (peer, count) in peers.items():
            row[name] = [nanoseconds_of(peer, count, token) for token in (None, SESSION_TOKEN)]
        rounds.append(row)

    def best(what):
        return [row["ours"][what][0] for row in rounds]
    compression = best("a compression")
    for i, (what, count) in enumerate(COMPRESSIONS.items()):
        own = best(what)
        name = ("sign", "sign_session")[i]
        series.record(f"{name}_compressions", f"{what}: over its {count} compressions",
                      [ns / count / each for ns, each in zip(own, compression)], "times", f"{min(own):,.0f} ns at best")
        for peer in peers:
            theirs = [row[peer][i] for row in rounds]
            series.record(f"{name}_{peer}", f"{peer} over {what}", series.ratios(theirs, own), "times",
                          f"{peer} {min(theirs):,.0f} ns at best")
    for name, what in (("for_environment", "ria_token_for, keys in the environment"),
                       ("for_profile", "ria_token_for, keys in a profile"), ("for_role", "ria_token_for, a cached role")):
        series.record(name, what, best(what), "ns")
    own, openssl = rounds[0]["ours"]["ria_token_for, keys in the environment"][3:]
    series.record("for_allocations", "allocations of ria_token_for", [own + openssl], "", f"OpenSSL's own: {openssl:.0f}")
    series.record("for_system_calls", "system calls of ria_token_for", [system_calls()])
    done = harness.run([SIGNER, "threads"])
    series.record("two_threads", "two threads over one", [float(line.split()[-1]) for line in done.stdout.splitlines()], "times")


def measure_processes(peers):
    words = ["--hostname", HOST, "--port", "5432", "--username", USER]
    ours = series.Command([harness.installed("bin/rds-iam"), "token", *words], environment())
    commands = {"rds-iam token": ours}
    for name, (peer_words, extra) in peers.items():
        commands[name] = series.Command([*peer_words, HOST, USER], environment(**extra))
    if aws := shutil.which("aws", path="/usr/bin:/bin"):
        commands["aws"] = series.Command(
            [aws, "rds", "generate-db-auth-token", "--region", "us-east-1", *words], environment())
    runs = dict(zip(commands, series.alternate(list(commands.values()), PAIRS)))
    own = series.column(runs["rds-iam token"], 0)
    for name, column in runs.items():
        series.record(f"process_{name}", f"{name}, processor time", series.column(column, 1), "ms")
    for name in list(commands)[1:]:
        theirs = series.column(runs[name], 0)
        series.record(f"token_{name}", f"{name} over rds-iam token, elapsed", series.ratios(theirs, own), "times",
                      f"rds-iam token {statistics.median(own):.2f} ms")
    if "go" in commands:  # a pair of its own, because a big program changes the processor's caches for the next one
        own, theirs = (series.column(column, 0) for column in series.alternate([ours, commands["go"]], 5 * PAIRS))
        series.record("token_go_pair", "rds-iam token over the Go program, elapsed", series.ratios(own, theirs), "times",
                      f"{statistics.median(own):.2f} and {statistics.median(theirs):.2f} ms")


def main():
    found = {"rds-signer": install_rds_signer(), "go": build_go(), "botocore": botocore()}
    peers = {name: peer for name, peer in found.items() if peer is not None}
    counts = {"rds-signer": 100, "go": 200, "botocore": 30}
    measure_in_process({name: (peer, counts[name]) for name, peer in peers.items()})
    measure_processes(peers)


if __name__ == "__main__":
    main()
