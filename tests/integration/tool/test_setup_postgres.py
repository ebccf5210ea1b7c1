# SPDX-License-Identifier: MIT
"""`rds-iam setup postgres`: its output, appended to the pg_service.conf of an empty home, lets a client log in. And
`rds-iam lint`: its findings in service files, compared with libpq's own error messages."""
import os
import pathlib
import pwd
import re
import shlex
import shutil
import subprocess
from typing import NamedTuple

import yaml

from labcase import USER, LabCase, harness
from service import agent_program, await_true, verify_unit


def tool():
    return harness.installed("bin/rds-iam")


class SetupCase(LabCase):
    def setup_postgres(self, *more, **extra):
        pg = self.lab.pg
        return self.home.run(
            [tool(), "setup", "postgres", "--hostname", pg.host, "--port", pg.port, "--username", USER,
             "--dbname", self.lab.database_name, "--ca", self.lab.ca_file, *more], principal=None, **extra)

    def program(self, name, *more, **extra):
        """Returns the text of --program."""
        result = self.setup_postgres("--program", name, *more, **extra)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout


class Setup(SetupCase):
    def login(self, *argv, **extra):
        result = self.home.run([*argv, "psql", "-XAtwc", "select current_user", "service=rds"], **extra)
        self.assertEqual(result.stdout, f"{USER}\n", result.stderr)
        self.assert_accepted()

    def test_the_printed_entry_logs_in_with_the_agent(self):
        self.home.write(".pg_service.conf", self.setup_postgres().stdout)
        result = self.home.run([agent_program(), "--once"])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.login(principal=None)

    def test_the_printed_entry_logs_in_with_the_agent_in_a_runtime_directory(self):
        runtime = self.home.path / "run"
        runtime.mkdir(mode=0o700)
        where = {"XDG_RUNTIME_DIR": str(runtime)}
        text = self.setup_postgres(**where).stdout
        self.assertIn(f"\npassfile={runtime}/rds-iam/run/rds\n", text)
        self.home.write(".pg_service.conf", text)
        self.assertEqual(self.home.run([agent_program(), "--once"], **where).returncode, 0)
        self.login(principal=None)

    def test_the_printed_entry_logs_in_under_exec_without_an_agent(self):
        self.home.write(".pg_service.conf", self.setup_postgres().stdout)
        self.login(tool(), "exec", "--")
        self.assertFalse((self.home.path / ".cache").exists())

    def test_the_entry_turns_off_gss_encryption(self):
        """libpq would use a Kerberos ticket before TLS. A comment tells users of libpq 10 and 11 to remove the line."""
        entry = self.setup_postgres().stdout
        self.assertEqual(entry.count("\ngssencmode=disable\n"), 1)
        self.assertRegex(entry, r"\n# libpq 10 and 11 and pgx .*: remove the line for them\.\ngssencmode")

    def test_lint_finds_nothing_in_the_printed_entry(self):
        path = self.home.write(".pg_service.conf", self.setup_postgres().stdout)
        result = self.home.run([tool(), "lint"], principal=None, PGSERVICEFILE=str(path))
        self.assertEqual((result.returncode, result.stdout), (0, "1 service in 1 file: 0 errors, 0 warnings\n"))

    def test_the_printed_sql_is_the_sql_of_the_recipes(self):
        text = self.setup_postgres().stdout
        # The lab's database was created with the statements of RECIPES.md; see tests/lab/servers/sql/postgresql.sql.
        sql = (harness.SOURCE / "RECIPES.md").read_text(encoding="utf-8")
        for statement in re.findall(r"^# +((?:CREATE USER|GRANT) .*;)$", text, re.M):
            self.assertIn("\n" + statement.replace('"', "") + "\n", sql)
        self.assertIn(f'CREATE USER "{USER}";', text)
        text = self.program("replication")
        for line in ("rds.logical_replication=1", "rds.iam_auth_for_replication=1",
                       f'ALTER USER "{USER}" WITH REPLICATION;',
                       "systemctl enable --now rds-iam-agent@ACCOUNT.service"):
            self.assertIn(line, text)

    def test_the_default_text_is_short(self):
        """Without options, the output is a template. If only some of the values are given, one message names all
        missing ones."""
        self.assertEqual(self.home.run([tool(), "setup", "postgres"], None).stderr, "")
        for result in (self.setup_postgres(), self.home.run([tool(), "setup", "postgres"], None)):
            lines = result.stdout.splitlines()
            self.assertLessEqual(len(lines), 25)
            self.assertEqual([line for line in lines if len(line) > 80 and "/" not in line], [])
            self.assertIn("rds-iam setup postgres --program NAME", result.stdout)
        for line in ("host=ENDPOINT", "user=USER", "dbname=DATABASE"):
            self.assertIn(line, lines)
        result = self.home.run([tool(), "setup", "postgres", "--username", "u"], None)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (
            2, "", "rds-iam: missing: --hostname, --dbname; see rds-iam setup postgres --help\n"))
        self.assertIn("host=ENDPOINT", self.home.run([tool(), "setup", "postgres", "--program", "go"], None).stdout)

    def test_units_outside_usr_are_printed_with_their_paths(self):
        """systemd finds a unit by its name only below /usr and a few other directories. The test does not cover an
        installation there."""
        text = self.program("agent")
        for word, unit in (("--user enable --now", "share/systemd/user/rds-iam-agent.service"), ("link", "lib/systemd/system/rds-iam-agent@.service")):
            self.assertIn(f"    systemctl {word} {harness.installed(unit)}\n", text)

    def test_a_special_name_is_quoted_in_sql_and_not_in_the_entry(self):
        text = self.setup_postgres("--username", 'Etl "x"').stdout
        self.assertIn(' CREATE USER "Etl ""x""";\n', text)
        self.assertIn(' GRANT rds_iam TO "Etl ""x""";\n', text)
        self.assertIn('\nuser=Etl "x"\n', text)

    def test_each_printed_unit_serves_a_printed_passfile(self):
        """The installed system unit contains the directory of the passfiles. In a system unit, %t is /run."""
        unit = harness.installed("lib/systemd/system/rds-iam-agent@.service").read_text(encoding="utf-8")
        place = re.search(r"--directory (\S+)$", unit, re.M).group(1).replace("%t", "/run").replace("%i", "ACCOUNT")
        for name, account in (("agent", "ACCOUNT"), ("replication", "postgres"), ("postgres_fdw", "postgres"),
                              ("postfix", "postfix"), ("dovecot", "dovecot"), ("PowerDNS", "pdns")):
            text = self.program(name, "--service", "odd")
            self.assertRegex(text, rf"passfile.{place.replace('ACCOUNT', account)}/odd\b".replace("passfile.", "passfile( '|=)"))
            self.assertRegex(
                text, rf"    passfile={place}/odd\n(.*\n)+ +systemctl link .*\n +systemctl enable --now rds-iam-agent@ACCOUNT.service")

    def test_a_passfile_that_the_users_unit_does_not_serve_is_reported(self):
        unserved = "does not serve the passfile above, because\n#    XDG_RUNTIME_DIR is not set here"
        runtime = self.home.path / "run"
        runtime.mkdir(mode=0o700)
        text = self.setup_postgres(XDG_RUNTIME_DIR=str(runtime)).stdout
        self.assertIn(f"\npassfile={runtime}/rds-iam/run/rds\n", text)
        self.assertIn("\n# 3. Start the agent, which fills the passfile:\n#      systemctl --user", text)
        self.assertNotIn(unserved, text)
        other = "because\n#    XDG_RUNTIME_DIR names no directory of yours. To use"
        for env, reason, absent in (({}, unserved, other), ({"XDG_RUNTIME_DIR": "/run/user/no"}, other, unserved)):
            with self.subTest(**env):
                text = self.setup_postgres(**env).stdout
                self.assertIn(f"\npassfile={self.home.path}/.cache/rds-iam/run/rds\n", text)
                self.assertIn(reason, text)
                self.assertNotIn(absent, text)

    def test_the_printed_command_uses_a_service_with_a_special_name(self):
        for name in ("my svc", "it's", '$a"`b`\\c'):
            with self.subTest(name=name):
                text = self.setup_postgres("--service", name).stdout
                self.home.write(".pg_service.conf", text)
                command = re.search(r"^# 4\. Connect: (psql .*)$", text, re.M).group(1)
                result = self.home.run(["sh", "-c", f"{command} -c 'select 1'"], None, timeout=30)
                self.assertIn("no password supplied", result.stderr)
        self.assertIn("\n# 4. Connect: psql service=rds\n", self.setup_postgres().stdout)

    def test_the_sidecar(self):
        """Tests the installed example of a Kubernetes sidecar. The sidecar's command fills the passfile that the
        client's entry names. With the client's environment, psql logs in. /tokens and /services are volumes."""
        path = harness.installed("share/rds-iam/sidecar.yaml")
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        agent, client = form["spec"]["containers"]
        self.assertEqual(agent["securityContext"], client["securityContext"])
        self.assertEqual(agent["volumeMounts"], client["volumeMounts"])
        self.assertEqual([each for each in agent["env"] if each not in client["env"]], [])
        volumes = {volume["name"] for volume in form["spec"]["volumes"]}
        self.assertEqual({mount["name"] for mount in client["volumeMounts"]}, volumes)
        places = {mount["mountPath"]: self.home.path / mount["name"] for mount in client["volumeMounts"]}
        self.assertEqual(set(places), {"/tokens", "/services"})

        def in_home(text):
            for place, directory in places.items():
                text = text.replace(f"{place}/", f"{directory}/")
            return text

        for directory in places.values():
            directory.mkdir()
        places["/tokens"].chmod(0o1777)  # the mode of a Kubernetes volume in memory
        text = self.setup_postgres("--ca", "/services/global-bundle.pem").stdout
        printed = self.program("kubernetes")
        self.assertIn(f"    {path}\n", printed)
        passfile = re.search(r"passfile=(/tokens/run/rds)$", printed, re.M).group(1)
        variables = {each["name"]: in_home(each["value"]) for each in client["env"]}
        self.assertEqual(variables["PGSERVICE"], pathlib.Path(passfile).name)
        shutil.copy(self.lab.ca_file, variables["PGSSLROOTCERT"])
        pathlib.Path(variables["PGSERVICEFILE"]).write_text(
            in_home(re.sub(r"\npassfile=.*\n", f"\npassfile={passfile}\n", text)), encoding="utf-8")
        command = [in_home(f"{word}/").rstrip("/") for word in agent["command"]]
        self.assertEqual(command[0], agent_program().name)
        log = self.home.path / "log"
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", agent_program(), *command[1:]], stdin=subprocess.DEVNULL,
            stderr=log.open("wb"), env=self.home.env(PGSERVICEFILE=variables["PGSERVICEFILE"]), cwd=self.home.path)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        await_true((places["/tokens"] / "run" / "rds").exists, lambda: log.read_text(encoding="utf-8"))
        result = self.home.run(["psql", "-XAtwc", "select current_user"], principal=None, **variables)
        self.assertEqual(result.stdout, f"{USER}\n", result.stderr)
        self.assert_accepted()
        for name, value in {"PGSSLMODE": "verify-full", "PGGSSENCMODE": "disable"}.items():
            self.assertEqual(variables[name], value)

    def client_environment(self, service, ca):
        """Returns the environments that the printed lines set for a client: those for a shell, those for a unit."""
        def printed(name):
            return self.setup_postgres("--service", service, "--ca", ca, "--program", name).stdout

        exports = "".join(re.findall(r"^( +export (?!PGPASSFILE).*\n)", printed("environment"), re.M))
        shell = subprocess.run(["sh", "-c", exports + "env -0"], env={}, stdout=subprocess.PIPE, check=True)
        unit = "".join(f"{line}\n" for line in re.findall(r"^ +(Environment=.*)$", printed("systemd"), re.M))
        return {
            "shell": dict(each.decode().split("=", 1) for each in shell.stdout.split(b"\0") if each),
            "unit": self.parse_unit(unit),
        }  # fmt: skip

    def parse_unit(self, lines):
        """Checks the lines with systemd-analyze, then parses them by systemd's rules for quotes and specifiers."""
        unit = self.home.write("client.service", f"[Service]\nExecStart=/bin/true\n{lines}")
        result = verify_unit(self.home, unit)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        words = shlex.split(lines.replace("Environment=", " ").replace("%%", "%"))
        return dict(word.split("=", 1) for word in words)

    def test_the_environment_of_a_client(self):
        """Values with characters that are special in a shell or in systemd are quoted."""
        for service, ca in (("rds", "/etc/ca.pem"), ("a b", "/etc/o'dd $HOME/100%h \"x\"/\\n!.pem"), ("%n", "/~/#{a}&*;")):
            expected = {"PGSSLMODE": "verify-full", "PGGSSENCMODE": "disable", "PGSERVICE": service, "PGSSLROOTCERT": ca}
            for place, variables in self.client_environment(service, ca).items():
                with self.subTest(place=place, ca=ca):
                    self.assertEqual({name: variables.get(name) for name in expected}, expected)

    def test_a_value_that_makes_a_line_too_long_for_libpq_10_to_13(self):
        """Comments count, too: libpq 10 to 13 ignores everything after a line of more than 254 bytes."""
        for size, status in ((180, 0), (235, 1)):
            with self.subTest(size=size):
                result = self.setup_postgres("--username", "u" * size)
                self.assertEqual(result.returncode, status)
                self.assertEqual(max((len(line) for line in result.stdout.splitlines()), default=0) > 253, False)
        self.assertIn("rds-iam: libpq 10 to 13 reads lines of at most 254 bytes, including comments; use a shorter ", result.stderr)

    def test_an_endpoint_with_its_port(self):
        """Terraform prints endpoints in this form."""
        result = self.setup_postgres("--hostname", f"{self.lab.pg.host}:5432")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (
            2, "", f'rds-iam: --hostname "{self.lab.pg.host}:5432" contains a port; use --port; '
                   "see rds-iam setup postgres --help\n"))
        self.assertIn("\nhost=::1\n", self.setup_postgres("--hostname", "::1").stdout)

    def test_a_missing_ca_file(self):
        result = self.setup_postgres("--ca", "/no/ca")
        self.assertIn("\nsslrootcert=/no/ca\n", result.stdout)
        self.assertEqual(
            result.stderr,
            "rds-iam: warning: --ca /no/ca cannot be read here, so clients here cannot verify the server; copy the file\n")
        self.assertEqual(self.setup_postgres().stderr, "")

    def test_values_that_a_service_file_cannot_contain(self):
        for words, message in (
                (["--username", " x"], "--username is too long for a line of pg_service.conf, begins or ends with a blank"),
                (["--dbname", "a\nb"], "or contains control characters"),
                (["--ca", "bundle.pem"], "--ca must begin with /"),
                (["--service", "a]"], "--service must not contain ]"),
                (["--service", "agent.log"], 'rds-iam-agent fills no passfile called "agent.log"'),
                (["--service", ".rds"], 'rds-iam-agent fills no passfile called ".rds"'),
                (["--hostname", "db.example.com."], '--hostname "db.example.com." ends with a dot, which the server'),
                (["--port", "70000"], '--port "70000" is not between 1 and 65535')):
            with self.subTest(words=words):
                result = self.setup_postgres(*words)
                self.assertEqual(result.returncode, 2)
                self.assertIn(message, result.stderr)
                self.assertIn("; see rds-iam setup postgres --help\n", result.stderr)


class Row(NamedTuple):
    """A service file, and what lint and libpq print about it."""

    text: str  # the service file; the test replaces the words CA and OPEN
    line: int  # the line that lint names
    finding: str  # the text that lint prints about this line
    psql: str = ""  # a part of libpq's error message; "": libpq accepts the service; None: psql is not run


GOOD = "host=H\nport=5432\nuser=u\ndbname=d\nsslmode=verify-full\nsslrootcert=CA\npassfile=/nowhere/p\ngssencmode=disable\n"
LONG = "options=" + "x" * 1100
SYNTAX = "syntax error in service file"
ROWS = {
    "unknown key": Row(f"[s]\niam=yes\n{GOOD}", 2, 'error: libpq does not know "iam", so it rejects the service; correct or remove the line\n', SYNTAX),
    "no equals sign": Row(f"[s]\nverify\n{GOOD}", 2, 'error: the line contains no =, so libpq rejects the service; write key=value\n', SYNTAX),
    "a password without =": Row(f"[s]\npassword geheim\n{GOOD}", 2, 'error: the line contains no =, so libpq rejects the service; write key=value\n', SYNTAX),
    "a URL": Row(f"[s]\npostgresql://u:geheim@h/d?sslmode=require\n{GOOD}", 2, 'error: libpq does not know "[not shown]", so it rejects the service; correct or remove the line\n', SYNTAX),
    "blank before =": Row("[s]\nhost =H\n", 2, 'error: libpq does not know "host ", so it rejects the service; write key=value without spaces around the =', SYNTAX),
    "a nested service": Row("[s]\nservice=t\n", 2, "error: a service cannot name another one", "nested service"),
    "servicefile": Row("[s]\nservicefile=/x\n", 2, "error: a service file cannot be named here", SYNTAX),
    "an LDAP server": Row("[s]\nldap://127.0.0.1:1/x?y?base?(z=*)\n", 2, "error: libpq gets the settings from an LDAP server", None),
    "too long for all": Row(f"[s]\n{LONG}\n{GOOD}", 2, "error: 1109 bytes, but libpq reads at most 1022", "too long"),
    "a long comment": Row(f"# {'x' * 1100}\n[s]\n{GOOD}", 1, "error: 1103 bytes, but libpq reads at most", "too long"),
    "too long for some": Row(f"[s]\n{LONG[:300]}\n{GOOD}", 2, "warning: 301 bytes, but libpq 10 to 13 reads at most 254"),
    "byte order mark": Row(f"\ufeff[s]\n{GOOD}", 1, "error: begins with a byte order mark", 'definition of service "s" not found'),
    "no bracket": Row(f"[s\n{GOOD}", 1, "error: begins a service but has no ]", 'definition of service "s" not found'),
    "trailing blank": Row("[s]\ndbname=d  \n", 2, "warning: ends with a blank or a carriage return"),
    "carriage return": Row("[s]\r\ndbname=d\r\n", 2, "warning: ends with a blank or a carriage return"),
    "quotes": Row("[s]\ndbname='d'\n", 2, "warning: the value begins with a quote"),
    "a tilde": Row("[s]\nsslrootcert=~/ca.pem\n", 2, "warning: libpq expands neither ~ nor $HOME"),
    "HOME": Row("[s]\nsslkey=$HOME/key\n", 2, "warning: libpq expands neither ~ nor $HOME"),
    "leading blank": Row("[s]\ndbname= d\n", 2, "warning: the value begins with a blank"),
    "a key since libpq 16": Row("[s]\nrequire_auth=password\n", 2, 'warning: libpq before version 16 does not know "require_auth"', None),
    "a key since libpq 12": Row("[s]\ntcp_user_timeout=1\n", 2, 'warning: libpq before version 12 does not know "tcp_user_timeout"'),
    "gssencmode without a passfile": Row("[s]\ngssencmode=prefer\n", 2, 'warning: libpq before version 12 does not know "gssencmode"'),
    "a key of another program": Row("[s]\ndatabase=d\n", 2, 'error: libpq does not know "database", so it rejects the service; write dbname=', SYNTAX),
    "a key in upper case": Row("[s]\nHost=H\n", 2, 'error: libpq does not know "Host", so it rejects the service; write host=', SYNTAX),
    "no passfile": Row("[s]\nhost=x.abcdefghijkl.us-east-1.rds.amazonaws.com\n", 1, "warning: [s] has no passfile=, so it gets a token only under rds-iam exec", None),
    "a misspelled endpoint": Row(f"[s]\n{GOOD}".replace("=H", "=x.abcdefghijkl.us-east-1.rds.amazonaws.co"), 2, "warning: x.abcdefghijkl.us-east-1.rds.amazonaws.co is not an RDS endpoint, but nearly one; write x.abcdefghijkl.us-east-1.rds.amazonaws.com", None),
    "a final dot": Row(f"[s]\n{GOOD}".replace("=H", "=x.abcdefghijkl.us-east-1.rds.amazonaws.com."), 2, "warning: the server's certificate does not contain x.abcdefghijkl.us-east-1.rds.amazonaws.com. with its final dot, so sslmode=verify-full rejects the server; write host=x.abcdefghijkl.us-east-1.rds.amazonaws.com", None),
    "a key up to libpq 13": Row("[s]\nauthtype=x\n", 2, 'warning: libpq after version 13 does not know "authtype"', SYNTAX),
    "a key twice": Row("[s]\ndbname=d\ndbname=e\n", 3, 'warning: "dbname" is already set in line 2, so libpq ignores this line; remove it'),
    "a service twice": Row("[s]\ndbname=d\n[s]\ndbname=e\n", 3, "warning: [s] is already at FILE:1, so libpq ignores this one; rename or remove it"),
    "no host": Row(f"[s]\n{GOOD}".replace("host=H\n", ""), 1, "error: [s] has no host=; add host=ENDPOINT", None),
    "no user": Row(f"[s]\n{GOOD}".replace("user=u\n", ""), 1, "error: [s] has no user=; add user=NAME", None),
    "no sslmode": Row(f"[s]\n{GOOD}".replace("sslmode=verify-full\n", ""), 1, "error: [s] has no sslmode=", None),
    "less than verify-full": Row(f"[s]\n{GOOD}".replace("verify-full", "require"), 6, "error: [s] has sslmode=require", None),
    "a password": Row(f"[s]\n{GOOD}password=x\n", 10, "error: [s] has a password=", None),
    "no gssencmode": Row(f"[s]\n{GOOD}".replace("gssencmode=disable\n", ""), 1, "warning: [s] has no gssencmode=: with a Kerberos ticket, libpq 12", None),
    "gssencmode=prefer": Row(f"[s]\n{GOOD}".replace("=disable", "=prefer"), 9, "error: [s] has gssencmode=prefer", None),
    "a socket": Row(f"[s]\n{GOOD}".replace("host=H", "host=/tmp"), 2, "error: [s] has the Unix socket /tmp", None),
    "a port in a host": Row(f"[s]\n{GOOD}".replace("host=H", "host=H,[::1],I:5432,::1"), 2, 'error: libpq takes all of "I:5432" as the name; write the port in port=', None),
    "a tilde in the passfile": Row(f"[s]\n{GOOD}".replace("/nowhere/p", "~/p"), 8, 'error: libpq looks for "~/p" in the directory', None),
    "the agent's own file": Row(f"[s]\n{GOOD}".replace("/nowhere/p", "/nowhere/agent.log"), 8, 'error: rds-iam-agent does not fill a passfile called "agent.log"', None),
    "a passfile path that ends with a slash": Row(f"[s]\n{GOOD}".replace("/nowhere/p", "/nowhere/"), 8, 'error: rds-iam-agent does not fill a passfile called ""', None),
    "a passfile name with a leading dot": Row(f"[s]\n{GOOD}".replace("/nowhere/p", "/nowhere/.x"), 8, 'warning: rds-iam-agent does not fill a passfile called ".x"', None),
    "a variable": Row(f"[s]\n{GOOD}".replace("/nowhere", "/$HOME"), 8, "warning: libpq does not expand variables", None),
    "another user's directory": Row(f"[s]\n{GOOD}".replace("/nowhere", f"/run/user/{os.geteuid() + 1}/rds-iam/run"), 8, f"warning: /run/user/{os.geteuid() + 1} belongs to another user, so your agent cannot write there; write passfile=/run/user/{os.geteuid()}/rds-iam/run/p", None),
    "an open passfile": Row(f"[s]\n{GOOD}".replace("/nowhere/p", "OPEN"), 8, "error: other users can read OPEN, so libpq ignores it; run: chmod 600", None),
    "not a regular file": Row(f"[s]\n{GOOD}".replace("/nowhere/p", "/dev/null"), 8, "error: /dev/null is not a regular file", None),
    "no CA": Row(f"[s]\n{GOOD}".replace("sslrootcert=CA\n", ""), 1, "warning: [s] has no sslrootcert=; libpq uses ~/.postgresql", None),
    "a missing CA file": Row(f"[s]\n{GOOD}".replace("=CA", "=/no/ca"), 7, "error: /no/ca cannot be read", None),
    "the system's CA": Row(f"[s]\n{GOOD}".replace("=CA", "=system"), 7, "warning: libpq before version 16 takes", None),
    "a shared passfile": Row(f"[t]\n{GOOD.replace('verify-full', 'require')}[s]\n{GOOD}", 17, "error: [s] shares its passfile", None),
}  # fmt: skip


class Lint(LabCase):
    def lint(self, text, **extra):
        opened = self.home.write("open", "", mode=0o644)
        text = text.replace("=CA", f"={self.lab.ca_file}").replace("OPEN", str(opened))
        path = self.home.write("services", text)
        return path, self.home.run([tool(), "lint"], principal=None, PGSERVICEFILE=str(path), **extra)

    def test_each_rule(self):
        for name, row in ROWS.items():
            with self.subTest(rule=name):
                path, result = self.lint(row.text)
                finding = row.finding.replace("FILE", str(path)).replace("OPEN", str(self.home.path / "open"))
                self.assertIn(f"{path}:{row.line}: {finding}", result.stdout)
                self.assertEqual(result.returncode, 1 if "error:" in result.stdout else 0)
                self.check_with_libpq(path, row)

    def check_with_libpq(self, path, row):
        """Runs psql with the service file. If libpq accepts the file, psql connects to a port without a server."""
        if row.psql is None:
            return
        result = self.home.run(
            ["psql", "-w", "service=s host=127.0.0.1 port=1 sslmode=disable"], principal=None,
            PGSERVICEFILE=str(path))
        self.assertIn(row.psql or "Connection refused", result.stderr)

    def test_settings_that_rds_iam_prints_get_no_warning(self):
        """With and without a passfile. A service for another server needs none."""
        for text in ("[s]\ngssencmode=disable\n", f"[s]\n{GOOD}", "[s]\nhost=db.example.com\n"):
            with self.subTest(text=text):
                self.assertIn(": 0 errors, 0 warnings\n", self.lint(text)[1].stdout)

    def test_a_section_for_the_port_and_the_user_of_a_service(self):
        """libpq takes PGUSER if the service names no user."""
        self.home.write(".config/rds-iam/config",
                        "[u@db.example.com:15432]\nendpoint = x.abcdefghijkl.us-east-1.rds.amazonaws.com:5432\n")
        for port, user, is_found in ((15432, "user=u\n", True), (5432, "user=u\n", False), (15432, "user=other\n", False), (15432, "", True)):
            with self.subTest(port=port, user=user):
                _, result = self.lint(f"[s]\nhost=db.example.com\nport={port}\n{user}sslmode=verify-full\n", PGUSER="u")
                for warning in ("[s] has no passfile=", "does not contain db.example.com, so sslmode=verify-full rejects the server"):
                    self.assertEqual(warning in result.stdout, is_found, result.stdout)

    def test_control_a_correct_file_has_no_finding(self):
        _, result = self.lint(f"# a comment\n[s]\n{GOOD}")
        self.assertEqual((result.returncode, result.stdout), (0, "1 service in 1 file: 0 errors, 0 warnings\n"))

    def test_ten_thousand_services(self):
        """A service name and a passfile occur again at the end. The finding names the first occurrence."""
        entry = GOOD.replace("host=H", "host=h{}")
        text = "".join(f"[s{i}]\n{entry.format(i)}" for i in range(10000))
        where, lines = text.count("\n") + 1, entry.count("\n") + 1
        text += f"[s17]\ndbname=d\n[t]\n{entry.format(42).replace('verify-full', 'require')}"
        path, result = self.lint(text)
        self.assertIn(f"{path}:{where}: warning: [s17] is already at {path}:{17 * lines + 1}", result.stdout)
        self.assertIn(f"[t] shares its passfile with [s0] ({path}:1), but [t] does not qualify", result.stdout)
        self.assertIn("10002 services in 1 file: 2 errors, 1 warning", result.stdout)

    def test_a_service_that_is_never_read_does_not_disqualify_a_passfile(self):
        """The agent serves the other entries of that passfile."""
        weak = GOOD.replace("verify-full", "require")
        _, result = self.lint(f"[s]\n{GOOD}[s]\n{weak}[t]\n{GOOD}")
        self.assertEqual((result.returncode, result.stdout.splitlines()[-1]),
                         (0, "3 services in 1 file: 0 errors, 1 warning"), result.stdout)
        _, result = self.lint(f"[s]\n{GOOD}[r]\n{weak}[t]\n{GOOD}")
        self.assertIn("error: [t] shares its passfile with [r]", result.stdout, "control: a service that is read")

    def test_one_passfile_by_several_paths(self):
        """Links and other paths that lead to one file are the same passfile, for lint and for the agent."""
        place = self.home.path / "real"
        place.mkdir()
        other = self.home.path / "other"
        other.symlink_to("real")
        link = self.home.path / "link"
        link.symlink_to("real/p")
        second = self.home.path / "second"
        second.symlink_to("link")
        weak = GOOD.replace("verify-full", "require")
        for path, is_shared in (
                (place / "p", True), (other / "p", True), (link, True), (second, True),
                (place / ".." / "real" / "p", True), (place / "q", False), (self.home.path / "p", False)):
            with self.subTest(path=path):
                _, result = self.lint(f"[s]\n{GOOD}[r]\n{weak}".replace("/nowhere/p", f"{place}/p", 1).replace(
                    "/nowhere/p", str(path)))
                self.assertEqual("error: [r] shares its passfile with [s]" in result.stdout, is_shared, result.stdout)
                self.assertIn("error: [r] has sslmode=require", result.stdout, "control")

    def test_a_service_file_that_other_users_can_write(self):
        """A service entry determines which server gets the token, and the CA that verifies this server."""
        nobody = pwd.getpwnam("nobody").pw_uid
        path, _ = self.lint(f"[s]\n{GOOD}")
        rows = [(0o666, -1, -1, f"every user can write it; run: chmod o-w {path}")]
        if os.geteuid() == 0:
            rows += [(0o660, -1, 4, f"all of group 4 can write it; run: chmod g-w {path}"),
                     (0o600, nobody, -1, f"belongs to uid {nobody}, neither to root nor to you")]
        for mode, owner, group, message in rows:
            with self.subTest(message=message):
                os.chown(path, owner, group)
                path.chmod(mode)
                result = self.home.run([tool(), "lint"], principal=None, PGSERVICEFILE=str(path))
                self.assertEqual(result.returncode, 1)
                self.assertIn(f"{path}: error: {message}", result.stdout)

    def test_a_password_in_the_environment(self):
        path, result = self.lint(f"[s]\n{GOOD}", PGPASSWORD="x")
        self.assertIn(f"{path}:1: warning: PGPASSWORD is set, and libpq uses it instead of the passfile of [s]", result.stdout)
        _, result = self.lint(f"[s]\n{GOOD}password=\n", PGPASSWORD="x")
        self.assertNotIn("PGPASSWORD", result.stdout)

    def test_a_passfile_in_the_environment(self):
        """A program that finds the passfile by PGPASSFILE does not read the entry's sslmode. Only PGSSLMODE,
        PGGSSENCMODE and PGSSLROOTCERT then make the program verify the server."""
        verified = {"PGSSLMODE": "verify-full", "PGGSSENCMODE": "disable"}
        finding = "8: warning: PGPASSFILE also names this file, and a program that reads the file that way ignores the sslmode of [s]"
        for variables, is_found in (
                ({}, True), ({"PGSSLMODE": "verify-full"}, True), ({**verified, "PGSSLMODE": "require"}, True),
                ({**verified, "PGGSSENCMODE": "prefer"}, True), (verified, False)):
            with self.subTest(variables=variables):
                path, result = self.lint(f"[s]\n{GOOD}", PGPASSFILE="/nowhere/p", **variables)
                self.assertEqual(f"{path}:{finding}" in result.stdout, is_found, result.stdout)
        _, result = self.lint(f"[s]\n{GOOD}", PGPASSFILE="/another/p")
        self.assertNotIn("PGPASSFILE", result.stdout)

    def test_a_missing_file_in_pgservicefile(self):
        result = self.home.run([tool(), "lint"], principal=None, PGSERVICEFILE="/no/such")
        self.assertEqual(result.returncode, 1)
        self.assertIn("/no/such: error: PGSERVICEFILE names this file, but it does not exist", result.stdout)

    def test_without_a_file_lint_prints_the_paths_and_succeeds(self):
        """~/.pg_services.conf is not read, although its name is similar."""
        home = self.home.write(".pg_services.conf", f"[s]\n{GOOD}").parent
        result = self.home.run([tool(), "lint"], principal=None, PGSYSCONFDIR=str(home))
        self.assertEqual((result.returncode, result.stdout), (
            0, f"{home}/.pg_service.conf: warning: this file does not exist\n"
               f"{home}/pg_service.conf: warning: this file does not exist\n"
               "rds-iam setup postgres prints an entry for a new file\n"
               "0 services in 0 files: 0 errors, 2 warnings\n"))

    def test_a_passfile_in_the_users_own_runtime_directory(self):
        path = self.home.write("services", f"[s]\n{GOOD}".replace("=CA", f"={self.lab.ca_file}").replace(
            "/nowhere", f"/run/user/{os.geteuid()}/rds-iam/run"))
        result = self.home.run([tool(), "lint"], principal=None, PGSERVICEFILE=str(path))
        self.assertEqual((result.returncode, result.stdout), (0, "1 service in 1 file: 0 errors, 0 warnings\n"))

    def test_files_that_not_every_libpq_reads(self):
        path = self.home.write(".pg_service.conf", "[a]\ndbname=d\n")
        system = self.home.write("etc/pg_service.conf", "[a]\ndbname=e\n")
        result = self.home.run([tool(), "lint"], principal=None, PGSYSCONFDIR=str(system.parent))
        self.assertIn(f"{path}: warning: libpq 10 to 14 ignores HOME and uses the file in ", result.stdout)
        self.assertIn(f"{system}: warning: a libpq that a package brings along", result.stdout)
        self.assertIn(f"{system}:1: warning: [a] is already at {path}:1", result.stdout)
        self.assertEqual(result.returncode, 0)

    def test_usage(self):
        for words, status in (([], 0), (["x"], 2)):
            self.assertEqual(self.home.run([tool(), "lint", *words], PGSYSCONFDIR="/no").returncode, status)
        self.assertEqual(self.home.run([tool(), "setup"]).stderr,
                         "rds-iam: no kind given; see rds-iam setup --help\n")
        self.assertEqual(self.home.run([tool(), "setup", "oracle"]).stderr,
                         'rds-iam: unknown kind "oracle"; see rds-iam setup --help\n')


if __name__ == "__main__":
    harness.main()
