/* SPDX-License-Identifier: MIT
 *
 * The option file in memory that the preload makes for command-line tools of MariaDB and Oracle:
 * its text, its mode, its descriptors. */
#include "preload/option_file.h"

#include "unit.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void each_maker_gets_its_own_text(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum ria_tool_maker maker;
        const char *ca;
        bool chain_suffices;
        const char *expected;
    } rows[] = {
        {"MariaDB",
         RIA_TOOL_MARIADB,
         "/ca",
         false,
         "[client]\nssl-ca=\"/ca\"\nssl-verify-server-cert=1\n"},
        {"MariaDB, the chain alone", RIA_TOOL_MARIADB, "/ca", true, "[client]\nssl-ca=\"/ca\"\n"},
        {"MariaDB, the user has set a CA, so the file has none",
         RIA_TOOL_MARIADB,
         NULL,
         false,
         "[client]\nssl-verify-server-cert=1\n"},
        {"Oracle",
         RIA_TOOL_ORACLE,
         "/ca",
         false,
         "[client]\nssl-ca=\"/ca\"\nloose-ssl-mode=VERIFY_IDENTITY\n"},
        {"Oracle, the chain alone: no effect",
         RIA_TOOL_ORACLE,
         NULL,
         true,
         "[client]\nloose-ssl-mode=VERIFY_IDENTITY\n"},
        {"a path with special characters",
         RIA_TOOL_MARIADB,
         "/a \"b\" #\\'\xc3\xbc",
         true,
         "[client]\nssl-ca=\"/a \\\"b\\\" #\\\\'\xc3\xbc\"\n"},
    };
    for_each_row(row, rows, row->name) {
        RIA_AUTO(buf) text = {.max = 4096};
        assert_true(ria_option_file_write(row->maker, row->ca, row->chain_suffices, &text));
        expect_text(row->name, ria_buf_text(&text), row->expected);
    }
}

static void a_path_that_an_option_file_cannot_contain_is_rejected(void **state)
{
    (void)state;
    char longest[2001];
    RIA_AUTO(buf) text = {.max = (size_t)16 * 1024};
    memset(longest, 'a', sizeof(longest));
    longest[2000] = '\0';
    assert_false(ria_option_file_write(RIA_TOOL_MARIADB, longest, false, &text));
    assert_false(ria_option_file_write(RIA_TOOL_MARIADB, "/a\nplugin-dir=/b", false, &text));
    assert_false(ria_option_file_write(RIA_TOOL_ORACLE, "/a\x7f", false, &text));
    assert_int_equal(text.len, 0);
    longest[1999] = '\0';
    assert_true(ria_option_file_write(RIA_TOOL_MARIADB, longest, false, &text));
}

static void readers_do_not_share_an_offset(void **state)
{
    (void)state;
    char text[32] = "";
    int first = ria_option_file_open("[client]\n");
    int second = ria_option_file_open("[client]\n");
    assert_int_equal(read(first, text, sizeof(text)), strlen("[client]\n"));
    assert_string_equal(text, "[client]\n");
    assert_int_equal(read(second, text, sizeof(text)), strlen("[client]\n"));
    (void)close(first);
    (void)close(second);
}

static void no_other_user_can_open_the_file(void **state)
{
    (void)state;
    struct stat status;
    int fd = ria_option_file_open("[client]\n");
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_mode, S_IFREG | S_IRUSR | S_IWUSR);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    (void)close(fd);
}

/* Without the check of RLIMIT_FSIZE in option_file.c, SIGXFSZ would end this program. */
static void without_room_for_the_file_no_signal_ends_the_program(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {.rlim_cur = 1, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int fd = ria_option_file_open("[client]\n");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_maker_gets_its_own_text),
        cmocka_unit_test(a_path_that_an_option_file_cannot_contain_is_rejected),
        cmocka_unit_test(readers_do_not_share_an_offset),
        cmocka_unit_test(no_other_user_can_open_the_file),
        cmocka_unit_test(without_room_for_the_file_no_signal_ends_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
