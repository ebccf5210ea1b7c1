/* SPDX-License-Identifier: MIT
 *
 * The lines that a preload writes to stderr, and the conditions for writing them. */
#include "interpose/preload_log.h"

#include "os/guest_stderr.h"

#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Returns the output of a warning. A pipe takes the place of stderr. */
static const char *written(const char *text)
{
    static char line[2048];
    int ends[2];
    int before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    assert_int_equal(pipe(ends), 0);
    (void)dup2(ends[1], STDERR_FILENO);
    (void)close(ends[1]);
    struct ria_stderr_file at_start = ria_stderr_at_start;
    ria_stderr_inspect(&ria_stderr_at_start);
    ria_preload_log(RIA_LOG_WARNING, text);
    (void)dup2(before, STDERR_FILENO);
    (void)close(before);
    ria_stderr_at_start = at_start;
    ssize_t len = read(ends[0], line, sizeof(line) - 1);
    (void)close(ends[0]);
    line[len < 0 ? 0 : len] = '\0';
    return line;
}

static void a_warning_is_written_if_the_log_is_enabled(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *value; /* of RDS_IAM_LOG; NULL: it is not set */
        bool is_heard;
    } rows[] = {
        {"not set", NULL, false},
        {"empty", "", false},
        {"zero", "0", false},
        {"one", "1", true},
        {"warning", "warning", true},
        {"debug", "DEBUG", true},
    };
    for_each_row(row, rows, row->name) {
        if (row->value == NULL) {
            (void)unsetenv("RDS_IAM_LOG");
        } else {
            (void)setenv("RDS_IAM_LOG", row->value, 1);
        }
        expect_number(row->name, ria_preload_logs(RIA_LOG_WARNING), row->is_heard);
        expect_text(
            row->name,
            written("a sentence"),
            row->is_heard ? "rds-iam: warning: a sentence\n" : "");
    }
    (void)unsetenv("RDS_IAM_LOG");
}

static void a_long_warning_is_cut(void **state)
{
    (void)state;
    char text[3000];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    (void)setenv("RDS_IAM_LOG", "1", 1);
    const char *line = written(text);
    (void)unsetenv("RDS_IAM_LOG");
    assert_in_range(strlen(line), RIA_LOG_LINE_MAX, RIA_LOG_WHOLE_MAX);
    assert_int_equal(line[strlen(line) - 1], '\n');
}

/* Before main(), the preload has remembered which file is open as descriptor 2. */
static void nothing_is_written_to_a_replaced_descriptor_2(void **state)
{
    (void)state;
    int ends[2];
    char line[64];
    int before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    (void)setenv("RDS_IAM_LOG", "1", 1);
    (void)dup2(ends[1], STDERR_FILENO);
    ria_preload_log(RIA_LOG_WARNING, "a sentence");
    (void)dup2(before, STDERR_FILENO);
    (void)close(before);
    (void)unsetenv("RDS_IAM_LOG");
    assert_int_equal(read(ends[0], line, sizeof(line)), -1);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_warning_is_written_if_the_log_is_enabled),
        cmocka_unit_test(a_long_warning_is_cut),
        cmocka_unit_test(nothing_is_written_to_a_replaced_descriptor_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
