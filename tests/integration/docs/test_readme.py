# SPDX-License-Identifier: MIT
"""README.md: a user with an empty home directory logs in with the commands of the README.

tests/long/test_empty_root.py runs the section Install.
"""
import os
import pathlib
import tempfile
import time

from documents import README
from labcase import harness
from user_machine import DocsCase, plays
from trust_server import TrustServer

LIMIT = 180
# A user of the lab's AWS who may log in as each database user.
PRINCIPAL = "every-user"


class Readme(DocsCase):
    changes_servers = True

    def start_trust_server(self, network):
        """Starts a server in a network. It stands for Amazon's server of root certificates, and sends the
        root certificate of the lab."""
        directory = self.enterContext(tempfile.TemporaryDirectory(prefix="trust-", dir=harness.WORK))
        pathlib.Path(directory).chmod(0o755)
        server = self.enterContext(TrustServer(directory, network=network, hosts=self.lab.hosts_file.read_text()))
        server.body.write_bytes(self.lab.ca_file.read_bytes())
        return server

    def trust_server(self):
        return self.start_trust_server(self.network)

    @plays(README, "Quick start", "Permanent settings", "When it fails")
    def test_the_commands_of_the_readme(self):
        # Without the machine's store, the clients must use the one that `rds-iam setup ca` makes for the user.
        self.assertEqual(self.network.run(["rm", "-rf", "/etc/rds-iam"], env={"PATH": "/bin"}).returncode, 0)
        server = self.trust_server()
        self.words = {"DB_USER": "app"}  # not a user of the lab: the README's SQL creates it
        start = time.monotonic()
        outputs = self.play(README, "Quick start", PRINCIPAL, order=("sql",))
        print(f"# the quick start took {time.monotonic() - start:.1f} s", flush=True)
        self.assertIn("/global/global-bundle.pem", server.requests.read_text())
        self.assertTrue((self.home.path / ".config/rds-iam/rds-ca.pem").exists())
        self.assertIn('"rds-db:connect"', list(outputs.values())[-1])
        self.assert_logins(2, PRINCIPAL, "app")
        seen = len(self.verdicts())
        self.play(README, "Permanent settings", PRINCIPAL)
        self.assertEqual(len(self.verdicts()), seen + 2)
        for text in self.play(README, "When it fails", PRINCIPAL).values():
            self.assertIn("The login works.", text)
        self.assert_logins(seen + 2 + 4, PRINCIPAL, "app")
        self.assertEqual(sorted(path.name for path in self.home.path.iterdir()),
                         [".cache", ".config", ".my.cnf", ".pg_service.conf"])

    def test_control_before_the_sql_no_user_exists(self):
        command = self.fill(f"rds-iam exec --ca {self.lab.ca_file} -- mariadb -h MYSQL_ENDPOINT -u missing")
        self.assertIn("ERROR 1045", self.run_command(command, PRINCIPAL).stderr)


if os.geteuid() != 0:
    # A machine has an /etc and a /usr of its own, which only root can mount.
    del Readme
if __name__ == "__main__":
    harness.main()
