/* SPDX-License-Identifier: MIT
 *
 * libpq's functions that begin a connection, or one anew, or a ping. The return address says which
 * object calls, and so which copy of libpq it means. */
#include "preload/connect.h"
#include "preload/overlay.h"

#include "base/buf.h"

#define CALLER __builtin_return_address(0)

struct ria_pq_conn *PQconnectdb(const char *conninfo)
{
    const struct ria_call call = {
        .kind = RIA_CALL_STRING,
        .name = "PQconnectdb",
        .params = "PQconnectdbParams",
        .caller = CALLER,
        .conninfo = conninfo,
    };
    return ria_connect(&call);
}

struct ria_pq_conn *PQconnectStart(const char *conninfo)
{
    const struct ria_call call = {
        .kind = RIA_CALL_STRING,
        .name = "PQconnectStart",
        .params = "PQconnectStartParams",
        .caller = CALLER,
        .conninfo = conninfo,
    };
    return ria_connect(&call);
}

struct ria_pq_conn *PQconnectdbParams(
    const char *const *keywords, const char *const *values, int expand_dbname)
{
    const struct ria_call call = {
        .kind = RIA_CALL_PARAMS,
        .name = "PQconnectdbParams",
        .params = "PQconnectdbParams",
        .caller = CALLER,
        .keywords = keywords,
        .values = values,
        .expand_dbname = expand_dbname,
    };
    return ria_connect(&call);
}

struct ria_pq_conn *PQconnectStartParams(
    const char *const *keywords, const char *const *values, int expand_dbname)
{
    const struct ria_call call = {
        .kind = RIA_CALL_PARAMS,
        .name = "PQconnectStartParams",
        .params = "PQconnectStartParams",
        .caller = CALLER,
        .keywords = keywords,
        .values = values,
        .expand_dbname = expand_dbname,
    };
    return ria_connect(&call);
}

struct ria_pq_conn *PQsetdbLogin(/* NOLINT(readability-function-size) */
                                 const char *host,
                                 const char *port,
                                 const char *options,
                                 const char *tty,
                                 const char *dbname,
                                 const char *login,
                                 const char *password)
{
    const struct ria_call call = {
        .kind = RIA_CALL_LOGIN,
        .name = "PQsetdbLogin",
        .params = "PQconnectdbParams",
        .caller = CALLER,
        .login = {host, port, options, tty, dbname, login, password},
    };
    return ria_connect(&call);
}

/* -- pings: no password is sent, so none is made --------------------------------------------- */

enum {
    PQPING_NO_ATTEMPT = 3
};

/* Returns whether the caller has to end it. */
static bool begin_without_tokens(void)
{
    if (ria_overlay_mode() != RIA_OVERLAY_NONE) {
        return false;
    }
    ria_overlay_set(RIA_OVERLAY_HIDE);
    return true;
}

static void end_without_tokens(bool has_begun)
{
    if (has_begun) {
        ria_overlay_end();
    }
}

unsigned PQping(const char *conninfo)
{
    RIA_AUTO(libpq) libpq = {0};
    unsigned (*real)(const char *);
    if (!ria_libpq_find("PQping", CALLER, &libpq) || !ria_libpq_function(&libpq, "PQping", &real)) {
        return PQPING_NO_ATTEMPT;
    }
    bool has_begun = begin_without_tokens();
    unsigned answer = real(conninfo);
    end_without_tokens(has_begun);
    return answer;
}

unsigned PQpingParams(const char *const *keywords, const char *const *values, int expand_dbname)
{
    RIA_AUTO(libpq) libpq = {0};
    unsigned (*real)(const char *const *, const char *const *, int);
    if (!ria_libpq_find("PQpingParams", CALLER, &libpq) ||
        !ria_libpq_function(&libpq, "PQpingParams", &real)) {
        return PQPING_NO_ATTEMPT;
    }
    bool has_begun = begin_without_tokens();
    unsigned answer = real(keywords, values, expand_dbname);
    end_without_tokens(has_begun);
    return answer;
}

/* -- resets ---------------------------------------------------------------------------------- */

void PQreset(struct ria_pq_conn *conn)
{
    RIA_AUTO(libpq) libpq = {0};
    void (*real)(struct ria_pq_conn *);
    if (ria_libpq_find("PQreset", CALLER, &libpq) && ria_libpq_function(&libpq, "PQreset", &real)) {
        ria_connect_refresh(&libpq, conn);
        real(conn);
    }
}

int PQresetStart(struct ria_pq_conn *conn)
{
    RIA_AUTO(libpq) libpq = {0};
    int (*real)(struct ria_pq_conn *);
    if (!ria_libpq_find("PQresetStart", CALLER, &libpq) ||
        !ria_libpq_function(&libpq, "PQresetStart", &real)) {
        return 0;
    }
    ria_connect_refresh(&libpq, conn);
    return real(conn);
}
