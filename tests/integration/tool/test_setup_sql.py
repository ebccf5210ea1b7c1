# SPDX-License-Identifier: MIT
"""`rds-iam setup sql`: the master users of the lab's servers run the printed SQL unchanged, and the new users log in
with tokens of rds-iam, allowed by the policy that `rds-iam setup policy` prints for them. The names contain characters
that SQL, a shell or a client treats specially. Each user gets the rights that were requested, and no others."""
import json
import re

from labcase import LabCase, harness

MASTER = "master_user"
PRINCIPAL = "no-policy"  # its only policy is the printed one
ACCOUNT = "123456789012"
PARAMETER = "rds.iam_auth_for_replication"

NAMES = (
    "etl", "Mixed Case", "select", 'a"b', "a'b", "a`b", "a\\b", "back\\",
    "'; drop user master_user; --", '"; select 1; --',
    "`; select 1; --", "--", "/* a", "#", ":a :'a' :\"a\"", "$$", "$1", "%s%n", "a%b", "a_b", "a*b?", "${x}", "@", "é",
    "ユーザー", "~/.x",
)  # fmt: skip


class SqlCase(LabCase):
    changes_servers = True

    engine = server = None

    def setUp(self):
        super().setUp()
        self.addCleanup(self.lab.policies, PRINCIPAL, [])

    def tool(self, *words, principal=None):
        return self.home.run([harness.installed("bin/rds-iam"), *words], principal)

    def sql(self, user, *options, engine=None):
        result = self.tool("setup", "sql", f"--username={user}", f"--engine={engine or self.engine}", *options)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def token(self, user):
        """Attaches the printed policy, and returns a token for the user."""
        server = self.server()
        words = ("--hostname", server.host, f"--username={user}")
        policy = self.tool("setup", "policy", *words, "--account", ACCOUNT, "--resource-id", server.resource_id)
        self.lab.policies(PRINCIPAL, [json.loads(policy.stdout)])
        token = self.tool("token", *words, "--port", server.port, principal=PRINCIPAL)
        self.assertEqual(token.returncode, 0, token.stderr)
        return token.stdout.rstrip("\n")

    def assert_usage(self, text, *words):
        result = self.tool("setup", "sql", *words)
        self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
        self.assertIn(text, result.stderr)
        self.assertRegex(result.stderr, r"\Ards-iam: [^\n\x00-\x1f]+; see rds-iam setup sql --help\n\Z")


class PostgreSQL(SqlCase):
    engine = "postgres"

    def server(self):
        return self.lab.pg

    def psql(self, user, password, database, text, replication="false"):
        """Runs SQL from a file, as a user would with psql -f."""
        return self.home.run(
            ["psql", "-XAtwq", "-v", "ON_ERROR_STOP=1", "-f", self.home.write("run.sql", text),
             f"replication={replication} sslmode=verify-full sslrootcert={self.lab.ca_file}"], None,
            PGHOST=self.lab.pg.host, PGPORT=str(self.lab.pg.port), PGUSER=user, PGPASSWORD=password,
            PGDATABASE=database, LC_ALL="C")

    def master(self, text, database="postgres"):
        result = self.psql(MASTER, self.lab.passwords[MASTER], database, text)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def as_user(self, user, text="select session_user;", database="postgres", **more):
        return self.psql(user, self.token(user), database, text, **more)

    def users(self):
        return int(self.master("select count(*) from pg_roles;"))

    def test_every_name_logs_in(self):
        before = self.users()
        for user in (*NAMES, "x" * 63, "é" * 31, "😀"):
            with self.subTest(user):
                self.master(self.sql(user))
                result = self.as_user(user, "set client_encoding = 'UTF8'; select session_user;")
                self.assertEqual(result.stdout, f"{user}\n", result.stderr)
                self.assertIsNone(self.verdicts()[-1]["reason"])
        self.assertEqual(self.users(), before + len(NAMES) + 3, "no other user was created")

    def test_the_statements_of_setup_postgres_quote_every_name(self):
        """rds-iam setup postgres prints the statements as comments. Reserved words need quotes too."""
        for user in ("order", "user", "Etl Two", "1st", "plain"):
            with self.subTest(user):
                text = self.tool("setup", "postgres", "--hostname", self.lab.pg.host, f"--username={user}",
                                 "--dbname=postgres").stdout
                statements = re.findall(r"^# +((?:CREATE USER|GRANT) .*;)$", text, re.M)
                self.assertEqual(len(statements), 2, text)
                self.master("\n".join(statements))
                self.assertEqual(self.as_user(user).stdout, f"{user}\n")
        refused = self.psql(MASTER, self.lab.passwords[MASTER], "postgres", "create user order;")
        self.assertIn('syntax error at or near "order"', refused.stderr, "control: the word is reserved")

    def test_a_policy_for_a_pattern_matches_that_user_only(self):
        self.master(self.sql("p*q") + self.sql("pxq"))
        token = self.token("pxq")
        self.assertEqual(self.psql("pxq", token, "postgres", "select 1;").stdout, "1\n", "control")
        self.token("p*q")  # attaches its policy
        self.assertIn("PAM authentication failed", self.psql("pxq", token, "postgres", "select 1;").stderr)
        self.assert_refused("AccessDenied")
        self.assertEqual(self.as_user("p*q").stdout, "p*q\n")

    def test_the_tables_of_a_database(self):
        for number, database in enumerate(('shop "a" \\', "%s;'$$", "ユ")):
            user = f"reader {number}"
            with self.subTest(database):
                quoted = '"' + database.replace('"', '""') + '"'
                self.master(f"set client_encoding = 'UTF8'; create database {quoted} encoding 'UTF8'")
                self.master(f"set client_encoding = 'UTF8'; revoke connect on database {quoted} from public;")
                self.master("create table t (n int); insert into t values (7); create schema other;"
                            "create table other.t (n int);", database)
                self.master(self.sql(user), database)
                result = self.as_user(user, "select n from t;", database)
                self.assertIn("permission denied for database", result.stderr, "control: without --dbname")
                self.master(f'drop user "{user}"')
                self.master(self.sql(user, f"--dbname={database}"), database)
                self.assertEqual(self.as_user(user, "select n from t;", database).stdout, "7\n")
                for text in ("insert into t values (1);", "select n from other.t;", "create table public.u (n int);"):
                    self.assertIn("permission denied", self.as_user(user, text, database).stderr)

    def test_the_commented_statement_covers_later_tables(self):
        self.master("create database later")
        text = self.sql("etl later", "--dbname=later")
        self.master(text, "later")
        self.master("create table t (n int);", "later")
        self.assertIn("permission denied", self.as_user("etl later", "select n from t;", "later").stderr)
        self.master(self.commented(text, "ALTER DEFAULT"), "later")
        self.master("create table u (n int);", "later")
        self.assertEqual(self.as_user("etl later", "select n from u;", "later").returncode, 0)

    def commented(self, text, beginning):
        """Returns the statement of a comment."""
        (statement,) = re.findall(rf"^-- ({beginning} .*;)$", text, re.M)
        return statement

    def identify(self, user):
        return self.as_user(user, "IDENTIFY_SYSTEM;", replication="database")

    def test_replication(self):
        self.addCleanup(self.lab.parameter, PARAMETER, "0")
        self.lab.parameter(PARAMETER, "1")
        user = 'changes "x"'
        self.master(self.sql(user))
        self.master("select public.apply_rds_replication();")
        refusal = "permission denied to start WAL sender" if self.is_new() else "must be superuser or replication role"
        self.assertIn(refusal, self.identify(user).stderr, "control: without --replication")
        self.master('drop user "changes ""x"""')
        text = self.sql(user, "--replication")
        self.assertIn("rds.logical_replication = 1 and\n-- rds.iam_auth_for_replication = 1\n", text)
        self.master(text)
        self.master("select public.apply_rds_replication();")
        result = self.identify(user)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.lab.parameter(PARAMETER, "0")
        self.assertIn("PAM authentication failed", self.identify(user).stderr)
        self.assertEqual(self.commented(text, "ALTER USER"), 'ALTER USER "changes ""x""" WITH REPLICATION;')

    def is_new(self):
        return int(self.master("show server_version_num;")) >= 160000

    def test_names_that_are_refused(self):
        for name, text in (("a\nb", "contains a control character"), ("a\tb", "contains a control character"),
                           ("a\x85", "contains a control character"), ("a\udcff", "is not UTF-8"),
                           ("x" * 64, "63 bytes"), ("é" * 32, "63 bytes"), ("", "is empty")):
            self.assert_usage(text, f"--username={name}", "--engine=postgres")
            self.assert_usage(text, "--username=etl", f"--dbname={name}", "--engine=postgres")
        for name in ("pg_x", "public", "none"):
            self.assert_usage("PostgreSQL", f"--username={name}", "--engine=postgres")
            result = self.psql(MASTER, self.lab.passwords[MASTER], "postgres", f'create user "{name}";')
            self.assertIn("reserved", result.stderr, "control: the server refuses it too")


class MariaDB(SqlCase):
    engine = "mariadb"
    MODES = ("", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES")

    def server(self):
        return self.lab.mariadb

    def mariadb(self, user, password, text, *options):
        return self.home.run(
            ["mariadb", "--no-defaults", f"--ssl-ca={self.lab.ca_file}", "--ssl-verify-server-cert", "-N", *options,
             "-h", self.lab.mariadb.host, "-P", self.lab.mariadb.port, "--default-character-set=utf8mb4",
             f"--user={user}", "--batch", "--raw"], None, MYSQL_PWD=password, stdin=text)

    def master(self, text, *options):
        result = self.mariadb(MASTER, self.lab.passwords[MASTER], text, *options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def as_user(self, user, text="select current_user();"):
        return self.mariadb(user, self.token(user), text)

    def users(self):
        return int(self.master("select count(*) from mysql.global_priv;"))

    def test_every_name_logs_in(self):
        """Tests each name in one of the SQL modes. The next test uses names with a backslash in every mode."""
        before = self.users()
        for number, user in enumerate((*NAMES, "x" * 32, "é" * 32)):
            for engine in ("mysql", "mariadb"):
                mode = self.MODES[number % len(self.MODES)]
                with self.subTest(user=user, engine=engine, mode=mode):
                    self.master(f"SET sql_mode = '{mode}';\n" + self.sql(user, engine=engine))
                    result = self.as_user(user)
                    self.assertEqual(result.stdout, f"{user}@%\n", result.stderr)
                    self.assertIsNone(self.verdicts()[-1]["reason"])
                    self.assertEqual(self.users(), before + 1, "no other user was created")
                    self.master(f"DROP USER `{user.replace('`', '``')}`@`%`;")

    def test_a_backslash_in_every_sql_mode(self):
        for user in ("back\\", "a\\'b", "a\\`b"):
            for mode in self.MODES:
                with self.subTest(user=user, mode=mode):
                    self.master(f"SET sql_mode = '{mode}';\n" + self.sql(user))
                    self.assertEqual(self.as_user(user).stdout, f"{user}@%\n")
                    self.master(f"DROP USER `{user.replace('`', '``')}`@`%`;")

    def test_the_long_names_of_mariadb(self):
        user = "x" * 80
        self.master(self.sql(user))
        self.assertEqual(self.as_user(user).stdout, f"{user}@%\n")

    def test_the_account_needs_tls_and_the_plugin(self):
        self.master(self.sql("etl tls"))
        shown = self.master("SHOW CREATE USER `etl tls`@`%`;")
        self.assertIn("IDENTIFIED VIA AWSAuthenticationPlugin USING 'RDS' REQUIRE SSL", shown)
        self.assertEqual(self.master("SHOW GRANTS FOR `etl tls`@`%`;").count("GRANT"), 1, "only USAGE")

    def test_the_tables_of_a_database(self):
        """In the database name of a GRANT, _ and % are wildcards unless a backslash precedes them."""
        rows = (("sh_op", "shxop"), ("a%b", "axyb"), ("c\\_d", "cx_d"), ("x`y", "x_y"), ("q'uo\"te", "quote"),
                ("end\\", "end"), ("ünï", "unx"))
        for number, (database, neighbour) in enumerate(rows):
            user = f"reader {number}"
            with self.subTest(database):
                for name in (database, neighbour):
                    quoted = "`" + name.replace("`", "``") + "`"
                    self.master(f"CREATE DATABASE {quoted}; CREATE TABLE {quoted}.t (n int);"
                                f"INSERT INTO {quoted}.t VALUES (7);")
                self.master(f"SET sql_mode = '{self.MODES[number % 4]}';\n" + self.sql(user, f"--dbname={database}"))
                own = "`" + database.replace("`", "``") + "`.t"
                self.assertEqual(self.as_user(user, f"SELECT n FROM {own};").stdout, "7\n")
                for text in (f"SELECT n FROM `{neighbour}`.t;", f"INSERT INTO {own} VALUES (1);",
                             "SELECT * FROM shop.orders;"):
                    self.assertRegex(self.as_user(user, text).stderr, r"ERROR 1142 .* command denied")
        self.master("GRANT SELECT ON `sh_op`.* TO `reader 0`@`%`;")
        result = self.as_user("reader 0", "SELECT n FROM shxop.t;")
        self.assertEqual(result.stdout, "7\n", "control: without the backslash, _ is a wildcard")

    def test_replication(self):
        self.master(self.sql("changes"))
        refused = self.as_user("changes", "SHOW MASTER STATUS;")
        self.assertIn("ERROR 1227", refused.stderr, "control: without --replication")
        self.master("DROP USER `changes`@`%`;")
        self.master(self.sql("changes", "--replication"))
        self.assertEqual(self.as_user("changes", "SHOW MASTER STATUS;").returncode, 0)
        shown = self.as_user("changes", "SHOW GRANTS;").stdout
        self.assertIn("GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.*", shown)

    def test_names_that_are_refused(self):
        for engine, longest in (("mysql", 32), ("mariadb", 80)):
            for name, text in (("a\nb", "contains a control character"), ("a\rb", "contains a control character"),
                               ("a\udcff", "is not UTF-8"), ("😀", "above U+FFFF"), ("etl ", "ends with a space")):
                self.assert_usage(text, f"--username={name}", f"--engine={engine}")
                self.assert_usage(text, "--username=etl", f"--dbname={name}", f"--engine={engine}")
            for name in ("😀", "etl "):
                result = self.mariadb(MASTER, self.lab.passwords[MASTER], f"CREATE DATABASE `{name}`;")
                self.assertRegex(result.stderr, "ERROR 1300|ERROR 1102", "control: the server refuses it too")
            self.assert_usage(f"the {longest} characters", f"--username={'é' * (longest + 1)}", f"--engine={engine}")
            self.assert_usage("the 64 characters", "--username=etl", f"--dbname={'x' * 65}", f"--engine={engine}")

    def test_control_the_server_stores_a_user_without_the_space_at_its_end(self):
        self.master("CREATE USER `ends `@`%` IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS';")
        self.assertEqual(self.master("SELECT user FROM mysql.user WHERE user LIKE 'ends%';"), "ends\n")

    def test_other_usage_errors(self):
        for engine in ("oracle", "MySQL", "aurora\n"):
            self.assert_usage("is not one of mysql, mariadb, postgres, postgresql, aurora-mysql and aurora-postgresql",
                              "--username=etl", f"--engine={engine}")
        for engine in ("dsql", "aurora-dsql"):
            self.assert_usage("Aurora DSQL has other statements; see the section Aurora DSQL of RECIPES.md",
                              "--username=etl", f"--engine={engine}")
        self.assert_usage("--engine is missing", "--username=etl")
        self.assert_usage("--username is missing", "--engine=mysql")


harness.main()
