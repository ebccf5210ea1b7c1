/* SPDX-License-Identifier: MIT
 *
 * The output of the runner for tables of rows. This program runs itself with an argument; with the
 * argument, it runs tests that must fail. */
#include "unit.h"

#include <stdlib.h>
#include <sys/wait.h>

struct row {
    const char *name;
    int number;
    const char *text;
};

static const struct row good[] = {{"first", 1, "one"}, {"second", 2, "two"}};

static void bad_rows(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bad number", 1, "one"}, {"bad text", 2, "2"}, {"good", 2, "two"}};
    for_each_row(row, rows, row->name) {
        expect_number(row->name, row->number, 2);
        expect_piece(row->name, row->text, row->number == 1 ? "one" : "two");
        expect(row->name, row->text[0] != '2');
    }
}

static void empty_table(void **state)
{
    (void)state;
    __extension__ static const struct row rows[0];
    for_each_row(row, rows, row->name) {
        expect_text(row->name, row->text, "");
    }
}

static void left_early(void **state)
{
    (void)state;
    for_each_row(row, good, row->name) {
        break;
    }
}

static void bad_inner_table(void **state)
{
    (void)state;
    static const int numbers[] = {1, 2};
    for_each_row(row, good, row->name) {
        for_each_row(number, numbers, NULL) {
            expect_number("the inner table", row->number, *number);
        }
    }
}

/* The assertion makes cmocka leave the loop; the next test must not find the table of this loop. */
static void an_assertion_of_cmocka(void **state)
{
    (void)state;
    for_each_row(row, good, row->name) {
        assert_int_equal(row->number, 3);
    }
}

static void outside_of_a_table(void **state)
{
    (void)state;
    expect_text("no table", NULL, "text");
    print_message("# not reached\n");
}

static const struct CMUnitTest planted[] = {
    cmocka_unit_test(bad_rows),
    cmocka_unit_test(empty_table),
    cmocka_unit_test(left_early),
    cmocka_unit_test(bad_inner_table),
    cmocka_unit_test(an_assertion_of_cmocka),
    cmocka_unit_test(outside_of_a_table),
};

static void all_rows_of_a_good_table_run(void **state)
{
    (void)state;
    int sum = 0;
    for_each_row(row, good, row->name) {
        sum += row->number;
    }
    expect_number("sum", sum, 3);
}

static void failures_are_printed_with_their_rows(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "row 1 of rows, \"bad number\": bad number: expected 2, got 1\n",
        "row 2 of rows, \"bad text\": bad text:\n  \"2\" does not contain\n  \"two\"\n",
        "row 2 of rows, \"bad text\": bad text: expected: row->text[0] != '2'\n",
        "rows: 3 checks failed\n",
        "rows: 3 rows\n",
        "not ok 1 - bad_rows\n",
        "rows: 0 of 0 rows ran",
        "not ok 2 - empty_table\n",
        "good: 1 of 2 rows ran",
        "not ok 3 - left_early\n",
        "row 2 of numbers, \"\": the inner table: expected 2, got 1\n",
        "row 1 of numbers, \"\": the inner table: expected 1, got 2\n",
        "row 2 of good, \"second\": numbers: 1 checks failed\n",
        "not ok 4 - bad_inner_table\n",
        "not ok 5 - an_assertion_of_cmocka\n",
        "no table: expected\n  \"text\", got\n  \"(null)\"\n",
        "not ok 6 - outside_of_a_table\n",
    };
    static char output[16384];
    FILE *program = popen("exec /proc/$PPID/exe planted 2>&1", "r");
    assert_non_null(program);
    size_t length = fread(output, 1, sizeof(output) - 1, program);
    output[length] = '\0';
    int status = pclose(program);
    expect("six tests fail", WIFEXITED(status) && WEXITSTATUS(status) == RIA_COUNT(planted));
    for_each_row(piece, pieces, *piece) {
        expect_piece(*piece, output, *piece);
    }
    expect(
        "a failed check outside of a table ends its test", strstr(output, "not reached") == NULL);
}

int main(int argc, char **argv)
{
    (void)argv;
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_rows_of_a_good_table_run),
        cmocka_unit_test(failures_are_printed_with_their_rows),
    };
    return argc > 1 ? cmocka_run_group_tests(planted, NULL, NULL)
                    : cmocka_run_group_tests(tests, NULL, NULL);
}
