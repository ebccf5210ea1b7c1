/* SPDX-License-Identifier: MIT
 *
 * Reads the arguments of the command-line tools of MariaDB and of Oracle's MySQL: mariadb,
 * mariadb-dump, mysql, mysqldump and so on. Each of these tools contains its client library. Also
 * reads the lines of an option file. Finds only what determines which server the tool connects to,
 * and how. Follows my_getopt.c of both makers: single letters may share an argument (-Nhdb), a long
 * option may be abbreviated (--hos=db), "-" and "_" are the same character, "--" ends the options,
 * and if an option occurs twice, its last value counts.
 */
#ifndef RIA_MYSQL_PRELOAD_TOOL_ARGUMENTS_H
#define RIA_MYSQL_PRELOAD_TOOL_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

struct ria_tool_arguments {
    const char *host;       /* NULL or "": not given */
    const char *user;       /* NULL: not given */
    const char *port;       /* NULL: not given */
    const char *protocol;   /* NULL: not given */
    bool has_ca;            /* --ssl-ca or --ssl-capath is given */
    bool sets_verification; /* an option determines whether the server's name is verified */
    bool is_tls_off;        /* --skip-ssl or an option with the same effect is given */
    bool has_other_source;  /* --defaults-extra-file, --defaults-group-suffix, --login-path or
                               !include is given, so the tool reads options that are not in this
                               struct */
    bool skips_login_file;  /* --no-login-paths is given */
};

/* Returns whether the name of a program (argv[0], which may be NULL) is that of a tool. The preload
 * calls this in every program. */
bool ria_tool_is_known(const char *program);

/* Reads the arguments of a tool. Overwrites the members of *out that the arguments set, and leaves
 * the other members unchanged. Strings are borrowed from the arguments. Does nothing if the program
 * is not a tool. argv ends with NULL. */
void ria_tool_arguments_read(int argc, char *const argv[], struct ria_tool_arguments *out);

/* Reads a line of an option file: a line of a group that the tool reads, or an !include line, which
 * may be in any group. Overwrites the member of *out for the option that the line sets. A string
 * that this function stores in *out is never freed. */
void ria_tool_line_read(const char *line, struct ria_tool_arguments *out);

/* Returns whether the tool reads the group `name` of an option file. `name` has `len` bytes.
 * is_mariadb: the tool is MariaDB's, not Oracle's. Does not know groups with a suffix
 * (MYSQL_GROUP_SUFFIX). */
bool ria_tool_reads_group(const char *program, bool is_mariadb, const char *name, size_t len);

/* Returns whether the tool reads ~/.my.cnf: its first argument is neither --no-defaults nor
 * --defaults-file. */
bool ria_tool_reads_own_file(char *const argv[]);

/* Returns whether the name of the program is that of the interactive tool, mariadb or mysql, which
 * takes the host from MYSQL_HOST if no option names one. */
bool ria_tool_is_interactive(const char *program);

#endif
