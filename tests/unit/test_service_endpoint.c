/* SPDX-License-Identifier: MIT
 *
 * Where STS, SSO and sign-in are asked, and for which region a request to them is signed: the
 * endpoint rules of botocore, and the settings that choose among them. */
#include "provider/chain.h"

#include "fake_world.h"
#include "unit.h"

enum {
    FIPS = 1,
    DUAL = 2,
    LEGACY = 4,
};

#define STS RIA_SERVICE_STS
#define SSO RIA_SERVICE_SSO
#define OIDC RIA_SERVICE_SSO_OIDC
#define SIGNIN RIA_SERVICE_SIGNIN

static void each_region_and_variant_has_its_endpoint(void **state)
{
    (void)state;
    static const struct {
        enum ria_service service;
        const char *region;
        unsigned variant;
        const char *host;
        const char *signed_for; /* NULL: the region itself */
    } rows[] = {
        {STS, "eu-west-1", 0, "sts.eu-west-1.amazonaws.com", NULL},
        {STS, "us-east-1", 0, "sts.us-east-1.amazonaws.com", NULL},
        {STS, "cn-north-1", 0, "sts.cn-north-1.amazonaws.com.cn", NULL},
        {STS, "us-gov-west-1", 0, "sts.us-gov-west-1.amazonaws.com", NULL},
        {STS, "us-iso-east-1", 0, "sts.us-iso-east-1.c2s.ic.gov", NULL},
        {STS, "us-isob-east-1", 0, "sts.us-isob-east-1.sc2s.sgov.gov", NULL},
        {STS, "eu-isoe-west-1", 0, "sts.eu-isoe-west-1.cloud.adc-e.uk", NULL},
        {STS, "us-isof-south-1", 0, "sts.us-isof-south-1.csp.hci.ic.gov", NULL},
        {STS, "eusc-de-east-1", 0, "sts.eusc-de-east-1.amazonaws.eu", NULL},
        {STS, "mx-central-1", 0, "sts.mx-central-1.amazonaws.com", NULL},
        {STS, "xx-new-1", 0, "sts.xx-new-1.amazonaws.com", NULL},

        {STS, "aws-global", 0, "sts.amazonaws.com", "us-east-1"},
        {STS, "aws-global", LEGACY, "sts.amazonaws.com", "us-east-1"},
        {STS, "ap-northeast-1", LEGACY, "sts.amazonaws.com", "us-east-1"},
        {STS, "ap-south-1", LEGACY, "sts.amazonaws.com", "us-east-1"},
        {STS, "ap-southeast-1", LEGACY, "sts.amazonaws.com", "us-east-1"},
        {STS, "ap-southeast-2", LEGACY, "sts.amazonaws.com", "us-east-1"},
        {STS, "ca-central-1", LEGACY, "sts.amazonaws.com", "us-east-1"},
        {STS, "eu-central-1", LEGACY, "sts.amazonaws.com", "us-east-1"},
        {STS, "eu-north-1", LEGACY, "sts.amazonaws.com", "us-east-1"},
        {STS, "eu-west-1", LEGACY, "sts.amazonaws.com", "us-east-1"},
        {STS, "eu-west-2", LEGACY, "sts.amazonaws.com", "us-east-1"},
        {STS, "eu-west-3", LEGACY, "sts.amazonaws.com", "us-east-1"},
        {STS, "sa-east-1", LEGACY, "sts.amazonaws.com", "us-east-1"},
        {STS, "us-east-1", LEGACY, "sts.amazonaws.com", "us-east-1"},
        {STS, "us-east-2", LEGACY, "sts.amazonaws.com", "us-east-1"},
        {STS, "us-west-1", LEGACY, "sts.amazonaws.com", "us-east-1"},
        {STS, "us-west-2", LEGACY, "sts.amazonaws.com", "us-east-1"},
        {STS, "eu-south-1", LEGACY, "sts.eu-south-1.amazonaws.com", NULL},
        {STS, "ap-northeast-2", LEGACY, "sts.ap-northeast-2.amazonaws.com", NULL},
        {STS, "cn-north-1", LEGACY, "sts.cn-north-1.amazonaws.com.cn", NULL},
        {STS, "us-gov-west-1", LEGACY, "sts.us-gov-west-1.amazonaws.com", NULL},
        {STS, "eu-west-1", LEGACY | FIPS, "sts-fips.eu-west-1.amazonaws.com", NULL},
        {STS, "eu-west-1", LEGACY | DUAL, "sts.eu-west-1.api.aws", NULL},

        {STS, "us-east-1", FIPS, "sts-fips.us-east-1.amazonaws.com", NULL},
        {STS, "us-gov-west-1", FIPS, "sts.us-gov-west-1.amazonaws.com", NULL},
        {STS, "cn-north-1", FIPS, "sts-fips.cn-north-1.amazonaws.com.cn", NULL},
        {STS, "us-east-1", DUAL, "sts.us-east-1.api.aws", NULL},
        {STS, "us-gov-west-1", DUAL, "sts.us-gov-west-1.api.aws", NULL},
        {STS, "cn-north-1", DUAL, "sts.cn-north-1.api.amazonwebservices.com.cn", NULL},
        {STS, "eusc-de-east-1", DUAL, "sts.eusc-de-east-1.api.amazonwebservices.eu", NULL},
        {STS, "us-iso-east-1", DUAL, "sts.us-iso-east-1.api.aws.ic.gov", NULL},
        {STS, "us-isob-east-1", DUAL, "sts.us-isob-east-1.api.aws.scloud", NULL},
        {STS, "eu-isoe-west-1", DUAL, "sts.eu-isoe-west-1.api.cloud-aws.adc-e.uk", NULL},
        {STS, "us-isof-south-1", DUAL, "sts.us-isof-south-1.api.aws.hci.ic.gov", NULL},
        {STS, "us-east-1", FIPS | DUAL, "sts-fips.us-east-1.api.aws", NULL},
        {STS, "us-gov-west-1", FIPS | DUAL, "sts-fips.us-gov-west-1.api.aws", NULL},

        {SSO, "eu-west-1", 0, "portal.sso.eu-west-1.amazonaws.com", NULL},
        {SSO, "eu-west-1", LEGACY, "portal.sso.eu-west-1.amazonaws.com", NULL},
        {SSO, "cn-north-1", 0, "portal.sso.cn-north-1.amazonaws.com.cn", NULL},
        {SSO, "eusc-de-east-1", 0, "portal.sso.eusc-de-east-1.amazonaws.eu", NULL},
        {SSO, "us-east-1", FIPS, "portal.sso-fips.us-east-1.amazonaws.com", NULL},
        {SSO, "us-gov-west-1", FIPS, "portal.sso.us-gov-west-1.amazonaws.com", NULL},
        {SSO, "us-east-1", DUAL, "portal.sso.us-east-1.api.aws", NULL},
        {SSO, "us-east-1", FIPS | DUAL, "portal.sso-fips.us-east-1.api.aws", NULL},

        {OIDC, "eu-west-1", 0, "oidc.eu-west-1.amazonaws.com", NULL},
        {OIDC, "cn-north-1", 0, "oidc.cn-north-1.amazonaws.com.cn", NULL},
        {OIDC, "us-east-1", FIPS, "oidc-fips.us-east-1.amazonaws.com", NULL},
        {OIDC, "us-gov-west-1", FIPS, "oidc.us-gov-west-1.amazonaws.com", NULL},
        {OIDC, "us-east-1", DUAL, "oidc.us-east-1.api.aws", NULL},
        {OIDC, "us-east-1", FIPS | DUAL, "oidc-fips.us-east-1.api.aws", NULL},

        {SIGNIN, "eu-west-1", 0, "eu-west-1.signin.aws.amazon.com", NULL},
        {SIGNIN, "us-gov-west-1", 0, "us-gov-west-1.signin.amazonaws-us-gov.com", NULL},
        {SIGNIN, "cn-north-1", 0, "cn-north-1.signin.amazonaws.cn", NULL},
        {SIGNIN, "eusc-de-east-1", 0, "signin.eusc-de-east-1.amazonaws.eu", NULL},
        {SIGNIN, "us-iso-east-1", 0, "signin.us-iso-east-1.c2s.ic.gov", NULL},
        {SIGNIN, "us-isob-east-1", 0, "signin.us-isob-east-1.sc2s.sgov.gov", NULL},
        {SIGNIN, "eu-isoe-west-1", 0, "signin.eu-isoe-west-1.cloud.adc-e.uk", NULL},
        {SIGNIN, "us-isof-south-1", 0, "signin.us-isof-south-1.csp.hci.ic.gov", NULL},
        {SIGNIN, "us-east-1", FIPS, "signin-fips.us-east-1.amazonaws.com", NULL},
        {SIGNIN, "us-gov-west-1", FIPS, "signin-fips.us-gov-west-1.amazonaws.com", NULL},
        {SIGNIN, "us-east-1", DUAL, "signin.us-east-1.api.aws", NULL},
        {SIGNIN, "us-east-1", FIPS | DUAL, "signin-fips.us-east-1.api.aws", NULL},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        const struct ria_service_variant variant = {
            .is_fips = (rows[i].variant & FIPS) != 0,
            .is_dual_stack = (rows[i].variant & DUAL) != 0,
            .is_legacy = (rows[i].variant & LEGACY) != 0,
        };
        struct ria_service_endpoint endpoint;
        ria_service_endpoint(rows[i].service, rows[i].region, &variant, &endpoint);
        expect_text(rows[i].host, endpoint.host, rows[i].host);
        expect_text(
            rows[i].host,
            endpoint.region,
            rows[i].signed_for == NULL ? rows[i].region : rows[i].signed_for);
    }
}

/* -- the settings --------------------------------------------------------------------------- */

struct variable {
    const char *name;
    const char *value;
};

struct asked {
    struct ria_fake fake;
    struct ria_trail trail;
    struct ria_error err;
    struct ria_plan plan;
    enum ria_outcome outcome;
};

/* The plan of a role of [default], in eu-west-1. */
static void plan_role(struct asked *asked, const struct variable *variables, const char *more)
{
    static char config[1024];
    (void)snprintf(
        config,
        sizeof(config),
        "[profile b]\naws_access_key_id = A\naws_secret_access_key = s\n"
        "[default]\nrole_arn = r\nsource_profile = b\nregion = eu-west-1\n%s",
        more);
    asked->err = (struct ria_error){0};
    asked->plan = (struct ria_plan)RIA_PLAN_INIT;
    ria_fake_init(&asked->fake);
    ria_fake_file(&asked->fake, RIA_FAKE_AWS_CONFIG, config);
    for (; variables->name != NULL; variables++) {
        ria_fake_env(&asked->fake, variables->name, variables->value);
    }
    struct ria_ask ask = {
        .world = &asked->fake.world, .deadline = ria_deadline_in(&asked->fake.world, 1000)};
    asked->outcome = ria_chain_plan(&ask, &asked->plan, &asked->trail, &asked->err);
}

static void settings_choose_the_endpoint(void **state)
{
    (void)state;
    static const char own[] = "https://sts.eu-west-1.amazonaws.com/";
#define SECTION                                                                                    \
    "services = x\n[services x]\nsso =\n  endpoint_url = https://no\nsts =\n"                      \
    "  endpoint_url = https://section\n"
#define KEY "endpoint_url = https://key\n"
    static const struct {
        const char *sentence;
        struct variable variables[4];
        const char *more;
        const char *url;
        const char *from;       /* where it was said; NULL: the region's own */
        const char *signed_for; /* NULL: eu-west-1 */
    } rows[] = {
        {"nothing said", {{NULL, NULL}}, "", own, NULL, NULL},
        {"the profile's endpoint_url", {{NULL, NULL}}, KEY, "https://key", "config:8", NULL},
        {"a services section beats it", {{NULL, NULL}}, KEY SECTION, "https://section", NULL, NULL},
        {"one without the service does not",
         {{NULL, NULL}},
         KEY "services = x\n[services x]\nsso =\n  endpoint_url = https://no\n",
         "https://key",
         NULL,
         NULL},
        {"the variable for all beats both",
         {{"AWS_ENDPOINT_URL", "https://all"}},
         KEY SECTION,
         "https://all",
         "AWS_ENDPOINT_URL",
         NULL},
        {"the service's own variable beats all",
         {{"AWS_ENDPOINT_URL", "https://all"}, {"AWS_ENDPOINT_URL_STS", "https://sts"}},
         KEY SECTION,
         "https://sts",
         "AWS_ENDPOINT_URL_STS",
         NULL},
        {"another service's does not count",
         {{"AWS_ENDPOINT_URL_SSO", "https://sso"}},
         "",
         own,
         NULL,
         NULL},
        {"all are ignored by a variable",
         {{"AWS_ENDPOINT_URL", "https://all"},
          {"AWS_ENDPOINT_URL_STS", "https://sts"},
          {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True"}},
         KEY SECTION,
         own,
         NULL,
         NULL},
        {"all are ignored by a key",
         {{"AWS_ENDPOINT_URL", "https://all"}},
         "ignore_configured_endpoint_urls = true\n" KEY,
         own,
         NULL,
         NULL},
        {"the variable beats the key",
         {{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false"}},
         "ignore_configured_endpoint_urls = true\n" KEY,
         "https://key",
         NULL,
         NULL},
        {"a section that is ignored may be missing",
         {{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"}},
         "services = nope\n",
         own,
         NULL,
         NULL},
        {"FIPS by a variable",
         {{"AWS_USE_FIPS_ENDPOINT", "true"}},
         "",
         "https://sts-fips.eu-west-1.amazonaws.com/",
         "AWS_USE_FIPS_ENDPOINT",
         NULL},
        {"FIPS by a key",
         {{NULL, NULL}},
         "use_fips_endpoint = TRUE\n",
         "https://sts-fips.eu-west-1.amazonaws.com/",
         "config:8",
         NULL},
        {"the variable beats the key of FIPS",
         {{"AWS_USE_FIPS_ENDPOINT", "false"}},
         "use_fips_endpoint = true\n",
         own,
         NULL,
         NULL},
        {"dual-stack by a variable",
         {{"AWS_USE_DUALSTACK_ENDPOINT", "true"}},
         "",
         "https://sts.eu-west-1.api.aws/",
         "AWS_USE_DUALSTACK_ENDPOINT",
         NULL},
        {"dual-stack by a key",
         {{NULL, NULL}},
         "use_dualstack_endpoint = true\n",
         "https://sts.eu-west-1.api.aws/",
         "config:8",
         NULL},
        {"legacy by a variable",
         {{"AWS_STS_REGIONAL_ENDPOINTS", "legacy"}},
         "",
         "https://sts.amazonaws.com/",
         "AWS_STS_REGIONAL_ENDPOINTS",
         "us-east-1"},
        {"legacy by a key",
         {{NULL, NULL}},
         "sts_regional_endpoints = legacy\n",
         "https://sts.amazonaws.com/",
         "config:8",
         "us-east-1"},
        {"regional by a variable, legacy by a key",
         {{"AWS_STS_REGIONAL_ENDPOINTS", "regional"}},
         "sts_regional_endpoints = legacy\n",
         own,
         NULL,
         NULL},
        {"an endpoint that is named is signed for the region all the same",
         {{"AWS_STS_REGIONAL_ENDPOINTS", "legacy"}, {"AWS_ENDPOINT_URL_STS", "https://sts"}},
         "",
         "https://sts",
         "AWS_ENDPOINT_URL_STS",
         NULL},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        struct asked asked;
        struct ria_plan_endpoint endpoint;
        plan_role(&asked, rows[i].variables, rows[i].more);
        expect_number(rows[i].sentence, asked.outcome, RIA_FOUND);
        const struct ria_setting *region = &asked.plan.roles[0].value[RIA_ROLE_REGION];
        expect(rows[i].sentence, ria_plan_service(&asked.plan, RIA_SERVICE_STS, region, &endpoint));
        expect_text(rows[i].sentence, endpoint.url, rows[i].url);
        expect_text(
            rows[i].sentence,
            endpoint.region,
            rows[i].signed_for == NULL ? "eu-west-1" : rows[i].signed_for);
        if (rows[i].from != NULL) {
            RIA_AUTO(buf) place = {.max = 200};
            ria_setting_add_place(&place, endpoint.from);
            expect_piece(rows[i].sentence, ria_buf_text(&place), rows[i].from);
        }
        ria_plan_release(&asked.plan);
    }
}

static void each_service_has_its_variable_and_its_part_of_a_section(void **state)
{
    (void)state;
    static const struct variable variables[] = {
        {"AWS_ENDPOINT_URL_STS", "https://v.sts"},
        {"AWS_ENDPOINT_URL_SSO", "https://v.sso"},
        {"AWS_ENDPOINT_URL_SSO_OIDC", "https://v.sso_oidc"},
        {"AWS_ENDPOINT_URL_SIGNIN", "https://v.signin"},
        {NULL, NULL}};
    static const char section[] = "services = x\n[services x]\n"
                                  "sts =\n  endpoint_url = https://s.sts\n"
                                  "sso =\n  endpoint_url = https://s.sso\n"
                                  "sso_oidc =\n  endpoint_url = https://s.sso_oidc\n"
                                  "signin =\n  endpoint_url = https://s.signin\n";
    for (int round = 0; round < 2; round++) {
        struct asked asked;
        plan_role(&asked, round == 0 ? variables : &variables[4], round == 0 ? "" : section);
        expect_number("planned", asked.outcome, RIA_FOUND);
        for (unsigned i = 0; i < RIA_SERVICES; i++) {
            char want[64];
            (void)snprintf(
                want,
                sizeof(want),
                "https://%c.%s",
                round == 0 ? 'v' : 's',
                ria_service_key((enum ria_service)i));
            expect_text(want, asked.plan.value[RIA_PLAN_STS_URL + i].value, want);
        }
        ria_plan_release(&asked.plan);
    }
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct variable variables[3];
        const char *more;
        const char *refusal;
    } rows[] = {
        {{{NULL, NULL}},
         "services = nope\n",
         "config:8: services names \"nope\", which does not exist; add [services nope]"},
        {{{"AWS_USE_FIPS_ENDPOINT", "yes"}},
         "",
         "AWS_USE_FIPS_ENDPOINT: \"yes\" is neither true nor false; write one of them"},
        {{{NULL, NULL}},
         "use_dualstack_endpoint = 1\n",
         "config:8: \"1\" is neither true nor false"},
        {{{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "1"}}, "", "\"1\" is neither true nor false"},
        {{{"AWS_STS_REGIONAL_ENDPOINTS", "global"}},
         "",
         "AWS_STS_REGIONAL_ENDPOINTS: \"global\" is no kind of STS endpoint; write regional or "
         "legacy"},
        {{{"AWS_USE_FIPS_ENDPOINT", "true"}, {"AWS_ENDPOINT_URL_STS", "https://x"}},
         "",
         "AWS_USE_FIPS_ENDPOINT: FIPS endpoints are wanted, but AWS_ENDPOINT_URL_STS names another "
         "for STS; remove one of the two"},
        {{{NULL, NULL}},
         "use_dualstack_endpoint = true\nendpoint_url = https://x\n",
         "config:8: dual-stack endpoints are wanted, but /home/u/.aws/config:9 names another for "
         "STS"},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        struct asked asked;
        plan_role(&asked, rows[i].variables, rows[i].more);
        expect_number(rows[i].refusal, asked.outcome, RIA_FAILED);
        expect_piece(rows[i].refusal, asked.err.text, rows[i].refusal);
        ria_plan_release(&asked.plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_region_and_variant_has_its_endpoint),
        cmocka_unit_test(settings_choose_the_endpoint),
        cmocka_unit_test(each_service_has_its_variable_and_its_part_of_a_section),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
