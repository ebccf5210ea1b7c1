# SPDX-License-Identifier: MIT
"""Tokens that only the server can reject. The client prints the server's ERROR 1045. The lab's journal contains the
reason. In one test, rds-iam itself rejects the credentials, because it knows that they have expired."""

from labcase import USER, harness
from mariadb_client import CONFIG, MariadbCase


class Refusals(MariadbCase):
    def assert_denied(self, result, reason, user=USER):
        """Checks that the server rejected a complete token, for this reason."""
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"ERROR 1045 (28000): Access denied for user '{user}'@", result.stderr)
        self.assertNotIn("rds-iam: ", result.stderr)
        self.assert_refused(reason)
        self.assertGreater(self.verdicts()[-1]["token_length"], 300)

    def test_a_token_that_is_too_old_or_from_the_future(self):
        for offset, reason in ((1000, "Expired"), (-1000, "NotYetValid")):
            with self.subTest(reason=reason):
                self.lab.clock(offset)
                self.assert_denied(self.mariadb(), reason)
        # The server accepts a token until 900 s after the token's time, and from 300 s before it.
        for offset in (800, -200):
            with self.subTest(offset=offset):
                self.lab.clock(offset)
                self.assert_logged_in(self.mariadb())

    def test_the_wrong_region(self):
        self.home.write(CONFIG, f"[{self.lab.mariadb.host}]\nregion = eu-west-1\n")
        self.assert_denied(self.mariadb(), "WrongScope")

    def test_the_wrong_port_and_the_wrong_host(self):
        host, other = self.lab.mariadb.host, self.lab.pg.host
        for endpoint in (f"{host}:3306", f"{other}:{self.lab.mariadb.port}"):
            with self.subTest(endpoint=endpoint):
                self.home.write(CONFIG, f"[{host}]\nendpoint = {endpoint}\n")
                self.assert_denied(self.mariadb(), "WrongHost")
                self.assertIn(f"signed for {endpoint},", self.verdicts()[-1]["detail"])

    def test_a_token_of_another_user_given_as_the_password(self):
        token = self.lab.token("etl", self.lab.mariadb, "other_iam_user")
        self.assert_denied(self.mariadb(MYSQL_PWD=token), "WrongUser")

    def test_identities_without_permission(self):
        for principal in ("no-policy", "denied", "foreign"):
            with self.subTest(principal=principal):
                self.assert_denied(self.mariadb(principal=principal), "AccessDenied")

    def test_an_iam_user_that_no_policy_names(self):
        self.assert_denied(self.mariadb(user="other_iam_user"), "AccessDenied", "other_iam_user")

    def test_keys_that_aws_rejects(self):
        changes = (
            ({"AWS_ACCESS_KEY_ID": "AKIALABUNKNOWNEXAMPL"}, "InvalidClientTokenId"),
            ({"AWS_SECRET_ACCESS_KEY": "of/another+user"}, "SignatureDoesNotMatch"),
            ({"AWS_SESSION_TOKEN": "stray"}, "InvalidClientTokenId"),
        )
        for change, reason in changes:
            with self.subTest(**change):
                self.assert_denied(self.mariadb(**change), reason)

    def test_expired_credentials_with_unknown_expiration(self):
        self.assert_denied(self.mariadb(principal="etl-expired"), "Expired")
        self.assertIn("credentials of etl-expired", self.verdicts()[-1]["detail"])

    def test_expired_credentials_with_known_expiration(self):
        result = self.mariadb(
            principal="etl-expired", AWS_CREDENTIAL_EXPIRATION="2020-01-01T00:00:00Z")
        self.assert_message(
            result, "the AWS credentials of the environment expired at 20200101T000000Z; get new ones")


if __name__ == "__main__":
    harness.main()
