/* SPDX-License-Identifier: MIT
 *
 * Character classes for all 256 bytes, comparison without case, ports, and the published values of
 * the hash. */
#include "base/ascii.h"

#include "unit.h"

#include <ctype.h>

/* Compares the result for each ASCII byte with that of the C library in the C locale. A byte above
 * 127 is in no class. */
static void each_class_equals_that_of_the_c_locale(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        char c = (char)i;
        bool is_ascii = i < 128;
        char name[32];
        (void)snprintf(name, sizeof(name), "byte %d", i);
        expect_number(name, ria_ascii_is_digit(c), is_ascii && isdigit(i) != 0);
        expect_number(name, ria_ascii_is_lower(c), is_ascii && islower(i) != 0);
        expect_number(name, ria_ascii_is_upper(c), is_ascii && isupper(i) != 0);
        expect_number(name, ria_ascii_is_alnum(c), is_ascii && isalnum(i) != 0);
        expect_number(name, ria_ascii_is_space(c), is_ascii && isspace(i) != 0);
        expect_number(name, ria_ascii_is_control(c), is_ascii && iscntrl(i) != 0);
        expect_number(name, ria_ascii_lower(c), is_ascii ? (char)tolower(i) : c);
    }
}

static void ascii_letters_are_compared_without_case(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        bool is_same;
    } rows[] = {
        {"", "", true},
        {"regional", "REGIONAL", true},
        {"IPv6", "ipv6", true},
        {"true", "tru", false},
        {"true", "truee", false},
        {"@", "`", false}, /* the characters before A and a */
        {"[", "{", false},
        {"\xc3\x9c", "\xc3\xbc", false}, /* U and u umlaut */
    };
    for_each_row(row, rows, row->a) {
        expect_number(row->a, ria_ascii_same(row->a, row->b), row->is_same);
        expect_number(row->a, ria_ascii_same(row->b, row->a), row->is_same);
        size_t len = strlen(row->a);
        bool is_same = len == strlen(row->b) && ria_ascii_same_bytes(row->a, row->b, len);
        expect_number(row->a, is_same, row->is_same);
    }
}

static void a_text_begins_with_another_without_case(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *prefix;
        bool begins;
    } rows[] = {
        {"https://x", "https:", true},
        {"HTTPS:", "https:", true},
        {"Date: now", "DATE:", true},
        {"https", "https:", false},
        {"http://x", "https:", false},
        {"", "a", false},
        {"", "", true},
    };
    for_each_row(row, rows, row->text) {
        expect_number(row->text, ria_ascii_begins(row->text, row->prefix), row->begins);
    }
}

static void a_port_has_at_most_five_digits_and_is_from_1_to_65535(void **state)
{
    (void)state;
    char text[16];
    for (unsigned want = 1; want <= UINT16_MAX; want++) {
        (void)snprintf(text, sizeof(text), "%u", want);
        assert_int_equal(ria_port_parse(text), want);
    }
    expect_number("a zero in front", ria_port_parse("05432"), 5432);
    static const char *const bad[] = {
        "",
        "0",
        "00000",
        "65536",
        "99999",
        "100000",
        "005432",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1a",
        "0x10",
        "1.0",
        "18446744073709556826"};
    for_each_row(row, bad, *row) {
        expect_number(*row, ria_port_parse(*row), 0);
    }
}

/* The values are the "test vectors" of isthe.com/chongo/tech/comp/fnv, the page of the hash's
 * authors. */
static void the_hash_is_fnv_1a(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t hash;
    } rows[] = {
        {"", UINT64_C(0xcbf29ce484222325)},
        {"a", UINT64_C(0xaf63dc4c8601ec8c)},
        {"foobar", UINT64_C(0x85944171f73967e8)},
    };
    for_each_row(row, rows, row->text) {
        uint64_t hash = ria_hash(RIA_HASH_START, row->text, strlen(row->text));
        expect(row->text, hash == row->hash);
    }
}

static void a_text_of_spaces_tabs_and_line_ends_is_blank(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_blank;
    } rows[] = {{"", true}, {" \t\r\n ", true}, {" x", false}, {"\v", false}, {"\xa0", false}};
    for_each_row(row, rows, row->text) {
        expect_number(row->text, ria_ascii_is_blank(row->text), row->is_blank);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_equals_that_of_the_c_locale),
        cmocka_unit_test(ascii_letters_are_compared_without_case),
        cmocka_unit_test(a_text_begins_with_another_without_case),
        cmocka_unit_test(a_port_has_at_most_five_digits_and_is_from_1_to_65535),
        cmocka_unit_test(the_hash_is_fnv_1a),
        cmocka_unit_test(a_text_of_spaces_tabs_and_line_ends_is_blank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
