# SPDX-License-Identifier: MIT
"""Tests the lab's STS: to which callers it gives a session, and whether the verifier accepts tokens of the session.
botocore signs the requests. test_cloud.py tests whole clients such as the AWS CLI."""
import re
import time
import unittest

import harness
import iam
import rdslab
from rawclient import sts, tags

USER = "clickpipes_iam_user"


def mariadb(lab, keys, user=USER):
    """An unmodified client's login with a token made with these keys, at the real time."""
    token = lab.token(keys, lab.mariadb, user)
    return harness.run(
        ["mariadb", "--no-defaults", f"--ssl-ca={lab.ca_file}", "--ssl-verify-server-cert", "-N",
         "-h", lab.mariadb.host, "-P", lab.mariadb.port, "-u", user, "-e", "select 1"],
        env=lab.client_env(MYSQL_PWD=token))


def psql(lab, keys, user=USER):
    token = lab.token(keys, lab.pg, user)
    return harness.run(
        ["psql", "-XAtwc", "select 1",
         f"host={lab.pg.host} port={lab.pg.port} user={user} dbname={lab.database_name}"
         f" sslmode=verify-full sslrootcert={lab.ca_file}"],
        env=lab.client_env(PGPASSWORD=token))


class StsCase(unittest.TestCase):
    """One lab for all tests of a class. Every test starts with the real time."""

    @classmethod
    def setUpClass(cls):
        cls.lab = rdslab.Lab(harness.BUILD).start()
        cls.addClassCleanup(cls.lab.stop)
        cls.base = cls.lab.principals["etl-base"]

    def setUp(self):
        self.lab.clock(0)

    def assume(self, role, caller=None, **parameters):
        arn = self.lab.roles[role].arn if role in self.lab.roles else role
        wanted = {"Action": "AssumeRole", "RoleArn": arn, "RoleSessionName": "etl"}
        return sts(self.lab, caller or self.base, **{**wanted, **parameters})

    def session(self, role, caller=None, **parameters):
        reply = self.assume(role, caller, **parameters)
        self.assertEqual(reply.status, 200, reply.body)
        return reply.keys()

    def web(self, token, role="web-identity", **parameters):
        return sts(
            self.lab, None, Action="AssumeRoleWithWebIdentity", RoleArn=self.lab.roles[role].arn,
            RoleSessionName="etl", WebIdentityToken=token, **parameters)

    def assert_refused(self, reply, status, code, message, detail=""):
        """The response has this status, code and message, and the record of calls has this cause (detail). If detail is
        "", the record must have a cause, but any text is accepted."""
        self.assertEqual((reply.status, reply.text("Code")), (status, code), reply.body)
        self.assertRegex(reply.text("Message"), message)
        call = self.lab.calls()[-1]
        self.assertEqual((call["status"], call["code"]), (status, code))
        self.assertTrue(call["detail"])
        if detail:
            self.assertRegex(call["detail"], detail)
        self.assertIsNone(call["issued"])


class Signatures(StsCase):
    def test_get_caller_identity(self):
        reply = sts(self.lab, self.base, Action="GetCallerIdentity")
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual(reply.text("Arn"), "arn:aws:iam::210987654321:user/etl-base")
        self.assertEqual(reply.text("Account"), "210987654321")
        self.assertEqual(reply.headers["content-type"], "text/xml")
        self.assertEqual(reply.text("RequestId"), reply.headers["x-amzn-requestid"])
        reply = sts(self.lab, self.session("rds-access"), Action="GetCallerIdentity")
        self.assertEqual(reply.text("Arn"), "arn:aws:sts::123456789012:assumed-role/rds-access/etl")
        self.assertRegex(reply.text("UserId"), "^AROA[0-9A-Z]{17}:etl$")

    def rows(self):
        """(status, code, message, arguments of sts())"""
        now = time.time()
        no_match = "The request signature we calculated does not match"
        china = {"host": "sts.cn-north-1.amazonaws.com.cn", "region": "cn-north-1"}
        guessed = rdslab.Keys(self.base.access_key, "guessed", None)
        stray = rdslab.Keys(self.base.access_key, self.base.secret_key, "stray")
        unknown = rdslab.Keys("AKIANOBODY", "guessed", None)
        expired = self.lab.principals["etl-expired"]
        return (
            (403, "MissingAuthenticationToken", "Request is missing", {"keys": None}),
            (403, "IncompleteSignature", "not of the form", {"change": set_header(
                "Authorization", "AWS4-HMAC-SHA256 Credential=x")}),
            (403, "IncompleteSignature", "'basic format'. Got 'today'", {"change": set_header(
                "X-Amz-Date", "today")}),
            (403, "InvalidClientTokenId", "security token .* is invalid", {"keys": unknown}),
            (403, "InvalidClientTokenId", "security token .* is invalid", {"keys": stray}),
            (403, "InvalidClientTokenId", "security token .* is invalid", china),
            (403, "ExpiredToken", "token included in the request is expired", {"keys": expired}),
            (403, "SignatureDoesNotMatch", no_match, {"keys": guessed}),
            (403, "SignatureDoesNotMatch", no_match, {"change": set_body}),
            (403, "SignatureDoesNotMatch", no_match, {"change": set_header("Content-Type",
                                                     "application/x-www-form-urlencoded")}),
            (403, "SignatureDoesNotMatch", no_match, {"change": set_header("X-Amz-Extra", "1")}),
            (403, "SignatureDoesNotMatch", no_match, {"change": set_header(
                "X-Amz-Content-SHA256", "0" * 64)}),
            (403, "SignatureDoesNotMatch",
             r"^Signature expired: (\d+T\d+Z) is now earlier than \d+T\d+Z \(\d+T\d+Z - 5 min\.\)$",
             {"at": now - 310}),
            (403, "SignatureDoesNotMatch",
             r"^Signature not yet current: (\d+T\d+Z) is still later than \d+T\d+Z "
             r"\(\d+T\d+Z \+ 5 min\.\)$", {"at": now + 310}),
            (403, "SignatureDoesNotMatch", "scoped to a valid region", {"region": "eu-west-1"}),
            (403, "SignatureDoesNotMatch", "scoped to a valid region",
             {"host": "sts.amazonaws.com", "region": "eu-west-1"}),
            (403, "SignatureDoesNotMatch", "scoped to a valid region",
             {"host": "127.0.0.1", "region": "mars-north-1"}),
            (403, "SignatureDoesNotMatch", "correct service: 'sts'", {"service": "rds-db"}),
            (403, "RegionDisabledException", "not activated in this region for account:210987654321",
             {"host": "sts.ap-east-1.amazonaws.com", "region": "ap-east-1"}),
            (400, "InvalidAction", "Could not find operation GetThings for version 2011-06-15",
             {"Action": "GetThings"}),
            (400, "InvalidAction", "version 2010-01-01", {"Version": "2010-01-01"}),
        )

    def test_each_refusal_has_its_code_and_message(self):
        for number, (status, code, message, arguments) in enumerate(self.rows()):
            with self.subTest(row=number, code=code):
                wanted = {"keys": self.base, "Action": "GetCallerIdentity", **arguments}
                self.assert_refused(sts(self.lab, **wanted), status, code, message)

    def test_host_names_of_regions(self):
        rows = (
            ("sts.amazonaws.com", "us-east-1", "etl-base"),
            ("sts.eu-west-1.amazonaws.com", "eu-west-1", "etl-base"),
            ("sts-fips.us-east-1.amazonaws.com", "us-east-1", "etl-base"),
            ("sts.us-east-1.api.aws", "us-east-1", "etl-base"),
            ("sts.cn-north-1.amazonaws.com.cn", "cn-north-1", "etl-cn"),
            ("127.0.0.1", "us-west-2", "etl-base"),
        )
        for host, region, name in rows:
            with self.subTest(host=host):
                reply = sts(self.lab, self.lab.principals[name], host=host, region=region,
                            Action="GetCallerIdentity")
                self.assertEqual(reply.status, 200, reply.body)

    def test_the_lab_has_one_clock(self):
        """If the lab's clock is ahead, a request signed now is too old, and the Date header shows the lab's time."""
        self.lab.clock(600)
        reply = sts(self.lab, self.base, Action="GetCallerIdentity")
        self.assert_refused(reply, 403, "SignatureDoesNotMatch", "^Signature expired")
        ahead = time.time() + 600
        shown = time.mktime(time.strptime(reply.headers["date"], "%a, %d %b %Y %H:%M:%S GMT"))
        self.assertLess(abs(shown - time.timezone - ahead), 60)
        reply = sts(self.lab, self.base, at=ahead, Action="GetCallerIdentity")
        self.assertEqual(reply.status, 200, reply.body)


class AssumeRole(StsCase):
    def rows(self):
        """(role, caller, parameters, status, code, message, detail in the record)"""
        role_session = self.session("etl-hop", **tags(["team"], team="etl", shift="day"))
        untagged = self.lab.principals["etl-base-untagged"]
        no_policy = self.lab.principals["no-policy"]
        base, denied = "user/etl-base is not authorized", "AccessDenied"
        invalid, validation = "InvalidParameterValue", "ValidationError"
        many = {f"key{number}": "v" * 200 for number in range(30)}
        return (
            ("rds-access-external", None, {}, 403, denied,
             f"^User: arn:aws:iam::210987654321:{base} to perform: sts:AssumeRole on resource: "
             "arn:aws:iam::123456789012:role/team/rds-access-external$", "^trust policy: Implicit"),
            ("rds-access-external", None, {"ExternalId": "other"}, 403, denied, base, "trust"),
            ("rds-access-untagged", None, tags(team="etl"), 403, denied,
             "perform: sts:TagSession", "^trust policy: ImplicitDeny sts:TagSession"),
            ("rds-access", untagged, tags(team="etl"), 403, denied,
             "perform: sts:TagSession", "^caller's policy: ImplicitDeny sts:TagSession"),
            ("rds-access", no_policy, {}, 403, denied, "sts:AssumeRole", "^caller's policy"),
            ("rds-access-tagged", None, tags(dbuser="postgres"), 403, denied, base, "trust policy"),
            ("rds-access-mfa", None, {}, 403, denied, base, "trust policy"),
            ("rds-access-mfa", None, {"SerialNumber": self.base.mfa["serial"],
                                      "TokenCode": "000000"}, 403, denied, "invalid MFA", ""),
            ("rds-access", role_session, {"TransitiveTagKeys.member.1": "team",
             **tags(team="x")}, 400, invalid, "conflicts with a transitive tag key", ""),
            ("rds-access", role_session, tags(Team="x"), 400, invalid, "conflicts", ""),
            ("rds-access", None, tags(team="a", Team="b"), 400, invalid, "Duplicate tag keys", ""),
            ("rds-access", None, tags(["other"], team="a"), 400, invalid, "must be included", ""),
            ("rds-access-untagged", role_session, {}, 403, denied, "sts:AssumeRole", "trust"),
            ("arn:aws:iam::123456789012:role/rds-access-none", None, {}, 403, denied, base, "no such"),
            ("rds-access", None, {"DurationSeconds": "7201"}, 400, validation,
             "exceeds the MaxSessionDuration set for this role", ""),
            ("rds-access", role_session, {"DurationSeconds": "3601"}, 400, validation,
             "exceeds the 1 hour session limit for roles assumed by role chaining", ""),
            ("rds-access", None, {"DurationSeconds": "899"}, 400, validation,
             "^1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy "
             "constraint: Member must have value greater than or equal to 900$", ""),
            ("rds-access", None, {"DurationSeconds": "43201"}, 400, validation, "less than", ""),
            ("rds-access", None, {"RoleSessionName": "a b"}, 400, validation,
             r"Value 'a b' at 'roleSessionName' failed .* pattern: \[\\w", ""),
            ("rds-access", None, {"RoleSessionName": "!", "ExternalId": "x"}, 400, validation,
             "^3 validation errors detected: ", ""),
            ("rds-access", None, tags(**{"a*": "b"}), 400, validation, "tags.1.member.key", ""),
            ("rds-access", None, tags(team="b*"), 400, validation, "tags.1.member.value", ""),
            ("rds-access", None, tags(["", "team"], team="b"), 400, validation,
             "^1 validation error detected: Value '' at 'transitiveTagKeys.1.member'", ""),
            ("rds-access", None, tags(["a*"], team="b"), 400, validation, "transitiveTagKeys.1.member", ""),
            ("rds-access", None, tags(["a" * 129], team="b"), 400, validation, "equal to 128", ""),
            ("rds-access", None, tags(map(str, range(51)), team="b"), 400, validation,
             "'transitiveTagKeys' must have length less than or equal to 50", ""),
            ("rds-access", None, {"TransitiveTagKeys.member.2": "a"}, 400, validation, "without a gap", ""),
            ("rds-access", None, {"Tags.member.2.Key": "a"}, 400, validation, "without a gap", ""),
            ("rds-access", None, {"ExternalID": "xx"}, 400, validation, "know .* ExternalID", ""),
            ("rds-access", None, tags(**many), 400, "PackedPolicyTooLarge", "consumes 150%", ""),
            ("rds-access", None, {"Policy": "{"}, 400, "MalformedPolicyDocument", "JSON", ""),
            ("rds-access", None, {"Policy": '{"Statement": {"Effect": "Maybe"}}'}, 400,
             "MalformedPolicyDocument", "Syntax errors in policy", "Effect"),
        )

    def test_each_refusal_has_its_code_message_and_cause(self):
        for number, (role, caller, parameters, *expected) in enumerate(self.rows()):
            with self.subTest(row=number, role=role):
                self.assert_refused(self.assume(role, caller, **parameters), *expected)

    def test_allowed_requests(self):
        hop = self.session("etl-hop")
        rows = (
            ("rds-access", None, {}),
            ("rds-access", None, {**tags(["team"], team="e t=l"), "DurationSeconds": "7200"}),
            ("rds-access", self.lab.principals["etl-base-untagged"], {}),
            ("rds-access", None, {"SourceIdentity": "ada"}),
            ("rds-access", hop, {"DurationSeconds": "3600", **tags(team="etl")}),
            ("rds-access-external", None, {"ExternalId": "etl/4711"}),
            ("rds-access-untagged", None, {}),
            ("rds-access-tagged", None, tags(dbuser=USER)),
            ("rds-access-mfa", None, {"SerialNumber": self.base.mfa["serial"],
                                      "TokenCode": self.base.mfa["code"]}),
            ("rds-access-cn", self.lab.principals["etl-cn"],
             {"host": "sts.cn-north-1.amazonaws.com.cn", "region": "cn-north-1"}),
        )
        for number, (role, caller, parameters) in enumerate(rows):
            with self.subTest(row=number, role=role):
                reply = self.assume(role, caller, **parameters)
                self.assertEqual(reply.status, 200, reply.body)
                seconds = int(parameters.get("DurationSeconds", 3600))
                left = timestamp(reply.text("Expiration")) - time.time()
                self.assertLess(abs(left - seconds), 30)
                self.assertEqual(self.lab.calls()[-1]["issued"], reply.text("AccessKeyId"))
                self.assertTrue(1200 <= len(reply.text("SessionToken")) <= 2000)

    def test_a_session_logs_in_on_both_databases(self):
        for role, parameters in (
            ("rds-access", tags(["team"], team="etl")),
            ("rds-access-external", {"ExternalId": "etl/4711"}),
            ("rds-access-tagged", tags(dbuser=USER)),
        ):
            keys = self.session(role, **parameters)
            for client in (psql, mariadb):
                with self.subTest(role=role, client=client.__name__):
                    result = client(self.lab, keys)
                    self.assertEqual(result.stdout, "1\n", result.stderr)
                    verdict = self.lab.last_verdict()
                    self.assertEqual((verdict["reason"], verdict["principal"]),
                                     (None, self.lab.roles[role].session_arn("etl")))

    def test_a_session_without_permission_or_with_wrong_keys_is_refused(self):
        narrow = ('{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:*",'
                  ' "Resource": "*"}}')
        revoked, expired = self.session("rds-access"), self.session("rds-access")
        self.lab.revoke(revoked)
        self.lab.expire(expired)
        changed = self.session("rds-access")
        rows = (
            ("AccessDenied", self.session("rds-access-powerless")),
            ("AccessDenied", self.session("etl-hop")),  # a role of another account
            ("AccessDenied", self.session("rds-access-tagged", **tags(dbuser="clickpipes_other"))),
            ("AccessDenied", self.session("rds-access", Policy=narrow)),
            ("InvalidClientTokenId", revoked),
            ("Expired", expired),
            ("InvalidClientTokenId", rdslab.Keys(changed.access_key, changed.secret_key, "other")),
        )
        for number, (reason, keys) in enumerate(rows):
            for client in (psql, mariadb):
                with self.subTest(row=number, client=client.__name__):
                    self.assertNotEqual(client(self.lab, keys).returncode, 0)
                    self.assertEqual(self.lab.last_verdict()["reason"], reason)

    def test_a_session_expires_by_the_lab_clock(self):
        keys = self.session("rds-access", DurationSeconds="900")
        for offset, reason in ((880, None), (920, "Expired")):
            self.lab.clock(offset)
            token = self.lab.token(keys, self.lab.pg, USER, at=time.time() + offset)
            harness.run(
                ["psql", "-XAtwc", "select 1", f"host={self.lab.pg.host} port={self.lab.pg.port}"
                 f" user={USER} dbname={self.lab.database_name} sslmode=require"],
                env=self.lab.client_env(PGPASSWORD=token))
            self.assertEqual(self.lab.last_verdict()["reason"], reason)

    def test_a_chained_session_logs_in_and_an_inherited_tag_is_not_a_request_tag(self):
        hop = self.session("etl-hop", **tags(["dbuser"], dbuser=USER, shift="day"))
        last = self.session("rds-access", hop)
        self.assertEqual(mariadb(self.lab, last).stdout, "1\n")
        # The trust policy checks the tags of the request, and an inherited tag is not among them.
        self.assertEqual(self.assume("rds-access-tagged", hop).status, 403)

    def test_the_record_contains_the_request_and_no_secret(self):
        keys = self.session("rds-access", **tags(team="a b"))
        call = self.lab.calls(service="sts", operation="AssumeRole")[-1]
        self.assertEqual(call["caller"], self.base.access_key)
        self.assertEqual(call["parameters"]["Tags.member.1.Value"], "a b")
        self.assertEqual(call["signed_headers"], ["content-type", "host", "x-amz-date"])
        self.assertIn("authorization", call["headers"])
        self.assume("rds-access", keys)
        self.web(self.lab.web_identity())
        text = self.lab._http("/calls")
        self.assertIn(self.base.access_key, text, "control: the record contains the access key")
        for secret in (keys.secret_key, keys.session_token, self.base.secret_key, "Signature=",
                       self.lab.web_identity()[:40]):
            self.assertNotIn(secret, text)


class WebIdentity(StsCase):
    def test_a_valid_token_gets_a_session_of_the_role(self):
        reply = self.web(self.lab.web_identity())
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual(reply.text("SubjectFromWebIdentityToken"), "system:serviceaccount:etl:etl")
        self.assertEqual(reply.text("Audience"), "sts.amazonaws.com")
        self.assertEqual(mariadb(self.lab, reply.keys()).stdout, "1\n")
        call = self.lab.calls()[-1]
        self.assertRegex(call["parameters"]["WebIdentityToken"], r"^\(\d+ characters\)$")
        self.assertIsNone(call["caller"])

    def test_each_refusal_has_its_code_and_message(self):
        mint, now = self.lab.web_identity, int(time.time())
        good = mint()
        head, body, signature = good.split(".")
        other = "eyJzdWIiOiJyb290In0"
        denied = "^Not authorized to perform sts:AssumeRoleWithWebIdentity$"
        rows = (
            (mint(subject="system:serviceaccount:other:etl"), 403, "AccessDenied", denied),
            (mint(expires=now - 1), 400, "ExpiredTokenException",
             rf"^Token expired: current date/time \d+ must be before the .* {now - 1}$"),
            (mint(audience="somebody"), 400, "InvalidIdentityToken", "^Incorrect token audience$"),
            (mint(provider="issuer.example.com"), 400, "InvalidIdentityToken",
             "No OpenIDConnect provider found in your account for https://issuer.example.com"),
            ("not a token", 400, "InvalidIdentityToken", "is not a valid JWT"),
            (f"{head}.{body}.{signature[:-8]}AAAAAAAA", 400, "InvalidIdentityToken", "not valid"),
            (f"{head}.{other}.{signature}", 400, "InvalidIdentityToken", "No OpenIDConnect"),
            (good + "\n", 400, "InvalidIdentityToken", "is not a valid JWT"),
            ("x", 400, "ValidationError", "'webIdentityToken' failed to satisfy constraint"),
        )
        for number, (token, *expected) in enumerate(rows):
            with self.subTest(row=number):
                self.assert_refused(self.web(token), *expected)
        with self.subTest("a role that trusts others"):
            self.assert_refused(self.web(good, "rds-access"), 403, "AccessDenied", denied, "trust")


class Conditions(unittest.TestCase):
    """Elements of trust policies and conditions, with one row for each."""

    CALLER = iam.Caller("AWS", frozenset({"arn:aws:iam::1:user/a", "1", "arn:aws:iam::1:root"}))
    CONTEXT = {"sts:externalid": "x/1", "aws:principaltag/team": "e*l", "aws:requesttag/a": "b"}

    def answer(self, **change):
        statement = {"Effect": "Allow", "Principal": {"AWS": "1"}, "Action": "sts:AssumeRole"}
        policy = {"Version": "2012-10-17", "Statement": [{**statement, **change}]}
        return iam.evaluate_trust(policy, "sts:AssumeRole", self.CALLER, self.CONTEXT)

    def test_decisions(self):
        def when(operator, key, *wanted):
            return {"Condition": {operator: {key: list(wanted)}}}

        rows = (
            (iam.ALLOW, {}),
            (iam.ALLOW, {"Principal": {"AWS": ["no", "arn:aws:iam::1:user/a"]}}),
            (iam.IMPLICIT_DENY, {"Principal": {"AWS": "arn:aws:iam::2:root"}}),
            (iam.IMPLICIT_DENY, {"Principal": {"Service": "1"}}),
            (iam.IMPLICIT_DENY, {"Action": "sts:TagSession"}),
            (iam.DENY, {"Effect": "Deny"}),
            (iam.ALLOW, when("StringEquals", "sts:ExternalId", "no", "x/1")),
            (iam.IMPLICIT_DENY, when("StringEquals", "sts:ExternalId", "x/*")),
            (iam.IMPLICIT_DENY, when("StringEquals", "sts:ExternalId", "X/1")),
            (iam.ALLOW, when("StringLike", "STS:EXTERNALID", "x/?")),
            (iam.IMPLICIT_DENY, when("StringEquals", "sts:RoleSessionName", "x")),
            (iam.ALLOW, when("StringNotEquals", "sts:RoleSessionName", "x")),
            (iam.IMPLICIT_DENY, when("StringNotEquals", "sts:ExternalId", "x/1")),
            (iam.IMPLICIT_DENY, when("StringNotLike", "sts:ExternalId", "x*")),
            (iam.IMPLICIT_DENY, when("Bool", "aws:MultiFactorAuthPresent", "true")),
            (iam.ALLOW, when("StringEquals", "aws:RequestTag/A", "b")),
            (iam.IMPLICIT_DENY, when("StringEquals", "aws:RequestTag/A", "${aws:PrincipalTag/z}")),
            # A wildcard in the value of a variable is an ordinary character.
            (iam.ALLOW, when("StringLike", "aws:PrincipalTag/team", "${aws:PrincipalTag/team}")),
            (iam.IMPLICIT_DENY, when("StringLike", "sts:ExternalId", "${aws:PrincipalTag/team}")),
        )
        for number, (expected, change) in enumerate(rows):
            with self.subTest(row=number):
                self.assertEqual(self.answer(**change), expected)

    def test_unsupported_elements_are_errors(self):
        for change in (
            {"Principal": "*"}, {"Principal": {"AWS": "*"}}, {"Principal": {"Canonical": "x"}},
            {"Principal": {}}, {"NotPrincipal": {"AWS": "1"}}, {"Resource": "*"},
            {"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}},
            {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
            {"Condition": {"StringEquals": {"aws:SourceIp": "x"}}},
            {"Condition": {"StringEquals": {"sts:ExternalId": "${aws:username}"}}},
            {"Condition": {"StringEquals": {"sts:ExternalId": "${aws:PrincipalTag/x"}}},
            {"Condition": {"StringEquals": {"sts:ExternalId": []}}},
            {"Condition": {"StringEquals": {}}},
        ):
            with self.subTest(change=change), self.assertRaises(iam.PolicyError):
                self.answer(**change)


def timestamp(text):
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text):
        raise AssertionError(f"{text} is not a time in STS's format")
    return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone


def set_header(name, value):
    def change(request):
        if name in request.headers:
            del request.headers[name]
        request.headers[name] = value

    return change


def set_body(request):
    request.data += b"&Extra=1"


if __name__ == "__main__":
    harness.main()
