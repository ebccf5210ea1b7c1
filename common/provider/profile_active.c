/* SPDX-License-Identifier: MIT
 *
 * Finds the active profile in ~/.aws/config and ~/.aws/credentials, and reads the parts of a
 * profile that several sources share. Rejects a named profile that does not exist. */
#include "provider/profile_active.h"

#include "base/messages.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

bool ria_profile_lacks(
    const struct ria_profiles *profiles,
    const struct ria_lack *lack,
    const struct ria_setting *because,
    struct ria_error *err)
{
    struct ria_profile_fault fault;
    if (ria_profiles_fault(profiles, lack->kind, lack->name, &fault)) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            &fault.place,
            "%s, and this line was ignored: %s",
            lack->what,
            fault.what);
    }
    return ria_fail_at(err, RIA_E_CREDENTIALS, because, "%s; %s", lack->what, lack->remedy);
}

bool ria_profile_check_ignored(
    const struct ria_profile *profile,
    enum ria_profile_file file,
    const char *key,
    struct ria_error *err)
{
    struct ria_profile_fault fault;
    return !ria_profiles_ignored(profile->profiles, file, profile->name, key, &fault) ||
           ria_fail_at(
               err,
               RIA_E_CREDENTIALS,
               &fault.place,
               "%s of the profile \"%.64s\" is in a line that was ignored: %s",
               key,
               profile->name,
               fault.what);
}

struct ria_setting ria_profile_choice(const struct ria_query *query)
{
    static const char *const variables[] = {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"};
    if (query->profile.value != NULL) {
        return query->profile;
    }
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value = ria_world_env(query->world, variables[i]);
        if (value != NULL) {
            return (struct ria_setting){value, variables[i], 0};
        }
    }
    return (struct ria_setting){"default", NULL, 0};
}

/* Finds [NAME] in ~/.aws/config. In that file, the section of a profile is [profile NAME], and a
 * section [NAME] is ignored unless it is [default]. Only ~/.aws/credentials uses [NAME] for a
 * profile. */
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

const struct ria_ini_section *ria_profile_find_prefixed(
    const struct ria_profiles *profiles, const char *name)
{
    static const char prefix[] = "profile ";
    const struct ria_ini *ini = &profiles->ini[RIA_PROFILE_CREDENTIALS];
    for (size_t i = 0; i < ini->section_count; i++) {
        const char *section = ini->sections[i].name;
        if (strncmp(section, prefix, strlen(prefix)) == 0 &&
            strcmp(section + strlen(prefix), name) == 0) {
            return &ini->sections[i];
        }
    }
    return NULL;
}

/* Reports that neither file has the section [default]. Returns ABSENT and not FAILED, because the
 * user named no profile. */
static enum ria_outcome report_no_default(
    const struct ria_profiles *profiles, struct ria_error *err)
{
    const char *credentials = profiles->path[RIA_PROFILE_CREDENTIALS];
    const struct ria_ini_section *prefixed = ria_profile_find_prefixed(profiles, "default");
    return prefixed == NULL
               ? ria_absent(
                     err,
                     "no [default] in %s or %s",
                     profiles->path[RIA_PROFILE_CONFIG],
                     credentials)
               : ria_absent(
                     err,
                     "no [default]: %s:%u: write [default] in place of [profile default]",
                     credentials,
                     prefixed->line);
}

/* Reports a profile whose name is in quotes, which count as part of the name. */
static enum ria_outcome report_quotes(const struct ria_setting *choice, struct ria_error *err)
{
    return ria_failed_at(
        err,
        RIA_E_CREDENTIALS,
        choice,
        "the profile %.64s does not exist, because the quotes count as part of the name; remove "
        "the quotes",
        choice->value);
}

/* Returns whether the text begins and ends with the same quote character. */
static bool is_in_quotes(const char *text)
{
    size_t len = strlen(text);
    return len > 2 && strchr("\"'", text[0]) != NULL && text[len - 1] == text[0];
}

/* Reports a profile that neither file contains. Names a section whose name lacks the word
 * "profile", or has this word where it does not belong. */
static enum ria_outcome report_no_section(
    const struct ria_setting *choice, const struct ria_profiles *profiles, struct ria_error *err)
{
    char quoted[RIA_QUOTED_SIZE];
    (void)ria_text_quote(choice->value, quoted);
    const struct ria_ini_section *bare = find_bare(profiles, choice->value);
    if (bare != NULL) {
        return ria_failed_at(
            err,
            RIA_E_CREDENTIALS,
            choice,
            "the profile \"%.64s\" does not exist, because the word \"profile\" is missing in "
            "%s:%u; write [profile %s] there",
            choice->value,
            profiles->path[RIA_PROFILE_CONFIG],
            bare->line,
            quoted);
    }
    const struct ria_ini_section *prefixed = ria_profile_find_prefixed(profiles, choice->value);
    if (prefixed != NULL) {
        return ria_failed_at(
            err,
            RIA_E_CREDENTIALS,
            choice,
            "the profile \"%.64s\" does not exist, because the word \"profile\" is superfluous in "
            "%s:%u; write [%.64s] there",
            choice->value,
            profiles->path[RIA_PROFILE_CREDENTIALS],
            prefixed->line,
            choice->value);
    }
    return ria_failed_at(
        err,
        RIA_E_CREDENTIALS,
        choice,
        "the profile \"%.64s\" does not exist; add [profile %s] to %s or [%.64s] to %s, or "
        "name another profile",
        choice->value,
        quoted,
        profiles->path[RIA_PROFILE_CONFIG],
        choice->value,
        profiles->path[RIA_PROFILE_CREDENTIALS]);
}

/* Reports a missing profile: FAILED if the user named the profile, ABSENT if the profile is
 * "default" because the user named no profile. */
static enum ria_outcome report_missing(
    const struct ria_setting *choice, const struct ria_profiles *profiles, struct ria_error *err)
{
    if (choice->path == NULL) {
        return report_no_default(profiles, err);
    }
    if (is_in_quotes(choice->value)) {
        return report_quotes(choice, err);
    }
    if (profiles->home_fault != NULL) {
        return ria_failed_at(
            err,
            RIA_E_CREDENTIALS,
            choice,
            "the profile \"%.64s\" is not found, because %s; set HOME, or "
            "AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE",
            choice->value,
            profiles->home_fault);
    }
    const char *unreachable = ria_profiles_unreachable(profiles);
    if (unreachable != NULL) {
        return ria_failed_at(
            err,
            RIA_E_CREDENTIALS,
            choice,
            "the profile \"%.64s\" is not found, because %.200s is a directory or a loop of "
            "links, or is below a directory that this user cannot search; set HOME, or "
            "AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE",
            choice->value,
            unreachable);
    }
    return report_no_section(choice, profiles, err);
}

enum ria_outcome ria_profile_open(
    const struct ria_query *query,
    struct ria_plan *plan,
    struct ria_profile *out,
    struct ria_error *err)
{
    struct ria_setting choice = ria_profile_choice(query);
    plan->profiles = calloc(1, sizeof(*plan->profiles));
    if (plan->profiles == NULL) {
        return ria_failed(err, RIA_E_SYSTEM, RIA_MESSAGE_MEMORY, "the AWS profiles");
    }
    enum ria_outcome outcome = ria_profiles_load(query->world, plan->profiles, err);
    if (outcome == RIA_FAILED || (outcome == RIA_ABSENT && choice.path == NULL)) {
        return outcome;
    }
    if (!ria_profiles_has(plan->profiles, RIA_PROFILE, choice.value, NULL)) {
        return report_missing(&choice, plan->profiles, err);
    }
    plan->value[RIA_PLAN_PROFILE] = choice;
    *out = ria_profile_active(plan);
    return RIA_FOUND;
}

bool ria_profile_read_role(
    const struct ria_profile *profile, struct ria_role *out, struct ria_error *err)
{
    static const struct {
        enum ria_role_value value;
        const char *key;
    } keys[] = {
        {RIA_ROLE_ARN, "role_arn"},
        {RIA_ROLE_EXTERNAL_ID, "external_id"},
        {RIA_ROLE_SESSION_NAME, "role_session_name"},
        {RIA_ROLE_DURATION, "duration_seconds"},
        {RIA_ROLE_MFA_SERIAL, "mfa_serial"},
    };
    struct ria_role role = {0};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        (void)ria_profile_get(profile, keys[i].key, &role.value[keys[i].value]);
    }
    const struct ria_setting *duration = &role.value[RIA_ROLE_DURATION];
    if (duration->value != NULL &&
        !ria_setting_number(duration, &ria_role_duration, RIA_E_CREDENTIALS, &role.duration, err)) {
        return false;
    }
    *out = role;
    return true;
}
