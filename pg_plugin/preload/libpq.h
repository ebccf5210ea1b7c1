/* SPDX-License-Identifier: MIT
 *
 * The copy of libpq that an interposed call is meant for. A program may have several, each loaded
 * by a module of its own and hidden from the others, so nothing is kept: each call looks it up
 * anew, through the object that made the call, or that is the copy itself (copies.h).
 */
#ifndef RIA_PRELOAD_LIBPQ_H
#define RIA_PRELOAD_LIBPQ_H

#include "preload/abi.h"

#include <stdbool.h>

struct ria_libpq {
    void *handle; /* of dlopen() */
};

/* Finds the library that `name` of the caller's would have reached. caller is a return address.
 * False if there is none. Release it, or use RIA_AUTO(libpq). */
bool ria_libpq_find(const char *name, const void *caller, struct ria_libpq *out);

/* What one copy of libpq is told from another by, as long as both are loaded: an address in it.
 * NULL if what has `function`, looked up by handle, is no libpq, as a program's own wrapper of it,
 * is the program itself, or was loaded into a namespace of its own (dlmopen()). */
const void *ria_libpq_mark(void *handle, const void *function);

/* False if the copy is gone. What is there now may be another. */
bool ria_libpq_is_marked(const void *mark);

/* A function of it, as a void pointer's worth of bytes into *function; false if it has none. */
bool ria_libpq_function(const struct ria_libpq *libpq, const char *name, void *function);

void ria_libpq_release(struct ria_libpq *libpq);

#endif
