/* SPDX-License-Identifier: MIT
 *
 * Starts rds-iam-fetch and talks to it. The world's fetch() of the process's own world; see
 * base/world.h.
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

#endif
