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
    RIA_OPTIONS_MAX = 16
};

/* Returns RIA_EXIT_OK, or RIA_EXIT_USAGE having said what is wrong. With --help, *wants_help is
 * true and the rest does not matter. */
int ria_options_parse(
    int argc, char **argv, const struct ria_option *options, size_t count, bool *wants_help);

/* Reads the value of --port. Returns RIA_EXIT_OK, or RIA_EXIT_USAGE having said what is wrong. */
int ria_options_port(const char *command, const char *text, unsigned *port);

#endif
