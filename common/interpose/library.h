/* SPDX-License-Identifier: MIT
 *
 * The copy of a client library that an interposed call is meant for. A program may have several
 * copies, each loaded by a module of its own and hidden from the others, so nothing is kept: each
 * call looks the copy up anew, through the object that made the call, or that is the copy itself
 * (lookup.h).
 *
 * From any thread. All but ria_library_is_marked() take the dynamic linker's lock.
 */
#ifndef RIA_INTERPOSE_LIBRARY_H
#define RIA_INTERPOSE_LIBRARY_H

#include <stdbool.h>

struct ria_library {
    void *handle; /* of dlopen() */
};

/* Finds the library that the caller's call of `name` would have reached. caller is a return
 * address, or an address in the copy itself. False if there is none. Release it, or use
 * RIA_AUTO(library). */
bool ria_library_find(const char *name, const void *caller, struct ria_library *out);

/* A function of it, as a void pointer's worth of bytes into *function; false if it has none. */
bool ria_library_function(const struct ria_library *library, const char *name, void *function);

void ria_library_release(struct ria_library *library);

/* Whether an address lies in the library, as the return address of a call that it makes itself
 * does. */
bool ria_library_contains(const struct ria_library *library, const void *address);

/* Whether an address lies in this object: the return address of a call that the library has made by
 * a jump, so that it returns to where we called the library. */
bool ria_library_is_ours(const void *address);

/* What one copy of a library is told from another by, as long as both are loaded: the address of
 * its function `name`. NULL if `function`, which was looked up by handle, lies in an object that
 * does not define `name` (a program's own wrapper of the library), that is the program itself, or
 * that was loaded into a namespace of its own (dlmopen()). */
const void *ria_library_mark(void *handle, const char *name, const void *function);

/* False if the copy is gone. What is there now may be another. */
bool ria_library_is_marked(const void *mark);

#endif
