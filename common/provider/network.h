/* SPDX-License-Identifier: MIT
 *
 * The settings that every source on the network shares: where AWS's services are asked and with
 * which CA, and the region of a role. From the environment, and from the active profile, whichever
 * source the credentials come from: RIA_PLAN_PROFILE of plan->profiles, or none where it is unset.
 *
 * An endpoint, in the order of the AWS SDKs: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the
 * [services] section that the profile names, the profile's endpoint_url.
 */
#ifndef RIA_PROVIDER_NETWORK_H
#define RIA_PROVIDER_NETWORK_H

#include "provider/provider.h"

/* The environment variable as a setting; value is NULL where it is unset or blank. */
struct ria_setting ria_network_variable(const struct ria_world *world, const char *name);

/* The environment variable, else the key of the active profile that has the same meaning; value is
 * NULL where both are unset or blank. */
struct ria_setting ria_network_setting(
    const struct ria_query *query,
    const struct ria_plan *plan,
    const char *variable,
    const char *key);

/* Fills the endpoints of services, their variants, and RIA_PLAN_CA_BUNDLE, from variables and the
 * keys of the active profile. False for an invalid value. */
bool ria_network_settings(
    const struct ria_query *query, struct ria_plan *plan, struct ria_error *err) RIA_MUST_USE;

/* Refuses a CA bundle that a file of another user names. For each source that asks by https. */
bool ria_network_check_bundle(const struct ria_plan *plan, struct ria_error *err) RIA_MUST_USE;

/* For each service that the plan will ask: refuses an endpoint or a CA bundle that a file of
 * another user names, and an endpoint beside a variant (FIPS, dual-stack). */
bool ria_network_check_service(
    const struct ria_plan *plan, enum ria_service service, struct ria_error *err) RIA_MUST_USE;

/* Where a service is asked: AWS_REGION > AWS_DEFAULT_REGION > region of the active profile > the
 * database's. A chain of roles has one region: a profile that a role stands on does not change it.
 * `service` stands in the sentence if there is none. */
bool ria_network_region(
    const struct ria_query *query,
    const struct ria_plan *plan,
    const char *service,
    struct ria_setting *out,
    struct ria_error *err) RIA_MUST_USE;

/* Appends a role with its defaults, and says where STS is asked for it, as above. False if no
 * region is known, or if the plan holds RIA_ROLES_MAX. */
bool ria_network_add_role(
    const struct ria_query *query,
    struct ria_plan *plan,
    const struct ria_role *role,
    struct ria_error *err) RIA_MUST_USE;

#endif
