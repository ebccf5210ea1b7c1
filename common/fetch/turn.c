/* SPDX-License-Identifier: MIT
 *
 * Implements the turns with the lock of the cache entry and a note in its lock file. Ignores a note
 * from the future, and a note that is older than 10 seconds. So a change of the clock cannot delay
 * a process for long. Also ignores a note in the format of another release. */
#include "fetch/turn.h"

#include "base/text.h"

#include <limits.h>
#include <time.h>
#include <unistd.h>

enum {
    /* Milliseconds after which a note is ignored. A login waits for at most this time. */
    REASON_MS = 10 * 1000,
    /* The number of the format of struct note. Format 1 has no number: it begins with `at`. A
     * release that uses format 1 takes this number for `at`, and ignores the note as too old. */
    FORMAT = 2,
};

/* The content of a lock file. */
struct note {
    int64_t format;
    int64_t at;    /* when the try failed, in milliseconds since 1970 */
    int64_t pause; /* milliseconds */
    int64_t tries; /* of all processes in a row: throttled, or with Retry-After */
    char reason[RIA_TURN_REASON_SIZE];
};

static int64_t turn_milliseconds(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return ((int64_t)now.tv_sec * 1000) + (now.tv_nsec / 1000000);
}

static void turn_sleep(int64_t milliseconds)
{
    struct timespec wait = {
        .tv_sec = milliseconds / 1000, .tv_nsec = (milliseconds % 1000) * 1000000};
    (void)nanosleep(&wait, NULL);
}

/* Reads the note. Returns false if there is none, if it is too old, or if its content is not valid.
 * Otherwise sets *rest to the milliseconds until a process may try again. */
static bool read_note(const struct ria_store *store, struct note *note, int64_t *rest)
{
    if (store->lock < 0 || pread(store->lock, note, sizeof(*note), 0) != (ssize_t)sizeof(*note)) {
        return false;
    }
    note->reason[sizeof(note->reason) - 1] = '\0';
    int64_t now = turn_milliseconds();
    if (note->format != FORMAT || note->at > now || note->at < now - REASON_MS || note->pause < 0 ||
        note->pause > RIA_TURN_PAUSE_MAX_MS || note->tries < 0 || note->tries > INT_MAX) {
        return false;
    }
    *rest = note->at + note->pause > now ? note->at + note->pause - now : 0;
    return true;
}

bool ria_turn_take(
    struct ria_store *store, const struct ria_world *world, struct ria_deadline deadline)
{
    struct note note;
    int64_t rest = 0;
    while (ria_store_lock(store, ria_deadline_left(world, deadline))) {
        bool has_note = store->is_held && read_note(store, &note, &rest);
        bool has_time = ria_deadline_left(world, deadline) > rest + RIA_TURN_ANSWER_MS;
        if (!has_note || (rest == 0 && has_time)) {
            return true;
        }
        ria_store_unlock(store);
        if (!has_time) {
            return false;
        }
        turn_sleep(rest);
    }
    return false;
}

void ria_turn_note(const struct ria_store *store, unsigned tries, int64_t pause, const char *reason)
{
    struct note note = {
        .format = FORMAT,
        .at = turn_milliseconds(),
        .pause = pause < RIA_TURN_PAUSE_MAX_MS ? pause : RIA_TURN_PAUSE_MAX_MS,
        .tries = tries,
    };
    (void)ria_text_copy(note.reason, sizeof(note.reason), reason);
    if (store->is_held) {
        (void)!pwrite(store->lock, &note, sizeof(note), 0);
    }
}

void ria_turn_clear(const struct ria_store *store)
{
    if (store->is_held) {
        (void)!ftruncate(store->lock, 0);
    }
}

unsigned ria_turn_tries(const struct ria_store *store)
{
    struct note note;
    int64_t rest = 0;
    return read_note(store, &note, &rest) ? (unsigned)note.tries : 0;
}

bool ria_turn_reason(const struct ria_store *store, char reason[RIA_TURN_REASON_SIZE])
{
    struct note note;
    int64_t rest = 0;
    if (!read_note(store, &note, &rest)) {
        return false;
    }
    (void)ria_text_copy(reason, RIA_TURN_REASON_SIZE, note.reason);
    ria_printable(reason);
    return reason[0] != '\0';
}

bool ria_turn_pass(
    struct ria_store *store,
    const struct ria_world *world,
    struct ria_deadline deadline,
    int64_t pause)
{
    ria_store_unlock(store);
    turn_sleep(pause);
    return ria_turn_take(store, world, deadline);
}

bool ria_turn_read_fresh(
    const struct ria_fetch *fetch,
    const struct ria_cache_place *place,
    struct ria_response *response)
{
    if (!ria_cache_read(fetch->world, place, response)) {
        return false;
    }
    if (ria_cache_is_fresh(fetch->world, fetch->plan, response)) {
        return true;
    }
    ria_response_release(response);
    return false;
}
