/* SPDX-License-Identifier: MIT
 *
 * Profiles that use a session of the AWS CLI (AWS SSO and aws login): the required settings, and
 * the request to rds-iam-fetch. */
#include "provider/chain.h"

#include "fake_world.h"
#include "unit.h"

static enum ria_outcome plan_for(
    struct ria_fake *fake, const char *config, struct ria_plan *plan, struct ria_error *err)
{
    struct ria_trail trail;
    ria_fake_init(fake);
    ria_fake_file(fake, RIA_FAKE_AWS_CONFIG, config);
    struct ria_query ask = {.world = &fake->world, .deadline = ria_deadline_in(&fake->world, 1000)};
    return ria_chain_plan(&ask, plan, &trail, err);
}

static void missing_and_contradictory_settings_are_rejected(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *config;
        const char *refusal;
    } rows[] = {
        {"SSO without a region",
         "[default]\nsso_account_id = 1\nsso_role_name = R\nsso_start_url = https://x\n",
         "config:2: the profile \"default\" uses AWS SSO and has no sso_region; add it, or run: "
         "aws configure sso"},
        {"SSO without a start URL",
         "[default]\nsso_role_name = R\nsso_account_id = 1\nsso_region = eu-west-1\n",
         "config:3: the profile \"default\" uses AWS SSO and has no sso_start_url"},
        {"SSO without an account",
         "[default]\nsso_start_url = https://x\nsso_region = eu-west-1\nsso_role_name = R\n",
         "config:2: the profile \"default\" uses AWS SSO and has no sso_account_id"},
        {"SSO without a role",
         "[default]\nsso_start_url = https://x\nsso_region = eu-west-1\nsso_account_id = 1\n",
         "config:2: the profile \"default\" uses AWS SSO and has no sso_role_name"},
        {"an invalid SSO region",
         "[default]\nsso_start_url = https://x\nsso_region = here\nsso_account_id = 1\n"
         "sso_role_name = R\n",
         "config:3: \"here\" is not a region; write one like eu-west-1"},
        {"SSO takes precedence over static keys",
         "[default]\naws_access_key_id = A\naws_secret_access_key = s\nsso_session = x\n"
         "sso_account_id = 1\n",
         "config:4: sso_session names \"x\", which does not exist; add [sso-session x] or run: aws "
         "configure sso-session"},
        {"an SSO session without a region",
         "[default]\nsso_session = x\nsso_role_name = R\n[sso-session x]\n"
         "sso_start_url = https://x\nsso_region =\n",
         "config:2: [sso-session x] has no sso_region; add it"},
        {"a different start URL next to a session",
         "[default]\nsso_session = x\nsso_start_url = https://y\nsso_account_id = 1\n"
         "[sso-session x]\n"
         "sso_start_url = https://x\nsso_region = eu-west-1\n",
         "config:3: sso_start_url differs from the value in [sso-session x]; remove this line"},
        {"an SSO portal endpoint together with FIPS",
         "[default]\nsso_session = x\nsso_account_id = 1\nsso_role_name = R\n"
         "use_fips_endpoint = true\nservices = s\n[services s]\nsso =\n"
         "  endpoint_url = https://p\n[sso-session x]\nsso_start_url = https://x\n"
         "sso_region = eu-west-1\n",
         "config:5: FIPS endpoints are required, but /home/u/.aws/config:9 names another endpoint "
         "for SSO"},
        {"aws login without a region",
         "[default]\nlogin_session = arn\n",
         "no region for sign-in is set; set AWS_REGION, or region in the profile"},
        {"a sign-in endpoint together with dual-stack",
         "[default]\nlogin_session = arn\nregion = eu-west-1\nendpoint_url = https://x\n"
         "use_dualstack_endpoint = true\n",
         "config:5: dual-stack endpoints are required, but /home/u/.aws/config:4 names another "
         "endpoint for SIGNIN"},
    };
    for_each_row(row, rows, row->name) {
        RIA_AUTO(plan) plan = RIA_PLAN_INIT;
        struct ria_fake fake;
        struct ria_error err = {0};
        expect_number(row->name, plan_for(&fake, row->config, &plan, &err), RIA_FAILED);
        expect_piece(row->name, err.text, row->refusal);
    }
}

static void an_sso_session_and_the_older_form_give_equivalent_plans(void **state)
{
    (void)state;
    static const char *const configs[] = {
        "[default]\nsso_session = dev\nsso_account_id = 1\nsso_role_name = R\n"
        "sso_region = eu-west-1\naws_access_key_id = A\n"
        "[sso-session dev]\nsso_start_url = https://x\nsso_region = eu-west-1\n",
        "[default]\nsso_start_url = https://x\nsso_region = eu-west-1\nsso_account_id = 1\n"
        "sso_role_name = R\n"};
    for (size_t i = 0; i < RIA_COUNT(configs); i++) {
        RIA_AUTO(plan) plan = RIA_PLAN_INIT;
        struct ria_fake fake;
        struct ria_error err = {0};
        assert_int_equal(plan_for(&fake, configs[i], &plan, &err), RIA_FOUND);
        assert_int_equal(plan.source, RIA_SOURCE_SSO);
        assert_string_equal(plan.label, "the SSO session of profile default");
        assert_int_equal(ria_plan_source_setting(&plan)->line, 2);
        assert_string_equal(ria_plan_source_setting(&plan)->value, i == 0 ? "dev" : "https://x");
        assert_string_equal(plan.value[RIA_PLAN_SSO_START_URL].value, "https://x");
        assert_string_equal(plan.value[RIA_PLAN_SSO_REGION].value, "eu-west-1");
        assert_string_equal(plan.value[RIA_PLAN_SSO_ACCOUNT_ID].value, "1");
        assert_string_equal(plan.value[RIA_PLAN_SSO_ROLE_NAME].value, "R");
        assert_string_equal(plan.value[RIA_PLAN_SOURCE_PROFILE].value, "default");
    }
}

static void a_login_session_takes_precedence_over_keys_of_the_config_file(void **state)
{
    (void)state;
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    struct ria_fake fake;
    struct ria_error err = {0};
    assert_int_equal(
        plan_for(
            &fake,
            "[default]\naws_access_key_id = A\naws_secret_access_key = s\nregion = eu-west-1\n"
            "login_session = arn:aws:sts::1:assumed-role/Admin/a\n",
            &plan,
            &err),
        RIA_FOUND);
    assert_int_equal(plan.source, RIA_SOURCE_LOGIN);
    assert_string_equal(plan.label, "the aws login of profile default");
    assert_int_equal(ria_plan_source_setting(&plan)->line, 5);
    assert_string_equal(plan.value[RIA_PLAN_LOGIN_REGION].value, "eu-west-1");
    assert_string_equal(plan.value[RIA_PLAN_LOGIN_DIRECTORY].value, "~/.aws/login/cache");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_and_contradictory_settings_are_rejected),
        cmocka_unit_test(an_sso_session_and_the_older_form_give_equivalent_plans),
        cmocka_unit_test(a_login_session_takes_precedence_over_keys_of_the_config_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
