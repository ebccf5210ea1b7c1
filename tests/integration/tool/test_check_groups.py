# SPDX-License-Identifier: MIT
"""`rds-iam check` with `--defaults-group`, and the option files that a login does not use."""
import time

from check_case import CheckCase
from labcase import USER, harness


class Groups(CheckCase):
    def group(self, *options):
        return self.login_to("mysql", host=None, port=None, user=None, engine=None, ca=None,
                             options=("--defaults-group", "client", *options))

    def test_a_group_that_lacks_what_client_has(self):
        """A client that reads another group also reads [client]."""
        server = self.lab.mariadb
        self.write_my_cnf()
        with (self.home.path / ".my.cnf").open("a", encoding="utf-8") as file:
            file.write(f"[client-rds]\nhost={server.host}\nport={server.port}\nuser={USER}\n")
        login = self.login_to("mysql", host=None, port=None, user=None, engine=None, ca=None, group="client-rds")
        output = self.check(login)
        self.assertEqual((output.status, output.marks() <= {"ok", "note"}), (0, True), output.stdout)
        missing = self.check(login.change(group="client-nope"))
        self.assertEqual((missing.status, missing.causes), (1, ("no-option-file",)), missing.stdout)

    def test_a_group_that_does_not_exist(self):
        """The message names the groups that exist. No port is given, so check uses MySQL's port."""
        login = self.login_to("mysql", port=None, engine=None, ca=None, group="client-nope")
        for groups, text in (
                ("", "no option file has options in [client-nope]"),
                ("[client-rds]\nuser=x\n[mysqld]\nport=1\n[client-empty]\n",
                 "no option file has options in [client-nope]; the groups that exist are: client-rds")):
            with self.subTest(groups=groups):
                self.home.write(".my.cnf", groups)
                output = self.check(login)
                self.assertEqual(output.item("option file")["text"], text)
                self.assertEqual(output.causes, ("no-option-file",), output.stdout)
                self.assertEqual(output.item("endpoint")["mark"], "ok", output.stdout)

    def test_a_login_with_a_group_that_does_not_exist(self):
        """The login is tried, because the command line contains the host. [client] is read even if the other group is
        missing."""
        login = self.login_to("mysql", engine=None, ca=None, group="client-nope")
        for text, cause in (("", "no-option-file"), ("[client]\npassword=x\n", "password-given")):
            with self.subTest(text=text):
                self.home.write(".my.cnf", text)
                output = self.check(login)
                self.assertEqual((output.status, output.causes), (3, (cause,)), output.stdout)
                self.assertEqual(output.item("option file")["mark"], "fault")

    def test_a_group_without_a_host(self):
        """`rds-iam setup mysql --write` writes such a group. The login needs --hostname and --username."""
        server = self.lab.mariadb
        self.write_my_cnf()
        output = self.check(self.group())
        self.assertEqual((output.status, output.document["result"], output.causes), (2, "usage-error", ()), output.stdout)
        self.assertIn("give --hostname and --username", output.document["summary"])
        given = ("--hostname", server.host, "--port", str(server.port), "--username", USER)
        self.assertEqual(self.check(self.group(*given)).status, 0)
        help_text = self.home.run([harness.installed("bin/rds-iam"), "check", "--help"]).stdout
        self.assertIn("--defaults-group NAME [--hostname HOST --username USER]", help_text)

    def test_a_group_whose_name_begins_like_an_option(self):
        """my_print_defaults gets the name of the group, and must not parse the name as one of its own options."""
        self.write_my_cnf()
        login = self.login_to("mysql", host=None, port=None, user=None, engine=None, ca=None, group="--help")
        output = self.check(login)
        self.assertEqual(output.item("option file")["mark"], "fault", output.stdout)
        self.assertIn("no option file has options in [--help]", output.stdout)

    def test_a_group_of_the_option_file(self):
        server = self.lab.mariadb
        self.write_my_cnf(host=server.host, port=server.port, user=USER)
        output = self.check(self.group("--ca", str(self.lab.ca_file)))
        self.assertEqual(output.status, 0, output.stdout)
        self.assert_accepted()

    def test_a_reader_of_option_files_that_does_not_end(self):
        """The time limit applies to a child that never stops writing, and to one that closes its output and does not
        end."""
        for body, status in (("while :; do echo x; done", 2), ("exec >&- 2>&-; sleep 300", 1)):
            with self.subTest(body=body):
                self.home.write("bin/my_print_defaults", f"#!/bin/sh\n{body}\n", mode=0o700)
                started = time.monotonic()
                env = {**self.cloud_env(), "PATH": f"{self.home.path}/bin:/usr/bin:/bin"}
                output = self.home.run([harness.installed("bin/rds-iam"), "check", "--defaults-group", "client"], **env)
                self.assertEqual(output.returncode, status, output.stdout)
                self.assertLess(time.monotonic() - started, 60)

    def test_option_files_that_the_login_does_not_use(self):
        """Programs that read these files may fail, although the login without the files succeeds."""
        server = self.lab.mariadb
        login = self.login_to("mysql")
        command = f"--hostname {server.host} --port {server.port} --username {USER}"
        for text, mark, groups in (
                ("[client]\npassword=an-old-password\n", "warning", "client"),
                ("[client]\nno-such-option=1\n[client-rds]\nport=1\n", "note", "client, client-rds"),
                ("[client-rds]\npassword=an-old-password\n", "note", "client-rds")):
            with self.subTest(text=text):
                self.home.write(".my.cnf", text)
                output = self.check(login)
                item = output.item("option files")
                self.assertEqual((output.status, item["mark"]), (0, mark), output.stdout)
                self.assertTrue(item["text"].endswith(f" programs that read {groups}:"), item)
                self.assertEqual(item["remedy"], f"rds-iam check --defaults-group {groups.split(',')[0]} {command}")
                self.assertNotIn("an-old-password", output.stdout)
        self.home.write(".my.cnf", "[client]\n[mysqld]\nport=1\n")
        self.assertNotIn("option files", [each["name"] for each in self.check(login).document["items"]])

    def test_a_password_in_the_option_file(self):
        server = self.lab.mariadb
        self.write_my_cnf(host=server.host, port=server.port, user=USER, password="an-old-password")
        output = self.check(self.group("--ca", str(self.lab.ca_file)))
        self.assertEqual((output.status, output.causes), (3, ("password-given",)), output.stdout)
        self.assertNotIn("an-old-password", output.stdout)


if __name__ == "__main__":
    harness.main()
