/* SPDX-License-Identifier: MIT
 *
 * Signing refuses three values: a region that is too long for the credential scope, a secret that
 * is too long for a signing key, and a time that a timestamp cannot express. The callers check the
 * region and the secret first, so a login reaches only the refusal of the time. */
#include "aws/sigv4.h"

#include "aws/token.h"
#include "unit.h"

enum {
    /* The longest region that fits into a scope with a date, "rds-db" and aws4_request. */
    LONGEST_REGION = RIA_SIGV4_SCOPE_MAX - RIA_DATE_LEN - (int)sizeof("///aws4_request") - 6
};

static char region[RIA_SIGV4_SCOPE_MAX + 1];

static struct ria_sigv4_scope scope_of(size_t region_len)
{
    memset(region, 'r', region_len);
    region[region_len] = '\0';
    return (struct ria_sigv4_scope){"20260822T123456Z", region, "rds-db"};
}

static void a_scope_that_is_too_long_is_refused(void **state)
{
    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        char text[RIA_SIGV4_SCOPE_MAX];
        char signature[RIA_SIGNATURE_SIZE];
        struct ria_error err = {0};
        const struct ria_sigv4_key key = {{0}};
        const struct ria_sigv4_scope scope = scope_of(LONGEST_REGION + extra);
        bool fits = extra == 0;
        assert_int_equal(ria_sigv4_write_scope(&scope, text) != NULL, fits);
        RIA_AUTO(buf) out = {.max = 1024};
        ria_sigv4_add_scope(&out, &scope);
        assert_int_equal(ria_buf_text(&out) != NULL, fits);
        assert_int_equal(ria_sigv4_sign(&scope, &key, NULL, 0, signature, &err), fits);
        if (!fits) {
            assert_string_equal(
                err.text, "cannot build the token: it is too long, or memory ran out");
        }
    }
}

static void a_token_for_a_region_that_is_too_long_is_refused(void **state)
{
    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        RIA_AUTO(credentials) credentials = RIA_CREDENTIALS_INIT;
        RIA_AUTO(buf) out = {.max = RIA_TOKEN_MAX};
        struct ria_error err = {0};
        const struct ria_sigv4_key key = {{0}};
        const struct ria_sigv4_scope scope = scope_of(LONGEST_REGION + extra);
        const struct ria_token_claim claim = {
            .host = "h", .port = 1, .user = "u", .region = region, .when = 1787402096};
        ria_buf_add_text(&credentials.access_key_id, "AKID");
        assert_int_equal(
            ria_token_sign(&claim, &scope, &credentials, &key, &out, &err), extra == 0);
        assert_int_equal(out.len > 0, extra == 0);
        if (extra != 0) {
            assert_string_equal(
                err.text, "cannot build the token: it is too long, or memory ran out");
        }
    }
}

static void a_secret_that_is_too_long_is_refused(void **state)
{
    (void)state;
    const struct ria_sigv4_scope scope = scope_of(9);
    for (size_t extra = 0; extra < 2; extra++) {
        struct ria_credentials credentials = {.secret_access_key = {.max = 1024}};
        struct ria_sigv4_key key;
        struct ria_error err = {0};
        for (size_t i = 0; i < RIA_SECRET_ACCESS_KEY_MAX + extra; i++) {
            ria_buf_add_char(&credentials.secret_access_key, 's');
        }
        assert_int_equal(ria_sigv4_derive(&scope, &credentials, &key, &err), extra == 0);
        ria_credentials_release(&credentials);
        if (extra != 0) {
            assert_string_equal(err.text, "out of memory for a signature");
        }
    }
}

static void a_time_before_1970_is_refused(void **state)
{
    (void)state;
    struct ria_token_claim claim = {.region = "r", .when = -1};
    struct ria_sigv4_scope scope;
    struct ria_error err = {0};
    assert_false(ria_token_scope(&claim, &scope, &err));
    assert_string_equal(err.text, "the system clock is outside the years 1970 to 9999; set it");
    char extended[RIA_TIMESTAMP_EXTENDED_SIZE];
    assert_false(ria_timestamp_format_extended(-1, extended));
    claim.when = 0;
    assert_true(ria_token_scope(&claim, &scope, &err)); /* control */
    assert_true(ria_timestamp_format_extended(0, extended));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scope_that_is_too_long_is_refused),
        cmocka_unit_test(a_token_for_a_region_that_is_too_long_is_refused),
        cmocka_unit_test(a_secret_that_is_too_long_is_refused),
        cmocka_unit_test(a_time_before_1970_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
