# SPDX-License-Identifier: MIT
"""`rds-iam check` names the true cause of a refused login.

Each row makes one cause in the lab. The verifier's reason in the journal, or what a scripted server sent, proves that
this cause was made. If the row contains an error of the real client, this client must fail with it. If the client can
see the cause, the command names only this cause. If RDS reports several causes by the same error, the command names all
of them, and prints the same output for each of them.

The lines of the manual's table of causes, common/check/CAUSES.md, must be what the rows show. Run this file with
--write to write the table again.
"""
import concurrent.futures
import contextlib
import subprocess
import sys
import unittest

import cause_rows as rows
from cause_rows import ANY, ACCEPTED, EACH, GOOD_CLIENT, NOTHING, SCRIPTED, SERVER, of
from causes_table import CausesTable, Seen, line_of, name_lines
from check_case import CheckCase, neutral
from labcase import harness
from mariadb_client import CONFIG, connector_c

import traces

FILES = (CONFIG, ".aws/config", ".aws/credentials", ".pg_service.conf", ".pgpass")


def client_versions():
    done = subprocess.run(["psql", "--version"], stdout=subprocess.PIPE, text=True, check=True, timeout=30)
    psql = next(word for word in done.stdout.split() if word[0].isdigit())
    return f"psql {psql.split('.')[0]} and MariaDB Connector/C {'.'.join(map(str, connector_c()[:2]))}"


IS_WRITTEN = "--write" in sys.argv
sys.argv = [word for word in sys.argv if word != "--write"]  # the other words are names of tests
TABLE = CausesTable(rows.GROUPS, client_versions(), IS_WRITTEN)


class Causes(CheckCase):
    def run_row(self, row, engine):
        """Makes the cause, and runs check and the real client at the same time, and check --aws if the row expects a
        result of it. For the row's last engine, also checks the text that check prints without --json. Returns the
        output and what the manual shows of it."""
        login = of(row.make, engine)(self, engine)
        seen = len(self.lab.journal())
        aws_login = login.change(env={f"AWS_ENDPOINT_URL_{name}": self.lab.cloud_https for name in ("RDS", "IAM")})
        with concurrent.futures.ThreadPoolExecutor(1 if row.one_by_one else 4) as pool:
            as_json = pool.submit(self.check, login)
            as_text = pool.submit(self.check_text, login) if engine == row.engines[-1] else as_json
            client = pool.submit(self.client, login) if of(row.client, engine) is not None else None
            with_aws = pool.submit(self.check, aws_login, "--aws") if of(row.with_aws, engine) is not None else None
        output, text, client, with_aws = [run and run.result() for run in (as_json, as_text, client, with_aws)]
        sent = [v for v in self.lab.journal()[seen:] if v["token_length"] > 0]
        self.assertEqual((output.status, output.causes), (of(row.status, engine), of(row.causes, engine)), output.stdout)
        if text is not output:
            self.assertEqual(text.status, output.status)
            self.assertEqual(text.stdout.count("\n  * "), len(output.causes))
        if with_aws:
            self.assertEqual((with_aws.status, with_aws.causes), (SERVER, of(row.with_aws, engine)), with_aws.stdout)
        self.assert_client(of(row.client, engine), client)
        runs = 1 + (text is not output) + (client is not None) + (with_aws is not None)
        self.assert_proof(of(row.proof, engine), sent, runs)
        return output, Seen(engine, login, output, client, with_aws, self)

    def assert_client(self, expected, client):
        if expected == GOOD_CLIENT:
            self.assertEqual((client.status, client.stdout), (0, "1\n"), client.stderr)
        elif client is not None:
            self.assertNotEqual(client.status, 0)
            self.assertIn(expected, client.stderr)

    def assert_proof(self, proof, sent, count):
        """Checks what the verifier received from `count` programs, or what the scripted server received."""
        if proof == NOTHING:
            self.assertEqual(sent, [])
            if self.scripted is not None:
                self.assertGreaterEqual(self.scripted.connections, count, "control: the programs connected")
                self.assertEqual(traces.find(self.scripted.received, traces.secrets_of(self.lab.principals["etl"])), [])
        elif proof == ACCEPTED:
            self.assertEqual([v["reason"] for v in sent], [None] * count)
        elif proof not in (SCRIPTED, ANY):
            self.assertEqual([f"{v['reason']}: {v['detail']}"[:len(proof)] for v in sent], [proof] * count)

    def assert_manual(self, row, seen):
        """Checks that the manual shows what was seen. With --write, adds it to the new manual instead."""
        TABLE.add(row.name, seen)
        if TABLE.is_written:
            return
        self.assertIn(TABLE.comparable(line_of(row.name, seen)), map(TABLE.comparable, TABLE.lines()))
        for line in name_lines(seen):
            self.assertIn(line, TABLE.lines())

    def run_rows(self, *rows_to_run):
        """Runs each row with each of its engines. Returns the JSON texts by engine."""
        texts = {engine: [] for engine in EACH}
        for row in rows_to_run:
            seen = []
            for engine in row.engines:
                with self.subTest(row=row.name, engine=engine), contextlib.ExitStack() as self.row:
                    self.scripted = None
                    self.lab.clock(0)
                    self.lab.faults()
                    self.write_my_cnf()
                    for name in FILES:
                        (self.home.path / name).unlink(missing_ok=True)
                    output, shown = self.run_row(row, engine)
                    texts[engine].append(output.stdout)
                    seen.append(shown)
            if len(seen) == len(row.engines):
                with self.subTest(row=row.name, manual=True):
                    self.assert_manual(row, seen)
        return texts

    def assert_equal(self, texts):
        """Checks that the outputs differ only by names, numbers and times."""
        for engine in EACH:
            for text in texts[engine][1:]:
                self.assertEqual(neutral(text), neutral(texts[engine][0]))

    def test_settings(self):
        self.run_rows(*rows.SETTINGS)

    def test_credentials(self):
        self.run_rows(*rows.CREDENTIALS)

    def test_names_and_networks(self):
        self.run_rows(*rows.NAMES)

    def test_tls(self):
        self.run_rows(*rows.TLS)

    def test_causes_that_the_server_names(self):
        self.run_rows(*rows.SERVER_NAMES_IT)

    def test_causes_of_users_that_look_alike(self):
        self.assert_equal(self.run_rows(*rows.ALIKE_USERS[:6]))
        self.run_rows(*rows.ALIKE_USERS[6:])

    def test_a_user_that_mariadb_does_not_have(self):
        """If a user does not exist, MariaDB uses the plugin of one of its accounts; which one depends on the name."""
        for user in ("missing_user", "Clickpipes_IAM_User", "nobody", "app"):
            with self.subTest(user=user):
                output = self.check(self.login_to("mysql", user=user))
                upper = {"user-case"} if user == "Clickpipes_IAM_User" else set()
                self.assertEqual(output.status, SERVER)
                self.assertIn(set(output.causes) - upper, ({"no-token-sent"}, set(rows.ALIKE["mysql"])))
                self.assertLessEqual(upper, set(output.causes))

    def test_causes_of_sessions_that_look_alike(self):
        self.assert_equal(self.run_rows(*rows.ALIKE_SESSIONS))

    def test_causes_of_tunnels_that_look_alike(self):
        self.assert_equal(self.run_rows(*rows.ALIKE_TUNNELS))

    def test_other_causes_that_look_alike(self):
        self.run_rows(*rows.ALIKE_OTHERS)

    def test_no_cause_is_named_if_the_login_succeeds(self):
        self.run_rows(*rows.GOOD)


class Manual(unittest.TestCase):
    """The manual contains exactly the rows of cause_rows.py, in the same order. The class Causes compares the text of
    each line."""

    def test_control_a_line_that_was_not_seen_is_found(self):
        line = next(line for line in TABLE.lines() if "`no-tls`" in line)
        others = [line.replace("no TLS", "no  TLS"), line.replace("| 1 |", "| 3 |"), line.replace("offers", "has")]
        for other in others:
            self.assertNotIn(TABLE.comparable(other), map(TABLE.comparable, TABLE.lines()))
        self.assertIn(TABLE.comparable(line), map(TABLE.comparable, TABLE.lines()))

    def test_the_rows_and_their_order(self):
        if TABLE.is_written:
            return
        expected = {title: [row.name for row in group] for title, group in rows.GROUPS}
        self.assertEqual(TABLE.row_names(), expected)
        names = [name for group in expected.values() for name in group]
        self.assertEqual(len(names), len(set(names)))

    def test_only_names_of_causes_that_look_alike_are_explained(self):
        if TABLE.is_written:
            return
        shown = {name for _, group in rows.GROUPS for row in group for engine in row.engines
                 for name in of(row.causes, engine) if len(of(row.causes, engine)) > 1}
        self.assertEqual(TABLE.explained_names(), shown)


def tearDownModule():
    if TABLE.is_written:
        TABLE.write()


if __name__ == "__main__":
    harness.main()
