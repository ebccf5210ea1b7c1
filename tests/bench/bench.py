# SPDX-License-Identifier: MIT
"""Compares the processor time of pairs of commands, which run alternately; see README.md."""
import contextlib
import dataclasses
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile

import harness
import rdslab

PAIRS = int(os.environ.get("RIA_BENCH_PAIRS", "41"))
SYSTEM_CERTIFICATES = pathlib.Path("/etc/ssl/certs")
BUNDLE = SYSTEM_CERTIFICATES / "ca-certificates.crt"
# Mounts the lab's CA over the system's certificates, in a mount namespace, and runs "$@". $1 is the directory that
# contains the lab's CA as a hashed file, and a bundle to which the CA was added.
WITH_LAB_CA = (f'mount -t overlay overlay -o "lowerdir=$1:{SYSTEM_CERTIFICATES}" {SYSTEM_CERTIFICATES}'
               ' && shift && exec "$@"')
HOST = ("--hostname", "mypg.abcdefghijkl.us-east-1.rds.amazonaws.com", "--port", "5432", "--username", "u")


@dataclasses.dataclass
class Command:
    argv: list
    env: dict

    def cost(self):
        """The processor seconds of one run, including all processes that it waited for."""
        process = subprocess.Popen(
            [str(word) for word in self.argv], env=self.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        with process.stderr:
            if process.returncode != 0:
                raise RuntimeError(f"{self.argv}: {process.stderr.read().decode()}")
        return usage.ru_utime + usage.ru_stime


def compare(title, ours, other, pairs=PAIRS, without=None):
    """Prints the costs of both commands and their ratio. The cost of `without`, a command that does only the work
    that both commands have in common, is subtracted from both."""
    commands = [ours, other] + ([without] if without else [])
    rounds = []
    for number in range(pairs + 1):
        left, right, common = ([command.cost() for command in commands] + [0.0])[:3]
        if number > 0:  # the first round only fills the page cache
            rounds.append((left - common, right - common))
    a, b = (statistics.median(column) * 1000 for column in zip(*rounds))
    ratios = sorted(left / right for left, right in rounds)
    print(f"{title:50} {a:8.2f} ms {b:8.2f} ms  ratio {statistics.median(ratios):.4f} "
          f"({ratios[len(ratios) // 10]:.4f} to {ratios[-1 - len(ratios) // 10]:.4f}, {pairs} pairs)", flush=True)


class Bench:
    def __init__(self, lab, home):
        self.lab, self.home = lab, home
        self.tool = harness.installed("bin/rds-iam")
        keys = lab.principals["etl-base"].env()
        self.env = {**lab.client_env(**keys), "HOME": str(home)}
        self.sts = {**self.env, "AWS_ENDPOINT_URL_STS": lab.cloud_https, "AWS_REGION": "us-east-1",
                    "AWS_PROFILE": "role"}
        for name in keys:
            del self.sts[name]
        (home / ".aws").mkdir()
        (home / ".aws/config").write_text(
            f"[profile role]\nrole_arn = {lab.roles['rds-access'].arn}\nsource_profile = base\n[profile base]\n"
            + "".join(f"{name.lower()} = {value}\n" for name, value in keys.items()))

    def token(self, env):
        return Command([self.tool, "token", *HOST], env)

    def without_cache(self, env):
        return {**env, "HOME": "/nonexistent", "AWS_CONFIG_FILE": str(self.home / ".aws/config")}

    def run(self):
        compare("rds-iam token / true", self.token(self.env), Command(["/bin/true"], self.env))
        if aws := shutil.which("aws", path=self.env["PATH"]):
            theirs = [aws, "rds", "generate-db-auth-token", "--region", "us-east-1", *HOST]
            compare("rds-iam token / aws rds generate-db-auth-token", self.token(self.env),
                    Command(theirs, self.env), max(PAIRS // 4, 3))
        else:
            print("aws is not installed: no comparison with aws rds generate-db-auth-token")
        trusted = {**self.sts, "AWS_CA_BUNDLE": str(self.lab.cloud_ca_file)}
        compare("role from the cache / fetched from STS", self.token(trusted),
                self.token(self.without_cache(trusted)))
        self.compare_certificates()

    def compare_certificates(self):
        """Compares rds-iam-fetch with its default, hashed certificates, and with AWS_CA_BUNDLE set to the bundle."""
        if not BUNDLE.exists() or not list(SYSTEM_CERTIFICATES.glob("*.0")):
            print(f"{SYSTEM_CERTIFICATES} contains no hashed certificates: no comparison with the bundle")
            return
        upper = self.home / "certs"
        upper.mkdir()
        authority = self.lab.cloud_ca_file.read_text()
        name = harness.run(["openssl", "x509", "-hash", "-noout", "-in", self.lab.cloud_ca_file]).stdout.strip()
        (upper / f"{name}.0").write_text(authority)
        (upper / BUNDLE.name).write_text(BUNDLE.read_text() + authority)
        prefix = ["unshare", "-m", *(() if os.geteuid() == 0 else ("-r",)), "sh", "-c", WITH_LAB_CA, "sh", upper]
        env = self.without_cache(self.sts)
        by_hash = Command([*prefix, *self.token(env).argv], env)
        by_bundle = Command(by_hash.argv, {**env, "AWS_CA_BUNDLE": str(BUNDLE)})
        # This command enters the namespace and runs rds-iam with static keys, which need no rds-iam-fetch.
        without = Command(by_hash.argv, {**env, "AWS_PROFILE": "base"})
        compare("rds-iam-fetch, authority by hash / from the bundle", by_hash, by_bundle, without=without)


def main():
    harness.WORK.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        home = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=harness.WORK)))
        lab = stack.enter_context(rdslab.Lab(harness.BUILD))
        Bench(lab, home).run()


if __name__ == "__main__":
    main()
