# SPDX-License-Identifier: MIT
"""Compares the processor time of pairs of commands, which run alternately; see README.md."""
import contextlib
import os
import pathlib
import shutil
import statistics
import tempfile

import harness
import rdslab
import series
from series import Command

PAIRS = int(os.environ.get("RIA_BENCH_PAIRS", "41"))
SYSTEM_CERTIFICATES = pathlib.Path("/etc/ssl/certs")
BUNDLE = SYSTEM_CERTIFICATES / "ca-certificates.crt"
# Mounts the lab's CA over the system's certificates, in a mount namespace, and runs "$@". $1 is the directory that
# contains the lab's CA as a hashed file, and a bundle to which the CA was added.
WITH_LAB_CA = (f'mount -t overlay overlay -o "lowerdir=$1:{SYSTEM_CERTIFICATES}" {SYSTEM_CERTIFICATES}'
               ' && shift && exec "$@"')
HOST = ("--hostname", "mypg.abcdefghijkl.us-east-1.rds.amazonaws.com", "--port", "5432", "--username", "u")


def compare(title, ours, other, pairs=PAIRS, without=(), name=None):
    """Prints the processor time of the first command divided by that of the second. If `without` is given, it contains
    two more commands, one for each of the compared commands. Each of the two does only the part that is not to be
    compared, and its time is subtracted from that of its compared command."""
    runs = [series.column(each, 1) for each in series.alternate([ours, other, *without], pairs)]
    left, right = ([all_of - part for all_of, part in zip(both, part_runs)]
                   for both, part_runs in zip(runs, runs[2:] or [[0.0] * pairs] * 2))
    series.record(name, title, series.ratios(left, right), "times",
                  f"{statistics.median(left):.2f} and {statistics.median(right):.2f} ms")


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
        return {**env, "HOME": "/dev/null", "AWS_CONFIG_FILE": str(self.home / ".aws/config")}

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
        compare("rds-iam-fetch, authority by hash / from the bundle", by_hash, by_bundle, without=(without, without))
        if not shutil.which("curl", path=env["PATH"]):
            print("curl is not installed: no comparison with curl")
            return
        curl = Command([*prefix, "curl", "-s", self.lab.cloud_https], env)
        compare("rds-iam-fetch / curl with its default settings, one request each", by_hash, curl,
                without=(without, Command([*prefix, "true"], env)), name="fetch_curl")


def main():
    harness.WORK.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        home = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=harness.WORK)))
        lab = stack.enter_context(rdslab.Lab(harness.BUILD))
        Bench(lab, home).run()


if __name__ == "__main__":
    main()
