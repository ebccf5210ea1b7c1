# SPDX-License-Identifier: MIT
"""Service files under the preload. A service file determines the server that gets a token. If another user can write
the file, the preload makes no token and sends none. libpq can verify the peer of these tests, so the file is the only
reason to send no token. The class Passfiles tests which entries the preload serves without an agent."""
import os
import pathlib
import pwd

from labcase import USER, LabCase, harness
from postgresql_peer import PostgreSQLPeer
import traces
import ways

PRINCIPAL = "etl-session"
OTHER = pwd.getpwnam("nobody")
SYSTEM = b"/etc/postgresql-common\0"
MADE = f"no token for {USER} at "
GIVEN = "the token that was given as the password is not sent: "
STORED = "the token in the passfile is not sent: "


# Flaws of a service file. Each function except no_flaw() gives the file one flaw.
def no_flaw(_path):
    pass


def writable_by_all(path):
    path.chmod(0o646)


def writable_by_group(path):
    os.chown(path, -1, 4)
    path.chmod(0o664)


def of_another_user(path):
    os.chown(path, OTHER.pw_uid, -1)


class ServiceCase(LabCase):
    def setUp(self):
        super().setUp()
        self.system = self.home.path / "etc"
        self.system.mkdir()

    def peer(self):
        return PostgreSQLPeer(self.lab.certificates.server)

    def entry(self, port, name="prod", **more):
        settings = {"host": self.lab.pg.host, "port": port, "user": USER, "dbname": "shop", "sslmode": "verify-full",
                    "sslrootcert": self.lab.ca_file, **more}
        return f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in settings.items())

    def places(self):
        """Returns each file in which libpq may find a service, and the variables that make libpq read it."""
        return {
            "PGSERVICEFILE": (self.home.path / "named", {"PGSERVICEFILE": str(self.home.path / "named")}),
            "home": (self.home.path / ".pg_service.conf", {"PGSYSCONFDIR": str(self.home.path / "none")}),
            "PGSYSCONFDIR": (self.system / "pg_service.conf", {"PGSYSCONFDIR": str(self.system)}),
            "compiled in": (self.compiled() / "pg_service.conf", {"LD_LIBRARY_PATH": str(self.home.path / "lib")}),
        }

    def compiled(self):
        """Makes a copy of libpq with another compiled-in directory than Debian's. Returns the directory."""
        number = int.from_bytes(self.home.path.name.encode(), "big") % 10**13
        directory = pathlib.Path(f"/tmp/ria-{number:013d}")
        if not directory.exists():
            directory.mkdir()
            self.addCleanup(directory.rmdir)
            copy = self.home.path / "lib" / "libpq.so.5"
            copy.parent.mkdir()
            stock = ways.debian_libpq().read_bytes()
            self.assertIn(SYSTEM, stock)
            copy.write_bytes(stock.replace(SYSTEM, str(directory).encode() + b"\0"))
        return directory

    def write(self, path, text, flaw=no_flaw):
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
        self.addCleanup(path.unlink, missing_ok=True)
        flaw(path)

    def connect(self, conninfo, way="connectdb", preloaded=True, principal=PRINCIPAL, **extra):
        env = {**(ways.with_preload() if preloaded else {}), **extra}
        return self.home.run([ways.PROGRAMS / "ways", "linked", way, conninfo], principal, **env)

    def passfile(self, token):
        escaped = token.replace(":", "\\:")
        return str(self.home.write("pass", f"*:*:*:{USER}:{escaped}\n"))

    def assert_no_token(self, peer, result, message, path):
        self.assertEqual(peer.connections, 1, result.stderr)
        self.assertEqual([a for a in peer.answers if a[1].strip(b"\0")], [])
        self.assertEqual(traces.find(peer.received), [])
        self.assertRegex(result.stderr, f"{message}.*{path}: (belongs to uid|every user can write it|all of group)")
        self.assertRegex(result.stderr, "chown|chmod")

    def assert_token(self, peer, result, token=None):
        self.assertEqual([tls for tls, _ in peer.answers], [True], result.stderr)
        (_, data), = peer.answers
        self.assertIn(b"X-Amz-Signature=", data)
        if token is not None:
            self.assertEqual(data, token.encode() + b"\0")


class Flaws(ServiceCase):
    FLAWS = [writable_by_all, *([of_another_user, writable_by_group] if os.geteuid() == 0 else [])]

    def for_each(self, check):
        """Calls check(peer, path, variables, flaw) for each place, with each flaw and without a flaw."""
        for place, (path, named) in self.places().items():
            for flaw in (no_flaw, *self.FLAWS):
                with self.subTest(place=place, flaw=flaw.__name__), self.peer() as peer:
                    check(peer, path, named, flaw)
                path.unlink(missing_ok=True)

    def test_no_token_is_made(self):
        def check(peer, path, named, flaw):
            self.write(path, self.entry(peer.port), flaw)
            result = self.connect("service=prod", **named)
            if flaw is no_flaw:
                self.assert_token(peer, result)
            else:
                self.assert_no_token(peer, result, MADE, path)

        self.for_each(check)

    def test_a_token_in_pgpassword_is_not_sent(self):
        def check(peer, path, named, flaw):
            token = self.lab.token("etl", self.lab.pg, USER, port=peer.port)
            self.write(path, self.entry(peer.port), flaw)
            result = self.connect("service=prod", principal=None, PGPASSWORD=token, **named)
            if flaw is no_flaw:
                self.assert_token(peer, result, token)
            else:
                self.assert_no_token(peer, result, GIVEN, path)

        self.for_each(check)

    def test_a_token_in_a_passfile_is_not_sent(self):
        def check(peer, path, named, flaw):
            token = self.lab.token("etl", self.lab.pg, USER, port=peer.port)
            self.write(path, self.entry(peer.port, passfile=self.passfile(token)), flaw)
            result = self.connect("service=prod", principal=None, **named)
            if flaw is no_flaw:
                self.assert_token(peer, result, token)
            else:
                self.assert_no_token(peer, result, STORED, path)

        self.for_each(check)

    def test_control_without_the_preload_the_token_is_sent(self):
        def check(peer, path, named, flaw):
            token = self.lab.token("etl", self.lab.pg, USER, port=peer.port)
            self.write(path, self.entry(peer.port), flaw)
            result = self.connect("service=prod", preloaded=False, principal=None, PGPASSWORD=token, **named)
            self.assert_token(peer, result, token)

        self.for_each(check)


class Ways(ServiceCase):
    """A file that all users can write. The first test uses every function that connects, with every way to name a
    service."""

    def bad(self, port, **more):
        path = self.home.path / ".pg_service.conf"
        self.write(path, self.entry(port, **more), writable_by_all)
        return path

    def test_every_function_and_every_way_to_name_a_service(self):
        forms = {"service=prod": {}, "postgresql:///?service=prod": {}, "": {"PGSERVICE": "prod"},
                 "application_name=x service = 'prod'": {}}
        for way in ways.CONNECTS:
            for conninfo, named in forms.items():
                with self.subTest(way=way, conninfo=conninfo), self.peer() as peer:
                    path = self.bad(peer.port)
                    result = self.connect(conninfo, way, **named)
                    self.assert_no_token(peer, result, MADE, path)

    def test_a_token_in_the_file_itself(self):
        for preloaded in (True, False):
            with self.subTest(preloaded=preloaded), self.peer() as peer:
                token = self.lab.token("etl", self.lab.pg, USER, port=peer.port)
                path = self.bad(peer.port, password=token)
                result = self.connect("service=prod", preloaded=preloaded, principal=None)
                if preloaded:
                    self.assert_no_token(peer, result, GIVEN, path)
                else:
                    self.assert_token(peer, result, token)

    def test_a_file_that_names_itself_as_the_passfile(self):
        with self.peer() as peer:
            path = self.home.path / ".pg_service.conf"
            self.write(path, self.entry(peer.port, passfile=path), writable_by_all)
            self.assert_no_token(peer, self.connect("service=prod"), MADE, path)

    def test_a_link_to_the_file(self):
        with self.peer() as peer:
            path = self.home.path / "elsewhere"
            self.write(path, self.entry(peer.port), writable_by_all)
            link = self.home.path / ".pg_service.conf"
            link.symlink_to(path)
            self.assert_no_token(peer, self.connect("service=prod"), MADE, link)

    def test_passwords_are_sent_as_without_the_preload(self):
        for given in ({"PGPASSWORD": "word"}, {"PGPASSFILE": str(self.home.write("pass", "*:*:*:*:word\n"))}):
            with self.subTest(given=list(given)), self.peer() as peer:
                self.bad(peer.port)
                self.connect("service=prod", **given)
                self.assertEqual(peer.answers, [(True, b"word\0")])

    def test_a_connection_without_a_service_ignores_the_file(self):
        with self.peer() as peer:
            self.bad(peer.port)
            result = self.connect(
                f"host={self.lab.pg.host} port={peer.port} user={USER} dbname=shop sslmode=verify-full "
                f"sslrootcert={self.lab.ca_file}")
            self.assert_token(peer, result)


class TwoFiles(ServiceCase):
    """If there are two files, only the file that contains the service is checked."""

    def test_only_the_file_with_the_service_is_checked(self):
        user, system = self.home.path / ".pg_service.conf", self.system / "pg_service.conf"
        for bad, holder in ((user, user), (user, system), (system, user), (system, system)):
            with self.subTest(bad=bad.name, holder=holder.parent.name), self.peer() as peer:
                for path in (user, system):
                    name = "prod" if path == holder else "other"
                    self.write(path, self.entry(peer.port, name), writable_by_all if path == bad else no_flaw)
                result = self.connect("service=prod", PGSYSCONFDIR=str(self.system))
                if bad == holder:
                    self.assert_no_token(peer, result, MADE, holder)
                else:
                    self.assert_token(peer, result)

    def test_the_first_of_two_files_with_the_service_is_used(self):
        user, system = self.home.path / ".pg_service.conf", self.system / "pg_service.conf"
        with self.peer() as peer:
            self.write(user, self.entry(peer.port))
            self.write(system, self.entry(1), writable_by_all)
            self.assert_token(peer, self.connect("service=prod", PGSYSCONFDIR=str(self.system)))


class Passfiles(ServiceCase):
    """A passfile in the agent's directory, opened while no agent runs. The preload serves the entries that an agent
    would serve: it returns one line with a token for each of them."""

    USERS = ("clickpipes_iam_user", "other_iam_user")

    def setUp(self):
        super().setUp()
        self.directory = self.home.path / "rds-iam" / "run"
        self.directory.mkdir(parents=True)

    def users(self, path):
        """Returns the users in the lines of the passfile."""
        result = self.home.run(["/usr/bin/python3", "-c", f"print(open({str(path)!r}).read())"], "etl",
                               PGSYSCONFDIR=str(self.system), **ways.with_preload())
        return [line.split(":")[3] for line in result.stdout.splitlines() if "X-Amz-Signature=" in line]

    def test_the_first_service_of_a_name_is_used(self):
        first, second = (self.entry(5432, user=user, passfile=self.directory / "prod") for user in self.USERS)
        other = self.entry(5432, "other", user=self.USERS[1], passfile=self.directory / "prod")
        home, system = self.home.path / ".pg_service.conf", self.system / "pg_service.conf"
        for texts, expected in (((first, ""), [0]), ((first + second, ""), [0]), ((second + first, ""), [1]),
                                ((first, second), [0]), ((second, first), [1]), ((first, other), [0, 1])):
            with self.subTest(expected=expected, texts=[text.count("[") for text in texts]):
                for path, text in zip((home, system), texts):
                    self.write(path, text)
                found = self.users(self.directory / "prod")
                self.assertEqual(sorted(found), [self.USERS[i] for i in expected])

    def test_an_invalid_second_service_of_a_name_has_no_effect(self):
        first = self.entry(5432, passfile=self.directory / "prod")
        self.write(self.home.path / ".pg_service.conf", first + first.replace("verify-full", "prefer"))
        self.assertEqual(self.users(self.directory / "prod"), [USER])

    def test_paths_are_compared_after_links_are_resolved(self):
        link = self.home.path / "link"
        link.symlink_to(self.home.path / "rds-iam")
        directory = self.home.path / "elsewhere"
        directory.mkdir()
        (directory / "rds-iam").symlink_to(self.home.path / "rds-iam")
        alias = self.home.path / "alias"
        alias.symlink_to(self.directory / "prod")
        opened = (self.directory / "prod", directory / "rds-iam" / "run" / "prod")
        for named in (link / "run" / "prod", directory / "rds-iam" / "run" / "prod", alias,
                      self.directory / ".." / "run" / "prod"):
            for path in opened:
                with self.subTest(named=named.name, path=path.parent.parent.parent.name):
                    self.write(self.home.path / ".pg_service.conf", self.entry(5432, passfile=named))
                    self.assertEqual(self.users(path), [USER])

    def test_control_another_passfile_is_not_served(self):
        for name in ("other", "pro", "prod2"):
            self.write(self.home.path / ".pg_service.conf", self.entry(5432, passfile=self.directory / name))
            (self.directory / "prod").write_text("empty\n")
            self.assertEqual(self.users(self.directory / "prod"), [])


if __name__ == "__main__":
    harness.main()
