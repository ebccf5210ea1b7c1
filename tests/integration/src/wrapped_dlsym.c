/* SPDX-License-Identifier: MIT
 *
 * Preloaded: a dlsym() like those of other tools that are preloaded. It has a name of its own to
 * find, says that it was asked for PQping, and has libc find all else, by a call on top of its
 * caller's. Does what a dlsym() of ours must not do. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

__attribute__((visibility("default"))) void *dlsym(void *handle, const char *name)
{
    static char own[] = "found";
    void *(*next)(void *, const char *) = NULL;
    void *symbol = dlvsym(RTLD_NEXT, "dlsym", DLSYM_VERSION);
    memcpy(&next, &symbol, sizeof(symbol));
    void *found = next(handle, name);
    if (strcmp(name, "PQping") == 0) {
        (void)printf("asked for %s\n", name);
        (void)fflush(stdout);
    }
    return strcmp(name, "own_name") == 0 ? own : found;
}
