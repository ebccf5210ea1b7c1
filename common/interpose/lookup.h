/* SPDX-License-Identifier: MIT
 *
 * The replacement of dlsym(). A program that calls a client library through ctypes, cffi or JNA
 * gets the functions from dlsym(), and would bypass the interposed functions. So this dlsym()
 * returns the interposed function for an interposed name. It returns a different function for each
 * copy of the library. The reason: libffi or a similar library makes the call, so the return
 * address of the call does not identify the copy. dlsym.S passes every other lookup unchanged to
 * the real dlsym() (real_dlsym.h).
 *
 * Only one object of rds-iam in a process may replace dlsym(): the object that is linked with this
 * archive. In ria_interposed_lists, that object lists the functions of every library that it
 * serves.
 *
 * dlvsym() is not replaced, because its callers name a symbol version, and ctypes, cffi and JNA
 * never do. With a handle of the library, dlvsym() returns the library's own function.
 */
#ifndef RIA_INTERPOSE_LOOKUP_H
#define RIA_INTERPOSE_LOOKUP_H

#include "interpose/real_dlsym.h"

#include <stddef.h>

enum {
    /* The number of loaded copies of one library that can be served at a time. For any further
     * copy, the program gets the real functions. A usual process has one or two copies. */
    RIA_COPIES_MAX = 8,
};

typedef void ria_any_function(void);

/* One interposed function. `linked` is for programs that are linked with the library. of_copy[] has
 * one function for each copy in which a program looks the name up. */
struct ria_interposed_function {
    const char *name;
    ria_any_function *linked;
    ria_any_function *of_copy[RIA_COPIES_MAX];
};

/* The interposed functions of one library. */
struct ria_interposed_list {
    const char *prefix; /* all names begin with this prefix; a lookup of another name costs one
                           comparison */
    const char *mark;   /* a function that every copy of the library defines, and that no wrapper of
                           the library defines (ria_library_mark()) */
    const struct ria_interposed_function *functions;
    size_t count;
    const void **marks; /* RIA_COPIES_MAX marks, by number; NULL: the number is unused. Atomic. */
};

/* The object that replaces dlsym() defines this array. It ends with NULL. */
extern const struct ria_interposed_list *const ria_interposed_lists[];

/* Returns the mark of the copy with this number: an address in the copy, which ria_library_find()
 * accepts as `caller`. */
static inline const void *ria_interposed_mark(const void *const *marks, size_t number)
{
    return __atomic_load_n(&marks[number], __ATOMIC_ACQUIRE);
}

/* Returns the function that handles dlsym(handle, name): the real dlsym(), or the replacement for
 * interposed names. dlsym.S calls this for every lookup in the process, possibly before any
 * constructor has run, or from inside malloc(). Takes no lock and allocates no memory, except in
 * the first call of the process, which looks up the real dlsym() (real_dlsym.h).
 *
 * For an interposed name, the replacement finds the real function, and returns the interposed
 * function for the copy that contains the real function. The result is the same each time while the
 * copy is loaded. If the lookup finds the interposed function itself, the replacement chooses the
 * copy that the caller would reach without the preload. If the real function is not in a copy of
 * the library, the replacement returns the real function. A lookup with RTLD_NEXT, and every lookup
 * in a program with more rights than its caller, reaches the real dlsym(). */
ria_dlsym_function *ria_lookup_route(void *handle, const char *name);

#endif
