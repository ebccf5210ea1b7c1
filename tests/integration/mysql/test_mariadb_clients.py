# SPDX-License-Identifier: MIT
"""Logins of MariaDB's tools and of programs on libmariadb. The user sets them up with an option file, or with
MARIADB_PLUGIN_DIR and the program's own TLS settings."""
import re

from labcase import USER, harness, mariadb_plugins
from mariadb_client import (
    CONFIG, UNVERIFIED, VERIFIES_ITSELF, WHO, MariadbCase, credentials_file)
from mysql_peer import CLEAR, MySQLPeer, Script, switch

# Each program prints the row of the query WHO. "%(settings)s" is replaced by settings in the program's own syntax.
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

# The two settings with which each program reads an option file: the name of the file, or the name of a group. The file
# need not contain this group.
READ_OPTION_FILE = {
    "MySQLdb": ('read_default_file="%(file)s"', 'read_default_group="anything"'),
    "DBD::mysql": ("mysql_read_default_file=%(file)s", "mysql_read_default_group=anything"),
    "mysql2": ('default_file: "%(file)s"', 'default_group: "anything"'),
}

# The programs' own TLS settings: for the CA alone, and for the CA and the host name check, if the program's version
# in Debian 12 has a setting for that check.
CA_ALONE = {
    "MySQLdb": 'ssl={"ca": "%(ca)s"}',
    "DBD::mysql": "mysql_ssl=1;mysql_ssl_optional=1;mysql_ssl_ca_file=%(ca)s",
    "mysql2": 'sslca: "%(ca)s"',
}
CA_AND_NAME = {
    "DBD::mysql": CA_ALONE["DBD::mysql"] + ";mysql_ssl_verify_server_cert=1",
}


class Tools(MariadbCase):
    def test_control_the_tools_link_the_library_statically(self):
        for program in ("mariadb", "mariadb-dump"):
            needs = harness.run(["ldd", f"/usr/bin/{program}"]).stdout
            self.assertIn("libc.so", needs)
            self.assertNotIn("libmariadb", needs)

    def test_mariadb_logs_in_with_my_cnf_alone(self):
        self.assert_logged_in(self.mariadb())
        self.assert_accepted()

    def test_tokens_with_and_without_a_session_token(self):
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
        for program, argument, output in rows:
            with self.subTest(program=program):
                result = self.home.run([*self.argv(query=None, program=program), argument])
                self.assertIn(output, result.stdout, result.stderr)
        self.assert_accepted(len(rows))

    def test_mariadb_dump_shows_the_message(self):
        result = self.home.run([*self.argv(query=None, program="mariadb-dump"), "shop"], None)
        self.assert_message(result, "no AWS credentials")
        self.assertIn("Got error: 2061", result.stderr)

    def test_the_tools_read_the_plugin_directory_from_the_environment(self):
        self.write_my_cnf(without=("plugin-dir",))
        self.assertIn("ERROR 1045", self.mariadb().stderr)
        self.assert_nothing_sent()
        self.assert_logged_in(self.mariadb(MARIADB_PLUGIN_DIR=str(mariadb_plugins())))


class Programs(MariadbCase):
    """Programs on libmariadb read an option file only if a setting names the file or a group."""

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

    def test_with_a_setting_that_names_an_option_file(self):
        for name, ways in READ_OPTION_FILE.items():
            for settings in ways:
                for principal in ("etl", "etl-session"):
                    with self.subTest(program=name, settings=settings, principal=principal):
                        self.assert_logged_in(self.run_program(name, settings, principal))
        self.assert_accepted(len(READ_OPTION_FILE) * 2 * 2)

    def test_a_login_without_an_option_file_prevents_later_tokens(self):
        """The library keeps the first mysql_clear_password that it loads. A login that reads no plugin-dir loads the
        library's own plugin."""
        connect = 'MySQLdb.connect(host="%(host)s", port=%(port)d, user="%(user)s"{more})'
        script = f"""
import MySQLdb
try:
    {connect.format(more="")}
except MySQLdb.OperationalError as error:
    print(error.args[0])
{connect.format(more=', read_default_group="anything"')}
"""
        values = {"host": self.lab.mariadb.host, "port": self.lab.mariadb.port, "user": USER}
        result = self.home.run(["/usr/bin/python3", "-c", script % values], "etl")
        self.assertEqual(result.stdout, "1045\n", result.stderr)
        self.assertIn("(1045, ", result.stderr)
        self.assert_logged_in(self.run_program("MySQLdb", 'read_default_group="anything"'))  # control

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
        # For programs with a setting for the CA but none for the host name check.
        address = f"{self.lab.mariadb.host}:{self.lab.mariadb.port}"
        self.home.write(CONFIG, f"[{address}]\nendpoint = {address}\ntls = verify-ca\n")
        for name, settings in CA_ALONE.items():
            with self.subTest(program=name):
                result = self.run_with_plugin_dir(name, settings)
                if VERIFIES_ITSELF:  # but the library does not report its verification to plugins
                    self.assert_message(result, UNVERIFIED + "add ssl-verify-server-cert=1")
                else:
                    self.assert_logged_in(result)
        if not VERIFIES_ITSELF:
            self.assert_accepted(len(CA_ALONE))

    def test_with_the_plugin_directory_alone_the_message_names_what_is_missing(self):
        for name in PROGRAMS:
            with self.subTest(program=name):
                self.assert_message(
                    self.run_with_plugin_dir(name, ""),
                    "the connection is not encrypted, so no token was sent; set "
                    "ssl-ca and ssl-verify-server-cert=1, as printed by rds-iam setup mysql, in the "
                    "program's option group, [client] or [client-rds], or in its own TLS options, and remove skip-ssl")

    def test_with_the_plugin_directory_and_a_ca_the_message_names_what_is_missing(self):
        for name, settings in CA_ALONE.items():
            with self.subTest(program=name):
                self.assert_message(
                    self.run_with_plugin_dir(name, settings), UNVERIFIED + "add ssl-verify-server-cert=1")

    SECTION = r", or else write two lines: (\[\S+\]), then (tls = verify-ca), in ~/.config/rds-iam/config"

    def test_with_the_section_that_the_message_prints(self):
        """Connector/C 3.4 and later does not report a verified chain for these settings, so no section would help.
        The message therefore prints no section."""
        # The section needs no endpoint, because its name is the RDS name to which the program connects.
        section = f"[{self.lab.mariadb.host}:{self.lab.mariadb.port}]"
        for name, settings in CA_ALONE.items():
            with self.subTest(program=name):
                self.home.write(CONFIG, "")
                refused = self.run_with_plugin_dir(name, settings)
                self.assertIn("rds-iam: " + UNVERIFIED, refused.stderr)
                printed = set(re.findall(self.SECTION, refused.stderr))  # a program may print the message twice
                self.assertEqual(printed, set() if VERIFIES_ITSELF else {(section, "tls = verify-ca")}, refused.stderr)
                self.home.write(CONFIG, f"{section}\ntls = verify-ca\n")
                result = self.run_with_plugin_dir(name, settings)
                if VERIFIES_ITSELF:
                    self.assertIn("rds-iam: " + UNVERIFIED, result.stderr)
                else:
                    self.assert_logged_in(result)
                # A connection without a verified chain is still refused.
                self.assertIn(
                    "rds-iam: the connection is not encrypted", self.run_with_plugin_dir(name, "").stderr)
        # If the plugin refuses, it sends the server an empty password.
        accepted = [verdict for verdict in self.verdicts() if verdict["reason"] is None]
        self.assertEqual(len(accepted), 0 if VERIFIES_ITSELF else len(CA_ALONE))
        self.assertEqual({v["token_length"] for v in self.verdicts() if v["reason"] is not None}, {0})

    def test_without_settings_the_programs_use_the_stock_plugin(self):
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
        # The section's profile overrides the keys of another principal in the environment.
        self.assert_logged_in(self.mariadb(principal="no-policy"))
        self.assert_accepted(2)

    def test_from_the_default_profile(self):
        self.home.write(".aws/credentials", credentials_file(self.lab.principals["etl"], "default"))
        self.assert_logged_in(self.mariadb(principal=None))
        self.assert_accepted()


class NoPasswdEntry(MariadbCase):
    """A process whose user id has no passwd entry, as in a container."""

    def log_in(self, port=None, **extra):
        argv = self.argv("--protocol=tcp")
        argv[argv.index("-P") + 1] = port or self.lab.mariadb.port
        at = argv.index("-u")
        return self.home.run(
            ["unshare", "--user", "--map-user=4242", *argv[:at], *argv[at + 2:]], **extra)

    def test_the_user_name_comes_from_the_variables_that_the_library_uses(self):
        for variable in ("USER", "LOGNAME", "LOGIN"):
            with self.subTest(variable=variable):
                self.assert_logged_in(self.log_in(**{variable: USER}))
        self.assert_logged_in(self.log_in(USER=USER, LOGNAME="other_iam_user"))
        self.assert_accepted(4)

    def test_without_a_user_name_the_message_asks_for_one(self):
        """For a user that does not exist, MariaDB requests the plugin of another account. So a scripted peer replaces
        the server, and requests mysql_clear_password."""
        with MySQLPeer(self.lab.certificates.server, Script(asks=(switch(CLEAR),))) as peer:
            self.assert_message(
                self.log_in(peer.port),
                "no user was given, and this process's uid has no user name; give a user (-u)")
        self.assertEqual(peer.connections, 1)


class Names(MariadbCase):
    def section(self, name, *lines):
        self.home.write(CONFIG, "\n".join([f"[{name}:{self.lab.mariadb.port}]", *lines]) + "\n")

    @property
    def endpoint(self):
        return f"endpoint = {self.lab.mariadb.host}:{self.lab.mariadb.port}"

    def test_the_reader_endpoint(self):
        self.assert_logged_in(self.mariadb(host=self.lab.mariadb_reader_host))
        self.assert_accepted()

    def test_for_a_mapped_name_the_token_is_signed_for_the_endpoint(self):
        name = self.lab.certified_name
        self.assert_message(self.mariadb(host=name), f"{name} is not an RDS endpoint")
        self.section(name, self.endpoint)
        self.assert_logged_in(self.mariadb(host=name))
        self.assertIsNone(self.verdicts()[-1]["reason"])

    def test_a_tunnel_on_this_machine(self):
        # With verification on, the library itself refuses 127.0.0.1, because no RDS certificate contains that name.
        # Version 3.4 does not check the name for addresses of this machine.
        self.write_my_cnf(**{"ssl-verify-server-cert": int(VERIFIES_ITSELF)})
        self.section("127.0.0.1", self.endpoint)
        self.assert_message(
            self.mariadb(host="127.0.0.1"),
            f"{self.home.path / CONFIG}:2: the server's host name was not verified; add tls = verify-ca to "
            "this section, or use the endpoint's own name, and map it to the tunnel's address in /etc/hosts")
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
        # This client compares the name, including the dot, with the certificate, and fails before it calls a plugin.
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

    def test_a_unix_socket_is_not_an_rds_endpoint(self):
        socket = self.lab.directory / "mariadb.sock"
        rows = (("--skip-ssl", "--ssl-verify-server-cert=0"), ("--ssl-verify-server-cert=0",))
        for options in rows:
            with self.subTest(options=options):
                result = self.home.run(
                    ["mariadb", *options, "-S", socket, "-u", USER, "-e", WHO])
                self.assert_message(result, "a Unix socket")


if __name__ == "__main__":
    harness.main()
