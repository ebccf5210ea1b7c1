/* SPDX-License-Identifier: MIT
 *
 * Resolves a login request: finds the host, port and region that the token is signed for, checks
 * whether the channel (the connection to the server) is secure enough, and builds the input of the
 * credential chain. A login (token_for.c), a session (session.c) and the commands that describe a
 * login (inspect.c, session_identity.c) all use steps 1 to 3, so they find the same endpoint. Only
 * ria_resolve_alias() uses the network.
 */
#ifndef RIA_LOGIN_RESOLVE_H
#define RIA_LOGIN_RESOLVE_H

#include "rds_iam.h"

#include "config/config.h"
#include "provider/provider.h"

struct ria_resolved {
    uid_t user; /* the effective user */
    struct ria_config config;
    struct ria_section section;   /* borrowed from config */
    struct ria_endpoint dialed;   /* login->host, parsed */
    struct ria_endpoint endpoint; /* the host that the token is signed for */
    uint16_t port;                /* the port that the token is signed for */
    struct ria_setting region;    /* borrowed from config, endpoint or login */
};

/* Step 1. Checks that host, port and user are set, that the port is at most 65535, that the user
 * has at most 255 bytes, and that the host program is not privileged (setuid, file capabilities).
 * Parses the dialed host. The caller zeroes *out before the call, and releases it after success and
 * after failure. Returns false with err filled if a check fails. */
bool ria_resolve_login(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_resolved *out,
    struct ria_error *err) RIA_MUST_USE;

/* Returns false with err filled if the channel is not encrypted or not authenticated. No
 * configuration can allow such a channel. */
bool ria_resolve_check_channel(const struct ria_login *login, struct ria_error *err) RIA_MUST_USE;

/* Step 2. Loads rds-iam's configuration and finds the section for the dialed address. Returns
 * false with err filled if the configuration is invalid, or if the server's name was not verified
 * and the section does not have tls = verify-ca. */
bool ria_resolve_section(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_resolved *out,
    struct ria_error *err) RIA_MUST_USE;

/* Step 3. Finds the host, port and region to sign for. Returns false with err filled in these
 * cases: the host is not an RDS endpoint and no setting allows it; no region is known; the region
 * is invalid; or a MySQL client would use an endpoint of Aurora DSQL. */
bool ria_resolve_endpoint(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_resolved *out,
    struct ria_error *err) RIA_MUST_USE;

/* Returns the input of the credential chain, which borrows from *login and *resolved. login->host
 * may be NULL if *resolved is zeroed. */
struct ria_query ria_resolve_query(
    const struct ria_login *login,
    const struct ria_resolved *resolved,
    struct ria_deadline deadline,
    const struct ria_world *world);

/* Call this function only for a login without a host. If the plan's source is a credential_process,
 * sets in the plan whether the output of the credential_process may be cached in a file. It may be
 * cached if at least one section of rds-iam's configuration for the profile of the query has
 * cache_credential_process = yes. A section without a profile is for the default profile. Loads
 * *config, which the caller zeroes before the call and releases after the last use of the plan. If
 * the configuration cannot be loaded, logs a warning and leaves the plan unchanged. */
void ria_resolve_process_cache(
    const struct ria_query *query, struct ria_config *config, struct ria_plan *plan);

/* Does what ria_alias_explain() (rds_iam.h) does, for a host that is already parsed. Runs
 * rds-iam-fetch. Blocks for at most 2 seconds, and no longer than the deadline. */
void ria_resolve_alias(
    const struct ria_login *login,
    const struct ria_endpoint *dialed,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_error *err);

void ria_resolved_release(struct ria_resolved *resolved);

#endif
