/* SPDX-License-Identifier: MIT
 *
 * Tokens for Aurora DSQL. The signing modules give the tokens of tests/vectors/dsql_tokens.json. So
 * does ria_token_for(), which derives service, action and region from the host name. The last test
 * requests tokens for other names of a cluster, and for logins that ria_token_for() refuses. */
#include "aws/sigv4.h"
#include "aws/token.h"
#include "rds_iam.h"

#include "fake_world.h"
#include "unit.h"
#include "vectors.h"

enum {
    VECTORS = 12
};

/* Derives the signing key and signs. */
static bool sign_request(
    const struct ria_sigv4_scope *scope,
    const struct ria_credentials *credentials,
    const struct ria_buf *request,
    char signature[RIA_SIGNATURE_SIZE],
    struct ria_error *err)
{
    struct ria_sigv4_key key;
    const struct ria_digest_part part = {request->data, request->len};
    return ria_sigv4_derive(scope, credentials, &key, err) &&
           ria_sigv4_sign(scope, &key, &part, 1, signature, err);
}

static bool sign_token(
    const struct ria_token_claim *claim,
    const struct ria_credentials *credentials,
    struct ria_buf *out,
    struct ria_error *err)
{
    struct ria_sigv4_scope scope;
    struct ria_sigv4_key key;
    ria_buf_clear(out);
    return ria_token_scope(claim, &scope, err) &&
           ria_sigv4_derive(&scope, credentials, &key, err) &&
           ria_token_sign(claim, &scope, credentials, &key, out, err);
}

static void fill_credentials(const json_t *row, struct ria_credentials *out)
{
    const char *session_token = ria_vector_text(row, "session_token");
    ria_buf_add_text(&out->access_key_id, ria_vector_need(row, "access_key"));
    ria_buf_add_text(&out->secret_access_key, ria_vector_need(row, "secret_key"));
    ria_buf_add_text(&out->session_token, session_token == NULL ? "" : session_token);
}

static int64_t time_of(const json_t *row)
{
    int64_t when = 0;
    assert_true(ria_timestamp_parse(ria_vector_need(row, "time"), &when));
    return when;
}

static void check_vector(const json_t *row)
{
    const char *name = ria_vector_need(row, "name");
    RIA_AUTO(credentials) credentials = RIA_CREDENTIALS_INIT;
    RIA_AUTO(buf) request = {.max = 16 * 1024};
    RIA_AUTO(buf) token = {.max = RIA_TOKEN_MAX};
    char signature[RIA_SIGNATURE_SIZE];
    struct ria_error err = {0};
    struct ria_sigv4_scope scope = {.region = ria_vector_need(row, "region"), .service = "dsql"};
    struct ria_token_claim claim = {
        .host = ria_vector_need(row, "host"),
        .port = 5432,
        .user = ria_vector_need(row, "user"),
        .region = scope.region,
        .when = time_of(row),
        .is_dsql = true,
    };
    assert_true(ria_timestamp_format(claim.when, scope.timestamp));
    fill_credentials(row, &credentials);
    ria_buf_add_text(&request, ria_vector_need(row, "canonical_request"));
    expect(name, sign_request(&scope, &credentials, &request, signature, &err));
    expect_text(name, signature, ria_vector_need(row, "signature"));
    expect(name, sign_token(&claim, &credentials, &token, &err));
    expect_text(name, ria_buf_text(&token), ria_vector_need(row, "token"));
}

static void tokens_of_aurora_dsql_equal_those_of_botocore(void **state)
{
    (void)state;
    json_t *root = ria_vectors_load("dsql_tokens.json");
    json_t *cases = json_object_get(root, "cases");
    size_t i;
    json_t *row;
    assert_int_equal(json_array_size(cases), VECTORS);
    json_array_foreach(cases, i, row)
    {
        check_vector(row);
    }
    json_decref(root);
}

/* Requests a token for the login, with the keys and at the time of the vector. */
static enum ria_outcome ask(
    struct ria_fake *fake,
    const json_t *row,
    const struct ria_login *login,
    struct ria_token *token,
    struct ria_error *err)
{
    const char *session_token = ria_vector_text(row, "session_token");
    ria_fake_env(fake, "AWS_ACCESS_KEY_ID", ria_vector_need(row, "access_key"));
    ria_fake_env(fake, "AWS_SECRET_ACCESS_KEY", ria_vector_need(row, "secret_key"));
    ria_fake_env(fake, "AWS_SESSION_TOKEN", session_token == NULL ? "" : session_token);
    fake->now = time_of(row);
    struct ria_deadline deadline = ria_deadline_in(&fake->world, RIA_LOGIN_BUDGET_MS);
    return ria_token_for(login, deadline, &fake->world, token, err);
}

/* A token for Aurora DSQL does not contain the port, so it is the same for every port. */
static void ria_token_for_gives_the_same_tokens_at_every_port(void **state)
{
    (void)state;
    static const unsigned ports[] = {5432, 443, 15432};
    json_t *root = ria_vectors_load("dsql_tokens.json");
    json_t *cases = json_object_get(root, "cases");
    for (size_t i = 0; i < VECTORS * RIA_COUNT(ports); i++) {
        const json_t *row = json_array_get(cases, i / RIA_COUNT(ports));
        const char *name = ria_vector_need(row, "name");
        RIA_AUTO(token) token = RIA_TOKEN_INIT;
        struct ria_error err = {0};
        struct ria_fake fake;
        struct ria_login login = {
            .host = ria_vector_need(row, "host"),
            .port = ports[i % RIA_COUNT(ports)],
            .user = ria_vector_need(row, "user"),
            .channel = RIA_CHANNEL_VERIFIED,
        };
        ria_fake_init(&fake);
        expect_number(name, ask(&fake, row, &login, &token, &err), RIA_FOUND);
        expect_text(name, ria_buf_text(&token.text), ria_vector_need(row, "token"));
        expect_number(name, token.expires, fake.now + 900);
        expect_number(name, ria_fake_log_count(&fake, RIA_LOG_WARNING), 0);
    }
    json_decref(root);
}

/* All rows are logins at the cluster of the first vector. */
static void other_names_of_a_cluster_give_its_token_or_a_refusal(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *config; /* NULL: none */
        const char *host;   /* NULL: the cluster's */
        enum ria_channel channel;
        bool is_mysql;
        const char *refusal; /* NULL: ria_token_for() gives the first vector's token */
    } rows[] = {
        {"a tunnel's section",
         "[db.example]\nendpoint = abc0def1baz2quux3quuux4xyz.dsql.us-east-1.on.aws:5432\n",
         "db.example",
         RIA_CHANNEL_VERIFIED,
         false,
         NULL},
        {"a tunnel's section, the name not verified",
         "[db.example]\nendpoint = abc0def1baz2quux3quuux4xyz.dsql.us-east-1.on.aws:5432\n",
         "db.example",
         RIA_CHANNEL_CHAIN_VERIFIED,
         false,
         RIA_FAKE_CONFIG
         ":2: the server's host name was not verified; use the endpoint's own name, "
         "and map it to the tunnel's address in /etc/hosts"},
        {"capitals and a dot",
         NULL,
         "ABC0def1baz2quux3quuux4xyz.DSQL.us-east-1.on.AWS.",
         RIA_CHANNEL_VERIFIED,
         false,
         NULL},
        {"the name not verified",
         NULL,
         NULL,
         RIA_CHANNEL_CHAIN_VERIFIED,
         false,
         RIA_REFUSAL_NAME_UNVERIFIED "; " RIA_REMEDY_POSTGRES_NAME_UNVERIFIED},
        {"not verified",
         NULL,
         NULL,
         RIA_CHANNEL_UNVERIFIED,
         false,
         RIA_REFUSAL_UNVERIFIED "; " RIA_REMEDY_UNVERIFIED},
        {"MySQL",
         NULL,
         NULL,
         RIA_CHANNEL_VERIFIED,
         true,
         "abc0def1baz2quux3quuux4xyz.dsql.us-east-1.on.aws is an Aurora DSQL endpoint, which has "
         "the protocol of PostgreSQL; connect with a PostgreSQL client"},
    };
    json_t *root = ria_vectors_load("dsql_tokens.json");
    const json_t *first = json_array_get(json_object_get(root, "cases"), 0);
    for_each_row(row, rows, row->name) {
        RIA_AUTO(token) token = RIA_TOKEN_INIT;
        struct ria_error err = {0};
        struct ria_fake fake;
        struct ria_login login = {
            .host = row->host == NULL ? ria_vector_need(first, "host") : row->host,
            .port = 15432,
            .user = "app",
            .channel = row->channel,
            .is_mysql = row->is_mysql,
        };
        ria_fake_init(&fake);
        if (row->config != NULL) {
            ria_fake_file(&fake, RIA_FAKE_CONFIG, row->config);
        }
        enum ria_outcome outcome = ask(&fake, first, &login, &token, &err);
        expect_number(row->name, outcome, row->refusal == NULL ? RIA_FOUND : RIA_FAILED);
        if (row->refusal == NULL) {
            expect_text(row->name, ria_buf_text(&token.text), ria_vector_need(first, "token"));
        } else {
            expect_text(row->name, err.text, row->refusal);
        }
    }
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_of_aurora_dsql_equal_those_of_botocore),
        cmocka_unit_test(ria_token_for_gives_the_same_tokens_at_every_port),
        cmocka_unit_test(other_names_of_a_cluster_give_its_token_or_a_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
