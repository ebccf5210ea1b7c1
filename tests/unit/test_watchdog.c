/* SPDX-License-Identifier: MIT
 *
 * The watchdog of the agent's worker. One process has both sides, that of the worker and that of
 * the supervisor, and the test sets the times. */
#include "agent/watchdog.h"

#include "unit.h"

#include <poll.h>

enum {
    START = 1000 /* milliseconds */
};

/* Starts a worker that is busy. */
static struct ria_watchdog started(void)
{
    struct ria_watchdog watchdog;
    assert_true(ria_watchdog_open(&watchdog));
    ria_watchdog_begin(&watchdog, START);
    return watchdog;
}

static bool is_raised(const struct ria_watchdog *watchdog)
{
    struct pollfd alarm = {.fd = watchdog->alarm, .events = POLLIN};
    return poll(&alarm, 1, 0) == 1;
}

/* Returns the fault that a check finds `later` milliseconds after the start, on a machine that does
 * not sleep; "" if the worker is healthy. */
static const char *look(struct ria_watchdog *watchdog, int64_t later)
{
    const char *fault = ria_watchdog_check(watchdog, START + later, START + later);
    return fault == NULL ? "" : fault;
}

static void a_silent_worker_is_at_fault_after_two_seconds_or_after_a_missed_deadline(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t opener_deadline; /* in ms after the start */
        int64_t later;
        const char *fault;
    } rows[] = {
        {"silent for no time", INT64_MAX - START, 0, ""},
        {"silent for a little less than two seconds", INT64_MAX - START, 1999, ""},
        {"silent for two seconds", INT64_MAX - START, 2000, "does not respond"},
        {"a deadline that was missed by 99 ms", 1000, 1099, ""},
        {"a deadline that was missed by 100 ms, the margin", 900, 1000, ""},
        {"a missed deadline, and silent for 400 ms", 100, 400, "does not respond"},
        {"a missed deadline, and silent for 399 ms", 100, 399, ""},
    };
    for_each_row(row, rows, row->name) {
        struct ria_watchdog watchdog = started();
        ria_watchdog_promise(&watchdog, START + row->opener_deadline);
        expect_text(row->name, look(&watchdog, row->later), row->fault);
    }
}

static void each_heartbeat_counts_and_a_stopped_worker_sends_none(void **state)
{
    (void)state;
    struct ria_watchdog watchdog = started();
    for (int64_t later = 1500; later < 10000; later += 1500) {
        ria_watchdog_ping(&watchdog);
        expect_text("the worker sends heartbeats", look(&watchdog, later), "");
    }
    expect_text("no heartbeat for two seconds", look(&watchdog, 11000), "does not respond");
    watchdog = started();
    ria_watchdog_stop(&watchdog, true, START + 1000);
    ria_watchdog_ping(&watchdog);
    expect_text("stopped a moment ago", look(&watchdog, 2999), "");
    expect_text("stopped for two seconds", look(&watchdog, 3000), "was stopped");
    ria_watchdog_stop(&watchdog, false, START + 3000);
    expect_text("the worker continues", look(&watchdog, 4999), "");
}

static void an_idle_worker_is_not_checked_until_it_works(void **state)
{
    (void)state;
    struct ria_watchdog watchdog = started();
    expect_number("the worker is checked", ria_watchdog_due(&watchdog, START), START + 500);
    ria_watchdog_wait(&watchdog);
    expect_text("the worker waits", look(&watchdog, 5000), "");
    expect_number("the worker is not checked", ria_watchdog_due(&watchdog, START), INT64_MAX);
    expect_text("the worker waits for a long time", look(&watchdog, 50000), "");
    expect("no alarm", !is_raised(&watchdog));
    ria_watchdog_work(&watchdog);
    expect("an alarm", is_raised(&watchdog));
    ria_watchdog_read_alarm(&watchdog, true, START + 60000);
    expect("the alarm was read", !is_raised(&watchdog));
    expect_text("the worker has just started", look(&watchdog, 61999), "");
    expect_text("the worker is silent", look(&watchdog, 62000), "does not respond");
}

static void without_a_worker_nothing_is_checked(void **state)
{
    (void)state;
    struct ria_watchdog watchdog = started();
    ria_watchdog_end(&watchdog);
    expect_text("the worker has ended", look(&watchdog, 5000), "");
    ria_watchdog_wait(&watchdog);
    watchdog = started();
    ria_watchdog_wait(&watchdog);
    expect_text("a new worker waits", look(&watchdog, 1), "");
    ria_watchdog_work(&watchdog);
    ria_watchdog_read_alarm(&watchdog, false, START);
    expect_text("an alarm of a worker that has ended", look(&watchdog, 5000), "");
    const struct ria_watchdog none = {0};
    ria_watchdog_work(&none);
    ria_watchdog_ping(&none);
    ria_watchdog_wait(&none);
    ria_watchdog_promise(&none, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_worker_is_at_fault_after_two_seconds_or_after_a_missed_deadline),
        cmocka_unit_test(each_heartbeat_counts_and_a_stopped_worker_sends_none),
        cmocka_unit_test(an_idle_worker_is_not_checked_until_it_works),
        cmocka_unit_test(without_a_worker_nothing_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
