/* SPDX-License-Identifier: MIT
 *
 * Web identity from the environment (EKS IAM roles for service accounts). This version does not
 * call STS, so a web identity that is configured is refused by name. */
#include "provider/provider.h"

enum ria_outcome ria_provider_web_identity(
    const struct ria_ask *ask, struct ria_credentials *out, struct ria_error *err)
{
    (void)out;
    if (ria_world_env(ask->world, "AWS_WEB_IDENTITY_TOKEN_FILE") == NULL) {
        return ria_absent(err, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
    }
    if (ria_world_env(ask->world, "AWS_ROLE_ARN") == NULL) {
        return ria_failed(
            err,
            RIA_E_CREDENTIALS,
            "AWS_WEB_IDENTITY_TOKEN_FILE is set but AWS_ROLE_ARN is not; set both or unset both");
    }
    return ria_failed(
        err,
        RIA_E_CREDENTIALS,
        "AWS_WEB_IDENTITY_TOKEN_FILE asks for a web identity, which this version of rds-iam cannot "
        "use; export its keys first: eval \"$(aws configure export-credentials --format env)\"");
}
