/* SPDX-License-Identifier: MIT
 *
 * Values of settings: numbers, booleans, and the place at the start of an error message. */
#include "aws/setting.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_digits_in_a_range),
        cmocka_unit_test(booleans_are_true_or_false),
        cmocka_unit_test(a_default_has_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
