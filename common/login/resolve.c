/* SPDX-License-Identifier: MIT
 *
 * Resolves a login request. Checks the channel (the connection to the server), and finds the
 * section of rds-iam's configuration for the dialed address. Takes the host, port and region that
 * the token is signed for from that section and from the address. --region overrides the region.
 * Rejects a channel that is not secure enough, a host whose region is not known, and a MySQL client
 * with an endpoint of Aurora DSQL. Also rejects a host that is not an endpoint of RDS or Aurora
 * DSQL, unless the user gives --region or the section has the key `endpoint`. */
#include "login/resolve.h"

#include "base/ascii.h"
#include "base/text.h"
#include "codec/url.h"
#include "provider/profile_active.h"

#include <string.h>

enum {
    USER_MAX = 255, /* MySQL accepts 32 characters, MariaDB 128, PostgreSQL 63 bytes */
};

void ria_resolved_release(struct ria_resolved *resolved)
{
    ria_config_release(&resolved->config);
}

bool ria_resolve_login(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_resolved *out,
    struct ria_error *err)
{
    if (world->is_privileged(world->self, &out->user)) {
        return ria_fail(err, RIA_E_SYSTEM, RIA_REFUSAL_PRIVILEGED);
    }
    if (login->host == NULL || *login->host == '\0') {
        return ria_fail(err, RIA_E_USAGE, RIA_REFUSAL_NO_HOST);
    }
    if (login->port == 0 || login->port > UINT16_MAX) {
        return ria_fail(err, RIA_E_USAGE, RIA_REFUSAL_PORT);
    }
    size_t user_len = login->user == NULL ? 0 : strlen(login->user);
    if (user_len == 0 || user_len > USER_MAX) {
        return ria_fail(err, RIA_E_USAGE, RIA_REFUSAL_USER, USER_MAX);
    }
    ria_endpoint_read(login->host, &out->dialed);
    return true;
}

bool ria_resolve_check_channel(const struct ria_login *login, struct ria_error *err)
{
    switch (login->channel) {
    case RIA_CHANNEL_CHAIN_VERIFIED:
    case RIA_CHANNEL_VERIFIED:
    case RIA_CHANNEL_NONE:
        return true;
    case RIA_CHANNEL_UNVERIFIED:
        return ria_fail(err, RIA_E_CHANNEL, RIA_REFUSAL_UNVERIFIED "; " RIA_REMEDY_UNVERIFIED);
    case RIA_CHANNEL_PLAIN:
    default:
        return ria_fail(err, RIA_E_CHANNEL, RIA_REFUSAL_PLAIN "; " RIA_REMEDY_PLAIN);
    }
}

/* Appends a text of three parts to *err, unless a client would then cut the remedy. */
static void append_shown(
    struct ria_error *err, const char *before, const char *text, const char *after)
{
    struct ria_error longer;
    (void)ria_fail_shown(&longer, err->code, "%s%s%s%s", err->text, before, text, after);
    if (strlen(longer.text) <= RIA_ERROR_SHOWN_MAX) {
        *err = longer;
    }
}

/* Appends the name of rds-iam's configuration file to *err, whose remedy is a line for that file,
 * unless a client would cut the message. */
static void append_config_name(const struct ria_world *world, struct ria_error *err)
{
    RIA_AUTO(buf) name = {.max = RIA_PATH_MAX};
    ria_config_add_name(world, &name);
    const char *text = ria_buf_text(&name);
    append_shown(err, ", in ", text == NULL ? "its file" : text, "");
}

/* Appends the name of a section, unless a client would cut the message. */
static void append_section(const struct ria_setting *section, struct ria_error *err)
{
    char shown[64];
    ria_url_show_name(section->value, shown, sizeof(shown));
    append_shown(err, " (no section matches, the first is [", shown, "])");
}

/* Completes *err for a host that is not an RDS endpoint, or is a global endpoint. If the host
 * matches a section that has neither a wildcard nor the key `endpoint`, *err names that section.
 * Otherwise *err names the file for a new section. If no section matches, *err also names one
 * section of the files (ria_config_has_other()), because a mistake in its name may be the reason.
 * No section helps if the host is a misspelled endpoint, or if it comes from a service of
 * pg_service.conf (login->is_service), so another error takes the place of *err. */
static void explain_other(
    const struct ria_login *login,
    const struct ria_world *world,
    const struct ria_resolved *resolved,
    struct ria_error *err)
{
    const struct ria_section *section = &resolved->section;
    struct ria_setting other;
    bool is_domain = false;
    const char *host = resolved->dialed.host;
    bool is_other = resolved->dialed.kind == RIA_ENDPOINT_OTHER;
    bool is_unmapped = section->endpoint.value == NULL;
    if (is_other && is_unmapped && ria_endpoint_is_near(&resolved->dialed, err)) {
        return;
    }
    if (login->is_service && is_other && is_unmapped) {
        (void)ria_fail_shown(err, RIA_E_ENDPOINT, RIA_REFUSAL_SERVICE, host, login->port);
        append_config_name(world, err);
        return;
    }
    if (is_unmapped && section->place.value != NULL && strchr(section->place.value, '*') == NULL) {
        (void)ria_fail_at(
            err,
            RIA_E_CONFIG,
            &section->place,
            is_other ? RIA_REFUSAL_OTHER_SECTION : RIA_REFUSAL_GLOBAL_SECTION,
            host);
        return;
    }
    append_config_name(world, err);
    if (ria_config_has_other(
            &resolved->config,
            login->host,
            (uint16_t)login->port,
            login->user,
            &other,
            &is_domain)) {
        append_section(&other, err);
    }
}

void ria_login_name_remedy(
    const struct ria_login *login,
    const char *setting,
    const struct ria_world *world,
    char out[RIA_ERROR_TEXT_MAX])
{
    RIA_AUTO(buf) file = {.max = RIA_PATH_MAX};
    ria_config_add_name(world, &file);
    const char *name = ria_buf_text(&file);
    bool is_whole = ria_text_format(
        out,
        RIA_ERROR_SHOWN_MAX - strlen(RIA_REFUSAL_NAME_UNVERIFIED ", so no token was sent; "),
        RIA_REMEDY_VERIFY_CA,
        setting,
        login->host,
        login->port,
        name == NULL ? "its file" : name);
    if (!is_whole || ria_host_has_public_ca(login->host)) {
        (void)ria_text_copy(out, RIA_ERROR_TEXT_MAX, setting);
    }
}

/* If the certificate chain was verified, but not the host name, fails unless the section has tls =
 * verify-ca. The error explains how to verify the name, or which section to write for a tunnel.
 * Accepts every other channel. */
static bool check_chain_suffices(
    const struct ria_login *login,
    const struct ria_world *world,
    const struct ria_resolved *resolved,
    struct ria_error *err)
{
    const struct ria_section *section = &resolved->section;
    const char *host = resolved->dialed.host;
    if (login->channel != RIA_CHANNEL_CHAIN_VERIFIED || section->chain_suffices) {
        return true;
    }
    bool is_other = resolved->dialed.kind == RIA_ENDPOINT_OTHER;
    if (is_other && section->endpoint.value != NULL) {
        /* No certificate of AWS contains the dialed name, so the client can never verify this
         * name. */
        return ria_fail_at(
            err,
            RIA_E_CHANNEL,
            &section->endpoint,
            "%s",
            ria_endpoint_has_public_ca(&section->signed_for) ? RIA_REFUSAL_PUBLIC_TUNNEL_NAME
                                                             : RIA_REFUSAL_TUNNEL_NAME);
    }
    if (is_other) {
        /* Verification of the dialed name would not help, because no token can be made for this
         * name. */
        bool is_ipv6 = strchr(host, ':') != NULL;
        (void)ria_fail_shown(
            err,
            RIA_E_ENDPOINT,
            RIA_REFUSAL_TUNNEL,
            host,
            is_ipv6 ? "[" : "",
            host,
            is_ipv6 ? "]" : "",
            login->port);
        explain_other(login, world, resolved, err);
        return false;
    }
    char remedy[RIA_ERROR_TEXT_MAX];
    const char *setting =
        login->is_mysql ? RIA_REMEDY_NAME_UNVERIFIED : RIA_REMEDY_POSTGRES_NAME_UNVERIFIED;
    ria_login_name_remedy(login, setting, world, remedy);
    return ria_fail(err, RIA_E_CHANNEL, RIA_REFUSAL_NAME_UNVERIFIED "; %s", remedy);
}

bool ria_resolve_section(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_resolved *out,
    struct ria_error *err)
{
    if (!ria_config_load_as(world, out->user, &out->config, err)) {
        return false;
    }
    ria_config_match(&out->config, login->host, (uint16_t)login->port, login->user, &out->section);
    return check_chain_suffices(login, world, out, err);
}

/* Warns if the host is not an RDS endpoint, or if the region in its name is not the region that the
 * token is signed for. */
static void warn_of_region(
    const struct ria_world *world,
    const struct ria_resolved *resolved,
    const struct ria_error *reason)
{
    if (resolved->endpoint.kind == RIA_ENDPOINT_OTHER) {
        ria_world_log(world, RIA_LOG_WARNING, "%s", reason->text);
    } else if (
        resolved->endpoint.region[0] != '\0' &&
        strcmp(resolved->endpoint.region, resolved->region.value) != 0) {
        RIA_AUTO(buf) place = {.max = RIA_PATH_MAX};
        ria_setting_add_place(&place, &resolved->region);
        const char *setting = ria_buf_text(&place);
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "signing for the region %s, although the name %s contains %s; if the server refuses "
            "the token, remove %s%s",
            resolved->region.value,
            resolved->endpoint.host,
            resolved->endpoint.region,
            resolved->region.line == 0 ? "" : "the region at ",
            setting == NULL ? "this region" : setting);
    }
}

/* Returns whether a MySQL client would use an endpoint of Aurora DSQL, which has the protocol of
 * PostgreSQL. */
static bool is_wrong_protocol(const struct ria_login *login, const struct ria_endpoint *endpoint)
{
    return login->is_mysql && endpoint->kind == RIA_ENDPOINT_DSQL;
}

/* The region comes from --region, else from rds-iam's configuration, else from the endpoint's name.
 * The environment and the AWS profile are never read for this purpose, because they name the region
 * in which the user usually works, and the database may be in another region. */
bool ria_resolve_endpoint(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_resolved *out,
    struct ria_error *err)
{
    const struct ria_section *section = &out->section;
    bool is_mapped = section->endpoint.value != NULL;
    out->endpoint = is_mapped ? section->signed_for : out->dialed;
    out->port = is_mapped ? section->signed_for_port : (uint16_t)login->port;
    if (is_wrong_protocol(login, &out->endpoint)) {
        return ria_fail(err, RIA_E_ENDPOINT, RIA_REFUSAL_DSQL_MYSQL, out->endpoint.host);
    }
    enum ria_outcome outcome = ria_endpoint_judge(&out->endpoint, login->host, login->port, err);
    if (outcome == RIA_FAILED) {
        return false;
    }
    if (outcome == RIA_ABSENT) {
        explain_other(login, world, out, err);
    }
    struct ria_setting region = section->region;
    if (login->region != NULL) {
        region = (struct ria_setting){login->region, "--region", 0};
    }
    /* A token for a name that is not an RDS endpoint is made only if the user requests it, by
     * --region or an endpoint line. A region in a section is not enough, because the host may match
     * that section only by a wildcard. */
    bool is_named = login->region != NULL || is_mapped;
    bool is_rds = out->endpoint.kind != RIA_ENDPOINT_OTHER;
    if (region.value == NULL || (!is_rds && !is_named)) {
        region = (struct ria_setting){
            outcome == RIA_FOUND ? out->endpoint.region : NULL, "the endpoint's name", 0};
    }
    if (region.value == NULL && is_mapped) {
        return ria_fail_at(
            err, RIA_E_ENDPOINT, &section->endpoint, RIA_REFUSAL_NO_REGION, out->endpoint.host);
    }
    if (region.value == NULL) {
        return false; /* ria_endpoint_judge() has filled err */
    }
    if (!ria_setting_check_region(&region, RIA_E_USAGE, err)) {
        return false;
    }
    out->region = region;
    warn_of_region(world, out, err);
    return true;
}

/* Returns the name if it can stand unquoted in a shell command, else the placeholder. */
static const char *shell_word(const char *name, const char *placeholder)
{
    static const char usual[] = RIA_ALNUM "_-/.%@:+";
    size_t len = strspn(name, usual);
    return len < RIA_HOST_SIZE && name[len] == '\0' ? name : placeholder;
}

/* Appends the rds-iam command that gets the same credentials. The command contains the host, port
 * and user of the login, because rds-iam's configuration and the database's region can change the
 * credentials. */
static void add_command(const void *whose, struct ria_buf *out)
{
    const struct ria_login *login = whose;
    ria_buf_add_text(out, "rds-iam credentials");
    if (login->host != NULL) {
        ria_buf_addf(
            out,
            " --hostname %s --port %u --username %s",
            shell_word(login->host, "HOST"),
            login->port,
            shell_word(login->user, "USER"));
    }
    if (login->host != NULL && login->region != NULL) {
        ria_buf_addf(out, " --region %s", shell_word(login->region, "REGION"));
    }
    if (login->profile != NULL) {
        char quoted[RIA_QUOTED_SIZE];
        ria_buf_addf(out, " --profile %s", ria_text_quote(login->profile, quoted));
    }
}

struct ria_query ria_resolve_query(
    const struct ria_login *login,
    const struct ria_resolved *resolved,
    struct ria_deadline deadline,
    const struct ria_world *world)
{
    const struct ria_section *section = &resolved->section;
    struct ria_query query = {
        .world = world,
        .user = resolved->user,
        .deadline = deadline,
        .profile = section->profile,
        .role = section->role.value[RIA_ROLE_ARN].value == NULL ? NULL : &section->role,
        .region = resolved->region,
        .cli_cache = section->cli_cache,
        .process_cache = section->process_cache,
        .add_command = add_command,
        .whose = login,
    };
    if (login->profile != NULL) {
        query.profile = (struct ria_setting){login->profile, "--profile", 0};
    }
    return query;
}

void ria_resolve_process_cache(
    const struct ria_query *query, struct ria_config *config, struct ria_plan *plan)
{
    struct ria_error err;
    struct ria_query unnamed = *query;
    unnamed.profile = (struct ria_setting){0};
    if (plan->source != RIA_SOURCE_PROCESS) {
        return;
    }
    if (!ria_config_load(query->world, config, &err)) {
        ria_world_log(query->world, RIA_LOG_WARNING, "%s", err.text);
        return;
    }
    (void)ria_config_caches_process(
        config,
        ria_profile_choice(query).value,
        ria_profile_choice(&unnamed).value,
        &plan->value[RIA_PLAN_PROCESS_CACHE]);
}

void ria_show_host(const char *host, char out[RIA_HOST_SHOWN_SIZE])
{
    if (*host == '/' && strchr(host, '@') == NULL) {
        (void)ria_text_copy(out, RIA_HOST_SHOWN_SIZE, host);
    } else {
        ria_url_show_name(host, out, RIA_HOST_SHOWN_SIZE);
    }
}

/* Parses the host. NULL is not an endpoint. */
static struct ria_endpoint endpoint_of(const char *host)
{
    struct ria_endpoint endpoint = {.kind = RIA_ENDPOINT_NO_NAME};
    if (host != NULL) {
        ria_endpoint_read(host, &endpoint);
    }
    return endpoint;
}

bool ria_host_has_public_ca(const char *host)
{
    struct ria_endpoint endpoint = endpoint_of(host);
    return ria_endpoint_has_public_ca(&endpoint);
}

bool ria_host_is_dsql(const char *host)
{
    return endpoint_of(host).kind == RIA_ENDPOINT_DSQL;
}

bool ria_host_is_rds(const char *host)
{
    struct ria_endpoint endpoint = endpoint_of(host);
    return ria_endpoint_is_database(&endpoint) && endpoint.kind != RIA_ENDPOINT_DSQL;
}

/* Parses the dialed host into *resolved, and finds the section for that host. Skips the section if
 * needs_section is false and the client can use the host itself as an endpoint. Returns
 *   FOUND   the host is an endpoint of RDS or Aurora DSQL, even if the configuration cannot be
 *           loaded; or the section for the host has the key `endpoint`;
 *   ABSENT  neither is true, or login->host is NULL, or a MySQL client would use an endpoint of
 *           Aurora DSQL;
 *   FAILED  the host is not an endpoint, and the configuration cannot be loaded. */
static enum ria_outcome find_endpoint(
    const struct ria_login *login,
    const struct ria_world *world,
    bool needs_section,
    struct ria_resolved *resolved,
    struct ria_error *err)
{
    if (login->host == NULL) {
        return ria_absent(err, RIA_REFUSAL_NO_HOST);
    }
    ria_endpoint_read(login->host, &resolved->dialed);
    bool is_database = ria_endpoint_is_database(&resolved->dialed);
    if (is_database && !needs_section && !is_wrong_protocol(login, &resolved->dialed)) {
        return RIA_FOUND;
    }
    if (!ria_config_load(world, &resolved->config, err)) {
        return is_database ? RIA_FOUND : RIA_FAILED;
    }
    const struct ria_section *section = &resolved->section;
    ria_config_match(
        &resolved->config, login->host, (uint16_t)login->port, login->user, &resolved->section);
    bool is_mapped = section->endpoint.value != NULL;
    const struct ria_endpoint *endpoint = is_mapped ? &section->signed_for : &resolved->dialed;
    if (is_wrong_protocol(login, endpoint)) {
        return ria_absent(err, RIA_REFUSAL_DSQL_MYSQL, endpoint->host);
    }
    if (is_database || is_mapped) {
        return RIA_FOUND;
    }
    if (ria_endpoint_judge(&resolved->dialed, login->host, login->port, err) == RIA_ABSENT) {
        explain_other(login, world, resolved, err);
    }
    return RIA_ABSENT;
}

enum ria_outcome ria_login_has_endpoint(
    const struct ria_login *login, const struct ria_world *world, struct ria_error *err)
{
    RIA_AUTO(resolved) resolved = {0};
    return find_endpoint(login, world, false, &resolved, err);
}

enum ria_outcome ria_login_certificate(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_login_certificate *out,
    struct ria_error *err)
{
    RIA_AUTO(resolved) resolved = {0};
    enum ria_outcome outcome = find_endpoint(login, world, true, &resolved, err);
    bool is_mapped = resolved.section.endpoint.value != NULL;
    *out = (struct ria_login_certificate){
        .chain_suffices = resolved.section.chain_suffices,
        .is_public =
            ria_endpoint_has_public_ca(is_mapped ? &resolved.section.signed_for : &resolved.dialed),
    };
    if (out->chain_suffices) {
        const struct ria_setting *tls = &resolved.section.tls;
        (void)ria_text_format(out->place, sizeof(out->place), "%s:%u", tls->path, tls->line);
    }
    return outcome;
}
