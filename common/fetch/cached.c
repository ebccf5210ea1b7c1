/* SPDX-License-Identifier: MIT
 *
 * Reads a cache entry. If the entry is missing or has expired, waits for the entry's lock and reads
 * the entry again, because another process may hold the lock while it fetches the same credentials.
 * If there is still no fresh entry, fetches the credentials and writes the entry. While a service
 * throttles requests, the processes take turns (turn.h). If this process fails, or gets no turn
 * before the deadline, uses an entry that another process has written in the meantime. Unless this
 * process was renewing a usable entry, the written entry may itself be due for a renewal. If no
 * such entry exists, and this process got no turn, the message contains the reason why the last try
 * of another process failed, if one has failed. If may_share is false, never reads the entry. Does
 * not cache a failure, or credentials without an expiry time.
 *
 * An entry that is due for a renewal may still be valid for a minute or more. Then a service that
 * is slow or down must not make the login fail, or delay it much. Therefore, one process renews the
 * entry, with a short time limit (renewal_limit()). All other processes use the entry as it is. For
 * some time after a failed renewal, all logins use the entry as it is.
 *
 * If the user has set cache_credential_process and the entry cannot be written, adds a warning. In
 * all other cases an entry only saves time, so a failure to write it is not reported. */
#include "fetch/cached.h"

#include "base/messages.h"
#include "fetch/turn.h"

#include <string.h>

/* See renewal_limit(). */
enum {
    EARLY_MS = 3000, /* milliseconds */
    LATE_MS = 7000,
    EARLY_MIN = 300, /* seconds */
    USABLE_MIN = 60, /* seconds. Credentials that expire within this time count as expired */
};

enum turn {
    IS_CACHED, /* the response is read from the entry: the entry is fresh; or it is usable, and
                  another process renews it, or its last renewal has failed a short time ago; or
                  another process has written it while this process waited or failed */
    OURS,      /* this process fetches */
    TOO_LATE,  /* this process got no turn before the deadline */
};

/* Reads an entry that is usable, even if it is due for a renewal. Returns the seconds until its
 * credentials expire, or 0 if no such entry exists. An entry with a clock offset counts as expired
 * if the offset is no longer valid.
 */
static int64_t read_usable(
    const struct ria_fetch *fetch,
    const struct ria_cache_place *place,
    struct ria_response *response)
{
    if (!ria_cache_read(fetch->world, place, response)) {
        return 0;
    }
    int64_t offset = ria_cache_offset(fetch->world, &response->offset);
    int64_t left = response->credentials.expires - fetch->world->now(fetch->world->self) - offset;
    if (offset == response->offset.seconds && left >= USABLE_MIN) {
        return left;
    }
    ria_response_release(response);
    return 0;
}

/* Returns the time limit, in milliseconds, of a renewal while the old credentials are valid for
 * `left` seconds.
 *
 * If the service does not respond, a login waits until this limit and then uses the old
 * credentials. Therefore, the limit is short while the old credentials have more than five minutes
 * left. But a chain of several roles, SSO, or a proxy may always need longer than the short limit.
 * In the last five minutes the limit is larger, so that such credentials are renewed before they
 * count as expired. The larger limit is less than the 10 s of a login and of a MySQL server's
 * connect_timeout, so that the login still succeeds if the renewal fails. The agent and `rds-iam
 * credentials`, which can wait, always have the larger limit. This limit is not larger, because
 * another program's login may wait for the output of `rds-iam credentials`. */
static int64_t renewal_limit(const struct ria_fetch *fetch, int64_t left)
{
    bool is_login = fetch->budget <= RIA_LOGIN_BUDGET_MS;
    return is_login && left > EARLY_MIN ? EARLY_MS : LATE_MS;
}

/* Returns true if a usable entry is not renewed, because another process renews it, or because its
 * last renewal failed a short time ago. Otherwise returns false, and sets a short time limit for
 * the renewal. A credential_process gets no short limit, because the command may wait for the
 * user. */
static bool is_left_alone(
    struct ria_fetch *fetch, struct ria_store *store, bool is_locked, int64_t left)
{
    int64_t failed_ago = ria_store_failed_ago(store);
    if (!is_locked || (failed_ago >= 0 && failed_ago < ria_cache_renewal_pause(left))) {
        return true;
    }
    struct ria_deadline limit = ria_deadline_in(fetch->world, renewal_limit(fetch, left));
    if (fetch->plan->source != RIA_SOURCE_PROCESS && limit.at < fetch->deadline.at) {
        fetch->deadline = limit;
    }
    return false;
}

/* Waits for this process's turn. Sets *is_renewal to true if this process renews a usable entry. */
static enum turn await_turn(
    struct ria_fetch *fetch,
    const struct ria_cache_place *place,
    bool may_share,
    struct ria_store *store,
    bool *is_renewal,
    struct ria_response *response)
{
    *is_renewal = false;
    const char *directory = place->directory[0] == '\0' ? NULL : place->directory;
    if (!ria_store_open(store, directory, place->name)) {
        return OURS;
    }
    if (may_share && ria_turn_read_fresh(fetch, place, response)) {
        return IS_CACHED;
    }
    int64_t left = may_share ? read_usable(fetch, place, response) : 0;
    bool is_ours =
        left > 0 ? ria_store_lock(store, 0) : ria_turn_take(store, fetch->world, fetch->deadline);
    if (left > 0 && is_left_alone(fetch, store, is_ours, left)) {
        return IS_CACHED;
    }
    ria_response_release(response);
    if (may_share && ria_turn_read_fresh(fetch, place, response)) {
        return IS_CACHED;
    }
    if (is_ours) {
        *is_renewal = left > 0;
        ria_store_begin(store);
        return OURS;
    }
    return may_share && read_usable(fetch, place, response) > 0 ? IS_CACHED : TOO_LATE;
}

/* Removes the note about failed tries (turn.h), and writes the entry. Credentials without an expiry
 * time are not cached, because the entry would always count as fresh. */
static void cached_write(
    const struct ria_fetch *fetch,
    const struct ria_cache_place *place,
    const struct ria_store *store,
    struct ria_response *response,
    struct ria_buf *record)
{
    const struct ria_setting *setting = &fetch->plan->value[RIA_PLAN_PROCESS_CACHE];
    if (response->outcome != RIA_FOUND) {
        return;
    }
    ria_turn_clear(store);
    if (response->credentials.expires == 0 || record->failed || place->directory[0] == '\0' ||
        ria_store_write(store, record) || setting->value == NULL) {
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

/* Fills err for a process that got no turn. */
static enum ria_outcome fail_too_late(const struct ria_store *store, struct ria_error *err)
{
    char reason[RIA_TURN_REASON_SIZE];
    if (ria_turn_reason(store, reason)) {
        return ria_failed(
            err,
            RIA_E_DEADLINE,
            "another process of yours tries to get the same credentials, and %s; " RIA_REMEDY_LATER,
            reason);
    }
    return ria_failed(
        err,
        RIA_E_DEADLINE,
        "another process of yours is getting the same credentials and did not finish within the "
        "time of a login; try again");
}

/* Calls get() for a process whose turn it is. If get() fails, reads the entry: another process may
 * have written it while this process had released the lock during a pause. An entry that is usable
 * but not fresh is read only if there was no usable entry before. Therefore, the caller receives
 * the error of a renewal that failed. */
static enum turn get_in_turn(
    struct ria_fetch *fetch,
    const struct ria_cache_place *place,
    struct ria_store *store,
    bool is_renewal,
    ria_fetch_get *get,
    struct ria_response *response)
{
    struct ria_store *outer = fetch->store;
    const struct ria_cache_place *outer_place = fetch->place;
    fetch->store = store;
    fetch->place = place;
    response->outcome = get(fetch, response);
    fetch->store = outer;
    fetch->place = outer_place;
    if (store == NULL || response->outcome == RIA_FOUND) {
        return OURS;
    }
    RIA_AUTO(response) stored = RIA_RESPONSE_INIT;
    if (!ria_turn_read_fresh(fetch, place, &stored) &&
        (is_renewal || read_usable(fetch, place, &stored) == 0)) {
        return OURS;
    }
    ria_response_release(response);
    *response = stored;
    stored = (struct ria_response)RIA_RESPONSE_INIT;
    return IS_CACHED;
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
    bool is_renewal = false;
    enum turn turn = await_turn(fetch, place, may_share, &store, &is_renewal, response);
    ria_fetch_spent(fetch, "another process of yours that gets the same credentials");
    if (turn == TOO_LATE) {
        response->outcome = fail_too_late(&store, &response->err);
    } else if (turn == OURS) {
        bool is_shared = may_share && store.is_held;
        turn = get_in_turn(fetch, place, is_shared ? &store : NULL, is_renewal, get, response);
    }
    ria_response_write(response, record);
    if (turn == OURS) {
        cached_write(fetch, place, &store, response, record);
    }
    ria_store_close(&store);
}

/* -- a command whose output is used to assume a role ------------------------------------------- */

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
    /* The output is renewed as if no role were assumed with it (ria_cache_margin()). */
    const struct ria_plan *plan = fetch->plan;
    struct ria_plan alone = *plan; /* borrows from *plan and is not released */
    alone.role_count = 0;
    fetch->plan = &alone;
    ria_fetch_cached(fetch, &place, true, cached_run, &response, &record);
    fetch->plan = plan;
    explicit_bzero(alone.mfa_code, sizeof(alone.mfa_code));
    ria_credentials_move(out, &response.credentials);
    *err = response.err;
    return response.outcome;
}
