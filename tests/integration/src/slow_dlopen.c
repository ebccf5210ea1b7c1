/* SPDX-License-Identifier: MIT
 *
 * Preloaded: a plugin takes its time to be loaded, as from a cold disk, so that what may happen
 * meanwhile does happen. */
#include <dlfcn.h>
#include <string.h>
#include <time.h>

__attribute__((visibility("default"))) void *dlopen(const char *file, int mode)
{
    static const struct timespec cold = {.tv_nsec = 200 * 1000 * 1000};
    void *(*next)(const char *, int) = NULL;
    void *symbol = dlsym(RTLD_NEXT, "dlopen");
    memcpy(&next, &symbol, sizeof(next));
    if (file != NULL && strstr(file, "mysql_clear_password") != NULL) {
        (void)nanosleep(&cold, NULL);
    }
    return next(file, mode);
}
