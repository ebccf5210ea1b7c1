/* SPDX-License-Identifier: MIT
 *
 * The plans (aws/plan.h) of credential sources on the network: the requests to rds-iam-fetch, the
 * cases without a request, and the time for which a response is used. */
#include "provider/chain.h"

#include "fake_world.h"
#include "provider/cache.h"
#include "provider/memory_cache.h"
#include "unit.h"

struct variable {
    const char *name;
    const char *value;
};

struct asked {
    struct ria_fake fake;
    struct ria_trail trail;
    struct ria_error err;
    enum ria_outcome outcome;
};

/* Runs the whole credential chain in a fake world with some variables and at most one config file.
 */
static void ask_chain_with(
    struct asked *asked, const struct variable *variables, const char *config)
{
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    ria_memory_cache_clear();
    asked->err = (struct ria_error){0};
    ria_fake_init(&asked->fake);
    for (; variables->name != NULL; variables++) {
        ria_fake_env(&asked->fake, variables->name, variables->value);
    }
    if (config != NULL) {
        ria_fake_file(&asked->fake, RIA_FAKE_AWS_CONFIG, config);
    }
    struct ria_query ask = {
        .world = &asked->fake.world, .deadline = ria_deadline_in(&asked->fake.world, 1000)};
    asked->outcome = ria_chain_find(&ask, &response, &asked->trail, &asked->err);
}

static void ask_chain(struct asked *asked, const struct variable *variables)
{
    ask_chain_with(asked, variables, NULL);
}

static void sources_on_the_network_become_a_plan(void **state)
{
    (void)state;
    static const char role_chain[] =
        "[default]\nregion = eu-west-1\nrole_arn = r\nsource_profile = b\n"
        "[profile b]\nregion = eu-west-1\nrole_arn = q\nsource_profile = c\n"
        "[profile c]\naws_access_key_id = A\naws_secret_access_key = s\n";
    static const struct {
        const char *name;
        struct variable variables[5];
        const char *config;
        enum ria_source source;
        size_t roles;
    } rows[] = {
        {"ECS", {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x"}}, NULL, RIA_SOURCE_CONTAINER, 0},
        {"a web identity of the environment",
         {{"AWS_WEB_IDENTITY_TOKEN_FILE", "/t"},
          {"AWS_ROLE_ARN", "arn"},
          {"AWS_REGION", "eu-west-1"}},
         NULL,
         RIA_SOURCE_WEB_IDENTITY,
         1},
        {"a web identity of a profile",
         {{NULL, NULL}},
         "[default]\nregion = eu-west-1\nrole_arn = arn\nweb_identity_token_file = /t\n",
         RIA_SOURCE_WEB_IDENTITY,
         1},
        {"two roles, the second assumed with the first",
         {{NULL, NULL}},
         role_chain,
         RIA_SOURCE_KEYS,
         2},
        {"a role with the container's keys",
         {{"AWS_PROFILE", "a"},
          {"AWS_ACCESS_KEY_ID", ""},
          {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "u"}},
         "[profile a]\nregion = eu-west-1\nrole_arn = r\ncredential_source = EcsContainer\n",
         RIA_SOURCE_CONTAINER,
         1},
        {"a role with the instance's keys",
         {{NULL, NULL}},
         "[default]\nregion = eu-west-1\nrole_arn = r\ncredential_source = Ec2InstanceMetadata\n",
         RIA_SOURCE_INSTANCE,
         1},
    };
    for_each_row(row, rows, row->name) {
        struct asked asked;
        ria_memory_cache_clear();
        ria_fake_init(&asked.fake);
        ria_fake_file(&asked.fake, "/t", "token");
        for (size_t j = 0; row->variables[j].name != NULL; j++) {
            ria_fake_env(&asked.fake, row->variables[j].name, row->variables[j].value);
        }
        if (row->config != NULL) {
            ria_fake_file(&asked.fake, RIA_FAKE_AWS_CONFIG, row->config);
        }
        struct ria_query ask = {
            .world = &asked.fake.world, .deadline = ria_deadline_in(&asked.fake.world, 1000)};
        RIA_AUTO(response) response = RIA_RESPONSE_INIT;
        asked.err = (struct ria_error){0};
        (void)!ria_chain_find(&ask, &response, &asked.trail, &asked.err);
        expect_text(row->name, asked.err.text, "rds-iam-fetch was asked");
        expect_number(row->name, asked.fake.asked_source, row->source);
        expect_number(row->name, asked.fake.asked_roles, row->roles);
    }
}

static void disabled_metadata_is_not_queried(void **state)
{
    (void)state;
    static const struct variable off[] = {{"AWS_EC2_METADATA_DISABLED", "TRUE"}, {NULL, NULL}};
    static const struct variable mode[] = {
        {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5"}, {NULL, NULL}};
    struct asked asked;
    ask_chain(&asked, off);
    assert_int_equal(asked.outcome, RIA_ABSENT);
    assert_int_equal(asked.fake.fetches, 0);
    ask_chain(&asked, mode);
    assert_int_equal(asked.outcome, RIA_FAILED);
    expect_piece(
        "the mode",
        asked.err.text,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: \"IPv5\" is not a mode; write IPv4 or IPv6");
}

static void no_credential_process_is_run_from_a_file_that_others_can_write(void **state)
{
    (void)state;
    struct asked asked;
    static const char config[] = "[profile a]\ncredential_process = x\n";
    ria_fake_init(&asked.fake);
    struct ria_fake_file *file = ria_fake_file(&asked.fake, RIA_FAKE_AWS_CONFIG, config);
    file->file.mode = 0100664;
    file->file.group = 50;
    struct ria_query ask = {
        .world = &asked.fake.world,
        .deadline = ria_deadline_in(&asked.fake.world, 1000),
        .profile = {"a", "--profile", 0}};
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    assert_int_equal(ria_chain_find(&ask, &response, &asked.trail, &asked.err), RIA_FAILED);
    expect_piece("the mode", asked.err.text, "run: chmod g-w /home/u/.aws/config");
    assert_int_equal(asked.fake.fetches, 0);
}

/* The database would reject a token that is signed with such keys, and would give no reason. */
static void unusable_keys_and_profiles_are_rejected(void **state)
{
    (void)state;
#define KEYS(id, secret) "aws_access_key_id = " id "\naws_secret_access_key = " secret "\n"
    static const struct {
        const char *name;
        struct variable variables[4];
        const char *config;
        const char *refusal; /* NULL: found */
    } rows[] = {
        {"temporary keys without their token",
         {{"AWS_ACCESS_KEY_ID", "ASIAX"}, {"AWS_SECRET_ACCESS_KEY", "s"}},
         NULL,
         "AWS_ACCESS_KEY_ID: the keys of the environment are temporary (ASIA...), and AWS accepts "
         "these only with their session token; add AWS_SESSION_TOKEN"},
        {"control: temporary keys with their token",
         {{"AWS_ACCESS_KEY_ID", "ASIAX"},
          {"AWS_SECRET_ACCESS_KEY", "s"},
          {"AWS_SESSION_TOKEN", "t"}},
         NULL,
         NULL},
        {"temporary keys in a profile without their token",
         {{NULL, NULL}},
         "[default]\n" KEYS("ASIAX", "s"),
         "config:2: the keys of profile default are temporary (ASIA...), and AWS accepts these "
         "only with their session token; add aws_session_token"},
        {"control: temporary keys in a profile with their token",
         {{NULL, NULL}},
         "[default]\naws_session_token = t\n" KEYS("ASIAX", "s"),
         NULL},
        {"temporary keys in the source profile of a role, without their token",
         {{NULL, NULL}},
         "[default]\nrole_arn = r\nregion = eu-west-1\nsource_profile = b\n[profile b]\n" KEYS(
             "ASIAX", "s"),
         "config:6: the keys of profile b are temporary"},
        {"an id in quotes",
         {{NULL, NULL}},
         "[default]\n" KEYS("\"AKIAX\"", "s"),
         "config:2: the keys of profile default are in quotes, which count as part of them; remove "
         "the quotes"},
        {"a secret in quotes", {{NULL, NULL}}, "[default]\n" KEYS("AKIAX", "'s'"), "are in quotes"},
        {"a profile whose section lacks the word profile",
         {{"AWS_PROFILE", "b"}},
         "[default]\n" KEYS("A", "s") "[b]\n" KEYS("B", "s"),
         "AWS_PROFILE: the profile \"b\" does not exist, because the word \"profile\" is missing "
         "in /home/u/.aws/config:4; write [profile b] there"},
        {"a profile name in quotes",
         {{"AWS_PROFILE", "'b'"}},
         "[profile b]\n" KEYS("B", "s"),
         "AWS_PROFILE: the profile 'b' does not exist, because the quotes count as part of the "
         "name; "
         "remove the quotes"},
    };
#undef KEYS
    for_each_row(row, rows, row->name) {
        struct asked asked;
        ask_chain_with(&asked, row->variables, row->config);
        bool is_found = row->refusal == NULL;
        expect_number(row->name, asked.outcome, is_found ? RIA_FOUND : RIA_FAILED);
        expect_number(row->name, asked.fake.fetches, 0);
        if (!is_found) {
            expect_piece(row->name, asked.err.text, row->refusal);
        }
    }
}

static void a_response_is_used_until_15_minutes_before_it_expires(void **state)
{
    (void)state;
    static const int64_t lives[] = {901, 900, 899, 1};
    for_each_row(live, lives, NULL) {
        struct ria_fake fake;
        RIA_AUTO(response) given = RIA_RESPONSE_INIT;
        ria_memory_cache_clear();
        ria_fake_init(&fake);
        ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, "[default]\ncredential_process = x\n");
        given.outcome = RIA_FOUND;
        ria_buf_add_text(&given.credentials.access_key_id, "A");
        ria_buf_add_text(&given.credentials.secret_access_key, "s");
        given.credentials.expires = fake.now + *live;
        fake.response = &given;
        for (int j = 0; j < 2; j++) {
            struct ria_query ask = {
                .world = &fake.world, .deadline = ria_deadline_in(&fake.world, 1000)};
            RIA_AUTO(response) response = RIA_RESPONSE_INIT;
            struct ria_trail trail;
            struct ria_error err;
            expect_number("the outcome", ria_chain_find(&ask, &response, &trail, &err), RIA_FOUND);
            expect_text("the key id", response.credentials.access_key_id.data, "A");
        }
        expect_number("the number of requests", fake.fetches, *live >= 900 ? 1 : 2);
    }
    ria_memory_cache_clear();
}

static void roles_are_renewed_at_different_times(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t roles;
        int64_t duration;
        bool has_mfa;
        int64_t spread; /* the largest difference between the renewal margins of two sessions, in
                           seconds */
    } rows[] = {
        {"no role", 0, 0, false, 0},
        {"a session of an hour", 1, 0, false, 300},
        {"a session of twelve hours", 2, 43200, false, 300},
        {"a session of 20 minutes", 1, 1200, false, 75},
        {"a session of 15 minutes", 1, 900, false, 0},
        {"a session that needs an MFA code", 2, 0, true, 0},
    };
    for_each_row(row, rows, row->name) {
        struct ria_plan plan = RIA_PLAN_INIT;
        int64_t least = INT64_MAX;
        int64_t most = 0;
        plan.role_count = row->roles;
        if (row->roles > 0) {
            plan.roles[row->roles - 1].duration = row->duration;
            plan.roles[0].value[RIA_ROLE_MFA_SERIAL].value = row->has_mfa ? "serial" : NULL;
        }
        for (unsigned i = 0; i < 5000; i++) {
            RIA_AUTO(credentials) credentials = RIA_CREDENTIALS_INIT;
            ria_buf_addf(&credentials.access_key_id, "ASIA%u", i);
            int64_t margin = ria_cache_margin(&plan, &credentials);
            expect_number(row->name, ria_cache_margin(&plan, &credentials), margin);
            least = margin < least ? margin : least;
            most = margin > most ? margin : most;
        }
        expect_number(row->name, least, 900);
        expect_number(row->name, most, 900 + row->spread);
    }
}

static void after_a_failed_renewal_the_process_waits_a_tenth_of_the_time_left(void **state)
{
    (void)state;
    struct ria_fake fake;
    ria_memory_cache_clear();
    ria_fake_init(&fake);
    ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, "[default]\ncredential_process = x\n");
    RIA_AUTO(response) given = RIA_RESPONSE_INIT;
    given.outcome = RIA_FOUND;
    ria_buf_add_text(&given.credentials.access_key_id, "A");
    ria_buf_add_text(&given.credentials.secret_access_key, "s");
    given.credentials.expires = fake.now + 800;
    static const struct {
        const char *name;
        int64_t ticks;
        bool is_answered;
        size_t fetches; /* so far */
    } rows[] = {
        {"the first login", 0, true, 1},
        {"a renewal that fails", 1000, false, 2},
        {"1 ms after the failed renewal: no new try", 1001, false, 2},
        {"1 ms before 80 s have passed", 80999, true, 2},
        {"after 80 s", 81000, true, 3},
        {"after a renewal that succeeded", 82000, true, 4},
    };
    for_each_row(row, rows, row->name) {
        RIA_AUTO(response) response = RIA_RESPONSE_INIT;
        struct ria_trail trail;
        struct ria_error err;
        fake.ticks = row->ticks;
        fake.response = row->is_answered ? &given : NULL;
        struct ria_query ask = {
            .world = &fake.world, .deadline = ria_deadline_in(&fake.world, 1000)};
        expect_number(row->name, ria_chain_find(&ask, &response, &trail, &err), RIA_FOUND);
        expect_text(row->name, response.credentials.access_key_id.data, "A");
        expect_number(row->name, fake.fetches, row->fetches);
    }
    assert_true(ria_fake_logged(&fake, RIA_LOG_WARNING, "could not be renewed"));
    ria_memory_cache_clear();
}

static void a_clock_offset_applies_until_a_restart_or_a_change_of_the_clock(void **state)
{
    (void)state;
    struct ria_fake fake;
    ria_fake_init(&fake);
    struct ria_clock_offset offset = {.seconds = 600, .real_minus_raw = 5000};
    memcpy(offset.boot_id, fake.machine.boot_id, sizeof(offset.boot_id));
    fake.machine.real_minus_raw = 6999;
    assert_int_equal(ria_cache_offset(&fake.world, &offset), 600);
    fake.machine.real_minus_raw = 7000;
    assert_int_equal(ria_cache_offset(&fake.world, &offset), 0);
    fake.machine.real_minus_raw = 5000;
    fake.machine.boot_id[0] = '2';
    assert_int_equal(ria_cache_offset(&fake.world, &offset), 0);
}

static void credentials_are_fresh_by_the_corrected_clock(void **state)
{
    (void)state;
    struct ria_fake fake;
    ria_fake_init(&fake);
    const struct ria_plan plan = RIA_PLAN_INIT;
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    response.offset = (struct ria_clock_offset){.seconds = 600, .real_minus_raw = 5000};
    memcpy(response.offset.boot_id, fake.machine.boot_id, sizeof(response.offset.boot_id));
    fake.machine.real_minus_raw = 5000;
    response.credentials.expires = fake.now + 600 + 900;
    assert_true(ria_cache_is_fresh(&fake.world, &plan, &response));
    response.credentials.expires--;
    assert_false(ria_cache_is_fresh(&fake.world, &plan, &response));
    response.credentials.expires = fake.now + 7200;
    assert_true(ria_cache_is_fresh(&fake.world, &plan, &response));
    fake.machine.real_minus_raw = 605000;
    assert_false(ria_cache_is_fresh(&fake.world, &plan, &response));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_on_the_network_become_a_plan),
        cmocka_unit_test(disabled_metadata_is_not_queried),
        cmocka_unit_test(no_credential_process_is_run_from_a_file_that_others_can_write),
        cmocka_unit_test(unusable_keys_and_profiles_are_rejected),
        cmocka_unit_test(a_response_is_used_until_15_minutes_before_it_expires),
        cmocka_unit_test(roles_are_renewed_at_different_times),
        cmocka_unit_test(after_a_failed_renewal_the_process_waits_a_tenth_of_the_time_left),
        cmocka_unit_test(a_clock_offset_applies_until_a_restart_or_a_change_of_the_clock),
        cmocka_unit_test(credentials_are_fresh_by_the_corrected_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
