/* SPDX-License-Identifier: MIT
 *
 * ES256 signatures (RFC 7518: ECDSA over P-256 with SHA-256), computed by OpenSSL. The private key
 * is in PEM format. The public key is represented by the coordinates of its point, and a signature
 * by r and s, of 32 bytes each. The module also encodes base64url without padding (RFC 4648,
 * section 5), the encoding of these values in JSON Web Tokens.
 *
 * Only rds-iam-fetch uses this module. A plugin must use digest.h, which checks that the OpenSSL
 * functions of the process come from one library.
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

/* Parses a P-256 private key with the PEM label "EC PRIVATE KEY" or "PRIVATE KEY". Returns false
 * with err filled for any other key, and for a key with a password. On success, the caller releases
 * *out with ria_es256_key_release(). */
bool ria_es256_read(const struct ria_buf *pem, struct ria_es256_key *out, struct ria_error *err)
    RIA_MUST_USE;

/* Signs `len` bytes. Returns false with err filled on failure. */
bool ria_es256_sign(
    const struct ria_es256_key *key,
    const void *data,
    size_t len,
    uint8_t out[RIA_ES256_SIGNATURE_LEN],
    struct ria_error *err) RIA_MUST_USE;

/* Frees the key. Accepts a zeroed struct. */
void ria_es256_key_release(struct ria_es256_key *key);

/* Appends len bytes in base64url. If the text is too long or memory runs out, sets out->failed. */
void ria_base64url_add(struct ria_buf *out, const void *bytes, size_t len);

#endif
