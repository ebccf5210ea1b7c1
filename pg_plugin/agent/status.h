/* SPDX-License-Identifier: MIT
 *
 * --status: asks the running agent over agent.socket in its directory, which is closed to others.
 * The answer is a text for a person, without any secret. It comes as a descriptor of a piece of
 * memory, so that a reader that is slow or gone does not keep the agent from its work.
 */
#ifndef RIA_AGENT_STATUS_H
#define RIA_AGENT_STATUS_H

#include "agent/serve.h"

#include <sys/types.h>

struct ria_status {
    const struct ria_serve *serve;
    pid_t supervisor;
    int64_t since;
};

/* Makes the socket and listens. -1 with err filled. */
int ria_status_listen(const struct ria_directory *directory, struct ria_error *err) RIA_MUST_USE;

/* Answers those who ask, if they are the user or root. */
void ria_status_response(int listener, const struct ria_status *status);

/* Asks, and prints the answer. False with err filled: nobody serves the directory, or does not
 * answer. */
bool ria_status_query(const struct ria_directory *directory, struct ria_error *err) RIA_MUST_USE;

/* Removes the socket. */
void ria_status_end(const struct ria_directory *directory);

#endif
