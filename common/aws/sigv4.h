/* SPDX-License-Identifier: MIT
 *
 * AWS Signature Version 4: credential scope, signing key, signature. This module signs a canonical
 * request that the caller wrote, so presigned queries and signed headers share this code.
 *
 * Implements "AWS Signature Version 4 for API requests" (AWS IAM User Guide). Makes the same
 * signatures as botocore 1.43.
 */
#ifndef RIA_AWS_SIGV4_H
#define RIA_AWS_SIGV4_H

#include "aws/credentials.h"
#include "base/buf.h"
#include "base/timestamp.h"
#include "codec/digest.h"

enum {
    RIA_SIGNATURE_SIZE = 65 /* 64 hexadecimal digits and a NUL */
};

#define RIA_SIGV4_ALGORITHM "AWS4-HMAC-SHA256"

/* The time, region and service of a request. Strings are borrowed. */
struct ria_sigv4_scope {
    char timestamp[RIA_TIMESTAMP_SIZE]; /* ria_timestamp_format() */
    const char *region;
    const char *service;
};

enum {
    RIA_SIGV4_SCOPE_MAX = 256 /* the longest text of a scope */
};

/* Writes the text of the scope to `at`, which has room for RIA_SIGV4_SCOPE_MAX characters. Returns
 * a pointer to the byte after the text, or NULL if the text does not fit. Writes no NUL. */
char *ria_sigv4_write_scope(const struct ria_sigv4_scope *scope, char *at) RIA_MUST_USE;

/* Appends the credential scope, such as "20260822/us-east-1/rds-db/aws4_request". */
void ria_sigv4_add_scope(struct ria_buf *out, const struct ria_sigv4_scope *scope);

/* The signing key of one secret access key for one day, region and service. It is a secret: with
 * it, requests of that day can be signed. Code that stores a copy must wipe the copy. */
struct ria_sigv4_key {
    uint8_t bytes[RIA_SHA256_LEN];
};

/* Derives the signing key. The caller must wipe *out after use. On failure, returns false with err
 * filled. */
bool ria_sigv4_derive(
    const struct ria_sigv4_scope *scope,
    const struct ria_credentials *credentials,
    struct ria_sigv4_key *out,
    struct ria_error *err) RIA_MUST_USE;

/* Computes the signature of a canonical request, which may consist of several parts. `key` is the
 * key that was derived for this scope. On failure, returns false with err filled, and signature is
 * unchanged. */
bool ria_sigv4_sign(
    const struct ria_sigv4_scope *scope,
    const struct ria_sigv4_key *key,
    const struct ria_digest_part *canonical_request,
    size_t count,
    char signature[RIA_SIGNATURE_SIZE],
    struct ria_error *err) RIA_MUST_USE;

#endif
