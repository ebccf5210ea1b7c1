/* SPDX-License-Identifier: MIT
 *
 * This process's own copies of answers: the one state that lives between two calls. They serve
 * where no cache directory can be had, and spare a long-lived process the file.
 *
 * From any thread. A process that forks in the middle of a call here finds no copies in the child
 * while it lasts, and waits for nobody.
 */
#ifndef RIA_PROVIDER_MEMORY_H
#define RIA_PROVIDER_MEMORY_H

#include "aws/answer.h"
#include "aws/plan.h"

/* Fills *out. False if there is no copy of that name, or if it served its time. `now` is the
 * world's ticks, in milliseconds. */
bool ria_memory_get(const char name[RIA_CACHE_NAME_SIZE], int64_t now, struct ria_answer *out);

/* Keeps a copy of the answer's record until then, in place of the one of that name or of the
 * oldest. */
void ria_memory_put(
    const char name[RIA_CACHE_NAME_SIZE], int64_t until, const struct ria_buf *record);

/* Wipes all copies. */
void ria_memory_clear(void);

#endif
