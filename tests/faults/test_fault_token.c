/* SPDX-License-Identifier: MIT
 *
 * Makes a token with each of several credential sources, many times. In each run another call fails
 * (walk.h), either in this process or in the rds-iam-fetch that it starts. Files, environment and
 * network are real: the files are in a scratch directory, and a server on loopback answers as AWS.
 * Most home directories also contain credentials that must not be used: if the product skips the
 * right source, the token is another one.
 */
#include "rds_iam.h"
#include "scratch.h"
#include "unit.h"
#include "walk.h"

#include <stdlib.h>
#include <unistd.h>

#define HOST "mydb.abc123def456.us-east-1.rds.amazonaws.com"
#define SECRET "wJalrXUtnFEMI-canary-of-the-secret-key"
#define SESSION "IQoJb3JpZ2luX2VjEHsa-canary-of-the-session-token"
#define SSO_TOKEN "eyJlbmMi-canary-of-the-sso-access-token"
#define SSO_REFRESH "Atzr-canary-of-the-sso-refresh-token"
#define NEW_REFRESH "Btzr-canary-of-the-new-sso-refresh-token"
#define NEW_SSO_TOKEN "fyJlbmMi-canary-of-the-new-sso-access-token"

#define KEYS "aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = " SECRET "\n"
#define DECOY "aws_access_key_id = AKIDWRONG\naws_secret_access_key = wrong\n"
#define OUR_PROFILE "[" HOST "]\nprofile = etl\n"
#define ROLE_ARN "arn:aws:iam::123456789012:role/rds"

enum {
    NOW = 1787402096, /* 2026-08-22T12:34:56Z */
    VALUES_MAX = 6,
    FILES_MAX = 4,
    URL_SIZE = 256
};

/* SHA-1 of "dev", the name of the SSO session. */
#define SSO_FILE "home/.aws/sso/cache/34c6fceca75e456f25e7e99531e2425c6c1de443.json"

enum {
    ROUTE_CONTAINER,
    ROUTE_STS,
    ROUTE_METADATA_TOKEN,
    ROUTE_METADATA_ROLE,
    ROUTE_METADATA_ROLES,
    ROUTE_PORTAL,
    ROUTE_OIDC,
    ROUTE_PROXY,
};

#define JSON "application/json"
#define LOCAL_KEYS                                                                                 \
    "\"AccessKeyId\": \"ASIAEXAMPLE\", \"SecretAccessKey\": \"" SECRET "\", \"Token\": \"" SESSION \
    "\", \"Expiration\": \"2026-08-22T18:34:56Z\""

static const struct scratch_route routes[] = {
    [ROUTE_CONTAINER] = {"GET /container ", "{" LOCAL_KEYS "}", JSON, NULL},
    [ROUTE_STS] =
        {"POST / ",
         "<AssumeRoleResponse "
         "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>"
         "<Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>" SECRET
         "</SecretAccessKey><SessionToken>" SESSION "</SessionToken><Expiration>"
         "2026-08-22T18:34:56Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
         "text/xml",
         NULL},
    [ROUTE_METADATA_TOKEN] = {"PUT /latest/api/token ", "metadata-token", "text/plain", NULL},
    [ROUTE_METADATA_ROLE] =
        {"GET /latest/meta-data/iam/security-credentials/rds ",
         "{\"Code\": \"Success\", " LOCAL_KEYS "}",
         JSON,
         NULL},
    [ROUTE_METADATA_ROLES] =
        {"GET /latest/meta-data/iam/security-credentials/ ", "rds", "text/plain", NULL},
    [ROUTE_PORTAL] =
        {"GET /federation/credentials?",
         "{\"roleCredentials\": {\"accessKeyId\": \"ASIAEXAMPLE\", \"secretAccessKey\": \"" SECRET
         "\", \"sessionToken\": \"" SESSION "\", \"expiration\": 1787423696000}}",
         JSON,
         NULL},
    [ROUTE_OIDC] =
        {"POST /token ",
         "{\"accessToken\": \"" NEW_SSO_TOKEN "\", \"expiresIn\": 28800, \"refreshToken\": "
         "\"" NEW_REFRESH "\"}",
         JSON,
         NULL},
    [ROUTE_PROXY] = {"GET http://", "{" LOCAL_KEYS "}", JSON, NULL},
};

struct file {
    const char *name;
    const char *text;
};

struct source {
    const char *name;
    struct file files[FILES_MAX];
    const char *variables[VALUES_MAX][2]; /* in a value, "@" is the server's URL,
                                             and "#" the scratch directory */
    int64_t kept_objects;                 /* allocated objects that may remain after a run,
                                             because the process caches them */
    bool keeps_cache;                     /* the run reads the cache of the run before it */
    bool has_session;                     /* an SSO token that is renewed */
};

#define CONFIG "home/.config/rds-iam/config"
#define AWS_CONFIG "home/.aws/config"
#define AWS_CREDENTIALS "home/.aws/credentials"

static const struct source environment = {
    .name = "the environment",
    .files = {{AWS_CREDENTIALS, "[default]\n" DECOY}},
    .variables =
        {{"AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"},
         {"AWS_SECRET_ACCESS_KEY", SECRET},
         {"AWS_SESSION_TOKEN", SESSION}},
};

static const struct source profile = {
    .name = "a profile",
    .files =
        {{CONFIG, OUR_PROFILE},
         {AWS_CONFIG,
          "[default]\nregion = us-east-1\n" DECOY "[profile etl]\nregion = eu-west-1\n"},
         {AWS_CREDENTIALS, "[default]\n" DECOY "[etl]\n" KEYS}},
};

static const struct source logged = {
    .name = "a profile, with a log",
    .files =
        {{CONFIG, OUR_PROFILE},
         {AWS_CONFIG, "[default]\n" DECOY},
         {AWS_CREDENTIALS, "[default]\n" DECOY "[etl]\n" KEYS}},
    .variables = {{"RDS_IAM_LOG", "debug:#/home/log"}},
};

static const struct source no_home = {
    .name = "no HOME",
    .kept_objects = 1, /* the home directory */
    .variables =
        {{"HOME", NULL}, {"AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"}, {"AWS_SECRET_ACCESS_KEY", SECRET}},
};

static const struct source container = {
    .name = "a container",
    .variables = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "@/container"}, {"http_proxy", "@"}},
};

static const struct source instance = {
    .name = "an instance",
    .variables = {{"AWS_EC2_METADATA_DISABLED", NULL}, {"AWS_EC2_METADATA_SERVICE_ENDPOINT", "@"}},
};

static const struct source process = {
    .name = "a command",
    .files =
        {{CONFIG, OUR_PROFILE},
         {AWS_CONFIG, "[default]\n" DECOY "[profile etl]\ncredential_process = cat keys.json\n"},
         {"home/keys.json",
          "{\"Version\": 1, \"SessionToken\": \"" SESSION "\", \"AccessKeyId\": \"ASIAEXAMPLE\", "
          "\"SecretAccessKey\": \"" SECRET "\", \"Expiration\": \"2026-08-22T18:34:56Z\"}"}},
};

#define ROLE_FILES                                                                                 \
    {                                                                                              \
        {CONFIG, "[" HOST "]\nprofile = etl\n"},                                                   \
            {AWS_CONFIG,                                                                           \
             "[default]\n" DECOY                                                                   \
             "[profile base]\nregion = us-east-1\n[profile etl]\nrole_arn = " ROLE_ARN             \
             "\nsource_profile = base\n"},                                                         \
        {                                                                                          \
            AWS_CREDENTIALS, "[base]\n" KEYS                                                       \
        }                                                                                          \
    }

static const struct source role = {
    .name = "a role",
    .files = ROLE_FILES,
    .variables = {{"AWS_ENDPOINT_URL_STS", "@"}},
};

static const struct source cached_role = {
    .name = "a cached role",
    .files = ROLE_FILES,
    .variables = {{"AWS_ENDPOINT_URL_STS", "@"}},
    .keeps_cache = true,
};

static const struct source web_identity = {
    .name = "a web identity",
    .files = {{"home/token", "eyJ.web.identity"}},
    .variables =
        {{"AWS_ENDPOINT_URL_STS", "@"},
         {"AWS_REGION", "us-east-1"},
         {"AWS_ROLE_ARN", ROLE_ARN},
         {"AWS_WEB_IDENTITY_TOKEN_FILE", "#/home/token"}},
};

static const struct source sso = {
    .name = "SSO",
    .files =
        {{CONFIG, OUR_PROFILE},
         {AWS_CONFIG,
          "[default]\n" DECOY "[profile etl]\nsso_session = dev\nsso_account_id = 123456789012\n"
          "sso_role_name = Etl\n[sso-session dev]\nsso_start_url = https://x.awsapps.com/start\n"
          "sso_region = us-east-1\n"},
         {SSO_FILE,
          "{\"accessToken\": \"" SSO_TOKEN "\", \"expiresAt\": \"2026-08-22T12:40:00Z\", "
          "\"clientId\": \"c\", \"clientSecret\": \"s\", \"refreshToken\": \"" SSO_REFRESH "\", "
          "\"registrationExpiresAt\": \"2026-09-22T12:40:00Z\", \"region\": \"us-east-1\", "
          "\"startUrl\": \"https://x.awsapps.com/start\"}"}},
    .variables =
        {{"AWS_ENDPOINT_URL_SSO", "@"},
         {"AWS_ENDPOINT_URL_SSO_OIDC", "@"},
         {"RDS_IAM_LOG", "warning:#/home/log"}},
    .has_session = true,
};

static char server[URL_SIZE];
static uint64_t renewals; /* before the run */
static uint64_t proxied;

/* -- one run -------------------------------------------------------------------------------- */

static void set_variable(const char *name, const char *value)
{
    char text[2 * URL_SIZE];
    if (value == NULL) {
        assert_int_equal(unsetenv(name), 0);
        return;
    }
    const char *at = strpbrk(value, "@#");
    const char *whole = at != NULL && *at == '@' ? server : scratch_directory();
    (void)snprintf(
        text,
        sizeof(text),
        "%.*s%s%s",
        at == NULL ? 0 : (int)(at - value),
        value,
        at == NULL ? "" : whole,
        at == NULL ? value : at + 1);
    assert_int_equal(setenv(name, text, 1), 0);
}

static void prepare(const void *argument)
{
    const struct source *source = argument;
    scratch_clear("home");
    if (!source->keeps_cache) {
        scratch_clear("run");
    }
    for (size_t i = 0; i < FILES_MAX && source->files[i].name != NULL; i++) {
        scratch_write(source->files[i].name, source->files[i].text);
    }
    renewals = scratch_served(ROUTE_OIDC);
}

static void make_token(void *argument)
{
    struct walk_result *out = argument;
    struct ria_login login = {
        .host = HOST, .port = 3306, .user = "etl", .channel = RIA_CHANNEL_VERIFIED};
    struct ria_error err = {0};
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    const struct ria_world *world = ria_process_world();
    struct ria_deadline deadline = ria_deadline_in(world, RIA_LOGIN_BUDGET_MS);
    enum ria_outcome outcome = ria_token_for(&login, deadline, world, &token, &err);
    out->has_succeeded = outcome == RIA_FOUND;
    (void)snprintf(
        out->token, sizeof(out->token), "%.*s", (int)token.text.len, ria_buf_text(&token.text));
    if (outcome != RIA_FOUND) {
        (void)snprintf(out->message, sizeof(out->message), "%s", err.text);
    }
    ria_session_forget();
}

/* Makes the token as a plugin does: on this stack, or on a thread if the stack is small. */
static void run(const void *argument, struct walk_result *out)
{
    (void)argument;
    const struct ria_guest_work work = {
        .need = RIA_GUEST_TOKEN, .run = make_token, .argument = out};
    int error = ria_guest_run(&work);
    if (error != 0) {
        (void)snprintf(out->message, sizeof(out->message), RIA_REFUSAL_THREAD, error);
    }
}

/* SSO accepts a refresh token once. After a renewal the file contains the new one, or the log
 * contains the reason. If all later calls fail, neither the file nor the log can be written; then
 * the login fails too, so the user learns that something is wrong. */
static const char *check_session(const char *log, const struct walk_result *result)
{
    char text[4096];
    uint64_t count = scratch_served(ROUTE_OIDC) - renewals;
    if (!scratch_read(SSO_FILE, text, sizeof(text))) {
        return "the token file is lost";
    }
    bool is_old = strstr(text, "\"" SSO_REFRESH "\"") != NULL;
    bool is_new = strstr(text, "\"" NEW_REFRESH "\"") != NULL;
    if (is_old == is_new) {
        return "the token file is damaged";
    }
    bool has_failed = walk_fails_later_calls() && !result->has_succeeded;
    bool is_silent = *log == '\0' && !has_failed;
    return count == 0 && is_new               ? "a new token without a renewal"
           : count > 0 && is_old && is_silent ? "a refresh token was lost, and the log is empty"
                                              : NULL;
}

static const char *check_files(const void *argument, const struct walk_result *result)
{
    static char log[64 * 1024];
    const struct source *source = argument;
    if (!scratch_read("home/log", log, sizeof(log))) {
        log[0] = '\0';
    }
    if (strstr(log, SECRET) != NULL || strstr(log, SESSION) != NULL ||
        strstr(log, SSO_REFRESH) != NULL || strstr(log, NEW_REFRESH) != NULL) {
        return "a secret in the log";
    }
    if (scratch_served(ROUTE_PROXY) != proxied) {
        proxied = scratch_served(ROUTE_PROXY);
        return "a request to this machine was sent to a proxy";
    }
    return source->has_session ? check_session(log, result) : NULL;
}

/* -- the walks ------------------------------------------------------------------------------ */

static void set_environment(const struct source *source)
{
    (void)clearenv();
    set_variable("PATH", "/usr/bin:/bin");
    set_variable("HOME", "#/home");
    set_variable("XDG_RUNTIME_DIR", "#/run");
    set_variable(RIA_FAULT_VARIABLE, "#/page");
    set_variable("AWS_EC2_METADATA_DISABLED", "true");
    for (size_t i = 0; i < VALUES_MAX && source->variables[i][0] != NULL; i++) {
        set_variable(source->variables[i][0], source->variables[i][1]);
    }
    assert_int_equal(chdir(scratch_directory()), 0);
    scratch_clear("home");
    assert_int_equal(chdir("home"), 0);
    scratch_clear("run");
}

/* Walks through all modes. */
static void walk_source(
    const struct source *source, uint32_t fault_role, bool has_small_stack, uint32_t minimum)
{
    static const enum ria_fault_mode modes[] = {
        RIA_FAULT_ONCE, RIA_FAULT_ALL, RIA_FAULT_INTERRUPT, RIA_FAULT_CUT};
    const struct walk_scenario scenario = {
        .name = source->name,
        .role = fault_role,
        .argument = source,
        .prepare = prepare,
        .run = run,
        .check = check_files,
        .has_small_stack = has_small_stack,
        .kept_objects = source->kept_objects,
        .minimum_calls = minimum,
    };
    set_environment(source);
    for (size_t i = 0; i < RIA_COUNT(modes); i++) {
        walk_expect_clean(&scenario, modes[i]);
    }
}

static const struct {
    const char *argument; /* of this program */
    const struct source *source;
    uint32_t minimum;       /* calls in this process */
    uint32_t fetch_minimum; /* calls in rds-iam-fetch; 0: none of them is made to fail */
} walks[] = {
    {"environment", &environment, 50, 0},
    {"profile", &profile, 70, 0},
    {"log", &logged, 100, 0},
    {"no-home", &no_home, 60, 0},
    {"cached-role", &cached_role, 80, 0},
    {"container", &container, 100, 150},
    {"instance", &instance, 100, 300},
    {"process", &process, 100, 100},
    {"role", &role, 100, 200},
    {"web-identity", &web_identity, 100, 200},
    {"sso", &sso, 100, 300},
};

static const char *wanted; /* the argument of the walk to run; NULL: all */

static bool is_wanted(const char *argument)
{
    return wanted == NULL || strcmp(wanted, argument) == 0;
}

static void a_call_of_this_process_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < RIA_COUNT(walks); i++) {
        if (is_wanted(walks[i].argument)) {
            walk_source(walks[i].source, RIA_FAULT_ROLE_GUEST, false, walks[i].minimum);
        }
    }
}

static void a_call_on_a_small_stack_fails(void **state)
{
    (void)state;
    if (is_wanted("small-stack")) {
        walk_source(&profile, RIA_FAULT_ROLE_GUEST, true, 80);
    }
}

static void a_call_of_fetch_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < RIA_COUNT(walks); i++) {
        if (is_wanted(walks[i].argument) && walks[i].fetch_minimum != 0) {
            walk_source(walks[i].source, RIA_FAULT_ROLE_FETCH, false, walks[i].fetch_minimum);
        }
    }
}

int main(int argc, char **argv)
{
    static const char *const secrets[] = {
        SECRET, SESSION, SSO_TOKEN, SSO_REFRESH, NEW_SSO_TOKEN, NEW_REFRESH};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_of_this_process_fails),
        cmocka_unit_test(a_call_on_a_small_stack_fails),
        cmocka_unit_test(a_call_of_fetch_fails),
    };
    wanted = argc > 1 ? argv[1] : NULL;
    (void)snprintf(
        server, sizeof(server), "http://127.0.0.1:%u", scratch_serve(routes, RIA_COUNT(routes)));
    walk_set_up(scratch_directory(), NOW, secrets, RIA_COUNT(secrets));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
