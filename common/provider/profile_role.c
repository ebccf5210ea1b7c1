/* SPDX-License-Identifier: MIT
 *
 * Reads a role chain: follows source_profile from the active profile until a source_profile names a
 * profile that contains keys or has no role to assume, or until a profile has a credential_source.
 * Collects the roles, beginning with that of the active profile, and appends them to the plan in
 * reverse order, which is the order in which they are assumed. Rejects a cycle, more than
 * RIA_ROLES_MAX roles, a source_profile that does not exist, a profile without credentials at the
 * end, an unknown credential_source, and a role that has both or neither of source_profile and
 * credential_source. The role of the active profile is a separate entry in
 * the credential chain, because the web identity of the environment comes between the role and the
 * profile's other sources. */
#include "provider/network.h"
#include "provider/profile_active.h"

#include "base/messages.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* -- the source of a role ------------------------------------------------------------------- */

/* The source of a role. Exactly one of the two settings is set. */
struct role_source {
    struct ria_setting profile;    /* source_profile */
    struct ria_setting credential; /* credential_source */
};

/* Reads source_profile or credential_source of a profile with a role. Fails if both or neither of
 * them are set. */
static bool find_role_source(
    const struct ria_profile *profile, struct role_source *out, struct ria_error *err)
{
    struct ria_setting role;
    (void)ria_profile_get(profile, "role_arn", &role);
    bool has_profile = ria_profile_get(profile, "source_profile", &out->profile);
    bool has_credential = ria_profile_get(profile, "credential_source", &out->credential);
    if (has_profile && has_credential) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            &role,
            "the profile \"%.64s\" has both source_profile and credential_source; keep one",
            profile->name);
    }
    if (has_profile || has_credential) {
        return true;
    }
    char what[160];
    (void)ria_text_format(
        what,
        sizeof(what),
        "the profile \"%.64s\" has role_arn without source_profile or credential_source",
        profile->name);
    const struct ria_lack lack = {RIA_PROFILE, profile->name, what, "add one"};
    return ria_profile_lacks(profile->profiles, &lack, &role, err);
}

/* Reads the source that credential_source names. A source that is not configured is an error. */
static enum ria_outcome read_credential_source(
    const struct ria_query *query,
    const struct ria_setting *source,
    struct ria_plan *plan,
    struct ria_error *err)
{
    enum ria_outcome outcome;
    if (strcmp(source->value, "Environment") == 0) {
        outcome = ria_environment_keys(query->world, plan, err);
    } else if (strcmp(source->value, "EcsContainer") == 0) {
        outcome = ria_container_endpoint(query->world, plan, err);
    } else if (strcmp(source->value, "Ec2InstanceMetadata") == 0) {
        outcome = ria_instance_endpoint(query, plan, err);
    } else {
        return ria_failed_at(
            err,
            RIA_E_CREDENTIALS,
            source,
            "credential_source is \"%.64s\"; write Environment, Ec2InstanceMetadata or "
            "EcsContainer",
            source->value);
    }
    if (outcome == RIA_ABSENT) {
        char why[RIA_ERROR_TEXT_MAX];
        memcpy(why, err->text, sizeof(why));
        return ria_failed_at(
            err, RIA_E_CREDENTIALS, source, "credential_source is %s, but %s", source->value, why);
    }
    return outcome;
}

/* -- following source_profile --------------------------------------------------------------- */

/* The profiles whose roles were collected. The active profile is the first, and each profile names
 * the next one as its source_profile. */
struct path {
    const char *name[RIA_ROLES_MAX];
    struct ria_role role[RIA_ROLES_MAX];
    size_t count;
};

static bool is_on_path(const struct path *path, const char *name)
{
    for (size_t i = 0; i < path->count; i++) {
        if (strcmp(path->name[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Appends the role of a profile to the path. Fails if the path already has RIA_ROLES_MAX roles, or
 * if the profile's duration_seconds is invalid. */
static bool add_to_path(const struct ria_profile *profile, struct path *path, struct ria_error *err)
{
    struct ria_setting role;
    (void)ria_profile_get(profile, "role_arn", &role);
    if (path->count >= RIA_ROLES_MAX) {
        return ria_fail_at(err, RIA_E_CREDENTIALS, &role, RIA_REFUSAL_ROLES, RIA_ROLES_MAX);
    }
    path->name[path->count] = profile->name;
    if (!ria_profile_read_role(profile, &path->role[path->count], err)) {
        return false;
    }
    path->count++;
    return true;
}

/* Checks the profile that source_profile names. A profile with keys may name itself as its
 * source_profile. Any other profile that occurs twice on the path makes a cycle, as in botocore. */
static bool check_next(
    const struct ria_profile *at,
    const struct ria_profile *next,
    const struct path *path,
    const struct ria_setting *named_at,
    struct ria_error *err)
{
    if (!ria_profiles_has(next->profiles, RIA_PROFILE, next->name, NULL)) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            named_at,
            "source_profile names \"%.64s\", which does not exist; add it or name another",
            next->name);
    }
    bool is_own_source = strcmp(at->name, next->name) == 0 && ria_profile_has_keys(next);
    if (is_on_path(path, next->name) && !is_own_source) {
        struct ria_setting role;
        (void)ria_profile_get(next, "role_arn", &role);
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            &role,
            "the source_profile entries of \"%.64s\" form a cycle; end them in a profile with "
            "keys",
            path->name[0]);
    }
    return true;
}

/* Reads the source at the end of the path. A source_profile without credentials is an error. */
static enum ria_outcome profile_role_read_end(
    const struct ria_query *query,
    const struct ria_profile *profile,
    const struct ria_setting *named_at,
    struct ria_plan *plan,
    struct ria_error *err)
{
    enum ria_outcome outcome = ria_profile_source(query, profile, plan, err);
    if (outcome != RIA_ABSENT) {
        return outcome;
    }
    char what[160];
    (void)ria_text_format(
        what,
        sizeof(what),
        "source_profile names \"%.64s\", which contains no credentials",
        profile->name);
    const struct ria_lack lack = {RIA_PROFILE, profile->name, what, "give it keys or name another"};
    (void)ria_profile_lacks(profile->profiles, &lack, named_at, err);
    return RIA_FAILED;
}

/* Follows source_profile from the first profile to the source, and collects the roles. */
static enum ria_outcome profile_role_follow(
    const struct ria_query *query,
    const struct ria_profile *first,
    struct path *path,
    struct ria_plan *plan,
    struct ria_error *err)
{
    struct ria_profile at = *first;
    for (;;) {
        struct role_source source = {0};
        if (!add_to_path(&at, path, err) || !find_role_source(&at, &source, err)) {
            return RIA_FAILED;
        }
        if (source.credential.value != NULL) {
            return read_credential_source(query, &source.credential, plan, err);
        }
        const struct ria_profile next = {at.profiles, source.profile.value};
        if (!check_next(&at, &next, path, &source.profile, err)) {
            return RIA_FAILED;
        }
        /* A source_profile with keys ends the path even if it also has a role. */
        if (ria_profile_has_keys(&next) || !ria_profile_has_role(&next)) {
            return profile_role_read_end(query, &next, &source.profile, plan, err);
        }
        at = next;
    }
}

bool ria_profile_has_role(const struct ria_profile *profile)
{
    return ria_profile_has(profile, "role_arn") &&
           !ria_profile_has(profile, "web_identity_token_file");
}

enum ria_outcome ria_profile_role(
    const struct ria_query *query,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err)
{
    struct path *path = calloc(1, sizeof(*path));
    if (path == NULL) {
        return ria_failed(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "the profiles of source_profile");
    }
    enum ria_outcome outcome = profile_role_follow(query, profile, path, plan, err);
    for (size_t i = path->count; outcome == RIA_FOUND && i > 0; i--) {
        bool is_added = ria_network_add_role(query, plan, &path->role[i - 1], err);
        outcome = is_added ? RIA_FOUND : RIA_FAILED;
    }
    free(path);
    return outcome;
}

/* Rejects a profile whose role_arn is in an ignored line, because without the role the login would
 * use another identity. Profiles with credential_source or web_identity_token_file are not checked
 * here: the functions that read these keys report a missing role. */
static bool check_ignored_role(const struct ria_profile *profile, struct ria_error *err)
{
    return ria_profile_has(profile, "role_arn") || ria_profile_has(profile, "credential_source") ||
           ria_profile_has(profile, "web_identity_token_file") ||
           (ria_profile_check_ignored(profile, RIA_PROFILE_CREDENTIALS, "role_arn", err) &&
            ria_profile_check_ignored(profile, RIA_PROFILE_CONFIG, "role_arn", err));
}

enum ria_outcome ria_provider_profile_role(
    const struct ria_query *query, struct ria_plan *out, struct ria_error *err)
{
    struct ria_profile profile = {0};
    enum ria_outcome outcome = ria_profile_open(query, out, &profile, err);
    if (outcome != RIA_FOUND) {
        return outcome;
    }
    if (!ria_profile_has_role(&profile)) {
        return check_ignored_role(&profile, err) ? ria_absent(err, "%s", "") : RIA_FAILED;
    }
    return ria_network_settings(query, out, err) ? ria_profile_role(query, &profile, out, err)
                                                 : RIA_FAILED;
}
