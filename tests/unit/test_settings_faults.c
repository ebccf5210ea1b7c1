/* SPDX-License-Identifier: MIT
 *
 * Mistakes in the AWS files, in the environment and in the configuration of rds-iam: the error
 * message names the line or the variable, and no request is sent. */
#include "provider/chain.h"

#include "config/config.h"
#include "fake_world.h"
#include "provider/memory_cache.h"
#include "unit.h"

#define ROLE "region = eu-west-1\ncredential_source = Environment\nrole_arn = "

static void check_in(
    const char *message,
    const char *const environment[], /* names and values; NULL ends them */
    const char *config,
    const char *credentials,
    const char *want)
{
    struct ria_fake fake;
    struct ria_trail trail;
    struct ria_error err = {0};
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    ria_memory_cache_clear();
    ria_fake_init(&fake);
    ria_fake_env(&fake, "AWS_EC2_METADATA_DISABLED", "true");
    ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, config);
    ria_fake_file(&fake, RIA_FAKE_AWS_CREDENTIALS, credentials);
    struct ria_query ask = {
        .world = &fake.world,
        .profile = {environment[0] == NULL ? "default" : NULL, "--profile", 0},
        .deadline = ria_deadline_in(&fake.world, RIA_LOGIN_BUDGET_MS)};
    for (size_t i = 0; environment[i] != NULL; i += 2) {
        ria_fake_env(&fake, environment[i], environment[i + 1]);
    }
    if (strstr(config, "credential_source") != NULL) {
        ria_fake_env(&fake, "AWS_ACCESS_KEY_ID", "AKIA");
        ria_fake_env(&fake, "AWS_SECRET_ACCESS_KEY", "s");
    }
    expect(message, ria_chain_find(&ask, &response, &trail, &err) != RIA_FOUND);
    expect_piece(message, err.text, want);
    expect_number(message, fake.fetches, 0);
}

static void check(
    const char *message, const char *config, const char *credentials, const char *want)
{
    static const char *const nothing[] = {NULL};
    check_in(message, nothing, config, credentials, want);
}

static void an_ignored_line_is_named(void **state)
{
    (void)state;
    check(
        "only lines of the form key: value",
        "[default]\nregion: eu-west-1\naws_access_key_id: A\naws_secret_access_key: s\n",
        "",
        "config:3: aws_access_key_id of the profile \"default\" is in a line that was ignored: "
        "a "
        "colon instead of the =; write key = value");
    check(
        "a pair whose second half is in an ignored line",
        "",
        "[default]\naws_access_key_id = A\naws_secret_access_key: s\n",
        "credentials:3: the profile \"default\" has an aws_access_key_id but no "
        "aws_secret_access_key, and this line was ignored: a colon instead of the =; write key = "
        "value");
    check(
        "a secret with an equals sign in it",
        "",
        "[default]\naws_access_key_id = A\naws_secret_access_key: a/b=\n",
        "credentials:3: the profile \"default\" has an aws_access_key_id but no "
        "aws_secret_access_key, and this line");
    check(
        "a line without its =",
        "[default]\naws_access_key_id A\n[profile b]\nx: y\n",
        "",
        "config:2: aws_access_key_id of the profile \"default\" is in a line that was ignored: "
        "a "
        "line without its =");
    check(
        "a role without its source",
        "[default]\nrole_arn = arn\nsource_profile: b\n[profile b]\n",
        "",
        "config:3: the profile \"default\" has role_arn without source_profile or "
        "credential_source, and this line was ignored: a colon instead of the =; write key = "
        "value");
    check(
        "a source without its keys",
        "[default]\nrole_arn = arn\nsource_profile = b\n[profile b]\naws_access_key_id: A\n",
        "",
        "config:5: aws_access_key_id of the profile \"b\" is in a line that was ignored: a "
        "colon");
    check(
        "a source without keys, and an ignored line with another key",
        "[default]\nrole_arn = arn\nsource_profile = b\n[profile b]\nregion: r\n",
        "",
        "config:5: source_profile names \"b\", which contains no credentials, and this line was");
    check(
        "a profile without a source, and an ignored line with another key",
        "[default]\nregion: r\n",
        "",
        "contains no credentials: " RIA_FAKE_AWS_CONFIG ":2 was ignored: a colon instead of the =");
    check(
        "a source without its role",
        "[default]\ncredential_source = EcsContainer\nrole_arn: arn\n",
        "",
        "config:3: the profile \"default\" has credential_source without role_arn, and this line");
    check(
        "a token file without its role",
        "[default]\nweb_identity_token_file = /t\nrole_arn: arn\n",
        "",
        "config:3: the profile \"default\" has web_identity_token_file without role_arn, and this");
    check(
        "SSO",
        "[default]\nsso_account_id = 1\nsso_role_name = R\nsso_region = r-1\nsso_start_url: u\n",
        "",
        "config:5: the profile \"default\" uses AWS SSO and has no sso_start_url, and this line");
    check(
        "a session of SSO",
        "[default]\nsso_account_id = 1\nsso_role_name = R\nsso_session = s\n[sso-session s]\n"
        "sso_region = r-1\nsso_start_url: u\n",
        "",
        "config:7: [sso-session s] has no sso_start_url, and this line was ignored: a colon");
    check(
        "another profile's line is not named",
        "[profile b]\nx: y\n[default]\nregion = r\n",
        "",
        "[default] contains no credentials");
}

static void an_empty_setting_is_named(void **state)
{
    (void)state;
    check(
        "both empty, as in a template",
        "",
        "[default]\naws_access_key_id =\naws_secret_access_key =\n",
        "[default] contains no credentials: " RIA_FAKE_AWS_CREDENTIALS
        ":2: aws_access_key_id is empty");
    check(
        "the secret",
        "",
        "[default]\naws_access_key_id = A\naws_secret_access_key = \n",
        "credentials:3: aws_secret_access_key of the profile \"default\" is empty; write it");
    check(
        "the id, in the other file",
        "[default]\naws_access_key_id =\n",
        "[default]\naws_secret_access_key = s\n",
        "config:2: aws_access_key_id of the profile \"default\" is empty");
}

static void an_arn_that_sts_would_reject_is_rejected_before_the_request(void **state)
{
    (void)state;
    static const struct {
        const char *arn;
        const char *want;
    } rows[] = {
        {"\"arn:aws:iam::1:role/r\"", "is in quotes, which become part of it; remove them"},
        {"'arn:aws:iam::1:role/r'", "is in quotes"},
        {"arn:aws:iam::1:\n  role/r", "continues on the next line; write it on one line"},
        {"arn:aws:iam::{ACCOUNT}:role/r", "contains a placeholder; replace it with the real value"},
        {"arn:aws:iam::<account>:role/r", "contains a placeholder"},
        {"arn:aws:iam::${ACCOUNT}:role/r", "contains a placeholder"},
        {"arn:aws:iam::1:role/ r", "contains a blank; remove it"},
    };
    for_each_row(row, rows, row->arn) {
        char config[256];
        (void)snprintf(config, sizeof(config), "[default]\n" ROLE "%s\n", row->arn);
        check(row->arn, config, "", row->want);
        (void)snprintf(
            config,
            sizeof(config),
            "[default]\nregion = r-1\nweb_identity_token_file = /t\nrole_arn = %s\n",
            row->arn);
        check(row->arn, config, "", row->want);
    }
}

/* Mistakes in a name, such as an ARN or an external id, and the message about each. */
static const struct {
    const char *before;
    const char *name; /* between `before` and `after` */
    const char *after;
    const char *want;
} spoilt[] = {
    {"\"", "NAME", "\"", "is in quotes, which become part of it; remove them"},
    {"'", "NAME", "'", "is in quotes"},
    {"", "NAME", "\n  x", "continues on the next line; write it on one line"},
    {"", "NAME", " x", "contains a blank; remove it"},
    {"", "{NAME}", "", "contains a placeholder; replace it with the real value"},
    {"", "<NAME>", "", "contains a placeholder"},
    {"", "$NAME", "", "contains a placeholder"},
    {"\xe2\x80\x9c", "NAME", "\xe2\x80\x9d", "contains a character that is not plain ASCII"},
};

#define MFA "[default]\n" ROLE "arn\n"
#define SSO                                                                                        \
    "[default]\nregion = r-1\nsso_region = eu-west-1\nsso_account_id = 123456789012\n"             \
    "sso_role_name = R\nsso_start_url = https://x\n"

static void other_aws_names_are_checked_before_the_request(void **state)
{
    (void)state;
    static const struct {
        const char *setting;
        const char *key;
        const char *shown; /* the beginning of the message */
    } rows[] = {
        {MFA, "mfa_serial", "config:5: mfa_serial, "},
        {MFA, "role_session_name", "config:5: the session name of the role, "},
        {MFA, "external_id", "config:5: the external id "},
        {"[default]\nregion = r-1\n", "login_session", "config:3: login_session, "},
        {SSO, "sso_account_id", "config:7: sso_account_id, "},
        {SSO, "sso_role_name", "config:7: sso_role_name, "},
        {SSO, "sso_start_url", "config:7: sso_start_url "},
    };
    for_each_row(row, rows, row->setting) {
        for_each_row(spoil, spoilt, spoil->before) {
            char config[512];
            (void)snprintf(
                config,
                sizeof(config),
                "%s%s = %s%s%s\n",
                row->setting,
                row->key,
                spoil->before,
                spoil->name,
                spoil->after);
            check(row->key, config, "", row->shown);
            check(row->key, config, "", spoil->want);
        }
    }
}

static void a_name_in_the_environment_is_checked_before_the_request(void **state)
{
    (void)state;
    static const struct {
        const char *arn;
        const char *session;
        const char *want;
    } rows[] = {
        {"\"arn:aws:iam::1:role/r\"", "s", "AWS_ROLE_ARN: the ARN of the role, "},
        {"arn:aws:iam::${ACCOUNT}:role/r", "s", "AWS_ROLE_ARN: the ARN of the role, "},
        {"arn:aws:iam::1:role/r\r", "s", "contains a blank; remove it"},
        {"arn:aws:iam::1:role/r",
         "'s'",
         "AWS_ROLE_SESSION_NAME: the session name of the role, 's', "},
        {"arn:aws:iam::1:role/r", "{pod}", "contains a placeholder"},
    };
    for_each_row(row, rows, row->arn) {
        const char *const environment[] = {
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "/t",
            "AWS_REGION",
            "eu-west-1",
            "AWS_ROLE_ARN",
            row->arn,
            "AWS_ROLE_SESSION_NAME",
            row->session,
            NULL};
        check_in(row->arn, environment, "", "", row->want);
    }
}

static void a_name_in_our_own_file_is_checked_when_it_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        const char *shown;
    } rows[] = {
        {"role_arn", "config:2: the ARN of the role, "},
        {"external_id", "config:3: the external id "},
        {"role_session_name", "config:3: the session name of the role, "},
        {"source_identity", "config:3: the source identity, "},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        /* Control: the last iteration leaves the name correct. */
        for (size_t j = 0; j <= RIA_COUNT(spoilt); j++) {
            struct ria_fake fake;
            struct ria_config config = {0};
            struct ria_error err = {0};
            bool is_spoilt = j < RIA_COUNT(spoilt);
            char text[512];
            (void)snprintf(
                text,
                sizeof(text),
                "[a.example]\n%s%s = %s%s%s\n",
                i == 0 ? "" : "role_arn = arn\n",
                rows[i].key,
                is_spoilt ? spoilt[j].before : "",
                is_spoilt ? spoilt[j].name : "NAME",
                is_spoilt ? spoilt[j].after : "");
            ria_fake_init(&fake);
            ria_fake_file(&fake, RIA_FAKE_CONFIG, text);
            expect_number(text, ria_config_load(&fake.world, &config, &err), !is_spoilt);
            if (is_spoilt) {
                expect_piece(text, err.text, rows[i].shown);
                expect_piece(text, err.text, spoilt[j].want);
            }
            ria_config_release(&config);
        }
    }
}

static void an_account_is_a_number(void **state)
{
    (void)state;
    static const char *const accounts[] = {"ACCOUNT_ID", "1234-5678-9012", "", "12345678901x"};
    for_each_row(row, accounts, *row) {
        char config[512];
        const char *account = *row;
        (void)snprintf(
            config, sizeof(config), "[default]\n" ROLE "arn:aws:iam::%s:role/r\n", account);
        check(account, config, "", "has no account number; write the account's 12 digits");
        (void)snprintf(
            config, sizeof(config), MFA "mfa_serial = arn:aws:iam::%s:mfa/me\n", account);
        check(account, config, "", "config:5: mfa_serial, ");
        (void)snprintf(
            config,
            sizeof(config),
            "[default]\nregion = eu-west-1\nlogin_session = arn:aws:sts::%s:assumed-role/r/me\n",
            account);
        check(account, config, "", "config:3: login_session, ");
        if (*account != '\0') {
            (void)snprintf(config, sizeof(config), SSO "sso_account_id = %s\n", account);
            check(account, config, "", "is not a number; write the account's 12 digits");
        }
    }
}

/* Returns true if the name is accepted: the next step is then an MFA code, or a request to
 * rds-iam-fetch.
 */
static bool is_accepted(const char *config, struct ria_error *err)
{
    struct ria_fake fake;
    struct ria_trail trail;
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    *err = (struct ria_error){0};
    ria_memory_cache_clear();
    ria_fake_init(&fake);
    ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, config);
    ria_fake_env(&fake, "AWS_ACCESS_KEY_ID", "AKIA");
    ria_fake_env(&fake, "AWS_SECRET_ACCESS_KEY", "s");
    struct ria_query ask = {
        .world = &fake.world,
        .profile = {"default", "--profile", 0},
        .deadline = ria_deadline_in(&fake.world, RIA_LOGIN_BUDGET_MS)};
    (void)!ria_chain_find(&ask, &response, &trail, err);
    return fake.fetches > 0 || err->code == RIA_E_MFA;
}

static void names_as_aws_writes_them_are_accepted(void **state)
{
    (void)state;
    static const char *const configs[] = {
        MFA "mfa_serial = GAHT12345678\n",
        MFA "mfa_serial = arn:aws:iam::123456789012:mfa/ada@example.com\n",
        MFA "mfa_serial = arn:aws-us-gov:iam::123456789012:u2f/user/ada/key-ABC+d,e=f_g\n",
        MFA "external_id = https://example.com:8443/a@b?c=d,e+f-_.g\n",
        MFA "role_session_name = ada+etl@example.com\n",
        "[default]\n" ROLE "arn:aws-cn:iam::123456789012:role/a/b/Name_+=,.@-x\n",
        "[default]\nregion = eu-west-1\nlogin_session = arn:aws:iam::123456789012:root\n",
        "[default]\nregion = eu-west-1\nlogin_session = "
        "arn:aws:sts::012345678901:assumed-role/Admin/ada@example.com\n",
        SSO,
        SSO "sso_account_id = 000000000001\nsso_role_name = AWSAdministratorAccess\n"
            "sso_start_url = https://d-1234567890.awsapps.com/start/#/\n",
    };
    struct ria_error err;
    for_each_row(config, configs, *config) {
        bool is = is_accepted(*config, &err);
        expect_text(*config, is ? "" : err.text, "");
    }
    assert_false(is_accepted(MFA "mfa_serial = 'GAHT12345678'\n", &err)); /* the control */
}

static void a_session_token_in_the_other_file_is_named(void **state)
{
    (void)state;
    static const char keys[] = "[default]\naws_access_key_id = ASIAX\naws_secret_access_key = s\n";
    static const char token[] = "[default]\naws_session_token = t\n";
    check(
        "in the config file",
        token,
        keys,
        "credentials:2: the temporary keys of the profile \"default\" (ASIA...) have their session "
        "token in another file, " RIA_FAKE_AWS_CONFIG ":2; put all three into one file");
    check("in the credentials file", keys, token, RIA_FAKE_AWS_CREDENTIALS ":2; put all three");
    check(
        "under its old name",
        keys,
        "[default]\naws_security_token = t\n",
        RIA_FAKE_AWS_CREDENTIALS ":2; put all three");
}

static void a_missing_session_token_is_reported(void **state)
{
    (void)state;
#define KEYS "[default]\naws_access_key_id = ASIAX\naws_secret_access_key = s\n"
    check(
        "nowhere",
        "",
        KEYS,
        "credentials:2: the keys of profile default are temporary (ASIA...), and AWS accepts these "
        "only with their session token; add aws_session_token");
    check(
        "empty, as in a template",
        "",
        KEYS "aws_session_token =\n",
        "credentials:4: aws_session_token of the profile \"default\" is empty, and AWS accepts "
        "temporary keys (ASIA...) only with a session token; add the token");
    check(
        "in a line that was ignored",
        KEYS "aws_session_token: t\n",
        "",
        "config:4: the profile \"default\" has temporary keys (ASIA...) and no aws_session_token, "
        "and this line was ignored: a colon instead of the =");
    check("in quotes", "", KEYS "aws_session_token = \"t\"\n", "are in quotes");
    check("of another profile", "", KEYS "[b]\naws_session_token = t\n", "are temporary (ASIA...)");
#undef KEYS
    const char *const environment[] = {
        "AWS_ACCESS_KEY_ID", "ASIAX", "AWS_SECRET_ACCESS_KEY", "s", "AWS_SESSION_TOKEN", " ", NULL};
    check_in(
        "blank in the environment",
        environment,
        "",
        "[default]\naws_session_token = t\n",
        "AWS_ACCESS_KEY_ID: the keys of the environment are temporary (ASIA...), and AWS accepts "
        "these only with their session token; add AWS_SESSION_TOKEN");
}

static void a_setting_of_a_source_is_checked_before_the_request(void **state)
{
    (void)state;
    char keys[1024];
    (void)snprintf(
        keys,
        sizeof(keys),
        "[default]\naws_access_key_id = AKIA\naws_secret_access_key = %0*d\n",
        RIA_SECRET_ACCESS_KEY_MAX + 1,
        0);
    check(
        "a secret key that is too long",
        "",
        keys,
        "the keys of the profile \"default\" are too long to be AWS keys");
    check(
        "the duration of a web identity's role",
        "[default]\nregion = r-1\nweb_identity_token_file = /t\nrole_arn = arn\n"
        "duration_seconds = x\n",
        "",
        "config:5: duration_seconds");
    static const struct {
        const char *name;
        const char *environment[7];
        const char *want;
    } rows[] = {
        {"the instance",
         {"AWS_EC2_METADATA_DISABLED", "maybe", NULL},
         "AWS_EC2_METADATA_DISABLED: \"maybe\" is neither true nor false; write one of them"},
        {"the network settings of a web identity",
         {"AWS_WEB_IDENTITY_TOKEN_FILE", "/t", "AWS_USE_FIPS_ENDPOINT", "maybe", NULL},
         "AWS_USE_FIPS_ENDPOINT: \"maybe\" is neither true nor false; write one of them"},
    };
    for_each_row(row, rows, row->name) {
        check_in(row->name, row->environment, "", "", row->want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ignored_line_is_named),
        cmocka_unit_test(an_empty_setting_is_named),
        cmocka_unit_test(an_arn_that_sts_would_reject_is_rejected_before_the_request),
        cmocka_unit_test(other_aws_names_are_checked_before_the_request),
        cmocka_unit_test(a_name_in_the_environment_is_checked_before_the_request),
        cmocka_unit_test(a_name_in_our_own_file_is_checked_when_it_is_read),
        cmocka_unit_test(an_account_is_a_number),
        cmocka_unit_test(names_as_aws_writes_them_are_accepted),
        cmocka_unit_test(a_session_token_in_the_other_file_is_named),
        cmocka_unit_test(a_missing_session_token_is_reported),
        cmocka_unit_test(a_setting_of_a_source_is_checked_before_the_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
