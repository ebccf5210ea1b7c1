/* SPDX-License-Identifier: MIT
 *
 * ria_guest_run() runs work on the caller's stack or on a thread that the product creates.
 * Cancellation of the caller is deferred until the work has ended. ria_guest_run_in_time() returns
 * at its deadline, even if the work has not ended. */
#include "os/guest_thread.h"
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum {
    MB = 1024 * 1024,
    COROUTINE_STACK = 4 * MB,
};

/* A piece of work, and the state that it found when it ran. */
struct job {
    struct ria_guest_work work;
    int result;
    pid_t caller;
    pid_t ran;
    pid_t prepared;
    bool has_room;
    sigset_t mask;
};

static void look_around(void *argument)
{
    struct job *job = argument;
    job->ran = gettid();
    job->has_room = ria_guest_has_room(MB / 8);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &job->mask);
}

static void prepare(void *argument)
{
    struct job *job = argument;
    job->prepared = gettid();
}

static void *run_job(void *argument)
{
    struct job *job = argument;
    job->work.run = job->work.run == NULL ? look_around : job->work.run;
    job->work.argument = job;
    job->caller = gettid();
    job->result = ria_guest_run(&job->work);
    return NULL;
}

static struct job *coroutine_job;

static void run_coroutine_job(void)
{
    (void)run_job(coroutine_job);
}

static void *run_job_in_coroutine(void *argument)
{
    ucontext_t here;
    ucontext_t there;
    coroutine_job = argument;
    assert_int_equal(getcontext(&there), 0);
    there.uc_stack.ss_sp = malloc(COROUTINE_STACK);
    there.uc_stack.ss_size = COROUTINE_STACK;
    there.uc_link = &here;
    assert_non_null(there.uc_stack.ss_sp);
    makecontext(&there, run_coroutine_job, 0);
    assert_int_equal(swapcontext(&here, &there), 0);
    free(there.uc_stack.ss_sp);
    return NULL;
}

static void run_on_thread(void *(*function)(void *), void *argument, size_t size)
{
    pthread_t thread;
    pthread_attr_t attributes;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, size), 0);
    assert_int_equal(pthread_create(&thread, &attributes, function, argument), 0);
    (void)pthread_attr_destroy(&attributes);
    (void)pthread_join(thread, NULL);
}

static void work_runs_on_a_stack_that_is_large_enough(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t thread; /* the size of its stack; 0: the first thread */
        bool is_coroutine;
        enum ria_guest_need need;
        bool is_elsewhere;
    } rows[] = {
        {"a token on the first thread", 0, false, RIA_GUEST_TOKEN, false},
        {"a name lookup on the first thread", 0, false, RIA_GUEST_NAME_SERVICE, false},
        {"a token on a thread of 8 MB", 8 * MB, false, RIA_GUEST_TOKEN, false},
        {"a name lookup on a thread of 8 MB", 8 * MB, false, RIA_GUEST_NAME_SERVICE, false},
        /* 256 KB comes before 512 KB: the C library may reuse the stack of a larger thread. */
        {"a token on a thread of 256 KB", MB / 4, false, RIA_GUEST_TOKEN, true},
        {"a token on a thread of 512 KB", MB / 2, false, RIA_GUEST_TOKEN, false},
        {"a name lookup on a thread of 512 KB", MB / 2, false, RIA_GUEST_NAME_SERVICE, true},
        {"a token in a coroutine", 0, true, RIA_GUEST_TOKEN, true},
        {"a name lookup in a coroutine of a thread", 8 * MB, true, RIA_GUEST_NAME_SERVICE, true},
    };
    sigset_t all;
    (void)sigfillset(&all);
    for_each_row(row, rows, row->name) {
        const char *message = row->name;
        void *(*run)(void *) = row->is_coroutine ? run_job_in_coroutine : run_job;
        struct job job = {.work = {.need = row->need, .prepare = prepare}};
        if (row->thread == 0) {
            (void)run(&job);
        } else {
            run_on_thread(run, &job, row->thread);
        }
        expect_number(message, job.result, 0);
        expect_number(message, job.ran != job.caller, row->is_elsewhere);
        expect_number(message, job.prepared, row->is_elsewhere ? job.caller : 0);
        expect_number(message, sigismember(&job.mask, SIGALRM), row->is_elsewhere);
        expect(message, job.has_room);
    }
}

static void work_needs_no_preparation_function(void **state)
{
    (void)state;
    struct job job = {.work = {.need = RIA_GUEST_TOKEN}};
    (void)run_job_in_coroutine(&job);
    assert_int_equal(job.result, 0);
    assert_int_not_equal(job.ran, job.caller);
}

static void signal_mask_and_cancellation_state_are_restored(void **state)
{
    (void)state;
    sigset_t before;
    sigset_t after;
    int cancellation = PTHREAD_CANCEL_DISABLE;
    struct job job = {.work = {.need = RIA_GUEST_TOKEN}};
    (void)pthread_sigmask(SIG_SETMASK, NULL, &before);
    (void)run_job_in_coroutine(&job);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &after);
    (void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &cancellation);
    for (int number = 1; number <= SIGRTMAX; number++) {
        expect_number("a signal", sigismember(&after, number), sigismember(&before, number));
    }
    assert_int_equal(cancellation, PTHREAD_CANCEL_ENABLE);
}

/* Root has no limit on processes, so the child changes to another user. */
static int error_without_threads(void)
{
    enum {
        SOMEBODY = 65534
    };
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0};
        struct job job = {.work = {.need = RIA_GUEST_TOKEN}};
        bool ok = geteuid() != 0 || setresuid(SOMEBODY, SOMEBODY, SOMEBODY) == 0;
        ok = ok && setrlimit(RLIMIT_NPROC, &none) == 0;
        (void)run_job_in_coroutine(&job);
        struct ria_guest_work work = {.need = RIA_GUEST_NAME_SERVICE, .run = look_around};
        ok = ok && job.ran == 0 && ria_guest_run_in_time(&work, 1000) == job.result;
        _exit(ok ? job.result : EXIT_FAILURE);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void if_no_thread_can_be_created_the_error_number_is_returned(void **state)
{
    (void)state;
    assert_int_equal(error_without_threads(), EAGAIN);
}

/* -- cancellation --------------------------------------------------------------------------- */

static sem_t is_running;
static sem_t may_end;
static _Atomic bool has_ended;
static _Atomic bool has_returned;

static void wait_to_end(void *unused)
{
    (void)unused;
    (void)sem_post(&is_running);
    (void)sem_wait(&may_end); /* a cancellation point */
    has_ended = true;
}

static void *run_until_cancelled(void *argument)
{
    (void)run_job(argument);
    pthread_testcancel();
    has_returned = true;
    return NULL;
}

static void *run_in_coroutine_until_cancelled(void *argument)
{
    (void)run_job_in_coroutine(argument);
    pthread_testcancel();
    has_returned = true;
    return NULL;
}

static void *run_in_time_until_cancelled(void *argument)
{
    struct job *job = argument;
    (void)ria_guest_run_in_time(&job->work, 60000);
    pthread_testcancel();
    has_returned = true;
    return NULL;
}

static void *wait_alone(void *unused)
{
    wait_to_end(unused);
    return NULL;
}

static void cancellation_is_deferred_until_the_work_has_ended(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void *(*function)(void *);
        bool ends;
    } rows[] = {
        {"on the caller's stack", run_until_cancelled, true},
        {"on a thread of the product", run_in_coroutine_until_cancelled, true},
        {"while the caller waits with a deadline", run_in_time_until_cancelled, true},
        {"control: no function of the product is called", wait_alone, false},
    };
    for_each_row(row, rows, row->name) {
        struct job job = {.work = {.need = RIA_GUEST_TOKEN, .run = wait_to_end}};
        pthread_t thread;
        void *result = NULL;
        expect_number(row->name, sem_init(&is_running, 0, 0) + sem_init(&may_end, 0, 0), 0);
        has_ended = has_returned = false;
        expect_number(row->name, pthread_create(&thread, NULL, row->function, &job), 0);
        (void)sem_wait(&is_running);
        (void)pthread_cancel(thread);
        if (row->ends) {
            (void)sem_post(&may_end);
        }
        (void)pthread_join(thread, &result);
        expect_number(row->name, has_ended, row->ends);
        expect_number(row->name, has_returned, false);
        expect(row->name, result == PTHREAD_CANCELED);
    }
}

/* -- in time -------------------------------------------------------------------------------- */

static void the_caller_waits_for_work_until_the_deadline(void **state)
{
    (void)state;
    static struct job quick;
    struct timespec start;
    struct timespec end;
    quick.work = (struct ria_guest_work){
        .need = RIA_GUEST_NAME_SERVICE, .run = look_around, .argument = &quick};
    assert_int_equal(ria_guest_run_in_time(&quick.work, 60999), 0);
    assert_int_not_equal(quick.ran, gettid());
    assert_true(sigismember(&quick.mask, SIGALRM));

    struct ria_guest_work slow = {.need = RIA_GUEST_NAME_SERVICE, .run = wait_to_end};
    assert_int_equal(sem_init(&is_running, 0, 0) + sem_init(&may_end, 0, 0), 0);
    has_ended = false;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    assert_int_equal(ria_guest_run_in_time(&slow, 1100), ETIMEDOUT);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    assert_false(has_ended);
    long passed = ((end.tv_sec - start.tv_sec) * 1000) + ((end.tv_nsec - start.tv_nsec) / 1000000);
    assert_in_range(passed, 1099, 10000);
    (void)sem_post(&may_end);
    for (int i = 0; i < 10000 && !has_ended;
         i++) { /* the work may still use the shared data after the call */
        (void)usleep(1000);
    }
    assert_true(has_ended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_runs_on_a_stack_that_is_large_enough),
        cmocka_unit_test(work_needs_no_preparation_function),
        cmocka_unit_test(signal_mask_and_cancellation_state_are_restored),
        cmocka_unit_test(if_no_thread_can_be_created_the_error_number_is_returned),
        cmocka_unit_test(cancellation_is_deferred_until_the_work_has_ended),
        cmocka_unit_test(the_caller_waits_for_work_until_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
