/* SPDX-License-Identifier: MIT
 *
 * Container credentials (ECS tasks, EKS Pod Identity). This version asks no endpoint, so one that
 * is configured is refused by name. */
#include "provider/provider.h"

enum ria_outcome ria_provider_container(
    const struct ria_ask *ask, struct ria_credentials *out, struct ria_error *err)
{
    static const char *const variables[] = {
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"};
    (void)out;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        if (ria_world_env(ask->world, variables[i]) != NULL) {
            return ria_failed(
                err,
                RIA_E_CREDENTIALS,
                "%s asks for container credentials, which this version of rds-iam cannot use; "
                "export its keys first: eval \"$(aws configure export-credentials --format env)\"",
                variables[i]);
        }
    }
    return ria_absent(err, "AWS_CONTAINER_CREDENTIALS_* is not set");
}
