/* SPDX-License-Identifier: MIT
 *
 * The watch over the agent's worker: both sides in one process, at times of the test's own. */
#include "agent/watchdog.h"

#include "unit.h"

#include <poll.h>

enum {
    START = 1000 /* milliseconds */
};

/* A worker that was started, and works. */
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

/* What a look finds so much later, with ticks that go along. "" where the worker is well. */
static const char *look(struct ria_watchdog *watchdog, int64_t later)
{
    const char *fault = ria_watchdog_check(watchdog, START + later, START + later);
    return fault == NULL ? "" : fault;
}

static void a_worker_that_is_silent_is_at_fault_after_two_seconds(void **state)
{
    (void)state;
    static const struct {
        const char *message;
        int64_t opener_deadline; /* ticks after the start */
        int64_t later;
        const char *fault;
    } rows[] = {
        {"at once", INT64_MAX - START, 0, ""},
        {"shortly before", INT64_MAX - START, 1999, ""},
        {"two seconds", INT64_MAX - START, 2000, "does not respond"},
        {"a promise that is kept so far", 1000, 1099, ""},
        {"a promise that was missed by less than a moment", 900, 1000, ""},
        {"a promise that was missed", 100, 400, "does not respond"},
        {"a promise that was missed, and not silent for long", 100, 399, ""},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        struct ria_watchdog watchdog = started();
        ria_watchdog_promise(&watchdog, START + rows[i].opener_deadline);
        expect_text(rows[i].message, look(&watchdog, rows[i].later), rows[i].fault);
    }
}

static void each_beat_counts_and_a_stopped_worker_has_none(void **state)
{
    (void)state;
    struct ria_watchdog watchdog = started();
    for (int64_t later = 1500; later < 10000; later += 1500) {
        ria_watchdog_ping(&watchdog);
        expect_text("beats", look(&watchdog, later), "");
    }
    expect_text("none since", look(&watchdog, 11000), "does not respond");
    watchdog = started();
    ria_watchdog_stop(&watchdog, true, START + 1000);
    ria_watchdog_ping(&watchdog);
    expect_text("stopped a moment ago", look(&watchdog, 2999), "");
    expect_text("stopped for two seconds", look(&watchdog, 3000), "was stopped");
    ria_watchdog_stop(&watchdog, false, START + 3000);
    expect_text("it goes on", look(&watchdog, 4999), "");
}

static void a_waiting_worker_is_not_looked_at_until_it_works(void **state)
{
    (void)state;
    struct ria_watchdog watchdog = started();
    expect_number("looked at", ria_watchdog_due(&watchdog, START), START + 500);
    ria_watchdog_wait(&watchdog);
    expect_text("waits", look(&watchdog, 5000), "");
    expect_number("not looked at", ria_watchdog_due(&watchdog, START), INT64_MAX);
    expect_text("waits for long", look(&watchdog, 50000), "");
    expect("no alarm", !is_raised(&watchdog));
    ria_watchdog_work(&watchdog);
    expect("an alarm", is_raised(&watchdog));
    ria_watchdog_read_alarm(&watchdog, true, START + 60000);
    expect("taken", !is_raised(&watchdog));
    expect_text("it has just begun", look(&watchdog, 61999), "");
    expect_text("and is silent", look(&watchdog, 62000), "does not respond");
}

static void nobody_is_looked_at_where_there_is_no_worker(void **state)
{
    (void)state;
    struct ria_watchdog watchdog = started();
    ria_watchdog_end(&watchdog);
    expect_text("it has ended", look(&watchdog, 5000), "");
    ria_watchdog_wait(&watchdog);
    watchdog = started();
    ria_watchdog_wait(&watchdog);
    expect_text("control", look(&watchdog, 1), "");
    ria_watchdog_work(&watchdog);
    ria_watchdog_read_alarm(&watchdog, false, START);
    expect_text("an alarm of one that has ended", look(&watchdog, 5000), "");
    const struct ria_watchdog none = {0};
    ria_watchdog_work(&none);
    ria_watchdog_ping(&none);
    ria_watchdog_wait(&none);
    ria_watchdog_promise(&none, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_that_is_silent_is_at_fault_after_two_seconds),
        cmocka_unit_test(each_beat_counts_and_a_stopped_worker_has_none),
        cmocka_unit_test(a_waiting_worker_is_not_looked_at_until_it_works),
        cmocka_unit_test(nobody_is_looked_at_where_there_is_no_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
