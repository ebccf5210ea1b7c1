/* SPDX-License-Identifier: MIT
 *
 * The one question, answered in steps: may a token go over this channel, what does the dialled name
 * stand for, who signs, and the signature. Policy lives here; the how is in the layers below. */
#include "rds_iam.h"

#include "aws/config.h"
#include "aws/token.h"
#include "base/timestamp.h"
#include "provider/chain.h"

#include <stdio.h>
#include <string.h>

_Static_assert((int)RIA_TOKEN_TEXT_MAX >= (int)RIA_TOKEN_MAX, "the public limit holds every token");

enum {
    USER_MAX = 255, /* MySQL takes 32 characters, MariaDB 128, PostgreSQL 63 bytes */
    HTTPS_PORT = 443,
};

/* What a login comes to once configuration and endpoint are known. */
struct resolved {
    struct ria_config config;
    struct ria_target target;
    struct ria_endpoint endpoint;
    uint16_t port;
    char region[RIA_REGION_SIZE];
};

static void release_resolved(struct resolved *resolved)
{
    ria_config_release(&resolved->config);
}

static bool check_login(
    const struct ria_login *login, const struct ria_world *world, struct ria_error *err)
{
    if (world->is_privileged(world->self)) {
        return ria_fail(
            err,
            RIA_E_SYSTEM,
            "this program runs with more rights than its caller (setuid or file capabilities); "
            "nothing is signed in such a program");
    }
    if (login->host == NULL || *login->host == '\0') {
        return ria_fail(err, RIA_E_USAGE, "no host name is dialled; a token needs one");
    }
    if (login->port == 0 || login->port > UINT16_MAX) {
        return ria_fail(err, RIA_E_USAGE, "the port is not between 1 and 65535");
    }
    size_t user_len = login->user == NULL ? 0 : strlen(login->user);
    if (user_len == 0 || user_len > USER_MAX) {
        return ria_fail(
            err,
            RIA_E_USAGE,
            "the user name must have 1 to %d bytes; name the database user",
            USER_MAX);
    }
    return true;
}

/* What no configuration can allow. */
static bool check_channel(const struct ria_login *login, struct ria_error *err)
{
    switch (login->channel) {
    case RIA_CHANNEL_CHAIN_VERIFIED:
    case RIA_CHANNEL_VERIFIED:
    case RIA_CHANNEL_NONE:
        return true;
    case RIA_CHANNEL_UNVERIFIED:
        return ria_fail(
            err,
            RIA_E_CHANNEL,
            "the server's certificate was not verified; give the client the RDS CA bundle and "
            "turn verification on");
    case RIA_CHANNEL_PLAIN:
    default:
        return ria_fail(
            err, RIA_E_CHANNEL, "the connection is not encrypted; turn TLS on in the client");
    }
}

static bool check_chain_suffices(
    const struct ria_login *login, const struct ria_target *target, struct ria_error *err)
{
    if (login->channel != RIA_CHANNEL_CHAIN_VERIFIED || target->chain_suffices) {
        return true;
    }
    return ria_fail(
        err,
        RIA_E_CHANNEL,
        "the server's certificate was verified but not its host name; turn name verification on, "
        "or "
        "where that cannot be: [%.100s:%u] endpoint = NAME:PORT, tls = verify-ca in "
        "~/.config/rds-iam/config",
        login->host,
        login->port);
}

/* Reads the configuration and says what the dialled address stands for. */
static bool resolve_target(
    const struct ria_login *login,
    const struct ria_world *world,
    struct resolved *out,
    struct ria_error *err)
{
    if (!ria_config_load(world, &out->config, err)) {
        return false;
    }
    ria_config_match(&out->config, login->host, (uint16_t)login->port, login->user, &out->target);
    return check_chain_suffices(login, &out->target, err);
}

static void warn_of_region(
    const struct ria_world *world, const struct resolved *resolved, const struct ria_error *reason)
{
    if (resolved->endpoint.kind == RIA_ENDPOINT_OTHER) {
        ria_world_log(world, RIA_LOG_WARNING, "%s", reason->text);
    } else if (
        resolved->endpoint.region[0] != '\0' &&
        strcmp(resolved->endpoint.region, resolved->region) != 0) {
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "signing for the region %s, although the name %s says %s",
            resolved->region,
            resolved->endpoint.host,
            resolved->endpoint.region);
    }
}

/* Region: said by a person > by the configuration > by the name. Never by the environment or the
 * AWS profile: those say where somebody usually works, not where this database is. */
static bool resolve_endpoint(
    const struct ria_login *login,
    const struct ria_world *world,
    struct resolved *out,
    struct ria_error *err)
{
    const struct ria_target *target = &out->target;
    bool is_mapped = target->endpoint.value != NULL;
    const char *host = is_mapped ? target->endpoint_host : login->host;
    out->port = is_mapped ? target->endpoint_port : (uint16_t)login->port;
    enum ria_outcome outcome = ria_endpoint_parse(host, &out->endpoint, err);
    if (outcome == RIA_FAILED) {
        return false;
    }
    const char *region = login->region != NULL ? login->region : target->region.value;
    /* A name that is no RDS name is signed for only where a person said so: by an option, or by an
     * endpoint line. A region alone, set for a wildcard, is not enough. */
    bool is_named = login->region != NULL || is_mapped;
    bool is_rds = out->endpoint.kind != RIA_ENDPOINT_OTHER;
    if (region == NULL || (!is_rds && !is_named)) {
        region = outcome == RIA_FOUND ? out->endpoint.region : NULL;
    }
    if (region == NULL && is_mapped) {
        return ria_fail_at(
            err,
            RIA_E_ENDPOINT,
            &target->endpoint,
            "the name %s holds no region; write the name of the RDS endpoint, or add region = "
            "REGION to this section",
            out->endpoint.host);
    }
    if (region == NULL) {
        return false; /* err says why since the name was parsed */
    }
    if (!ria_region_is_plausible(region)) {
        return ria_fail(
            err, RIA_E_USAGE, "\"%.64s\" is no region; write one like eu-west-1", region);
    }
    memcpy(out->region, region, strlen(region) + 1);
    warn_of_region(world, out, err);
    return true;
}

/* A token dies with the credentials that signed it. */
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
        return ria_fail(
            err,
            RIA_E_CREDENTIALS,
            "the AWS credentials of %s ended at %s; get new ones",
            credentials->source,
            when);
    }
    if (credentials->expires - now < RIA_TOKEN_LIFE) {
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "the AWS credentials of %s end at %s, and the token with them",
            credentials->source,
            when);
    }
    return true;
}

static bool sign(
    const struct ria_login *login,
    const struct ria_world *world,
    const struct resolved *resolved,
    const struct ria_credentials *credentials,
    struct ria_token *token,
    struct ria_error *err)
{
    int64_t now = world->now(world->self);
    if (!check_expiry(world, credentials, now, err)) {
        return false;
    }
    struct ria_token_claim claim = {
        .host = resolved->endpoint.host,
        .port = resolved->port,
        .user = login->user,
        .region = resolved->region,
        .when = now,
    };
    if (claim.port == HTTPS_PORT) {
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "port 443 is signed without the port, as botocore does; other signers differ here");
    }
    RIA_AUTO(buf) text = {.max = RIA_TOKEN_MAX};
    if (!ria_token_sign(&claim, credentials, &text, err)) {
        return false;
    }
    ria_buf_move(&token->text, &text);
    token->expires = now + RIA_TOKEN_LIFE;
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
    return true;
}

static enum ria_outcome answer(
    const struct ria_login *login,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_token *token,
    struct ria_error *err)
{
    __attribute__((cleanup(release_resolved))) struct resolved resolved = {0};
    if (!resolve_target(login, world, &resolved, err) ||
        !resolve_endpoint(login, world, &resolved, err)) {
        return RIA_FAILED;
    }
    struct ria_ask ask = {.world = world, .deadline = deadline, .profile = resolved.target.profile};
    if (login->profile != NULL) {
        ask.profile = (struct ria_setting){login->profile, "--profile", 0};
    }
    RIA_AUTO(credentials) credentials = RIA_CREDENTIALS_INIT;
    struct ria_trail trail;
    enum ria_outcome outcome = ria_chain_find(&ask, &credentials, &trail, err);
    if (outcome != RIA_FOUND) {
        return outcome;
    }
    return sign(login, world, &resolved, &credentials, token, err) ? RIA_FOUND : RIA_FAILED;
}

enum ria_outcome ria_token_for(
    const struct ria_login *login,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_token *token,
    struct ria_error *err)
{
    if (!check_login(login, world, err) || !check_channel(login, err)) {
        return RIA_FAILED;
    }
    return answer(login, deadline, world, token, err);
}

bool ria_login_may_send(
    const struct ria_login *login, const struct ria_world *world, struct ria_error *err)
{
    if (!check_channel(login, err)) {
        return false;
    }
    if (login->channel != RIA_CHANNEL_CHAIN_VERIFIED) {
        return true;
    }
    if (!check_login(login, world, err)) {
        return false;
    }
    __attribute__((cleanup(release_resolved))) struct resolved resolved = {0};
    return resolve_target(login, world, &resolved, err);
}

void ria_token_release(struct ria_token *token)
{
    ria_buf_release(&token->text);
    token->expires = 0;
}
