/* SPDX-License-Identifier: MIT
 *
 * Every unit test includes this file. It includes cmocka, and declares the runner for tables of
 * rows and checks that print the expected and the actual value. It uses no module of the product.
 *
 * A table is an array. Each row has a name, usually its first member, that states what the row
 * shows:
 *
 *     for_each_row(row, rows, row->name) {
 *         expect_text(row->name, function(row->input), row->want);
 *     }
 *
 * In such a loop a check that fails prints file, line, row and values, and the loop goes through
 * all other rows; the test fails at the end of the table. A table without rows fails, and so does
 * a loop that a break or a return leaves early. The number of rows is printed as a TAP comment.
 * Outside of a table, a check that fails ends the test at once.
 */
#ifndef RIA_UNIT_H
#define RIA_UNIT_H

/* cmocka.h needs these four headers included before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define RIA_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The table whose rows run now, and the row. Without a table, every member is zero. */
struct unit_table {
    const char *file;
    const char *table; /* the name of the array */
    const char *row;   /* the name of the row; NULL: only its number is printed */
    size_t count;      /* rows of the array */
    size_t ran;        /* rows that have begun */
    size_t failed;     /* checks that have failed */
    int line;
    bool is_entered;
};

/* Runs the block for each row of an array. `row` points to the row, `row_name` is an expression
 * that may use `row`; its value is a text or NULL. Tables may be nested.
 */
#define for_each_row(row, array, row_name)                                                         \
    for (struct unit_table row##_outer __attribute__((cleanup(unit_table_end), unused)) =          \
             unit_table_begin(__FILE__, __LINE__, #array, RIA_COUNT(array));                       \
         unit_table_enter();)                                                                      \
        for (__typeof__(&(array)[0]) row = (array);                                                \
             row < (array) + RIA_COUNT(array) && unit_row_begin(row_name);                         \
             row++)

/* The parts of for_each_row(). unit_table_begin() returns the outer table. unit_table_end() makes
 * the outer table current again. It reports a failure in three cases: a check of the inner table
 * has failed, the inner table has not run all its rows, or it has no rows.
 */
struct unit_table unit_table_begin(const char *file, int line, const char *table, size_t count);
bool unit_table_enter(void);
bool unit_row_begin(const char *name);
void unit_table_end(const struct unit_table *outer);

/* A failed check: prints the place, the row of the current table, if any, and the text. Ends the
 * test if no table is open.
 */
void unit_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* cmocka calls this function before each test. Closes the tables that an assertion of cmocka has
 * left open in the previous test. */
int unit_setup(void **state);

#undef cmocka_unit_test
#define cmocka_unit_test(function) cmocka_unit_test_setup(function, unit_setup)

#define expect(message, condition)                                                                 \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            unit_fail(__FILE__, __LINE__, "%s: expected: %s", (message), #condition);              \
        }                                                                                          \
    } while (0)

#define expect_number(message, got, want)                                                          \
    do {                                                                                           \
        long long got_number = (long long)(got);                                                   \
        long long want_number = (long long)(want);                                                 \
        if (got_number != want_number) {                                                           \
            unit_fail(                                                                             \
                __FILE__,                                                                          \
                __LINE__,                                                                          \
                "%s: expected %lld, got %lld",                                                     \
                (message),                                                                         \
                want_number,                                                                       \
                got_number);                                                                       \
        }                                                                                          \
    } while (0)

#define expect_text(message, got, want)                                                            \
    do {                                                                                           \
        const char *got_text = (got);                                                              \
        const char *want_text = (want);                                                            \
        if (got_text == NULL || strcmp(got_text, want_text) != 0) {                                \
            unit_fail(                                                                             \
                __FILE__,                                                                          \
                __LINE__,                                                                          \
                "%s: expected\n  \"%s\", got\n  \"%s\"",                                           \
                (message),                                                                         \
                want_text,                                                                         \
                got_text == NULL ? "(null)" : got_text);                                           \
        }                                                                                          \
    } while (0)

#define expect_piece(message, text, piece)                                                         \
    do {                                                                                           \
        const char *whole_text = (text);                                                           \
        const char *piece_text = (piece);                                                          \
        if (whole_text == NULL || strstr(whole_text, piece_text) == NULL) {                        \
            unit_fail(                                                                             \
                __FILE__,                                                                          \
                __LINE__,                                                                          \
                "%s:\n  \"%s\" does not contain\n  \"%s\"",                                        \
                (message),                                                                         \
                whole_text == NULL ? "(null)" : whole_text,                                        \
                piece_text);                                                                       \
        }                                                                                          \
    } while (0)

#endif
