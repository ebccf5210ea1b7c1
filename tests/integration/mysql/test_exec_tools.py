# SPDX-License-Identifier: MIT
"""The command-line tools of MariaDB, and stand-ins for those of Oracle, under rds-iam exec. These tools contain their
client library. Given only a host and a user, they verify RDS servers. Servers that are not RDS receive the same bytes
as without rds-iam exec."""
import os
import shutil

import mysql_programs
import hostile
from labcase import USER, harness
from mariadb_client import CONFIG, VERIFIES_ITSELF
import traces
from impostors import IMPOSTORS
from mysql_peer import MySQLPeer, Script

ME = f"{USER}@%"
WHO = ("-N", "-e", "select current_user()")
# The tools of Debian that contain Connector/C, and arguments with which each logs in.
TOOLS = {
    "mariadb": WHO,
    "mysql": WHO,
    "mariadb-dump": ("shop",),
    "mysqldump": ("--all-databases", "--no-data"),
    "mariadb-admin": ("status",),
    "mysqladmin": ("ping",),
    "mariadb-show": ("shop",),
    "mariadb-check": ("shop",),
    "mysqlcheck": ("--analyze", "shop"),
    "mariadb-analyze": ("shop",),
    "mariadb-import": ("--local", "shop", "/dev/null"),
    "mariadb-slap": ("--query=select 1", "--create-schema=shop", "--no-drop"),
    "mariadb-binlog": ("--read-from-remote-server", "log.000001"),
}
PROXY = "mine.proxy-abcdefghijkl.us-east-1.rds.amazonaws.com"
NONE = "no option file\n"
CHAIN_ONLY = "[client]\nssl-ca=\"%s\"\n"
MARIADB = CHAIN_ONLY + "ssl-verify-server-cert=1\n"
ORACLE = CHAIN_ONLY + "loose-ssl-mode=VERIFY_IDENTITY\n"


class ToolCase(hostile.HostileCase):
    def exec(self, *command, own=None, principal="etl", under=True, **extra):
        own = ["--ca", self.lab.ca_file] if own is None else own
        start = [harness.installed("bin/rds-iam"), "exec", *own, "--"] if under else []
        return self.home.run([*start, *command], principal, **extra)

    def place(self, host=None, port=None, user=USER):
        server = self.lab.mariadb
        return ("-h", host or server.host, "-P", port or server.port, "-u", user)

    def write_client(self, *lines):
        return self.home.write(".my.cnf", "\n".join(["[client]", *lines, ""]))


class Tools(ToolCase):
    def test_each_tool_logs_in_with_host_and_user_alone(self):
        for tool, words in TOOLS.items():
            with self.subTest(tool=tool):
                seen = len(self.verdicts())
                result = self.exec(tool, *self.place(), *words)
                reasons = {v["reason"] for v in self.verdicts()[seen:]}
                self.assertEqual(reasons, {None}, result)
                for complaint in ("rds-iam", "my.cnf", "unknown", "WARNING", "ssl"):
                    self.assertNotIn(complaint, result.stderr)

    def test_control_none_logs_in_without_exec(self):
        for tool, words in TOOLS.items():
            with self.subTest(tool=tool):
                self.exec(tool, *self.place(), *words, under=False)
        self.assert_nothing_sent()

    def test_forms_of_the_host(self):
        server = self.lab.mariadb
        rest = ("-P", server.port, "-u", USER, *WHO)
        for words in ((f"-h{server.host}",), ("-Ah", server.host), (f"--host={server.host}",), ("--host", server.host),
                      (f"--hos={server.host}",), ("-h", server.host.upper()), ("-h", "localhost", "-h", server.host)):
            with self.subTest(words=words):
                result = self.exec("mariadb", *words, *rest)
                self.assertEqual(result.stdout, ME + "\n", result.stderr)
                self.assertNotIn("rds-iam", result.stderr)  # MariaDB prints a message about the abbreviation

    def test_a_host_in_the_environment(self):
        server = self.lab.mariadb
        result = self.exec("mariadb", "-u", USER, *WHO, MYSQL_HOST=server.host, MYSQL_TCP_PORT=str(server.port))
        self.assertEqual((result.stdout, result.stderr), (ME + "\n", ""))

    def test_programs_that_start_the_tool(self):
        words = " ".join(str(word) for word in self.place())
        run = f"mariadb {words} -N -e 'select current_user()'"
        self.home.write("Makefile", f"all:\n\t@{run}\n")
        script = self.home.write("script", f"#!/bin/bash\nset -e\nx=$({run})\necho $x\n", 0o700)
        for command in (("sh", "-c", run), (script,), ("make", "-s"), ("env", "sh", "-c", run),
                        (harness.installed("bin/rds-iam"), "exec", "--", "sh", "-c", run)):
            with self.subTest(command=command[0]):
                result = self.exec(*command)
                self.assertEqual((result.stdout, result.stderr), (ME + "\n", ""))

    def test_a_password_account_of_an_rds_host(self):
        password = self.lab.passwords["native_user"]
        result = self.exec("mariadb", *self.place(user="native_user"), *WHO, MYSQL_PWD=password)
        self.assertEqual(result.stdout, "native_user@%\n", result.stderr)

    def test_a_mapped_host(self):
        server = self.lab.mariadb
        self.home.write(CONFIG, f"[127.0.0.1:{server.port}]\nendpoint = {server.host}:{server.port}\ntls = verify-ca\n")
        result = self.exec("mariadb", *self.place("127.0.0.1"), *WHO)
        self.assertEqual(result.stdout, ME + "\n", result.stderr)

    def test_without_a_ca_the_message_names_the_command_to_run(self):
        result = self.exec("mariadb", *self.place(), *WHO, own=[])
        self.assertIn(f"{self.lab.mariadb.host} is not verified: no usable root certificates for RDS servers were found; run: rds-iam setup ca",
                      result.stderr)
        self.assertRegex(result.stderr.splitlines()[-1], "so no token was sent; no usable root certificates for RDS servers "
                                                         "were found; run: rds-iam setup ca$")
        self.assert_nothing_sent()

    def test_with_a_ca_file_that_is_rejected_the_message_names_the_command_too(self):
        """Every user can write the CA file for this host, so it is rejected. The other CA file is accepted, but is not
        for this host."""
        for name, mode in (("rds-ca.pem", 0o666), ("rds-ca-public.pem", 0o644)):
            self.home.write(f".config/rds-iam/{name}", self.lab.ca_file.read_text(), mode=mode)
        result = self.exec("mariadb", *self.place(), *WHO, own=[])
        self.assertIn("rds-ca.pem: every user can write it; run: chmod o-w ", result.stderr)
        self.assertRegex(result.stderr.splitlines()[-1], "so no token was sent; no usable root certificates for RDS servers "
                                                         "were found; run: rds-iam setup ca$")

    def test_a_host_that_is_not_rds(self):
        """The message names the host and not TLS, whatever the TLS settings and the CA store are."""
        for host in ("db.example.com", "127.0.0.1"):
            for own in (["--ca", self.lab.ca_file], []):
                with self.subTest(host=host, own=own):
                    result = self.exec("mariadb", *self.place(host), *WHO, own=own)
                    self.assertIn(f"ERROR 2061 (HY000): rds-iam: {host} is not an RDS endpoint", result.stderr)
                    self.assertNotIn("verified", result.stderr)
        self.assert_nothing_sent()

    def test_nothing_is_written_and_a_read_only_home_is_enough(self):
        result = self.exec("mariadb", *self.place(), *WHO)
        self.assertEqual(result.stdout, ME + "\n", result.stderr)
        self.assertEqual(list(self.home.path.iterdir()), [])
        for changes in ({"HOME": "/nonexistent"}, {"HOME": "/proc"}, {"XDG_RUNTIME_DIR": "/nonexistent"}):
            result = self.exec("mariadb", *self.place(), *WHO, **changes)
            self.assertEqual((result.stdout, result.stderr), (ME + "\n", ""))

    def test_children_of_a_tool_do_not_read_the_option_file_of_rds_iam(self):
        """The statement `system` of mariadb starts a shell. The shell's own mariadb connects to a local server without
        TLS. In the control, it connects to RDS with a token."""
        socket = self.lab.directory / "mariadb.sock"
        env = {"MYSQL_PWD": self.lab.passwords["native_user"]}
        local = f"mariadb -S {socket} -u native_user --skip-column-names -e 'select 1 + 1'"
        result = self.exec("mariadb", *self.place(user="native_user"), "-e", f"system {local}", **env)
        self.assertEqual((result.stdout, "TLS" in result.stderr), ("2\n", False), result.stderr)
        inner = " ".join(map(str, ("mariadb", *self.place()))) + " -N -e 'select current_user()'"
        result = self.exec("mariadb", *self.place(), "-e", "system " + inner)
        self.assertEqual(result.stdout, ME + "\n", result.stderr)


class Given(ToolCase):
    """rds-iam exec does not change a setting of the user, but overrides a setting in a file of /etc."""

    def test_tls_turned_off(self):
        for words in (("--skip-ssl",), ("--ssl=0",), ("--disable-ssl",)):
            with self.subTest(words=words):
                results = [self.exec("mariadb", *self.place(), *words, *WHO, under=under,
                                     **self.plugin_directory(under))
                           for under in (True, False)]
                self.assertIn("the connection is not encrypted, so no token was sent", results[0].stderr)
                self.assertEqual(*(r.stderr for r in results))
        self.assert_nothing_sent()
        password = self.lab.passwords["native_user"]
        result = self.exec("mariadb", *self.place(user="native_user"), "--skip-ssl", *WHO, MYSQL_PWD=password)
        self.assertEqual(result.stdout, "native_user@%\n", result.stderr)

    @staticmethod
    def plugin_directory(under):
        """Returns the variables with which a tool outside rds-iam exec loads the plugin."""
        return {} if under else {"MARIADB_PLUGIN_DIR": str(harness.installed(
            "lib*/**/rds-iam/mariadb/mysql_clear_password.so").parent)}

    def test_tls_turned_off_in_the_option_file(self):
        password = self.lab.passwords["native_user"]
        for line in ("skip-ssl", "skip_ssl", "ssl = 0"):
            with self.subTest(line=line):
                self.write_client(line)
                result = self.exec("mariadb", *self.place(user="native_user"), *WHO, MYSQL_PWD=password)
                self.assertEqual(result.stdout, "native_user@%\n", result.stderr)
                result = self.exec("mariadb", *self.place(), *WHO)
                self.assertIn("the connection is not encrypted, so no token was sent", result.stderr)
        self.assert_nothing_sent()
        self.home.write(".my.cnf", "[mysqld]\nskip-ssl\n[mysqldump]\nskip-ssl\n")
        self.assertEqual(self.exec("mariadb", *self.place(), *WHO).stdout, ME + "\n")

    def test_a_host_in_the_option_file(self):
        server = self.lab.mariadb
        self.write_client(f"host = {server.host}", f"port={server.port}", f'user="{USER}"')
        result = self.exec("mariadb", *WHO)
        self.assertEqual((result.stdout, result.stderr), (ME + "\n", ""))
        result = self.exec("mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", server.port, "-u", "native_user", *WHO,
                           MYSQL_PWD=self.lab.passwords["native_user"])
        self.assertEqual((result.stdout, result.stderr), ("native_user@%\n", ""))
        self.write_client("host=db.example.com")
        result = self.exec("mariadb", *self.place(), *WHO)
        self.assertEqual(result.stdout, ME + "\n", "an argument overrides the file")

    def test_a_ca_that_the_user_names(self):
        other = self.lab.other_ca_file
        result = self.exec("mariadb", *self.place(), f"--ssl-ca={other}", *WHO)
        self.assertIn("ERROR 2026", result.stderr)
        self.write_client(f"ssl-ca={other}")
        self.assertIn("ERROR 2026", self.exec("mariadb", *self.place(), *WHO).stderr)
        self.assert_nothing_sent()
        self.write_client(f"ssl-ca={self.lab.ca_file}")
        for words, own in (((), ["--ca", other]), ((f"--ssl-ca={self.lab.ca_file}",), ["--ca", other]),
                           ((f"--ssl-ca={self.lab.ca_file}",), [])):
            with self.subTest(words=words, own=own):
                result = self.exec("mariadb", *self.place(), *words, *WHO, own=own)
                self.assertEqual(result.stdout, ME + "\n", result.stderr)

    def test_verification_turned_off(self):
        for words in (("--skip-ssl-verify-server-cert",), ("--ssl-verify-server-cert=0",)):
            result = self.exec("mariadb", *self.place(), *words, *WHO)
            self.assertIn("was not verified, so no token was sent", result.stderr)
        self.write_client("ssl-verify-server-cert=0")
        self.assertIn("was not verified, so no token was sent", self.exec("mariadb", *self.place(), *WHO).stderr)
        self.assert_nothing_sent()

    def test_an_option_file_in_the_directory_mysql_home(self):
        own = self.home.write("own/my.cnf", f"[client]\nssl-ca={self.lab.ca_file}\nssl-verify-server-cert=1\n").parent
        result = self.exec("mariadb", *self.place(), *WHO, own=[], MYSQL_HOME=str(own))
        self.assertEqual(result.stdout, ME + "\n", result.stderr)
        result = self.exec("mariadb", *self.place(), *WHO, MYSQL_HOME="/nonexistent")
        self.assertIn("so no token was sent", result.stderr)
        for variable in ("MYSQL_HOME", "MARIADB_HOME"):
            result = self.exec("mariadb", *self.place(), *WHO, **{variable: ""})
            self.assertEqual(result.stdout, ME + "\n", result.stderr)

    def test_an_option_file_in_the_directory_mariadb_home(self):
        """If MARIADB_HOME is set, the releases that read this variable ignore MYSQL_HOME."""
        own = self.home.write("own/my.cnf", f"[client]\nssl-ca={self.lab.ca_file}\nssl-verify-server-cert=1\n").parent
        result = self.exec("mariadb", *self.place(), *WHO, own=[], MARIADB_HOME=str(own))
        self.assertEqual(result.stdout, ME + "\n", result.stderr)
        result = self.exec("mariadb", *self.place(), *WHO, MARIADB_HOME="/nonexistent")
        self.assertIn("so no token was sent", result.stderr)

    def test_comments_in_the_option_file(self):
        server = self.lab.mariadb
        self.write_client(f"host = {server.host}   # prod", f"port={server.port}# its port", f'user="{USER}" # it\'s me')
        result = self.exec("mariadb", *WHO)
        self.assertEqual((result.stdout, result.stderr), (ME + "\n", ""))
        self.write_client("ssl=0 # off")
        result = self.exec("mariadb", *self.place(user="native_user"), *WHO, MYSQL_PWD=self.lab.passwords["native_user"])
        self.assertEqual(result.stdout, "native_user@%\n", result.stderr)

    def test_files_of_etc_are_overridden(self):
        """The tool reads rds-iam's option file after the files of /etc, so rds-iam's options override them."""
        file = self.home.write("etc.cnf", "[client]\nskip-ssl\nssl-verify-server-cert=0\n", 0o644)
        user = ["--map-root-user"] if os.geteuid() != 0 else []
        for under, expected in ((True, ME + "\n"), (False, "")):
            argv = ["mariadb", *self.place(), *WHO]
            start = [harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--"] if under else []
            result = self.home.run(
                ["unshare", "--mount", *user, "sh", "-c", 'mount --bind "$1" /etc/mysql/my.cnf && shift && exec "$@"', "sh",
                 file, *start, *argv], **self.plugin_directory(under))
            self.assertEqual(result.stdout, expected, result.stderr)
        self.assertIn("the connection is not encrypted", result.stderr, "control: the file takes effect without exec")

    def test_without_option_files_no_token_is_sent(self):
        file = self.home.write("c.cnf", "[client]\nuser=a\n")
        for word, advice in (("--no-defaults", "remove it"),
                             (f"--defaults-file={file}", "write --defaults-extra-file instead")):
            with self.subTest(word=word):
                result = self.exec("mariadb", word, *self.place(), *WHO)
                self.assertIn("so no token was sent", result.stderr)
                self.assertIn(f"rds-iam: warning: the server is not verified, because {word.split('=')[0]} makes the tool "
                              f"ignore what rds-iam exec sets; {advice}\n", result.stderr)
        self.assert_nothing_sent()
        result = self.exec("mariadb", f"--defaults-extra-file={file}", *self.place(), *WHO)
        self.assertEqual((result.stdout, result.stderr), (ME + "\n", ""), "the advice works")

    def test_a_ca_without_verification_of_the_name_causes_a_warning(self):
        """MariaDB's tools before 11.4 then do not verify the name."""
        result = self.exec("mariadb", "--no-defaults", *self.place(), f"--ssl-ca={self.lab.ca_file}", *WHO)
        self.assertIn("rds-iam: warning: the server's host name may not be verified, because --no-defaults makes the tool "
                      "ignore what rds-iam exec sets; remove it\n", result.stderr)
        self.assertIn("so no token was sent", result.stderr)
        self.assert_nothing_sent()

    def test_an_option_file_that_names_the_ca_causes_no_warning(self):
        tls = (f"ssl-ca={self.lab.ca_file}", "ssl-verify-server-cert=1")
        file = self.home.write("c.cnf", "\n".join(("[client]", *tls, "")))
        for words in ((f"--defaults-file={file}", *self.place()),
                      ("--no-defaults", *self.place(), *(f"--{word}" for word in tls))):
            with self.subTest(words=words[0]):
                result = self.exec("mariadb", *words, *WHO)
                self.assertEqual((result.stdout, result.stderr), (ME + "\n", ""))


class Hostile(ToolCase):
    """A tool sends no token and no password to a server that cannot prove its name."""

    def certificate(self, kind):
        return None if kind is None else getattr(self.lab.certificates, kind)

    def test_no_tool_sends_a_token_or_a_password(self):
        secrets = traces.secrets_of(self.lab.principals[hostile.PRINCIPAL])
        for tool, words in TOOLS.items():
            for title, kind in IMPOSTORS.items():
                for password in (None, hostile.TYPED):
                    with self.subTest(tool=tool, peer=title, password=password), \
                            MySQLPeer(self.certificate(kind)) as peer:
                        result = self.exec(tool, *self.place(hostile.HOST, peer.port), *words,
                                           principal=hostile.PRINCIPAL, **({"MYSQL_PWD": password} if password else {}))
                        self.assertNotEqual(result.returncode, 0)
                        self.assertGreaterEqual(peer.connections, 1, "control: the tool connected")
                        self.assertEqual(traces.find(peer.received, [*secrets, b"X-Amz-Signature="]), [])
                        self.assertNotIn(hostile.TYPED.encode(), peer.received)

    def test_control_a_verified_peer_gets_a_token_and_a_password(self):
        for tool in ("mariadb", "mariadb-dump"):
            with MySQLPeer(self.certificate("server")) as peer:
                self.exec(tool, *self.place(hostile.HOST, peer.port), *TOOLS[tool], principal=hostile.PRINCIPAL)
                self.assert_token(peer.answers[0], hostile.HOST, peer.port)
            with MySQLPeer(self.certificate("server")) as peer:
                self.exec(tool, *self.place(hostile.HOST, peer.port), *TOOLS[tool], MYSQL_PWD=hostile.TYPED)
                self.assertEqual(peer.answers[0], (True, hostile.TYPED.encode() + b"\0"))

    def test_control_without_rds_iam_exec_the_password_leaks(self):
        if VERIFIES_ITSELF:
            words = ("--skip-ssl-verify-server-cert", *WHO)
        else:
            words = WHO
        with MySQLPeer(None) as peer:
            self.exec("mariadb", *self.place(hostile.HOST, peer.port), *words, under=False, MYSQL_PWD=hostile.TYPED)
            self.assertIn(hostile.TYPED.encode(), peer.received)


class Local(ToolCase):
    """A server that is not RDS, without TLS, gets the same bytes as without rds-iam exec."""

    def test_over_tcp(self):
        for tool, words in TOOLS.items():
            for password in ({}, {"MYSQL_PWD": hostile.TYPED}):
                with self.subTest(tool=tool, password=password):
                    sent = []
                    for under in (True, False):
                        with MySQLPeer(None, Script(asks=())) as peer:
                            result = self.exec(tool, *self.place("127.0.0.1", peer.port), *words, under=under, **password)
                        self.assertNotIn("rds-iam", result.stderr)
                        sent.append([data for _, data in peer.messages])
                    self.assertEqual(*sent)
                    self.assertTrue(sent[0], "control: something was sent")

    def test_a_unix_socket(self):
        socket = self.lab.directory / "mariadb.sock"
        env = {"MYSQL_PWD": self.lab.passwords["native_user"]}
        for words in (("-S", socket), ("-h", "localhost", "-S", socket), ("--protocol=socket", "-S", socket)):
            with self.subTest(words=words):
                results = [self.exec("mariadb", *words, "-u", "native_user", *WHO, under=under, **env)
                           for under in (True, False)]
                self.assertEqual([(r.stdout, r.stderr) for r in results], [("native_user@%\n", "")] * 2)


class OptionFile(ToolCase):
    """The option file that a tool reads depends on the maker of the tool and on the host."""

    def read(self, maker, *words, name="mysqldump", own=None, **extra):
        directory = self.home.path / maker
        directory.mkdir(exist_ok=True)
        tool = shutil.copy(mysql_programs.SOURCE / f"tool_of_{maker}", directory / name)
        result = self.exec(tool, *words, own=["--ca", self.ca] if own is None else own, **extra)
        self.log = result.stderr
        return result.stdout

    def setUp(self):
        super().setUp()
        self.ca = self.home.write("ca.pem", "a certificate\n")

    def test_each_maker_has_its_own_options(self):
        for maker, text in (("mariadb", MARIADB % self.ca), ("oracle", ORACLE % self.ca), ("unknown", NONE)):
            with self.subTest(maker=maker):
                self.assertEqual(self.read(maker, "-h", hostile.HOST), text)
                self.assertEqual(self.log, "")

    def test_other_names_of_programs_and_hosts(self):
        for name in ("mysqld", "mydumper", "mysqlsh", "mariadb-backup"):
            self.assertEqual(self.read("oracle", "-h", hostile.HOST, name=name), NONE)
        for words in ((), ("-h", ""), ("-h", "localhost"), ("-h", "db.example.com"), ("-h", "127.0.0.1"),
                      ("-h", hostile.HOST, "--protocol=socket"), ("-h", hostile.HOST, "--skip-ssl"),
                      ("-h", hostile.HOST + "x"), ("-u", "-h" + hostile.HOST), ("--", "-h", hostile.HOST)):
            with self.subTest(words=words):
                self.assertEqual(self.read("mariadb", *words), NONE)
        self.assertEqual(self.read("mariadb", "-h", hostile.HOST, under=False), NONE)
        self.assertEqual(self.read("mariadb", "-h", hostile.HOST, "--protocol=TCP"), MARIADB % self.ca, "control")

    def test_localhost_means_a_socket_unless_the_arguments_select_tcp(self):
        self.home.write(CONFIG, f"[localhost:13306]\nendpoint = {hostile.HOST}:3306\n")
        for maker, text in (("mariadb", MARIADB), ("oracle", ORACLE)):
            self.assertEqual(self.read(maker, "-h", "localhost", "-P13306", "--protocol=tcp"), text % self.ca)
            self.assertEqual(self.read(maker, "-h", "localhost"), NONE)
        self.assertEqual(self.read("mariadb", "-h", "localhost", "-P13306"), MARIADB % self.ca)
        self.assertEqual(self.read("oracle", "-h", "localhost", "-P13306"), NONE)

    def test_only_a_port_in_the_arguments_selects_tcp(self):
        self.home.write(CONFIG, f"[localhost:13306]\nendpoint = {hostile.HOST}:3306\n")
        self.write_client("host=localhost", "port=13306")
        self.assertEqual(self.read("mariadb"), NONE)
        self.assertEqual(self.read("mariadb", "-P13306"), MARIADB % self.ca, "control")

    def test_sources_that_are_not_read(self):
        """A tool can read sources that rds-iam does not read, and these sources may name another server than ~/.my.cnf
        and MYSQL_HOST. So if a tool reads such a source, rds-iam adds options only if the arguments name the server."""
        self.write_client(f"host={hostile.HOST}")
        for words, extra in ((("--defaults-group-suffix=-local",), {}), (("--login-path=local",), {}),
                             (("--defaults-extra-file=/dev/null",), {}), ((), {"MYSQL_GROUP_SUFFIX": "-local"})):
            for maker, text in (("mariadb", MARIADB), ("oracle", ORACLE)):
                with self.subTest(words=words, extra=extra, maker=maker):
                    self.assertEqual(self.read(maker, *words, **extra), NONE)
                    self.assertEqual(self.read(maker, *words, "-h", hostile.HOST, **extra), text % self.ca, "control")
        for maker, text in (("mariadb", NONE), ("oracle", ORACLE % self.ca)):
            self.assertEqual(self.read(maker, MARIADB_GROUP_SUFFIX="-local"), text)
        self.assertEqual(self.read("oracle", MYSQL_GROUP_SUFFIX=""), ORACLE % self.ca, "control")
        self.home.write(".my.cnf", f"[client]\nhost={hostile.HOST}\n[mysqld]\n!include /dev/null\n")
        self.assertEqual(self.read("mariadb"), NONE)
        self.home.write(".my.cnf", "")
        named = {"name": "mysql", "MYSQL_HOST": hostile.HOST}
        self.assertEqual(self.read("mariadb", "--defaults-extra-file=/dev/null", **named), NONE)
        self.assertEqual(self.read("mariadb", **named), MARIADB % self.ca, "control")

    def test_oracles_login_file(self):
        self.write_client(f"host={hostile.HOST}")
        self.assertEqual(self.read("oracle"), ORACLE % self.ca, "control")
        other = {"MYSQL_TEST_LOGIN_FILE": str(self.home.write("login", "x"))}
        self.assertEqual(self.read("oracle", **other), NONE)
        self.home.write(".mylogin.cnf", "x")
        self.assertEqual(self.read("oracle"), NONE)
        for words in (("--no-login-paths",), ("-h", hostile.HOST)):
            self.assertEqual(self.read("oracle", *words), ORACLE % self.ca)
        self.assertEqual(self.read("mariadb", **other), MARIADB % self.ca)

    def test_groups_of_each_maker(self):
        for group, makers in (("client", {"mariadb", "oracle"}), ("mysqldump", {"mariadb", "oracle"}),
                              ("client-mariadb", {"mariadb"}), ("client-server", {"mariadb"}),
                              ("mariadb-dump", {"mariadb"}), ("mysqld", set())):
            self.home.write(".my.cnf", f"[{group}]\nhost={hostile.HOST}\n")
            self.assertEqual({m for m in ("mariadb", "oracle") if self.read(m) != NONE}, makers, group)

    def test_only_mariadbs_tools_obey_mariadb_home(self):
        words = ("-h", hostile.HOST)
        self.assertEqual(self.read("mariadb", *words, MARIADB_HOME="/nonexistent"), NONE)
        self.assertEqual(self.read("mariadb", *words, MARIADB_HOME=""), MARIADB % self.ca)
        self.assertEqual(self.read("oracle", *words, MARIADB_HOME="/nonexistent"), ORACLE % self.ca)

    def test_tls_verify_ca_takes_effect_only_in_tools_of_mariadb(self):
        self.home.write(CONFIG, f"[db.example.com]\nendpoint = {hostile.HOST}:3306\ntls = verify-ca\n")
        self.assertEqual(self.read("mariadb", "-h", "db.example.com"), CHAIN_ONLY % self.ca)
        self.assertEqual(self.log, "")
        self.assertEqual(self.read("oracle", "-h", "db.example.com"), ORACLE % self.ca)
        self.assertIn(":3: tls = verify-ca has no effect in Oracle's client library, which ", self.log)

    def test_a_proxy_has_the_public_roots(self):
        public = {"RDS_IAM_CA": "/rds.pem", "RDS_IAM_CA_PUBLIC": "/public.pem"}
        self.assertEqual(self.read("mariadb", "-h", PROXY, own=[], **public), MARIADB % "/public.pem")
        self.assertEqual(self.read("mariadb", "-h", hostile.HOST, own=[], **public), MARIADB % "/rds.pem")

    def test_the_path_of_the_ca_is_quoted(self):
        self.ca = self.home.write('a "b" \\c #d\'/ca.pem', "a certificate\n")
        quoted = str(self.ca).replace("\\", "\\\\").replace('"', '\\"')
        self.assertEqual(self.read("mariadb", "-h", hostile.HOST), MARIADB % quoted)
        self.ca = self.home.write("a\nplugin-dir=b/ca.pem", "a certificate\n")
        self.assertEqual(self.read("mariadb", "-h", hostile.HOST), NONE)
        self.assertIn("rds-iam: warning: the path of the CA file in RDS_IAM_CA is too long or contains a control "
                      "character; rename the file\n", self.log)
        self.assertEqual(self.read("mariadb", "-h", PROXY), NONE)
        self.assertIn("rds-iam: warning: the path of the CA file in RDS_IAM_CA_PUBLIC is too long or ", self.log)

    def test_a_quoted_path_is_read_by_the_real_tool(self):
        self.ca = self.home.write('a "b" \\c #d\'/ca.pem', self.lab.ca_file.read_text())
        result = self.exec("mariadb", *self.place(), *WHO, own=["--ca", self.ca])
        self.assertEqual((result.stdout, result.stderr), (ME + "\n", ""))

    def test_a_limit_of_file_sizes(self):
        """The tool runs without the option file, and is not ended by SIGXFSZ."""
        tool = mysql_programs.SOURCE / "tool_of_mariadb"
        script = f"ulimit -f 0; exec -a mariadb {tool} -h {hostile.HOST}"
        result = self.exec("bash", "-c", script)
        self.assertEqual((result.returncode, result.stdout), (0, NONE))
        result = self.exec("bash", "-c", script.replace("ulimit -f 0", ":"))
        self.assertIn("ssl-verify-server-cert=1", result.stdout, "control")


if __name__ == "__main__":
    harness.main()
