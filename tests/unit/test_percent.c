/* SPDX-License-Identifier: MIT
 *
 * Percent-encoding and hexadecimal of all 256 bytes. */
#include "codec/percent.h"

#include "unit.h"

static const char unreserved[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

static void every_byte_except_the_66_unreserved_is_encoded(void **state)
{
    (void)state;
    size_t unchanged = 0;
    for (unsigned c = 0; c < 256; c++) {
        char byte = (char)c;
        char want[8];
        bool is_unreserved = c != 0 && strchr(unreserved, (int)c) != NULL;
        (void)snprintf(want, sizeof(want), is_unreserved ? "%c" : "%%%02X", c);
        RIA_AUTO(buf) out = {.max = 3};
        ria_percent_add(&out, &byte, 1);
        expect_text("a byte", ria_buf_text(&out), want);
        unchanged += is_unreserved ? 1 : 0;
    }
    assert_int_equal(unchanged, 66);
}

static void each_byte_is_encoded_once(void **state)
{
    (void)state;
    RIA_AUTO(buf) out = {.max = 100};
    static const char text[] = "a%41 \xf0\x9f\x98\x80/e\xcc\x81\0z";
    ria_percent_add(&out, text, sizeof(text) - 1);
    assert_string_equal(ria_buf_text(&out), "a%2541%20%F0%9F%98%80%2Fe%CC%81%00z");
}

static void a_full_buffer_fails(void **state)
{
    (void)state;
    RIA_AUTO(buf) out = {.max = 8};
    ria_percent_add(&out, "///", 3);
    assert_null(ria_buf_text(&out));
}

static void each_byte_becomes_two_lower_case_digits(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        uint8_t byte = (uint8_t)c;
        char want[8];
        (void)snprintf(want, sizeof(want), "%02x", c);
        RIA_AUTO(buf) out = {.max = 2};
        ria_hex_add(&out, &byte, 1);
        expect_text("a byte", ria_buf_text(&out), want);
    }
}

static void decoding_reverses_encoding(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        char byte = (char)c;
        char got = '?';
        RIA_AUTO(buf) out = {.max = 3};
        ria_percent_add(&out, &byte, 1);
        const char *at = out.data;
        expect(out.data, ria_percent_decode(&at, &got) && got == byte && *at == '\0');
        expect("nothing is decoded at the end of the text", !ria_percent_decode(&at, &got));
    }
    static const char *const bad[] = {"%", "%4", "%4a", "%a1", "%g0", "%%41", " ", "/", "\xc3", ""};
    for_each_row(text, bad, *text) {
        char got = '?';
        const char *at = *text;
        expect(*text, !ria_percent_decode(&at, &got) && at == *text && got == '?');
    }
}

static void a_hexadecimal_array_ends_with_a_nul(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x00, 0x1f, 0xff};
    char out[] = "xxxxxxxx";
    ria_hex_write(bytes, sizeof(bytes), out);
    assert_string_equal(out, "001fff");
    assert_int_equal(out[7], 'x');
    ria_hex_write(bytes, 0, out);
    assert_string_equal(out, "");
}

static void an_array_of_any_length_becomes_two_digits_per_byte(void **state)
{
    (void)state;
    uint8_t bytes[256 + 9];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    for (size_t first = 0; first < 256; first++) {
        for (size_t len = 1; len <= 9; len++) {
            char got[32];
            char want[32] = "";
            ria_hex_write(bytes + first, len, got);
            for (size_t i = 0; i < len; i++) {
                (void)snprintf(want + (2 * i), 3, "%02x", bytes[first + i]);
            }
            assert_string_equal(got, want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_except_the_66_unreserved_is_encoded),
        cmocka_unit_test(each_byte_is_encoded_once),
        cmocka_unit_test(a_full_buffer_fails),
        cmocka_unit_test(each_byte_becomes_two_lower_case_digits),
        cmocka_unit_test(decoding_reverses_encoding),
        cmocka_unit_test(a_hexadecimal_array_ends_with_a_nul),
        cmocka_unit_test(an_array_of_any_length_becomes_two_digits_per_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
