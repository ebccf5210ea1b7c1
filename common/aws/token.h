/* SPDX-License-Identifier: MIT
 *
 * The RDS authentication token: a presigned URL without its scheme, valid for 15 minutes for one
 * user at one host and port. Its text is byte for byte the text that botocore 1.43 makes
 * (signers.py, generate_db_auth_token), including the order of the parameters.
 */
#ifndef RIA_AWS_TOKEN_H
#define RIA_AWS_TOKEN_H

#include "aws/credentials.h"
#include "base/error.h"

#include <stdint.h>

enum {
    /* X-Amz-Expires, in seconds. The server compares the token's age with this number, and rejects
     * a token in which this number is larger (RDS User Guide, "IAM database authentication"). */
    RIA_TOKEN_LIFE = 900,
    /* Room for a percent-encoded session token, which has up to three characters for each byte, and
     * for the rest of the RDS token. */
    RIA_TOKEN_MAX = (3 * RIA_SESSION_TOKEN_MAX) + 4096,
};

/* The contents of a token. Strings are borrowed. */
struct ria_token_claim {
    const char *host; /* lower case, without trailing dot: struct ria_endpoint */
    uint16_t port;
    const char *user; /* the database user, any bytes */
    const char *region;
    int64_t when; /* seconds since 1970 */
};

/* Replaces the contents of *out by the token. On failure, returns false with err filled, and *out
 * is empty. */
bool ria_token_sign(
    const struct ria_token_claim *claim,
    const struct ria_credentials *credentials,
    struct ria_buf *out,
    struct ria_error *err) RIA_MUST_USE;

#endif
