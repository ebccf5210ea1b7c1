/* SPDX-License-Identifier: MIT
 *
 * Where the stack is known to suffice, and where it is not: on a thread, in a coroutine, under a
 * limit that is too low. */
#include "base/stack.h"
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <ucontext.h>

enum {
    WANTED = 1024 * 1024,
    COROUTINE_STACK = 4 * 1024 * 1024,
};

static void set_limit(rlim_t size)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_STACK, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_STACK, &limit), 0);
}

static void the_first_stack_suffices_up_to_its_limit(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_STACK, &before), 0);
    set_limit(8 * 1024 * 1024);
    assert_true(ria_stack_has(WANTED));
    assert_false(ria_stack_has(8 * 1024 * 1024));
    set_limit(WANTED / 2);
    assert_false(ria_stack_has(WANTED));
    assert_true(ria_stack_has(WANTED / 8));
    set_limit(before.rlim_cur);
}

static void *ask_on_thread(void *answer)
{
    *(bool *)answer = ria_stack_has(1);
    return NULL;
}

static void a_threads_stack_is_not_known(void **state)
{
    (void)state;
    pthread_t thread;
    bool answer = true;
    assert_int_equal(pthread_create(&thread, NULL, ask_on_thread, &answer), 0);
    (void)pthread_join(thread, NULL);
    assert_false(answer);
}

static bool coroutine_answer;

static void ask_in_coroutine(void)
{
    coroutine_answer = ria_stack_has(1);
}

static void a_coroutines_stack_is_not_known(void **state)
{
    (void)state;
    ucontext_t here;
    ucontext_t there;
    coroutine_answer = true;
    assert_int_equal(getcontext(&there), 0);
    there.uc_stack.ss_sp = malloc(COROUTINE_STACK);
    there.uc_stack.ss_size = COROUTINE_STACK;
    there.uc_link = &here;
    assert_non_null(there.uc_stack.ss_sp);
    makecontext(&there, ask_in_coroutine, 0);
    assert_int_equal(swapcontext(&here, &there), 0);
    free(there.uc_stack.ss_sp);
    assert_false(coroutine_answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_stack_suffices_up_to_its_limit),
        cmocka_unit_test(a_threads_stack_is_not_known),
        cmocka_unit_test(a_coroutines_stack_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
