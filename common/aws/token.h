/* SPDX-License-Identifier: MIT
 *
 * The authentication token: a presigned URL without its scheme, valid for 15 minutes. A token of
 * RDS is for one user at one host and port. A token of Aurora DSQL is for one host, and for either
 * the user "admin" or all other users together; it contains neither a user nor a port. Both kinds
 * of token are byte for byte the text that botocore 1.43 makes (signers.py: generate_db_auth_token,
 * dsql_generate_db_connect_auth_token and dsql_generate_db_connect_admin_auth_token), including the
 * order of the parameters.
 */
#ifndef RIA_AWS_TOKEN_H
#define RIA_AWS_TOKEN_H

#include "aws/sigv4.h"
#include "base/error.h"

#include <stdint.h>

enum {
    /* X-Amz-Expires, in seconds. The server compares the token's age with this number. RDS rejects
     * a token with a number above 900 (RDS User Guide, "IAM database authentication"). Aurora DSQL
     * accepts a number of up to a week; the AWS SDKs write 900 for both services. */
    RIA_TOKEN_LIFE = 900,
    /* Room for a percent-encoded session token, which has up to three characters for each byte, and
     * for the rest of the RDS token. */
    RIA_TOKEN_MAX = (3 * RIA_SESSION_TOKEN_MAX) + 4096,
};

/* The contents of a token. Strings are borrowed. */
struct ria_token_claim {
    const char *host; /* lower case, without trailing dot: struct ria_endpoint */
    uint16_t port;    /* not part of a token of Aurora DSQL */
    const char *user; /* the database user, any bytes */
    const char *region;
    int64_t when; /* seconds since 1970 */
    bool is_dsql; /* the host is an endpoint of Aurora DSQL */
};

/* Fills *out with the scope in which the token is signed. *out borrows claim->region. Returns false
 * with err filled if the time is outside the years 1970 to 9999. */
bool ria_token_scope(
    const struct ria_token_claim *claim,
    struct ria_sigv4_scope *out,
    struct ria_error *err) RIA_MUST_USE;

/* Replaces the contents of *out by the token. `scope` is the result of ria_token_scope(), and `key`
 * is the credentials' signing key for this scope (ria_sigv4_derive()). Allocates memory only if
 * *out has no room for the token. On failure, returns false with err filled, and *out is empty. */
bool ria_token_sign(
    const struct ria_token_claim *claim,
    const struct ria_sigv4_scope *scope,
    const struct ria_credentials *credentials,
    const struct ria_sigv4_key *key,
    struct ria_buf *out,
    struct ria_error *err) RIA_MUST_USE;

#endif
