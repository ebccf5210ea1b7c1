# SPDX-License-Identifier: MIT
"""Servers that request a token although the client has not verified them.

Each server is a scripted peer that records what it receives. Each row has a control: with the distribution's
plugin and a token as the password, the same peer receives the password, and the same search finds it."""
import re
from typing import NamedTuple

import hostile
import labcase
from mariadb_client import UNVERIFIED, VERIFIES_ITSELF
import harness
import traces
from mysql_peer import CLEAR, NATIVE, OK, SCRAMBLE, MySQLPeer, Script, switch

CA = "ssl-ca=RDS-CA"
VERIFY = "ssl-verify-server-cert=1"
# The mariadb command of version 11.4 and later verifies by default, so every row sets verification explicitly.
OFF = "ssl-verify-server-cert=0"
DEFAULT_AUTH = "default-auth=mysql_clear_password"
EVERY_CLIENT = tuple(hostile.CLIENTS)

NOT_ENCRYPTED = "the connection is not encrypted, so no token was sent; "
HOST_NOT_VERIFIED = "the server's host name was not verified, so no token was sent; "
NOT_VERIFIED = "the server's certificate was not verified, so no token was sent; "
SET_CA = "set ssl-ca and ssl-verify-server-cert=1, as printed by rds-iam setup mysql, in the program's option group, [client] or "
ADD_VERIFY = "add ssl-verify-server-cert=1 (not =on or =true, which some versions ignore) beside ssl-ca"
NO_CA = "without ssl-ca some versions of this library skip the host name check, so set ssl-ca to the file "
ASKED_EARLY = "the server asked for it before TLS was up, which an RDS instance does not do"
NO_DEFAULT_AUTH = "remove default-auth=mysql_clear_password"
# The library's own errors, before it calls a plugin.
LIBRARY = "ERROR 2026"
NO_TLS_THERE = "SSL is required, but the server does not support it"
UNKNOWN_CA = "unable to get local issuer certificate"
SELF_SIGNED = "self-signed certificate"
# The result for a server with another name, if ssl-ca is set and verification is off. Version 3.4 and later of the
# library ends the login nevertheless. With these versions, such a server can get a password only if ssl-ca is not set.
OTHER_NAME = ((LIBRARY, hostile.WRONG_NAME) if VERIFIES_ITSELF else UNVERIFIED + ADD_VERIFY)
NO_NAME_CHECK = (OFF,) if VERIFIES_ITSELF else (CA, OFF)
# The certificate of a server that the library accepts over TLS, but the plugin refuses as not verified.
UNVERIFIED_SERVER = "server" if VERIFIES_ITSELF else "wrong_name"
CA_ALONE = UNVERIFIED + ADD_VERIFY

ASKS_TWICE = Script(asks=(switch(CLEAR), switch(CLEAR)))
ASKS_AFTER_NATIVE = Script(asks=(switch(NATIVE, SCRAMBLE + b"\0"), switch(CLEAR)))
GREETING_ASKS = Script(greeting=CLEAR, asks=())


class Row(NamedTuple):
    """A hostile server, and the expected message."""

    name: str
    certificate: str  # its name in lab.certificates; None: no TLS
    options: tuple  # lines of my.cnf
    message: object  # the plugin's message, or (LIBRARY, the library's message)
    script: Script = Script()
    control: tuple = (OFF,)  # options with which the stock plugin sends the password to this server
    clients: tuple = EVERY_CLIENT


ROWS = [
    Row("no_tls", None, (OFF,), NOT_ENCRYPTED + SET_CA),
    Row("no_tls_and_21_bytes_in_the_switch", None, (OFF,), NOT_ENCRYPTED + SET_CA,
        Script(asks=(switch(CLEAR, b"x" * 21),))),
    Row("tls_turned_off_by_the_user", "server", ("skip-ssl", OFF), NOT_ENCRYPTED + SET_CA,
        control=("skip-ssl", OFF)),
    Row("tls_stripped_under_ssl_ca", None, (CA, OFF), NOT_ENCRYPTED + SET_CA, control=(CA, OFF)),
    Row("tls_stripped_under_verification", None, (CA, VERIFY), (LIBRARY, NO_TLS_THERE)),
    Row("certificate_of_another_ca", "other_ca", (CA, VERIFY), (LIBRARY, UNKNOWN_CA)),
    Row("certificate_of_another_ca_without_verification", "other_ca", (CA, OFF), (LIBRARY, UNKNOWN_CA)),
    Row("certificate_of_itself", "self_signed", (CA, VERIFY), (LIBRARY, SELF_SIGNED)),
    Row("certificate_with_a_wrong_name", "wrong_name", (CA, VERIFY), (LIBRARY, hostile.WRONG_NAME)),
    Row("wrong_name_without_verification", "wrong_name", (CA, OFF), OTHER_NAME,
        control=NO_NAME_CHECK),
    Row("verification_without_a_ca", "server", (VERIFY,), (LIBRARY, UNKNOWN_CA)),
    Row("ca_without_verification", "server", (CA, OFF), CA_ALONE, control=(CA, OFF)),
    # libmariadb's parser of my.cnf reads these values as "off". The mariadb command has another parser.
    Row("verification_without_its_1", "server", (CA, "ssl-verify-server-cert"),
        CA_ALONE, control=(CA, OFF), clients=("MySQLdb",)),
    Row("verification_on", "server", (CA, "ssl-verify-server-cert=on"),
        CA_ALONE, control=(CA, OFF), clients=("MySQLdb",)),
    Row("tls_alone", "server", ("ssl", OFF), NOT_VERIFIED + SET_CA, clients=("mariadb",)),
    Row("tls_alone_in_the_library", "server", ("ssl-enforce=1", OFF), NOT_VERIFIED + SET_CA,
        control=("ssl-enforce=1", OFF), clients=("MySQLdb",)),
    Row("tls_alone_and_another_ca", "other_ca", ("ssl", OFF), NOT_VERIFIED + SET_CA, clients=("mariadb",)),
    Row("a_server_that_accepts_every_login", "other_ca", ("ssl", OFF), NOT_VERIFIED + SET_CA,
        Script(verdict=OK), clients=("mariadb",)),
    Row("greeting_asks", None, (OFF,), NOT_ENCRYPTED + SET_CA, GREETING_ASKS),
    Row("greeting_asks_and_offers_tls", "other_ca", (OFF,), NOT_ENCRYPTED + SET_CA, GREETING_ASKS),
    Row("greeting_asks_under_verification", "server", (CA, VERIFY), NOT_ENCRYPTED + ASKED_EARLY,
        GREETING_ASKS),
    Row("greeting_asks_and_tls_stripped", None, (CA, VERIFY), NOT_ENCRYPTED + ASKED_EARLY,
        GREETING_ASKS),
    Row("default_auth", None, (DEFAULT_AUTH, OFF), NOT_ENCRYPTED + NO_DEFAULT_AUTH,
        control=(DEFAULT_AUTH, OFF)),
    Row("default_auth_under_verification", "server", (CA, VERIFY, DEFAULT_AUTH),
        NOT_ENCRYPTED + NO_DEFAULT_AUTH, control=(CA, OFF, DEFAULT_AUTH)),
    Row("asks_twice", None, (OFF,), NOT_ENCRYPTED + SET_CA, ASKS_TWICE),
    Row("asks_twice_through_tls", "wrong_name", (CA, OFF), OTHER_NAME, ASKS_TWICE,
        control=NO_NAME_CHECK),
    Row("asks_twice_without_verification", "server", (CA, OFF), CA_ALONE, ASKS_TWICE, control=(CA, OFF)),
    Row("asks_for_a_scramble_first", None, (OFF,), NOT_ENCRYPTED + SET_CA, ASKS_AFTER_NATIVE),
]  # fmt: skip

OVERSIZED = (70_000, 1 << 20, (1 << 24) - 100)
OURS = "ERROR 2061"  # the plugin refuses
# The client ends while the peer still writes. It prints the plugin's error, or a lost connection if the peer closed
# the connection first. Both messages are correct, and nothing is sent.
OURS_OR_LOST = r"ERROR 2013\b.*Lost connection|ERROR 2026\b.*(unexpected eof|Connection reset)"
LOST = r"ERROR 2013\b.*Lost connection|ERROR 2026\b.*(unexpected eof|Connection reset)"
# AuthSwitchRequests that are truncated or name no plugin, and the error of the library or of the plugin (OURS). For
# the second request, the library before 3.4 sends the empty password of an older protocol.
TRUNCATED = {
    b"": "ERROR 2013.* Lost connection",
    b"\xfe": "ERROR 5010.*mysql_old_password" if VERIFIES_ITSELF else "ERROR 1045.* Access denied by the peer",
    b"\xfe\0": "ERROR 5010.* plugin ''" if VERIFIES_ITSELF else "ERROR 1045.* Plugin  could not be loaded",
    b"\xfemysql_clear_passw": "ERROR 2059.* Plugin mysql_clear_passw could not be loaded",
    b"\xfemysql_clear_password": OURS,
}
# A request shorter than its packet: as the first request, and as the second request after a refusal.
CUT = (Script(is_cut=True), ASKS_TWICE._replace(is_cut=True))


class HostileMariaDB(hostile.HostileCase):
    def peer(self, certificate, script):
        return MySQLPeer(certificate and getattr(self.lab.certificates, certificate), script)

    def record(self, client, plugins, options, certificate, script=Script(), password=None):
        """Logs in once. Returns (output of the client, peer)."""
        self.write_options(plugins, *options)
        with self.peer(certificate, script) as peer:
            text = self.dial(client, peer.port, password=password)
        return text, peer

    def refuse(self, row, client):
        text, peer = self.record(
            client, labcase.mariadb_plugins(), row.options, row.certificate, row.script)
        if isinstance(row.message, str):
            self.assert_message(client, text, row.message)
        else:
            for words in row.message:
                self.assertIn(words, text)
        self.assert_no_token(peer)

    def control(self, row, client):
        token = self.token()
        _, peer = self.record(
            client, hostile.stock_plugins(), row.control, row.certificate, row.script, token)
        self.assertIn(token.encode(), peer.received)
        found = traces.find(peer.received, [traces.signature(token)])
        self.assertEqual(len(found), len(traces.WORDS) + 1, found)

    def test_a_password_is_sent_wherever_the_stock_plugin_sends_it(self):
        scripts = {row.script for row in ROWS} | {Script(asks=(ask,)) for ask in [*TRUNCATED][1:]} | {*CUT}
        sent = 0
        for script in sorted(scripts):
            for certificate, options in ((None, (OFF,)), (None, (CA, OFF)), ("other_ca", ("ssl", OFF)),
                                         ("server", (CA, VERIFY)), ("server", (DEFAULT_AUTH, OFF))):  # fmt: skip
                records = []
                for plugins in (hostile.stock_plugins(), labcase.mariadb_plugins()):
                    _, peer = self.record(
                        "mariadb", plugins, options, certificate, script, hostile.TYPED)
                    records.append(peer.messages)
                self.assertEqual(*records, (script, certificate, options))
                sent += any(hostile.TYPED.encode() in data for _, data in records[1])
        self.assertGreater(sent, len(scripts), "control: many of these servers get the password")

    def test_a_token_given_as_the_password_needs_verification(self):
        token = self.token()
        for client in EVERY_CLIENT:
            for certificate, options, message in ((None, (OFF,), NOT_ENCRYPTED),
                                                   (UNVERIFIED_SERVER, (CA, OFF), CA_ALONE)):  # fmt: skip
                text, peer = self.record(
                    client, labcase.mariadb_plugins(), options, certificate, password=token)
                self.assert_message(client, text, message)
                self.secrets.append(traces.signature(token))
                self.assert_no_token(peer)
            _, peer = self.record(
                client, labcase.mariadb_plugins(), (CA, VERIFY), "server", password=token)
            self.assertEqual(peer.answers, [(True, token.encode() + b"\0")])

    def test_a_token_given_as_the_password_is_sent_to_any_verified_server(self):
        """The plugin could not make a token for this host name. It does not check the content of a given token,
        only the connection."""
        token = self.token(host="db.example.com")
        self.write_options(labcase.mariadb_plugins(), CA, VERIFY)
        with self.peer("server", Script()) as peer:
            self.dial("mariadb", peer.port, "db.example.com", token, principal=None)
        self.assertEqual(peer.answers, [(True, token.encode() + b"\0")])

    def test_a_verified_server_may_ask_twice(self):
        """The server is the database, so it may receive a second token."""
        for client in EVERY_CLIENT:
            _, peer = self.record(
                client, labcase.mariadb_plugins(), (CA, VERIFY), "server", ASKS_TWICE)
            self.assertEqual(len(peer.answers), 2, peer.answers)
            for answer in peer.answers:
                self.assert_token(answer, hostile.HOST, peer.port)
            plain = b"".join(data for through_tls, data in peer.messages if not through_tls)
            self.assertEqual(traces.find(plain, self.secrets), [])

    def refuse_unverified(self, script, error):
        """Checks that both clients refuse a server with this script, without TLS and with TLS. `error` is a pattern of
        the library's error, OURS for the plugin's error, or OURS_OR_LOST."""
        for certificate, options, message in ((None, (OFF,), NOT_ENCRYPTED + SET_CA),
                                               (UNVERIFIED_SERVER, (CA, OFF), CA_ALONE)):  # fmt: skip
            for client in EVERY_CLIENT:
                text, peer = self.record(
                    client, labcase.mariadb_plugins(), options, certificate, script)
                if error == OURS or error == OURS_OR_LOST and not re.search(LOST, text):
                    self.assert_message(client, text, message)
                else:
                    self.assertRegex(text, LOST if error == OURS_OR_LOST else error)
                    self.assertNotIn("rds-iam: ", text)
                self.assert_no_token(peer)

    def test_truncated_requests(self):
        for ask, error in TRUNCATED.items():
            self.refuse_unverified(Script(asks=(ask,)), error)
        self.refuse_unverified(CUT[0], "ERROR 20(13|26)")
        self.refuse_unverified(CUT[1], OURS)

    def test_a_request_for_the_plugin_of_default_auth(self):
        """A server can name aws_rds_iam in a request as well as in its greeting."""
        for data in (b"", b"x" * 21):
            for script in (Script(asks=(switch("aws_rds_iam", data),)),
                           Script(asks=(switch("aws_rds_iam", data),), verdict=OK)):  # fmt: skip
                for certificate, options in ((None, (OFF,)), ("server", (CA, VERIFY))):
                    for client in EVERY_CLIENT:
                        text, peer = self.record(
                            client, labcase.mariadb_plugins(), options, certificate, script)
                        self.assert_message(client, text, "the server asks for the plugin aws_rds_iam, but")
                        self.assert_no_token(peer)

    def test_control_a_verified_server_with_a_truncated_request_gets_one_token(self):
        for client in EVERY_CLIENT:
            text, peer = self.record(
                client, labcase.mariadb_plugins(), (CA, VERIFY), "server", CUT[1])
            self.assertRegex(text, "ERROR 20(13|26)")
            self.assertEqual(len(peer.answers), 1)
            self.assert_token(peer.answers[0], hostile.HOST, peer.port)

    def test_a_ca_of_the_systems_store_is_not_enough(self):
        """As for an RDS Proxy, a CA of the system's store signs the server's certificate. SSL_CERT_FILE stands for this
        store. With ssl-ca, the same server gets a token."""
        store = {"SSL_CERT_FILE": str(self.lab.ca_file)}
        self.home.write(".config/rds-iam/config",
                        f"[{hostile.HOST}]\nendpoint = {hostile.HOST}:3306\ntls = verify-ca\n")
        for client in EVERY_CLIENT:
            self.write_options(labcase.mariadb_plugins(), VERIFY)
            with self.peer("server", Script()) as peer:
                text = self.dial(client, peer.port, **store)
            if VERIFIES_ITSELF:  # the library checks the name even without ssl-ca, and reports the check to the plugin
                self.assert_token(peer.answers[0], hostile.HOST, 3306)
            else:
                self.assert_message(client, text, HOST_NOT_VERIFIED + NO_CA)
                self.assertEqual(peer.answers, [(True, b"\0")])
                self.assert_no_token(peer)
            self.write_options(labcase.mariadb_plugins(), CA, VERIFY)
            with self.peer("server", Script()) as peer:
                self.dial(client, peer.port, **store)
            self.assert_token(peer.answers[0], hostile.HOST, 3306)

    def test_oversized_requests(self):
        """The requests have data that no plugin reads, up to a packet of 16 MB."""
        for size in OVERSIZED:
            self.refuse_unverified(Script(asks=(switch(CLEAR, b"x" * size),)), OURS_OR_LOST)
        script = Script(asks=(switch(CLEAR, b"x" * OVERSIZED[0]),))
        _, peer = self.record(
            "mariadb", labcase.mariadb_plugins(), (CA, VERIFY), "server", script)
        self.assert_token(peer.answers[0], hostile.HOST, peer.port)

    def test_control_the_search_finds_a_planted_secret_in_output(self):
        printed = self.home.run(["env"], principal=hostile.PRINCIPAL).stdout
        secrets = traces.secrets_of(self.lab.principals[hostile.PRINCIPAL])
        self.assertEqual(traces.find(printed, secrets), ["a piece of a secret"] * 2)
        encoded = self.token().replace("%", "%25")
        self.assertEqual(len(traces.find(encoded)), len(traces.WORDS))


def add_rows():
    """Adds a test for each row, so that a failure shows the row's name."""
    for row in ROWS:
        def test(self, row=row):
            for client in row.clients:
                with self.subTest(client=client):
                    self.refuse(row, client)
                    self.control(row, client)
        setattr(HostileMariaDB, "test_" + row.name, test)


add_rows()
if __name__ == "__main__":
    harness.main()
