/* SPDX-License-Identifier: MIT
 *
 * ria_file_replace() if a system call fails: the old file stays, no temporary file is left, and
 * errno is that of the call. Also the facts about a file, and its file system, if they cannot be
 * read. */
#include "base/file.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The call that fails, and how often it fails from now on. */
static struct {
    const char *call;
    int error;
    int times;
} fault;

static bool fails(const char *call)
{
    if (fault.call == NULL || strcmp(fault.call, call) != 0 || fault.times == 0) {
        return false;
    }
    fault.times--;
    errno = fault.error;
    return true;
}

/* The linker replaces these functions of libc with the functions of this file. */
#define WRAPPED(result, name, parameters, arguments)                                               \
    result __real_##name parameters;                                                               \
    result __wrap_##name parameters;                                                               \
    result __wrap_##name parameters                                                                \
    {                                                                                              \
        return fails(#name) ? -1 : __real_##name arguments;                                        \
    }

WRAPPED(int, fchmod, (int fd, mode_t mode), (fd, mode))
WRAPPED(int, fchown, (int fd, uid_t owner, gid_t group), (fd, owner, group))
WRAPPED(int, fremovexattr, (int fd, const char *name), (fd, name))
WRAPPED(int, fsync, (int fd), (fd))
WRAPPED(
    int, fstatat64, (int at, const char *path, struct stat *out, int flags), (at, path, out, flags))
WRAPPED(ssize_t, pwrite64, (int fd, const void *from, size_t len, off_t at), (fd, from, len, at))
WRAPPED(int, renameat, (int at, const char *from, int to_at, const char *to), (at, from, to_at, to))
WRAPPED(ssize_t, fgetxattr, (int fd, const char *name, void *out, size_t len), (fd, name, out, len))

/* Fails after it has closed the descriptor, as close() does. */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    int result = __real_close(fd);
    return fails("close") ? -1 : result;
}

/* base/file.c calls renameat2() this way. Passes on all arguments that a system call can have. */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    bool is_failure = number == SYS_renameat2 && fails("renameat2");
    return is_failure ? -1 : __real_syscall(number, a, b, c, d, e, f);
}

/* The paths whose file system can be found; NULL: that of every path. */
static const char *only_path;
static unsigned long type;

int __wrap_statfs64(const char *path, struct statfs *out);
int __wrap_statfs64(const char *path, struct statfs *out)
{
    if (fails("statfs64")) {
        return -1;
    }
    if (only_path != NULL && strcmp(only_path, path) != 0) {
        errno = ENOENT;
        return -1;
    }
    *out = (struct statfs){.f_type = (__typeof__(out->f_type))type};
    return 0;
}

/* -- replacing a file ------------------------------------------------------------------------ */

static char scratch[4096];
static int directory = -1;

static int begin(void **state)
{
    (void)state;
    (void)snprintf(scratch, sizeof(scratch), "%s/file-faults-XXXXXX", RIA_SCRATCH);
    if (mkdtemp(scratch) == NULL) {
        return -1;
    }
    directory = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return directory < 0 ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    (void)unlinkat(directory, "f", 0);
    (void)close(directory);
    return rmdir(scratch); /* fails if a test left any other file */
}

/* Makes the file "f" with the text, or removes it. */
static void make_old(const char *text)
{
    (void)unlinkat(directory, "f", 0);
    if (text != NULL) {
        int fd = openat(directory, "f", O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        (void)close(fd);
    }
}

/* Returns the text of "f"; "" if the file does not exist. */
static const char *content(void)
{
    static char text[64];
    int fd = openat(directory, "f", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    text[len < 0 ? 0 : len] = '\0';
    if (fd >= 0) {
        (void)close(fd);
    }
    return text;
}

static void expect_replaced(const char *message, const struct ria_replacement *what, int error)
{
    errno = 0;
    bool ok = ria_file_replace(what, "new", strlen("new"));
    int got = errno;
    fault.call = NULL;
    expect_number(message, ok, error == 0);
    if (error != 0) {
        expect_number(message, got, error);
    }
    expect(message, faccessat(directory, "f.new", F_OK, 0) != 0);
}

static void a_failed_call_leaves_the_old_file(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *call;
        int error; /* of the call */
        int want;  /* the error of the replacement; 0: it succeeds */
    } rows[] = {
        {"control: nothing fails", NULL, 0, 0},
        {"the owner cannot be set", "fchown", EPERM, EPERM},
        {"the mode cannot be set", "fchmod", EPERM, EPERM},
        {"the access control list cannot be removed", "fremovexattr", EACCES, EACCES},
        {"the file has no such list", "fremovexattr", ENODATA, 0},
        {"the file system has no such lists", "fremovexattr", ENOTSUP, 0},
        {"the kernel has no such lists", "fremovexattr", ENOSYS, 0},
        {"the disk is full", "pwrite64", ENOSPC, ENOSPC},
        {"a signal interrupts the write", "pwrite64", EINTR, 0},
        {"the file cannot be synced", "fsync", EIO, EIO},
        {"the old file cannot be compared", "fstatat64", EIO, ESTALE},
        {"the server reports an error when the file is closed", "close", EDQUOT, EDQUOT},
        {"the file cannot be renamed", "renameat", EACCES, EACCES},
    };
    for_each_row(row, rows, row->name) {
        make_old("old");
        struct ria_file old;
        int fd = openat(directory, "f", O_RDONLY | O_CLOEXEC);
        assert_true(ria_file_facts(fd, &old));
        (void)close(fd);
        const struct ria_replacement what = {
            .directory = directory,
            .name = "f",
            .fresh = "f.new",
            .mode = S_IRUSR | S_IWUSR,
            .is_synced = true,
            .is_exact = true,
            .owner = old.owner,
            .group = old.group,
            .expected = &old.stamp,
        };
        fault.call = row->call;
        fault.error = row->error;
        fault.times = 1;
        expect_replaced(row->name, &what, row->want);
        expect_text(row->name, content(), row->want == 0 ? "new" : "old");
    }
}

static void a_new_file_also_appears_without_the_kernels_help(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *old;
        int error; /* of renameat2(); 0: it works */
        int want;
        const char *content;
    } rows[] = {
        {"a kernel without renameat2()", NULL, ENOSYS, 0, "new"},
        {"a file system without RENAME_NOREPLACE", NULL, EINVAL, 0, "new"},
        {"a file of that name, without renameat2()", "old", ENOSYS, EEXIST, "old"},
        {"a file of that name, without RENAME_NOREPLACE", "old", EINVAL, EEXIST, "old"},
        {"another error", NULL, EACCES, EACCES, ""},
        {"control: renameat2() works", NULL, 0, 0, "new"},
        {"control: a file of that name, and renameat2() works", "old", 0, EEXIST, "old"},
    };
    for_each_row(row, rows, row->name) {
        const struct ria_replacement what = {
            .directory = directory,
            .name = "f",
            .fresh = "f.new",
            .mode = S_IRUSR | S_IWUSR,
            .is_new = true,
        };
        make_old(row->old);
        fault.call = row->error == 0 ? NULL : "renameat2";
        fault.error = row->error;
        fault.times = 1;
        expect_replaced(row->name, &what, row->want);
        expect_text(row->name, content(), row->content);
    }
}

/* -- facts ----------------------------------------------------------------------------------- */

static void a_list_that_cannot_be_read_is_not_an_absent_list(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int error;
        bool is_unreadable;
    } rows[] = {
        {"no list", ENODATA, false},
        {"a file system without lists", ENOTSUP, false},
        {"a kernel without lists", ENOSYS, false},
        {"a sandbox that forbids the call", EPERM, false},
        {"an error of the disk", EIO, true},
        {"a list that is too long", ERANGE, true},
    };
    make_old("old");
    int fd = openat(directory, "f", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fchmod(fd, S_IRUSR | S_IWUSR | S_IWGRP), 0);
    for_each_row(row, rows, row->name) {
        struct ria_file facts;
        fault.call = "fgetxattr";
        fault.error = row->error;
        fault.times = 1;
        expect(row->name, ria_file_facts(fd, &facts));
        expect_number(row->name, fault.times, 0);
        expect_number(row->name, facts.acl.is_unreadable, row->is_unreadable);
        expect_number(row->name, facts.acl.is_present, row->is_unreadable);
    }
    fault.call = NULL;
    (void)close(fd);
}

static void every_fact_is_compared(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct ria_file file;
        bool is_same;
    } rows[] = {
        {"control: nothing differs", {0}, true},
        {"only is_settled differs", {.stamp.is_settled = true}, true},
        {"the device", {.stamp.device = 1}, false},
        {"the inode", {.stamp.inode = 1}, false},
        {"the size", {.stamp.size = 1}, false},
        {"the time of the contents", {.stamp.modified = 1}, false},
        {"the time of the inode", {.stamp.changed = 1}, false},
        {"the version", {.stamp.version = 1}, false},
        {"the owner", {.owner = 1}, false},
        {"the group", {.group = 1}, false},
        {"the mode", {.mode = 1}, false},
        {"a list", {.acl.is_present = true}, false},
        {"a list that cannot be read", {.acl.is_unreadable = true}, false},
        {"the rights of the group", {.acl.group_writes = true}, false},
        {"another writer", {.acl.has_writer = true}, false},
        {"the kind of the writer", {.acl.writer_is_group = true}, false},
        {"the id of the writer", {.acl.writer = 1}, false},
    };
    static const struct ria_file file = {0};
    for_each_row(row, rows, row->name) {
        expect_number(row->name, ria_file_same_facts(&file, &row->file), row->is_same);
        expect_number(row->name, ria_file_same_facts(&row->file, &file), row->is_same);
    }
}

static void a_file_system_that_is_not_found_counts_as_remote(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *path;
        const char *only_path; /* only for this path, statfs() succeeds; NULL: for every path */
        unsigned long type;
        int error; /* of the first call of statfs(); 0: none */
        bool is_remote;
    } rows[] = {
        {"a local directory above", "/a/b", "/a", EXT4_SUPER_MAGIC, 0, false},
        {"NFS above", "/a/b", "/a", NFS_SUPER_MAGIC, 0, true},
        {"the root", "/a/b", "/", EXT4_SUPER_MAGIC, 0, false},
        {"not even the root", "/a/b", "none", EXT4_SUPER_MAGIC, 0, true},
        {"the working directory", "a/b", ".", EXT4_SUPER_MAGIC, 0, false},
        {"not even the working directory", "a/b", "none", EXT4_SUPER_MAGIC, 0, true},
        {"a component is a file", "/a/b", NULL, EXT4_SUPER_MAGIC, ENOTDIR, false},
        {"an error", "/a/b", NULL, EXT4_SUPER_MAGIC, EACCES, true},
    };
    for_each_row(row, rows, row->name) {
        only_path = row->only_path;
        type = row->type;
        fault.call = row->error == 0 ? NULL : "statfs64";
        fault.error = row->error;
        fault.times = 1;
        expect_number(row->name, ria_file_is_remote(row->path), row->is_remote);
    }
    fault.call = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_call_leaves_the_old_file),
        cmocka_unit_test(a_new_file_also_appears_without_the_kernels_help),
        cmocka_unit_test(a_list_that_cannot_be_read_is_not_an_absent_list),
        cmocka_unit_test(every_fact_is_compared),
        cmocka_unit_test(a_file_system_that_is_not_found_counts_as_remote),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
