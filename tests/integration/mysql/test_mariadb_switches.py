# SPDX-License-Identifier: MIT
"""Settings that weaken or replace the library's TLS verification although the library still reports it as on: an
environment variable, cipher suites, a pinned fingerprint, and options that a program changes on an open connection.

The variable is MARIADB_TLS_DISABLE_PEER_VERIFICATION. If it is set, some releases of Connector/C 3.4 do not check
the certificate. Debian 12 and 13 do not have these releases, so the tests use Debian's libmariadb with a preloaded
library that makes libmariadb act like such a release. Debian's own library and command ignore the variable, so the
plugin must not refuse their logins."""
import ssl

import hostile
import labcase

import harness
import traces
from mariadb_client import UNVERIFIED as NOT_VERIFIED, VERIFIES_ITSELF, MariadbCase
from impostors import IMPOSTORS
from mysql_peer import MySQLPeer, Script

NAME = "MARIADB_TLS_DISABLE_PEER_VERIFICATION"
SOURCES = harness.BUILD / "tests" / "integration" / "src"
SKIPS = SOURCES / "skips_verification.so"
OPTIONS = ("ssl-ca=RDS-CA", "ssl-verify-server-cert=1")
WITH_TLS = [certificate for certificate in IMPOSTORS.values() if certificate is not None]
# The library only checks that getenv() finds the variable. The value has no effect.
VALUES = ("1", "0", "")
REFUSED = (
    "the server's certificate was not verified, so no token was sent; "
    f"{NAME} is set, so this library verifies no certificate; unset it")

hostile.CLIENTS.update({
    "login": lambda home, host, port, password: [SOURCES / "login", host, port, labcase.USER],
})

# The state of a connection before the program changes its options.
VERIFIED, UNVERIFIED = "verified", "unverified"


def affected_library(**variables):
    """Returns an environment in which libmariadb uses the variable as the affected releases do."""
    return {"LD_PRELOAD": f"libnss_wrapper.so:{SKIPS}", **variables}


class Variable(hostile.HostileCase):
    def record(self, client, certificate, plugins=None, more=(), **environment):
        self.write_options(plugins or labcase.mariadb_plugins(), *OPTIONS, *more)
        with MySQLPeer(getattr(self.lab.certificates, certificate), Script()) as peer:
            text = self.dial(client, peer.port, **environment)
        return text, peer

    def test_control_with_the_stock_plugin_an_affected_library_sends_its_password_to_an_impostor(self):
        """The password is a token."""
        token = self.token()
        for certificate in WITH_TLS:
            for value in VALUES:
                with self.subTest(certificate=certificate, value=value):
                    _, peer = self.record(
                        "login", certificate, hostile.stock_plugins(), (f'password="{token}"',),
                        **affected_library(**{NAME: value}))
                    self.assertEqual(peer.answers, [(True, token.encode() + b"\0")])
                    self.assertNotEqual(traces.find(peer.received, [traces.signature(token)]), [])

    def test_an_impostor_gets_no_token(self):
        for certificate in WITH_TLS:
            for value in VALUES:
                with self.subTest(certificate=certificate, value=value):
                    text, peer = self.record("login", certificate, **affected_library(**{NAME: value}))
                    self.assert_message("mariadb", text, REFUSED)
                    self.assertEqual(peer.answers, [(True, b"\0")])
                    self.assert_no_token(peer)

    def test_a_token_given_as_the_password_needs_verification(self):
        token = self.token()
        text, peer = self.record(
            "login", "wrong_name", more=(f'password="{token}"',), **affected_library(**{NAME: "1"}))
        self.assert_message("mariadb", text, REFUSED)
        self.secrets.append(traces.signature(token))
        self.assert_no_token(peer)

    def test_without_the_variable_an_affected_library_verifies(self):
        for certificate in WITH_TLS:
            text, peer = self.record("login", certificate, **affected_library())
            self.assertIn("ERROR 2026", text)
            self.assert_no_token(peer)
        _, peer = self.record("login", "server", **affected_library())
        self.assert_token(peer.answers[0], hostile.HOST, peer.port)

    def test_a_library_that_does_not_know_the_variable_is_not_refused(self):
        """Tests Debian's library in two programs, and Debian's mariadb command, which links the library
        statically."""
        for client in ("login", "MySQLdb", "mariadb"):
            for value in VALUES:
                with self.subTest(client=client, value=value):
                    _, peer = self.record(client, "server", **{NAME: value})
                    self.assert_token(peer.answers[0], hostile.HOST, peer.port)
                    text, peer = self.record(client, "wrong_name", **{NAME: value})
                    self.assertIn("ERROR 2026", text)
                    self.assert_no_token(peer)

    def test_a_program_that_sets_the_variable_itself(self):
        """The program sets the variable between two logins of one connection. With an affected
        library, the plugin refuses the second login. With Debian's own library, both logins work."""
        mariadb = self.lab.mariadb
        self.write_options(labcase.mariadb_plugins(), *OPTIONS)
        argv = [SOURCES / "connections", "reconnect", mariadb.host, mariadb.port, labcase.USER, NAME, "1"]
        result = self.home.run(argv, **affected_library())
        self.assertEqual(
            result.stdout.splitlines(),
            [f"connect: {labcase.USER}@%", f"reconnect: 2061 rds-iam: {REFUSED}"], result.stderr)
        result = self.home.run(argv)
        self.assertEqual(
            result.stdout.splitlines(),
            [f"connect: {labcase.USER}@%", f"reconnect: {labcase.USER}@%"], result.stderr)


class Ciphers(hostile.HostileCase):
    """Cipher suites that ssl-cipher can allow, with a peer that accepts them. Version 3.4 and later of the library
    always requires a certificate."""

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
                # With the second suite, the server sends no certificate. If verification were on, the library
                # would fail.
                verifies = ("ssl-verify-server-cert=1",) if suite.startswith("ECDHE") else ()
                text, peer = self.record(suite, labcase.mariadb_plugins(), *verifies)
                if VERIFIES_ITSELF and not verifies:
                    self.assert_ended_by_the_library(text, peer)
                    continue
                self.assert_message("mariadb", text, self.PLAIN + self.REMEDY)
                self.assertEqual(peer.answers, [(True, b"\0")])
                self.assert_no_token(peer)

    def test_a_suite_without_a_certificate(self):
        """If verification is on, the library itself fails without a certificate. If only the CA is set, versions before
        3.4 do not fail."""
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

    def test_control_such_peers_get_the_stock_plugins_password_and_other_peers_a_token(self):
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
    """The option ssl-fp, a pinned fingerprint. Up to version 3.3, the library checks the fingerprint in addition to
    the name. In later versions, the fingerprint replaces the check of the name, because the user has pinned this very
    certificate."""

    def record(self, certificate, fingerprint, *more):
        self.write_options(labcase.mariadb_plugins(), "ssl-ca=RDS-CA", f"ssl-fp={fingerprint}", *more)
        with MySQLPeer(getattr(self.lab.certificates, certificate), Script()) as peer:
            text = self.dial("login", peer.port)
        return text, peer

    def fingerprint(self, certificate):
        path = getattr(self.lab.certificates, certificate).certificate
        shown = harness.run(["openssl", "x509", "-noout", "-fingerprint", "-sha1", "-in", path]).stdout
        return shown.strip().partition("=")[2]

    def test_a_matching_fingerprint_does_not_replace_verification(self):
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

    def test_another_fingerprint_ends_the_connection(self):
        text, peer = self.record("server", self.fingerprint("wrong_name"), "ssl-verify-server-cert=1")
        self.assertIn("ERROR 2026", text)
        self.assert_no_token(peer)

    def test_control_a_matching_fingerprint_with_verification(self):
        _, peer = self.record("server", self.fingerprint("server"), "ssl-verify-server-cert=1")
        self.assert_token(peer.answers[0], hostile.HOST, peer.port)


class ChangedLater(MariadbCase):
    """A program changes TLS options on an open connection. The connection itself does not change, but the library
    reports the new options to the plugin at mysql_change_user()."""

    def change(self, verifies, first):
        """Connects in the state `first` (VERIFIED or UNVERIFIED). Then sets the CA, gives the verification option the
        value `verifies`, and changes the user. Returns the line that the program prints after the change of user."""
        mariadb = self.lab.mariadb
        if first == UNVERIFIED:
            self.write_my_cnf(without=("ssl-ca", "ssl-verify-server-cert"), ssl_enforce=1)
        result = self.home.run(
            [SOURCES / "connections", "tls-later", mariadb.host, mariadb.port, labcase.USER, "native_user",
             self.lab.passwords["native_user"], self.lab.ca_file, verifies])
        connected, changed = result.stdout.splitlines()
        self.assertEqual(connected, "connect: native_user@%")
        return changed

    def test_verification_switched_off_is_refused(self):
        self.assertIn("2061 rds-iam: " + NOT_VERIFIED, self.change("0", VERIFIED))
        self.assert_nothing_sent()

    def test_an_unverified_connection_without_a_change_is_refused(self):
        self.assertIn("2061 rds-iam: " + NOT_VERIFIED, self.change("0", UNVERIFIED))
        self.assert_nothing_sent()

    def test_verification_switched_on_is_trusted_as_security_md_states(self):
        """A limit of the product: the library does not tell the plugin how the connection was made."""
        self.assertEqual(self.change("1", UNVERIFIED), f"change: {labcase.USER}@%")
        self.assertIn(
            "If a program changes TLS options on an open connection",
            " ".join((harness.SOURCE / "SECURITY.md").read_text(encoding="utf-8").split()))


if __name__ == "__main__":
    harness.main()
