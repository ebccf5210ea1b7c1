/* SPDX-License-Identifier: MIT
 *
 * Calls the functions of libpq that begin a connection. ria_call_make() and ria_call_params()
 * return what libpq returns: the new connection, owned by the caller, or NULL if memory runs out.
 * They also return NULL if this copy of libpq does not have the function.
 */
#ifndef RIA_PRELOAD_CALL_H
#define RIA_PRELOAD_CALL_H

#include "preload/abi.h"
#include "preload/arguments.h"

#include "interpose/library.h"

/* Makes the call with the arguments of the program. */
struct ria_pq_conn *ria_call_make(const struct ria_library *libpq, const struct ria_call *call);

/* Calls `name`, PQconnectdbParams() or PQconnectStartParams(), with these arguments. */
struct ria_pq_conn *ria_call_params(
    const struct ria_library *libpq,
    const char *name,
    const char *const *keywords,
    const char *const *values,
    int expand_dbname);

/* Returns the pointer that identifies the arguments of `call`: the array of keywords, or the
 * connection string, or NULL for PQsetdbLogin(). By this pointer, ria_overlay_is_inner() recognizes
 * a call that libpq makes itself (overlay.h). */
const void *ria_call_pointer(const struct ria_call *call);

#endif
