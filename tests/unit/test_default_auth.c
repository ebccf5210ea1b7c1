/* SPDX-License-Identifier: MIT
 *
 * The plugin aws_rds_iam, with which the library begins a login if the option default-auth names
 * it: its reaction to each packet that a server can send next. A fake in this file stands for the
 * thread that signs a token. */
#include "fake_mariadb.h"
#include "unit.h"

#define TOKEN "db.example:3306/?Action=connect&X-Amz-Signature=0123"

extern const struct ria_mariadb_plugin _mysql_client_plugin_declaration_;

static struct ria_fake_mariadb fake;
static char ca[] = "/ca.pem";
static size_t runs;

bool ria_login_token_run(struct ria_login_token *job)
{
    runs++;
    job->outcome = RIA_FOUND;
    ria_buf_add_text(&job->token.text, TOKEN);
    return true;
}

void ria_login_token_log_password(
    const struct ria_login *login, int (*login_name)(char *name, size_t size))
{
    (void)login;
    (void)login_name;
}

static int authenticate(const char *packet)
{
    runs = 0;
    ria_fake_mariadb_init(&fake);
    fake.tls = true;
    fake.is_verification_on = 1;
    fake.mysql.options.ssl_ca = ca;
    fake.packet = packet;
    fake.read_fails = packet == NULL || packet[0] == '\xfe';
    return _mysql_client_plugin_declaration_.authenticate(&fake.vio, &fake.mysql);
}

static void a_request_for_a_clear_password_is_answered_with_a_token(void **state)
{
    (void)state;
    assert_int_equal(authenticate("\xfemysql_clear_password"), RIA_MARIADB_OK);
    assert_int_equal(fake.packets, 1);
    assert_int_equal(fake.sent_len, sizeof(TOKEN));
    assert_memory_equal(fake.sent, TOKEN, sizeof(TOKEN));
}

static void a_request_for_another_plugin_is_left_to_the_library(void **state)
{
    (void)state;
    static const char *const packets[] = {
        "\xfe",
        "\xfemysql_native_password",
        "\xfemysql_clear_passwor",
        "\xfemysql_clear_password_"};
    for_each_row(packet, packets, *packet) {
        expect_number(*packet, authenticate(*packet), RIA_MARIADB_ERROR);
        expect_number(*packet, runs + fake.sent_len + fake.error_count, 0);
    }
}

static void a_server_that_requests_nothing_ends_the_handshake(void **state)
{
    (void)state;
    assert_int_equal(authenticate(""), RIA_MARIADB_DONE);
    assert_int_equal(runs + fake.sent_len + fake.error_count, 0);
}

static void a_greeting_that_names_this_plugin_is_rejected(void **state)
{
    (void)state;
    ria_fake_mariadb_init(&fake);
    fake.packet = "scramble";
    fake.is_from_greeting = true;
    runs = 0;
    assert_int_equal(
        _mysql_client_plugin_declaration_.authenticate(&fake.vio, &fake.mysql), RIA_MARIADB_ERROR);
    assert_int_equal(runs, 0);
    expect_piece(
        "the message", fake.error, "rds-iam: the server asks for the plugin aws_rds_iam, but");
}

static void a_broken_connection_is_reported_by_the_library(void **state)
{
    (void)state;
    assert_int_equal(authenticate(NULL), RIA_MARIADB_ERROR);
    assert_int_equal(runs + fake.sent_len + fake.error_count, 0);
    /* If reading fails, older libraries return the previous packet a second time. */
    ria_fake_mariadb_init(&fake);
    fake.read_fails = true;
    fake.packet = "\xfemysql_clear_password";
    fake.mysql.net.last_errno = 2013;
    assert_int_equal(
        _mysql_client_plugin_declaration_.authenticate(&fake.vio, &fake.mysql), RIA_MARIADB_ERROR);
    assert_int_equal(runs + fake.sent_len, 0);
}

static void an_unknown_struct_layout_is_not_used(void **state)
{
    (void)state;
    ria_fake_mariadb_init(&fake);
    fake.pvio.mysql = NULL;
    assert_int_equal(
        _mysql_client_plugin_declaration_.authenticate(&fake.vio, &fake.mysql),
        RIA_MARIADB_PLUGIN_ERROR);
    assert_int_equal(fake.packets + fake.reads, 0);
}

static void the_declaration_has_its_own_name(void **state)
{
    (void)state;
    assert_string_equal(_mysql_client_plugin_declaration_.name, "aws_rds_iam");
    assert_int_equal(_mysql_client_plugin_declaration_.interface_version, 0x0100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_for_a_clear_password_is_answered_with_a_token),
        cmocka_unit_test(a_request_for_another_plugin_is_left_to_the_library),
        cmocka_unit_test(a_server_that_requests_nothing_ends_the_handshake),
        cmocka_unit_test(a_greeting_that_names_this_plugin_is_rejected),
        cmocka_unit_test(a_broken_connection_is_reported_by_the_library),
        cmocka_unit_test(an_unknown_struct_layout_is_not_used),
        cmocka_unit_test(the_declaration_has_its_own_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
