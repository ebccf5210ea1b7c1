# SPDX-License-Identifier: MIT
"""How `rds-iam check`'s tests make the causes of a refused login in the lab.

A maker is a function make(case, engine). It makes the cause for a test case, and returns the login to test
(check_case.Login). The functions here are makers or return makers, except those that make a token for given(). For each
row of cause_rows.py, the test case has an ExitStack, case.row. A maker registers there each process that must end, and
each parameter of the lab that must be set back, and the stack does this at the end of the row. The test case itself
sets back the lab's clock, the faults of the AWS services and the user's files before each row. A scripted server (peer)
ends only with the test.
"""
import os
import socket
import threading
import time

from labcase import USER, harness
from mariadb_client import CONFIG
from mysql_peer import Script, error, switch
from networks import Relay
from rawclient import sts
from service import Services

EACH = ("postgres", "mysql")


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
    """A login to 127.0.0.1, as through a tunnel; the lab's server listens there itself. If `endpoint` is not "",
    rds-iam's configuration has a section for 127.0.0.1. In `endpoint`, {other} is the host of the other engine's
    server."""
    def make(case, engine):
        login = case.login_to(engine)
        if endpoint:
            other = case.login_to(EACH[engine == "postgres"]).host
            target = endpoint.format(host=login.host, port=login.port, other=other)
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
    """A PostgreSQL server that takes the token and then sends this error."""
    return peer(refusal=text, code=code)


def mysql_refusal(number, text, state="HY000", asks=(switch("mysql_clear_password"),)):
    """A MySQL server that takes the token and then sends this error. With asks=(), it sends the error without a request
    for a token."""
    return peer(script=Script(asks=asks, verdict=error(number, text, state)))


def instead_of_greeting(number, text):
    """A MySQL server that sends an error in place of its greeting."""
    return peer(script=Script(greeting=error(number, text, None)))


def proxy(**script):
    """A scripted server under the name of an RDS Proxy."""
    def make(case, engine):
        return peer(**script)(case, engine).change(host="px.proxy-abcdefghijkl.us-east-1.rds.amazonaws.com")
    return make


def real_name_tunnel(case, engine):
    """A tunnel that listens on another port, under the endpoint's own name. rds-iam's configuration has no section for
    it."""
    login = case.login_to(engine)
    listener = case.row.enter_context(socket.create_server(("127.0.0.1", 0)))
    relay = Relay(listener, login.port)
    case.row.callback(relay.server_close)
    case.row.callback(relay.shutdown)
    threading.Thread(target=relay.serve_forever, daemon=True).start()
    port = listener.getsockname()[1]
    case.ports.append(port)
    return login.change(port=port, principal="asker")


def closed_port(case, engine):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return case.login_to(engine, port=listener.getsockname()[1])


def clock(offset):
    def make(case, engine):
        case.lab.clock(offset)
        return case.login_to(engine)
    return make


def role(name, **parameters):
    """The credentials of a role's session in environment variables, as if another program had obtained them."""
    def make(case, engine):
        lab = case.lab
        reply = sts(lab, lab.principals["etl-base"], Action="AssumeRole", RoleArn=lab.roles[name].arn,
                    RoleSessionName="check", **parameters)
        case.assertEqual(reply.status, 200, reply.body)
        return case.login_to(engine, principal=None, env=reply.keys().env())
    return make


def settings(variables, text=""):
    """AWS settings: environment variables that contain no keys, and the text of ~/.aws/config. In the text, {rds_access}
    becomes the ARN of the role rds-access, and so on for each role of the lab. In a variable, {http} becomes the URL of
    the lab's AWS."""
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
    """The login of another maker, while AWS services have these faults."""
    def with_faults(case, engine):
        login = make(case, engine)
        case.lab.faults(*faults)
        return login
    return with_faults


def given(token):
    """A password or token in the environment variable that the engine's client reads."""
    def make(case, engine):
        return case.login_to(engine, env={{"postgres": "PGPASSWORD", "mysql": "MYSQL_PWD"}[engine]: token(case, engine)})
    return make


def cut_token(case, engine):
    """The first 255 bytes of a token. A program whose buffer for passwords is this small sends them."""
    server = case.lab.pg if engine == "postgres" else case.lab.mariadb
    return case.lab.token("etl", server, USER)[:255]


def old_token(case, engine):
    server = case.lab.pg if engine == "postgres" else case.lab.mariadb
    return case.lab.token("etl", server, USER, at=time.time() - 1000)


def other_token(case, engine):
    """A token of another access key and for another port. If the access key were the client's own, the preload for
    libpq would replace the token by a new one."""
    server = case.lab.pg if engine == "postgres" else case.lab.mariadb
    return case.lab.token("every-user", server, USER, port=3309)


def service(agent="etl", **settings):
    """A service of pg_service.conf, and an agent. `agent` is the principal whose keys the agent has. None stands for an
    agent without credentials, False for no agent."""
    def make(case, engine):
        case.home.path.joinpath("runtime").mkdir(mode=0o700, exist_ok=True)
        services = Services(case.home, "runtime/rds-iam/run")
        services.add("prod", **settings)
        env = case.cloud_env(XDG_RUNTIME_DIR=str(case.home.path / "runtime"))
        if agent is not False:
            running = case.row.enter_context(services.agent(agent, wait=agent is not None, **env))
            if agent is None:
                running.await_log("no AWS credentials")
        return case.login_to(engine, host=None, port=None, user=None, ca=None, service="prod", env=env)
    return make


def option_file(mode=0o600, without=(), **more):
    """The group [client] of ~/.my.cnf, with the settings that `rds-iam setup mysql --all-servers` prints, and with the
    host, the port and the user."""
    def make(case, engine):
        server = case.lab.mariadb
        path = case.write_my_cnf(without=without, **{"host": server.host, "port": server.port, "user": USER, **more})
        path.chmod(mode)
        return case.login_to(engine, host=None, port=None, user=None, group="client")
    return make


def option_file_tunnel(is_mapped):
    """A login to 127.0.0.1, as through a tunnel, with the group [client] and its ssl-verify-server-cert=1. If `is_mapped`
    is true, rds-iam's configuration has a section with tls = verify-ca for 127.0.0.1."""
    def make(case, engine):
        if is_mapped:
            tunnel()(case, engine)
        return option_file(host="127.0.0.1")(case, engine)
    return make


def without_option_file(make):
    """The login of another maker, without an option file."""
    def without_file(case, engine):
        login = make(case, engine)
        (case.home.path / ".my.cnf").unlink()
        return login
    return without_file


def without_sts(**env):
    """The login while STS does not answer."""
    return changed(env={"AWS_ENDPOINT_URL_STS": "https://127.0.0.1:1", **env})


def oracle_plugin_dir(case, engine):
    """The group [client], whose plugin-dir is the directory with the plugin for Oracle's client library."""
    return option_file(plugin_dir=harness.installed("lib*/rds-iam/mysql"))(case, engine)


def stored_password(case, engine):
    """A password in ~/.pgpass. libpq sends it, so no token is made."""
    case.home.write(".pgpass", f"*:*:*:{USER}:an-old-password\n")
    return case.login_to(engine)


def other_passfile(case, engine):
    """A service whose passfile is the user's own ~/.pgpass and not one of the agent's."""
    stored_password(case, engine)
    return service(passfile=case.home.path / ".pgpass")(case, engine)


def replication(case, engine):
    """A replication connection while rds.iam_auth_for_replication is 0. RDS then refuses every token for such a
    connection."""
    case.lab.parameter("rds.iam_auth_for_replication", "0")
    case.row.callback(case.lab.parameter, "rds.iam_auth_for_replication", "1")
    return service(replication="database")(case, engine)


def iam_off(case, engine):
    case.lab.iam_authentication("postgresql", False)
    case.row.callback(case.lab.iam_authentication, "postgresql", True)
    return case.login_to(engine, principal="asker")


def alias(case, engine):
    """A host name that is a DNS alias of the database."""
    name = "db.example.com"
    return case.login_to(engine, host=name, port="PORT", aliases={
        name: "prod.cluster-abc123.eu-west-1.rds.amazonaws.com"})


# A shell command for a new mount namespace. It removes the file $2 from the directory $1 in this namespace, and runs
# the command that begins with $3.
WITHOUT = ('copy=$(mktemp -d) && mount -t tmpfs none "$copy" && cp -a "$1/." "$copy" && rm "$copy/$2"'
           ' && mount --bind "$copy" "$1" || exit 99; shift 2; exec "$@"')


def without(**objects):
    """An installation that lacks one file. `objects` maps each engine to the name of the file that is missing."""
    def make(case, engine):
        path = harness.installed(f"lib*/rds-iam/{objects[engine]}")
        user = [] if os.geteuid() == 0 else ["-r"]
        return case.login_to(engine, under=(
            "unshare", "-m", *user, "sh", "-c", WITHOUT, "sh", str(path.parent), path.name))
    return make


NO_CONNECT = ('{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["rds:Describe*", "iam:*"],'
              ' "Resource": "*"}]}')
