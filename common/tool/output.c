/* SPDX-License-Identifier: MIT
 *
 * Prints text on stdout and usage errors on stderr, for all sub-commands. Reports text that cannot
 * be written completely as a failure, because another program may use the output. */
#include "tool/tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int ria_usage(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("rds-iam: ", stderr);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fprintf(stderr, "; see rds-iam %s%s--help\n", command, *command == '\0' ? "" : " ");
    return RIA_EXIT_USAGE;
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
