# SPDX-License-Identifier: MIT
"""`rds-iam setup mysql`: the lines that it prints, written unchanged into an empty home, let a client log in. Each
option file affects the programs that the text names."""
import pathlib
import re
import shlex
import subprocess

import mysql_client
from labcase import USER, LabCase, harness, mariadb_plugins
from mariadb_client import VERIFIES_ITSELF
from test_mariadb_clients import CA_AND_NAME, PROGRAMS, WHO

# The content of a planted file, and the line that setup mysql prints for it: a client library that loads the
# plugin, one that has it built in, one of Oracle, and files of other programs.
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
        """Returns the indented blocks of the output, without their indentation."""
        result = self.setup_mysql("--ssl-ca", self.lab.ca_file)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        found = re.findall(r"(?:^    .*\n)+", result.stdout, re.M)
        return [re.sub(r"^    ", "", block, flags=re.M) for block in found]

    def block(self, start, number=0):
        """Returns a block by its first words. Most blocks occur twice: number 0 is for MariaDB's programs, and
        number 1 for Oracle's."""
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

    def test_an_existing_ca_file_is_printed_with_its_full_path(self):
        self.home.write("bundle.pem", "")
        for given, written in (("bundle.pem", self.home.path.resolve() / "bundle.pem"),
                               ("not-there.pem", "not-there.pem")):  # fmt: skip
            with self.subTest(given=given):
                lines = self.setup_mysql("--ssl-ca", given).stdout.splitlines()
                self.assertEqual(lines.count(f"    ssl-ca={written}"), 2)

    def test_the_text_names_the_ca_of_rds_proxy(self):
        text = " ".join(self.setup_mysql().stdout.split())
        self.assertIn("For a proxy, set ssl-ca= to AmazonRootCA1.pem", text)

    def backup(self, group, *options):
        """Runs mariadb-backup with these lines as its option file. It must fail. Returns its output."""
        file = self.home.write("backup.cnf", group)
        result = self.home.run(["mariadb-backup", f"--defaults-file={file}", *options,
                                f"--target-dir={self.home.path}/backup"])
        self.assertNotEqual(result.returncode, 0, result)
        return result.stdout + result.stderr

    def test_mariadb_backup_ignores_plugin_dir_in_client_and_logs_in_with_a_password(self):
        lines = self.block("[client]")
        account = ["--backup", f"--host={self.lab.mariadb.host}", f"--port={self.lab.mariadb.port}"]
        no_plugin = r"'mysql_clear_password' cannot be loaded: (\S+)/mysql_clear_password.so: cannot open"
        text = self.backup(lines, *account, f"--user={USER}")
        self.assertNotEqual(re.search(no_plugin, text).group(1), str(mariadb_plugins()))
        # mariadb-backup's library is one that the plugin does not support, so plugin-dir would not help.
        ours = lines.replace("[client]", "[mariadb-backup]")
        text = self.backup(ours, *account, f"--user={USER}")
        self.assertNotRegex(text, no_plugin, "control: in its own group plugin-dir has an effect")
        self.assertIn("Failed to connect to MariaDB server", text)
        password = self.lab.passwords["native_user"]
        text = self.backup(lines, *account, "--user=native_user", f"--password={password}")
        self.assertNotIn("Failed to connect", text)
        self.assertIn("Using server version", text)
        self.assert_nothing_sent()

    def test_mariadb_backup_uses_its_own_plugin_dir_for_server_plugins(self):
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

    def test_the_text_about_mariadb_backup(self):
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

    def test_libmysql_plugins_alone_loads_the_distributions_plugin(self):
        self.home.write(".my.cnf", self.block("[client]"))
        del (variables := self.variables())["MARIADB_PLUGIN_DIR"]
        self.assertIn("ERROR 1045", self.home.run(self.argv(), **variables).stderr)
        self.assert_nothing_sent()

    def oracles_variables(self):
        """Returns the variables as a shell parses them."""
        return dict(word.split("=", 1) for word in shlex.split(self.block("LIBMYSQL")))

    def test_a_command_of_oracles_library(self):
        """tests/loader stands in for a command. A command takes each line of [client] as an option. A program that
        does not know an option ignores it if the option has the prefix "loose-"."""
        lines = self.block("[client]", 1).splitlines()[1:]
        options = ["--" + line.removeprefix("loose-") for line in lines]
        self.assertEqual(options, [f"--ssl-ca={self.lab.ca_file}", "--ssl-mode=VERIFY_IDENTITY"])
        mariadb = self.lab.mariadb
        for library in mysql_client.LIBRARIES:
            argv = [mysql_client.PROGRAM, "--library=" + library, *options, mariadb.host, mariadb.port, USER]
            with self.subTest(library=library):
                self.assertIn("ERROR 2059", self.home.run(argv).stdout, "control: no variables")
                result = self.home.run(argv, **self.oracles_variables())
                self.assertEqual(result.stdout, f"{USER}@%\n", result.stderr)
        self.assert_accepted(len(mysql_client.LIBRARIES))

    def test_a_program_of_oracles_library_does_not_read_ssl_mode_from_an_option_file(self):
        """The program reads the CA from the option file. Only ssl-mode must be set in the program itself."""
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

    def test_unit_and_dockerfile_contain_the_same_variables(self):
        for number, variables in enumerate((self.variables(), self.oracles_variables())):
            unit = self.block("[Service]", number).splitlines()[1:]
            words = [word for line in unit for word in shlex.split(line.removeprefix("Environment="))]
            self.assertEqual(dict(word.split("=", 1) for word in words), variables)
            docker = self.block("ENV ", number).removeprefix("ENV ").replace("\\\n", " ")
            self.assertEqual(dict(word.split("=", 1) for word in shlex.split(docker)), variables)

    def test_paths_are_those_of_the_installation(self):
        self.assertIn(f"plugin-dir={mariadb_plugins()}\n", self.block("[client]"))
        self.assertNotIn("client-server", "".join(self.blocks()))

    def test_libmariadb_reads_a_drop_in_only_under_the_name_my_cnf(self):
        directory = self.home.path / "conf.d"
        self.home.write(".my.cnf", f"!includedir {directory}\n")
        argv = self.program("MySQLdb", 'read_default_file="%(file)s"')
        block = self.block("[client]")
        drop_in = self.home.write("conf.d/rds.cnf", block)
        self.assert_logged_in(self.home.run(self.argv()))
        if VERIFIES_ITSELF:  # 3.4 reads a drop-in of any name, as `mariadb` does
            self.assert_logged_in(self.home.run(argv))
        else:
            self.assertIn("Access denied", self.home.run(argv).stderr)
        drop_in.rename(directory / "my.cnf")
        self.assert_logged_in(self.home.run(self.argv()))
        self.assert_logged_in(self.home.run(argv))

    def test_clients_are_classified_by_their_content(self):
        for content, words in PLANTED.items():
            with self.subTest(content=content):
                path = self.home.path / "client"
                path.write_bytes(content)
                self.assertIn(f"    {path} {words}\n", self.setup_mysql("--client", path).stdout)
        path.unlink()
        self.assertIn(f"{path} cannot be read\n", self.setup_mysql("--client", path).stdout)

    def test_the_clients_of_this_machine(self):
        """Compares the result with that of the manual's method: strings and grep."""
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

    def test_wrong_command_lines(self):
        tool = harness.installed("bin/rds-iam")
        rows = (
            (["setup"], "no kind given; see rds-iam setup --help"),
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
