/* SPDX-License-Identifier: MIT
 *
 * Credentials of an EC2 instance's role. This version does not ask the metadata service. Nobody
 * configures it, so not asking is ABSENT, and the trail says so. */
#include "provider/provider.h"

enum ria_outcome ria_provider_instance_metadata(
    const struct ria_ask *ask, struct ria_credentials *out, struct ria_error *err)
{
    (void)ask;
    (void)out;
    return ria_absent(err, "not asked by this version");
}
