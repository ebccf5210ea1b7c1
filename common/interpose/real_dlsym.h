/* SPDX-License-Identifier: MIT
 *
 * The real dlsym(), for a preload's own lookups. A call by the public name dlsym would reach the
 * replacement (lookup.h), or the replacement in another preload that comes before this one. In the
 * second case, libc would take the other preload for the caller, and RTLD_NEXT would start at the
 * wrong object.
 *
 * Thread-safe. Takes the dynamic linker's lock, as dlsym() does.
 */
#ifndef RIA_INTERPOSE_REAL_DLSYM_H
#define RIA_INTERPOSE_REAL_DLSYM_H

typedef void *ria_dlsym_function(void *handle, const char *name);

/* Calls the real dlsym(). RTLD_NEXT searches the objects after the object that contains this
 * function. Returns NULL with dlerror() set on failure, as dlsym() does. */
void *ria_real_dlsym(void *handle, const char *name);

/* Returns the real dlsym() itself, for a caller that jumps to it. If it cannot be found, returns a
 * function that always returns NULL. */
ria_dlsym_function *ria_real_dlsym_function(void);

#endif
