/* SPDX-License-Identifier: MIT
 *
 * ECDSA over P-256 with SHA-256 by OpenSSL, as RFC 7518 names it ES256: a private key in PEM, its
 * public point, and signatures as r and s of 32 bytes each; and base64url without padding (RFC
 * 4648, section 5), in which JSON Web Tokens write all of these. For rds-iam-fetch alone: what a
 * plugin runs of OpenSSL is in digest.h, which checks that the process's OpenSSL is the one we
 * linked.
 */
#ifndef RIA_CODEC_ES256_H
#define RIA_CODEC_ES256_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

enum {
    RIA_ES256_NUMBER_LEN = 32,
    RIA_ES256_SIGNATURE_LEN = 2 * RIA_ES256_NUMBER_LEN,
};

struct ria_es256_key {
    void *key; /* NULL: none */
    uint8_t x[RIA_ES256_NUMBER_LEN];
    uint8_t y[RIA_ES256_NUMBER_LEN];
};

/* Reads "EC PRIVATE KEY" or "PRIVATE KEY". False for any other key, and for one with a password. */
bool ria_es256_read(const struct ria_buf *pem, struct ria_es256_key *out, struct ria_error *err)
    RIA_MUST_USE;

bool ria_es256_sign(
    const struct ria_es256_key *key,
    const void *data,
    size_t len,
    uint8_t out[RIA_ES256_SIGNATURE_LEN],
    struct ria_error *err) RIA_MUST_USE;

void ria_es256_key_release(struct ria_es256_key *key);

/* Appends len bytes as base64url; failures are remembered by the buffer. */
void ria_base64url_add(struct ria_buf *out, const void *bytes, size_t len);

#endif
