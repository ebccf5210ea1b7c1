/* SPDX-License-Identifier: MIT
 *
 * Nested calls of the functions that a preload replaces. Calls that the library itself makes must
 * be distinguished from calls of the program, also after longjmp() has left a call. */
#include "interpose/nested.h"

#include "unit.h"

/* Frames of one stack. The stack grows downwards, so the first frame is the outermost. */
static const char stack[4];
static const char *const frames[] = {&stack[3], &stack[2], &stack[1], &stack[0]};

static void a_call_is_in_progress_for_frames_below_it(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t begun;
        size_t seen;
        bool is_in_progress;
    } rows[] = {
        {"a function that the call has called", 1, 2, true},
        {"a function several frames below the call", 0, 3, true},
        {"the same frame: a later call from the same place", 1, 1, false},
        {"the frame of the caller: longjmp() has left the call", 1, 0, false},
        {"a frame far above: longjmp() has left the call", 3, 0, false},
    };
    for_each_row(row, rows, row->name) {
        struct ria_nested call = {0};
        ria_nested_begin(&call, frames[row->begun]);
        expect_number(
            row->name, ria_nested_is_in_progress(&call, frames[row->seen]), row->is_in_progress);
        ria_nested_end(&call);
        expect(row->name, !ria_nested_is_in_progress(&call, frames[row->seen]));
    }
}

static void before_the_first_call_no_call_is_in_progress(void **state)
{
    (void)state;
    const struct ria_nested call = {0};
    for_each_row(frame, frames, *frame) {
        expect(*frame, !ria_nested_is_in_progress(&call, *frame));
    }
}

static void an_internal_call_has_the_expected_arguments_and_happens_once(void **state)
{
    (void)state;
    static const char arguments[] = "host=a";
    static const char others[] = "host=a";
    struct ria_nested call = {0};
    ria_nested_begin(&call, frames[0]);
    assert_false(ria_nested_is_expected(&call, arguments)); /* no call was expected yet */
    ria_nested_expect(&call, arguments);
    assert_false(ria_nested_is_expected(&call, others)); /* an equal text at another address */
    assert_false(ria_nested_is_expected(&call, NULL));
    assert_true(ria_nested_is_expected(&call, arguments));
    assert_false(ria_nested_is_expected(&call, arguments));
}

static void a_call_without_arguments_is_never_internal(void **state)
{
    (void)state;
    struct ria_nested call = {0};
    ria_nested_begin(&call, frames[0]);
    ria_nested_expect(&call, NULL);
    assert_false(ria_nested_is_expected(&call, NULL));
}

static void a_new_call_clears_the_expectation_of_the_last_one(void **state)
{
    (void)state;
    static const char arguments[] = "host=a";
    struct ria_nested call = {0};
    ria_nested_begin(&call, frames[0]);
    ria_nested_expect(&call, arguments);
    ria_nested_begin(&call, frames[1]);
    assert_false(ria_nested_is_expected(&call, arguments));
    ria_nested_expect(&call, arguments);
    ria_nested_end(&call);
    assert_false(ria_nested_is_expected(&call, arguments));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_in_progress_for_frames_below_it),
        cmocka_unit_test(before_the_first_call_no_call_is_in_progress),
        cmocka_unit_test(an_internal_call_has_the_expected_arguments_and_happens_once),
        cmocka_unit_test(a_call_without_arguments_is_never_internal),
        cmocka_unit_test(a_new_call_clears_the_expectation_of_the_last_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
