/* SPDX-License-Identifier: MIT
 *
 * rds-iam setup: prints or writes the configuration with which existing programs use rds-iam, or
 * installs root certificates (setup ca). Selects the kind of setup from a table; each kind has its
 * own file. Rejects a missing or unknown kind. */
#include "tool/tool.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: rds-iam setup KIND [OPTION...]\n"
    "\n"
    "Prints the configuration with which existing programs log in with rds-iam. With\n"
    "--write, adds it to ~/.my.cnf or ~/.pg_service.conf. \"rds-iam setup ca\" installs\n"
    "root certificates.\n"
    "\n"
    "kinds:\n"
    "  ca            install the root certificates of RDS: rds-iam setup ca --help\n"
    "  mysql         programs for MySQL and MariaDB servers\n"
    "  policy        the IAM policy that allows a login as one user to one database\n"
    "  postgres      programs that use libpq, for PostgreSQL servers\n"
    "  sql           the SQL statements that create the database user\n"
    "  trust-policy  the trust policy of a role that a service of another account assumes\n"
    "\n"
    "The two policies for a service whose role SERVICE in account 210987654321 may log in to your\n"
    "database in account 123456789012:\n"
    "  rds-iam setup trust-policy --session-tags \\\n"
    "      --role-arn arn:aws:iam::210987654321:role/SERVICE\n"
    "  rds-iam setup policy --hostname ENDPOINT --username USER \\\n"
    "      --account 123456789012 --resource-id RESOURCE_ID\n"
    "\n"
    "Run rds-iam setup KIND --help for the options of a kind.\n";

static const struct {
    const char *name;
    ria_command *run;
} kinds[] = {
    {"ca", ria_setup_ca},
    {"mysql", ria_setup_mysql},
    {"policy", ria_setup_policy},
    {"postgres", ria_setup_postgres},
    {"sql", ria_setup_sql},
    {"trust-policy", ria_setup_trust_policy},
};

int ria_command_setup(int argc, char **argv, const struct ria_world *world)
{
    if (argc < 2) {
        return ria_usage(argv[0], "no kind given");
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        return ria_print(help);
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(argv[1], kinds[i].name) == 0) {
            /* The name of the command in usage errors: "setup mysql". */
            char command[32];
            (void)snprintf(command, sizeof(command), "%s %s", argv[0], kinds[i].name);
            argv[1] = command;
            return kinds[i].run(argc - 1, argv + 1, world);
        }
    }
    return ria_usage(argv[0], "unknown kind \"%s\"", argv[1]);
}
