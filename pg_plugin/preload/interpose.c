/* SPDX-License-Identifier: MIT
 *
 * libpq's functions that begin a connection, or one anew, or a ping. */
#include "preload/interpose.h"

#include "preload/connect.h"
#include "preload/reset.h"

#include "base/buf.h"

#include <string.h>

struct ria_pq_conn *ria_interpose_connectdb(const void *caller, const char *conninfo)
{
    const struct ria_call call = {
        .kind = RIA_CALL_STRING,
        .name = "PQconnectdb",
        .params = "PQconnectdbParams",
        .caller = caller,
        .conninfo = conninfo,
    };
    return ria_connect(&call);
}

struct ria_pq_conn *ria_interpose_start(const void *caller, const char *conninfo)
{
    const struct ria_call call = {
        .kind = RIA_CALL_STRING,
        .name = "PQconnectStart",
        .params = "PQconnectStartParams",
        .caller = caller,
        .conninfo = conninfo,
    };
    return ria_connect(&call);
}

struct ria_pq_conn *ria_interpose_connectdb_params(
    const void *caller, const char *const *keywords, const char *const *values, int expand_dbname)
{
    const struct ria_call call = {
        .kind = RIA_CALL_PARAMS,
        .name = "PQconnectdbParams",
        .params = "PQconnectdbParams",
        .caller = caller,
        .keywords = keywords,
        .values = values,
        .expand_dbname = expand_dbname,
    };
    return ria_connect(&call);
}

struct ria_pq_conn *ria_interpose_start_params(
    const void *caller, const char *const *keywords, const char *const *values, int expand_dbname)
{
    const struct ria_call call = {
        .kind = RIA_CALL_PARAMS,
        .name = "PQconnectStartParams",
        .params = "PQconnectStartParams",
        .caller = caller,
        .keywords = keywords,
        .values = values,
        .expand_dbname = expand_dbname,
    };
    return ria_connect(&call);
}

struct ria_pq_conn *ria_interpose_login(const void *caller, const char *const *login)
{
    struct ria_call call = {
        .kind = RIA_CALL_LOGIN,
        .name = "PQsetdbLogin",
        .params = "PQconnectdbParams",
        .caller = caller,
    };
    memcpy(call.login, login, sizeof(call.login));
    return ria_connect(&call);
}

/* -- pings ----------------------------------------------------------------------------------- */

enum {
    PQPING_NO_ATTEMPT = 3
};

static unsigned ping(const struct ria_call *call)
{
    RIA_AUTO(libpq) libpq = {0};
    return ria_libpq_find(call->name, call->caller, &libpq) ? ria_ping(&libpq, call)
                                                            : PQPING_NO_ATTEMPT;
}

unsigned ria_interpose_ping(const void *caller, const char *conninfo)
{
    const struct ria_call call = {
        .kind = RIA_CALL_STRING, .name = "PQping", .caller = caller, .conninfo = conninfo};
    return ping(&call);
}

unsigned ria_interpose_ping_params(
    const void *caller, const char *const *keywords, const char *const *values, int expand_dbname)
{
    const struct ria_call call = {
        .kind = RIA_CALL_PARAMS,
        .name = "PQpingParams",
        .caller = caller,
        .keywords = keywords,
        .values = values,
        .expand_dbname = expand_dbname,
    };
    return ping(&call);
}

/* -- resets ---------------------------------------------------------------------------------- */

void ria_interpose_reset(const void *caller, struct ria_pq_conn *conn)
{
    RIA_AUTO(libpq) libpq = {0};
    void (*real)(struct ria_pq_conn *);
    if (ria_libpq_find("PQreset", caller, &libpq) && ria_libpq_function(&libpq, "PQreset", &real)) {
        ria_reset_refresh(&libpq, conn);
        real(conn);
    }
}

int ria_interpose_reset_start(const void *caller, struct ria_pq_conn *conn)
{
    RIA_AUTO(libpq) libpq = {0};
    int (*real)(struct ria_pq_conn *);
    if (!ria_libpq_find("PQresetStart", caller, &libpq) ||
        !ria_libpq_function(&libpq, "PQresetStart", &real)) {
        return 0;
    }
    ria_reset_refresh(&libpq, conn);
    return real(conn);
}
