# SPDX-License-Identifier: MIT
"""Servers that want a token without having earned it. Each is a scripted peer that records what it
is sent, and each row has its control: with the distribution's plugin the same peer gets the
password, which here is a token, and the same search finds it."""
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
# The command of MariaDB 11.4 and later verifies unless it is told not to, so every row says what it wants.
OFF = "ssl-verify-server-cert=0"
DEFAULT_AUTH = "default-auth=mysql_clear_password"
EVERY_CLIENT = tuple(hostile.CLIENTS)

NOT_ENCRYPTED = "the connection is not encrypted, so no token was sent; "
HOST_NOT_VERIFIED = "the server's host name was not verified, so no token was sent; "
NOT_VERIFIED = "the server's certificate was not verified, so no token was sent; "
SET_CA = "set ssl-ca=/path/to/global-bundle.pem and ssl-verify-server-cert=1 in [client]"
ADD_VERIFY = "add ssl-verify-server-cert=1 (some versions ignore on and true) beside ssl-ca"
NO_CA = "without ssl-ca some versions of this library skip the host name check, so set ssl-ca="
ASKED_EARLY = "the server asked for it before TLS was up, which an RDS instance does not do"
NO_DEFAULT_AUTH = "remove default-auth=mysql_clear_password"
# The library's own refusals, before any plugin is asked.
LIBRARY = "ERROR 2026"
NO_TLS_THERE = "SSL is required, but the server does not support it"
UNKNOWN_CA = "unable to get local issuer certificate"
SELF_SIGNED = "self-signed certificate"
# A server with another name, ssl-ca set and verification off: from 3.4 on the library ends the login, also
# where verification is off, and a typed password goes to such a server only where there is no ssl-ca.
OTHER_NAME = ((LIBRARY, hostile.WRONG_NAME) if VERIFIES_ITSELF else UNVERIFIED + ADD_VERIFY)
NO_NAME_CHECK = (OFF,) if VERIFIES_ITSELF else (CA, OFF)
# A server that the plugin refuses for lack of verification, after TLS.
UNVERIFIED_SERVER = "server" if VERIFIES_ITSELF else "wrong_name"
CA_ALONE = UNVERIFIED + ADD_VERIFY

ASKS_TWICE = Script(asks=(switch(CLEAR), switch(CLEAR)))
ASKS_AFTER_NATIVE = Script(asks=(switch(NATIVE, SCRAMBLE + b"\0"), switch(CLEAR)))
GREETING_ASKS = Script(greeting=CLEAR, asks=())


class Row(NamedTuple):
    """certificate: of lab.certificates. options: of the user's my.cnf. message: ours, or
    (LIBRARY, its words). control: options under which the stock plugin hands its password over."""

    name: str
    certificate: str
    options: tuple
    message: object
    script: Script = Script()
    control: tuple = (OFF,)
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
    # What libmariadb's own reader of my.cnf takes for "off"; the command has another reader.
    Row("verification_without_its_1", "server", (CA, "ssl-verify-server-cert"),
        CA_ALONE, control=(CA, OFF), clients=("MySQLdb",)),
    Row("verification_on", "server", (CA, "ssl-verify-server-cert=on"),
        CA_ALONE, control=(CA, OFF), clients=("MySQLdb",)),
    Row("tls_alone", "server", ("ssl", OFF), NOT_VERIFIED + SET_CA, clients=("mariadb",)),
    Row("tls_alone_in_the_library", "server", ("ssl-enforce=1", OFF), NOT_VERIFIED + SET_CA,
        control=("ssl-enforce=1", OFF), clients=("MySQLdb",)),
    Row("tls_alone_and_another_ca", "other_ca", ("ssl", OFF), NOT_VERIFIED + SET_CA, clients=("mariadb",)),
    Row("a_server_that_lets_everybody_in", "other_ca", ("ssl", OFF), NOT_VERIFIED + SET_CA,
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
OURS = "ERROR 2061"
# A client that ends while the peer still writes: it shows our refusal, or, where the peer's end of the
# connection came first, that the connection was lost. Both are right, and nothing was sent.
OURS_OR_LOST = r"ERROR 2013\b.*Lost connection|ERROR 2026\b.*(unexpected eof|Connection reset)"
LOST = r"ERROR 2013\b.*Lost connection|ERROR 2026\b.*(unexpected eof|Connection reset)"
# AuthSwitchRequests that end too early, or say nothing, and who refuses: the library, which sends the
# empty password of an older protocol to the second one (3.4 knows that protocol no more), or we.
TRUNCATED = {
    b"": "ERROR 2013.* Lost connection",
    b"\xfe": "ERROR 5010.*mysql_old_password" if VERIFIES_ITSELF else "ERROR 1045.* Access denied by the peer",
    b"\xfe\0": "ERROR 5010.* plugin ''" if VERIFIES_ITSELF else "ERROR 1045.* Plugin  could not be loaded",
    b"\xfemysql_clear_passw": "ERROR 2059.* Plugin mysql_clear_passw could not be loaded",
    b"\xfemysql_clear_password": OURS,
}
# A request that ends before the packet does, at first and after a refusal has been answered.
CUT = (Script(is_cut=True), ASKS_TWICE._replace(is_cut=True))


class HostileMariaDB(hostile.HostileCase):
    def peer(self, certificate, script):
        return MySQLPeer(certificate and getattr(self.lab.certificates, certificate), script)

    def record(self, client, plugins, options, certificate, script=Script(), password=None):
        """One login; what was printed, and the peer with its record."""
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

    def test_typed_password_goes_where_the_stock_plugin_sends_it(self):
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
        self.assertGreater(sent, len(scripts), "control: most of these servers get the password")

    def test_typed_token_is_a_token(self):
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

    def test_typed_token_passes_where_none_could_be_made(self):
        """What a person typed is not judged, only how it travels."""
        token = self.token(host="db.example.com")
        self.write_options(labcase.mariadb_plugins(), CA, VERIFY)
        with self.peer("server", Script()) as peer:
            self.dial("mariadb", peer.port, "db.example.com", token, principal=None)
        self.assertEqual(peer.answers, [(True, token.encode() + b"\0")])

    def test_verified_server_may_ask_twice(self):
        """It has shown that it is the database, so a second token tells it nothing new."""
        for client in EVERY_CLIENT:
            _, peer = self.record(
                client, labcase.mariadb_plugins(), (CA, VERIFY), "server", ASKS_TWICE)
            self.assertEqual(len(peer.answers), 2, peer.answers)
            for answer in peer.answers:
                self.assert_token(answer, hostile.HOST, peer.port)
            plain = b"".join(data for through_tls, data in peer.messages if not through_tls)
            self.assertEqual(traces.find(plain, self.secrets), [])

    def refuse_unearned(self, script, who):
        """In plain text and through TLS, by both clients; who refuses is a pattern, or OURS."""
        for certificate, options, message in ((None, (OFF,), NOT_ENCRYPTED + SET_CA),
                                               (UNVERIFIED_SERVER, (CA, OFF), CA_ALONE)):  # fmt: skip
            for client in EVERY_CLIENT:
                text, peer = self.record(
                    client, labcase.mariadb_plugins(), options, certificate, script)
                if who == OURS or who == OURS_OR_LOST and not re.search(LOST, text):
                    self.assert_message(client, text, message)
                else:
                    self.assertRegex(text, LOST if who == OURS_OR_LOST else who)
                    self.assertNotIn("rds-iam: ", text)
                self.assert_no_token(peer)

    def test_truncated_switch(self):
        for ask, who in TRUNCATED.items():
            self.refuse_unearned(Script(asks=(ask,)), who)
        self.refuse_unearned(CUT[0], "ERROR 20(13|26)")
        self.refuse_unearned(CUT[1], OURS)

    def test_switch_to_the_plugin_that_default_auth_names(self):
        """A server can name it in a request, too, and not only in its greeting."""
        for data in (b"", b"x" * 21):
            for script in (Script(asks=(switch("aws_rds_iam", data),)),
                           Script(asks=(switch("aws_rds_iam", data),), verdict=OK)):  # fmt: skip
                for certificate, options in ((None, (OFF,)), ("server", (CA, VERIFY))):
                    for client in EVERY_CLIENT:
                        text, peer = self.record(
                            client, labcase.mariadb_plugins(), options, certificate, script)
                        self.assert_message(client, text, "the server asks for aws_rds_iam itself")
                        self.assert_no_token(peer)

    def test_packet_that_ends_too_early_after_a_token(self):
        """The control: a server that has earned a token gets it, and one."""
        for client in EVERY_CLIENT:
            text, peer = self.record(
                client, labcase.mariadb_plugins(), (CA, VERIFY), "server", CUT[1])
            self.assertRegex(text, "ERROR 20(13|26)")
            self.assertEqual(len(peer.answers), 1)
            self.assert_token(peer.answers[0], hostile.HOST, peer.port)

    def test_a_ca_of_the_systems_is_not_enough(self):
        """As for an RDS Proxy, whose certificate the system's store vouches for; SSL_CERT_FILE plays
        that store. The same server gets a token where ssl-ca says so."""
        store = {"SSL_CERT_FILE": str(self.lab.ca_file)}
        self.home.write(".config/rds-iam/config",
                        f"[{hostile.HOST}]\nendpoint = {hostile.HOST}:3306\ntls = verify-ca\n")
        for client in EVERY_CLIENT:
            self.write_options(labcase.mariadb_plugins(), VERIFY)
            with self.peer("server", Script()) as peer:
                text = self.dial(client, peer.port, **store)
            if VERIFIES_ITSELF:  # it compares the name without ssl-ca too, and tells the plugin so
                self.assert_token(peer.answers[0], hostile.HOST, 3306)
            else:
                self.assert_message(client, text, HOST_NOT_VERIFIED + NO_CA)
                self.assertEqual(peer.answers, [(True, b"\0")])
                self.assert_no_token(peer)
            self.write_options(labcase.mariadb_plugins(), CA, VERIFY)
            with self.peer("server", Script()) as peer:
                self.dial(client, peer.port, **store)
            self.assert_token(peer.answers[0], hostile.HOST, 3306)

    def test_oversized_switch(self):
        """Data that no plugin reads, up to a whole packet of 16 MB."""
        for size in OVERSIZED:
            self.refuse_unearned(Script(asks=(switch(CLEAR, b"x" * size),)), OURS_OR_LOST)
        script = Script(asks=(switch(CLEAR, b"x" * OVERSIZED[0]),))
        _, peer = self.record(
            "mariadb", labcase.mariadb_plugins(), (CA, VERIFY), "server", script)
        self.assert_token(peer.answers[0], hostile.HOST, peer.port)

    def test_search_of_what_clients_print_finds_a_planted_secret(self):
        printed = self.home.run(["env"], principal=hostile.PRINCIPAL).stdout
        secrets = traces.secrets_of(self.lab.principals[hostile.PRINCIPAL])
        self.assertEqual(traces.find(printed, secrets), ["a piece of a secret"] * 2)
        encoded = self.token().replace("%", "%25")
        self.assertEqual(len(traces.find(encoded)), len(traces.WORDS))


def add_rows():
    """Each row is a test of its own, so that a failure has its name."""
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
