/* SPDX-License-Identifier: MIT
 *
 * Reports what a login would use: the endpoint that the token is signed for, the kind of the
 * endpoint, the region, and the settings from which the endpoint and the region were taken.
 * Resolves the login as ria_token_for() does. Makes no token and sends no request. Rejects the host
 * of a service if the client would reject the server. */
#include "rds_iam.h"

#include "base/text.h"
#include "login/resolve.h"

#include <string.h>

static const char *const kinds[] = {
    [RIA_ENDPOINT_OTHER] = "not an RDS name",
    [RIA_ENDPOINT_INSTANCE] = "instance",
    [RIA_ENDPOINT_CLUSTER] = "cluster (writer)",
    [RIA_ENDPOINT_CLUSTER_READER] = "cluster (reader)",
    [RIA_ENDPOINT_CLUSTER_CUSTOM] = "cluster (custom endpoint)",
    [RIA_ENDPOINT_PROXY] = "RDS Proxy",
    [RIA_ENDPOINT_SHARD_GROUP] = "shard group (Aurora Limitless)",
    [RIA_ENDPOINT_GLOBAL] = "global database (writer)",
    [RIA_ENDPOINT_DSQL] = "Aurora DSQL",
    [RIA_ENDPOINT_NO_NAME] = "not a name",
};

/* Writes where a setting was read: "FILE:LINE", or the name of the option or variable. */
static void inspect_place(const struct ria_setting *setting, char *out, size_t size)
{
    RIA_AUTO(buf) place = {.max = size - 1};
    ria_setting_add_place(&place, setting);
    const char *text = ria_buf_text(&place);
    (void)ria_text_copy(out, size, text == NULL ? "" : text);
}

bool ria_configuration_has_other(
    const struct ria_login *login, const struct ria_world *world, struct ria_other_section *out)
{
    RIA_AUTO(config) config = {0};
    struct ria_setting section = {0};
    struct ria_error unused;
    *out = (struct ria_other_section){0};
    if (!ria_config_load(world, &config, &unused) ||
        !ria_config_has_other(
            &config, login->host, (uint16_t)login->port, login->user, &section, &out->is_domain)) {
        return false;
    }
    (void)ria_text_copy(out->name, sizeof(out->name), section.value);
    ria_printable(out->name);
    inspect_place(&section, out->place, sizeof(out->place));
    return true;
}

/* Copies the region of AWS_REGION or AWS_DEFAULT_REGION if it differs from the region of the login.
 */
static void inspect_other_region(const struct ria_world *world, struct ria_login_facts *out)
{
    static const char *const variables[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value = ria_world_env(world, variables[i]);
        if (value != NULL) {
            bool differs = strcmp(value, out->region) != 0;
            (void)ria_text_copy(out->other_region, sizeof(out->other_region), differs ? value : "");
            (void)ria_text_copy(
                out->other_region_from,
                sizeof(out->other_region_from),
                differs ? variables[i] : "");
            ria_printable(out->other_region);
            return;
        }
    }
}

bool ria_login_inspect(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_login_facts *out,
    struct ria_error *err)
{
    RIA_AUTO(resolved) resolved = {0};
    *out = (struct ria_login_facts){0};
    if (!ria_resolve_login(login, world, &resolved, err)) {
        return false;
    }
    out->kind = kinds[resolved.dialed.kind];
    if (!ria_resolve_section(login, world, &resolved, err) ||
        !ria_resolve_endpoint(login, world, &resolved, err)) {
        return false;
    }
    const struct ria_endpoint *endpoint = &resolved.endpoint;
    out->kind = kinds[endpoint->kind];
    out->partition = endpoint->partition;
    out->is_mapped = resolved.section.endpoint.value != NULL;
    out->has_public_ca = ria_endpoint_has_public_ca(endpoint);
    out->chain_suffices = resolved.section.chain_suffices;
    (void)ria_text_copy(out->endpoint, sizeof(out->endpoint), endpoint->host);
    out->port = resolved.port;
    inspect_place(&resolved.section.endpoint, out->mapped_by, sizeof(out->mapped_by));
    (void)ria_text_copy(out->region, sizeof(out->region), resolved.region.value);
    inspect_place(&resolved.region, out->region_from, sizeof(out->region_from));
    inspect_other_region(world, out);
    return true;
}

bool ria_service_check_host(
    const struct ria_login *login, const struct ria_world *world, struct ria_error *err)
{
    struct ria_login_facts facts;
    struct ria_endpoint dialed;
    struct ria_endpoint signed_for;
    struct ria_error unused;
    ria_endpoint_read(login->host, &dialed);
    size_t len = strlen(login->host);
    if (ria_endpoint_is_database(&dialed)) {
        return login->host[len - 1] != '.' ||
               ria_fail(err, RIA_E_CHANNEL, RIA_REFUSAL_FINAL_DOT, login->host, dialed.host);
    }
    if (!ria_login_inspect(login, world, &facts, &unused)) {
        return !ria_endpoint_is_near(&dialed, err);
    }
    ria_endpoint_read(facts.endpoint, &signed_for);
    return !ria_endpoint_is_database(&signed_for) || ria_fail(
                                                         err,
                                                         RIA_E_CHANNEL,
                                                         RIA_REFUSAL_MAPPED_SERVICE,
                                                         facts.endpoint,
                                                         dialed.host,
                                                         facts.endpoint,
                                                         facts.mapped_by,
                                                         facts.endpoint,
                                                         login->port);
}
