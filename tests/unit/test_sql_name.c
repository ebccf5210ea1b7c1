/* SPDX-License-Identifier: MIT
 *
 * Names in SQL: which ones are rejected, and how the others are quoted. test_setup_sql.py runs the
 * quoted names on real servers. */
#include "tool/sql_name.h"

#include "unit.h"

#define TEN "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN
#define E_ACUTE "\xc3\xa9" /* one character, two bytes */

enum {
    PG = RIA_ENGINE_POSTGRES,
    MY = RIA_ENGINE_MYSQL,
    MA = RIA_ENGINE_MARIADB,
    USER = RIA_NAME_USER,
    DB = RIA_NAME_DATABASE,
};

static void faults_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int engine;
        int kind;
        const char *text;
        const char *fault; /* a part of it; NULL: none */
    } rows[] = {
        {"a usual name", PG, USER, "etl", NULL},
        {"quotes, blanks, a backslash", PG, USER, " '\"`\\;-- ", NULL},
        {"quotes, blanks, a backslash in MySQL", MY, USER, " '\"`\\;--", NULL},
        {"a newline", PG, USER, "a\nb", "control character"},
        {"a carriage return", MY, USER, "a\rb", "control character"},
        {"DEL", MA, DB, "a\x7f", "control character"},
        {"U+0085", PG, DB, "a\xc2\x85", "control character"},
        {"U+00A0, which is not a control character", PG, DB, "a\xc2\xa0", NULL},
        {"a byte that belongs to no character", PG, USER, "a\xff", "not UTF-8"},
        {"a surrogate", MY, USER, "\xed\xa0\x80", "not UTF-8"},
        {"63 bytes", PG, USER, SIXTY "123", NULL},
        {"64 bytes", PG, USER, SIXTY "1234", "63 bytes"},
        {"64 bytes in 63 characters", PG, DB, SIXTY "12" E_ACUTE, "63 bytes"},
        {"a role that PostgreSQL reserves", PG, USER, "pg_monitor2", "begins with pg_"},
        {"the prefix pg_ in the name of a database", PG, DB, "pg_x", NULL},
        {"public", PG, USER, "public", "reserved"},
        {"none", PG, USER, "none", "reserved"},
        {"PUBLIC, which is not the reserved name", PG, USER, "PUBLIC", NULL},
        {"public in MySQL", MY, USER, "public", NULL},
        {"32 characters in 33 bytes", MY, USER, TEN TEN TEN "1" E_ACUTE, NULL},
        {"33 characters", MY, USER, TEN TEN TEN "123", "32 characters"},
        {"33 characters in MariaDB", MA, USER, TEN TEN TEN "123", NULL},
        {"80 characters", MA, USER, SIXTY TEN TEN, NULL},
        {"81 characters", MA, USER, SIXTY TEN TEN "1", "80 characters"},
        {"64 characters", MY, DB, SIXTY "1234", NULL},
        {"65 characters", MA, DB, SIXTY "12345", "64 characters"},
        {"an emoji", MY, USER, "\xf0\x9f\x98\x80", "above U+FFFF"},
        {"an emoji in PostgreSQL", PG, USER, "\xf0\x9f\x98\x80", NULL},
        {"a space at the end", MA, DB, "shop ", "ends with a space"},
        {"a space at the beginning", MA, DB, " shop", NULL},
    };
    for_each_row(row, rows, row->name) {
        const char *fault = ria_sql_name_fault(
            (enum ria_engine)row->engine, (enum ria_name_kind)row->kind, row->text);
        if (row->fault == NULL) {
            expect_text(row->name, fault == NULL ? "" : fault, "");
        } else {
            expect_piece(row->name, fault, row->fault);
        }
    }
}

static void names_are_quoted(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *postgres;
        const char *mysql;
        const char *pattern; /* in a GRANT of MySQL */
    } rows[] = {
        {"etl", "\"etl\"", "`etl`", "`etl`"},
        {"a\"b", "\"a\"\"b\"", "`a\"b`", "`a\"b`"},
        {"a`b", "\"a`b\"", "`a``b`", "`a``b`"},
        {"a'b", "\"a'b\"", "`a'b`", "`a'b`"},
        {"a\\", "\"a\\\"", "`a\\`", "`a\\\\`"},
        {"a_b%", "\"a_b%\"", "`a_b%`", "`a\\_b\\%`"},
        {"\"", "\"\"\"\"", "`\"`", "`\"`"},
        {"``",
         "\"``\"",
         "`````"
         "`",
         "`````"
         "`"},
        {"Select", "\"Select\"", "`Select`", "`Select`"},
        {"; drop", "\"; drop\"", "`; drop`", "`; drop`"},
    };
    for_each_row(row, rows, row->name) {
        RIA_AUTO(buf) postgres = {.max = 64};
        RIA_AUTO(buf) mysql = {.max = 64};
        RIA_AUTO(buf) mariadb = {.max = 64};
        RIA_AUTO(buf) pattern = {.max = 64};
        ria_sql_name_add(RIA_ENGINE_POSTGRES, row->name, &postgres);
        ria_sql_name_add(RIA_ENGINE_MYSQL, row->name, &mysql);
        ria_sql_name_add(RIA_ENGINE_MARIADB, row->name, &mariadb);
        ria_sql_name_add_pattern(row->name, &pattern);
        expect_text("PostgreSQL", ria_buf_text(&postgres), row->postgres);
        expect_text("MySQL", ria_buf_text(&mysql), row->mysql);
        expect_text("MariaDB", ria_buf_text(&mariadb), row->mysql);
        expect_text("the pattern", ria_buf_text(&pattern), row->pattern);
    }
}

static void a_name_that_does_not_fit_is_reported(void **state)
{
    (void)state;
    RIA_AUTO(buf) name = {.max = 4};
    RIA_AUTO(buf) pattern = {.max = 4};
    ria_sql_name_add(RIA_ENGINE_POSTGRES, "abc", &name);
    ria_sql_name_add_pattern("abcdef", &pattern);
    assert_null(ria_buf_text(&name));
    assert_null(ria_buf_text(&pattern));
}

static void engines_are_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int engine; /* -1: none */
    } rows[] = {{"postgres", PG}, {"mysql", MY}, {"mariadb", MA}, {"MySQL", -1}, {"", -1}};
    for_each_row(row, rows, row->text) {
        enum ria_engine engine = RIA_ENGINES;
        expect_number(row->text, ria_engine_parse(row->text, &engine), row->engine >= 0);
        expect_number(row->text, engine, row->engine >= 0 ? row->engine : RIA_ENGINES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_are_found),
        cmocka_unit_test(names_are_quoted),
        cmocka_unit_test(a_name_that_does_not_fit_is_reported),
        cmocka_unit_test(engines_are_parsed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
