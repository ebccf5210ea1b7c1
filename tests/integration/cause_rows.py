# SPDX-License-Identifier: MIT
"""The causes of a refused login: what the clients and `rds-iam check` print, and how each cause is made in the lab.

The rows are in the groups of the manual (common/check/CAUSES.md). tool/test_check_causes.py runs the rows.
"""
from typing import NamedTuple

from cause_makers import (
    EACH, NO_CONNECT, alias, changed, clock, closed_port, cut_token, expired_sso, faulty, given, iam_off,
    instead_of_greeting, mysql_refusal, old_token, open_credentials, option_file, oracle_plugin_dir, other_passfile,
    other_token, peer, proxy, real_name_tunnel, refusal, replication, role, section, service, settings, stored_password, tunnel, without)
from labcase import USER
from mysql_peer import Script, error

PAM = "PAM authentication failed for user"
DENIED = "ERROR 1045 (28000): Access denied for user"
PG, MARIADB = EACH[:1], EACH[1:]

# The causes that look alike to a client with the credentials of an IAM user, behind a tunnel with a section.
ALIKE_MAPPED = {
    "postgres": ("signed-port", "policy-missing", "policy-deny", "account", "iam-off"),
    "mysql": ("signed-port", "user-missing", "policy-missing", "user-plugin", "policy-resource", "policy-deny", "account"),
}
# Without a tunnel, the causes are the same, because the lab's servers have unusual ports.
ALIKE = ALIKE_MAPPED
# The causes that look alike to a client with a session of a role.
ALIKE_SESSION = {
    "postgres": ("signed-port", "policy-missing", "policy-deny", "session-policy", "account", "iam-off"),
    "mysql": ("signed-port", "user-missing", "policy-missing", "user-plugin", "policy-resource", "policy-deny",
              "session-policy", "account"),
}
# The causes that look alike to a client of an RDS Proxy.
PROXY = {
    "postgres": ("signed-port", "policy-missing", "policy-resource", "policy-deny", "account"),
    "mysql": ("signed-port", "user-missing", "policy-missing", "user-plugin", "policy-resource", "policy-deny", "account"),
}


def proved(*causes):
    """The causes that --aws proves. For MySQL, two other causes are left, because AWS does not know the database's
    users."""
    return {"postgres": causes, "mysql": (*causes, "user-missing", "user-plugin")}


IN, HERE, SERVER, UNREACHED = 0, 1, 3, 4
NOTHING = "no token was sent"
ACCEPTED = "the verifier accepted the token"
SCRIPTED = "a scripted server sent this error"
ANY = "no proof is needed: the name of the user, or a parameter of the lab, makes the cause"
GOOD_CLIENT = "the client logs in"


class Row(NamedTuple):
    """One cause. If a field differs between the engines, it is a dict with the engine as the key."""

    name: str  # unique
    make: object  # a maker (cause_makers.py)
    status: object  # the exit status of `rds-iam check`
    causes: object  # the causes that `rds-iam check` names
    client: object  # a part of what psql or mariadb prints, or GOOD_CLIENT; None: no client is run
    proof: object  # the beginning of the verifier's "REASON: DETAIL", or NOTHING, ACCEPTED, SCRIPTED or ANY
    engines: tuple = EACH
    with_aws: object = None  # the causes that `rds-iam check --aws` names
    # True: the programs run one after the other, because otherwise one of them would wait for the credentials that
    # another one requests.
    one_by_one: bool = False


def of(value, engine):
    return value[engine] if isinstance(value, dict) else value


# -- the tables ----------------------------------------------------------------------------------

REFUSED = {"postgres": PAM, "mysql": DENIED}
TLS_ERROR = "ERROR 20"  # the beginning of an error 2000 to 2099 of MariaDB's library
# No client is run for MySQL: the my.cnf of each row makes the mariadb command verify the name 127.0.0.1, which the
# certificate does not contain.
TUNNEL = {"postgres": PAM, "mysql": None}
SETTINGS = (
    Row("a key that rds-iam does not have, in its configuration", section(regoin="eu-west-1"), HERE, ("no-endpoint",),
        "regoin", NOTHING),
    Row("an installation without the objects that send a token",
        without(postgres="librds-iam-pq.so", mysql="mariadb/mysql_clear_password.so"), HERE, ("installation",),
        {"postgres": "reinstall rds-iam", "mysql": "Plugin mysql_clear_password could not be loaded"}, NOTHING),
    Row("the agent is not running", service(agent=False), HERE, ("agent-not-running",), "no password supplied", NOTHING, PG),
    Row("the agent refuses the entry", service(sslmode="require"), HERE, ("service-refused",), "no password supplied",
        NOTHING, PG),
    Row("the agent has no credentials, although the user has some", service(agent=None), HERE, ("agent",),
        "no password supplied", NOTHING, PG),
    Row("a passfile that is not one of the agent's, and contains a password", other_passfile, SERVER,
        ("agent-does-not-serve",), PAM, "Malformed: ", PG),
    Row("a password in the service", service(password="an-old-password"), SERVER, ("password-given",), PAM,
        "Malformed: ", PG),
    Row("a password for this server in ~/.pgpass", stored_password, SERVER, ("password-given",), PAM, "Malformed: ", PG),
    Row("a password in the environment", given(lambda case, engine: "an-old-password"), SERVER, ("password-given",),
        REFUSED, "Malformed: "),
    Row("a token in the environment that was cut to 255 bytes", given(cut_token), SERVER, ("token-cut",), REFUSED,
        "Malformed: "),
    Row("a token in the environment that has expired", given(old_token), SERVER, ("token-expired",), DENIED, "Expired: ",
        MARIADB),
    Row("a token in the environment that is for another server", given(other_token), SERVER, ("token-for-other-server",),
        REFUSED, "WrongHost: "),
    Row("a password in the option file", option_file(password="an-old-password"), SERVER, ("password-given",), DENIED,
        "Malformed: ", MARIADB),
    Row("an option file that is not read, because every user can write it", option_file(mode=0o666), HERE,
        ("no-option-file",), "is ignored", NOTHING, MARIADB),
    Row("an option file without ssl-ca", option_file(without=("ssl-ca", "ssl-verify-server-cert")), HERE,
        ("no-ssl-ca",), "certificate was not verified", NOTHING, MARIADB),
    Row("an option file whose ssl-ca begins with ~", option_file(ssl_ca="~/rds-ca.pem"), HERE, ("no-ssl-ca",),
        "No such file or directory", NOTHING, MARIADB),
    Row("an option file whose plugin-dir is the one for libmysqlclient", oracle_plugin_dir, HERE, ("plugin-dir",),
        "Plugin mysql_clear_password could not be loaded", NOTHING, MARIADB),
    Row("an option file without plugin-dir", option_file(without=("plugin-dir",)), SERVER, ("plugin-dir",), DENIED, NOTHING,
        MARIADB),
)
CREDENTIALS = (
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
        HERE, ("no-credentials",), "STS says Throttling: Rate exceeded", NOTHING, one_by_one=True),
    Row("a session that has expired", changed(principal="etl-expired"), SERVER, ("keys-rejected",),
        REFUSED, "Expired: the credentials of etl-expired"),
    Row("an access key that AWS does not know", changed(env={"AWS_ACCESS_KEY_ID": "AKIALABUNKNOWNEXAMPL"}), SERVER,
        ("keys-rejected",), REFUSED, "InvalidClientTokenId: "),
    Row("a secret key of another access key", changed(env={"AWS_SECRET_ACCESS_KEY": "of/another+user"}), SERVER,
        ("keys-rejected",), REFUSED, "SignatureDoesNotMatch: "),
    Row("a clock that is behind, so that every token has expired", clock(1000), SERVER, ("clock",), REFUSED,
        "Expired: signed 100"),
    Row("a clock that is ahead", clock(-1000), SERVER, ("clock",), REFUSED, "NotYetValid: signed "),
)
NAMES = (
    Row("another region in rds-iam's configuration", section(region="eu-west-1"), SERVER, ("region",),
        REFUSED, "WrongScope: "),
    Row("a host name of your own (CNAME) without a section", alias, HERE, ("no-endpoint",), TLS_ERROR, NOTHING, MARIADB),
    Row("a tunnel without a section", tunnel(endpoint=None), HERE, ("no-endpoint",),
        {"postgres": "127.0.0.1 is not an RDS endpoint", "mysql": TLS_ERROR}, NOTHING),
    Row("a tunnel that is mapped to another database, which the certificate does not contain",
        tunnel("prod.cluster-abc123.eu-west-1.rds.amazonaws.com:3306"), SERVER, ("other-server",), TUNNEL,
        "WrongHost: signed for prod.cluster-abc123"),
    Row("a closed port", closed_port, UNREACHED, ("unreached",),
        {"postgres": "Connection refused", "mysql": "ERROR 2002"}, NOTHING),
    Row("a closed port, and no credentials", lambda case, engine: closed_port(case, engine).change(principal=None),
        UNREACHED, ("unreached", "no-credentials"), {"postgres": "Connection refused", "mysql": "ERROR 2002"}, NOTHING),
    Row("a name that does not exist", changed(host="nope.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com"), UNREACHED,
        ("unreached",), {"postgres": "could not translate host name", "mysql": "ERROR 2005"}, NOTHING),
)
TLS = (
    Row("another CA", peer("other_ca"), HERE, ("other-ca",),
        {"postgres": "certificate verify failed", "mysql": TLS_ERROR}, NOTHING),
    Row("a certificate that is its own CA", peer("self_signed"), HERE, ("other-ca",),
        {"postgres": "certificate verify failed", "mysql": TLS_ERROR}, NOTHING),
    Row("a certificate that has expired", peer("expired"), HERE, ("certificate-out-of-date",),
        {"postgres": "certificate verify failed", "mysql": TLS_ERROR}, NOTHING),
    Row("another name in the certificate", peer("wrong_name"), HERE, ("other-server",),
        {"postgres": "does not match host name", "mysql": TLS_ERROR}, NOTHING),
    Row("no TLS", peer(None), HERE, ("no-tls",),
        {"postgres": "server does not support SSL", "mysql": TLS_ERROR}, NOTHING),
    Row("a tunnel whose section verifies the name", tunnel(tls="verify-full"), HERE, ("name-unverified",),
        {"postgres": "does not match host name", "mysql": TLS_ERROR}, NOTHING),
    Row("a tunnel for which PGSSLMODE verifies the name", lambda case, engine: tunnel()(case, engine).change(
            env={"PGSSLMODE": "verify-full"}), HERE, ("name-unverified",), "does not match host name", NOTHING, PG),
    Row("no root certificates", changed(ca=None), HERE, ("no-root-certificates",),
        {"postgres": "no usable root certificates for RDS servers were found", "mysql": None}, NOTHING),
)
SERVER_NAMES_IT = (
    Row("a user with a password of PostgreSQL, who is not in rds_iam", changed(user="scram_user"), SERVER,
        ("not-in-rds-iam",), "password authentication failed for user", ANY, PG),
    Row("a user that does not exist in PostgreSQL", changed(user="missing_user"), SERVER, ("not-in-rds-iam",),
        "password authentication failed for user", ANY, PG),
    Row("a user name in the wrong case (upper or lower)", changed(user="Clickpipes_IAM_User"), SERVER,
        ("user-case", "not-in-rds-iam"), "password authentication failed for user", ANY, PG),
    Row("a user with a password of MariaDB, not created with AWSAuthenticationPlugin", changed(user="native_user"),
        SERVER, ("no-token-sent",), "(using password: NO)", NOTHING, MARIADB),
    Row("a user that may not log in", changed(user="nologin_user", principal="every-user"), SERVER, ("no-login-right",),
        'role "nologin_user" is not permitted to log in', ACCEPTED, PG),
    Row("an account that is locked", changed(user="locked_user", principal="every-user"), SERVER, ("locked",),
        "ERROR 4151", ACCEPTED, MARIADB),
    Row("a database that does not exist", {
            "postgres": changed(dbname="no_such_database"), "mysql": mysql_refusal(1049, "Unknown database 'x'", "42000")},
        SERVER, ("no-database",), {"postgres": 'database "no_such_database" does not exist', "mysql": "ERROR 1049"},
        {"postgres": ACCEPTED, "mysql": SCRIPTED}),
    Row("a database that the user has no right to", {
            "postgres": refusal('permission denied for database "shop"', "42501"),
            "mysql": changed(dbname="no_such_database")},
        SERVER, ("database-denied",), {"postgres": "permission denied for database", "mysql": "ERROR 1044"},
        {"postgres": SCRIPTED, "mysql": ACCEPTED}),
    Row("a user whose connections are in use", changed(user="limited_user", principal="every-user"), SERVER,
        ("too-many-connections",), "too many connections for role", ACCEPTED, PG),
    Row("a database whose connections are in use", refusal('too many connections for database "shop"', "53300"),
        SERVER, ("too-many-connections",), "too many connections for database", SCRIPTED, PG),
    Row("no free connection", {
            "postgres": peer(refusal="sorry, too many clients already", code="53300", needs_password=False),
            "mysql": instead_of_greeting(1040, "Too many connections")},
        SERVER, ("too-many-connections",), {"postgres": "too many clients already", "mysql": "Too many connections"},
        SCRIPTED),
    Row("no free connection except for superusers",
        peer(refusal="remaining connection slots are reserved for non-replication superuser connections",
             code="53300", needs_password=False),
        SERVER, ("too-many-connections",), "remaining connection slots", SCRIPTED, PG),
    Row("no access rule", peer(refusal='no pg_hba.conf entry for host "192.0.2.1", user "x", database "y", SSL on',
                               needs_password=False),
        SERVER, ("hba",), "no pg_hba.conf entry", SCRIPTED, PG),
    Row("a host that no account allows", instead_of_greeting(
            1130, "Host '192.0.2.1' is not allowed to connect to this MySQL server"),
        SERVER, ("host-not-allowed",), "is not allowed to connect", SCRIPTED, MARIADB),
    Row("a host that is blocked", instead_of_greeting(
            1129, "Host '192.0.2.1' is blocked because of many connection errors"),
        SERVER, ("host-blocked",), "is blocked because of many connection errors", SCRIPTED, MARIADB),
    Row("a server that is starting", peer(refusal="the database system is starting up", code="57P03",
                                          needs_password=False),
        SERVER, ("not-ready",), "the database system is starting up", SCRIPTED, PG),
    Row("a check of the token that takes too long", refusal("canceling authentication due to timeout", "57014"), SERVER,
        ("slow-verdict",), "canceling authentication due to timeout", SCRIPTED, PG),
    Row("throttled logins", {
            "postgres": refusal("The IAM authentication failed because of too many competing requests."),
            "mysql": mysql_refusal(1040, "IAM authentication rate limit exceeded")},
        SERVER, ("throttled",), {"postgres": "too many competing requests",
                                 "mysql": "ERROR 1040 (HY000): IAM authentication rate limit exceeded"}, SCRIPTED),
    Row("an RDS Proxy without the user's secret", refusal(
            f"This RDS proxy has no credentials for the role {USER}. Check the credentials for this role and try again."),
        SERVER, ("proxy-secret",), "no credentials for the role", SCRIPTED, PG),
    Row("IAM authentication is off for a MySQL or MariaDB database",
        mysql_refusal(1524, "Plugin 'AWSAuthenticationPlugin' is not loaded", asks=()), SERVER, ("iam-off",),
        "ERROR 1524", SCRIPTED, MARIADB),
)
ALIKE_USERS = (
    Row("no policy", changed(principal="asker-no-policy"), SERVER, ALIKE, REFUSED,
        "AccessDenied: ImplicitDeny: asker-no-policy", with_aws=proved("policy-missing")),
    Row("a Deny", changed(principal="asker-denied"), SERVER, ALIKE, REFUSED, "AccessDenied: Deny: asker-denied",
        with_aws=proved("policy-deny")),
    Row("another account", changed(principal="asker-foreign"), SERVER, ALIKE, REFUSED,
        "AccessDenied: asker-foreign is not in account", with_aws=proved("account")),
    Row("a policy that names another user", changed(principal="asker-other-user"), SERVER, ALIKE, REFUSED,
        "AccessDenied: ImplicitDeny: asker-other-user", with_aws=proved("policy-missing")),
    Row("a policy that names the instance (db-) in place of the cluster (cluster-)",
        changed(principal="asker-other-resource"), SERVER, ALIKE, REFUSED,
        "AccessDenied: ImplicitDeny: asker-other-resource",
        with_aws={**proved("policy-missing"), "mysql": proved("policy-resource")["mysql"]}),
    Row("IAM authentication is off for a PostgreSQL database", iam_off, SERVER, ALIKE, PAM, "IamOff: ", PG,
        with_aws=("iam-off",)),
    Row("a user whose name contains a word of another cause", {
            "postgres": lambda case, engine: refusal(
                'PAM authentication failed for user "replication"')(case, engine).change(user="replication"),
            "mysql": lambda case, engine: mysql_refusal(
                1045, "Access denied for user 'replication'@'%' (using password: YES)", "28000")(case, engine).change(
                    user="replication")},
        SERVER, ALIKE, REFUSED, SCRIPTED),
    Row("no policy, and a clock that is 10 minutes behind (the clock does no harm)", lambda case, engine: clock(600)(
            case, engine).change(principal="no-policy"), SERVER, ALIKE, REFUSED, "AccessDenied: ImplicitDeny: no-policy"),
)
ALIKE_SESSIONS = (
    Row("a role without a policy", role("rds-access-asker-powerless"), SERVER, ALIKE_SESSION, REFUSED,
        "AccessDenied: ImplicitDeny: ", with_aws=proved("policy-missing")),
    Row("a session policy", role("rds-access-asker", Policy=NO_CONNECT), SERVER, ALIKE_SESSION, REFUSED,
        "AccessDenied: ImplicitDeny: ", with_aws={
            "postgres": ("session-policy", "service-control-policy"),
            "mysql": ("user-missing", "user-plugin", "session-policy", "service-control-policy")}),
)
ALIKE_TUNNELS = (
    Row("a tunnel that is mapped to another port", lambda case, engine: tunnel("{host}:3309")(case, engine).change(
            principal="asker"), SERVER, ALIKE_MAPPED, TUNNEL, "WrongHost: signed for ", with_aws=proved("signed-port")),
    Row("a tunnel and no policy", lambda case, engine: tunnel()(case, engine).change(principal="asker-no-policy"), SERVER,
        ALIKE_MAPPED, TUNNEL, "AccessDenied: ImplicitDeny: asker-no-policy", with_aws=proved("policy-missing")),
)
ALIKE_OTHERS = (
    Row("a tunnel under the endpoint's own name, on another port and without a section", real_name_tunnel, SERVER, ALIKE,
        REFUSED, "WrongHost: signed for ", with_aws=proved("signed-port")),
    Row("a tunnel that is mapped to another database, which the certificate contains too", tunnel("{other}:{port}"),
        SERVER,
        {"postgres": ("signed-port", "policy-missing", "policy-resource", "policy-deny", "account", "iam-off"),
         "mysql": ("signed-port", "user-missing", "policy-missing", "user-plugin", "policy-deny", "account")},
        TUNNEL, "WrongHost: signed for "),
    Row("a replication connection without rds.iam_auth_for_replication=1", replication, SERVER,
        ("replication-parameter", *ALIKE["postgres"]), PAM, ANY, PG),
    Row("a token that an RDS Proxy refuses", {
            "postgres": proxy(refusal=(
                f"The IAM authentication failed for the role {USER}. Check the IAM token for this role and try again.")),
            "mysql": proxy(script=Script(verdict=error(
                1045, f"Access denied for user '{USER}'@'%' (using password: YES)", "28000")))},
        SERVER, PROXY, {"postgres": "The IAM authentication failed for the role", "mysql": DENIED}, SCRIPTED),
)
GOOD = (
    Row("a clock that is 10 minutes behind", clock(600), IN, (), GOOD_CLIENT, ACCEPTED),
    Row("a clock that is 4 minutes ahead", clock(-240), IN, (), GOOD_CLIENT, ACCEPTED),
    Row("STS that throttles the request for the identity", faulty(
            changed(), {"kind": "status", "service": "sts", "status": 400, "code": "Throttling", "times": None}),
        IN, (), GOOD_CLIENT, ACCEPTED),
    Row("a tunnel that is mapped", tunnel(), IN, (), {"postgres": GOOD_CLIENT, "mysql": None}, ACCEPTED),
    Row("a role that is assumed", lambda case, engine: section(
            role_arn="arn:aws:iam::123456789012:role/rds-access")(case, engine).change(principal="etl-base"), IN, (),
        GOOD_CLIENT, ACCEPTED),
)

# The groups of the manual, in its order.
GROUPS = (
    ("Settings", SETTINGS),
    ("Credentials", CREDENTIALS),
    ("Name and network", NAMES),
    ("TLS", TLS),
    ("The server's refusal names the cause", SERVER_NAMES_IT),
    ("The server's refusal is the same for several causes",
     (*ALIKE_USERS, *ALIKE_SESSIONS, *ALIKE_TUNNELS, *ALIKE_OTHERS)),
    ("Not a cause: these logins succeed", GOOD),
)
