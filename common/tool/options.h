/* SPDX-License-Identifier: MIT
 *
 * Parses the options of a sub-command from a table of long options, and handles --help. Prints
 * usage errors in the same form for all sub-commands.
 */
#ifndef RIA_TOOL_OPTIONS_H
#define RIA_TOOL_OPTIONS_H

#include "rds_iam.h"

#include <stdbool.h>
#include <stddef.h>

/* One option. Either `value` or `flag` is set, and the other one is NULL. */
struct ria_option {
    const char *name;   /* without the dashes */
    const char **value; /* receives the option's value, which is never empty; points into argv */
    bool *flag;         /* set to true if the option is given */
    bool is_required;
};

enum {
    RIA_OPTIONS_MAX = 16,
    RIA_CONTINUE = -1, /* not an exit status: the sub-command continues */
};

/* Parses a sub-command's options. `count` is at most RIA_OPTIONS_MAX. Returns RIA_CONTINUE on
 * success. Otherwise prints the help text on stdout or a usage error on stderr, and returns the
 * exit status. */
int ria_options_parse(
    int argc, char **argv, const struct ria_option *options, size_t count, const char *help);

/* Like ria_options_parse(), but prints no usage error: fills *err, which the caller has zeroed. */
int ria_options_read(
    int argc,
    char **argv,
    const struct ria_option *options,
    size_t count,
    const char *help,
    struct ria_error *err);

/* Parses the value of --port. Returns RIA_CONTINUE on success. If the value is not between 1 and
 * 65535, prints a usage error and returns RIA_EXIT_USAGE. */
int ria_options_port(const char *command, const char *text, unsigned *port);

/* Like ria_options_port(), but fills *err and prints nothing. */
int ria_options_read_port(
    const char *command, const char *text, unsigned *port, struct ria_error *err);

#endif
