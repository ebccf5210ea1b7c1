# SPDX-License-Identifier: MIT
"""A host name that is a DNS alias of a database. The error message prints the section to write, with the name of
the database.

A DNS server runs in its own mount and network namespaces (dns.py). The lab's databases are not in that network, so
a recording peer stands for the database."""
import json
import os
import re

import mysql_client
from labcase import USER, harness
from mariadb_client import CONFIG, MariadbCase

ALIAS = "db.example.com"  # nss_wrapper resolves it to loopback; the certificate contains it
RDS = "prod.cluster-abc123.eu-west-1.rds.amazonaws.com"
LONG_ALIAS = "mysql-production-primary.database.internal.platform.example.com"
LONG_RDS = ("clickpipes-analytics-production-warehouse-primary-replica-no2.cluster-custom-abcdefghijkl."
            "eu-central-1.rds.amazonaws.com")
EC2 = "ec2-203-0-113-7.eu-west-1.compute.amazonaws.com"
PLAIN = "(for a tunnel, map it in /etc/hosts); to accept any RDS server, "
ATTEMPTS = 8


def in_own_network(command):
    """Returns the command line to run a command in new network and mount namespaces. If the user is not root, the
    command also gets a user namespace in which it is root."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--net", "--mount", "--fork", "--kill-child", *command]


def is_late(records, seen):
    """Returns true if the DNS lookup took too long. After a login fails, rds-iam allows 2 s for the lookup. If a
    loaded machine needs more time for the query or the response, rds-iam correctly prints the plain message."""
    has_answer = bool({RDS, LONG_RDS} & set(records.values()))
    return PLAIN in seen["printed"] and (has_answer or not seen["asked"])


class Alias(MariadbCase):
    def ask(self, records, *command, **extra):
        """Runs the command until its DNS lookup is in time, at most ATTEMPTS times. Returns what dns.py prints."""
        for _ in range(ATTEMPTS):
            seen = self.ask_once(records, *command, **extra)
            if not is_late(records, seen):
                break
        return seen

    def ask_once(self, records, *command, **extra):
        argv = in_own_network([
            harness.PYTHON, harness.SOURCE / "tests/integration/dns.py", self.home.path,
            self.lab.certificates.directory, ",".join("=".join(pair) for pair in records.items()), *command])
        result = self.home.run(argv, **extra)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def mariadb_login(self, records, **extra):
        """Runs the mariadb command, which must fail after one connection. Returns what dns.py prints."""
        argv = ["mariadb", "-h", ALIAS, "-P", "PORT", "-u", USER, "-e", "select 1"]
        seen = self.ask(records, *argv, **extra)
        self.assertEqual(seen["status"], 1, seen)
        self.assertEqual(seen["connections"], 1)
        return seen

    def section(self, port):
        return f"[{ALIAS}:{port}], then endpoint = {RDS}:{port}, then tls = verify-ca, in ~/.config/rds-iam/config"

    def test_the_message_prints_the_section_with_the_name_of_the_database(self):
        # The name of a public database is itself an alias of an EC2 name. A token is not signed for the EC2 name.
        seen = self.mariadb_login({ALIAS: "lb.example.com", "lb.example.com": RDS, RDS: EC2})
        self.assertEqual(seen["asked"], [ALIAS])
        self.assertIn("ERROR 2061 (HY000): rds-iam: " + ALIAS + " is not an RDS endpoint", seen["printed"])
        self.assertIn(f"but a DNS alias of {RDS}; if that is your database, use that name, "
                      f"or, to accept any RDS server, add 3 lines: {self.section(seen['port'])}", seen["printed"])
        self.assertFalse(seen["got_token"], "a DNS response alone is never trusted")

    def test_the_section_fixes_the_login(self):
        # The section has no port, because the peer uses another port each time.
        self.home.write(CONFIG, f"[{ALIAS}]\nendpoint = {RDS}:3306\n")
        seen = self.mariadb_login({ALIAS: RDS})
        self.assertIn("ERROR 1045", seen["printed"])
        self.assertTrue(seen["got_token"], "control: the search finds a token that is sent")
        self.assertEqual(seen["asked"], [], "no DNS query for a name with a section")

    def oracle_login(self, records, *options, **extra):
        """Runs the client of tests/loader, which stands for a client on Oracle's library."""
        argv = [mysql_client.PROGRAM, "--library=9.x", "--ssl-mode=VERIFY_IDENTITY",
                f"--ssl-ca={self.lab.ca_file}", *options, ALIAS, "PORT", USER]
        return self.ask(records, *argv, **mysql_client.preload(), **extra)

    def test_a_client_on_oracles_library_prints_the_section(self):
        """The message begins with the library's own error, because without rds-iam the library's own plugin would
        refuse."""
        seen = self.oracle_login({ALIAS: RDS, RDS: EC2})
        self.assertEqual(seen["asked"], [ALIAS])
        self.assertTrue(seen["printed"].startswith(
            f"{mysql_client.STOCK} (rds-iam: {ALIAS} is not an RDS endpoint, but a DNS alias of "), seen["printed"])
        self.assertIn(f"or, to accept any RDS server, add 3 lines: {self.section(seen['port'])}", seen["printed"])
        self.assertFalse(seen["got_token"])

    def test_a_client_on_oracles_library_that_may_send_a_password_sends_no_query(self):
        seen = self.oracle_login({ALIAS: RDS}, **mysql_client.GATE)
        self.assertEqual(seen["asked"], [])
        self.assertFalse(seen["got_token"])

    def test_names_that_are_not_aliases_of_a_database_get_the_plain_message(self):
        for records in ({}, {ALIAS: "lb.example.com"}, {ALIAS: RDS + ".evil.example"}):
            with self.subTest(records=records):
                seen = self.mariadb_login(records)
                self.assertEqual(seen["asked"], [ALIAS])
                self.assertIn(f"{PLAIN}add 3 lines: [{ALIAS}:{seen['port']}], then endpoint = ENDPOINT:ITS_PORT", seen["printed"])
                self.assertFalse(seen["got_token"])

    def test_a_resolver_that_does_not_respond_does_not_block_the_login(self):
        seen = self.mariadb_login({ALIAS: "silent"})
        self.assertIn(f"[{ALIAS}:{seen['port']}], then endpoint = ENDPOINT:ITS_PORT", seen["printed"])
        self.assertTrue(seen["asked"])

    def test_rds_iam_token_prints_the_section(self):
        argv = [harness.installed("bin/rds-iam"), "token", "--hostname", ALIAS, "--port", "3306",
                "--username", USER]
        seen = self.ask({ALIAS: RDS}, *argv)
        self.assertEqual(seen["status"], 1)
        self.assertIn(f"or, to accept any RDS server, add 3 lines: {self.section(3306)}", seen["printed"])

    def test_long_names_are_printed_completely(self):
        """The login works after the printed section is written to the file as it is."""
        for host, rds in ((LONG_ALIAS, RDS), (LONG_ALIAS, LONG_RDS)):
            argv = [harness.installed("bin/rds-iam"), "token", "--hostname", host, "--port", "3306",
                    "--username", USER]
            printed = self.ask({host: rds}, *argv)["printed"]
            section, value, tls, file = re.search(
                r"add 3 lines: (\[.*\]), then (endpoint = \S+), then (tls = verify-ca), in (\S+)$",
                printed).groups()
            self.assertEqual((section, value, file), (
                f"[{host}:3306]", f"endpoint = {rds}:3306", "~/.config/rds-iam/config"))
            self.home.write(CONFIG, f"{section}\n{value}\n{tls}\n")
            self.assertTrue(self.ask({host: rds}, *argv)["printed"].startswith(f"{rds}:3306/?Action=connect&"))
            (self.home.path / CONFIG).unlink()

    def test_long_names_are_printed_completely_by_oracles_library(self):
        seen = self.oracle_login({ALIAS: LONG_RDS})
        port = seen["port"]
        self.assertIn(f"add 3 lines: [{ALIAS}:{port}], then endpoint = {LONG_RDS}:{port}, then tls = verify-ca, "
                      "in ~/.config/rds-iam/config", seen["printed"])


if __name__ == "__main__":
    harness.main()
