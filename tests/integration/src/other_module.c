/* SPDX-License-Identifier: MIT
 *
 * An object for LD_PRELOAD that replaces dlopen(). When rds-iam's preload loads its token module,
 * this dlopen() loads another file instead: the one that the variable OTHER_MODULE names. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

__attribute__((visibility("default"))) void *dlopen(const char *file, int mode)
{
    void *(*next)(const char *, int) = NULL;
    void *symbol = dlsym(RTLD_NEXT, "dlopen");
    memcpy(&next, &symbol, sizeof(next));
    bool is_module = file != NULL && strstr(file, "/rds-iam-pq-token.so") != NULL;
    return next(is_module ? getenv("OTHER_MODULE") : file, mode);
}
