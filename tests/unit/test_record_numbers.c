/* SPDX-License-Identifier: MIT
 *
 * The numbers that records contain. A plugin stays loaded while rds-iam-fetch is replaced by
 * another release, and the cache files of one release remain when another release is installed. If
 * the meaning of a number changes and VERSION (codec/record.c) does not, one release misreads the
 * records of the other. */
#include "codec/record.h"
#include "provider/request.h"
#include "unit.h"

/* The enums of VERSION 1, in order. A new value is appended, and gets a line here. */
static const enum ria_source sources[] = {
    RIA_SOURCE_KEYS,
    RIA_SOURCE_WEB_IDENTITY,
    RIA_SOURCE_PROCESS,
    RIA_SOURCE_CONTAINER,
    RIA_SOURCE_INSTANCE,
    RIA_SOURCE_SSO,
    RIA_SOURCE_LOGIN,
};

static const enum ria_plan_value plan_values[] = {
    RIA_PLAN_PROFILE,
    RIA_PLAN_KEYS,
    RIA_PLAN_WEB_IDENTITY_TOKEN_FILE,
    RIA_PLAN_PROCESS,
    RIA_PLAN_SOURCE_PROFILE,
    RIA_PLAN_CONTAINER_URI,
    RIA_PLAN_CONTAINER_TOKEN,
    RIA_PLAN_CONTAINER_TOKEN_FILE,
    RIA_PLAN_METADATA_ENDPOINT,
    RIA_PLAN_SSO_SESSION,
    RIA_PLAN_SSO_START_URL,
    RIA_PLAN_SSO_REGION,
    RIA_PLAN_SSO_ACCOUNT_ID,
    RIA_PLAN_SSO_ROLE_NAME,
    RIA_PLAN_LOGIN_SESSION,
    RIA_PLAN_LOGIN_REGION,
    RIA_PLAN_LOGIN_DIRECTORY,
    RIA_PLAN_STS_URL,
    RIA_PLAN_SSO_URL,
    RIA_PLAN_SSO_OIDC_URL,
    RIA_PLAN_SIGNIN_URL,
    RIA_PLAN_RDS_URL,
    RIA_PLAN_IAM_URL,
    RIA_PLAN_FIPS,
    RIA_PLAN_DUAL_STACK,
    RIA_PLAN_STS_LEGACY,
    RIA_PLAN_CA_BUNDLE,
    RIA_PLAN_CLI_CACHE,
    RIA_PLAN_PROCESS_CACHE,
    RIA_PLAN_IDENTITY_REGION,
    RIA_PLAN_QUESTION,
    RIA_PLAN_QUESTION_REGION,
    RIA_PLAN_QUESTION_NAME,
    RIA_PLAN_QUESTION_RESOURCE,
};

static const enum ria_role_value role_values[] = {
    RIA_ROLE_ARN,
    RIA_ROLE_EXTERNAL_ID,
    RIA_ROLE_SESSION_NAME,
    RIA_ROLE_DURATION,
    RIA_ROLE_MFA_SERIAL,
    RIA_ROLE_SOURCE_IDENTITY,
    RIA_ROLE_TAGS,
    RIA_ROLE_TRANSITIVE_TAG_KEYS,
    RIA_ROLE_REGION,
};

static const char advice[] = "append new values, or raise VERSION in codec/record.c";

#define expect_numbers(array, end)                                                                 \
    do {                                                                                           \
        for (size_t i = 0; i < sizeof(array) / sizeof((array)[0]); i++) {                          \
            expect_number(advice, (array)[i], i);                                                  \
        }                                                                                          \
        expect_number(advice, sizeof(array) / sizeof((array)[0]), end);                            \
    } while (false)

static void the_numbers_of_the_enums_do_not_change(void **state)
{
    (void)state;
    expect_numbers(sources, RIA_SOURCES);
    expect_numbers(plan_values, RIA_PLAN_VALUES);
    expect_numbers(role_values, RIA_ROLE_VALUES);
}

/* The record of the small request below. A field has a tag, a length, the contents and a zero byte.
 */
static const char request_v1[] =
    "52494152010100000000009b"       /* header: RIAR, VERSION, kind, length */
    "040000000008000000000000000500" /* time limit */
    "0401000000014400"               /* cache directory */
    "0402000000014e00"               /* cache name */
    "000100000008000000000000000000" /* source */
    "0002000000014c00"               /* label */
    "0003000000014100"               /* access key id */
    "0004000000015300"               /* secret access key */
    "0005000000015400"               /* session token */
    "000600000008000000000000000100" /* expiry */
    "0007000000014d00"               /* MFA code */
    "010100000005560050003200"       /* the keys' setting */
    "000800000008000000000000000000" /* a role begins */
    "000900000008000000000000038400" /* its duration */
    "020000000005520051003300";      /* its ARN */

static void the_tags_of_a_request_do_not_change(void **state)
{
    (void)state;
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    RIA_AUTO(buf) bytes = {.max = RIA_RECORD_MAX};
    RIA_AUTO(buf) shown = {.max = RIA_RECORD_MAX};
    struct ria_error err;
    (void)snprintf(plan.label, sizeof(plan.label), "L");
    ria_buf_add_text(&plan.keys.access_key_id, "A");
    ria_buf_add_text(&plan.keys.secret_access_key, "S");
    ria_buf_add_text(&plan.keys.session_token, "T");
    plan.keys.expires = 1;
    (void)snprintf(plan.mfa_code, sizeof(plan.mfa_code), "M");
    plan.value[RIA_PLAN_KEYS] = (struct ria_setting){"V", "P", 2};
    plan.roles[0].value[RIA_ROLE_ARN] = (struct ria_setting){"R", "Q", 3};
    plan.roles[0].duration = 900;
    plan.role_count = 1;
    assert_true(ria_request_write(&plan, 5, "D", "N", &bytes, &err));
    for (size_t i = 0; i < bytes.len; i++) {
        ria_buf_addf(&shown, "%02x", (unsigned char)bytes.data[i]);
    }
    expect_text(advice, ria_buf_text(&shown), request_v1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_numbers_of_the_enums_do_not_change),
        cmocka_unit_test(the_tags_of_a_request_do_not_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
