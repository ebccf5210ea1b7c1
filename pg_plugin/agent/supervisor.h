/* SPDX-License-Identifier: MIT
 *
 * The main process of the service. The supervisor starts the worker, watches it (watchdog.h),
 * replaces it when it dies or is stuck, passes signals on to it, and notifies systemd. While a
 * worker runs, the supervisor opens no passfile and makes no token, so neither a lease nor a slow
 * source of credentials can block it.
 *
 * When the worker is killed, the kernel ends its leases. open(2) then returns in every client that
 * waits, and these clients read an empty passfile.
 */
#ifndef RIA_AGENT_SUPERVISOR_H
#define RIA_AGENT_SUPERVISOR_H

#include "agent/agent.h"

/* Runs the service until it ends, and returns the exit status. Because the worker is a forked
 * process, the function also returns in the worker, when the worker ends. As soon as the passfiles
 * exist, writes one byte to the descriptor `ready`. Once the worker has tried to make the tokens,
 * writes lines about the services, and closes the descriptor. `ready` is -1 if no process waits for
 * the passfiles. The caller must hold the directory's lock, and must have called
 * ria_supervisor_block_signals(). */
int ria_supervisor_run(struct ria_agent *agent, int ready);

/* Blocks the signals that the supervisor reads through a signalfd. */
void ria_supervisor_block_signals(void);

#endif
