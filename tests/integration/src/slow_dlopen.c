/* SPDX-License-Identifier: MIT
 *
 * Preloaded: delays the loading of a plugin, as a slow disk does, to give races time to occur. */
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
