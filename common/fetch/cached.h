/* SPDX-License-Identifier: MIT
 *
 * Returns a cached response, or fetches and caches it. A response is the result of a whole plan
 * (aws/plan.h), or the output of a credential_process whose credentials are used to assume a role.
 */
#ifndef RIA_FETCH_CACHED_H
#define RIA_FETCH_CACHED_H

#include "fetch/fetch.h"
#include "provider/cache.h"

/* Fetches a response that is not cached. Fills *response except its outcome, and returns the
 * outcome. */
typedef enum ria_outcome ria_fetch_get(struct ria_fetch *fetch, struct ria_response *response);

/* Fills *response, which must be RIA_RESPONSE_INIT, and sets *record to the encoded form of
 * *response. If may_share is true and the cache entry at *place is fresh, reads the entry. Also
 * reads an entry that is due for a renewal but still usable, if another process renews it or if a
 * renewal failed a short time ago. Otherwise such an entry is renewed, and fetch->deadline is
 * shortened to three or seven seconds, except for a credential_process. Without a usable entry,
 * waits for the lock. If may_share is true and another process has written a fresh entry in
 * the meantime, reads this entry. Otherwise calls get(), and writes the entry if the credentials
 * have an expiry time. Because of the lock, only one process at a time sends requests in get().
 * While a service throttles requests, the processes take turns (turn.h). If this process gets no
 * turn before the deadline, or if get() fails, reads an entry that another process has written in
 * the meantime, if its credentials are still usable. Without such an entry, the outcome is FAILED.
 * If place->directory is "", or if the cache cannot be used, calls get() without a cache.
 */
void ria_fetch_cached(
    struct ria_fetch *fetch,
    const struct ria_cache_place *place,
    bool may_share,
    ria_fetch_get *get,
    struct ria_response *response,
    struct ria_buf *record);

#endif
