/* SPDX-License-Identifier: MIT
 *
 * Makes the text of --help from the table of a command. No line of the help text has more than 80
 * characters, if the lines of the texts in the table keep this limit. The limit includes the 7
 * characters "usage: ", which are written before each form of a command. Each function appends to
 * `out`. If memory runs out, the function sets out->failed.
 */
#ifndef RIA_CLI_HELP_TEXT_H
#define RIA_CLI_HELP_TEXT_H

#include "cli/syntax.h"

/* Appends the text of a command: its forms, what it does, one row for each option in the order of
 * the table, then --help, the notes and the exit statuses. */
void ria_help_of_command(const struct ria_syntax *syntax, struct ria_buf *out);

/* Appends the text of a group of commands. It has the same parts as the text of a command, with one
 * row for each command before the rows for the options, and without the exit statuses. */
void ria_help_of_group(const struct ria_command_group *group, struct ria_buf *out);

#endif
