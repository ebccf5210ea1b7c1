/* SPDX-License-Identifier: MIT
 *
 * The process's first stack is known by its place; of every other thread's, glibc knows the bounds
 * by heart. (Of the first one it would have to read /proc/self/maps, so that is asked for last.) */
#include "preload/room.h"

#include "base/stack.h"

#include <pthread.h>
#include <stdint.h>

static bool thread_has(size_t wanted)
{
    pthread_attr_t attributes;
    void *lowest = NULL;
    size_t size = 0;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
        return false;
    }
    bool is_known = pthread_attr_getstack(&attributes, &lowest, &size) == 0;
    (void)pthread_attr_destroy(&attributes);
    uintptr_t bottom = (uintptr_t)lowest;
    return is_known && here >= bottom && here - bottom < size && here - bottom >= wanted;
}

bool ria_has_room(size_t wanted)
{
    return ria_stack_has(wanted) || thread_has(wanted);
}
