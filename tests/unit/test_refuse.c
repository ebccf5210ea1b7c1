/* SPDX-License-Identifier: MIT
 *
 * ria_mariadb_refuse() reports an error to the user of a MariaDB client: the message contains no %
 * and no control character, and the handshake ends properly. */
#include "fake_mariadb.h"
#include "unit.h"

static struct ria_fake_mariadb fake;

static void the_message_is_safe_to_print(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
        const char *want;
    } rows[] = {
        {"a plain text", "no credentials", "rds-iam: no credentials"},
        {"percent signs", "100% of %s%n", "rds-iam: 100? of ?s?n"},
        {"control characters", "a\nb\x1b[2J\x7f", "rds-iam: a?b?[2J?"},
        {"UTF-8 stays", "\xc3\xbc", "rds-iam: \xc3\xbc"},
        {"nothing", "", "rds-iam: "},
    };
    for_each_row(row, rows, row->name) {
        ria_fake_mariadb_init(&fake);
        expect_number(
            row->name, ria_mariadb_refuse(&fake.vio, &fake.mysql, row->text), RIA_MARIADB_ERROR);
        expect_text(row->name, fake.error, row->want);
        expect_number(row->name, fake.error_code, 2061);
        expect_text(row->name, fake.sqlstate, "HY000");
        expect_number(row->name, fake.error_count, 1);
    }
}

static void the_longest_message_fits_the_buffer_of_the_library(void **state)
{
    (void)state;
    char text[RIA_ERROR_TEXT_MAX];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    ria_fake_mariadb_init(&fake);
    (void)ria_mariadb_refuse(&fake.vio, &fake.mysql, text);
    assert_int_equal(strlen(fake.error), 479);
}

static void an_empty_password_ends_the_handshake(void **state)
{
    (void)state;
    ria_fake_mariadb_init(&fake);
    (void)ria_mariadb_refuse(&fake.vio, &fake.mysql, "no");
    assert_int_equal(fake.packets, 1);
    assert_int_equal(fake.sent_len, 1);
    assert_int_equal(fake.sent[0], 0);
    assert_int_equal(fake.reads, 2);
    assert_string_equal(fake.error, "rds-iam: no");
}

static void the_message_survives_a_broken_connection(void **state)
{
    (void)state;
    ria_fake_mariadb_init(&fake);
    fake.read_fails = true;
    (void)ria_mariadb_refuse(&fake.vio, &fake.mysql, "no");
    assert_int_equal(fake.packets, 0);
    assert_string_equal(fake.error, "rds-iam: no");
    ria_fake_mariadb_init(&fake);
    fake.write_fails = true;
    (void)ria_mariadb_refuse(&fake.vio, &fake.mysql, "no");
    assert_int_equal(fake.reads, 1);
    assert_string_equal(fake.error, "rds-iam: no");
}

static void repeated_requests_get_a_limited_number_of_replies(void **state)
{
    (void)state;
    ria_fake_mariadb_init(&fake);
    fake.read_fails = true;
    fake.packet = "\xfe"
                  "dialog";
    (void)ria_mariadb_refuse(&fake.vio, &fake.mysql, "no");
    assert_int_equal(fake.packets, 4);
    assert_int_equal(fake.sent_len, 4);
    for (size_t i = 0; i < fake.sent_len; i++) {
        assert_int_equal(fake.sent[i], 0);
    }
    assert_int_equal(fake.error_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_message_is_safe_to_print),
        cmocka_unit_test(the_longest_message_fits_the_buffer_of_the_library),
        cmocka_unit_test(an_empty_password_ends_the_handshake),
        cmocka_unit_test(the_message_survives_a_broken_connection),
        cmocka_unit_test(repeated_requests_get_a_limited_number_of_replies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
