/* SPDX-License-Identifier: MIT
 *
 * Finds the copy of a client library that an interposed call is meant for. A program may have
 * loaded several copies: each copy was loaded by a different module, and is hidden from the other
 * modules. Therefore the result is not cached: every call looks the copy up again, through the
 * object that made the call, or through an address in the copy itself (lookup.h).
 *
 * Thread-safe. All functions take the dynamic linker's lock.
 */
#ifndef RIA_INTERPOSE_LIBRARY_H
#define RIA_INTERPOSE_LIBRARY_H

#include <stdbool.h>

struct ria_library {
    void *handle; /* a handle of dlopen(); owned */
};

/* Finds the copy that a call of `name` would reach without the preload. `caller` is the return
 * address of the call, or an address in the copy itself. Returns false if no copy is found. The
 * caller releases *out, or declares it with RIA_AUTO(library). */
bool ria_library_find(const char *name, const void *caller, struct ria_library *out);

/* Looks up a function of the library. `function` is the address of a function pointer, to which the
 * function's address is copied. Returns false if the library does not define the function. */
bool ria_library_function(const struct ria_library *library, const char *name, void *function);

/* Closes the handle. Does nothing if the handle is NULL. */
void ria_library_release(struct ria_library *library);

/* Returns true if an address is in the library. This is the case for the return address of a call
 * that the library itself makes. */
bool ria_library_contains(const struct ria_library *library, const void *address);

/* Returns true if an address is in the preload object. This is the case for a return address if the
 * preload called a function of the library, and that function ended with a jump (a tail call) to an
 * interposed function. */
bool ria_library_is_ours(const void *address);

/* A program has looked up a function of the library through `handle`, and received the address
 * `function`. Returns the mark of the copy that contains this address: the address of the copy's
 * function `name`. The mark differs between copies that are loaded at the same time. Returns NULL
 * in three cases: the object that contains `function` does not define `name`, because it is a
 * wrapper of the library; the object is the program itself; or the object is in a namespace of
 * dlmopen(). */
const void *ria_library_mark(void *handle, const char *name, const void *function);

/* Returns true if the copy with that mark is still loaded, and false if it was unloaded. If another
 * copy has since been loaded at the same address, also returns true. */
bool ria_library_is_marked(const void *mark);

#endif
