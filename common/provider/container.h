/* SPDX-License-Identifier: MIT
 *
 * The container endpoint that the environment names, for the source of that name and for a profile
 * whose credential_source is EcsContainer.
 */
#ifndef RIA_PROVIDER_CONTAINER_H
#define RIA_PROVIDER_CONTAINER_H

#include "provider/provider.h"

/* Fills source, label and the container's values. Three answers as of ria_provide. */
enum ria_outcome ria_container_endpoint(
    const struct ria_world *world, struct ria_plan *out, struct ria_error *err) RIA_MUST_USE;

#endif
