/* SPDX-License-Identifier: MIT
 *
 * What a profile holds of its own. A table in the order in which it counts. */
#include "provider/network.h"
#include "provider/profile.h"

#include "base/text.h"

#include <string.h>

/* Fails with RIA_E_CREDENTIALS and the place in front. */
#define fail_at(err, ...) (ria_fail_at((err), RIA_E_CREDENTIALS, __VA_ARGS__), RIA_FAILED)

typedef enum ria_outcome take_source(
    const struct ria_ask *ask,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err);

static enum ria_outcome take_web_identity(
    const struct ria_ask *ask,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err)
{
    struct ria_setting file;
    struct ria_role role = {0};
    if (!ria_profile_get(profile, "web_identity_token_file", &file)) {
        return RIA_ABSENT;
    }
    if (!ria_profiles_check_owner(profile->profiles, &file, "web_identity_token_file", err)) {
        return RIA_FAILED;
    }
    if (!ria_profile_has(profile, "role_arn")) {
        return fail_at(
            err,
            &file,
            "the profile \"%.64s\" has web_identity_token_file without role_arn; add it",
            profile->name);
    }
    if (ria_profile_read_role(profile, &role, err) == RIA_FAILED) {
        return RIA_FAILED;
    }
    plan->source = RIA_SOURCE_WEB_IDENTITY;
    plan->value[RIA_PLAN_WEB_IDENTITY_TOKEN_FILE] = file;
    (void)ria_text_format(
        plan->label, sizeof(plan->label), "the web identity of profile %.64s", profile->name);
    return ria_network_add_role(ask, plan, profile->name, &role, err);
}

static enum ria_outcome refuse_lone_credential_source(
    const struct ria_ask *ask,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err)
{
    (void)ask;
    (void)plan;
    struct ria_setting where;
    if (!ria_profile_get(profile, "credential_source", &where)) {
        return RIA_ABSENT;
    }
    return fail_at(
        err,
        &where,
        "the profile \"%.64s\" has credential_source without role_arn; add role_arn or remove it",
        profile->name);
}

static enum ria_outcome take_process(
    const struct ria_ask *ask,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err)
{
    (void)ask;
    struct ria_setting command;
    if (!ria_profile_get(profile, "credential_process", &command)) {
        return RIA_ABSENT;
    }
    if (!ria_profiles_check_owner(profile->profiles, &command, "credential_process", err)) {
        return RIA_FAILED;
    }
    if (command.value[strspn(command.value, " \t\n")] == '\0') {
        return fail_at(err, &command, "credential_process is empty; name a command or remove it");
    }
    plan->source = RIA_SOURCE_PROCESS;
    plan->value[RIA_PLAN_PROCESS] = command;
    plan->value[RIA_PLAN_SOURCE_PROFILE] = (struct ria_setting){profile->name, command.path, 0};
    (void)ria_text_format(
        plan->label, sizeof(plan->label), "the credential_process of profile %.64s", profile->name);
    return RIA_FOUND;
}

/* SSO and aws login stand in front of keys, as in the AWS SDKs. */
static take_source *const sources[] = {
    take_web_identity,
    ria_profile_sso,
    ria_profile_login,
    ria_profile_keys,
    refuse_lone_credential_source,
    take_process,
};

enum ria_outcome ria_profile_source(
    const struct ria_ask *ask,
    const struct ria_profile *profile,
    struct ria_plan *plan,
    struct ria_error *err)
{
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        enum ria_outcome outcome = sources[i](ask, profile, plan, err);
        if (outcome != RIA_ABSENT) {
            return outcome;
        }
    }
    return ria_absent(err, "[%.64s] holds no credentials", profile->name);
}
