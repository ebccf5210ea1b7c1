/* SPDX-License-Identifier: MIT
 *
 * Declares the state that all parts of the agent share: its world (base/world.h), its directory,
 * its log, and rds-iam's configuration. The agent's world is the world of the process
 * (ria_process_world()), with these differences:
 *
 *   - the core's log lines go to the agent's log;
 *   - rds-iam's configuration is read through `config`;
 *   - the ticks also count the time during which the machine sleeps;
 *   - the effective user, and whether the process has more rights than its caller, are determined
 *     only once, because the agent never changes them;
 *   - a fetch of credentials does not block if `background` is set.
 */
#ifndef RIA_AGENT_AGENT_H
#define RIA_AGENT_AGENT_H

#include "agent/config_snapshot.h"
#include "agent/directory.h"
#include "agent/log.h"
#include "agent/watchdog.h"

struct ria_agent {
    struct ria_world world; /* self: this struct */
    uid_t user;             /* the effective user */
    bool is_privileged;     /* is_privileged() of the process's world */
    const char
        *sysconfdir; /* the directory where libpq looks for the system-wide pg_service.conf */
    struct ria_directory directory;
    struct ria_log log;
    struct ria_config_snapshot config;
    struct ria_background
        *background; /* fetches credentials in child processes; NULL: a fetch blocks */
    bool is_pending; /* a fetch has returned RIA_E_PENDING since this member was last cleared */
    struct ria_watchdog watchdog; /* watches the worker; does nothing if it was never opened */
};

/* Fills the members whose initial value is not zero. The caller zeroes *agent before the call.
 * agent->world points to *agent, so the caller must not move *agent afterwards. */
void ria_agent_init(struct ria_agent *agent);

/* ria_agent_now() returns the time in seconds since 1970. ria_agent_ticks() returns milliseconds
 * (ticks) that also count the time during which the machine sleeps. */
int64_t ria_agent_now(const struct ria_agent *agent);
int64_t ria_agent_ticks(const struct ria_agent *agent);

/* Kills running fetches, closes the directory, and wipes this process's credentials. */
void ria_agent_release(struct ria_agent *agent);

#endif
