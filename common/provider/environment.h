/* SPDX-License-Identifier: MIT
 *
 * The keys of the environment, for the source of that name and for a profile whose
 * credential_source is Environment.
 */
#ifndef RIA_PROVIDER_ENVIRONMENT_H
#define RIA_PROVIDER_ENVIRONMENT_H

#include "provider/provider.h"

/* Fills out->keys, source and label. Three answers as of ria_provide. */
enum ria_outcome ria_environment_keys(
    const struct ria_world *world, struct ria_plan *out, struct ria_error *err) RIA_MUST_USE;

#endif
