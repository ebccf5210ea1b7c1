/* SPDX-License-Identifier: MIT
 *
 * Web identity from the environment (EKS IAM roles for service accounts): a token file and the role
 * that it stands for. */
#include "provider/network.h"

#include "base/text.h"

enum ria_outcome ria_provider_web_identity(
    const struct ria_ask *ask, struct ria_plan *out, struct ria_error *err)
{
    struct ria_setting file = ria_network_variable(ask->world, "AWS_WEB_IDENTITY_TOKEN_FILE");
    if (file.value == NULL) {
        return ria_absent(err, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
    }
    struct ria_role role = {0};
    role.value[RIA_ROLE_ARN] = ria_network_variable(ask->world, "AWS_ROLE_ARN");
    role.value[RIA_ROLE_SESSION_NAME] = ria_network_variable(ask->world, "AWS_ROLE_SESSION_NAME");
    if (role.value[RIA_ROLE_ARN].value == NULL) {
        return ria_failed(
            err,
            RIA_E_CREDENTIALS,
            "AWS_WEB_IDENTITY_TOKEN_FILE is set but AWS_ROLE_ARN is not; set both or unset both");
    }
    out->source = RIA_SOURCE_WEB_IDENTITY;
    out->value[RIA_PLAN_WEB_IDENTITY_TOKEN_FILE] = file;
    (void)ria_text_copy(out->label, sizeof(out->label), "the web identity of the environment");
    return ria_network_settings(ask, NULL, out, err) == RIA_FAILED
               ? RIA_FAILED
               : ria_network_add_role(ask, out, NULL, &role, err);
}
