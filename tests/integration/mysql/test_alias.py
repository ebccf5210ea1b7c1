# SPDX-License-Identifier: MIT
"""A name that DNS knows as an alias of a database: the refusal prints the section to write, with the
database's name. A DNS server of the test's own answers, in mount and network namespaces of its own;
the lab's databases are not in that network, so a recording peer plays the server."""
import json
import os
import re

import mysql_client
from labcase import USER, harness
from mariadb_client import CONFIG, MariadbCase

ALIAS = "db.example.com"  # resolves to loopback under nss_wrapper, and is in the certificate
RDS = "prod.cluster-abc123.eu-west-1.rds.amazonaws.com"
LONG_ALIAS = "mysql-production-primary.database.internal.platform.example.com"
LONG_RDS = ("clickpipes-analytics-production-warehouse-primary-replica-no2.cluster-custom-abcdefghijkl."
            "eu-central-1.rds.amazonaws.com")
EC2 = "ec2-203-0-113-7.eu-west-1.compute.amazonaws.com"
PLAIN = "if it is a tunnel or an alias, "
ATTEMPTS = 8


def in_own_network(command):
    """As root, or as a user who is root in a user namespace."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--net", "--mount", "--fork", "--kill-child", *command]


def is_late(records, seen):
    """DNS has two seconds of a login that has failed already. Where a loaded machine takes longer to start
    what asks, or to answer it, the plain message is right."""
    has_answer = bool({RDS, LONG_RDS} & set(records.values()))
    return PLAIN in seen["printed"] and (has_answer or not seen["asked"])


class Alias(MariadbCase):
    def ask(self, records, *command, **extra):
        """What came of it in time."""
        for _ in range(ATTEMPTS):
            seen = self.ask_once(records, *command, **extra)
            if not is_late(records, seen):
                break
        return seen

    def ask_once(self, records, *command, **extra):
        # The script itself resolves nothing by nss_wrapper; the client does.
        argv = in_own_network([
            harness.PYTHON, harness.SOURCE / "tests/integration/dns.py", self.home.path,
            self.lab.certificates.directory, ",".join("=".join(pair) for pair in records.items()), *command])
        result = self.home.run(argv, **extra)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def mariadb_there(self, records, **extra):
        argv = ["mariadb", "-h", ALIAS, "-P", "PORT", "-u", USER, "-e", "select 1"]
        seen = self.ask(records, *argv, **extra)
        self.assertEqual(seen["status"], 1, seen)
        self.assertEqual(seen["connections"], 1)
        return seen

    def section(self, port):
        return f"[{ALIAS}:{port}] endpoint = {RDS}:{port} in ~/.config/rds-iam/config"

    def test_the_refusal_prints_the_section_with_the_databases_name(self):
        # A public database is itself an alias, of an EC2 name: that is not the one to sign for.
        seen = self.mariadb_there({ALIAS: "lb.example.com", "lb.example.com": RDS, RDS: EC2})
        self.assertEqual(seen["asked"], [ALIAS])
        self.assertIn("ERROR 2061 (HY000): rds-iam: " + ALIAS + " is not an RDS endpoint", seen["printed"])
        self.assertIn(f"but a DNS alias of {RDS}; if that is your database, use that name, "
                      f"or write {self.section(seen['port'])}", seen["printed"])
        self.assertFalse(seen["got_token"], "what DNS says is never trusted on its own")

    def test_the_section_that_is_printed_is_the_remedy(self):
        # For any port: the peer has another one each time.
        self.home.write(CONFIG, f"[{ALIAS}]\nendpoint = {RDS}:3306\n")
        seen = self.mariadb_there({ALIAS: RDS})
        self.assertIn("ERROR 1045", seen["printed"])
        self.assertTrue(seen["got_token"], "control: the search finds a token that was sent")
        self.assertEqual(seen["asked"], [], "a name with a section is not asked for")

    def oracle_there(self, records, *options, **extra):
        """A client on Oracle's library, as tests/loader plays it."""
        argv = [mysql_client.PROGRAM, "--library=9.x", "--ssl-mode=VERIFY_IDENTITY",
                f"--ssl-ca={self.lab.ca_file}", *options, ALIAS, "PORT", USER]
        return self.ask(records, *argv, **mysql_client.preload(), **extra)

    def test_a_client_on_oracles_library_prints_the_section_too(self):
        """In the words of that library, whose own plugin would have refused."""
        seen = self.oracle_there({ALIAS: RDS, RDS: EC2})
        self.assertEqual(seen["asked"], [ALIAS])
        self.assertTrue(seen["printed"].startswith(
            f"{mysql_client.STOCK} (rds-iam: {ALIAS} is not an RDS endpoint, but DNS says "), seen["printed"])
        self.assertIn(f"or write {self.section(seen['port'])}", seen["printed"])
        self.assertFalse(seen["got_token"])

    def test_a_client_on_oracles_library_that_may_send_a_password_asks_nobody(self):
        seen = self.oracle_there({ALIAS: RDS}, **mysql_client.GATE)
        self.assertEqual(seen["asked"], [])
        self.assertFalse(seen["got_token"])

    def test_names_that_lead_elsewhere_keep_the_plain_message(self):
        for records in ({}, {ALIAS: "lb.example.com"}, {ALIAS: RDS + ".evil.example"}):
            with self.subTest(records=records):
                seen = self.mariadb_there(records)
                self.assertEqual(seen["asked"], [ALIAS])
                self.assertIn(f"{PLAIN}name its endpoint: [{ALIAS}] endpoint = NAME:PORT", seen["printed"])
                self.assertFalse(seen["got_token"])

    def test_a_resolver_that_does_not_answer_does_not_hold_the_login_up(self):
        seen = self.mariadb_there({ALIAS: "silent"})
        self.assertIn(f"[{ALIAS}] endpoint = NAME:PORT", seen["printed"])
        self.assertTrue(seen["asked"])

    def test_the_command_line_tool_says_the_same(self):
        argv = [harness.installed("bin/rds-iam"), "token", "--hostname", ALIAS, "--port", "3306",
                "--username", USER]
        seen = self.ask({ALIAS: RDS}, *argv)
        self.assertEqual(seen["status"], 1)
        self.assertIn(f"or write {self.section(3306)}", seen["printed"])

    def test_long_names_are_printed_whole(self):
        """What is printed as the section to write, written so, is the remedy."""
        for host, rds in ((LONG_ALIAS, RDS), (LONG_ALIAS, LONG_RDS)):
            argv = [harness.installed("bin/rds-iam"), "token", "--hostname", host, "--port", "3306",
                    "--username", USER]
            printed = self.ask({host: rds}, *argv)["printed"]
            section, value, file = re.search(r"write (\[.*\]) (endpoint = \S+) in (\S+)$", printed).groups()
            self.assertEqual((section, value, file), (
                f"[{host}:3306]", f"endpoint = {rds}:3306", "~/.config/rds-iam/config"))
            self.home.write(CONFIG, f"{section}\n{value}\n")
            self.assertTrue(self.ask({host: rds}, *argv)["printed"].startswith(f"{rds}:3306/?Action=connect&"))
            (self.home.path / CONFIG).unlink()

    def test_long_names_are_whole_in_the_words_of_oracles_library(self):
        seen = self.oracle_there({ALIAS: LONG_RDS})
        self.assertIn(f"write [{ALIAS}:{seen['port']}] endpoint = {LONG_RDS}:{seen['port']} in ~/.config/rds-iam/config",
                      seen["printed"])


if __name__ == "__main__":
    harness.main()
