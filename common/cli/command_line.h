/* SPDX-License-Identifier: MIT
 *
 * Parses a command line according to the command's table of options (cli/syntax.h), runs a command
 * by its name, and handles --help. Prints usage errors in the same form for all commands.
 */
#ifndef RIA_CLI_COMMAND_LINE_H
#define RIA_CLI_COMMAND_LINE_H

#include "cli/syntax.h"

enum {
    RIA_CONTINUE = -1, /* not an exit status: the command continues */
};

/* Parses a command's options and stores their values in the struct that `values` points to. The
 * type of this struct must be the one whose members the table names. A stored value is never empty,
 * and points into argv. Returns RIA_CONTINUE on success. Otherwise prints the help text on stdout
 * or a usage error on stderr, and returns the exit status. argv[0] is the full name of the command.
 */
int ria_options_parse(int argc, char **argv, const struct ria_syntax *syntax, void *values);

/* Like ria_options_parse(), but fills *err, which the caller has zeroed, in place of printing a
 * usage error. */
int ria_options_read(
    int argc, char **argv, const struct ria_syntax *syntax, void *values, struct ria_error *err);

/* Parses the value of --port. Returns RIA_CONTINUE on success. If the value is not between 1 and
 * 65535, prints a usage error and returns RIA_EXIT_USAGE. */
int ria_options_port(const char *command, const char *text, unsigned *port);

/* Like ria_options_port(), but fills *err and prints nothing. */
int ria_options_read_port(
    const char *command, const char *text, unsigned *port, struct ria_error *err);

/* Runs the command that argv[1] names, with the full name of the command as its argv[0]. Returns
 * its exit status. Prints the help text of the group for --help, -h and help. "help COMMAND" means
 * "COMMAND --help". Prints a usage error for a missing or unknown name. */
int ria_command_run(
    const struct ria_command_group *group, int argc, char **argv, const struct ria_world *world);

#endif
