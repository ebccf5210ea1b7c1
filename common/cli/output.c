/* SPDX-License-Identifier: MIT
 *
 * Prints text on stdout and usage errors on stderr, for all commands. Reports text that cannot be
 * written completely as a failure, because another program may use the output. */
#include "cli/output.h"

#include "rds_iam.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int ria_usage(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    /* The first word of the command is the name of the program. */
    (void)fprintf(stderr, "%.*s: ", (int)strcspn(command, " "), command);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fprintf(stderr, "; see %s --help\n", command);
    return RIA_EXIT_USAGE;
}

int ria_out_of_memory(void)
{
    (void)fprintf(stderr, "%s: " RIA_REFUSAL_MEMORY "\n", program_invocation_short_name);
    return RIA_EXIT_FAILED;
}

int ria_print(const char *text)
{
    if (fputs(text, stdout) < 0 || fflush(stdout) != 0) {
        (void)fprintf(
            stderr,
            "%s: cannot write to stdout: %s\n",
            program_invocation_short_name,
            strerror(errno)); /* NOLINT(concurrency-mt-unsafe) */
        return RIA_EXIT_FAILED;
    }
    return RIA_EXIT_OK;
}
