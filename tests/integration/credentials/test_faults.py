# SPDX-License-Identifier: MIT
"""What goes wrong on the way to AWS: every source meets every fault. A login then fails within its time,
with a message that names the source, the cause and a remedy, and after the number of tries that the
journal shows; or it succeeds, because the fault does no harm or went away.

The rows run side by side, each in a home of its own and through a door of its own."""
import concurrent.futures
import dataclasses
import json
import pathlib
from dataclasses import dataclass

from cloud import CloudCase
from door import Fault
from labcase import USER, Home, harness
from link_local import LinkLocal
from mariadb_client import CONFIG
from service import await_true

AT_ONCE = 64
BUSY_AT_ONCE = 6
AGAIN_AT_ONCE = (6, 2, 1)
# A row that takes longer has no budget: its ten seconds, and what a loaded machine needs.
ROW_SECONDS = 60
ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
HOP_LIMIT = "aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2"
NO_ANSWER = "STS did not answer: localhost:"
UNUSABLE = "STS sent no usable response: localhost:"
# libcurl's words for a TLS connection that ends in the middle of an answer and without a close_notify.
CUT_IN_TLS = ("partial file" if harness.run(["pkg-config", "--max-version=7.99", "libcurl"]).returncode == 0
              else "Failure when receiving data from the peer")
FULL_URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI: the container's endpoint "
RELATIVE_URI = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: the container's endpoint "
BY_HAND = "; run it by hand to see why"
TOO_SLOW = ["exceeded the 10 s limit of a login; ", ": rds-iam credentials --hostname "]
DENIED = "User: arn:x is not authorized to perform: sts:AssumeRole"
COULD_NOT = " could not "  # it was not refused
LOGIN = "accepted"


def status(number, body="", **more):
    return Fault("status", status=number, body=body, **more)


def refusal(number, code, message):
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return status(number, body)


# name: (fault, tries, what the message says of it; LOGIN: it succeeds)
STS = {
    "none": (Fault(), 1, LOGIN),
    "delay": (Fault("delay", seconds=1), 1, LOGIN),
    "called HTML": (Fault("retyped", type="text/html"), 1, LOGIN),
    "503 twice": (status(503, times=2), 3, LOGIN),
    "reset twice": (Fault("reset", times=2), 3, LOGIN),
    "truncated twice": (Fault("truncated", times=2), 3, LOGIN),
    "429": (status(429), 3, [COULD_NOT, "STS says HTTP status 429; try again later"]),
    "500": (status(500), 3, [COULD_NOT, "STS says HTTP status 500; try again later"]),
    "503": (status(503), 3, [COULD_NOT, "STS says HTTP status 503; try again later"]),
    "400": (status(400), 1, ["STS says HTTP status 400; see the STS API's list of errors"]),
    "redirect": (Fault("redirect"), 1, ["STS says HTTP status 302"]),
    "malformed XML": (status(200, "<a><b></a>"), 1, [UNUSABLE, "this is not an STS response; check its endpoint"]),
    "entities": (status(200, ENTITIES), 1, [UNUSABLE, "this is not an STS response; check its endpoint"]),
    "JSON": (status(200, "{}", type="application/json"), 1, [UNUSABLE, "this is not an STS response; check"]),
    "empty": (status(200), 1, [UNUSABLE, "this is not an STS response; check its endpoint"]),
    "reset": (Fault("reset"), 3, [NO_ANSWER, "check the network, HTTPS_PROXY and AWS_CA_BUNDLE"]),
    "truncated": (Fault("truncated"), 3, [NO_ANSWER, f"{CUT_IN_TLS}; check the network, HTTPS_PROXY"]),
    "large": (Fault("large"), 1, [UNUSABLE, "the response is longer than 64 KB, so it is not from AWS"]),
    "hang": (Fault("hang"), 2, [NO_ANSWER, "Timeout was reached; check the network, HTTPS_PROXY"]),
    "drip": (Fault("drip"), 2, [NO_ANSWER, "Timeout was reached; check the network, HTTPS_PROXY"]),
    "throttled": (refusal(400, "Throttling", "Rate exceeded"), 3,
                  [COULD_NOT, "STS says Throttling: Rate exceeded; try again later"]),
    "expired": (refusal(403, "ExpiredTokenException", "It has expired"), 1,
                ["STS says ExpiredTokenException: It has expired; the token has expired; get a new one"]),
    "region": (refusal(403, "RegionDisabledException", "STS is not active"), 1,
               ["STS is not active; activate STS in that region, or set another region"]),
    "unknown key": (refusal(403, "InvalidClientTokenId", "It is invalid"), 1,
                    ["It is invalid; AWS does not know the access key; check it, and its account"]),
}
# Faults of one source alone: of a role, and of a web identity.
ROLE = {
    name: (refusal(403, "AccessDenied", DENIED + because), 1,
           ["AKIALABBASEXAMPLE007 may not assume", "STS says AccessDenied: " + DENIED,
            "sts:AssumeRole must be allowed by " + policy])
    for name, because, policy in (
        ("denied", "", "both the caller's own policy and the role's trust policy, which may require an"),
        ("denied by trust", " because no role trust policy allows the sts:AssumeRole action",
         "the role's trust policy, which may require an external_id"),
        ("denied by its own policy", " because no identity-based policy allows the sts:AssumeRole action",
         "the caller's own policy\n"))
}
WEB_IDENTITY = {
    "denied": (refusal(403, "AccessDenied", "Not authorized to perform it"), 1,
               ["STS says AccessDenied: Not authorized to perform it; the role's trust policy must "
                "name the token's provider, audience and subject"]),
    "provider": (refusal(400, "IDPCommunicationError", "No answer from it"), 3,
                 [COULD_NOT, "STS says IDPCommunicationError: No answer from it; try again later"]),
}
# name: (fault, tries, kind of failure, what the message says of it)
LOCAL = {
    "none": (Fault(), 1, LOGIN, ""),
    "delay": (Fault("delay", seconds=0.2), 1, LOGIN, ""),
    "called XML": (Fault("retyped"), 1, LOGIN, ""),
    "503 twice": (status(503, times=2), 3, LOGIN, ""),
    "reset twice": (Fault("reset", times=2), 3, LOGIN, ""),
    "truncated twice": (Fault("truncated", times=2), 3, LOGIN, ""),
    "429": (status(429), 3, "passing", "status 429"),
    "500": (status(500), 3, "passing", "status 500"),
    "503": (status(503), 3, "passing", "status 503"),
    "400": (status(400), 1, "refused", "status 400"),
    "403": (status(403, '{"message": "it has expired"}'), 1, "refused", "status 403"),
    "404": (status(404), 1, "refused", "status 404"),
    "redirect": (Fault("redirect"), 1, "refused", "status 302"),
    "malformed JSON": (status(200, "{"), 1, "garbage", "not JSON"),
    "an error": (status(200, '{"Code": "AssumeRoleUnauthorizedAccess"}'), 1, "garbage", ""),
    "empty": (status(200), 1, "garbage", ""),
    "reset": (Fault("reset"), 3, "broken", "Failure when receiving data"),
    "truncated": (Fault("truncated"), 3, "broken", "partial file"),
    "large": (Fault("large"), 1, "garbage", "the response is longer than 64 KB, so it is not from AWS"),
    "hang": (Fault("hang"), 3, "silent", "Timeout was reached"),
    "drip": (Fault("drip"), 3, "silent", "Timeout was reached"),
}
# What is asked, one after the other, and what to do about each kind of failure.
CONTAINER = {"": {
    "passing": "try again later", "refused": "check the task's or pod's role",
    "garbage": "check th", "broken": "run this process in the container",
    "silent": "run this process in the container"}}
INSTANCE = {
    "/api/token$": {
        "passing": "gives no session token; try again later",
        "refused": "gives no session token; check that it is AWS's", "garbage": "check that it is AWS's",
        "broken": "gives no session token; try again", "silent": HOP_LIMIT},
    "/security-credentials/$": {
        "passing": "does not name the role; try again later",
        "refused": "does not name the role; check that it is AWS's",
        "garbage": "does not name the role; check that it is AWS's",
        "broken": "does not name the role; try again", "silent": "does not name the role; try again"},
    "/security-credentials/.": {
        "passing": "does not give the role's credentials; try again later",
        "refused": "does not give the role's credentials; check the instance's role",
        "garbage": "check that the role exists and trusts ec2.amazonaws.com",
        "broken": "does not give the role's credentials; try again",
        "silent": "does not give the role's credentials; try again"},
}
# Where a message is another one than the kind of failure would have.
INSTANCE_WORDS = {
    ("/api/token$", "403"): ["no AWS credentials: set AWS_PROFILE", "is switched off (status 403)"],
    ("/api/token$", "404"): ["has no version 2, and version 1 is never used", "status 404"],
    ("/api/token$", "malformed JSON"): ["does not name the role; check that it is AWS's: status 401"],
    ("/api/token$", "an error"): ["does not name the role; check that it is AWS's: status 401"],
    ("/api/token$", "hang"): ["accepts a connection and does not answer", HOP_LIMIT],
    ("/api/token$", "drip"): ["accepts a connection and does not answer", HOP_LIMIT],
    ("/security-credentials/$", "404"): ["no AWS credentials: set AWS_PROFILE", "the instance has no role"],
    ("/security-credentials/$", "malformed JSON"): ["does not name the role; check that it is AWS's: status 200"],
    ("/security-credentials/.", "large"): ["does not give the role's credentials; check that it is AWS's: "],
    ("/security-credentials/.", "an error"): ["trusts ec2.amazonaws.com: its Code is AssumeRoleUnauthorizedAc"],
}
# A session token can be any text, so the next step sees it.
GARBAGE_TOKENS = {("/api/token$", "malformed JSON"), ("/api/token$", "an error")}
# name: (what the command does with the file of its credentials, what the message says)
PROCESS = {
    "none": ("cat keys", LOGIN),
    "delay": ("sleep 1; cat keys", LOGIN),
    "complains": ("echo a note >&2; cat keys", LOGIN),
    "fails": ("echo no luck >&2; exit 3", ["ended with status 3: no luck"]),
    "is not there": ("/nowhere/program", ["ended with status 127: "]),
    "killed": ("kill -9 $$", ["ended with status 137"]),
    "hang": ("sleep 600", TOO_SLOW),
    "drip": ("while :; do echo; sleep 0.2; done", TOO_SLOW),
    "large": ("head -c 1G /dev/zero", ["printed more than 64 KB"]),
    "truncated": ("head -c 40 keys", ["printed no credentials (not JSON)"]),
    "malformed JSON": ("echo {", ["printed no credentials (not JSON)"]),
    "empty": (":", ["printed no credentials (not JSON)"]),
    "another version": ("sed 's/: 1/: 2/' keys", ["printed no credentials ("]),
    "ended": ("sed 's/2099/2009/' keys", ["printed expired credentials"]),
}
ROWS = 2 * (24 + 3) + (24 + 2) + 3 * 21 + 3 * 21 + 14
# Ahead of AWS's clock, behind it: each source once.
CLOCK_ROWS = 2 * 8


@dataclass(frozen=True, eq=False)
class Row:
    source: str
    name: str
    fault: object  # a Fault, or a command
    calls: int  # in all
    words: object  # of the message, or LOGIN
    is_slow: bool = False


def sts_rows(source, faults, *words):
    for name, (fault, tries, says) in faults.items():
        says = says if says == LOGIN else [*words, *says]
        yield Row(source, name, fault, tries, says, name in ("hang", "drip"))


def local_rows(source, steps, words, exceptions={}):
    for number, (path, remedies) in enumerate(steps.items()):
        for name, (fault, tries, kind, says) in LOCAL.items():
            later = len(steps) - number - 1 if kind == LOGIN else int((path, name) in GARBAGE_TOKENS)
            # On a connection that it had kept, libcurl takes a reset for its age, and tries a fresh one.
            kept = int(number > 0 and name == "reset")
            texts = LOGIN if kind == LOGIN else exceptions.get(
                (path, name), [words, says, remedies.get(kind, "")])
            yield Row(source, f"{name} {path}", dataclasses.replace(fault, path=path),
                      number + tries + later + kept, texts, kind == "silent")


def process_rows():
    for name, (command, says) in PROCESS.items():
        says = says if says == LOGIN else [
            ".aws/config:2: the credential_process ", *says, *([] if says == TOO_SLOW else [BY_HAND])]
        yield Row("process", name, command, 1, says, name in ("hang", "drip"))


def all_rows(role, web_role):
    return [
        *sts_rows("role_of_a_profile", STS | ROLE, "/.aws/config:2: ", role),
        *sts_rows("role_of_our_configuration", STS | ROLE, f"/{CONFIG}:2: ", role),
        *sts_rows("web_identity", STS | WEB_IDENTITY, "AWS_ROLE_ARN: ", web_role),
        *local_rows("container", CONTAINER, FULL_URI),
        *local_rows("eks", CONTAINER, FULL_URI),
        *local_rows("container_relative", CONTAINER, RELATIVE_URI),
        *local_rows("instance", INSTANCE, "the instance's metadata service (http://127.0.0.1:", INSTANCE_WORDS),
        *process_rows(),
    ]


def clock_rows(is_ahead):
    """The token is dated by AWS's clock where it is learned over TLS. From the machine's own endpoints
    it is not, so the database sees a token of the future if the clock is ahead, and refuses it."""
    refused = ["Access denied"] if is_ahead else LOGIN
    refused_by_psql = ["PAM authentication failed"] if is_ahead else LOGIN
    sources = (
        ("role_of_a_profile", 2, LOGIN), ("role_of_our_configuration", 2, LOGIN),
        ("web_identity", 1, LOGIN), ("container", 1, refused), ("eks", 1, refused_by_psql),
        ("container_relative", 1, refused_by_psql), ("instance", 3, refused), ("process", 1, refused))
    for source, calls, words in sources:
        yield Row(source, "clock", "cat keys" if source == "process" else Fault(), calls, words)


class Faults(CloudCase):
    def setUp(self):
        super().setUp()
        self.role = self.lab.roles["rds-access"].arn
        self.network = self.enterContext(LinkLocal())
        self.inside = self.local_door(self.network.listener)
        self.outside = self.local_door()
        self.pod = self.pod_env("pod")
        self.web = self.web_identity_env()

    # One for each source: how its client is set up in a home. They return the client's environment,
    # its principal, and the calls so far as a function.

    def role_of_a_profile(self, row, home):
        home.write(".aws/config", f"[profile p]\nrole_arn = {self.role}\ncredential_source = Environment\n")
        home.write(CONFIG, f"[{self.lab.mariadb.host}]\nprofile = p\n")
        return self.through_sts_door(row, self.cloud_env(), "etl-base")

    def role_of_our_configuration(self, row, home):
        home.write(CONFIG, f"[{self.lab.mariadb.host}]\nrole_arn = {self.role}\n")
        return self.through_sts_door(row, self.cloud_env(), "etl-base")

    def web_identity(self, row, home):
        return self.through_sts_door(row, self.web, None)

    def through_sts_door(self, row, env, principal):
        door = self.sts_door()
        passage = door.passage(row.fault)
        return {**env, "AWS_ENDPOINT_URL_STS": door.url}, principal, lambda: passage.calls

    def container(self, row, home):
        passage = self.outside.passage(row.fault, f"/{home.path.name}")
        return self.in_pod(self.outside.url, passage), None, lambda: passage.calls

    def eks(self, row, home):
        passage = self.inside.passage(row.fault, f"/{home.path.name}")
        return self.in_pod("http://169.254.170.23", passage), None, lambda: passage.calls

    def container_relative(self, row, home):
        passage = self.inside.passage(row.fault, f"/{home.path.name}")
        path = passage.prefix + self.lab.cloud.containers["task"].path
        return self.cloud_env(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=path), None, lambda: passage.calls

    def in_pod(self, url, passage):
        path = passage.prefix + self.lab.cloud.containers["pod"].path
        return {**self.pod, "AWS_CONTAINER_CREDENTIALS_FULL_URI": url + path}

    def instance(self, row, home):
        passage = self.outside.passage(row.fault, f"/{home.path.name}")
        url = self.outside.url + passage.prefix
        return self.machine_env(AWS_EC2_METADATA_SERVICE_ENDPOINT=url), None, lambda: passage.calls

    def process(self, row, home):
        etl = self.lab.principals["etl"]
        home.write("keys", json.dumps({
            "Version": 1, "AccessKeyId": etl.access_key, "SecretAccessKey": etl.secret_key,
            "Expiration": "2099-01-01T00:00:00Z"}))
        ran = home.path / "ran"
        home.write(".aws/config", f"[default]\ncredential_process = echo >>{ran}; {row.fault}\n")
        return self.cloud_env(), None, lambda: ran.read_text().splitlines()

    def log_in(self, row, home, env, principal):
        """mariadb logs in. In the network namespace there is no server, so rds-iam makes the token
        there and psql logs in with it from outside."""
        if row.source not in ("eks", "container_relative"):
            home.write(".my.cnf", (self.home.path / ".my.cnf").read_text())
            return home.run(self.argv(), principal, timeout=ROW_SECONDS, **env)
        database = self.lab.pg
        token = home.run(self.network.argv([
            harness.installed("bin/rds-iam"), "token", "--hostname", database.host,
            "--port", str(database.port), "--username", USER]), principal, timeout=ROW_SECONDS, **env)
        if token.returncode != 0:
            return token
        place = (f"host={database.host} port={database.port} user={USER} dbname={self.lab.database_name} "
                 f"sslmode=verify-full sslrootcert={self.lab.ca_file}")
        return home.run(["psql", "-XAtw", place, "-c", "select current_user"], None,
                        PGPASSWORD=token.stdout.strip())

    def difference(self, row):
        """Runs a row. What is not as it should be, or None."""
        home = Home(self.lab)
        try:
            env, principal, calls = getattr(self, row.source)(row, home)
            result = self.log_in(row, home, env, principal)
            seen = calls()
        finally:
            home.remove()
        said = f"{len(seen)} calls {seen[-6:]}; {result.stdout}{result.stderr}"
        if len(seen) != row.calls:
            return f"not {row.calls} but {said}"
        if row.words == LOGIN:
            return None if result.returncode == 0 and USER in result.stdout else said
        missing = [word for word in row.words if word not in result.stderr]
        return None if result.returncode != 0 and not missing else f"{missing} not in {said}"

    def differences(self, rows, slow_at_once, quick_at_once):
        """What is not as it should be, by row. Those that only wait run beside the others."""
        with concurrent.futures.ThreadPoolExecutor(slow_at_once) as slow, \
                concurrent.futures.ThreadPoolExecutor(quick_at_once) as quick:
            running = [(slow if row.is_slow else quick).submit(self.difference, row) for row in rows]
            return {row: run.result() for row, run in zip(rows, running) if run.result()}

    def check(self, rows):
        """All rows. On a loaded machine a request can run into its time limit and be repeated, and a
        login into its own: what differs is asked again, with less beside it, and at last alone."""
        differences = self.differences(rows, AT_ONCE, BUSY_AT_ONCE)
        for at_once in AGAIN_AT_ONCE:
            before = differences
            differences = self.differences(list(differences), at_once, at_once)
        for row, difference in differences.items():
            with self.subTest(source=row.source, fault=row.name, before=before[row]):
                self.fail(difference)
        sent = [verdict for verdict in self.verdicts() if verdict["token_length"] > 0]
        return [verdict["reason"] for verdict in sent]

    def test_every_source_and_every_fault(self):
        rows = all_rows(self.role, self.web["AWS_ROLE_ARN"])
        self.assertEqual(len(rows), ROWS)
        reasons = self.check(rows)
        self.assertEqual(set(reasons), {None}, "every token that was sent was accepted")
        self.assertGreaterEqual(len(reasons), sum(row.words == LOGIN for row in rows))

    def test_every_source_and_a_wrong_clock(self):
        rows = 0
        for offset in (600, -600):
            with self.subTest(offset=offset):
                self.lab.clock(offset)
                table = list(clock_rows(is_ahead=offset < 0))
                rows += len(table)
                self.assertEqual(set(self.check(table)), {None} if offset > 0 else {None, "NotYetValid"})
        self.assertEqual(rows, CLOCK_ROWS)


def running(argument):
    """Whether a process with this argument runs."""
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if argument.encode() in path.read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


class WithoutAnswer(CloudCase):
    """What is not a fault of an answer."""

    def ask(self, principal, **env):
        """The message of a failed token."""
        result = self.home.run([
            harness.installed("bin/rds-iam"), "token", "--hostname", self.lab.mariadb.host, "--port", "1",
            "--username", "u"], principal, **env)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        return result.stderr

    def ask_for_role(self, **env):
        role = self.lab.roles["rds-access"].arn
        self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nrole_arn = {role}\n")
        return self.ask("etl-base", **self.cloud_env(**env))

    def test_nobody_there(self):
        said = self.ask_for_role(AWS_ENDPOINT_URL_STS="https://localhost:1")
        self.assertIn("STS did not answer: localhost:1: ", said)
        self.assertIn("check the network, HTTPS_PROXY and AWS_CA_BUNDLE", said)
        for url, message in (
            ("http://127.0.0.1:1", "no service answers there; fix or unset it"),
            ("http://192.0.2.1", "plain http goes only to this machine, 169.254.169.254 and"),
        ):
            said = self.ask(None, **self.machine_env(AWS_EC2_METADATA_SERVICE_ENDPOINT=url))
            self.assertIn(f"AWS_EC2_METADATA_SERVICE_ENDPOINT: {message}", said)

    def test_an_authority_that_is_not_trusted(self):
        said = self.ask_for_role(AWS_CA_BUNDLE=str(self.lab.ca_file))
        self.assertIn("STS could not be reached: 127.0.0.1:", said)
        self.assertRegex(said, "certificate.*; check HTTPS_PROXY and AWS_CA_BUNDLE")
        self.assertEqual(self.calls(), [], "nothing was sent")

    def test_plain_http_is_for_loopback_alone(self):
        said = self.ask_for_role(AWS_ENDPOINT_URL_STS="http://192.0.2.1")
        self.assertIn("STS must not be used over plain http; write https://192.0.2.1", said)

    def test_a_process_that_does_not_end_is_ended(self):
        self.home.write(".aws/config", "[default]\ncredential_process = exec >&- 2>&-; sleep 777.25\n")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            asked = pool.submit(self.ask, None, **self.cloud_env())
            await_true(lambda: running("777.25"))  # the control: it is there while we wait
            self.assertIn("the credential_process exceeded the 10 s limit of a login", asked.result())
        await_true(lambda: not running("777.25"))


if __name__ == "__main__":
    harness.main()
