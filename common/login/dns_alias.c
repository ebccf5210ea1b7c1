/* SPDX-License-Identifier: MIT
 *
 * DNS is asked by rds-iam-fetch and not here: a resolver has settings that belong to the host's
 * process, needs more stack than a guest may have, and waits longer than a login may; a program of
 * ours can be killed in the middle. It is asked only where the login is refused in any case. */
#include "login/resolve.h"

#include "base/ascii.h"
#include "provider/alias_record.h"

#include <string.h>

enum {
    /* A resolver that is there answers within one second; the login has failed already. */
    BUDGET_MS = 2000
};

/* An address has no alias, and the machine's own name is no name of a database. */
static bool is_worth_asking(const struct ria_endpoint *endpoint)
{
    const char *host = endpoint->host;
    return endpoint->kind == RIA_ENDPOINT_OTHER && strchr(host, ':') == NULL &&
           host[strspn(host, RIA_DIGITS ".")] != '\0' && strcmp(host, "localhost") != 0;
}

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

/* What cannot be shown whole is not shown: then *err stays as it is. */
static void dns_alias_explain(
    const char *host, unsigned port, const char *name, const char *file, struct ria_error *err)
{
    struct ria_error better;
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
    if (strlen(better.text) <= RIA_ERROR_SHOWN_MAX) {
        *err = better;
    }
}

void ria_resolve_alias(
    const struct ria_login *login,
    const struct ria_endpoint *dialled,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_error *err)
{
    char name[RIA_HOST_SIZE];
    if (!is_worth_asking(dialled) || !find_alias(dialled->host, deadline, world, name)) {
        return;
    }
    RIA_AUTO(buf) file = {.max = RIA_PATH_MAX};
    ria_config_add_name(world, &file);
    dns_alias_explain(dialled->host, login->port, name, ria_buf_text(&file), err);
}

void ria_alias_explain(
    const struct ria_login *login,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_error *err)
{
    struct ria_endpoint dialled;
    ria_endpoint_read(login->host, &dialled);
    ria_resolve_alias(login, &dialled, deadline, world, err);
}
