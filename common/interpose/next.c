/* SPDX-License-Identifier: MIT
 *
 * Looks up libc's functions for the interposed functions of the same names, and caches their
 * addresses. Libc is never unloaded, so an address does not change while the process runs.
 */
#include "interpose/next.h"

#include "interpose/real_dlsym.h"

#include <dlfcn.h>
#include <stddef.h>

void *ria_next_function(struct ria_next *next)
{
    void *found = __atomic_load_n(&next->found, __ATOMIC_RELAXED);
    if (found == NULL) {
        found = ria_real_dlsym(RTLD_NEXT, next->name);
        __atomic_store_n(&next->found, found, __ATOMIC_RELAXED);
    }
    return found;
}

__attribute__((constructor(RIA_PRELOAD_FIRST))) void ria_next_prepare(void)
{
    for (struct ria_next *next = ria_next_functions; next->name != NULL; next++) {
        (void)ria_next_function(next);
    }
    (void)dlerror(); /* clears the error of a function that this libc does not define */
}
