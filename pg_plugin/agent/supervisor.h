/* SPDX-License-Identifier: MIT
 *
 * The process that is the service: it starts the worker, watches it (watchdog.h), replaces it when
 * it dies or is stuck, passes signals on, and speaks to systemd. It opens no passfile and makes no
 * token, so there is nothing that it could get stuck in.
 *
 * When a worker is killed, the kernel lets everybody go on who waits for one of its files; they
 * find it empty.
 */
#ifndef RIA_AGENT_SUPERVISOR_H
#define RIA_AGENT_SUPERVISOR_H

#include "agent/agent.h"

/* Blocks until the service's end; the exit status. `ready` is written one byte to and closed when
 * the passfiles are there; -1 if nobody waits for it. The caller holds the directory's lock and has
 * blocked the signals. */
int ria_supervisor_run(struct ria_agent *agent, int ready);

/* Blocks what the supervisor reads through a descriptor. */
void ria_supervisor_block_signals(void);

#endif
