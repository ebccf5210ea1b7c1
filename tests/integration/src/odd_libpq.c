/* SPDX-License-Identifier: MIT
 *
 * A libpq with at most one fault. It passes all calls that the fault does not affect to the real
 * libpq, a copy named libpq.so.9 with which the test links it. Exception: PQlibVersion() returns
 * the fixed version 150000. The environment variable ODD names the fault:
 *
 *   none                      no fault
 *   old_version               PQlibVersion() returns the version of PostgreSQL 9.6
 *   start_returns_null        PQconnectStartParams() returns NULL, as if memory were exhausted
 *   conninfo_returns_null     PQconninfo() returns NULL, as if memory were exhausted
 *   accepts_invalid_settings  PQconnectStartParams() accepts the invalid value "rds-iam-probe"
 *
 * With that invalid value, the preload makes libpq resolve settings without connecting.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

static int is_odd(const char *fault)
{
    const char *odd = getenv("ODD");
    return odd != NULL && strcmp(odd, fault) == 0;
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
    return is_odd("old_version") ? 90624 : 150000;
}

EXPORTED void *PQconninfo(void *conn);
EXPORTED void *PQconninfo(void *conn)
{
    void *(*real)(void *) = (void *(*)(void *))next("PQconninfo");
    return is_odd("conninfo_returns_null") ? NULL : real(conn);
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
    if (is_odd("start_returns_null")) {
        return NULL;
    }
    return real(keywords, is_odd("accepts_invalid_settings") ? taken : values, expand_dbname);
}
