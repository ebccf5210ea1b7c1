/* SPDX-License-Identifier: MIT
 *
 * Functions that work on any struct ria_world: blank variables, printable log lines, deadlines. */
#include "base/world.h"

#include "fake_world.h"
#include "unit.h"

static void a_blank_variable_counts_as_unset(void **state)
{
    (void)state;
    struct ria_fake fake;
    ria_fake_init(&fake);
    assert_null(ria_world_env(&fake.world, "V"));
    static const char *const blanks[] = {"", " ", "\t", "\r\n", " \t \n"};
    for_each_row(blank, blanks, *blank) {
        ria_fake_env(&fake, "V", *blank);
        expect(*blank, ria_world_env(&fake.world, "V") == NULL);
    }
    ria_fake_env(&fake, "V", " x ");
    assert_string_equal(ria_world_env(&fake.world, "V"), " x ");
}

static void log_lines_are_printable_and_bounded(void **state)
{
    (void)state;
    struct ria_fake fake;
    ria_fake_init(&fake);
    ria_world_log(&fake.world, RIA_LOG_WARNING, "a\n%s", "b\x1b");
    assert_true(ria_fake_logged(&fake, RIA_LOG_WARNING, "a?b?"));
    assert_false(ria_fake_logged(&fake, RIA_LOG_INFO, "a?b?"));
    ria_world_log(&fake.world, RIA_LOG_INFO, "%2000s", "far right");
    assert_int_equal(strlen(fake.log[1].text), RIA_ERROR_TEXT_MAX - 1);
    fake.world.log = NULL;
    ria_world_log(&fake.world, RIA_LOG_WARNING, "nobody listens");
    assert_int_equal(fake.log_count, 2);
}

static void the_remaining_time_is_never_negative(void **state)
{
    (void)state;
    struct ria_fake fake;
    ria_fake_init(&fake);
    struct ria_deadline deadline = ria_deadline_in(&fake.world, 1000);
    assert_int_equal(ria_deadline_left(&fake.world, deadline), 1000);
    fake.ticks += 999;
    assert_int_equal(ria_deadline_left(&fake.world, deadline), 1);
    fake.ticks += 1;
    assert_int_equal(ria_deadline_left(&fake.world, deadline), 0);
    fake.ticks += 100000;
    assert_int_equal(ria_deadline_left(&fake.world, deadline), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blank_variable_counts_as_unset),
        cmocka_unit_test(log_lines_are_printable_and_bounded),
        cmocka_unit_test(the_remaining_time_is_never_negative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
