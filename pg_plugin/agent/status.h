/* SPDX-License-Identifier: MIT
 *
 * Implements --status: a query to the running agent over agent.socket in the agent's directory,
 * which only the agent's user and root can enter. The response is a text for the user, without any
 * secret. The agent sends the descriptor of an anonymous file that contains the text, so that a
 * client that reads slowly or ends does not block the agent.
 */
#ifndef RIA_AGENT_STATUS_H
#define RIA_AGENT_STATUS_H

#include "agent/serve.h"

#include <sys/types.h>

/* What the response is made from. */
struct ria_status {
    const struct ria_serve *serve;
    pid_t supervisor;
    int64_t since; /* when the agent was started, seconds since 1970 */
};

/* Creates the socket and listens. Returns the descriptor, or -1 with err filled. */
int ria_status_listen(const struct ria_directory *directory, struct ria_error *err) RIA_MUST_USE;

/* Accepts one client, and responds if it runs as the user or as root. Does not block. */
void ria_status_respond(int listener, const struct ria_status *status);

/* Queries the agent and prints the response to stdout. Returns false with err filled if no agent
 * serves the directory, if the agent does not respond within 5 seconds, or if the response cannot
 * be printed. */
bool ria_status_query(const struct ria_directory *directory, struct ria_error *err) RIA_MUST_USE;

/* Removes the socket. */
void ria_status_end(const struct ria_directory *directory);

#endif
