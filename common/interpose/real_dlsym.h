/* SPDX-License-Identifier: MIT
 *
 * The dlsym() behind ours. For all that a preload looks up itself: through the public name it would
 * reach the replacement (lookup.h), or an object that is preloaded before it, whose call on top of
 * ours makes that object the one that asks.
 *
 * From any thread. Takes the dynamic linker's lock, as dlsym() does.
 */
#ifndef RIA_INTERPOSE_REAL_DLSYM_H
#define RIA_INTERPOSE_REAL_DLSYM_H

typedef void *ria_dlsym_function(void *handle, const char *name);

/* dlsym() as if ours were not there; RTLD_NEXT is what comes behind the calling object. NULL with
 * dlerror() set, as dlsym() has it. */
void *ria_real_dlsym(void *handle, const char *name);

/* The function itself, for a caller that goes there by a jump. Where it cannot be found, one that
 * finds nothing. */
ria_dlsym_function *ria_real_dlsym_function(void);

#endif
