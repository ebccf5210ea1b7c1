/* SPDX-License-Identifier: MIT
 *
 * Functions that a program looks up. A program that calls a client library through ctypes, cffi or
 * JNA gets its functions from dlsym() and would get past the interposed ones. So dlsym() is
 * replaced too: for an interposed name it finds a function of ours, one for each copy of the
 * library, because the caller is then some library for calls (libffi) that has nothing to do with
 * that copy. All other lookups go to libc as they came: dlsym.S.
 *
 * One object of a process replaces dlsym(): the one that is linked with this part of the room. It
 * lists the functions of every library that it answers for in ria_interposed_lists.
 *
 * dlvsym() is libc's own: it needs a version, and client libraries as their authors build them have
 * none.
 */
#ifndef RIA_INTERPOSE_LOOKUP_H
#define RIA_INTERPOSE_LOOKUP_H

#include "interpose/real_dlsym.h"

#include <stddef.h>

enum {
    /* Copies of one library that are loaded and have functions looked up in them at one time; of
     * one more the program gets the real functions. One or two are what processes have. */
    RIA_COPIES_MAX = 8,
};

typedef void ria_any_function(void);

/* One interposed function: that for programs that are linked with the library, and one for each
 * copy in which it is looked up. */
struct ria_interposed_function {
    const char *name;
    ria_any_function *linked;
    ria_any_function *of_copy[RIA_COPIES_MAX];
};

/* The interposed functions of one library. */
struct ria_interposed_list {
    const char *prefix; /* of all their names: other lookups cost one comparison of it */
    const char *mark;   /* a function that every copy defines and a wrapper of the library does not:
                           ria_library_mark() */
    const struct ria_interposed_function *functions;
    size_t count;
    const void **marks; /* RIA_COPIES_MAX of them, by number; NULL: not given yet. Atomic. */
};

/* Defined by the object that replaces dlsym(); ends with NULL. */
extern const struct ria_interposed_list *const ria_interposed_lists[];

/* The mark of the copy of that number: an address in it, for ria_library_find(). */
static inline const void *ria_interposed_mark(const void *const *marks, size_t number)
{
    return __atomic_load_n(&marks[number], __ATOMIC_ACQUIRE);
}

/* What answers dlsym(handle, name). Called by dlsym.S for every lookup of a program, maybe before
 * anything is set up, and from inside malloc(): it takes no lock and no memory, for any name that
 * is not interposed.
 *
 * For an interposed name that is the function of ours that stands for the copy in which the real
 * one was found, the same each time as long as the copy is loaded; or the real one, if what was
 * found is no copy of the library. If a function of ours was found, its copy is the one that the
 * caller would have reached. RTLD_NEXT, and programs with more rights than their caller, get the
 * real one. */
ria_dlsym_function *ria_lookup_route(void *handle, const char *name);

#endif
