/* SPDX-License-Identifier: MIT
 *
 * Reads the settings that all network sources share, from the environment and the active profile:
 * endpoints, their variants, the CA bundle, and the region of a role. Rejects an unknown value of
 * sts_regional_endpoints, a services section that does not exist, an endpoint together with FIPS or
 * dual-stack, and values of a role that STS would reject. */
#include "provider/network.h"

#include "aws/identifier.h"
#include "base/ascii.h"
#include "base/messages.h"
#include "base/text.h"

#include <string.h>

struct ria_setting ria_network_variable(const struct ria_world *world, const char *name)
{
    return (struct ria_setting){ria_world_env(world, name), name, 0};
}

/* Reads a key of the active profile. Returns false if it is unset or no profile is active. */
static bool from_profile(const struct ria_plan *plan, const char *key, struct ria_setting *out)
{
    const struct ria_profile active = ria_profile_active(plan);
    return active.name != NULL && ria_profile_get(&active, key, out);
}

/* Returns the first of the environment variables that is set. */
static struct ria_setting first_variable(
    const struct ria_world *world, const char *const names[], size_t count)
{
    struct ria_setting found = {0};
    for (size_t i = 0; found.value == NULL && i < count; i++) {
        found = ria_network_variable(world, names[i]);
    }
    return found;
}

struct ria_setting ria_network_setting(
    const struct ria_query *query,
    const struct ria_plan *plan,
    const char *variable,
    const char *key)
{
    struct ria_setting found = ria_network_variable(query->world, variable);
    if (found.value == NULL) {
        (void)from_profile(plan, key, &found);
    }
    return found;
}

/* -- variants ------------------------------------------------------------------------------- */

/* Copies the setting to *out if its value is true, else clears *out. */
static bool read_switch(
    const struct ria_setting *setting, struct ria_setting *out, struct ria_error *err)
{
    bool is_on = false;
    if (setting->value != NULL && !ria_setting_boolean(setting, RIA_E_CREDENTIALS, &is_on, err)) {
        return false;
    }
    *out = is_on ? *setting : (struct ria_setting){0};
    return true;
}

/* Copies the setting to *out if its value is legacy, else clears *out. */
static bool read_sts_mode(
    const struct ria_setting *setting, struct ria_setting *out, struct ria_error *err)
{
    bool is_legacy = setting->value != NULL && ria_ascii_same(setting->value, "legacy");
    if (setting->value != NULL && !is_legacy && !ria_ascii_same(setting->value, "regional")) {
        return ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            setting,
            "\"%.32s\" is not a kind of STS endpoint; write regional or legacy",
            setting->value);
    }
    *out = is_legacy ? *setting : (struct ria_setting){0};
    return true;
}

/* Reads FIPS, dual-stack and the STS mode into the plan. */
static bool read_variants(
    const struct ria_query *query, struct ria_plan *plan, struct ria_error *err)
{
    static const struct {
        const char *variable;
        const char *key;
        enum ria_plan_value value;
        bool (*read)(
            const struct ria_setting *setting, struct ria_setting *out, struct ria_error *err);
    } variants[] = {
        {"AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", RIA_PLAN_FIPS, read_switch},
        {"AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint", RIA_PLAN_DUAL_STACK, read_switch},
        {"AWS_STS_REGIONAL_ENDPOINTS",
         "sts_regional_endpoints",
         RIA_PLAN_STS_LEGACY,
         read_sts_mode},
    };
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
        struct ria_setting found =
            ria_network_setting(query, plan, variants[i].variable, variants[i].key);
        if (!variants[i].read(&found, &plan->value[variants[i].value], err)) {
            return false;
        }
    }
    return true;
}

/* -- configured endpoints ------------------------------------------------------------------- */

/* Finds the [services] section that the active profile names. Fails if that section does not exist,
 * even if no endpoint would be read from it. */
static bool find_section(
    const struct ria_plan *plan, struct ria_setting *section, struct ria_error *err)
{
    if (!from_profile(plan, "services", section) ||
        ria_profiles_has(plan->profiles, RIA_PROFILE_SERVICES, section->value, NULL)) {
        return true;
    }
    char quoted[RIA_QUOTED_SIZE];
    return ria_fail_at(
        err,
        RIA_E_CREDENTIALS,
        section,
        "services names \"%.64s\", which does not exist; add [services %s] or remove the line",
        section->value,
        ria_text_quote(section->value, quoted));
}

/* A setting borrows the name of its variable, so each name must be a string literal. */
static const char *const url_variables[RIA_SERVICES] = {
    [RIA_SERVICE_STS] = "AWS_ENDPOINT_URL_STS",
    [RIA_SERVICE_SSO] = "AWS_ENDPOINT_URL_SSO",
    [RIA_SERVICE_SSO_OIDC] = "AWS_ENDPOINT_URL_SSO_OIDC",
    [RIA_SERVICE_SIGNIN] = "AWS_ENDPOINT_URL_SIGNIN",
    [RIA_SERVICE_RDS] = "AWS_ENDPOINT_URL_RDS",
    [RIA_SERVICE_IAM] = "AWS_ENDPOINT_URL_IAM",
};

/* Reads endpoint_url of the service in the section. Returns false if it is unset. */
static bool from_section(
    const struct ria_plan *plan,
    const struct ria_setting *section,
    enum ria_service service,
    struct ria_setting *out)
{
    struct ria_setting found;
    if (section->value == NULL ||
        !ria_profiles_get_service(
            plan->profiles, section->value, ria_service_key(service), "endpoint_url", &found) ||
        !ria_profile_is_set(&found)) {
        return false;
    }
    *out = found;
    return true;
}

/* Reads the endpoint of each service into the plan. Reads nothing if
 * AWS_IGNORE_CONFIGURED_ENDPOINT_URLS, or the same setting of the profile, is true. */
static bool read_urls(const struct ria_query *query, struct ria_plan *plan, struct ria_error *err)
{
    struct ria_setting ignored;
    struct ria_setting section = {0};
    struct ria_setting ignore = ria_network_setting(
        query, plan, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls");
    if (!read_switch(&ignore, &ignored, err)) {
        return false;
    }
    if (ignored.value != NULL) {
        return true;
    }
    if (!find_section(plan, &section, err)) {
        return false;
    }
    for (unsigned i = 0; i < RIA_SERVICES; i++) {
        const char *const variables[] = {url_variables[i], "AWS_ENDPOINT_URL"};
        struct ria_setting *out = &plan->value[RIA_PLAN_STS_URL + i];
        *out = first_variable(query->world, variables, 2);
        if (out->value == NULL && !from_section(plan, &section, (enum ria_service)i, out)) {
            (void)from_profile(plan, "endpoint_url", out);
        }
    }
    return true;
}

bool ria_network_settings(
    const struct ria_query *query, struct ria_plan *plan, struct ria_error *err)
{
    plan->value[RIA_PLAN_CA_BUNDLE] =
        ria_network_setting(query, plan, "AWS_CA_BUNDLE", "ca_bundle");
    return read_variants(query, plan, err) && read_urls(query, plan, err);
}

/* Rejects a configured endpoint together with FIPS or dual-stack, as AWS's SDKs do, because a user
 * who requires FIPS must not silently get another endpoint. */
static bool check_variants(
    const struct ria_plan *plan, enum ria_service service, struct ria_error *err)
{
    static const struct {
        enum ria_plan_value value;
        const char *name;
    } variants[] = {{RIA_PLAN_FIPS, "FIPS"}, {RIA_PLAN_DUAL_STACK, "dual-stack"}};
    const struct ria_setting *url = &plan->value[RIA_PLAN_STS_URL + (unsigned)service];
    for (size_t i = 0; url->value != NULL && i < sizeof(variants) / sizeof(variants[0]); i++) {
        const struct ria_setting *variant = &plan->value[variants[i].value];
        if (variant->value != NULL) {
            RIA_AUTO(buf) place = {.max = RIA_PATH_MAX + 16};
            ria_setting_add_place(&place, url);
            const char *text = ria_buf_text(&place);
            return ria_fail_at(
                err,
                RIA_E_CREDENTIALS,
                variant,
                "%s endpoints are required, but %.160s names another endpoint for %s; remove one "
                "of the two",
                variants[i].name,
                text == NULL ? "" : text,
                ria_service_name(service));
        }
    }
    return true;
}

bool ria_network_check_bundle(const struct ria_plan *plan, struct ria_error *err)
{
    return ria_profiles_check_owner(
        plan->profiles, &plan->value[RIA_PLAN_CA_BUNDLE], "ca_bundle", err);
}

bool ria_network_check_service(
    const struct ria_plan *plan, enum ria_service service, struct ria_error *err)
{
    const struct ria_setting *url = &plan->value[RIA_PLAN_STS_URL + (unsigned)service];
    if (!ria_profiles_check_owner(plan->profiles, url, "endpoint_url", err) ||
        !ria_network_check_bundle(plan, err)) {
        return false;
    }
    return check_variants(plan, service, err);
}

/* -- regions -------------------------------------------------------------------------------- */

bool ria_network_region(
    const struct ria_query *query,
    const struct ria_plan *plan,
    const char *service,
    struct ria_setting *out,
    struct ria_error *err)
{
    static const char *const variables[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
    struct ria_setting region = first_variable(query->world, variables, 2);
    if (region.value == NULL && !from_profile(plan, "region", &region)) {
        region = query->region;
    }
    if (region.value == NULL) {
        return ria_fail(
            err,
            RIA_E_CREDENTIALS,
            "no region for %s is set; set AWS_REGION, or region in the profile",
            service);
    }
    if (strcmp(region.value, ria_region_global) != 0 &&
        !ria_setting_check_region(&region, RIA_E_CREDENTIALS, err)) {
        return false;
    }
    *out = region;
    return true;
}

/* Checks the role's values here, because STS rejects wrong values with errors that do not help the
 * user. */
static bool network_check_names(const struct ria_role *role, struct ria_error *err)
{
    static const struct {
        enum ria_role_value value;
        enum ria_identifier kind;
    } names[] = {
        {RIA_ROLE_ARN, RIA_ID_ROLE_ARN},
        {RIA_ROLE_MFA_SERIAL, RIA_ID_MFA_SERIAL},
        {RIA_ROLE_EXTERNAL_ID, RIA_ID_EXTERNAL_ID},
        {RIA_ROLE_SESSION_NAME, RIA_ID_SESSION_NAME},
        {RIA_ROLE_SOURCE_IDENTITY, RIA_ID_SOURCE_IDENTITY},
    };
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof(names) / sizeof(names[0]); i++) {
        const struct ria_setting *setting = &role->value[names[i].value];
        ok = ria_identifier_check(names[i].kind, setting, RIA_E_CREDENTIALS, err);
    }
    return ok;
}

bool ria_network_add_role(
    const struct ria_query *query,
    struct ria_plan *plan,
    const struct ria_role *role,
    struct ria_error *err)
{
    if (plan->role_count >= RIA_ROLES_MAX) {
        return ria_fail_at(
            err, RIA_E_CREDENTIALS, &role->value[RIA_ROLE_ARN], RIA_REFUSAL_ROLES, RIA_ROLES_MAX);
    }
    if (!network_check_names(role, err)) {
        return false;
    }
    struct ria_role added = *role;
    if (added.value[RIA_ROLE_SESSION_NAME].value == NULL) {
        added.value[RIA_ROLE_SESSION_NAME].value = "rds-iam";
    }
    if (!ria_network_region(query, plan, "STS", &added.value[RIA_ROLE_REGION], err) ||
        !ria_network_check_service(plan, RIA_SERVICE_STS, err)) {
        return false;
    }
    plan->roles[plan->role_count++] = added;
    return true;
}
