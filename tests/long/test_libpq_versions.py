# SPDX-License-Identifier: MIT
"""Every libpq from 10 to 18, with every function that starts a connection: through the agent's passfiles, and under
the preload. Tokens are valid for two seconds. ways.py describes the cases. Also tests node-postgres, which reads the
passfile itself."""
import subprocess
import tempfile
import unittest

import libpq_versions
import ways
from labcase import USER, LabCase, harness
from postgresql_peer import PostgreSQLPeer
from service import Services
from ways import CONNECTS, RESETS, SERVICE_FORMS, Case

FORMS = (*SERVICE_FORMS, "fields", "multi_host", "hostaddr")
NODE = """
const {Client} = require("pg");
const fs = require("fs");
async function once() {
  const client = new Client({ssl: {ca: fs.readFileSync(process.env.CA)}});
  await client.connect();
  const result = await client.query("select current_user as name");
  console.log(result.rows[0].name);
  await client.end();
}
(async () => { await once(); process.stdin.once("data", async () => { await once(); process.exit(0); }); })();
"""


LIBRARIES = {}  # {major version: path}


def setUpModule():
    try:
        LIBRARIES.update(libpq_versions.libraries())
    except libpq_versions.Unavailable as error:
        raise unittest.SkipTest(str(error)) from None


class VersionsCase(LabCase):
    def for_each(self, check):
        """Calls check(copies) for each version, in a separate subtest. copies is a ways.Copies of this version."""
        for major, library in sorted(LIBRARIES.items()):
            with self.subTest(libpq=major):
                copies = ways.Copies(library, tempfile.mkdtemp(prefix="libpq-", dir=harness.WORK))
                try:
                    check(copies)
                finally:
                    copies.remove()


class Versions(VersionsCase):
    def setUp(self):
        super().setUp()
        self.lab.token_life(ways.TOKEN_LIFE)

    def assert_logged_in_as_user(self, results):
        self.assertEqual([(str(c), text) for c, text in results if text != f"ok {USER}"], [])

    def test_all_nine_versions_were_downloaded_and_report_their_version(self):
        self.assertEqual(sorted(LIBRARIES), list(libpq_versions.MAJORS))
        found = []

        def check(copies):
            (_, text), = ways.run_connects([Case("linked", "version", "entry")], copies, self.home, self.lab, {})
            found.append(int(text) // 10000)

        self.for_each(check)
        self.assertEqual(found, list(libpq_versions.MAJORS))

    def test_under_the_preload(self):
        cases = [Case(reach, way, form) for reach in ways.REACHES for way in CONNECTS for form in FORMS]

        def check(copies):
            before = len(self.verdicts())
            self.assert_logged_in_as_user(ways.run_connects(cases, copies, self.home, self.lab, ways.with_preload()))
            reasons = [v["reason"] for v in self.verdicts()[before:]]
            self.assertEqual(reasons.count(None), len(cases))
            self.assertLessEqual(set(reasons), {None, "Expired"}, "see ways.py")

        self.for_each(check)

    def test_resets_under_the_preload(self):
        cases = [Case(reach, way, form) for reach in ways.REACHES for way in RESETS for form in FORMS]
        self.for_each(lambda copies: self.assert_logged_in_as_user(
            ways.run_resets(cases, copies, self.home, self.lab, ways.with_preload())))

    def test_control_resets_without_the_preload_fail(self):
        cases = [Case("linked", way, "fields") for way in RESETS]

        def check(copies):
            token = self.lab.token("etl", self.lab.pg, USER)
            for case, text in ways.run_resets(cases, copies, self.home, self.lab, {"PGPASSWORD": token}):
                self.assertIn("PAM authentication failed", text, str(case))

        self.for_each(check)

    def agent_forms(self, services):
        """The connection strings that use an agent's entry, by each way to name the entry."""
        pg = self.lab.pg
        services.add("prod")
        services.add("multi", host=f"{pg.host},{pg.host}", port=f"1,{pg.port}")
        services.add("address", hostaddr="127.0.0.1")
        named = {"PGSERVICEFILE": str(self.home.path / ".pg_service.conf")}
        return {
            "entry": ("service=prod", named),
            "uri_service": ("postgresql:///?service=prod", named),
            "pgservice": ("", {**named, "PGSERVICE": "prod"}),
            "multi_host": ("service=multi", named),
            "hostaddr": ("service=address", named),
        }

    def test_through_the_agent(self):
        services = Services(self.home)
        forms = self.agent_forms(services)
        cases = [Case(reach, way, form) for reach in ways.REACHES for way in CONNECTS for form in forms]

        def check(copies):
            self.assert_logged_in_as_user(ways.run_connects(cases, copies, self.home, self.lab, {}, forms, principal=None))

        with services.agent():
            self.for_each(check)


class Guards(VersionsCase):
    """The rules that withhold a token from a server, tested with each version. The control runs the same client without
    the preload."""

    def each(self, cases, check):
        """Calls check(copies, case, preloaded) for each version and case, with the preload and without it."""

        def check_all(copies):
            for case in cases:
                for preloaded in (True, False):
                    with self.subTest(case=str(case), preloaded=preloaded):
                        check(copies, case, preloaded)

        self.for_each(check_all)

    def run_case(self, copies, case, conninfo, preloaded, principal=None, **env):
        return self.home.run(
            copies.command(case, conninfo), principal,
            **{**copies.env(case), **(ways.with_preload() if preloaded else {}), **env})

    def assert_sent(self, preloaded, peer, token, result, words):
        self.assertEqual(peer.connections, 1, result.stdout)
        sent = [data for _, data in peer.answers if data.strip(b"\0")]
        self.assertEqual(sent, [] if preloaded else [token.encode() + b"\0"])
        if preloaded:
            self.assertIn(words, result.stderr)

    def test_no_token_is_sent_to_a_unix_socket(self):
        directory = self.home.path / "s"
        directory.mkdir()
        cases = [Case("linked", way, "entry") for way in ("connectdb", "startparams")]
        token = self.lab.token("etl", self.lab.pg, USER)
        escaped = token.replace(":", "\\:")
        stored = str(self.home.write("pass", f"*:*:*:{USER}:{escaped}\n"))

        def check(copies, case, preloaded):
            for hosts in (str(directory), f"{directory},{self.lab.pg.host}"):
                for words, given in (("given as the password is not sent", {"PGPASSWORD": token}),
                                     ("in the passfile is not sent", {"PGPASSFILE": stored})):
                    with PostgreSQLPeer(None, f"{directory}/.s.PGSQL.5432") as peer:
                        conninfo = f"host={hosts} port=5432 user={USER} dbname=shop sslmode=verify-full " \
                                   f"sslrootcert={self.lab.ca_file}"
                        result = self.run_case(copies, case, conninfo, preloaded, **given)
                        self.assert_sent(preloaded, peer, token, result, words)

        self.each(cases, check)

    def test_a_ping_sends_no_token_to_an_unverified_server(self):
        cases = [Case("linked", way, "entry") for way in ("ping", "pingparams")]

        def check(copies, case, preloaded):
            with PostgreSQLPeer(None) as peer:
                token = self.lab.token("etl", self.lab.pg, USER, port=peer.port)
                conninfo = f"host={self.lab.pg.host} port={peer.port} user={USER} dbname=shop sslmode=prefer"
                result = self.run_case(copies, case, conninfo, preloaded, PGPASSWORD=token)
                self.assertEqual(result.stdout, "ping 0\n")
                self.assert_sent(preloaded, peer, token, result, "")

        self.each(cases, check)

    def test_no_token_is_sent_if_other_users_can_write_the_service_file(self):
        path = self.home.path / "services"
        cases = [Case("linked", way, form) for way in ("connectdb", "setdb") for form in ("service=prod", "PGSERVICE")]

        def check(copies, case, preloaded):
            with PostgreSQLPeer(self.lab.certificates.server) as peer:
                token = self.lab.token("etl", self.lab.pg, USER, port=peer.port)
                path.write_text(f"[prod]\nhost={self.lab.pg.host}\nport={peer.port}\nuser={USER}\ndbname=shop\n"
                                f"sslmode=verify-full\nsslrootcert={self.lab.ca_file}\n")
                path.chmod(0o646)
                named = {"PGSERVICE": "prod"} if case.form == "PGSERVICE" else {}
                result = self.run_case(
                    copies, case, "" if named else case.form, preloaded, PGPASSWORD=token,
                    PGSERVICEFILE=str(path), **named)
                self.assert_sent(preloaded, peer, token, result, f"{path}: every user can write it")

        self.each(cases, check)

    def test_a_preload_without_its_token_module(self):
        """If the token module is missing, no connection is made, and libpq returns its own error, with our reason."""
        gone = self.home.path / "librds-iam-pq.so"
        gone.write_bytes(ways.preload().read_bytes().replace(b"rds-iam-pq-token.so", b"rds-iam-pq-ghost.so"))
        cases = [Case("linked", way, "entry") for way in CONNECTS]

        def check(copies, case, preloaded):
            with PostgreSQLPeer(None) as peer:
                token = self.lab.token("etl", self.lab.pg, USER, port=peer.port)
                conninfo = f"host={self.lab.pg.host} port={peer.port} user={USER} dbname=shop sslmode=prefer"
                env = {"LD_PRELOAD": f"libnss_wrapper.so:{gone}"} if preloaded else {}
                result = self.run_case(copies, case, conninfo, preloaded, PGPASSWORD=token, **env)
                if preloaded:
                    self.assertIn('failed: invalid connection option "rds-iam: not connected: ', result.stdout)
                    self.assertEqual(peer.connections, 0)
                else:
                    self.assert_sent(preloaded, peer, token, result, "")

        self.each(cases, check)


class Node(LabCase):
    def test_node_postgres_reads_the_agents_passfile_at_each_connection(self):
        """node-postgres implements the protocol itself, so the preload has no effect on it. It reads PGPASSFILE."""
        try:
            directory = libpq_versions.node_postgres()
        except libpq_versions.Unavailable as error:
            self.skipTest(str(error))
        self.lab.token_life(ways.TOKEN_LIFE)
        services = Services(self.home)
        services.add("prod")
        pg = self.lab.pg
        environment = {
            "PGHOST": pg.host, "PGPORT": str(pg.port), "PGUSER": USER, "PGDATABASE": self.lab.database_name,
            "PGPASSFILE": str(services.passfile("prod")), "CA": str(self.lab.ca_file),
            "NODE_PATH": str(directory / "node_modules")}  # fmt: skip
        agent = services.agent()
        agent.__enter__()
        self.addCleanup(agent.__exit__, None, None, None)
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "node", "-e", NODE], env=self.home.env(None, **environment),
            cwd=self.home.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), f"{USER}\n")
        self.lab.await_token_end()
        output, errors = process.communicate("again\n", timeout=60)
        self.assertEqual(output, f"{USER}\n", errors)
        self.assert_accepted(2)


if __name__ == "__main__":
    harness.main()
