/* SPDX-License-Identifier: MIT
 *
 * What the environment tells MySQL's client libraries: said here for rds-iam setup, which prints
 * it, and for rds-iam exec, which sets it.
 *
 * LIBMYSQL_PLUGINS is read by both libraries, each of which looks in its own directory and goes on
 * without what it does not find there. Connector/C finds mysql_clear_password: loaded at the
 * library's start, before threads can race for it. Oracle's library takes the one of the two others
 * that has its interface.
 */
#ifndef RIA_TOOL_MYSQL_ENVIRONMENT_H
#define RIA_TOOL_MYSQL_ENVIRONMENT_H

#define RIA_MARIADB_PLUGIN_DIR RIA_PKGLIBDIR "/mariadb"
#define RIA_MARIADB_PLUGINS "mysql_clear_password"

#define RIA_ORACLE_PLUGIN_DIR RIA_PKGLIBDIR "/mysql"
#define RIA_ORACLE_PLUGINS "rds_iam_v1;rds_iam_v2"

#endif
