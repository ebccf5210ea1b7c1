/* SPDX-License-Identifier: MIT
 *
 * A program at a fixed address (not PIE) that takes the address of an OpenSSL function. The whole
 * process then sees that function at an address inside the program. The core cannot distinguish
 * this program from one that exports its own OpenSSL function. The core therefore refuses to
 * compute a digest, and the message names this cause too. */
#include "codec/digest.h"

#include "unit.h"

#include <openssl/evp.h>

#ifdef __PIE__
#error "this program must not be a PIE"
#endif

static void the_message_names_the_cause(void **state)
{
    (void)state;
    int (*volatile update)(EVP_MD_CTX *, const void *, size_t) = EVP_DigestUpdate;
    assert_non_null(update);
    uint8_t digest[RIA_SHA256_LEN];
    struct ria_error err = {0};
    assert_false(ria_sha256("abc", 3, digest, &err));
    assert_int_equal(err.code, RIA_E_CRYPTO);
    expect_piece("the program", err.text, "test_digest_not_pie");
    expect_piece(
        "what to do",
        err.text,
        "or takes the address of one and is loaded at a fixed address (link it with -pie)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_message_names_the_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
