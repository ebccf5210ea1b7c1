# SPDX-License-Identifier: MIT
"""One matrix: each way to log in with rds-iam, against each server that cannot prove its name.

A way is a client program and the part of rds-iam that makes its token: a plugin, the preload, the agent or
`rds-iam check`. The servers are the scripted peers of IMPOSTORS. They record what they receive, and the test searches
the record for parts of a token and of a secret. The control of each way is a server that can prove its name: it gets
a token, and the same search finds it. What a client prints, and options that weaken verification, are tested in the
files of each client library.
"""
import hostile
import mysql_client
import mysql_programs
import oracle_programs
import pg_programs
import harness
import traces
from impostors import IMPOSTORS, VERIFIED, peer
from labcase import USER, mariadb_plugins
from service import Services

MYSQL_HOST = hostile.HOST
POSTGRESQL_HOST = "mypg.abcdefghijkl.us-east-1.rds.amazonaws.com"
ORACLE_LIBRARIES = harness.BUILD / "tests" / "loader"


class Ways(hostile.HostileCase):
    """Each of the functions after under_exec() logs in once. `name` is the name of the program in the module
    that lists the program. In oracle_environment(), it is the version of the library, in passfile() the service, and in
    check() the engine."""

    def under_exec(self, argv):
        return [harness.installed("bin/rds-iam"), "exec", "--ca", self.lab.ca_file, "--", *argv]

    def option_file(self, name, port):
        self.write_options(mariadb_plugins(), "ssl-ca=RDS-CA", "ssl-verify-server-cert=1")
        return self.home.run(hostile.CLIENTS[name](self.home, MYSQL_HOST, port, None), hostile.PRINCIPAL)

    def tool_under_exec(self, name, port):
        argv = [name, "-h", MYSQL_HOST, "-P", port, "-u", USER, *(["shop"] if "dump" in name else ["-e", "select 1"])]
        return self.home.run(self.under_exec(argv), hostile.PRINCIPAL)

    def mysql_program_under_exec(self, name, port):
        argv = mysql_programs.command(name, self.home, MYSQL_HOST, port, USER, "")
        return self.home.run(self.under_exec(argv), hostile.PRINCIPAL)

    def oracle_environment(self, name, port):
        options = [option.replace("RDS-CA", str(self.lab.ca_file)) for option in mysql_client.VERIFY_IDENTITY]
        argv = [mysql_client.PROGRAM, f"--library={name}", *options, MYSQL_HOST, port, USER]
        return self.home.run(argv, hostile.PRINCIPAL, **mysql_client.preload())

    def oracle_program_under_exec(self, name, port):
        argv = oracle_programs.command(name, ORACLE_LIBRARIES / "liboracle_90400.so",
                                       ORACLE_LIBRARIES / "says_who_90400", [MYSQL_HOST, port, USER])
        return self.home.run(self.under_exec(argv), hostile.PRINCIPAL)

    def pg_program_under_exec(self, name, port):
        argv = pg_programs.command(name, self.home, POSTGRESQL_HOST, port, USER, "work")
        return self.home.run(self.under_exec(argv), hostile.PRINCIPAL)

    def passfile(self, name, port):
        """The agent has the credentials; the client has none."""
        services = Services(self.home)
        services.add(name, host=POSTGRESQL_HOST, port=port)
        self.assertEqual(services.fill(hostile.PRINCIPAL).returncode, 0)
        return self.home.run(["psql", "-w", "-X", "-c", "select 1", f"service={name}"], None)

    def check(self, name, port):
        host = MYSQL_HOST if name == "mysql" else POSTGRESQL_HOST
        argv = [harness.installed("bin/rds-iam"), "check", "--engine", name, "--hostname", host, "--port", port,
                "--username", USER, "--ca", self.lab.ca_file]
        return self.home.run(argv, hostile.PRINCIPAL)


# The protocol, the function, and its argument `name`.
WAYS = (
    *(("mysql", Ways.option_file, name) for name in hostile.CLIENTS),
    *(("mysql", Ways.tool_under_exec, name) for name in ("mariadb", "mariadb-dump")),
    *(("mysql", Ways.mysql_program_under_exec, name) for name in ("a C program", "MySQLdb", "sysbench")),
    *(("mysql", Ways.oracle_environment, name) for name in mysql_client.LIBRARIES),
    *(("mysql", Ways.oracle_program_under_exec, name) for name in oracle_programs.PROGRAMS),
    *(("postgresql", Ways.pg_program_under_exec, name) for name in ("psql", "psycopg 3", "DBD::Pg")),
    ("postgresql", Ways.passfile, "rds"),
    ("mysql", Ways.check, "mysql"),
    ("postgresql", Ways.check, "postgres"),
)


class Matrix(Ways):
    def found(self, server):
        """Returns the parts of a token or of a secret that the server received."""
        secrets = traces.secrets_of(self.lab.principals[hostile.PRINCIPAL]) + [b"X-Amz-Signature="]
        return traces.find(server.received, secrets)

    def test_no_impostor_gets_a_part_of_a_token(self):
        for protocol, log_in, name in WAYS:
            for title, certificate in IMPOSTORS.items():
                with self.subTest(way=log_in.__name__, program=name, impostor=title), \
                        peer(self.lab, protocol, certificate) as server:
                    result = log_in(self, name, server.port)
                    self.assertGreater(result.returncode, 0, result)
                    self.assertGreaterEqual(server.connections, 1, f"control: the client connected: {result}")
                    self.assertEqual(self.found(server), [])

    def test_control_a_server_that_proves_its_name_gets_a_token(self):
        for protocol, log_in, name in WAYS:
            with self.subTest(way=log_in.__name__, program=name), peer(self.lab, protocol, VERIFIED) as server:
                result = log_in(self, name, server.port)
                self.assertNotEqual(self.found(server), [], result)
                self.assertEqual({is_encrypted for is_encrypted, data in server.answers if data.strip(b"\0")}, {True})


if __name__ == "__main__":
    harness.main()
