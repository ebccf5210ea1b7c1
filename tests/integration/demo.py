# SPDX-License-Identifier: MIT
"""The demonstration shows the files that a user writes, logins of two clients, and refusals by rds-iam, by the agent
and by the server. It also runs the example of RECIPES.md with a service of another AWS account.

If a login fails or an expected refusal is missing, the demonstration ends with status 1.
"""
import contextlib
import os
import pathlib
import shlex
import shutil
import signal
import sys
import textwrap
import time

from cloud import REGION, pod_settings, sts_settings
from labcase import USER, Home, harness, mariadb_plugins, rdslab
import recipes
from service import Services, agent_program
import surroundings

STATE_DIR = harness.WORK / "demo"
# The agent's default directory, if XDG_RUNTIME_DIR is the home.
AGENT_DIRECTORY = "rds-iam/run"
ACCESS_ROLE = "rds-access-clickpipes"
MARIADB_QUERY = (
    'select current_user() as user, variable_value as tls, @@version as version'
    ' from information_schema.session_status where variable_name = "ssl_version"')
POSTGRESQL_QUERY = (
    "select current_user as user, version as tls, current_setting($$server_version$$) as version"
    " from pg_stat_ssl where pid = pg_backend_pid()")


class Unexpected(Exception):
    """A login failed, or an expected message is missing."""


def title(text):
    print(f"\n== {text}\n", flush=True)


def show(name, text):
    print(f"{name}\n{textwrap.indent(text.rstrip(), '    ')}\n", flush=True)


class Pod(Home):
    """The home of a pod in another AWS account. The pod's environment names the lab's AWS endpoints."""

    def __init__(self, lab):
        super().__init__(lab)
        self.settings = pod_settings(self, "service")

    def env(self, principal=None, **extra):
        return {**super().env(principal, **self.settings),
                "PATH": f"{harness.PREFIX}/bin:{os.defpath}", **extra}


class Demo:
    def __init__(self, lab, home):
        self.lab = lab
        self.home = home
        self.services = Services(home, AGENT_DIRECTORY)

    def mariadb(self, *options, host=None, query="select 1"):
        return ["mariadb", *options, "-h", host or self.lab.mariadb.host,
                "-P", str(self.lab.mariadb.port), "-u", USER, "-e", query]

    @staticmethod
    def psql(service, query="select 1"):
        return ["psql", "-Xw", f"service={service}", "-c", query]

    def run(self, argv, principal="etl", **extra):
        """Prints the command line, runs the command and prints its output."""
        print("$ " + " ".join(f"{name}={value}" for name, value in extra.items())
              + (" " if extra else "") + shlex.join(argv), flush=True)
        result = self.home.run(argv, principal, **extra)
        print(textwrap.indent((result.stdout + result.stderr).rstrip(), "    ") + "\n", flush=True)
        return result

    def write_client_files(self):
        """Writes my.cnf and pg_service.conf. Returns their texts."""
        self.services.add("shop", gssencmode="disable")
        return (
            self.home.write(".my.cnf", textwrap.dedent(f"""\
                [client]
                plugin-dir={mariadb_plugins()}
                ssl-ca={self.lab.ca_file}
                ssl-verify-server-cert=1
                """)).read_text(),
            (self.home.path / ".pg_service.conf").read_text())

    def write_files(self):
        title("The files that a user writes, once")
        for name, text in zip(("~/.my.cnf", "~/.pg_service.conf"), self.write_client_files(), strict=True):
            show(name, text)
        principal = self.lab.principals["etl"]
        self.home.write(".aws/credentials", textwrap.dedent(f"""\
            [default]
            aws_access_key_id = {principal.access_key}
            aws_secret_access_key = {principal.secret_key}
            """))
        print("The AWS CLI reads ~/.aws/credentials, too.", flush=True)

    def log_in(self):
        for argv in (self.mariadb(query=MARIADB_QUERY), self.psql("shop", POSTGRESQL_QUERY)):
            result = self.run(argv, None)
            if result.returncode != 0 or USER not in result.stdout:
                raise Unexpected(f"{argv[0]} did not log in")

    def refusal(self, cause, argv, message, principal=None, **extra):
        print(f"-- {cause}")
        result = self.run(argv, principal, **extra)
        if result.returncode == 0 or message not in result.stderr:
            raise Unexpected(f"the refusal should contain: {message}")

    def refuse_in_the_client(self):
        title("Refused by rds-iam: mariadb prints the message of rds-iam")
        one = {"AWS_ACCESS_KEY_ID": "AKIALABETLEXAMPLE001"}
        rows = (
            ("TLS is switched off",
             self.mariadb("--skip-ssl", "--ssl-verify-server-cert=0"), "is not encrypted", {}),
            ("the server is not verified",
             self.mariadb("--ssl-verify-server-cert=0"), "ssl-verify-server-cert=1", {}),
            ("the host is not an RDS endpoint",
             self.mariadb(host="db.example.com"), "is not an RDS endpoint", {}),
            ("half a key pair", self.mariadb(), "AWS_SECRET_ACCESS_KEY is not", one),
            ("a profile that does not exist", self.mariadb(), "does not exist", {"AWS_PROFILE": "prdo"}),
            ("no credentials at all", self.mariadb(), "no AWS credentials",
             {"AWS_SHARED_CREDENTIALS_FILE": "/nowhere"}),
        )
        for cause, argv, message, extra in rows:
            self.refusal(cause, argv, message, **extra)

    def refuse_in_the_agent(self, agent):
        title("Refused by the agent: psql prints only that it has no password; the agent's log contains the reason")
        before = len(agent.log())
        self.services.add("weak", sslmode="require", gssencmode="disable")
        agent.await_log("[weak] has sslmode=require")
        self.refusal("the server would not be verified", self.psql("weak"), "no password supplied")
        show("the agent's log:", agent.log()[before:])

    def refuse_at_the_server(self):
        title("Refused by the server: the client gets no reason, but the lab's journal records the reason")
        # Keys in the environment take precedence over those in the file.
        self.refusal("the policy does not allow rds-db:connect", self.mariadb(), "ERROR 1045",
                     "no-policy")
        self.verdict("AccessDenied")
        self.lab.clock(1000)
        self.refusal("a token that is 16 minutes old (the server's clock is set ahead)", self.psql("shop"),
                     "PAM authentication failed")
        self.verdict("Expired")
        self.lab.clock(0)

    def tell_the_story(self):
        """Runs the example of an access role in RECIPES.md. self.home must be a Pod."""
        title("The example of RECIPES.md: a service of another AWS account logs in to both databases")
        self.write_client_files()
        role = self.lab.roles[ACCESS_ROLE]
        self.configure(role)
        show("the environment that Kubernetes and EKS set, here with the lab's addresses:", "\n".join(
            f"{name}={value}" for name, value in self.home.settings.items()))
        database = ["--hostname", self.lab.pg.host, "--port", str(self.lab.pg.port), "--username", USER]
        self.run(["rds-iam", "credentials", "--explain", *database], None)
        self.run(["rds-iam-agent", "--once", "--directory", str(self.services.directory)], None)
        self.log_in()
        found = {entry["principal"] for entry in self.lab.journal()[-2:]}
        show("the identity that both databases accepted, from the lab's journal:", "\n".join(found))
        if found != {role.session_arn("rds-iam")}:
            raise Unexpected("the journal should name the access role")
        self.configure(self.lab.roles["rds-access-untagged"])
        self.refusal("a role whose trust policy has no sts:TagSession", self.mariadb(),
                     "sts:TagSession must be allowed by both the caller's own policy and the role's")

    def configure(self, role):
        show("~/.config/rds-iam/config, as in RECIPES.md:", self.home.write(
            ".config/rds-iam/config", recipes.configuration(
                REGION=REGION, ACCOUNT_ID=role.account, ACCESS_ROLE=role.name)).read_text())

    def verdict(self, reason):
        entry = self.lab.last_verdict()
        show("the journal:", f"{entry['reason']}: {entry['detail']}")
        if entry["reason"] != reason:
            raise Unexpected(f"the journal should contain {reason}")


def leave_running(lab, home):
    """Leaves the lab and an agent running, writes a file for a shell of the user, and prints the commands that a user can
    type there."""
    (STATE_DIR / "lab").write_text(f"{lab.directory}\n")
    services = Services(home, AGENT_DIRECTORY)
    home.run([agent_program(), "--directory", services.directory], None)
    (STATE_DIR / "agent.pid").write_text((services.directory / "agent.pid").read_text())
    # rds-iam exec and rds-iam check read this file, which `rds-iam setup ca` writes for an ordinary user.
    home.write(".config/rds-iam/rds-ca.pem", lab.ca_file.read_text())
    # PATH finds rds-iam and rds-iam-agent as if they were installed in the system.
    env = home.env(None, PATH=f"{harness.PREFIX}/bin:{home.env(None)['PATH']}", LC_ALL="C.UTF-8",
                   XDG_RUNTIME_DIR=str(home.path), **sts_settings(lab))
    environment = STATE_DIR / "environment"
    environment.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in env.items()), encoding="utf-8")
    title("The servers keep running")
    print(textwrap.dedent(f"""\
        In another terminal, as the same user, start a shell that has only the variables of this demonstration:

            env -i TERM="$TERM" bash --rcfile {environment}

        In this shell, run:

            mariadb -h {lab.mariadb.host} -P {lab.mariadb.port} -u {USER} shop
            psql service=shop
            rds-iam exec -- psql -h {lab.pg.host} -p {lab.pg.port} -U {USER} shop
            rds-iam check --service shop
            rds-iam-agent --status

        The log of the agent: {services.directory}/agent.log
        To end everything:    tests/demo --end"""), flush=True)


def end_running():
    """Ends the processes that leave_running() left. Returns true if there were any."""
    found = STATE_DIR.exists()
    with contextlib.suppress(OSError, ValueError):
        os.kill(int((STATE_DIR / "agent.pid").read_text()), signal.SIGTERM)
    with contextlib.suppress(OSError):
        rdslab.end(pathlib.Path((STATE_DIR / "lab").read_text().strip()))
    shutil.rmtree(STATE_DIR, ignore_errors=True)
    return found


def demonstrate(keeps_running):
    start = time.monotonic()
    end_running()
    title("RDS on loopback")
    lab = rdslab.Lab(harness.BUILD, owner=None if keeps_running else "self").start()
    home = Home(lab)
    if keeps_running:
        STATE_DIR.mkdir(parents=True)
        home.path.rename(STATE_DIR / "home")
        home.path = STATE_DIR / "home"
    done = False
    try:
        print(f"{lab.pg.host}:{lab.pg.port}\n{lab.mariadb.host}:{lab.mariadb.port}\n"
              f"up after {time.monotonic() - start:.1f} s; only the clients of this demonstration can resolve the names")
        demo = Demo(lab, home)
        demo.write_files()
        with demo.services.agent(None) as agent:
            show(f"\n$ rds-iam-agent --foreground --directory {demo.services.directory} &", agent.log())
            if len(agent.log().splitlines()) != 1:
                raise Unexpected("the agent should accept the entry above without a warning")
            title("Two unchanged clients log in")
            demo.log_in()
            demo.refuse_in_the_client()
            demo.refuse_in_the_agent(agent)
            demo.refuse_at_the_server()
        pod = Pod(lab)
        try:
            Demo(lab, pod).tell_the_story()
        finally:
            pod.remove()
        done = True
        if keeps_running:
            leave_running(lab, home)
    finally:
        if not (done and keeps_running):
            home.remove()
            lab.stop()
            shutil.rmtree(STATE_DIR, ignore_errors=True)


def on_signal(number, frame):
    raise SystemExit(128 + number)


def main():
    hangup_ends = signal.getsignal(signal.SIGHUP) != signal.SIG_IGN  # false: nohup
    surroundings.reset_process()
    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGHUP, on_signal if hangup_ends else lambda number, frame: None)
    if sys.argv[1:] not in ([], ["--keep"], ["--end"]):
        print("usage: tests/demo [--keep | --end]; see tests/demo --help", file=sys.stderr)
        return 2
    if sys.argv[1:] == ["--end"]:
        print("ended" if end_running() else "nothing was running")
        return 0
    try:
        demonstrate(sys.argv[1:] == ["--keep"])
    except (Unexpected, rdslab.LabError, AssertionError) as error:
        print(f"tests/demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


sys.exit(main())
