# SPDX-License-Identifier: MIT
"""Servers that want a token of a client on Oracle's library without having earned it. Each is a
scripted peer that records what it is sent; each row has its control: without the shadow, with
passwords allowed, the same peer gets what was typed, which here is a token, and the same search
finds it."""
from typing import NamedTuple

import hostile
import harness
import traces
from mysql_client import GATE, LIBRARIES, PASSWORD_GIVEN, MysqlCase, in_each
from mysql_peer import CLEAR, NATIVE, OK, SCRAMBLE, MySQLPeer, Script, switch

CA = "--ssl-ca=RDS-CA"
NOT_ENCRYPTED = "the connection is not encrypted, so no token was sent; "
NAME_NOT_VERIFIED = "the server's host name was not verified, so no token was sent; "
REMEDY = "set --ssl-mode=VERIFY_IDENTITY --ssl-ca=/path/to/global-bundle.pem"
# The library's own refusals, before any plugin is asked.
LIBRARY = "ERROR 2026 (HY000): SSL connection error: "
NO_TLS_THERE = LIBRARY + "SSL is required but the server doesn't support it"

ASKS_TWICE = Script(asks=(switch(CLEAR), switch(CLEAR)))
ASKS_AFTER_NATIVE = Script(asks=(switch(NATIVE, SCRAMBLE + b"\0"), switch(CLEAR)))
GREETING_ASKS = Script(greeting=CLEAR, asks=())
LETS_IN = Script(verdict=OK)
TRUNCATED = (b"\xfe", b"\xfe\0", b"\xfemysql_clear_passw")
# The library's words for a request that names no plugin, and for one that does not come to its end.
NO_PLUGIN = "ERROR 2059 (HY000): Authentication plugin cannot be loaded: no such file"
LOST = "ERROR 2013 (HY000): Lost connection to MySQL server"
# A request that ends before the packet does, at first and after a refusal has been answered.
CUT = (Script(is_cut=True), ASKS_TWICE._replace(is_cut=True))
# Data that no plugin reads: what the client of tests/loader takes, and more.
OVERSIZED = (60_000, 1 << 20)


def mode(name, *more):
    return ("--ssl-mode=" + name, *more)


class Row(NamedTuple):
    """certificate: of lab.certificates. message: ours, or the beginning of the library's own."""

    name: str
    certificate: str
    options: tuple
    message: str
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
    Row("a_server_that_lets_everybody_in", "other_ca", mode("REQUIRED"), NAME_NOT_VERIFIED, LETS_IN),
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
        """One login of the account with the secrets; what was printed, and the peer's record."""
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
        # An empty password, for a server that then denies. Under default-auth it is in the first
        # packet, which is no answer to anything.
        is_answered = is_ours and DEFAULT_AUTH not in row.options
        empty = [(row.message == NAME_NOT_VERIFIED, b"\0")] if is_answered else []
        self.assertEqual([answer for answer in peer.answers if answer[1]], empty)

    def control(self, library, row):
        """Without the shadow; where the library refuses by itself, there is nothing to be had."""
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

    def test_typed_token_is_a_token(self):
        """Also where passwords are allowed."""
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

    def test_typed_password_goes_where_passwords_are_allowed_and_tls_is_up(self):
        typed = ("--password=" + hostile.TYPED,)
        sent = [(True, hostile.TYPED.encode() + b"\0")]
        for library in LIBRARIES:
            required = Row("", "other_ca", mode("REQUIRED"), "")
            # The library without a shadow is the measure.
            for shadowed in (False, True):
                _, peer = self.record(library, required, *typed, shadowed=shadowed, **GATE)
                self.assertEqual(peer.answers, sent)
            result, peer = self.record(library, Row("", None, (), ""), *typed, **GATE)
            self.assertIn("the connection is not encrypted, so no password was sent; ", result.stdout)
            self.assertNotIn(hostile.TYPED.encode(), peer.received)
            # Not allowed: neither the password nor a token in its place, whatever the server has
            # earned.
            for row in (required, Row("", None, (), ""), Row("", "server", VERIFY_IDENTITY, "")):
                result, peer = self.record(library, row, *typed)
                self.assertIn(PASSWORD_GIVEN, result.stdout)
                self.assertNotIn(hostile.TYPED.encode(), peer.received)
                self.assertEqual([answer for answer in peer.answers if answer[1]], [])
                self.assert_no_token(peer)

    def test_truncated_and_oversized_switch(self):
        """What the library takes for a request we are asked for; the rest it refuses itself."""
        ours = "ERROR 2061 (HY000): rds-iam: "
        sized = [Script(asks=(switch(CLEAR, b"x" * size),)) for size in OVERSIZED]
        rows = [*((Script(asks=(ask,)), NO_PLUGIN) for ask in TRUNCATED), (CUT[0], LOST), (CUT[1], ours),
                (sized[0], ours), (sized[1], LOST)]  # fmt: skip
        for script, start in rows:
            for certificate, options, message in (
                    (None, (), NOT_ENCRYPTED),
                    ("wrong_name", mode("VERIFY_CA", CA), NAME_NOT_VERIFIED)):  # fmt: skip
                wanted = start + message + REMEDY if start == ours else start
                for library in LIBRARIES:
                    result, peer = self.record(library, Row("", certificate, options, "", script))
                    self.assertTrue(result.stdout.startswith(wanted), result.stdout)
                    self.assert_no_token(peer)


def add_rows():
    """Each row is a test of its own, so that a failure has its name."""
    for row in ROWS:
        def test(self, library, row=row):
            self.refuse(library, row)
            self.control(library, row)
        setattr(HostileMysql, "test_" + row.name, in_each(test))


add_rows()
if __name__ == "__main__":
    harness.main()
