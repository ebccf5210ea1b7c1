/* SPDX-License-Identifier: MIT
 *
 * What each client program needs, for rds-iam setup KIND --program NAME. A table has one row for
 * each program. A row contains the names of the program and a text for the user. The text contains
 * placeholders such as @CA@, which are replaced by the values for this machine.
 *
 * A name is found without regard to case and punctuation: "DBD::mysql", "dbd-mysql" and "DbdMysql"
 * are equal.
 */
#ifndef RIA_TOOL_SETUP_PROGRAMS_H
#define RIA_TOOL_SETUP_PROGRAMS_H

#include "rds_iam.h"

struct ria_setup_program {
    const char *names; /* separated by spaces; a usage error shows only the first */
    const char *text;
};

/* The value of a placeholder: {"CA", path, false} for @CA@. */
struct ria_setup_value {
    const char *name;
    const char *value;
    bool is_text; /* the value is a text from rds-iam's own tables; placeholders in it are replaced
                     too */
};

/* The tables end with a row whose names are NULL. */
extern const struct ria_setup_program ria_setup_mysql_programs[];
extern const struct ria_setup_program ria_setup_postgres_programs[];

/* The values of two placeholders in the second table. @READY@ explains what must exist before a
 * program can log in. @SYSTEM@ explains how to run the agent for the account of a daemon. */
extern const char ria_setup_postgres_ready[];
extern const char ria_setup_postgres_system[];

enum {
    RIA_SETUP_TEXT_MAX = 64 * 1024,
};

/* Appends a text with its placeholders replaced. `values` ends with a row whose name is NULL. A
 * word between two @ that is not the name of a value stays as it is. */
void ria_setup_expand(const char *text, const struct ria_setup_value *values, struct ria_buf *out);

/* Prints the text of the program with this name on stdout. If the name is "list", prints one line
 * for each program instead: the first name, and its other names as "(also: ...)". If only the table
 * of the other kind of server has the name, prints a usage error with the command for that kind. If
 * neither table has the name, prints a usage error with the first name of the program whose name is
 * most similar, and then the first name of each program. Returns the exit status. `command` is the
 * name of the sub-command. */
int ria_setup_print_program(
    const char *command,
    const char *name,
    const struct ria_setup_program *programs,
    const struct ria_setup_value *values);

#endif
