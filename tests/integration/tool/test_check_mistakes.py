# SPDX-License-Identifier: MIT
"""`rds-iam check` and mistakes of its users: a wrong user or database, localhost, an access key without its secret
key, and -h for the host (which other commands reject, too)."""
import json
import re

from check_case import SCHEMA, CheckCase, schema_errors
from labcase import USER, harness
from mariadb_client import CONFIG
from test_setup_ca import root


class Mistakes(CheckCase):
    def test_localhost_with_a_port_is_over_tcp(self):
        """As in the mariadb command. Over a Unix socket, the library would ignore the port."""
        server = self.lab.mariadb
        self.home.write(CONFIG, f"[localhost]\nendpoint = {server.host}:{server.port}\ntls = verify-ca\n")
        (self.home.path / ".my.cnf").unlink()  # it sets ssl-verify-server-cert
        output = self.check(self.login_to("mysql", host="localhost"))
        self.assertEqual((output.status, output.causes), (0, ()), output.stdout)
        self.assert_accepted()

    def test_the_lines_for_a_tunnel_work(self):
        server = self.lab.pg
        login = self.login_to("postgres", host="127.0.0.1")
        output = self.check(login)
        self.assertEqual(output.causes, ("no-endpoint",), output.stdout)
        lines = re.fullmatch(
            r"For a tunnel, map the endpoint's own name in /etc/hosts, or, to accept any RDS server, write three "
            r"lines: (\[\S+\]), then (endpoint = )ENDPOINT:ITS_PORT, then (tls = verify-ca)\.", output.item("endpoint")["remedy"])
        section, endpoint, tls = lines.groups()
        self.assertEqual(section, f"[127.0.0.1:{server.port}]")
        self.home.write(CONFIG, f"{section}\n{endpoint}{server.host}:{server.port}\n{tls}\n")
        self.assertEqual(self.check(login).status, 0)

    def test_the_lines_for_a_tunnel_at_an_ipv6_address(self):
        remedy = self.check(self.login_to("postgres", host="::1")).item("endpoint")["remedy"]
        self.assertIn(f"write three lines: [[::1]:{self.lab.pg.port}], then endpoint = ", remedy)

    def test_a_port_that_is_assumed(self):
        """Without --engine and --port, the port is 3306."""
        closed = self.home.write("hosts", f"127.0.0.9 {self.lab.pg.host}\n")
        login = self.login_to("postgres", port=None, engine=None, env={"NSS_WRAPPER_HOSTS": str(closed)})
        assumed = ("; port 3306 was tried, because neither --engine nor --port was given; for PostgreSQL: "
                   "--engine postgres")
        for changes, is_assumed in (({}, True), ({"engine": "postgres"}, False), ({"port": 3306}, False)):
            with self.subTest(**changes):
                output = self.check(login.change(**changes))
                text = output.item("TCP")["text"]
                self.assertEqual((output.status, output.causes), (4, ("unreached",)), output.stdout)
                self.assertTrue(text.startswith("127.0.0.9: "), text)
                self.assertEqual(text.endswith(assumed), is_assumed, text)

    def test_the_names_of_the_engines(self):
        for engine, name in (("mysql", "mariadb"), ("postgres", "postgresql")):
            with self.subTest(name=name):
                self.assertEqual(self.check(self.login_to(engine).change(engine=name)).status, 0)
                self.assertEqual(
                    self.check(self.login_to(engine).change(engine=f"aurora-{name.replace('mariadb', 'mysql')}")).status, 0)
        for argv in (["check", "--hostname", "h"], ["setup", "sql"]):
            with self.subTest(argv=argv):
                result = self.home.run(
                    [harness.installed("bin/rds-iam"), *argv, "--username", "u", "--engine", "oracle"])
                self.assertEqual((result.returncode, result.stderr), (
                    2, 'rds-iam: --engine "oracle" is not one of mysql, mariadb, postgres, postgresql, aurora-mysql and '
                       f"aurora-postgresql; see rds-iam {' '.join(argv[:2]) if argv[0] == 'setup' else 'check'} --help\n"))

    def test_a_program_that_does_not_exist(self):
        missing = str(self.home.path / "psqll")
        for program, message in (
                (missing, f"rds-iam: --program {missing}: No such file or directory\n"),
                ("psqll", "rds-iam: no directory in PATH has a program psqll; give the path of its file, or no --program\n")):
            with self.subTest(program=program):
                result = self.home.run([harness.installed("bin/rds-iam"), "check", "--hostname", "h", "--username", "u",
                                        "--program", program])
                self.assertEqual((result.returncode, result.stdout, result.stderr), (2, "", message))
                as_json = self.home.run([harness.installed("bin/rds-iam"), "check", "--json", "--hostname", "h",
                                         "--username", "u", "--program", program])
                document = json.loads(as_json.stdout)
                self.assertEqual(list(schema_errors(document, SCHEMA)), [])
                self.assertEqual((as_json.returncode, document["status"], f"rds-iam: {document['summary']}\n"),
                                 (2, 2, message))

    def test_the_wrong_file_of_root_certificates(self):
        """The remedy contains "omit --ca" only if the user has given the file with --ca."""
        other = self.home.write("other.pem", self.lab.other_ca_file.read_text())
        login = self.login_to("postgres")
        given = self.check(login.change(ca=str(other)))
        self.home.write(".config/rds-iam/rds-ca.pem", other.read_text())
        installed = self.check(login.change(ca=None))
        for output, remedy in ((given, "omit --ca, and run: rds-iam setup ca"), (installed, "renew them: rds-iam setup ca")):
            with self.subTest(remedy=remedy):
                self.assertEqual(output.causes, ("other-ca",), output.stdout)
                self.assertTrue(output.item("TLS")["remedy"].endswith(f": {remedy}."), output.stdout)
                self.assertEqual(output.document["causes"][0]["remedy"], f"If this is a server of RDS: {remedy}.")
        self.assertIn(f"with the root certificates in {other}, ", given.document["causes"][0]["text"])

    def test_root_certificates_that_have_expired(self):
        for ends, pattern in ((-567, r" 1 certificate; the roots of us-east-1 expired at \d{4}-"),
                              (30, " 1 certificate; must be renewed within (29|30) days$")):
            with self.subTest(ends=ends):
                bundle = self.home.path / "bundle.pem"
                bundle.write_bytes(root("us-east-1", starts=-1000, ends=ends))
                item = self.check(self.login_to("postgres").change(ca=str(bundle))).item("root certificates")
                self.assertEqual((item["mark"], item["remedy"]), ("warning", "Renew them: rds-iam setup ca"))
                self.assertRegex(item["text"], pattern)

    def test_a_region_that_is_not_in_the_name(self):
        path = self.home.write(CONFIG, f"[{self.lab.pg.host}]\nregion = eu-west-1\n")
        item = self.check(self.login_to("postgres")).item("region")
        self.assertEqual((item["mark"], item["text"]), (
            "warning", f"eu-west-1, from {path}:2; the endpoint's name contains another region"))

    def test_the_query_for_the_port_of_the_endpoint(self):
        """The section of a tunnel may have a wrong port."""
        server = self.lab.pg
        self.home.write(CONFIG, f"[127.0.0.1]\nendpoint = {server.host}:1\ntls = verify-ca\n")
        causes = self.check(self.login_to("postgres", host="127.0.0.1")).document["causes"]
        cause = next(each for each in causes if each["cause"] == "signed-port")
        self.assertRegex(cause["remedy"], r"\[IAMDatabaseAuthenticationEnabled,Dbi?(Cluster)?ResourceId,(Endpoint\.)?Port\]")

    def test_a_url_in_place_of_the_host(self):
        host = self.lab.pg.host
        for url, part in ((f"postgres://u:secret@{host}:5432/shop", host), (f"https://{host}", host),
                          ("postgres://a b/shop", "the endpoint's name alone")):
            with self.subTest(url=url):
                result = self.home.run([harness.installed("bin/rds-iam"), "token", "--hostname", url, "--port", "1",
                                        "--username", "u"])
                self.assertEqual((result.returncode, result.stderr), (
                    1, f"rds-iam: a URL is not a host name; give {part}\n"))

    def group(self, *options):
        return self.login_to("mysql", host=None, port=None, user=None, engine=None, ca=None,
                             options=("--defaults-group", "client", *options))

    def test_an_option_file_that_the_mariadb_command_ignores(self):
        """MariaDB's client library reads a file that every user can write. The commands of MariaDB do not."""
        server = self.lab.mariadb
        path = self.write_my_cnf()
        login = self.group("--ca", str(self.lab.ca_file), "--hostname", server.host, "--port", str(server.port),
                           "--username", USER)
        self.assertEqual(self.check(login).document["summary"], "The login works.")
        path.chmod(0o666)
        output = self.check(login)
        self.assertEqual(output.item("option file")["remedy"], f"Run: chmod o-w {path}")
        self.assertEqual(output.document["summary"], "The login works in programs that read the option file. The "
                         'commands of MariaDB and MySQL ignore it: see "option file" above.')
        self.assertEqual(output.status, 0)
        command = ["mariadb", "-h", server.host, "-P", str(server.port), "-u", USER, "-e", "select 1"]
        self.assertIn("ERROR 1045", self.home.run(command, "etl", **self.cloud_env()).stderr)

    def test_the_directory_of_the_plugin_for_another_library(self):
        directory = harness.installed("lib*/rds-iam/mysql")
        self.write_my_cnf(plugin_dir=directory)
        item = self.check(self.group("--hostname", self.lab.mariadb.host, "--username", USER)).item("plugin-dir")
        self.assertEqual((item["mark"], item["text"], item["remedy"]), (
            "warning", f"{directory} is the directory for libmysqlclient",
            f"For libmariadb: plugin-dir={directory.parent}/mariadb"))

    def test_the_plugin_for_another_library_is_a_cause_for_this_library_only(self):
        """Without --program, the library of the user's program is not known."""
        self.write_my_cnf(plugin_dir=harness.installed("lib*/rds-iam/mysql"))
        server = self.lab.mariadb
        login = self.group("--ca", str(self.lab.ca_file), "--hostname", server.host, "--port", str(server.port),
                           "--username", USER)
        cause = self.check(login).document["causes"][0]
        self.assertEqual(cause["cause"], "plugin-dir")
        self.assertIn("If your program uses libmysqlclient, this is not the cause.", cause["text"])
        self.assertEqual(self.check(login.change(principal=None)).causes, ("no-credentials",), "no login was tried")

    def test_the_file_of_ssl_ca(self):
        for path, remedy in (
                ("~/ca.pem", "Write the whole path, because clients do not expand ~ in an option file."),
                ("/no/ca.pem", "Name the file that rds-iam setup ca installs.")):
            with self.subTest(path=path):
                self.write_my_cnf(ssl_ca=path)
                item = self.check(self.group("--hostname", self.lab.mariadb.host, "--username", USER)).item("ssl-ca")
                self.assertEqual((item["mark"], item["text"], item["remedy"]), (
                    "fault", f"{path}: No such file or directory", remedy))

    def test_a_warning_is_printed_once(self):
        """The command determines the region of the login three times."""
        path = self.home.write(CONFIG, f"[{self.lab.pg.host}]\nregion = eu-west-1\n")
        output = self.check_text(self.login_to("postgres"))
        self.assertEqual((output.status, output.stderr), (
            3, f"rds-iam: warning: signing for the region eu-west-1, although the name {self.lab.pg.host} contains "
               f"us-east-1; if the server refuses the token, remove the region at {path}:2\n"))

    def test_a_login_with_missing_options(self):
        login = "give --hostname and --username, --service or --defaults-group"
        for given, missing in (("--hostname", "--username is missing"),
                               ("--username", "--hostname is missing; without a host, a client uses localhost or a socket"),
                               ("--port", login), ("--program", f"--program names no login; {login}")):
            with self.subTest(given=given):
                result = self.home.run([harness.installed("bin/rds-iam"), "check", given, "1"])
                self.assertEqual((result.returncode, result.stdout, result.stderr), (
                    2, "", f"rds-iam: {missing}; see rds-iam check --help\n"))

    def test_a_host_and_a_user_without_options(self):
        host = self.lab.pg.host
        for words, name, options in (((host, USER), host, "--hostname HOST --username USER"),
                                     (("--hostname", host, USER), USER, "--username USER"),
                                     ((host, "--username", USER), host, "--hostname HOST")):
            with self.subTest(words=words):
                result = self.home.run([harness.installed("bin/rds-iam"), "check", *words])
                self.assertEqual((result.returncode, result.stdout, result.stderr), (
                    2, "", f'rds-iam: unexpected argument "{name}"; write {options}; see rds-iam check --help\n'))

    def test_a_host_that_was_not_given(self):
        """The client then uses localhost, and the user checks this host."""
        output = self.check(self.login_to("postgres", host="localhost"))
        self.assertEqual(output.causes, ("no-endpoint",), output.stdout)
        cause = output.document["causes"][0]
        self.assertEqual(
            cause["text"], "localhost is not an RDS endpoint. A client that is given no host uses localhost or a socket.")
        self.assertIn("Give the client the endpoint: -h ENDPOINT.", cause["remedy"])

    def test_a_tunnel_for_a_client_that_compares_the_name(self):
        """ssl-verify-server-cert in [client] overrides tls = verify-ca. The remedy of check works."""
        server = self.lab.mariadb
        login = self.login_to("mysql", host="127.0.0.1")
        self.home.write(CONFIG, f"[127.0.0.1]\nendpoint = {server.host}:{server.port}\ntls = verify-ca\n")
        self.assertTrue(self.check(login.change(host="localhost")).item("endpoint")["remedy"].endswith(
            " The lines do not help a program whose option file sets ssl-verify-server-cert."))
        for options, status in (((), 0), (("--defaults-group", "client"), 1)):
            with self.subTest(options=options):
                output = self.check(login.change(engine=None), *options)
                self.assertEqual((output.status, output.causes), (status, ("name-unverified",)), output.stdout)
        remedy = f"[{server.host}:{server.port}], then endpoint = {server.host}:{server.port}."
        self.assertTrue(output.item("server name")["remedy"].endswith(remedy), output.stdout)
        self.assertIn("because the option file sets ssl-verify-server-cert", output.item("server name")["text"])
        for value, status in (("0", 0), ("off", 0), ("1", 1)):
            with self.subTest(value=value):
                self.write_my_cnf(ssl_verify_server_cert=value)
                output = self.check(login.change(engine=None), "--defaults-group", "client")
                self.assertEqual(output.status, status, output.stdout)
                self.assertEqual(self.check(login).causes, ("name-unverified",) * status)
        self.assertEqual(self.check(login.change(host=server.host)).causes, (), "the name is in the certificate")

    def test_a_client_that_compares_the_name_for_a_reason_that_check_does_not_see(self):
        """The client also reads [client-mariadb], and check does not."""
        server = self.lab.mariadb
        self.home.write(CONFIG, f"[127.0.0.1]\nendpoint = {server.host}:{server.port}\ntls = verify-ca\n")
        path = self.write_my_cnf(without=("ssl-verify-server-cert",))
        login = self.login_to("mysql", host="127.0.0.1", engine=None, options=("--defaults-group", "client"))
        self.assertEqual(self.check(login).status, 0, "control: the client does not compare the name")
        path.write_text(f"{path.read_text()}[client-mariadb]\nssl-verify-server-cert=1\n")
        output = self.check(login)
        self.assertEqual((output.status, output.causes), (1, ("name-unverified",)), output.stdout)
        self.assertIn("The certificate does not contain 127.0.0.1.", output.document["causes"][0]["text"])

    def test_a_configuration_without_a_section_for_the_host(self):
        domain = self.lab.pg.host.partition(".")[2]
        login = self.login_to("postgres")
        for name, mark, remedy in (
                (domain, "warning", f"For every host of this domain, write: [*.{domain}]"),
                ("db.example.com", "note", None)):
            with self.subTest(name=name):
                path = self.home.write(CONFIG, f"# a comment\n[{name}]\nregion = us-east-1\n")
                item = self.check(login).item("section")
                self.assertEqual((item["mark"], item["remedy"]), (mark, remedy))
                self.assertEqual(
                    item["text"], f"no section of the configuration matches this login; it has [{name}] ({path}:2)")
        for text in (f"[*.{domain}]\nregion = us-east-1\n", ""):
            self.home.write(CONFIG, text)
            self.assertNotIn("section", [each["name"] for each in self.check(login).document["items"]])

    def test_a_database_that_does_not_exist(self):
        """The result is that of a refused login, but the summary states that the server accepted the token."""
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

    def test_the_option_h_with_a_host(self):
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
