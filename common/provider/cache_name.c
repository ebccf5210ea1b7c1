/* SPDX-License-Identifier: MIT
 *
 * Computes the cache name of a plan (aws/plan.h). Writes every setting that decides whose
 * credentials the plan returns into one text, and hashes the text. Fails if memory runs out,
 * because the hash of a truncated text could be the name of another plan. */
#include "provider/cache_name.h"

#include "base/messages.h"
#include "codec/digest.h"
#include "codec/percent.h"
#include "codec/record.h"

#include <string.h>

/* The values that decide whose credentials a plan returns. Other values, such as the CA bundle, do
 * not decide this. */
static const enum ria_plan_value identifying[] = {
    RIA_PLAN_WEB_IDENTITY_TOKEN_FILE,
    RIA_PLAN_PROCESS,
    RIA_PLAN_CONTAINER_URI,
    RIA_PLAN_METADATA_ENDPOINT,
    RIA_PLAN_SSO_SESSION,
    RIA_PLAN_SSO_START_URL,
    RIA_PLAN_SSO_REGION,
    RIA_PLAN_SSO_ACCOUNT_ID,
    RIA_PLAN_SSO_ROLE_NAME,
    RIA_PLAN_LOGIN_SESSION,
    RIA_PLAN_LOGIN_DIRECTORY,
    RIA_PLAN_STS_URL,
    RIA_PLAN_SSO_URL,
    RIA_PLAN_SSO_OIDC_URL,
    RIA_PLAN_SIGNIN_URL,
    RIA_PLAN_CLI_CACHE, /* an entry of the AWS CLI's cache may come from another source */
};

/* Appends the digest of a secret, so that the text itself contains no secret. */
static bool add_digest(struct ria_buf *out, const char *bytes, size_t len, struct ria_error *err)
{
    uint8_t digest[RIA_SHA256_LEN];
    if (!ria_sha256(bytes, len, digest, err)) {
        return false;
    }
    ria_hex_add(out, digest, sizeof(digest));
    ria_buf_add_char(out, '\n');
    return true;
}

static void cache_name_add_value(
    struct ria_buf *out, const char *kind, unsigned i, const struct ria_setting *s)
{
    if (s->value != NULL) {
        ria_buf_addf(out, "%s %u %zu %s\n", kind, i, strlen(s->value), s->value);
    }
}

/* Appends everything that decides whose credentials the plan returns. The length of a setting's
 * value precedes the value, so that two different plans never give the same text. */
static bool add_identity(
    struct ria_buf *out,
    const struct ria_plan *plan,
    const struct ria_buf *evidence,
    struct ria_error *err)
{
    ria_buf_addf(out, "source %d\n", (int)plan->source);
    for (size_t i = 0; i < sizeof(identifying) / sizeof(identifying[0]); i++) {
        cache_name_add_value(out, "value", identifying[i], &plan->value[identifying[i]]);
    }
    /* The same command in another file or profile may return other credentials. */
    const struct ria_setting *process = &plan->value[RIA_PLAN_PROCESS];
    if (process->value != NULL) {
        ria_buf_addf(out, "file %s\n", process->path == NULL ? "" : process->path);
        cache_name_add_value(
            out, "value", RIA_PLAN_SOURCE_PROFILE, &plan->value[RIA_PLAN_SOURCE_PROFILE]);
    }
    for (size_t i = 0; i < plan->role_count; i++) {
        ria_buf_addf(out, "role %zu\n", i);
        for (unsigned j = 0; j < RIA_ROLE_VALUES; j++) {
            cache_name_add_value(out, "value", j, &plan->roles[i].value[j]);
        }
    }
    const struct ria_setting *token = &plan->value[RIA_PLAN_CONTAINER_TOKEN];
    const struct ria_credentials *keys = &plan->keys;
    return (keys->access_key_id.len == 0 ||
            add_digest(out, keys->access_key_id.data, keys->access_key_id.len, err)) &&
           (keys->session_token.len == 0 ||
            add_digest(out, keys->session_token.data, keys->session_token.len, err)) &&
           (token->value == NULL || add_digest(out, token->value, strlen(token->value), err)) &&
           (evidence == NULL || evidence->len == 0 ||
            add_digest(out, evidence->data, evidence->len, err));
}

bool ria_cache_name(
    const struct ria_plan *plan,
    const char *machine,
    const struct ria_buf *evidence,
    char name[RIA_CACHE_NAME_SIZE],
    struct ria_error *err)
{
    RIA_AUTO(buf) text = {.max = (size_t)2 * RIA_RECORD_MAX};
    ria_buf_addf(&text, "machine %s\n", machine == NULL ? "" : machine);
    if (!add_identity(&text, plan, evidence, err)) {
        return false;
    }
    uint8_t digest[RIA_SHA256_LEN];
    if (ria_buf_text(&text) == NULL || !ria_sha256(text.data, text.len, digest, err)) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_MESSAGE_CACHE_NAME);
    }
    ria_hex_write(digest, sizeof(digest), name);
    return true;
}
