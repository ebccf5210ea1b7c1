/* SPDX-License-Identifier: MIT
 *
 * The heap as our own objects use it, for programs that are linked with --wrap for malloc, calloc,
 * realloc, reallocarray and free. Every block that is given back is searched for secrets first, and
 * a chosen allocation fails. What other libraries allocate is not seen. One thread at a time.
 */
#ifndef RIA_UNIT_HEAP_H
#define RIA_UNIT_HEAP_H

#include <stdbool.h>
#include <stddef.h>

enum {
    RIA_HEAP_SECRETS_MAX = 8
};

/* Looks for these bytes, too, in every block that is given back. Borrowed. */
void ria_heap_watch(const void *secret, size_t len);

/* Forgets the secrets and what was found. */
void ria_heap_forget(void);

/* How many blocks with a secret in them were given back, and how many blocks were searched. */
size_t ria_heap_found(void);
size_t ria_heap_searched(void);

/* Blocks that are in use. */
size_t ria_heap_live(void);

/* Lets the n-th allocation from now fail, once; 0: none. */
void ria_heap_fail_at(size_t n);

/* True once that allocation has failed. */
bool ria_heap_has_failed(void);

/* Lets every mmap() fail, for a program that is linked with --wrap for it too. */
void ria_heap_refuse_mappings(bool refuses);

#endif
