/* SPDX-License-Identifier: MIT
 *
 * The default options of the address sanitizer and the undefined behaviour sanitizer for programs
 * that start with an empty environment, such as rds-iam-fetch. Each finding ends the program, and
 * is written to a file in the directory RIA_FINDINGS. At its end, the test run looks for such
 * files, because a test that expects a failure could hide a finding. Leaks are not checked here,
 * because that check needs ptrace(), which the product's programs forbid. */

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
