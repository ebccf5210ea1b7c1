/* SPDX-License-Identifier: MIT
 *
 * Names of database users and databases: checks them by the rules of PostgreSQL, MySQL and MariaDB,
 * and quotes them for SQL. A quoted name means the same in every SQL mode of the server
 * (ANSI_QUOTES, NO_BACKSLASH_ESCAPES, standard_conforming_strings), because it is an identifier and
 * never a string literal. This module does not know whether a name exists.
 */
#ifndef RIA_TOOL_SQL_NAME_H
#define RIA_TOOL_SQL_NAME_H

#include "tool/engine.h"

enum ria_name_kind {
    RIA_NAME_USER,
    RIA_NAME_DATABASE,
    RIA_NAME_KINDS,
};

/* Checks a name by the rules that hold for every database: the name must be UTF-8 and must not
 * contain a control character (U+0000 to U+001F, U+007F to U+009F). Returns what is wrong with the
 * name. Returns NULL if nothing is wrong. The fault completes the sentence "the name ...". */
const char *ria_name_fault(const char *name);

/* Returns what is wrong with a name in this engine, or NULL. Checks for the faults of
 * ria_name_fault(), for a name that is too long, for a character that the engine cannot store, for
 * a space at the end that MySQL and MariaDB do not store, and for a name that the engine reserves.
 */
const char *ria_sql_name_fault(enum ria_engine engine, enum ria_name_kind kind, const char *name);

/* Appends a name as a quoted identifier. Puts the name in double quotes for PostgreSQL, and in
 * backquotes for MySQL and MariaDB. Doubles each such quote within the name. The name must have no
 * fault. */
void ria_sql_name_add(enum ria_engine engine, const char *name, struct ria_buf *out);

/* Appends the name of a database for GRANT ... ON of MySQL and MariaDB. In GRANT, the
 * name is a pattern in which _ and % are wildcards. So _, % and the backslash are escaped with a
 * backslash. */
void ria_sql_name_add_pattern(const char *name, struct ria_buf *out);

#endif
