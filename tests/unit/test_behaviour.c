/* SPDX-License-Identifier: MIT
 *
 * All rows of tests/vectors/behaviour.json: which source gives the credentials, and at which source
 * the search stops.
 *
 * Three tables add to these rows. `stops` has the error message of each row whose search fails
 * before any request to rds-iam-fetch. `fetched` has the rows for which the chain would send a
 * request to rds-iam-fetch, with the expected request. A row that is in neither of
 * these tables must have the result that behaviour.json gives. `warnings` has the warning of each
 * row that expects one.
 */
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
     "/home/u/.aws/config or [nope] to /home/u/.aws/credentials, or name another profile"},
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
     "/home/u/.aws/config:2: the source_profile entries of \"default\" form a cycle; end "
     "them in a profile with keys"},
    {"credential_source lower case",
     "/home/u/.aws/config:3: credential_source is \"environment\"; write Environment, "
     "Ec2InstanceMetadata or EcsContainer"},
    {"malformed config", "/home/u/.aws/config:1: a section line without its closing ]; add it"},
    {"web identity env, no file",
     "AWS_WEB_IDENTITY_TOKEN_FILE: the token file /nope does not exist"},
    {"container token file missing",
     "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: the token file /nope does not exist"},
    {"web identity env, no role",
     "AWS_WEB_IDENTITY_TOKEN_FILE is set but AWS_ROLE_ARN is not; set both or unset both"},
};

/* Rows for which the chain would send a request to rds-iam-fetch: the source in the request, and
 * the number of roles to assume with the credentials of the source. Integration tests check the
 * results with the installed programs. */
static const struct row_fetch {
    const char *name;
    enum ria_source source;
    size_t roles;
} fetched[] = {
    {"self reference with keys", RIA_SOURCE_KEYS, 1},
    {"web identity env vs [default] static", RIA_SOURCE_WEB_IDENTITY, 1},
    {"process before keys of the config file", RIA_SOURCE_PROCESS, 0},
    {"static keys + role_arn first profile", RIA_SOURCE_KEYS, 1},
    {"process fails (exit 1)", RIA_SOURCE_PROCESS, 0},
    {"process bad JSON", RIA_SOURCE_PROCESS, 0},
    {"process shell syntax", RIA_SOURCE_PROCESS, 0},
    {"process quoted args", RIA_SOURCE_PROCESS, 0},
    {"process expired", RIA_SOURCE_PROCESS, 0},
    {"process in credentials file", RIA_SOURCE_PROCESS, 0},
    {"no default profile, other profiles", RIA_SOURCE_CONTAINER, 0},
    {"config only region", RIA_SOURCE_CONTAINER, 0},
    {"sso without token", RIA_SOURCE_SSO, 0},
    {"container 404", RIA_SOURCE_CONTAINER, 0},
    {"container bad host", RIA_SOURCE_CONTAINER, 0},
    {"container token newline", RIA_SOURCE_CONTAINER, 0},
};

static const struct row_text warnings[] = {
    {"env keys and AWS_PROFILE=p",
     "AWS_PROFILE is set to \"p\", but the keys in the environment are used; unset "
     "AWS_ACCESS_KEY_ID to use the profile"},
    {"env keys with spaces around", "AWS_SECRET_ACCESS_KEY: blanks around the value were removed"},
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

/* Uses placeholders of the vectors, such as ${JWT_FILE}, as they are: this test needs only values
 * of the right form, and a token file that can be read. */
static void set_up(struct ria_fake *fake, const json_t *root, const json_t *row)
{
    static const char *const groups[] = {"common_env", "env"};
    const json_t *parents[] = {json_object_get(root, "setup"), row};
    ria_fake_init(fake);
    ria_fake_file(fake, RIA_FAKE_AWS_CONFIG, ria_vector_need(row, "config"));
    ria_fake_file(fake, RIA_FAKE_AWS_CREDENTIALS, ria_vector_need(row, "credentials"));
    ria_fake_file(fake, "${JWT_FILE}", "some token");
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

static const struct row_fetch *find_fetched(const char *name)
{
    for (size_t i = 0; i < RIA_COUNT(fetched); i++) {
        if (strcmp(fetched[i].name, name) == 0) {
            return &fetched[i];
        }
    }
    return NULL;
}

/* Checks the row. Returns true if it is in `stops` or in `fetched`. */
static bool check_row(const json_t *root, const json_t *row)
{
    const char *name = ria_vector_need(row, "name");
    const json_t *want = json_object_get(row, "expect");
    struct ria_fake fake;
    set_up(&fake, root, row);
    struct ria_query ask = {
        .world = &fake.world, .deadline = ria_deadline_in(&fake.world, RIA_LOGIN_BUDGET_MS)};
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    struct ria_trail trail;
    struct ria_error err = {0};
    enum ria_outcome outcome = ria_chain_find(&ask, &response, &trail, &err);

    const char *stop = find(stops, RIA_COUNT(stops), name);
    const struct row_fetch *asked = find_fetched(name);
    expect_number(name, fake.fetches, asked != NULL ? 1 : 0);
    if (stop == NULL && asked == NULL) {
        expect_text(name, ria_vector_need(want, "result"), "credentials");
        expect_number(name, outcome, RIA_FOUND);
        check_found(name, want, &response.credentials, &fake);
        return false;
    }
    expect_number(name, outcome, RIA_FAILED);
    expect_text(name, ria_buf_text(&response.credentials.secret_access_key), "");
    if (stop != NULL) {
        expect_text(name, ria_vector_need(want, "result"), "stop");
        expect_piece(name, err.text, stop);
    } else {
        expect_number(name, fake.asked_source, asked->source);
        expect_number(name, fake.asked_roles, asked->roles);
    }
    return true;
}

static void every_row_of_the_vectors_has_the_listed_result(void **state)
{
    (void)state;
    json_t *root = ria_vectors_load("behaviour.json");
    json_t *rows = json_object_get(root, "scenarios");
    size_t i;
    size_t listed = 0;
    json_t *row;
    expect_number("rows of behaviour.json", json_array_size(rows), 40);
    json_array_foreach(rows, i, row)
    {
        listed += check_row(root, row) ? 1 : 0;
    }
    /* Every row of `stops` and of `fetched` matches a row of the vectors. */
    expect_number("rows in stops and fetched", listed, RIA_COUNT(stops) + RIA_COUNT(fetched));
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_vectors_has_the_listed_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
