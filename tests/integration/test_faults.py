# SPDX-License-Identifier: MIT
"""What goes wrong on the way to AWS: each source meets each fault. A login then fails within its time,
with a sentence that names the source, the cause and a remedy, and after the number of tries that the
journal shows; or it succeeds, because the fault went away."""
import concurrent.futures
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cloud import CloudCase  # noqa: E402
from labcase import harness  # noqa: E402
from mariadb_client import CONFIG  # noqa: E402
from service import await_true  # noqa: E402

BUDGET_SECONDS = 10
# What a process needs beside its budget on a loaded machine.
SLACK_SECONDS = 5

# name of the fault, the fault, tries, what the sentence says of it
STS = (
    ("500", {"kind": "status", "status": 500}, 3, "STS says HTTP status 500; try again in a while"),
    ("503", {"kind": "status", "status": 503}, 3, "STS says HTTP status 503; try again in a while"),
    ("429", {"kind": "status", "status": 429}, 3, "STS says HTTP status 429; try again in a while"),
    ("throttling", {"kind": "status", "status": 400, "code": "Throttling", "message": "Rate exceeded"}, 3,
     "STS says Throttling: Rate exceeded"),
    ("400", {"kind": "status", "status": 400}, 1, "STS says HTTP status 400"),
    ("malformed XML", {"kind": "malformed"}, 1, "the answer is none of STS's"),
    ("entities", {"kind": "entity-bomb"}, 1, "the answer is none of STS's"),
    ("JSON", {"kind": "body", "body": "{}", "content_type": "application/json"}, 1,
     "the answer is none of STS's"),
    ("empty", {"kind": "empty"}, 1, "the answer is none of STS's"),
    ("redirect", {"kind": "redirect"}, 1, "STS says HTTP status 302"),
    ("reset", {"kind": "reset"}, 3, "STS did not answer"),
    ("truncated", {"kind": "truncated"}, 3, "STS did not answer"),
    ("large", {"kind": "flood"}, 1, "the answer is longer than 64 KB"),
    ("hang", {"kind": "hang"}, 2, "STS did not answer"),
    ("drip", {"kind": "drip"}, 2, "STS did not answer"),
)
LOCAL = (
    ("500", {"kind": "status", "status": 500}, 3, "status 500"),
    ("404", {"kind": "status", "status": 404}, 1, "status 404"),
    ("malformed JSON", {"kind": "body", "body": "{"}, 1, ""),
    ("redirect", {"kind": "redirect"}, 1, "status 302"),
    ("reset", {"kind": "reset"}, 3, ""),
    ("truncated", {"kind": "truncated"}, 3, ""),
    ("large", {"kind": "flood"}, 1, "the answer is longer than 64 KB"),
    ("hang", {"kind": "hang"}, 3, ""),
)
ROWS = 2 * 15 + 2 * 8


def running(argument):
    """Whether a process with this argument runs."""
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if argument.encode() in path.read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


class Faults(CloudCase):
    def sources(self):
        """(name, service, faults, environment, principal, words of the sentence's source)"""
        role = self.lab.roles["rds-access"].arn
        self.home.write(CONFIG, f"[{self.lab.pg.host}]\nrole_arn = {role}\n")
        web = self.web_identity_env()
        return (
            ("role", "sts", STS, self.cloud_env(), "etl-base", role),
            ("web identity", "sts", STS, web, None, web["AWS_ROLE_ARN"]),
            ("container", "container", LOCAL, self.pod_env("pod"), None, "the container's"),
            ("instance", "imds", LOCAL, self.machine_env(), None, "the instance's"),
        )

    def ask(self, source, env, principal):
        host = self.lab.pg.host if source == "role" else self.lab.mariadb.host
        return self.home.run(
            [harness.installed("bin/rds-iam"), "token", "--hostname", host, "--port", "1",
             "--username", "u"], principal, **env)

    def test_every_source_and_every_fault(self):
        rows = 0
        for source, service, faults, env, principal, words in self.sources():
            for name, fault, tries, sentence in faults:
                rows += 1
                with self.subTest(source=source, fault=name):
                    self.lab.faults({"service": service, "times": 99, **fault})
                    before = len(self.lab.calls())
                    start = time.monotonic()
                    result = self.ask(source, env, principal)
                    took = time.monotonic() - start
                    self.assertEqual((result.returncode, result.stdout), (1, ""))
                    self.assertIn(words, result.stderr)
                    self.assertIn(sentence, result.stderr)
                    # A session token of the metadata service can be any text, so the next step sees it.
                    more = 1 if (source, name) == ("instance", "malformed JSON") else 0
                    self.assertEqual(len(self.lab.calls()) - before, tries + more, result.stderr)
                    self.assertLess(took, BUDGET_SECONDS + SLACK_SECONDS)
        self.assertEqual(rows, ROWS)

    def test_a_fault_that_goes_away_or_does_no_harm(self):
        for source, service, _, env, principal, _ in self.sources():
            for kind in ("reset", "truncated", "status", "delay", "content-type"):
                with self.subTest(source=source, kind=kind):
                    # Each container or instance asks anew; a role was kept after the first time.
                    self.credentials("--clear")
                    self.lab.faults({"service": service, "kind": kind, "status": 503, "seconds": 0.2,
                                     "times": 2})
                    result = self.ask(source, env, principal)
                    self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_nobody_there(self):
        env = self.cloud_env(AWS_ENDPOINT_URL_STS="https://localhost:1")
        result = self.ask("role", *self.role_env(env))
        self.assertIn("STS did not answer: localhost:1: ", result.stderr)
        self.assertIn("check the network, HTTPS_PROXY and AWS_CA_BUNDLE", result.stderr)
        env = self.machine_env(AWS_EC2_METADATA_SERVICE_ENDPOINT="http://127.0.0.1:1")
        result = self.ask("instance", env, None)
        self.assertIn(
            "AWS_EC2_METADATA_SERVICE_ENDPOINT: nobody answers there; mend or unset it", result.stderr)
        env = self.machine_env(AWS_EC2_METADATA_SERVICE_ENDPOINT="http://192.0.2.1")
        result = self.ask("instance", env, None)
        self.assertIn("plain http goes only to this machine, 169.254.169.254 and", result.stderr)

    def role_env(self, env):
        self.sources()
        return env, "etl-base"

    def test_a_metadata_service_behind_too_many_hops(self):
        self.lab.faults({"service": "imds", "kind": "hang", "times": 99})
        result = self.ask("instance", self.machine_env(), None)
        self.assertIn("aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2", result.stderr)

    def test_a_process_that_does_not_end(self):
        self.home.write(".aws/config", "[default]\ncredential_process = exec >&- 2>&-; sleep 777.25\n")
        start = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            asked = pool.submit(self.ask, "process", self.cloud_env(), None)
            await_true(lambda: running("777.25"))  # the control: it is there while we wait
            result = asked.result()
        self.assertIn("the credential_process took longer than a login may", result.stderr)
        self.assertLess(time.monotonic() - start, BUDGET_SECONDS + SLACK_SECONDS)
        await_true(lambda: not running("777.25"))

    def test_an_authority_that_is_not_trusted(self):
        env = self.cloud_env(AWS_CA_BUNDLE=str(self.lab.ca_file))
        result = self.ask("role", *self.role_env(env))
        self.assertEqual(result.returncode, 1)
        self.assertIn("STS did not answer: 127.0.0.1:", result.stderr)
        self.assertEqual(self.calls(), [], "nothing was sent")

    def test_plain_http_is_for_loopback_alone(self):
        env = self.cloud_env(AWS_ENDPOINT_URL_STS="http://192.0.2.1")
        result = self.ask("role", *self.role_env(env))
        self.assertIn("STS is not asked over plain http; write https://192.0.2.1", result.stderr)

    def test_a_clock_that_is_wrong(self):
        for offset in (600, -600):
            with self.subTest(offset=offset):
                self.credentials("--clear")
                role = self.lab.roles["rds-access"].arn
                self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nrole_arn = {role}\n")
                self.lab.clock(offset)
                env = self.cloud_env(RDS_IAM_LOG="1")
                for _ in range(2):
                    result = self.mariadb(principal="etl-base", **env)
                    self.assert_logged_in(result)
                    word = "behind" if offset > 0 else "ahead of"
                    self.assertRegex(result.stderr, rf"this machine's clock is (599|600|601) s {word} AWS's")
        self.assertEqual(len(self.calls()), 4, "two tries of the first login, none of the second")
        self.assertEqual({v["reason"] for v in self.verdicts()}, {None})


if __name__ == "__main__":
    harness.main()
