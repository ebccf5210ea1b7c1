/* SPDX-License-Identifier: MIT
 *
 * Settings of the active profile other than credentials: every source uses these settings, every
 * role uses the region of the active profile, and an empty value counts as unset. */
#include "provider/chain.h"

#include "fake_world.h"
#include "unit.h"

enum {
    CONFIG_SIZE = 2048
};

#define KEYS "aws_access_key_id = A\naws_secret_access_key = s\n"

struct variable {
    const char *name;
    const char *value;
};

struct planned {
    struct ria_fake fake;
    struct ria_plan plan;
    struct ria_error err;
    struct ria_trail trail;
    enum ria_outcome outcome;
};

/* The input of the credential chain: variables, the config file and the credentials file, the
 * profile that the option --profile names, and a role of rds-iam's configuration. */
struct request {
    struct variable variables[6];
    const char *config;
    const char *credentials;
    const char *option;
    bool has_role;
    bool is_foreign; /* the config file is another user's */
};

static void plan_for(struct planned *planned, const struct request *request)
{
    static const struct ria_role role = {
        .value[RIA_ROLE_ARN] = {"arn:ours", "/home/u/.config/rds-iam/config", 2}};
    *planned = (struct planned){.plan = RIA_PLAN_INIT};
    ria_fake_init(&planned->fake);
    struct ria_fake_file *file =
        ria_fake_file(&planned->fake, RIA_FAKE_AWS_CONFIG, request->config);
    if (request->is_foreign) {
        file->file.owner = RIA_FAKE_UID + 1;
    }
    if (request->credentials != NULL) {
        ria_fake_file(&planned->fake, RIA_FAKE_AWS_CREDENTIALS, request->credentials);
    }
    for (size_t i = 0; request->variables[i].name != NULL; i++) {
        ria_fake_env(&planned->fake, request->variables[i].name, request->variables[i].value);
    }
    struct ria_query ask = {
        .world = &planned->fake.world,
        .deadline = ria_deadline_in(&planned->fake.world, RIA_LOGIN_BUDGET_MS),
        .region = {"sa-east-1", NULL, 0},
        .role = request->has_role ? &role : NULL,
    };
    if (request->option != NULL) {
        ask.profile = (struct ria_setting){request->option, "--profile", 0};
    }
    planned->outcome = ria_chain_plan(&ask, &planned->plan, &planned->trail, &planned->err);
}

/* The kinds of requests that rds-iam-fetch carries out: the source of each, and the lines that the
 * active profile needs for it. */
static const struct source_row {
    const char *name;
    struct variable variables[4];
    const char *lines; /* in the active profile */
    bool has_role;
    enum ria_source source;
} sources[] = {
    {"keys of the environment, and a role of our configuration",
     {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "s"}},
     "",
     true,
     RIA_SOURCE_KEYS},
    {"web identity of the environment",
     {{"AWS_WEB_IDENTITY_TOKEN_FILE", "/t"}, {"AWS_ROLE_ARN", "arn"}},
     "",
     false,
     RIA_SOURCE_WEB_IDENTITY},
    {"container",
     {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c"}},
     "",
     false,
     RIA_SOURCE_CONTAINER},
    {"container, and a role of our configuration",
     {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/c"}},
     "",
     true,
     RIA_SOURCE_CONTAINER},
    {"instance", {{NULL, NULL}}, "", false, RIA_SOURCE_INSTANCE},
    {"instance, and a role of our configuration", {{NULL, NULL}}, "", true, RIA_SOURCE_INSTANCE},
    {"a role assumed with the container's credentials",
     {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c"}},
     "role_arn = r\ncredential_source = EcsContainer\n",
     false,
     RIA_SOURCE_CONTAINER},
    {"a role whose source profile has settings of its own",
     {{NULL, NULL}},
     "role_arn = r\nsource_profile = other\n",
     false,
     RIA_SOURCE_KEYS},
    {"web identity of a profile",
     {{NULL, NULL}},
     "role_arn = r\nweb_identity_token_file = /t\n",
     false,
     RIA_SOURCE_WEB_IDENTITY},
    {"process", {{NULL, NULL}}, "credential_process = c\n", false, RIA_SOURCE_PROCESS},
    {"SSO",
     {{NULL, NULL}},
     "sso_start_url = https://x\nsso_region = eu-west-1\nsso_account_id = 1\nsso_role_name = R\n",
     false,
     RIA_SOURCE_SSO},
    {"aws login", {{NULL, NULL}}, "login_session = arn\n", false, RIA_SOURCE_LOGIN},
};

static const struct setting_row {
    const char *lines; /* in the active profile */
    enum ria_plan_value value;
    const char *want;
} settings[] = {
    {"use_fips_endpoint = true\n", RIA_PLAN_FIPS, "true"},
    {"use_dualstack_endpoint = true\n", RIA_PLAN_DUAL_STACK, "true"},
    {"sts_regional_endpoints = legacy\n", RIA_PLAN_STS_LEGACY, "legacy"},
    {"ca_bundle = /bundle\n", RIA_PLAN_CA_BUNDLE, "/bundle"},
    {"endpoint_url = https://all\n", RIA_PLAN_STS_URL, "https://all"},
    {"services = s\n", RIA_PLAN_STS_URL, "https://section"},
    {"services = s\n", RIA_PLAN_SSO_URL, "https://sso"},
};

static void check_settings(
    const struct source_row *source, const struct setting_row *setting, const char *named_by)
{
    char config[CONFIG_SIZE];
    char message[160];
    struct planned planned;
    bool is_default = named_by == NULL;
    (void)snprintf(
        config,
        sizeof(config),
        "[%s]\nregion = eu-west-2\n%s%s[profile other]\n" KEYS
        "region = cn-north-1\nuse_fips_endpoint = false\nca_bundle = /other\n"
        "[services s]\nsts =\n  endpoint_url = https://section\nsso =\n  endpoint_url = "
        "https://sso\n",
        is_default ? "default" : "profile p",
        source->lines,
        setting->lines);
    (void)snprintf(message, sizeof(message), "%s: %.30s", source->name, setting->lines);
    struct request request = {.config = config, .has_role = source->has_role};
    memcpy(request.variables, source->variables, sizeof(source->variables));
    if (!is_default) {
        size_t next = 0;
        while (request.variables[next].name != NULL) {
            next++;
        }
        request.variables[next] = (struct variable){named_by, "p"};
    }
    plan_for(&planned, &request);
    expect_number(message, planned.outcome, RIA_FOUND);
    expect_number(message, planned.plan.source, source->source);
    expect_text(message, planned.plan.value[setting->value].value, setting->want);
    for (size_t i = 0; i < planned.plan.role_count; i++) {
        expect_text(message, planned.plan.roles[i].value[RIA_ROLE_REGION].value, "eu-west-2");
    }
    ria_plan_release(&planned.plan);
}

static void settings_of_the_active_profile_apply_to_every_source(void **state)
{
    (void)state;
    for_each_row(source, sources, source->name) {
        for_each_row(setting, settings, setting->lines) {
            check_settings(source, setting, NULL);
            check_settings(source, setting, "AWS_PROFILE");
            check_settings(source, setting, "AWS_DEFAULT_PROFILE");
        }
    }
}

/* The CA bundle of a file that belongs to another user is refused, but only for a source that makes
 * https requests. The URL of a container counts as https unless it begins with "http://". */
static void a_ca_bundle_of_another_user_is_refused_if_the_container_may_use_https(void **state)
{
    (void)state;
    static const struct variable full[] = {
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://localhost/c"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "HTTPS://localhost/c"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "localhost/c"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/c"},
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c"},
    };
    for (size_t i = 0; i < RIA_COUNT(full); i++) {
        struct planned planned;
        plan_for(
            &planned,
            &(struct request){
                .variables = {full[i]},
                .config = "[default]\nca_bundle = /bundle\n",
                .is_foreign = true});
        expect_number(full[i].value, planned.outcome, i < 3 ? RIA_FAILED : RIA_FOUND);
        if (i < 3) {
            expect_piece(
                full[i].value,
                planned.err.text,
                "config:2: ca_bundle is not taken from a file of uid 1001");
        }
        ria_plan_release(&planned.plan);
    }
}

static void keys_of_the_environment_alone_need_no_profile(void **state)
{
    (void)state;
    struct request request = {
        .variables = {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "s"}},
        .config = "[default]\nuse_fips_endpoint = perhaps\n"};
    struct planned planned;
    plan_for(&planned, &request);
    assert_int_equal(planned.outcome, RIA_FOUND);
    ria_plan_release(&planned.plan);
    /* The credentials of a role come from STS, over the network. */
    request.has_role = true;
    plan_for(&planned, &request);
    assert_int_equal(planned.outcome, RIA_FAILED);
    expect_piece("a role", planned.err.text, "config:2: \"perhaps\" is neither true nor false");
    ria_plan_release(&planned.plan);
}

static void the_active_profile_sets_the_metadata_endpoint(void **state)
{
    (void)state;
    static const char own[] = "http://169.254.169.254";
    static const char six[] = "http://[fd00:ec2::254]";
    static const struct {
        const char *name;
        struct request request;
        const char *want; /* NULL: refused */
        const char *refusal;
    } rows[] = {
        {"no setting", {.config = ""}, own, NULL},
        {"an endpoint of [default]",
         {.config = "[default]\nec2_metadata_service_endpoint = http://[::1]:1338\n"},
         "http://[::1]:1338",
         NULL},
        {"an endpoint of the profile that the option selects",
         {.config = "[profile p]\nec2_metadata_service_endpoint = http://localhost:1\n",
          .option = "p"},
         "http://localhost:1",
         NULL},
        {"the endpoint of another profile is ignored",
         {.config = "[profile p]\nec2_metadata_service_endpoint = http://localhost:1\n[default]\n"},
         own,
         NULL},
        {"a mode of the profile that AWS_PROFILE selects",
         {.config = "[profile p]\nec2_metadata_service_endpoint_mode = IPv6\n",
          .variables = {{"AWS_PROFILE", "p"}}},
         six,
         NULL},
        {"imds_use_ipv6, the older switch, in a profile",
         {.config = "[default]\nimds_use_ipv6 = true\n"},
         six,
         NULL},
        {"the variable of the older switch overrides the profile",
         {.config = "[default]\nimds_use_ipv6 = true\n",
          .variables = {{"AWS_IMDS_USE_IPV6", "false"}}},
         own,
         NULL},
        {"the mode overrides the older switch",
         {.config = "[default]\nimds_use_ipv6 = true\nec2_metadata_service_endpoint_mode = IPv4\n"},
         own,
         NULL},
        {"the variable overrides the profile",
         {.config = "[default]\nec2_metadata_service_endpoint = http://localhost:1\n",
          .variables = {{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://localhost:2"}}},
         "http://localhost:2",
         NULL},
        {"an endpoint overrides a mode",
         {.config = "[default]\nec2_metadata_service_endpoint = http://localhost:1\n"
                    "ec2_metadata_service_endpoint_mode = IPv6\n"},
         "http://localhost:1",
         NULL},
        {"the endpoint of a source profile is ignored",
         {.config =
              "[default]\nrole_arn = r\nsource_profile = b\nregion = eu-west-1\n"
              "ec2_metadata_service_endpoint = http://localhost:1\n[profile b]\nrole_arn = r\n"
              "credential_source = Ec2InstanceMetadata\n"
              "ec2_metadata_service_endpoint = http://localhost:2\n"},
         "http://localhost:1",
         NULL},
        {"an empty endpoint",
         {.config = "[default]\nec2_metadata_service_endpoint =\n"
                    "ec2_metadata_service_endpoint_mode =\n"},
         own,
         NULL},
        {"an invalid mode",
         {.config = "[default]\nec2_metadata_service_endpoint_mode = both\n"},
         NULL,
         "config:2: \"both\" is not a mode; write IPv4 or IPv6"},
    };
    for_each_row(row, rows, row->name) {
        struct planned planned;
        plan_for(&planned, &row->request);
        expect_number(row->name, planned.outcome, row->want == NULL ? RIA_FAILED : RIA_FOUND);
        if (row->want == NULL) {
            expect_piece(row->name, planned.err.text, row->refusal);
        } else {
            expect_text(row->name, planned.plan.value[RIA_PLAN_METADATA_ENDPOINT].value, row->want);
        }
        ria_plan_release(&planned.plan);
    }
}

static void a_chain_of_roles_has_one_region(void **state)
{
    (void)state;
#define CHAIN(A, B, C)                                                                             \
    "[profile a]\nrole_arn = arn:a\nsource_profile = b\n" A                                        \
    "[profile b]\nrole_arn = arn:b\nsource_profile = c\n" B "[profile c]\n" KEYS C
    static const struct {
        const char *name;
        struct request request;
        const char *want;
    } rows[] = {
        {"the requested profile",
         {.config = CHAIN("region = eu-west-1\n", "region = eu-west-2\n", "region = eu-west-3\n"),
          .option = "a"},
         "eu-west-1"},
        {"the regions of source profiles are ignored",
         {.config = CHAIN("", "region = eu-west-2\n", "region = eu-west-3\n"), .option = "a"},
         "sa-east-1"},
        {"AWS_REGION overrides the profile",
         {.config = CHAIN("region = eu-west-1\n", "", ""),
          .option = "a",
          .variables = {{"AWS_REGION", "us-gov-west-1"}, {"AWS_DEFAULT_REGION", "us-east-1"}}},
         "us-gov-west-1"},
        {"AWS_DEFAULT_REGION overrides the profile",
         {.config = CHAIN("region = eu-west-1\n", "", ""),
          .variables = {{"AWS_PROFILE", "a"}, {"AWS_DEFAULT_REGION", "us-east-1"}}},
         "us-east-1"},
        {"a blank AWS_REGION is unset",
         {.config = CHAIN("region = eu-west-1\n", "", ""),
          .option = "a",
          .variables = {{"AWS_REGION", " "}}},
         "eu-west-1"},
        {"a role of our configuration uses the profile's region too",
         {.config = CHAIN("region = eu-west-1\n", "region = eu-west-2\n", ""),
          .option = "a",
          .has_role = true},
         "eu-west-1"},
        {"without any other region, the region of the database is used",
         {.config = CHAIN("region =\n", "", ""), .option = "a", .has_role = true},
         "sa-east-1"},
    };
    for_each_row(row, rows, row->name) {
        struct planned planned;
        plan_for(&planned, &row->request);
        expect_number(row->name, planned.outcome, RIA_FOUND);
        expect_number(row->name, planned.plan.role_count, row->request.has_role ? 3 : 2);
        for (size_t j = 0; j < planned.plan.role_count; j++) {
            expect_text(row->name, planned.plan.roles[j].value[RIA_ROLE_REGION].value, row->want);
        }
        ria_plan_release(&planned.plan);
    }
}

/* A profile with a single key, which has no value, configures no source. */
static void a_key_without_a_value_configures_no_source(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "role_arn",
        "source_profile",
        "credential_source",
        "web_identity_token_file",
        "sso_session",
        "sso_account_id",
        "sso_role_name",
        "login_session",
        "credential_process",
        "aws_access_key_id",
        "aws_secret_access_key",
        "services",
        "endpoint_url",
        "ca_bundle",
        "use_fips_endpoint",
        "use_dualstack_endpoint",
        "sts_regional_endpoints",
        "ignore_configured_endpoint_urls",
        "region",
        "imds_use_ipv6",
    };
    for (size_t i = 0; i < RIA_COUNT(keys); i++) {
        char text[64];
        struct planned planned;
        (void)snprintf(text, sizeof(text), "[default]\n%s =%s\n", keys[i], i % 2 == 0 ? "" : " \t");
        struct request request = {.config = text};
        plan_for(&planned, &request);
        expect_number(keys[i], planned.outcome, RIA_FOUND);
        expect_number(keys[i], planned.plan.source, RIA_SOURCE_INSTANCE);
        expect(keys[i], planned.plan.value[RIA_PLAN_STS_URL].value == NULL);
        expect(keys[i], planned.plan.value[RIA_PLAN_CA_BUNDLE].value == NULL);
        ria_plan_release(&planned.plan);
    }
}

static void an_empty_value_does_not_override_another_value(void **state)
{
    (void)state;
    struct planned planned;
    plan_for(
        &planned,
        &(struct request){
            .config = "[default]\nrole_arn = arn\nsource_profile = b\nregion = eu-west-1\n"
                      "external_id =\nduration_seconds =\nmfa_serial =\nrole_session_name =\n"
                      "endpoint_url = https://all\nservices = s\n[services s]\nsts =\n"
                      "  endpoint_url =\n[profile b]\n" KEYS "aws_session_token =\n"
                      "aws_security_token = t\n",
            .credentials = "[default]\nregion =\nrole_arn =\n"});
    expect_number("found", planned.outcome, RIA_FOUND);
    const struct ria_role *role = &planned.plan.roles[0];
    expect_text("an empty value in the other file", role->value[RIA_ROLE_ARN].value, "arn");
    expect_text("a region in the other file", role->value[RIA_ROLE_REGION].value, "eu-west-1");
    expect("no external id", role->value[RIA_ROLE_EXTERNAL_ID].value == NULL);
    expect("no device", role->value[RIA_ROLE_MFA_SERIAL].value == NULL);
    expect_text("our session name", role->value[RIA_ROLE_SESSION_NAME].value, "rds-iam");
    expect_number("no duration", role->duration, 0);
    expect_text(
        "an empty entry of a section", planned.plan.value[RIA_PLAN_STS_URL].value, "https://all");
    expect_text("aws_security_token", ria_buf_text(&planned.plan.keys.session_token), "t");
    ria_plan_release(&planned.plan);
}

/* A variable names a profile, but the web identity of the environment is used for the login. Keys
 * in the environment cause a similar warning (test_behaviour.c). */
static void a_profile_overridden_by_web_identity_causes_a_warning(void **state)
{
    (void)state;
    static const char *const variables[] = {"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "unrelated"};
    for (size_t i = 0; i < RIA_COUNT(variables); i++) {
        struct planned planned;
        char warning[160];
        struct request request = {
            .variables =
                {{variables[i], "p"},
                 {"AWS_WEB_IDENTITY_TOKEN_FILE", "/t"},
                 {"AWS_ROLE_ARN", "arn"}},
            .config = "[default]\n" KEYS "[profile p]\n" KEYS};
        plan_for(&planned, &request);
        expect_number(variables[i], planned.plan.source, RIA_SOURCE_WEB_IDENTITY);
        (void)snprintf(
            warning,
            sizeof(warning),
            "%s is set to \"p\", but the web identity of the environment is used; unset "
            "AWS_WEB_IDENTITY_TOKEN_FILE to use the profile",
            variables[i]);
        expect_number(
            variables[i], ria_fake_logged(&planned.fake, RIA_LOG_WARNING, warning), i < 2);
        ria_plan_release(&planned.plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_of_the_active_profile_apply_to_every_source),
        cmocka_unit_test(a_ca_bundle_of_another_user_is_refused_if_the_container_may_use_https),
        cmocka_unit_test(keys_of_the_environment_alone_need_no_profile),
        cmocka_unit_test(the_active_profile_sets_the_metadata_endpoint),
        cmocka_unit_test(a_chain_of_roles_has_one_region),
        cmocka_unit_test(a_key_without_a_value_configures_no_source),
        cmocka_unit_test(an_empty_value_does_not_override_another_value),
        cmocka_unit_test(a_profile_overridden_by_web_identity_causes_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
