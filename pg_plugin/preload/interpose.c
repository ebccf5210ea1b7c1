/* SPDX-License-Identifier: MIT
 *
 * libpq's functions that begin a connection, or one anew, or a ping. */
#include "preload/interpose.h"

#include "preload/connect.h"
#include "preload/overlay.h"

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

unsigned ria_interpose_ping(const void *caller, const char *conninfo)
{
    RIA_AUTO(libpq) libpq = {0};
    unsigned (*real)(const char *);
    if (!ria_libpq_find("PQping", caller, &libpq) || !ria_libpq_function(&libpq, "PQping", &real)) {
        return PQPING_NO_ATTEMPT;
    }
    bool has_begun = begin_without_tokens();
    unsigned answer = real(conninfo);
    end_without_tokens(has_begun);
    return answer;
}

unsigned ria_interpose_ping_params(
    const void *caller, const char *const *keywords, const char *const *values, int expand_dbname)
{
    RIA_AUTO(libpq) libpq = {0};
    unsigned (*real)(const char *const *, const char *const *, int);
    if (!ria_libpq_find("PQpingParams", caller, &libpq) ||
        !ria_libpq_function(&libpq, "PQpingParams", &real)) {
        return PQPING_NO_ATTEMPT;
    }
    bool has_begun = begin_without_tokens();
    unsigned answer = real(keywords, values, expand_dbname);
    end_without_tokens(has_begun);
    return answer;
}

/* -- resets ---------------------------------------------------------------------------------- */

void ria_interpose_reset(const void *caller, struct ria_pq_conn *conn)
{
    RIA_AUTO(libpq) libpq = {0};
    void (*real)(struct ria_pq_conn *);
    if (ria_libpq_find("PQreset", caller, &libpq) && ria_libpq_function(&libpq, "PQreset", &real)) {
        ria_connect_refresh(&libpq, conn);
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
    ria_connect_refresh(&libpq, conn);
    return real(conn);
}
