/* SPDX-License-Identifier: MIT
 *
 * Values of settings: numbers, booleans, paths, and the place at the start of an error message. */
#include "aws/setting.h"

#include "config/config.h"
#include "fake_world.h"
#include "unit.h"

static void numbers_are_digits_in_a_range(void **state)
{
    (void)state;
    static const struct ria_range range = {"seconds", 900, 43200};
    static const struct {
        const char *text;
        int64_t want; /* 0: refused */
    } rows[] = {
        {"900", 900},
        {"43200", 43200},
        {"00900", 900},
        {"899", 0},
        {"43201", 0},
        {"0", 0},
        {"", 0},
        {"+900", 0},
        {"-900", 0},
        {" 900", 0},
        {"900 ", 0},
        {"900s", 0},
        {"1e3", 0},
        {"0x400", 0},
        {"18446744073709552516", 0}, /* 2^64 + 900 */
        {"1000000000000000000", 0},
    };
    for_each_row(row, rows, row->text) {
        struct ria_setting setting = {row->text, "/f", 7};
        struct ria_error err = {0};
        int64_t number = 0;
        bool ok = ria_setting_number(&setting, &range, RIA_E_CONFIG, &number, &err);
        expect_number(row->text, ok, row->want != 0);
        expect_number(row->text, number, row->want);
        if (!ok) {
            expect_piece(row->text, err.text, "/f:7: seconds is \"");
            expect_piece(row->text, err.text, "\"; write a number from 900 to 43200");
            expect_number(row->text, err.code, RIA_E_CONFIG);
        }
    }
}

static void booleans_are_true_or_false(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int want; /* -1: refused */
    } rows[] = {
        {"true", 1}, {"TRUE", 1}, {"false", 0}, {"False", 0}, {"1", -1}, {"yes", -1}, {"", -1}};
    for_each_row(row, rows, row->text) {
        struct ria_setting setting = {row->text, "VARIABLE", 0};
        struct ria_error err = {0};
        bool value = false;
        bool ok = ria_setting_boolean(&setting, RIA_E_CREDENTIALS, &value, &err);
        expect_number(row->text, ok ? value : -1, row->want);
        if (!ok) {
            expect_piece(row->text, err.text, "VARIABLE: \"");
            expect_piece(row->text, err.text, "\" is neither true nor false; write one of them");
        }
    }
}

static void a_default_has_no_place(void **state)
{
    (void)state;
    struct ria_error err;
    RIA_AUTO(buf) place = {.max = 64};
    (void)ria_fail_at(&err, RIA_E_CONFIG, &(struct ria_setting){"v", NULL, 0}, "wrong");
    assert_string_equal(err.text, "wrong");
    (void)ria_fail_at(&err, RIA_E_CONFIG, &(struct ria_setting){"v", "/f", 2}, "wrong");
    assert_string_equal(err.text, "/f:2: wrong");
    ria_setting_add_place(&place, &(struct ria_setting){"v", NULL, 0});
    assert_int_equal(place.len, 0);
    ria_setting_add_place(&place, &(struct ria_setting){"v", "/f", 2});
    assert_string_equal(ria_buf_text(&place), "/f:2");
}

static void a_path_is_expanded_or_its_fault_is_known(void **state)
{
    (void)state;
    static char too_long[RIA_PATH_MAX + 1];
    memset(too_long, 'x', RIA_PATH_MAX);
    static const struct {
        const char *name;
        const char *home;
        const char *value;
        const char *want; /* NULL: the value is rejected */
        bool needs_home;
    } rows[] = {
        {"in the home directory", "/h", "~/c", "/h/c", false},
        {"without a home directory", NULL, "~/c", NULL, true},
        {"an absolute path needs no home directory", NULL, "/c", "/c", false},
        {"a path that is too long", "/h", too_long, NULL, false},
        {"a path that is too long, without a home directory", NULL, too_long, NULL, false},
        {"a home directory that is too long", too_long, "~/c", NULL, false},
        {"the longest path", NULL, too_long + 1, too_long + 1, false},
    };
    for_each_row(row, rows, row->name) {
        struct ria_fake fake;
        char path[RIA_PATH_MAX] = "before";
        ria_fake_init(&fake);
        ria_fake_env(&fake, "HOME", row->home);
        bool ok = ria_setting_expand(&fake.world, row->value, path);
        expect_number(row->name, ok, row->want != NULL);
        expect_text(row->name, path, ok ? row->want : "");
        expect_number(row->name, ria_setting_needs_home(&fake.world, row->value), row->needs_home);
    }
}

static void a_variable_with_a_path_that_is_too_long_is_named(void **state)
{
    (void)state;
    static char too_long[RIA_PATH_MAX + 1];
    RIA_AUTO(config) config = {0};
    struct ria_error err = {0};
    struct ria_fake fake;
    memset(too_long, 'x', RIA_PATH_MAX);
    ria_fake_init(&fake);
    ria_fake_env(&fake, "RDS_IAM_CONFIG", too_long);
    assert_false(ria_config_load(&fake.world, &config, &err));
    assert_string_equal(err.text, "RDS_IAM_CONFIG: the path is too long; shorten it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_digits_in_a_range),
        cmocka_unit_test(booleans_are_true_or_false),
        cmocka_unit_test(a_default_has_no_place),
        cmocka_unit_test(a_path_is_expanded_or_its_fault_is_known),
        cmocka_unit_test(a_variable_with_a_path_that_is_too_long_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
