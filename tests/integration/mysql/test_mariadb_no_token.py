# SPDX-License-Identifier: MIT
"""Logins for which no token can be made, although the server is verified. The client prints the cause and the remedy,
and sends an empty password. The server is a recording peer with a valid certificate, except in two tests."""
from typing import NamedTuple

import hostile
import labcase
import harness
from mysql_peer import OK, MySQLPeer, Script

GLOBAL = "mydb.global-abcdefghijkl.global.rds.amazonaws.com"
DSQL = "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws"
PERCENT = "odd%s%n.example.com"
NO_RDS_NAME = (
    "{0} is not an RDS endpoint: check the spelling, or use "
    "the endpoint's own name (for a tunnel, map it in /etc/hosts); to accept any RDS server, add 3 lines: [{0}:{{port}}], then endpoint = ENDPOINT:ITS_PORT, then tls = verify-ca, in "
    "~/.config/rds-iam/config")  # fmt: skip
NO_HOST = (
    "localhost is not an RDS endpoint; a client that is given no host uses localhost: give it "
    "the endpoint's own name (for a tunnel, map it in /etc/hosts); to accept any RDS server, add 3 lines: [localhost:{port}], then endpoint = ENDPOINT:ITS_PORT, then tls = verify-ca, in "
    "~/.config/rds-iam/config")  # fmt: skip
# Short paths, so that no message is truncated even if the path of the build directory is long.
NO_FILES = {"AWS_CONFIG_FILE": "/nowhere/config", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere/credentials"}
NO_CREDENTIALS = (
    "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret. Tried environment: "
    "AWS_ACCESS_KEY_ID is not set; profile: neither /nowhere/config nor /nowhere/credentials "
    "exists; web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set; container: "
    "AWS_CONTAINER_CREDENTIALS_* is not set; instance metadata: AWS_EC2_METADATA_DISABLED is true")  # fmt: skip
NO_PROFILE = (
    'AWS_PROFILE: the profile "{0}" does not exist; add [profile {0}] to /nowhere/config or '
    "[{0}] to /nowhere/credentials, or name another profile")  # fmt: skip
# The library truncates an error message to this number of bytes.
LIBRARY_TEXT_MAX = 511


class Row(NamedTuple):
    """A login without a token, and the complete message."""

    name: str
    message: str
    host: str = hostile.HOST  # the name to which the client connects
    environment: dict = None  # the user's AWS_* variables; None: those of valid credentials
    certificate: str = "server"  # its name in lab.certificates
    clients: tuple = tuple(hostile.CLIENTS)


ROWS = [
    Row("not_an_rds_name", NO_RDS_NAME.format("db.example.com"), "db.example.com"),
    # MySQLdb would use the Unix socket for this name.
    Row("localhost", NO_HOST, "localhost", None, "other_names", ("mariadb",)),
    Row("not_a_host_name", '"odd?s?n.example.com" is not a host name; give the endpoint\'s name', PERCENT,
        None, "other_names"),
    Row("no_region_in_a_global_endpoint",
        GLOBAL + " is an Aurora global endpoint, whose name has no region; name the endpoint of its "
        "writer cluster in two lines: [" + GLOBAL + "], then endpoint = ENDPOINT:PORT, in ~/.config/rds-iam/config", GLOBAL),
    Row("dsql",
        DSQL + " is an Aurora DSQL endpoint, which has the protocol of PostgreSQL; connect with a "
        "PostgreSQL client", DSQL),
    Row("no_credentials", NO_CREDENTIALS, environment={}),
    Row("a_key_id_without_a_secret", "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not; set both or "
        "unset both", environment={"AWS_ACCESS_KEY_ID": "AKIALABETLEXAMPLE001"}),
    Row("a_secret_without_a_key_id", "AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not; set both or "
        "unset both",
        environment={"AWS_SECRET_ACCESS_KEY": "etlSession/Secret+EXAMPLE000000000000002"}),
    Row("no_such_profile", NO_PROFILE.format("clickpipes"), environment={"AWS_PROFILE": "clickpipes"}),
    Row("no_such_profile_with_percent_signs", NO_PROFILE.format("50?s?n?d"),
        environment={"AWS_PROFILE": "50%s%n%d"}),
]  # fmt: skip


class RefusalsMariaDB(hostile.HostileCase):
    def options(self):
        self.write_options(labcase.mariadb_plugins(), "ssl-ca=RDS-CA", "ssl-verify-server-cert=1")

    def log_in(self, client, host=hostile.HOST, environment=None, certificate="server"):
        self.options()
        principal = hostile.PRINCIPAL if environment is None else None
        environment = {} if environment is None else {**NO_FILES, **environment}
        with MySQLPeer(getattr(self.lab.certificates, certificate)) as peer:
            text = self.dial(client, peer.port, host, None, principal, **environment)
        return text, peer

    def refuse(self, row, client):
        text, peer = self.log_in(client, row.host, row.environment, row.certificate)
        self.assert_message(client, text, row.message.replace("{port}", str(peer.port)))
        self.assertEqual(peer.answers, [(True, b"\0")])
        self.assert_no_token(peer)

    def test_control_the_same_peer_gets_a_token(self):
        for client in hostile.CLIENTS:
            text, peer = self.log_in(client)
            self.assertIn("ERROR 1045", text)
            self.assert_token(peer.answers[0], hostile.HOST, peer.port)

    def test_not_an_rds_name_on_a_real_server(self):
        self.options()
        for client in hostile.CLIENTS:
            text = self.dial(client, self.lab.mariadb.port, "db.example.com")
            self.assert_message(client, text, NO_RDS_NAME.format("db.example.com").replace("{port}", str(self.lab.mariadb.port)))
        self.assertEqual([verdict["token_length"] for verdict in self.verdicts()], [0, 0])

    def test_a_section_with_the_endpoint_fixes_the_login(self):
        self.options()
        self.home.write(
            ".config/rds-iam/config",
            "[db.example.com]\nendpoint = %s:%d\n" % (hostile.HOST, self.lab.mariadb.port))
        text = self.dial("mariadb", self.lab.mariadb.port, "db.example.com")
        self.assertEqual(text, "1\n1\n")
        self.assert_accepted()

    def test_a_region_for_a_global_endpoint_fixes_the_login(self):
        self.home.write(".config/rds-iam/config", "[%s]\nregion = us-east-1\n" % GLOBAL)
        _, peer = self.log_in("mariadb", GLOBAL)
        self.assert_token(peer.answers[0], GLOBAL, peer.port)

    def test_long_texts_fit_into_the_library(self):
        """The library could truncate the message inside a character of two bytes. MySQLdb loses an error message
        that is not UTF-8, so the plugin truncates the message itself."""
        for shift in range(4):
            path = "/" + "x" * shift + "é%s/" * 90
            for client in hostile.CLIENTS:
                text, peer = self.log_in(client, environment={
                    "AWS_PROFILE": "p", "AWS_CONFIG_FILE": path, "AWS_SHARED_CREDENTIALS_FILE": path})  # fmt: skip
                self.assert_no_token(peer)
                self.assert_message(client, text, 'AWS_PROFILE: the profile "p" does not exist')
                message = text.strip().partition(": ")[2]
                self.assertIn("é?s/é?s", message, "control: the long path is in the message")
                self.assertGreater(len(message.encode()), LIBRARY_TEXT_MAX - 40, "control: it is truncated")
                self.assertLessEqual(len(message.encode()), LIBRARY_TEXT_MAX)
                self.assertTrue(message.endswith("..."), message)

    def test_names_that_are_truncated_or_not_utf_8(self):
        for profile in ("x" * 63 + "é", "caf\udce9", "x" * 62 + "\u20ac"):
            for client in hostile.CLIENTS:
                text, peer = self.log_in(client, environment={"AWS_PROFILE": profile})
                self.assert_no_token(peer)
                self.assert_message(client, text, 'AWS_PROFILE: the profile "' + profile[:3])
                self.assertIn('?" does not exist', text)

    def test_failed_reconnect_with_percent_signs(self):
        """The library uses the message of a failed reconnect as a printf format."""
        self.options()
        connect = """
import json, sys, MySQLdb
connection = MySQLdb.connect(**json.loads(sys.argv[1]))
try:
    connection.query("select 1")
except MySQLdb.Error:
    pass
try:
    connection.ping(True)
except MySQLdb.Error as error:
    sys.exit("ERROR %d: %s" % error.args)
"""
        accepts_and_disconnects = Script(asks=(), verdict=OK, commands=1)  # the command is SET AUTOCOMMIT
        scripts = (accepts_and_disconnects, Script())
        with MySQLPeer(self.lab.certificates.server, *scripts) as peer:
            argv = hostile.mysqldb(self.home, hostile.HOST, peer.port, None)
            argv[argv.index(hostile.MYSQLDB)] = connect
            result = self.home.run(argv, principal=None, AWS_PROFILE="50%s%n")
        self.assertGreater(peer.connections, 1, "control: the client reconnects: %s" % result)
        self.assertEqual(result.returncode, 1, result)
        self.assert_message("MySQLdb", result.stderr, 'AWS_PROFILE: the profile "50?s?n" does not exist')


def add_rows():
    """Adds a test for each row, so that a failure shows the row's name."""
    for row in ROWS:
        def test(self, row=row):
            for client in row.clients:
                with self.subTest(client=client):
                    self.refuse(row, client)
        setattr(RefusalsMariaDB, "test_" + row.name, test)


add_rows()
if __name__ == "__main__":
    harness.main()
