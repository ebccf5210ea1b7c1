/* SPDX-License-Identifier: MIT
 *
 * aws_access_key_id and its companions in a profile. */
#include "provider/profile.h"

#include "base/text.h"

/* Fails with RIA_E_CREDENTIALS and the place in front. */
#define fail_at(err, ...) (ria_fail_at((err), RIA_E_CREDENTIALS, __VA_ARGS__), RIA_FAILED)

struct key_pair {
    struct ria_setting id;
    struct ria_setting secret;
    enum ria_profile_file file;
};

/* FOUND, ABSENT (no key at all), FAILED (half a pair, or a half in each file). */
static enum ria_outcome find_pair(
    const struct ria_profile *profile, struct key_pair *pair, struct ria_error *err)
{
    bool has_id = ria_profile_get(profile, "aws_access_key_id", &pair->id);
    bool has_secret = ria_profile_get(profile, "aws_secret_access_key", &pair->secret);
    if (!has_id && !has_secret) {
        return ria_absent(err, "the profile \"%s\" holds no keys", profile->name);
    }
    if (!has_secret || *pair->secret.value == '\0') {
        return fail_at(
            err,
            has_id ? &pair->id : &pair->secret,
            "the profile \"%.64s\" has an aws_access_key_id but no aws_secret_access_key; add it",
            profile->name);
    }
    if (!has_id || *pair->id.value == '\0') {
        return fail_at(
            err,
            &pair->secret,
            "the profile \"%.64s\" has an aws_secret_access_key but no aws_access_key_id; add it",
            profile->name);
    }
    if (pair->id.path != pair->secret.path) {
        return fail_at(
            err,
            &pair->id,
            "the keys of the profile \"%.64s\" stand in two files; put both into this one",
            profile->name);
    }
    pair->file = pair->id.path == profile->profiles->path[RIA_PROFILE_CONFIG]
                     ? RIA_PROFILE_CONFIG
                     : RIA_PROFILE_CREDENTIALS;
    return RIA_FOUND;
}

/* The session token belongs to the pair, so it is looked for in the pair's file alone. */
static void add_session_token(
    const struct ria_profile *profile, const struct key_pair *pair, struct ria_buf *out)
{
    static const char *const keys[] = {"aws_session_token", "aws_security_token"};
    struct ria_setting token;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (ria_profiles_get_from(profile->profiles, pair->file, profile->name, keys[i], &token) &&
            *token.value != '\0') {
            ria_buf_add_text(out, token.value);
            return;
        }
    }
}

enum ria_outcome ria_profile_keys(
    const struct ria_ask *ask,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err)
{
    (void)ask;
    struct key_pair pair = {0};
    enum ria_outcome outcome = find_pair(profile, &pair, err);
    if (outcome != RIA_FOUND) {
        return outcome;
    }
    RIA_AUTO(credentials) found = RIA_CREDENTIALS_INIT;
    ria_buf_add_text(&found.access_key_id, pair.id.value);
    ria_buf_add_text(&found.secret_access_key, pair.secret.value);
    add_session_token(profile, &pair, &found.session_token);
    if (found.access_key_id.failed || found.secret_access_key.failed ||
        found.session_token.failed) {
        return fail_at(
            err,
            &pair.id,
            "the keys of the profile \"%.64s\" are too long to be AWS keys, or memory ran out",
            profile->name);
    }
    plan->source = RIA_SOURCE_KEYS;
    plan->value[RIA_PLAN_KEYS] = pair.id;
    (void)ria_text_format(plan->label, sizeof(plan->label), "profile %.64s", profile->name);
    ria_credentials_move(&plan->keys, &found);
    return RIA_FOUND;
}
