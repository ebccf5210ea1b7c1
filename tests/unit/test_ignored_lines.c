/* SPDX-License-Identifier: MIT
 *
 * Some lines of an AWS file would select the identity if they were correct, but the parser ignores
 * them. The search must then stop, and must not use another source. */
#include "provider/chain.h"

#include "fake_world.h"
#include "provider/memory_cache.h"
#include "unit.h"

/* Searches for credentials with these two files. The next source would be a container's endpoint,
 * which exists. */
static enum ria_outcome find(
    struct ria_fake *fake,
    const char *config,
    const char *credentials,
    struct ria_response *response,
    struct ria_error *err)
{
    struct ria_trail trail;
    ria_memory_cache_clear();
    ria_fake_init(fake);
    ria_fake_env(fake, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/c");
    ria_fake_file(fake, RIA_FAKE_AWS_CONFIG, config);
    ria_fake_file(fake, RIA_FAKE_AWS_CREDENTIALS, credentials);
    struct ria_query ask = {
        .world = &fake->world, .deadline = ria_deadline_in(&fake->world, RIA_LOGIN_BUDGET_MS)};
    return ria_chain_find(&ask, response, &trail, err);
}

static void expect_refusal(const char *config, const char *credentials, const char *want)
{
    struct ria_fake fake;
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    struct ria_error err = {0};
    (void)find(&fake, config, credentials, &response, &err);
    expect_number(want, fake.fetches, 0);
    expect_piece(want, err.text, want);
    expect_piece(want, err.text, "is in a line that was ignored: ");
}

/* The AWS CLI accepts "key: value". With the next source, the login would have another identity. */
static void no_other_source_replaces_an_ignored_line(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        const char *credentials;
        const char *want;
    } rows[] = {
        {"",
         "[default]\naws_access_key_id: A\naws_secret_access_key: s\n",
         "credentials:2: aws_access_key_id of"},
        {"[default]\nAWS_Secret_Access_Key : s\n", "", "config:2: aws_secret_access_key of"},
        {"[default]\ncredential_process\t: p\n", "", "config:2: credential_process of"},
        {"[default]\nsso_session: s\nsso_role_name: R\n", "", "config:3: sso_role_name of"},
        {"[default]\nlogin_session l\n", "", "config:2: login_session of"},
        {"[default]\nrole_arn: arn:aws:iam::123456789012:role/r\nsource_profile: b\n",
         "",
         "config:2: role_arn of"},
        {"[default]\nrole_arn: r\n",
         "[default]\naws_access_key_id = A\naws_secret_access_key = s\n",
         "config:2: role_arn of"},
        {"[default]\ncredential_process: p\naws_access_key_id = A\naws_secret_access_key = s\n",
         "",
         "config:2: credential_process of"},
        {"[default]\nweb_identity_token_file: /t\ncredential_process = p\n",
         "",
         "config:2: web_identity_token_file of"},
    };
    for_each_row(row, rows, row->config) {
        expect_refusal(row->config, row->credentials, row->want);
    }
}

/* An ignored line does not stop the search in two cases: the AWS CLI ignores the line too, or the
 * line names no source. */
static void an_irrelevant_ignored_line_does_not_stop_the_search(void **state)
{
    (void)state;
#define KEYS "[default]\naws_access_key_id = A\naws_secret_access_key = s\n"
    static const struct {
        const char *config;
        const char *credentials;
    } rows[] = {
        {"[default]\ncredential_process: p\n", KEYS},
        {"[default]\naws_access_key_id: B\n", KEYS},
        {KEYS "region: r\nrole_arn_of: x\n# role_arn: x\n", ""},
        {KEYS "[profile b]\nrole_arn: x\n", ""},
        {KEYS "s3 =\n  role_arn: x\n", ""},
    };
#undef KEYS
    for_each_row(row, rows, row->config) {
        struct ria_fake fake;
        RIA_AUTO(response) response = RIA_RESPONSE_INIT;
        struct ria_error err = {0};
        expect_number(
            row->config, find(&fake, row->config, row->credentials, &response, &err), RIA_FOUND);
        expect_text(row->config, response.credentials.access_key_id.data, "A");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_other_source_replaces_an_ignored_line),
        cmocka_unit_test(an_irrelevant_ignored_line_does_not_stop_the_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
