/* SPDX-License-Identifier: MIT
 *
 * Reads a cache entry. If the entry is missing or stale, waits for the entry's lock and reads the
 * entry again, because another process may hold the lock while it fetches the same credentials. If
 * the entry is still not fresh, fetches the credentials and writes the entry. Fails if another
 * process holds the lock until the deadline and has not written a fresh entry. If may_share is
 * false, never reads the entry. Does not cache a failure, or credentials without an expiry time.
 *
 * If the user has set cache_credential_process and the entry cannot be written, adds a warning. In
 * all other cases an entry only saves time, so a failure to write it is not reported. */
#include "fetch/cached.h"

#include "fetch/store.h"

static bool read_fresh(
    const struct ria_fetch *fetch,
    const struct ria_cache_place *place,
    struct ria_response *response)
{
    if (!ria_cache_read(fetch->world, place, response)) {
        return false;
    }
    if (ria_cache_is_fresh(fetch->world, response)) {
        return true;
    }
    ria_response_release(response);
    return false;
}

enum turn {
    IS_CACHED, /* a fresh entry exists; another process may have written it while this process
                  waited */
    OURS,      /* this process fetches */
    TOO_LATE,  /* another process held the lock until the deadline */
};

static enum turn await_turn(
    const struct ria_fetch *fetch,
    const struct ria_cache_place *place,
    bool may_share,
    struct ria_store *store,
    struct ria_response *response)
{
    const char *directory = place->directory[0] == '\0' ? NULL : place->directory;
    if (!ria_store_open(store, directory, place->name)) {
        return OURS;
    }
    if (may_share && read_fresh(fetch, place, response)) {
        return IS_CACHED;
    }
    bool is_ours = ria_store_lock(store, ria_deadline_left(fetch->world, fetch->deadline));
    if (may_share && read_fresh(fetch, place, response)) {
        return IS_CACHED;
    }
    return is_ours ? OURS : TOO_LATE;
}

/* Writes the entry. Credentials without an expiry time are not cached, because the entry would
 * always count as fresh. */
static void cached_write(
    const struct ria_fetch *fetch,
    const struct ria_cache_place *place,
    const struct ria_store *store,
    struct ria_response *response,
    struct ria_buf *record)
{
    const struct ria_setting *setting = &fetch->plan->value[RIA_PLAN_PROCESS_CACHE];
    if (response->outcome != RIA_FOUND || response->credentials.expires == 0 || record->failed ||
        place->directory[0] == '\0' || ria_store_write(store, record) || setting->value == NULL) {
        return;
    }
    ria_response_warn(
        response,
        "%s:%u: cache_credential_process: nothing is cached, because no entry can be locked and "
        "written in %.200s; make it a directory of yours with mode 0700",
        setting->path,
        setting->line,
        place->directory);
    ria_buf_clear(record);
    ria_response_write(response, record);
}

void ria_fetch_cached(
    struct ria_fetch *fetch,
    const struct ria_cache_place *place,
    bool may_share,
    ria_fetch_get *get,
    struct ria_response *response,
    struct ria_buf *record)
{
    struct ria_store store;
    enum turn turn = await_turn(fetch, place, may_share, &store, response);
    ria_fetch_spent(fetch, "another process of yours that gets the same credentials");
    if (turn == TOO_LATE) {
        response->outcome = ria_failed(
            &response->err,
            RIA_E_DEADLINE,
            "another process of yours is getting the same credentials and did not finish within "
            "the time of a login; try again");
    } else if (turn == OURS) {
        response->outcome = get(fetch, response);
    }
    ria_response_write(response, record);
    if (turn == OURS) {
        cached_write(fetch, place, &store, response, record);
    }
    ria_store_close(&store);
}

/* -- a command with whose output a role is assumed ------------------------------------------- */

static enum ria_outcome cached_run(struct ria_fetch *fetch, struct ria_response *response)
{
    return ria_fetch_process(fetch, &response->credentials, &response->err);
}

enum ria_outcome ria_fetch_cached_process(
    struct ria_fetch *fetch, struct ria_credentials *out, struct ria_error *err)
{
    struct ria_cache_place place;
    if (!ria_cache_find_process(fetch->world, fetch->plan, &place)) {
        return ria_fetch_process(fetch, out, err);
    }
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    RIA_AUTO(buf) record = {.max = RIA_RECORD_MAX};
    ria_fetch_cached(fetch, &place, true, cached_run, &response, &record);
    ria_credentials_move(out, &response.credentials);
    *err = response.err;
    return response.outcome;
}
