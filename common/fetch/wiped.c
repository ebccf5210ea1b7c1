/* SPDX-License-Identifier: MIT
 *
 * Implements an allocator that wipes memory, with malloc() and free() of the C library. Before it
 * frees a block, wipes as many bytes as malloc_usable_size() returns. Sets a flag of the thread if
 * an allocation fails. */
#include "fetch/wiped.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static __thread bool has_failed;

void ria_wiped_forget_failures(void)
{
    has_failed = false;
}

bool ria_wiped_has_failed(void)
{
    return has_failed;
}

static void *wiped_record(void *block)
{
    has_failed = has_failed || block == NULL;
    return block;
}

void *ria_wiped_malloc(size_t size)
{
    return wiped_record(malloc(size));
}

void *ria_wiped_calloc(size_t count, size_t size)
{
    return wiped_record(calloc(count, size));
}

void ria_wiped_free(void *memory)
{
    if (memory != NULL) {
        explicit_bzero(memory, malloc_usable_size(memory));
        free(memory);
    }
}

/* Does not call realloc() of the C library, because realloc() can free the old block without wiping
 * it. Returns the old block if it is large enough. Otherwise copies the old block to a new block,
 * wipes the old block and frees it. */
void *ria_wiped_realloc(void *old, size_t size)
{
    size_t have = old == NULL ? 0 : malloc_usable_size(old);
    if (old != NULL && size > 0 && size <= have) {
        return old;
    }
    void *fresh = ria_wiped_malloc(size == 0 ? 1 : size);
    if (fresh != NULL && old != NULL) {
        memcpy(fresh, old, have < size ? have : size);
        ria_wiped_free(old);
    }
    return fresh;
}

char *ria_wiped_strdup(const char *text)
{
    return wiped_record(strdup(text));
}
