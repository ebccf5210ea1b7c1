/* SPDX-License-Identifier: MIT
 *
 * This process's own copies of answers: the one state that lives between two calls. They serve
 * where no cache directory can be had, and spare a long-lived process the file. They lie in memory
 * of their own (base/secret.h). Where that cannot be had, nothing is kept, and each login asks
 * again.
 *
 * Every call wipes the copies that have ended, whichever copy it is about. A copy has ended when
 * its credentials have, by the clock that AWS has, or when its time is up. Where nothing calls,
 * nothing is wiped: a program that serves others wakes up for it (ria_background_due()).
 *
 * From any thread. A process that forks in the middle of a call here finds no copies in the child
 * while it lasts, and waits for nobody.
 */
#ifndef RIA_PROVIDER_MEMORY_CACHE_H
#define RIA_PROVIDER_MEMORY_CACHE_H

#include "provider/cache_name.h"
#include "provider/response.h"

/* Fills *out. False if there is no copy of that name, or if it has ended. */
bool ria_memory_cache_get(
    const struct ria_world *world, const char name[RIA_CACHE_NAME_SIZE], struct ria_response *out);

/* Keeps a copy of `record`, which is that of `answer`, until that point in time on the world's
 * ticks, or until the credentials in it end; in place of the one of that name or of the oldest. */
void ria_memory_cache_put(
    const struct ria_world *world,
    const char name[RIA_CACHE_NAME_SIZE],
    int64_t until,
    const struct ria_response *response,
    const struct ria_buf *record);

/* Wipes the copies that have ended. Returns when the next one does, on the world's ticks;
 * INT64_MAX: there is none. */
int64_t ria_memory_cache_expire(const struct ria_world *world);

/* Wipes all copies. */
void ria_memory_cache_clear(void);

#endif
