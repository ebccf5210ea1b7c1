/* SPDX-License-Identifier: MIT
 *
 * Tests passwords with the shadow plugins (mysql_plugin/mysql) in each version of Oracle's library:
 * which passwords are sent, to which server, and how the others are rejected. The control is the
 * same library without a shadow plugin. */
#include "login.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_NOT_VERIFIED "rds-iam: the server's host name was not verified, so no token was sent; "
#define VERIFY_IDENTITY                                                                            \
    "set --ssl-mode=VERIFY_IDENTITY --ssl-ca=FILE, where rds-iam setup ca installs FILE"
#define STOCK "Authentication plugin 'mysql_clear_password' cannot be loaded: plugin not enabled"
#define GATE "LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN"
#define PASSWORD_GIVEN                                                                             \
    STOCK " (rds-iam: a password was given, so no token was made; for a token give no password "   \
          "(-p, password= in an option file, MYSQL_PWD, the program's own setting); to send a "    \
          "password, set LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN=1, because rds-iam cannot detect "       \
          "--enable-cleartext-plugin)"

static struct ria_login_case where;
static struct ria_login_result outcome;

static char rds[] = RIA_RDS_HOST;
static char other[] = "db.example.com";
static char etl[] = "etl";
static char none[] = "";
static char typed[] = "typed-at-the-prompt";
static char pasted[] = "h:1/?Action=connect&DBUser=u&X-Amz-Signature=00";

static void dial(struct ria_library *library, struct ria_dialed dialed)
{
    dialed.user = dialed.user == NULL ? etl : dialed.user;
    dialed.password = dialed.password == NULL ? none : dialed.password;
    ria_login_run(&where, library, &dialed, &outcome);
}

static void in_each(void (*check)(struct ria_library *library, const char *version))
{
    for (size_t i = 0; i < RIA_PROFILES; i++) {
        struct ria_library library;
        ria_library_start(&library, &ria_profiles[i]);
        expect_number(
            ria_profiles[i].name, ria_library_preload(&library, RIA_PLUGINS, RIA_SHADOWS), 1);
        check(&library, ria_profiles[i].name);
        ria_library_end(&library);
    }
}

static void write_config(const char *text)
{
    FILE *file = fopen(RIA_SCRATCH "/shadow_passwords.config", "w");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(RIA_SCRATCH "/shadow_passwords.config", 0600), 0);
    (void)setenv("RDS_IAM_CONFIG", RIA_SCRATCH "/shadow_passwords.config", 1);
}

/* A typed password follows one rule, whatever the host and the configuration. It is sent only if
 * the plugin can see that the library's built-in plugin would send it, and only over TLS
 * (check_open_gate()). A token never replaces the password, even if the password is only a
 * placeholder that a program requires. */
static void check_typed(struct ria_library *library, const char *version)
{
    static char mapped[] = "tunnel.example";
    static char broken[] = "broken.example";
    static char *const hosts[] = {rds, mapped, other, broken};
    static char *const passwords[] = {typed, "x", "placeholder %s"};
    static const char *const values[] = {NULL, "0", "n", "true", "on", " 1", "no"};
    for (size_t i = 0; i < RIA_COUNT(hosts) * RIA_COUNT(values); i++) {
        const char *value = values[i / RIA_COUNT(hosts)];
        struct ria_dialed dialed = {
            .host = hosts[i % RIA_COUNT(hosts)],
            .password = passwords[i % RIA_COUNT(passwords)],
            .has_tls = i % 2 == 0,
            .is_verified = i % 2 == 0};
        write_config(
            dialed.host == broken ? "[broken.example\n"
                                  : "[tunnel.example]\nendpoint = " RIA_RDS_HOST ":3306\n");
        (void)(value == NULL ? unsetenv(GATE) : setenv(GATE, value, 1));
        library->is_cleartext_enabled = i % 3 == 0; /* a plugin cannot see this */
        dial(library, dialed);
        ria_login_expect_refusal(version, &outcome, 2059, PASSWORD_GIVEN);
        expect_text(version, outcome.error, PASSWORD_GIVEN);
    }
    (void)unsetenv(GATE);
    write_config("[tunnel.example]\nendpoint = " RIA_RDS_HOST ":3306\n");
    dial(library, (struct ria_dialed){.host = mapped, .has_tls = true, .is_verified = true});
    ria_login_expect_token(version, &outcome, rds, 3306, etl);
    (void)unsetenv("RDS_IAM_CONFIG");
    (void)unlink(RIA_SCRATCH "/shadow_passwords.config");
}

static void a_typed_password_is_sent_only_if_the_environment_allows_it(void **state)
{
    (void)state;
    in_each(check_typed);
}

static void check_other_host(struct ria_library *library, const char *version)
{
    static char *const passwords[] = {none, pasted};
    static const char *const closed[] = {NULL, "0", "n", "true"};
    /* The library reads an empty value as "on". Of any other value, it reads only the first
     * character. */
    static const char *const open[] = {"1", "Y", "y", "yes", "1000", ""};
    struct ria_dialed dialed = {.host = other, .has_tls = true, .is_verified = true};
    for (size_t i = 0; i < RIA_COUNT(passwords) * RIA_COUNT(closed); i++) {
        const char *value = closed[i / RIA_COUNT(passwords)];
        (void)(value == NULL ? unsetenv(GATE) : setenv(GATE, value, 1));
        library->is_cleartext_enabled = i % 2 == 0; /* a plugin cannot see this */
        dialed.password = passwords[i % RIA_COUNT(passwords)];
        dial(library, dialed);
        ria_login_expect_refusal(version, &outcome, 2059, STOCK " (rds-iam: ");
        expect_piece(version, outcome.error, "add 3 lines: [db.example.com:");
        expect_piece(version, outcome.error, "], then endpoint = ENDPOINT:ITS_PORT");
    }
    static char *const sent[] = {none, typed, pasted};
    for (size_t i = 0; i < RIA_COUNT(sent) * RIA_COUNT(open); i++) {
        (void)setenv(GATE, open[i / RIA_COUNT(sent)], 1);
        dialed.password = sent[i % RIA_COUNT(sent)];
        dial(library, dialed);
        expect_text(version, outcome.received, dialed.password);
        expect_number(version, outcome.len, strlen(dialed.password) + 1);
    }
    (void)unsetenv(GATE);
}

static void on_another_host_the_built_in_plugins_rule_applies(void **state)
{
    (void)state;
    in_each(check_other_host);
}

static void check_open_gate(struct ria_library *library, const char *version)
{
    (void)setenv(GATE, "1", 1);
    dial(library, (struct ria_dialed){.host = rds, .password = typed, .has_tls = true});
    expect_text(version, outcome.received, typed);
    dial(library, (struct ria_dialed){.host = rds, .password = typed});
    ria_login_expect_refusal(
        version,
        &outcome,
        2061,
        "rds-iam: the connection is not encrypted, so no password was sent; " VERIFY_IDENTITY);
    dial(library, (struct ria_dialed){.host = other});
    ria_login_expect_refusal(
        version,
        &outcome,
        2061,
        "rds-iam: the connection is not encrypted, so no password was sent; ");
    /* A token that was passed as the password is treated as a token. */
    dial(library, (struct ria_dialed){.host = other, .password = pasted, .has_tls = true});
    ria_login_expect_refusal(version, &outcome, 2061, NAME_NOT_VERIFIED);
    dial(library, (struct ria_dialed){.host = rds, .has_tls = true, .is_verified = true});
    ria_login_expect_token(version, &outcome, rds, where.port, etl);
    (void)unsetenv(GATE);
}

static void an_allowed_password_is_sent_only_over_tls(void **state)
{
    (void)state;
    in_each(check_open_gate);
}

/* The control: the same library without a shadow plugin. */
static void control_the_built_in_plugin_sends_a_typed_password(void **state)
{
    (void)state;
    for (size_t i = 0; i < RIA_PROFILES; i++) {
        struct ria_library library;
        ria_library_start(&library, &ria_profiles[i]);
        dial(&library, (struct ria_dialed){.host = rds, .password = typed});
        ria_login_expect_refusal("closed", &outcome, 2059, STOCK);
        library.is_cleartext_enabled = true;
        dial(&library, (struct ria_dialed){.host = other, .password = pasted});
        expect_text("open, in plain text", outcome.received, pasted);
        ria_library_end(&library);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_typed_password_is_sent_only_if_the_environment_allows_it),
        cmocka_unit_test(on_another_host_the_built_in_plugins_rule_applies),
        cmocka_unit_test(an_allowed_password_is_sent_only_over_tls),
        cmocka_unit_test(control_the_built_in_plugin_sends_a_typed_password),
    };
    ria_login_environment();
    ria_login_listen(&where);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ria_login_close(&where);
    return failed;
}
