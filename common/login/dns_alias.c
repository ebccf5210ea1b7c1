/* SPDX-License-Identifier: MIT
 *
 * Replaces the error "is not an RDS endpoint" if DNS reports that the dialed name is an alias of
 * an RDS endpoint. The new error names that endpoint. The name is looked up only after the login
 * has failed. rds-iam-fetch makes the DNS query. In the host program, the resolver would share its
 * settings (_res) with that program, would need more stack than a library may use in a thread, and
 * could wait longer than a login allows. A separate process can be killed at the deadline. */
#include "login/resolve.h"

#include "base/ascii.h"
#include "provider/alias_record.h"

#include <string.h>

enum {
    /* A working resolver responds within one second. The query only improves the message of a login
     * that has already failed, so the user should not wait much longer for it. */
    BUDGET_MS = 2000
};

/* Returns false for names that cannot be an alias: endpoints of RDS or Aurora DSQL, IP addresses,
 * and localhost. */
static bool can_be_alias(const struct ria_endpoint *endpoint)
{
    const char *host = endpoint->host;
    return endpoint->kind == RIA_ENDPOINT_OTHER && strchr(host, ':') == NULL &&
           host[strspn(host, RIA_DIGITS ".")] != '\0' && strcmp(host, "localhost") != 0;
}

/* Gets the name that `host` is an alias of, through rds-iam-fetch. Returns false if the request
 * fails, or if that name is not an endpoint of RDS or Aurora DSQL, or contains no region. */
static bool find_alias(
    const char *host,
    struct ria_deadline deadline,
    const struct ria_world *world,
    char name[RIA_HOST_SIZE])
{
    struct ria_deadline own = ria_deadline_in(world, BUDGET_MS);
    if (deadline.at < own.at) {
        own = deadline;
    }
    RIA_AUTO(buf) request = {.max = 1024};
    RIA_AUTO(buf) response = {.max = 1024};
    struct ria_error unused;
    ria_alias_write_request(host, &request);
    if (ria_buf_text(&request) == NULL ||
        !world->fetch(world->self, &request, own, &response, &unused) ||
        !ria_alias_read_response(&response, name)) {
        return false;
    }
    struct ria_endpoint endpoint;
    return ria_endpoint_parse(name, &endpoint, &unused) == RIA_FOUND;
}

/* Replaces *err with the better message, unless that message is so long that a client would cut it.
 * For most endpoints, the message advises the user to write a section of rds-iam's configuration.
 * Another message is used in two cases. If the server has a certificate of a public CA, the
 * configuration rejects such a section. If the host comes from a service of pg_service.conf
 * (login->is_service), libpq compares the host with the certificate, whatever a section sets. */
static void dns_alias_explain(
    const struct ria_login *login,
    const char *host,
    const char *name,
    const char *file,
    struct ria_error *err)
{
    struct ria_error better;
    unsigned port = login->port;
    if (login->is_service || ria_host_has_public_ca(name)) {
        (void)ria_fail_shown(&better, RIA_E_ENDPOINT, RIA_REFUSAL_PUBLIC_ALIAS, host, name);
    } else {
        (void)ria_fail_shown(
            &better,
            RIA_E_ENDPOINT,
            RIA_REFUSAL_ALIAS,
            host,
            name,
            host,
            port,
            name,
            port,
            file == NULL ? "its file" : file);
    }
    if (strlen(better.text) <= RIA_ERROR_SHOWN_MAX) {
        *err = better;
    }
}

void ria_resolve_alias(
    const struct ria_login *login,
    const struct ria_endpoint *dialed,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_error *err)
{
    char name[RIA_HOST_SIZE];
    if (!can_be_alias(dialed) || !find_alias(dialed->host, deadline, world, name)) {
        return;
    }
    RIA_AUTO(buf) file = {.max = RIA_PATH_MAX};
    ria_config_add_name(world, &file);
    dns_alias_explain(login, dialed->host, name, ria_buf_text(&file), err);
}

void ria_alias_explain(
    const struct ria_login *login,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_error *err)
{
    struct ria_endpoint dialed;
    if (login->host == NULL) {
        return;
    }
    ria_endpoint_read(login->host, &dialed);
    ria_resolve_alias(login, &dialed, deadline, world, err);
}
