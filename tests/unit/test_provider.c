/* SPDX-License-Identifier: MIT
 *
 * The credential sources, in cases that behaviour.json does not cover, and the order in which they
 * are tried. */
#include "provider/cache.h"
#include "provider/chain.h"

#include "fake_world.h"
#include "provider/memory_cache.h"
#include "unit.h"

struct variable {
    const char *name;
    const char *value;
};

/* One run of ask_chain(), and its result. */
struct asked {
    struct ria_fake fake;
    struct ria_response response;
    struct ria_trail trail; /* the sources that were tried, and the outcome of each */
    struct ria_error err;
    enum ria_outcome outcome;
};

/* Runs the whole credential chain in a fake world with some variables and at most one config file.
 */
static void ask_chain(
    struct asked *asked, const struct variable *variables, const char *config, const char *profile)
{
    asked->response = (struct ria_response)RIA_RESPONSE_INIT;
    asked->err = (struct ria_error){0};
    ria_memory_cache_clear();
    ria_fake_init(&asked->fake);
    for (; variables != NULL && variables->name != NULL; variables++) {
        ria_fake_env(&asked->fake, variables->name, variables->value);
    }
    if (config != NULL) {
        ria_fake_file(&asked->fake, RIA_FAKE_AWS_CONFIG, config);
    }
    struct ria_query ask = {
        .world = &asked->fake.world,
        .deadline = ria_deadline_in(&asked->fake.world, RIA_LOGIN_BUDGET_MS)};
    if (profile != NULL) {
        ask.profile = (struct ria_setting){profile, "--profile", 0};
    }
    asked->outcome = ria_chain_find(&ask, &asked->response, &asked->trail, &asked->err);
}

static const char keys_a[] = "[profile a]\naws_access_key_id = AKIA\naws_secret_access_key = s\n";

static void the_environment_gives_keys_or_an_error(void **state)
{
    (void)state;
    static char long_text[RIA_SESSION_TOKEN_MAX + 2];
    memset(long_text, 'x', sizeof(long_text) - 1);
    const struct {
        const char *name;
        struct variable variables[6];
        const char *session_token; /* if FOUND */
        int64_t expires;
        const char *refusal;
    } rows[] = {
        {"the old name of the session token",
         {{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "s"}, {"AWS_SECURITY_TOKEN", "o"}},
         "o",
         0,
         NULL},
        {"a blank AWS_SESSION_TOKEN leaves the old name",
         {{"AWS_ACCESS_KEY_ID", "A"},
          {"AWS_SECRET_ACCESS_KEY", "s"},
          {"AWS_SECURITY_TOKEN", "o"},
          {"AWS_SESSION_TOKEN", " "}},
         "o",
         0,
         NULL},
        {"line breaks around a session token are removed",
         {{"AWS_ACCESS_KEY_ID", "A"},
          {"AWS_SECRET_ACCESS_KEY", "s"},
          {"AWS_SESSION_TOKEN", "\r\nt\n"}},
         "t",
         0,
         NULL},
        {"with an expiry",
         {{"AWS_ACCESS_KEY_ID", "A"},
          {"AWS_SECRET_ACCESS_KEY", "s"},
          {"AWS_CREDENTIAL_EXPIRATION", "2026-08-22T12:34:56+00:00"}},
         "",
         1787402096,
         NULL},
        {"an expiry that is not a date",
         {{"AWS_ACCESS_KEY_ID", "A"},
          {"AWS_SECRET_ACCESS_KEY", "s"},
          {"AWS_CREDENTIAL_EXPIRATION", "soon"}},
         NULL,
         0,
         "AWS_CREDENTIAL_EXPIRATION is \"soon\"; write it like 2026-08-22T12:34:56Z or unset it"},
        {"a secret without an id",
         {{"AWS_ACCESS_KEY_ID", " "}, {"AWS_SECRET_ACCESS_KEY", "s"}},
         NULL,
         0,
         "AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is empty; set both or unset both"},
        {"a key id that is too long",
         {{"AWS_ACCESS_KEY_ID", long_text}, {"AWS_SECRET_ACCESS_KEY", "s"}},
         NULL,
         0,
         "the keys in the environment are too long to be AWS keys"},
        {"a session token that is too long",
         {{"AWS_ACCESS_KEY_ID", "A"},
          {"AWS_SECRET_ACCESS_KEY", "s"},
          {"AWS_SESSION_TOKEN", long_text}},
         NULL,
         0,
         "the keys in the environment are too long to be AWS keys"},
    };
    for_each_row(row, rows, row->name) {
        struct asked asked;
        ask_chain(&asked, row->variables, NULL, NULL);
        if (row->refusal != NULL) {
            expect_number(row->name, asked.outcome, RIA_FAILED);
            expect_piece(row->name, asked.err.text, row->refusal);
        } else {
            expect_number(row->name, asked.outcome, RIA_FOUND);
            const char *token = ria_buf_text(&asked.response.credentials.session_token);
            expect_text(row->name, token, row->session_token);
            expect_number(row->name, asked.response.credentials.expires, row->expires);
        }
        ria_response_release(&asked.response);
    }
}

static void the_chosen_profile_is_used(void **state)
{
    (void)state;
    static const char config[] = "[default]\naws_access_key_id = D\naws_secret_access_key = s\n"
                                 "[profile a]\naws_access_key_id = A\naws_secret_access_key = s\n"
                                 "[profile b]\naws_access_key_id = B\naws_secret_access_key = s\n";
    static const struct {
        const char *name;
        struct variable variables[4];
        const char *profile;
        const char *access_key_id; /* NULL: refused */
        const char *refusal;
    } rows[] = {
        {"no setting", {{NULL, NULL}}, NULL, "D", NULL},
        {"AWS_PROFILE", {{"AWS_PROFILE", "a"}}, NULL, "A", NULL},
        {"AWS_DEFAULT_PROFILE", {{"AWS_DEFAULT_PROFILE", "a"}}, NULL, "A", NULL},
        {"AWS_PROFILE before AWS_DEFAULT_PROFILE",
         {{"AWS_PROFILE", "a"}, {"AWS_DEFAULT_PROFILE", "b"}},
         NULL,
         "A",
         NULL},
        {"an empty AWS_PROFILE",
         {{"AWS_PROFILE", ""}, {"AWS_DEFAULT_PROFILE", "b"}},
         NULL,
         "B",
         NULL},
        {"the profile of the command line before AWS_PROFILE",
         {{"AWS_PROFILE", "a"}},
         "b",
         "B",
         NULL},
        {"the profile of the command line before keys of the environment",
         {{"AWS_ACCESS_KEY_ID", "E"}, {"AWS_SECRET_ACCESS_KEY", "s"}},
         "b",
         "B",
         NULL},
        {"a missing profile of the command line, despite keys of the environment",
         {{"AWS_ACCESS_KEY_ID", "E"}, {"AWS_SECRET_ACCESS_KEY", "s"}},
         "nope",
         NULL,
         "--profile: the profile \"nope\" does not exist"},
        {"AWS_DEFAULT_PROFILE that names a missing profile",
         {{"AWS_DEFAULT_PROFILE", "nope"}},
         NULL,
         NULL,
         "AWS_DEFAULT_PROFILE: the profile \"nope\" does not exist"},
        {"a name with control characters",
         {{"AWS_PROFILE", "a\x1b[2J\n"}},
         NULL,
         NULL,
         "AWS_PROFILE: the profile \"a?[2J?\" does not exist"},
    };
    for_each_row(row, rows, row->name) {
        struct asked asked;
        ask_chain(&asked, row->variables, config, row->profile);
        if (row->access_key_id == NULL) {
            expect_number(row->name, asked.outcome, RIA_FAILED);
            expect_piece(row->name, asked.err.text, row->refusal);
        } else {
            const char *id = ria_buf_text(&asked.response.credentials.access_key_id);
            expect_number(row->name, asked.outcome, RIA_FOUND);
            expect_text(row->name, id, row->access_key_id);
        }
        ria_response_release(&asked.response);
    }
}

static void a_named_profile_that_does_not_exist_is_an_error_even_without_files(void **state)
{
    (void)state;
    struct asked asked;
    ask_chain(&asked, NULL, NULL, "a");
    assert_int_equal(asked.outcome, RIA_FAILED);
    expect_piece("the message", asked.err.text, "--profile: the profile \"a\" does not exist");
}

static void without_a_home_the_message_states_that_home_is_not_set(void **state)
{
    (void)state;
    static const struct variable named[] = {{"HOME", ""}, {"AWS_PROFILE", "a"}, {NULL, NULL}};
    static const struct variable unnamed[] = {{"HOME", ""}, {NULL, NULL}};
    struct asked asked;
    ask_chain(&asked, named, keys_a, NULL);
    assert_int_equal(asked.outcome, RIA_FAILED);
    expect_piece(
        "a named profile",
        asked.err.text,
        "AWS_PROFILE: the profile \"a\" is not found, because HOME is not set; set HOME, or");
    ask_chain(&asked, unnamed, keys_a, NULL);
    assert_int_equal(asked.outcome, RIA_ABSENT);
    expect_piece("no profile", asked.err.text, "profile: HOME is not set, so ~/.aws is not known");
}

static void a_profile_gives_keys_or_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *config;
        const char *session_token; /* if FOUND */
        const char *refusal;
    } rows[] = {
        {"keys with a session token",
         "[default]\naws_access_key_id = A\naws_secret_access_key = s\naws_session_token = t\n",
         "t",
         NULL},
        {"the old name of the session token",
         "[default]\naws_access_key_id = A\naws_secret_access_key = s\naws_security_token = o\n",
         "o",
         NULL},
        {"both names",
         "[default]\naws_access_key_id = A\naws_secret_access_key = s\naws_security_token = o\n"
         "aws_session_token = t\n",
         "t",
         NULL},
        {"an empty session token counts as unset",
         "[default]\naws_access_key_id = A\naws_secret_access_key = s\naws_session_token =\n",
         "",
         NULL},
        {"an empty secret",
         "[default]\naws_access_key_id = A\naws_secret_access_key =\n",
         NULL,
         "config:3: aws_secret_access_key of the profile \"default\" is empty; write it"},
        {"an empty id",
         "[default]\naws_access_key_id =\naws_secret_access_key = s\n",
         NULL,
         "config:2: aws_access_key_id of the profile \"default\" is empty; write it"},
        {"a credential source without a role",
         "[default]\ncredential_source = Environment\n",
         NULL,
         "config:2: the profile \"default\" has credential_source without role_arn"},
        {"a credential source that the environment does not have",
         "[default]\nrole_arn = arn\nregion = eu-west-1\ncredential_source = EcsContainer\n",
         NULL,
         "config:4: credential_source is EcsContainer, but AWS_CONTAINER_CREDENTIALS_* is not set"},
        {"a role without a region for STS",
         "[default]\nrole_arn = arn\nsource_profile = b\n[profile b]\naws_access_key_id = A\n"
         "aws_secret_access_key = s\n",
         NULL,
         "no region for STS is set; set AWS_REGION, or region in the profile"},
        {"an invalid duration",
         "[default]\nrole_arn = arn\nregion = eu-west-1\nsource_profile = b\n"
         "duration_seconds = 10\n[profile b]\naws_access_key_id = A\naws_secret_access_key = s\n",
         NULL,
         "config:5: duration_seconds is \"10\"; write a number from 900 to 43200"},
        {"a source profile without credentials",
         "[default]\nrole_arn = arn\nregion = eu-west-1\nsource_profile = b\n[profile b]\n"
         "output = json\n",
         NULL,
         "config:4: source_profile names \"b\", which contains no credentials"},
        {"a source profile with half a pair",
         "[default]\nrole_arn = r\nregion = eu-west-1\nsource_profile = b\n[profile b]\n"
         "aws_access_key_id = A\n",
         NULL,
         "config:6: the profile \"b\" has an aws_access_key_id but no aws_secret_access_key"},
        {"a profile that is its own source, without keys",
         "[default]\nrole_arn = r\nregion = eu-west-1\nsource_profile = default\n",
         NULL,
         "config:2: the source_profile entries of \"default\" form a cycle"},
        {"a cycle that ends at a profile with keys",
         "[default]\nrole_arn = r\nregion = eu-west-1\nsource_profile = b\naws_access_key_id = A\n"
         "aws_secret_access_key = s\n[profile b]\nrole_arn = r\nsource_profile = default\n",
         NULL,
         "config:2: the source_profile entries of \"default\" form a cycle"},
        {"a cycle of three that ends at half a key pair",
         "[default]\nregion = eu-west-1\nrole_arn = r\nsource_profile = b\n"
         "aws_secret_access_key = s\n[profile b]\nrole_arn = r\nsource_profile = c\n[profile c]\n"
         "role_arn = r\nsource_profile = default\n",
         NULL,
         "config:3: the source_profile entries of \"default\" form a cycle"},
        {"a cycle that does not contain the first profile",
         "[default]\nregion = eu-west-1\nrole_arn = r\nsource_profile = b\n[profile b]\n"
         "role_arn = r\nsource_profile = c\n[profile c]\nrole_arn = r\nsource_profile = b\n",
         NULL,
         "config:6: the source_profile entries of \"default\" form a cycle"},
    };
    for_each_row(row, rows, row->name) {
        struct asked asked;
        ask_chain(&asked, NULL, row->config, NULL);
        if (row->refusal != NULL) {
            expect_number(row->name, asked.outcome, RIA_FAILED);
            expect_piece(row->name, asked.err.text, row->refusal);
            expect_number(row->name, asked.err.code, RIA_E_CREDENTIALS);
            /* A plan is complete before any command runs and any request is sent. */
            expect_number(row->name, asked.fake.fetches, 0);
        } else {
            const char *token = ria_buf_text(&asked.response.credentials.session_token);
            expect_number(row->name, asked.outcome, RIA_FOUND);
            expect_text(row->name, token, row->session_token);
        }
        ria_response_release(&asked.response);
    }
}

/* Makes the plan of one call; releases the plan of the previous call first. */
static enum ria_outcome provide(
    const struct ria_query *ask, struct ria_plan *plan, struct ria_error *err)
{
    struct ria_trail trail;
    ria_plan_release(plan);
    return ria_chain_plan(ask, plan, &trail, err);
}

static void keys_and_session_token_come_from_one_file(void **state)
{
    (void)state;
    struct asked asked;
    ria_fake_init(&asked.fake);
    ria_fake_file(
        &asked.fake,
        RIA_FAKE_AWS_CONFIG,
        "[default]\naws_access_key_id = C\naws_secret_access_key = s\naws_session_token = t\n");
    ria_fake_file(
        &asked.fake,
        RIA_FAKE_AWS_CREDENTIALS,
        "[default]\naws_access_key_id = K\naws_secret_access_key = s\n");
    struct ria_query ask = {
        .world = &asked.fake.world, .deadline = ria_deadline_in(&asked.fake.world, 1000)};
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    assert_int_equal(provide(&ask, &plan, &asked.err), RIA_FOUND);
    assert_string_equal(ria_buf_text(&plan.keys.access_key_id), "K");
    assert_string_equal(ria_buf_text(&plan.keys.session_token), "");
    ria_fake_file(&asked.fake, RIA_FAKE_AWS_CREDENTIALS, "[default]\naws_access_key_id = K\n");
    assert_int_equal(provide(&ask, &plan, &asked.err), RIA_FAILED);
    expect_piece(
        "a half in each",
        asked.err.text,
        "/home/u/.aws/credentials:2: the keys of the profile \"default\" are in two files; put "
        "both into this one");
}

static void keys_in_a_file_that_others_can_write_are_rejected(void **state)
{
    (void)state;
    static const mode_t modes[] = {0100600, 0100644, 0100620, 0100602};
    for (size_t i = 0; i < RIA_COUNT(modes); i++) {
        struct ria_error err = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        struct ria_fake_file *file = ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, keys_a);
        file->file.mode = modes[i];
        file->file.group = 50;
        struct ria_query ask = {
            .world = &fake.world,
            .deadline = ria_deadline_in(&fake.world, 1000),
            .profile = {"a", "--profile", 0}};
        RIA_AUTO(plan) plan = RIA_PLAN_INIT;
        assert_int_equal(provide(&ask, &plan, &err), i < 2 ? RIA_FOUND : RIA_FAILED);
        if (i >= 2) {
            expect_piece("the command", err.text, "can write it; run: chmod ");
            assert_int_equal(plan.keys.secret_access_key.len, 0);
        }
    }
}

static void without_credentials_the_message_lists_every_source(void **state)
{
    (void)state;
    struct asked asked;
    ask_chain(&asked, NULL, NULL, NULL);
    assert_int_equal(asked.outcome, RIA_ABSENT);
    assert_int_equal(asked.err.code, RIA_E_NO_CREDENTIALS);
    expect_text(
        "every source",
        asked.err.text,
        "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret. Tried "
        "environment: AWS_ACCESS_KEY_ID is not set; "
        "profile: neither /home/u/.aws/config nor /home/u/.aws/credentials exists; "
        "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set; "
        "container: AWS_CONTAINER_CREDENTIALS_* is not set; "
        "instance metadata: no instance metadata");
    expect_number("steps of the trail", asked.trail.count, 5);
    for (size_t i = 0; i < asked.trail.count; i++) {
        assert_int_equal(asked.trail.step[i].outcome, RIA_ABSENT);
    }
}

static void the_trail_ends_with_the_source_that_gave_keys_or_failed(void **state)
{
    (void)state;
    static const struct variable named[] = {{"AWS_PROFILE", "a"}, {NULL, NULL}};
    struct asked asked;
    ask_chain(&asked, named, keys_a, NULL);
    assert_int_equal(asked.outcome, RIA_FOUND);
    assert_int_equal(asked.trail.count, 3);
    assert_string_equal(asked.trail.step[0].source, "environment");
    assert_string_equal(asked.trail.step[1].source, "web identity");
    assert_string_equal(asked.trail.step[2].text, "profile a (/home/u/.aws/config:2)");
    ria_response_release(&asked.response);
    ask_chain(&asked, named, NULL, NULL);
    assert_int_equal(asked.outcome, RIA_FAILED);
    assert_int_equal(asked.trail.count, 2);
    assert_int_equal(asked.trail.step[1].outcome, RIA_FAILED);
}

static void a_deadline_that_passes_between_two_sources_ends_the_search(void **state)
{
    (void)state;
    struct ria_error err = {0};
    struct ria_trail trail;
    struct ria_fake fake;
    ria_fake_init(&fake);
    struct ria_query ask = {.world = &fake.world, .deadline = ria_deadline_in(&fake.world, 100)};
    fake.ticks_step = 40;
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    assert_int_equal(ria_chain_find(&ask, &response, &trail, &err), RIA_FAILED);
    assert_int_equal(err.code, RIA_E_DEADLINE);
    assert_string_equal(
        err.text,
        "the time for a login ran out before the credential source \"web identity\" was tried");
    assert_int_equal(trail.count, 2);
}

static void the_cache_is_in_the_users_own_runtime_directory_or_in_the_home(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *runtime;
        const char *foreign;
        const char *first;
    } rows[] = {
        {"the user's own", "/run/user/1", NULL, "/run/user/1/rds-iam/cache"},
        {"another user's", "/run/user/1", "/run/user/1", "/home/u/.cache/rds-iam/cache"},
        {"a relative one", "run", NULL, "/home/u/.cache/rds-iam/cache"},
        {"none", "", NULL, "/home/u/.cache/rds-iam/cache"},
    };
    for_each_row(row, rows, row->name) {
        struct ria_fake fake;
        char path[RIA_PATH_MAX];
        ria_fake_init(&fake);
        ria_fake_env(&fake, "XDG_RUNTIME_DIR", row->runtime);
        fake.foreign_directory = row->foreign;
        expect(row->name, ria_cache_directory(&fake.world, 0, path));
        expect_text(row->name, path, row->first);
        bool has_second = strcmp(row->first, "/run/user/1/rds-iam/cache") == 0;
        expect_number(row->name, ria_cache_directory(&fake.world, 1, path), has_second);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_gives_keys_or_an_error),
        cmocka_unit_test(the_chosen_profile_is_used),
        cmocka_unit_test(a_named_profile_that_does_not_exist_is_an_error_even_without_files),
        cmocka_unit_test(without_a_home_the_message_states_that_home_is_not_set),
        cmocka_unit_test(a_profile_gives_keys_or_an_error),
        cmocka_unit_test(keys_and_session_token_come_from_one_file),
        cmocka_unit_test(keys_in_a_file_that_others_can_write_are_rejected),
        cmocka_unit_test(without_credentials_the_message_lists_every_source),
        cmocka_unit_test(the_trail_ends_with_the_source_that_gave_keys_or_failed),
        cmocka_unit_test(a_deadline_that_passes_between_two_sources_ends_the_search),
        cmocka_unit_test(the_cache_is_in_the_users_own_runtime_directory_or_in_the_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
