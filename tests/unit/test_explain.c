/* SPDX-License-Identifier: MIT
 *
 * The output of rds-iam credentials --explain: each setting with its place (file and line, variable
 * or option), and no secret. The tests compare whole outputs. */
#include "rds_iam.h"

#include "fake_world.h"
#include "login/explain.h"
#include "provider/memory_cache.h"
#include "unit.h"

#define HOST "db.abc.eu-west-1.rds.amazonaws.com"
#define SECRET "a/Secret+that/nobody+may+read"
#define KEYS "aws_access_key_id = AKIA\naws_secret_access_key = " SECRET "\n"

struct variable {
    const char *name;
    const char *value;
};

struct explained {
    struct ria_fake fake;
    struct ria_response given; /* of rds-iam-fetch */
    struct ria_session session;
    struct ria_error err;
    enum ria_outcome outcome;
};

static void release(struct explained *explained)
{
    ria_response_release(&explained->given);
    ria_session_release(&explained->session);
}

/* Requests credentials (a session) in a fake world of files and variables. The fake rds-iam-fetch
 * returns temporary credentials of a role. */
static void explain(
    struct explained *out,
    const struct variable *variables,
    const char *aws,
    const char *ours,
    const struct ria_login *login)
{
    *out = (struct explained){.given = RIA_RESPONSE_INIT, .session = RIA_SESSION_INIT};
    ria_memory_cache_clear();
    ria_fake_init(&out->fake);
    for (; variables->name != NULL; variables++) {
        ria_fake_env(&out->fake, variables->name, variables->value);
    }
    ria_fake_file(&out->fake, "/t", SECRET);
    if (aws != NULL) {
        ria_fake_file(&out->fake, RIA_FAKE_AWS_CONFIG, aws);
    }
    if (ours != NULL) {
        ria_fake_file(&out->fake, RIA_FAKE_CONFIG, ours);
    }
    out->given.outcome = RIA_FOUND;
    out->given.credentials.expires = out->fake.now + 3600;
    ria_buf_add_text(&out->given.credentials.access_key_id, "ASIA");
    ria_buf_add_text(&out->given.credentials.secret_access_key, SECRET);
    ria_buf_add_text(&out->given.credentials.session_token, SECRET);
    (void)snprintf(out->given.identity, sizeof(out->given.identity), "arn:of:session");
    out->fake.response = &out->given;
    struct ria_deadline deadline = ria_deadline_in(&out->fake.world, RIA_LOGIN_BUDGET_MS);
    out->outcome =
        ria_session_for(login, NULL, deadline, &out->fake.world, &out->session, &out->err);
}

static const struct ria_login nowhere = {.channel = RIA_CHANNEL_NONE};
static const struct ria_login there = {
    .host = HOST, .port = 5432, .user = "u", .channel = RIA_CHANNEL_NONE};
static const struct ria_login odd = {
    .host = HOST, .port = 5432, .user = "u; v", .channel = RIA_CHANNEL_NONE};
static const struct ria_login person = {
    .host = HOST, .port = 5432, .user = "u", .region = "eu-west-3", .channel = RIA_CHANNEL_NONE};
static const struct ria_login tunnel = {
    .host = "127.0.0.1", .port = 13306, .user = "u", .channel = RIA_CHANNEL_NONE};
static const struct ria_login chosen = {.profile = "a", .channel = RIA_CHANNEL_NONE};

#define ASKED_ENV "environment        absent  AWS_ACCESS_KEY_ID is not set\n"
#define PASSED_ENV "environment        absent  skipped, because a profile is named\n"
#define NO_PROFILE                                                                                 \
    "profile            absent  neither /home/u/.aws/config nor /home/u/.aws/credentials exists\n"
#define NO_WEB "web identity       absent  AWS_WEB_IDENTITY_TOKEN_FILE is not set\n"
#define NO_CONTAINER "container          absent  AWS_CONTAINER_CREDENTIALS_* is not set\n"
#define FETCHED                                                                                    \
    "credentials        obtained now\naccess key         ASIA\nidentity           "                \
    "arn:of:session\n"                                                                             \
    "expires            20260822T133456Z\n"
#define AS_THEY_ARE                                                                                \
    "credentials        obtained from settings, no AWS request\naccess key         AKIA\n"

static void each_setting_is_printed_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const struct ria_login *login;
        struct variable variables[6];
        const char *aws;
        const char *ours;
        const char *want;
    } rows[] = {
        {"keys of the environment with an expiry time, and a database",
         &there,
         {{"AWS_ACCESS_KEY_ID", "AKIA"},
          {"AWS_SECRET_ACCESS_KEY", SECRET},
          {"AWS_CREDENTIAL_EXPIRATION", "2026-08-22T20:00:00Z"}},
         NULL,
         NULL,
         "database           " HOST ":5432\nregion             eu-west-1 (the endpoint's name)\n"
         "environment        found   the environment\n"
         "source             the environment (AWS_ACCESS_KEY_ID)\n" AS_THEY_ARE
         "expires            20260822T200000Z\n"},
        {"keys of a profile, without a database",
         &chosen,
         {{NULL, NULL}},
         "[profile a]\n" KEYS,
         NULL,
         "profile            a (--profile)\n" PASSED_ENV
         "profile            found   profile a (/home/u/.aws/config:2)\n"
         "source             profile a (/home/u/.aws/config:2)\n" AS_THEY_ARE
         "expires            without an expiry time\n"},
        {"the region of the command line",
         &person,
         {{"AWS_ACCESS_KEY_ID", "AKIA"}, {"AWS_SECRET_ACCESS_KEY", SECRET}},
         NULL,
         "[" HOST "]\nregion = eu-west-2\n",
         "database           " HOST ":5432\nregion             eu-west-3 (--region)\n"
         "environment        found   the environment\n"
         "source             the environment (AWS_ACCESS_KEY_ID)\n" AS_THEY_ARE
         "expires            without an expiry time\n"},
        {"a tunnel, its region and its profile",
         &tunnel,
         {{NULL, NULL}},
         "[profile a]\n" KEYS,
         "[127.0.0.1:13306]\nendpoint = " HOST ":3306\nregion = eu-west-2\nprofile = a\n",
         "database           " HOST ":3306\n"
         "endpoint           " HOST ":3306 (/home/u/.config/rds-iam/config:2)\n"
         "region             eu-west-2 (/home/u/.config/rds-iam/config:3)\n"
         "profile            a (/home/u/.config/rds-iam/config:4)\n" PASSED_ENV
         "profile            found   profile a (/home/u/.aws/config:2)\n"
         "source             profile a (/home/u/.aws/config:2)\n" AS_THEY_ARE
         "expires            without an expiry time\n"},
        {"a role of our configuration, requested in the database's region",
         &there,
         {{"AWS_ACCESS_KEY_ID", "AKIA"}, {"AWS_SECRET_ACCESS_KEY", SECRET}},
         NULL,
         "[" HOST "]\nrole_arn = arn:r\nexternal_id = " SECRET "\nsession_tags = a=b, c=d\n"
         "transitive_tag_keys = a\nduration_seconds = 900\nsource_identity = jane\n",
         "database           " HOST ":5432\nregion             eu-west-1 (the endpoint's name)\n"
         "environment        found   the environment\n"
         "source             the environment (AWS_ACCESS_KEY_ID)\n"
         "role               arn:r (/home/u/.config/rds-iam/config:2)\n"
         "  session name     rds-iam\n"
         "  duration (s)     900 (/home/u/.config/rds-iam/config:6)\n"
         "  external id      sent, value not shown (/home/u/.config/rds-iam/config:3)\n"
         "  source identity  jane (/home/u/.config/rds-iam/config:7)\n"
         "  tags             a=b, c=d (/home/u/.config/rds-iam/config:4)\n"
         "  transitive tags  a (/home/u/.config/rds-iam/config:5)\n"
         "  region           eu-west-1 (the endpoint's name)\n"
         "  STS              https://sts.eu-west-1.amazonaws.com (the region's own)\n" FETCHED},
        {"the environment's region overrides the database's, an endpoint overrides both",
         &there,
         {{"AWS_ACCESS_KEY_ID", "AKIA"},
          {"AWS_SECRET_ACCESS_KEY", SECRET},
          {"AWS_DEFAULT_REGION", "cn-north-1"},
          {"AWS_ENDPOINT_URL", "https://user:" SECRET "@vpce/?k=" SECRET},
          {"AWS_CA_BUNDLE", "/ca"}},
         NULL,
         "[" HOST "]\nrole_arn = arn:r\nrole_session_name = s1\n",
         "database           " HOST ":5432\nregion             eu-west-1 (the endpoint's name)\n"
         "environment        found   the environment\n"
         "source             the environment (AWS_ACCESS_KEY_ID)\n"
         "role               arn:r (/home/u/.config/rds-iam/config:2)\n"
         "  session name     s1 (/home/u/.config/rds-iam/config:3)\n"
         "  region           cn-north-1 (AWS_DEFAULT_REGION)\n"
         "  STS              https://[URL not shown] (AWS_ENDPOINT_URL)\n"
         "CA bundle          /ca (AWS_CA_BUNDLE)\n" FETCHED},
        {"a role assumed by another role, both in the region of the first profile",
         &nowhere,
         {{"AWS_PROFILE", "a"}},
         "[profile a]\nrole_arn = arn:a\nsource_profile = b\nregion = cn-north-1\nca_bundle = /c\n"
         "[profile b]\nrole_arn = arn:b\nsource_profile = c\n[profile c]\n" KEYS,
         NULL,
         ASKED_ENV "profile            found   profile c (/home/u/.aws/config:10)\n"
                   "source             profile c (/home/u/.aws/config:10)\n"
                   "role               arn:b (/home/u/.aws/config:7)\n"
                   "  session name     rds-iam\n"
                   "  region           cn-north-1 (/home/u/.aws/config:4)\n"
                   "  STS              https://sts.cn-north-1.amazonaws.com.cn (the region's own)\n"
                   "role               arn:a (/home/u/.aws/config:2)\n"
                   "  session name     rds-iam\n"
                   "  region           cn-north-1 (/home/u/.aws/config:4)\n"
                   "  STS              https://sts.cn-north-1.amazonaws.com.cn (the region's own)\n"
                   "CA bundle          /c (/home/u/.aws/config:5)\n" FETCHED},
        {"a web identity",
         &nowhere,
         {{"AWS_WEB_IDENTITY_TOKEN_FILE", "/t"},
          {"AWS_ROLE_ARN", "arn:w"},
          {"AWS_REGION", "eu-west-1"},
          {"AWS_ROLE_SESSION_NAME", "pod"}},
         NULL,
         NULL,
         ASKED_ENV NO_PROFILE
         "web identity       found   the web identity of the environment\n"
         "source             the web identity of the environment (AWS_WEB_IDENTITY_TOKEN_FILE)\n"
         "role               arn:w (AWS_ROLE_ARN)\n"
         "  session name     pod (AWS_ROLE_SESSION_NAME)\n"
         "  region           eu-west-1 (AWS_REGION)\n"
         "  STS              https://sts.eu-west-1.amazonaws.com (the region's own)\n" FETCHED},
        {"a credential_process, of which only the place is printed",
         &nowhere,
         {{"AWS_DEFAULT_PROFILE", "a"}},
         "[profile a]\ncredential_process = get --with " SECRET "\n",
         NULL,
         ASKED_ENV NO_WEB
         "profile            found   the credential_process of profile a (/home/u/.aws/config:2)\n"
         "source             the credential_process of profile a (/home/u/.aws/config:2)\n"
         "process cache      none: cache_credential_process is not set\n" FETCHED},
        {"a credential_process whose output may be cached, without a directory for the cache",
         &there,
         {{"AWS_PROFILE", "a"}, {"XDG_RUNTIME_DIR", "run"}},
         "[profile a]\ncredential_process = get --with " SECRET "\n",
         "[" HOST "]\ncache_credential_process = yes\n",
         "database           " HOST
         ":5432\nregion             eu-west-1 (the endpoint's name)\n" ASKED_ENV NO_WEB
         "profile            found   the credential_process of profile a (/home/u/.aws/config:2)\n"
         "source             the credential_process of profile a (/home/u/.aws/config:2)\n"
         "process cache      none: XDG_RUNTIME_DIR is not an absolute path "
         "(/home/u/.config/rds-iam/config:2)\n" FETCHED},
        {"control sequences of a terminal are replaced",
         &chosen,
         {{NULL, NULL}},
         "[profile a]\nrole_arn = arn\nsource_profile = b\nregion = eu-west-1\n"
         "ca_bundle = /c\x1b[2J\n  t\n[profile b]\n" KEYS,
         NULL,
         "profile            a (--profile)\n" PASSED_ENV
         "profile            found   profile b (/home/u/.aws/config:8)\n"
         "source             profile b (/home/u/.aws/config:8)\n"
         "role               arn (/home/u/.aws/config:2)\n"
         "  session name     rds-iam\n"
         "  region           eu-west-1 (/home/u/.aws/config:4)\n"
         "  STS              https://sts.eu-west-1.amazonaws.com (the region's own)\n"
         "CA bundle          /c?[2J?t (/home/u/.aws/config:5)\n" FETCHED},
        {"a container",
         &nowhere,
         {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/" SECRET},
          {"AWS_CONTAINER_AUTHORIZATION_TOKEN", SECRET}},
         NULL,
         NULL,
         ASKED_ENV NO_PROFILE NO_WEB "container          found   the container's endpoint\n"
                                     "source             the container's endpoint "
                                     "(AWS_CONTAINER_CREDENTIALS_FULL_URI)\n" FETCHED},
        {"an instance",
         &nowhere,
         {{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6"}},
         NULL,
         NULL,
         ASKED_ENV NO_PROFILE NO_WEB NO_CONTAINER
         "instance metadata  found   the instance's role\n"
         "source             the instance's role\n"
         "metadata service   http://[fd00:ec2::254]\n" FETCHED},
    };
    for_each_row(row, rows, row->name) {
        __attribute__((cleanup(release))) struct explained explained;
        explain(&explained, row->variables, row->aws, row->ours, row->login);
        expect_number(row->name, explained.outcome, RIA_FOUND);
        const char *text = ria_buf_text(&explained.session.explanation);
        expect_text(row->name, text, row->want);
        expect(row->name, strstr(text, SECRET) == NULL);
        expect_text(
            "control: the session contains the secret",
            ria_buf_text(&explained.session.secret_access_key),
            SECRET);
    }
}

static void a_cached_response_is_reported_as_cached(void **state)
{
    (void)state;
    static const struct variable profile[] = {{"AWS_PROFILE", "a"}, {NULL, NULL}};
    __attribute__((cleanup(release))) struct explained once;
    explain(&once, profile, "[profile a]\ncredential_process = x\n", NULL, &nowhere);
    expect_piece(
        "first", ria_buf_text(&once.session.explanation), "credentials        obtained now\n");
    RIA_AUTO(session) again = RIA_SESSION_INIT;
    struct ria_deadline deadline = ria_deadline_in(&once.fake.world, RIA_LOGIN_BUDGET_MS);
    assert_int_equal(
        ria_session_for(&nowhere, NULL, deadline, &once.fake.world, &again, &once.err), RIA_FOUND);
    expect_piece(
        "then", ria_buf_text(&again.explanation), "credentials        cached in this process\n");
    assert_int_equal(once.fake.fetches, 1);
    ria_session_forget();
    RIA_AUTO(session) third = RIA_SESSION_INIT;
    assert_int_equal(
        ria_session_for(&nowhere, NULL, deadline, &once.fake.world, &third, &once.err), RIA_FOUND);
    assert_int_equal(once.fake.fetches, 2);
}

/* The token file was readable when the cached response was found, and is not any more. */
static void the_name_of_a_cache_file_is_left_out_if_it_cannot_be_computed(void **state)
{
    (void)state;
    struct ria_fake fake;
    ria_fake_init(&fake);
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    RIA_AUTO(buf) out = {.max = 4096};
    plan.source = RIA_SOURCE_WEB_IDENTITY;
    plan.value[RIA_PLAN_WEB_IDENTITY_TOKEN_FILE].value = "/t";
    ria_buf_add_text(&response.credentials.access_key_id, "ASIA");
    ria_explain_response(&fake.world, &plan, RIA_ORIGIN_FILE, &response, &out);
    expect_piece("no file", ria_buf_text(&out), "credentials        cached in a file\n");
    ria_buf_clear(&out);
    ria_fake_file(&fake, "/t", "token");
    ria_explain_response(&fake.world, &plan, RIA_ORIGIN_FILE, &response, &out);
    expect_piece("control", ria_buf_text(&out), "cached in /home/u/.cache/rds-iam/cache/");
}

static void a_failure_is_explained_up_to_the_failed_step(void **state)
{
    (void)state;
    static const struct variable profile[] = {{"AWS_PROFILE", "a"}, {NULL, NULL}};
    static const struct variable off[] = {{"AWS_EC2_METADATA_DISABLED", "true"}, {NULL, NULL}};
    __attribute__((cleanup(release))) struct explained circle;
    explain(
        &circle,
        profile,
        "[profile a]\nrole_arn = arn:a\nsource_profile = b\n"
        "[profile b]\nrole_arn = arn:b\nsource_profile = a\n",
        NULL,
        &nowhere);
    assert_int_equal(circle.outcome, RIA_FAILED);
    assert_int_equal(circle.fake.fetches, 0);
    expect_text(
        "a cycle",
        ria_buf_text(&circle.session.explanation),
        ASKED_ENV "profile            FAILED  /home/u/.aws/config:2: the source_profile entries of "
                  "\"a\" form a cycle; end them in a profile with keys\n");
    __attribute__((cleanup(release))) struct explained absent;
    explain(&absent, off, NULL, NULL, &nowhere);
    assert_int_equal(absent.outcome, RIA_ABSENT);
    expect_text(
        "nothing",
        ria_buf_text(&absent.session.explanation),
        ASKED_ENV NO_PROFILE NO_WEB NO_CONTAINER
        "instance metadata  absent  AWS_EC2_METADATA_DISABLED is true\n");
}

static void a_role_that_needs_an_mfa_code_is_refused_with_the_command_that_asks_for_it(void **state)
{
    (void)state;
    static const struct variable none[] = {{NULL, NULL}};
    static const char profile[] = "[profile a]\nrole_arn = arn:a\nsource_profile = b\n"
                                  "mfa_serial = arn:mfa\nregion = eu-west-1\n[profile b]\n"
                                  "credential_process = x\n";
    static const struct {
        const char *name;
        const struct ria_login *login;
        const char *ours;
        const char *command;
    } rows[] = {
        {"a profile that was chosen", &chosen, NULL, "rds-iam credentials --profile a,"},
        {"a database, because its section and its region are used",
         &there,
         "[" HOST "]\nprofile = a\n",
         "rds-iam credentials --hostname " HOST " --port 5432 --username u,"},
        {"a region that was given",
         &person,
         "[" HOST "]\nprofile = a\n",
         "rds-iam credentials --hostname " HOST " --port 5432 --username u --region eu-west-3,"},
        {"a user whose name a shell would split",
         &odd,
         "[" HOST "]\nprofile = a\n",
         "rds-iam credentials --hostname " HOST " --port 5432 --username USER,"},
    };
    for_each_row(row, rows, row->name) {
        __attribute__((cleanup(release))) struct explained asked;
        explain(&asked, none, profile, row->ours, row->login);
        expect_number(row->name, asked.outcome, RIA_FAILED);
        expect_number(row->name, asked.err.code, RIA_E_MFA);
        expect_number(row->name, asked.fake.fetches, 0);
        expect_text(row->name, ria_buf_text(&asked.session.mfa_serial), "arn:mfa");
        expect_piece(row->name, asked.err.text, "/home/u/.aws/config:4: the role needs an");
        expect_piece(row->name, asked.err.text, row->command);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_setting_is_printed_with_its_place),
        cmocka_unit_test(a_cached_response_is_reported_as_cached),
        cmocka_unit_test(the_name_of_a_cache_file_is_left_out_if_it_cannot_be_computed),
        cmocka_unit_test(a_failure_is_explained_up_to_the_failed_step),
        cmocka_unit_test(
            a_role_that_needs_an_mfa_code_is_refused_with_the_command_that_asks_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
