/* SPDX-License-Identifier: MIT
 *
 * Defines the nine interposed functions of libpq, which begin a connection, reset it, or ping. Each
 * function exists nine times. The exported function serves programs that are linked with libpq; the
 * return address of a call shows which copy of libpq the program means. The eight static functions
 * serve programs that look the functions up with dlsym() (interpose/lookup.h). Each of these eight
 * belongs to one copy of libpq. The functions that begin a connection, and those that ping, only
 * describe the call and pass it to ria_connect() or ria_ping() (connect.h). The two functions that
 * reset call ria_reset_refresh() and then libpq's own function. */
#include "preload/connect.h"
#include "preload/pq_list.h"

#include "base/buf.h"
#include "interpose/lookup.h"

#include <string.h>

/* Without this attribute, the compiler inlines these functions nine times. */
#define ONE_FOR_ALL_COPIES __attribute__((noinline)) static

/* -- connections ----------------------------------------------------------------------------- */

/* `caller`, here and below, is an address by which ria_library_find() finds the copy of libpq: a
 * return address in the calling object, or an address in the copy itself. `name` and `params` have
 * the same meaning as in struct ria_call. */
ONE_FOR_ALL_COPIES struct ria_pq_conn *begin(
    const void *caller, const char *name, const char *params, const char *conninfo)
{
    const struct ria_call call = {
        .kind = RIA_CALL_STRING,
        .name = name,
        .params = params,
        .caller = caller,
        .conninfo = conninfo,
    };
    return ria_connect(&call);
}

ONE_FOR_ALL_COPIES struct ria_pq_conn *begin_params(
    const void *caller,
    const char *name,
    const char *const *keywords,
    const char *const *values,
    int expand_dbname)
{
    const struct ria_call call = {
        .kind = RIA_CALL_PARAMS,
        .name = name,
        .params = name,
        .caller = caller,
        .keywords = keywords,
        .values = values,
        .expand_dbname = expand_dbname,
    };
    return ria_connect(&call);
}

/* arguments: the seven arguments of PQsetdbLogin(), in its order. */
ONE_FOR_ALL_COPIES struct ria_pq_conn *begin_login(const void *caller, const char *const *arguments)
{
    struct ria_call call = {
        .kind = RIA_CALL_LOGIN,
        .name = "PQsetdbLogin",
        .params = "PQconnectdbParams",
        .caller = caller,
    };
    memcpy(call.login, arguments, sizeof(call.login));
    return ria_connect(&call);
}

/* -- pings ----------------------------------------------------------------------------------- */

ONE_FOR_ALL_COPIES unsigned ping(const void *caller, const char *conninfo)
{
    const struct ria_call call = {
        .kind = RIA_CALL_STRING, .name = "PQping", .caller = caller, .conninfo = conninfo};
    return ria_ping(&call);
}

ONE_FOR_ALL_COPIES unsigned ping_params(
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
    return ria_ping(&call);
}

/* -- resets ---------------------------------------------------------------------------------- */

ONE_FOR_ALL_COPIES void reset(const void *caller, struct ria_pq_conn *conn)
{
    RIA_AUTO(library) libpq = {0};
    void (*real)(struct ria_pq_conn *);
    if (ria_library_find("PQreset", caller, &libpq) &&
        ria_library_function(&libpq, "PQreset", &real)) {
        ria_reset_refresh(&libpq, conn);
        real(conn);
    }
}

ONE_FOR_ALL_COPIES int reset_start(const void *caller, struct ria_pq_conn *conn)
{
    RIA_AUTO(library) libpq = {0};
    int (*real)(struct ria_pq_conn *);
    if (!ria_library_find("PQresetStart", caller, &libpq) ||
        !ria_library_function(&libpq, "PQresetStart", &real)) {
        return 0;
    }
    ria_reset_refresh(&libpq, conn);
    return real(conn);
}

/* -- the functions --------------------------------------------------------------------------- */

/* One address in each copy of libpq whose functions were looked up. The index of an address in this
 * array is the suffix of the static functions that belong to the copy. */
static const void *marks[RIA_COPIES_MAX];

static const void *mark_of(size_t number)
{
    return ria_interposed_mark(marks, number);
}

/* A macro parameter that is a type cannot have parentheses. PQsetdbLogin() has seven parameters.
 * NOLINTBEGIN(bugprone-macro-parentheses,readability-function-size) */

/* Defines the nine functions, with a suffix to their names. `caller` is an expression. */
#define FUNCTIONS(linkage, suffix, caller)                                                         \
    linkage struct ria_pq_conn *PQconnectdb##suffix(const char *conninfo)                          \
    {                                                                                              \
        return begin(caller, "PQconnectdb", "PQconnectdbParams", conninfo);                        \
    }                                                                                              \
    linkage struct ria_pq_conn *PQconnectStart##suffix(const char *conninfo)                       \
    {                                                                                              \
        return begin(caller, "PQconnectStart", "PQconnectStartParams", conninfo);                  \
    }                                                                                              \
    linkage struct ria_pq_conn *PQconnectdbParams##suffix(                                         \
        const char *const *keywords, const char *const *values, int expand_dbname)                 \
    {                                                                                              \
        return begin_params(caller, "PQconnectdbParams", keywords, values, expand_dbname);         \
    }                                                                                              \
    linkage struct ria_pq_conn *PQconnectStartParams##suffix(                                      \
        const char *const *keywords, const char *const *values, int expand_dbname)                 \
    {                                                                                              \
        return begin_params(caller, "PQconnectStartParams", keywords, values, expand_dbname);      \
    }                                                                                              \
    linkage struct ria_pq_conn *PQsetdbLogin##suffix(                                              \
        const char *host,                                                                          \
        const char *port,                                                                          \
        const char *options,                                                                       \
        const char *tty,                                                                           \
        const char *dbname,                                                                        \
        const char *login,                                                                         \
        const char *password)                                                                      \
    {                                                                                              \
        const char *const arguments[] = {host, port, options, tty, dbname, login, password};       \
        return begin_login(caller, arguments);                                                     \
    }                                                                                              \
    linkage unsigned PQping##suffix(const char *conninfo)                                          \
    {                                                                                              \
        return ping(caller, conninfo);                                                             \
    }                                                                                              \
    linkage unsigned PQpingParams##suffix(                                                         \
        const char *const *keywords, const char *const *values, int expand_dbname)                 \
    {                                                                                              \
        return ping_params(caller, keywords, values, expand_dbname);                               \
    }                                                                                              \
    linkage void PQreset##suffix(struct ria_pq_conn *conn)                                         \
    {                                                                                              \
        reset(caller, conn);                                                                       \
    }                                                                                              \
    linkage int PQresetStart##suffix(struct ria_pq_conn *conn)                                     \
    {                                                                                              \
        return reset_start(caller, conn);                                                          \
    }

FUNCTIONS(RIA_INTERPOSED, , __builtin_return_address(0))
FUNCTIONS(static, _0, mark_of(0))
FUNCTIONS(static, _1, mark_of(1))
FUNCTIONS(static, _2, mark_of(2))
FUNCTIONS(static, _3, mark_of(3))
FUNCTIONS(static, _4, mark_of(4))
FUNCTIONS(static, _5, mark_of(5))
FUNCTIONS(static, _6, mark_of(6))
FUNCTIONS(static, _7, mark_of(7))
_Static_assert(RIA_COPIES_MAX == 8, "one line for each copy");

#define LINKED(name) #name, (ria_any_function *)(name)
#define COPY(name) (ria_any_function *)(name)
#define COPIES(name)                                                                               \
    COPY(name##_0), COPY(name##_1), COPY(name##_2), COPY(name##_3), COPY(name##_4),                \
        COPY(name##_5), COPY(name##_6), COPY(name##_7)

/* What dlsym() returns for each name. */
static const struct ria_interposed_function functions[] = {
    {LINKED(PQconnectdb), {COPIES(PQconnectdb)}},
    {LINKED(PQconnectStart), {COPIES(PQconnectStart)}},
    {LINKED(PQconnectdbParams), {COPIES(PQconnectdbParams)}},
    {LINKED(PQconnectStartParams), {COPIES(PQconnectStartParams)}},
    {LINKED(PQsetdbLogin), {COPIES(PQsetdbLogin)}},
    {LINKED(PQping), {COPIES(PQping)}},
    {LINKED(PQpingParams), {COPIES(PQpingParams)}},
    {LINKED(PQreset), {COPIES(PQreset)}},
    {LINKED(PQresetStart), {COPIES(PQresetStart)}},
};

/* NOLINTEND(bugprone-macro-parentheses,readability-function-size) */

const struct ria_interposed_list ria_pq_interposed = {
    .prefix = "PQ",
    .mark = "PQconninfo",
    .functions = functions,
    .count = sizeof(functions) / sizeof(functions[0]),
    .marks = marks,
};
