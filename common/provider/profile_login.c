/* SPDX-License-Identifier: MIT
 *
 * Reads login_session, which `aws login` writes into a profile. Rejects a value that cannot be the
 * ARN that `aws login` writes, such as a value with quotes, blanks or a placeholder. The name of
 * the token file is derived from the value. Without this check, an invalid value would look like a
 * missing token file. */
#include "provider/network.h"
#include "provider/profile_active.h"

#include "aws/identifier.h"
#include "base/text.h"

enum ria_outcome ria_profile_login(
    const struct ria_query *query,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err)
{
    struct ria_setting *session = &plan->value[RIA_PLAN_LOGIN_SESSION];
    struct ria_setting *directory = &plan->value[RIA_PLAN_LOGIN_DIRECTORY];
    if (!ria_profile_get(profile, "login_session", session)) {
        return RIA_ABSENT;
    }
    if (!ria_identifier_check(RIA_ID_LOGIN_SESSION, session, RIA_E_CREDENTIALS, err)) {
        return RIA_FAILED;
    }
    plan->source = RIA_SOURCE_LOGIN;
    plan->value[RIA_PLAN_SOURCE_PROFILE] = (struct ria_setting){profile->name, session->path, 0};
    *directory = ria_network_variable(query->world, "AWS_LOGIN_CACHE_DIRECTORY");
    if (directory->value == NULL) {
        directory->value = "~/.aws/login/cache";
        directory->path = NULL;
    }
    (void)ria_text_format(
        plan->label, sizeof(plan->label), "the aws login of profile %.64s", profile->name);
    struct ria_setting *region = &plan->value[RIA_PLAN_LOGIN_REGION];
    return ria_network_region(query, plan, "sign-in", region, err) &&
                   ria_network_check_service(plan, RIA_SERVICE_SIGNIN, err)
               ? RIA_FOUND
               : RIA_FAILED;
}
