# SPDX-License-Identifier: MIT
"""`rds-iam check`: a shell script in place of rds-iam-probe prints what the probe would print, and is killed at the
deadline or reports a failure of OpenSSL."""
import os
import shutil

from check_case import CheckCase
from labcase import harness


class Probe(CheckCase):
    def with_probe(self, login, script):
        """Returns the login with a shell script in place of rds-iam-probe, which runs only for the connection to the
        server. The login is tried with rds-iam-probe."""
        probe = harness.installed("libexec/rds-iam/rds-iam-probe")
        copy = self.home.path / "probe"
        shutil.copy(probe, copy)
        path = self.home.write("probe.sh", f'#!/bin/sh\n[ "$1" = tls ] || exec {copy} "$@"\n{script}\n')
        path.chmod(0o755)
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        return login.change(under=("unshare", *user, "--mount", "sh", "-c",
                                   'mount --bind "$0" "$1" && shift && exec "$@"', str(path), str(probe)))

    def test_a_probe_that_is_killed_at_the_deadline(self):
        """The item is the step that was not completed."""
        resolved = "echo dns_us 2000000; echo canonical db; echo addresses 10.0.0.1 10.0.0.2"
        connected = f"{resolved}; echo address 10.0.0.1; echo tcp_us 5"
        wait = "exec sleep 60"
        limit = {"PGCONNECT_TIMEOUT": "2"}
        for lines, name, text, remedy, cause in (
                ("", "DNS", "no answer in time", "The DNS server does not respond.", "unreached"),
                (f"{resolved}; ", "TCP", "10.0.0.1 10.0.0.2: no answer in time", "Nothing answers.", "unreached"),
                (f"{connected}; ", "TLS", "the server did not answer within 2 s", "Compare host,", "no-answer")):
            with self.subTest(name=name):
                output = self.check(self.with_probe(self.login_to("postgres", env=limit), lines + wait))
                item = output.item(name)
                self.assertEqual((item["mark"], item["text"]), ("fault", text))
                self.assertTrue(item["remedy"].startswith(remedy), item["remedy"])
                self.assertEqual((output.status, output.causes), (4, (cause,)), output.stdout)

    def test_a_failure_of_openssl_is_no_fault_of_the_server(self):
        """The real client refuses the server, because its file of root certificates is another one."""
        connected = "echo dns_us 1; echo addresses 10.0.0.1; echo address 10.0.0.1; echo tcp_us 5; echo engine postgres"
        other = self.home.write("other.pem", self.lab.other_ca_file.read_text())
        login = self.login_to("postgres", ca=str(other))
        unread = self.check(self.with_probe(login, f"{connected}; echo error_stage ca; echo error bad input"))
        remedy = "omit --ca, and run: rds-iam setup ca"
        text = f"{other}: OpenSSL cannot load these root certificates (bad input); {remedy}"
        self.assertEqual((unread.item("TLS")["mark"], unread.item("TLS")["text"]), ("fault", text))
        self.assertEqual(unread.causes, ("no-root-certificates",), unread.stdout)
        self.assertEqual(unread.document["causes"][0]["remedy"], text)
        broken = self.check(self.with_probe(login, f"{connected}; echo error_stage library; echo error no ciphers"))
        item = broken.item("TLS")
        self.assertEqual((item["mark"], item["text"], item["remedy"]), (
            "fault", "OpenSSL cannot be used: no ciphers",
            "Check the installation and the configuration of OpenSSL on this machine."))
        self.assertNotIn("no-answer", broken.causes, broken.stdout)
        self.assertNotIn("Compare host", unread.stdout + broken.stdout)


if __name__ == "__main__":
    harness.main()
