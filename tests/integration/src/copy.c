/* SPDX-License-Identifier: MIT
 *
 * Stands for a copy of libpq. It defines PQconninfo(), by which the preload recognizes a copy of
 * libpq, and the functions that the preload's probe calls. The probe (pg_plugin/preload/probe.c)
 * begins a connection with an invalid setting and expects libpq's error message. So every
 * connection fails with that message. PQping() returns the number in the name of this object's
 * file. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

enum {
    VERSION = 150000,
    CONNECTION_BAD = 1,
};

struct option { /* PQconninfoOption */
    char *words[6];
    int size;
};

void *PQconninfo(void *conn);
void PQconninfoFree(void *options);
int PQlibVersion(void);
void *PQconnectStartParams(
    const char *const *keywords, const char *const *values, int expand_dbname);
int PQstatus(const void *conn);
const char *PQerrorMessage(const void *conn);
const char *PQpass(const void *conn);
void PQfinish(void *conn);
unsigned PQping(const char *conninfo);

EXPORTED void *PQconninfo(void *conn)
{
    static struct option none;
    (void)conn;
    return &none;
}

EXPORTED void PQconninfoFree(void *options)
{
    (void)options;
}

EXPORTED int PQlibVersion(void)
{
    return VERSION;
}

EXPORTED void *PQconnectStartParams(
    const char *const *keywords, const char *const *values, int expand_dbname)
{
    static char conn;
    (void)keywords;
    (void)values;
    (void)expand_dbname;
    return &conn;
}

EXPORTED int PQstatus(const void *conn)
{
    (void)conn;
    return CONNECTION_BAD;
}

EXPORTED const char *PQerrorMessage(const void *conn)
{
    (void)conn;
    return "invalid target_session_attrs value: \"rds-iam-probe\"\n";
}

EXPORTED const char *PQpass(const void *conn)
{
    (void)conn;
    return "";
}

EXPORTED void PQfinish(void *conn)
{
    (void)conn;
}

EXPORTED unsigned PQping(const char *conninfo)
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
