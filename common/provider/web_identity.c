/* SPDX-License-Identifier: MIT
 *
 * Reads the settings of a web identity: the path of a token file, and the role that is assumed with
 * the token. The environment (EKS IAM roles for service accounts) or a profile contains them. The
 * file, the role and the session name are looked up one by one, each in the environment first, as
 * botocore does. The environment is ignored if a command-line option or rds-iam's configuration
 * names a profile, and for a profile that another profile names as its source_profile. Rejects a
 * token file without a role, and a token file that is named in a file which belongs neither to root
 * nor to the user. */
#include "provider/network.h"
#include "provider/profile_active.h"

#include "base/text.h"
#include "codec/url.h"

static const char file_variable[] = "AWS_WEB_IDENTITY_TOKEN_FILE";

/* Reads the environment variable if `is_merged` is true and the variable is set. Else reads the
 * profile's key. The value of the result is NULL if neither is set.
 */
static struct ria_setting provider_web_identity_find(
    const struct ria_query *query,
    const struct ria_profile *profile,
    bool is_merged,
    const char *variable,
    const char *key)
{
    struct ria_setting found = {0};
    if (is_merged && ria_world_env(query->world, variable) != NULL) {
        return ria_network_variable(query->world, variable);
    }
    if (profile->name != NULL) {
        (void)ria_profile_get(profile, key, &found);
    }
    return found;
}

static struct ria_setting find_file(
    const struct ria_query *query, const struct ria_profile *profile, bool is_merged)
{
    return provider_web_identity_find(
        query, profile, is_merged, file_variable, "web_identity_token_file");
}

/* Reports a token file without a role. */
static bool refuse_no_role(
    const struct ria_profile *profile, const struct ria_setting *file, struct ria_error *err)
{
    if (file->line == 0) {
        return ria_fail(
            err,
            RIA_E_CREDENTIALS,
            "%s is set but AWS_ROLE_ARN is not; set both or unset both",
            file_variable);
    }
    char what[160];
    (void)ria_text_format(
        what,
        sizeof(what),
        "the profile \"%.64s\" has web_identity_token_file without role_arn",
        profile->name);
    const struct ria_lack lack = {RIA_PROFILE, profile->name, what, "add it"};
    return ria_profile_lacks(profile->profiles, &lack, file, err);
}

/* Reads the role. STS accepts neither an external id nor an MFA code with a web identity, so
 * external_id and mfa_serial of the profile are ignored. duration_seconds is read only if the path
 * of the token file comes from the profile. */
static bool read_role(
    const struct ria_query *query,
    const struct ria_profile *profile,
    bool is_merged,
    const struct ria_setting *file,
    struct ria_role *role,
    struct ria_error *err)
{
    struct ria_role own = {0};
    if (file->line > 0 && !ria_profile_read_role(profile, &own, err)) {
        return false;
    }
    role->value[RIA_ROLE_DURATION] = own.value[RIA_ROLE_DURATION];
    role->duration = own.duration;
    role->value[RIA_ROLE_ARN] =
        provider_web_identity_find(query, profile, is_merged, "AWS_ROLE_ARN", "role_arn");
    role->value[RIA_ROLE_SESSION_NAME] = provider_web_identity_find(
        query, profile, is_merged, "AWS_ROLE_SESSION_NAME", "role_session_name");
    return role->value[RIA_ROLE_ARN].value != NULL || refuse_no_role(profile, file, err);
}

enum ria_outcome ria_profile_web_identity(
    const struct ria_query *query,
    const struct ria_profile *profile,
    bool is_merged,
    struct ria_plan *plan,
    struct ria_error *err)
{
    struct ria_role role = {0};
    struct ria_setting file = find_file(query, profile, is_merged);
    if (file.value == NULL) {
        return ria_absent(err, "%s is not set", file_variable);
    }
    if (!ria_profiles_check_owner(profile->profiles, &file, "web_identity_token_file", err) ||
        !read_role(query, profile, is_merged, &file, &role, err)) {
        return RIA_FAILED;
    }
    plan->source = RIA_SOURCE_WEB_IDENTITY;
    plan->value[RIA_PLAN_WEB_IDENTITY_TOKEN_FILE] = file;
    if (file.line == 0) {
        (void)ria_text_copy(
            plan->label, sizeof(plan->label), "the web identity of the environment");
    } else {
        (void)ria_text_format(
            plan->label, sizeof(plan->label), "the web identity of profile %.64s", profile->name);
    }
    return ria_network_add_role(query, plan, &role, err) ? RIA_FOUND : RIA_FAILED;
}

/* Warns if a variable names a profile but the web identity of the environment is used. */
static void provider_web_identity_warn_of_unused_profile(
    const struct ria_query *query, const struct ria_plan *plan)
{
    const struct ria_setting *profile = &plan->value[RIA_PLAN_PROFILE];
    if (profile->path != NULL && plan->value[RIA_PLAN_WEB_IDENTITY_TOKEN_FILE].line == 0) {
        char shown[128];
        (void)ria_url_show_in(profile->value, shown, sizeof(shown));
        ria_world_log(
            query->world,
            RIA_LOG_WARNING,
            "%s is set to \"%s\", but the web identity of the environment is used; unset "
            "%s to use the profile",
            profile->path,
            shown,
            file_variable);
    }
}

enum ria_outcome ria_provider_web_identity(
    const struct ria_query *query, struct ria_plan *out, struct ria_error *err)
{
    struct ria_profile profile = ria_profile_active(out);
    bool is_merged = query->profile.value == NULL;
    bool is_configured = find_file(query, &profile, is_merged).value != NULL;
    if (is_configured && !ria_network_settings(query, out, err)) {
        return RIA_FAILED;
    }
    enum ria_outcome outcome = ria_profile_web_identity(query, &profile, is_merged, out, err);
    if (outcome == RIA_FOUND) {
        provider_web_identity_warn_of_unused_profile(query, out);
    }
    if (outcome == RIA_ABSENT && !is_merged) {
        bool is_ignored = ria_world_env(query->world, file_variable) != NULL;
        return ria_absent(err, "%s", is_ignored ? "ignored, because a profile is named" : "");
    }
    return outcome;
}
