/* SPDX-License-Identifier: MIT
 *
 * A call of one of libpq's functions that begin a connection, as the program made it, and the same
 * in the form of PQconnectdbParams(), to which settings can be added.
 */
#ifndef RIA_PRELOAD_CALL_H
#define RIA_PRELOAD_CALL_H

#include "preload/probe.h"

#include "interpose/library.h"

enum ria_call_kind {
    RIA_CALL_STRING, /* PQconnectdb, PQconnectStart */
    RIA_CALL_PARAMS, /* their Params */
    RIA_CALL_LOGIN,  /* PQsetdbLogin */
};

enum {
    RIA_LOGIN_ARGUMENTS = 7,
    RIA_LOGIN_DBNAME = 4, /* among them */
    RIA_CALL_REFUSAL_MAX = 512,
};

/* A call as the program made it. */
struct ria_call {
    enum ria_call_kind kind;
    const char *name;   /* of the function */
    const char *params; /* the Params function that does the same, blocking or not */
    const void *caller; /* return address */
    const char *conninfo;
    const char *const *keywords;
    const char *const *values;
    int expand_dbname;
    const char *login[RIA_LOGIN_ARGUMENTS]; /* in PQsetdbLogin()'s order */
};

/* The pointer by which libpq's own call for it is told (overlay.h). */
static inline const void *ria_call_pointer(const struct ria_call *call)
{
    return call->kind == RIA_CALL_PARAMS ? (const void *)call->keywords : call->conninfo;
}

/* Makes it, with its own arguments. NULL as where libpq has no memory. */
struct ria_pq_conn *ria_call_make(const struct ria_library *libpq, const struct ria_call *call);

/* Calls the Params function of that name. */
struct ria_pq_conn *ria_call_params(
    const struct ria_library *libpq,
    const char *name,
    const char *const *keywords,
    const char *const *values,
    int expand_dbname);

/* Whether libpq refuses its arguments without a look at any file or network: a string that is not a
 * connection string. */
bool ria_call_has_no_settings(const struct ria_call *call);

/* Its arguments, with room for a probe's. False without memory. */
bool ria_call_arguments(const struct ria_call *call, struct ria_arguments *out);

/* Begins a connection that libpq refuses at once, with a message that holds `why`: "invalid
 * connection option" and the text. For a call that must not be made. `why` has no quotes and no
 * backslashes, and RIA_CALL_REFUSAL_MAX bytes at most. NULL
 * as where libpq has no memory. */
struct ria_pq_conn *ria_call_refuse(
    const struct ria_library *libpq, const struct ria_call *call, const char *why);

#endif
