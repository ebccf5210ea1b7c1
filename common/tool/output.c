/* SPDX-License-Identifier: MIT
 *
 * Prints text on stdout and usage errors on stderr, for all sub-commands. Reports text that cannot
 * be written completely as a failure, because another program may use the output. */
#include "tool/tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static void compose_usage(
    struct ria_error *err, const char *command, const char *format, va_list args)
{
    char what[RIA_ERROR_TEXT_MAX];
    (void)vsnprintf(what, sizeof(what), format, args);
    (void)ria_fail(
        err, RIA_E_USAGE, "%s; see rds-iam %s%s--help", what, command, *command == '\0' ? "" : " ");
}

int ria_usage_error(struct ria_error *err, const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    compose_usage(err, command, format, args);
    va_end(args);
    return RIA_EXIT_USAGE;
}

int ria_usage(const char *command, const char *format, ...)
{
    struct ria_error err;
    va_list args;
    va_start(args, format);
    compose_usage(&err, command, format, args);
    va_end(args);
    ria_print_error(&err);
    return RIA_EXIT_USAGE;
}

void ria_print_error(const struct ria_error *err)
{
    (void)fprintf(stderr, "rds-iam: %s\n", err->text);
}

int ria_out_of_memory(void)
{
    (void)fputs("rds-iam: " RIA_REFUSAL_MEMORY "\n", stderr);
    return RIA_EXIT_FAILED;
}

int ria_print(const char *text)
{
    if (fputs(text, stdout) < 0 || fflush(stdout) != 0) {
        (void)fprintf(stderr, "rds-iam: cannot write to stdout: %s\n", strerror(errno));
        return RIA_EXIT_FAILED;
    }
    return RIA_EXIT_OK;
}
