/* SPDX-License-Identifier: MIT
 *
 * What every part of the agent needs: its world, its directory, its log, and rds-iam's
 * configuration. The world is the process's own, but for these functions: warnings go to the log,
 * rds-iam's configuration is read through `config`, and where there is a `background` no fetch
 * waits.
 */
#ifndef RIA_AGENT_AGENT_H
#define RIA_AGENT_AGENT_H

#include "agent/config_snapshot.h"
#include "agent/directory.h"
#include "agent/log.h"
#include "agent/watchdog.h"

struct ria_agent {
    struct ria_world world;
    const char *sysconfdir; /* where libpq looks for the system-wide pg_service.conf */
    struct ria_directory directory;
    struct ria_log log;
    struct ria_config_snapshot config;
    struct ria_background *background; /* or NULL */
    bool is_pending;                   /* a fetch was answered "not yet" */
    struct ria_watchdog watchdog;      /* over the worker, if there is one */
};

/* Fills what is not zero from the start. The world points to the agent, which must not move. */
void ria_agent_init(struct ria_agent *agent);

/* Seconds since 1970, and milliseconds that count sleep too. */
int64_t ria_agent_now(const struct ria_agent *agent);
int64_t ria_agent_ticks(const struct ria_agent *agent);

void ria_agent_release(struct ria_agent *agent);

#endif
