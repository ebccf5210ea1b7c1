/* SPDX-License-Identifier: MIT
 *
 * SHA-256, SHA-1 and HMAC-SHA-256 (FIPS 180-4, RFC 2104), computed by OpenSSL's EVP functions. Of
 * the modules that run in a plugin, only this module includes OpenSSL. OpenSSL's SHA-256 is looked
 * up once for the process, and a lookup that has failed is repeated at the next digest. Every
 * function may be called from any thread.
 *
 * A plugin runs inside a foreign program. If the program exports OpenSSL names of its own (a static
 * OpenSSL linked with -rdynamic), some calls of the plugin and some internal calls of libcrypto
 * reach the program's functions instead. A mixture of two OpenSSL versions crashes. Before its
 * first digest, this module therefore checks that one loaded object contains all OpenSSL functions
 * that this module calls in a plugin, and some that libcrypto's digests call. It also computes one
 * HMAC whose value is known. If a check fails, no digest is computed, and the checks are made again
 * at the next digest, because memory may have run out during the checks.
 *
 * In a program that is not position-independent (not a PIE), a function whose address the program
 * takes appears to be in the program. The addresses do not show whether the program merely
 * takes a function's address or replaces the function, so such a program is also refused.
 */
#ifndef RIA_CODEC_DIGEST_H
#define RIA_CODEC_DIGEST_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    RIA_SHA256_LEN = 32,
    RIA_SHA1_LEN = 20,
};

struct evp_md_ctx_st; /* OpenSSL's EVP_MD_CTX */
struct evp_md_st;     /* OpenSSL's EVP_MD */

/* A context for several digests, one after the other. {0} is closed. */
struct ria_digest {
    struct evp_md_ctx_st *ctx;
    struct evp_md_st *md; /* SHA-256; borrowed, and valid until the process ends */
    bool is_reused;       /* opened by ria_digest_open(), so ria_digest_release() may store it */
};

/* One piece of a message. */
struct ria_digest_part {
    const void *data;
    size_t len;
};

/* Opens a context. On failure, returns false with err filled (RIA_E_CRYPTO). The caller closes it
 * with RIA_AUTO(digest). */
bool ria_digest_open(struct ria_digest *digest, struct ria_error *err) RIA_MUST_USE;

/* Computes out = SHA-256(parts, one after the other). On failure, returns false with err filled
 * (RIA_E_CRYPTO), and out is unchanged. */
bool ria_digest_sha256(
    struct ria_digest *digest,
    const struct ria_digest_part *parts,
    size_t count,
    uint8_t out[RIA_SHA256_LEN],
    struct ria_error *err) RIA_MUST_USE;

/* Computes out = HMAC-SHA-256(key, message) with an open context. If there are several messages,
 * the HMAC of each message is the key for the next, as SigV4 derives its keys. count is at least 1.
 * out may overlap the key. No part of a key remains on the stack. Fails like ria_digest_sha256().
 */
bool ria_digest_hmac(
    struct ria_digest *digest,
    const struct ria_digest_part *key,
    const struct ria_digest_part *messages,
    size_t count,
    uint8_t out[RIA_SHA256_LEN],
    struct ria_error *err) RIA_MUST_USE;

/* Closes the context; OpenSSL wipes its memory. A context that ria_digest_open() has opened is
 * stored, without its contents, for the next call of ria_digest_open(), unless one is stored
 * already. Accepts a closed context. */
void ria_digest_release(struct ria_digest *digest);

/* Computes out = SHA-256(data). On failure, returns false with err filled (RIA_E_CRYPTO), and out
 * is unchanged. */
bool ria_sha256(const void *data, size_t len, uint8_t out[RIA_SHA256_LEN], struct ria_error *err)
    RIA_MUST_USE;

/* Computes out = SHA-1(data). Used only for the names of the AWS CLI's cache files. Fails like
 * ria_sha256(). */
bool ria_sha1(const void *data, size_t len, uint8_t out[RIA_SHA1_LEN], struct ria_error *err)
    RIA_MUST_USE;

/* Does what ria_digest_hmac() does, with a context of its own. No part of a key remains on the
 * stack or in freed memory. */
bool ria_hmac_sha256(
    const void *key,
    size_t key_len,
    const struct ria_digest_part *messages,
    size_t count,
    uint8_t out[RIA_SHA256_LEN],
    struct ria_error *err) RIA_MUST_USE;

#endif
