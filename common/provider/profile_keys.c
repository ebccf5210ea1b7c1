/* SPDX-License-Identifier: MIT
 *
 * Reads aws_access_key_id, aws_secret_access_key and aws_session_token of a profile from one of the
 * two files. Each file is a separate source, because botocore tries other sources between the two
 * files. Rejects half a key pair, a key pair that is split over both files, and temporary keys
 * whose session token is empty, in the other file, or in a line that was ignored. */
#include "provider/profile_active.h"

#include "aws/credentials.h"
#include "base/text.h"

#include <string.h>

static const char id_key[] = "aws_access_key_id";
static const char secret_key[] = "aws_secret_access_key";

struct key_pair {
    struct ria_setting id;
    struct ria_setting secret;
    enum ria_profile_file file;
};

bool ria_profile_has_keys(const struct ria_profile *profile)
{
    return ria_profile_has(profile, id_key) || ria_profile_has(profile, secret_key);
}

/* Reports half a key pair. The message tells whether the missing half is in the other profile file,
 * empty, or not set at all. */
static enum ria_outcome refuse_half(
    const struct ria_profile *profile,
    const struct ria_setting *present,
    const char *present_name,
    const char *missing_name,
    struct ria_error *err)
{
    if (ria_profile_has(profile, missing_name)) {
        return ria_failed_at(
            err,
            RIA_E_CREDENTIALS,
            present,
            "the keys of the profile \"%.64s\" are in two files; put both into this one",
            profile->name);
    }
    struct ria_setting empty;
    if (ria_profiles_get(profile->profiles, profile->name, missing_name, &empty)) {
        return ria_failed_at(
            err,
            RIA_E_CREDENTIALS,
            &empty,
            "%s of the profile \"%.64s\" is empty; write it, or remove %s too",
            missing_name,
            profile->name,
            present_name);
    }
    char what[192];
    (void)ria_text_format(
        what,
        sizeof(what),
        "the profile \"%.64s\" has an %s but no %s",
        profile->name,
        present_name,
        missing_name);
    const struct ria_lack lack = {RIA_PROFILE, profile->name, what, "add it"};
    (void)ria_profile_lacks(profile->profiles, &lack, present, err);
    return RIA_FAILED;
}

/* Returns FOUND, ABSENT (the file contains neither key) or FAILED (the file contains only one of
 * the two keys). */
static enum ria_outcome find_pair(
    const struct ria_profile *profile, struct key_pair *pair, struct ria_error *err)
{
    bool has_id = ria_profile_get_from(profile, pair->file, id_key, &pair->id);
    bool has_secret = ria_profile_get_from(profile, pair->file, secret_key, &pair->secret);
    if (!has_id && !has_secret) {
        return ria_absent(err, "the profile \"%s\" contains no keys", profile->name);
    }
    if (!has_secret) {
        return refuse_half(profile, &pair->id, id_key, secret_key, err);
    }
    return has_id ? RIA_FOUND : refuse_half(profile, &pair->secret, secret_key, id_key, err);
}

/* Reads aws_session_token, or its old name aws_security_token, from one file. */
static bool get_session_token(
    const struct ria_profile *profile, enum ria_profile_file file, struct ria_setting *out)
{
    return ria_profile_get_from(profile, file, "aws_session_token", out) ||
           ria_profile_get_from(profile, file, "aws_security_token", out);
}

/* Reports why temporary keys have no session token: it is in the other file, it is empty, or it may
 * be in a line of the profile that was ignored. Returns true if none of these reasons applies. In
 * this case provider/obtain.c rejects the keys later. */
static bool explain_lack_of_token(
    const struct ria_profile *profile, const struct key_pair *pair, struct ria_error *err)
{
    bool is_of_config = pair->file == RIA_PROFILE_CONFIG;
    struct ria_setting token;
    struct ria_profile_fault fault;
    if (get_session_token(
            profile, is_of_config ? RIA_PROFILE_CREDENTIALS : RIA_PROFILE_CONFIG, &token)) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            &pair->id,
            "the temporary keys of the profile \"%.64s\" (ASIA...) have their session token in "
            "another file, %.128s:%u; put all three into one file",
            profile->name,
            token.path,
            token.line);
    }
    if (ria_profiles_get_from(
            profile->profiles, pair->file, profile->name, "aws_session_token", &token)) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            &token,
            "aws_session_token of the profile \"%.64s\" is empty, and AWS accepts temporary keys "
            "(ASIA...) only with a session token; add the token",
            profile->name);
    }
    return !ria_profiles_fault(profile->profiles, RIA_PROFILE, profile->name, &fault) ||
           ria_fail_at(
               err,
               RIA_E_CREDENTIALS,
               &fault.place,
               "the profile \"%.64s\" has temporary keys (ASIA...) and no aws_session_token, and "
               "this line was ignored: %s",
               profile->name,
               fault.what);
}

enum ria_outcome ria_profile_keys(
    const struct ria_profile *profile,
    enum ria_profile_file file,
    struct ria_plan *plan,
    struct ria_error *err)
{
    struct key_pair pair = {.file = file};
    enum ria_outcome outcome = find_pair(profile, &pair, err);
    if (outcome != RIA_FOUND) {
        return outcome;
    }
    struct ria_credentials *found = &plan->keys;
    ria_buf_add_text(&found->access_key_id, pair.id.value);
    ria_buf_add_text(&found->secret_access_key, pair.secret.value);
    /* The session token belongs to the pair, so only the pair's file is searched for it. */
    struct ria_setting token;
    if (get_session_token(profile, file, &token)) {
        ria_buf_add_text(&found->session_token, token.value);
    }
    if (ria_credentials_lack_token(found) && !explain_lack_of_token(profile, &pair, err)) {
        return RIA_FAILED;
    }
    if (found->access_key_id.failed || found->secret_access_key.failed ||
        found->session_token.failed) {
        return ria_failed_at(
            err,
            RIA_E_CREDENTIALS,
            &pair.id,
            "the keys of the profile \"%.64s\" are too long to be AWS keys, or memory ran out",
            profile->name);
    }
    plan->source = RIA_SOURCE_KEYS;
    plan->value[RIA_PLAN_KEYS] = pair.id;
    (void)ria_text_format(plan->label, sizeof(plan->label), "profile %.64s", profile->name);
    return RIA_FOUND;
}
