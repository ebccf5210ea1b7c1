/* SPDX-License-Identifier: MIT
 *
 * Starts rds-iam-fetch and talks to it. ria_launch_fetch() is the fetch() of the process's own
 * world (base/world.h) and waits for the answer; the other two are for background.c, which does
 * not.
 */
#ifndef RIA_LAUNCH_H
#define RIA_LAUNCH_H

#include "base/world.h"

bool ria_launch_fetch(
    const struct ria_world *world,
    const struct ria_buf *question,
    struct ria_deadline deadline,
    struct ria_buf *answer,
    struct ria_error *err) RIA_MUST_USE;

/* Starts the program and gives the end of the socket that its question goes into and its answer
 * comes out of. *fd is the caller's to close. */
bool ria_launch_start(int *fd, pid_t *pid, struct ria_error *err) RIA_MUST_USE;

/* The answer is in, or there will be none: either way the child has nothing left to do, and must
 * not keep its host waiting. Kills it with all that it started, and reaps it. */
void ria_launch_end(pid_t pid);

#endif
