# SPDX-License-Identifier: MIT
"""Servers that request a token from a client on Oracle's library although the client has not verified them.

Each server is a scripted peer that records what it receives. Each row has a control: without rds-iam's shadow plugin
(mysql_client.py), with cleartext passwords allowed and with a token as the password, the same peer receives the
password, and the same search finds it. If the library itself refuses the server, the peer receives no password in the
control either."""
from typing import NamedTuple

import hostile
import harness
import traces
from mysql_client import GATE, LIBRARIES, PASSWORD_GIVEN, MysqlCase, in_each
from mysql_peer import CLEAR, NATIVE, OK, SCRAMBLE, MySQLPeer, Script, switch

CA = "--ssl-ca=RDS-CA"
NOT_ENCRYPTED = "the connection is not encrypted, so no token was sent; "
NAME_NOT_VERIFIED = "the server's host name was not verified, so no token was sent; "
REMEDY = "set --ssl-mode=VERIFY_IDENTITY --ssl-ca=FILE, where rds-iam setup ca installs FILE"
# The library's own errors, before it calls a plugin.
LIBRARY = "ERROR 2026 (HY000): SSL connection error: "
NO_TLS_THERE = LIBRARY + "SSL is required but the server doesn't support it"

ASKS_TWICE = Script(asks=(switch(CLEAR), switch(CLEAR)))
ASKS_AFTER_NATIVE = Script(asks=(switch(NATIVE, SCRAMBLE + b"\0"), switch(CLEAR)))
GREETING_ASKS = Script(greeting=CLEAR, asks=())
ACCEPTS = Script(verdict=OK)
TRUNCATED = (b"\xfe", b"\xfe\0", b"\xfemysql_clear_passw")
# The library's errors for a request that names no plugin, and for a truncated request.
NO_PLUGIN = "ERROR 2059 (HY000): Authentication plugin cannot be loaded: no such file"
LOST = "ERROR 2013 (HY000): Lost connection to MySQL server"
# A request shorter than its packet: as the first request, and as the second request after a refusal.
CUT = (Script(is_cut=True), ASKS_TWICE._replace(is_cut=True))
# Sizes of data that no plugin reads: one that the client of tests/loader accepts, and one that is too large for it.
OVERSIZED = (60_000, 1 << 20)


def mode(name, *more):
    return ("--ssl-mode=" + name, *more)


class Row(NamedTuple):
    """A hostile server, and the expected message."""

    name: str
    certificate: str  # its name in lab.certificates; None: no TLS
    options: tuple  # of the client
    message: str  # the beginning of the plugin's message or of the library's message
    script: Script = Script()


VERIFY_IDENTITY = mode("VERIFY_IDENTITY", CA)
DEFAULT_AUTH = "--default-auth=mysql_clear_password"
ROWS = [
    Row("no_tls", None, (), NOT_ENCRYPTED),
    Row("no_tls_and_a_ca", None, mode("PREFERRED", CA), NOT_ENCRYPTED),
    Row("tls_turned_off", "server", mode("DISABLED"), NOT_ENCRYPTED),
    Row("tls_stripped_under_required", None, mode("REQUIRED"), NO_TLS_THERE),
    Row("tls_stripped_under_verification", None, VERIFY_IDENTITY, NO_TLS_THERE),
    Row("required", "server", mode("REQUIRED"), NAME_NOT_VERIFIED),
    Row("required_and_another_ca", "other_ca", mode("REQUIRED"), NAME_NOT_VERIFIED),
    Row("preferred_and_self_signed", "self_signed", (), NAME_NOT_VERIFIED),
    Row("verify_ca", "server", mode("VERIFY_CA", CA), NAME_NOT_VERIFIED),
    Row("verify_ca_and_a_wrong_name", "wrong_name", mode("VERIFY_CA", CA), NAME_NOT_VERIFIED),
    Row("verify_ca_and_another_ca", "other_ca", mode("VERIFY_CA", CA), LIBRARY),
    Row("verification_and_another_ca", "other_ca", VERIFY_IDENTITY, LIBRARY),
    Row("verification_and_self_signed", "self_signed", VERIFY_IDENTITY, LIBRARY),
    Row("verification_and_a_wrong_name", "wrong_name", VERIFY_IDENTITY, LIBRARY),
    Row("a_server_that_accepts_every_login", "other_ca", mode("REQUIRED"), NAME_NOT_VERIFIED, ACCEPTS),
    Row("greeting_asks", None, (), NOT_ENCRYPTED, GREETING_ASKS),
    Row("greeting_asks_through_tls", "other_ca", (), NAME_NOT_VERIFIED, GREETING_ASKS),
    Row("default_auth", None, (DEFAULT_AUTH,), NOT_ENCRYPTED, Script()),
    Row("default_auth_through_tls", "wrong_name", (DEFAULT_AUTH,), NAME_NOT_VERIFIED, Script()),
    Row("asks_twice", None, (), NOT_ENCRYPTED, ASKS_TWICE),
    Row("asks_twice_through_tls", "wrong_name", mode("VERIFY_CA", CA), NAME_NOT_VERIFIED, ASKS_TWICE),
    Row("asks_for_a_scramble_first", None, (), NOT_ENCRYPTED, ASKS_AFTER_NATIVE),
]


class HostileMysql(MysqlCase):
    def record(self, library, row, *more, **how):
        """Logs in once with the credentials of hostile.PRINCIPAL. Returns (result of the client, peer)."""
        certificate = row.certificate and getattr(self.lab.certificates, row.certificate)
        with MySQLPeer(certificate, row.script) as peer:
            result = self.client(
                library, *row.options, *more, host=hostile.HOST, port=peer.port,
                principal=hostile.PRINCIPAL, **how)
        return result, peer

    def refuse(self, library, row):
        result, peer = self.record(library, row)
        is_ours = not row.message.startswith(LIBRARY)
        start = "ERROR 2061 (HY000): rds-iam: " + row.message + REMEDY if is_ours else row.message
        self.assertEqual(result.returncode, 1)
        self.assertTrue(result.stdout.startswith(start), result.stdout)
        self.assert_no_token(peer)
        # The plugin sends an empty password, and the server denies the login. With default-auth, the empty password
        # is in the first packet, so the peer does not record it as a response.
        is_answered = is_ours and DEFAULT_AUTH not in row.options
        empty = [(row.message == NAME_NOT_VERIFIED, b"\0")] if is_answered else []
        self.assertEqual([answer for answer in peer.answers if answer[1]], empty)

    def control(self, library, row):
        """Logs in without the shadow plugin. The peer gets the password, except if the library itself refuses."""
        token = self.token()
        _, peer = self.record(
            library, row, "--password=" + token, "--enable-cleartext-plugin", shadowed=False)
        if row.message.startswith(LIBRARY):
            self.assertEqual(traces.find(peer.received, [traces.signature(token)]), [])
            return
        self.assertIn(token.encode(), peer.received)
        found = traces.find(peer.received, [traces.signature(token)])
        self.assertEqual(len(found), len(traces.WORDS) + 1, found)

    def test_control_a_verified_server_gets_a_token(self):
        oversized = Script(asks=(switch(CLEAR, b"x" * OVERSIZED[0]),))
        for script in (Script(), ASKS_TWICE, ASKS_AFTER_NATIVE, GREETING_ASKS, oversized, CUT[1]):
            row = Row("", "server", VERIFY_IDENTITY, "", script)
            for library in LIBRARIES:
                _, peer = self.record(library, row)
                answers = [answer for answer in peer.answers if answer[1]]
                self.assertEqual(len(answers), 2 if script == ASKS_TWICE else 1)
                for answer in answers:
                    self.assert_token(answer, hostile.HOST, peer.port)

    def test_a_token_given_as_the_password_needs_verification(self):
        """This applies even if cleartext passwords are allowed."""
        token = self.token()
        for library in LIBRARIES:
            for row in (Row("", None, (), NOT_ENCRYPTED), Row("", "server", mode("VERIFY_CA", CA), NAME_NOT_VERIFIED)):
                for environment in ({}, GATE):
                    result, peer = self.record(library, row, "--password=" + token, **environment)
                    self.assertIn("ERROR 2061 (HY000): rds-iam: " + row.message, result.stdout)
                    self.secrets.append(traces.signature(token))
                    self.assert_no_token(peer)
            _, peer = self.record(library, Row("", "server", VERIFY_IDENTITY, ""), "--password=" + token)
            self.assertEqual(peer.answers, [(True, token.encode() + b"\0")])

    def test_a_password_is_sent_only_if_allowed_and_encrypted(self):
        typed = ("--password=" + hostile.TYPED,)
        sent = [(True, hostile.TYPED.encode() + b"\0")]
        for library in LIBRARIES:
            required = Row("", "other_ca", mode("REQUIRED"), "")
            # The library without the shadow plugin sends the same.
            for shadowed in (False, True):
                _, peer = self.record(library, required, *typed, shadowed=shadowed, **GATE)
                self.assertEqual(peer.answers, sent)
            result, peer = self.record(library, Row("", None, (), ""), *typed, **GATE)
            self.assertIn("the connection is not encrypted, so no password was sent; ", result.stdout)
            self.assertNotIn(hostile.TYPED.encode(), peer.received)
            # If cleartext passwords are not allowed, neither the password nor a token is sent, even to a verified
            # server.
            for row in (required, Row("", None, (), ""), Row("", "server", VERIFY_IDENTITY, "")):
                result, peer = self.record(library, row, *typed)
                self.assertIn(PASSWORD_GIVEN, result.stdout)
                self.assertNotIn(hostile.TYPED.encode(), peer.received)
                self.assertEqual([answer for answer in peer.answers if answer[1]], [])
                self.assert_no_token(peer)

    def test_truncated_and_oversized_requests(self):
        """If the library accepts a request, it calls the plugin, which refuses. Otherwise the library itself
        fails."""
        plugin_error = "ERROR 2061 (HY000): rds-iam: "
        sized = [Script(asks=(switch(CLEAR, b"x" * size),)) for size in OVERSIZED]
        rows = [*((Script(asks=(ask,)), NO_PLUGIN) for ask in TRUNCATED), (CUT[0], LOST), (CUT[1], plugin_error),
                (sized[0], plugin_error), (sized[1], LOST)]  # fmt: skip
        for script, start in rows:
            for certificate, options, message in (
                    (None, (), NOT_ENCRYPTED),
                    ("wrong_name", mode("VERIFY_CA", CA), NAME_NOT_VERIFIED)):  # fmt: skip
                expected = start + message + REMEDY if start == plugin_error else start
                for library in LIBRARIES:
                    result, peer = self.record(library, Row("", certificate, options, "", script))
                    self.assertTrue(result.stdout.startswith(expected), result.stdout)
                    self.assert_no_token(peer)


def add_rows():
    """Adds a test for each row, so that a failure shows the row's name."""
    for row in ROWS:
        def test(self, library, row=row):
            self.refuse(library, row)
            self.control(library, row)
        setattr(HostileMysql, "test_" + row.name, in_each(test))


add_rows()
if __name__ == "__main__":
    harness.main()
