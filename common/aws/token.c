/* SPDX-License-Identifier: MIT
 *
 * Makes the token. The query is written twice: with sorted parameters for the canonical request,
 * and in botocore's order for the token. Both queries consist of the same encoded parts. RDS and
 * Aurora DSQL differ in the name of the service, in the action and its parameters, and in the port.
 * Fails for a time outside the years 1970 to 9999, and for a token that is longer than
 * RIA_TOKEN_MAX.
 */
#include "aws/token.h"

#include "aws/sigv4.h"
#include "aws/token_text.h"
#include "base/messages.h"
#include "codec/percent.h"

#include <string.h>

/* The SHA-256 of the empty string, because the signed request has no body. */
static const char empty_body_hash[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

enum {
    HTTPS_PORT = 443,
    USUAL_LEN = 511,
};

/* Appends the action and, for RDS, its user. */
static void add_action(struct ria_buf *out, const struct ria_token_claim *claim)
{
    if (claim->is_dsql) {
        ria_buf_add_text(out, "Action=DbConnect");
        ria_buf_add_text(out, ria_dsql_user_is_admin(claim->user) ? "Admin" : "");
        return;
    }
    ria_buf_add_text(out, "Action=connect&DBUser=");
    ria_percent_add(out, claim->user, strlen(claim->user));
}

/* Appends the parameters from Action to X-Amz-Expires. The signed query and the token both begin
 * with these parameters, and differ in the order of the other parameters. */
static void aws_token_add_head(
    struct ria_buf *out,
    const struct ria_token_claim *claim,
    const struct ria_sigv4_scope *scope,
    const struct ria_credentials *credentials)
{
    RIA_AUTO(buf) credential = {.max = RIA_ACCESS_KEY_ID_MAX + 256};
    ria_buf_add(&credential, credentials->access_key_id.data, credentials->access_key_id.len);
    ria_buf_add_char(&credential, '/');
    ria_sigv4_add_scope(&credential, scope);
    if (ria_buf_text(&credential) == NULL) {
        out->failed = true;
        return;
    }
    add_action(out, claim);
    ria_buf_add_text(out, "&X-Amz-Algorithm=" RIA_SIGV4_ALGORITHM "&X-Amz-Credential=");
    ria_percent_add(out, credential.data, credential.len);
    ria_buf_add_text(out, "&X-Amz-Date=");
    ria_buf_add_text(out, scope->timestamp);
    ria_buf_add_text(out, "&X-Amz-Expires=");
    ria_buf_add_number(out, RIA_TOKEN_LIFE);
}

static void add_session_token(struct ria_buf *out, const struct ria_credentials *credentials)
{
    if (credentials->session_token.len > 0) {
        ria_buf_add_text(out, "&X-Amz-Security-Token=");
        ria_percent_add(out, credentials->session_token.data, credentials->session_token.len);
    }
}

/* Appends the host, and its port if has_port and if it is a token of RDS. Writes an IPv6 address in
 * brackets, as in a URL. */
static void add_host(struct ria_buf *out, const struct ria_token_claim *claim, bool has_port)
{
    bool is_ipv6 = strchr(claim->host, ':') != NULL;
    ria_buf_add_text(out, is_ipv6 ? "[" : "");
    ria_buf_add_text(out, claim->host);
    ria_buf_add_text(out, is_ipv6 ? "]" : "");
    if (has_port && !claim->is_dsql) {
        ria_buf_add_char(out, ':');
        ria_buf_add_number(out, claim->port);
    }
}

/* Appends the canonical request: method, path, sorted query, the Host header and the empty body's
 * hash. */
static void add_canonical_request(
    struct ria_buf *out,
    const struct ria_buf *head,
    const struct ria_token_claim *claim,
    const struct ria_credentials *credentials)
{
    ria_buf_add_text(out, "GET\n/\n");
    ria_buf_add(out, head->data, head->len);
    add_session_token(out, credentials);
    ria_buf_add_text(out, "&X-Amz-SignedHeaders=host\nhost:");
    /* The Host header does not contain the default port of https. botocore and the Go SDK sign the
     * header in this form. */
    add_host(out, claim, claim->port != HTTPS_PORT);
    ria_buf_add_text(out, "\n\nhost\n");
    ria_buf_add_text(out, empty_body_hash);
}

/* Makes the token. On failure, returns false with err filled; *out may contain a part of the token.
 */
static bool aws_token_sign(
    const struct ria_token_claim *claim,
    const struct ria_credentials *credentials,
    struct ria_buf *out,
    struct ria_error *err)
{
    struct ria_sigv4_scope scope = {
        .region = claim->region, .service = claim->is_dsql ? "dsql" : "rds-db"};
    if (!ria_timestamp_format(claim->when, scope.timestamp)) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_REFUSAL_CLOCK);
    }
    RIA_AUTO(buf) head = {.max = RIA_TOKEN_MAX};
    RIA_AUTO(buf) canonical = {.max = RIA_TOKEN_MAX};
    /* Reserves the length that most tokens need, because a buffer that grows is copied and wiped.
     */
    (void)ria_buf_reserve(&head, USUAL_LEN);
    (void)ria_buf_reserve(&canonical, USUAL_LEN);
    (void)ria_buf_reserve(out, USUAL_LEN);
    aws_token_add_head(&head, claim, &scope, credentials);
    if (ria_buf_text(&head) != NULL) {
        add_canonical_request(&canonical, &head, claim, credentials);
    }
    if (head.failed || canonical.failed) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_REFUSAL_TOKEN_SIZE);
    }
    char signature[RIA_SIGNATURE_SIZE];
    if (!ria_sigv4_sign(&scope, credentials, &canonical, signature, err)) {
        return false;
    }
    add_host(out, claim, true);
    ria_buf_add_text(out, "/?");
    ria_buf_add(out, head.data, head.len);
    ria_buf_add_text(out, "&X-Amz-SignedHeaders=host");
    add_session_token(out, credentials);
    ria_buf_add_text(out, "&X-Amz-Signature=");
    ria_buf_add(out, signature, sizeof(signature) - 1);
    explicit_bzero(signature, sizeof(signature));
    if (ria_buf_text(out) == NULL) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_REFUSAL_TOKEN_SIZE);
    }
    return true;
}

bool ria_token_sign(
    const struct ria_token_claim *claim,
    const struct ria_credentials *credentials,
    struct ria_buf *out,
    struct ria_error *err)
{
    ria_buf_clear(out);
    if (!aws_token_sign(claim, credentials, out, err)) {
        ria_buf_clear(out);
        return false;
    }
    return true;
}
