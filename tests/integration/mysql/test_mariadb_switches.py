# SPDX-License-Identifier: MIT
"""Switches that weaken the library's verification, or replace it, while the library goes on to report
that it verified: an environment variable, cipher suites, a pinned fingerprint, options that are
changed too late.

MARIADB_TLS_DISABLE_PEER_VERIFICATION: some releases of Connector/C 3.4 check no certificate where it is
set. Debian 12 and 13 have none of them, so the libmariadb here is Debian's with an object preloaded that makes
it behave so. Debian's own library and command, which know nothing of the variable, are not refused for
it."""
import ssl

import hostile
import labcase

import harness
import traces
from mariadb_client import UNVERIFIED as NOT_VERIFIED, VERIFIES_ITSELF, MariadbCase
from mysql_peer import MySQLPeer, Script

NAME = "MARIADB_TLS_DISABLE_PEER_VERIFICATION"
SOURCES = harness.BUILD / "tests" / "integration" / "src"
SKIPS = SOURCES / "skips_verification.so"
OPTIONS = ("ssl-ca=RDS-CA", "ssl-verify-server-cert=1")
IMPOSTORS = ("other_ca", "self_signed", "wrong_name")
# The library calls getenv() and looks at no value.
VALUES = ("1", "0", "")
REFUSED = (
    "the server's certificate was not verified, so no token was sent; "
    f"{NAME} is set, so this library verifies no certificate; unset it")

hostile.CLIENTS.update({
    "login": lambda home, host, port, password: [SOURCES / "login", host, port, labcase.USER],
})

# How a connection was made before its program changed the options.
VERIFIED, UNVERIFIED = "verified", "unverified"


def heeds(**variables):
    """Such a library, in an environment that may have the variable."""
    return {"LD_PRELOAD": f"libnss_wrapper.so:{SKIPS}", **variables}


class Variable(hostile.HostileCase):
    def record(self, client, certificate, plugins=None, more=(), **environment):
        self.write_options(plugins or labcase.mariadb_plugins(), *OPTIONS, *more)
        with MySQLPeer(getattr(self.lab.certificates, certificate), Script()) as peer:
            text = self.dial(client, peer.port, **environment)
        return text, peer

    def test_control_such_a_library_hands_its_password_to_an_impostor(self):
        """With the stock plugin, and a token for a password."""
        token = self.token()
        for certificate in IMPOSTORS:
            for value in VALUES:
                with self.subTest(certificate=certificate, value=value):
                    _, peer = self.record(
                        "login", certificate, hostile.stock_plugins(), (f'password="{token}"',),
                        **heeds(**{NAME: value}))
                    self.assertEqual(peer.answers, [(True, token.encode() + b"\0")])
                    self.assertNotEqual(traces.find(peer.received, [traces.signature(token)]), [])

    def test_an_impostor_gets_no_token(self):
        for certificate in IMPOSTORS:
            for value in VALUES:
                with self.subTest(certificate=certificate, value=value):
                    text, peer = self.record("login", certificate, **heeds(**{NAME: value}))
                    self.assert_message("mariadb", text, REFUSED)
                    self.assertEqual(peer.answers, [(True, b"\0")])
                    self.assert_no_token(peer)

    def test_a_given_token_is_held_to_the_same_rule(self):
        token = self.token()
        text, peer = self.record(
            "login", "wrong_name", more=(f'password="{token}"',), **heeds(**{NAME: "1"}))
        self.assert_message("mariadb", text, REFUSED)
        self.secrets.append(traces.signature(token))
        self.assert_no_token(peer)

    def test_without_the_variable_such_a_library_verifies(self):
        for certificate in IMPOSTORS:
            text, peer = self.record("login", certificate, **heeds())
            self.assertIn("ERROR 2026", text)
            self.assert_no_token(peer)
        _, peer = self.record("login", "server", **heeds())
        self.assert_token(peer.answers[0], hostile.HOST, peer.port)

    def test_a_library_that_does_not_know_the_variable_is_not_refused(self):
        """Debian's library, in two programs, and Debian's command, which has its own linked in."""
        for client in ("login", "MySQLdb", "mariadb"):
            for value in VALUES:
                with self.subTest(client=client, value=value):
                    _, peer = self.record(client, "server", **{NAME: value})
                    self.assert_token(peer.answers[0], hostile.HOST, peer.port)
                    text, peer = self.record(client, "wrong_name", **{NAME: value})
                    self.assertIn("ERROR 2026", text)
                    self.assert_no_token(peer)

    def test_a_program_that_sets_it_itself(self):
        """Between two logins of one connection; and one that another library of the process knows."""
        mariadb = self.lab.mariadb
        self.write_options(labcase.mariadb_plugins(), *OPTIONS)
        argv = [SOURCES / "connections", "reconnect", mariadb.host, mariadb.port, labcase.USER, NAME, "1"]
        result = self.home.run(argv, **heeds())
        self.assertEqual(
            result.stdout.splitlines(),
            [f"connect: {labcase.USER}@%", f"reconnect: 2061 rds-iam: {REFUSED}"], result.stderr)
        result = self.home.run(argv)
        self.assertEqual(
            result.stdout.splitlines(),
            [f"connect: {labcase.USER}@%", f"reconnect: {labcase.USER}@%"], result.stderr)


class Ciphers(hostile.HostileCase):
    """What ssl-cipher can ask for, and a peer that goes along with it. From 3.4 on the library itself
    wants a certificate, whatever is set."""

    PLAIN = "the connection is not encrypted, so no token was sent; "
    UNVERIFIED = "the server's certificate was not verified, so no token was sent; "
    REMEDY = "ssl-cipher allows cipher suites that do not encrypt, or that need no certificate; remove it"

    def record(self, suite, plugins, *more):
        cipher = f"{suite}:@SECLEVEL=0"
        self.write_options(plugins, "ssl-ca=RDS-CA", f"ssl-cipher={cipher}", *more)
        peer = MySQLPeer(self.lab.certificates.server, Script())
        peer.context.maximum_version = ssl.TLSVersion.TLSv1_2
        peer.context.set_ciphers(cipher)
        with peer:
            text = self.dial("login", peer.port)
        return text, peer

    def assert_ended_by_the_library(self, text, peer):
        self.assertIn("ERROR 2026 (HY000): TLS/SSL error: Unable to get server certificate", text)
        self.assertEqual(peer.answers, [])
        self.assert_no_token(peer)

    def test_a_suite_that_does_not_encrypt(self):
        for suite in ("ECDHE-ECDSA-NULL-SHA", "AECDH-NULL-SHA"):
            with self.subTest(suite=suite):
                # In the second the server shows no certificate either, which the library misses.
                verifies = ("ssl-verify-server-cert=1",) if suite.startswith("ECDHE") else ()
                text, peer = self.record(suite, labcase.mariadb_plugins(), *verifies)
                if VERIFIES_ITSELF and not verifies:
                    self.assert_ended_by_the_library(text, peer)
                    continue
                self.assert_message("mariadb", text, self.PLAIN + self.REMEDY)
                self.assertEqual(peer.answers, [(True, b"\0")])
                self.assert_no_token(peer)

    def test_a_suite_without_a_certificate(self):
        """With verification on the library misses the certificate itself; with the CA alone it does not."""
        self.home.write(".config/rds-iam/config", f"[{hostile.HOST}]\nendpoint = {hostile.HOST}:3306\ntls = verify-ca\n")
        for suite in ("AECDH-AES256-SHA", "AECDH-AES128-SHA"):
            with self.subTest(suite=suite):
                text, peer = self.record(suite, labcase.mariadb_plugins())
                if VERIFIES_ITSELF:
                    self.assert_ended_by_the_library(text, peer)
                else:
                    self.assert_message("mariadb", text, self.UNVERIFIED + self.REMEDY)
                    self.assertEqual(peer.answers, [(True, b"\0")])
                    self.assert_no_token(peer)
                text, peer = self.record(suite, labcase.mariadb_plugins(), "ssl-verify-server-cert=1")
                self.assertIn("ERROR 2026", text)
                self.assert_no_token(peer)

    def test_control_such_peers_get_what_the_stock_plugin_sends_and_others_a_token(self):
        token = self.token()
        for suite in ("ECDHE-ECDSA-NULL-SHA", "AECDH-AES256-SHA"):
            text, peer = self.record(suite, hostile.stock_plugins(), f'password="{token}"')
            if VERIFIES_ITSELF and suite.startswith("AECDH"):
                self.assert_ended_by_the_library(text, peer)
            else:
                self.assertEqual(peer.answers, [(True, token.encode() + b"\0")])
        _, peer = self.record(
            "ECDHE-ECDSA-AES256-GCM-SHA384", labcase.mariadb_plugins(), "ssl-verify-server-cert=1")
        self.assert_token(peer.answers[0], hostile.HOST, peer.port)


class Fingerprint(hostile.HostileCase):
    """ssl-fp. Up to 3.3 the library checks it beside the rest, so it changes nothing of the decision. Later
    it stands for the name: the certificate is the one that the user named."""

    def record(self, certificate, fingerprint, *more):
        self.write_options(labcase.mariadb_plugins(), "ssl-ca=RDS-CA", f"ssl-fp={fingerprint}", *more)
        with MySQLPeer(getattr(self.lab.certificates, certificate), Script()) as peer:
            text = self.dial("login", peer.port)
        return text, peer

    def fingerprint(self, certificate):
        path = getattr(self.lab.certificates, certificate).certificate
        shown = harness.run(["openssl", "x509", "-noout", "-fingerprint", "-sha1", "-in", path]).stdout
        return shown.strip().partition("=")[2]

    def test_the_right_one_does_not_stand_in_for_verification(self):
        text, peer = self.record("server", self.fingerprint("server"))
        self.assert_message("mariadb", text, NOT_VERIFIED)
        self.assert_no_token(peer)
        text, peer = self.record(
            "wrong_name", self.fingerprint("wrong_name"), "ssl-verify-server-cert=1")
        if VERIFIES_ITSELF:
            self.assert_token(peer.answers[0], hostile.HOST, peer.port)
        else:
            self.assertIn("ERROR 2026", text)
            self.assert_no_token(peer)

    def test_another_one_ends_the_connection(self):
        text, peer = self.record("server", self.fingerprint("wrong_name"), "ssl-verify-server-cert=1")
        self.assertIn("ERROR 2026", text)
        self.assert_no_token(peer)

    def test_control_the_right_one_beside_verification(self):
        _, peer = self.record("server", self.fingerprint("server"), "ssl-verify-server-cert=1")
        self.assert_token(peer.answers[0], hostile.HOST, peer.port)


class ChangedLater(MariadbCase):
    """TLS options that a program sets on an open connection change nothing of that connection, and are
    what the library reports at mysql_change_user()."""

    def change(self, verifies, first):
        """The connection is made as `first` says; then the CA is set, and whether to verify."""
        mariadb = self.lab.mariadb
        if first == UNVERIFIED:
            self.write_my_cnf(without=("ssl-ca", "ssl-verify-server-cert"), ssl_enforce=1)
        result = self.home.run(
            [SOURCES / "connections", "tls-later", mariadb.host, mariadb.port, labcase.USER, "native_user",
             self.lab.passwords["native_user"], self.lab.ca_file, verifies])
        connected, changed = result.stdout.splitlines()
        self.assertEqual(connected, "connect: native_user@%")
        return changed

    def test_less_is_refused(self):
        self.assertIn("2061 rds-iam: " + NOT_VERIFIED, self.change("0", VERIFIED))
        self.assert_nothing_sent()

    def test_without_a_change_the_connection_is_judged_as_it_is(self):
        self.assertIn("2061 rds-iam: " + NOT_VERIFIED, self.change("0", UNVERIFIED))
        self.assert_nothing_sent()

    def test_more_is_believed_as_security_md_says(self):
        """The limit: nothing in the library tells how the connection was made."""
        self.assertEqual(self.change("1", UNVERIFIED), f"change: {labcase.USER}@%")
        self.assertIn(
            "TLS options that a program changes on an open connection",
            " ".join((harness.SOURCE / "SECURITY.md").read_text(encoding="utf-8").split()))


if __name__ == "__main__":
    harness.main()
