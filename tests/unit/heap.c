/* SPDX-License-Identifier: MIT
 *
 * Defines the functions that replace malloc() and the related functions of the C library (linker
 * option --wrap). */
#include "heap.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The linker makes each call of NAME a call of __wrap_NAME, which this file defines. It makes
 * __real_NAME the C library's function. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_reallocarray(void *block, size_t count, size_t size);
void __wrap_free(void *block);
void *__real_mmap64(void *at, size_t len, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t len, int protection, int flags, int fd, off_t offset);

static struct {
    struct {
        const void *bytes;
        size_t len;
    } secret[RIA_HEAP_SECRETS_MAX];
    size_t secret_count;
    size_t found;
    size_t searched;
    size_t live;
    size_t countdown;
    bool has_failed;
    bool refuses_mappings;
} heap;

void ria_heap_watch(const void *secret, size_t len)
{
    if (heap.secret_count == RIA_HEAP_SECRETS_MAX) {
        abort();
    }
    heap.secret[heap.secret_count].bytes = secret;
    heap.secret[heap.secret_count++].len = len;
}

void ria_heap_forget(void)
{
    heap.secret_count = 0;
    heap.found = 0;
    heap.searched = 0;
}

size_t ria_heap_found(void)
{
    return heap.found;
}

size_t ria_heap_searched(void)
{
    return heap.searched;
}

size_t ria_heap_live(void)
{
    return heap.live;
}

void ria_heap_fail_at(size_t n)
{
    heap.countdown = n;
    heap.has_failed = false;
}

bool ria_heap_has_failed(void)
{
    return heap.has_failed;
}

static bool must_fail(void)
{
    if (heap.countdown == 0 || --heap.countdown > 0) {
        return false;
    }
    heap.has_failed = true;
    errno = ENOMEM;
    return true;
}

static void search(void *block)
{
    size_t size = malloc_usable_size(block);
    bool found = false;
    for (size_t i = 0; i < heap.secret_count; i++) {
        found = found || memmem(block, size, heap.secret[i].bytes, heap.secret[i].len) != NULL;
    }
    heap.found += found ? 1 : 0;
    heap.searched++;
}

static void *counted(void *block)
{
    heap.live += block != NULL ? 1 : 0;
    return block;
}

void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : counted(__real_calloc(count, size));
}

/* realloc() may move a block and leave the old bytes, so the old block counts as freed. */
void *__wrap_realloc(void *block, size_t size)
{
    if (must_fail()) {
        return NULL;
    }
    if (block == NULL) {
        return counted(__real_malloc(size));
    }
    search(block);
    return __real_realloc(block, size);
}

void *__wrap_reallocarray(void *block, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        errno = ENOMEM;
        return NULL;
    }
    return __wrap_realloc(block, count * size);
}

void __wrap_free(void *block)
{
    if (block != NULL) {
        search(block);
        heap.live--;
    }
    __real_free(block);
}

void ria_heap_refuse_mappings(bool refuses)
{
    heap.refuses_mappings = refuses;
}

void *__wrap_mmap64(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
    if (heap.refuses_mappings) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return __real_mmap64(at, len, protection, flags, fd, offset);
}
