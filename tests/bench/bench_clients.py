# SPDX-License-Identifier: MIT
"""What rds-iam adds to the logins of real clients. One row compares `psql` under rds-iam exec with `psql` that is given
a token. The other row compares eight threads that log in to MariaDB in a loop: with our plugin, and with the
distribution's plugin and a given token."""
import os
import statistics

import hostile
import series
from labcase import USER, harness, mariadb_plugins
from mariadb_client import MariadbCase

PAIRS = int(os.environ.get("RIA_BENCH_PAIRS", "60"))
THREADS_PROGRAM = harness.BUILD / "tests/integration/src/endurance"
THREADS, LOGINS, WARM_UP = 8, 400, 8


class Clients(MariadbCase):
    def test_psql_under_exec(self):
        pg, ca = self.lab.pg, self.lab.ca_file
        psql = ["psql", "-XAtw", f"host={pg.host} port={pg.port} user={USER} dbname={self.lab.database_name} sslmode=verify-full"
                f" sslrootcert={ca}", "-c", "select 1"]
        tool = harness.installed("bin/rds-iam")
        given = series.Command(psql, self.home.env("etl", PGPASSWORD=self.lab.token("etl", pg, USER)))
        made = series.Command([tool, "exec", "--ca", ca, "--", *psql], self.home.env("etl"))
        without, under = (series.column(runs, 0) for runs in series.alternate([given, made], PAIRS))
        series.record("psql_exec", "psql, connect and select 1, elapsed: under rds-iam exec over none",
                      series.ratios(under, without), "times",
                      f"{statistics.median(under):.2f} and {statistics.median(without):.2f} ms")

    def test_threads(self):
        server = self.lab.mariadb
        argv = [THREADS_PROGRAM, server.host, server.port, USER, THREADS, WARM_UP, LOGINS]
        commands = []
        for directory, plugins, variable in (("ours_", mariadb_plugins(), "MYSQL_PWX"),
                                             ("stock", hostile.stock_plugins(), "MYSQL_PWD")):
            file = self.write_my_cnf(f"{directory}/.my.cnf", plugin_dir=plugins)
            token = self.lab.token("etl", server, USER)
            commands.append(series.Command(argv, self.home.env("etl", **{variable: token, "HOME": str(file.parent)})))
        ours, stock = (series.column(runs, 1) for runs in series.alternate(commands, max(PAIRS // 6, 3)))
        series.record("threads_cpu", "8 threads, processor time of a login: ours over stock", series.ratios(ours, stock), "times",
                      f"{statistics.median(ours) / LOGINS * 1000:.0f} and {statistics.median(stock) / LOGINS * 1000:.0f} us")


if __name__ == "__main__":
    harness.main()
