# SPDX-License-Identifier: MIT
"""Runs RDS on loopback, for tests (class Lab) and from the command line.

    with Lab(build_dir) as lab:
        password = lab.token("etl", lab.pg, "clickpipes_iam_user")
        subprocess.run(["psql", ...], env=lab.client_env(PGPASSWORD=password), timeout=30)
        assert lab.last_verdict()["reason"] is None

    tests/python tests/lab/rdslab.py up --build-dir DIR [--owner PID] [--env | --wait]
    tests/python tests/lab/rdslab.py down --build-dir DIR

The lab is a separate process (labd.py). A lab of class Lab ends when the process that started it ends, even if that
process is killed (see the argument owner). A lab of `up` without --owner and --wait runs until `down`.
"""
import argparse
import base64
import json
import os
import pathlib
import secrets
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

import fixture
import place
import process
from certificates import Certificates, CloudCertificates
from fixture import Keys, LabError  # noqa: F401
from namespace import USUAL_PORTS, Network

START_TIMEOUT_SECONDS = 240
STOP_TIMEOUT_SECONDS = 120
HTTP_TIMEOUT_SECONDS = 60
TOKEN_END_TIMEOUT_SECONDS = 60  # in addition to the tokens' life


@dataclass(frozen=True)
class Server:
    """The address of one database. host resolves only with Lab.client_env()."""

    engine: str
    host: str
    port: int
    resource_id: str
    region: str


class Lab:
    """One running lab. Raises LabError, with one message for the user, if it cannot run.

    The lab ends with the process `owner`. By default this is the calling process; with None, the lab runs until
    down() ends it.
    """

    def __init__(self, build_dir, owner="self", modules=None):
        self._build_dir = pathlib.Path(build_dir).resolve()
        self._owner = os.getpid() if owner == "self" else owner
        self._modules = pathlib.Path(modules or self._build_dir / "tests" / "lab").resolve()
        self._labd = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *exception):
        self.stop()

    def start(self):
        """Starts the lab and fills the attributes. Returns self."""
        command = [process.PYTHON, str(fixture.HERE / "labd.py")]
        command += ["--build-dir", str(self._build_dir), "--modules", str(self._modules)]
        command += ["--owner", str(self._owner)] if self._owner is not None else []
        self._labd = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=process.environment(self._build_dir),
            cwd="/",
            start_new_session=True,
            text=True,
        )
        watchdog = _Watchdog(self._labd, START_TIMEOUT_SECONDS)
        line = self._labd.stdout.readline()
        watchdog.cancel()
        try:
            message = json.loads(line)
        except ValueError:
            message = {"error": f"labd did not start: {(line + self._rest()).strip()}"}
        if "error" in message:
            self.stop()
            raise LabError(message["error"])
        self._fill(message["lab"])
        self.life = None
        return self

    def stop(self):
        """Stops the lab. Its servers and its directory no longer exist afterwards."""
        if self._labd is None:
            return
        self._labd.terminate()
        try:
            self._labd.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._labd.kill()
            self._labd.wait(STOP_TIMEOUT_SECONDS)
        self._labd.stdout.close()
        self._labd = None

    def _fill(self, state):
        entries = fixture.load()
        trust = Certificates(state["certificates"])
        self.state = state
        self.directory = pathlib.Path(state["directory"])
        self.hosts_file = self.directory / "hosts"
        self.home = self.directory / "home"
        self.certificates = trust
        self.ca_file = trust.ca_file
        self.other_ca_file = trust.other_ca_file
        self.principals = entries.principals
        self.passwords = entries.passwords
        self.database_name = entries.database_name
        self.certified_name = entries.certified_names[0]
        self.pg = self._server(entries.databases["postgresql"])
        self.mariadb = self._server(entries.databases["mariadb"])
        self.dsql = self._server(entries.dsql, "postgresql")
        self.dsql_private_host = entries.dsql.endpoints[1]
        self.mariadb_reader_host = entries.databases["mariadb"].endpoints[1]
        self._fill_cloud(state, entries)

    def _fill_cloud(self, state, entries):
        trust = CloudCertificates(state["cloud_certificates"])
        ports = state["cloud_ports"]
        self.roles = entries.roles
        self.cloud = entries.cloud
        self.cloud_http = f"http://127.0.0.1:{ports['http']}"
        self.cloud_https = f"https://127.0.0.1:{ports['https']}"
        self.cloud_ca_file = trust.ca_file
        self.cloud_certificate = trust.server
        self.provider_key = trust.provider_key

    def _server(self, database, server=None):
        """server is the name of the server that simulates the database; None: the server of the database's engine."""
        return Server(
            engine=database.engine,
            host=database.endpoints[0],
            port=self.state["ports"][server or database.engine],
            resource_id=database.resource_id,
            region=database.region,
        )

    def client_env(self, **extra):
        """The whole environment for a client. The lab's host names resolve, HOME is private and empty, no tool asks
        this machine's metadata service, and no variable of the caller is included."""
        return {
            "PATH": process.PATH,
            "HOME": str(self.home),
            "LD_PRELOAD": "libnss_wrapper.so",
            "NSS_WRAPPER_HOSTS": str(self.hosts_file),
            "AWS_EC2_METADATA_DISABLED": "true",
            # Set by tests/sanitize: libnss_wrapper's default does not work in a program with the address sanitizer.
            **{name: os.environ[name] for name in ("NSS_WRAPPER_DISABLE_DEEPBIND",) if name in os.environ},
            **extra,
        }

    def token(self, principal, server, user, **overrides):
        """A token made by botocore, signed at the real time. overrides are arguments of mint(), such as host, port,
        region, service, at, life."""
        from mint import mint  # imported here because it imports botocore, which is slow

        if isinstance(principal, str):
            principal = self.principals[principal]
        target = {"host": server.host, "port": server.port, "region": server.region}
        return mint(principal, user=user, **{**target, **overrides})

    def dsql_token(self, principal, action, **overrides):
        """A token of Aurora DSQL made by botocore. overrides are arguments of mint_dsql(), such as host or at."""
        from mint import mint_dsql  # imported here because it imports botocore, which is slow

        target = {"host": self.dsql.host, "region": self.dsql.region}
        return mint_dsql(self.principals[principal], action=action, **{**target, **overrides})

    def journal(self):
        """All verdicts so far, oldest first."""
        return [json.loads(line) for line in self._http("/journal").splitlines()]

    def last_verdict(self):
        """The newest journal entry, or None."""
        entries = self.journal()
        return entries[-1] if entries else None

    def clock(self, offset):
        """Sets the clock of the verifier and of the AWS services to the real time plus `offset` seconds. Ends
        the effect of token_life() and expire_tokens()."""
        self._set_clock(offset)

    def token_life(self, seconds):
        """Expires each token `seconds` after it was signed, or up to one second later, because a token's date has a
        resolution of one second. Lasts until the next clock() or expire_tokens()."""
        self._set_clock(0, life=seconds)

    def await_token_end(self):
        """Waits until, by the lab's clock, all tokens with which a login succeeded have expired. Needs
        token_life()."""
        deadline = time.monotonic() + self.life + TOKEN_END_TIMEOUT_SECONDS
        while self._http("/live") != "0\n":
            if time.monotonic() > deadline:
                raise LabError(f"tokens do not expire after {self.life} s")
            time.sleep(0.1)

    def expire_tokens(self):
        """Expires every token that was signed before this call, and none that is signed after it. Takes up to one
        second, because a token's date has a resolution of one second. Lasts until the next clock() or
        token_life()."""
        oldest = int(time.time()) + 1
        self._set_clock(0, oldest=oldest)
        while time.time() < oldest:
            time.sleep(max(0.0, oldest - time.time()))

    def calls(self, **wanted):
        """The calls to the AWS services so far, oldest first. Only calls with the given entries are returned, such as
        service="sts", operation="AssumeRole"."""
        entries = [json.loads(line) for line in self._http("/calls").splitlines()]
        return [
            entry for entry in entries
            if all(entry[name] == value for name, value in wanted.items())
        ]  # fmt: skip

    def faults(self, *faults):
        """Replaces all faults by these dicts; faults.py describes them."""
        self._act("/faults", faults)

    def machine(self, instance_role="instance", seconds=21600):
        """Sets the role that the metadata service on the lab's loopback serves (None: an instance without a role),
        and how many seconds its sessions are valid."""
        self._act("/machine", {"instance_role": instance_role, "seconds": seconds})

    def reset(self):
        """Undoes what tests have changed through this class, and empties the journal and the list of calls. Does not
        undo changes of logins (such as sso_login()) and of issued sessions (expire(), revoke())."""
        self._act("/reset", {})

    def policies(self, name, policies):
        """Replaces the identity policies of a user of lab.json. LabError if IAM would refuse a policy."""
        self._act("/policies", {
            "access_key": self.principals[name].access_key, "policies": list(policies)})  # fmt: skip

    def role(self, name, trust=None, policies=None):
        """Replaces the policies of a role of lab.json, for sessions that are issued later; None: as in lab.json.
        LabError if IAM would refuse a policy."""
        role = self.roles[name]
        self._act("/role", {
            "arn": role.arn, "trust": role.trust if trust is None else trust,
            "policies": list(role.policies if policies is None else policies)})  # fmt: skip

    def expire(self, session):
        """Expires a session at once. session has an access_key."""
        self._act("/expire", {"access_key": session.access_key})

    def revoke(self, principal):
        """Deletes the principal's key."""
        self._act("/revoke", {"access_key": principal.access_key})

    def parameter(self, name, value):
        """Sets a parameter that PostgreSQL has on RDS. Only one parameter is set at a time; only
        rds.iam_auth_for_replication has an effect here."""
        self._act("/parameter", {"name": name, "value": value})

    def iam_authentication(self, engine, is_enabled):
        """Enables or disables IAM authentication for an engine, postgresql or mariadb. Without it, the verifier refuses
        every token of the engine. (MariaDB on RDS unloads the plugin instead; the lab does not.)"""
        self._act("/iam", {"engine": engine, "is_enabled": is_enabled})

    def web_identity(self, subject="system:serviceaccount:etl:etl", **overrides):
        """A web identity token of the lab's provider. overrides are arguments of web_identity.mint(), such as
        audience and expires, and additional claims."""
        import web_identity  # imported here because it imports python3-jwt

        target = {"key_file": self.provider_key, "provider": self.cloud.provider}
        return web_identity.mint(subject=subject, **{**target, **overrides})

    def sso_login(self, expires=3600, seconds=3600, registration=86400, renewable=True,
                  grace=False):
        """Simulates a login to SSO. Returns the content of the token file that `aws sso login` writes. The access
        token expires in `expires` seconds, later ones are valid for `seconds`, and the client's registration expires in
        `registration` seconds."""
        now = time.time()
        access, refresh, client, secret = (secrets.token_urlsafe(96) for _ in range(4))
        self._act("/sso", {
            "access_token": access, "refresh_token": refresh, "client_id": client,
            "client_secret": secret, "expires": now + expires, "seconds": seconds, "grace": grace,
        })  # fmt: skip
        token = {
            "startUrl": self.cloud.sso.start_url, "region": self.cloud.sso.region,
            "accessToken": access, "expiresAt": _utc(now + expires),
        }  # fmt: skip
        if renewable:
            token.update({
                "clientId": client, "clientSecret": secret, "refreshToken": refresh,
                "registrationExpiresAt": _utc(now + registration),
            })  # fmt: skip
        return token

    def sso_logout(self, token):
        """Ends the login of this token file."""
        self._act("/sso-over", {"client_id": token["clientId"]})

    def aws_login(self, expires=900, seconds=900, role="login-etl", user="ada", grace=False):
        """Simulates a login by `aws login`. Returns the content of the token file that `aws login` writes. The lab's
        AWS services do not accept the first credentials, which expire in `expires` seconds. They accept later
        credentials, which are valid for `seconds`."""
        from cryptography.hazmat.primitives import serialization  # imported here because it is slow
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        point = key.public_key().public_numbers()
        refresh = secrets.token_urlsafe(96)
        client = "arn:aws:signin:::devtools/same-device"
        self._act("/login", {
            "client_id": client, "refresh_token": refresh, "role": role, "user": user,
            "seconds": seconds, "grace": grace,
            "key": {
                "kty": "EC", "crv": "P-256",
                **{name: base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()
                   for name, number in (("x", point.x), ("y", point.y))},
            },
        })  # fmt: skip
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        return {
            "accessToken": {
                "accessKeyId": "ASIAFIRST", "secretAccessKey": "first-secret",
                "sessionToken": "first-token", "accountId": self.roles[role].account,
                "expiresAt": _utc(time.time() + expires),
            },
            "tokenType": "aws_sigv4", "refreshToken": refresh, "idToken": "id-token",
            "clientId": client, "dpopKey": pem.decode(),
        }  # fmt: skip

    def aws_logout(self, token):
        """Ends the login of this token file."""
        self._act("/login-over", {"refresh_token": token["refreshToken"]})

    def network(self, instance_role="instance", boot_id=None, tunnels=()):
        """A context manager for a network namespace with AWS's real addresses; see namespace.py."""
        return Network(self, instance_role, boot_id, tunnels)

    def usual_ports(self):
        """Accepts only tokens that are signed for the ports 5432 and 3306, until reset(). The databases have these
        ports in the lab's networks (namespace.py)."""
        self._act("/ports", USUAL_PORTS)

    def _set_clock(self, offset, **tokens):
        """Sets all properties of the clock; each call resets those that it does not name."""
        self._act("/clock", {"offset": offset, **tokens})
        self.life = tokens.get("life")

    def _act(self, path, body):
        self._http(path, json.dumps(body).encode())

    def _http(self, path, body=None):
        try:
            url = self.state["control"] + path
            with urllib.request.urlopen(url, body, HTTP_TIMEOUT_SECONDS) as reply:
                return reply.read().decode()
        except urllib.error.HTTPError as error:
            raise LabError(f"the lab refuses {path}: {error.read().decode().strip()}") from None
        except OSError as error:
            raise LabError(f"the lab does not answer ({error}) {self._rest()}".strip()) from None

    def _rest(self):
        """The remaining output of a labd that has ended."""
        try:
            self._labd.wait(1)
            return self._labd.stdout.read()
        except (subprocess.TimeoutExpired, AttributeError):
            return ""

    def environment(self):
        """The lab's data as RDSLAB_* strings, for shell scripts."""
        return {
            "RDSLAB_DIRECTORY": str(self.directory),
            "RDSLAB_CONTROL": self.state["control"],
            "RDSLAB_PG_HOST": self.pg.host,
            "RDSLAB_PG_PORT": str(self.pg.port),
            "RDSLAB_MARIADB_HOST": self.mariadb.host,
            "RDSLAB_MARIADB_READER_HOST": self.mariadb_reader_host,
            "RDSLAB_MARIADB_PORT": str(self.mariadb.port),
            "RDSLAB_REGION": self.pg.region,
            "RDSLAB_DATABASE": self.database_name,
            "RDSLAB_CA_FILE": str(self.ca_file),
            "RDSLAB_CLOUD_HTTP": self.cloud_http,
            "RDSLAB_CLOUD_HTTPS": self.cloud_https,
            "RDSLAB_CLOUD_CA_FILE": str(self.cloud_ca_file),
            "RDSLAB_HOSTS_FILE": str(self.hosts_file),
            "RDSLAB_HOME": str(self.home),
        }

    def description(self):
        """The lab's data as one JSON object: environment(), credentials, client environment."""
        return {
            "lab": self.environment(),
            "client_env": self.client_env(),
            "principals": {name: entry.env() for name, entry in self.principals.items()},
            "passwords": self.passwords,
            "pid": self.state["pid"],
        }


def _utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class _Watchdog:
    """Kills a labd that prints nothing within the time limit, so that reading from it ends."""

    def __init__(self, labd, seconds):
        import threading

        self._timer = threading.Timer(seconds, labd.kill)
        self._timer.daemon = True
        self._timer.start()

    def cancel(self):
        self._timer.cancel()


def down(build_dir):
    """Ends every lab of a build directory. Returns the number of labs."""
    root = pathlib.Path(build_dir).resolve() / "lab"
    if not root.is_dir():
        return 0
    return sum(end(path) for path in place.lab_directories(root))


def end(directory):
    """Ends the lab of one directory. Returns False if no lab runs there."""
    pid = place.holder(directory)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    while directory.exists():
        if time.monotonic() > deadline:
            raise LabError(f"the lab in {directory} did not end in {STOP_TIMEOUT_SECONDS} s")
        time.sleep(0.05)
    return True


def main():
    parser = argparse.ArgumentParser(description="RDS on loopback")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start a lab and print its addresses")
    up.add_argument("--build-dir", required=True)
    up.add_argument("--owner", type=int, help="end the lab when this process ends")
    up.add_argument("--env", action="store_true", help="print shell variables instead of JSON")
    up.add_argument("--wait", action="store_true", help="keep running; the lab ends with this command")
    stop = commands.add_parser("down", help="end all labs of the build directory")
    stop.add_argument("--build-dir", required=True)
    arguments = parser.parse_args()
    try:
        if arguments.command == "down":
            down(arguments.build_dir)
        else:
            _up(arguments)
    except LabError as error:
        sys.exit(f"rdslab: {error}")
    return 0


def _up(arguments):
    owner = os.getpid() if arguments.wait else arguments.owner
    lab = Lab(arguments.build_dir, owner=owner).start()
    if arguments.env:
        for name, value in lab.environment().items():
            print(f"export {name}={shlex.quote(value)}")
    else:
        print(json.dumps(lab.description(), indent=2))
    sys.stdout.flush()
    if arguments.wait:
        try:
            lab._labd.wait()
        except KeyboardInterrupt:
            lab.stop()


if __name__ == "__main__":
    sys.exit(main())
