# SPDX-License-Identifier: MIT
"""A user's home on a machine in a network namespace of the lab. There the host names of AWS and the address
of the metadata service lead to the lab, and no other network can be reached. Two Host objects with the same
path stand for two machines that share a home."""
from cloud import REGION, CloudCase
from labcase import Home, harness
from mariadb_client import MariadbCase


class Host(Home):
    """A test's home on a machine of the network. The only reference to the lab in its environment is the CA
    of the lab's AWS."""

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
        """Runs Debian's AWS CLI to get the caller's identity. Returns the result, with the ARN on stdout."""
        return self.run(
            ["aws", "sts", "get-caller-identity", "--output", "text", "--query", "Arn"],
            AWS_DEFAULT_REGION=REGION, **extra)


class NetworkCase(MariadbCase):
    """self.home is not in a network. Tests make a Host of it."""

    def setUp(self):
        super().setUp()
        self.lab.faults()
        self._calls = len(self.lab.calls())

    def calls(self):
        """Returns the requests that the lab's AWS received since the last call of this method, or since the start of
        the test."""
        found = self.lab.calls()[self._calls:]
        self._calls += len(found)
        return found

    def login(self, host, **extra):
        """Runs `mariadb` on the host and checks the login. Returns the principal that the server saw."""
        result = host.run(self.argv(), **extra)
        self.assert_logged_in(result)
        return self.lab.last_verdict()["principal"]


class HostCase(NetworkCase):
    """Makes one network for the class. self.host is the test's home in it."""

    sso_profile, sso_login = CloudCase.sso_profile, CloudCase.sso_login

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.network = cls.enterClassContext(cls.lab.network())

    def setUp(self):
        super().setUp()
        self.host = Host(self.home, self.network)
