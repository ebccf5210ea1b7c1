/* SPDX-License-Identifier: MIT
 *
 * The function authenticate() of the MariaDB plugin: the order of its steps, what it sends to the
 * server, and the error that the user sees. A fake ria_login_token_run() in this file replaces the
 * function that signs a token in a thread. The fake stores its arguments, and returns the result
 * that the test has set. */
#include "fake_mariadb.h"
#include "unit.h"

#include <errno.h>

#define TOKEN "db.example:3306/?Action=connect&X-Amz-Signature=0123"

extern const struct ria_mariadb_plugin _mysql_client_plugin_declaration_;

static struct ria_fake_mariadb fake;
static char ca[] = "/ca.pem";

/* The result that the fake ria_login_token_run() returns, the number of its calls, and the
 * arguments of the last call. */
static struct {
    bool no_thread;
    enum ria_outcome outcome;
    enum ria_code code;
    const char *text; /* the token, or the error message */
    size_t runs;
    struct ria_login login;
    enum ria_login_task task;
} played;

bool ria_login_token_run(struct ria_login_token *job)
{
    played.runs++;
    played.login = job->login;
    played.task = job->task;
    errno = EINTR;
    if (played.no_thread) {
        return ria_fail(&job->err, RIA_E_SYSTEM, "cannot start a thread");
    }
    job->outcome = played.outcome;
    if (played.outcome == RIA_FOUND && job->task == RIA_LOGIN_MAKE_TOKEN) {
        ria_buf_add_text(&job->token.text, played.text);
    } else if (played.outcome != RIA_FOUND) {
        (void)ria_fail(&job->err, played.code, "%s", played.text);
    }
    return true;
}

/* The number of calls of the fake ria_login_token_log_password(). */
static size_t password_logs;

void ria_login_token_log_password(
    const struct ria_login *login, int (*login_name)(char *name, size_t size))
{
    assert_string_equal(login->host, "db.example");
    assert_null(login_name);
    password_logs++;
    errno = EINTR;
}

static int authenticate(void)
{
    return _mysql_client_plugin_declaration_.authenticate(&fake.vio, &fake.mysql);
}

static void set_up(bool is_verified)
{
    memset(&played, 0, sizeof(played));
    played.outcome = RIA_FOUND;
    played.text = TOKEN;
    ria_fake_mariadb_init(&fake);
    fake.tls = is_verified;
    fake.is_verification_on = is_verified ? 1 : 0;
    fake.mysql.options.ssl_ca = is_verified ? ca : NULL;
}

static void a_token_is_sent_with_its_terminating_nul(void **state)
{
    (void)state;
    set_up(true);
    errno = ENOENT;
    assert_int_equal(authenticate(), RIA_MARIADB_OK);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(fake.packets, 1);
    assert_int_equal(fake.sent_len, sizeof(TOKEN));
    assert_memory_equal(fake.sent, TOKEN, sizeof(TOKEN));
    assert_int_equal(fake.error_count, 0);
    assert_string_equal(played.login.host, "db.example");
    assert_int_equal(played.login.port, 3306);
    assert_string_equal(played.login.user, "etl");
    assert_int_equal(played.login.channel, RIA_CHANNEL_VERIFIED);
    assert_null(played.login.region);
    assert_null(played.login.profile);
}

static void a_typed_password_is_sent_unchanged_over_any_channel(void **state)
{
    (void)state;
    char password[] = "typed % password";
    for (int verified = 0; verified < 2; verified++) {
        set_up(verified == 1);
        fake.mysql.passwd = password;
        password_logs = 0;
        errno = ENOENT;
        assert_int_equal(authenticate(), RIA_MARIADB_OK);
        assert_int_equal(errno, ENOENT);
        assert_int_equal(password_logs, 1);
        assert_int_equal(played.runs, 0);
        assert_int_equal(fake.sent_len, sizeof(password));
        assert_memory_equal(fake.sent, password, sizeof(password));
    }
}

static void a_pasted_token_needs_the_same_channel_as_a_signed_one(void **state)
{
    (void)state;
    char pasted[] = TOKEN;
    set_up(true);
    fake.mysql.passwd = pasted;
    assert_int_equal(authenticate(), RIA_MARIADB_OK);
    assert_int_equal(played.task, RIA_LOGIN_MAY_SEND);
    assert_memory_equal(fake.sent, TOKEN, sizeof(TOKEN));
    set_up(false);
    fake.mysql.passwd = pasted;
    assert_int_equal(authenticate(), RIA_MARIADB_ERROR);
    assert_int_equal(played.task, RIA_LOGIN_HAS_ENDPOINT);
    assert_int_equal(fake.sent_len, 1);
    expect_piece("plain text", fake.error, "rds-iam: the connection is not encrypted");
    set_up(true);
    fake.mysql.passwd = pasted;
    played.outcome = RIA_FAILED;
    played.code = RIA_E_CONFIG;
    played.text = "f:1: broken";
    assert_int_equal(authenticate(), RIA_MARIADB_ERROR);
    assert_string_equal(fake.error, "rds-iam: f:1: broken");
    assert_int_equal(fake.sent_len, 1);
}

static void no_token_is_signed_for_an_unsuitable_channel(void **state)
{
    (void)state;
    set_up(false);
    assert_int_equal(authenticate(), RIA_MARIADB_ERROR);
    assert_string_equal(
        fake.error,
        "rds-iam: the connection is not encrypted, so no token was sent; set "
        "ssl-ca and ssl-verify-server-cert=1, as printed by rds-iam setup mysql, in the "
        "program's option group, [client] or [client-rds], or in its own TLS options, and remove "
        "skip-ssl");
    assert_int_equal(played.runs, 1);
    assert_int_equal(played.task, RIA_LOGIN_HAS_ENDPOINT);
    assert_int_equal(fake.sent_len, 1);
    assert_int_equal(fake.sent[0], 0);
    set_up(true);
    fake.is_verification_on = 0;
    assert_int_equal(authenticate(), RIA_MARIADB_ERROR);
    expect_piece(
        "unverified",
        fake.error,
        "rds-iam: the server's certificate was not verified, so no token was sent; add "
        "ssl-verify-server-cert=1");
    assert_int_equal(played.runs, 1);
    assert_int_equal(played.task, RIA_LOGIN_HAS_ENDPOINT);
    assert_int_equal(fake.sent_len, 1);
    assert_int_equal(fake.sent[0], 0);
}

static void a_missing_endpoint_is_reported_before_the_channel(void **state)
{
    (void)state;
    set_up(false);
    played.outcome = RIA_ABSENT;
    played.code = RIA_E_ENDPOINT;
    played.text = "db.example.com is not an RDS endpoint";
    assert_int_equal(authenticate(), RIA_MARIADB_ERROR);
    assert_string_equal(fake.error, "rds-iam: db.example.com is not an RDS endpoint");
    assert_int_equal(played.task, RIA_LOGIN_HAS_ENDPOINT);
    assert_int_equal(fake.sent_len, 1);
    assert_int_equal(fake.sent[0], 0);
}

static void a_verified_chain_without_a_verified_name_needs_the_configuration(void **state)
{
    (void)state;
    char host[] = "127.0.0.1";
    set_up(true);
    fake.has_status = true;
    fake.mysql.host = host;
    assert_int_equal(authenticate(), RIA_MARIADB_OK);
    assert_int_equal(played.login.channel, RIA_CHANNEL_CHAIN_VERIFIED);
    set_up(true);
    fake.has_status = true;
    fake.mysql.host = host;
    played.outcome = RIA_FAILED;
    played.code = RIA_E_CHANNEL;
    played.text = "the core's own words";
    assert_int_equal(authenticate(), RIA_MARIADB_ERROR);
    assert_string_equal(fake.error, "rds-iam: the core's own words");
    /* If the dialed host is an RDS name, the message is the plugin's own. Its first remedy is a
     * setting of the client. */
    char rds[] = "db.abcdefghijkl.eu-west-1.rds.amazonaws.com";
    set_up(true);
    fake.is_verification_on = 0;
    fake.tls_library = "OpenSSL 3.0.11";
    fake.mysql.host = rds;
    played.outcome = RIA_FAILED;
    played.code = RIA_E_CHANNEL;
    played.text = "the core's own words";
    assert_int_equal(authenticate(), RIA_MARIADB_ERROR);
    expect_piece(
        "the setting is named",
        fake.error,
        "rds-iam: the server's host name was not verified, so no token was sent; add "
        "ssl-verify-server-cert=1");
    expect_piece(
        "the section for a program without such a setting is named too",
        fake.error,
        ", or else write two lines: [db.abcdefghijkl.eu-west-1.rds.amazonaws.com:3306], "
        "then tls = verify-ca, in ");
}

/* The plugin does not ask the configuration for tls = verify-ca. It only finds out whether the host
 * has an endpoint, because otherwise the message reports this. */
static void a_chain_to_a_system_ca_is_never_enough(void **state)
{
    (void)state;
    char pasted[] = TOKEN;
    for (int is_pasted = 0; is_pasted < 2; is_pasted++) {
        set_up(true);
        fake.mysql.options.ssl_ca = NULL;
        fake.mysql.passwd = is_pasted == 1 ? pasted : fake.mysql.passwd;
        assert_int_equal(authenticate(), RIA_MARIADB_ERROR);
        expect_piece(
            "what is missing",
            fake.error,
            "rds-iam: the server's host name was not verified, so no token was sent; without "
            "ssl-ca some versions of this library skip the host name check, so set ssl-ca to the "
            "file ");
        assert_int_equal(played.task, RIA_LOGIN_HAS_ENDPOINT);
        assert_int_equal(fake.sent_len, 1);
    }
}

static void the_cores_message_reaches_the_user(void **state)
{
    (void)state;
    static const enum ria_outcome outcomes[] = {RIA_ABSENT, RIA_FAILED};
    for_each_row(row, outcomes, NULL) {
        set_up(true);
        played.outcome = *row;
        played.code = RIA_E_NO_CREDENTIALS;
        played.text = "no AWS credentials: 100%";
        expect_number("outcomes", authenticate(), RIA_MARIADB_ERROR);
        expect_text("outcomes", fake.error, "rds-iam: no AWS credentials: 100?");
        expect_number("outcomes", fake.sent_len, 1);
    }
    set_up(true);
    played.no_thread = true;
    assert_int_equal(authenticate(), RIA_MARIADB_ERROR);
    assert_string_equal(fake.error, "rds-iam: cannot start a thread");
}

static void a_failed_write_is_an_error_of_the_library(void **state)
{
    (void)state;
    set_up(true);
    fake.write_fails = true;
    assert_int_equal(authenticate(), RIA_MARIADB_ERROR);
    assert_int_equal(fake.error_count, 0);
}

static void a_missing_user_name_is_passed_on_as_missing(void **state)
{
    (void)state;
    char nobody[] = "";
    set_up(true);
    fake.mysql.user = nobody;
    assert_int_equal(authenticate(), RIA_MARIADB_OK);
    assert_null(played.login.user);
    set_up(true);
    fake.mysql.user = NULL;
    assert_int_equal(authenticate(), RIA_MARIADB_OK);
    assert_null(played.login.user);
}

/* The message names the socket, whatever the TLS settings are. */
static void a_unix_socket_is_rejected_with_its_own_message(void **state)
{
    (void)state;
    for (int verified = 0; verified < 2; verified++) {
        set_up(verified == 1);
        fake.pvio.type = RIA_MARIADB_SOCKET_UNIX;
        assert_int_equal(authenticate(), RIA_MARIADB_ERROR);
        expect_piece(
            "the message",
            fake.error,
            "rds-iam: this connection uses a Unix socket, which cannot reach an RDS server; "
            "give the server's host name");
        assert_int_equal(played.runs, 0);
        assert_int_equal(fake.sent_len, 1);
    }
}

/* If a pointer is NULL, or pvio does not point back to the connection, the plugin calls no function
 * of the tables and sends nothing. */
static void an_unknown_struct_layout_is_not_used(void **state)
{
    (void)state;
    struct ria_mariadb other = {0};
    for (int i = 0; i < 6; i++) {
        set_up(true);
        fake.mysql.methods = i == 0 ? NULL : &fake.methods;
        fake.methods.api = i == 1 ? NULL : &fake.api;
        fake.mysql.net.pvio = i == 2 ? NULL : &fake.pvio;
        fake.pvio.mysql = i == 3 ? &other : &fake.mysql;
        if (i == 4) {
            fake.methods.set_error = NULL;
        }
        struct ria_mariadb_vio *vio = i == 5 ? NULL : &fake.vio;
        int result = _mysql_client_plugin_declaration_.authenticate(vio, &fake.mysql);
        assert_int_equal(result, RIA_MARIADB_PLUGIN_ERROR);
        assert_int_equal(played.runs + fake.packets + fake.reads + fake.error_count, 0);
    }
    assert_int_equal(
        _mysql_client_plugin_declaration_.authenticate(&fake.vio, NULL), RIA_MARIADB_PLUGIN_ERROR);
}

static void the_declaration_has_version_1_0_and_no_optional_function(void **state)
{
    (void)state;
    const struct ria_mariadb_plugin *plugin = &_mysql_client_plugin_declaration_;
    assert_int_equal(plugin->type, 2);
    assert_int_equal(plugin->interface_version, 0x0100);
    assert_string_equal(plugin->name, "mysql_clear_password");
    assert_null(plugin->init);
    assert_null(plugin->deinit);
    assert_null(plugin->options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_sent_with_its_terminating_nul),
        cmocka_unit_test(a_typed_password_is_sent_unchanged_over_any_channel),
        cmocka_unit_test(a_pasted_token_needs_the_same_channel_as_a_signed_one),
        cmocka_unit_test(no_token_is_signed_for_an_unsuitable_channel),
        cmocka_unit_test(a_missing_endpoint_is_reported_before_the_channel),
        cmocka_unit_test(a_verified_chain_without_a_verified_name_needs_the_configuration),
        cmocka_unit_test(a_chain_to_a_system_ca_is_never_enough),
        cmocka_unit_test(the_cores_message_reaches_the_user),
        cmocka_unit_test(a_failed_write_is_an_error_of_the_library),
        cmocka_unit_test(a_missing_user_name_is_passed_on_as_missing),
        cmocka_unit_test(a_unix_socket_is_rejected_with_its_own_message),
        cmocka_unit_test(an_unknown_struct_layout_is_not_used),
        cmocka_unit_test(the_declaration_has_version_1_0_and_no_optional_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
