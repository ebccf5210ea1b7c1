# SPDX-License-Identifier: MIT
"""MariaDB's tools and programs on libmariadb log in with what their users write: an option file,
or MARIADB_PLUGIN_DIR and TLS settings of their own."""
import re

from labcase import USER, harness, mariadb_plugins
from mariadb_client import (
    CONFIG, UNVERIFIED, VERIFIES_ITSELF, WHO, MariadbCase, credentials_file)

# Each prints the row of WHO. "%(settings)s" is in the client's own words.
PROGRAMS = {
    "MySQLdb": ["/usr/bin/python3", "-c", """
import MySQLdb
connection = MySQLdb.connect(host="%(host)s", port=%(port)d, user="%(user)s", %(settings)s)
cursor = connection.cursor()
cursor.execute("%(query)s")
print("\\t".join(cursor.fetchone()))
"""],
    "DBD::mysql": ["perl", "-e", """
use DBI;
my $connection = DBI->connect(
    "DBI:mysql:host=%(host)s;port=%(port)d;%(settings)s", "%(user)s", "", {PrintError => 0})
    or die DBI->errstr, ": ", DBI->errstr, "\\n";
print join("\\t", $connection->selectrow_array("%(query)s")), "\\n";
"""],
    "mysql2": ["ruby", "-e", """
require "mysql2"
client = Mysql2::Client.new(host: "%(host)s", port: %(port)d, username: "%(user)s", %(settings)s)
puts client.query("%(query)s", as: :array).first.join("\\t")
"""],
}

# How each is told to read an option file: by name, or by a group that is not even in it.
READ_OPTION_FILE = {
    "MySQLdb": ('read_default_file="%(file)s"', 'read_default_group="anything"'),
    "DBD::mysql": ("mysql_read_default_file=%(file)s", "mysql_read_default_group=anything"),
    "mysql2": ('default_file: "%(file)s"', 'default_group: "anything"'),
}

# Own TLS settings: the CA alone, and what checks the host name too, where the version of Debian 12
# has a setting for that.
CA_ALONE = {
    "MySQLdb": 'ssl={"ca": "%(ca)s"}',
    "DBD::mysql": "mysql_ssl=1;mysql_ssl_optional=1;mysql_ssl_ca_file=%(ca)s",
    "mysql2": 'sslca: "%(ca)s"',
}
CA_AND_NAME = {
    "DBD::mysql": CA_ALONE["DBD::mysql"] + ";mysql_ssl_verify_server_cert=1",
}


class Tools(MariadbCase):
    def test_the_tools_have_the_library_linked_in(self):
        for program in ("mariadb", "mariadb-dump"):
            needs = harness.run(["ldd", f"/usr/bin/{program}"]).stdout
            self.assertIn("libc.so", needs)
            self.assertNotIn("libmariadb", needs)

    def test_mariadb_logs_in_with_my_cnf_alone(self):
        self.assert_logged_in(self.mariadb())
        self.assert_accepted()

    def test_tokens_of_every_usual_length(self):
        for principal, least, most in (("etl", 330, 400), ("etl-session", 2100, 2300)):
            with self.subTest(principal=principal):
                self.assert_logged_in(self.mariadb(principal=principal))
                verdict = self.verdicts()[-1]
                self.assertIsNone(verdict["reason"])
                self.assertTrue(least <= verdict["token_length"] <= most, verdict)

    def test_mariadb_dump_writes_the_rows(self):
        for principal in ("etl", "etl-session"):
            with self.subTest(principal=principal):
                result = self.home.run(
                    [*self.argv(query=None, program="mariadb-dump"), self.lab.database_name], principal)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn("(1,'Ada',1250)", result.stdout)
                self.assertIn("(3,'Edsger',20400)", result.stdout)
        self.assert_accepted(2)

    def test_other_tools(self):
        rows = (("mariadb-admin", "status", "Uptime:"), ("mariadb-show", "shop", "orders"))
        for program, argument, answer in rows:
            with self.subTest(program=program):
                result = self.home.run([*self.argv(query=None, program=program), argument])
                self.assertIn(answer, result.stdout, result.stderr)
        self.assert_accepted(len(rows))

    def test_mariadb_dump_shows_the_message(self):
        result = self.home.run([*self.argv(query=None, program="mariadb-dump"), "shop"], None)
        self.assert_message(result, "no AWS credentials")
        self.assertIn("Got error: 2061", result.stderr)

    def test_the_tools_take_the_plugin_directory_from_the_environment(self):
        self.write_my_cnf(without=("plugin-dir",))
        self.assertIn("ERROR 1045", self.mariadb().stderr)
        self.assert_nothing_sent()
        self.assert_logged_in(self.mariadb(MARIADB_PLUGIN_DIR=str(mariadb_plugins())))


class Programs(MariadbCase):
    """Programs on libmariadb read no option file unless they are told to."""

    def run_program(self, name, settings, principal="etl", **extra):
        interpreter, option, script = PROGRAMS[name]
        values = {
            "host": self.lab.mariadb.host,
            "port": self.lab.mariadb.port,
            "user": USER,
            "query": WHO,
            "settings": settings % {
                "file": self.home.path / ".my.cnf",
                "ca": self.lab.ca_file,
            },
        }
        return self.home.run([interpreter, option, script % values], principal, **extra)

    def run_with_plugin_dir(self, name, settings, **extra):
        return self.run_program(name, settings, MARIADB_PLUGIN_DIR=str(mariadb_plugins()), **extra)

    def test_with_the_option_file_that_they_are_told_to_read(self):
        for name, ways in READ_OPTION_FILE.items():
            for settings in ways:
                for principal in ("etl", "etl-session"):
                    with self.subTest(program=name, settings=settings, principal=principal):
                        self.assert_logged_in(self.run_program(name, settings, principal))
        self.assert_accepted(len(READ_OPTION_FILE) * 2 * 2)

    def test_with_the_plugin_directory_and_their_own_tls_settings(self):
        for name, settings in CA_AND_NAME.items():
            with self.subTest(program=name):
                self.assert_logged_in(self.run_with_plugin_dir(name, settings))
        self.assert_accepted(len(CA_AND_NAME))

    def test_with_the_plugin_directory_and_an_option_file_for_tls(self):
        self.write_my_cnf(without=("plugin-dir",))
        for name, (settings, _) in READ_OPTION_FILE.items():
            with self.subTest(program=name):
                self.assert_logged_in(self.run_with_plugin_dir(name, settings))
        self.assert_accepted(len(READ_OPTION_FILE))

    def test_with_the_plugin_directory_a_ca_and_tls_verify_ca(self):
        # For programs that have a setting for the CA and none for the host name.
        address = f"{self.lab.mariadb.host}:{self.lab.mariadb.port}"
        self.home.write(CONFIG, f"[{address}]\nendpoint = {address}\ntls = verify-ca\n")
        for name, settings in CA_ALONE.items():
            with self.subTest(program=name):
                result = self.run_with_plugin_dir(name, settings)
                if VERIFIES_ITSELF:  # and shows no plugin that it has
                    self.assert_message(result, UNVERIFIED + "add ssl-verify-server-cert=1")
                else:
                    self.assert_logged_in(result)
        if not VERIFIES_ITSELF:
            self.assert_accepted(len(CA_ALONE))

    def test_with_the_plugin_directory_alone_they_are_told_what_is_missing(self):
        for name in PROGRAMS:
            with self.subTest(program=name):
                self.assert_message(
                    self.run_with_plugin_dir(name, ""),
                    "the connection is not encrypted, so no token was sent; set "
                    "ssl-ca=/path/to/global-bundle.pem and ssl-verify-server-cert=1 in [client], "
                    "or the same in the program's own TLS options")

    def test_with_the_plugin_directory_and_a_ca_they_are_told_what_is_missing(self):
        for name, settings in CA_ALONE.items():
            with self.subTest(program=name):
                self.assert_message(
                    self.run_with_plugin_dir(name, settings), UNVERIFIED + "add ssl-verify-server-cert=1")

    SECTION = r", or if you cannot, write (\[\S+\]) (tls = verify-ca) in ~/.config/rds-iam/config"

    def test_with_the_section_that_they_are_told_to_write(self):
        """From 3.4 on the plugin sees no checked chain there, so no section would serve and none is named."""
        # It needs no endpoint: its name is the RDS name that is dialled.
        section = f"[{self.lab.mariadb.host}:{self.lab.mariadb.port}]"
        for name, settings in CA_ALONE.items():
            with self.subTest(program=name):
                self.home.write(CONFIG, "")
                refused = self.run_with_plugin_dir(name, settings)
                self.assertIn("rds-iam: " + UNVERIFIED, refused.stderr)
                told = set(re.findall(self.SECTION, refused.stderr))  # a program may print it twice
                self.assertEqual(told, set() if VERIFIES_ITSELF else {(section, "tls = verify-ca")}, refused.stderr)
                self.home.write(CONFIG, f"{section}\ntls = verify-ca\n")
                result = self.run_with_plugin_dir(name, settings)
                if VERIFIES_ITSELF:
                    self.assertIn("rds-iam: " + UNVERIFIED, result.stderr)
                else:
                    self.assert_logged_in(result)
                # Less than a checked chain is still refused.
                self.assertIn(
                    "rds-iam: the connection is not encrypted", self.run_with_plugin_dir(name, "").stderr)
        # A refusal answers the server with an empty password.
        accepted = [verdict for verdict in self.verdicts() if verdict["reason"] is None]
        self.assertEqual(len(accepted), 0 if VERIFIES_ITSELF else len(CA_ALONE))
        self.assertEqual({v["token_length"] for v in self.verdicts() if v["reason"] is not None}, {0})

    def test_with_nothing_they_use_the_stock_plugin(self):
        for name in PROGRAMS:
            with self.subTest(program=name):
                result = self.run_program(name, "")
                self.assertIn("Access denied", result.stderr)
                self.assertNotIn("rds-iam: ", result.stderr)
        self.assert_nothing_sent()


class Credentials(MariadbCase):
    def test_from_a_profile_that_aws_profile_names(self):
        for principal, least in (("etl", 330), ("etl-session", 2100)):
            with self.subTest(principal=principal):
                self.home.write(
                    ".aws/credentials", credentials_file(self.lab.principals[principal], "work"))
                self.assert_logged_in(self.mariadb(principal=None, AWS_PROFILE="work"))
                self.assertGreater(self.verdicts()[-1]["token_length"], least)
        self.assert_accepted(2)

    def test_from_the_profile_of_a_section(self):
        self.home.write(".aws/credentials", credentials_file(self.lab.principals["etl"], "work"))
        self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nprofile = work\n")
        self.assert_logged_in(self.mariadb(principal=None))
        # The section names who signs: keys of somebody else in the environment do not count.
        self.assert_logged_in(self.mariadb(principal="no-policy"))
        self.assert_accepted(2)

    def test_from_the_default_profile(self):
        self.home.write(".aws/credentials", credentials_file(self.lab.principals["etl"], "default"))
        self.assert_logged_in(self.mariadb(principal=None))
        self.assert_accepted()


class NoPasswdEntry(MariadbCase):
    """A process of a user id that no file knows, as in a container."""

    def log_in(self, **extra):
        argv = self.argv("--protocol=tcp")
        at = argv.index("-u")
        return self.home.run(
            ["unshare", "--user", "--map-user=4242", *argv[:at], *argv[at + 2:]], **extra)

    def test_the_environment_names_the_user_as_for_the_library(self):
        for variable in ("USER", "LOGNAME", "LOGIN"):
            with self.subTest(variable=variable):
                self.assert_logged_in(self.log_in(**{variable: USER}))
        self.assert_logged_in(self.log_in(USER=USER, LOGNAME="other_iam_user"))
        self.assert_accepted(4)

    def test_without_one_it_is_said_how_to_name_the_user(self):
        self.assert_message(
            self.log_in(), "no user was given, and this process's uid has no user name; give a user (-u)")


class Names(MariadbCase):
    def section(self, name, *lines):
        self.home.write(CONFIG, "\n".join([f"[{name}:{self.lab.mariadb.port}]", *lines]) + "\n")

    @property
    def endpoint(self):
        return f"endpoint = {self.lab.mariadb.host}:{self.lab.mariadb.port}"

    def test_the_reader_endpoint(self):
        self.assert_logged_in(self.mariadb(host=self.lab.mariadb_reader_host))
        self.assert_accepted()

    def test_a_name_of_ones_own_signs_for_the_endpoint(self):
        name = self.lab.certified_name
        self.assert_message(self.mariadb(host=name), f"{name} is not an RDS endpoint")
        self.section(name, self.endpoint)
        self.assert_logged_in(self.mariadb(host=name))
        self.assertIsNone(self.verdicts()[-1]["reason"])

    def test_a_tunnel_on_the_own_machine(self):
        # With verification the library itself refuses the name, which no certificate of RDS's has; 3.4
        # compares no name for this machine's own addresses.
        self.write_my_cnf(**{"ssl-verify-server-cert": int(VERIFIES_ITSELF)})
        self.section("127.0.0.1", self.endpoint)
        self.assert_message(
            self.mariadb(host="127.0.0.1"),
            f"{self.home.path / CONFIG}:2: the server's host name was not verified; add tls = verify-ca to "
            "this section, or use the endpoint's own name (a line in /etc/hosts")
        other = self.home.write("other.cfg", (self.home.path / CONFIG).read_text())
        self.assert_message(
            self.mariadb(host="127.0.0.1", RDS_IAM_CONFIG=str(other)), f"{other}:2: the server's host name")
        self.section("127.0.0.1", self.endpoint, "tls = verify-ca")
        self.assert_logged_in(self.mariadb(host="127.0.0.1"))
        self.assertIsNone(self.verdicts()[-1]["reason"])

    def test_upper_case(self):
        self.assert_logged_in(self.mariadb(host=self.lab.mariadb.host.upper()))
        self.assert_accepted()

    def test_a_trailing_dot(self):
        name = self.lab.mariadb.host + "."
        # This client compares it with the certificate as it is, and ends before any plugin runs.
        result = self.mariadb(host=name)
        self.assertIn("ERROR 2026", result.stderr)
        self.assertEqual(self.verdicts(), [])
        self.write_my_cnf(**{"ssl-verify-server-cert": 0})
        self.section(self.lab.mariadb.host, self.endpoint, "tls = verify-ca")
        result = self.mariadb(host=name)
        if VERIFIES_ITSELF:
            self.assertIn("ERROR 2026 (HY000): TLS/SSL error: Hostname verification failed", result.stderr)
            self.assertEqual(self.verdicts(), [])
        else:
            self.assert_logged_in(result)
            self.assert_accepted()

    def test_a_unix_socket_is_no_rds_endpoint(self):
        socket = self.lab.directory / "mariadb.sock"
        rows = (("--skip-ssl", "--ssl-verify-server-cert=0"), ("--ssl-verify-server-cert=0",))
        for options in rows:
            with self.subTest(options=options):
                result = self.home.run(
                    ["mariadb", *options, "-S", socket, "-u", USER, "-e", WHO])
                self.assert_message(result, "a Unix socket")


if __name__ == "__main__":
    harness.main()
