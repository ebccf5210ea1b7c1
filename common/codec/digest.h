/* SPDX-License-Identifier: MIT
 *
 * SHA-256 and HMAC-SHA-256 (FIPS 180-4, RFC 2104) by OpenSSL's EVP. The only module that includes
 * OpenSSL and that a plugin runs. It fetches SHA-256 once per process; every function may be called
 * from any thread.
 *
 * We run inside other people's programs. One that exports OpenSSL names of its own (a static
 * OpenSSL linked with -rdynamic) takes over some of our calls and some of libcrypto's inner ones,
 * and a mixture of two versions crashes. (In a program that is no PIE, a function whose address it
 * takes seems to lie in it; such a program is refused too, because the two cannot be told apart
 * from addresses.) So before first use this module checks that every OpenSSL function that it and
 * libcrypto's digests rely on lies in one object, and computes one HMAC whose value is known. If
 * either fails, all calls fail with a sentence, for good.
 */
#ifndef RIA_CODEC_DIGEST_H
#define RIA_CODEC_DIGEST_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    RIA_SHA256_LEN = 32,
    RIA_SHA1_LEN = 20,
};

/* out = SHA-256(data). False with err filled (RIA_E_CRYPTO); out is then unchanged. */
bool ria_sha256(const void *data, size_t len, uint8_t out[RIA_SHA256_LEN], struct ria_error *err)
    RIA_MUST_USE;

/* out = SHA-1(data), for the names that the AWS CLI gives its cache files and for nothing else.
 * Failure as above. */
bool ria_sha1(const void *data, size_t len, uint8_t out[RIA_SHA1_LEN], struct ria_error *err)
    RIA_MUST_USE;

/* One message of a chain. */
struct ria_digest_part {
    const void *data;
    size_t len;
};

/* out = HMAC-SHA-256(key, message). Of more messages than one, each has as its key what the one
 * before it came to: that is how keys are derived. out may be the key's own memory. Nothing of a
 * key stays on the stack or in memory that was freed. Failure as above. */
bool ria_hmac_sha256(
    const void *key,
    size_t key_len,
    const struct ria_digest_part *messages,
    size_t count,
    uint8_t out[RIA_SHA256_LEN],
    struct ria_error *err) RIA_MUST_USE;

#endif
