/* SPDX-License-Identifier: MIT
 *
 * Makes the token. The token is written first, without its signature and in botocore's order. The
 * canonical request has the same parameters, but sorted. The code does not build the canonical
 * request as one text. Instead, it hashes the parts of the token in the order of the canonical
 * request. RDS and Aurora DSQL differ in the name of the service, in the action and its parameters,
 * and in the port. Fails for a time outside the years 1970 to 9999, and for a token that may not
 * fit into the caller's buffer.
 */
#include "aws/token.h"

#include "aws/token_text.h"
#include "base/messages.h"
#include "base/text.h"
#include "codec/percent.h"

#include <string.h>

/* The SHA-256 of the empty string, because the signed request has no body. */
#define EMPTY_BODY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum {
    HTTPS_PORT = 443,
    CONSTANT_PARTS_MAX = 512, /* the parts of fixed length have at most 260 characters together */
};

#define LIFE_TEXT "900"
_Static_assert(RIA_TOKEN_LIFE == 900, "LIFE_TEXT is RIA_TOKEN_LIFE");

/* The parts of a token that are also parts of its canonical request. */
struct layout {
    const char *host; /* the value of the Host header */
    const char *host_end;
    const char *head; /* the parameters from Action to X-Amz-Expires */
    const char *head_end;
    const char *session; /* the parameter X-Amz-Security-Token */
    const char *session_end;
};

/* Returns a number of characters that the token of this claim cannot exceed. */
static size_t length_limit(
    const struct ria_token_claim *claim, const struct ria_credentials *credentials)
{
    size_t encoded = strlen(claim->user) + credentials->access_key_id.len + RIA_SIGV4_SCOPE_MAX +
                     credentials->session_token.len;
    return strlen(claim->host) + (3 * encoded) + CONSTANT_PARTS_MAX;
}

/* Writes the host and, for RDS, the port. Writes an IPv6 address in brackets, as in a URL. */
static char *write_host(char *at, const struct ria_token_claim *claim, struct layout *layout)
{
    bool is_ipv6 = strchr(claim->host, ':') != NULL;
    layout->host = at;
    if (is_ipv6) {
        *at++ = '[';
    }
    at = ria_text_put(at, claim->host, strlen(claim->host));
    if (is_ipv6) {
        *at++ = ']';
    }
    layout->host_end = at;
    if (!claim->is_dsql) {
        *at++ = ':';
        at = ria_text_put_number(at, claim->port);
    }
    /* The Host header does not contain the default port of https. botocore and the Go SDK sign the
     * header in this form. */
    layout->host_end = claim->port == HTTPS_PORT ? layout->host_end : at;
    return at;
}

/* Writes the action and, for RDS, the database user. */
static char *write_action(char *at, const struct ria_token_claim *claim)
{
    if (claim->is_dsql) {
        at = RIA_TEXT_PUT(at, "Action=DbConnect");
        return ria_dsql_user_is_admin(claim->user) ? RIA_TEXT_PUT(at, "Admin") : at;
    }
    at = RIA_TEXT_PUT(at, "Action=connect&DBUser=");
    return ria_percent_write(at, claim->user, strlen(claim->user));
}

/* Writes the parameters from Action to X-Amz-Expires. Returns NULL if the scope is too long. */
static char *write_head(
    char *at,
    const struct ria_token_claim *claim,
    const struct ria_sigv4_scope *scope,
    const struct ria_credentials *credentials)
{
    char text[RIA_SIGV4_SCOPE_MAX];
    const char *end = ria_sigv4_write_scope(scope, text);
    if (end == NULL) {
        return NULL;
    }
    const struct ria_buf *id = &credentials->access_key_id;
    at = write_action(at, claim);
    at = RIA_TEXT_PUT(at, "&X-Amz-Algorithm=" RIA_SIGV4_ALGORITHM "&X-Amz-Credential=");
    at = ria_percent_write(at, id->data, id->len);
    at = RIA_TEXT_PUT(at, "%2F");
    at = ria_percent_write(at, text, (size_t)(end - text));
    at = RIA_TEXT_PUT(at, "&X-Amz-Date=");
    at = ria_text_put(at, scope->timestamp, RIA_TIMESTAMP_SIZE - 1);
    return RIA_TEXT_PUT(at, "&X-Amz-Expires=" LIFE_TEXT);
}

/* Writes the token without its signature. Returns a pointer to the byte after the written text, or
 * NULL if the scope is too long. */
static char *write_unsigned(
    char *at,
    const struct ria_token_claim *claim,
    const struct ria_sigv4_scope *scope,
    const struct ria_credentials *credentials,
    struct layout *layout)
{
    const struct ria_buf *session_token = &credentials->session_token;
    at = write_host(at, claim, layout);
    at = RIA_TEXT_PUT(at, "/?");
    layout->head = at;
    at = write_head(at, claim, scope, credentials);
    if (at == NULL) {
        return NULL;
    }
    layout->head_end = at;
    at = RIA_TEXT_PUT(at, "&X-Amz-SignedHeaders=host");
    layout->session = at;
    if (session_token->len > 0) {
        at = RIA_TEXT_PUT(at, "&X-Amz-Security-Token=");
        at = ria_percent_write(at, session_token->data, session_token->len);
    }
    layout->session_end = at;
    return at;
}

/* Computes the signature of the canonical request: method, path, sorted query, the Host header and
 * the empty body's hash. The variable parts of the request are parts of the token. */
static bool aws_token_compute(
    const struct layout *layout,
    const struct ria_sigv4_scope *scope,
    const struct ria_sigv4_key *key,
    char signature[RIA_SIGNATURE_SIZE],
    struct ria_error *err)
{
    static const char begin[] = "GET\n/\n";
    static const char headers[] = "&X-Amz-SignedHeaders=host\nhost:";
    static const char finish[] = "\n\nhost\n" EMPTY_BODY_HASH;
    const struct ria_digest_part request[] = {
        {begin, sizeof(begin) - 1},
        {layout->head, (size_t)(layout->head_end - layout->head)},
        {layout->session, (size_t)(layout->session_end - layout->session)},
        {headers, sizeof(headers) - 1},
        {layout->host, (size_t)(layout->host_end - layout->host)},
        {finish, sizeof(finish) - 1},
    };
    return ria_sigv4_sign(
        scope, key, request, sizeof(request) / sizeof(request[0]), signature, err);
}

/* Makes the token. On failure, returns false with err filled; *out may contain a part of the token.
 */
static bool aws_token_sign(
    const struct ria_token_claim *claim,
    const struct ria_sigv4_scope *scope,
    const struct ria_credentials *credentials,
    const struct ria_sigv4_key *key,
    struct ria_buf *out,
    struct ria_error *err)
{
    struct layout layout;
    char *start = ria_buf_reserve(out, length_limit(claim, credentials));
    char *at = start == NULL ? NULL : write_unsigned(start, claim, scope, credentials, &layout);
    if (at == NULL) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_REFUSAL_TOKEN_SIZE);
    }
    char signature[RIA_SIGNATURE_SIZE];
    if (!aws_token_compute(&layout, scope, key, signature, err)) {
        return false;
    }
    at = RIA_TEXT_PUT(at, "&X-Amz-Signature=");
    at = ria_text_put(at, signature, sizeof(signature) - 1);
    explicit_bzero(signature, sizeof(signature));
    ria_buf_filled(out, (size_t)(at - start)); /* ria_token_sign() has cleared the buffer */
    return true;
}

bool ria_token_scope(
    const struct ria_token_claim *claim, struct ria_sigv4_scope *out, struct ria_error *err)
{
    out->region = claim->region;
    out->service = claim->is_dsql ? "dsql" : "rds-db";
    return ria_timestamp_format(claim->when, out->timestamp) ||
           ria_fail(err, RIA_E_SYSTEM, RIA_REFUSAL_CLOCK);
}

bool ria_token_sign(
    const struct ria_token_claim *claim,
    const struct ria_sigv4_scope *scope,
    const struct ria_credentials *credentials,
    const struct ria_sigv4_key *key,
    struct ria_buf *out,
    struct ria_error *err)
{
    ria_buf_clear(out);
    if (!aws_token_sign(claim, scope, credentials, key, out, err)) {
        ria_buf_clear(out);
        return false;
    }
    return true;
}
