/* SPDX-License-Identifier: MIT
 *
 * ria_dialect_of() recognizes a client library by its functions and its version, and returns a
 * dialect: the number that each option has in this library. This file replaces interpose/library.c:
 * it provides the functions of a client library whose version the tests set. */
#include "preload/dialect.h"

#include "unit.h"

#include <string.h>

static unsigned long version;
static bool has_mariadb_function;

static unsigned long get_version(void)
{
    return version;
}

/* Replaces the function in interpose/library.c. */
bool ria_library_function(const struct ria_library *library, const char *name, void *function)
{
    (void)library;
    if (strcmp(name, "mariadb_get_infov") == 0) {
        return has_mariadb_function;
    }
    unsigned long (*found)(void) = get_version;
    memcpy(function, &found, sizeof(found));
    return version != 0;
}

static void each_library_has_its_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is_mariadb;
        unsigned long version;
        int ca, capath, verify, mode, plugin_dir; /* 0: no dialect */
    } rows[] = {
        {"Connector/C 3.3", true, 30320, 27, 28, 21, RIA_NO_OPTION, 22},
        {"Connector/C 3.1, built with the server 10.5 and reporting that version",
         true,
         100523,
         27,
         28,
         21,
         RIA_NO_OPTION,
         22},
        {"MySQL 5.7", false, 50734, 27, 28, 21, 42, 22},
        {"MySQL 8.0", false, 80025, 21, 22, RIA_NO_OPTION, 35, 16},
        {"MySQL 8.4", false, 80408, 21, 22, RIA_NO_OPTION, 35, 16},
        {"MySQL 9.7", false, 90704, 21, 22, RIA_NO_OPTION, 35, 16},
        {"MySQL 5.6", false, 50651, 0, 0, 0, 0, 0},
        {"MySQL 6", false, 60000, 0, 0, 0, 0, 0},
        {"a version that is not MySQL's", false, 100000, 0, 0, 0, 0, 0},
        {"no version", false, 0, 0, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        const struct ria_library library = {0};
        has_mariadb_function = rows[i].is_mariadb;
        version = rows[i].version;
        const struct ria_dialect *dialect = ria_dialect_of(&library);
        expect(rows[i].name, (dialect == NULL) == (rows[i].ca == 0));
        if (dialect != NULL) {
            expect_number(rows[i].name, dialect->is_mariadb, rows[i].is_mariadb);
            expect_number(rows[i].name, dialect->numbers[RIA_OPTION_CA], rows[i].ca);
            expect_number(rows[i].name, dialect->numbers[RIA_OPTION_CA_PATH], rows[i].capath);
            expect_number(rows[i].name, dialect->numbers[RIA_OPTION_VERIFY], rows[i].verify);
            expect_number(rows[i].name, dialect->numbers[RIA_OPTION_SSL_MODE], rows[i].mode);
            expect_number(
                rows[i].name, dialect->numbers[RIA_OPTION_PLUGIN_DIR], rows[i].plugin_dir);
        }
    }
}

static void each_number_belongs_to_one_option(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is_mariadb;
        unsigned long version;
    } rows[] = {
        {"Connector/C", true, 30401},
        {"MySQL 5.7", false, 50734},
        {"MySQL 8.4", false, 80408},
    };
    for_each_row(row, rows, row->name) {
        const struct ria_library library = {0};
        has_mariadb_function = row->is_mariadb;
        version = row->version;
        const struct ria_dialect *dialect = ria_dialect_of(&library);
        for (int option = 0; option < RIA_OPTIONS; option++) {
            int number = dialect->numbers[option];
            if (number != RIA_NO_OPTION) {
                expect_number(
                    "the option that the number of an option leads back to",
                    ria_dialect_option(dialect, number),
                    option);
            }
        }
        /* 0 is MYSQL_OPT_CONNECT_TIMEOUT, which the preload neither records nor sets. */
        expect_number("the option 0", ria_dialect_option(dialect, 0), RIA_OPTIONS);
        expect_number("RIA_NO_OPTION", ria_dialect_option(dialect, RIA_NO_OPTION), RIA_OPTIONS);
    }
}

static void connector_c_34_and_later_is_recognized(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is_mariadb;
        unsigned long version;
        bool is_34;
    } rows[] = {
        {"Connector/C 3.3.20", true, 30320, false},
        {"Connector/C 3.4.1", true, 30401, true},
        {"Connector/C 3.3, built with the server 10.11", true, 101119, false},
        {"Connector/C 3.4, built with the server 11.4", true, 110402, true},
        {"MySQL 8.4", false, 80408, false},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        const struct ria_library library = {0};
        has_mariadb_function = rows[i].is_mariadb;
        version = rows[i].version;
        expect_number(
            rows[i].name,
            ria_dialect_is_mariadb_34(ria_dialect_of(&library), &library),
            rows[i].is_34);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_library_has_its_numbers),
        cmocka_unit_test(each_number_belongs_to_one_option),
        cmocka_unit_test(connector_c_34_and_later_is_recognized),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
