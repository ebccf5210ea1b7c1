/* SPDX-License-Identifier: MIT
 *
 * Makes a token for a login request. Checks the channel (the connection to the server), finds the
 * endpoint and region for the dialed name, gets credentials from the credential chain
 * (provider/chain.h), and signs the token. Rejects a channel that is not encrypted or not
 * authenticated, and expired credentials. Also rejects a host that is not an endpoint of RDS or
 * Aurora DSQL, unless the user gives --region or the host's section has the key `endpoint`. */
#include "rds_iam.h"

#include "aws/token.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "codec/digest.h"
#include "login/resolve.h"
#include "provider/cache.h"
#include "provider/chain.h"
#include "provider/memory_cache.h"

#include <string.h>

_Static_assert((int)RIA_TOKEN_TEXT_MAX >= (int)RIA_TOKEN_MAX, "the public limit holds every token");

enum {
    HTTPS_PORT = 443,
    /* Seconds. If the credentials expire at most this number of seconds before the token, no
     * warning is logged. The credentials of `aws login` live for 15 minutes, as a token does, but
     * are a few seconds old when they sign a token. */
    EARLY_EXPIRY_IGNORED = 60,
};

/* Rejects expired credentials. Warns if the credentials expire more than EARLY_EXPIRY_IGNORED
 * seconds before the token's own expiry time, because a token also becomes invalid when the
 * credentials that signed it expire. */
static bool check_expiry(
    const struct ria_world *world,
    const struct ria_credentials *credentials,
    int64_t now,
    struct ria_error *err)
{
    char when[RIA_TIMESTAMP_SIZE];
    if (credentials->expires == 0 || !ria_timestamp_format(credentials->expires, when)) {
        return true;
    }
    if (credentials->expires <= now) {
        return ria_fail(err, RIA_E_CREDENTIALS, RIA_REFUSAL_EXPIRED, credentials->source, when);
    }
    if (credentials->expires - now < RIA_TOKEN_LIFE - EARLY_EXPIRY_IGNORED) {
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "the AWS credentials of %s expire at %s, and the token with them",
            credentials->source,
            when);
    }
    return true;
}

/* Logs how long the token is valid. */
static void log_lifetime(
    const struct ria_world *world,
    const struct ria_token_claim *claim,
    const struct ria_token *token)
{
    char when[RIA_TIMESTAMP_EXTENDED_SIZE];
    if (ria_world_logs(world, RIA_LOG_DEBUG) &&
        ria_timestamp_format_extended(token->expires, when)) {
        ria_world_log(
            world,
            RIA_LOG_DEBUG,
            "the token for %s at %s:%u in %s is valid for %lld s, until %s%s",
            claim->user,
            claim->host,
            (unsigned)claim->port,
            claim->region,
            (long long)(token->expires - claim->when),
            when,
            token->expires == token->credentials_expires ? ", when its credentials expire" : "");
    }
}

/* Gets the signing key from the process's cache, or derives it. The caller wipes *key. */
static bool find_signing_key(
    const struct ria_world *world,
    const struct ria_response *response,
    const struct ria_sigv4_scope *scope,
    struct ria_sigv4_key *key,
    struct ria_error *err)
{
    const struct ria_credentials *credentials = &response->credentials;
    if (ria_memory_cache_get_key(&credentials->secret_access_key, scope, key)) {
        return true;
    }
    if (!ria_sigv4_derive(scope, credentials, key, err)) {
        return false;
    }
    ria_memory_cache_put_key(world, response, scope, key);
    return true;
}

/* Writes the text of the token to *out. On failure, *out is empty. */
static bool sign_text(
    const struct ria_world *world,
    const struct ria_token_claim *claim,
    const struct ria_response *response,
    struct ria_buf *out,
    struct ria_error *err)
{
    struct ria_sigv4_scope scope;
    struct ria_sigv4_key key;
    bool ok = ria_token_scope(claim, &scope, err) &&
              find_signing_key(world, response, &scope, &key, err) &&
              ria_token_sign(claim, &scope, &response->credentials, &key, out, err);
    explicit_bzero(&key, sizeof(key));
    if (!ok) {
        ria_buf_clear(out);
    }
    return ok;
}

/* Signs the token with the credentials in the response. Uses AWS's time if its offset from this
 * machine's clock is known. The token expires after 15 minutes, or with the credentials. */
static bool token_for_sign(
    const struct ria_login *login,
    const struct ria_world *world,
    const struct ria_resolved *resolved,
    const struct ria_response *response,
    struct ria_token *token,
    struct ria_error *err)
{
    const struct ria_credentials *credentials = &response->credentials;
    int64_t offset = ria_cache_offset(world, &response->offset);
    int64_t now = world->now(world->self) + offset;
    if (offset != 0) {
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "this machine's clock is %lld s %s AWS's, so the token uses AWS's time; set the clock",
            (long long)(offset < 0 ? -offset : offset),
            offset < 0 ? "ahead of" : "behind");
    }
    if (!check_expiry(world, credentials, now, err)) {
        return false;
    }
    struct ria_token_claim claim = {
        .host = resolved->endpoint.host,
        .port = resolved->port,
        .user = login->user,
        .region = resolved->region.value,
        .when = now,
        .is_dsql = resolved->endpoint.kind == RIA_ENDPOINT_DSQL,
    };
    if (claim.port == HTTPS_PORT && !claim.is_dsql) {
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "the token for port 443 is signed without the port, as botocore does; other signers "
            "include it");
    }
    if (!sign_text(world, &claim, response, &token->text, err)) {
        return false;
    }
    token->expires = now + RIA_TOKEN_LIFE;
    token->credentials_expires = credentials->expires;
    token->credentials_renewal = response->renewal;
    (void)ria_text_copy(token->source, sizeof(token->source), credentials->source);
    if (credentials->expires != 0 && credentials->expires < token->expires) {
        token->expires = credentials->expires;
    }
    ria_world_log(
        world,
        RIA_LOG_INFO,
        "signed for %s at %s:%u in %s with %s (%s)",
        claim.user,
        claim.host,
        (unsigned)claim.port,
        claim.region,
        credentials->access_key_id.data,
        credentials->source);
    log_lifetime(world, &claim, token);
    return true;
}

/* Makes the token for a login whose channel was checked. If the host is not an RDS endpoint, tries
 * to improve the error with a DNS lookup. */
static enum ria_outcome make_token(
    const struct ria_login *login,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_resolved *resolved,
    struct ria_token *token,
    struct ria_error *err)
{
    if (!ria_resolve_section(login, world, resolved, err) ||
        !ria_resolve_endpoint(login, world, resolved, err)) {
        if (err->code == RIA_E_ENDPOINT && resolved->section.endpoint.value == NULL) {
            ria_resolve_alias(login, &resolved->dialed, deadline, world, err);
        }
        return RIA_FAILED;
    }
    struct ria_query query = ria_resolve_query(login, resolved, deadline, world);
    struct ria_credentials_room room;
    RIA_AUTO(response) response;
    ria_response_init(&response, &room);
    struct ria_trail trail;
    enum ria_outcome outcome = ria_chain_find(&query, &response, &trail, err);
    if (outcome != RIA_FOUND) {
        return outcome;
    }
    return token_for_sign(login, world, resolved, &response, token, err) ? RIA_FOUND : RIA_FAILED;
}

enum ria_outcome ria_token_for(
    const struct ria_login *login,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_token *token,
    struct ria_error *err)
{
    RIA_AUTO(resolved) resolved = {0};
    if (!ria_resolve_login(login, world, &resolved, err) ||
        !ria_resolve_check_channel(login, err)) {
        return RIA_FAILED;
    }
    return make_token(login, deadline, world, &resolved, token, err);
}

bool ria_login_may_send(
    const struct ria_login *login, const struct ria_world *world, struct ria_error *err)
{
    if (!ria_resolve_check_channel(login, err)) {
        return false;
    }
    if (login->channel != RIA_CHANNEL_CHAIN_VERIFIED) {
        return true;
    }
    RIA_AUTO(resolved) resolved = {0};
    return ria_resolve_login(login, world, &resolved, err) &&
           ria_resolve_section(login, world, &resolved, err);
}

bool ria_configuration_check(const struct ria_world *world, struct ria_error *err)
{
    RIA_AUTO(config) config = {0};
    return ria_config_load(world, &config, err);
}

void ria_token_release(struct ria_token *token)
{
    ria_buf_release(&token->text);
    token->expires = 0;
    token->credentials_expires = 0;
    token->credentials_renewal = 0;
    token->source[0] = '\0';
}

void ria_prepare(void)
{
    uint8_t sum[RIA_SHA256_LEN];
    struct ria_error err;
    bool is_ready = ria_sha256("", 0, sum, &err);
    (void)is_ready; /* after a failure, signing a token also fails, and reports the reason */
}
