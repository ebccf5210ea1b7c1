/* SPDX-License-Identifier: MIT
 *
 * Starts rds-iam-fetch and talks to it. ria_launch_fetch() is the fetch() of the process's own
 * world (base/world.h) and waits for the answer; the other two are for login/background.c, which
 * does not.
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
 * comes out of. *fd is the caller's to close. keeps_library_path: for the second try, see
 * ria_launch_fail(). */
bool ria_launch_start(bool keeps_library_path, int *fd, pid_t *pid, struct ria_error *err)
    RIA_MUST_USE;

/* The program has closed its end of the socket without a whole answer: fills err with how it ended,
 * and reaps it. True if it is to be started once more, with LD_LIBRARY_PATH, because it could not
 * load its libraries. has_answered: a part of the answer had come. Takes 200 ms at most. */
bool ria_launch_fail(pid_t pid, bool has_answered, struct ria_error *err) RIA_MUST_USE;

/* The answer is in, or there will be none: either way the child has nothing left to do, and must
 * not keep its host waiting. Kills it with all that it started, and reaps it. */
void ria_launch_end(pid_t pid);

#endif
