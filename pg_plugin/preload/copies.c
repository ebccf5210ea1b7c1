/* SPDX-License-Identifier: MIT
 *
 * A copy has a number and is known by a mark in it. Nothing holds it: a program may unload it, and
 * the number of a copy that is gone is given to the next new one. */
#include "preload/copies.h"

#include "preload/interpose.h"
#include "preload/libpq.h"
#include "preload/lookup.h"

#include "base/buf.h"

#include <dlfcn.h>
#include <string.h>

/* By number; NULL: not given yet. */
static const void *marks[RIA_COPIES_MAX];

static const void *mark_of(size_t number)
{
    return __atomic_load_n(&marks[number], __ATOMIC_ACQUIRE);
}

/* -- the functions --------------------------------------------------------------------------- */

/* A type cannot stand in parentheses, and PQsetdbLogin() has its parameters from libpq.
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
FUNCTIONS(static, _0, mark_of(0))
FUNCTIONS(static, _1, mark_of(1))
FUNCTIONS(static, _2, mark_of(2))
FUNCTIONS(static, _3, mark_of(3))
FUNCTIONS(static, _4, mark_of(4))
FUNCTIONS(static, _5, mark_of(5))
FUNCTIONS(static, _6, mark_of(6))
FUNCTIONS(static, _7, mark_of(7))
_Static_assert(RIA_COPIES_MAX == 8, "a line for each");

typedef void any_function(void);

struct function {
    const char *name;
    any_function *linked;
    any_function *of_copy[RIA_COPIES_MAX];
};

#define LINKED(name) #name, (any_function *)(name)
#define COPY(name) (any_function *)(name)
#define COPIES(name)                                                                               \
    COPY(name##_0), COPY(name##_1), COPY(name##_2), COPY(name##_3), COPY(name##_4),                \
        COPY(name##_5), COPY(name##_6), COPY(name##_7)

static const struct function functions[] = {
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
static size_t number_of(const void *mark)
{
    for (size_t i = 0; i < RIA_COPIES_MAX; i++) {
        if (mark_of(i) == mark) {
            return i;
        }
    }
    for (size_t i = 0; i < RIA_COPIES_MAX; i++) {
        const void *old = mark_of(i);
        bool is_free = old == NULL || !ria_libpq_is_marked(old);
        if ((is_free && __atomic_compare_exchange_n(
                            &marks[i], &old, mark, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) ||
            old == mark) {
            return i;
        }
    }
    return RIA_COPIES_MAX;
}

/* Of the copy that a call of our own function from there would come to. */
static const void *mark_behind_ours(const char *name, const void *caller)
{
    RIA_AUTO(libpq) libpq = {0};
    void *found;
    bool is_there =
        ria_libpq_find(name, caller, &libpq) && ria_libpq_function(&libpq, name, &found);
    return is_there ? ria_libpq_mark(libpq.handle, found) : NULL;
}

void *ria_copies_stand_in(void *handle, const char *name, void *found, const void *caller)
{
    const struct function *function = find(name);
    if (function == NULL) {
        return found;
    }
    const void *mark = found == address_of(function->linked) ? mark_behind_ours(name, caller)
                                                             : ria_libpq_mark(handle, found);
    size_t number = mark == NULL ? RIA_COPIES_MAX : number_of(mark);
    return number == RIA_COPIES_MAX ? found : address_of(function->of_copy[number]);
}
