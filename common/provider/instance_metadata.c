/* SPDX-License-Identifier: MIT
 *
 * Credentials of an EC2 instance's role: where its metadata service is. Nobody configures it, so it
 * is the last source, and one that nobody answers is ABSENT. */
#include "provider/instance_metadata.h"

#include "base/text.h"
#include "provider/network.h"

#include <string.h>

struct mode {
    const char *name;
    const char *endpoint;
};

static const struct mode modes[] = {
    {"IPv4", "http://169.254.169.254"},
    {"IPv6", "http://[fd00:ec2::254]"},
};

static struct ria_setting get(
    const struct ria_world *world,
    const struct ria_plan *plan,
    const char *profile,
    const char *variable,
    const char *key)
{
    struct ria_setting found = ria_network_variable(world, variable);
    if (found.value == NULL && profile != NULL && plan->profiles != NULL) {
        (void)ria_profiles_get(plan->profiles, profile, key, &found);
    }
    return found;
}

static enum ria_outcome endpoint_of_mode(
    const struct ria_setting *mode, struct ria_setting *endpoint, struct ria_error *err)
{
    if (mode->value == NULL) {
        *endpoint = (struct ria_setting){modes[0].endpoint, NULL, 0};
        return RIA_FOUND;
    }
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (ria_text_same(mode->value, modes[i].name)) {
            *endpoint = (struct ria_setting){modes[i].endpoint, NULL, 0};
            return RIA_FOUND;
        }
    }
    (void)ria_fail_at(
        err, RIA_E_CREDENTIALS, mode, "\"%.32s\" is no mode; write IPv4 or IPv6", mode->value);
    return RIA_FAILED;
}

enum ria_outcome ria_instance_endpoint(
    const struct ria_world *world, const char *profile, struct ria_plan *out, struct ria_error *err)
{
    struct ria_setting disabled = ria_network_variable(world, "AWS_EC2_METADATA_DISABLED");
    bool is_disabled = false;
    if (disabled.value != NULL &&
        !ria_setting_boolean(&disabled, RIA_E_CREDENTIALS, &is_disabled, err)) {
        return RIA_FAILED;
    }
    if (is_disabled) {
        return ria_absent(err, "AWS_EC2_METADATA_DISABLED is true");
    }
    struct ria_setting endpoint = get(
        world, out, profile, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
    struct ria_setting mode =
        get(world,
            out,
            profile,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
            "ec2_metadata_service_endpoint_mode");
    if (endpoint.value == NULL && endpoint_of_mode(&mode, &endpoint, err) == RIA_FAILED) {
        return RIA_FAILED;
    }
    if (!ria_profiles_check_owner(out->profiles, &endpoint, "ec2_metadata_service_endpoint", err)) {
        return RIA_FAILED;
    }
    out->source = RIA_SOURCE_INSTANCE;
    out->value[RIA_PLAN_METADATA_ENDPOINT] = endpoint;
    (void)ria_text_copy(out->label, sizeof(out->label), "the instance's role");
    return RIA_FOUND;
}

enum ria_outcome ria_provider_instance_metadata(
    const struct ria_ask *ask, struct ria_plan *out, struct ria_error *err)
{
    enum ria_outcome outcome = ria_instance_endpoint(ask->world, NULL, out, err);
    if (outcome == RIA_FOUND) {
        outcome = ria_network_settings(ask, NULL, out, err);
    }
    return outcome;
}
