# SPDX-License-Identifier: MIT
"""Unix sockets under the preload. libpq does not encrypt such a connection, regardless of sslmode. If the host is
a Unix socket, no token is sent. If a list of hosts contains a Unix socket, no host of the list gets a token."""
import json
import pathlib
from urllib.parse import quote

from labcase import USER, LabCase, harness
from postgresql_peer import PostgreSQLPeer
import traces
import ways
from service import Services

PRINCIPAL = "etl-session"
PORT = 54329
MESSAGE = "which libpq never encrypts"
GIVEN = "the token that was given as the password is not sent: "
STORED = "the token in the passfile is not sent: "
DEFAULT = b"/var/run/postgresql\0"

# Begins a connection without the preload, by calling libpq's own function at its address. Then resets the
# connection with the function that a program finds, which is the preload's.
RESET = """
import ctypes, json, sys
offsets, way, conninfo = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3].encode()
libpq = ctypes.CDLL("libpq.so.5")
base = ctypes.cast(libpq.PQconninfo, ctypes.c_void_p).value - offsets["PQconninfo"]
conn = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_char_p)(base + offsets["PQconnectdb"])(conninfo)
if way == "resetstart":
    libpq.PQresetStart(ctypes.c_void_p(conn))
    while libpq.PQresetPoll(ctypes.c_void_p(conn)) not in (0, 3):
        pass
else:
    libpq.PQreset(ctypes.c_void_p(conn))
libpq.PQerrorMessage.restype = ctypes.c_char_p
print(libpq.PQerrorMessage(ctypes.c_void_p(conn)).decode())
"""


class SocketCase(LabCase):
    def setUp(self):
        super().setUp()
        self.directory = self.home.path / "s"
        self.directory.mkdir()
        self.token = self.lab.token("etl", self.lab.pg, USER, port=PORT)

    def peer(self, address=None):
        return PostgreSQLPeer(None, address or f"{self.directory}/.s.PGSQL.{PORT}")

    def connect(self, conninfo, preloaded=True, program=("psql", "-w", "-X", "-c", "select 1"), principal=None,
                **extra):
        env = {"PGPORT": str(PORT), "PGUSER": USER, "PGDATABASE": "shop", "PGSSLMODE": "verify-full",
               "PGSSLROOTCERT": str(self.lab.ca_file), **(ways.with_preload() if preloaded else {}), **extra}
        return self.home.run([*program, conninfo], principal, **env)

    def passfile(self, host, token=None, name="pass"):
        escaped = (token or self.token).replace(":", "\\:")
        return str(self.home.write(name, f"{host}:{PORT}:*:{USER}:{escaped}\n"))

    def assert_nothing(self, *peers):
        for peer in peers:
            self.assertEqual([a for a in peer.answers if a[1].strip(b"\0")], [])
            self.assertEqual(traces.find(peer.received, [traces.signature(self.token)]), [])

    def forms(self):
        """Returns ways to name a Unix socket, each with a connection string and variables. All but "abstract" name the
        same socket (see address())."""
        directory = str(self.directory)
        entry = f"[local]\nhost={directory}\nport={PORT}\nuser={USER}\nsslmode=verify-full\n"
        services = str(self.home.write(".pg_service.conf", entry))
        return {
            "host": (f"host={directory}", {}),
            "PGHOST": ("", {"PGHOST": directory}),
            "uri": (f"postgresql://{quote(directory, safe='')}/shop", {}),
            "service": ("service=local", {"PGSERVICEFILE": services}),
            "abstract": (f"host=@{self.home.path.name}", {}),
        }

    def address(self, form):
        return f"\0{self.home.path.name}/.s.PGSQL.{PORT}" if form == "abstract" else None


class Alone(SocketCase):
    def test_a_token_in_pgpassword_is_not_sent(self):
        for form, (conninfo, named) in self.forms().items():
            for preloaded in (True, False):
                with self.subTest(form=form, preloaded=preloaded), self.peer(self.address(form)) as peer:
                    result = self.connect(conninfo, preloaded, PGPASSWORD=self.token, **named)
                    self.assertEqual(peer.connections, 1, result.stderr)
                    if preloaded:
                        self.assertIn(GIVEN, result.stderr)
                        self.assertIn(MESSAGE, result.stderr)
                        self.assert_nothing(peer)
                    else:
                        self.assertEqual(peer.answers, [(False, self.token.encode() + b"\0")], "control: no preload")

    def test_a_token_in_the_connection_string_is_not_sent(self):
        directory = str(self.directory)
        for conninfo in (f"host={directory} password={self.token}",
                         f"postgresql://{USER}:{quote(self.token, safe='')}@/shop?host={directory}"):
            for preloaded in (True, False):
                with self.subTest(conninfo=conninfo[:8], preloaded=preloaded), self.peer() as peer:
                    result = self.connect(conninfo, preloaded)
                    if preloaded:
                        self.assertIn(GIVEN, result.stderr)
                        self.assert_nothing(peer)
                    else:
                        self.assertEqual(peer.answers, [(False, self.token.encode() + b"\0")], "control: no preload")

    def test_a_token_in_a_passfile_is_not_sent(self):
        for form, (conninfo, named) in self.forms().items():
            for preloaded in (True, False):
                with self.subTest(form=form, preloaded=preloaded), self.peer(self.address(form)) as peer:
                    path = self.passfile("*")
                    result = self.connect(conninfo, preloaded, PGPASSFILE=path, **named)
                    self.assertEqual(peer.connections, 1, result.stderr)
                    if preloaded:
                        self.assertIn(STORED, result.stderr)
                        self.assertIn(MESSAGE, result.stderr)
                        self.assert_nothing(peer)
                    else:
                        self.assertEqual(peer.answers, [(False, self.token.encode() + b"\0")], "control: no preload")

    def test_passwords_are_sent_as_without_the_preload(self):
        token = f"*:1:*:{USER}:{self.token}\n".replace("https:", "https\\:")
        path = self.home.write("pass", f"{token}{self.directory}:{PORT}:*:{USER}:word\n")
        for given in ({"PGPASSWORD": "word"}, {"PGPASSFILE": str(path)}):
            for preloaded in (True, False):
                with self.subTest(given=list(given), preloaded=preloaded), self.peer() as peer:
                    result = self.connect(f"host={self.directory}", preloaded, **given)
                    self.assertEqual(peer.answers, [(False, b"word\0")])
                    self.assertNotIn("rds-iam: ", result.stderr)

    def test_a_password_after_a_token_in_the_passfile_is_used(self):
        path = self.home.write("pass", pathlib.Path(self.passfile("*")).read_text() + "*:*:*:*:word\n")
        with self.peer() as peer:
            result = self.connect(f"host={self.directory}", PGPASSFILE=str(path))
            self.assertEqual(peer.answers, [(False, b"word\0")])
            self.assertIn(STORED, result.stderr)

    def test_a_ping_sends_no_token(self):
        """A ping, such as that of pg_isready, reads PGPASSWORD and the passfile, and logs in if it can."""
        for way in ("ping", "pingparams"):
            for extra in ({"PGPASSWORD": self.token}, {"PGPASSFILE": self.passfile("*")}):
                for preloaded in (True, False):
                    with self.subTest(way=way, given=list(extra), preloaded=preloaded), self.peer() as peer:
                        result = self.connect(
                            f"host={self.directory}", preloaded, program=(ways.PROGRAMS / "ways", "linked", way),
                            **extra)
                        self.assertEqual(result.stdout, "ping 0\n")
                        if preloaded:
                            self.assert_nothing(peer)
                        else:
                            self.assertEqual(peer.answers, [(False, self.token.encode() + b"\0")], "control")


class Default(SocketCase):
    """No host is set, so libpq uses its default directory for sockets. Only the last test names that directory. The
    tests use a copy of libpq with another default directory than Debian's."""

    def setUp(self):
        super().setUp()
        self.default = pathlib.Path(f"/tmp/ria-{int.from_bytes(self.home.path.name.encode(), 'big') % 10**10:010d}")
        self.default.mkdir()
        self.addCleanup(self.default.rmdir)
        copy = self.home.path / "lib" / "libpq.so.5"
        copy.parent.mkdir()
        stock = ways.debian_libpq().read_bytes()
        self.assertIn(DEFAULT, stock)
        copy.write_bytes(stock.replace(DEFAULT, str(self.default).encode() + b"\0"))
        self.libraries = {"LD_LIBRARY_PATH": str(copy.parent)}
        self.socket = self.default / f".s.PGSQL.{PORT}"

    def check(self, preloaded, given, *words):
        with self.peer(str(self.socket)) as peer:
            result = self.connect(*words, preloaded=preloaded, **given, **self.libraries)
            self.assertEqual(peer.connections, 1, result.stderr)
            if preloaded:
                self.assert_nothing(peer)
            else:
                self.assertEqual([a[0] for a in peer.answers], [False], "control: no preload")
                self.assertIn(b"X-Amz-Signature=", peer.answers[0][1])
            return result.stderr

    def test_tokens_in_pgpassword_and_for_localhost_in_a_passfile(self):
        for given in ({"PGPASSWORD": self.token}, {"PGPASSFILE": self.passfile("localhost")},
                      {"PGPASSWORD": self.token, "PGHOST": ""}):
            for preloaded in (True, False):
                with self.subTest(given=list(given), preloaded=preloaded):
                    text = self.check(preloaded, given, "")
                    if preloaded:
                        self.assertIn("no host is set, so libpq uses a Unix socket, which it never encrypts", text)

    def test_an_agents_token_for_localhost(self):
        """The entry is for a tunnel, and the command line replaces its host by a socket directory."""
        self.home.write(".config/rds-iam/config",
                        f"[localhost:{PORT}]\nendpoint = {self.lab.pg.host}:{self.lab.pg.port}\n")
        services = Services(self.home, "rds-iam/run")
        services.add("tunnel", host="localhost", port=PORT)
        with services.agent():
            for preloaded in (True, False):
                with self.subTest(preloaded=preloaded):
                    self.check(preloaded, {}, f"service=tunnel host={self.default}")


class Lists(SocketCase):
    """Two peers: one on the Unix socket, and one that libpq verifies."""

    def lists(self, port):
        host, directory = self.lab.pg.host, self.directory
        return {
            "first": (f"host={directory},{host} port={PORT},{port}", {}),
            "last": (f"host={host},{directory} port={port},{PORT}", {}),
            "abstract": (f"host=@{self.home.path.name},{host} port=1,{port}", {}),
            "empty": (f"host={host}, port={port},1", {}),
            "PGHOST": (f"port={PORT},{port}", {"PGHOST": f"{directory},{host}"}),
            "address": (f"host={directory},{host} hostaddr=,127.0.0.1 port={PORT},{port}", {}),
            "empty address": (f"host={host}, hostaddr=127.0.0.1, port={port},1", {}),
            "uri": (f"postgresql://{host}:{port},{quote(str(directory), safe='')}:{PORT}/shop", {}),
        }

    def both(self, form, preloaded, principal=None, **given):
        """Connects once with a list of both peers. Returns stderr and the passwords that the peers received."""
        with self.peer() as local, PostgreSQLPeer(self.lab.certificates.server) as verified:
            conninfo, named = self.lists(verified.port)[form]
            result = self.connect(conninfo, preloaded, principal=principal, **named, **given)
            self.assertGreaterEqual(local.connections + verified.connections, 1, result.stderr)
            sent = [a for peer in (local, verified) for a in peer.answers if a[1].strip(b"\0")]
            has_token = any(b"X-Amz-Signature=" in data for _, data in sent)
            self.assertEqual(has_token, any(traces.find(p.received) for p in (local, verified)))
            return result.stderr, sent

    def assert_each(self, message, **given):
        for form in self.lists(1):
            for preloaded in (True, False):
                with self.subTest(form=form, preloaded=preloaded):
                    text, sent = self.both(form, preloaded, **given)
                    if preloaded:
                        self.assertEqual(sent, [])
                        self.assertIn(message, text)
                        self.assertIn("contains a Unix socket, " + MESSAGE, text)
                    else:
                        self.assertEqual([data for _, data in sent], [self.token.encode() + b"\0"], "control")

    def test_a_token_in_pgpassword_is_sent_to_no_host(self):
        self.assert_each(GIVEN, PGPASSWORD=self.token)

    def test_a_token_in_a_passfile_is_not_sent(self):
        path = self.home.write("pass", pathlib.Path(self.passfile("*")).read_text().replace(f":{PORT}:", ":*:", 1))
        self.assert_each(STORED, PGPASSFILE=str(path))

    def test_no_token_is_made(self):
        for form in self.lists(1):
            with self.subTest(form=form):
                text, sent = self.both(form, True, PRINCIPAL)
                self.assertEqual(sent, [])
                self.assertRegex(text, f"no token for {USER} at .*contains a Unix socket, {MESSAGE}")

    def test_passwords_are_sent_as_without_the_preload(self):
        for given in ({"PGPASSWORD": "word"}, {"PGPASSFILE": str(self.home.write("pass", "*:*:*:*:word\n"))}):
            with self.subTest(given=list(given)):
                _, sent = self.both("first", True, PRINCIPAL, **given)
                self.assertEqual(sent, [(False, b"word\0")])

    def test_control_a_list_without_a_socket_gets_a_token(self):
        with PostgreSQLPeer(self.lab.certificates.server) as peer:
            host, port = self.lab.pg.host, peer.port
            self.connect(f"host={host},{host} port=1,{port}", principal=PRINCIPAL)
            (through_tls, data), = peer.answers
            self.assertTrue(through_tls)
            self.assertIn(b"X-Amz-Signature=", data)

    def test_control_a_path_as_host_with_an_address_is_not_a_socket(self):
        """libpq connects to the address, and compares the path with the certificate's name."""
        with PostgreSQLPeer(self.lab.certificates.server) as peer:
            result = self.connect(f"host=/x hostaddr=127.0.0.1 port={peer.port} sslmode=require", PGPASSWORD=self.token)
            self.assertIn(GIVEN, result.stderr)
            self.assertNotIn(MESSAGE, result.stderr)


class Resets(SocketCase):
    def setUp(self):
        super().setUp()
        self.copy = self.home.path / "lib" / "libpq.so.5"
        self.copy.parent.mkdir()
        self.copy.write_bytes(ways.bound_to_itself(ways.debian_libpq().read_bytes()))
        lines = harness.run(["nm", "-D", "--defined-only", self.copy]).stdout.splitlines()
        self.offsets = {
            name: int(at, 16) for at, _, name in map(str.split, lines) if name in ("PQconninfo", "PQconnectdb")}

    def passwords(self, way, hosts, password, preloaded):
        """Connects without the preload, resets the connection, and returns what the server got as passwords."""
        with self.peer() as peer:
            self.connect(
                f"host={hosts} password={password} gssencmode=disable", preloaded,
                program=("/usr/bin/python3", "-c", RESET, json.dumps(self.offsets), way),
                LD_LIBRARY_PATH=str(self.copy.parent))
            return [data.rstrip(b"\0") for _, data in peer.answers]

    def test_a_reset_removes_the_token_of_a_connection_begun_without_the_preload(self):
        for way in ("reset", "resetstart"):
            for hosts in (f"{self.directory}", f"{self.directory},{self.lab.pg.host}"):
                for preloaded in (True, False):
                    with self.subTest(way=way, hosts=hosts, preloaded=preloaded):
                        sent = self.passwords(way, hosts, self.token, preloaded)
                        self.assertEqual(sent[0], self.token.encode(), "control: the first connection sent the token")
                        self.assertEqual([data for data in sent[1:] if data], [] if preloaded else sent[:1])

    def test_a_reset_sends_a_password_that_is_not_a_token(self):
        for way in ("reset", "resetstart"):
            with self.subTest(way=way):
                self.assertEqual(self.passwords(way, self.directory, "word", True), [b"word", b"word"])


if __name__ == "__main__":
    harness.main()
