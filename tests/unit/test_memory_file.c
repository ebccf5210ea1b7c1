/* SPDX-License-Identifier: MIT
 *
 * The file that exists only in the memory of a process: its content, its mode, its descriptors. */
#include "interpose/memory_file.h"

#include "unit.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_PATH "/no/such/directory/my.cnf"

static void only_its_path_is_opened(void **state)
{
    (void)state;
    assert_int_equal(ria_memory_file_open(FILE_PATH), -1);
    ria_memory_file_create(FILE_PATH, "[client]\n");
    assert_int_equal(ria_memory_file_open("/no/such/directory/my.cn"), -1);
    assert_int_equal(ria_memory_file_open(""), -1);
    int fd = ria_memory_file_open(FILE_PATH);
    assert_true(fd >= 0);
    (void)close(fd);
}

static void readers_do_not_share_an_offset(void **state)
{
    (void)state;
    char text[32] = "";
    int first = ria_memory_file_open(FILE_PATH);
    int second = ria_memory_file_open(FILE_PATH);
    assert_int_equal(read(first, text, sizeof(text)), strlen("[client]\n"));
    assert_string_equal(text, "[client]\n");
    assert_int_equal(read(second, text, sizeof(text)), strlen("[client]\n"));
    (void)close(first);
    (void)close(second);
}

static void no_other_user_may_write_it(void **state)
{
    (void)state;
    struct stat status;
    int fd = ria_memory_file_open(FILE_PATH);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_mode, S_IFREG | S_IRUSR | S_IWUSR);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    (void)close(fd);
}

/* Without the check, SIGXFSZ would end this program. */
static void a_limit_of_file_sizes_hides_it(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {.rlim_cur = 1, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int fd = ria_memory_file_open(FILE_PATH);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_its_path_is_opened),
        cmocka_unit_test(readers_do_not_share_an_offset),
        cmocka_unit_test(no_other_user_may_write_it),
        cmocka_unit_test(a_limit_of_file_sizes_hides_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
