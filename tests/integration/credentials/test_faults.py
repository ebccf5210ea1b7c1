# SPDX-License-Identifier: MIT
"""Every fault of every credential source, except AWS SSO and `aws login` (see test_session_faults.py).

If the fault is harmless or ends early enough, the login succeeds. Otherwise the login fails within its time limit,
and its message names the source, the cause and a remedy. Each row gives the number of requests that the fault must
lead to.

The rows run in parallel. Each row has its own home directory. Its requests pass through a proxy (door.py), which
causes the fault."""
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

AT_ONCE = 64  # how many of the rows that mostly wait run in parallel
BUSY_AT_ONCE = 6  # how many of the other rows run in parallel
AGAIN_AT_ONCE = (6, 2, 1)  # how many rows run in parallel in each repetition of the rows with a wrong result
# A row fails after this time: the 10 s limit of a login, and the time that a loaded machine needs in addition.
ROW_SECONDS = 60
ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
HOP_LIMIT = "aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2"
NO_ANSWER = "STS did not answer: localhost:"
UNUSABLE = "STS sent no usable response: localhost:"
# libcurl's message for a TLS connection that ends in the middle of a response, without a close_notify.
CUT_IN_TLS = ("partial file" if harness.run(["pkg-config", "--max-version=7.99", "libcurl"]).returncode == 0
              else "Failure when receiving data from the peer")
FULL_URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI: the container's endpoint "
RELATIVE_URI = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: the container's endpoint "
BY_HAND = "; run it by hand to see why"
TOO_SLOW = ["exceeded the 10 s limit of a login; ", ": rds-iam credentials --hostname "]
DENIED = "User: arn:x is not authorized to perform: sts:AssumeRole"
COULD_NOT = " could not "  # not "cannot", because the failure may pass
LOGIN = "accepted"


def status(number, body="", **more):
    return Fault("status", status=number, body=body, **more)


def refusal(number, code, message, **more):
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return status(number, body, **more)


# The number of attempts of a throttled request, which is repeated until the login's time is up.
THROTTLED = range(3, 9)


def asks_for(seconds, **more):
    """A response with status 503 that asks the client to wait."""
    return status(503, headers=(("Retry-After", seconds),), **more)


# name: (fault, attempts, parts of the message, or LOGIN if the login succeeds)
STS = {
    "none": (Fault(), 1, LOGIN),
    "delay": (Fault("delay", seconds=1), 1, LOGIN),
    "labelled as HTML": (Fault("retyped", type="text/html"), 1, LOGIN),
    "503 twice": (status(503, times=2), 3, LOGIN),
    "reset twice": (Fault("reset", times=2), 3, LOGIN),
    "truncated twice": (Fault("truncated", times=2), 3, LOGIN),
    "throttled twice": (refusal(400, "Throttling", "Rate exceeded", times=2), 3, LOGIN),
    "503 once, with Retry-After: 1": (asks_for("1", times=1), 2, LOGIN),
    "503, with Retry-After: 3600": (asks_for("3600"), 1, [COULD_NOT, "STS says HTTP status 503; try again later"]),
    "503, with Retry-After: soon": (asks_for("soon"), 3, [COULD_NOT, "STS says HTTP status 503; try again later"]),
    "429": (status(429), THROTTLED, [COULD_NOT, "STS says HTTP status 429; try again later"]),
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
    "throttled": (refusal(400, "Throttling", "Rate exceeded"), THROTTLED,
                  [COULD_NOT, "STS says Throttling: Rate exceeded; try again later"]),
    "expired": (refusal(403, "ExpiredTokenException", "It has expired"), 1,
                ["STS says ExpiredTokenException: It has expired; the token has expired; get a new one"]),
    "region": (refusal(403, "RegionDisabledException", "STS is not active"), 1,
               ["STS is not active; activate STS in that region, or set another region"]),
    "unknown key": (refusal(403, "InvalidClientTokenId", "It is invalid"), 1,
                    ["It is invalid; AWS does not know the access key, or the session token beside it; check both"]),
}
# Faults that only a role can have, and faults that only a web identity can have.
ROLE = {
    name: (refusal(403, "AccessDenied", DENIED + because), 1,
           ["AKIALABBASEXAMPLE007 cannot assume", "STS says AccessDenied: " + DENIED,
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
# name: (fault, attempts, kind of failure or LOGIN, part of the message)
LOCAL = {
    "none": (Fault(), 1, LOGIN, ""),
    "delay": (Fault("delay", seconds=0.2), 1, LOGIN, ""),
    "labelled as XML": (Fault("retyped"), 1, LOGIN, ""),
    "503 twice": (status(503, times=2), 3, LOGIN, ""),
    "reset twice": (Fault("reset", times=2), 3, LOGIN, ""),
    "truncated twice": (Fault("truncated", times=2), 3, LOGIN, ""),
    "429": (status(429), THROTTLED, "passing", "status 429"),
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
# The requests of a source, in their order. Each has a pattern for its path, and the remedy for each kind of
# failure.
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
# Faults whose message differs from that of their kind of failure.
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
    ("/security-credentials/.", "an error"): ["trusts ec2.amazonaws.com: the Code is AssumeRoleUnauthorizedAc"],
}
# The metadata service's session token (IMDSv2) can be any text. So rds-iam takes the body of these responses for the
# token and sends it with the next request, which is refused.
GARBAGE_TOKENS = {("/api/token$", "malformed JSON"), ("/api/token$", "an error")}
# name: (command, parts of the message or LOGIN). A command prints the credentials with `cat keys`.
PROCESS = {
    "none": ("cat keys", LOGIN),
    "delay": ("sleep 1; cat keys", LOGIN),
    "prints to stderr": ("echo a note >&2; cat keys", LOGIN),
    "fails": ("echo no luck >&2; exit 3", ["ended with status 3: no luck"]),
    "does not exist": ("/nowhere/program", ["ended with status 127: "]),
    "killed": ("kill -9 $$", ["ended with status 137"]),
    "hang": ("sleep 600", TOO_SLOW),
    "drip": ("while :; do echo; sleep 0.2; done", TOO_SLOW),
    "large": ("head -c 1G /dev/zero", ["printed more than 64 KB"]),
    "truncated": ("head -c 40 keys", ["printed no credentials (not JSON)"]),
    "malformed JSON": ("echo {", ["printed no credentials (not JSON)"]),
    "empty": (":", ["printed no credentials (not JSON)"]),
    "another version": ("sed 's/: 1/: 2/' keys", ["printed no credentials ("]),
    "expired": ("sed 's/2099/2009/' keys", ["printed expired credentials"]),
}
# The number of rows: two kinds of role, a web identity, three kinds of container, the three requests to an instance,
# and a process.
ROWS = 2 * (28 + 3) + (28 + 2) + 3 * 21 + 3 * 21 + 14
# Each source once with a clock that is ahead of AWS's clock, and once with a clock that is behind it.
CLOCK_ROWS = 2 * 8


@dataclass(frozen=True, eq=False)
class Row:
    source: str
    name: str
    fault: object  # a Fault, or a command
    calls: object  # the number of requests, or of runs of the command; or a range of numbers
    words: object  # parts of the message, or LOGIN
    is_slow: bool = False  # the row spends most of its time waiting


SLOW = ("hang", "drip", "429", "throttled", "throttled twice")


def added(calls, number):
    return range(calls.start + number, calls.stop + number) if isinstance(calls, range) else calls + number


def sts_rows(source, faults, *words):
    for name, (fault, tries, texts) in faults.items():
        texts = texts if texts == LOGIN else [*words, *texts]
        yield Row(source, name, fault, tries, texts, name in SLOW)


def local_rows(source, steps, words, exceptions={}):
    for number, (path, remedies) in enumerate(steps.items()):
        for name, (fault, tries, kind, text) in LOCAL.items():
            later = len(steps) - number - 1 if kind == LOGIN else int((path, name) in GARBAGE_TOKENS)
            # If a connection is reused and reset, libcurl assumes that it was too old, and opens a new connection.
            reused = int(number > 0 and name == "reset")
            texts = LOGIN if kind == LOGIN else exceptions.get(
                (path, name), [words, text, remedies.get(kind, "")])
            yield Row(source, f"{name} {path}", dataclasses.replace(fault, path=path),
                      added(tries, number + later + reused), texts, kind == "silent" or name in SLOW)


def process_rows():
    for name, (command, texts) in PROCESS.items():
        texts = texts if texts == LOGIN else [
            ".aws/config:2: the credential_process ", *texts, *([] if texts == TOO_SLOW else [BY_HAND])]
        yield Row("process", name, command, 1, texts, name in ("hang", "drip"))


def all_rows(role, web_role):
    return [
        *sts_rows("role_of_a_profile", STS | ROLE, "/.aws/config:2: ", role),
        *sts_rows("role_of_the_configuration", STS | ROLE, f"/{CONFIG}:2: ", role),
        *sts_rows("web_identity", STS | WEB_IDENTITY, "AWS_ROLE_ARN: ", web_role),
        *local_rows("container", CONTAINER, FULL_URI),
        *local_rows("eks", CONTAINER, FULL_URI),
        *local_rows("container_relative", CONTAINER, RELATIVE_URI),
        *local_rows("instance", INSTANCE, "the instance's metadata service (http://127.0.0.1:", INSTANCE_WORDS),
        *process_rows(),
    ]


def clock_rows(is_ahead):
    """The rows for a wrong clock. If rds-iam gets a response over TLS, it learns AWS's time and dates the token
    with this time. It learns no time from the endpoints of the container or instance, which do not use TLS, or from a
    command. If the credentials come from these sources and the clock is ahead, the token's time is in the future, and
    the database rejects the token."""
    refused = ["Access denied"] if is_ahead else LOGIN
    refused_by_psql = ["PAM authentication failed"] if is_ahead else LOGIN
    sources = (
        ("role_of_a_profile", 2, LOGIN), ("role_of_the_configuration", 2, LOGIN),
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

    # One method for each source prepares a home directory for a client. It returns the client's environment, the
    # client's principal, and a function that returns the calls so far.

    def role_of_a_profile(self, row, home):
        home.write(".aws/config", f"[profile p]\nrole_arn = {self.role}\ncredential_source = Environment\n")
        home.write(CONFIG, f"[{self.lab.mariadb.host}]\nprofile = p\n")
        return self.through_sts_door(row, self.cloud_env(), "etl-base")

    def role_of_the_configuration(self, row, home):
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
        """Logs in with mariadb. The network namespace has no database server, so for a source in the namespace
        rds-iam makes the token inside, and psql logs in with it from outside."""
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
        """Runs a row. Returns a description of the wrong result, or None."""
        home = Home(self.lab)
        try:
            env, principal, calls = getattr(self, row.source)(row, home)
            result = self.log_in(row, home, env, principal)
            seen = calls()
        finally:
            home.remove()
        found = f"{len(seen)} calls {seen[-6:]}; {result.stdout}{result.stderr}"
        if len(seen) not in (row.calls if isinstance(row.calls, range) else [row.calls]):
            return f"expected {row.calls} calls, found {found}"
        if row.words == LOGIN:
            return None if result.returncode == 0 and USER in result.stdout else found
        missing = [word for word in row.words if word not in result.stderr]
        return None if result.returncode != 0 and not missing else f"{missing} not in {found}"

    def differences(self, rows, slow_at_once, quick_at_once):
        """Runs the rows. Returns {row: description of its wrong result}. Rows that mostly wait run in a pool of
        their own."""
        with concurrent.futures.ThreadPoolExecutor(slow_at_once) as slow, \
                concurrent.futures.ThreadPoolExecutor(quick_at_once) as quick:
            running = [(slow if row.is_slow else quick).submit(self.difference, row) for row in rows]
            return {row: run.result() for row, run in zip(rows, running) if run.result()}

    def check(self, rows):
        """Runs all rows. On a loaded machine, a request can time out and be repeated, and a login can time out.
        Therefore rows with a wrong result run again, with fewer rows in parallel, and at last one at a time. Returns
        the verifier's reasons for the tokens that were sent; None: accepted."""
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
        self.assertEqual(set(reasons), {None}, "the servers accept every token")
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
    """Returns true if a process with this argument is running."""
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if argument.encode() in path.read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


class WithoutResponse(CloudCase):
    """No request is answered: no service listens, rds-iam does not trust it, or rds-iam refuses the URL. Also a
    credential_process that does not end."""

    def ask(self, principal, **env):
        """Runs rds-iam token, which must fail. Returns its message."""
        result = self.home.run([
            harness.installed("bin/rds-iam"), "token", "--hostname", self.lab.mariadb.host, "--port", "1",
            "--username", "u"], principal, **env)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        return result.stderr

    def ask_for_role(self, **env):
        role = self.lab.roles["rds-access"].arn
        self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nrole_arn = {role}\n")
        return self.ask("etl-base", **self.cloud_env(**env))

    def test_an_address_without_a_service(self):
        message = self.ask_for_role(AWS_ENDPOINT_URL_STS="https://localhost:1")
        self.assertIn("STS did not answer: localhost:1: ", message)
        self.assertIn("check the network, HTTPS_PROXY and AWS_CA_BUNDLE", message)
        for url, text in (
            ("http://127.0.0.1:1", "no service answers there; fix or unset it"),
            ("http://192.0.2.1", "plain http goes only to this machine, 169.254.169.254 and"),
        ):
            message = self.ask(None, **self.machine_env(AWS_EC2_METADATA_SERVICE_ENDPOINT=url))
            self.assertIn(f"AWS_EC2_METADATA_SERVICE_ENDPOINT: {text}", message)

    def test_an_authority_that_is_not_trusted(self):
        message = self.ask_for_role(AWS_CA_BUNDLE=str(self.lab.ca_file))
        self.assertIn("STS could not be reached: 127.0.0.1:", message)
        self.assertRegex(message, "certificate.*; check HTTPS_PROXY and AWS_CA_BUNDLE")
        self.assertEqual(self.calls(), [], "nothing was sent")

    def test_plain_http_is_only_allowed_on_loopback(self):
        message = self.ask_for_role(AWS_ENDPOINT_URL_STS="http://192.0.2.1")
        self.assertIn("STS must not be used over plain http; write https://192.0.2.1", message)

    def test_a_process_that_does_not_end_is_killed(self):
        self.home.write(".aws/config", "[default]\ncredential_process = exec >&- 2>&-; sleep 777.25\n")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            message = pool.submit(self.ask, None, **self.cloud_env())
            await_true(lambda: running("777.25"))  # control: rds-iam has started the process
            self.assertIn("the credential_process exceeded the 10 s limit of a login", message.result())
        await_true(lambda: not running("777.25"))


if __name__ == "__main__":
    harness.main()
