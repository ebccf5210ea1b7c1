/* SPDX-License-Identifier: MIT
 *
 * Looks up each function in the copy of libpq that the call is meant for, and calls it.
 * PQconnectdb() and PQconnectdbParams() pass the pointer to their arguments on to libpq's own
 * non-blocking function. So before this file calls one of them, it passes the same pointer to
 * ria_overlay_expect() (overlay.h). The overlay then recognizes libpq's own call. If the copy does
 * not have the function, returns NULL. */
#include "preload/call.h"

#include "preload/overlay.h"

#include <string.h>

static struct ria_pq_conn *make_string_call(
    const struct ria_library *libpq, const char *name, const char *conninfo)
{
    struct ria_pq_conn *(*real)(const char *);
    if (!ria_library_function(libpq, name, &real)) {
        return NULL;
    }
    ria_overlay_expect(strcmp(name, "PQconnectdb") == 0 ? conninfo : NULL);
    return real(conninfo);
}

struct ria_pq_conn *ria_call_params(
    const struct ria_library *libpq,
    const char *name,
    const char *const *keywords,
    const char *const *values,
    int expand_dbname)
{
    struct ria_pq_conn *(*real)(const char *const *, const char *const *, int);
    if (!ria_library_function(libpq, name, &real)) {
        return NULL;
    }
    ria_overlay_expect(strcmp(name, "PQconnectdbParams") == 0 ? keywords : NULL);
    return real(keywords, values, expand_dbname);
}

static struct ria_pq_conn *make_login_call(
    const struct ria_library *libpq, const char *name, const char *const *login)
{
    struct ria_pq_conn *(*real)(
        const char *,
        const char *,
        const char *,
        const char *,
        const char *,
        const char *,
        const char *);
    if (!ria_library_function(libpq, name, &real)) {
        return NULL;
    }
    return real(login[0], login[1], login[2], login[3], login[4], login[5], login[6]);
}

struct ria_pq_conn *ria_call_make(const struct ria_library *libpq, const struct ria_call *call)
{
    switch (call->kind) {
    case RIA_CALL_STRING:
        return make_string_call(libpq, call->name, call->conninfo);
    case RIA_CALL_LOGIN:
        return make_login_call(libpq, call->name, call->login);
    case RIA_CALL_PARAMS:
    default:
        return ria_call_params(
            libpq, call->name, call->keywords, call->values, call->expand_dbname);
    }
}

const void *ria_call_pointer(const struct ria_call *call)
{
    return call->kind == RIA_CALL_PARAMS ? (const void *)call->keywords : call->conninfo;
}
