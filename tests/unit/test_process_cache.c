/* SPDX-License-Identifier: MIT
 *
 * cache_credential_process: the setting, the directory and file name of cached output, and the
 * message about a command that takes longer than a login allows. */
#include "rds_iam.h"

#include "config/config.h"
#include "fake_world.h"
#include "provider/cache.h"
#include "provider/chain.h"
#include "provider/memory_cache.h"
#include "unit.h"

#define HOST "db.abc.eu-west-1.rds.amazonaws.com"
#define RUNTIME "/run/user/1000"
#define CACHE RUNTIME "/rds-iam/cache"
#define COMMAND "[profile p]\ncredential_process = get\n"
#define YES "cache_credential_process = yes\n"

/* -- the setting ---------------------------------------------------------------------------- */

static bool load(const char *text, struct ria_config *config, struct ria_error *err)
{
    struct ria_fake fake;
    ria_fake_init(&fake);
    ria_fake_file(&fake, RIA_FAKE_CONFIG, text);
    return ria_config_load(&fake.world, config, err);
}

static void the_setting_is_yes_or_no_in_any_section(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
        unsigned line; /* 0: off */
        const char *refusal;
    } rows[] = {
        {"unset", "[h.x]\nprofile = p\n", 0, NULL},
        {"yes", "[h.x]\n" YES, 2, NULL},
        {"no", "[h.x]\ncache_credential_process = no\n", 0, NULL},
        {"yes in a section with a wildcard", "[*.x]\nprofile = p\n" YES, 3, NULL},
        {"yes in a section for a user and a port", "[u@h.x:1]\n" YES, 2, NULL},
        {"yes in a section for another host", "[g.x]\n" YES, 0, NULL},
        {"yes in a later section that also matches", "[h.x]\nprofile = p\n[*.x]\n" YES, 0, NULL},
        {"another word",
         "[h.x]\ncache_credential_process = maybe\n",
         0,
         RIA_FAKE_CONFIG ":2: cache_credential_process is \"maybe\"; write yes or no"},
        {"another case",
         "[h.x]\ncache_credential_process = Yes\n",
         0,
         RIA_FAKE_CONFIG ":2: cache_credential_process is \"Yes\"; write yes or no"},
        {"true",
         "[h.x]\n\ncache_credential_process = true\n",
         0,
         RIA_FAKE_CONFIG ":3: cache_credential_process is \"true\"; write yes or no"},
        {"nothing",
         "[h.x]\ncache_credential_process =\n",
         0,
         RIA_FAKE_CONFIG ":2: cache_credential_process is \"\"; write yes or no"},
    };
    for_each_row(row, rows, row->name) {
        RIA_AUTO(config) config = {0};
        struct ria_error err = {0};
        struct ria_section target;
        bool ok = load(row->text, &config, &err);
        expect_text(row->name, ok ? "" : err.text, row->refusal == NULL ? "" : row->refusal);
        expect(row->name, ok == (row->refusal == NULL));
        ria_config_match(&config, "h.x", 1, "u", &target);
        expect(row->name, (target.process_cache.value != NULL) == (row->line != 0));
        expect_number(row->name, target.process_cache.line, row->line);
    }
}

static void without_a_login_the_section_of_the_profile_is_used(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *profile;
        const char *active;
        unsigned line; /* 0: off */
    } rows[] = {
        {"[h]\nprofile = p\n" YES, "p", "default", 3},
        {"[h]\nprofile = p\n" YES, "q", "default", 0},
        {"[h]\nprofile = p\n" YES, "default", "default", 0},
        {"[h]\nprofile = p\n", "p", "default", 0},
        {"[h]\n" YES, "default", "default", 2},
        {"[h]\n" YES, "p", "p", 2},
        {"[h]\n" YES, "p", "default", 0},
        {"[g]\nprofile = p\n[h]\nprofile = p\n" YES "[i]\nprofile = p\n" YES, "p", "default", 5},
    };
    for_each_row(row, rows, row->text) {
        RIA_AUTO(config) config = {0};
        struct ria_error err = {0};
        struct ria_setting found = {0};
        expect(row->text, load(row->text, &config, &err));
        bool is_found = ria_config_caches_process(&config, row->profile, row->active, &found);
        expect_number(row->text, found.line, row->line);
        expect(row->text, is_found == (row->line != 0));
    }
}

/* -- place and name ------------------------------------------------------------------------- */

static const struct ria_setting yes = {"yes", RIA_FAKE_CONFIG, 3};

/* Makes the plan of the chain in this world, with or without the setting. */
static void find_plan(
    struct ria_fake *fake, const struct ria_setting *wanted, struct ria_plan *plan)
{
    struct ria_query ask = {
        .world = &fake->world,
        .deadline = ria_deadline_in(&fake->world, 1000),
        .process_cache = wanted == NULL ? (struct ria_setting){0} : *wanted,
    };
    struct ria_trail trail;
    struct ria_error err = {0};
    expect_number(err.text, ria_chain_plan(&ask, plan, &trail, &err), RIA_FOUND);
}

static void find_place(
    struct ria_fake *fake, const struct ria_setting *wanted, struct ria_cache_place *place)
{
    __attribute__((cleanup(ria_plan_release))) struct ria_plan plan = RIA_PLAN_INIT;
    struct ria_error err;
    find_plan(fake, wanted, &plan);
    assert_true(ria_cache_find_place(&fake->world, &plan, place, &err));
}

struct variable {
    const char *name;
    const char *value;
};

static void the_entry_name_depends_on_command_file_profile_and_environment(void **state)
{
    (void)state;
    static const char file[] = "/file"; /* not below HOME */
    static const char other_file[] = "/other";
    static const struct {
        const char *name;
        struct variable variables[3];
        const char *config;
        bool is_same;
    } rows[] = {
        {"control: the same", {{NULL, NULL}}, COMMAND, true},
        {"control: another variable", {{"LANG", "C"}}, COMMAND, true},
        {"control: one more line above the command", {{NULL, NULL}}, "\n" COMMAND, true},
        {"control: another key of the profile", {{NULL, NULL}}, COMMAND "region = r\n", true},
        {"another command", {{NULL, NULL}}, "[profile p]\ncredential_process = get it\n", false},
        {"another profile",
         {{"AWS_PROFILE", "q"}},
         "[profile q]\ncredential_process = get\n",
         false},
        {"a variable that begins with AWS_", {{"AWS_X", "1"}}, COMMAND, false},
        {"an empty variable that begins with AWS_", {{"AWS_X", ""}}, COMMAND, false},
        {"a variable that contains a secret", {{"AWS_MFA_TOKEN", "123456"}}, COMMAND, false},
        {"another file", {{"AWS_CONFIG_FILE", other_file}}, COMMAND, false},
        {"another home", {{"HOME", "/home/v"}}, COMMAND, false},
    };
    struct ria_cache_place first = {{0}, {0}};
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        struct ria_cache_place place;
        struct ria_fake fake;
        ria_fake_init(&fake);
        ria_fake_env(&fake, "AWS_PROFILE", "p");
        ria_fake_env(&fake, "AWS_CONFIG_FILE", file);
        for (size_t j = 0; rows[i].variables[j].name != NULL; j++) {
            ria_fake_env(&fake, rows[i].variables[j].name, rows[i].variables[j].value);
        }
        ria_fake_file(&fake, file, rows[i].config);
        ria_fake_file(&fake, other_file, rows[i].config);
        find_place(&fake, &yes, &place);
        first = i == 0 ? place : first;
        expect(rows[i].name, (strcmp(place.name, first.name) == 0) == rows[i].is_same);
    }
}

/* If HOME is unset, the home of the passwd entry is used, as in rds-iam-fetch. */
static void the_home_from_passwd_has_the_same_effect_as_the_variable(void **state)
{
    (void)state;
    struct ria_cache_place place[3];
    for (size_t i = 0; i < RIA_COUNT(place); i++) {
        struct ria_fake fake;
        ria_fake_init(&fake);
        fake.passwd_home = i == 2 ? "/home/v" : "/home/u";
        ria_fake_env(&fake, "HOME", i == 0 ? "/home/u" : NULL);
        ria_fake_env(&fake, "AWS_CONFIG_FILE", "/f");
        ria_fake_file(&fake, "/f", "[default]\ncredential_process = get\n");
        find_place(&fake, &yes, &place[i]);
    }
    assert_string_equal(place[0].name, place[1].name);
    assert_string_not_equal(place[0].name, place[2].name);
}

static void the_cache_is_below_the_runtime_directory_or_off(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const struct ria_setting *wanted;
        const char *runtime;
        const char *foreign;
        const char *directory;
        const char *fault; /* of the runtime directory */
    } rows[] = {
        {"the setting is yes", &yes, RUNTIME, NULL, CACHE, NULL},
        {"the setting is missing", NULL, RUNTIME, NULL, "", NULL},
        {"XDG_RUNTIME_DIR is not set", &yes, NULL, NULL, "", "not set"},
        {"XDG_RUNTIME_DIR is empty", &yes, "", NULL, "", "not set"},
        {"a relative directory", &yes, "run", NULL, "", "not an absolute path"},
        {"a directory that others can write",
         &yes,
         RUNTIME,
         RUNTIME,
         "",
         "not a directory that only you can write"},
    };
    for_each_row(row, rows, row->name) {
        struct ria_cache_place place;
        struct ria_fake fake;
        ria_fake_init(&fake);
        ria_fake_env(&fake, "XDG_RUNTIME_DIR", row->runtime);
        fake.foreign_directory = row->foreign;
        ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, "[default]\ncredential_process = get\n");
        find_place(&fake, row->wanted, &place);
        expect_text(row->name, place.directory, row->directory);
        const char *fault = ria_cache_runtime_fault(&fake.world);
        expect_text(row->name, fault == NULL ? "" : fault, row->fault == NULL ? "" : row->fault);
    }
}

static void the_command_of_a_source_profile_has_its_own_entry(void **state)
{
    (void)state;
    static const char config[] = "[default]\ncredential_process = get\n"
                                 "[profile r]\nrole_arn = arn:r\nsource_profile = default\n"
                                 "region = eu-west-1\n";
    struct ria_fake fake;
    ria_fake_init(&fake);
    ria_fake_env(&fake, "XDG_RUNTIME_DIR", RUNTIME);
    ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, config);
    struct ria_cache_place alone;
    struct ria_cache_place whole;
    struct ria_cache_place below;
    find_place(&fake, &yes, &alone);
    __attribute__((cleanup(ria_plan_release))) struct ria_plan plan = RIA_PLAN_INIT;
    __attribute__((cleanup(ria_plan_release))) struct ria_plan unasked = RIA_PLAN_INIT;
    struct ria_error err = {0};
    struct ria_query ask = {
        .world = &fake.world,
        .deadline = ria_deadline_in(&fake.world, 1000),
        .profile = {"r", "--profile", 0},
        .process_cache = yes,
    };
    struct ria_trail trail;
    assert_int_equal(ria_chain_plan(&ask, &plan, &trail, &err), RIA_FOUND);
    assert_true(ria_cache_find_place(&fake.world, &plan, &whole, &err));
    assert_true(ria_cache_find_process(&fake.world, &plan, &below));
    assert_int_equal(plan.role_count, 1);
    assert_string_equal(whole.directory, CACHE);
    assert_string_equal(below.directory, CACHE);
    assert_string_not_equal(whole.name, below.name);
    assert_string_equal(below.name, alone.name);
    ask.process_cache.value = NULL;
    assert_int_equal(ria_chain_plan(&ask, &unasked, &trail, &err), RIA_FOUND);
    assert_false(ria_cache_find_process(&fake.world, &unasked, &below));
}

static void other_sources_ignore_the_setting(void **state)
{
    (void)state;
    struct ria_fake fake;
    __attribute__((cleanup(ria_plan_release))) struct ria_plan plan = RIA_PLAN_INIT;
    struct ria_cache_place place;
    ria_fake_init(&fake);
    ria_fake_env(&fake, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/");
    ria_fake_env(&fake, "XDG_RUNTIME_DIR", RUNTIME);
    find_plan(&fake, &yes, &plan);
    assert_null(plan.value[RIA_PLAN_PROCESS_CACHE].value);
    assert_false(ria_cache_find_process(&fake.world, &plan, &place));
}

/* -- messages ------------------------------------------------------------------------------- */

/* Stores the message of a login, or of the command line tool, in `err`. rds-iam-fetch returns the
 * error `given`. */
static void ask(
    const char *ours,
    const char *runtime,
    const char *host,
    const struct ria_error *given,
    int64_t budget,
    struct ria_error *err)
{
    static const char aws[] = COMMAND "[profile r]\nrole_arn = arn:r\nsource_profile = p\n"
                                      "region = eu-west-1\n";
    struct ria_fake fake;
    struct ria_response response = RIA_RESPONSE_INIT;
    ria_memory_cache_clear();
    ria_fake_init(&fake);
    ria_fake_env(&fake, "AWS_PROFILE", "p");
    ria_fake_env(&fake, "XDG_RUNTIME_DIR", runtime);
    ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, aws);
    ria_fake_file(&fake, RIA_FAKE_CONFIG, ours);
    response.err = *given;
    fake.response = &response;
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    const struct ria_login login = {
        .host = host, .port = 5432, .user = "etl", .channel = RIA_CHANNEL_VERIFIED};
    struct ria_deadline deadline = ria_deadline_in(&fake.world, budget);
    assert_int_equal(ria_token_for(&login, deadline, &fake.world, &token, err), RIA_FAILED);
}

#define BEGIN "/home/u/.aws/config:2: the credential_process exceeded the 10 s limit of a login; "
#define RUN "rds-iam credentials --hostname " HOST " --port 5432 --username etl"
#define LONG_HOST                                                                                  \
    "a-rather-long-name-of-a-cluster-whose-owner-likes-names-of-sixty-three.cluster-abcdefghijkl." \
    "eu-west-1.rds.amazonaws.com"

static void a_login_error_names_limit_setting_and_command(void **state)
{
    (void)state;
    static const struct ria_error slow = {RIA_E_SLOW_PROCESS, "slow: touch the key"};
    static const struct {
        const char *name;
        const char *ours;
        const char *runtime;
        const char *host;
        const char *want;
    } rows[] = {
        {"the setting is off",
         "[h]\n",
         RUNTIME,
         HOST,
         BEGIN "set cache_credential_process = yes for this host in ~/.config/rds-iam/config, then "
               "run in this environment: " RUN},
        {"the setting is on",
         "[" HOST "]\n" YES,
         RUNTIME,
         HOST,
         BEGIN "run in this environment: " RUN},
        {"the setting is on in a section with a wildcard",
         "[*.rds.amazonaws.com]\n" YES,
         RUNTIME,
         HOST,
         BEGIN "run in this environment: " RUN},
        {"on, and without a runtime directory",
         "[" HOST "]\n" YES,
         "",
         HOST,
         BEGIN "fix XDG_RUNTIME_DIR (it is not set), run in this environment: " RUN},
        {"off, and without a runtime directory",
         "[h]\n",
         "",
         HOST,
         BEGIN "fix XDG_RUNTIME_DIR (it is not set), set cache_credential_process = yes for "
               "this host in ~/.config/rds-iam/config, then run in this environment: " RUN},
        {"a long host name: the message is shortened to what every client shows",
         "[h]\n",
         "run",
         LONG_HOST,
         BEGIN "fix XDG_RUNTIME_DIR (it is not an absolute path), set cache_credential_process "
               "= yes, then run: rds-iam credentials --hostname " LONG_HOST
               " --port 5432 --username etl"},
    };
    for_each_row(row, rows, row->name) {
        struct ria_error err = {0};
        ask(row->ours, row->runtime, row->host, &slow, RIA_LOGIN_BUDGET_MS, &err);
        expect_text(row->name, err.text, row->want);
        expect_number(row->name, err.code, RIA_E_SLOW_PROCESS);
        expect(row->name, strlen(err.text) <= RIA_ERROR_SHOWN_MAX);
    }
}

static void only_a_slow_command_gets_the_message_about_the_limit(void **state)
{
    (void)state;
    static const char on_role[] = "[" HOST "]\nprofile = r\n";
    static const struct {
        const char *name;
        const char *ours;
        struct ria_error given;
        int64_t budget;
        const char *want;
    } rows[] = {
        {"the command of a role's source profile",
         on_role,
         {RIA_E_SLOW_PROCESS, "slow"},
         RIA_LOGIN_BUDGET_MS,
         BEGIN "set cache_credential_process = yes for this host"},
        {"a role whose service is slow",
         on_role,
         {RIA_E_DEADLINE, "STS"},
         RIA_LOGIN_BUDGET_MS,
         "STS"},
        {"a command that kept rds-iam-fetch from returning in time",
         "[h]\n",
         {RIA_E_DEADLINE, "killed"},
         RIA_LOGIN_BUDGET_MS,
         BEGIN "set cache_credential_process = yes for this host"},
        {"such a command, and the time limit of the command line tool",
         "[h]\n",
         {RIA_E_DEADLINE, "killed"},
         RIA_INTERACTIVE_BUDGET_MS,
         "/home/u/.aws/config:2: the credential_process did not finish within 60 s; run it by hand "
         "to see why"},
        {"a slow command, whose output the command line tool shows",
         "[h]\n",
         {RIA_E_SLOW_PROCESS, "slow: touch the key"},
         RIA_INTERACTIVE_BUDGET_MS,
         "slow: touch the key"},
        {"a command that fails", "[h]\n", {RIA_E_CREDENTIALS, "it failed"}, 1000, "it failed"},
    };
    for_each_row(row, rows, row->name) {
        struct ria_error err = {0};
        ask(row->ours, RUNTIME, HOST, &row->given, row->budget, &err);
        expect_piece(row->name, err.text, row->want);
        bool is_replaced = strchr(row->want, ';') != NULL;
        expect(row->name, is_replaced == (strstr(err.text, row->given.text) == NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_setting_is_yes_or_no_in_any_section),
        cmocka_unit_test(without_a_login_the_section_of_the_profile_is_used),
        cmocka_unit_test(the_entry_name_depends_on_command_file_profile_and_environment),
        cmocka_unit_test(the_home_from_passwd_has_the_same_effect_as_the_variable),
        cmocka_unit_test(the_cache_is_below_the_runtime_directory_or_off),
        cmocka_unit_test(the_command_of_a_source_profile_has_its_own_entry),
        cmocka_unit_test(other_sources_ignore_the_setting),
        cmocka_unit_test(a_login_error_names_limit_setting_and_command),
        cmocka_unit_test(only_a_slow_command_gets_the_message_about_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
