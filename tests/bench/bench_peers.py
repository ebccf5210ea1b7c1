# SPDX-License-Identifier: MIT
"""The cost of a token and of a login with rds-iam, compared with other ways to log in. The cost is a count of
instructions, which does not depend on the load of the machine. Writes the README's chart, token_cost.svg, to
build/report.

Callgrind counts the instructions of a program in user mode, with those of the programs that it starts. The network and
the server are not counted.
"""
import re
import shutil
import statistics
import tempfile

import series
from bench_token import botocore
from labcase import USER, Home, harness, rdslab
from mariadb_client import credentials_file

RUNS = 3
SECONDS = 600
COUNTED = re.compile(r"Collected : (\d+)")


class Peers:
    def __init__(self, lab, home):
        self.lab, self.home = lab, home
        self.tool = harness.installed("bin/rds-iam")
        home.write(".aws/credentials", credentials_file(lab.principals["etl"], "default"))

    def count(self, *argv, **env):
        """The median of the instructions of a command, which must succeed."""
        counts = []
        for _ in range(RUNS):
            result = self.home.run(
                ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--trace-children=yes",
                 "--trace-children-skip=*rds-iam-probe", *argv], None, timeout=SECONDS, **env)
            assert result.returncode == 0, result.stderr
            counts.append(sum(int(number) for number in COUNTED.findall(result.stderr)))
        return statistics.median(counts)

    def tokens(self):
        """(name, instructions) of each way to make one token, beginning with ours."""
        host, port = self.lab.pg.host, str(self.lab.pg.port)
        words = ["--hostname", host, "--port", port, "--username", USER, "--region", "us-east-1"]
        yield "rds-iam token", self.count(self.tool, "token", *words)
        yield "Python with botocore", self.count(*botocore()[0], host, USER)
        if aws := shutil.which("aws", path=self.home.env()["PATH"]):
            yield "aws rds generate-db-auth-token", self.count("/usr/bin/python3", aws, "rds", "generate-db-auth-token", *words)

    def logins(self):
        """(name, instructions with a given token, instructions with rds-iam) of each login."""
        pg, mariadb, ca = self.lab.pg, self.lab.mariadb, self.lab.ca_file
        psql = ["psql", "-XAtw", f"host={pg.host} port={pg.port} user={USER} dbname=shop sslmode=verify-full"
                f" sslrootcert={ca}", "-c", "select 1"]
        yield ("psql", self.count(*psql, PGPASSWORD=self.lab.token("etl", pg, USER)),
               self.count(self.tool, "exec", "--ca", ca, "--", *psql))
        client = ["mariadb", "--no-defaults", f"--ssl-ca={ca}", "--ssl-verify-server-cert", "-h", mariadb.host,
                  "-P", str(mariadb.port), "-u", USER, "-e", "select 1"]
        yield ("mariadb", self.count(*client, MYSQL_PWD=self.lab.token("etl", mariadb, USER)),
               self.count(self.tool, "exec", "--ca", ca, "--", *client))


def write_chart(bars, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "token_cost.svg").write_text(
        series.chart("Instructions to make one token", bars, "million"), encoding="utf-8")


def main():
    harness.WORK.mkdir(parents=True, exist_ok=True)
    with rdslab.Lab(harness.BUILD) as lab, tempfile.TemporaryDirectory(dir=harness.WORK):
        home = Home(lab)
        try:
            peers = Peers(lab, home)
            rows = list(peers.tokens())
            for name, value in rows:
                print(f"{name:32} {value / 1e6:10.2f} million  {value / rows[0][1]:8.1f}", flush=True)
            write_chart([(name, value / 1e6) for name, value in rows], harness.SOURCE / "build/report")
            for name, given, ours in peers.logins():
                print(f"a login of {name:21} {given / 1e6:10.2f} million with a given token, {ours / 1e6:.2f} million under"
                      f" rds-iam exec, ratio {ours / given:.3f}", flush=True)
        finally:
            home.remove()


if __name__ == "__main__":
    main()
