/* SPDX-License-Identifier: MIT
 *
 * A copy is known by the address at which it is loaded, and nothing holds it: a program may unload
 * it. What is loaded there next is the copy of that number then, and a number whose copy is gone is
 * given to the next new one. */
#include "preload/copies.h"

#include "preload/interpose.h"
#include "preload/libpq.h"
#include "preload/lookup.h"

#include "base/buf.h"

#include <dlfcn.h>
#include <string.h>

/* Where the copies are; NULL: never taken. */
static const void *places[RIA_COPIES_MAX];

static const void *place(size_t number)
{
    return __atomic_load_n(&places[number], __ATOMIC_ACQUIRE);
}

/* -- the functions --------------------------------------------------------------------------- */

/* clang-format takes the rows of a table for expressions.
 * clang-format off
 * A type cannot stand in parentheses, and PQsetdbLogin() has its parameters from libpq.
 * NOLINTBEGIN(bugprone-macro-parentheses,readability-function-size) */

#define FUNCTIONS(linkage, suffix, caller)                                                         \
    linkage struct ria_pq_conn *PQconnectdb##suffix(const char *conninfo)                          \
    {                                                                                              \
        return ria_interpose_connectdb(caller, conninfo);                                          \
    }                                                                                              \
    linkage struct ria_pq_conn *PQconnectStart##suffix(const char *conninfo)                       \
    {                                                                                              \
        return ria_interpose_start(caller, conninfo);                                              \
    }                                                                                              \
    linkage struct ria_pq_conn *PQconnectdbParams##suffix(                                         \
        const char *const *keywords, const char *const *values, int expand_dbname)                 \
    {                                                                                              \
        return ria_interpose_connectdb_params(caller, keywords, values, expand_dbname);            \
    }                                                                                              \
    linkage struct ria_pq_conn *PQconnectStartParams##suffix(                                      \
        const char *const *keywords, const char *const *values, int expand_dbname)                 \
    {                                                                                              \
        return ria_interpose_start_params(caller, keywords, values, expand_dbname);                \
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
        const char *const all[] = {host, port, options, tty, dbname, login, password};             \
        return ria_interpose_login(caller, all);                                                   \
    }                                                                                              \
    linkage unsigned PQping##suffix(const char *conninfo)                                          \
    {                                                                                              \
        return ria_interpose_ping(caller, conninfo);                                               \
    }                                                                                              \
    linkage unsigned PQpingParams##suffix(                                                         \
        const char *const *keywords, const char *const *values, int expand_dbname)                 \
    {                                                                                              \
        return ria_interpose_ping_params(caller, keywords, values, expand_dbname);                 \
    }                                                                                              \
    linkage void PQreset##suffix(struct ria_pq_conn *conn)                                         \
    {                                                                                              \
        ria_interpose_reset(caller, conn);                                                         \
    }                                                                                              \
    linkage int PQresetStart##suffix(struct ria_pq_conn *conn)                                     \
    {                                                                                              \
        return ria_interpose_reset_start(caller, conn);                                            \
    }

FUNCTIONS(RIA_INTERPOSED, , __builtin_return_address(0))
FUNCTIONS(static, _0, place(0))
FUNCTIONS(static, _1, place(1))
FUNCTIONS(static, _2, place(2))
FUNCTIONS(static, _3, place(3))
FUNCTIONS(static, _4, place(4))
FUNCTIONS(static, _5, place(5))
FUNCTIONS(static, _6, place(6))
FUNCTIONS(static, _7, place(7))

typedef void any_function(void);

struct function {
    const char *name;
    any_function *linked;
    any_function *of_copy[RIA_COPIES_MAX];
};

#define ANY(function) (any_function *)(function)
#define FUNCTION(name)                                                                             \
    {                                                                                              \
#name, ANY(name),                                                                          \
        {                                                                                          \
            ANY(name##_0), ANY(name##_1), ANY(name##_2), ANY(name##_3), ANY(name##_4),             \
                ANY(name##_5), ANY(name##_6), ANY(name##_7)                                        \
        }                                                                                          \
    }

static const struct function functions[] = {
    FUNCTION(PQconnectdb),
    FUNCTION(PQconnectStart),
    FUNCTION(PQconnectdbParams),
    FUNCTION(PQconnectStartParams),
    FUNCTION(PQsetdbLogin),
    FUNCTION(PQping),
    FUNCTION(PQpingParams),
    FUNCTION(PQreset),
    FUNCTION(PQresetStart),
};

/* NOLINTEND(bugprone-macro-parentheses,readability-function-size)
 * clang-format on */

static void *address_of(any_function *function)
{
    void *address;
    memcpy(&address, &function, sizeof(address)); /* ISO C has no cast to an object */
    return address;
}

static const struct function *find(const char *name)
{
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (strcmp(functions[i].name, name) == 0) {
            return &functions[i];
        }
    }
    return NULL;
}

bool ria_copies_knows(const char *name)
{
    return find(name) != NULL;
}

/* -- the copies ------------------------------------------------------------------------------ */

/* A free number, or one whose copy is gone; RIA_COPIES_MAX if there is none. Of two threads with
 * the same copy one is first, and the other takes its number. */
static size_t number_of(const void *at)
{
    for (size_t i = 0; i < RIA_COPIES_MAX; i++) {
        if (place(i) == at) {
            return i;
        }
    }
    for (size_t i = 0; i < RIA_COPIES_MAX; i++) {
        const void *before = place(i);
        bool is_free = before == NULL || ria_libpq_place(before) != before;
        if ((is_free && __atomic_compare_exchange_n(
                            &places[i], &before, at, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) ||
            before == at) {
            return i;
        }
    }
    return RIA_COPIES_MAX;
}

/* The function that a call of our own one from there would have come to; NULL: none. */
static void *behind_ours(const char *name, const void *caller)
{
    RIA_AUTO(libpq) libpq = {0};
    void *found = NULL;
    if (ria_libpq_find(name, caller, &libpq)) {
        (void)ria_libpq_function(&libpq, name, &found);
    }
    return found;
}

void *ria_copies_stand_in(const char *name, void *found, const void *caller)
{
    const struct function *function = find(name);
    void *real = found;
    if (function == NULL) {
        return found;
    }
    if (found == address_of(function->linked)) {
        real = behind_ours(name, caller);
    }
    const void *at = real == NULL ? NULL : ria_libpq_place(real);
    size_t number = at == NULL ? RIA_COPIES_MAX : number_of(at);
    return number == RIA_COPIES_MAX ? found : address_of(function->of_copy[number]);
}
