/* SPDX-License-Identifier: MIT
 *
 * Detects a worker that is stuck. A worker that works increments a counter on a page that it shares
 * with the supervisor. A worker that waits does not change the counter, so in an idle agent no
 * process wakes up. When the worker begins to work again, it raises an alarm, and the supervisor
 * then checks the counter until the worker waits again.
 *
 * The supervisor must kill a worker that works without incrementing the counter for two seconds, or
 * that a signal has stopped for two seconds. It must also kill a worker that does not increment the
 * counter for 0.4 s after it has missed the deadline of a client that waits for a passfile. Times
 * are monotonic milliseconds. Unlike ticks (agent.h), they do not count the time during which the
 * machine sleeps.
 */
#ifndef RIA_AGENT_WATCHDOG_H
#define RIA_AGENT_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

struct ria_watchdog {
    struct ria_heartbeat
        *beat; /* the shared page; NULL: no watchdog, and the worker's functions do nothing */
    int alarm; /* an eventfd that both processes have open */
    /* Only the supervisor uses the members below. */
    int64_t heard;    /* when the count last changed, watching began, or a signal stopped or
                         continued the worker */
    unsigned count;   /* the counter's value at the last check */
    bool is_watching; /* the supervisor checks the worker */
    bool is_stopped;  /* a signal has stopped the worker */
};

/* -- the worker ------------------------------------------------------------------------------- */

/* ria_watchdog_work(): the worker begins to work; raises the alarm if the supervisor is not
 * checking the worker. ria_watchdog_ping(): the worker still works. ria_watchdog_wait(): the worker
 * is about to wait. */
void ria_watchdog_work(const struct ria_watchdog *watchdog);
void ria_watchdog_ping(const struct ria_watchdog *watchdog);
void ria_watchdog_wait(const struct ria_watchdog *watchdog);

/* Sets the time, in ticks, by which the worker fills the passfile of the client that has waited
 * longest; INT64_MAX: no client waits. */
void ria_watchdog_promise(const struct ria_watchdog *watchdog, int64_t opener_deadline);

/* -- the supervisor --------------------------------------------------------------------------- */

/* Creates the page and the alarm, which live as long as the process. Returns false if there is not
 * enough memory or no descriptor. */
bool ria_watchdog_open(struct ria_watchdog *watchdog);

/* ria_watchdog_begin() begins to watch a worker that is about to start. ria_watchdog_end() stops
 * watching, because the worker has ended or was killed. */
void ria_watchdog_begin(struct ria_watchdog *watchdog, int64_t now);
void ria_watchdog_end(struct ria_watchdog *watchdog);

/* Notes that a signal has stopped or continued the worker. */
void ria_watchdog_stop(struct ria_watchdog *watchdog, bool is_stopped, int64_t now);

/* Reads the alarm. If the alarm was raised and there is a worker, begins to watch the worker. */
void ria_watchdog_read_alarm(struct ria_watchdog *watchdog, bool has_worker, int64_t now);

/* Checks the worker if it is being watched. Returns NULL if the worker need not be killed.
 * Otherwise returns the reason to kill the worker, as a static text: the predicate of a sentence
 * about the worker, such as "does not respond". */
const char *ria_watchdog_check(struct ria_watchdog *watchdog, int64_t now, int64_t ticks);

/* Returns when to call ria_watchdog_check() again; INT64_MAX: after the next alarm. */
int64_t ria_watchdog_due(const struct ria_watchdog *watchdog, int64_t now);

#endif
