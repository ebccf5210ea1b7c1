/* SPDX-License-Identifier: MIT
 *
 * The endpoints of the AWS services that rds-iam-fetch calls, and the region that a request to each
 * is signed for: the endpoint rules of botocore, and the settings that select an endpoint. */
#include "provider/chain.h"

#include "fake_world.h"
#include "unit.h"
#include "vectors.h"

enum {
    FIPS = 1,
    DUAL = 2,
    LEGACY = 4,
};

#define STS RIA_SERVICE_STS
#define SSO RIA_SERVICE_SSO
#define OIDC RIA_SERVICE_SSO_OIDC
#define SIGNIN RIA_SERVICE_SIGNIN

static void check_endpoint(
    enum ria_service service,
    const char *region,
    unsigned variants,
    const char *host,
    const char *signed_for)
{
    const struct ria_service_variant variant = {
        .is_fips = (variants & FIPS) != 0,
        .is_dual_stack = (variants & DUAL) != 0,
        .is_legacy = (variants & LEGACY) != 0,
    };
    struct ria_service_endpoint endpoint;
    ria_service_endpoint(service, region, &variant, &endpoint);
    expect_text(host, endpoint.host, host);
    expect_text(host, endpoint.region, signed_for);
}

static enum ria_service find_service(const char *name)
{
    for (unsigned i = 0; i < RIA_SERVICES; i++) {
        if (strcmp(ria_service_name((enum ria_service)i), name) == 0) {
            return (enum ria_service)i;
        }
    }
    fail_msg("%s: not a service", name);
    return RIA_SERVICES;
}

/* All rows of service_endpoints.json: 46 regions and one that botocore does not know, four
 * services. */
static void each_region_and_variant_has_botocores_endpoint(void **state)
{
    (void)state;
    static const unsigned variants[] = {0, DUAL, FIPS, FIPS | DUAL};
    json_t *root = ria_vectors_load("service_endpoints.json");
    json_t *rows = json_object_get(root, "rows");
    json_t *row;
    size_t i;
    assert_int_equal(json_array_size(rows), 4 * 47);
    json_array_foreach(rows, i, row)
    {
        enum ria_service service = find_service(ria_vector_need(row, "service"));
        const char *region = ria_vector_need(row, "region");
        json_t *hosts = json_object_get(row, "hosts");
        json_t *legacy = json_object_get(row, "legacy");
        assert_int_equal(json_array_size(hosts), RIA_COUNT(variants));
        for (size_t j = 0; j < RIA_COUNT(variants); j++) {
            const char *host = json_string_value(json_array_get(hosts, j));
            check_endpoint(service, region, variants[j], host, region);
        }
        if (legacy != NULL) {
            const char *host = json_string_value(json_array_get(legacy, 0));
            const char *signed_for = json_string_value(json_array_get(legacy, 1));
            check_endpoint(service, region, LEGACY, host, signed_for);
        }
    }
    json_decref(root);
}

/* All rows of query_endpoints.json: RDS and IAM. All regions of a partition share the endpoints of
 * IAM. A request to them is signed for one fixed region. */
static void rds_and_iam_have_botocores_endpoints(void **state)
{
    (void)state;
    static const unsigned variants[] = {0, DUAL, FIPS, FIPS | DUAL};
    json_t *root = ria_vectors_load("query_endpoints.json");
    json_t *rows = json_object_get(root, "rows");
    json_t *row;
    size_t i;
    assert_int_equal(json_array_size(rows), 2 * 47);
    json_array_foreach(rows, i, row)
    {
        enum ria_service service = find_service(ria_vector_need(row, "service"));
        json_t *hosts = json_object_get(row, "hosts");
        json_t *signed_for = json_object_get(row, "signed_for");
        assert_int_equal(json_array_size(hosts), RIA_COUNT(variants));
        for (size_t j = 0; j < RIA_COUNT(variants); j++) {
            check_endpoint(
                service,
                ria_vector_need(row, "region"),
                variants[j],
                json_string_value(json_array_get(hosts, j)),
                json_string_value(json_array_get(signed_for, j)));
        }
    }
    json_decref(root);
}

/* Cases that are not in the rule data: the pseudo-region aws-global, legacy endpoints together with
 * variants, and services without legacy endpoints. */
static void the_global_region_and_legacy_variants_have_their_endpoints(void **state)
{
    (void)state;
    static const struct {
        enum ria_service service;
        const char *region;
        unsigned variant;
        const char *host;
        const char *signed_for;
    } rows[] = {
        {STS, "aws-global", 0, "sts.amazonaws.com", "us-east-1"},
        {STS, "aws-global", LEGACY, "sts.amazonaws.com", "us-east-1"},
        {STS, "eu-west-1", LEGACY | FIPS, "sts-fips.eu-west-1.amazonaws.com", "eu-west-1"},
        {STS, "eu-west-1", LEGACY | DUAL, "sts.eu-west-1.api.aws", "eu-west-1"},
        {SSO, "eu-west-1", LEGACY, "portal.sso.eu-west-1.amazonaws.com", "eu-west-1"},
        {OIDC, "us-east-1", LEGACY, "oidc.us-east-1.amazonaws.com", "us-east-1"},
        {SIGNIN, "eu-west-1", LEGACY, "eu-west-1.signin.aws.amazon.com", "eu-west-1"},
    };
    for_each_row(row, rows, NULL) {
        check_endpoint(row->service, row->region, row->variant, row->host, row->signed_for);
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
    struct ria_query ask = {
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
        const char *name;
        struct variable variables[4];
        const char *more;
        const char *url;
        const char *from;       /* a part of the setting's place; NULL: not checked */
        const char *signed_for; /* NULL: eu-west-1 */
    } rows[] = {
        {"no setting", {{NULL, NULL}}, "", own, NULL, NULL},
        {"the profile's endpoint_url", {{NULL, NULL}}, KEY, "https://key", "config:8", NULL},
        {"a services section overrides the endpoint_url of the profile",
         {{NULL, NULL}},
         KEY SECTION,
         "https://section",
         NULL,
         NULL},
        {"a services section without the service overrides nothing",
         {{NULL, NULL}},
         KEY "services = x\n[services x]\nsso =\n  endpoint_url = https://no\n",
         "https://key",
         NULL,
         NULL},
        {"the variable for all services overrides the profile and the section",
         {{"AWS_ENDPOINT_URL", "https://all"}},
         KEY SECTION,
         "https://all",
         "AWS_ENDPOINT_URL",
         NULL},
        {"the service's own variable overrides all other settings",
         {{"AWS_ENDPOINT_URL", "https://all"}, {"AWS_ENDPOINT_URL_STS", "https://sts"}},
         KEY SECTION,
         "https://sts",
         "AWS_ENDPOINT_URL_STS",
         NULL},
        {"the variable of another service is ignored",
         {{"AWS_ENDPOINT_URL_SSO", "https://sso"}},
         "",
         own,
         NULL,
         NULL},
        {"a variable makes all endpoint settings ineffective",
         {{"AWS_ENDPOINT_URL", "https://all"},
          {"AWS_ENDPOINT_URL_STS", "https://sts"},
          {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True"}},
         KEY SECTION,
         own,
         NULL,
         NULL},
        {"a key makes all endpoint settings ineffective",
         {{"AWS_ENDPOINT_URL", "https://all"}},
         "ignore_configured_endpoint_urls = true\n" KEY,
         own,
         NULL,
         NULL},
        {"the variable overrides the key",
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
        {"the variable overrides the key of FIPS",
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
        {"a request to a configured endpoint is signed for the region",
         {{"AWS_STS_REGIONAL_ENDPOINTS", "legacy"}, {"AWS_ENDPOINT_URL_STS", "https://sts"}},
         "",
         "https://sts",
         "AWS_ENDPOINT_URL_STS",
         NULL},
    };
    for_each_row(row, rows, row->name) {
        struct asked asked;
        struct ria_plan_endpoint endpoint;
        plan_role(&asked, row->variables, row->more);
        expect_number(row->name, asked.outcome, RIA_FOUND);
        const struct ria_setting *region = &asked.plan.roles[0].value[RIA_ROLE_REGION];
        expect(row->name, ria_plan_service(&asked.plan, RIA_SERVICE_STS, region, &endpoint));
        expect_text(row->name, endpoint.url, row->url);
        expect_text(
            row->name, endpoint.region, row->signed_for == NULL ? "eu-west-1" : row->signed_for);
        if (row->from != NULL) {
            RIA_AUTO(buf) place = {.max = 200};
            ria_setting_add_place(&place, endpoint.from);
            expect_piece(row->name, ria_buf_text(&place), row->from);
        }
        ria_plan_release(&asked.plan);
    }
}

static void each_service_has_its_variable_and_its_subsection(void **state)
{
    (void)state;
    static const struct variable variables[] = {
        {"AWS_ENDPOINT_URL_STS", "https://v.sts"},
        {"AWS_ENDPOINT_URL_SSO", "https://v.sso"},
        {"AWS_ENDPOINT_URL_SSO_OIDC", "https://v.sso_oidc"},
        {"AWS_ENDPOINT_URL_SIGNIN", "https://v.signin"},
        {"AWS_ENDPOINT_URL_RDS", "https://v.rds"},
        {"AWS_ENDPOINT_URL_IAM", "https://v.iam"},
        {NULL, NULL}};
    static const char section[] = "services = x\n[services x]\n"
                                  "sts =\n  endpoint_url = https://s.sts\n"
                                  "sso =\n  endpoint_url = https://s.sso\n"
                                  "sso_oidc =\n  endpoint_url = https://s.sso_oidc\n"
                                  "signin =\n  endpoint_url = https://s.signin\n"
                                  "rds =\n  endpoint_url = https://s.rds\n"
                                  "iam =\n  endpoint_url = https://s.iam\n";
    for (int round = 0; round < 2; round++) {
        struct asked asked;
        plan_role(
            &asked, round == 0 ? variables : &variables[RIA_SERVICES], round == 0 ? "" : section);
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

static void invalid_and_contradictory_settings_are_rejected(void **state)
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
         "AWS_STS_REGIONAL_ENDPOINTS: \"global\" is not a kind of STS endpoint; write regional or "
         "legacy"},
        {{{"AWS_USE_FIPS_ENDPOINT", "true"}, {"AWS_ENDPOINT_URL_STS", "https://x"}},
         "",
         "AWS_USE_FIPS_ENDPOINT: FIPS endpoints are required, but AWS_ENDPOINT_URL_STS names "
         "another endpoint for STS; remove one of the two"},
        {{{NULL, NULL}},
         "use_dualstack_endpoint = true\nendpoint_url = https://x\n",
         "config:8: dual-stack endpoints are required, but /home/u/.aws/config:9 names another "
         "endpoint for STS"},
    };
    for_each_row(row, rows, NULL) {
        struct asked asked;
        plan_role(&asked, row->variables, row->more);
        expect_number(row->refusal, asked.outcome, RIA_FAILED);
        expect_piece(row->refusal, asked.err.text, row->refusal);
        ria_plan_release(&asked.plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_region_and_variant_has_botocores_endpoint),
        cmocka_unit_test(rds_and_iam_have_botocores_endpoints),
        cmocka_unit_test(the_global_region_and_legacy_variants_have_their_endpoints),
        cmocka_unit_test(settings_choose_the_endpoint),
        cmocka_unit_test(each_service_has_its_variable_and_its_subsection),
        cmocka_unit_test(invalid_and_contradictory_settings_are_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
