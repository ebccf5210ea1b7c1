/* SPDX-License-Identifier: MIT
 *
 * Prints text on stdout and errors on stderr, for all commands. Fails if the text cannot be written
 * completely, because another program may use the output. An error may contain an argument or a
 * path, so each control character in it is replaced; otherwise such a name could control the
 * terminal. */
#include "cli/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    LINE_SIZE = 8192,
    SEE_MAX = 80, /* the size of "; see COMMAND --help", which must not be cut */
};

__attribute__((format(printf, 3, 0))) static void compose_usage(
    struct ria_error *err, const char *command, const char *format, va_list args)
{
    char what[RIA_ERROR_TEXT_MAX - SEE_MAX];
    (void)ria_text_format_args(what, sizeof(what), format, args);
    (void)ria_fail(err, RIA_E_USAGE, "%s; see %s --help", what, command);
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
    ria_print_error(command, &err);
    return RIA_EXIT_USAGE;
}

void ria_print_error(const char *command, const struct ria_error *err)
{
    /* The first word of the command is the name of the program. */
    (void)fprintf(stderr, "%.*s: %s\n", (int)strcspn(command, " "), command, err->text);
}

/* Returns "rds-iam-agent" if the program was called by this name, else "rds-iam". A copy or a link
 * of rds-iam may have any other name, which messages do not show. */
static const char *program_name(void)
{
    static const char agent[] = "rds-iam-agent";
    return strcmp(program_invocation_short_name, agent) == 0 ? agent : "rds-iam";
}

int ria_failure(const char *format, ...)
{
    char line[LINE_SIZE];
    va_list args;
    va_start(args, format);
    (void)ria_text_format_args(line, sizeof(line), format, args);
    va_end(args);
    ria_printable(line);
    (void)fprintf(stderr, "%s: %s\n", program_name(), line);
    return RIA_EXIT_FAILED;
}

int ria_out_of_memory(void)
{
    return ria_failure(RIA_REFUSAL_MEMORY);
}

int ria_print(const char *text)
{
    if (fputs(text, stdout) < 0 || fflush(stdout) != 0) {
        return ria_failure(
            "cannot write to stdout: %s", strerror(errno)); /* NOLINT(concurrency-mt-unsafe) */
    }
    if (ferror(stdout) != 0) { /* an earlier write to a stdout without a buffer */
        return ria_failure("cannot write the whole output to stdout");
    }
    return RIA_EXIT_OK;
}
