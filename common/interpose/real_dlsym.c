/* SPDX-License-Identifier: MIT
 *
 * Finds the next dlsym() by dlvsym(), which nothing of ours replaces, and keeps its address: where
 * it is never changes. On a processor for which dlsym.S has no code, dlsym() is libc's own. */
#include "interpose/real_dlsym.h"

#include <dlfcn.h>
#include <string.h>

/* The version that libc's dlsym() was born with on this processor, and keeps. */
#if defined(__x86_64__) && defined(__LP64__)
#define DLSYM_VERSION "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define DLSYM_VERSION "GLIBC_2.17"
#endif

#ifdef DLSYM_VERSION

/* dlerror() has the reason: dlvsym() failed. */
static void *find_nothing(void *handle, const char *name)
{
    (void)handle;
    (void)name;
    return NULL;
}

/* An object that is preloaded behind us may have a dlsym() too, and then its turn is before libc's:
 * but only the latter can be had without any. */
static ria_dlsym_function *find_next(void)
{
    ria_dlsym_function *next = find_nothing;
    void *found = dlvsym(RTLD_NEXT, "dlsym", DLSYM_VERSION);
    if (found == NULL) {
        return next;
    }
    memcpy(&next, &found, sizeof(found)); /* ISO C has no cast from an object to a function */
    found = next(RTLD_NEXT, "dlsym");
    if (found != NULL) {
        memcpy(&next, &found, sizeof(found));
    }
    return next;
}

ria_dlsym_function *ria_real_dlsym_function(void)
{
    static ria_dlsym_function *kept;
    ria_dlsym_function *next = __atomic_load_n(&kept, __ATOMIC_RELAXED);
    if (next == NULL) {
        next = find_next();
        __atomic_store_n(&kept, next, __ATOMIC_RELAXED);
    }
    return next;
}

#else

ria_dlsym_function *ria_real_dlsym_function(void)
{
    return dlsym;
}

#endif

void *ria_real_dlsym(void *handle, const char *name)
{
    return ria_real_dlsym_function()(handle, name);
}
