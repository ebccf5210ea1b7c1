# SPDX-License-Identifier: MIT
"""`rds-iam check` and mistakes of its users: a wrong user or database, localhost, half of the credentials, and -h for
the host (which other commands reject, too)."""
from check_case import CheckCase
from labcase import harness
from mariadb_client import CONFIG


class Mistakes(CheckCase):
    def test_localhost_with_a_port_is_over_tcp(self):
        """As in the mariadb command. Over a Unix socket, the library would ignore the port."""
        server = self.lab.mariadb
        self.home.write(CONFIG, f"[localhost]\nendpoint = {server.host}:{server.port}\ntls = verify-ca\n")
        output = self.check(self.login_to("mysql", host="localhost"))
        self.assertEqual((output.status, output.causes), (0, ()), output.stdout)
        self.assert_accepted()

    def test_a_database_that_does_not_exist(self):
        """The result is that of the login, and the summary states that the server accepted the token."""
        for output in (self.check(self.login_to("postgres", dbname="no_such_database")),
                       self.check(self.login_to("mysql", dbname="no_such_database"))):
            self.assertEqual((output.status, output.document["result"]), (3, "refused-by-server"), output.stdout)
            self.assertEqual(output.document["summary"], "The server accepted the token, but refused the login.")
            self.assertEqual(output.item("login")["mark"], "fault")

    def test_a_missing_user_of_postgresql(self):
        output = self.check(self.login_to("postgres", user="missing_user"))
        self.assertEqual((output.status, output.causes), (3, ("not-in-rds-iam",)), output.stdout)
        self.assertNotIn(".pgpass", output.stdout, "the token was in no file of the user")
        remedy = output.document["causes"][0]["remedy"]
        self.assertLess(remedy.index('CREATE USER "missing_user"'), remedy.index('GRANT rds_iam TO "missing_user"'))

    def test_a_source_that_fails(self):
        output = self.check(self.login_to("postgres", principal=None, env={"AWS_ACCESS_KEY_ID": "AKIALABETLEXAMPLE001"}))
        item = output.item("environment")
        self.assertEqual(item["mark"], "fault")
        self.assertNotIn("FAILED", item["text"])

    def test_the_h_of_psql_and_mariadb(self):
        for command in (["check"], ["token"], ["credentials"], ["setup", "policy"]):
            with self.subTest(command=command):
                argv = [harness.installed("bin/rds-iam"), *command]
                result = self.home.run([*argv, "-h", "db.example.com", "--username", "x"])
                self.assertEqual((result.returncode, result.stdout), (2, ""))
                self.assertIn("-h is help; the host is --hostname; see rds-iam ", result.stderr)
                for words in (("-h",), ("-h", "--username", "x")):
                    self.assertEqual(self.home.run([*argv, *words]).returncode, 0)


if __name__ == "__main__":
    harness.main()
