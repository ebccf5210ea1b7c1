/* SPDX-License-Identifier: MIT
 *
 * Looking functions up. Programs that do that with libpq's (ctypes, cffi, JNA) would get by us, so
 * dlsym() is interposed too: for a function of ours it finds one that stands for the copy of libpq
 * in question (copies.h). All other questions go to libc as they came: dlsym.S.
 *
 * dlvsym() is libc's own: it needs a version, and libpq as its authors make it has none.
 */
#ifndef RIA_PRELOAD_LOOKUP_H
#define RIA_PRELOAD_LOOKUP_H

/* dlsym() as if ours were not there; RTLD_NEXT is what comes behind us. For all that this library
 * looks up itself: by the public name that might come by an object that is preloaded before us,
 * whose call on top of ours makes it the one that asks. */
void *ria_lookup(void *handle, const char *name);

/* What answers dlsym(handle, name). Called for every lookup of a program, maybe before anything is
 * set up, and from inside malloc(): it takes no lock and no memory, for any name but those few. */
void *(*ria_lookup_route(void *handle, const char *name))(void *, const char *);

#endif
