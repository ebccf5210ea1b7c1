/* SPDX-License-Identifier: MIT
 *
 * What every unit test starts with: cmocka, and checks whose failure names the row of a table. Not
 * here: anything that knows a module.
 *
 * A table's row begins with a sentence that says what the row shows; the checks print it.
 */
#ifndef RIA_UNIT_H
#define RIA_UNIT_H

/* cmocka.h needs these in front of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define RIA_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define expect(message, condition)                                                                 \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fail_msg("%s: not so: %s", (message), #condition);                                     \
        }                                                                                          \
    } while (0)

#define expect_number(message, got, want)                                                          \
    do {                                                                                           \
        long long got_number = (long long)(got);                                                   \
        long long want_number = (long long)(want);                                                 \
        if (got_number != want_number) {                                                           \
            fail_msg("%s: %lld instead of %lld", (message), got_number, want_number);              \
        }                                                                                          \
    } while (0)

#define expect_text(message, got, want)                                                            \
    do {                                                                                           \
        const char *got_text = (got);                                                              \
        const char *want_text = (want);                                                            \
        if (got_text == NULL || strcmp(got_text, want_text) != 0) {                                \
            fail_msg(                                                                              \
                "%s:\n  \"%s\" instead of\n  \"%s\"",                                              \
                (message),                                                                         \
                got_text == NULL ? "(null)" : got_text,                                            \
                want_text);                                                                        \
        }                                                                                          \
    } while (0)

#define expect_piece(message, text, piece)                                                         \
    do {                                                                                           \
        const char *whole_text = (text);                                                           \
        const char *piece_text = (piece);                                                          \
        if (whole_text == NULL || strstr(whole_text, piece_text) == NULL) {                        \
            fail_msg(                                                                              \
                "%s:\n  \"%s\" does not hold\n  \"%s\"",                                           \
                (message),                                                                         \
                whole_text == NULL ? "(null)" : whole_text,                                        \
                piece_text);                                                                       \
        }                                                                                          \
    } while (0)

#endif
