/* SPDX-License-Identifier: MIT
 *
 * A program that brings an OpenSSL function of its own: nothing is computed with the mixture, and
 * the sentence names both objects. */
#include "codec/digest.h"

#include "unit.h"

#include <openssl/evp.h>

/* The first call of the mixture that could do harm; none may be made. */
int EVP_MD_CTX_reset(EVP_MD_CTX *ctx)
{
    (void)ctx;
    fail_msg("a function of the mixture was called");
    return 0;
}

static void every_call_is_refused_with_the_same_message(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        uint8_t digest[RIA_SHA256_LEN] = "untouched";
        struct ria_error err = {0};
        assert_false(ria_sha256("abc", 3, digest, &err));
        assert_int_equal(err.code, RIA_E_CRYPTO);
        expect_piece("the cause", err.text, "OpenSSL's functions come from both ");
        expect_piece("one object", err.text, "libcrypto");
        expect_piece("the other", err.text, "test_digest_taken_over");
        expect_piece("what to do", err.text, "link it without -rdynamic or hide them");
        assert_string_equal((const char *)digest, "untouched");
        err = (struct ria_error){0};
        assert_false(ria_hmac_sha256("k", 1, &(struct ria_digest_part){"abc", 3}, 1, digest, &err));
        expect_piece("the cause", err.text, "OpenSSL's functions come from both ");
        assert_string_equal((const char *)digest, "untouched");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_is_refused_with_the_same_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
