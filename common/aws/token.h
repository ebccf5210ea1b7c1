/* SPDX-License-Identifier: MIT
 *
 * The RDS authentication token: a presigned URL without its scheme, good for one login as one user
 * at one host and port, for 15 minutes. Text and order of parameters are botocore's
 * (signers.py, generate_db_auth_token, botocore 1.43), byte for byte.
 */
#ifndef RIA_AWS_TOKEN_H
#define RIA_AWS_TOKEN_H

#include "aws/credentials.h"
#include "base/error.h"

#include <stdint.h>

enum {
    /* The server checks the age against this and refuses a larger value: RDS User Guide, "IAM
     * database authentication". Seconds. */
    RIA_TOKEN_LIFE = 900,
    /* The session token percent-encoded (three bytes for one), and all the rest. */
    RIA_TOKEN_MAX = (3 * RIA_SESSION_TOKEN_MAX) + 4096,
};

/* What a token is signed for. Strings are borrowed. */
struct ria_token_claim {
    const char *host; /* lower case, without trailing dot: struct ria_endpoint */
    uint16_t port;
    const char *user; /* as the database knows it, any bytes */
    const char *region;
    int64_t when; /* seconds since 1970 */
};

/* Replaces what *out holds by the token. False with err filled and *out empty. */
bool ria_token_sign(
    const struct ria_token_claim *claim,
    const struct ria_credentials *credentials,
    struct ria_buf *out,
    struct ria_error *err) RIA_MUST_USE;

#endif
