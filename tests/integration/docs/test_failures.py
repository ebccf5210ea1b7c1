# SPDX-License-Identifier: MIT
"""The README's table "When it fails": the lab makes the cause of each row, and psql or mariadb then prints the row's text.

../tool/test_check_causes.py tests what `rds-iam check` concludes from each cause.
"""
import re
import socket

from check_case import CheckCase
from documents import README, rows
from labcase import harness
from mariadb_client import CONFIG
from service import Services
import cause_makers as causes

TITLE = "When it fails"


def texts(path=README):
    """The texts in the first cell of each row. Three dots stand for any text."""
    return [text for cells in rows(path, TITLE) for text in re.findall(r"`([^`]+)`", cells[0])]


def pattern(text):
    return ".*".join(re.escape(part) for part in text.split(" ... "))


def without_exec(case, engine):
    """mariadb without rds-iam exec and without an option file."""
    case.bare = True
    return case.login_to(engine)


def with_the_agent_gone(case, engine, **settings):
    services = Services(case.home)
    services.add("prod", **settings)
    case.bare = True
    return case.login_to(engine, env={"PGSERVICE": "prod"}, host="", port="", user="")


def with_a_prompt(case, engine):
    """psql that may ask for a password, without a terminal: it then prints the prompt to stderr."""
    case.may_ask = True
    return with_the_agent_gone(case, engine)


def with_a_missing_ca(case, engine):
    """A service whose sslrootcert does not exist."""
    return with_the_agent_gone(case, engine, sslrootcert=case.home.path / "missing.pem")


def lines_with_ca(name):
    """The user's my.cnf with another ssl-ca: `name` is an attribute of the lab that is a CA file, or the name of a file
    that does not exist."""
    def make(case, engine):
        case.write_my_cnf(ssl_ca=getattr(case.lab, name, case.home.path / name))
        case.bare = True
        return case.login_to(engine)
    return make


def unverified(case, engine):
    """The user's my.cnf without ssl-verify-server-cert, and no rds-iam exec."""
    case.write_my_cnf(without=("ssl-verify-server-cert",))
    case.bare = True
    return case.login_to(engine)


def local_server(case, engine):
    """A server without TLS. The user's my.cnf has its TLS lines in [client], so they apply to this server, too."""
    case.write_my_cnf()
    case.bare = True
    return causes.peer(None)(case, engine)


def verified_tunnel(case, engine):
    """A tunnel that rds-iam's configuration maps with tls = verify-ca, and a my.cnf that verifies the name."""
    case.write_my_cnf()
    case.bare = True
    return causes.tunnel()(case, engine)


def full_port(case):
    """The port of a listener on loopback whose backlog is full. The kernel ignores further connections, as a security
    group does, so clients hang."""
    listener = case.enterContext(socket.socket())
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    for _ in range(2):  # a backlog of 0 has room for one connection
        client = case.enterContext(socket.socket())
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
    return listener.getsockname()[1]


def hangs(**changes):
    """A server that does not answer."""
    return lambda case, engine: case.login_to(engine, port=full_port(case), **changes)


def hangs_without_limit(case, engine):
    """A server that does not answer, and a client without a time limit. tcp_user_timeout makes the kernel give up earlier
    than after its usual two minutes."""
    server = case.lab.pg.host
    return with_the_agent_gone(case, engine, host=server, port=full_port(case), tcp_user_timeout=500)


def hangs_with_limit(case, engine):
    """A server that does not answer, and the time limit of mariadb."""
    case.bare = True
    case.options = ("--connect-timeout=1",)
    return hangs()(case, engine)


def role_without_trust(case, engine):
    return causes.section(role_arn="arn:aws:iam::123456789012:role/instance")(case, engine)


# The name of an endpoint that does not exist.
MISSING_HOST = "missing.abcdefghijkl.us-east-1.rds.amazonaws.com"
# {text of a row: (engine, maker of the cause)}; see cause_makers.py.
CAUSES = {
    "timeout expired": ("postgres", hangs(env={"PGCONNECT_TIMEOUT": "2"})),
    "Connection timed out": ("postgres", hangs_without_limit),
    "Can't connect to server on ... (110)": ("mysql", hangs_with_limit),
    "Connection refused": ("postgres", causes.closed_port),
    "Can't connect to server on ... (115)": ("mysql", causes.closed_port),
    "PAM authentication failed for user": ("postgres", causes.changed(principal="no-policy")),
    "ERROR 1045 (28000): Access denied for user ... (using password: YES)":
        ("mysql", causes.changed(principal="no-policy")),
    "ERROR 1045 (28000): Access denied for user ... (using password: NO)": ("mysql", without_exec),
    "password authentication failed for user": ("postgres", causes.changed(user="missing_user")),
    "fe_sendauth: no password supplied": ("postgres", with_the_agent_gone),
    "Password for user": ("postgres", with_a_prompt),
    "was not verified, so no token was sent": ("mysql", unverified),
    "host name was not verified": ("postgres", causes.changed(env={"PGSSLMODE": "verify-ca"})),
    "would send the token to an unverified server": ("postgres", causes.changed(env={"PGSSLMODE": "require"})),
    "no AWS credentials": ("postgres", causes.changed(principal=None)),
    "run: aws sso login --profile": ("mysql", causes.expired_sso),
    "is not authorized to perform: sts:AssumeRole": ("postgres", role_without_trust),
    "is not an RDS endpoint": ("postgres", causes.tunnel(endpoint=None)),
    "no usable root certificates for RDS servers were found": ("postgres", causes.changed(ca=None)),
    "root certificate file ... does not exist": ("postgres", with_a_missing_ca),
    "change sslmode to disable server certificate verification": ("postgres", with_a_missing_ca),
    "TLS/SSL error: No such file or directory": ("mysql", lines_with_ca("missing.pem")),
    "certificate verify failed": ("postgres", causes.peer("other_ca")),
    "self-signed certificate in certificate chain": ("mysql", lines_with_ca("other_ca_file")),
    "does not match host name": ("postgres", causes.peer("wrong_name")),
    "Validation of SSL server certificate failed": ("mysql", verified_tunnel),
    "server does not support SSL, but SSL was required": ("postgres", causes.peer(None)),
    "SSL is required, but the server does not support it": ("mysql", local_server),
    "ERROR 1524 (HY000): Plugin 'AWSAuthenticationPlugin' is not loaded":
        ("mysql", causes.mysql_refusal(1524, "Plugin 'AWSAuthenticationPlugin' is not loaded", asks=())),
    "could not translate host name": ("postgres", causes.changed(host=MISSING_HOST)),
    "Unknown server host": ("mysql", causes.changed(host=MISSING_HOST)),
    "no pg_hba.conf entry": ("postgres", causes.peer(
        refusal='no pg_hba.conf entry for host "192.0.2.1", user "x", database "y", no encryption', needs_password=False)),
}


class Failures(CheckCase):
    def setUp(self):
        super().setUp()
        self.clean()

    def clean(self):
        self.bare = self.may_ask = False
        self.scripted, self.options = None, ()
        self.lab.clock(0)
        for name in (CONFIG, ".aws/config", ".my.cnf", ".pg_service.conf"):
            (self.home.path / name).unlink(missing_ok=True)

    def output(self, text):
        """What the client prints if the cause of this row exists."""
        engine, make = CAUSES[text]
        login = make(self, engine)
        return self.bare_client(login) if self.bare else self.client(login)

    def bare_client(self, login):
        """Runs psql or mariadb without rds-iam exec."""
        engine = login.engine
        psql = ["setsid", "--wait", "psql"] if self.may_ask else ["psql", "-w"]
        command = [*psql, "-XAtc", "select 1"] if engine == "postgres" else [
            "mariadb", *self.options, "-h", login.host, "-P", str(login.port), "-u", login.user, "-e", "select 1"]
        return self.run_argv(command, login)

    def test_each_row_is_what_the_client_prints(self):
        for text in texts():
            with self.subTest(text=text):
                self.clean()
                output = self.output(text)
                self.assertNotEqual(output.status, 0)
                self.assertRegex(output.stderr, pattern(text))

    def test_no_defaults_with_the_lines_of_setup_as_options(self):
        """The remedies for --no-defaults. The control is a login that has --no-defaults and none of the options."""
        lines = self.run_argv([harness.installed("bin/rds-iam"), "setup", "mysql", "--ssl-ca", str(self.lab.ca_file)],
                              self.login_to("mysql")).stdout
        options = tuple(f"--{line}" for line in lines.splitlines() if re.match(r"[a-z-]+=", line))
        self.assertEqual(len(options), 3, lines)
        self.bare = True
        self.write_my_cnf()
        for words, status in (("--no-defaults",), 1), (("--no-defaults", *options), 0), (
                (f"--defaults-extra-file={self.home.path / '.my.cnf'}",), 0):
            with self.subTest(words=words):
                self.options = words
                self.assertEqual(self.bare_client(self.login_to("mysql")).status, status)

    def test_each_row_has_a_cause(self):
        self.assertEqual(sorted(texts()), sorted(CAUSES))

    def test_control_a_row_with_another_text_is_found(self):
        planted = self.home.write("README.md", README.read_text(encoding="utf-8").replace(
            "`is not an RDS endpoint`", "`is no RDS endpoint at all`"))
        self.assertEqual(set(texts(planted)) - set(CAUSES), {"is no RDS endpoint at all"})
        self.assertNotRegex(self.output("is not an RDS endpoint").stderr, pattern("is no RDS endpoint at all"))


if __name__ == "__main__":
    harness.main()
