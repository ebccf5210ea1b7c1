# SPDX-License-Identifier: MIT
"""Every fault of the SSO portal and of the renewal of SSO and sign-in tokens.

If the fault is harmless or ends early enough, the login succeeds. Otherwise the login fails within its time limit,
and its message names the source, the cause and a remedy. Each row gives the number of requests that the fault must
lead to."""

from cloud import CloudCase
from labcase import harness

# Each row: name of the fault, the fault, attempts, part of the message. A throttled request is repeated until the login's
# time is up.
THROTTLED = range(3, 9)
SSO = (
    ("500", {"kind": "status", "status": 500}, 3, "with status 500; try again later"),
    ("429", {"kind": "status", "status": 429}, THROTTLED, "with status 429; try again later"),
    ("400", {"kind": "status", "status": 400}, 1, "with status 400; check its endpoint"),
    ("401", {"kind": "status", "status": 401}, 1, "run: aws sso login --profile p"),
    ("malformed JSON", {"kind": "malformed"}, 1, "did not send a valid SSO response"),
    ("other JSON", {"kind": "body", "body": "{}"}, 1, "did not send a valid SSO response"),
    ("empty", {"kind": "empty"}, 1, "did not send a valid SSO response"),
    ("redirect", {"kind": "redirect"}, 1, "with status 302"),
    ("reset", {"kind": "reset"}, 3, "SSO's portal did not answer"),
    ("truncated", {"kind": "truncated"}, 3, "SSO's portal did not answer"),
    ("large", {"kind": "flood"}, 1, "sent no usable response: "),
    ("hang", {"kind": "hang"}, 2, "SSO's portal did not answer"),
    ("drip", {"kind": "drip"}, 2, "SSO's portal did not answer"),
)
# Faults of the renewal of an expired token. A renewal that hangs continues after the login. Therefore its row is the
# last one.
def renewal(login, service):
    return (
        ("500", {"kind": "status", "status": 500}, 3, "answered the renewal with status 500; try again"),
        ("400", {"kind": "status", "status": 400}, 1, f"run: {login} --profile p"),
        ("malformed JSON", {"kind": "malformed"}, 1, f"did not send a valid {service} response; try again"),
        ("other JSON", {"kind": "body", "body": "{}"}, 1, f"did not send a valid {service} response; try again"),
        ("empty", {"kind": "empty"}, 1, f"did not send a valid {service} response; try again"),
        ("redirect", {"kind": "redirect"}, 1, "answered the renewal with status 302; try again"),
        ("reset", {"kind": "reset"}, 3, "could not be renewed: "),
        ("truncated", {"kind": "truncated"}, 3, "could not be renewed: "),
        ("large", {"kind": "flood"}, 1, "the response is longer than 64 KB"),
        ("hang", {"kind": "hang"}, 2, "the renewal takes longer than a login allows; try again"),
    )


OIDC, SIGNIN = renewal("aws sso login", "SSO"), renewal("aws login", "sign-in")
# The number of rows: the faults of the SSO portal, and those of each of the two renewals.
ROWS = 13 + 2 * 10


class SessionFaults(CloudCase):
    SOURCES = (("sso", SSO, 3600), ("sso-oidc", OIDC, -60), ("signin", SIGNIN, -60))

    def ask(self, service, expires):
        """Makes a token without cached credentials, with a session whose own token expires in `expires` seconds. With a
        negative number, the session's token has expired."""
        if service == "signin":
            self.login_profile()
            self.aws_login(expires=expires)
        else:
            self.sso_profile()
            self.sso_login(expires=expires)
        self.credentials("--clear")
        return self.login(self.login_env() if service == "signin" else self.sso_env())

    def login(self, env):
        """Makes a token with `rds-iam token`, which has the 10 s limit of a login."""
        database = ["--hostname", self.lab.pg.host, "--port", "1", "--username", "u"]
        return self.home.run(
            [harness.installed("bin/rds-iam"), "token", *database], None, AWS_PROFILE="p", **env)

    def test_every_fault(self):
        rows = 0
        for service, faults, expires in self.SOURCES:
            for name, fault, tries, message in faults:
                rows += 1
                with self.subTest(service=service, fault=name):
                    self.lab.faults({"service": service, "times": 99, **fault})
                    before = len(self.lab.calls(service=service))
                    result = self.ask(service, expires)
                    self.assertEqual((result.returncode, result.stdout), (1, ""))
                    words = "the aws login of" if service == "signin" else "the SSO session of"
                    self.assertIn(words + " profile p", result.stderr)
                    self.assertIn(message, result.stderr)
                    self.assertIn(len(self.lab.calls(service=service)) - before,
                                  tries if tries == THROTTLED else [tries], result.stderr)
        self.assertEqual(rows, ROWS)

    def test_a_harmless_or_temporary_fault(self):
        for service, _, expires in self.SOURCES:
            for kind in ("reset", "status", "delay", "content-type"):
                with self.subTest(service=service, kind=kind):
                    self.lab.faults({"service": service, "kind": kind, "status": 503, "seconds": 0.2,
                                     "times": 2})
                    result = self.ask(service, expires)
                    self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_an_authority_that_is_not_trusted(self):
        for expires, message in ((3600, "SSO's portal could not be reached: "), (-60, "could not be renewed: ")):
            self.sso_profile()
            self.sso_login(expires=expires)
            result = self.login(self.sso_env(AWS_CA_BUNDLE=str(self.lab.ca_file)))
            self.assertEqual(result.returncode, 1)
            self.assertIn(message, result.stderr)
        self.assertEqual(self.calls(), [], "nothing was sent")

    def test_plain_http_is_only_allowed_on_loopback(self):
        self.sso_profile()
        self.sso_login(expires=-60)
        for name in ("SSO_OIDC", "SSO"):
            env = self.sso_env()
            env[f"AWS_ENDPOINT_URL_{name}"] = "http://192.0.2.1"
            result = self.login(env)
            self.assertIn(f"{name} must not be used over plain http; write https://192.0.2.1", result.stderr)


if __name__ == "__main__":
    harness.main()
