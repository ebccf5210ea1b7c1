/* SPDX-License-Identifier: MIT
 *
 * Reads AWS SSO (IAM Identity Center) settings of a profile: sso_session and its section, or the
 * legacy form with all settings in the profile. sso_account_id or sso_role_name selects this
 * source, as in botocore. A profile with sso_session alone is for tools that need an SSO token and
 * no credentials. Rejects a missing setting, a value that differs between the profile and the
 * section of sso_session, and a value that AWS does not allow for its key (aws/identifier.h). */
#include "provider/network.h"
#include "provider/profile_active.h"

#include "aws/identifier.h"
#include "base/text.h"

#include <string.h>

/* Reads a required key of the profile. Fails if the key is missing or empty. */
static bool require_key(
    const struct ria_profile *profile,
    const struct ria_setting *because,
    const char *key,
    struct ria_setting *out,
    struct ria_error *err)
{
    if (ria_profile_get(profile, key, out)) {
        return true;
    }
    char what[160];
    (void)ria_text_format(
        what, sizeof(what), "the profile \"%.64s\" uses AWS SSO and has no %s", profile->name, key);
    const struct ria_lack lack = {
        RIA_PROFILE, profile->name, what, "add it, or run: aws configure sso"};
    return ria_profile_lacks(profile->profiles, &lack, because, err);
}

/* Reads a required key of the [sso-session] section. The profile may repeat the key, but only with
 * the same value. */
static bool require_session_key(
    const struct ria_profile *profile,
    const struct ria_setting *session,
    const char *key,
    struct ria_setting *out,
    struct ria_error *err)
{
    struct ria_setting repeated;
    char quoted[RIA_QUOTED_SIZE];
    (void)ria_text_quote(session->value, quoted);
    if (!ria_profiles_get_session(profile->profiles, session->value, key, out) ||
        !ria_profile_is_set(out)) {
        char what[RIA_QUOTED_SIZE + 64];
        (void)ria_text_format(what, sizeof(what), "[sso-session %s] has no %s", quoted, key);
        const struct ria_lack lack = {
            RIA_PROFILE_SSO_SESSION,
            session->value,
            what,
            "add it, or run: aws configure sso-session"};
        return ria_profile_lacks(profile->profiles, &lack, session, err);
    }
    if (ria_profile_get(profile, key, &repeated) && strcmp(repeated.value, out->value) != 0) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            &repeated,
            "%s differs from the value in [sso-session %s]; remove this line",
            key,
            quoted);
    }
    return true;
}

/* Reads the newer form: sso_session and its section. */
static bool read_sso_session(
    const struct ria_profile *profile, struct ria_plan *plan, struct ria_error *err)
{
    char quoted[RIA_QUOTED_SIZE];
    const struct ria_setting *session = &plan->value[RIA_PLAN_SSO_SESSION];
    if (!ria_profiles_has(profile->profiles, RIA_PROFILE_SSO_SESSION, session->value, NULL)) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            session,
            "sso_session names \"%.64s\", which does not exist; add [sso-session %s] or run: "
            "aws configure sso-session",
            session->value,
            ria_text_quote(session->value, quoted));
    }
    struct ria_setting *value = plan->value;
    return require_session_key(
               profile, session, "sso_start_url", &value[RIA_PLAN_SSO_START_URL], err) &&
           require_session_key(profile, session, "sso_region", &value[RIA_PLAN_SSO_REGION], err);
}

/* Reads the legacy form, in which the profile contains the start URL and the region. */
static bool read_start_url(
    const struct ria_profile *profile,
    const struct ria_setting *because,
    struct ria_plan *plan,
    struct ria_error *err)
{
    struct ria_setting *value = plan->value;
    return require_key(profile, because, "sso_start_url", &value[RIA_PLAN_SSO_START_URL], err) &&
           require_key(profile, because, "sso_region", &value[RIA_PLAN_SSO_REGION], err);
}

static bool profile_sso_check_names(const struct ria_plan *plan, struct ria_error *err)
{
    const struct ria_setting *value = plan->value;
    return ria_identifier_check(
               RIA_ID_START_URL, &value[RIA_PLAN_SSO_START_URL], RIA_E_CREDENTIALS, err) &&
           ria_identifier_check(
               RIA_ID_ACCOUNT, &value[RIA_PLAN_SSO_ACCOUNT_ID], RIA_E_CREDENTIALS, err) &&
           ria_identifier_check(
               RIA_ID_ROLE_NAME, &value[RIA_PLAN_SSO_ROLE_NAME], RIA_E_CREDENTIALS, err);
}

/* Checks the values and the endpoints that the source will use. */
static bool profile_sso_check(const struct ria_plan *plan, struct ria_error *err)
{
    /* An SSO token of the legacy form is never renewed, so the OIDC endpoint is not used. */
    bool can_be_renewed = plan->value[RIA_PLAN_SSO_SESSION].value != NULL;
    return profile_sso_check_names(plan, err) &&
           ria_setting_check_region(&plan->value[RIA_PLAN_SSO_REGION], RIA_E_CREDENTIALS, err) &&
           ria_network_check_service(plan, RIA_SERVICE_SSO, err) &&
           (!can_be_renewed || ria_network_check_service(plan, RIA_SERVICE_SSO_OIDC, err));
}

enum ria_outcome ria_profile_sso(
    const struct ria_query *query,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err)
{
    (void)query;
    struct ria_setting *value = plan->value;
    struct ria_setting because;
    if (!ria_profile_get(profile, "sso_account_id", &because) &&
        !ria_profile_get(profile, "sso_role_name", &because)) {
        return RIA_ABSENT;
    }
    plan->source = RIA_SOURCE_SSO;
    bool has_session = ria_profile_get(profile, "sso_session", &value[RIA_PLAN_SSO_SESSION]);
    if (!(has_session ? read_sso_session(profile, plan, err)
                      : read_start_url(profile, &because, plan, err))) {
        return RIA_FAILED;
    }
    because = *ria_plan_source_setting(plan);
    if (!require_key(profile, &because, "sso_account_id", &value[RIA_PLAN_SSO_ACCOUNT_ID], err) ||
        !require_key(profile, &because, "sso_role_name", &value[RIA_PLAN_SSO_ROLE_NAME], err)) {
        return RIA_FAILED;
    }
    value[RIA_PLAN_SOURCE_PROFILE] = (struct ria_setting){profile->name, because.path, 0};
    (void)ria_text_format(
        plan->label, sizeof(plan->label), "the SSO session of profile %.64s", profile->name);
    return profile_sso_check(plan, err) ? RIA_FOUND : RIA_FAILED;
}
