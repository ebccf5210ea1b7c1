# SPDX-License-Identifier: MIT
"""Another release replaces rds-iam, and then the first release is installed again, while programs run that have loaded
the plugin or the preload. The other release is built from the same sources, but its parts exchange records
(common/codec/record.h) of another version.

Each program runs in a mount namespace in which a copy of the installed files is mounted over the installed files. The
test replaces files of the copy as a package does, by rename()."""
import os
import shutil
import subprocess

from cloud import CloudCase
from labcase import USER, harness

NEXT = harness.BUILD / "tests" / "integration" / "src" / "next"
# Where the files of the other release belong.
FILES = {
    "rds-iam-fetch": "libexec/rds-iam/rds-iam-fetch",
    "mysql_clear_password.so": "**/rds-iam/mariadb/mysql_clear_password.so",
    "rds-iam-pq-token.so": "**/rds-iam/rds-iam-pq-token.so",
}
RESTART = "if this program ran during an update of rds-iam, restart it"
BIND = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
MYSQLDB = """
import sys, MySQLdb
for line in sys.stdin:
    try:
        connection = MySQLdb.connect(host="%(host)s", port=%(port)d, user="%(user)s")
        cursor = connection.cursor()
        cursor.execute("select current_user()")
        print(cursor.fetchone()[0], flush=True)
        connection.close()
    except MySQLdb.Error as error:
        print(error.args[1], flush=True)
"""
PSYCOPG2 = """
import sys, psycopg2
for line in sys.stdin:
    try:
        connection = psycopg2.connect("host=%(host)s port=%(port)d user=%(user)s dbname=work")
        cursor = connection.cursor()
        cursor.execute("select current_user")
        print(cursor.fetchone()[0], flush=True)
        connection.close()
    except psycopg2.Error as error:
        print(str(error).replace("\\n", " "), flush=True)
"""


class Program:
    """A running program. Each call of log_in() makes it log in once."""

    def __init__(self, case, script, server, name):
        self.name = name
        place = {"host": server.host, "port": server.port, "user": USER}
        unshare = ["unshare", "--mount"]
        if os.geteuid() != 0:
            unshare += ["--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}", "--keep-caps"]
        argv = [*unshare, "sh", "-c", BIND, "sh", case.copy, harness.PREFIX, harness.installed("bin/rds-iam"), "exec",
                "--ca", case.lab.ca_file, "--", "/usr/bin/python3", "-c", script % place]
        self.log = open(case.home.path / f"{name}.log", "wb")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *map(str, argv)], env=case.home.env("etl-base", **case.cloud_env()),
            cwd=case.home.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        case.addCleanup(self.end)

    def log_in(self):
        """Returns the user that the server sees, or the error; then the log lines of the program."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline().strip()
        return line + open(self.log.name, encoding="utf-8").read()

    def end(self):
        self.process.kill()
        self.process.communicate()
        self.log.close()


class Upgrade(CloudCase):
    def setUp(self):
        super().setUp()
        (self.home.path / ".my.cnf").unlink()
        self.copy = self.home.path / "prefix"
        shutil.copytree(harness.PREFIX, self.copy, symlinks=True)
        self.session = 0
        self.new_session()

    def new_session(self):
        """Configures a session name for which no credentials are cached, so that the next login starts
        rds-iam-fetch."""
        self.session += 1
        self.home.write(".config/rds-iam/config", f"[*.us-east-1.rds.amazonaws.com]\nrole_session_name = s{self.session}\n"
                        f"role_arn = {self.lab.roles['rds-access'].arn}\nsession_tags = team=etl\n")

    def install(self, release):
        """Replaces the files by those of the other release ("next") or of the first release."""
        for name, pattern in FILES.items():
            target = next(self.copy.glob(pattern))
            source = NEXT / name if release == "next" else next(harness.PREFIX.glob(pattern))
            shutil.copy(source, target.with_name("new"))
            target.with_name("new").rename(target)

    def programs(self):
        return [Program(self, MYSQLDB, self.lab.mariadb, "MySQLdb"), Program(self, PSYCOPG2, self.lab.pg, "psycopg2")]

    def assert_in(self, programs):
        for program in programs:
            self.assertTrue(program.log_in().startswith(USER), program.log_in())

    def test_programs_of_each_release_after_the_other_one_is_installed(self):
        old = self.programs()
        self.assert_in(old)
        self.install("next")
        self.assert_in(old)  # with the credentials in their memory
        self.new_session()
        for program in old:
            with self.subTest(program=program.name):
                self.assertIn(RESTART, program.log_in())
        new = self.programs()
        self.assert_in(new)
        self.install("first")
        self.new_session()
        for program in new:
            with self.subTest(program=program.name):
                self.assertIn(RESTART, program.log_in())
        self.assert_in(old)
        self.assert_in(self.programs())

    def test_a_cache_file_of_the_other_release_is_ignored_and_replaced(self):
        self.assert_in(self.programs()[:1])
        self.install("next")
        fetched = len(self.calls())
        self.assert_in(self.programs()[:1])
        self.assertGreater(len(self.calls()), fetched)
        self.install("first")
        fetched = len(self.calls())
        self.assert_in(self.programs()[:1])
        self.assertGreater(len(self.calls()), fetched)


if __name__ == "__main__":
    harness.main()
