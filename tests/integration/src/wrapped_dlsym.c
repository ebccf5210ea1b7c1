/* SPDX-License-Identifier: MIT
 *
 * A library to preload, with a dlsym() like that of other preloaded tools. This dlsym() passes each
 * lookup to the next dlsym(), by a call from its own code, and prints a line for lookups of PQping.
 * For the name own_name, it returns an address of its own. rds-iam's dlsym() must not call the next
 * dlsym() from its own code, because libc would then see the wrong caller. */
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
