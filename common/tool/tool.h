/* SPDX-License-Identifier: MIT
 *
 * rds-iam, the program that a person types: one file per sub-command. Exit status: 0, 1 (it failed,
 * one sentence on stderr), 2 (usage).
 */
#ifndef RIA_TOOL_TOOL_H
#define RIA_TOOL_TOOL_H

#include "rds_iam.h"

enum {
    RIA_EXIT_OK = 0,
    RIA_EXIT_FAILED = 1,
    RIA_EXIT_USAGE = 2,
};

/* A sub-command. argv[0] is its name. Returns the exit status. */
typedef int ria_command(int argc, char **argv, const struct ria_world *world);

ria_command ria_command_credentials;
ria_command ria_command_exec;
ria_command ria_command_lint;
ria_command ria_command_setup;
ria_command ria_command_token;

/* What rds-iam setup knows. */
ria_command ria_setup_ca;
ria_command ria_setup_mysql;
ria_command ria_setup_postgres;

/* What the environment tells MySQL's client libraries: rds-iam setup prints it, and rds-iam exec
 * sets it. LIBMYSQL_PLUGINS is read by both libraries, each of which looks in its own directory and
 * goes on without what it does not find there. Connector/C finds mysql_clear_password: loaded at
 * the library's start, before threads can race for it. Oracle's library takes the one of the two
 * others that has its interface. */
#define RIA_MARIADB_PLUGIN_DIR RIA_PKGLIBDIR "/mariadb"
#define RIA_MARIADB_PLUGINS "mysql_clear_password"

#define RIA_ORACLE_PLUGIN_DIR RIA_PKGLIBDIR "/mysql"
#define RIA_ORACLE_PLUGINS "rds_iam_v1;rds_iam_v2"

/* Says what is wrong with the command line and where the help is; returns RIA_EXIT_USAGE. */
int ria_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says that memory ran out; returns RIA_EXIT_FAILED. */
int ria_out_of_memory(void);

/* Writes to stdout, now. Returns RIA_EXIT_OK, or RIA_EXIT_FAILED having said why not (a full disk,
 * a closed pipe). */
int ria_print(const char *text);

#endif
