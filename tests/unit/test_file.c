/* SPDX-License-Identifier: MIT
 *
 * ria_file_replace() in a real directory: the old file is replaced completely or stays unchanged,
 * no symbolic link is followed, and no temporary file is left. Also writing to an open file, and
 * whether a file is private, and whether its file system is a network file system. */
#include "base/file.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    PRIVATE = S_IRUSR | S_IWUSR
};

static char scratch[4096];
static int directory = -1;

static int begin(void **state)
{
    (void)state;
    (void)snprintf(scratch, sizeof(scratch), "%s/file-XXXXXX", RIA_SCRATCH);
    if (mkdtemp(scratch) == NULL) {
        return -1;
    }
    directory = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return directory < 0 ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    static const char *const names[] = {"f", "f.new", "victim"};
    for (size_t i = 0; i < RIA_COUNT(names); i++) {
        (void)unlinkat(directory, names[i], 0);
    }
    (void)close(directory);
    return rmdir(scratch); /* fails if a test left any other file */
}

static void write_old(const char *name, const char *text)
{
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

/* Returns the content, or NULL if the file does not exist. */
static const char *content(const char *name)
{
    static char text[64];
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    ssize_t len = read(fd, text, sizeof(text) - 1);
    assert_true(len >= 0);
    text[len] = '\0';
    (void)close(fd);
    return text;
}

static struct stat status_of(const char *name)
{
    struct stat status = {0};
    assert_int_equal(fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW), 0);
    return status;
}

static bool replace(const char *text, bool is_synced)
{
    const struct ria_replacement what = {
        .directory = directory,
        .name = "f",
        .fresh = "f.new",
        .mode = PRIVATE,
        .is_synced = is_synced,
    };
    return ria_file_replace(&what, text, strlen(text));
}

static void a_file_is_created_and_replaced(void **state)
{
    (void)state;
    static const char *const texts[] = {"one", "", "a longer one", "short"};
    for (size_t i = 0; i < RIA_COUNT(texts); i++) {
        assert_true(replace(texts[i], i % 2 == 0));
        expect_text(texts[i], content("f"), texts[i]);
        assert_int_equal(status_of("f").st_mode & ALLPERMS, PRIVATE);
        assert_null(content("f.new"));
    }
}

static void a_process_that_has_the_old_file_open_still_reads_it(void **state)
{
    (void)state;
    char text[8] = "";
    write_old("f", "old");
    int fd = openat(directory, "f", O_RDONLY | O_CLOEXEC);
    assert_true(replace("new", false));
    assert_int_equal(read(fd, text, sizeof(text) - 1), 3);
    assert_string_equal(text, "old");
    assert_string_equal(content("f"), "new");
    (void)close(fd);
}

/* Links with the name of the file, and with the name of the temporary file. */
static void no_link_is_followed(void **state)
{
    (void)state;
    static const char *const names[] = {"f", "f.new"};
    for_each_row(name, names, *name) {
        write_old("victim", "untouched");
        (void)unlinkat(directory, *name, 0);
        expect_number(*name, symlinkat("victim", directory, *name), 0);
        expect(*name, replace("new", false));
        expect_text(*name, content("victim"), "untouched");
        expect_text(*name, content("f"), "new");
        expect_number(*name, status_of("f").st_mode & S_IFMT, S_IFREG);
        expect_number(*name, unlinkat(directory, "victim", 0), 0);
    }
    /* A hard link to another file is not written to, either. */
    write_old("victim", "untouched");
    assert_int_equal(linkat(directory, "victim", directory, "f.new", 0), 0);
    assert_true(replace("newer", false));
    assert_string_equal(content("victim"), "untouched");
    assert_string_equal(content("f"), "newer");
}

static void a_failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit low = {4, before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    write_old("f", "old");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    bool is_short = replace("1234", true);
    bool is_long = replace("12345", true);
    int error = errno;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_true(is_short);
    assert_false(is_long);
    assert_int_equal(error, EFBIG);
    assert_string_equal(content("f"), "1234");
    assert_null(content("f.new"));
}

static void without_a_directory_no_file_is_written(void **state)
{
    (void)state;
    const struct ria_replacement what = {
        .directory = -1, .name = "f", .fresh = "f.new", .mode = PRIVATE};
    assert_false(ria_file_replace(&what, "new", 3));
    assert_int_equal(errno, EBADF);
    assert_true(replace("new", false)); /* control */
}

static void a_directory_of_that_name_is_not_replaced(void **state)
{
    (void)state;
    assert_int_equal(mkdirat(directory, "f", 0700), 0);
    assert_false(replace("new", false));
    assert_int_equal(errno, EISDIR);
    assert_int_equal(status_of("f").st_mode & S_IFMT, S_IFDIR);
    assert_null(content("f.new"));
    assert_int_equal(unlinkat(directory, "f", AT_REMOVEDIR), 0);
}

static void a_trial_leaves_no_file(void **state)
{
    (void)state;
    const struct ria_replacement trial = {
        .directory = directory, .fresh = "f.new", .mode = PRIVATE, .is_synced = true};
    write_old("f", "old");
    assert_true(ria_file_replace(&trial, "new", 3));
    assert_string_equal(content("f"), "old");
    assert_null(content("f.new"));
}

static void a_new_file_replaces_no_other_file(void **state)
{
    (void)state;
    const struct ria_replacement what = {
        .directory = directory, .name = "f", .fresh = "f.new", .mode = PRIVATE, .is_new = true};
    assert_true(ria_file_replace(&what, "new", 3));
    assert_string_equal(content("f"), "new");
    assert_false(ria_file_replace(&what, "newer", 5));
    assert_int_equal(errno, EEXIST);
    assert_string_equal(content("f"), "new");
    assert_null(content("f.new"));
    /* A symbolic link counts as a file of that name. */
    assert_int_equal(unlinkat(directory, "f", 0), 0);
    assert_int_equal(symlinkat("victim", directory, "f"), 0);
    assert_false(ria_file_replace(&what, "new", 3));
    assert_int_equal(errno, EEXIST);
    assert_null(content("victim"));
}

static void an_exact_replacement_ignores_the_umask(void **state)
{
    (void)state;
    static const mode_t modes[] = {0600, 0644, 0664, 0400};
    mode_t before = umask(0077);
    for_each_row(mode, modes, NULL) {
        const struct ria_replacement what = {
            .directory = directory,
            .name = "f",
            .fresh = "f.new",
            .mode = *mode,
            .is_exact = true,
            .owner = geteuid(),
            .group = getegid(),
        };
        expect("modes", ria_file_replace(&what, "new", 3));
        expect_number("modes", status_of("f").st_mode & 07777, *mode);
    }
    (void)umask(before);
}

static void a_changed_file_is_not_replaced(void **state)
{
    (void)state;
    struct ria_file facts;
    write_old("f", "old");
    int fd = openat(directory, "f", O_RDONLY | O_CLOEXEC);
    assert_true(ria_file_facts(fd, &facts));
    (void)close(fd);
    const struct ria_replacement what = {
        .directory = directory,
        .name = "f",
        .fresh = "f.new",
        .mode = PRIVATE,
        .expected = &facts.stamp,
    };
    write_old("f", "changed");
    assert_false(ria_file_replace(&what, "new", 3));
    assert_int_equal(errno, ESTALE);
    assert_string_equal(content("f"), "changed");
    assert_null(content("f.new"));
    assert_int_equal(unlinkat(directory, "f", 0), 0);
    assert_false(ria_file_replace(&what, "new", 3));
    assert_int_equal(errno, ESTALE);
    assert_null(content("f"));
    /* Control: a file whose facts are the expected ones is replaced. */
    write_old("f", "old");
    fd = openat(directory, "f", O_RDONLY | O_CLOEXEC);
    assert_true(ria_file_facts(fd, &facts));
    (void)close(fd);
    assert_true(ria_file_replace(&what, "new", 3));
    assert_string_equal(content("f"), "new");
}

static void an_open_file_is_written_from_its_start(void **state)
{
    (void)state;
    static const char *const texts[] = {"a long text", "short", "", "again"};
    int fd = ria_file_create_at(directory, "f", PRIVATE);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    for_each_row(text, texts, *text) {
        expect(*text, ria_file_fill(fd, *text, strlen(*text)));
        expect_text(*text, content("f"), *text);
        expect_number(*text, lseek(fd, 0, SEEK_CUR), 0);
    }
    (void)close(fd);
}

static void no_other_user_can_open_a_private_file(void **state)
{
    (void)state;
    static const mode_t modes[] = {0600, 0400, 0700, 0640, 0604, 0660, 0601, 0610, 0606};
    for_each_row(mode, modes, NULL) {
        int fd = ria_file_create_at(directory, "f", PRIVATE);
        expect_number("modes", fchmod(fd, *mode), 0);
        expect_number("modes", ria_file_is_private(fd, S_IFREG), (*mode & 077) == 0);
        expect("modes", !ria_file_is_private(fd, S_IFDIR));
        (void)close(fd);
    }
    assert_true(ria_file_is_private(directory, S_IFDIR));
    assert_false(ria_file_is_private(-1, S_IFDIR));
}

/* A path that does not exist counts as a path on the file system of its nearest existing parent. */
static void the_file_system_of_a_path_is_found(void **state)
{
    (void)state;
    char path[sizeof(scratch) + 64];
    struct statfs status;
    assert_int_equal(statfs(scratch, &status), 0);
    bool is_remote = ria_file_is_remote_type((uint32_t)status.f_type);
    static const char *const names[] = {"", "/missing", "/missing/missing", "/file", "/file/name"};
    write_old("file", "x");
    for_each_row(name, names, *name) {
        (void)snprintf(path, sizeof(path), "%s%s", scratch, *name);
        expect(*name, ria_file_is_remote(path) == is_remote);
    }
    assert_int_equal(unlinkat(directory, "file", 0), 0);
    expect("control: /proc", !ria_file_is_remote("/proc/missing"));
    static const char *const ends[] = {"/", "/missing-of-rds-iam"};
    for_each_row(end_of, ends, *end_of) {
        expect(*end_of, ria_file_is_remote(*end_of) == ria_file_is_remote("/"));
    }
    expect("a relative path", ria_file_is_remote("missing/x") == ria_file_is_remote("."));
    memset(path, 'x', sizeof(path));
    path[1000] = '\0';
    expect("a long path", ria_file_is_remote(path));
}

static void network_file_systems_are_remote(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t type;
        bool is_remote;
    } rows[] = {
        {"NFS", NFS_SUPER_MAGIC, true},
        {"CIFS", 0xff534d42, true},
        {"SMB 2", 0xfe534d42, true},
        {"FUSE", 0x65735546, true},
        {"9p", V9FS_MAGIC, true},
        {"Ceph", 0x00c36400, true},
        {"AFS", 0x6b414653, true},
        {"ext4", EXT4_SUPER_MAGIC, false},
        {"XFS", 0x58465342, false},
        {"btrfs", BTRFS_SUPER_MAGIC, false},
        {"tmpfs", TMPFS_MAGIC, false},
        {"overlay", OVERLAYFS_SUPER_MAGIC, false},
    };
    for_each_row(row, rows, row->name) {
        expect(row->name, ria_file_is_remote_type(row->type) == row->is_remote);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_file_system_of_a_path_is_found, begin, end),
        cmocka_unit_test(network_file_systems_are_remote),
        cmocka_unit_test_setup_teardown(a_file_is_created_and_replaced, begin, end),
        cmocka_unit_test_setup_teardown(
            a_process_that_has_the_old_file_open_still_reads_it, begin, end),
        cmocka_unit_test_setup_teardown(no_link_is_followed, begin, end),
        cmocka_unit_test_setup_teardown(a_failed_write_leaves_the_old_file, begin, end),
        cmocka_unit_test_setup_teardown(without_a_directory_no_file_is_written, begin, end),
        cmocka_unit_test_setup_teardown(a_directory_of_that_name_is_not_replaced, begin, end),
        cmocka_unit_test_setup_teardown(a_trial_leaves_no_file, begin, end),
        cmocka_unit_test_setup_teardown(a_new_file_replaces_no_other_file, begin, end),
        cmocka_unit_test_setup_teardown(an_exact_replacement_ignores_the_umask, begin, end),
        cmocka_unit_test_setup_teardown(a_changed_file_is_not_replaced, begin, end),
        cmocka_unit_test_setup_teardown(no_other_user_can_open_a_private_file, begin, end),
        cmocka_unit_test_setup_teardown(an_open_file_is_written_from_its_start, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
