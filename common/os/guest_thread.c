/* SPDX-License-Identifier: MIT
 *
 * Finds out how much of the stack in use is left, and starts a thread where that is not enough:
 * Connector/C's asynchronous API gives a plugin 60 KB without a guard page. The stack that a
 * process starts with is known by its place: it lies below the program's name, which the kernel
 * puts at its top, and may grow to the limit. Of every other thread's stack the C library knows the
 * bounds. It is not asked on the first thread, whose bounds it would read from /proc/self/maps:
 * there, what is not known by its place lies on no thread's stack. A coroutine, a signal's
 * alternate stack and the like lie outside all bounds, and count as too small.
 *
 * A stack that a program cuts out of a thread's own cannot be told from it. */
#include "os/guest_thread.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    KB = 1024,

    /* Of a thread of ours, for all work: no module of NSS is known to need half of it, and only
     * what is touched of it becomes memory. */
    THREAD_STACK = 1024 * KB,

    /* Nothing but this stack lies so near below its top: the kernel keeps 128 MB free. */
    FIRST_STACK_MAX = 8 * 1024 * KB
};

/* What has to be left of the stack in use. */
static const size_t rooms[] = {
    /* Measured are 40 KB; some runtimes keep 100 KB at the end of a stack for themselves. */
    [RIA_GUEST_TOKEN] = (size_t)256 * KB,
    /* Modules of NSS are not ours to measure: as much as a thread of ours has. */
    [RIA_GUEST_NAME_SERVICE] = THREAD_STACK,
};

/* -- the stack in use ----------------------------------------------------------------------- */

static bool first_has(uintptr_t here, size_t wanted)
{
    struct rlimit limit;
    uintptr_t top = (uintptr_t)getauxval(AT_EXECFN);
    if (here >= top || top - here >= FIRST_STACK_MAX || getrlimit(RLIMIT_STACK, &limit) != 0) {
        return false;
    }
    rlim_t room = limit.rlim_cur < FIRST_STACK_MAX ? limit.rlim_cur : FIRST_STACK_MAX;
    return room > wanted && top - here < room - wanted;
}

/* What pthread_getattr_np() gives does not include the guard pages (glibc's pthread_getattr_np.c).
 */
static bool thread_has(uintptr_t here, size_t wanted)
{
    pthread_attr_t attributes;
    void *lowest = NULL;
    size_t size = 0;
    if (gettid() == getpid() || pthread_getattr_np(pthread_self(), &attributes) != 0) {
        return false;
    }
    bool is_known = pthread_attr_getstack(&attributes, &lowest, &size) == 0;
    (void)pthread_attr_destroy(&attributes);
    uintptr_t bottom = (uintptr_t)lowest;
    return is_known && here >= bottom && here - bottom < size && here - bottom >= wanted;
}

bool ria_guest_has_room(size_t wanted)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return first_has(here, wanted) || thread_has(here, wanted);
}

/* -- a thread of ours ----------------------------------------------------------------------- */

/* The thread inherits the mask with which no signal of the host's is handled on it. */
static int guest_thread_start(
    pthread_t *thread, int detach_state, void *(*entry)(void *), void *argument)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    int error = pthread_attr_init(&attributes);
    if (error != 0) {
        return error;
    }
    error = pthread_attr_setstacksize(&attributes, THREAD_STACK);
    error = error != 0 ? error : pthread_attr_setdetachstate(&attributes, detach_state);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    error = error != 0 ? error : pthread_create(thread, &attributes, entry, argument);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return error;
}

static void *run_joined(void *argument)
{
    const struct ria_guest_work *work = argument;
    work->run(work->argument);
    return NULL;
}

static int run_on_thread(const struct ria_guest_work *work)
{
    pthread_t thread;
    struct ria_guest_work copy = *work;
    if (work->prepare != NULL) {
        work->prepare(work->argument);
    }
    int error = guest_thread_start(&thread, PTHREAD_CREATE_JOINABLE, run_joined, &copy);
    if (error == 0) {
        (void)pthread_join(thread, NULL);
    }
    return error;
}

int ria_guest_run(const struct ria_guest_work *work)
{
    int error = 0;
    int before = PTHREAD_CANCEL_ENABLE;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    if (ria_guest_has_room(rooms[work->need])) {
        work->run(work->argument);
    } else {
        error = run_on_thread(work);
    }
    (void)pthread_setcancelstate(before, NULL);
    return error;
}

/* -- a thread that is waited for in time ---------------------------------------------------- */

/* Shared by the thread that works and the one that waits; the last of them frees it. */
struct timed {
    struct ria_guest_work work;
    sem_t done;
    int users;
};

static void release(struct timed *timed)
{
    if (__atomic_sub_fetch(&timed->users, 1, __ATOMIC_ACQ_REL) == 0) {
        (void)sem_destroy(&timed->done);
        free(timed);
    }
}

static void *run_timed(void *argument)
{
    struct timed *timed = argument;
    timed->work.run(timed->work.argument);
    (void)sem_post(&timed->done);
    release(timed);
    return NULL;
}

static struct timespec time_in(unsigned budget_ms)
{
    enum {
        MS = 1000,
        NS = 1000 * 1000 * 1000
    };
    struct timespec end = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += budget_ms / MS;
    end.tv_nsec += (long)(budget_ms % MS) * (NS / MS);
    if (end.tv_nsec >= NS) {
        end.tv_nsec -= NS;
        end.tv_sec++;
    }
    return end;
}

static int guest_thread_wait_for(struct timed *timed, const struct timespec *end)
{
    int before = PTHREAD_CANCEL_ENABLE;
    int error = 0;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    do {
        error = sem_clockwait(&timed->done, CLOCK_MONOTONIC, end) == 0 ? 0 : errno;
    } while (error == EINTR);
    (void)pthread_setcancelstate(before, NULL);
    return error;
}

int ria_guest_run_in_time(const struct ria_guest_work *work, unsigned budget_ms)
{
    pthread_t thread;
    struct timespec end = time_in(budget_ms);
    struct timed *timed = calloc(1, sizeof(*timed));
    if (timed == NULL || sem_init(&timed->done, 0, 0) != 0) {
        free(timed);
        return ENOMEM;
    }
    timed->work = *work;
    timed->users = 2;
    int error = guest_thread_start(&thread, PTHREAD_CREATE_DETACHED, run_timed, timed);
    if (error != 0) {
        timed->users = 1;
    } else {
        error = guest_thread_wait_for(timed, &end);
    }
    release(timed);
    return error;
}
