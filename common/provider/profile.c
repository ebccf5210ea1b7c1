/* SPDX-License-Identifier: MIT
 *
 * Credentials from a profile of ~/.aws/config and ~/.aws/credentials. Which profile: the one that a
 * person named, else AWS_PROFILE, else AWS_DEFAULT_PROFILE, else "default". Which of its sources: a
 * role first, then what the profile holds of its own. */
#include "provider/profile.h"

#include "provider/network.h"

#include <stdlib.h>
#include <string.h>

/* Fails with RIA_E_CREDENTIALS and the place in front. */
#define fail_at(err, ...) (ria_fail_at((err), RIA_E_CREDENTIALS, __VA_ARGS__), RIA_FAILED)

bool ria_profile_get(const struct ria_profile *profile, const char *key, struct ria_setting *out)
{
    return ria_profiles_get(profile->profiles, profile->name, key, out);
}

bool ria_profile_has(const struct ria_profile *profile, const char *key)
{
    struct ria_setting ignored;
    return ria_profile_get(profile, key, &ignored);
}

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

/* [NAME] in ~/.aws/config, which is a profile in ~/.aws/credentials alone. */
static const struct ria_ini_section *find_bare(
    const struct ria_profiles *profiles, const char *name)
{
    const struct ria_ini *ini = &profiles->ini[RIA_PROFILE_CONFIG];
    for (size_t i = 0; i < ini->section_count; i++) {
        if (strcmp(ini->sections[i].name, name) == 0) {
            return &ini->sections[i];
        }
    }
    return NULL;
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
    const struct ria_ini_section *bare = find_bare(profiles, choice->value);
    if (bare != NULL) {
        return fail_at(
            err,
            choice,
            "the profile \"%.64s\" does not exist, because %s:%u lacks a word; write [profile "
            "%.64s] there",
            choice->value,
            profiles->path[RIA_PROFILE_CONFIG],
            bare->line,
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
    const struct ria_ask *ask, struct ria_plan *plan, struct ria_error *err)
{
    struct ria_setting choice = choose(ask);
    enum ria_outcome outcome = ria_profiles_load(ask->world, plan->profiles, err);
    if (outcome == RIA_FAILED) {
        return RIA_FAILED;
    }
    if (outcome == RIA_ABSENT && choice.path == NULL) {
        return RIA_ABSENT;
    }
    if (!ria_profiles_has(plan->profiles, RIA_PROFILE, choice.value, NULL)) {
        return not_there(&choice, plan->profiles, err);
    }
    struct ria_profile profile = {plan->profiles, choice.value};
    plan->value[RIA_PLAN_PROFILE] = choice;
    if (ria_network_settings(ask, choice.value, plan, err) == RIA_FAILED) {
        return RIA_FAILED;
    }
    outcome = ria_profile_role(ask, &profile, plan, err);
    if (outcome == RIA_ABSENT) {
        outcome = ria_profile_source(ask, &profile, plan, err);
    }
    if (outcome == RIA_FOUND) {
        warn_of_unused_web_identity(ask->world, &choice);
    }
    return outcome;
}

enum ria_outcome ria_provider_profile(
    const struct ria_ask *ask, struct ria_plan *out, struct ria_error *err)
{
    out->profiles = calloc(1, sizeof(*out->profiles));
    if (out->profiles == NULL) {
        return ria_failed(err, RIA_E_SYSTEM, "out of memory while reading AWS profiles");
    }
    return from_profiles(ask, out, err);
}
