/* SPDX-License-Identifier: MIT
 *
 * Stands for a copy of libpq: has what makes one, and answers a ping with the number in the name of
 * its own file. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

void *PQconninfo(void *conn);
unsigned PQping(const char *conninfo);

__attribute__((visibility("default"))) void *PQconninfo(void *conn)
{
    return conn;
}

__attribute__((visibility("default"))) unsigned PQping(const char *conninfo)
{
    static const char here = 0;
    Dl_info info;
    (void)conninfo;
    if (dladdr(&here, &info) == 0) {
        return 0;
    }
    const char *name = strrchr(info.dli_fname, '/');
    return name == NULL ? 0 : (unsigned)strtoul(name + 1, NULL, 10);
}
