/* SPDX-License-Identifier: MIT
 *
 * All of behaviour.json: which source answers, and where the search stops.
 *
 * Two tables stand beside the vectors. `stops` has the sentence for each row in which environment
 * or profile end the search. `later` has the rows whose answer is a source that this version does
 * not ask: each stops with that source's sentence. Whoever builds such a source finds here what
 * must then change. A row that is in neither table must be answered as the vector says. */
#include "provider/chain.h"

#include "fake_world.h"
#include "unit.h"
#include "vectors.h"

struct row_text {
    const char *name;
    const char *piece;
};

static const struct row_text stops[] = {
    {"env key without secret",
     "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not; set both or unset both"},
    {"AWS_PROFILE missing",
     "AWS_PROFILE: the profile \"nope\" does not exist; add [profile nope] to "
     "/home/u/.aws/config or [nope] to /home/u/.aws/credentials, or name another one"},
    {"static without secret",
     "/home/u/.aws/config:2: the profile \"default\" has an aws_access_key_id but no "
     "aws_secret_access_key; add it"},
    {"static without id",
     "/home/u/.aws/config:2: the profile \"default\" has an aws_secret_access_key but no "
     "aws_access_key_id; add it"},
    {"role_arn without source",
     "/home/u/.aws/config:2: the profile \"default\" has role_arn without source_profile or "
     "credential_source; add one"},
    {"source_profile missing",
     "/home/u/.aws/config:3: source_profile names \"nope\", which does not exist; add it or name "
     "another"},
    {"source and credential_source",
     "/home/u/.aws/config:2: the profile \"default\" has both source_profile and "
     "credential_source; keep one"},
    {"loop a->b->a",
     "/home/u/.aws/config:2: the source_profile entries of \"default\" go round in a circle; end "
     "them in a profile with keys"},
    {"credential_source lower case",
     "/home/u/.aws/config:3: credential_source is \"environment\"; write Environment, "
     "Ec2InstanceMetadata or EcsContainer"},
    {"malformed config", "/home/u/.aws/config:1: a section line without its closing ]; add it"},
    {"web identity env, no role",
     "AWS_WEB_IDENTITY_TOKEN_FILE is set but AWS_ROLE_ARN is not; set both or unset both"},
};

static const char role[] = "the profile \"default\" wants a role (role_arn), which this version of "
                           "rds-iam cannot use; export its keys first: eval \"$(aws configure "
                           "export-credentials --profile default --format env)\"";
static const char process[] = "the profile \"default\" wants a credential process "
                              "(credential_process), which this version of rds-iam cannot use";
static const char web_identity[] = "AWS_WEB_IDENTITY_TOKEN_FILE asks for a web identity, which "
                                   "this version of rds-iam cannot use";
static const char sso[] = "the profile \"default\" wants AWS SSO (sso_session), which this version "
                          "of rds-iam cannot use";
static const char container[] = "AWS_CONTAINER_CREDENTIALS_FULL_URI asks for container "
                                "credentials, which this version of rds-iam cannot use";

static const struct row_text later[] = {
    {"self reference with keys", role},
    {"static keys + role_arn first profile", role},
    {"process fails (exit 1)", process},
    {"process bad JSON", process},
    {"process shell syntax", process},
    {"process quoted args", process},
    {"process expired", process},
    {"process in credentials file", process},
    {"web identity env, no file", web_identity},
    {"sso without token", sso},
    {"no default profile, other profiles", container},
    {"config only region", container},
    {"container 404", container},
    {"container bad host", container},
    {"container token newline", container},
    {"container token file missing", container},
};

static const struct row_text warnings[] = {
    {"env keys and AWS_PROFILE=p",
     "AWS_PROFILE is set to \"p\", but the keys in the environment are used; unset "
     "AWS_ACCESS_KEY_ID to use the profile"},
    {"env keys with spaces around", "AWS_SECRET_ACCESS_KEY: blanks around the value were removed"},
    {"web identity env vs [default] static",
     "AWS_WEB_IDENTITY_TOKEN_FILE is set, but the profile \"default\" answers; remove its keys to "
     "use the web identity"},
};

static const char *find(const struct row_text *table, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return table[i].piece;
        }
    }
    return NULL;
}

/* The placeholders only have to look like what they stand for: nobody opens them here. */
static void set_up(struct ria_fake *fake, const json_t *root, const json_t *row)
{
    static const char *const groups[] = {"common_env", "env"};
    const json_t *parents[] = {json_object_get(root, "setup"), row};
    ria_fake_init(fake);
    ria_fake_file(fake, RIA_FAKE_AWS_CONFIG, ria_vector_need(row, "config"));
    ria_fake_file(fake, RIA_FAKE_AWS_CREDENTIALS, ria_vector_need(row, "credentials"));
    for (size_t i = 0; i < RIA_COUNT(groups); i++) {
        json_t *group = json_object_get(parents[i], groups[i]);
        const char *name;
        json_t *value;
        json_object_foreach(group, name, value)
        {
            ria_fake_env(fake, name, json_string_value(value));
        }
    }
}

static void check_found(
    const char *name, const json_t *want, const struct ria_credentials *got, struct ria_fake *fake)
{
    const char *secret = ria_vector_text(want, "secret_access_key");
    const char *session_token = ria_vector_text(want, "session_token");
    bool is_env = strcmp(ria_vector_need(want, "provider"), "env") == 0;
    expect_piece(name, got->source, is_env ? "the environment" : "profile default");
    expect_text(name, ria_buf_text(&got->access_key_id), ria_vector_need(want, "access_key_id"));
    expect_text(name, ria_buf_text(&got->secret_access_key), secret == NULL ? "s" : secret);
    expect_text(
        name, ria_buf_text(&got->session_token), session_token == NULL ? "" : session_token);
    const char *warning = find(warnings, RIA_COUNT(warnings), name);
    expect_number(name, warning != NULL, json_object_get(want, "warning") != NULL);
    if (warning != NULL) {
        expect(name, ria_fake_logged(fake, RIA_LOG_WARNING, warning));
    }
}

/* Returns the table's piece where the row is in one. */
static const char *check_row(const json_t *root, const json_t *row)
{
    const char *name = ria_vector_need(row, "name");
    const json_t *want = json_object_get(row, "expect");
    struct ria_fake fake;
    set_up(&fake, root, row);
    struct ria_ask ask = {
        .world = &fake.world, .deadline = ria_deadline_in(&fake.world, RIA_LOGIN_BUDGET_MS)};
    RIA_AUTO(credentials) credentials = RIA_CREDENTIALS_INIT;
    struct ria_trail trail;
    struct ria_error err = {0};
    enum ria_outcome outcome = ria_chain_find(&ask, &credentials, &trail, &err);

    const char *stop = find(stops, RIA_COUNT(stops), name);
    const char *piece = stop != NULL ? stop : find(later, RIA_COUNT(later), name);
    if (stop != NULL) {
        expect_text(name, ria_vector_need(want, "result"), "stop");
    }
    if (piece == NULL) {
        expect_text(name, ria_vector_need(want, "result"), "credentials");
        expect_number(name, outcome, RIA_FOUND);
        check_found(name, want, &credentials, &fake);
        return NULL;
    }
    expect_number(name, outcome, RIA_FAILED);
    expect_piece(name, err.text, piece);
    expect_text(name, ria_buf_text(&credentials.secret_access_key), "");
    return piece;
}

static void every_row_of_the_vectors_is_decided_as_listed(void **state)
{
    (void)state;
    json_t *root = ria_vectors_load("behaviour.json");
    json_t *rows = json_object_get(root, "scenarios");
    size_t i;
    size_t listed = 0;
    json_t *row;
    assert_int_equal(json_array_size(rows), 39);
    json_array_foreach(rows, i, row)
    {
        listed += check_row(root, row) != NULL ? 1 : 0;
    }
    /* No row of a table is forgotten or misspelt. */
    assert_int_equal(listed, RIA_COUNT(stops) + RIA_COUNT(later));
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_vectors_is_decided_as_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
