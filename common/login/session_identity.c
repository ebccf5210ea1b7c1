/* SPDX-License-Identifier: MIT
 *
 * Gets the identity of the credentials that would sign a token, from STS, through rds-iam-fetch.
 * Gets the credentials as ria_session_for() does; afterwards sends one request with these
 * credentials and with the user's settings for STS. Fails if a setting of STS cannot be used. */
#include "rds_iam.h"

#include "login/resolve.h"
#include "provider/chain.h"
#include "provider/identity_record.h"
#include "provider/network.h"
#include "provider/request.h"

#include <string.h>

/* Sends the request for the identity of plan->keys. */
static bool identity_request(
    const struct ria_query *query,
    const struct ria_plan *plan,
    struct ria_identity *out,
    struct ria_error *err)
{
    const struct ria_world *world = query->world;
    RIA_AUTO(buf) request = {.max = RIA_RECORD_MAX};
    RIA_AUTO(buf) response = {.max = RIA_RECORD_MAX};
    int64_t budget = ria_deadline_left(world, query->deadline);
    return ria_request_write(plan, budget, NULL, NULL, &request, err) &&
           world->fetch(world->self, &request, query->deadline, &response, err) &&
           ria_identity_read(&response, out, err);
}

/* Makes *plan a plan with the obtained keys alone, and reads the settings of STS into it. */
static bool identity_plan(
    const struct ria_query *query,
    struct ria_plan *plan,
    struct ria_credentials *keys,
    struct ria_error *err)
{
    plan->source = RIA_SOURCE_KEYS;
    plan->role_count = 0;
    ria_credentials_move(&plan->keys, keys);
    return ria_network_settings(query, plan, err) &&
           ria_network_check_service(plan, RIA_SERVICE_STS, err) &&
           ria_network_region(query, plan, "STS", &plan->value[RIA_PLAN_IDENTITY_REGION], err);
}

enum ria_outcome ria_session_identity(
    const struct ria_login *login,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_identity *out,
    struct ria_error *err)
{
    RIA_AUTO(resolved) resolved = {0};
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    struct ria_trail trail;
    *out = (struct ria_identity){0};
    if (!ria_resolve_login(login, world, &resolved, err) ||
        !ria_resolve_section(login, world, &resolved, err) ||
        !ria_resolve_endpoint(login, world, &resolved, err)) {
        return RIA_FAILED;
    }
    struct ria_query query = ria_resolve_query(login, &resolved, deadline, world);
    enum ria_outcome outcome = ria_chain_plan(&query, &plan, &trail, err);
    if (outcome == RIA_FOUND) {
        outcome = ria_chain_carry_out(&query, &plan, &response, &trail, err);
    }
    if (outcome != RIA_FOUND) {
        return outcome;
    }
    bool ok = identity_plan(&query, &plan, &response.credentials, err) &&
              identity_request(&query, &plan, out, err);
    return ok ? RIA_FOUND : RIA_FAILED;
}
