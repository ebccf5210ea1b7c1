# SPDX-License-Identifier: MIT
"""What `rds-iam setup mysql` prints, written into an empty home as it is printed, logs in; and which
option files reach which programs, as it says."""
import pathlib
import re
import shlex
import subprocess

import mysql_client
from labcase import USER, LabCase, harness, mariadb_plugins
from mariadb_client import VERIFIES_ITSELF
from test_mariadb_clients import CA_AND_NAME, PROGRAMS, WHO

# A library with the plugin built in, one of Oracle's, one of neither, in the words of their files.
PLANTED = {
    b"\0MARIADB_PLUGIN_DIR\0": "loads the plugin: needs only the lines above",
    b"\0MARIADB_PLUGIN_DIR\0mysql_clear_password\0":
        "has mysql_clear_password built in: add default-auth=aws_rds_iam to [client]",
    b"\0LIBMYSQL_PLUGIN_DIR\0mysql_clear_password\0":
        "is Oracle's: set LIBMYSQL_PLUGIN_DIR, LIBMYSQL_PLUGINS and ssl-mode, as above",
    b"\0MARIADB_PLUGIN_DIRECTORY\0": "contains no MySQL client library",
    b"": "contains no MySQL client library",
}


class Setup(LabCase):
    def setup_mysql(self, *options, **extra):
        return self.home.run([harness.installed("bin/rds-iam"), "setup", "mysql", *options], **extra)

    def blocks(self):
        """The indented blocks of what is printed, with their indentation taken off."""
        result = self.setup_mysql("--ssl-ca", self.lab.ca_file)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        found = re.findall(r"(?:^    .*\n)+", result.stdout, re.M)
        return [re.sub(r"^    ", "", block, flags=re.M) for block in found]

    def block(self, start, number=0):
        """The block that starts so. There is one for MariaDB's programs, and behind it mostly one for
        Oracle's, which is number 1."""
        found = [block for block in self.blocks() if block.startswith(start)]
        self.assertEqual(len(found), 1 if start in ("MARIADB", "LIBMYSQL") else 2)
        return found[number]

    def argv(self):
        mariadb = self.lab.mariadb
        return ["mariadb", "-h", mariadb.host, "-P", mariadb.port, "-u", USER, "-N", "-e", WHO]

    def assert_logged_in(self, result):
        self.assertRegex(result.stdout, rf"^{USER}@%\s+TLS_", result.stderr)

    def program(self, name, settings):
        interpreter, option, script = PROGRAMS[name]
        return [interpreter, option, script % {
            "host": self.lab.mariadb.host, "port": self.lab.mariadb.port, "user": USER, "query": WHO,
            "settings": settings % {"file": self.home.path / ".my.cnf", "ca": self.lab.ca_file}}]

    def test_the_option_file(self):
        self.home.write(".my.cnf", self.block("[client]"))
        self.assert_logged_in(self.home.run(self.argv()))
        self.assert_logged_in(
            self.home.run(self.program("MySQLdb", 'read_default_file="%(file)s"')))
        self.assert_accepted(2)

    def test_a_ca_that_is_there_is_written_with_its_whole_path(self):
        self.home.write("bundle.pem", "")
        for given, written in (("bundle.pem", self.home.path.resolve() / "bundle.pem"),
                               ("not-there.pem", "not-there.pem")):  # fmt: skip
            with self.subTest(given=given):
                lines = self.setup_mysql("--ssl-ca", given).stdout.splitlines()
                self.assertEqual(lines.count(f"    ssl-ca={written}"), 2)

    def test_the_ca_of_a_proxy_is_named(self):
        text = " ".join(self.setup_mysql().stdout.split())
        self.assertIn("For a proxy, set ssl-ca= to AmazonRootCA1.pem", text)

    def backup(self, group, *options):
        """mariadb-backup with one group of lines in its option file; what it printed, as it failed."""
        file = self.home.write("backup.cnf", group)
        result = self.home.run(["mariadb-backup", f"--defaults-file={file}", *options,
                                f"--target-dir={self.home.path}/backup"])
        self.assertNotEqual(result.returncode, 0, result)
        return result.stdout + result.stderr

    def test_mariadb_backup_takes_no_plugin_dir_from_client_and_logs_in_with_a_password(self):
        lines = self.block("[client]")
        account = ["--backup", f"--host={self.lab.mariadb.host}", f"--port={self.lab.mariadb.port}"]
        no_plugin = r"'mysql_clear_password' cannot be loaded: (\S+)/mysql_clear_password.so: cannot open"
        text = self.backup(lines, *account, f"--user={USER}")
        self.assertNotEqual(re.search(no_plugin, text).group(1), str(mariadb_plugins()))
        # Its library is another one than those that our plugin knows, so that would not help.
        ours = lines.replace("[client]", "[mariadb-backup]")
        text = self.backup(ours, *account, f"--user={USER}")
        self.assertNotRegex(text, no_plugin, "control: where plugin-dir counts, the plugin is loaded")
        self.assertIn("Failed to connect to MariaDB server", text)
        password = self.lab.passwords["native_user"]
        text = self.backup(lines, *account, "--user=native_user", f"--password={password}")
        self.assertNotIn("Failed to connect", text)
        self.assertIn("Using server version", text)
        self.assert_nothing_sent()

    def test_mariadb_backup_looks_elsewhere_for_its_servers_plugins(self):
        backup = self.home.path / "backup"
        backup.mkdir()
        (backup / "xtrabackup_checkpoints").write_text(
            "backup_type = full-backuped\nfrom_lsn = 0\nto_lsn = 1\nlast_lsn = 1\n")
        (backup / "backup-my.cnf").write_text("[mysqld]\nplugin_load=file_key_management.so\n")
        lines = self.block("[client]")
        where = r"Can't open shared library '(.*)/file_key_management.so'"
        for group, directory in ((lines, ""), ("[mariadb-backup]\nplugin-dir=/elsewhere\n", "/elsewhere")):
            with self.subTest(directory=directory):
                text = self.backup(group, "--prepare")
                self.assertEqual(re.search(where, text).group(1), directory, text)

    def test_what_is_said_of_mariadb_backup(self):
        text = " ".join(self.setup_mysql().stdout.split())
        self.assertIn("mariadb-backup cannot log in with a token. Give it an account with a password", text)

    def variables(self):
        lines = self.block("MARIADB").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def test_the_environment(self):
        variables = self.variables()
        self.assertEqual(list(variables), ["MARIADB_PLUGIN_DIR", "LIBMYSQL_PLUGINS"])
        argv = self.program("DBD::mysql", CA_AND_NAME["DBD::mysql"])
        self.assert_logged_in(self.home.run(argv, **variables))
        self.assert_accepted()

    def test_the_second_variable_alone_loads_the_distributions_plugin(self):
        self.home.write(".my.cnf", self.block("[client]"))
        del (variables := self.variables())["MARIADB_PLUGIN_DIR"]
        self.assertIn("ERROR 1045", self.home.run(self.argv(), **variables).stderr)
        self.assert_nothing_sent()

    def oracles_variables(self):
        """As a shell takes them."""
        return dict(word.split("=", 1) for word in shlex.split(self.block("LIBMYSQL")))

    def test_a_command_on_oracles_library(self):
        """tests/loader plays it. A command takes each line of [client] for an option, and "loose-" for
        a word that may be passed over."""
        lines = self.block("[client]", 1).splitlines()[1:]
        options = ["--" + line.removeprefix("loose-") for line in lines]
        self.assertEqual(options, [f"--ssl-ca={self.lab.ca_file}", "--ssl-mode=VERIFY_IDENTITY"])
        mariadb = self.lab.mariadb
        for library in mysql_client.LIBRARIES:
            argv = [mysql_client.PROGRAM, "--library=" + library, *options, mariadb.host, mariadb.port, USER]
            with self.subTest(library=library):
                self.assertIn("ERROR 2059", self.home.run(argv).stdout, "control: the variables count")
                result = self.home.run(argv, **self.oracles_variables())
                self.assertEqual(result.stdout, f"{USER}@%\n", result.stderr)
        self.assert_accepted(len(mysql_client.LIBRARIES))

    def test_a_program_on_oracles_library_finds_no_ssl_mode_in_an_option_file(self):
        """Its CA it does find, so the option of its own is all that is missing."""
        mariadb = self.lab.mariadb
        for word in ("loose-ssl-mode", "ssl-mode", "ssl_mode"):
            file = self.home.write("client.cnf", self.block("[client]", 1).replace("loose-ssl-mode", word))
            for library in mysql_client.LIBRARIES:
                with self.subTest(library=library, word=word):
                    argv = [mysql_client.PROGRAM, "--library=" + library, "--read-default-file=%s" % file]
                    account = [mariadb.host, mariadb.port, USER]
                    result = self.home.run([*argv, *account], **self.oracles_variables())
                    self.assertIn("the server's host name was not verified", result.stdout)
                    self.assertIn("in the program's own TLS options: in a my.cnf, only the mysql commands "
                                  "read ssl-mode", result.stdout)
                    self.assertNotIn("[client]", result.stdout)
                    argv.append("--ssl-mode=VERIFY_IDENTITY")
                    result = self.home.run([*argv, *account], **self.oracles_variables())
                    self.assertEqual(result.stdout, f"{USER}@%\n", result.stderr)
        text = " ".join(self.setup_mysql().stdout.split())
        self.assertIn("libmysqlclient itself does not read ssl-mode from an option file", text)

    def test_one_option_file_for_programs_of_both_libraries(self):
        lines = self.block("[client]").replace("[client]", "[client-mariadb]") + self.block("[client]", 1)
        self.home.write(".my.cnf", lines)
        result = self.home.run(self.argv())
        self.assert_logged_in(result)
        self.assertIn("unknown variable 'loose-ssl-mode=VERIFY_IDENTITY'", result.stderr)
        self.assert_logged_in(
            self.home.run(self.program("MySQLdb", 'read_default_file="%(file)s"')))
        self.assert_accepted(2)

    def test_one_environment_for_programs_of_both_libraries(self):
        text = self.setup_mysql().stdout
        plugins = re.search(r'LIBMYSQL_PLUGINS="(mysql_clear_password;.*)"', text).group(1)
        both = {**self.variables(), **self.oracles_variables(), "LIBMYSQL_PLUGINS": plugins}
        self.home.write(".my.cnf", self.block("[client]").replace("plugin-dir=", "#"))
        self.assert_logged_in(self.home.run(self.argv(), **both))
        argv = [mysql_client.PROGRAM, "--library=9.x", "--ssl-mode=VERIFY_IDENTITY",
                f"--ssl-ca={self.lab.ca_file}", self.lab.mariadb.host, self.lab.mariadb.port, USER]
        self.assertEqual(self.home.run(argv, **both).stdout, f"{USER}@%\n")
        self.assert_accepted(2)

    def test_unit_and_dockerfile_say_the_same(self):
        for number, variables in enumerate((self.variables(), self.oracles_variables())):
            unit = self.block("[Service]", number).splitlines()[1:]
            words = [word for line in unit for word in shlex.split(line.removeprefix("Environment="))]
            self.assertEqual(dict(word.split("=", 1) for word in words), variables)
            docker = self.block("ENV ", number).removeprefix("ENV ").replace("\\\n", " ")
            self.assertEqual(dict(word.split("=", 1) for word in shlex.split(docker)), variables)

    def test_paths_are_those_of_the_installation(self):
        self.assertIn(f"plugin-dir={mariadb_plugins()}\n", self.block("[client]"))
        self.assertNotIn("client-server", "".join(self.blocks()))

    def test_a_drop_in_reaches_libmariadb_by_one_name_alone(self):
        directory = self.home.path / "conf.d"
        self.home.write(".my.cnf", f"!includedir {directory}\n")
        argv = self.program("MySQLdb", 'read_default_file="%(file)s"')
        block = self.block("[client]")
        drop_in = self.home.write("conf.d/rds.cnf", block)
        self.assert_logged_in(self.home.run(self.argv()))
        if VERIFIES_ITSELF:  # 3.4 reads a drop-in of any name, as the command does
            self.assert_logged_in(self.home.run(argv))
        else:
            self.assertIn("Access denied", self.home.run(argv).stderr)
        drop_in.rename(directory / "my.cnf")
        self.assert_logged_in(self.home.run(self.argv()))
        self.assert_logged_in(self.home.run(argv))

    def test_clients_are_judged_by_what_is_in_them(self):
        for content, words in PLANTED.items():
            with self.subTest(content=content):
                path = self.home.path / "client"
                path.write_bytes(content)
                self.assertIn(f"    {path} {words}\n", self.setup_mysql("--client", path).stdout)
        path.unlink()
        self.assertIn(f"{path} cannot be read\n", self.setup_mysql("--client", path).stdout)

    def test_the_clients_of_this_machine(self):
        """Told by the way of the manual: strings and grep."""
        text = self.setup_mysql().stdout
        library = next(pathlib.Path("/usr/lib").glob("*/libmariadb.so.3"))
        for path in ("/usr/bin/mariadb", "/usr/bin/mariadb-dump", library):
            words = subprocess.run(
                ["strings", "-a", path], stdout=subprocess.PIPE, text=True, check=True, timeout=60)
            self.assertNotIn("mysql_clear_password", words.stdout.splitlines())
            self.assertIn(f"    {path} loads the plugin", text)
        (self.home.path / "bin").mkdir()
        (self.home.path / "bin" / "mysql").write_bytes(b"\0MARIADB_PLUGIN_DIR\0mysql_clear_password\0")
        text = self.setup_mysql(PATH=f"{self.home.path}/bin:/usr/bin").stdout
        self.assertIn(f"{self.home.path}/bin/mysql has mysql_clear_password built in", text)

    def test_command_lines_that_are_wrong(self):
        tool = harness.installed("bin/rds-iam")
        rows = (
            (["setup"], "no kind of program given; see rds-iam setup --help"),
            (["setup", "oracle"], 'unknown kind "oracle"; see rds-iam setup --help'),
            (["setup", "mysql", "--nonsense"], "unknown option --nonsense; see rds-iam setup mysql --help"),
            (["setup", "mysql", "--ssl-ca"], "--ssl-ca needs a value; see rds-iam setup mysql --help"),
        )
        for arguments, message in rows:
            with self.subTest(arguments=arguments):
                result = self.home.run([tool, *arguments])
                self.assertEqual((result.returncode, result.stderr), (2, f"rds-iam: {message}\n"))
        for arguments in (["setup", "--help"], ["setup", "mysql", "--help"]):
            result = self.home.run([tool, *arguments])
            self.assertEqual((result.returncode, result.stdout[:14]), (0, "usage: rds-iam"))


if __name__ == "__main__":
    harness.main()
