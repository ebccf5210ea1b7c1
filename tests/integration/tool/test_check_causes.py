# SPDX-License-Identifier: MIT
"""`rds-iam check` names the true cause of a refused login.

Each row makes one cause in the lab. The proof that it is this cause: the verifier's reason in the journal, or what a
scripted server sent. The real client must fail with the error of the row. If the client can see the cause, the
command names only this cause. If RDS hides several causes behind one error, the command names all of them, and their
outputs are equal.
"""
import concurrent.futures
import os
import socket
from typing import NamedTuple

from check_case import CheckCase, neutral
from labcase import USER, harness
from mariadb_client import CONFIG
from mysql_peer import Script, error, switch
from rawclient import sts

import traces

PAM = "PAM authentication failed for user"
DENIED = "ERROR 1045 (28000): Access denied for user"
EACH = ("postgres", "mysql")

# The causes that look alike to a client with the credentials of an IAM user.
ALIKE = {
    "postgres": ("policy-missing", "policy-deny", "account", "iam-off"),
    "mysql": ("policy-missing", "policy-resource", "policy-deny", "account", "user-missing", "user-plugin"),
}
# The causes that look alike to a client with a session of a role.
ALIKE_SESSION = {
    "postgres": ("policy-missing", "policy-deny", "session-policy", "account", "iam-off"),
    "mysql": ("policy-missing", "policy-resource", "policy-deny", "session-policy", "account", "user-missing",
              "user-plugin"),
}
# The causes that look alike to a client behind a tunnel.
ALIKE_MAPPED = {engine: (*causes, "signed-port") for engine, causes in ALIKE.items()}
PROXY = {
    "postgres": ("policy-missing", "policy-resource", "policy-deny", "account"),
    "mysql": ("policy-missing", "policy-resource", "policy-deny", "account", "user-missing", "user-plugin"),
}
IN, HERE, SERVER, UNREACHED = 0, 1, 3, 4
NOTHING = "no token was sent"
ACCEPTED = "the verifier accepted the token"
SCRIPTED = "a scripted server sent this error"
ANY = "the user's name is the proof"
GOOD_CLIENT = "the client logs in"


class Row(NamedTuple):
    """One cause. make(case, engine) makes it and returns the login. client is a part of what psql or mariadb prints.
    proof is "REASON: DETAIL" of the verifier, or NOTHING or SCRIPTED. causes and client may differ by engine."""

    name: str
    make: object
    status: int
    causes: object
    client: object
    proof: str
    engines: tuple = EACH


def of(value, engine):
    return value[engine] if isinstance(value, dict) else value


# -- how causes are made -------------------------------------------------------------------------


def changed(**changes):
    """The login with other options or environment variables."""
    return lambda case, engine: case.login_to(engine, **changes)


def section(**settings):
    """A section for the database in rds-iam's configuration."""
    def make(case, engine):
        login = case.login_to(engine)
        lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
        case.home.write(CONFIG, f"[{login.host}]\n{lines}")
        return login
    return make


def tunnel(endpoint="{host}:{port}", tls="verify-ca"):
    """A tunnel, with a section for it if an endpoint is given."""
    def make(case, engine):
        login = case.login_to(engine)
        if endpoint:
            other = case.login_to(EACH[engine == "postgres"]).host
            target = endpoint.format(host=login.host, port=login.port, other=other)
            case.home.write(CONFIG, f"[127.0.0.1]\nendpoint = {target}\ntls = {tls}\n")
        # libpq has its own setting, which corresponds to rds-iam's tls = verify-ca.
        env = {"PGSSLMODE": "verify-ca", "PGSSLROOTCERT": login.ca} if tls == "verify-ca" and endpoint else {}
        return login.change(host="127.0.0.1", env=env)
    return make


def peer(certificate="server", **script):
    """A scripted server in the place of the database."""
    def make(case, engine):
        case.scripted = case.peer(engine, certificate, **script)
        return case.login_to(engine, port=case.scripted.port)
    return make


def refusal(text, code="28000"):
    """PostgreSQL that takes the token and then sends this error."""
    return peer(refusal=text, code=code)


def mysql_refusal(number, text, state="HY000", asks=(switch("mysql_clear_password"),)):
    """MySQL that takes the token and then sends this error. Without `asks`, the server sends the error before it
    takes a token."""
    return peer(script=Script(asks=asks, verdict=error(number, text, state)))


def instead_of_greeting(number, text):
    """A MySQL server that sends an error before its greeting."""
    return peer(script=Script(greeting=error(number, text, None)))


def proxy(**script):
    """A scripted server under the name of an RDS Proxy."""
    def make(case, engine):
        return peer(**script)(case, engine).change(host="px.proxy-abcdefghijkl.us-east-1.rds.amazonaws.com")
    return make


def closed_port(case, engine):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return case.login_to(engine, port=listener.getsockname()[1])


def clock(offset):
    def make(case, engine):
        case.lab.clock(offset)
        return case.login_to(engine)
    return make


def role(name, **parameters):
    """A session of a role, as another program obtained it."""
    def make(case, engine):
        lab = case.lab
        reply = sts(lab, lab.principals["etl-base"], Action="AssumeRole", RoleArn=lab.roles[name].arn,
                    RoleSessionName="check", **parameters)
        case.assertEqual(reply.status, 200, reply.body)
        return case.login_to(engine, principal=None, env=reply.keys().env())
    return make


def settings(variables, text="", **files):
    """AWS settings without keys in the environment: variables, and ~/.aws/config. {names} are filled in."""
    def make(case, engine):
        arns = {name.replace("-", "_"): role.arn for name, role in case.lab.roles.items()}
        if text:
            case.home.write(".aws/config", text.format(**arns))
        env = {name: value.format(http=case.lab.cloud_http) for name, value in variables.items()}
        return case.login_to(engine, principal=None, env=env)
    return make


def expired_sso(case, engine):
    case.sso_profile()
    case.sso_login(expires=-60, renewable=False)
    return case.login_to(engine, principal=None, env=case.sso_env(AWS_PROFILE="p"))


def open_credentials(case, engine):
    """Keys in a file that every user can write."""
    keys = case.lab.principals["etl"]
    case.home.write(".aws/credentials", f"[default]\naws_access_key_id = {keys.access_key}\n"
                    f"aws_secret_access_key = {keys.secret_key}\n", mode=0o666)
    return case.login_to(engine, principal=None)


def faulty(make, *faults):
    """A row with the same cause, while AWS services have faults."""
    def with_faults(case, engine):
        login = make(case, engine)
        case.lab.faults(*faults)
        return login
    return with_faults


# Removes a file from an installed directory for one command, in a mount namespace of its own.
WITHOUT = ('copy=$(mktemp -d) && mount -t tmpfs none "$copy" && cp -a "$1/." "$copy" && rm "$copy/$2"'
           ' && mount --bind "$copy" "$1" || exit 99; shift 2; exec "$@"')


def without(**objects):
    """An installation that lacks a file, by engine."""
    def make(case, engine):
        path = harness.installed(f"lib*/rds-iam/{objects[engine]}")
        user = [] if os.geteuid() == 0 else ["-r"]
        return case.login_to(engine, under=(
            "unshare", "-m", *user, "sh", "-c", WITHOUT, "sh", str(path.parent), path.name))
    return make


NO_CONNECT = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'


# -- the tables ----------------------------------------------------------------------------------

REFUSED = {"postgres": PAM, "mysql": DENIED}
# The mariadb command, which contains its library, cannot verify the chain alone.
TUNNEL = {"postgres": PAM, "mysql": None}
ON_THE_CLIENT = (
    Row("another region in rds-iam's configuration", section(region="eu-west-1"), SERVER, ("region",),
        REFUSED, "WrongScope: "),
    Row("a session that has expired", changed(principal="etl-expired"), SERVER, ("keys-rejected",),
        REFUSED, "Expired: the credentials of etl-expired"),
    Row("an access key that AWS does not know", changed(env={"AWS_ACCESS_KEY_ID": "AKIALABUNKNOWNEXAMPL"}), SERVER,
        ("keys-rejected",), REFUSED, "InvalidClientTokenId: "),
    Row("a secret key of another access key", changed(env={"AWS_SECRET_ACCESS_KEY": "of/another+user"}), SERVER,
        ("keys-rejected",), REFUSED, "SignatureDoesNotMatch: "),
    Row("a clock that is behind", clock(1000), SERVER, ("clock",), REFUSED, "Expired: signed 100"),
    Row("a clock that is ahead", clock(-1000), SERVER, ("clock",), REFUSED, "NotYetValid: signed "),
    Row("a password in the environment", lambda case, engine: case.login_to(engine, env={
            {"postgres": "PGPASSWORD", "mysql": "MYSQL_PWD"}[engine]: "an-old-password"}), SERVER, ("password-given",),
        REFUSED, "Malformed: "),
    Row("a tunnel to a server whose certificate has another name",
        tunnel("prod.cluster-abc123.eu-west-1.rds.amazonaws.com:3306"), SERVER, ("other-server",), TUNNEL,
        "WrongHost: signed for prod.cluster-abc123"),
)
NOT_SENT = (
    Row("another CA", peer("other_ca"), HERE, ("other-ca",),
        {"postgres": "certificate verify failed", "mysql": "ERROR 20"}, NOTHING),
    Row("a certificate that is its own CA", peer("self_signed"), HERE, ("other-ca",),
        {"postgres": "certificate verify failed", "mysql": "ERROR 20"}, NOTHING),
    Row("another name", peer("wrong_name"), HERE, ("other-server",),
        {"postgres": "does not match host name", "mysql": "ERROR 20"}, NOTHING),
    Row("no TLS", peer(None), HERE, ("no-tls",),
        {"postgres": "server does not support SSL", "mysql": "ERROR 20"}, NOTHING),
    Row("a tunnel without a section", tunnel(endpoint=None), HERE, ("no-endpoint",),
        {"postgres": "127.0.0.1 is not an RDS endpoint", "mysql": "ERROR 20"}, NOTHING),
    Row("a tunnel for which libpq still verifies the name", lambda case, engine: tunnel()(case, engine).change(
            env={"PGSSLMODE": "verify-full"}), HERE, ("name-unverified",), "does not match host name", NOTHING,
        ("postgres",)),
    Row("a tunnel whose section verifies the name", tunnel(tls="verify-full"), HERE, ("name-unverified",),
        {"postgres": "does not match host name", "mysql": "ERROR 20"}, NOTHING),
    Row("a key that rds-iam does not have", section(regoin="eu-west-1"), HERE, ("no-endpoint",), "regoin", NOTHING),
    Row("no root certificates", changed(ca=None), HERE, ("no-root-certificates",),
        "no root certificates for RDS servers were found", NOTHING, ("postgres",)),
    Row("no root certificates", changed(ca=None), HERE, ("no-root-certificates",), None, NOTHING, ("mysql",)),
    Row("an installation without the objects that send a token",
        without(postgres="librds-iam-pq.so", mysql="mariadb/mysql_clear_password.so"), HERE, ("installation",),
        {"postgres": "reinstall rds-iam", "mysql": "Plugin mysql_clear_password could not be loaded"}, NOTHING),
)
NO_CREDENTIALS = (
    Row("no credentials", changed(principal=None), HERE, ("no-credentials",), "no AWS credentials", NOTHING),
    Row("half a key pair", changed(principal=None, env={"AWS_ACCESS_KEY_ID": "AKIALABETLEXAMPLE001"}), HERE,
        ("no-credentials",), "AWS_SECRET_ACCESS_KEY", NOTHING),
    Row("an SSO session that has expired", expired_sso, HERE, ("no-credentials",), "aws sso login --profile p", NOTHING),
    Row("a file of keys that others can write", open_credentials, HERE, ("no-credentials",), "chmod", NOTHING),
    Row("a profile that does not exist", settings({"AWS_PROFILE": "nope"}), HERE, ("no-credentials",), "nope", NOTHING),
    Row("a role that does not trust the keys", section(role_arn="arn:aws:iam::123456789012:role/instance"), HERE,
        ("no-credentials",), "AccessDenied", NOTHING),
    Row("the metadata service behind its hop limit", faulty(
            settings({"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "{http}"}),
            {"kind": "hang", "service": "imds", "times": None}),
        HERE, ("no-credentials",), "--http-put-response-hop-limit 2", NOTHING),
    Row("STS that throttles", faulty(
            section(role_arn="arn:aws:iam::123456789012:role/rds-access"),
            {"kind": "status", "service": "sts", "status": 400, "code": "Throttling", "message": "Rate exceeded",
             "times": None}),
        HERE, ("no-credentials",), "STS says Throttling: Rate exceeded", NOTHING),
)
THE_SERVER_NAMES_IT = (
    Row("a user with a password of PostgreSQL", changed(user="scram_user"), SERVER, ("not-in-rds-iam",),
        "password authentication failed for user", ANY, ("postgres",)),
    Row("a user that does not exist", changed(user="missing_user"), SERVER, ("not-in-rds-iam",),
        "password authentication failed for user", ANY, ("postgres",)),
    Row("a user in another case", changed(user="Clickpipes_IAM_User"), SERVER, ("user-case", "not-in-rds-iam"),
        "password authentication failed for user", ANY, ("postgres",)),
    Row("a user that may not log in", changed(user="nologin_user", principal="every-user"), SERVER, ("no-login-right",),
        'role "nologin_user" is not permitted to log in', ACCEPTED, ("postgres",)),
    Row("a user whose connections are in use", changed(user="limited_user", principal="every-user"), SERVER,
        ("too-many-connections",), "too many connections for role", ACCEPTED, ("postgres",)),
    Row("a database that does not exist", changed(dbname="no_such_database"), IN, ("no-database",),
        'database "no_such_database" does not exist', ACCEPTED, ("postgres",)),
    Row("a database that the user may not connect to", refusal('permission denied for database "shop"', "42501"), IN,
        ("database-denied",), "permission denied for database", SCRIPTED, ("postgres",)),
    Row("a database whose connections are in use", refusal('too many connections for database "shop"', "53300"),
        SERVER, ("too-many-connections",), "too many connections for database", SCRIPTED, ("postgres",)),
    Row("no free connection", peer(refusal="sorry, too many clients already", code="53300", needs_password=False),
        SERVER, ("too-many-connections",), "too many clients already", SCRIPTED, ("postgres",)),
    Row("no free connection but for superusers",
        peer(refusal="remaining connection slots are reserved for non-replication superuser connections",
             code="53300", needs_password=False),
        SERVER, ("too-many-connections",), "remaining connection slots", SCRIPTED, ("postgres",)),
    Row("no access rule", peer(refusal='no pg_hba.conf entry for host "192.0.2.1", user "x", database "y", SSL on',
                               needs_password=False),
        SERVER, ("hba",), "no pg_hba.conf entry", SCRIPTED, ("postgres",)),
    Row("a server that is starting", peer(refusal="the database system is starting up", code="57P03",
                                          needs_password=False),
        SERVER, ("not-ready",), "the database system is starting up", SCRIPTED, ("postgres",)),
    Row("a check of the token that takes too long", refusal("canceling authentication due to timeout", "57014"), SERVER,
        ("slow-verdict",), "canceling authentication due to timeout", SCRIPTED, ("postgres",)),
    Row("throttled logins", refusal("The IAM authentication failed because of too many competing requests."), SERVER,
        ("throttled",), "too many competing requests", SCRIPTED, ("postgres",)),
    Row("an RDS Proxy without the user's secret", refusal(
            f"This RDS proxy has no credentials for the role {USER}. Check the credentials for this role and try again."),
        SERVER, ("proxy-secret",), "no credentials for the role", SCRIPTED, ("postgres",)),
    Row("a user with a password of MariaDB", changed(user="native_user"), SERVER, ("no-token-sent",),
        "(using password: NO)", NOTHING, ("mysql",)),
    Row("an account that is locked", changed(user="locked_user", principal="every-user"), SERVER, ("locked",),
        "ERROR 4151", ACCEPTED, ("mysql",)),
    Row("a database that the user has no right to", changed(dbname="no_such_database"), IN, ("database-denied",),
        "ERROR 1044", ACCEPTED, ("mysql",)),
    Row("a database that does not exist", mysql_refusal(1049, "Unknown database 'x'", "42000"), IN, ("no-database",),
        "ERROR 1049", SCRIPTED, ("mysql",)),
    Row("throttled logins", mysql_refusal(1040, "IAM authentication rate limit exceeded"), SERVER, ("throttled",),
        "ERROR 1040 (HY000): IAM authentication rate limit exceeded", SCRIPTED, ("mysql",)),
    Row("IAM authentication is off", mysql_refusal(1524, "Plugin 'AWSAuthenticationPlugin' is not loaded", asks=()),
        SERVER, ("iam-off",), "ERROR 1524", SCRIPTED, ("mysql",)),
    Row("no free connection", instead_of_greeting(1040, "Too many connections"), SERVER, ("too-many-connections",),
        "Too many connections", SCRIPTED, ("mysql",)),
    Row("a host that no account allows", instead_of_greeting(
            1130, "Host '192.0.2.1' is not allowed to connect to this MySQL server"),
        SERVER, ("host-not-allowed",), "is not allowed to connect", SCRIPTED, ("mysql",)),
    Row("a host that is blocked", instead_of_greeting(
            1129, "Host '192.0.2.1' is blocked because of many connection errors"),
        SERVER, ("host-blocked",), "is blocked because of many connection errors", SCRIPTED, ("mysql",)),
)
ALIKE_USERS = (
    Row("no policy", changed(principal="no-policy"), SERVER, ALIKE, REFUSED, "AccessDenied: ImplicitDeny: no-policy"),
    Row("a Deny", changed(principal="denied"), SERVER, ALIKE, REFUSED, "AccessDenied: Deny: denied"),
    Row("another account", changed(principal="foreign"), SERVER, ALIKE, REFUSED,
        "AccessDenied: foreign is not in account"),
    Row("a policy that names another user", changed(principal="other-user"), SERVER, ALIKE, REFUSED,
        "AccessDenied: ImplicitDeny: other-user"),
    Row("a policy that names db- for cluster-, or cluster- for db-", changed(principal="other-resource"), SERVER,
        ALIKE, REFUSED, "AccessDenied: ImplicitDeny: other-resource"),
    Row("IAM authentication is off", refusal(f'PAM authentication failed for user "{USER}"'), SERVER, ALIKE, PAM,
        SCRIPTED, ("postgres",)),
    Row("a user whose name contains a word of another cause", lambda case, engine: refusal(
            'PAM authentication failed for user "replication"')(case, engine).change(user="replication"), SERVER, ALIKE,
        PAM, SCRIPTED, ("postgres",)),
    Row("a user whose name contains a word of another cause", lambda case, engine: mysql_refusal(
            1045, "Access denied for user 'replication'@'%' (using password: YES)", "28000")(case, engine).change(
                user="replication"), SERVER, ALIKE, DENIED, SCRIPTED, ("mysql",)),
    Row("a clock that is 10 minutes behind does no harm", lambda case, engine: clock(600)(case, engine).change(
            principal="no-policy"), SERVER, ALIKE, REFUSED, "AccessDenied: ImplicitDeny: no-policy"),
)
ALIKE_SESSIONS = (
    Row("a role without a policy", role("rds-access-powerless"), SERVER, ALIKE_SESSION, REFUSED,
        "AccessDenied: ImplicitDeny: "),
    Row("a session policy", role("rds-access", Policy=NO_CONNECT), SERVER, ALIKE_SESSION, REFUSED,
        "AccessDenied: ImplicitDeny: "),
)
ALIKE_TUNNELS = (
    Row("a tunnel that is mapped to another port", tunnel("{host}:3306"), SERVER, ALIKE_MAPPED, TUNNEL,
        "WrongHost: signed for "),
    Row("a tunnel and no policy", lambda case, engine: tunnel()(case, engine).change(principal="no-policy"), SERVER,
        ALIKE_MAPPED, TUNNEL, "AccessDenied: ImplicitDeny: no-policy"),
)
ALIKE_OTHER_KIND = (
    Row("a tunnel that is mapped to a database of another kind in the certificate", tunnel("{other}:{port}"), SERVER,
        {"postgres": ("policy-missing", "policy-resource", "policy-deny", "account", "iam-off", "signed-port"),
         "mysql": ("policy-missing", "policy-deny", "account", "user-missing", "user-plugin", "signed-port")},
        TUNNEL, "WrongHost: signed for "),
)
ALIKE_PROXY = (
    Row("a token that an RDS Proxy refuses", proxy(refusal=(
            f"The IAM authentication failed for the role {USER}. Check the IAM token for this role and try again.")),
        SERVER, PROXY, "The IAM authentication failed for the role", SCRIPTED, ("postgres",)),
    Row("a token that an RDS Proxy refuses", proxy(script=Script(verdict=error(
            1045, f"Access denied for user '{USER}'@'%' (using password: YES)", "28000"))),
        SERVER, PROXY, DENIED, SCRIPTED, ("mysql",)),
)
UNREACHABLE = (
    Row("a closed port", closed_port, UNREACHED, ("unreached",),
        {"postgres": "Connection refused", "mysql": "ERROR 2002"}, NOTHING),
    Row("a name that does not exist", changed(host="nope.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com"), UNREACHED,
        ("unreached",), {"postgres": "could not translate host name", "mysql": "ERROR 2005"}, NOTHING),
)
GOOD = (
    Row("a clock that is 10 minutes behind", clock(600), IN, (), GOOD_CLIENT, ACCEPTED),
    Row("a clock that is 4 minutes ahead", clock(-240), IN, (), GOOD_CLIENT, ACCEPTED),
    Row("STS that throttles the question for the identity", faulty(
            changed(), {"kind": "status", "service": "sts", "status": 400, "code": "Throttling", "times": None}),
        IN, (), GOOD_CLIENT, ACCEPTED),
    Row("a tunnel that is mapped", tunnel(), IN, (), {"postgres": GOOD_CLIENT, "mysql": None}, ACCEPTED),
    Row("a role that is assumed", lambda case, engine: section(
            role_arn="arn:aws:iam::123456789012:role/rds-access")(case, engine).change(principal="etl-base"), IN, (),
        GOOD_CLIENT, ACCEPTED),
)


class Causes(CheckCase):
    def run_row(self, row, engine):
        """Makes the cause, and runs check and the real client at the same time. Once for each row, also checks the
        text that check prints without --json."""
        login = row.make(self, engine)
        seen = len(self.lab.journal())
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            as_json = pool.submit(self.check, login)
            as_text = pool.submit(self.check_text, login) if engine == row.engines[-1] else as_json
            client = pool.submit(self.client, login) if of(row.client, engine) is not None else None
        output, text, client = as_json.result(), as_text.result(), client and client.result()
        sent = [v for v in self.lab.journal()[seen:] if v["token_length"] > 0]
        self.assertEqual((output.status, output.causes), (row.status, of(row.causes, engine)), output.stdout)
        if text is not output:
            self.assertEqual(text.status, output.status)
            self.assertEqual(text.stdout.count("\n  * "), len(output.causes))
        self.assert_client(of(row.client, engine), client)
        self.assert_proof(row.proof, sent, 1 + (text is not output) + (client is not None))
        return output

    def assert_client(self, expected, client):
        if expected == GOOD_CLIENT:
            self.assertEqual((client.status, client.stdout), (0, "1\n"), client.stderr)
        elif client is not None:
            self.assertNotEqual(client.status, 0)
            self.assertIn(expected, client.stderr)

    def assert_proof(self, proof, sent, count):
        """Checks what the verifier received from `count` programs, or what the scripted server received."""
        if proof == NOTHING:
            self.assertEqual(sent, [])
            if self.scripted is not None:
                self.assertGreaterEqual(self.scripted.connections, count, "control: the programs connected")
                self.assertEqual(traces.find(self.scripted.received, traces.secrets_of(self.lab.principals["etl"])), [])
        elif proof == ACCEPTED:
            self.assertEqual([v["reason"] for v in sent], [None] * count)
        elif proof not in (SCRIPTED, ANY):
            self.assertEqual([f"{v['reason']}: {v['detail']}"[:len(proof)] for v in sent], [proof] * count)

    def run_rows(self, *rows):
        """Runs every row with every engine. Returns the JSON texts by engine."""
        texts = {engine: [] for engine in EACH}
        for row in rows:
            for engine in row.engines:
                with self.subTest(row=row.name, engine=engine):
                    self.scripted = None
                    self.lab.clock(0)
                    self.lab.faults()
                    for name in (CONFIG, ".aws/config", ".aws/credentials"):
                        (self.home.path / name).unlink(missing_ok=True)
                    texts[engine].append(self.run_row(row, engine).stdout)
        return texts

    def assert_equal(self, texts):
        """Checks that the outputs differ only by names, numbers and times."""
        for engine in EACH:
            for text in texts[engine][1:]:
                self.assertEqual(neutral(text), neutral(texts[engine][0]))

    def test_causes_that_can_be_seen_on_the_client(self):
        self.run_rows(*ON_THE_CLIENT)

    def test_causes_for_which_no_token_is_sent(self):
        self.run_rows(*NOT_SENT)

    def test_credentials(self):
        self.run_rows(*NO_CREDENTIALS)

    def test_causes_that_the_server_names(self):
        self.run_rows(*THE_SERVER_NAMES_IT)

    def test_causes_of_users_that_look_alike(self):
        self.assert_equal(self.run_rows(*ALIKE_USERS[:5]))
        self.run_rows(*ALIKE_USERS[5:])

    def test_a_user_that_mariadb_does_not_have(self):
        """For a user that does not exist, MariaDB uses the plugin of another account. The user's name decides which
        account."""
        for user in ("missing_user", "Clickpipes_IAM_User", "nobody", "app"):
            with self.subTest(user=user):
                output = self.check(self.login_to("mysql", user=user))
                upper = {"user-case"} if user == "Clickpipes_IAM_User" else set()
                self.assertEqual(output.status, SERVER)
                self.assertIn(set(output.causes) - upper, ({"no-token-sent"}, set(ALIKE["mysql"])))
                self.assertLessEqual(upper, set(output.causes))

    def test_causes_of_sessions_that_look_alike(self):
        self.assert_equal(self.run_rows(*ALIKE_SESSIONS))

    def test_causes_of_tunnels_that_look_alike(self):
        self.assert_equal(self.run_rows(*ALIKE_TUNNELS))
        self.run_rows(*ALIKE_OTHER_KIND)

    def test_causes_of_proxies_that_look_alike(self):
        self.run_rows(*ALIKE_PROXY)

    def test_servers_that_are_not_reached(self):
        self.run_rows(*UNREACHABLE)

    def test_no_cause_is_named_if_the_login_succeeds(self):
        self.run_rows(*GOOD)


if __name__ == "__main__":
    harness.main()
