# SPDX-License-Identifier: MIT
"""A user's home on a machine that has AWS's true addresses and no way out: a network namespace of the
lab's. Two of them on one path are two machines that share a home."""
from cloud import REGION, CloudCase
from labcase import Home, harness
from mariadb_client import MariadbCase


class Host(Home):
    """The home of a test, as seen from inside a network. Nothing in its environment leads to the lab
    but the CA of its AWS."""

    def __init__(self, home, network):
        self.lab, self.path = home.lab, home.path
        self.network = network

    def env(self, principal=None, **extra):
        keys = self.lab.principals[principal].env() if principal else {}
        return self.network.client_env(**{"HOME": str(self.path), **keys, **extra})

    def run(self, argv, principal=None, stdin=None, timeout=120, **extra):
        return harness.run(
            self.network.command(argv, cwd=self.path), env=self.env(principal, **extra), stdin=stdin,
            timeout=timeout)

    def caller(self, **extra):
        """Whom Debian's AWS CLI finds itself to be: its result, with the ARN on stdout."""
        return self.run(
            ["aws", "sts", "get-caller-identity", "--output", "text", "--query", "Arn"],
            AWS_DEFAULT_REGION=REGION, **extra)


class NetworkCase(MariadbCase):
    """self.home is in no network; tests make a Host of it."""

    def setUp(self):
        super().setUp()
        self.lab.faults()
        self._calls = len(self.lab.calls())

    def calls(self):
        """What the lab's AWS was asked since the last look."""
        found = self.lab.calls()[self._calls:]
        self._calls += len(found)
        return found

    def login(self, host, **extra):
        """`mariadb` logs in from there. Returns who the server thinks it was."""
        result = host.run(self.argv(), **extra)
        self.assert_logged_in(result)
        return self.lab.last_verdict()["principal"]


class HostCase(NetworkCase):
    """One network for the class; self.host is the test's home in it."""

    sso_profile, sso_login = CloudCase.sso_profile, CloudCase.sso_login

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.network = cls.enterClassContext(cls.lab.network())

    def setUp(self):
        super().setUp()
        self.host = Host(self.home, self.network)
