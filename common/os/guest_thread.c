/* SPDX-License-Identifier: MIT
 *
 * How much of the stack in use is left. The stack that a process starts with is known by its place:
 * it lies below the program's name, which the kernel puts at its top, and may grow to the limit. Of
 * every other thread's stack the C library knows the bounds. It is not asked on the first thread,
 * whose bounds it would read from /proc/self/maps: there, what is not known by its place lies on no
 * thread's stack. A coroutine, a signal's alternate stack and the like lie outside all bounds.
 *
 * A stack that a program cuts out of a thread's own cannot be told from it. */
#include "os/guest_thread.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    /* Nothing but this stack lies so near below its top: the kernel keeps 128 MB free. */
    FIRST_STACK_MAX = 8 * 1024 * 1024
};

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

bool ria_stack_has(size_t wanted)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return first_has(here, wanted) || thread_has(here, wanted);
}
