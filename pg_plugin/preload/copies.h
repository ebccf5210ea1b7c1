/* SPDX-License-Identifier: MIT
 *
 * The interposed functions, once for programs that are linked with libpq and once for each copy of
 * it in which a program looks them up. Who calls the former is known by the return address. Under a
 * lookup the caller is some library for calls (libffi) that has nothing to do with libpq: so the
 * function itself stands for its copy.
 */
#ifndef RIA_PRELOAD_COPIES_H
#define RIA_PRELOAD_COPIES_H

#include <stdbool.h>

enum {
    /* Copies of libpq that are looked into and loaded at one time; of one more the program gets the
     * real functions. One or two are what processes have. */
    RIA_COPIES_MAX = 8,
};

/* Whether a function of this name is interposed. */
bool ria_copies_knows(const char *name);

/* What a program gets that has looked `name`, one of them, up by handle and would have got `found`:
 * the function of ours that stands for found's copy of libpq, or found itself if that is no
 * libpq's. If found is our own already, it is the copy that the caller, a return address, would
 * have reached. The same each time as long as the copy is loaded. Takes no lock but the dynamic
 * linker's; leaves dlerror() with what went wrong on the way. */
void *ria_copies_stand_in(void *handle, const char *name, void *found, const void *caller);

#endif
