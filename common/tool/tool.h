/* SPDX-License-Identifier: MIT
 *
 * rds-iam, the command-line program. Each sub-command has its own file, with the table of its
 * options (cli/syntax.h).
 */
#ifndef RIA_TOOL_TOOL_H
#define RIA_TOOL_TOOL_H

#include "cli/output.h"
#include "cli/syntax.h"

/* rds-iam-commands.so contains every sub-command except rds-iam exec. It is a file of its own
 * because it links libcrypto, whose loading takes longer than all the work of rds-iam exec. */
#define RIA_COMMANDS_PATH RIA_PKGLIBDIR "/rds-iam-commands.so"
#define RIA_COMMANDS_SYMBOL "ria_commands_run"

typedef int ria_commands_function(int argc, char **argv);

/* The exported function of rds-iam-commands.so. Runs the sub-command that argv[0] names: "rds-iam
 * token", for example. Returns the exit status. Wipes the credentials in memory before it returns.
 * Called once per process. */
ria_commands_function ria_commands_run;

/* The previous warning of a sub-command. Starts as zeros. */
struct ria_tool_log {
    char last[RIA_ERROR_TEXT_MAX];
};

/* Returns the world (base/world.h) of a sub-command: the process's own, except that warnings are
 * printed on stderr, and that equal warnings in a row are printed once. `log` must stay valid as
 * long as the world is used. */
struct ria_world ria_tool_world(struct ria_tool_log *log);

ria_command ria_command_check;
ria_command ria_command_credentials;
ria_command ria_command_exec;
ria_command ria_command_lint;
ria_command ria_command_setup;
ria_command ria_command_token;

/* The kinds of rds-iam setup. argv[0] contains the command and the kind: "rds-iam setup mysql", for
 * example. */
ria_command ria_setup_ca;
ria_command ria_setup_mysql;
ria_command ria_setup_policy;
ria_command ria_setup_postgres;
ria_command ria_setup_sql;
ria_command ria_setup_trust_policy;

/* The version of the language of IAM policies, which the kinds policy and trust-policy print. Only
 * this version has policy variables, such as ${*}. */
#define RIA_POLICY_VERSION "2012-10-17"

/* Values of environment variables for MySQL's client libraries. rds-iam setup prints them, and
 * rds-iam exec sets them. MariaDB Connector/C and Oracle's libmysqlclient both read
 * LIBMYSQL_PLUGINS; each looks for the plugins in its own directory and ignores a plugin that is
 * missing. Connector/C finds the plugin mysql_clear_password. Connector/C loads this plugin when
 * the library is initialized, so threads that log in later cannot race to load it. Oracle's library
 * loads whichever of rds_iam_v1 and rds_iam_v2 has the library's plugin interface version. */
#define RIA_MARIADB_PLUGIN_DIR RIA_PKGLIBDIR "/mariadb"
#define RIA_MARIADB_PLUGINS "mysql_clear_password"

#define RIA_ORACLE_PLUGIN_DIR RIA_PKGLIBDIR "/mysql"
#define RIA_ORACLE_PLUGINS "rds_iam_v1;rds_iam_v2"

#endif
