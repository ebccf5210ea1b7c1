# SPDX-License-Identifier: MIT
"""Tests the verifier, on whose verdicts the tests of logins depend: it accepts valid tokens, and rejects tokens that
differ from a valid one in one character or one parameter."""
import dataclasses
import pathlib
import re
import string
import unittest

HERE = pathlib.Path(__file__).resolve().parent
import control
import fixture
import harness
import iam
from mint import mint, mint_dsql
from verifier import Verifier

USER = "clickpipes_iam_user"
NOW = 1_750_000_000
PORTS = {"postgresql": 5432, "mariadb": 3306}

# Digits, letters of both cases, and characters that separate or encode other characters.
ALPHABET = string.ascii_letters + string.digits + "%&=/:?+-._~ \0\n"


class VerifierCase(unittest.TestCase):
    def setUp(self):
        self.entries = fixture.load()
        self.database = self.entries.databases["mariadb"]
        self.now = NOW
        self.verifier = Verifier(self.entries, PORTS, lambda: self.now)

    def mint(self, principal="etl", user=USER, **overrides):
        if isinstance(principal, str):
            principal = self.entries.principals[principal]
        target = {"host": self.database.endpoints[0], "port": 3306, "region": "us-east-1", "at": NOW}
        return mint(principal, user=user, **{**target, **overrides})

    def reason(self, token, user=USER):
        return self.verifier.verify(self.database.resource_id, user, token.encode()).reason


def mutants(text):
    """Texts that differ from the given text in one character, which is replaced, removed, repeated or appended."""
    for i, char in enumerate(text):
        # Replacements: the neighbors in the alphabet, the other case, "%" and "0". Every position is changed, but not
        # to every character.
        at = ALPHABET.find(char)
        others = {ALPHABET[at - 1], ALPHABET[(at + 1) % len(ALPHABET)], char.swapcase(), "%", "0"}
        for other in sorted(others - {char}):
            yield text[:i] + other + text[i + 1:]
        yield text[:i] + text[i + 1:]
        yield text[:i] + char + text[i:]
    yield text + "0"
    yield text + "&"


class Life(unittest.TestCase):
    """Tokens that the lab's clock expires before their own expiry."""

    def test_the_age_is_counted_in_whole_seconds(self):
        clock = control.Clock()
        for now, ended in ((100.0, False), (102.999, False), (103.0, True)):
            clock.now = lambda: now  # noqa: B023 (called at once)
            clock.set(0.0, life=2)
            self.assertEqual(clock.is_expired(100), ended, now)
            clock.set(0.0)
            self.assertFalse(clock.is_expired(100), "control: without a life the token has not expired")
        clock.set(0.0, oldest=101)
        self.assertEqual([clock.is_expired(second) for second in (100, 101)], [True, False])


class Mutants(VerifierCase):
    def test_no_mutant_of_a_valid_token_is_accepted(self):
        for principal in ("etl", "etl-session"):
            with self.subTest(principal=principal):
                good = self.mint(principal)
                self.assertIsNone(self.reason(good))
                tried = {mutant for mutant in mutants(good) if mutant != good}
                self.assertGreater(len(tried), 5 * len(good))
                self.assertEqual([m for m in tried if self.reason(m) is None], [])
                self.assertIsNone(self.reason(good), "control: the valid token is still accepted")
                print(f"# {principal}: {len(tried)} mutants of {len(good)} characters")

    def test_each_endpoint_accepts_only_tokens_of_its_database(self):
        for database in self.entries.databases.values():
            for name in database.endpoints:
                token = mint(
                    self.entries.principals["etl"], name, PORTS[database.engine], USER,
                    database.region, at=NOW)
                for other in self.entries.databases.values():
                    reason = self.verifier.verify(other.resource_id, USER, token.encode()).reason
                    self.assertEqual(reason, None if other is database else "WrongHost")


class Reasons(VerifierCase):
    """For each defect of a token, the word that the verdict gives as the reason."""

    def changed(self, name, **changes):
        return dataclasses.replace(self.entries.principals[name], **changes)

    def rows(self):
        stolen = self.entries.principals["etl-session"].session_token
        good = self.mint()
        return (
            (None, good),
            (None, self.mint(at=NOW - 900)),
            (None, self.mint(at=NOW + 300)),
            (None, self.mint(host=self.database.endpoints[1])),
            (None, self.mint("etl-session")),
            ("WrongHost", self.mint(host=self.entries.databases["postgresql"].endpoints[0])),
            ("WrongHost", self.mint(host=self.database.endpoints[0].upper())),
            ("WrongHost", self.mint(host=self.database.endpoints[0] + ".")),
            ("WrongHost", self.mint(port=3307)),
            ("WrongUser", self.mint(user="other_iam_user")),
            ("WrongUser", self.mint(user=USER.upper())),
            ("WrongScope", self.mint(region="eu-west-1")),
            ("WrongScope", self.mint(service="dsql")),
            ("InvalidClientTokenId", self.mint(self.changed("etl", access_key="AKIANOBODY"))),
            ("InvalidClientTokenId", self.mint(self.changed("etl", session_token=stolen))),
            ("InvalidClientTokenId", self.mint(self.changed("etl-session", session_token=None))),
            ("InvalidClientTokenId", self.mint(self.changed("etl-session", session_token="x"))),
            ("SignatureDoesNotMatch", self.mint(self.changed("etl", secret_key="guessed"))),
            ("SignatureDoesNotMatch", good[:-1] + ("0" if good[-1] != "0" else "1")),
            ("NotYetValid", self.mint(at=NOW + 301)),
            ("Expired", self.mint(at=NOW - 901)),
            ("Expired", self.mint(at=NOW - 61, life=60)),
            ("Expired", self.mint("etl-expired")),
            ("AccessDenied", self.mint("no-policy")),
            ("AccessDenied", self.mint("denied")),
            ("AccessDenied", self.mint("foreign")),
            ("Malformed", ""),
            ("Malformed", "a typed password"),
            ("Malformed", "https://" + good),
            ("Malformed", self.mint(life=901)),
            ("Malformed", self.mint(life=0)),
            ("Malformed", good.replace("Action=connect&", "")),
            ("Malformed", good + "&X-Amz-Expires=900"),
            ("Malformed", good + "&Extra=1"),
            ("Malformed", good.replace("%2F", "%2f")),
        )

    def test_each_reason_is_given_for_its_cause(self):
        for number, (reason, token) in enumerate(self.rows()):
            with self.subTest(row=number, reason=reason):
                self.assertEqual(self.reason(token), reason)

    def test_a_database_user_that_no_policy_names(self):
        self.assertEqual(self.reason(self.mint(user="other_iam_user"), "other_iam_user"), "AccessDenied")

    def test_the_rows_contain_every_reason(self):
        known = set(re.findall(r'Refused\(\s*"(\w+)"', (HERE / "verdict/verifier.py").read_text()))
        self.assertEqual(known, {reason for reason, _ in self.rows() if reason} | {"IamOff", "WrongAction"})

    def test_a_database_without_iam_authentication(self):
        verifier = Verifier(self.entries, PORTS, lambda: NOW, iam_off={self.database.engine})
        token = self.mint().encode()
        self.assertEqual(verifier.verify(self.database.resource_id, USER, token).reason, "IamOff")
        self.assertIsNone(self.verifier.verify(self.database.resource_id, USER, token).reason, "control")

    def test_a_verdict_contains_no_token(self):
        for _, token in self.rows():
            detail = self.verifier.verify(self.database.resource_id, USER, token.encode()).detail
            self.assertNotIn("X-Amz-Signature=", detail)
            if token:
                self.assertNotIn(token[-64:], detail)


class Dsql(VerifierCase):
    """Tokens of Aurora DSQL: for each defect, the reason; and no token of one service is valid for the other."""

    def sign(self, principal="dsql-app", action="DbConnect", **overrides):
        target = {"host": self.entries.dsql.endpoints[0], "region": "us-east-1", "at": NOW}
        return mint_dsql(self.entries.principals[principal], action=action, **{**target, **overrides})

    def verdict(self, token, user="app_user"):
        return self.verifier.verify(self.entries.dsql.resource_id, user, token.encode())

    def test_reasons(self):
        good, admin = self.sign(), self.sign("dsql-admin", "DbConnectAdmin")
        rows = (
            (None, "app_user", good),
            (None, "admin", admin),
            (None, "app_user", self.sign(host=self.entries.dsql.endpoints[1])),
            (None, "app_user", self.sign(life=604800, at=NOW - 604000)),
            ("WrongAction", "admin", good),
            ("WrongAction", "app_user", admin),
            ("WrongAction", "app_user", self.sign(action="DbConnectAdmin")),
            ("WrongAction", "Admin", admin),
            ("AccessDenied", "admin", self.sign(action="DbConnectAdmin")),
            ("AccessDenied", "app_user", self.sign("dsql-admin")),
            ("AccessDenied", "app_user", self.sign("etl")),
            ("AccessDenied", "other_user", good),
            ("WrongHost", "app_user", self.sign(host=good.partition(".")[0] + ".dsql.us-east-2.on.aws")),
            ("WrongScope", "app_user", self.sign(region="us-east-2")),
            ("WrongScope", "app_user", self.sign(service="rds-db")),
            ("Expired", "app_user", self.sign(at=NOW - 901)),
            ("SignatureDoesNotMatch", "app_user", good.replace("Expires=900", "Expires=901")),
            ("Malformed", "app_user", self.sign(life=604801)),
            ("Malformed", "app_user", self.sign(action="connect")),
            ("Malformed", "app_user", self.sign(host=self.entries.dsql.endpoints[0] + ":5432")),
            ("Malformed", "app_user", good.replace("Action=DbConnect", "Action=DbConnect&DBUser=app_user")),
            ("Malformed", "app_user", self.mint("dsql-app", "app_user", host=self.entries.dsql.endpoints[0])),
        )
        for reason, user, token in rows:
            verdict = self.verdict(token, user)
            self.assertEqual(verdict.reason, reason, (verdict, user, token))
            self.assertNotIn(token[-64:], verdict.detail)
        self.assertEqual(self.reason(good), "Malformed", "a token of Aurora DSQL at an RDS database")

    def test_no_mutant_of_a_valid_token_is_accepted(self):
        good = self.sign()
        tried = {mutant for mutant in mutants(good) if mutant != good}
        self.assertGreater(len(tried), 5 * len(good))
        self.assertEqual([m for m in tried if self.verdict(m).reason is None], [])
        self.assertIsNone(self.verdict(good).reason, "control: the valid token is still accepted")


class Policies(unittest.TestCase):
    """Elements of IAM policies, with one row for each."""

    ARN = "arn:aws:rds-db:us-east-1:123456789012:dbuser:db-A/etl"

    def answer(self, *statements):
        policies = [{"Version": "2012-10-17", "Statement": list(statements)}]
        return iam.evaluate(policies, "rds-db:connect", self.ARN)

    def test_decisions(self):
        def allow(resource, action="rds-db:connect", effect="Allow"):
            return {"Effect": effect, "Action": action, "Resource": resource}

        rows = (
            (iam.ALLOW, [allow(self.ARN)]),
            (iam.ALLOW, [allow("*", "*")]),
            (iam.ALLOW, [allow(["no", "arn:aws:rds-db:*:*:dbuser:*/e?l"], "RDS-DB:Con*")]),
            (iam.ALLOW, [{"Effect": "Allow", "NotAction": "s3:*", "NotResource": "x"}]),
            (iam.IMPLICIT_DENY, []),
            (iam.IMPLICIT_DENY, [allow(self.ARN + "x")]),
            (iam.IMPLICIT_DENY, [allow(self.ARN.upper())]),
            (iam.IMPLICIT_DENY, [allow("*", "rds:connect")]),
            (iam.ALLOW, [allow(self.ARN.replace("etl", "e*l"))]),
            (iam.IMPLICIT_DENY, [allow(self.ARN.replace("etl", "e${*}l"))]),
            (iam.DENY, [allow("*"), allow("*/etl", "*", "Deny")]),
            (iam.DENY, [allow("*", "*", "Deny"), allow("*")]),
        )
        for expected, statements in rows:
            with self.subTest(statements=statements):
                self.assertEqual(self.answer(*statements), expected)

    def test_escaped_wildcards_stand_for_themselves(self):
        def answer(pattern, user):
            resource = "arn:aws:rds-db:us-east-1:123456789012:dbuser:db-A/"
            statement = {"Effect": "Allow", "Action": "rds-db:connect", "Resource": resource + pattern}
            policy = {"Version": "2012-10-17", "Statement": [statement]}
            return iam.evaluate([policy], "rds-db:connect", resource + user)

        rows = (("a${*}b", "a*b", "axb"), ("a${?}b", "a?b", "axb"), ("${$}{x}", "${x}", "x"),
                ("${$}${*}", "$*", "$x"))
        for pattern, literal, other in rows:
            with self.subTest(pattern=pattern):
                self.assertEqual(answer(pattern, literal), iam.ALLOW)
                self.assertEqual(answer(pattern, other), iam.IMPLICIT_DENY)
        self.assertEqual(answer("a*b", "axb"), iam.ALLOW, "control: a wildcard")

    def test_unsupported_elements_are_errors(self):
        good = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        for change in (
            {"Condition": {}}, {"Effect": "allow"}, {"Resource": []}, {"NotAction": "*"},
            {"Resource": "${aws:username}"},
        ):
            with self.subTest(change=change), self.assertRaises(iam.PolicyError):
                self.answer({**good, **change})


if __name__ == "__main__":
    harness.main()
