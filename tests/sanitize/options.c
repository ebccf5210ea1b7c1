/* SPDX-License-Identifier: MIT
 *
 * The default options of the address sanitizer and the undefined behaviour sanitizer for programs
 * that start with an empty environment, such as rds-iam-fetch. Each finding ends the program, and
 * is written to a file in the directory RIA_FINDINGS. At its end, the test run looks for such
 * files, because a test that expects a failure could hide a finding. Leaks are not checked here,
 * because that check needs ptrace(), which the product's programs forbid. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define OPTIONS                                                                                    \
    "halt_on_error=1:abort_on_error=1:print_stacktrace=1:log_path=" RIA_FINDINGS "/finding"

/* The runtime library calls these functions. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
    return OPTIONS ":detect_leaks=0:strict_string_checks=1:detect_stack_use_after_return=0"
                   ":verify_asan_link_order=0:handle_segv=0:handle_sigbus=0:handle_sigfpe=0"
                   ":allow_user_segv_handler=1";
}

const char *__ubsan_default_options(void)
{
    return OPTIONS;
}

/* The undefined behaviour sanitizer calls the first function for each report. The second function
 * is in its runtime library. */
__attribute__((visibility("default"))) void __ubsan_on_report(void);
__attribute__((weak)) void __ubsan_get_current_report_data(
    const char **kind,
    const char **message,
    const char **file,
    unsigned *line,
    unsigned *column,
    char **memory);

/* Writes the file of a finding. In a program with both sanitizers, log_path has no effect on the
 * undefined behaviour sanitizer: it sets the path in the runtime library of the address sanitizer,
 * because both libraries define the function for this. */
void __ubsan_on_report(void)
{
    const char *kind = "undefined behavior";
    const char *message = "";
    const char *file = "the report is on stderr";
    unsigned line = 0;
    unsigned column = 0;
    char *memory = NULL;
    char path[4096];
    if (__ubsan_get_current_report_data != NULL) {
        __ubsan_get_current_report_data(&kind, &message, &file, &line, &column, &memory);
    }
    (void)snprintf(path, sizeof(path), "%s/finding.undefined.%d", RIA_FINDINGS, (int)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    (void)dprintf(fd, "%s:%u: %s: %s\n", file, line, kind, message);
    (void)close(fd);
}
