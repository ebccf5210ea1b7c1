/* SPDX-License-Identifier: MIT
 *
 * Which dlsym() a question goes to. */
#include "preload/lookup.h"

#include "preload/copies.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

/* The version that libc's dlsym() was born with on this processor, and keeps. */
#if defined(__x86_64__) && defined(__LP64__)
#define DLSYM_VERSION "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define DLSYM_VERSION "GLIBC_2.17"
#endif

#ifdef DLSYM_VERSION

typedef void *dlsym_function(void *handle, const char *name);

/* dlerror() has the reason: dlvsym() failed. */
static void *find_nothing(void *handle, const char *name)
{
    (void)handle;
    (void)name;
    return NULL;
}

/* An object that is preloaded behind us may have a dlsym() too, and then its turn is before libc's:
 * but only the latter can be had without any. */
static dlsym_function *find_next(void)
{
    dlsym_function *next = find_nothing;
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

static dlsym_function *next_dlsym(void)
{
    static dlsym_function *kept; /* where it is never changes */
    dlsym_function *next = __atomic_load_n(&kept, __ATOMIC_RELAXED);
    if (next == NULL) {
        next = find_next();
        __atomic_store_n(&kept, next, __ATOMIC_RELAXED);
    }
    return next;
}

void *ria_lookup(void *handle, const char *name)
{
    return next_dlsym()(handle, name);
}

/* Entered by a jump, so that the return address is the program's. */
static void *look_up_ours(void *handle, const char *name)
{
    int saved = errno;
    void *found = ria_lookup(handle, name);
    if (found != NULL) {
        found = ria_copies_stand_in(handle, name, found, __builtin_return_address(0));
        (void)dlerror(); /* of a lookup of ours on the way there */
    }
    errno = saved;
    return found;
}

dlsym_function *ria_lookup_route(void *handle, const char *name)
{
    bool is_libpqs = name[0] == 'P' && name[1] == 'Q' && handle != RTLD_NEXT;
    return is_libpqs && ria_copies_knows(name) && getauxval(AT_SECURE) == 0 ? look_up_ours
                                                                            : next_dlsym();
}

#else

void *ria_lookup(void *handle, const char *name)
{
    return dlsym(handle, name);
}

#endif
