/* SPDX-License-Identifier: MIT
 *
 * Processes that need the same cache entry take turns to request the credentials. All processes
 * obey a pause, and the pauses grow with the tries of all processes. Also tests the reason of the
 * last failure, and an entry that another process writes during a pause. */
#include "fetch/turn.h"
#include "unit.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PAUSE_MS = 300,
    LONG_MS = 20000,
    SHORT_MS = 800, /* less than RIA_TURN_ANSWER_MS */
    SESSION = 900,  /* seconds. The shortest session of a role */
    FORMAT = 2,     /* of the note */
};

/* The note that a process writes into the lock file for the next process. */
struct note {
    int64_t format;
    int64_t at;
    int64_t pause;
    int64_t tries;
    char reason[RIA_TURN_REASON_SIZE];
};

/* The note of a release that did not count the tries. */
struct note_1 {
    int64_t at;
    int64_t pause;
    char reason[RIA_TURN_REASON_SIZE];
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
    ria_turn_note(&one, 1, PAUSE_MS, "STS says\nThrottling");
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
    ria_turn_note(&one, 1, 3600000, "STS says Throttling");
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
        int64_t tries;
        int64_t format;
        bool is_cut;
        bool is_used;
    } rows[] = {
        {"control: a note written just now", 0, 0, 5, FORMAT, false, true},
        {"a note from the future", -60000, 0, 5, FORMAT, false, false},
        {"a note of eleven seconds ago", 11000, 0, 5, FORMAT, false, false},
        {"a pause above the limit", 0, 1000000, 5, FORMAT, false, false},
        {"a negative pause", 0, -1, 5, FORMAT, false, false},
        {"a negative number of tries", 0, 0, -1, FORMAT, false, false},
        {"a number of tries above the limit", 0, 0, (int64_t)INT_MAX + 1, FORMAT, false, false},
        {"a format of a later release", 0, 0, 5, FORMAT + 1, false, false},
        {"a truncated note", 0, 0, 5, FORMAT, true, false},
    };
    for_each_row(row, rows, row->name) {
        struct note note = {
            .format = row->format,
            .at = real_milliseconds() - row->age,
            .pause = row->pause,
            .tries = row->tries,
        };
        char reason[RIA_TURN_REASON_SIZE];
        struct ria_store store = opened();
        memset(note.reason, 'x', sizeof(note.reason));
        assert_true(ria_turn_take(&store, world, ria_deadline_in(world, LONG_MS)));
        assert_int_equal(ftruncate(store.lock, 0), 0);
        size_t len = row->is_cut ? sizeof(note) / 2 : sizeof(note);
        assert_int_equal(pwrite(store.lock, &note, len, 0), (ssize_t)len);
        expect_number(row->name, ria_turn_reason(&store, reason), row->is_used);
        expect_number(row->name, ria_turn_tries(&store), row->is_used ? row->tries : 0);
        ria_store_close(&store);
    }
}

/* Two releases share a lock file. An earlier release writes a shorter note, which may replace only
 * the beginning of a note of this release. */
static void a_note_of_an_earlier_release_is_ignored(void **state)
{
    (void)state;
    char reason[RIA_TURN_REASON_SIZE];
    struct ria_store store = opened();
    assert_true(ria_turn_take(&store, world, ria_deadline_in(world, LONG_MS)));
    struct note_1 earlier = {.at = real_milliseconds(), .reason = "STS says Throttling"};
    assert_int_equal(pwrite(store.lock, &earlier, sizeof(earlier), 0), sizeof(earlier));
    assert_false(ria_turn_reason(&store, reason));
    ria_turn_note(&store, 3, 0, "STS says Throttling");
    assert_true(ria_turn_reason(&store, reason));
    assert_int_equal(pread(store.lock, &earlier, sizeof(earlier), 0), sizeof(earlier));
    /* The earlier release ignores the note, because its time is too long ago. */
    assert_true(earlier.at < real_milliseconds() - LONG_MS);
    earlier.at = real_milliseconds();
    assert_int_equal(pwrite(store.lock, &earlier, sizeof(earlier), 0), sizeof(earlier));
    assert_false(ria_turn_reason(&store, reason));
    assert_int_equal(ria_turn_tries(&store), 0);
    ria_store_close(&store);
}

static void a_success_removes_the_note(void **state)
{
    (void)state;
    char reason[RIA_TURN_REASON_SIZE];
    struct ria_store one = opened();
    struct ria_store other = opened();
    assert_true(ria_turn_take(&one, world, ria_deadline_in(world, LONG_MS)));
    ria_turn_note(&one, 1, 0, "STS says Throttling");
    ria_store_unlock(&one);
    ria_turn_clear(&one); /* control: only the process that holds the lock removes the note */
    assert_false(ria_turn_take(&other, world, ria_deadline_in(world, SHORT_MS)));
    assert_true(ria_turn_take(&one, world, ria_deadline_in(world, LONG_MS)));
    ria_turn_clear(&one);
    ria_store_unlock(&one);
    assert_true(ria_turn_take(&other, world, ria_deadline_in(world, SHORT_MS)));
    assert_false(ria_turn_reason(&other, reason));
    ria_store_close(&one);
    ria_store_close(&other);
}

/* Each try is the first one of its process. Each process has too little time for a second try. */
static void pauses_grow_with_the_tries_of_all_processes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct ria_fetch_pace pace;
        int64_t tries;
        int64_t least;
        int64_t most;
    } rows[] = {
        {"first", {.is_throttled = true}, 1, 250, 999},
        {"second", {.is_throttled = true}, 2, 500, 1999},
        {"a fault adds no try and no pause", {0}, 2, 0, 0},
        {"third", {.is_throttled = true}, 3, 1000, RIA_TURN_PAUSE_MAX_MS},
        {"fourth", {.is_throttled = true}, 4, RIA_TURN_PAUSE_MAX_MS, RIA_TURN_PAUSE_MAX_MS},
        {"fifth", {.is_throttled = true}, 5, RIA_TURN_PAUSE_MAX_MS, RIA_TURN_PAUSE_MAX_MS},
        {"sixth", {.is_throttled = true}, 6, RIA_TURN_PAUSE_MAX_MS, RIA_TURN_PAUSE_MAX_MS},
        {"seventh", {.is_throttled = true}, 7, RIA_TURN_PAUSE_MAX_MS, RIA_TURN_PAUSE_MAX_MS},
        {"eighth", {.is_throttled = true}, 8, RIA_TURN_PAUSE_MAX_MS, RIA_TURN_PAUSE_MAX_MS},
        {"a fault with Retry-After", {.retry_after = 1500}, 9, 1500, 1875},
    };
    for_each_row(row, rows, row->name) {
        struct note note;
        struct ria_store store = opened();
        assert_true(ria_store_lock(&store, LONG_MS));
        struct ria_fetch fetch = {
            .world = world, .deadline = ria_deadline_in(world, 0), .store = &store};
        struct ria_fetch_pace pace = row->pace;
        pace.reason = "STS says Throttling";
        expect_number(row->name, ria_fetch_retry(&fetch, 1, &pace), false);
        assert_int_equal(pread(store.lock, &note, sizeof(note), 0), sizeof(note));
        expect_number(row->name, note.tries, row->tries);
        assert_in_range(note.pause, row->least, row->most);
        ria_store_close(&store);
    }
}

/* Writes an entry whose credentials are valid for `left` seconds. */
static bool write_entry(const struct ria_store *store, int64_t left)
{
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    RIA_AUTO(buf) record = {.max = RIA_RECORD_MAX};
    response.outcome = RIA_FOUND;
    ria_buf_add_text(&response.credentials.access_key_id, "ASIAEXAMPLE");
    ria_buf_add_text(&response.credentials.secret_access_key, "example");
    response.credentials.expires = world->now(world->self) + left;
    ria_response_write(&response, &record);
    return ria_store_write(store, &record);
}

/* Runs ria_fetch_retry() while a child process has a turn. If `left` is not 0, the child writes an
 * entry whose credentials are valid for `left` seconds. Returns whether another try follows. */
static bool retry_while_a_child_has_a_turn(int64_t left)
{
    struct ria_plan plan = {0};
    struct ria_cache_place place;
    (void)snprintf(place.directory, sizeof(place.directory), "%s", directory);
    (void)snprintf(place.name, sizeof(place.name), "%s", name);
    struct ria_store store = opened();
    assert_true(ria_store_lock(&store, LONG_MS));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        ria_store_close(&store);
        store = opened();
        bool ok = ria_store_lock(&store, LONG_MS) && store.is_held &&
                  (left == 0 || write_entry(&store, left));
        _exit(ok ? 0 : 1);
    }
    const struct ria_fetch fetch = {
        .world = world,
        .plan = &plan,
        .deadline = ria_deadline_in(world, LONG_MS),
        .store = &store,
        .place = &place,
    };
    const struct ria_fetch_pace pace = {.is_throttled = true};
    bool is_sent_again = ria_fetch_retry(&fetch, 1, &pace);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(store.is_held);
    ria_store_close(&store);
    return is_sent_again;
}

static void a_fresh_entry_of_another_process_ends_the_tries(void **state)
{
    (void)state;
    assert_true(retry_while_a_child_has_a_turn(0));
    assert_true(retry_while_a_child_has_a_turn(SESSION - 1));
    assert_false(retry_while_a_child_has_a_turn(2 * SESSION));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_pause_holds_for_every_process, remove_files),
        cmocka_unit_test_teardown(
            a_pause_of_an_hour_delays_other_processes_for_seconds_only, remove_files),
        cmocka_unit_test_teardown(an_unusable_note_is_ignored, remove_files),
        cmocka_unit_test_teardown(a_note_of_an_earlier_release_is_ignored, remove_files),
        cmocka_unit_test_teardown(a_success_removes_the_note, remove_files),
        cmocka_unit_test_teardown(pauses_grow_with_the_tries_of_all_processes, remove_files),
        cmocka_unit_test_teardown(a_fresh_entry_of_another_process_ends_the_tries, remove_files),
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
