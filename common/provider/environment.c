/* SPDX-License-Identifier: MIT
 *
 * Reads credentials from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. A blank
 * variable counts as unset. AWS_SECURITY_TOKEN (the old name) is read only if AWS_SESSION_TOKEN is
 * unset; botocore prefers the old name. Rejects half a key pair, and an AWS_CREDENTIAL_EXPIRATION
 * that is not a timestamp. For half a pair, botocore is less strict: it rejects an id without a
 * secret, and ignores a secret without an id. Returns ABSENT if both key variables are unset, or if
 * a command-line option or rds-iam's configuration names a profile. */
#include "provider/provider.h"

#include "base/ascii.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "codec/url.h"
#include "provider/network.h"
#include "provider/profile_active.h"

#include <string.h>

/* Appends the value of a variable without leading and trailing blanks, which copying and pasting
 * may add. Appends nothing if the variable is unset. */
static void add_trimmed(
    const struct ria_world *world, const char *name, const char *value, struct ria_buf *out)
{
    if (value == NULL) {
        return;
    }
    const char *start = value + strspn(value, RIA_BLANKS);
    size_t len = strlen(start);
    while (len > 0 && strchr(RIA_BLANKS, start[len - 1]) != NULL) {
        len--;
    }
    if (start != value || start[len] != '\0') {
        ria_world_log(world, RIA_LOG_WARNING, "%s: blanks around the value were removed", name);
    }
    ria_buf_add(out, start, len);
}

/* Reads AWS_CREDENTIAL_EXPIRATION, which may be unset. Fails if it is not a timestamp. */
static bool read_expiration(
    const struct ria_world *world, struct ria_credentials *credentials, struct ria_error *err)
{
    const char *text = ria_world_env(world, "AWS_CREDENTIAL_EXPIRATION");
    if (text != NULL && !ria_timestamp_parse(text, &credentials->expires)) {
        char shown[64];
        (void)ria_url_show_in(text, shown, sizeof(shown));
        return ria_fail(
            err,
            RIA_E_CREDENTIALS,
            "AWS_CREDENTIAL_EXPIRATION is \"%.40s\"; write it like 2026-08-22T12:34:56Z or unset "
            "it",
            shown);
    }
    return true;
}

static enum ria_outcome refuse_half_pair(
    const struct ria_world *world, const char *set, const char *unset, struct ria_error *err)
{
    return ria_failed(
        err,
        RIA_E_CREDENTIALS,
        "%s is set but %s is %s; set both or unset both",
        set,
        unset,
        world->env(world->self, unset) == NULL ? "not" : "empty");
}

/* Warns if AWS_PROFILE or AWS_DEFAULT_PROFILE is set: the keys in the environment have precedence
 * over the profile. */
static void environment_warn_of_unused_profile(const struct ria_world *world)
{
    static const char *const names[] = {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"};
    for (size_t i = 0; ria_world_logs(world, RIA_LOG_WARNING) && i < 2; i++) {
        const char *profile = ria_world_env(world, names[i]);
        if (profile != NULL) {
            char shown[128];
            (void)ria_url_show_in(profile, shown, sizeof(shown));
            ria_world_log(
                world,
                RIA_LOG_WARNING,
                "%s is set to \"%s\", but the keys in the environment are used; unset "
                "AWS_ACCESS_KEY_ID to use the profile",
                names[i],
                shown);
            return;
        }
    }
}

bool ria_environment_decides(const struct ria_query *query)
{
    return query->profile.value == NULL && query->role == NULL &&
           (ria_world_env(query->world, "AWS_ACCESS_KEY_ID") != NULL ||
            ria_world_env(query->world, "AWS_SECRET_ACCESS_KEY") != NULL);
}

enum ria_outcome ria_environment_keys(
    const struct ria_world *world, struct ria_plan *out, struct ria_error *err)
{
    const char *id = ria_world_env(world, "AWS_ACCESS_KEY_ID");
    const char *secret = ria_world_env(world, "AWS_SECRET_ACCESS_KEY");
    if (id == NULL && secret == NULL) {
        return ria_absent(err, "AWS_ACCESS_KEY_ID is not set");
    }
    if (secret == NULL) {
        return refuse_half_pair(world, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", err);
    }
    if (id == NULL) {
        return refuse_half_pair(world, "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", err);
    }
    struct ria_credentials *found = &out->keys;
    add_trimmed(world, "AWS_ACCESS_KEY_ID", id, &found->access_key_id);
    add_trimmed(world, "AWS_SECRET_ACCESS_KEY", secret, &found->secret_access_key);
    const char *token_name = "AWS_SESSION_TOKEN";
    const char *token = ria_world_env(world, token_name);
    if (token == NULL) {
        token_name = "AWS_SECURITY_TOKEN";
        token = ria_world_env(world, token_name);
    }
    add_trimmed(world, token_name, token, &found->session_token);
    if (!read_expiration(world, found, err)) {
        return RIA_FAILED;
    }
    if (found->access_key_id.failed || found->secret_access_key.failed ||
        found->session_token.failed) {
        return ria_failed(
            err,
            RIA_E_CREDENTIALS,
            "the keys in the environment are too long to be AWS keys, or memory ran out");
    }
    (void)ria_text_copy(out->label, sizeof(out->label), "the environment");
    out->source = RIA_SOURCE_KEYS;
    out->value[RIA_PLAN_KEYS] = (struct ria_setting){id, "AWS_ACCESS_KEY_ID", 0};
    return RIA_FOUND;
}

enum ria_outcome ria_provider_environment(
    const struct ria_query *query, struct ria_plan *out, struct ria_error *err)
{
    if (query->profile.value != NULL) {
        return ria_absent(err, "skipped, because a profile is named");
    }
    enum ria_outcome outcome = ria_environment_keys(query->world, out, err);
    if (outcome == RIA_FOUND) {
        environment_warn_of_unused_profile(query->world);
    }
    if (outcome != RIA_FOUND || query->role == NULL) {
        /* If no role is assumed with the keys, no request to AWS is needed, so the network settings
         * of the active profile are not read. */
        return outcome;
    }
    struct ria_profile unused;
    return ria_profile_open(query, out, &unused, err) != RIA_FAILED &&
                   ria_network_settings(query, out, err)
               ? RIA_FOUND
               : RIA_FAILED;
}
