/* SPDX-License-Identifier: MIT
 *
 * The options of a sub-command, from a table: long options, each with a value or without one, and
 * --help. What is wrong with a command line is said here, in one way for all.
 */
#ifndef RIA_TOOL_OPTIONS_H
#define RIA_TOOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Exactly one of value and flag. */
struct ria_option {
    const char *name;   /* without the dashes */
    const char **value; /* set to the option's value, which is never empty */
    bool *flag;         /* set to true */
    bool is_required;
};

enum {
    RIA_OPTIONS_MAX = 16,
    RIA_GO_ON = -1, /* no exit status */
};

/* Reads a sub-command's options. Returns RIA_GO_ON, or the exit status of a command that is done:
 * --help was given and printed, or the options are wrong, which was said. */
int ria_options_parse(
    int argc, char **argv, const struct ria_option *options, size_t count, const char *help);

/* Reads the value of --port. Returns RIA_GO_ON, or RIA_EXIT_USAGE having said what is wrong. */
int ria_options_port(const char *command, const char *text, unsigned *port);

#endif
