/* SPDX-License-Identifier: MIT
 *
 * ria_process_world(), through which the product uses real files, the environment, clocks and the
 * log. Tests which files it reads and which it rejects, and that it leaves errno and the open
 * descriptors unchanged. */
#include "rds_iam.h"

#include "unit.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

/* A scratch directory in the build directory. */
static char scratch[4096];
static char path[4200];

static const char *in_scratch(const char *name)
{
    (void)snprintf(path, sizeof(path), "%s/%s", scratch, name);
    return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    int fd = open(in_scratch(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

/* Returns the lowest free descriptor. It is higher after a call that left a file open. */
static int next_fd(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    (void)close(fd);
    return fd;
}

/* Reads scratch/name and checks that errno and the open descriptors have not changed. */
static enum ria_outcome read_named(
    const char *name, struct ria_buf *out, struct ria_file *file, struct ria_error *err)
{
    const struct ria_world *world = ria_process_world();
    *err = (struct ria_error){0};
    int before = next_fd();
    errno = EDOM;
    enum ria_outcome outcome = world->read_file(world->self, in_scratch(name), out, file, err);
    assert_int_equal(errno, EDOM);
    assert_int_equal(next_fd(), before);
    return outcome;
}

static void a_regular_file_is_read_with_owner_and_mode(void **state)
{
    (void)state;
    RIA_AUTO(buf) text = {.max = 100};
    struct ria_file file = {0};
    struct ria_error err;
    write_file("plain", "some\ntext\n", 0640);
    assert_int_equal(read_named("plain", &text, &file, &err), RIA_FOUND);
    assert_string_equal(ria_buf_text(&text), "some\ntext\n");
    assert_int_equal(file.owner, geteuid());
    assert_int_equal(file.group, getegid());
    assert_int_equal(file.mode & 07777, 0640);
    ria_buf_clear(&text);
    assert_int_equal(symlink("plain", in_scratch("link")), 0);
    assert_int_equal(read_named("link", &text, NULL, &err), RIA_FOUND);
    assert_string_equal(ria_buf_text(&text), "some\ntext\n");
}

static struct ria_file look_at(const char *name)
{
    const struct ria_world *world = ria_process_world();
    struct ria_file file = {0};
    int before = next_fd();
    errno = EDOM;
    assert_true(world->read_facts(world->self, in_scratch(name), &file));
    assert_int_equal(errno, EDOM);
    assert_int_equal(next_fd(), before);
    return file;
}

/* Sets all times of the file back except the change time (ctime), which only the kernel can set. */
static void date_back(const char *name, time_t seconds)
{
    const struct timespec times[] = {
        {.tv_sec = seconds, .tv_nsec = 1}, {.tv_sec = seconds, .tv_nsec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, in_scratch(name), times, 0), 0);
}

static void the_facts_of_a_file_are_those_of_its_last_read_until_it_changes(void **state)
{
    (void)state;
    RIA_AUTO(buf) text = {.max = 100};
    struct ria_file read = {0};
    struct ria_error err;
    write_file("looked_at", "[h]\n", 0600);
    date_back("looked_at", 1000000);
    assert_int_equal(read_named("looked_at", &text, &read, &err), RIA_FOUND);
    struct ria_file seen = look_at("looked_at");
    assert_int_equal(seen.stamp.device, read.stamp.device);
    assert_int_equal(seen.stamp.inode, read.stamp.inode);
    assert_int_equal(seen.stamp.size, 4);
    assert_int_equal(read.stamp.size, 4);
    assert_int_equal(seen.stamp.modified, 1000000000000001);
    assert_int_equal(seen.stamp.changed, read.stamp.changed);
    assert_int_equal(seen.mode & 07777, 0600);
    assert_int_equal(seen.stamp.version, 0);
    write_file("looked_at", "[g]\n", 0640);
    date_back("looked_at", 1000000);
    struct ria_file same_size = look_at("looked_at");
    assert_int_equal(same_size.stamp.modified, seen.stamp.modified);
    assert_int_equal(same_size.mode & 07777, 0640);
    write_file("other", "[i]\n", 0600);
    assert_int_equal(symlink("other", in_scratch("turned")), 0);
    assert_true(look_at("turned").stamp.inode != seen.stamp.inode);
}

/* Another write in the same kernel tick as the last write would not alter the change time. So the
 * file is settled only after this tick. */
static void a_file_written_just_now_is_not_settled(void **state)
{
    (void)state;
    bool is_early = false;
    for (unsigned i = 0; i < 1000 && !is_early; i++) {
        write_file("fresh", "x", 0600);
        is_early = !look_at("fresh").stamp.is_settled;
    }
    assert_true(is_early);
    const struct ria_world *world = ria_process_world();
    struct ria_file file;
    assert_true(world->read_facts(world->self, "/etc/passwd", &file));
    assert_true(file.stamp.is_settled);
}

static void the_facts_of_anything_but_a_regular_file_cannot_be_read(void **state)
{
    (void)state;
    static const char *const paths[] = {"/", "/dev/null", "/nonexistent/file", "/proc/self/fd/99"};
    const struct ria_world *world = ria_process_world();
    for_each_row(row, paths, *row) {
        struct ria_file file;
        errno = EDOM;
        expect(*row, !world->read_facts(world->self, *row, &file));
        expect_number(*row, errno, EDOM);
    }
}

/* Sets an access control list with `users` entries for users who can write; their uids begin at
 * 5000. The attribute is little-endian on every machine. */
static void set_acl(const char *name, size_t users)
{
    struct entry {
        uint16_t tag;
        uint16_t rights;
        uint32_t id;
    };
    static struct {
        uint32_t version;
        struct entry entries[256];
    } list;
    list.version = htole32(2);
    struct entry *at = list.entries;
    *at++ = (struct entry){htole16(0x01), htole16(6), UINT32_MAX};
    for (size_t i = 0; i < users; i++) {
        *at++ = (struct entry){htole16(0x02), htole16(6), htole32((uint32_t)(5000 + i))};
    }
    *at++ = (struct entry){htole16(0x04), htole16(4), UINT32_MAX};
    *at++ = (struct entry){htole16(0x10), htole16(6), UINT32_MAX};
    *at++ = (struct entry){htole16(0x20), 0, UINT32_MAX};
    size_t len = sizeof(list.version) + ((size_t)(at - list.entries) * sizeof(*at));
    assert_int_equal(setxattr(in_scratch(name), "system.posix_acl_access", &list, len, 0), 0);
}

static void the_acl_is_read_if_the_mode_lets_others_write(void **state)
{
    (void)state;
    RIA_AUTO(buf) text = {.max = 100};
    struct ria_file file = {0};
    struct ria_error err;
    struct statfs status;
    write_file("shared", "x", 0644);
    assert_int_equal(read_named("shared", &text, &file, &err), RIA_FOUND);
    assert_int_equal(file.file_system, 0);
    write_file("shared", "x", 0666);
    assert_int_equal(read_named("shared", &text, &file, &err), RIA_FOUND);
    assert_int_equal(statfs(path, &status), 0);
    assert_int_equal(file.file_system, (uint32_t)status.f_type);
    assert_false(file.is_read_only);
    assert_false(file.acl.is_present);
    set_acl("shared", 1);
    assert_int_equal(read_named("shared", &text, &file, &err), RIA_FOUND);
    assert_int_equal(file.mode & 0777, 0660);
    assert_true(file.acl.is_present && file.acl.has_writer && !file.acl.writer_is_group);
    assert_false(file.acl.group_writes);
    assert_int_equal(file.acl.writer, 5000);
    set_acl("shared", 200);
    assert_int_equal(read_named("shared", &text, &file, &err), RIA_FOUND);
    assert_true(file.acl.is_present && file.acl.is_unreadable);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(read_named("shared", &text, &file, &err), RIA_FOUND);
    assert_false(file.acl.is_present);
}

/* Sizes around that of a page, and an empty file. */
static void the_maximum_is_exact(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 10000};
    for_each_row(size, sizes, NULL) {
        char text[10001];
        struct ria_error err;
        memset(text, 'x', *size);
        text[*size] = '\0';
        write_file("sized", text, 0600);
        RIA_AUTO(buf) enough = {.max = *size};
        expect_number("a buffer of this size", read_named("sized", &enough, NULL, &err), RIA_FOUND);
        expect_number("the length", enough.len, *size);
        if (*size > 0) {
            RIA_AUTO(buf) less = {.max = *size - 1};
            expect_number("a smaller buffer", read_named("sized", &less, NULL, &err), RIA_FAILED);
            expect_piece("the message", err.text, "/sized: is larger than ");
            expect_piece("the remedy", err.text, ", the limit; remove what is not needed");
        }
    }
}

static void a_missing_file_is_absent(void **state)
{
    (void)state;
    RIA_AUTO(buf) text = {.max = 100};
    struct ria_error err;
    write_file("plain", "x", 0600);
    static const char *const names[] = {"nothing", "nothing/below", "plain/below"};
    for_each_row(name, names, *name) {
        expect_number(*name, read_named(*name, &text, NULL, &err), RIA_ABSENT);
        expect_piece(*name, err.text, *name);
        expect_piece(*name, err.text, " does not exist");
    }
}

/* A plain open() of a FIFO without a writer would block for ever. */
static void a_special_file_is_rejected_without_blocking(void **state)
{
    (void)state;
    RIA_AUTO(buf) text = {.max = 100};
    struct ria_error err;
    assert_int_equal(mkfifo(in_scratch("fifo"), 0600), 0);
    assert_int_equal(symlink("/dev/zero", in_scratch("device")), 0);
    static const char *const names[] = {"fifo", "device"};
    for_each_row(name, names, *name) {
        expect_number(*name, read_named(*name, &text, NULL, &err), RIA_FAILED);
        expect_piece(*name, err.text, ": is not a regular file; name another");
        expect_number(*name, err.code, RIA_E_CONFIG);
        expect_number(*name, text.len, 0);
    }
}

/* /dev/null is the usual way to configure "no file", also as the target of a link or a mount. */
static void the_null_device_is_an_empty_file_that_no_user_can_write(void **state)
{
    (void)state;
    assert_int_equal(symlink("/dev/null", in_scratch("null")), 0);
    char linked[sizeof(path)];
    (void)snprintf(linked, sizeof(linked), "%s", path);
    const char *const names[] = {"/dev/null", "/dev/../dev/null", linked};
    for_each_row(name, names, *name) {
        RIA_AUTO(buf) text = {.max = 100};
        struct ria_file file = {.owner = 1};
        struct ria_error err;
        const struct ria_world *world = ria_process_world();
        expect_number(*name, world->read_file(world->self, *name, &text, &file, &err), RIA_FOUND);
        expect_number(*name, text.len, 0);
        expect_number(*name, file.owner, 0);
        expect_number(*name, file.mode, S_IFREG | 0444);
    }
}

/* Reads a file below a closed directory in a child process, and returns the error code. If root
 * runs the test, the child changes to another user. */
static int code_of_file_below_a_closed_directory(void)
{
    int status = -1;
    (void)in_scratch("closed-directory/file");
    pid_t child = fork();
    if (child == 0) {
        RIA_AUTO(buf) text = {.max = 100};
        struct ria_error err = {0};
        const struct ria_world *world = ria_process_world();
        bool ok = (geteuid() != 0 || seteuid(65534) == 0) &&
                  world->read_file(world->self, path, &text, NULL, &err) == RIA_FAILED &&
                  strstr(err.text, "below a directory that this user cannot search") != NULL;
        _exit(ok ? (int)err.code : 100);
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    return WEXITSTATUS(status);
}

/* A path that leads to no file. If the user did not name the path, the file counts as absent. */
static void a_path_that_leads_to_no_file_has_its_own_error_code(void **state)
{
    (void)state;
    RIA_AUTO(buf) text = {.max = 100};
    struct ria_error err;
    assert_int_equal(mkdir(in_scratch("directory"), 0700), 0);
    assert_int_equal(symlink("circle", in_scratch("circle")), 0);
    assert_int_equal(mkdir(in_scratch("closed-directory"), 0), 0);
    assert_int_equal(read_named("directory", &text, NULL, &err), RIA_FAILED);
    assert_int_equal(err.code, RIA_E_UNREACHABLE);
    expect_piece("a directory", err.text, "/directory: is a directory; replace it with a file");
    assert_int_equal(read_named("circle", &text, NULL, &err), RIA_FAILED);
    assert_int_equal(err.code, RIA_E_UNREACHABLE);
    expect_piece("a loop", err.text, "/circle: is a loop of links");
    assert_int_equal(code_of_file_below_a_closed_directory(), RIA_E_UNREACHABLE);
}

/* home() ignores HOME. The test compares its result with this user's line in passwd. */
static void the_home_of_the_passwd_entry_is_found_without_the_variable(void **state)
{
    (void)state;
    const struct ria_world *world = ria_process_world();
    const struct passwd *entry = getpwuid(geteuid());
    const char *home = world->home(world->self);
    assert_non_null(entry);
    assert_non_null(home);
    assert_string_equal(home, entry->pw_dir);
    assert_ptr_equal(world->home(world->self), home);
}

static void a_file_that_cannot_be_opened_is_not_absent(void **state)
{
    (void)state;
    RIA_AUTO(buf) text = {.max = 100};
    struct ria_error err;
    char too_long[300];
    memset(too_long, 'x', sizeof(too_long));
    too_long[sizeof(too_long) - 1] = '\0';
    assert_int_equal(read_named(too_long, &text, NULL, &err), RIA_FAILED);
    expect_piece("the message", err.text, "cannot be opened");
    if (geteuid() != 0) { /* root can open every file */
        write_file("closed", "x", 0);
        assert_int_equal(read_named("closed", &text, NULL, &err), RIA_FAILED);
        expect_piece("the cause", err.text, "Permission denied");
    }
}

/* Returns what the log of the world writes to stderr. Runs in a child, because a process decides
 * only once which file is its stderr (os/guest_stderr.h). */
static void capture_log(enum ria_log_level level, const char *line, char *out, size_t size)
{
    int ends[2];
    int status = -1;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        const struct ria_world *world = ria_process_world();
        errno = EDOM;
        ria_world_log(world, level, "%s", line);
        _exit(errno == EDOM ? 0 : 1);
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_int_equal(status, 0);
    (void)close(ends[1]);
    ssize_t len = read(ends[0], out, size - 1);
    out[len > 0 ? len : 0] = '\0';
    (void)close(ends[0]);
}

static void the_log_is_written_only_if_it_is_enabled(void **state)
{
    (void)state;
    char text[256];
    assert_int_equal(unsetenv("RDS_IAM_LOG"), 0);
    capture_log(RIA_LOG_WARNING, "a line", text, sizeof(text));
    assert_string_equal(text, "");
    assert_int_equal(setenv("RDS_IAM_LOG", "1", 1), 0);
    capture_log(RIA_LOG_WARNING, "a line", text, sizeof(text));
    assert_string_equal(text, "rds-iam: warning: a line\n");
    capture_log(RIA_LOG_INFO, "a line", text, sizeof(text));
    assert_string_equal(text, "rds-iam: a line\n");
    static const char *const none[] = {"", "0"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_int_equal(setenv("RDS_IAM_LOG", none[i], 1), 0);
        capture_log(RIA_LOG_WARNING, "a line", text, sizeof(text));
        assert_string_equal(text, "");
    }
    assert_int_equal(unsetenv("RDS_IAM_LOG"), 0);
}

static void environment_uid_and_clocks_are_those_of_the_process(void **state)
{
    (void)state;
    const struct ria_world *world = ria_process_world();
    char timestamp[64];
    time_t before = time(NULL);
    int64_t now = world->now(world->self);
    (void)snprintf(timestamp, sizeof(timestamp), "%lld", (long long)now);
    assert_true(now >= before && now <= time(NULL));
    int64_t ticks = world->ticks(world->self);
    assert_true(ticks > 0 && world->ticks(world->self) >= ticks);
    assert_int_equal(world->uid(world->self), geteuid());
    assert_false(world->is_privileged(world->self, NULL));
    assert_int_equal(setenv("RIA_TEST", timestamp, 1), 0);
    assert_string_equal(world->env(world->self, "RIA_TEST"), timestamp);
    assert_int_equal(unsetenv("RIA_TEST"), 0);
    assert_null(world->env(world->self, "RIA_TEST"));
}

static int make_scratch(void **state)
{
    (void)state;
    (void)snprintf(scratch, sizeof(scratch), "%s/process-XXXXXX", RIA_SCRATCH);
    return mkdtemp(scratch) == NULL ? -1 : 0;
}

static int remove_scratch(void **state)
{
    (void)state;
    static const char *const names[] = {
        "plain",
        "link",
        "sized",
        "shared",
        "fifo",
        "device",
        "circle",
        "closed",
        "looked_at",
        "other",
        "turned",
        "fresh",
        "null"};
    for (size_t i = 0; i < RIA_COUNT(names); i++) {
        (void)unlink(in_scratch(names[i]));
    }
    (void)rmdir(in_scratch("directory"));
    (void)rmdir(in_scratch("closed-directory"));
    return rmdir(scratch);
}

static void a_directory_that_others_can_write_does_not_count_as_own(void **state)
{
    (void)state;
    const struct ria_world *world = ria_process_world();
    static const mode_t modes[] = {0700, 0755, 0777, 01777, 0702};
    assert_int_equal(mkdir(in_scratch("own"), 0700), 0);
    for (size_t i = 0; i < RIA_COUNT(modes); i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_int_equal(world->is_own_directory(world->self, path), i < 2);
    }
    assert_int_equal(rmdir(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_regular_file_is_read_with_owner_and_mode),
        cmocka_unit_test(the_facts_of_a_file_are_those_of_its_last_read_until_it_changes),
        cmocka_unit_test(a_file_written_just_now_is_not_settled),
        cmocka_unit_test(the_facts_of_anything_but_a_regular_file_cannot_be_read),
        cmocka_unit_test(the_acl_is_read_if_the_mode_lets_others_write),
        cmocka_unit_test(the_maximum_is_exact),
        cmocka_unit_test(a_missing_file_is_absent),
        cmocka_unit_test(a_special_file_is_rejected_without_blocking),
        cmocka_unit_test(the_null_device_is_an_empty_file_that_no_user_can_write),
        cmocka_unit_test(a_path_that_leads_to_no_file_has_its_own_error_code),
        cmocka_unit_test(the_home_of_the_passwd_entry_is_found_without_the_variable),
        cmocka_unit_test(a_file_that_cannot_be_opened_is_not_absent),
        cmocka_unit_test(the_log_is_written_only_if_it_is_enabled),
        cmocka_unit_test(a_directory_that_others_can_write_does_not_count_as_own),
        cmocka_unit_test(environment_uid_and_clocks_are_those_of_the_process),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
