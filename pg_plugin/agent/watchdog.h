/* SPDX-License-Identifier: MIT
 *
 * The worker's heartbeat, on a page that both processes see. It beats while the worker works and is
 * silent while it waits, so that an idle agent wakes nobody: the first work after a silence raises
 * an alarm, and the supervisor looks from then on until the worker waits again.
 */
#ifndef RIA_AGENT_WATCHDOG_H
#define RIA_AGENT_WATCHDOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ria_beat {
    int alarm; /* an eventfd */
    atomic_uint count;
    atomic_bool is_waiting;
    atomic_bool is_watched;
    _Atomic int64_t let_go_by; /* agent's ticks */
};

/* A page of its own, or NULL. Lives as long as the process. */
struct ria_beat *ria_beat_new(void);

/* Worker: begins to work, goes on working, is about to wait. `beat` may be NULL. */
void ria_beat_work(struct ria_beat *beat);
void ria_beat_once(struct ria_beat *beat);
void ria_beat_wait(struct ria_beat *beat);

/* Worker: by when it lets go whoever has waited longest for a passfile; INT64_MAX: nobody waits. */
void ria_beat_promise(struct ria_beat *beat, int64_t let_go_by);

/* Supervisor: whether that time has passed by more than a moment. */
bool ria_beat_is_late(const struct ria_beat *beat, int64_t ticks);

/* Supervisor: whether it must look again soon. False: the alarm will tell. */
bool ria_beat_watch(struct ria_beat *beat);

#endif
