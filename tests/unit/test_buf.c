/* SPDX-License-Identifier: MIT
 *
 * struct ria_buf: how a buffer grows to its maximum length, how it remembers a failure until it is
 * cleared, how it wipes its bytes, how it is moved, and how it uses memory that the caller lends
 * (RIA_BUF_IN). */
#include "base/buf.h"

#include "unit.h"

#include <limits.h>

static void an_empty_buffer_is_an_empty_text(void **state)
{
    (void)state;
    RIA_AUTO(buf) buf = {.max = 10};
    assert_string_equal(ria_buf_text(&buf), "");
    ria_buf_add(&buf, NULL, 0);
    assert_string_equal(ria_buf_text(&buf), "");
    ria_buf_clear(&buf);
    ria_buf_release(&buf);
    ria_buf_release(&buf);
    assert_int_equal(buf.max, 10);
}

static void every_append_function_terminates_the_text(void **state)
{
    (void)state;
    RIA_AUTO(buf) buf = {.max = 1000};
    ria_buf_add_text(&buf, "text ");
    ria_buf_add(&buf, "bytes and more", 5);
    ria_buf_add_char(&buf, ' ');
    ria_buf_addf(&buf, "%d%%%s", 7, "");
    char *room = ria_buf_reserve(&buf, 3);
    assert_non_null(room);
    memcpy(room, "end", 3);
    ria_buf_grown(&buf, 3);
    assert_string_equal(ria_buf_text(&buf), "text bytes 7%end");
    assert_int_equal(buf.len, strlen("text bytes 7%end"));
}

static void a_number_is_written_in_decimal(void **state)
{
    (void)state;
    static const unsigned numbers[] = {0, 9, 10, 443, 65535, UINT_MAX};
    for_each_row(number, numbers, NULL) {
        char want[16];
        (void)snprintf(want, sizeof(want), "%u", *number);
        RIA_AUTO(buf) buf = {.max = 16};
        ria_buf_add_number(&buf, *number);
        expect_text("numbers", ria_buf_text(&buf), want);
    }
}

static void a_nul_byte_is_appended_as_a_byte(void **state)
{
    (void)state;
    RIA_AUTO(buf) buf = {.max = 8};
    ria_buf_add(&buf, "a\0b", 4);
    ria_buf_add_char(&buf, '\0');
    assert_int_equal(buf.len, 5);
    assert_memory_equal(buf.data, "a\0b\0\0", 6);
}

/* The smallest maxima, maxima around the first two block sizes, and larger ones. */
static void the_maximum_is_exact(void **state)
{
    (void)state;
    static const size_t maxima[] = {0, 1, 2, 126, 127, 128, 129, 255, 256, 1000, 4096};
    for_each_row(row, maxima, NULL) {
        RIA_AUTO(buf) buf = {.max = *row};
        for (size_t len = 0; len < *row; len++) {
            ria_buf_add_char(&buf, (char)('a' + (len % 26)));
        }
        expect("maxima", ria_buf_text(&buf) != NULL);
        expect_number("maxima", buf.len, *row);
        expect_number("maxima", strlen(ria_buf_text(&buf)), *row);
        ria_buf_add_char(&buf, 'x');
        expect("maxima", ria_buf_text(&buf) == NULL);
        expect_number("maxima", buf.len, *row);
    }
}

static void growing_preserves_every_byte(void **state)
{
    (void)state;
    RIA_AUTO(buf) buf = {.max = 100000};
    for (int i = 0; i < 20000; i++) {
        ria_buf_addf(&buf, "%05d", i);
    }
    const char *text = ria_buf_text(&buf);
    assert_non_null(text);
    for (int i = 0; i < 20000; i++) {
        char want[16];
        (void)snprintf(want, sizeof(want), "%05d", i);
        assert_memory_equal(text + (5 * i), want, 5);
    }
}

static void a_failure_is_remembered_until_the_buffer_is_cleared(void **state)
{
    (void)state;
    RIA_AUTO(buf) buf = {.max = 4};
    ria_buf_add_text(&buf, "abc");
    ria_buf_add_text(&buf, "de");
    assert_null(ria_buf_text(&buf));
    ria_buf_add_text(&buf, "d");
    ria_buf_addf(&buf, "%s", "d");
    assert_null(ria_buf_reserve(&buf, 0));
    assert_null(ria_buf_text(&buf));
    ria_buf_clear(&buf);
    assert_string_equal(ria_buf_text(&buf), "");
    ria_buf_add_text(&buf, "wxyz");
    assert_string_equal(ria_buf_text(&buf), "wxyz");
}

/* The C locale has no bytes for U+00FC, so vsnprintf() fails. */
static void a_text_that_cannot_be_formatted_fails(void **state)
{
    (void)state;
    RIA_AUTO(buf) buf = {.max = 100};
    ria_buf_addf(&buf, "%ls", L"u"); /* control */
    assert_string_equal(ria_buf_text(&buf), "u");
    ria_buf_addf(&buf, "%ls", L"\u00fc");
    assert_null(ria_buf_text(&buf));
}

static void a_length_near_the_end_of_size_t_does_not_wrap(void **state)
{
    (void)state;
    RIA_AUTO(buf) buf = {.max = 100};
    ria_buf_add_text(&buf, "abc");
    assert_null(ria_buf_reserve(&buf, SIZE_MAX));
    assert_true(buf.failed);
    ria_buf_clear(&buf);
    assert_null(ria_buf_reserve(&buf, SIZE_MAX - 2));
    assert_int_equal(buf.len, 0);
}

static void clearing_wipes_the_bytes(void **state)
{
    (void)state;
    RIA_AUTO(buf) buf = {.max = 1000};
    ria_buf_add_text(&buf, "secret-of-some-length");
    size_t len = buf.len;
    ria_buf_clear(&buf);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(buf.data[i], 0);
    }
    assert_string_equal(ria_buf_text(&buf), "");
}

static void reserved_bytes_are_wiped_even_if_they_were_not_added(void **state)
{
    (void)state;
    RIA_AUTO(buf) buf = {.max = 1000};
    ria_buf_add_text(&buf, "four");
    char *room = ria_buf_reserve(&buf, 6);
    memcpy(room, "secret", 6);
    ria_buf_clear(&buf);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(buf.data[i], 0);
    }
}

static void a_filled_buffer_is_wiped_as_far_as_it_was_written(void **state)
{
    (void)state;
    RIA_AUTO(buf) buf = {.max = 1000};
    char *room = ria_buf_reserve(&buf, 100);
    memcpy(room, "secret", 6);
    ria_buf_filled(&buf, 6);
    assert_string_equal(ria_buf_text(&buf), "secret");
    room[7] = 'x'; /* behind the text and its NUL */
    ria_buf_clear(&buf);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(room[i], 0);
    }
    assert_int_equal(room[7], 'x');
}

static void moving_leaves_the_source_empty(void **state)
{
    (void)state;
    RIA_AUTO(buf) from = {.max = 50};
    RIA_AUTO(buf) to = {.max = 10};
    ria_buf_add_text(&from, "more than ten bytes");
    ria_buf_add_text(&to, "old");
    ria_buf_move(&to, &from);
    assert_string_equal(ria_buf_text(&to), "more than ten bytes");
    assert_string_equal(ria_buf_text(&from), "");
    assert_null(from.data);
    ria_buf_add_text(&from, "again");
    assert_string_equal(ria_buf_text(&from), "again");
}

static void trailing_blanks_and_newlines_are_removed(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"token\n", "token"}, {"a b \t\r\n", "a b"}, {" a", " a"}, {"\n\n", ""}, {"", ""}};
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        RIA_AUTO(buf) buf = {.max = 50};
        ria_buf_add_text(&buf, rows[i][0]);
        ria_buf_trim_end(&buf);
        expect_text(rows[i][0], ria_buf_text(&buf), rows[i][1]);
        expect_number(rows[i][0], buf.len, strlen(rows[i][1]));
    }
}

static void a_lent_room_is_used_wiped_and_used_again(void **state)
{
    (void)state;
    char room[8];
    memset(room, 'x', sizeof(room));
    struct ria_buf buf = RIA_BUF_IN(room, 100);
    assert_string_equal(ria_buf_text(&buf), "");
    ria_buf_add_text(&buf, "1234567");
    assert_ptr_equal(buf.data, room);
    assert_string_equal(ria_buf_text(&buf), "1234567");
    struct ria_buf moved = {.max = 100};
    ria_buf_move(&moved, &buf);
    assert_ptr_not_equal(moved.data, room);
    assert_string_equal(ria_buf_text(&moved), "1234567");
    assert_string_equal(ria_buf_text(&buf), "");
    for (size_t i = 0; i < sizeof(room); i++) {
        assert_int_equal(room[i], 0);
    }
    ria_buf_add_text(&buf, "1234567");
    ria_buf_add_char(&buf, '8');
    assert_ptr_not_equal(buf.data, room);
    assert_int_equal(room[0], 0);
    assert_string_equal(ria_buf_text(&buf), "12345678");
    ria_buf_release(&buf);
    assert_null(buf.data);
    ria_buf_release(&moved);
    struct ria_buf again = RIA_BUF_IN(room, 100);
    ria_buf_add_text(&again, "secret");
    ria_buf_release(&again);
    assert_ptr_equal(again.data, room);
    assert_int_equal(room[0], 0);
}

static void moving_more_than_the_maximum_from_a_lent_array_sets_failed(void **state)
{
    (void)state;
    char room[8];
    struct ria_buf from = RIA_BUF_IN(room, 100);
    struct ria_buf to = {.max = 3};
    ria_buf_add_text(&from, "1234");
    ria_buf_move(&to, &from);
    assert_true(to.failed);
    assert_int_equal(to.len, 0);
    assert_int_equal(from.len, 0);
    ria_buf_release(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_is_an_empty_text),
        cmocka_unit_test(every_append_function_terminates_the_text),
        cmocka_unit_test(a_number_is_written_in_decimal),
        cmocka_unit_test(a_nul_byte_is_appended_as_a_byte),
        cmocka_unit_test(the_maximum_is_exact),
        cmocka_unit_test(growing_preserves_every_byte),
        cmocka_unit_test(a_failure_is_remembered_until_the_buffer_is_cleared),
        cmocka_unit_test(a_text_that_cannot_be_formatted_fails),
        cmocka_unit_test(a_length_near_the_end_of_size_t_does_not_wrap),
        cmocka_unit_test(clearing_wipes_the_bytes),
        cmocka_unit_test(reserved_bytes_are_wiped_even_if_they_were_not_added),
        cmocka_unit_test(a_filled_buffer_is_wiped_as_far_as_it_was_written),
        cmocka_unit_test(trailing_blanks_and_newlines_are_removed),
        cmocka_unit_test(moving_leaves_the_source_empty),
        cmocka_unit_test(a_lent_room_is_used_wiped_and_used_again),
        cmocka_unit_test(moving_more_than_the_maximum_from_a_lent_array_sets_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
