/* SPDX-License-Identifier: MIT
 *
 * Finds the loaded object (the program, or a shared library) that contains an address.
 *
 * Takes no lock if glibc has _dl_find_object() (2.35 and later). glibc protects its list of loaded
 * objects with two locks. With each of them, some callers would wait forever:
 *
 *   dladdr()           takes the lock that a library's constructor holds. A thread that makes the
 *                      token for a constructor would wait for the constructor's thread, which
 *                      waits for the token.
 *   dl_iterate_phdr()  takes a lock that is not released in a child of fork(). If another thread
 *                      of the parent (a profiler, or the unwinder of an exception) held the lock
 *                      during the fork, every later call in the child waits forever.
 *
 * With an older glibc, this code calls dl_iterate_phdr(), and such a child waits forever.
 *
 * All functions may be called from any thread. The object that contains the address must not be
 * unloaded during the call, nor while the result is used.
 */
#ifndef RIA_BASE_OBJECT_H
#define RIA_BASE_OBJECT_H

#include "base/error.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>

struct ria_object {
    const char *name; /* the path of its file, as the dynamic linker knows it */
    uintptr_t bias;   /* add this to an address in `segments` to get the address in memory */
    const ElfW(Phdr) * segments; /* the program headers, in the memory of the object */
    size_t count;
};

/* Finds the object that contains an address, which is usually that of a function. Returns false if
 * there is no such object, or if its ELF header is not in memory. */
bool ria_object_at(uintptr_t address, struct ria_object *out) RIA_MUST_USE;

/* Returns whether an object contains an address. Searches no symbols. */
bool ria_object_contains(const struct ria_object *object, uintptr_t address) RIA_MUST_USE;

#endif
