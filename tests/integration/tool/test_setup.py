# SPDX-License-Identifier: MIT
"""`rds-iam setup mysql`: the lines that it prints, written unchanged into an empty home, let a client log in. Each
option file affects the programs that the texts name. Seven programs log in with the code that --program NAME prints."""
import pathlib
import re
import shlex
import subprocess

import mysql_client
from labcase import USER, LabCase, harness, mariadb_plugins
from mariadb_client import VERIFIES_ITSELF, WHO
from test_mariadb_clients import CA_AND_NAME, PROGRAMS

# The content of a planted file, and what --client prints for it: a client library that loads
# mysql_clear_password from a file, one that has mysql_clear_password built in, Oracle's, and files of other programs.
PLANTED = {
    b"\0MARIADB_PLUGIN_DIR\0": "loads the plugin: needs only the lines of rds-iam setup mysql",
    b"\0MARIADB_PLUGIN_DIR\0mysql_clear_password\0":
        "has mysql_clear_password built in: also needs default-auth=aws_rds_iam",
    b"\0LIBMYSQL_PLUGIN_DIR\0mysql_clear_password\0":
        "is Oracle's: needs the lines of rds-iam setup mysql --program mysql",
    b"\0MARIADB_PLUGIN_DIRECTORY\0": "contains no MySQL client library",
    b"": "contains no MySQL client library",
}
SUFFIX = "--defaults-group-suffix=-rds"
# The most columns of a line that contains no path of this machine.
COLUMNS = 80
# The most lines that a command without --program prints.
SHORT = 25


def kinds():
    """Yields each kind of `setup`, and for each of its programs a list of the program's names, from --program list."""
    for kind in ("mysql", "postgres"):
        text = harness.run([harness.installed("bin/rds-iam"), "setup", kind, "--program", "list"]).stdout
        yield kind, [re.split(r" \(also: |\)| ", line)[:-1] or [line] for line in text.splitlines()]


class SetupCase(LabCase):
    def setup_mysql(self, *options, **extra):
        return self.home.run([harness.installed("bin/rds-iam"), "setup", "mysql", *options], **extra)

    def printed(self, *options, **extra):
        """Runs `setup mysql` with the lab's CA as --ssl-ca. Returns its output."""
        result = self.setup_mysql("--ssl-ca", self.lab.ca_file, *options, **extra)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def blocks(self, program):
        """Returns the indented blocks of a program's text, without their indentation."""
        found = re.findall(r"(?:^    .*\n)+", self.printed("--program", program), re.M)
        return [re.sub(r"^    ", "", block, flags=re.M) for block in found]

    def block(self, program, start):
        """Returns the block that begins with these words."""
        found = [block for block in self.blocks(program) if block.startswith(start)]
        self.assertEqual(len(found), 1, (program, start))
        return found[0]

    def argv(self, *options):
        mariadb = self.lab.mariadb
        return ["mariadb", *options, "-h", mariadb.host, "-P", mariadb.port, "-u", USER, "-N", "-e", WHO]

    def assert_logged_in(self, result):
        self.assertRegex(result.stdout, rf"^{USER}@%\s+TLS_", result.stderr)

    def program(self, name, settings):
        interpreter, option, script = PROGRAMS[name]
        return [interpreter, option, script % {
            "host": self.lab.mariadb.host, "port": self.lab.mariadb.port, "user": USER, "query": WHO,
            "settings": settings % {"file": self.home.path / ".my.cnf", "ca": self.lab.ca_file}}]


class OptionFile(SetupCase):
    def test_the_printed_text_is_an_option_file(self):
        self.home.write(".my.cnf", self.printed())
        self.assert_logged_in(self.home.run(self.argv(SUFFIX)))
        self.assert_logged_in(self.home.run(self.argv(), MARIADB_GROUP_SUFFIX="-rds"))
        self.assert_logged_in(self.home.run(self.program("MySQLdb", 'read_default_group="client-rds"')))
        self.assert_accepted(3)
        self.assertIn("ERROR 1045", self.home.run(self.argv()).stderr, "control: without the suffix")

    def test_all_servers(self):
        self.home.write(".my.cnf", self.printed("--all-servers"))
        self.assert_logged_in(self.home.run(self.argv()))
        self.assert_logged_in(self.home.run(self.program("MySQLdb", 'read_default_file="%(file)s"')))
        self.assert_accepted(2)

    def test_the_default_text_is_short(self):
        for options in ((), ("--all-servers",), ("--ssl-ca", self.lab.ca_file)):
            with self.subTest(options=options):
                lines = self.setup_mysql(*options, PATH="/nonexistent").stdout.splitlines()
                self.assertLessEqual(len(lines), SHORT)
                self.assertIn("[client", "".join(lines))
                self.assertEqual([line for line in lines if len(line) > COLUMNS and "/" not in line], [])
        self.assertIn("--program NAME", "".join(lines))

    def test_the_ca_store(self):
        """Without a store, the first line is the command that installs one, and the path is the store's future
        path."""
        config = {"XDG_CONFIG_HOME": str(self.home.path / ".config")}
        for kind, first in (("mysql", "# Run once: rds-iam setup ca"), ("postgres", "# 0. Run once: rds-iam setup ca")):
            argv = [harness.installed("bin/rds-iam"), "setup", kind]
            lines = self.home.run(argv, **config).stdout.splitlines()
            self.assertEqual(lines[0], first)
            self.assertLessEqual(len(lines), SHORT)
            self.assertRegex("\n".join(lines), r"\nssl(-ca|rootcert)=/\S+/rds-iam/rds-ca\.pem\n")
        argv = [*argv[:-1], "mysql", "--program", "mysql2"]
        self.assertIn("    rds-iam setup ca\n", self.home.run(argv, **config).stdout)
        path = self.home.write(".config/rds-iam/rds-ca.pem", self.lab.ca_file.read_text(), mode=0o644)
        text = self.setup_mysql(**config).stdout
        self.assertNotIn("rds-iam setup ca", text)
        self.assertIn(f"\nssl-ca={path}\n", text)
        self.assertNotIn("    rds-iam setup ca\n", self.setup_mysql("--program", "mysql2", **config).stdout)
        self.home.write(".my.cnf", text)
        self.assert_logged_in(self.home.run(self.argv(SUFFIX)))

    def test_a_store_that_other_users_can_write(self):
        config = {"XDG_CONFIG_HOME": str(self.home.path / ".config")}
        path = self.home.write(".config/rds-iam/rds-ca.pem", self.lab.ca_file.read_text(), mode=0o666)
        result = self.setup_mysql(**config)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn(f"{path}: every user can write it; run: chmod o-w {path}", result.stderr)

    def test_an_existing_ca_file_is_printed_with_its_full_path(self):
        self.home.write("bundle.pem", "")
        for given, written in (("bundle.pem", self.home.path.resolve() / "bundle.pem"),
                               ("not-there.pem", "not-there.pem")):  # fmt: skip
            with self.subTest(given=given):
                result = self.setup_mysql("--ssl-ca", given)
                lines = result.stdout.splitlines()
                self.assertEqual(result.stderr, "" if given == "bundle.pem" else (
                    f"rds-iam: warning: --ssl-ca {given} cannot be read here, so clients here cannot verify the server; "
                    "copy the file\n"))
                self.assertEqual(lines.count(f"ssl-ca={written}"), 1)
                text = self.setup_mysql("--ssl-ca", given, "--program", "mysql").stdout
                self.assertIn(f"\n    ssl-ca={written}\n", text)

    def test_a_path_that_an_option_file_cannot_contain(self):
        for name in ("a#b.pem", "a\\b.pem", "a'b.pem", 'a"b.pem', " a.pem", "a.pem ", "a\nb.pem", "/" + "d" * 600):
            with self.subTest(name=name):
                result = self.setup_mysql("--ssl-ca", name)
                self.assertEqual((result.returncode, result.stdout), (2, ""))
                self.assertIn("the path of the root certificates is too long for an option file, begins or ends with a "
                              "blank, or contains a control character or one of", result.stderr)
        path = self.home.write("CA of RDS.pem", self.lab.ca_file.read_text())
        self.home.write(".my.cnf", self.setup_mysql("--ssl-ca", path).stdout)
        self.assert_logged_in(self.home.run(self.argv(SUFFIX)))

    def test_the_text_names_the_ca_of_rds_proxy(self):
        text = " ".join(self.printed("--program", "proxy").split())
        self.assertIn("AmazonRootCA1.pem from https://www.amazontrust.com/repository/", text)
        self.assertIn("rds-ca-public.pem", text)

    def test_paths_are_those_of_the_installation(self):
        self.assertIn(f"plugin-dir={mariadb_plugins()}\n", self.printed())
        self.assertNotIn("client-server", self.printed() + self.printed("--all-servers"))
        self.assertIn("Do not use the group [client-server]", self.printed("--program", "option-file"))

    def test_libmariadb_reads_a_drop_in_only_under_the_name_my_cnf(self):
        directory = self.home.path / "conf.d"
        self.home.write(".my.cnf", f"!includedir {directory}\n")
        argv = self.program("MySQLdb", 'read_default_file="%(file)s"')
        drop_in = self.home.write("conf.d/rds.cnf", self.printed("--all-servers"))
        self.assert_logged_in(self.home.run(self.argv()))
        if VERIFIES_ITSELF:  # Connector/C 3.4 reads a drop-in of any name, as `mariadb` does
            self.assert_logged_in(self.home.run(argv))
        else:
            self.assertIn("Access denied", self.home.run(argv).stderr)
        drop_in.rename(directory / "my.cnf")
        self.assert_logged_in(self.home.run(self.argv()))
        self.assert_logged_in(self.home.run(argv))


class Backup(SetupCase):
    def backup(self, group, *options):
        """Runs mariadb-backup with these lines as its option file. It must fail. Returns its output."""
        file = self.home.write("backup.cnf", group)
        result = self.home.run(["mariadb-backup", f"--defaults-file={file}", *options,
                                f"--target-dir={self.home.path}/backup"])
        self.assertNotEqual(result.returncode, 0, result)
        return result.stdout + result.stderr

    def test_mariadb_backup_ignores_plugin_dir_in_client_and_logs_in_with_a_password(self):
        lines = self.printed("--all-servers")
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
        lines = self.printed("--all-servers")
        where = r"Can't open shared library '(.*)/file_key_management.so'"
        for group, directory in ((lines, ""), ("[mariadb-backup]\nplugin-dir=/elsewhere\n", "/elsewhere")):
            with self.subTest(directory=directory):
                text = self.backup(group, "--prepare")
                self.assertEqual(re.search(where, text).group(1), directory, text)

    def test_the_text_about_mariadb_backup(self):
        text = " ".join(self.printed("--program", "mariadb-backup").split())
        self.assertIn("mariadb-backup cannot log in with a token. Give it an account with a password", text)


class Environment(SetupCase):
    def variables(self):
        lines = self.block("environment", "MARIADB").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def oracles_variables(self):
        """Returns the variables as a shell parses them."""
        return dict(word.split("=", 1) for word in shlex.split(self.block("libmysqlclient", "LIBMYSQL")))

    def test_the_environment(self):
        variables = self.variables()
        self.assertEqual(list(variables), ["MARIADB_PLUGIN_DIR", "LIBMYSQL_PLUGINS"])
        argv = self.program("DBD::mysql", CA_AND_NAME["DBD::mysql"])
        self.assert_logged_in(self.home.run(argv, **variables))
        self.assert_accepted()

    def test_libmysql_plugins_alone_loads_the_distributions_plugin(self):
        self.home.write(".my.cnf", self.printed("--all-servers"))
        del (variables := self.variables())["MARIADB_PLUGIN_DIR"]
        self.assertIn("ERROR 1045", self.home.run(self.argv(), **variables).stderr)
        self.assert_nothing_sent()

    def test_a_command_of_oracles_library(self):
        """tests/loader stands in for a command. A command treats each line of the group as an option. A program that
        does not know an option ignores it if the option has the prefix "loose-"."""
        lines = self.block("mysql", "[client-rds]").splitlines()[1:]
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

    def test_the_command_line_of_oracles_command(self):
        """Checks the exported variables, and the options of the printed command line."""
        lines = self.block("mysql", "export LIBMYSQL_PLUGIN_DIR")
        exports, _, command = lines.partition("    mysql" if "    mysql" in lines else "mysql -h")
        shell = subprocess.run(["sh", "-c", exports + "env -0"], env={}, stdout=subprocess.PIPE, check=True)
        variables = dict(each.decode().split("=", 1) for each in shell.stdout.split(b"\0") if each)
        self.assertEqual({name: variables.get(name) for name in self.oracles_variables()}, self.oracles_variables())
        options = [word for word in shlex.split(command.replace("\\\n", " ")) if word.startswith("--")]
        self.assertEqual(options, ["--ssl-mode=VERIFY_IDENTITY", f"--ssl-ca={self.lab.ca_file}"])

    def test_a_program_of_oracles_library_does_not_read_ssl_mode_from_an_option_file(self):
        """The program reads the CA from the option file. Only ssl-mode must be set in the program itself."""
        mariadb = self.lab.mariadb
        lines = self.block("mysql", "[client-rds]").replace("client-rds", "client")
        for word in ("loose-ssl-mode", "ssl-mode", "ssl_mode"):
            file = self.home.write("client.cnf", lines.replace("loose-ssl-mode", word))
            for library in mysql_client.LIBRARIES:
                with self.subTest(library=library, word=word):
                    argv = [mysql_client.PROGRAM, "--library=" + library, "--read-default-file=%s" % file]
                    account = [mariadb.host, mariadb.port, USER]
                    result = self.home.run([*argv, *account], **self.oracles_variables())
                    self.assertIn("the server's host name was not verified", result.stdout)
                    self.assertIn("in the program's own TLS options (only the mysql commands read "
                                  "ssl-mode from a my.cnf)", result.stdout)
                    self.assertNotIn("[client]", result.stdout)
                    argv.append("--ssl-mode=VERIFY_IDENTITY")
                    result = self.home.run([*argv, *account], **self.oracles_variables())
                    self.assertEqual(result.stdout, f"{USER}@%\n", result.stderr)
        text = " ".join(self.printed("--program", "libmysqlclient").split())
        self.assertIn("libmysqlclient itself does not read ssl-mode from an option file", text)

    def test_one_option_file_for_programs_of_both_libraries(self):
        """The groups are those that the text about Oracle's commands names."""
        oracles = self.block("mysql", "[client-rds]")
        ours = self.printed()
        self.assertIn("put their lines under\n[client-mariadb-rds]", self.printed("--program", "mysql"))
        self.home.write(".my.cnf", ours.replace("[client-rds]", "[client-mariadb-rds]") + oracles)
        result = self.home.run(self.argv(SUFFIX))
        self.assert_logged_in(result)
        self.assertIn("unknown variable 'loose-ssl-mode=VERIFY_IDENTITY'", result.stderr)
        self.assert_logged_in(self.home.run(self.program("MySQLdb", 'read_default_group="client-mariadb-rds"')))
        self.assert_accepted(2)

    def test_one_environment_for_programs_of_both_libraries(self):
        plugins = shlex.split(self.block("environment", "LIBMYSQL_PLUGINS="))[0].partition("=")[2]
        both = {**self.variables(), **self.oracles_variables(), "LIBMYSQL_PLUGINS": plugins}
        self.home.write(".my.cnf", self.printed("--all-servers").replace("plugin-dir=", "#"))
        self.assert_logged_in(self.home.run(self.argv(), **both))
        argv = [mysql_client.PROGRAM, "--library=9.x", "--ssl-mode=VERIFY_IDENTITY",
                f"--ssl-ca={self.lab.ca_file}", self.lab.mariadb.host, self.lab.mariadb.port, USER]
        self.assertEqual(self.home.run(argv, **both).stdout, f"{USER}@%\n")
        self.assert_accepted(2)

    def test_unit_and_dockerfile_contain_the_same_variables(self):
        units, dockers = self.blocks("systemd"), self.blocks("docker")
        for number, variables in enumerate((self.variables(), self.oracles_variables())):
            unit = units[number].splitlines()[1:]
            words = [word for line in unit for word in shlex.split(line.removeprefix("Environment="))]
            self.assertEqual(dict(word.split("=", 1) for word in words), variables)
            docker = dockers[number].removeprefix("ENV ").replace("\\\n", " ")
            self.assertEqual(dict(word.split("=", 1) for word in shlex.split(docker)), variables)


# How to run the printed code of a program: an interpreter, a script, and a replacement in the printed code that adds
# the lab's port, which is not 3306. The printed code, with the lab's names for ENDPOINT, USER and DATABASE, replaces
# CODE in the script.
IN_PROGRAM = {
    "MySQLdb": (["/usr/bin/python3", "-c"], "import MySQLdb\nconnection = CODE\ncursor = connection.cursor()\n"
                "cursor.execute(\"\"\"QUERY\"\"\")\nprint(*cursor.fetchone())", ('host=', 'port=%d, host=')),
    "DBD::mysql": (["perl", "-e"], "use DBI; my $c = CODE or die; print join(' ', $c->selectrow_array(q{QUERY}))",
                   (":host=", ":port=%d;host=")),
    "DBD::MariaDB": (["perl", "-e"], "use DBI; my $c = CODE or die; print join(' ', $c->selectrow_array(q{QUERY}))",
                     (":host=", ":port=%d;host=")),
    "mysql2": (["ruby", "-e"], 'require "mysql2"\nclient = CODE\nputs client.query(%q{QUERY}, as: :array)'
               '.first.join(" ")', ("host:", "port: %d, host:")),
    "Rails": (["ruby", "-e"], 'require "active_record"\nrequire "yaml"\nActiveRecord::Base.establish_connection('
              'YAML.load(<<END)["production"])\nCODE\nEND\n'
              'puts ActiveRecord::Base.connection.select_rows(%q{QUERY}).first.join(" ")',
              ("  host:", "  port: %d\n  host:")),
    "ODBC": (["/usr/bin/python3", "-c"], 'import pyodbc\nprint(*pyodbc.connect("""CODE""".replace("\\n", ""))'
             '.execute("""QUERY""").fetchone())', ("Server=", "Port=%d;Server=")),
}  # fmt: skip


class Programs(SetupCase):
    def code(self, name):
        """Returns the printed code: the first block that contains ENDPOINT."""
        return [block for block in self.blocks(name) if "ENDPOINT" in block][0]

    def test_the_printed_code_logs_in(self):
        self.home.write(".my.cnf", self.printed())
        mariadb = self.lab.mariadb
        for name, (interpreter, script, (before, after)) in IN_PROGRAM.items():
            with self.subTest(program=name):
                code = self.code(name)
                self.assertIn(before, code)
                code = code.replace(before, after % int(mariadb.port), 1).replace("ENDPOINT", mariadb.host)
                code = re.sub(r'(?<![\w-])USER(?!NAME|=)(?![\w-])', USER, code)
                code = code.replace("DATABASE", self.lab.database_name)
                result = self.home.run([*interpreter, script.replace("CODE", code).replace("QUERY", WHO)])
                self.assert_logged_in(result)
        self.assert_accepted(len(IN_PROGRAM))

    def test_a_program_without_options_for_tls_logs_in_under_exec(self):
        """Runs the printed command, with the lab's port and a script that prints one row."""
        script = self.home.write("who.lua", 'function thread_init()\n  print((sysbench.sql.driver():connect()'
                                 ':query_row("select current_user()")))\nend\nfunction event()\nend\n')
        words = shlex.split(self.code("sysbench").replace("\\\n", " "))
        self.assertEqual(words[:3], ["rds-iam", "exec", "--"])
        words = [word.replace("ENDPOINT", self.lab.mariadb.host).replace("=USER", "=" + USER) for word in words[3:-1]]
        result = self.home.run(
            [harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--", *words,
             f"--mysql-port={self.lab.mariadb.port}", "--mysql-db=shop", "--events=1", "--verbosity=0", script, "run"])
        self.assertIn(f"{USER}@%", result.stdout, result.stderr)
        self.assert_accepted()

    def test_every_entry_is_printed(self):
        """All names of an entry print the same text. A line has at most 80 columns, unless it contains a path. The
        text contains no unfilled placeholder, and no two entries print the same text."""
        seen = {}
        for kind, rows in kinds():
            self.assertGreater(len(rows), 25, "control")
            for names in rows:
                texts = {self.printed_of(kind, name) for name in names}
                with self.subTest(kind=kind, names=names):
                    self.assertEqual(len(texts), 1, names)
                    text = texts.pop()
                    self.assertNotRegex(text, r"@[A-Z_]+@(?!ACCOUNT)")
                    self.assertEqual(text[-1:], "\n")
                    long = [line for line in text.splitlines()
                            if len(line) > COLUMNS and not re.search(r"/\S+/rds-iam", line)]
                    self.assertEqual(long, [])
                    self.assertNotIn(text, seen)
                    seen[text] = names

    def printed_of(self, kind, name):
        result = self.home.run([harness.installed("bin/rds-iam"), "setup", kind, "--program", name])
        self.assertEqual((result.returncode, result.stderr), (0, ""), name)
        return result.stdout

    def test_names_are_found_without_case_and_punctuation(self):
        for name, other in (("DBD::mysql", "dbd-MySQL"), ("DBD::mysql", "DbdMysql"), ("Connector/C++", "connector-c"),
                            ("mysql2", "MYSQL2"), ("PHP", "php"), ("option-file", "my.cnf")):
            with self.subTest(other=other):
                self.assertEqual(self.printed("--program", name), self.printed("--program", other))

    def test_no_name_belongs_to_two_entries(self):
        for kind, rows in kinds():
            simple = [{re.sub(r"[^a-z0-9]", "", name.lower()) for name in names} for names in rows]
            every = [name for names in simple for name in names]
            self.assertEqual(len(every), len(set(every)), sorted(name for name in every if every.count(name) > 1))

    def test_an_unknown_name(self):
        """The message contains the name whose spelling is closest to the given name, and the sorted first names of all
        programs."""
        for given, first in (("Mysqlbd", "MySQLdb"), ("dbd_mysq", "DBD::mysql"), ("Postfx", "postfix"),
                             ("djngo", "Django"), ("odcb", "ODBC"), ("dumper", "mydumper")):
            with self.subTest(given=given):
                result = self.setup_mysql("--program", given)
                self.assertEqual((result.returncode, result.stdout), (2, ""))
                message, title, *lines = result.stderr.splitlines()
                self.assertEqual(message, f'rds-iam: unknown program "{given}"; the nearest name is {first}; '
                                          'see rds-iam setup mysql --help')
                self.assertEqual(title, "The names are:")
                self.assertGreater(len(lines), 1)
                self.assertTrue(all(line.startswith("  ") and len(line) <= 80 for line in lines), lines)
                listed = self.setup_mysql("--program", "list").stdout.splitlines()
                self.assertEqual(" ".join(lines).split(), sorted(
                    (line.split()[0] for line in listed), key=lambda name: re.sub(r"[^a-z0-9]", "", name.lower())))
        for given in ("::", "-", "é"):
            self.assertIn("unknown program", self.setup_mysql("--program", given).stderr)


class Clients(SetupCase):
    def test_clients_are_classified_by_their_content(self):
        for content, words in PLANTED.items():
            with self.subTest(content=content):
                path = self.home.path / "client"
                path.write_bytes(content)
                self.assertEqual(self.setup_mysql("--client", path).stdout, f"{path} {words}\n")
        path.unlink()
        self.assertIn(f"{path} cannot be read: No such file or directory\n", self.setup_mysql("--client", path).stdout)
        found = self.setup_mysql("--client", "mariadb").stdout
        self.assertIn("/mariadb loads the plugin", found)
        (self.home.path / "mariadb/mariadb").mkdir(parents=True)  # directories, which are not programs
        found = self.setup_mysql("--client", "mariadb", cwd=self.home.path, PATH=f"{self.home.path}/mariadb:/usr/bin").stdout
        self.assertEqual(found.split()[:2], ["/usr/bin/mariadb", "loads"])
        self.assertIn("no-such-client cannot be read: No", self.setup_mysql("--client", "no-such-client").stdout)

    def test_the_clients_of_this_machine(self):
        """Compares the result with the words that strings(1) finds in the same files."""
        text = self.setup_mysql("--clients").stdout
        library = next(pathlib.Path("/usr/lib").glob("*/libmariadb.so.3"))
        for path in ("/usr/bin/mariadb", "/usr/bin/mariadb-dump", library):
            words = subprocess.run(
                ["strings", "-a", path], stdout=subprocess.PIPE, text=True, check=True, timeout=60)
            self.assertNotIn("mysql_clear_password", words.stdout.splitlines())
            self.assertIn(f"{path} loads the plugin", text)

    def test_a_client_that_needs_more_is_named_without_an_option(self):
        (self.home.path / "bin").mkdir()
        client = self.home.path / "bin" / "mysql"
        client.write_bytes(b"\0MARIADB_PLUGIN_DIR\0mysql_clear_password\0")
        for options, prefix in (((), "# "), (("--clients",), "")):
            text = self.setup_mysql(*options, PATH=f"{self.home.path}/bin:/usr/bin").stdout
            self.assertIn(f"\n{prefix}{client} has mysql_clear_password built in", "\n" + text)
            self.assertEqual(f"{prefix}/usr/bin/mariadb loads" in text, options != (), text)
        self.assertIn("    default-auth=aws_rds_iam\n", self.printed("--program", "built-in"))

    def test_wrong_command_lines(self):
        tool = harness.installed("bin/rds-iam")
        rows = (
            (["setup"], "no kind given; see rds-iam setup --help"),
            (["setup", "postgresql"], 'unknown kind "postgresql"; write postgres; see rds-iam setup --help'),
            (["setup", "oracle"], 'unknown kind "oracle"; see rds-iam setup --help'),
            (["setup", "pg"], 'unknown kind "pg"; write postgres; see rds-iam setup --help'),
            (["setup", "mariadb"], 'unknown kind "mariadb"; write mysql; see rds-iam setup --help'),
            (["setup", "mysql", "--ca", "a"], "unknown option --ca; write --ssl-ca; see rds-iam setup mysql --help"),
            (["setup", "postgres", "--ssl-ca=a"], "unknown option --ssl-ca; write --ca; see rds-iam setup postgres --help"),
            (["setup", "mysql", "--hostname", "x"],
             "unknown option --hostname; leave it out: the lines are for every server, and the client gets the host, "
             "as in: mariadb -h ENDPOINT; see rds-iam setup mysql --help"),
            (["setup", "mysql", "--nonsense"], "unknown option --nonsense; see rds-iam setup mysql --help"),
            (["setup", "mysql", "--ssl-ca"], "--ssl-ca needs a value; see rds-iam setup mysql --help"),
            (["setup", "mysql", "--write", "--program", "PHP"],
             "write only one of --program, --write, --clients and --client; see rds-iam setup mysql --help"),
            (["setup", "mysql", "--write", "--clients"],
             "write only one of --program, --write, --clients and --client; see rds-iam setup mysql --help"),
            (["setup", "postgres", "--write", "--program", "PHP"],
             "--write and --program cannot be used together; see rds-iam setup postgres --help"),
        )
        for arguments, message in rows:
            with self.subTest(arguments=arguments):
                result = self.home.run([tool, *arguments])
                self.assertEqual((result.returncode, result.stderr), (2, f"rds-iam: {message}\n"))
        for arguments in (["setup", "--help"], ["setup", "mysql", "--help"], ["setup", "postgres", "--help"]):
            result = self.home.run([tool, *arguments])
            self.assertEqual((result.returncode, result.stdout[:14]), (0, "usage: rds-iam"))
            if arguments != ["setup", "--help"]:
                self.assertEqual([line for line in result.stdout.splitlines() if len(line) > COLUMNS], [])


if __name__ == "__main__":
    harness.main()
