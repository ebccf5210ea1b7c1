/* SPDX-License-Identifier: MIT
 *
 * --once: fills every passfile and ends. They then hold their tokens until somebody removes them.
 */
#ifndef RIA_AGENT_ONCE_H
#define RIA_AGENT_ONCE_H

#include "agent/agent.h"

/* Waits for credentials as long as a login may. True if every service has its tokens. */
bool ria_once(struct ria_agent *agent);

#endif
