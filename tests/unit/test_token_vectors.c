/* SPDX-License-Identifier: MIT
 *
 * The signing modules must compute the signatures and texts of tokens.json. ria_token_for() must
 * make the same tokens; it normalizes host names first. */
#include "aws/endpoint.h"
#include "aws/sigv4.h"
#include "aws/token.h"
#include "rds_iam.h"

#include "fake_world.h"
#include "unit.h"
#include "vectors.h"

/* botocore signs the trailing dot and does not change case. For these two hosts, the core gives the
 * token of the normalized name. */
static const char *const normalized[] = {"host-upper", "trailing-dot"};
static const char normal_form[] = "mysql-instance-static";

static bool is_normalized(const char *name)
{
    for (size_t i = 0; i < RIA_COUNT(normalized); i++) {
        if (strcmp(name, normalized[i]) == 0) {
            return true;
        }
    }
    return false;
}

static const json_t *find_case(const json_t *cases, const char *name)
{
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *row = json_array_get(cases, i);
        if (strcmp(ria_vector_need(row, "name"), name) == 0) {
            return row;
        }
    }
    fail_msg("no vector %s", name);
    return NULL;
}

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

static unsigned port_of(const json_t *row)
{
    return (unsigned)json_integer_value(json_object_get(row, "port"));
}

/* The canonical request comes from the vector, so it contains the host as botocore signs it. */
static void check_signature(const char *message, const json_t *row)
{
    RIA_AUTO(credentials) credentials = RIA_CREDENTIALS_INIT;
    RIA_AUTO(buf) request = {.max = 16 * 1024};
    char signature[RIA_SIGNATURE_SIZE];
    struct ria_error err = {0};
    struct ria_sigv4_scope scope = {.region = ria_vector_need(row, "region"), .service = "rds-db"};
    assert_true(ria_timestamp_format(time_of(row), scope.timestamp));
    fill_credentials(row, &credentials);
    ria_buf_add_text(&request, ria_vector_need(row, "canonical_request"));
    expect(message, sign_request(&scope, &credentials, &request, signature, &err));
    expect_text(message, signature, ria_vector_need(row, "signature"));
}

static void check_token(const char *message, const json_t *row)
{
    RIA_AUTO(credentials) credentials = RIA_CREDENTIALS_INIT;
    RIA_AUTO(buf) token = {.max = RIA_TOKEN_MAX};
    struct ria_error err = {0};
    fill_credentials(row, &credentials);
    struct ria_token_claim claim = {
        .host = ria_vector_need(row, "host"),
        .port = (uint16_t)port_of(row),
        .user = ria_vector_need(row, "user"),
        .region = ria_vector_need(row, "region"),
        .when = time_of(row),
    };
    expect(message, sign_token(&claim, &credentials, &token, &err));
    expect_text(message, ria_buf_text(&token), ria_vector_need(row, "token"));
}

static void every_signature_equals_that_of_botocore(void **state)
{
    (void)state;
    json_t *root = ria_vectors_load("tokens.json");
    json_t *cases = json_object_get(root, "cases");
    size_t i;
    json_t *row;
    assert_int_equal(json_array_size(cases), 41);
    json_array_foreach(cases, i, row)
    {
        check_signature(ria_vector_need(row, "name"), row);
    }
    json_decref(root);
}

static void tokens_equal_those_of_botocore_byte_for_byte(void **state)
{
    (void)state;
    json_t *root = ria_vectors_load("tokens.json");
    json_t *cases = json_object_get(root, "cases");
    size_t i;
    size_t checked = 0;
    json_t *row;
    json_array_foreach(cases, i, row)
    {
        const char *name = ria_vector_need(row, "name");
        if (!is_normalized(name)) {
            check_token(name, row);
            checked++;
        }
    }
    assert_int_equal(checked, 39);
    json_decref(root);
}

static void published_tokens_and_signatures_are_reproduced(void **state)
{
    (void)state;
    json_t *root = ria_vectors_load("tokens.json");
    json_t *published = json_object_get(root, "published");
    size_t i;
    json_t *row;
    assert_int_equal(json_array_size(published), 3);
    json_array_foreach(published, i, row)
    {
        check_signature(ria_vector_need(row, "source"), row);
        check_token(ria_vector_need(row, "source"), row);
    }
    json_decref(root);
}

/* Gives the core a region for two rows only. The host name of one row contains no region, and the
 * region in the host name of the other differs from the wanted one. For all other rows, the core
 * must find the region in the host name. */
static void ask_for_token(const json_t *row, const char *want)
{
    const char *name = ria_vector_need(row, "name");
    bool is_said = strcmp(name, "global-writer") == 0 || strcmp(name, "region-mismatch") == 0;
    const char *session_token = ria_vector_text(row, "session_token");
    struct ria_fake fake;
    ria_fake_init(&fake);
    ria_fake_env(&fake, "AWS_ACCESS_KEY_ID", ria_vector_need(row, "access_key"));
    ria_fake_env(&fake, "AWS_SECRET_ACCESS_KEY", ria_vector_need(row, "secret_key"));
    ria_fake_env(&fake, "AWS_SESSION_TOKEN", session_token == NULL ? "" : session_token);
    fake.now = time_of(row);
    struct ria_login login = {
        .host = ria_vector_need(row, "host"),
        .port = port_of(row),
        .user = ria_vector_need(row, "user"),
        .channel = RIA_CHANNEL_VERIFIED,
        .region = is_said ? ria_vector_need(row, "region") : NULL,
    };
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    struct ria_error err = {0};
    struct ria_deadline deadline = ria_deadline_in(&fake.world, RIA_LOGIN_BUDGET_MS);
    if (ria_token_for(&login, deadline, &fake.world, &token, &err) != RIA_FOUND) {
        fail_msg("%s: %s", name, err.text);
    }
    expect_text(name, ria_buf_text(&token.text), want);
    expect_number(name, token.expires, fake.now + 900);
    bool is_warned = strcmp(name, "region-mismatch") == 0 || strcmp(name, "port-443") == 0;
    expect_number(name, ria_fake_log_count(&fake, RIA_LOG_WARNING), is_warned ? 1 : 0);
}

static void ria_token_for_gives_the_same_tokens(void **state)
{
    (void)state;
    json_t *root = ria_vectors_load("tokens.json");
    json_t *cases = json_object_get(root, "cases");
    size_t i;
    json_t *row;
    json_array_foreach(cases, i, row)
    {
        bool differs = is_normalized(ria_vector_need(row, "name"));
        const json_t *as = differs ? find_case(cases, normal_form) : row;
        ask_for_token(row, ria_vector_need(as, "token"));
    }
    json_decref(root);
}

static void a_failed_signature_leaves_an_empty_token(void **state)
{
    (void)state;
    RIA_AUTO(credentials) credentials = RIA_CREDENTIALS_INIT;
    RIA_AUTO(buf) token = {.max = RIA_TOKEN_MAX};
    struct ria_error err = {0};
    ria_buf_add_text(&credentials.access_key_id, "AKID");
    ria_buf_add_text(&credentials.secret_access_key, "secret");
    struct ria_token_claim claim = {
        .host = "h", .port = 1, .user = "u", .region = "us-east-1", .when = -1};
    ria_buf_add_text(&token, "an older token");
    assert_false(sign_token(&claim, &credentials, &token, &err));
    assert_string_equal(err.text, "the system clock is outside the years 1970 to 9999; set it");
    assert_string_equal(ria_buf_text(&token), "");
    claim.when = 0;
    token.max = 100;
    assert_false(sign_token(&claim, &credentials, &token, &err));
    assert_string_equal(err.text, "cannot build the token: it is too long, or memory ran out");
    assert_string_equal(ria_buf_text(&token), "");
}

/* The host, the user and the session token have their greatest lengths. Each byte of the user and
 * of the session token is encoded as three bytes. */
static void the_longest_token_fits(void **state)
{
    (void)state;
    static char session_token[RIA_SESSION_TOKEN_MAX + 1];
    char user[256];
    char host[RIA_HOST_SIZE];
    memset(session_token, '/', sizeof(session_token) - 1);
    memset(user, '%', sizeof(user) - 1);
    user[sizeof(user) - 1] = '\0';
    memset(host, 'h', sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';
    struct ria_fake fake;
    ria_fake_init(&fake);
    ria_fake_env(&fake, "AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    ria_fake_env(&fake, "AWS_SECRET_ACCESS_KEY", "secret");
    ria_fake_env(&fake, "AWS_SESSION_TOKEN", session_token);
    struct ria_login login = {
        .host = host,
        .port = 65535,
        .user = user,
        .channel = RIA_CHANNEL_VERIFIED,
        .region = "ap-southeast-1",
    };
    RIA_AUTO(token) token = RIA_TOKEN_INIT;
    struct ria_error err = {0};
    struct ria_deadline deadline = ria_deadline_in(&fake.world, RIA_LOGIN_BUDGET_MS);
    assert_int_equal(ria_token_for(&login, deadline, &fake.world, &token, &err), RIA_FOUND);
    assert_true(token.text.len > (3 * RIA_SESSION_TOKEN_MAX) + (3 * 255));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_signature_equals_that_of_botocore),
        cmocka_unit_test(tokens_equal_those_of_botocore_byte_for_byte),
        cmocka_unit_test(published_tokens_and_signatures_are_reproduced),
        cmocka_unit_test(ria_token_for_gives_the_same_tokens),
        cmocka_unit_test(a_failed_signature_leaves_an_empty_token),
        cmocka_unit_test(the_longest_token_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
