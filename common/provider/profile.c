/* SPDX-License-Identifier: MIT
 *
 * The active profile of ~/.aws/config and ~/.aws/credentials: which one it is, its values, and the
 * credentials that it configures. Its role is an entry of its own in the chain, because the web
 * identity of the environment stands between it and what the profile holds of its own. Refuses a
 * profile that is named and does not exist. */
#include "provider/profile.h"

#include "base/ascii.h"
#include "base/messages.h"
#include "base/text.h"
#include "provider/network.h"

#include <stdlib.h>
#include <string.h>

bool ria_profile_is_set(const struct ria_setting *setting)
{
    return !ria_ascii_is_blank(setting->value);
}

bool ria_profile_get_from(
    const struct ria_profile *profile,
    enum ria_profile_file file,
    const char *key,
    struct ria_setting *out)
{
    struct ria_setting found;
    if (!ria_profiles_get_from(profile->profiles, file, profile->name, key, &found) ||
        !ria_profile_is_set(&found)) {
        return false;
    }
    *out = found;
    return true;
}

bool ria_profile_get(const struct ria_profile *profile, const char *key, struct ria_setting *out)
{
    return ria_profile_get_from(profile, RIA_PROFILE_CREDENTIALS, key, out) ||
           ria_profile_get_from(profile, RIA_PROFILE_CONFIG, key, out);
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
        return ria_failed_at(
            err,
            RIA_E_CREDENTIALS,
            choice,
            "the profile \"%.64s\" is not found, because HOME is not set; set it, or "
            "AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE",
            choice->value);
    }
    const char *unreachable = ria_profiles_unreachable(profiles);
    if (unreachable != NULL) {
        return ria_failed_at(
            err,
            RIA_E_CREDENTIALS,
            choice,
            "the profile \"%.64s\" is not found, because %.200s is a directory, or below one that "
            "this user may not search; set HOME, or AWS_CONFIG_FILE and "
            "AWS_SHARED_CREDENTIALS_FILE",
            choice->value,
            unreachable);
    }
    char quoted[RIA_QUOTED_SIZE];
    (void)ria_text_quote(choice->value, quoted);
    const struct ria_ini_section *bare = find_bare(profiles, choice->value);
    if (bare != NULL) {
        return ria_failed_at(
            err,
            RIA_E_CREDENTIALS,
            choice,
            "the profile \"%.64s\" does not exist, because %s:%u lacks a word; write [profile "
            "%s] there",
            choice->value,
            profiles->path[RIA_PROFILE_CONFIG],
            bare->line,
            quoted);
    }
    return ria_failed_at(
        err,
        RIA_E_CREDENTIALS,
        choice,
        "the profile \"%.64s\" does not exist; add [profile %s] to %s or [%.64s] to %s, or "
        "name another one",
        choice->value,
        quoted,
        profiles->path[RIA_PROFILE_CONFIG],
        choice->value,
        profiles->path[RIA_PROFILE_CREDENTIALS]);
}

enum ria_outcome ria_profile_open(
    const struct ria_ask *ask,
    struct ria_plan *plan,
    struct ria_profile *out,
    struct ria_error *err)
{
    struct ria_setting choice = choose(ask);
    plan->profiles = calloc(1, sizeof(*plan->profiles));
    if (plan->profiles == NULL) {
        return ria_failed(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "the AWS profiles");
    }
    enum ria_outcome outcome = ria_profiles_load(ask->world, plan->profiles, err);
    if (outcome == RIA_FAILED || (outcome == RIA_ABSENT && choice.path == NULL)) {
        return outcome;
    }
    if (!ria_profiles_has(plan->profiles, RIA_PROFILE, choice.value, NULL)) {
        return not_there(&choice, plan->profiles, err);
    }
    plan->value[RIA_PLAN_PROFILE] = choice;
    *out = ria_profile_active(plan);
    return RIA_FOUND;
}

struct ria_profile ria_profile_active(const struct ria_plan *plan)
{
    return (struct ria_profile){plan->profiles, plan->value[RIA_PLAN_PROFILE].value};
}

enum ria_outcome ria_provider_profile_role(
    const struct ria_ask *ask, struct ria_plan *out, struct ria_error *err)
{
    struct ria_profile profile = {0};
    enum ria_outcome outcome = ria_profile_open(ask, out, &profile, err);
    if (outcome != RIA_FOUND) {
        return outcome;
    }
    if (!ria_profile_has_role(&profile)) {
        return ria_absent(err, "%s", "");
    }
    return ria_network_settings(ask, out, err) ? ria_profile_role(ask, &profile, out, err)
                                               : RIA_FAILED;
}

enum ria_outcome ria_provider_profile(
    const struct ria_ask *ask, struct ria_plan *out, struct ria_error *err)
{
    struct ria_profile profile = ria_profile_active(out);
    if (profile.name == NULL) {
        return ria_absent(err, "%s", "");
    }
    return ria_network_settings(ask, out, err) ? ria_profile_source(ask, &profile, out, err)
                                               : RIA_FAILED;
}
