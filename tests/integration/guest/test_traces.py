# SPDX-License-Identifier: MIT
"""What rds-iam leaves outside its own memory. strace shows the arguments and the environment of every program that a
login starts, and every write to a file. The tests search both for secrets, and check where files are created. As
controls, the same searches find a planted secret, the secret in the file that stores it, and a planted directory.

Not here: output and logs (test_secrets.py, test_log.py), and the memory after a login (test_core_files.py)."""
import os
import re
import shutil

from cloud import needs_root
from labcase import USER, harness
from mariadb_client import CONFIG, credentials_file
from secret_search import TOKEN, find, pieces
from secret_sources import SecretSources
from service import Services, agent_program

TOOL = harness.installed("bin/rds-iam")
FETCH = harness.installed("libexec/rds-iam/rds-iam-fetch")
CALLS = "execve,execveat,write,pwrite64,writev,pwritev,pwritev2,sendfile,copy_file_range,splice"
# A call, its descriptor with the path, and the rest of the line. strace shows other kinds of descriptor as pipe:[1].
WRITE = re.compile(r"^\d+ +\w+\(\d+<(/[^>]*)>(.*)$", re.M)
MAKES = "open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod,mknodat,truncate"
SIGNATURE = "X-Amz-Signature="


class TraceCase(SecretSources):
    def setUp(self):
        super().setUp()
        self.trace = self.home.path / "trace"
        self.log = self.home.path / "log"
        self.services = Services(self.home)

    def fresh_home(self):
        shutil.rmtree(self.home.path)
        self.home.path.mkdir(mode=0o700)
        self.write_my_cnf()
        self.services = Services(self.home)

    def programs(self, options=()):
        """Returns (name, command) for each part of rds-iam that makes a token or gets credentials."""
        pg = self.lab.pg
        self.services.clear()
        self.services.add("prod")
        place = ["--hostname", pg.host, "--port", str(pg.port), "--username", USER]
        return (
            ("plugin", self.argv(*options)),
            ("preload", [TOOL, "exec", "--ca", self.lab.ca_file, "--", "psql", "-XAtw", "-h", pg.host, "-p",
                         str(pg.port), "-U", USER, "-c", "select 1", self.lab.database_name]),
            ("agent", [agent_program(), "--once", "--directory", self.services.directory]),
            ("rds-iam token", [TOOL, "token", *place]),
            ("rds-iam credentials", [TOOL, "credentials", *place]),
            *((f"rds-iam check --engine {engine}", [
                TOOL, "check", "--engine", engine, "--hostname", server.host, "--port", str(server.port), "--username", USER,
                "--ca", self.lab.ca_file]) for engine, server in (("postgres", pg), ("mysql", self.lab.mariadb))),
        )

    def traced(self, argv, env):
        """Runs a program under strace. Returns the lines of execve(), and {path: all that was written to it}."""
        self.trace.unlink(missing_ok=True)
        result = self.home.run(
            ["strace", "-f", "-qq", "-v", "-y", "-s", "1000000", "-e", f"trace={CALLS}", "-e", "signal=none", "-o",
             self.trace, *argv], None, **{**env, "RDS_IAM_LOG": f"debug:{self.log}"})
        self.assertEqual(result.returncode, 0, result.stderr)
        text = self.trace.read_text(errors="replace")
        written = {}
        for path, rest in WRITE.findall(text):
            written[path] = written.get(path, "") + rest + "\n"
        return [line for line in text.splitlines() if " execve" in line], written

    def kinds(self, paths):
        """Returns the directory of each file, relative to the home. A file in the home itself counts by its name, a
        file in memory as "memory"."""
        found = set()
        for path in paths:
            below = os.path.relpath(path, self.home.path)
            found.add("memory" if path.startswith("/memfd:") else os.path.dirname(below) or below)
        return found

    def secrets_now(self, env, secrets, *arguments):
        """Returns the secrets of the source, and those of the cached credentials."""
        found = self.get_credentials(*arguments, principal=None, env=env)
        return pieces(found["SecretAccessKey"]) | pieces(found.get("SessionToken", "")) | set().union(*map(pieces, secrets))


CACHE = ".cache/rds-iam/cache"


@needs_root  # for an ordinary user, strace cannot read the memory of rds-iam's own programs
class Traces(TraceCase):
    def test_no_argument_list_or_environment_contains_a_secret(self):
        for name in ("credentials file", "process", "SSO", "aws login", "web identity", "container"):
            self.fresh_home()
            env, secrets, options = self.SOURCES[name](self)
            lines = []
            # The lab's servers do not accept the first credentials of `aws login`, so no login with them succeeds.
            for program, argv in self.programs(options)[slice(2, 5) if name == "aws login" else slice(None)]:
                shutil.rmtree(self.home.path / ".cache", ignore_errors=True)
                starts, _ = self.traced(argv, env)
                with self.subTest(source=name, program=program):
                    self.assertGreater(len(starts[0]), 500, "control: the environment is complete")
                    self.assertIn("HOME=", starts[0])
                    lines += starts
            text = "\n".join(lines).encode()
            with self.subTest(source=name):
                self.assertEqual(find(set().union(*map(pieces, secrets)), text), [])
                self.assertIsNone(TOKEN.search(text))
                if name != "credentials file":
                    self.assertIn(b'/rds-iam-fetch"', text, "control: strace shows the start of rds-iam-fetch")

    def test_control_the_search_finds_a_secret_in_an_argument_and_in_the_environment(self):
        env, secrets, _ = self.from_environment()
        token = self.lab.token("etl", self.lab.mariadb, USER)
        for argv, more in ((["true", *secrets, token], {}), (["true"], {**env, "PGPASSWORD": token})):
            starts, _ = self.traced(["sh", "-c", '"$@"; true', "sh", *argv], more)
            text = starts[-1].encode()
            for secret in secrets:
                self.assertTrue(find(pieces(secret), text))
            self.assertIsNotNone(TOKEN.search(text))

    def test_credentials_are_written_only_into_the_cache(self):
        """The rows state into which directories a login writes secrets of its source or fetched credentials."""
        role = f"[{self.lab.mariadb.host}]\nrole_arn = {self.lab.roles['rds-access'].arn}\n"

        def renewed():
            env, _, _ = self.from_sso()
            path, _ = self.sso_login(expires=60)
            return env, lambda: re.findall(r'"(?:accessToken|refreshToken)": *"([^"]+)"', path.read_text())

        def of(name):
            env, secrets, _ = self.SOURCES[name](self)
            return env, lambda: secrets

        def of_role():
            base = self.lab.principals["etl-base"]
            self.home.write(".aws/credentials", credentials_file(base, "default"))
            self.home.write(CONFIG, role)
            return self.cloud_env(), lambda: [base.secret_key]

        run = self.home.path / "xdg"
        rows = (
            ("credentials file", lambda: of("credentials file"), set()),
            ("process", lambda: of("process"), set()),
            ("role", of_role, {CACHE}),
            ("SSO", lambda: of("SSO"), {CACHE}),
            ("renewal of SSO", renewed, {CACHE, ".aws/sso/cache"}),
            ("web identity", lambda: of("web identity"), {CACHE}),
            ("container", lambda: of("container"), set()),
            ("container with a runtime directory", lambda: of("container"), {"xdg/rds-iam/cache"}),
        )
        for name, prepare, expected in rows:
            with self.subTest(source=name):
                self.fresh_home()
                env, secrets = prepare()
                if "runtime" in name:
                    run.mkdir(mode=0o700)
                    shutil.rmtree(self.home.path / ".cache", ignore_errors=True)
                    env = {**env, "XDG_RUNTIME_DIR": str(run)}
                shutil.rmtree(self.home.path / ".cache", ignore_errors=True)
                _, written = self.traced(self.programs()[0][1], env)
                place = ["--hostname", self.lab.mariadb.host, "--port", str(self.lab.mariadb.port), "--username", USER]
                needles = self.secrets_now(env, secrets(), *place)
                self.assertIn(str(self.log), written, "control: the writes to a file are seen")
                self.assertEqual(self.kinds(path for path, text in written.items() if find(needles, text.encode())),
                                 expected)

    def test_a_token_is_written_only_into_the_agents_passfile(self):
        env, _, _ = self.from_credentials_file()
        expected = {"plugin": set(), "preload": {"memory"}, "agent": {"run"}, "rds-iam token": set(),
                    "rds-iam credentials": set(), "rds-iam check --engine postgres": {"memory"},
                    "rds-iam check --engine mysql": set()}
        for program, argv in self.programs():
            with self.subTest(program=program):
                _, written = self.traced(argv, env)
                self.assertEqual(self.kinds(path for path, text in written.items() if SIGNATURE in text),
                                 expected[program])

    def test_files_are_created_only_below_the_users_directories(self):
        """The search covers every call that makes or renames a file, or opens one for writing."""
        env, _, _ = self.from_sso()
        self.sso_login(expires=60)
        run = self.home.path / "xdg"
        run.mkdir(mode=0o700)
        env = {**env, "XDG_RUNTIME_DIR": str(run)}
        allowed = {"xdg/rds-iam", "xdg/rds-iam/cache", ".aws/sso/cache", "log", "run", "xdg", "."}
        seen = set()
        for program, argv in self.programs():
            shutil.rmtree(run / "rds-iam", ignore_errors=True)
            made = self.made_by(argv, env)
            with self.subTest(program=program):
                self.assertLessEqual(self.kinds(made), allowed)
            seen |= self.kinds(made)
        self.assertLessEqual({"xdg/rds-iam/cache", ".aws/sso/cache", "log", "run"}, seen, "control")
        planted = self.made_by(["sh", "-c", "mkdir /tmp/rds-iam-planted; rmdir /tmp/rds-iam-planted"], env)
        self.assertEqual(planted, {"/tmp/rds-iam-planted"}, "control: a directory below /tmp is found")

    def made_by(self, argv, env):
        """Returns the paths of the files that a program made, or opened for writing."""
        self.home.run(["strace", "-f", "-qq", "-y", "-e", f"trace={MAKES}", "-e", "signal=none", "-o", self.trace, *argv],
                      None, **{**env, "RDS_IAM_LOG": f"debug:{self.log}"})
        made = set()
        for call, text in re.findall(r"^\d+ +(\w+)\((.*)$", self.trace.read_text(errors="replace"), re.M):
            is_write = not call.startswith("open") or re.search(r"\bO_(?:WRONLY|RDWR|CREAT)\b", text)
            if is_write and not re.search(r" = -1 ", text):
                directory = re.match(r"\w+<([^>]*)>", text)
                for path in re.findall(r'"((?:/dev/|/proc/)?[^"]*)"', text):
                    path = os.path.join(directory[1] if directory else str(self.home.path), path)
                    if not path.startswith(("/dev/", "/proc/")):
                        made.add(os.path.normpath(path))
        return made


if __name__ == "__main__":
    harness.main()
