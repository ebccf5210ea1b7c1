/* SPDX-License-Identifier: MIT
 *
 * Decides which of the processes that need the same credentials sends requests. A process sends
 * them while it holds the lock of the cache entry. If a service throttles requests, the process
 * releases the lock during its pause. The lock file contains a note: why the last try failed, how
 * often in a row the processes were throttled or received Retry-After, and until when no process
 * may try again. So one process at a time sends requests, and the time between two requests grows
 * with the number of tries of all processes together, up to 2 seconds. Each process tries within
 * its own time limit, and a process whose time is used up can report the reason. A process that
 * cannot lock the entry does not wait for a turn.
 */
#ifndef RIA_FETCH_TURN_H
#define RIA_FETCH_TURN_H

#include "fetch/fetch.h"
#include "fetch/store.h"
#include "provider/cache.h"

enum {
    RIA_TURN_REASON_SIZE = 320,
    /* Milliseconds. A request that may be throttled needs this time to get its response. */
    RIA_TURN_ANSWER_MS = 1000,
    /* Milliseconds. The longest pause that a note imposes on other processes. A process that has
     * tried often, or that received Retry-After, makes longer pauses itself (retry.c). It does not
     * impose these pauses on other processes: a login has only 10 s, and a Retry-After of an hour
     * may come from a proxy. */
    RIA_TURN_PAUSE_MAX_MS = 2000,
};

/* Takes the entry's lock. Sleeps while another process holds the lock, and until the pause in the
 * note has passed; does not hold the lock meanwhile. Returns true if this process may send
 * requests, also if the entry cannot be locked (ria_store_lock()). Returns false, without the lock,
 * if the lock is not free before the deadline. Also returns false if the time until the deadline is
 * too short for the pause and RIA_TURN_ANSWER_MS. Uses SIGALRM. */
bool ria_turn_take(
    struct ria_store *store, const struct ria_world *world, struct ria_deadline deadline);

/* Writes the note: a try has just failed for `reason`, and no process may try again within `pause`
 * milliseconds (at most RIA_TURN_PAUSE_MAX_MS are noted). `tries` is the number for
 * ria_turn_tries(). Does nothing if this process does not hold the lock. */
void ria_turn_note(
    const struct ria_store *store, unsigned tries, int64_t pause, const char *reason);

/* Removes the note, because a process has obtained the credentials. Changes the time of the lock
 * file, so call this function before ria_store_write() (ria_store_failed_ago()). Does nothing if
 * this process does not hold the lock. */
void ria_turn_clear(const struct ria_store *store);

/* Returns the number of tries in the note, or 0 if no try failed in the last ten seconds. */
unsigned ria_turn_tries(const struct ria_store *store);

/* Reads the note. Returns true if a try failed in the last ten seconds, with its reason in
 * `reason`; the text is printable. */
bool ria_turn_reason(const struct ria_store *store, char reason[RIA_TURN_REASON_SIZE]);

/* Releases the lock, sleeps for `pause` milliseconds, and takes the lock again. Returns false if
 * ria_turn_take() returns false. Another process may have written the entry in the meantime. */
bool ria_turn_pass(
    struct ria_store *store,
    const struct ria_world *world,
    struct ria_deadline deadline,
    int64_t pause);

/* Reads the cache entry at *place into *response, which must be RIA_RESPONSE_INIT. Returns false,
 * with *response unchanged, if no entry exists or if it is not fresh. */
bool ria_turn_read_fresh(
    const struct ria_fetch *fetch,
    const struct ria_cache_place *place,
    struct ria_response *response);

#endif
