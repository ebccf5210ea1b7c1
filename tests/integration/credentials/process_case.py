# SPDX-License-Identifier: MIT
"""A user whose profile has a credential_process, with sections of our configuration for the lab's databases
and a runtime directory.

Each command adds a line to a file when it is run: what is served from memory or from the cache adds none.
Not here: what one test asserts of the cache.
"""
import json
import time

from cloud import CloudCase
from labcase import USER, harness
from mariadb_client import CONFIG


class ProcessCase(CloudCase):
    def setUp(self):
        super().setUp()
        self.tool = harness.installed("bin/rds-iam")
        self.principal = self.lab.principals["etl"]
        self.count_file = self.home.path / "asked"
        self.config = self.home.path / CONFIG
        self.runtime = self.home.path / "xdg"
        self.runtime.mkdir(mode=0o700)
        self.env = self.cloud_env(XDG_RUNTIME_DIR=str(self.runtime))
        self.print_keys()
        self.command()
        self.configure()

    # -- what a user writes

    def print_keys(self, seconds=3600, principal=None, **document):
        """What the command prints; seconds None: without Expiration."""
        principal = principal or self.principal
        text = {"Version": 1, "AccessKeyId": principal.access_key,
                "SecretAccessKey": principal.secret_key, **document}
        if seconds is not None:
            text["Expiration"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
        self.home.write("keys", json.dumps(text))

    def line(self, seconds=0, more=""):
        home = self.home.path
        return f"echo x >>{home}/asked; {more}sleep {seconds}; cat {home}/keys"

    def command(self, seconds=0, more="", profile="p"):
        self.home.write(".aws/config", f"[profile {profile}]\ncredential_process = {self.line(seconds, more)}\n")

    def configure(self, word="yes", profile="p", **more):
        """A section for each of the lab's databases."""
        self.config_text("".join(
            f"[{host}]\n" + (f"profile = {profile}\n" if profile else "")
            + (f"cache_credential_process = {word}\n" if word else "")
            + "".join(f"{key} = {value}\n" for key, value in more.items())
            for host in (self.lab.pg.host, self.lab.mariadb.host)))

    def config_text(self, text):
        self.home.write(CONFIG, text)

    # -- what is run, and what has come of it

    def login(self, database=None):
        database = database or self.lab.pg
        return ["--hostname", database.host, "--port", str(database.port), "--username", USER]

    def by_hand(self, *arguments, **extra):
        """rds-iam credentials, as a person runs it for a login."""
        return self.home.run([self.tool, "credentials", *(arguments or self.login())], None,
                             timeout=90, **{**self.env, **extra})

    def token(self, **extra):
        return self.home.run([self.tool, "token", *self.login()], None, **{**self.env, **extra})

    def plugin(self, **extra):
        return self.mariadb(principal=None, **{**self.env, **extra})

    def executed(self, **extra):
        return self.home.run(
            [self.tool, "exec", "--ca", self.lab.ca_file, "--", "psql", "-XAtw", "-h", self.lab.pg.host,
             "-p", str(self.lab.pg.port), "-U", USER, "-c", "select current_user", self.lab.database_name],
            None, **{**self.env, **extra})

    @property
    def asked(self):
        return len(self.count_file.read_text().splitlines()) if self.count_file.exists() else 0

    def kept(self, directory=None):
        """Entries below a runtime directory, without their locks."""
        return sorted(p for p in ((directory or self.runtime) / "rds-iam/cache").glob("*") if not p.suffix)

    def places_of_secret(self):
        """Where below the home the command's secret lies, but for the file that it prints."""
        secret = self.principal.secret_key.encode()
        return sorted({str(path.relative_to(self.home.path).parts[0]) for path in self.home.path.rglob("*")
                       if path.is_file() and path.name != "keys" and secret in path.read_bytes()})

    def served(self, **extra):
        """A token was made; how often the command was run for it."""
        before = self.asked
        result = self.token(**extra)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("X-Amz-Signature=", result.stdout)
        return self.asked - before

    def assert_cached(self, **extra):
        self.assertEqual(self.served(**extra), 0)

    def assert_asked(self, **extra):
        self.assertEqual(self.served(**extra), 1)
