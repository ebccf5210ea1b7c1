# SPDX-License-Identifier: MIT
"""rds-iam-agent --status: which entries are refused and why, and the last failure of each entry. test_agent_service.py
tests the other lines of --status."""
import re
import time

from labcase import USER, LabCase, harness
from mariadb_client import credentials_file
from service import Services, agent_program, await_true

MAX = 100  # lines of each kind
REFUSED = re.compile(r"refused {6}\[([^\]]*)\] \((.*?):(\d+)\): (.*)")
FAILED = re.compile(r"failed {7}\[([^\]]*)\] \((.*?):(\d+)\): (\S+Z) (\S+) at (\S+): (.*)")


class Status(LabCase):
    def setUp(self):
        super().setUp()
        self.services = Services(self.home)
        self.file = str(self.home.path / ".pg_service.conf")

    def text(self):
        result = self.home.run(
            [agent_program(), "--status", "--directory", self.services.directory], None)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def matches(self, pattern):
        return [match.groups() for match in map(pattern.fullmatch, self.text().splitlines()) if match]

    def test_each_refused_entry_with_its_line_and_reason(self):
        rows = []

        def refuse(name, key, reason, without=(), **settings):
            line = self.services.add(name, without, **settings)
            rows.append((name, self.file, str(self.services.line_of(key) if key else line), reason))

        self.services.add("good")
        refuse("weak", "sslmode=require", "has sslmode=require, which lets the token go to an unverified server; write "
               "sslmode=verify-full and the sslrootcert= that rds-iam setup postgres prints", sslmode="require")
        refuse("no host", None, "has no host=; add host=ENDPOINT, because a token is made for one server", ["host"])
        refuse("good", None, f"is never read: libpq uses the first service of this name, in {self.file}:2; rename one of the two")
        refuse("shares", "passfile=", f"shares its passfile with [weak] ({self.file}:{rows[0][2]}), but [weak] does not",
               passfile=self.services.passfile("weak"))
        refuse("named", "passfile=", '"agent.log" is not a valid passfile name; write passfile=',
               passfile=self.services.directory / "agent.log")
        refuse("unknown", "hots=", "", hots="x")
        refuse("relative", "passfile=", 'libpq looks for "run/x" in the directory that each program runs in',
               passfile="run/x")
        refuse("capital", "PassFile=", 'libpq does not know "PassFile", so it rejects the service; write passfile=',
               ["passfile"], PassFile=self.services.passfile("capital"))
        refuse("long", "application_name=", "this line is longer than the ", application_name="x" * 3000)
        self.services.add("elsewhere", passfile=self.home.path / "pass")
        self.services.add("plain", ["passfile"])
        with self.services.agent() as agent:
            found = self.matches(REFUSED)
            self.assertEqual(len(found), len(rows), self.text())
            for expected, refused in zip(rows, found):
                with self.subTest(name=expected[0]):
                    if expected[0] == "shares":
                        expected = (*expected[:3], expected[3].split(" (")[0])
                    self.assertEqual(refused[:3], expected[:3])
                    self.assertTrue(refused[3].startswith(expected[3]), refused[3])
            self.assertIn("not served   2 other services, without a passfile in this directory: elsewhere, plain\n", self.text())
            self.assertEqual(self.matches(FAILED), [])
            self.assertTrue(agent.status()["[good]"].endswith("ok"))

    def test_an_invalid_service_file_is_shown_until_it_is_fixed(self):
        self.services.add("good")
        with self.services.agent() as agent:
            self.assertNotIn("invalid ", self.text())
            self.home.write(".pg_service.conf", "[good]\nno setting\n")
            await_true(lambda: "invalid " in self.text(), agent.log)
            self.assertIn(f"invalid      {self.file}:2: is not a comment, a [group] or a setting in a group; remove "
                          "the line\n", self.text())
            self.assertTrue(agent.status()["[good]"].endswith("ok"), "the previous entries are served")
            self.services.add("second")
            await_true(lambda: "invalid " not in self.text(), agent.log)

    def test_the_last_failure_of_each_entry_stays_after_a_success(self):
        first = self.services.add("first")
        second = self.services.add("second", user="other")
        begin = int(time.time()) - 1
        with self.services.agent(None) as agent:
            failed = self.matches(FAILED)
            at = f"{self.lab.pg.host}:{self.lab.pg.port}"
            self.assertEqual([line[:3] + line[4:6] for line in failed], [
                ("first", self.file, str(first), USER, at), ("second", self.file, str(second), "other", at)])
            for line in failed:
                when = time.mktime(time.strptime(line[3], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
                self.assertTrue(begin <= when <= time.time() + 1, line)
                self.assertTrue(line[6].startswith("no AWS credentials: "), line)
            self.assertRegex(self.text(), r"\nlast error   \S+Z \S+:\d+: \[(first|second)\] no token for \S+ at \S+: no AWS ")
            self.home.write(".aws/credentials", credentials_file(self.lab.principals["etl"], "default"))
            agent.renew()
            await_true(lambda: agent.status()["[second]"].endswith("  ok"), agent.log)
            await_true(lambda: agent.status()["[first]"].endswith("  ok"), agent.log)
            self.assertIn("\nlast error   none\n", self.text())
            self.assertEqual([line[0] for line in self.matches(FAILED)], ["first", "second"])
            self.services.clear()
            moved = self.services.add("new") and self.services.add("second", user="other")
            await_true(lambda: "[new]" in agent.status(), agent.log)
            await_true(lambda: agent.status()["[new]"].endswith("  ok"), agent.log)
            self.assertEqual([line[:3] for line in self.matches(FAILED)], [("second", self.file, str(moved))],
                             "the failure of a host that was removed is not shown")

    def test_the_last_error_of_a_service_that_was_removed(self):
        self.services.add("first", host="localhost")
        self.services.add("second")
        with self.services.agent(wait=False) as agent:
            await_true(lambda: "[first] no token" in self.text(), agent.log)
            self.services.clear()
            self.services.add("second")
            await_true(lambda: "[first]" not in agent.status(), agent.log)
            self.assertIn("\nlast error   none\n", self.text())

    def test_only_the_first_other_services_are_named(self):
        self.services.add("good")
        for i in range(MAX + 1):
            self.services.add(f"other{i:03}", ["passfile"])
        with self.services.agent():
            names = ", ".join(f"other{i:03}" for i in range(MAX))
            self.assertIn(f"not served   {MAX + 1} other services, without a passfile in this directory: {names} ...\n",
                          self.text())

    def test_ten_thousand_refused_entries(self):
        self.home.write(".pg_service.conf", "".join(
            f"[weak{i:05}]\nhost={self.lab.pg.host}\nuser={USER}\nsslmode=require\n"
            f"passfile={self.services.passfile(f'weak{i:05}')}\n" for i in range(10000)))
        with self.services.agent() as agent:
            found = self.matches(REFUSED)
            self.assertEqual([name for name, *_ in found], [f"weak{i:05}" for i in range(MAX)])
            self.assertIn(f"refused      and {10000 - MAX} more; run: rds-iam lint\n", self.text())
            self.assertEqual(agent.status()["entries"], "0 of 10000 services have their tokens, in 10000 passfiles")

    def test_many_entries_without_credentials(self):
        self.services.add_all({f"p{i:03}": {} for i in range(300)})
        with self.services.agent(None):
            self.assertEqual(len(self.matches(FAILED)), MAX)
            self.assertIn(f"failed       and {300 - MAX} more; see the log\n", self.text())

    def test_control_characters_in_a_name_are_replaced(self):
        self.services.add("a\x1b[31m", sslmode="require")
        with self.services.agent():
            self.assertNotIn("\x1b", self.text())
            self.assertEqual([name for name, *_ in self.matches(REFUSED)], ["a?[31m"])


if __name__ == "__main__":
    harness.main()
