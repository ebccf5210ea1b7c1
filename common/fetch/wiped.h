/* SPDX-License-Identifier: MIT
 *
 * An allocator that wipes memory before it frees the memory. It is for libraries that do not wipe
 * their buffers. rds-iam-fetch sets this allocator in libcurl, jansson and expat. The plugins must
 * not set such an allocator, because it would apply to the whole process, and the host program may
 * use the same libraries.
 *
 * Each function behaves like the C library's function of the same name, except that
 * ria_wiped_realloc() with size 0 returns a block of one byte or more. Thread-safe.
 */
#ifndef RIA_FETCH_WIPED_H
#define RIA_FETCH_WIPED_H

#include <stdbool.h>
#include <stddef.h>

void *ria_wiped_malloc(size_t size);
void *ria_wiped_calloc(size_t count, size_t size);
void *ria_wiped_realloc(void *old, size_t size);
char *ria_wiped_strdup(const char *text);
void ria_wiped_free(void *memory);

/* ria_wiped_has_failed() returns whether an allocation in this thread has failed since the thread's
 * last call of ria_wiped_forget_failures() or, without such a call, since the thread began. */
void ria_wiped_forget_failures(void);
bool ria_wiped_has_failed(void);

#endif
