/* SPDX-License-Identifier: MIT
 *
 * rds-iam setup: prints or writes the configuration that existing programs need to use rds-iam, or
 * installs root certificates (setup ca). Selects the kind of setup from a table; each kind has its
 * own file. Rejects a missing or unknown kind. */
#include "cli/command_line.h"
#include "tool/tool.h"

static const struct ria_command_row kinds[] = {
    {"ca", "install the root certificates of RDS", ria_setup_ca},
    {"mysql", "programs for MySQL and MariaDB servers", ria_setup_mysql},
    {"policy", "the IAM policy that allows a login as one user to one database", ria_setup_policy},
    {"postgres", "programs that use libpq, for PostgreSQL servers", ria_setup_postgres},
    {"sql", "the SQL statements that create the database user", ria_setup_sql},
    {"trust-policy",
     "the trust policy of a role that a service of another account assumes",
     ria_setup_trust_policy},
};

static const struct ria_hint hints[] = {
    {"pg", "write postgres"},
    {"psql", "write postgres"},
    {"mariadb", "write mysql"},
    {0},
};

static const struct ria_command_group group = {
    .name = "rds-iam setup",
    .noun = "kind",
    .syntax =
        {
            .usage = "rds-iam setup KIND [OPTION...]\n",
            .about =
                "Prints the configuration with which existing programs log in with rds-iam. With\n"
                "--write, adds it to ~/.my.cnf or ~/.pg_service.conf. \"rds-iam setup ca\" "
                "installs\n"
                "root certificates.\n",
            .hints = hints,
            .notes =
                "The two policies for a service whose role SERVICE in account 210987654321 may\n"
                "log in to your database in account 123456789012:\n"
                "  rds-iam setup trust-policy --session-tags \\\n"
                "      --role-arn arn:aws:iam::210987654321:role/SERVICE\n"
                "  rds-iam setup policy --hostname ENDPOINT --username USER \\\n"
                "      --account 123456789012 --resource-id RESOURCE_ID\n"
                "\n"
                "Run rds-iam setup KIND --help for the options of a kind.\n",
        },
    .rows = kinds,
    .count = sizeof(kinds) / sizeof(kinds[0]),
};

int ria_command_setup(int argc, char **argv, const struct ria_world *world)
{
    return ria_command_run(&group, argc, argv, world);
}
