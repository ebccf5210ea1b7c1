/* SPDX-License-Identifier: MIT
 *
 * How much stack there is below us. It is told only for the stack that a process starts with: it
 * lies below the program's name, which the kernel puts at its top, and may grow to the limit.
 * Everything else (threads, coroutines, signal stacks) lies elsewhere, and what it is cannot be
 * asked cheaply. */
#include "base/stack.h"

#include <stdint.h>
#include <sys/auxv.h>
#include <sys/resource.h>

enum {
    /* Nothing but this stack lies so near below its top: the kernel keeps 128 MB free. */
    FIRST_STACK_MAX = 8 * 1024 * 1024
};

bool ria_stack_has(size_t wanted)
{
    struct rlimit limit;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    uintptr_t top = (uintptr_t)getauxval(AT_EXECFN);
    if (here >= top || top - here >= FIRST_STACK_MAX || getrlimit(RLIMIT_STACK, &limit) != 0) {
        return false;
    }
    rlim_t room = limit.rlim_cur < FIRST_STACK_MAX ? limit.rlim_cur : FIRST_STACK_MAX;
    return room > wanted && top - here < room - wanted;
}
