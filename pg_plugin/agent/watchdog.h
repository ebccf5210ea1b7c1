/* SPDX-License-Identifier: MIT
 *
 * The watch over the worker. The worker beats on a page that both processes see while it works, and
 * is silent while it waits, so that an idle agent wakes no process: the first work after a silence
 * raises an alarm, and the supervisor looks from then on until the worker waits again.
 *
 * A worker that has work and does not beat for two seconds, or that was stopped for as long, is to
 * be killed; so is one that is silent for 0.4 s and has missed the time by which it promised to let
 * an opener go. Times are monotonic milliseconds that do not count sleep, unless they are called
 * ticks (agent.h).
 */
#ifndef RIA_AGENT_WATCHDOG_H
#define RIA_AGENT_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

struct ria_watchdog {
    struct ria_heartbeat
        *beat; /* the page; NULL: no watch, and the worker's functions do nothing */
    int alarm; /* an eventfd; both processes have it */
    /* of the supervisor */
    int64_t heard; /* when the count last changed */
    unsigned count;
    bool is_watching;
    bool is_stopped; /* the worker, by a signal */
};

/* -- the worker ------------------------------------------------------------------------------- */

/* Begins to work, goes on working, is about to wait. */
void ria_watchdog_work(const struct ria_watchdog *watchdog);
void ria_watchdog_ping(const struct ria_watchdog *watchdog);
void ria_watchdog_wait(const struct ria_watchdog *watchdog);

/* By which tick it lets go whoever has waited longest for a passfile; INT64_MAX: nobody waits. */
void ria_watchdog_promise(const struct ria_watchdog *watchdog, int64_t let_go_by);

/* -- the supervisor --------------------------------------------------------------------------- */

/* Makes the page and the alarm, which live as long as the process. False without memory or
 * descriptors. */
bool ria_watchdog_open(struct ria_watchdog *watchdog);

/* A worker is about to be started; there is none, or none that is watched, any more. */
void ria_watchdog_begin(struct ria_watchdog *watchdog, int64_t now);
void ria_watchdog_end(struct ria_watchdog *watchdog);

/* The worker was stopped by a signal, or goes on. */
void ria_watchdog_stop(struct ria_watchdog *watchdog, bool is_stopped, int64_t now);

/* Takes the alarm, if it was raised; begins to watch if there is a worker. */
void ria_watchdog_take_alarm(struct ria_watchdog *watchdog, bool has_worker, int64_t now);

/* Looks at the worker, if it is watched. NULL: it is well; else what it does that it must be killed
 * for. */
const char *ria_watchdog_check(struct ria_watchdog *watchdog, int64_t now, int64_t ticks);

/* When to look again; INT64_MAX: the alarm will tell. */
int64_t ria_watchdog_due(const struct ria_watchdog *watchdog, int64_t now);

#endif
