# SPDX-License-Identifier: MIT
"""`rds-iam check` names the true cause of a refused login.

Each row makes one cause in the lab. The proof that it is this cause: the verifier's reason in the journal, or what a
scripted server sent. The real client must fail with the error of the row. A cause that can be seen on the client is
named alone. The causes that RDS hides behind one error are named together, and their outputs are equal.
"""
import re
import socket
from typing import NamedTuple

from check_case import CheckCase, Silent
from labcase import USER, harness
from mariadb_client import CONFIG
from mysql_peer import Script, error, switch
from rawclient import sts
from service import Services

PAM = "PAM authentication failed for user"
DENIED = "ERROR 1045 (28000): Access denied for user"
EACH = ("postgres", "mysql")

# The causes that look alike, if the credentials are those of an IAM user.
ALIKE = {
    "postgres": ("policy-missing", "policy-deny", "account", "iam-off"),
    "mysql": ("policy-missing", "policy-resource", "policy-deny", "account", "user-missing", "user-plugin"),
}
# The same, for a session of a role.
ALIKE_SESSION = {
    "postgres": ("policy-missing", "policy-deny", "session-policy", "account", "iam-off"),
    "mysql": ("policy-missing", "policy-resource", "policy-deny", "session-policy", "account", "user-missing",
              "user-plugin"),
}
IN, HERE, SERVER, UNREACHED = 0, 1, 3, 4
NOTHING = "no token was sent"
SCRIPTED = "a scripted server sent this error"


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
            target = endpoint.format(host=login.host, port=login.port)
            case.home.write(CONFIG, f"[127.0.0.1]\nendpoint = {target}\ntls = {tls}\n")
        return login.change(host="127.0.0.1")
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
    """The same for MySQL. With no `asks`, the server takes no token before."""
    return peer(script=Script(asks=asks, verdict=error(number, text, state)))


def closed_port(case, engine):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return case.login_to(engine, port=listener.getsockname()[1])


def silent(case, engine):
    case.scripted = case.enterContext(Silent())
    return case.login_to(engine, port=case.scripted.port)


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


NO_CONNECT = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'


# -- the tables ----------------------------------------------------------------------------------

ON_THE_CLIENT = (
    Row("another region in rds-iam's configuration", section(region="eu-west-1"), SERVER, ("region",),
        {"postgres": PAM, "mysql": DENIED}, "WrongScope: scope eu-west-1/rds-db"),
    Row("a session that has expired", changed(principal="etl-expired"), SERVER, ("keys-rejected",),
        {"postgres": PAM, "mysql": DENIED}, "Expired: the credentials of etl-expired"),
    Row("an access key that AWS does not know", changed(env={"AWS_ACCESS_KEY_ID": "AKIALABUNKNOWNEXAMPL"}), SERVER,
        ("keys-rejected",), {"postgres": PAM, "mysql": DENIED}, "InvalidClientTokenId: "),
    Row("a secret key of another access key", changed(env={"AWS_SECRET_ACCESS_KEY": "of/another+user"}), SERVER,
        ("keys-rejected",), {"postgres": PAM, "mysql": DENIED}, "SignatureDoesNotMatch: "),
    Row("a clock that is behind", clock(1000), SERVER, ("clock",),
        {"postgres": PAM, "mysql": DENIED}, "Expired: signed 100"),
    Row("a clock that is ahead", clock(-1000), SERVER, ("clock",),
        {"postgres": PAM, "mysql": DENIED}, "NotYetValid: signed "),
    Row("a password in the environment", lambda case, engine: case.login_to(engine, env={
            {"postgres": "PGPASSWORD", "mysql": "MYSQL_PWD"}[engine]: "an-old-password"}), SERVER, ("password-given",),
        {"postgres": PAM, "mysql": DENIED}, "Malformed: "),
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
        {"postgres": "127.0.0.1 is not an RDS endpoint", "mysql": "127.0.0.1 is not an RDS endpoint"}, NOTHING),
    Row("a tunnel whose section verifies the name", tunnel(tls="verify-full"), HERE, ("name-unverified",),
        {"postgres": "does not match host name", "mysql": "ERROR 20"}, NOTHING),
    Row("no credentials", changed(principal=None), HERE, ("no-credentials",),
        {"postgres": "no AWS credentials", "mysql": "no AWS credentials"}, NOTHING),
    Row("half a key pair", changed(principal=None, env={"AWS_ACCESS_KEY_ID": "AKIALABETLEXAMPLE001"}), HERE,
        ("no-credentials",), "AWS_SECRET_ACCESS_KEY", NOTHING),
    Row("no root certificates", changed(ca=None), HERE, ("no-root-certificates",), "", NOTHING),
    Row("a key that rds-iam does not have", section(regoin="eu-west-1"), HERE, ("no-endpoint",), "regoin", NOTHING),
)
THE_SERVER_NAMES_IT = (
    Row("throttled logins", refusal("The IAM authentication failed because of too many competing requests."), SERVER,
        ("throttled",), "too many competing requests", SCRIPTED, ("postgres",)),
    Row("throttled logins", mysql_refusal(1040, "IAM authentication rate limit exceeded"), SERVER,
        ("throttled",), "ERROR 1040 (HY000): IAM authentication rate limit exceeded", SCRIPTED, ("mysql",)),
    Row("IAM authentication is off", mysql_refusal(1524, "Plugin 'AWSAuthenticationPlugin' is not loaded", asks=()),
        SERVER, ("iam-off",), "ERROR 1524", SCRIPTED, ("mysql",)),
    Row("a user with a password of PostgreSQL", changed(user="scram_user"), SERVER, ("not-in-rds-iam",),
        "password authentication failed for user", "", ("postgres",)),
    Row("a user that does not exist", changed(user="missing_user"), SERVER, ("not-in-rds-iam",),
        "password authentication failed for user", "", ("postgres",)),
    Row("a user in another case", changed(user="Clickpipes_IAM_User"), SERVER, ("user-case", "not-in-rds-iam"),
        "password authentication failed for user", "", ("postgres",)),
    Row("a user with a password of MariaDB", changed(user="native_user"), SERVER, ("no-token-sent",),
        "(using password: NO)", NOTHING, ("mysql",)),
    Row("a user that may not log in", changed(user="nologin_user", principal="every-user"), IN, ("nologin",),
        'role "nologin_user" is not permitted to log in', "None", ("postgres",)),
    Row("a user whose connections are in use", changed(user="limited_user", principal="every-user"), IN,
        ("too-many-connections",), "too many connections for role", "None", ("postgres",)),
    Row("an account that is locked", changed(user="locked_user", principal="every-user"), SERVER, ("locked",),
        "ERROR 4151", "None", ("mysql",)),
    Row("no free connection", peer(refusal="sorry, too many clients already", code="53300", needs_password=False),
        SERVER, ("too-many-connections",), "too many clients already", SCRIPTED, ("postgres",)),
    Row("no free connection but for superusers",
        peer(refusal="remaining connection slots are reserved for non-replication superuser connections",
             code="53300", needs_password=False),
        SERVER, ("too-many-connections",), "remaining connection slots", SCRIPTED, ("postgres",)),
    Row("no free connection", peer(script=Script(greeting=error(1040, "Too many connections", None))), SERVER,
        ("too-many-connections",), "ERROR 1040", SCRIPTED, ("mysql",)),
    Row("a database that does not exist", changed(dbname="no_such_database"), IN, ("no-database",),
        'database "no_such_database" does not exist', "None", ("postgres",)),
    Row("a database that does not exist", changed(dbname="no_such_database"), IN, ("database-denied",),
        "ERROR 1044", "None", ("mysql",)),
)
ALIKE_ROWS = (
    Row("no policy", changed(principal="no-policy"), SERVER, ALIKE,
        {"postgres": PAM, "mysql": DENIED}, "AccessDenied: ImplicitDeny: no-policy"),
    Row("a Deny", changed(principal="denied"), SERVER, ALIKE,
        {"postgres": PAM, "mysql": DENIED}, "AccessDenied: ExplicitDeny: denied"),
    Row("another account", changed(principal="foreign"), SERVER, ALIKE,
        {"postgres": PAM, "mysql": DENIED}, "AccessDenied: foreign is not in account"),
    Row("a policy that names another user", changed(principal="other-user"), SERVER, ALIKE,
        {"postgres": PAM, "mysql": DENIED}, "AccessDenied: ImplicitDeny: other-user"),
    Row("a policy that names db- for cluster-, or cluster- for db-", changed(principal="other-resource"), SERVER,
        ALIKE, {"postgres": PAM, "mysql": DENIED}, "AccessDenied: ImplicitDeny: other-resource"),
    Row("IAM authentication is off", refusal(f'PAM authentication failed for user "{USER}"'), SERVER, ALIKE, PAM,
        SCRIPTED, ("postgres",)),
)
ALIKE_SESSIONS = (
    Row("a role without a policy", role("rds-access-powerless"), SERVER, ALIKE_SESSION,
        {"postgres": PAM, "mysql": DENIED}, "AccessDenied: ImplicitDeny: "),
    Row("a session policy", role("rds-access", Policy=NO_CONNECT), SERVER, ALIKE_SESSION,
        {"postgres": PAM, "mysql": DENIED}, "AccessDenied: ImplicitDeny: "),
)
UNREACHABLE = (
    Row("a closed port", closed_port, UNREACHED, ("unreached",),
        {"postgres": "Connection refused", "mysql": "ERROR 2002"}, NOTHING),
    Row("a name that does not exist", changed(host="nope.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com"), UNREACHED,
        ("unreached",), {"postgres": "could not translate host name", "mysql": "ERROR 2005"}, NOTHING),
    Row("a server that sends nothing", silent, UNREACHED, ("unreached",), None, NOTHING),
)


class Causes(CheckCase):
    def run_row(self, row, engine):
        login = row.make(self, engine)
        seen = len(self.lab.journal())
        output = self.check(login)
        verdicts = self.lab.journal()[seen:]
        text = self.check_text(login)
        client = self.client(login) if row.client is not None else None
        self.show(row, engine, output, client, verdicts)
        self.assertEqual((output.status, output.causes), (row.status, of(row.causes, engine)), output.stdout)
        self.assertEqual(text.status, output.status)
        self.assertEqual(text.stdout.count("\n  * "), len(output.causes))
        if client is not None:
            self.assertNotEqual(client.status, 0)
            self.assertIn(of(row.client, engine), client.stderr)
        self.assert_proof(row, verdicts)
        return output

    def show(self, row, engine, output, client, verdicts):
        print("#ROW", engine, row.name, output.status, output.causes, client and client.stderr.strip().replace("\n", " | ")[:250],
              [(v["reason"], v["detail"][:50]) for v in verdicts])

    def assert_proof(self, row, verdicts):
        sent = [v for v in verdicts if v["token_length"] > 0]
        if row.proof == NOTHING:
            self.assertEqual(sent, [])
        elif row.proof not in (SCRIPTED, ""):
            self.assertTrue(sent)
            self.assertIn(row.proof, f"{sent[-1]['reason']}: {sent[-1]['detail']}")

    def run_rows(self, rows):
        """Runs every row with every engine. Returns the outputs by engine."""
        outputs = {engine: [] for engine in EACH}
        for row in rows:
            for engine in row.engines:
                with self.subTest(row=row.name, engine=engine):
                    self.lab.clock(0)
                    (self.home.path / CONFIG).unlink(missing_ok=True)
                    outputs[engine].append(self.run_row(row, engine))
        return outputs

    def test_causes_that_can_be_seen_on_the_client(self):
        self.run_rows(ON_THE_CLIENT)

    def test_causes_for_which_no_token_is_sent(self):
        self.run_rows(NOT_SENT)

    def test_causes_that_the_server_names(self):
        self.run_rows(THE_SERVER_NAMES_IT)

    def test_causes_that_look_alike(self):
        self.run_rows(ALIKE_ROWS)
        self.run_rows(ALIKE_SESSIONS)

    def test_servers_that_are_not_reached(self):
        self.run_rows(UNREACHABLE)


harness.main()
