/* SPDX-License-Identifier: MIT
 *
 * Settings of sources on the network. */
#include "provider/network.h"

#include "aws/endpoint.h"

struct ria_setting ria_network_variable(const struct ria_world *world, const char *name)
{
    return (struct ria_setting){ria_world_env(world, name), name, 0};
}

static bool from_profile(
    const struct ria_plan *plan, const char *profile, const char *key, struct ria_setting *out)
{
    return profile != NULL && plan->profiles != NULL &&
           ria_profiles_get(plan->profiles, profile, key, out) && *out->value != '\0';
}

static struct ria_setting first_variable(
    const struct ria_world *world, const char *const names[], size_t count)
{
    struct ria_setting found = {0};
    for (size_t i = 0; found.value == NULL && i < count; i++) {
        found = ria_network_variable(world, names[i]);
    }
    return found;
}

void ria_network_settings(const struct ria_ask *ask, const char *profile, struct ria_plan *plan)
{
    static const char *const urls[] = {"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"};
    plan->value[RIA_PLAN_STS_URL] = first_variable(ask->world, urls, 2);
    struct ria_setting bundle = ria_network_variable(ask->world, "AWS_CA_BUNDLE");
    if (bundle.value == NULL) {
        (void)from_profile(plan, profile, "ca_bundle", &bundle);
    }
    plan->value[RIA_PLAN_CA_BUNDLE] = bundle;
}

static enum ria_outcome find_region(
    const struct ria_ask *ask,
    const struct ria_plan *plan,
    const char *profile,
    struct ria_setting *out,
    struct ria_error *err)
{
    static const char *const variables[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
    struct ria_setting region = {0};
    if (!from_profile(plan, profile, "region", &region)) {
        region = first_variable(ask->world, variables, 2);
    }
    if (region.value == NULL) {
        region = ask->region;
    }
    if (region.value == NULL) {
        return ria_failed(
            err,
            RIA_E_CREDENTIALS,
            "no region says where to ask STS; set AWS_REGION, or region in the profile");
    }
    if (!ria_region_is_plausible(region.value)) {
        (void)ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            &region,
            "\"%.64s\" is no region; write one like eu-west-1",
            region.value);
        return RIA_FAILED;
    }
    *out = region;
    return RIA_FOUND;
}

enum ria_outcome ria_network_add_role(
    const struct ria_ask *ask,
    struct ria_plan *plan,
    const char *profile,
    const struct ria_role *role,
    struct ria_error *err)
{
    if (plan->role_count >= RIA_ROLES_MAX) {
        (void)ria_fail_at(
            err,
            RIA_E_CREDENTIALS,
            &role->value[RIA_ROLE_ARN],
            "more than %d roles stand one on the other; shorten the chain",
            RIA_ROLES_MAX);
        return RIA_FAILED;
    }
    struct ria_role added = *role;
    if (added.value[RIA_ROLE_SESSION_NAME].value == NULL) {
        added.value[RIA_ROLE_SESSION_NAME].value = "rds-iam";
    }
    if (find_region(ask, plan, profile, &added.value[RIA_ROLE_REGION], err) == RIA_FAILED) {
        return RIA_FAILED;
    }
    plan->roles[plan->role_count++] = added;
    return RIA_FOUND;
}
