/* SPDX-License-Identifier: MIT
 *
 * Decides which of the processes that need the same credentials sends requests. A process sends
 * them while it holds the lock of the cache entry. If a service throttles, the process releases the
 * lock during its pause. The lock file contains a note: why the last try failed, and until when no
 * process may try again. So all processes together send no more requests than one process would,
 * each process tries within its own time limit, and a process whose time is used up can report the
 * reason.
 */
#ifndef RIA_FETCH_TURN_H
#define RIA_FETCH_TURN_H

#include "fetch/store.h"

enum {
    RIA_TURN_REASON_SIZE = 320,
    /* Milliseconds. A request that may be throttled needs this time to get its response. */
    RIA_TURN_ANSWER_MS = 1000,
};

/* Takes the entry's lock. Sleeps while another process holds the lock, and until the pause in the
 * note has passed; does not hold the lock meanwhile. Returns true if this process may send
 * requests, also if the entry cannot be locked (ria_store_lock()). Returns false, without the lock,
 * if the lock is not free before the deadline. Also returns false if the time until the deadline is
 * too short for the pause and RIA_TURN_ANSWER_MS. Uses SIGALRM. */
bool ria_turn_take(
    struct ria_store *store, const struct ria_world *world, struct ria_deadline deadline);

/* Writes the note: a try has just failed for `reason`, and no process may try again within `pause`
 * milliseconds (at most 2 seconds are noted). Does nothing if this process does not hold the lock.
 */
void ria_turn_note(const struct ria_store *store, int64_t pause, const char *reason);

/* Reads the note. Returns true if a try failed in the last ten seconds, with its reason in
 * `reason`; the text is printable. */
bool ria_turn_reason(const struct ria_store *store, char reason[RIA_TURN_REASON_SIZE]);

/* Releases the lock, sleeps for `pause` milliseconds, and takes the lock again. Returns false if
 * ria_turn_take() returns false, or if another process has replaced the entry in the meantime. */
bool ria_turn_pass(
    struct ria_store *store,
    const struct ria_world *world,
    struct ria_deadline deadline,
    int64_t pause);

#endif
