/* SPDX-License-Identifier: MIT
 *
 * A libpq with one unusual property, which the variable ODD names. It passes every other call to
 * the copy of libpq that it is linked with (libpq.so.9):
 *
 *   version    reports the version of PostgreSQL 9.6
 *   nothing    PQconnectStartParams() runs out of memory
 *   settings   PQconninfo() runs out of memory
 *   begins     PQconnectStartParams() does not reject invalid settings
 *
 * The test compiles it and links it with that copy. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

static int is_odd(const char *way)
{
    const char *odd = getenv("ODD");
    return odd != NULL && strcmp(odd, way) == 0;
}

static void *next(const char *name)
{
    return dlsym(dlopen("libpq.so.9", RTLD_NOW | RTLD_NOLOAD), name);
}

#define HAND_ON(result, name, parameters, arguments)                                               \
    EXPORTED result name parameters;                                                               \
    EXPORTED result name parameters                                                                \
    {                                                                                              \
        result(*real) parameters = (result(*) parameters)next(#name);                              \
        return real arguments;                                                                     \
    }

HAND_ON(void *, PQconnectdb, (const char *conninfo), (conninfo))
HAND_ON(void *, PQconnectStart, (const char *conninfo), (conninfo))
HAND_ON(
    void *,
    PQconnectdbParams,
    (const char *const *keywords, const char *const *values, int expand_dbname),
    (keywords, values, expand_dbname))
HAND_ON(
    void *,
    PQsetdbLogin,
    (const char *host,
     const char *port,
     const char *options,
     const char *tty,
     const char *dbname,
     const char *login,
     const char *password),
    (host, port, options, tty, dbname, login, password))
HAND_ON(unsigned, PQping, (const char *conninfo), (conninfo))
HAND_ON(
    unsigned,
    PQpingParams,
    (const char *const *keywords, const char *const *values, int expand_dbname),
    (keywords, values, expand_dbname))

EXPORTED int PQlibVersion(void);
EXPORTED int PQlibVersion(void)
{
    return is_odd("version") ? 90624 : 150000;
}

EXPORTED void *PQconninfo(void *conn);
EXPORTED void *PQconninfo(void *conn)
{
    void *(*real)(void *) = (void *(*)(void *))next("PQconninfo");
    return is_odd("settings") ? NULL : real(conn);
}

EXPORTED void *PQconnectStartParams(
    const char *const *keywords, const char *const *values, int expand_dbname);
EXPORTED void *PQconnectStartParams(
    const char *const *keywords, const char *const *values, int expand_dbname)
{
    void *(*real)(const char *const *, const char *const *, int) =
        (void *(*)(const char *const *, const char *const *, int))next("PQconnectStartParams");
    const char *taken[64] = {NULL};
    for (size_t i = 0; keywords[i] != NULL && i < 63; i++) {
        taken[i] =
            strcmp(values[i] == NULL ? "" : values[i], "rds-iam-probe") == 0 ? "" : values[i];
    }
    if (is_odd("nothing")) {
        return NULL;
    }
    return real(keywords, is_odd("begins") ? taken : values, expand_dbname);
}
