/* SPDX-License-Identifier: MIT
 *
 * Implements the watchdog on a page of memory that the supervisor and the worker share. The worker
 * increments the counter, and sets a flag while it waits. The supervisor compares counts, and sets
 * a flag while it watches the worker. Each process first writes its own flag and then reads the
 * other process's flag. So if both write at the same time, at least one of them reads the other's
 * new flag. Therefore, while the worker works, the supervisor watches the worker, or the worker has
 * raised the alarm, or both. */
#include "agent/watchdog.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    CHECK_MS = 500,    /* between two checks of a worker that works */
    SILENCE_MS = 2000, /* the worker is killed if it does not increment the counter for this time */
    LATE_MS = 400,     /* replaces SILENCE_MS after a client's deadline has passed */
    MARGIN_MS = 100,   /* added to a client's deadline */
};

/* The shared page. */
struct ria_heartbeat {
    atomic_uint count;
    atomic_bool is_waiting;
    atomic_bool is_watched;
    _Atomic int64_t opener_deadline; /* in the agent's ticks */
};

/* -- the worker ------------------------------------------------------------------------------- */

void ria_watchdog_work(const struct ria_watchdog *watchdog)
{
    struct ria_heartbeat *beat = watchdog->beat;
    if (beat == NULL) {
        return;
    }
    atomic_fetch_add(&beat->count, 1);
    atomic_store(&beat->is_waiting, false);
    if (!atomic_load(&beat->is_watched)) {
        const uint64_t one = 1;
        (void)!write(watchdog->alarm, &one, sizeof(one));
    }
}

void ria_watchdog_ping(const struct ria_watchdog *watchdog)
{
    if (watchdog->beat != NULL) {
        atomic_fetch_add(&watchdog->beat->count, 1);
    }
}

void ria_watchdog_wait(const struct ria_watchdog *watchdog)
{
    if (watchdog->beat != NULL) {
        atomic_store(&watchdog->beat->is_waiting, true);
    }
}

void ria_watchdog_promise(const struct ria_watchdog *watchdog, int64_t opener_deadline)
{
    if (watchdog->beat != NULL) {
        atomic_store(&watchdog->beat->opener_deadline, opener_deadline);
    }
}

/* -- the supervisor --------------------------------------------------------------------------- */

bool ria_watchdog_open(struct ria_watchdog *watchdog)
{
    struct ria_heartbeat *beat =
        mmap(NULL, sizeof(*beat), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (beat == MAP_FAILED) {
        return false;
    }
    atomic_init(&beat->opener_deadline, INT64_MAX);
    *watchdog =
        (struct ria_watchdog){.beat = beat, .alarm = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    return watchdog->alarm >= 0;
}

static void begin_to_watch(struct ria_watchdog *watchdog, int64_t now)
{
    watchdog->is_watching = true;
    watchdog->heard = now;
    watchdog->count = atomic_load(&watchdog->beat->count);
}

void ria_watchdog_begin(struct ria_watchdog *watchdog, int64_t now)
{
    atomic_store(&watchdog->beat->is_waiting, false);
    atomic_store(&watchdog->beat->is_watched, true);
    ria_watchdog_promise(watchdog, INT64_MAX);
    watchdog->is_stopped = false;
    begin_to_watch(watchdog, now);
}

void ria_watchdog_end(struct ria_watchdog *watchdog)
{
    watchdog->is_watching = false;
}

void ria_watchdog_stop(struct ria_watchdog *watchdog, bool is_stopped, int64_t now)
{
    watchdog->is_stopped = is_stopped;
    watchdog->is_watching = true;
    watchdog->heard = now;
}

void ria_watchdog_read_alarm(struct ria_watchdog *watchdog, bool has_worker, int64_t now)
{
    uint64_t alarms;
    if (read(watchdog->alarm, &alarms, sizeof(alarms)) > 0 && !watchdog->is_watching &&
        has_worker) {
        begin_to_watch(watchdog, now);
    }
}

/* Returns true if the worker works, so that the next check is due soon. Returns false if the worker
 * waits; it raises the alarm when it works again. */
static bool is_working(struct ria_heartbeat *beat)
{
    if (atomic_load(&beat->is_waiting)) {
        atomic_store(&beat->is_watched, false);
        if (atomic_load(&beat->is_waiting)) {
            return false;
        }
    }
    atomic_store(&beat->is_watched, true);
    return true;
}

const char *ria_watchdog_check(struct ria_watchdog *watchdog, int64_t now, int64_t ticks)
{
    if (!watchdog->is_watching) {
        return NULL;
    }
    struct ria_heartbeat *beat = watchdog->beat;
    const char *fault = NULL;
    unsigned count = atomic_load(&beat->count);
    bool is_watched = is_working(beat) || watchdog->is_stopped;
    bool is_late = ticks - MARGIN_MS > atomic_load(&beat->opener_deadline);
    if (!is_watched) {
        watchdog->is_watching = false;
    } else if (count != watchdog->count && !watchdog->is_stopped) {
        watchdog->heard = now;
    } else if (now - watchdog->heard >= (is_late ? LATE_MS : SILENCE_MS)) {
        fault = watchdog->is_stopped ? "was stopped" : "does not respond";
    }
    watchdog->count = count;
    return fault;
}

int64_t ria_watchdog_due(const struct ria_watchdog *watchdog, int64_t now)
{
    return watchdog->is_watching ? now + CHECK_MS : INT64_MAX;
}
