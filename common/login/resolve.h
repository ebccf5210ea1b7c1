/* SPDX-License-Identifier: MIT
 *
 * What a login comes to once configuration and endpoint are known: for which host, port and region,
 * and what the chain is asked. Policy of the core's two calls; nothing is asked on the network.
 */
#ifndef RIA_LOGIN_RESOLVE_H
#define RIA_LOGIN_RESOLVE_H

#include "rds_iam.h"

#include "config/config.h"
#include "provider/provider.h"

struct ria_resolved {
    struct ria_config config;
    struct ria_section section;   /* borrowed from config */
    struct ria_endpoint dialled;  /* login->host, read once */
    struct ria_endpoint endpoint; /* what is signed for, with its port */
    uint16_t port;
    struct ria_setting region; /* borrowed from config, endpoint or login */
};

/* Host, port and user are there and of a sane size, and the program has no more rights than its
 * caller. Reads the dialled host. *out must be zeroed; release it in any case. */
bool ria_resolve_login(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_resolved *out,
    struct ria_error *err) RIA_MUST_USE;

/* What no configuration can allow. */
bool ria_resolve_check_channel(const struct ria_login *login, struct ria_error *err) RIA_MUST_USE;

/* After it: reads the configuration, says what the dialled address stands for, and whether the
 * channel is good enough for it. */
bool ria_resolve_section(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_resolved *out,
    struct ria_error *err) RIA_MUST_USE;

/* After it: host, port and region to sign for. */
bool ria_resolve_endpoint(
    const struct ria_login *login,
    const struct ria_world *world,
    struct ria_resolved *out,
    struct ria_error *err) RIA_MUST_USE;

/* What the chain is asked. Borrows from both; login->host may be NULL. */
struct ria_query ria_resolve_query(
    const struct ria_login *login,
    const struct ria_resolved *resolved,
    struct ria_deadline deadline,
    const struct ria_world *world);

/* As ria_alias_explain(), for a host that was read. */
void ria_resolve_alias(
    const struct ria_login *login,
    const struct ria_endpoint *dialled,
    struct ria_deadline deadline,
    const struct ria_world *world,
    struct ria_error *err);

void ria_resolved_release(struct ria_resolved *resolved);

#endif
