/* SPDX-License-Identifier: MIT
 *
 * The output and the exit statuses of the command-line programs: 0 (success), 1 (failure, with one
 * message on stderr), 2 (usage error). If a command has other exit statuses, its --help lists them.
 */
#ifndef RIA_CLI_OUTPUT_H
#define RIA_CLI_OUTPUT_H

#include "rds_iam.h"

enum {
    RIA_EXIT_OK = 0,
    RIA_EXIT_FAILED = 1,
    RIA_EXIT_USAGE = 2,
};

/* Prints what is wrong with the command line, and "; see COMMAND --help", on stderr. `command` is
 * the full name of the command, such as "rds-iam setup mysql". Replaces control characters
 * in the text, and cuts a text that is too long. Returns RIA_EXIT_USAGE. */
int ria_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Like ria_usage(), but fills *err and prints nothing. */
int ria_usage_error(struct ria_error *err, const char *command, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints an error of a command on stderr, after the name of the program. */
void ria_print_error(const char *command, const struct ria_error *err);

/* Prints the name of the program and what failed, on stderr. Replaces control characters in the
 * text, and cuts a text of more than 8191 bytes. Returns RIA_EXIT_FAILED. */
int ria_failure(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints "out of memory" on stderr. Returns RIA_EXIT_FAILED. */
int ria_out_of_memory(void);

/* Writes text to stdout and flushes it. Returns RIA_EXIT_OK. If the text cannot be written (a full
 * disk, a closed pipe), prints the reason on stderr and returns RIA_EXIT_FAILED. */
int ria_print(const char *text);

#endif
