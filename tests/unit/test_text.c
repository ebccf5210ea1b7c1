/* SPDX-License-Identifier: MIT
 *
 * Texts in arrays: copied completely, or truncated with a mark. Also names that are quoted for a
 * shell, and the decoding of UTF-8. */
#include "base/error.h"
#include "base/text.h"

#include "unit.h"

static void a_text_that_fits_is_copied_whole(void **state)
{
    (void)state;
    char out[8] = "before";
    assert_true(ria_text_copy(out, sizeof(out), ""));
    assert_string_equal(out, "");
    assert_true(ria_text_copy(out, sizeof(out), "1234567"));
    assert_string_equal(out, "1234567");
    assert_true(ria_text_format(out, sizeof(out), "%s:%u", "a", 12345U));
    assert_string_equal(out, "a:12345");
}

static void a_text_that_does_not_fit_ends_with_a_mark(void **state)
{
    (void)state;
    char out[8];
    assert_false(ria_text_copy(out, sizeof(out), "12345678"));
    assert_string_equal(out, "1234...");
    assert_false(ria_text_format(out, sizeof(out), "%s:%u", "abc", 12345U));
    assert_string_equal(out, "abc:...");
    assert_false(ria_text_copy(out, 4, "1234"));
    assert_string_equal(out, "...");
}

/* In the first text, the second byte of the u umlaut is the first byte that does not fit. */
static void no_character_is_cut_before_the_mark(void **state)
{
    (void)state;
    char out[8];
    assert_false(ria_text_copy(
        out,
        sizeof(out),
        "123\xc3\xbc"
        "678"));
    assert_string_equal(out, "123...");
    assert_false(ria_text_format(
        out,
        sizeof(out),
        "%s",
        "12\xc3\xbc"
        "5678"));
    assert_string_equal(out, "12\xc3\xbc...");
}

static void nothing_is_written_past_the_array(void **state)
{
    (void)state;
    char out[12] = "...........";
    (void)ria_text_copy(out, 8, "a longer text than that");
    (void)ria_text_format(out, 8, "%d", 123456789);
    assert_string_equal(out, "1234...");
    assert_string_equal(out + 8, "...");
}

/* The C locale has no bytes for this character. */
static void a_text_that_cannot_be_formatted_is_empty(void **state)
{
    (void)state;
    char out[8] = "before";
    assert_false(ria_text_format(out, sizeof(out), "%ls", L"\u00fc"));
    assert_string_equal(out, "");
    assert_true(ria_text_format(out, sizeof(out), "%ls", L"u")); /* control */
    assert_string_equal(out, "u");
}

/* The second text of a row is what Python's shlex.quote() makes of the first. */
static void a_name_is_quoted_for_a_shell(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"plain-1_@%+=:,./", "plain-1_@%+=:,./"},
        {"Foo Bar", "'Foo Bar'"},
        {"it's", "'it'\"'\"'s'"},
        {"", "''"},
        {"$HOME", "'$HOME'"},
        {"f\xc3\xbcr", "'f\xc3\xbcr'"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[RIA_QUOTED_SIZE];
        char back[RIA_QUOTED_SIZE];
        assert_string_equal(ria_text_quote(rows[i][0], out), rows[i][1]);
        assert_int_equal(ria_text_unquote(strcpy(back, out)), rows[i][0][0] != '\0');
        assert_true(rows[i][0][0] == '\0' || strcmp(back, rows[i][0]) == 0);
    }
}

static void a_name_that_is_too_long_is_cut_inside_its_quotes(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a ", "'", "\xc3\xbc ", "\xe2\x82\xac"};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        for (size_t shift = 0; shift < 4; shift++) {
            char name[1024] = "";
            char out[RIA_QUOTED_SIZE];
            char printable[RIA_QUOTED_SIZE];
            memset(name, 'x', shift);
            while (strlen(name) < 900) {
                (void)strcat(name, pieces[i]);
            }
            (void)ria_text_quote(name, out);
            assert_true(strlen(out) < RIA_QUOTED_SIZE);
            assert_string_equal(out + strlen(out) - 4, "...'");
            ria_printable(strcpy(printable, out));
            assert_string_equal(printable, out);
        }
    }
}

static void only_valid_utf_8_is_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
        size_t len;
        uint32_t code;
    } rows[] = {
        {"nothing", "", 0, 7},
        {"ASCII", "ab", 1, 'a'},
        {"DEL", "\x7f", 1, 0x7f},
        {"the first character of two bytes", "\xc2\x80", 2, 0x80},
        {"the last character of two bytes", "\xdf\xbf", 2, 0x7ff},
        {"the first character of three bytes", "\xe0\xa0\x80", 3, 0x800},
        {"before the surrogates", "\xed\x9f\xbf", 3, 0xd7ff},
        {"behind the surrogates", "\xee\x80\x80", 3, 0xe000},
        {"the last character of three bytes", "\xef\xbf\xbf", 3, 0xffff},
        {"the first character of four bytes", "\xf0\x90\x80\x80", 4, 0x10000},
        {"the last character of Unicode", "\xf4\x8f\xbf\xbf", 4, 0x10ffff},
        {"after the last character of Unicode", "\xf4\x90\x80\x80", 0, 7},
        {"a surrogate", "\xed\xa0\x80", 0, 7},
        {"an overlong form of two bytes", "\xc1\xbf", 0, 7},
        {"an overlong form of three bytes", "\xe0\x9f\xbf", 0, 7},
        {"an overlong form of four bytes", "\xf0\x8f\xbf\xbf", 0, 7},
        {"a continuation", "\x80", 0, 7},
        {"0xff", "\xff", 0, 7},
        {"a lead byte at the end", "\xe2", 0, 7},
        {"two of three bytes at the end", "\xe2\x82", 0, 7},
        {"three of four bytes, then ASCII", "\xf0\x9f\x98z", 0, 7},
    };
    for_each_row(row, rows, row->name) {
        uint32_t code = 7;
        expect_number("the length", ria_text_decode(row->text, &code), row->len);
        expect_number("the character", code, row->code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_that_fits_is_copied_whole),
        cmocka_unit_test(a_text_that_does_not_fit_ends_with_a_mark),
        cmocka_unit_test(no_character_is_cut_before_the_mark),
        cmocka_unit_test(nothing_is_written_past_the_array),
        cmocka_unit_test(a_text_that_cannot_be_formatted_is_empty),
        cmocka_unit_test(a_name_is_quoted_for_a_shell),
        cmocka_unit_test(a_name_that_is_too_long_is_cut_inside_its_quotes),
        cmocka_unit_test(only_valid_utf_8_is_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
