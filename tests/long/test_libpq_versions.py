# SPDX-License-Identifier: MIT
"""Every libpq from 10 to 18, every way to begin a connection: through the agent's passfiles, and under
the preload; tokens live for two seconds. And node-postgres, which reads the passfile by itself."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "integration"), str(TESTS / "long")]
import libpq_versions  # noqa: E402
import ways  # noqa: E402
from labcase import USER, LabCase, harness  # noqa: E402
from service import Services  # noqa: E402
from ways import CONNECTS, RESETS, SERVICE_FORMS, Case  # noqa: E402

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


class Versions(LabCase):
    def setUp(self):
        super().setUp()
        self.lab.token_life(ways.TOKEN_LIFE)

    def for_each(self, check):
        """check(copies) for each version, as a subtest of its own."""
        for major, library in sorted(LIBRARIES.items()):
            with self.subTest(libpq=major):
                copies = ways.Copies(library, tempfile.mkdtemp(prefix="libpq-", dir=harness.WORK))
                try:
                    check(copies)
                finally:
                    copies.remove()

    def assert_in(self, results):
        self.assertEqual([(str(c), text) for c, text in results if text != f"ok {USER}"], [])

    def test_all_nine_could_be_had_and_are_what_they_say(self):
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
            self.assert_in(ways.run_connects(cases, copies, self.home, self.lab, ways.with_preload()))
            reasons = [v["reason"] for v in self.verdicts()[before:]]
            self.assertEqual(reasons.count(None), len(cases))
            self.assertLessEqual(set(reasons), {None, "Expired"}, "see ways.py")

        self.for_each(check)

    def test_resets_under_the_preload(self):
        cases = [Case(reach, way, form) for reach in ways.REACHES for way in RESETS for form in FORMS]
        self.for_each(lambda copies: self.assert_in(
            ways.run_resets(cases, copies, self.home, self.lab, ways.with_preload())))

    def test_control_resets_without_it(self):
        cases = [Case("linked", way, "fields") for way in RESETS]

        def check(copies):
            token = self.lab.token("etl", self.lab.pg, USER)
            for case, text in ways.run_resets(cases, copies, self.home, self.lab, {"PGPASSWORD": token}):
                self.assertIn("PAM authentication failed", text, str(case))

        self.for_each(check)

    def agents_forms(self, services):
        """The forms that an agent serves: entries, by each way to name one."""
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
        forms = self.agents_forms(services)
        cases = [Case(reach, way, form) for reach in ways.REACHES for way in CONNECTS for form in forms]

        def check(copies):
            self.assert_in(ways.run_connects(cases, copies, self.home, self.lab, {}, forms, principal=None))

        with services.agent():
            self.for_each(check)


class Node(LabCase):
    def test_node_postgres_reads_the_agents_passfile_at_each_connection(self):
        """It speaks the protocol itself: no preload reaches it, and PGPASSFILE does."""
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
