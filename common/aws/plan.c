/* SPDX-License-Identifier: MIT
 *
 * Finds three things in a plan: the setting that identifies the plan's source, the name of that
 * source for messages, and the endpoints of the services that the plan needs. Refuses a service URL
 * that is too long for struct ria_plan_endpoint. */
#include "aws/plan.h"

#include "base/messages.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

const struct ria_range ria_role_duration = {"duration_seconds", 900, 43200};

bool ria_plan_needs_fetch(const struct ria_plan *plan)
{
    return plan->source != RIA_SOURCE_KEYS || plan->role_count > 0;
}

const struct ria_setting *ria_plan_source_setting(const struct ria_plan *plan)
{
    static const enum ria_plan_value origins[] = {
        [RIA_SOURCE_KEYS] = RIA_PLAN_KEYS,
        [RIA_SOURCE_WEB_IDENTITY] = RIA_PLAN_WEB_IDENTITY_TOKEN_FILE,
        [RIA_SOURCE_PROCESS] = RIA_PLAN_PROCESS,
        [RIA_SOURCE_CONTAINER] = RIA_PLAN_CONTAINER_URI,
        [RIA_SOURCE_INSTANCE] = RIA_PLAN_METADATA_ENDPOINT,
        [RIA_SOURCE_SSO] = RIA_PLAN_SSO_SESSION,
        [RIA_SOURCE_LOGIN] = RIA_PLAN_LOGIN_SESSION,
    };
    if (plan->source == RIA_SOURCE_SSO && plan->value[RIA_PLAN_SSO_SESSION].value == NULL) {
        return &plan->value[RIA_PLAN_SSO_START_URL];
    }
    return &plan->value[origins[plan->source]];
}

void ria_plan_describe(const struct ria_plan *plan, char *out, size_t size)
{
    const struct ria_setting *origin = ria_plan_source_setting(plan);
    if (origin->line > 0) {
        (void)ria_text_format(out, size, "%s (%s:%u)", plan->label, origin->path, origin->line);
    } else {
        (void)ria_text_copy(out, size, plan->label);
    }
}

/* Returns the setting of the variant that decides the endpoint, or `region` if no variant does. */
static const struct ria_setting *variant_or_region(
    const struct ria_plan *plan, bool is_legacy, const struct ria_setting *region)
{
    const struct ria_setting *const variants[] = {
        &plan->value[RIA_PLAN_FIPS],
        &plan->value[RIA_PLAN_DUAL_STACK],
        &plan->value[RIA_PLAN_STS_LEGACY],
    };
    for (size_t i = 0; i < (is_legacy ? 3 : 2); i++) {
        if (variants[i]->value != NULL) {
            return variants[i];
        }
    }
    return region;
}

bool ria_plan_service(
    const struct ria_plan *plan,
    enum ria_service service,
    const struct ria_setting *region,
    struct ria_plan_endpoint *out)
{
    const struct ria_setting *custom = &plan->value[RIA_PLAN_STS_URL + (unsigned)service];
    const struct ria_service_variant variant = {
        .is_fips = plan->value[RIA_PLAN_FIPS].value != NULL,
        .is_dual_stack = plan->value[RIA_PLAN_DUAL_STACK].value != NULL,
        .is_legacy = plan->value[RIA_PLAN_STS_LEGACY].value != NULL,
    };
    struct ria_service_endpoint own;
    ria_service_endpoint(service, region->value, &variant, &own);
    bool is_legacy = service == RIA_SERVICE_STS && strcmp(own.region, region->value) != 0;
    if (custom->value != NULL) {
        out->from = custom;
        (void)ria_text_copy(out->region, sizeof(out->region), region->value);
        return ria_text_copy(out->url, sizeof(out->url), custom->value);
    }
    out->from = variant_or_region(plan, is_legacy, region);
    memcpy(out->region, own.region, sizeof(out->region));
    (void)ria_text_format(out->url, sizeof(out->url), "https://%s/", own.host);
    return true;
}

struct ria_profile ria_profile_active(const struct ria_plan *plan)
{
    return (struct ria_profile){plan->profiles, plan->value[RIA_PLAN_PROFILE].value};
}

void ria_plan_init(struct ria_plan *plan, struct ria_credentials_room *room)
{
    ria_credentials_init(&plan->keys, room);
    memset(plan->mfa_code, 0, sizeof(plan->mfa_code));
    plan->profiles = NULL;
    ria_plan_release(plan);
}

void ria_plan_release(struct ria_plan *plan)
{
    ria_credentials_release(&plan->keys);
    if (plan->profiles != NULL) {
        ria_profiles_release(plan->profiles);
        free(plan->profiles);
    }
    explicit_bzero(plan->mfa_code, sizeof(plan->mfa_code));
    memset(plan->value, 0, sizeof(plan->value));
    plan->role_count = 0;
    plan->source = RIA_SOURCE_KEYS;
    plan->label[0] = '\0';
    plan->profiles = NULL;
}
