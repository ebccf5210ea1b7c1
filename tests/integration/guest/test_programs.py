# SPDX-License-Identifier: MIT
"""Which programs run, and which libraries they map. Only rds-iam-fetch maps libcurl, and it runs only to fetch
credentials."""
import re
import shutil

from cloud import CloudCase
from labcase import USER, harness
from mariadb_client import CONFIG
from service import Services, agent_program

# Libraries that only rds-iam-fetch links.
NETWORK_LIBRARIES = ("libcurl.so", "libjansson.so", "libexpat.so")
MAPS_AT_EXIT = harness.BUILD / "tests/integration/src/maps_at_exit.so"


class ProgramsCase(CloudCase):
    def setUp(self):
        super().setUp()
        self.traces = self.home.path / "traces"

    def write_role(self):
        arn = self.lab.roles["rds-access"].arn
        hosts = (self.lab.mariadb.host, self.lab.pg.host)
        self.home.write(CONFIG, "".join(f"[{host}]\nrole_arn = {arn}\n" for host in hosts))

    def token_argv(self):
        return [harness.installed("bin/rds-iam"), "token", "--hostname", self.lab.pg.host, "--port", "1",
                "--username", USER]

    def traced(self, argv, principal, **env):
        """Runs a program that must succeed. Returns the contents of the files that it wrote to the traces
        directory."""
        shutil.rmtree(self.traces, ignore_errors=True)
        self.traces.mkdir()
        result = self.home.run(argv, principal, **self.cloud_env(**env))
        self.assertEqual(result.returncode, 0, result.stderr)
        return [path.read_text() for path in self.traces.iterdir()]


class Maps(ProgramsCase):
    def maps(self, argv, principal):
        preload = f"{self.lab.client_env()['LD_PRELOAD']} {MAPS_AT_EXIT}"
        (text,) = self.traced(argv, principal, LD_PRELOAD=preload, MAPS_AT_EXIT=str(self.traces))
        return text

    def assert_guest(self, maps, own):
        self.assertIn(own, maps, "control: the list is complete")
        self.assertIn("libcrypto.so", maps)
        for library in NETWORK_LIBRARIES:
            self.assertNotIn(library, maps)

    def test_the_mariadb_client_maps_no_network_library(self):
        plugin = "mysql_clear_password.so"
        self.assert_guest(self.maps(self.argv(), "etl"), plugin)
        self.write_role()
        self.assert_guest(self.maps(self.argv(), "etl-base"), plugin)
        self.assertEqual(len(self.calls()), 1, "rds-iam-fetch ran for the second login")
        self.assert_accepted(2)

    def test_rds_iam_token_maps_no_network_library(self):
        self.assert_guest(self.maps(self.token_argv(), "etl"), "/bin/rds-iam\n")

    def test_the_agent_maps_no_network_library(self):
        services = Services(self.home)
        services.add("shop")
        argv = [agent_program(), "--once", "--directory", services.directory]
        self.assert_guest(self.maps(argv, "etl"), "/bin/rds-iam-agent\n")

    def test_control_rds_iam_fetch_maps_the_network_libraries(self):
        self.traces.mkdir()
        result = self.home.run(
            [harness.installed("libexec/rds-iam/rds-iam-fetch")], None,
            LD_PRELOAD=str(MAPS_AT_EXIT), MAPS_AT_EXIT=str(self.traces))
        self.assertEqual(result.returncode, 2, "rds-iam-fetch ends, because no client sends a request")
        (path,) = self.traces.iterdir()
        for library in NETWORK_LIBRARIES:
            self.assertIn(library, path.read_text())


class Starts(ProgramsCase):
    """rds-iam-fetch starts only for credentials that must be fetched and are not cached, and never for static keys."""

    def executed(self, argv, principal="etl-base"):
        """Returns the programs that were executed, as strace prints them. If the process that calls execve() is not
        dumpable, a strace that does not run as root prints an address in place of the path."""
        trace = self.traces / "trace"
        (text,) = self.traced(
            ["strace", "-f", "-qq", "-e", "trace=execve", "-e", "signal=none", "-o", str(trace), *map(str, argv)],
            principal)
        # The line of a failed call contains " = -1 " and does not count. A line that ends with "<unfinished ...>" shows
        # no result, and counts.
        return re.findall(r"execve\(([^,]+)(?!.* = -1 )", text)

    def check(self, argv):
        self.assertEqual(len(self.executed(argv, "etl")), 1, "static keys")
        self.write_role()
        cold = self.executed(argv)
        self.assertEqual(len(cold), 2, "control: a cold start")
        self.assertEqual(len(self.executed(argv)), 1, "cached credentials")
        self.assertEqual(len(self.calls()), 1)
        return cold

    def test_the_mariadb_client_starts_rds_iam_fetch_only_to_fetch_credentials(self):
        self.assertIn("/rds-iam-fetch", self.check(self.argv())[1])

    def test_rds_iam_token_starts_rds_iam_fetch_only_to_fetch_credentials(self):
        self.check(self.token_argv())


if __name__ == "__main__":
    harness.main()
