/* SPDX-License-Identifier: MIT
 *
 * Memory for libraries that know nothing of secrets: malloc() and its like, wiping what is freed.
 * libcurl, jansson and expat are given these functions. (This is a program of our own; a guest may
 * not touch such global hooks.)
 */
#ifndef RIA_FETCH_WIPED_H
#define RIA_FETCH_WIPED_H

#include <stddef.h>

void *ria_wiped_malloc(size_t size);
void *ria_wiped_calloc(size_t count, size_t size);
void *ria_wiped_realloc(void *old, size_t size);
char *ria_wiped_strdup(const char *text);
void ria_wiped_free(void *memory);

#endif
