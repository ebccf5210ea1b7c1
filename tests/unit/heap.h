/* SPDX-License-Identifier: MIT
 *
 * Watches the memory that the program's own object files allocate, in programs that are linked with
 * --wrap for malloc, calloc, realloc, reallocarray and free. Searches each block for secrets before
 * it is freed, and lets a chosen allocation fail. Does not see the allocations of other libraries.
 * Not thread-safe.
 */
#ifndef RIA_UNIT_HEAP_H
#define RIA_UNIT_HEAP_H

#include <stdbool.h>
#include <stddef.h>

enum {
    RIA_HEAP_SECRETS_MAX = 8
};

/* Adds a secret: these bytes are searched for in every freed block. Borrowed. */
void ria_heap_watch(const void *secret, size_t len);

/* Removes the secrets and resets the counts. */
void ria_heap_forget(void);

/* ria_heap_found() returns the number of freed blocks that contained a secret; ria_heap_searched()
 * returns the number of all freed blocks that were searched. */
size_t ria_heap_found(void);
size_t ria_heap_searched(void);

/* Returns the number of allocated blocks. */
size_t ria_heap_live(void);

/* Lets the n-th allocation after this call fail, once; 0: none. */
void ria_heap_fail_at(size_t n);

/* Returns true if the allocation that ria_heap_fail_at() chose has failed. */
bool ria_heap_has_failed(void);

/* Lets every mmap() fail, in a program that is linked with --wrap for mmap64 too. */
void ria_heap_refuse_mappings(bool refuses);

#endif
