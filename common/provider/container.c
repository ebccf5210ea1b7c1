/* SPDX-License-Identifier: MIT
 *
 * Reads the endpoint of container credentials (ECS tasks, EKS Pod Identity) from the environment.
 * If one variable contains a relative URI and the other a full URI, the relative URI is used, as in
 * botocore. Rejects a relative URI that does not begin with a slash, and a full URI that begins
 * with a slash. rds-iam-fetch checks the rest of a full URI before it sends the request. */
#include "provider/provider.h"

#include "base/messages.h"
#include "base/text.h"
#include "provider/network.h"

#include <string.h>

static const char relative[] = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
static const char full[] = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

enum ria_outcome ria_container_endpoint(
    const struct ria_world *world, struct ria_plan *out, struct ria_error *err)
{
    struct ria_setting uri = ria_network_variable(world, relative);
    if (uri.value == NULL) {
        uri = ria_network_variable(world, full);
        if (uri.value != NULL && *uri.value == '/') {
            return ria_failed_at(err, RIA_E_CREDENTIALS, &uri, RIA_REFUSAL_NO_URL);
        }
    } else if (*uri.value != '/') {
        return ria_failed(
            err, RIA_E_CREDENTIALS, "%s does not begin with a slash; fix or unset it", relative);
    }
    if (uri.value == NULL) {
        return ria_absent(err, "AWS_CONTAINER_CREDENTIALS_* is not set");
    }
    out->source = RIA_SOURCE_CONTAINER;
    out->value[RIA_PLAN_CONTAINER_URI] = uri;
    out->value[RIA_PLAN_CONTAINER_TOKEN_FILE] =
        ria_network_variable(world, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    if (out->value[RIA_PLAN_CONTAINER_TOKEN_FILE].value == NULL) {
        out->value[RIA_PLAN_CONTAINER_TOKEN] =
            ria_network_variable(world, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    }
    (void)ria_text_copy(out->label, sizeof(out->label), "the container's endpoint");
    return RIA_FOUND;
}

/* Returns true if the URI needs no CA bundle: a relative URI, or one that begins with http:// in
 * lower case. Every other URI may need one, also a URI that begins with HTTP://, because only
 * rds-iam-fetch parses URIs. */
static bool is_plain_http(const char *uri)
{
    return *uri == '/' || strncmp(uri, "http://", strlen("http://")) == 0;
}

enum ria_outcome ria_provider_container(
    const struct ria_query *query, struct ria_plan *out, struct ria_error *err)
{
    enum ria_outcome outcome = ria_container_endpoint(query->world, out, err);
    if (outcome != RIA_FOUND) {
        return outcome;
    }
    bool uses_bundle = !is_plain_http(out->value[RIA_PLAN_CONTAINER_URI].value);
    return ria_network_settings(query, out, err) &&
                   (!uses_bundle || ria_network_check_bundle(out, err))
               ? RIA_FOUND
               : RIA_FAILED;
}
