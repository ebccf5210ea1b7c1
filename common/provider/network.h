/* SPDX-License-Identifier: MIT
 *
 * The settings that every source on the network shares: where STS is asked and with which CA, and
 * the region of a role. From the environment and from the profile in use.
 */
#ifndef RIA_PROVIDER_NETWORK_H
#define RIA_PROVIDER_NETWORK_H

#include "provider/provider.h"

/* The environment variable as a setting; value is NULL where it is unset or blank. */
struct ria_setting ria_network_variable(const struct ria_world *world, const char *name);

/* Fills RIA_PLAN_STS_URL and RIA_PLAN_CA_BUNDLE. `profile` names a profile of plan->profiles, or is
 * NULL. */
void ria_network_settings(const struct ria_ask *ask, const char *profile, struct ria_plan *plan);

/* Appends a role with its defaults, and says where STS is asked for it: region of the profile >
 * AWS_REGION > AWS_DEFAULT_REGION > the database's. `profile` names a profile of plan->profiles, or
 * is NULL. FAILED if no region is known, or if the plan holds RIA_ROLES_MAX. */
enum ria_outcome ria_network_add_role(
    const struct ria_ask *ask,
    struct ria_plan *plan,
    const char *profile,
    const struct ria_role *role,
    struct ria_error *err) RIA_MUST_USE;

#endif
