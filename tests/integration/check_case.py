# SPDX-License-Identifier: MIT
"""Runs `rds-iam check`, and psql or mariadb, against the lab. No output may contain a secret. check() also checks that
the output is one JSON object that vectors/check.schema.json allows. check_text() also checks that no line is longer
than 80 columns unless it is a single word. tool/test_check_causes.py tests the causes of a refusal.
"""
import dataclasses
import json
import os
import pathlib
import re
import tempfile
import time
from typing import NamedTuple

from cloud import CloudCase
from labcase import USER, harness
from postgresql_peer import PostgreSQLPeer
from mysql_peer import MySQLPeer
from recorder import Peer

import traces


def read_schema(name):
    return json.loads((harness.SOURCE / "tests/vectors" / name).read_text(encoding="utf-8"))


SCHEMA = read_schema("check.schema.json")
ALL_SCHEMA = read_schema("check_all.schema.json")
WIDTH = 80
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "null": type(None)}


def schema_errors(value, schema, place="$"):
    """Yields each part of a value that the schema forbids. Supports the keywords that the two schemas contain."""
    if "$ref" in schema:
        schema = read_schema(schema["$ref"])
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if type(value) not in [TYPES[name] for name in types]:
        yield f"{place}: {value!r} is not of type {schema['type']}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place}: {value!r} is not one of {schema['enum']}"
    if isinstance(value, str) and len(value) < schema.get("minLength", 0):
        yield f"{place}: too short"
    if isinstance(value, list):
        for i, each in enumerate(value):
            yield from schema_errors(each, schema["items"], f"{place}[{i}]")
    if isinstance(value, dict):
        for name in schema["required"]:
            if name not in value:
                yield f"{place}: {name} is missing"
        for name, each in value.items():
            if name in schema["properties"]:
                yield from schema_errors(each, schema["properties"][name], f"{place}.{name}")
            elif not schema["additionalProperties"]:
                yield f"{place}: {name} is not in the schema"


def neutral(text):
    """Replaces what may differ between two outputs: identities, access keys, accounts, hosts, ports, times."""
    for pattern, word in (
            (r"\s+", " "), (r"arn:aws:(iam|sts)::\d+:[\w/-]+", "IDENTITY"), (r"\bA[KS]IA\w+", "KEY"),
            (r":\d{12}:", ":ACCOUNT:"), (r"\d+\.\d+ ms", "MS"), (r"\"times_us\": \{[^}]*\}", "TIMES"), (r"within \d+ s", "within S"),
            (r"\S+\.rds\.amazonaws\.com(:\d+)?", "HOST"), (r"\b\d{4,5}\b", "PORT")):
        text = re.sub(pattern, word, text)
    return text


@dataclasses.dataclass
class Login:
    """A login that is checked: what the command lines of `rds-iam check` and of the real client contain, and the
    environment of both."""

    engine: str  # postgres or mysql
    host: str
    port: int
    user: str = USER
    principal: str = "etl"
    options: tuple = ()  # more options of rds-iam check
    dbname: str = None
    ca: str = None
    env: dict = dataclasses.field(default_factory=dict)
    under: tuple = ()  # words in front of the command line
    service: str = None  # a service of pg_service.conf, in place of host, port and user
    group: str = None  # a group of the option file, in place of host, port and user
    aliases: dict = None  # the command runs in a network of its own, with these CNAME records (dns.py)

    def change(self, **changes):
        """Returns a changed copy. The variables in `env` are added to the login's environment."""
        env = {**self.env, **changes.pop("env", {})}
        return dataclasses.replace(self, env=env, **changes)


class Output(NamedTuple):
    """What one run printed. `document` is the JSON object that check() parsed, or None if another method ran the
    command."""

    status: int
    stdout: str
    stderr: str
    document: dict = None

    @property
    def causes(self):
        return tuple(each["cause"] for each in self.document["causes"])

    def item(self, name):
        """Returns the last item of this name."""
        return [each for each in self.document["items"] if each["name"] == name][-1]

    def marks(self):
        return {each["mark"] for each in self.document["items"]}


class CheckCase(CloudCase):
    def setUp(self):
        super().setUp()
        self.ports = [self.lab.pg.port, self.lab.mariadb.port]  # of the servers of this test

    def login_to(self, engine, /, **changes):
        """Returns a login to the lab's server of this engine. Without changes, the login succeeds."""
        server = self.lab.pg if engine == "postgres" else self.lab.mariadb
        login = Login(engine, server.host, server.port, ca=str(self.lab.ca_file), env=self.cloud_env())
        return login.change(**changes)

    def peer(self, engine, certificate="server", **script):
        """Starts a scripted server of this engine. The server ends with the test."""
        pair = getattr(self.lab.certificates, certificate) if certificate else None
        made = PostgreSQLPeer(pair, **script) if engine == "postgres" else MySQLPeer(pair, *script.values())
        peer = self.enterContext(made)
        self.ports.append(peer.port)
        return peer

    # -- running --

    def argv(self, login, *options):
        named = {"--hostname": login.host, "--port": login.port, "--username": login.user, "--engine": login.engine,
                 "--ca": login.ca, "--dbname": login.dbname, "--service": login.service, "--defaults-group": login.group}
        words = [str(word) for name, value in named.items() if value is not None for word in (name, value)]
        return [*login.under, harness.installed("bin/rds-iam"), "check", *words, *login.options, *options]

    def run_argv(self, argv, login):
        if login.aliases is not None:
            return self.run_with_aliases(argv, login)
        result = self.home.run(argv, login.principal, timeout=120, **login.env)
        self.assert_no_secret(result.stdout + result.stderr)
        self.assertGreaterEqual(result.returncode, 0, f"ended by a signal: {result}")
        return Output(result.returncode, result.stdout, result.stderr)

    def run_with_aliases(self, argv, login):
        """Runs the command in a network of its own. There dns.py runs a DNS server with the records of login.aliases,
        and a recording MySQL server. The word PORT in the command stands for the port of the MySQL server."""
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        records = ",".join(f"{name}={target}" for name, target in login.aliases.items())
        directory = pathlib.Path(tempfile.mkdtemp(dir=self.home.path))  # another one for each run: runs overlap
        result = self.home.run(
            ["unshare", *user, "--net", "--mount", "--fork", "--kill-child", harness.PYTHON,
             harness.SOURCE / "tests/integration/dns.py", directory, self.lab.certificates.directory, records, *argv],
            login.principal, timeout=120, **login.env)
        self.assertEqual(result.returncode, 0, result.stderr)
        seen = json.loads(result.stdout)
        self.ports.append(seen["port"])
        self.assert_no_secret(seen["printed"])
        self.assertFalse(seen["got_token"])
        is_check = "check" in argv
        return Output(seen["status"], *((seen["printed"], "") if is_check else ("", seen["printed"])))

    def check(self, login, *options):
        """Runs check with --json. Returns its output."""
        output = self.run_argv(self.argv(login, "--json", *options), login)
        self.assert_warnings(output.stderr)
        document = json.loads(output.stdout)
        self.assertEqual(list(schema_errors(document, SCHEMA)), [], output.stdout)
        self.assertEqual(output.status, document["status"])
        return output._replace(document=document)

    def check_text(self, login, *options):
        """Runs check without --json. Returns its output."""
        output = self.run_argv(self.argv(login, *options), login)
        self.assert_warnings(output.stderr)
        self.assert_lines(output.stdout)
        return output

    @staticmethod
    def seconds(run, login, status):
        """Calls run(login), which must end with this status. Returns how many seconds it took."""
        begun = time.monotonic()
        assert run(login).status == status
        return time.monotonic() - begun

    def client(self, login):
        """Runs psql or mariadb for a login. If the login names a service or a group of an option file, the client runs
        alone, otherwise under `rds-iam exec`. Returns the client's output."""
        exec_words = [*login.under, harness.installed("bin/rds-iam"), "exec", *(["--ca", login.ca] if login.ca else []), "--"]
        if login.engine == "postgres":
            where = ["-h", login.host, "-p", str(login.port), "-U", login.user, login.dbname or "postgres"]
            command = ["psql", "-XAtw", "-c", "select 1", *(where if login.service is None else [f"service={login.service}"])]
        else:
            where = ["-h", login.host, "-P", str(login.port), "-u", login.user, *([login.dbname] if login.dbname else [])]
            command = ["mariadb", "-N", "-e", "select 1", *(where if login.group is None else [])]
        is_configured = login.service is not None or login.group is not None
        return self.run_argv([*([] if is_configured else exec_words), *command], login)

    # -- checks of every output --

    def assert_no_secret(self, text):
        secrets = [text for each in self.lab.principals.values() for text in traces.secrets_of(each)]
        self.assertEqual(traces.find(text, secrets), [])
        for password in self.lab.passwords.values():
            self.assertNotIn(password, text)

    def assert_warnings(self, stderr):
        """Checks that every line of stderr is a warning of rds-iam."""
        self.assertEqual([line for line in stderr.splitlines() if not line.startswith("rds-iam: warning: ")], [])

    def assert_lines(self, text):
        """Checks that every line longer than 80 columns consists of one word, which cannot be wrapped. The mark and the
        name of an item do not count as words, nor does the backslash at the end of a command line that continues."""
        for line in text.splitlines():
            if len(line) > WIDTH:
                words = re.sub(r"^  (ok|-|warn|FAIL|skip) +[a-zA-Z' -]{1,18}  ?", "", line.removesuffix(" \\")).split()
                self.assertEqual(len(words), 1, line)


class Silent(Peer):
    """A server that accepts connections and sends nothing. It waits until the client closes the connection."""

    def converse(self, wire):
        raise EOFError
