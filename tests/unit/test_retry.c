/* SPDX-License-Identifier: MIT
 *
 * When rds-iam-fetch sends a request again: the number of tries, the pauses, and the deadline. */
#include "fetch/fetch.h"
#include "unit.h"

enum {
    NEVER = -1
};

static void a_pause_is_random_and_its_limit_doubles(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned tries;
        struct ria_fetch_pace pace;
        int64_t least; /* NEVER: the request is not sent again */
        int64_t most;
    } rows[] = {
        {"a fault, once", 1, {0}, 0, 199},
        {"a fault, twice", 2, {0}, 0, 399},
        {"a fault, three times", 3, {0}, NEVER, NEVER},
        {"throttled once", 1, {.is_throttled = true}, 250, 999},
        {"throttled twice", 2, {.is_throttled = true}, 500, 1999},
        {"throttled four times", 4, {.is_throttled = true}, 2000, 7999},
        {"throttled seven times", 7, {.is_throttled = true}, 2000, 7999},
        {"throttled eight times", 8, {.is_throttled = true}, NEVER, NEVER},
        {"a fault with Retry-After", 1, {.retry_after = 2000}, 2000, 2500},
        {"a fault with Retry-After, three times", 3, {.retry_after = 2000}, NEVER, NEVER},
        {"throttled, with Retry-After", 1, {.is_throttled = true, .retry_after = 4000}, 4000, 5000},
        {"a fault with a Retry-After of a day",
         1,
         {.retry_after = INT64_C(86400000)},
         86400000,
         108000000},
    };
    for_each_row(row, rows, row->name) {
        int64_t least = INT64_MAX;
        int64_t most = INT64_MIN;
        for (uint32_t random = 0; random < 1000003; random += 7) {
            int64_t pause = ria_fetch_pause(row->tries, &row->pace, random);
            least = pause < least ? pause : least;
            most = pause > most ? pause : most;
        }
        expect_number(row->name, least, row->least);
        if (row->most < 1000) {
            expect_number(row->name, most, row->most);
        } else {
            assert_in_range(most, row->least, row->most);
        }
    }
}

static void a_pause_longer_than_the_time_left_ends_the_tries(void **state)
{
    (void)state;
    const struct ria_world *world = ria_process_world();
    struct ria_fetch fetch = {.world = world, .deadline = ria_deadline_in(world, 300)};
    const struct ria_fetch_pace an_hour = {.retry_after = 3600000};
    const struct ria_fetch_pace throttled = {.is_throttled = true};
    assert_false(ria_fetch_retry(&fetch, 1, &an_hour));
    assert_false(ria_fetch_retry(&fetch, 1, &throttled));
    const struct ria_fetch_pace fault = {0};
    assert_true(ria_fetch_retry(&fetch, 1, &fault));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pause_is_random_and_its_limit_doubles),
        cmocka_unit_test(a_pause_longer_than_the_time_left_ends_the_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
