# SPDX-License-Identifier: MIT
"""A machine on which a test runs what README.md and RECIPES.md show, with only the placeholders replaced.

The machine is a network of the lab, in which the databases have their usual ports. It has an /etc and a /usr of its
own, and the product is installed below /usr. Commands run as an ordinary user with an empty home, or as root.
tests/long/package_machine.py makes other machines, in which only Debian packages are installed.
"""
import re
import shutil
import signal
import subprocess
import os
from contextlib import suppress

import documents
from labcase import USER, harness
from network import Host, NetworkCase
from service import await_true

# The values of the placeholders, which are words in capitals. A test adds the placeholders of its own recipe in
# self.words.
WORDS = {
    "POSTGRES_ENDPOINT": lambda lab: lab.pg.host,
    "MYSQL_ENDPOINT": lambda lab: lab.mariadb.host,
    "READER_ENDPOINT": lambda lab: lab.mariadb_reader_host,
    "GLOBAL_ENDPOINT": lambda lab: "mydb.global-abcdefghijkl.global.rds.amazonaws.com",
    "PROXY_ENDPOINT": lambda lab: "mypg.proxy-abcdefghijkl.us-east-1.rds.amazonaws.com",
    "DSQL_ENDPOINT": lambda lab: lab.dsql.host,
    "POSTGRES_RESOURCE_ID": lambda lab: lab.pg.resource_id,
    "DB_USER": lambda lab: USER,
    "ROLE": lambda lab: lab.roles["web-identity"].name,
    "OIDC_PROVIDER": lambda lab: lab.cloud.provider,
    "SSO_ROLE": lambda lab: "Etl",
    "SSO_START_URL": lambda lab: lab.cloud.sso.start_url,
}
# The user without rights.
ACCOUNT = 65534
AS_USER = ("setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups")
# $1: a directory for the changes of this machine; $2: the product's prefix; $3: the lab's names; $4: the CA file.
MAKE = r"""
set -e
mount -t tmpfs none "$1"
for tree in etc usr; do
    mkdir "$1/$tree" "$1/$tree.work"
    mount -t overlay overlay -o "lowerdir=/$tree,upperdir=$1/$tree,workdir=$1/$tree.work" "/$tree"
done
mount -t tmpfs -o mode=755 none /run
cat "$3" >/etc/hosts
for path in bin/rds-iam bin/rds-iam-agent lib/rds-iam libexec/rds-iam share/rds-iam; do
    rm -rf "/usr/$path"
    ln -s "$2/$path" "/usr/$path"
done
rm -rf /etc/rds-iam
rds-iam setup ca --file "$4"
"""
# The input of every command: a client that reads SQL from its input shows that it is logged in.
QUERY = "select current_user;\n"
played = {}


def plays(document, *titles):
    """Marks a test that runs all blocks of these sections, or only of the section for the installed release."""
    def decorate(test):
        played.update({(document.name, title): test.__name__ for title in titles})
        return test
    return decorate


class DocsCase(NetworkCase):
    """One machine for the class."""

    tunnels = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.usual_ports()
        cls.make_machine()

    @classmethod
    def make_machine(cls):
        """Sets cls.network, in which the machine's programs run. A subclass may make a machine for each test
        instead."""
        cls.network = cls.enterClassContext(cls.lab.network(tunnels=cls.tunnels))
        changes = harness.WORK / f"machine-{os.getpid()}"
        changes.mkdir()
        cls.addClassCleanup(shutil.rmtree, changes, ignore_errors=True)
        made = cls.network.run(["sh", "-c", MAKE, "sh", changes, harness.PREFIX, cls.lab.hosts_file, cls.lab.ca_file],
                               env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent"})
        if made.returncode != 0:
            raise AssertionError(made.stdout + made.stderr)

    def setUp(self):
        super().setUp()
        (self.home.path / ".my.cnf").unlink()
        os.chown(self.home.path, ACCOUNT, ACCOUNT)
        self.host = Host(self.home, self.network)
        self.exports, self.words, self.as_root = [], {}, False
        # Some programs look up the home directory of the account and do not read HOME.
        home = self.network.run(["sed", "-i", f"s|^nobody:.*|nobody:x:{ACCOUNT}:{ACCOUNT}::{self.home.path}:/bin/sh|", "/etc/passwd"],
                                env={"PATH": "/usr/bin:/bin"})
        self.assertEqual(home.returncode, 0, home.stderr)
        self.addCleanup(self.end_agents)

    # -- the machine --

    def end_agents(self):
        for path in self.home.path.rglob("agent.pid"):
            with suppress(OSError, ValueError):
                os.kill(int(path.read_text()), signal.SIGTERM)

    def run_command(self, command, principal=None, stdin=QUERY, **extra):
        """Runs one line of shell in the home directory, with the variables that earlier lines exported."""
        script = "".join(f"{line}\n" for line in self.exports) + command
        argv = [*(() if self.as_root else AS_USER), "bash", "-c", script]
        return self.host.run(argv, principal, stdin=stdin, **extra)

    def give(self, name, text):
        """Writes a file of the user that is not in the document, such as a session of the AWS CLI."""
        path = self.home.write(name, text)
        for each in (path, *[p for p in path.parents if p.is_relative_to(self.home.path)]):
            os.chown(each, ACCOUNT, ACCOUNT)
        return path

    def pod_env(self, name):
        """Returns the environment that Kubernetes and EKS Pod Identity set. name is a container of the lab."""
        container = self.lab.cloud.containers[name]
        token = self.give("pod-token", container.authorization)
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://169.254.170.23{container.path}",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token)}

    def write(self, name, text):
        """Writes a file of the document, or adds to /etc/hosts."""
        path = name.replace("~", str(self.home.path))
        mode = "755" if text.startswith("#!") else "644"
        script = ('mkdir -p "$(dirname "$1")" && if [ "$1" = /etc/hosts ]; then cat >>"$1"; else cat >"$1" && chmod "$2" "$1"; fi')
        rights = AS_USER if name[0] != "/" else ()
        result = self.host.run([*rights, "sh", "-c", script, "sh", path, mode], stdin=text)
        self.assertEqual(result.returncode, 0, result.stderr)

    def run_sql(self, text):
        """Runs SQL as the master user of the server that the first line names: PostgreSQL, or MySQL and MariaDB."""
        title = text.split("\n", 1)[0].removeprefix("-- ")
        password = self.lab.passwords["master_user"]
        commands = {
            "PostgreSQL": ["psql", "-Xw", "-v", "ON_ERROR_STOP=1", f"host={self.lab.pg.host} user=master_user dbname=shop"
                           " sslmode=require"],
            "MySQL, MariaDB": ["mariadb", "--no-defaults", f"--ssl-ca={self.lab.ca_file}", "-h", self.lab.mariadb.host, "-u", "master_user"],
        }
        result = self.host.run(commands[title], stdin=text, PGPASSWORD=password, MYSQL_PWD=password)
        self.assertEqual(result.returncode, 0, result.stderr)

    # -- the documents --

    def fill(self, text):
        """Returns the text, in which names of the lab and self.words replace the placeholders (words in capitals)."""
        words = {**{name: value(self.lab) for name, value in WORDS.items()}, **self.words}
        names = "|".join(sorted(words, key=len, reverse=True))
        return re.sub(rf"\b({names})\b", lambda match: words[match[1]], text)

    def play(self, document, title, principal=None, instead=(), other=(), order=(), **extra):
        """Does what a section shows, block by block, and then verifies the result as the recipe states. Returns the
        output of each command.

        instead: {beginning of a command: function of the command}, for commands that cannot run here
        other: {language: function of the block's text}, for blocks that are neither shell nor files
        order: the languages of the blocks that come first
        """
        blocks = [block for block in documents.blocks(document) if block.title == title]
        self.assertTrue(blocks, f"{document.name} has no block in its section {title}")
        blocks.sort(key=lambda block: block.language not in order)
        handlers, outputs = {"sql": self.run_sql, **dict(other)}, {}
        for block in blocks:
            text = self.fill(block.text)
            if block.file:
                self.write(self.fill(block.file), text)
            elif block.language == "sh":
                for command in documents.commands(text):
                    outputs[command] = self.play_command(block, command, principal, dict(instead), extra)
            else:
                handlers[block.language](text)
        for command in documents.verifications(document, title):
            outputs[command] = self.play_command(block, self.fill(command), principal, dict(instead), extra)
        return outputs

    def play_command(self, block, command, principal, instead, extra):
        for start, replacement in instead.items():
            if command.startswith(start):
                return replacement(command)
        if command.startswith("export "):
            self.exports.append(command)
            return ""
        result = self.run_command(command, principal, **extra)
        self.assertEqual(result.returncode, 0, f"line {block.line}: {command}\n{result.stdout}{result.stderr}")
        return result.stdout + result.stderr

    def assert_logins(self, count, principal=None, user=USER):
        """Checks that this test made at least this many logins, as this user, and that none was refused."""
        verdicts = self.verdicts()
        self.assertEqual({(v["reason"], v["user"]) for v in verdicts}, {(None, user)}, verdicts)
        self.assertGreaterEqual(len(verdicts), count)
        if principal:
            self.assertEqual({v["principal"] for v in verdicts}, {principal})

    def start(self, command, principal=None, log="daemon.log", **extra):
        """Starts a daemon as root. It is killed at the end of the test."""
        log = (self.home.path / log).open("wb")
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *self.network.command(["bash", "-c", f"exec {command}"], self.home.path)],
            env=self.host.env(principal, **extra), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.addCleanup(log.close)
        self.addCleanup(process.wait)
        self.addCleanup(os.killpg, process.pid, signal.SIGKILL)
        return process

    def daemon_log(self, log="daemon.log"):
        return (self.home.path / log).read_text(errors="replace")

    def await_login(self):
        await_true(self.verdicts, self.daemon_log)
