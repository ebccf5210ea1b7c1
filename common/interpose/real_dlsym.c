/* SPDX-License-Identifier: MIT
 *
 * Finds the real dlsym() with dlvsym(), which rds-iam does not replace. Caches the address of the
 * real dlsym(), because this address never changes. On a processor for which dlsym.S has no code,
 * rds-iam does not replace dlsym(), so the public dlsym() is the real one. */
#include "interpose/real_dlsym.h"

#include <dlfcn.h>
#include <string.h>

/* The symbol version of libc's dlsym() on this processor. This is the version of the first glibc
 * that supports the processor. */
#if defined(__x86_64__) && defined(__LP64__)
#define DLSYM_VERSION "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define DLSYM_VERSION "GLIBC_2.17"
#endif

#ifdef DLSYM_VERSION

/* Used if the real dlsym() was not found. Returns NULL, and does not change the error of
 * dlvsym() that dlerror() reports. */
static void *find_nothing(void *handle, const char *name)
{
    (void)handle;
    (void)name;
    return NULL;
}

/* Finds libc's dlsym() with dlvsym(). Then calls libc's dlsym() to look up the next dlsym(), which
 * may belong to another preload after this one. In this case, that preload's dlsym() has precedence
 * over libc's. */
static ria_dlsym_function *find_next(void)
{
    ria_dlsym_function *next = find_nothing;
    void *found = dlvsym(RTLD_NEXT, "dlsym", DLSYM_VERSION);
    if (found == NULL) {
        return next;
    }
    /* ISO C has no cast from an object pointer to a function pointer. */
    memcpy(&next, &found, sizeof(found));
    found = next(RTLD_NEXT, "dlsym");
    if (found != NULL) {
        memcpy(&next, &found, sizeof(found));
    }
    return next;
}

ria_dlsym_function *ria_real_dlsym_function(void)
{
    static ria_dlsym_function *cached;
    ria_dlsym_function *next = __atomic_load_n(&cached, __ATOMIC_RELAXED);
    if (next == NULL) {
        next = find_next();
        __atomic_store_n(&cached, next, __ATOMIC_RELAXED);
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
