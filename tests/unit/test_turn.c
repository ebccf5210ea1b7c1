/* SPDX-License-Identifier: MIT
 *
 * The turns of processes that need the same cache entry: pauses that all processes obey, the reason
 * of the last failure, and an entry that another process writes during a pause. */
#include "fetch/turn.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PAUSE_MS = 300,
    LONG_MS = 20000,
};

static const char name[] = "0123456789012345678901234567890123456789012345678901234567890123";

static char directory[512];
static const struct ria_world *world;

static struct ria_store opened(void)
{
    struct ria_store store;
    assert_true(ria_store_open(&store, directory, name));
    return store;
}

static int64_t real_milliseconds(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    return ((int64_t)now.tv_sec * 1000) + (now.tv_nsec / 1000000);
}

static int remove_files(void **state)
{
    (void)state;
    char command[sizeof(directory) + 16];
    (void)snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command); /* NOLINT(cert-env33-c): the path is of this test */
}

static void a_pause_holds_for_every_process(void **state)
{
    (void)state;
    char reason[RIA_TURN_REASON_SIZE];
    struct ria_store one = opened();
    struct ria_store other = opened();
    assert_true(ria_turn_take(&one, world, ria_deadline_in(world, LONG_MS)));
    assert_false(ria_turn_reason(&one, reason));
    assert_false(ria_turn_take(&other, world, ria_deadline_in(world, 50)));
    ria_turn_note(&one, PAUSE_MS, "STS says\nThrottling");
    ria_store_unlock(&one);
    int64_t begin = world->ticks(world->self);
    assert_false(ria_turn_take(&other, world, ria_deadline_in(world, PAUSE_MS)));
    assert_false(other.is_held);
    assert_true(ria_turn_reason(&other, reason));
    assert_string_equal(reason, "STS says?Throttling");
    assert_true(ria_turn_take(&other, world, ria_deadline_in(world, LONG_MS)));
    assert_true(world->ticks(world->self) - begin >= PAUSE_MS - 1);
    assert_true(other.is_held);
    ria_store_close(&one);
    ria_store_close(&other);
}

static void a_pause_of_an_hour_delays_other_processes_for_seconds_only(void **state)
{
    (void)state;
    struct ria_store one = opened();
    assert_true(ria_turn_take(&one, world, ria_deadline_in(world, LONG_MS)));
    ria_turn_note(&one, 3600000, "STS says Throttling");
    ria_store_unlock(&one);
    assert_true(ria_turn_take(&one, world, ria_deadline_in(world, 10000)));
    ria_store_close(&one);
}

static void an_unusable_note_is_ignored(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t age;
        int64_t pause;
        bool is_cut;
        bool is_used;
    } rows[] = {
        {"control: a note written just now", 0, 0, false, true},
        {"a note from the future", -60000, 0, false, false},
        {"a note of eleven seconds ago", 11000, 0, false, false},
        {"a pause above the limit", 0, 1000000, false, false},
        {"a negative pause", 0, -1, false, false},
        {"a truncated note", 0, 0, true, false},
    };
    for_each_row(row, rows, row->name) {
        struct {
            int64_t at;
            int64_t pause;
            char reason[RIA_TURN_REASON_SIZE];
        } note = {.at = real_milliseconds() - row->age, .pause = row->pause};
        char reason[RIA_TURN_REASON_SIZE];
        struct ria_store store = opened();
        memset(note.reason, 'x', sizeof(note.reason));
        assert_true(ria_turn_take(&store, world, ria_deadline_in(world, LONG_MS)));
        assert_int_equal(ftruncate(store.lock, 0), 0);
        size_t len = row->is_cut ? sizeof(note) / 2 : sizeof(note);
        assert_int_equal(pwrite(store.lock, &note, len, 0), (ssize_t)len);
        expect_number(row->name, ria_turn_reason(&store, reason), row->is_used);
        ria_store_close(&store);
    }
}

/* Runs ria_turn_pass() while a child process takes the lock. If `writes` is true, the child also
 * writes the entry. */
static bool pass_while_a_child_has_a_turn(bool writes)
{
    struct ria_store store = opened();
    assert_true(ria_turn_take(&store, world, ria_deadline_in(world, LONG_MS)));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        RIA_AUTO(buf) record = {.max = 16};
        ria_buf_add_text(&record, "entry");
        ria_store_close(&store);
        store = opened();
        bool ok = ria_store_lock(&store, LONG_MS) && store.is_held &&
                  (!writes || ria_store_write(&store, &record));
        _exit(ok ? 0 : 1);
    }
    bool passed = ria_turn_pass(&store, world, ria_deadline_in(world, LONG_MS), PAUSE_MS);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(store.is_held);
    ria_store_close(&store);
    return passed;
}

static void an_entry_of_another_process_ends_the_tries(void **state)
{
    (void)state;
    assert_true(pass_while_a_child_has_a_turn(false));
    assert_false(pass_while_a_child_has_a_turn(true));
    assert_false(pass_while_a_child_has_a_turn(true));
    assert_true(pass_while_a_child_has_a_turn(false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_pause_holds_for_every_process, remove_files),
        cmocka_unit_test_teardown(
            a_pause_of_an_hour_delays_other_processes_for_seconds_only, remove_files),
        cmocka_unit_test_teardown(an_unusable_note_is_ignored, remove_files),
        cmocka_unit_test_teardown(an_entry_of_another_process_ends_the_tries, remove_files),
    };
    world = ria_process_world();
    (void)snprintf(
        directory, sizeof(directory), RIA_SCRATCH "/turn-%ld/rds-iam/cache", (long)getpid());
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char *end = strstr(directory, "/rds-iam/cache");
    *end = '\0';
    (void)remove_files(NULL);
    return failed;
}
