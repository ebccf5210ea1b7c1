/* SPDX-License-Identifier: MIT
 *
 * The functions that only inform about a login. All of them refuse a text that is not a host name.
 * Those that send requests to AWS send none if the process has more rights than its caller, and get
 * the credentials as rds-iam credentials does. ria_login_inspect() refuses a login without a user.
 */
#include "rds_iam.h"

#include "aws/identity.h"
#include "aws/inquiry_form.h"
#include "fake_world.h"
#include "unit.h"

#define HOST "db.abc123def456.eu-west-1.rds.amazonaws.com"

static const struct ria_login login = {.host = HOST, .port = 3306, .user = "u", .is_mysql = true};
static const struct ria_login invalid = {.host = "/socket", .port = 3306, .user = "u"};

static enum ria_outcome ask_credentials(
    const struct ria_login *of, struct ria_fake *fake, struct ria_error *err)
{
    RIA_AUTO(session) session = RIA_SESSION_INIT;
    return ria_session_for(
        of, NULL, ria_deadline_in(&fake->world, 1000), &fake->world, &session, err);
}

static enum ria_outcome ask_identity(
    const struct ria_login *of, struct ria_fake *fake, struct ria_error *err)
{
    struct ria_identity identity;
    return ria_session_identity(
        of, ria_deadline_in(&fake->world, 1000), &fake->world, &identity, err);
}

static enum ria_outcome ask_question(
    const struct ria_login *of, struct ria_fake *fake, struct ria_error *err)
{
    const struct ria_inquiry inquiry = {.name = "db"};
    struct ria_answer answer;
    return ria_session_ask(
        of, &inquiry, ria_deadline_in(&fake->world, 1000), &fake->world, &answer, err);
}

static enum ria_outcome inspect(
    const struct ria_login *of, struct ria_fake *fake, struct ria_error *err)
{
    struct ria_login_facts facts;
    return ria_login_inspect(of, &fake->world, &facts, err) ? RIA_FOUND : RIA_FAILED;
}

static void a_text_that_is_not_a_host_name_is_refused(void **state)
{
    (void)state;
    enum ria_outcome (*const functions[])(
        const struct ria_login *, struct ria_fake *, struct ria_error *) = {
        ask_identity, ask_question, inspect};
    for (size_t i = 0; i < RIA_COUNT(functions); i++) {
        struct ria_fake fake;
        struct ria_error err = {0};
        ria_fake_init(&fake);
        ria_fake_env(&fake, "AWS_ACCESS_KEY_ID", "AKIA");
        ria_fake_env(&fake, "AWS_SECRET_ACCESS_KEY", "secret");
        assert_int_equal(functions[i](&invalid, &fake, &err), RIA_FAILED);
        assert_non_null(strstr(err.text, "is not a host name; give the endpoint's name alone"));
        assert_int_equal(fake.fetches, 0);
    }
    struct ria_fake fake;
    struct ria_error err = {0};
    ria_fake_init(&fake);
    assert_int_equal(inspect(&login, &fake, &err), RIA_FOUND); /* control */
}

static void a_login_without_a_user_is_refused(void **state)
{
    (void)state;
    const struct ria_login nameless = {.host = HOST, .port = 3306, .is_mysql = true};
    struct ria_fake fake;
    struct ria_error err = {0};
    ria_fake_init(&fake);
    assert_int_equal(inspect(&nameless, &fake, &err), RIA_FAILED);
    expect_piece("no user", err.text, "the user name must have 1 to");
    assert_int_equal(inspect(&login, &fake, &err), RIA_FOUND); /* control */
}

static void the_host_of_a_service_must_be_in_the_certificate(void **state)
{
    (void)state;
    static const char mapped[] = "[localhost:15432]\nendpoint = " HOST ":5432\n";
    static const struct {
        const char *name;
        const char *config;
        const char *host;
        const char *message; /* "" if the host is accepted */
    } rows[] = {
        {"an endpoint", mapped, HOST, ""},
        {"an endpoint with a final dot",
         NULL,
         HOST ".",
         "the server's certificate does not contain " HOST ". with its final dot, so "
         "sslmode=verify-full rejects the server; write host=" HOST},
        {"a tunnel with a section",
         mapped,
         "localhost",
         "the certificate of " HOST " does not contain localhost, so sslmode=verify-full rejects "
         "the server; write host=" HOST
         " (for a tunnel, also hostaddr=127.0.0.1), and at " RIA_FAKE_CONFIG
         ":2 change the section's name to [" HOST ":15432]"},
        {"another port than that of the section",
         "[localhost:1]\nregion = eu-west-1\n",
         "localhost",
         ""},
        {"a tunnel without a section", NULL, "localhost", ""},
        {"a misspelled endpoint",
         NULL,
         "db.abc123def456.eu-west-1.rds.amazonaws.co",
         "db.abc123def456.eu-west-1.rds.amazonaws.co is not an RDS endpoint, but nearly one; "
         "write " HOST},
    };
    for_each_row(row, rows, row->name) {
        struct ria_fake fake;
        struct ria_error err = {0};
        const struct ria_login service = {
            .host = row->host,
            .port = 15432,
            .user = "u",
            .channel = RIA_CHANNEL_VERIFIED,
            .is_service = true,
        };
        ria_fake_init(&fake);
        if (row->config != NULL) {
            ria_fake_file(&fake, RIA_FAKE_CONFIG, row->config);
        }
        bool ok = ria_service_check_host(&service, &fake.world, &err);
        expect_number(row->name, ok, *row->message == '\0');
        expect_text(row->name, ok ? "" : err.text, row->message);
    }
}

static void a_privileged_process_sends_no_request(void **state)
{
    (void)state;
    enum ria_outcome (*const functions[])(
        const struct ria_login *, struct ria_fake *, struct ria_error *) = {
        ask_identity, ask_question};
    for (size_t i = 0; i < RIA_COUNT(functions); i++) {
        struct ria_fake fake;
        struct ria_error err = {0};
        ria_fake_init(&fake);
        ria_fake_env(&fake, "AWS_ACCESS_KEY_ID", "AKIA");
        ria_fake_env(&fake, "AWS_SECRET_ACCESS_KEY", "secret");
        fake.is_privileged = true;
        assert_int_equal(functions[i](&login, &fake, &err), RIA_FAILED);
        assert_non_null(strstr(err.text, "more rights than its caller"));
        assert_int_equal(fake.fetches, 0);
    }
}

/* The keys are in the environment, but the settings of the profile are needed for a request. */
static void an_unreadable_profile_is_reported(void **state)
{
    (void)state;
    struct ria_fake fake;
    struct ria_error err = {0};
    ria_fake_init(&fake);
    ria_fake_env(&fake, "AWS_ACCESS_KEY_ID", "AKIA");
    ria_fake_env(&fake, "AWS_SECRET_ACCESS_KEY", "secret");
    ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, NULL);
    assert_int_equal(ask_identity(&login, &fake, &err), RIA_FAILED);
    assert_non_null(strstr(err.text, RIA_FAKE_AWS_CONFIG ": cannot be opened"));
}

static void without_credentials_no_request_is_sent(void **state)
{
    (void)state;
    struct ria_fake fake;
    struct ria_error err = {0};
    ria_fake_init(&fake);
    assert_int_equal(ask_question(&login, &fake, &err), RIA_ABSENT);
    assert_non_null(strstr(err.text, "no AWS credentials"));
}

/* Each function asks for the credentials with the cache that `rds-iam credentials` uses. */
static void the_output_of_a_credential_process_is_cached_as_by_rds_iam_credentials(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *host; /* NULL: a profile alone */
        const char *config;
        bool is_cached;
    } rows[] = {
        {"a profile", NULL, "[db.x]\nprofile = p\ncache_credential_process = yes\n", true},
        {"a profile, without the setting", NULL, "[db.x]\nprofile = p\n", false},
        {"a profile that no section names",
         NULL,
         "[db.x]\nprofile = q\ncache_credential_process = yes\n",
         false},
        {"a host", HOST, "[" HOST "]\nprofile = p\ncache_credential_process = yes\n", true},
        {"a host whose section does not set it",
         HOST,
         "[" HOST "]\nprofile = p\n[db.x]\nprofile = p\ncache_credential_process = yes\n",
         false},
    };
    enum ria_outcome (*const functions[])(
        const struct ria_login *, struct ria_fake *, struct ria_error *) = {
        ask_credentials, ask_identity, ask_question};
    for_each_row(row, rows, row->name) {
        for (size_t i = 0; i < RIA_COUNT(functions); i++) {
            const struct ria_login of = {
                .host = row->host, .port = 3306, .user = "u", .profile = "p", .is_mysql = true};
            struct ria_fake fake;
            struct ria_error err = {0};
            ria_fake_init(&fake);
            ria_fake_file(&fake, RIA_FAKE_CONFIG, row->config);
            ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, "[profile p]\ncredential_process = run\n");
            expect_number(row->name, functions[i](&of, &fake, &err), RIA_FAILED);
            expect_piece(row->name, err.text, "rds-iam-fetch was asked");
            expect_number(row->name, fake.asked_source, RIA_SOURCE_PROCESS);
            expect(row->name, fake.asked_process_cache == row->is_cached);
        }
    }
}

static void only_actions_of_the_table_are_accepted(void **state)
{
    (void)state;
    enum ria_question question;
    assert_false(ria_question_find("rds:DeleteDBInstance", &question));
    assert_true(ria_question_find(ria_question_action(0), &question)); /* control */
    assert_int_equal(question, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_that_is_not_a_host_name_is_refused),
        cmocka_unit_test(a_login_without_a_user_is_refused),
        cmocka_unit_test(the_host_of_a_service_must_be_in_the_certificate),
        cmocka_unit_test(a_privileged_process_sends_no_request),
        cmocka_unit_test(an_unreadable_profile_is_reported),
        cmocka_unit_test(without_credentials_no_request_is_sent),
        cmocka_unit_test(the_output_of_a_credential_process_is_cached_as_by_rds_iam_credentials),
        cmocka_unit_test(only_actions_of_the_table_are_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
