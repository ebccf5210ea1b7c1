/* SPDX-License-Identifier: MIT
 *
 * Credentials from a profile of ~/.aws/config and ~/.aws/credentials. Which profile: the one that a
 * person named, else AWS_PROFILE, else AWS_DEFAULT_PROFILE, else "default". Which of its sources:
 * role_arn first, then web identity, SSO, login session, static keys, process; in a profile that
 * another one names as its source, static keys come first.
 *
 * This version takes static keys. Every other source that a profile configures is checked for
 * mistakes and then refused by name: it must never be passed over. */
#include "aws/profile.h"

#include "provider/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SOURCE_CHAIN_MAX = 16 /* longer chains of source_profile are taken for a mistake */
};

struct profile {
    const struct ria_profiles *profiles;
    const char *name;
};

/* Fails with RIA_E_CREDENTIALS and the place in front. */
#define fail_at(err, ...) (ria_fail_at((err), RIA_E_CREDENTIALS, __VA_ARGS__), RIA_FAILED)

static bool get(const struct profile *profile, const char *key, struct ria_setting *out)
{
    return ria_profiles_get(profile->profiles, profile->name, key, out);
}

static bool has(const struct profile *profile, const char *key)
{
    struct ria_setting ignored;
    return get(profile, key, &ignored);
}

/* -- which profile -------------------------------------------------------------------------- */

static struct ria_setting choose(const struct ria_ask *ask)
{
    static const char *const variables[] = {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"};
    if (ask->profile.value != NULL) {
        return ask->profile;
    }
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value = ria_world_env(ask->world, variables[i]);
        if (value != NULL) {
            return (struct ria_setting){value, variables[i], 0};
        }
    }
    return (struct ria_setting){"default", NULL, 0};
}

/* A profile that somebody named and that is not there is a mistake; no [default] is none. */
static enum ria_outcome not_there(
    const struct ria_setting *choice, const struct ria_profiles *profiles, struct ria_error *err)
{
    if (choice->path == NULL) {
        return ria_absent(
            err,
            "no [default] in %s or %s",
            profiles->path[RIA_PROFILE_CONFIG],
            profiles->path[RIA_PROFILE_CREDENTIALS]);
    }
    if (profiles->path[RIA_PROFILE_CONFIG][0] == '\0' ||
        profiles->path[RIA_PROFILE_CREDENTIALS][0] == '\0') {
        return fail_at(
            err,
            choice,
            "the profile \"%.64s\" is not found, because HOME is not set; set it, or "
            "AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE",
            choice->value);
    }
    return fail_at(
        err,
        choice,
        "the profile \"%.64s\" does not exist; add [profile %.64s] to %s or [%.64s] to %s, or "
        "name another one",
        choice->value,
        choice->value,
        profiles->path[RIA_PROFILE_CONFIG],
        choice->value,
        profiles->path[RIA_PROFILE_CREDENTIALS]);
}

/* -- static keys ---------------------------------------------------------------------------- */

struct key_pair {
    struct ria_setting id;
    struct ria_setting secret;
    enum ria_profile_file file;
};

/* FOUND, ABSENT (no key at all), FAILED (half a pair, or a half in each file). */
static enum ria_outcome find_pair(
    const struct profile *profile, struct key_pair *pair, struct ria_error *err)
{
    bool has_id = get(profile, "aws_access_key_id", &pair->id);
    bool has_secret = get(profile, "aws_secret_access_key", &pair->secret);
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
    const struct profile *profile, const struct key_pair *pair, struct ria_buf *out)
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

static void warn_of_writers(
    const struct ria_world *world, const struct profile *profile, const struct key_pair *pair)
{
    if (profile->profiles->writable_by_others[pair->file]) {
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "%s holds keys and others can write it; type: chmod go-w %s",
            pair->id.path,
            pair->id.path);
    }
}

static enum ria_outcome take_static(
    const struct ria_ask *ask,
    const struct profile *profile,
    struct ria_credentials *out,
    struct ria_error *err)
{
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
    warn_of_writers(ask->world, profile, &pair);
    (void)snprintf(
        found.source, sizeof(found.source), "profile %.64s (%.80s)", profile->name, pair.id.path);
    ria_credentials_move(out, &found);
    return RIA_FOUND;
}

/* -- sources that this version refuses by name ---------------------------------------------- */

/* A role needs exactly one source. */
static enum ria_outcome check_role_source(
    const struct profile *profile, struct ria_setting *source, struct ria_error *err)
{
    struct ria_setting role;
    struct ria_setting other;
    (void)get(profile, "role_arn", &role);
    bool has_profile = get(profile, "source_profile", source);
    bool has_credential_source = get(profile, "credential_source", &other);
    if (has_profile && has_credential_source) {
        return fail_at(
            err,
            &role,
            "the profile \"%.64s\" has both source_profile and credential_source; keep one",
            profile->name);
    }
    if (!has_profile && !has_credential_source) {
        return fail_at(
            err,
            &role,
            "the profile \"%.64s\" has role_arn without source_profile or credential_source; add "
            "one",
            profile->name);
    }
    if (has_profile) {
        return RIA_FOUND;
    }
    static const char *const known[] = {"Environment", "Ec2InstanceMetadata", "EcsContainer"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(other.value, known[i]) == 0) {
            return RIA_ABSENT;
        }
    }
    return fail_at(
        err,
        &other,
        "credential_source is \"%.64s\"; write Environment, Ec2InstanceMetadata or EcsContainer",
        other.value);
}

/* Follows source_profile to its end. FOUND: it has one. */
static enum ria_outcome check_source_profiles(const struct profile *first, struct ria_error *err)
{
    struct profile at = *first;
    for (int hop = 0; hop < SOURCE_CHAIN_MAX; hop++) {
        struct ria_setting source;
        enum ria_outcome outcome = check_role_source(&at, &source, err);
        if (outcome != RIA_FOUND) {
            return outcome == RIA_ABSENT ? RIA_FOUND : outcome;
        }
        struct profile next = {at.profiles, source.value};
        if (!ria_profiles_has(at.profiles, RIA_PROFILE, next.name, NULL)) {
            return fail_at(
                err,
                &source,
                "source_profile names \"%.64s\", which does not exist; add it or name another",
                next.name);
        }
        struct key_pair pair;
        outcome = find_pair(&next, &pair, err);
        if (outcome == RIA_FAILED) {
            return RIA_FAILED;
        }
        if (outcome == RIA_FOUND || !has(&next, "role_arn")) {
            return RIA_FOUND;
        }
        at = next;
    }
    struct ria_setting role;
    (void)get(first, "role_arn", &role);
    return fail_at(
        err,
        &role,
        "the source_profile entries of \"%.64s\" go round in a circle; end them in a profile "
        "with keys",
        first->name);
}

struct refused_source {
    const char *key;
    const char *name;
};

/* In the order in which a profile's sources count; role_arn stands in front of them. */
static const struct refused_source before_static[] = {
    {"web_identity_token_file", "a web identity"},
    {"sso_session", "AWS SSO"},
    {"sso_start_url", "AWS SSO"},
    {"login_session", "aws login"},
};

static const struct refused_source after_static[] = {
    {"credential_process", "a credential process"},
};

static enum ria_outcome refuse(
    const struct profile *profile,
    const struct refused_source *source,
    const struct ria_setting *where,
    struct ria_error *err)
{
    return fail_at(
        err,
        where,
        "the profile \"%.64s\" wants %s (%s), which this version of rds-iam cannot use; export "
        "its keys first: eval \"$(aws configure export-credentials --profile %.64s --format env)\"",
        profile->name,
        source->name,
        source->key,
        profile->name);
}

static enum ria_outcome refuse_first(
    const struct profile *profile,
    const struct refused_source *table,
    size_t count,
    struct ria_error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct ria_setting where;
        if (get(profile, table[i].key, &where)) {
            return refuse(profile, &table[i], &where, err);
        }
    }
    return RIA_ABSENT;
}

static enum ria_outcome refuse_role(const struct profile *profile, struct ria_error *err)
{
    static const struct refused_source role_source = {"role_arn", "a role"};
    struct ria_setting role;
    if (!get(profile, "role_arn", &role) || has(profile, "web_identity_token_file")) {
        return RIA_ABSENT;
    }
    if (check_source_profiles(profile, err) == RIA_FAILED) {
        return RIA_FAILED;
    }
    return refuse(profile, &role_source, &role, err);
}

static enum ria_outcome refuse_lone_credential_source(
    const struct profile *profile, struct ria_error *err)
{
    struct ria_setting where;
    if (!get(profile, "credential_source", &where)) {
        return RIA_ABSENT;
    }
    return fail_at(
        err,
        &where,
        "the profile \"%.64s\" has credential_source without role_arn; add role_arn or remove it",
        profile->name);
}

static enum ria_outcome take_profile(
    const struct ria_ask *ask,
    const struct profile *profile,
    struct ria_credentials *out,
    struct ria_error *err)
{
    enum ria_outcome outcome = refuse_role(profile, err);
    if (outcome == RIA_ABSENT) {
        outcome = refuse_first(
            profile, before_static, sizeof(before_static) / sizeof(before_static[0]), err);
    }
    if (outcome == RIA_ABSENT) {
        outcome = take_static(ask, profile, out, err);
    }
    if (outcome == RIA_ABSENT) {
        outcome = refuse_lone_credential_source(profile, err);
    }
    if (outcome == RIA_ABSENT) {
        outcome = refuse_first(
            profile, after_static, sizeof(after_static) / sizeof(after_static[0]), err);
    }
    if (outcome == RIA_ABSENT) {
        return ria_absent(err, "[%.64s] holds no credentials", profile->name);
    }
    return outcome;
}

/* Where nobody named a profile, [default] answers before a web identity of the environment does. */
static void warn_of_unused_web_identity(
    const struct ria_world *world, const struct ria_setting *choice)
{
    if (choice->path == NULL && ria_world_env(world, "AWS_WEB_IDENTITY_TOKEN_FILE") != NULL) {
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "AWS_WEB_IDENTITY_TOKEN_FILE is set, but the profile \"default\" answers; remove its "
            "keys to use the web identity");
    }
}

static enum ria_outcome from_profiles(
    const struct ria_ask *ask,
    struct ria_profiles *profiles,
    struct ria_credentials *out,
    struct ria_error *err)
{
    struct ria_setting choice = choose(ask);
    enum ria_outcome outcome = ria_profiles_load(ask->world, profiles, err);
    if (outcome == RIA_FAILED) {
        return RIA_FAILED;
    }
    if (outcome == RIA_ABSENT && choice.path == NULL) {
        return RIA_ABSENT;
    }
    if (!ria_profiles_has(profiles, RIA_PROFILE, choice.value, NULL)) {
        return not_there(&choice, profiles, err);
    }
    struct profile profile = {profiles, choice.value};
    outcome = take_profile(ask, &profile, out, err);
    if (outcome == RIA_FOUND) {
        warn_of_unused_web_identity(ask->world, &choice);
    }
    return outcome;
}

enum ria_outcome ria_provider_profile(
    const struct ria_ask *ask, struct ria_credentials *out, struct ria_error *err)
{
    struct ria_profiles *profiles = calloc(1, sizeof(*profiles));
    if (profiles == NULL) {
        return ria_failed(err, RIA_E_SYSTEM, "out of memory while reading AWS profiles");
    }
    enum ria_outcome outcome = from_profiles(ask, profiles, out, err);
    ria_profiles_release(profiles);
    free(profiles);
    return outcome;
}
