/* SPDX-License-Identifier: MIT
 *
 * The log file that RDS_IAM_LOG names: which files are used, what happens to the signals and
 * descriptors of the host program, and what is reported on stderr if a file cannot be used. Each
 * case runs in its own process, because a process reports a fault only once. */
#include "os/guest_log.h"

#include "os/guest_stderr.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char scratch[] = RIA_SCRATCH "/guest-log-XXXXXX";

static const char *in_scratch(const char *name)
{
    static char path[4200];
    (void)snprintf(path, sizeof(path), "%s/%s", scratch, name);
    return path;
}

static const char *content(const char *name)
{
    static char text[8192];
    int fd = open(in_scratch(name), O_RDONLY | O_NONBLOCK); /* it may be a FIFO */
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    text[len < 0 ? 0 : len] = '\0';
    if (fd >= 0) {
        (void)close(fd);
    }
    return text;
}

/* Replaces the file, with a mode that the umask does not change. */
static void plant(const char *name, const char *text, mode_t mode)
{
    (void)unlink(in_scratch(name));
    int fd = open(in_scratch(name), O_CREAT | O_WRONLY | O_EXCL, 0600);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

/* Runs a function in a child with RDS_IAM_LOG=LEVEL:FILE. Returns what it writes to stderr. */
static const char *run_with_log(const char *level, const char *file, void (*run)(void))
{
    static char text[8192];
    char value[4300];
    int ends[2];
    int status = -1;
    (void)snprintf(value, sizeof(value), "%s:%s", level, file);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        (void)setenv("RDS_IAM_LOG", value, 1);
        run();
        _exit(0);
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_int_equal(status, 0);
    (void)close(ends[1]);
    ssize_t len = read(ends[0], text, sizeof(text) - 1);
    text[len > 0 ? len : 0] = '\0';
    (void)close(ends[0]);
    return text;
}

static void write_two_lines(void)
{
    int before = dup(0);
    (void)close(before);
    errno = EDOM;
    ria_guest_log_write(RIA_LOG_WARNING, "one");
    ria_guest_log_write(RIA_LOG_INFO, "two");
    ria_guest_log_write(RIA_LOG_DEBUG, "three");
    if (errno != EDOM || dup(0) != before) {
        _exit(1); /* errno has changed, or a descriptor was left open */
    }
}

static void lines_are_appended_with_time_and_program(void **state)
{
    (void)state;
    (void)unlink(in_scratch("new"));
    assert_string_equal(run_with_log("info", in_scratch("new"), write_two_lines), "");
    struct stat status;
    assert_int_equal(stat(in_scratch("new"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    const char *text = content("new");
    const char *second = strchr(text, '\n');
    assert_non_null(second);
    expect_piece("the first line", text, " test_guest_log warning: one\n");
    expect_piece("the second line", second, " test_guest_log info: two\n");
    assert_null(strstr(text, "three"));
    plant("old", "before\n", 0640);
    assert_string_equal(run_with_log("debug", in_scratch("old"), write_two_lines), "");
    assert_memory_equal(content("old"), "before\n", strlen("before\n"));
    expect_piece("debug", content("old"), " test_guest_log debug: three\n");
}

/* -- files that are not used ----------------------------------------------------------------- */

static void plant_link(void)
{
    plant("victim", "data\n", 0600);
    assert_int_equal(symlink("victim", in_scratch("file")), 0);
}

static void plant_dangling_link(void)
{
    assert_int_equal(symlink("nothing", in_scratch("file")), 0);
}

static void plant_directory(void)
{
    assert_int_equal(mkdir(in_scratch("file"), 0700), 0);
}

static void plant_fifo(void)
{
    assert_int_equal(mkfifo(in_scratch("file"), 0600), 0);
}

static void plant_writable(void)
{
    plant("file", "data\n", 0602);
}

static void plant_foreign(void)
{
    plant("file", "data\n", 0600);
    assert_int_equal(chown(in_scratch("file"), 1234, 1234), 0);
}

static void a_file_that_cannot_be_used_is_reported_once(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*plant)(void);
        const char *why;
        bool needs_root;
    } rows[] = {
        {"a link", plant_link, "is a symbolic link", false},
        {"a link to nothing", plant_dangling_link, "is a symbolic link", false},
        {"a directory", plant_directory, "cannot be opened: Is a directory", false},
        {"a FIFO without a reader", plant_fifo, "cannot be opened: No such device", false},
        {"a file that every user can write",
         plant_writable,
         "every user can write it (chmod o-w",
         false},
        {"a file of another user", plant_foreign, "belongs to another user", true},
    };
    for_each_row(row, rows, row->name) {
        if (row->needs_root && geteuid() != 0) {
            continue;
        }
        row->plant();
        char expected[8192];
        (void)snprintf(
            expected,
            sizeof(expected),
            "rds-iam: warning: RDS_IAM_LOG: %s: %s",
            in_scratch("file"),
            row->why);
        const char *text = run_with_log("info", in_scratch("file"), write_two_lines);
        assert_memory_equal(text, expected, strlen(expected));
        const char *rest = strchr(text, '\n');
        expect_text(row->name, rest, "\nrds-iam: warning: one\nrds-iam: two\n");
        assert_string_equal(
            content("victim"), row->plant == plant_link ? "data\n" : content("victim"));
        assert_null(strstr(content("file"), "one"));
        assert_true(unlink(in_scratch("file")) == 0 || rmdir(in_scratch("file")) == 0);
    }
    (void)unlink(in_scratch("victim"));
    assert_int_not_equal(access(in_scratch("nothing"), F_OK), 0);
}

static void a_path_that_cannot_be_used_is_reported_once(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *path;
        const char *why;
    } rows[] = {
        {"a device", "/dev/null", "/dev/null: is not a regular file"},
        {"a missing directory", "/no/such/file", "/no/such/file: cannot be opened: No such file"},
        {"a relative path", "file", "the file is not an absolute path, so the log goes to stderr"},
        {"no path", "", "the file is not an absolute path, so the log goes to stderr"},
    };
    for_each_row(row, rows, row->name) {
        const char *text = run_with_log("info", row->path, write_two_lines);
        expect_piece(row->name, text, row->why);
        expect_text(row->name, strchr(text, '\n'), "\nrds-iam: warning: one\nrds-iam: two\n");
    }
}

static void an_unknown_level_is_reported_once(void **state)
{
    (void)state;
    (void)unlink(in_scratch("new"));
    assert_string_equal(run_with_log("verbose", in_scratch("new"), write_two_lines), "");
    const char *text = content("new");
    expect_piece("the levels", text, "the level is not one of warning, info and debug");
    expect_piece("info is used", text, "info: two\n");
    assert_null(strstr(text, "three"));
    assert_null(strstr(strstr(text, "is not one of") + 1, "is not one of"));
}

/* -- the host's signals ---------------------------------------------------------------------- */

static volatile sig_atomic_t raised;

static void count_signal(int number)
{
    (void)number;
    raised++;
}

static void write_beyond_the_limit(void)
{
    const struct rlimit limit = {.rlim_cur = 4, .rlim_max = 4};
    (void)signal(SIGXFSZ, count_signal);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        _exit(2);
    }
    write_two_lines();
    if (raised != 0) {
        _exit(3);
    }
}

static void a_full_file_raises_no_signal(void **state)
{
    (void)state;
    plant("full", "1234", 0600);
    const char *text = run_with_log("info", in_scratch("full"), write_beyond_the_limit);
    expect_piece("the reason", text, "cannot be written: File too large");
    expect_text("the lines", strchr(text, '\n'), "\nrds-iam: warning: one\nrds-iam: two\n");
    assert_string_equal(content("full"), "1234");
}

/* -- other rights ---------------------------------------------------------------------------- */

static void write_as_another_user(void)
{
    if (seteuid(1234) != 0) {
        _exit(2);
    }
    write_two_lines();
}

static void the_file_is_not_used_with_other_rights(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        return; /* only root can change its effective user */
    }
    plant("other", "", 0600);
    const char *text = run_with_log("info", in_scratch("other"), write_as_another_user);
    expect_piece("the reason", text, "this program has another user's rights");
    assert_string_equal(content("other"), "");
}

/* -- lines for the file only ------------------------------------------------------------------ */

static void write_to_file(void)
{
    if (!ria_guest_log_to_file(RIA_LOG_INFO, "one") ||
        ria_guest_log_to_file(RIA_LOG_DEBUG, "two")) {
        _exit(1);
    }
}

static void fail_to_write_to_file(void)
{
    if (ria_guest_log_to_file(RIA_LOG_INFO, "one") || ria_guest_log_to_file(RIA_LOG_INFO, "one")) {
        _exit(1);
    }
}

static void a_line_for_the_file_alone_is_not_written_to_stderr(void **state)
{
    (void)state;
    (void)unlink(in_scratch("new"));
    assert_string_equal(run_with_log("info", in_scratch("new"), write_to_file), "");
    expect_piece("the line", content("new"), "info: one\n");
    const char *text = run_with_log("info", "/no/such/file", fail_to_write_to_file);
    expect_piece("the reason", text, "/no/such/file: cannot be opened");
    assert_string_equal(strchr(text, '\n'), "\n");
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(scratch) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const names[] = {"new", "old", "full", "other"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)unlink(in_scratch(names[i]));
    }
    return rmdir(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_appended_with_time_and_program),
        cmocka_unit_test(a_file_that_cannot_be_used_is_reported_once),
        cmocka_unit_test(a_path_that_cannot_be_used_is_reported_once),
        cmocka_unit_test(an_unknown_level_is_reported_once),
        cmocka_unit_test(a_full_file_raises_no_signal),
        cmocka_unit_test(the_file_is_not_used_with_other_rights),
        cmocka_unit_test(a_line_for_the_file_alone_is_not_written_to_stderr),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
