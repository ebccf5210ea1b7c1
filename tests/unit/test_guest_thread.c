/* SPDX-License-Identifier: MIT
 *
 * ria_guest_has_room() returns whether the current stack is known to be large enough. The tests
 * call it on threads, in a coroutine, in a signal handler, and with a stack limit that is too low.
 */
#include "os/guest_thread.h"
#include "unit.h"

#include <pthread.h>
#include <signal.h>
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

static void the_main_stack_is_large_enough_up_to_its_limit(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_STACK, &before), 0);
    set_limit(8 * 1024 * 1024);
    assert_true(ria_guest_has_room(WANTED));
    assert_false(ria_guest_has_room(8 * 1024 * 1024));
    set_limit(WANTED / 2);
    assert_false(ria_guest_has_room(WANTED));
    assert_true(ria_guest_has_room(WANTED / 8));
    set_limit(before.rlim_cur);
}

struct request {
    size_t wanted;
    bool response;
};

static void *ask_on_thread(void *argument)
{
    struct request *request = argument;
    request->response = ria_guest_has_room(request->wanted);
    return NULL;
}

/* Runs the function on a thread. If stack is NULL, the C library allocates the stack. */
static void run_on_thread(void *(*function)(void *), void *argument, void *stack, size_t size)
{
    pthread_t thread;
    pthread_attr_t attributes;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(
        stack == NULL ? pthread_attr_setstacksize(&attributes, size)
                      : pthread_attr_setstack(&attributes, stack, size),
        0);
    assert_int_equal(pthread_create(&thread, &attributes, function, argument), 0);
    (void)pthread_attr_destroy(&attributes);
    (void)pthread_join(thread, NULL);
}

static void the_stack_of_a_thread_is_large_enough_up_to_its_size(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t size;
        bool is_own; /* memory of the program */
        size_t wanted;
        bool want;
    } rows[] = {
        {"a stack of 8 MB", 8 * WANTED, false, WANTED, true},
        {"nearly all of a stack of 8 MB", 8 * WANTED, false, 8 * WANTED - WANTED / 8, true},
        {"all of a stack of 8 MB, of which a part is in use", 8 * WANTED, false, 8 * WANTED, false},
        {"a stack of 256 KB", WANTED / 4, false, WANTED, false},
        {"a part of a stack of 256 KB", WANTED / 4, false, WANTED / 8, true},
        {"a stack in the program's own memory", 2 * WANTED, true, WANTED, true},
        {"a small stack in the program's own memory", WANTED / 2, true, WANTED, false},
    };
    for_each_row(row, rows, row->name) {
        void *stack = row->is_own ? aligned_alloc(4096, row->size) : NULL;
        struct request request = {.wanted = row->wanted};
        run_on_thread(ask_on_thread, &request, stack, row->size);
        free(stack);
        expect_number(row->name, request.response, row->want);
    }
}

/* Calls the function after most of the stack has been used. */
static void *ask_deep_down(void *argument)
{
    struct request *request = argument;
    volatile char used[7 * WANTED];
    used[0] = 1;
    used[sizeof(used) - 1] = 1;
    request->response = ria_guest_has_room(request->wanted);
    used[1] = used[0];
    return NULL;
}

/* Reads the last byte of the reported room. If that byte were in a guard page, the program would
 * crash. */
static void *touch_the_lowest(void *argument)
{
    struct request *request = argument;
    while (!ria_guest_has_room(request->wanted)) {
        request->wanted -= 4096;
    }
    const volatile char *here = __builtin_frame_address(0);
    request->response = here[-(ptrdiff_t)request->wanted] == 0;
    return NULL;
}

static void guard_pages_are_not_counted(void **state)
{
    (void)state;
    static const size_t guards[] = {0, 4096, (size_t)4 * WANTED};
    for_each_row(guard, guards, NULL) {
        struct request request = {.wanted = (size_t)16 * WANTED};
        pthread_t thread;
        pthread_attr_t attributes;
        expect_number("guards", pthread_attr_init(&attributes), 0);
        expect_number("guards", pthread_attr_setstacksize(&attributes, (size_t)8 * WANTED), 0);
        expect_number("guards", pthread_attr_setguardsize(&attributes, *guard), 0);
        expect_number(
            "guards", pthread_create(&thread, &attributes, touch_the_lowest, &request), 0);
        (void)pthread_attr_destroy(&attributes);
        (void)pthread_join(thread, NULL);
        expect("guards", request.response);
        expect("guards", request.wanted > (size_t)3 * WANTED);
    }
}

static void used_stack_is_not_counted(void **state)
{
    (void)state;
    struct request request = {.wanted = WANTED, .response = true};
    run_on_thread(ask_deep_down, &request, NULL, 8 * WANTED);
    assert_false(request.response);
    request.wanted = WANTED / 2;
    run_on_thread(ask_deep_down, &request, NULL, 8 * WANTED);
    assert_true(request.response);
}

static bool coroutine_response;

static void ask_in_coroutine(void)
{
    coroutine_response = ria_guest_has_room(1);
}

static void *in_coroutine(void *unused)
{
    (void)unused;
    ucontext_t here;
    ucontext_t there;
    coroutine_response = true;
    assert_int_equal(getcontext(&there), 0);
    there.uc_stack.ss_sp = malloc(COROUTINE_STACK);
    there.uc_stack.ss_size = COROUTINE_STACK;
    there.uc_link = &here;
    assert_non_null(there.uc_stack.ss_sp);
    makecontext(&there, ask_in_coroutine, 0);
    assert_int_equal(swapcontext(&here, &there), 0);
    free(there.uc_stack.ss_sp);
    return NULL;
}

static void the_stack_of_a_coroutine_is_unknown(void **state)
{
    (void)state;
    (void)in_coroutine(NULL);
    assert_false(coroutine_response);
    run_on_thread(in_coroutine, NULL, NULL, 8 * WANTED);
    assert_false(coroutine_response);
}

static volatile sig_atomic_t signal_response;

static void ask_in_handler(int number)
{
    (void)number;
    signal_response = ria_guest_has_room(1);
}

static void *on_signal_stack(void *unused)
{
    (void)unused;
    stack_t stack = {.ss_sp = malloc(COROUTINE_STACK), .ss_size = COROUTINE_STACK};
    stack_t before;
    struct sigaction action = {.sa_handler = ask_in_handler, .sa_flags = SA_ONSTACK};
    struct sigaction old;
    assert_non_null(stack.ss_sp);
    assert_int_equal(sigaltstack(&stack, &before), 0);
    assert_int_equal(sigaction(SIGUSR1, &action, &old), 0);
    signal_response = 1;
    (void)pthread_kill(pthread_self(), SIGUSR1);
    (void)sigaction(SIGUSR1, &old, NULL);
    (void)sigaltstack(&before, NULL);
    free(stack.ss_sp);
    return NULL;
}

static void the_stack_of_a_signal_handler_is_unknown(void **state)
{
    (void)state;
    (void)on_signal_stack(NULL);
    assert_false(signal_response);
    run_on_thread(on_signal_stack, NULL, NULL, 8 * WANTED);
    assert_false(signal_response);
}

/* On the first thread, the C library would read a file to find the size of the stack. */
static void no_file_is_opened_to_find_the_stack(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool first = ria_guest_has_room(WANTED);
    struct request request = {.wanted = WANTED};
    run_on_thread(ask_on_thread, &request, NULL, 8 * WANTED);
    (void)in_coroutine(NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(first);
    assert_true(request.response);
    assert_false(coroutine_response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_main_stack_is_large_enough_up_to_its_limit),
        cmocka_unit_test(the_stack_of_a_thread_is_large_enough_up_to_its_size),
        cmocka_unit_test(guard_pages_are_not_counted),
        cmocka_unit_test(used_stack_is_not_counted),
        cmocka_unit_test(the_stack_of_a_coroutine_is_unknown),
        cmocka_unit_test(the_stack_of_a_signal_handler_is_unknown),
        cmocka_unit_test(no_file_is_opened_to_find_the_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
