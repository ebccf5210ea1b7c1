/* SPDX-License-Identifier: MIT
 *
 * An answer that is taken from the cache, or got and kept there: the same for a whole plan and for
 * the output of a credential_process below a role.
 */
#ifndef RIA_FETCH_CACHED_H
#define RIA_FETCH_CACHED_H

#include "fetch/fetch.h"
#include "provider/cache.h"

/* Gets what is not in the cache. Fills *response but for its outcome. */
typedef enum ria_outcome ria_fetch_get(struct ria_fetch *fetch, struct ria_response *response);

/* Fills *response (RIA_RESPONSE_INIT) from the entry while that is fresh, else by `get`, one
 * process at a time, and keeps what says when it ends. place->directory may be "". may_share: an
 * entry counts. *record is the answer's in any case. */
void ria_fetch_cached(
    struct ria_fetch *fetch,
    const struct ria_cache_place *place,
    bool may_share,
    ria_fetch_get *get,
    struct ria_response *response,
    struct ria_buf *record);

#endif
