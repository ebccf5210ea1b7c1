/* SPDX-License-Identifier: MIT
 *
 * Error texts: codes, truncation between characters, the replacement of control characters and of
 * invalid UTF-8, and the remedy, which is shown alone if the text is too long. */
#include "base/error.h"

#include "unit.h"

static void each_function_fills_code_and_text_and_returns_its_outcome(void **state)
{
    (void)state;
    struct ria_error err;
    assert_false(ria_fail(&err, RIA_E_CONFIG, "%s:%d: broken", "file", 3));
    assert_int_equal(err.code, RIA_E_CONFIG);
    assert_string_equal(err.text, "file:3: broken");
    assert_int_equal(ria_failed(&err, RIA_E_DEADLINE, "late"), RIA_FAILED);
    assert_int_equal(err.code, RIA_E_DEADLINE);
    assert_string_equal(err.text, "late");
    assert_int_equal(ria_absent(&err, "%s is not set", "X"), RIA_ABSENT);
    assert_int_equal(err.code, RIA_E_NO_CREDENTIALS);
    assert_string_equal(err.text, "X is not set");
}

static void a_caller_may_pass_no_error(void **state)
{
    (void)state;
    assert_false(ria_fail(NULL, RIA_E_SYSTEM, "%s", "unheard"));
    assert_int_equal(ria_failed(NULL, RIA_E_SYSTEM, "unheard"), RIA_FAILED);
    assert_int_equal(ria_absent(NULL, "unheard"), RIA_ABSENT);
}

static void a_new_text_may_contain_the_old_one(void **state)
{
    (void)state;
    struct ria_error err;
    (void)ria_fail(&err, RIA_E_CONFIG, "inner");
    (void)ria_fail(&err, err.code, "outer: %s", err.text);
    assert_string_equal(err.text, "outer: inner");
}

static void control_characters_are_replaced(void **state)
{
    (void)state;
    struct ria_error err;
    (void)ria_fail(&err, RIA_E_CONFIG, "%s", "a\nb\rc\td\x1b[31m\x7f\x01.");
    assert_string_equal(err.text, "a?b?c?d?[31m??.");
    (void)ria_fail(&err, RIA_E_CONFIG, "%s", "\xc3\xbc stays as it is");
    assert_string_equal(err.text, "\xc3\xbc stays as it is");
    for (int c = 1; c < 256; c++) {
        char text[2] = {(char)c, '\0'};
        ria_printable(text);
        assert_int_equal(text[0], c >= 0x20 && c < 0x7f ? c : '?');
    }
}

/* Encodes any number as UTF-8, including numbers that are not valid code points. */
static size_t encode(unsigned point, char out[8])
{
    memset(out, 0, 8);
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t len = point < 0x800 ? 2 : (point < 0x10000 ? 3 : 4);
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    out[0] = (char)(leads[len] | point);
    return len;
}

static void only_characters_that_are_not_printable_are_replaced(void **state)
{
    (void)state;
    for (unsigned point = 1; point < 0x120000; point++) {
        char text[8];
        char before[8];
        size_t len = encode(point, text);
        bool is_control = point < 0x20 || (point >= 0x7f && point < 0xa0);
        bool is_surrogate = point >= 0xd800 && point < 0xe000;
        /* Bidi_Control of Unicode's PropList.txt, and the two separators. */
        bool is_mark = point == 0x61c || point == 0x200e || point == 0x200f ||
                       (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
        bool is_separator = point == 0x2028 || point == 0x2029;
        bool stays = !is_control && !is_surrogate && !is_mark && !is_separator && point < 0x110000;
        memcpy(before, text, sizeof(before));
        ria_printable(text);
        assert_true(stays ? memcmp(text, before, sizeof(text)) == 0 : text[0] == '?');
        assert_int_equal(strlen(text), len);
    }
}

static void bytes_that_are_not_utf_8_are_replaced_one_by_one(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
        const char *want;
    } rows[] = {
        {"a continuation byte alone", "a\x80z", "a?z"},
        {"half a character at the end", "a\xc3", "a?"},
        {"half a character, then a letter", "\xe3\x81z", "??z"},
        {"half a character, then a whole one", "\xe3\xc3\xbc", "?\xc3\xbc"},
        {"three of four bytes at the end", "\xf0\x9f\x98", "???"},
        {"an overlong form of a slash", "\xc0\xaf", "??"},
        {"an overlong form of three bytes", "\xe0\x80\xaf", "???"},
        {"an overlong form of four bytes", "\xf0\x80\x80\xaf", "????"},
        {"Latin-1", "gr\xfc\xdf", "gr??"},
        {"bytes that never occur in UTF-8", "\xff\xfe", "??"},
    };
    for_each_row(row, rows, row->name) {
        char text[32];
        (void)snprintf(text, sizeof(text), "%s", row->text);
        ria_printable(text);
        expect_text(row->name, text, row->want);
    }
}

/* Texts that are longer than the limit, of characters of one, two, three and four bytes, which
 * begin at different offsets. */
static void a_long_text_is_cut_between_characters(void **state)
{
    (void)state;
    static const char *const characters[] = {"a", "\xc3\xbc", "\xe3\x81\x82", "\xf0\x9f\x98\x80"};
    for_each_row(character, characters, *character) {
        size_t size = strlen(*character);
        for (size_t pad = 0; pad < 4; pad++) {
            char text[RIA_ERROR_TEXT_MAX + 64];
            size_t len = 0;
            while (len < pad) {
                text[len++] = '.';
            }
            while (len + size < sizeof(text)) {
                memcpy(text + len, *character, size);
                len += size;
            }
            text[len] = '\0';
            struct ria_error err;
            (void)ria_fail(&err, RIA_E_CONFIG, "%s", text);
            size_t got = strlen(err.text);
            expect(*character, got < RIA_ERROR_TEXT_MAX && got > RIA_ERROR_TEXT_MAX - 12);
            expect_text(*character, err.text + got - 3, "...");
            expect_number(*character, (got - 3 - pad) % size, 0);
            expect(*character, memcmp(err.text, text, got - 3) == 0);
        }
    }
}

static void a_text_that_just_fits_is_not_cut(void **state)
{
    (void)state;
    char text[RIA_ERROR_TEXT_MAX];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct ria_error err;
    (void)ria_fail(&err, RIA_E_CONFIG, "%s", text);
    assert_string_equal(err.text, text);
}

/* Every client shows at least 380 bytes. */
static void the_remedy_replaces_a_long_diagnosis(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int first; /* bytes before the semicolon; 0: no semicolon */
        int second;
        bool is_whole;
        int shown;
    } rows[] = {
        {"a text that fits", 100, 278, true, 380},
        {"one byte more than fits", 101, 278, false, 278},
        {"the first part is longer than an error", 700, 300, false, 300},
        {"the second part alone is too long, too", 20, 400, false, 400},
        {"a text without a second part", 0, 400, true, 400},
    };
    char filler[800];
    memset(filler, 'x', sizeof(filler));
    for_each_row(row, rows, row->name) {
        struct ria_error err = {0};
        bool ok = ria_fail_shown(
            &err,
            RIA_E_ENDPOINT,
            "%.*s%s%0*d",
            row->first,
            filler,
            row->first == 0 ? "" : "; ",
            row->second,
            7);
        expect_number(row->name, ok, false);
        expect_number(row->name, err.code, RIA_E_ENDPOINT);
        expect_number(row->name, strlen(err.text), row->shown);
        bool is_whole = row->first == 0 || strstr(err.text, "; ") != NULL;
        expect_number(row->name, is_whole, row->is_whole);
        expect(row->name, err.text[strlen(err.text) - 1] == '7');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_function_fills_code_and_text_and_returns_its_outcome),
        cmocka_unit_test(a_caller_may_pass_no_error),
        cmocka_unit_test(a_new_text_may_contain_the_old_one),
        cmocka_unit_test(control_characters_are_replaced),
        cmocka_unit_test(only_characters_that_are_not_printable_are_replaced),
        cmocka_unit_test(bytes_that_are_not_utf_8_are_replaced_one_by_one),
        cmocka_unit_test(a_long_text_is_cut_between_characters),
        cmocka_unit_test(a_text_that_just_fits_is_not_cut),
        cmocka_unit_test(the_remedy_replaces_a_long_diagnosis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
