/* SPDX-License-Identifier: MIT
 *
 * Measures the free room of the current stack. Runs work on a new thread if the room is too small,
 * or if the work has a time limit. For example, the room is too small if Connector/C's asynchronous
 * API calls a plugin, on a stack of 60 KB without a guard page.
 *
 * The kernel puts the program's name at the top of the first thread's stack (AT_EXECFN). An address
 * is on that stack if it is less than RLIMIT_STACK, and less than 8 MB, below this name. For every
 * other thread, the C library reports the bounds. On the first thread the C library is not used,
 * because it would read /proc/self/maps. A coroutine's stack and an alternate signal stack are
 * outside the bounds of the thread that uses them, and count as too small.
 *
 * Limit: a coroutine's stack inside a thread's own stack looks like the thread's stack. */
#include "os/guest_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    KB = 1024,

    /* The stack size of a new thread. All known modules of NSS (Name Service Switch) need less than
     * half of this size. Only the pages that are used take memory. */
    THREAD_STACK = 1024 * KB,

    /* An address at most 8 MB below the top of the first stack is always in that stack, because the
     * kernel maps nothing else within 128 MB of the top. */
    FIRST_STACK_MAX = 8 * 1024 * KB
};

/* The free room that the work needs on the current stack. */
static const size_t rooms[] = {
    /* Making a token needs 40 KB (measured). Some runtimes reserve 100 KB at the end of a stack.
     * The rest is a margin. */
    [RIA_GUEST_TOKEN] = (size_t)256 * KB,
    /* An unknown module of NSS may need more stack than the known modules. So NSS modules run on
     * the current stack only if its free room is as large as the whole stack of a new thread. */
    [RIA_GUEST_NAME_SERVICE] = THREAD_STACK,
};

/* -- the stack in use ----------------------------------------------------------------------- */

static bool first_has(uintptr_t here, size_t size_needed)
{
    struct rlimit limit;
    uintptr_t top = (uintptr_t)getauxval(AT_EXECFN);
    if (here >= top || top - here >= FIRST_STACK_MAX || getrlimit(RLIMIT_STACK, &limit) != 0) {
        return false;
    }
    rlim_t room = limit.rlim_cur < FIRST_STACK_MAX ? limit.rlim_cur : FIRST_STACK_MAX;
    return room > size_needed && top - here < room - size_needed;
}

/* The bounds from pthread_getattr_np() exclude the guard pages (glibc's pthread_getattr_np.c). */
static bool thread_has(uintptr_t here, size_t size_needed)
{
    pthread_attr_t attributes;
    void *lowest = NULL;
    size_t size = 0;
    if (syscall(SYS_gettid) == getpid() || pthread_getattr_np(pthread_self(), &attributes) != 0) {
        return false;
    }
    bool is_known = pthread_attr_getstack(&attributes, &lowest, &size) == 0;
    (void)pthread_attr_destroy(&attributes);
    uintptr_t bottom = (uintptr_t)lowest;
    return is_known && here >= bottom && here - bottom < size && here - bottom >= size_needed;
}

bool ria_guest_has_room(size_t size_needed)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return first_has(here, size_needed) || thread_has(here, size_needed);
}

/* -- a new thread --------------------------------------------------------------------------- */

/* Starts a thread with all signals blocked, so that it runs no signal handler of the host program.
 */
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

/* -- a thread with a time limit ------------------------------------------------------------- */

/* Operations of futex(2), from linux/futex.h, which musl-gcc does not find. */
enum {
    FUTEX_OWN = 128, /* FUTEX_PRIVATE_FLAG: of this process alone */
    WAKE = 1 | FUTEX_OWN,
    WAIT_UNTIL = 9 | FUTEX_OWN, /* FUTEX_WAIT_BITSET: until a time of the monotonic clock */
    EVERY_WAKE = -1,            /* FUTEX_BITSET_MATCH_ANY */
};

/* Shared by the working thread and the waiting thread. The last user frees it. */
struct timed {
    struct ria_guest_work work;
    uint32_t is_done; /* a futex: the waiting thread waits until it is 1 */
    int users;
};

static void release(struct timed *timed)
{
    if (__atomic_sub_fetch(&timed->users, 1, __ATOMIC_ACQ_REL) == 0) {
        free(timed);
    }
}

static void *run_timed(void *argument)
{
    struct timed *timed = argument;
    timed->work.run(timed->work.argument);
    __atomic_store_n(&timed->is_done, 1, __ATOMIC_RELEASE);
    (void)syscall(SYS_futex, &timed->is_done, WAKE, 1, NULL, NULL, 0);
    release(timed);
    return NULL;
}

static struct timespec time_after(unsigned budget_ms)
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

/* Waits until the work is done, or until `end` on the monotonic clock. Uses a system call, because
 * only glibc has a function that waits for a semaphore on this clock. Returns 0, ETIMEDOUT, or the
 * error with which the kernel refuses the call. */
static int guest_thread_wait_for(struct timed *timed, const struct timespec *end)
{
    int before = PTHREAD_CANCEL_ENABLE;
    int error = 0;
    uint32_t is_done = 0;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    do {
        long result = syscall(SYS_futex, &timed->is_done, WAIT_UNTIL, 0, end, NULL, EVERY_WAKE);
        error = result == 0 ? 0 : errno;
        is_done = __atomic_load_n(&timed->is_done, __ATOMIC_ACQUIRE);
    } while (is_done == 0 && (error == 0 || error == EINTR || error == EAGAIN));
    (void)pthread_setcancelstate(before, NULL);
    return is_done != 0 ? 0 : error;
}

int ria_guest_run_in_time(const struct ria_guest_work *work, unsigned budget_ms)
{
    pthread_t thread;
    struct timespec end = time_after(budget_ms);
    struct timed *timed = calloc(1, sizeof(*timed));
    if (timed == NULL) {
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
