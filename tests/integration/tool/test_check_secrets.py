# SPDX-License-Identifier: MIT
"""No output of `rds-iam check` contains a secret or a token, at any level of RDS_IAM_LOG, as text or as JSON. The tests
put a secret into each kind of credential source, and into each place where a password can be set."""
import re

from check_case import CheckCase
from labcase import USER, harness
from secret_search import TOKEN, find, pieces
from secret_sources import CANARY, SecretSources
from service import Services

LEVELS = ("warning", "info", "debug")


class Secrets(SecretSources, CheckCase):
    def output(self, login, level, *options):
        """Returns everything that check prints, and its exit status."""
        env = {**login.env, "RDS_IAM_LOG": level}
        done = self.home.run(self.argv(login, *options), login.principal, **env)
        text = (done.stdout + done.stderr).encode()
        # The names of cache files are digests.
        return re.sub(rb"/cache/[0-9a-f]{64}(\.json)?", b"", text), done.returncode

    def assert_hidden(self, login, needles):
        """Checks that no output contains a needle or a token. Returns the exit statuses."""
        statuses = set()
        for level in LEVELS:
            for options in ((), ("--json",)):
                with self.subTest(engine=login.engine, level=level, options=options):
                    text, status = self.output(login, level, *options)
                    self.assertEqual(find(needles, text), [], text)
                    self.assertIsNone(TOKEN.search(text), text)
                    if level == "debug":
                        self.assertIn(b"debug: ", text, "control: the log is on")
                    statuses.add(status)
        return statuses

    def test_sources_of_credentials(self):
        for name, source in self.SOURCES.items():
            with self.subTest(source=name):
                env, secrets, _ = source(self)
                needles = set().union(*map(pieces, secrets))
                for engine in ("postgres", "mysql"):
                    login = self.login_to(engine, principal=None, env={**env, "MYSQL_PWD": env.get("PGPASSWORD", "")})
                    statuses = self.assert_hidden(login, needles)
                    self.assertLessEqual(statuses, {0} if name == "environment" else {0, 3})
            self.home.remove()
            self.home.path.mkdir(mode=0o700)
            self.write_my_cnf()

    def test_places_of_passwords(self):
        server = self.lab.mariadb
        services = Services(self.home)
        services.add("prod", without=("passfile",), password=CANARY)
        self.write_my_cnf(host=server.host, port=server.port, user=USER, password=CANARY)
        self.home.write(".pgpass", f"*:*:*:{USER}:{CANARY}\n")
        token = self.lab.token("etl", self.lab.pg, USER)
        nobody = {"host": None, "port": None, "user": None, "ca": None, "env": self.cloud_env()}
        for login in (
                self.login_to("postgres", service="prod", **nobody), self.login_to("mysql", group="client", **nobody),
                self.login_to("postgres"), self.login_to("postgres", env={"PGPASSWORD": token[:-1]}),
                self.login_to("mysql", env={"MYSQL_PWD": token})):
            with self.subTest(login=login):
                self.assertEqual(self.assert_hidden(login, pieces(CANARY)), {3})

    def test_control_the_search_finds_a_secret_that_is_planted(self):
        """The name of a settings file is a text that check shows."""
        for level in LEVELS:
            login = self.login_to("postgres", env={"RDS_IAM_CONFIG": f"/no/{CANARY}"})
            self.assertTrue(find(pieces(CANARY), self.output(login, level, "--json")[0]))
        token = self.lab.token("etl", self.lab.pg, USER)
        self.assertIsNotNone(TOKEN.search(token.encode()))


if __name__ == "__main__":
    harness.main()
