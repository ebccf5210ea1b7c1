/* SPDX-License-Identifier: MIT
 *
 * The settings that all network sources share: the endpoints of AWS's services, the CA bundle, and
 * the region of a role. They are read from the environment and from the active profile, whichever
 * source the credentials come from. The active profile is the profile in plan->profiles that
 * RIA_PLAN_PROFILE names; if that value is unset, no profile is active.
 *
 * The endpoint of a service is the first of these settings that is set, as in the AWS SDKs:
 * AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the [services] section that the profile names, and
 * the profile's endpoint_url.
 *
 * Settings borrow from the environment and from plan->profiles.
 */
#ifndef RIA_PROVIDER_NETWORK_H
#define RIA_PROVIDER_NETWORK_H

#include "provider/provider.h"

/* Returns an environment variable as a setting; value is NULL if the variable is unset or blank.
 * `name` must outlive the setting. */
struct ria_setting ria_network_variable(const struct ria_world *world, const char *name);

/* Returns the environment variable if it is set and not blank. Otherwise returns the setting `key`
 * of the active profile. The result's value is NULL if this setting is also unset or blank. */
struct ria_setting ria_network_setting(
    const struct ria_query *query,
    const struct ria_plan *plan,
    const char *variable,
    const char *key);

/* Fills the plan's service endpoints, their variants (FIPS, dual-stack, legacy STS) and
 * RIA_PLAN_CA_BUNDLE from the environment and the active profile. Returns false with err filled if
 * a value is invalid. */
bool ria_network_settings(
    const struct ria_query *query, struct ria_plan *plan, struct ria_error *err) RIA_MUST_USE;

/* Call this for each source that uses HTTPS. Rejects a CA bundle that is named in a file which
 * belongs neither to root nor to the user. */
bool ria_network_check_bundle(const struct ria_plan *plan, struct ria_error *err) RIA_MUST_USE;

/* Call this for each service that the plan will send requests to. Rejects an endpoint or a CA
 * bundle that is named in a file which belongs neither to root nor to the user, and an endpoint
 * together with a variant (FIPS, dual-stack). */
bool ria_network_check_service(
    const struct ria_plan *plan, enum ria_service service, struct ria_error *err) RIA_MUST_USE;

/* Finds the region in which a service is called: AWS_REGION, else AWS_DEFAULT_REGION, else the key
 * `region` of the active profile, else the database's region. All roles of a chain use one region,
 * so the region of a source_profile is not read. Returns false with err filled if no region is set
 * or its name is invalid; the message names `service`. */
bool ria_network_region(
    const struct ria_query *query,
    const struct ria_plan *plan,
    const char *service,
    struct ria_setting *out,
    struct ria_error *err) RIA_MUST_USE;

/* Appends a role to the plan, with the region of STS that ria_network_region() finds. If the role
 * has no session name, the session name becomes "rds-iam". Returns false with err filled if a value
 * of the role is invalid, no region is known, ria_network_check_service() rejects STS's settings,
 * or the plan already has RIA_ROLES_MAX roles. */
bool ria_network_add_role(
    const struct ria_query *query,
    struct ria_plan *plan,
    const struct ria_role *role,
    struct ria_error *err) RIA_MUST_USE;

#endif
