/* SPDX-License-Identifier: MIT
 *
 * Reads the endpoint of the EC2 instance metadata service from the environment or the active
 * profile. The service returns the credentials of the instance's role. This source needs no
 * configuration, so it is the last source in the chain. Its outcome is ABSENT if
 * AWS_EC2_METADATA_DISABLED is true. If the plan is carried out, and the metadata service does not
 * respond, is switched off, or has no role, the outcome is also ABSENT (obtain.h). Rejects an
 * unknown endpoint mode, and an endpoint that is named in a file which belongs neither to root nor
 * to the user. */
#include "provider/provider.h"

#include "base/ascii.h"
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

static bool find_mode_endpoint(
    const struct ria_setting *mode, struct ria_setting *endpoint, struct ria_error *err)
{
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (ria_ascii_same(mode->value, modes[i].name)) {
            *endpoint = (struct ria_setting){modes[i].endpoint, NULL, 0};
            return true;
        }
    }
    return ria_fail_at(
        err, RIA_E_CREDENTIALS, mode, "\"%.32s\" is not a mode; write IPv4 or IPv6", mode->value);
}

/* Picks the endpoint by the endpoint mode. If no mode is set, reads AWS_IMDS_USE_IPV6, the switch
 * of older tools. If that switch is also unset or false, picks the IPv4 endpoint. */
static bool default_endpoint(
    const struct ria_query *query,
    const struct ria_plan *plan,
    struct ria_setting *endpoint,
    struct ria_error *err)
{
    bool is_six = false;
    struct ria_setting mode = ria_network_setting(
        query,
        plan,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
        "ec2_metadata_service_endpoint_mode");
    if (mode.value != NULL) {
        return find_mode_endpoint(&mode, endpoint, err);
    }
    struct ria_setting old = ria_network_setting(query, plan, "AWS_IMDS_USE_IPV6", "imds_use_ipv6");
    if (old.value != NULL && !ria_setting_boolean(&old, RIA_E_CREDENTIALS, &is_six, err)) {
        return false;
    }
    *endpoint = (struct ria_setting){modes[is_six ? 1 : 0].endpoint, NULL, 0};
    return true;
}

enum ria_outcome ria_instance_endpoint(
    const struct ria_query *query, struct ria_plan *out, struct ria_error *err)
{
    struct ria_setting disabled = ria_network_variable(query->world, "AWS_EC2_METADATA_DISABLED");
    bool is_disabled = false;
    if (disabled.value != NULL &&
        !ria_setting_boolean(&disabled, RIA_E_CREDENTIALS, &is_disabled, err)) {
        return RIA_FAILED;
    }
    if (is_disabled) {
        return ria_absent(err, "AWS_EC2_METADATA_DISABLED is true");
    }
    struct ria_setting endpoint = ria_network_setting(
        query, out, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
    if (endpoint.value == NULL && !default_endpoint(query, out, &endpoint, err)) {
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
    const struct ria_query *query, struct ria_plan *out, struct ria_error *err)
{
    enum ria_outcome outcome = ria_instance_endpoint(query, out, err);
    return outcome == RIA_FOUND && !ria_network_settings(query, out, err) ? RIA_FAILED : outcome;
}
