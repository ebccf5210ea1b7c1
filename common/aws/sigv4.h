/* SPDX-License-Identifier: MIT
 *
 * AWS Signature Version 4: credential scope, signing key, signature. This module signs a canonical
 * request that the caller wrote, so presigned queries and signed headers share this code.
 *
 * Implements "AWS Signature Version 4 for API requests" (AWS IAM User Guide); it makes the
 * same signatures as botocore 1.43.
 */
#ifndef RIA_AWS_SIGV4_H
#define RIA_AWS_SIGV4_H

#include "aws/credentials.h"
#include "base/buf.h"
#include "base/timestamp.h"

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

/* Appends the credential scope, such as "20260822/us-east-1/rds-db/aws4_request". */
void ria_sigv4_add_scope(struct ria_buf *out, const struct ria_sigv4_scope *scope);

/* Computes the signature of a canonical request. On failure, returns false with err filled, and
 * signature is unchanged. */
bool ria_sigv4_sign(
    const struct ria_sigv4_scope *scope,
    const struct ria_credentials *credentials,
    const struct ria_buf *canonical_request,
    char signature[RIA_SIGNATURE_SIZE],
    struct ria_error *err) RIA_MUST_USE;

#endif
