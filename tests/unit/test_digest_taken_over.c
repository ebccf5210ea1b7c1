/* SPDX-License-Identifier: MIT
 *
 * A program that exports its own version of an OpenSSL function. The core must not compute a digest
 * partly with libcrypto and partly with the program's function; the message names both objects. */
#include "codec/digest.h"

#include "unit.h"

#include <openssl/evp.h>

/* The first OpenSSL function whose call could do harm if OpenSSL's functions come from two objects.
 * It must not be called. */
int EVP_MD_CTX_reset(EVP_MD_CTX *ctx)
{
    (void)ctx;
    fail_msg("the program's own EVP_MD_CTX_reset() was called");
    return 0;
}

static void every_call_fails_with_the_same_message(void **state)
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
        cmocka_unit_test(every_call_fails_with_the_same_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
