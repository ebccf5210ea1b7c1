/* SPDX-License-Identifier: MIT
 *
 * Reads the arguments of the command-line tools of MariaDB and of Oracle's MySQL that contain their
 * client library: mariadb, mariadb-dump, mysql, mysqldump and so on. Finds only what determines
 * which server the tool connects to, and how. Follows my_getopt.c of both makers: single letters
 * may share an argument (-Nhdb), a long option may be abbreviated (--hos=db), "-" and "_" are the
 * same character, "--" ends the options, and the last value counts. Option files are not read.
 */
#ifndef RIA_MYSQL_PRELOAD_TOOL_ARGUMENTS_H
#define RIA_MYSQL_PRELOAD_TOOL_ARGUMENTS_H

#include <stdbool.h>

/* Strings are borrowed from the arguments. */
struct ria_tool_arguments {
    const char *host;     /* NULL or "": not given */
    const char *user;     /* NULL: not given */
    const char *port;     /* NULL: not given */
    const char *protocol; /* NULL: not given */
    bool has_ca;          /* --ssl-ca or --ssl-capath is given */
    bool is_tls_off;      /* --skip-ssl or another form of it is given */
};

/* Returns whether the name of a program (argv[0], which may be NULL) is that of a tool. The preload
 * calls this in every program. */
bool ria_tool_is_known(const char *program);

/* Returns false, with *out empty, if the program is not a tool. argv ends with NULL. */
bool ria_tool_arguments_read(int argc, char *const argv[], struct ria_tool_arguments *out);

/* Returns whether the name of the program is that of the interactive tool, mariadb or mysql, which
 * takes the host from MYSQL_HOST if no option names one. */
bool ria_tool_is_interactive(const char *program);

#endif
