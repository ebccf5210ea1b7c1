# SPDX-License-Identifier: MIT
"""rds-iam with only one of its two parts, which are the packages rds-iam-mysql and rds-iam-postgresql. `rds-iam exec`
works for the installed part. A program that needs the other part gets a message that names the missing package, and
programs that need no part get no message.

The lists of files of the Debian packages decide what is installed. A mount namespace hides the other files, because
other tests use the installation at the same time."""
import fnmatch
import os
import shutil

from labcase import USER, LabCase, harness

PACKAGING = harness.SOURCE / ".packaging/debian"
HIDE = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
MYSQL, POSTGRESQL = "rds-iam-mysql", "rds-iam-postgresql"
OTHER = {MYSQL: POSTGRESQL, POSTGRESQL: MYSQL}
OBJECT = {MYSQL: "rds-iam-mysql-host.so", POSTGRESQL: "rds-iam-pq-token.so"}
WITHOUT = {
    MYSQL: "logins to MySQL and MariaDB servers get no token, and rds-iam does not verify these servers",
    POSTGRESQL: "logins to PostgreSQL servers get no token, and rds-iam does not verify these servers",
}
TWO_LOGINS = """
import MySQLdb, sys
for turn in range(2):
    try:
        MySQLdb.connect(host=sys.argv[1], port=int(sys.argv[2]), user=sys.argv[3])
        print("in")
    except MySQLdb.Error:
        print("refused")
"""


def contents(package):
    """Returns the patterns of a package's files, relative to the prefix."""
    lines = (PACKAGING / f"{package}.install").read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("usr/") for line in lines]


class Parts(LabCase):
    def install(self, *packages):
        """Makes a copy of the installation with the files of these packages. Returns its path."""
        copy = self.home.path / "-".join(["installed", *packages])
        patterns = [pattern for package in packages for pattern in contents(package)]
        for path in sorted(harness.PREFIX.rglob("*")):
            name = str(path.relative_to(harness.PREFIX))
            if not path.is_dir() and any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, copy / name, follow_symlinks=False)
        return copy

    def run_in(self, copy, *command, **extra):
        user = [] if os.geteuid() == 0 else ["-r"]
        return self.home.run(
            ["unshare", "-m", *user, "sh", "-c", HIDE, "sh", copy, harness.PREFIX, harness.PREFIX / "bin/rds-iam",
             *command], **extra)

    def psql(self, copy, *words, **extra):
        pg = self.lab.pg
        return self.run_in(
            copy, "exec", "--ca", self.lab.ca_file, "--", "psql", "-XAtwc", "select current_user", "-h", pg.host, "-p",
            pg.port, "-U", USER, *words, self.lab.database_name, **extra)

    def mariadb(self, copy, **extra):
        server = self.lab.mariadb
        return self.run_in(
            copy, "exec", "--ca", self.lab.ca_file, "--", "mariadb", "-h", server.host, "-P", server.port, "-u", USER,
            "-Ne", "select current_user()", **extra)

    def warning(self, package):
        path = next(each for each in harness.PREFIX.rglob(OBJECT[package]))
        return f"rds-iam: warning: {path} is not installed, so {WITHOUT[package]}; install the package {package}\n"

    def test_control_both_parts(self):
        copy = self.install("rds-iam", MYSQL, POSTGRESQL)
        self.assertEqual((self.psql(copy).stdout, self.psql(copy).stderr), (f"{USER}\n", ""))
        result = self.mariadb(copy)
        self.assertEqual((result.stdout, result.stderr), (f"{USER}@%\n", ""))
        for kind in ("mysql", "postgres"):
            self.assertEqual(self.run_in(copy, "setup", kind).stderr, "")

    def test_only_the_part_for_mysql(self):
        copy = self.install("rds-iam", MYSQL)
        result = self.mariadb(copy)
        self.assertEqual((result.stdout, result.stderr), (f"{USER}@%\n", ""))
        self.assert_accepted()
        result = self.psql(copy)
        self.assertEqual(result.stderr.count(self.warning(POSTGRESQL)), 1, result.stderr)
        self.assertIn("no password supplied", result.stderr)
        self.assertEqual(result.returncode, 2)

    def test_only_the_part_for_postgresql(self):
        copy = self.install("rds-iam", POSTGRESQL)
        result = self.psql(copy)
        self.assertEqual((result.stdout, result.stderr), (f"{USER}\n", ""))
        self.assert_accepted()
        result = self.mariadb(copy)
        self.assertEqual(result.stderr.count(self.warning(MYSQL)), 1, result.stderr)
        self.assertEqual(result.returncode, 1)

    def test_a_program_with_two_connections_gets_one_message(self):
        server = self.lab.mariadb
        result = self.run_in(
            self.install("rds-iam", POSTGRESQL), "exec", "--", "/usr/bin/python3", "-c", TWO_LOGINS, server.host,
            server.port, USER)
        self.assertEqual((result.stdout, result.stderr), ("refused\nrefused\n", self.warning(MYSQL)))

    def test_a_given_token_is_sent_only_to_a_verified_server(self):
        copy = self.install("rds-iam", MYSQL)
        token = self.lab.token("etl", self.lab.pg, USER)
        result = self.psql(copy, PGPASSWORD=token)
        self.assertIn(f"cannot check it; install the package {POSTGRESQL} again", result.stderr)
        self.assert_nothing_sent()
        result = self.psql(copy, PGPASSWORD=token, PGSSLMODE="verify-full", PGSSLROOTCERT=str(self.lab.ca_file))
        self.assertEqual(result.stdout, f"{USER}\n", result.stderr)

    def test_programs_that_need_no_part(self):
        for package in OTHER:
            copy = self.install("rds-iam", package)
            for command in (["true"], ["psql", "--version"], ["/usr/bin/python3", "-c", "import ssl"]):
                with self.subTest(package=package, command=command):
                    result = self.run_in(copy, "exec", "--", *command)
                    self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_without_either_part(self):
        copy = self.install("rds-iam")
        result = self.run_in(copy, "exec", "--", "echo", "ran")
        self.assertEqual(
            (result.returncode, result.stdout, result.stderr),
            (1, "", f"rds-iam: neither {MYSQL} nor {POSTGRESQL} is installed; install one of these packages\n"))
        keys = self.run_in(copy, "token", "--hostname", self.lab.pg.host, "--port", self.lab.pg.port, "--username", USER)
        self.assertIn(f"DBUser={USER}", keys.stdout, keys.stderr)

    def test_setup_and_check_name_the_missing_package(self):
        for package, kind, engine in ((MYSQL, "mysql", "mysql"), (POSTGRESQL, "postgres", "postgres")):
            with self.subTest(missing=package):
                copy = self.install("rds-iam", OTHER[package])
                result = self.run_in(copy, "setup", kind)
                self.assertEqual((result.returncode, result.stderr), (0, self.warning(package)))
                server = self.lab.pg if engine == "postgres" else self.lab.mariadb
                words = ["check", "--hostname", server.host, "--port", server.port, "--username", USER, "--engine"]
                result = self.run_in(copy, *words, engine)
                self.assertIn(f"Install the package {package}.", result.stdout)
                result = self.run_in(copy, *words, "mysql" if engine == "postgres" else "postgres")
                self.assertNotIn("Install the package", result.stdout)


harness.main()
