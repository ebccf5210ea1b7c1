/* SPDX-License-Identifier: MIT
 *
 * The instance's metadata service, for the source of that name and for a profile whose
 * credential_source is Ec2InstanceMetadata.
 */
#ifndef RIA_PROVIDER_INSTANCE_METADATA_H
#define RIA_PROVIDER_INSTANCE_METADATA_H

#include "provider/provider.h"

/* Fills source, label and endpoint, by variables and the keys of the active profile. ABSENT where
 * it is switched off. */
enum ria_outcome ria_instance_endpoint(
    const struct ria_ask *ask, struct ria_plan *out, struct ria_error *err) RIA_MUST_USE;

#endif
