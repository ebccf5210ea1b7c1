/* SPDX-License-Identifier: MIT
 *
 * Memory for secrets that are kept from one call to the next. All of them lie in one mapping (one
 * for each of our modules in the process), made at the first use and never given back:
 * RIA_SECRETS_MAX bytes of address space between two pages that cannot be read, of which only the
 * pages in use take memory. The kernel leaves the mapping out of core files (MADV_DONTDUMP). The
 * heap is not fit for this: a page of it holds the host's data too, which a core file of the host
 * must not lose.
 *
 * The mapping is not locked into memory: RLIMIT_MEMLOCK is the host's to use, so a page may be
 * swapped out. A child that the host forks has the mapping as it has the rest of the host's memory,
 * so that it need not ask for credentials again; a program that the host starts has it not.
 *
 * From any thread, without a lock: a child of fork() never waits. One struct ria_secret is used by
 * one thread at a time.
 */
#ifndef RIA_BASE_SECRET_H
#define RIA_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

enum {
    RIA_SECRET_MAX = 64 * 1024,    /* the longest one */
    RIA_SECRETS_MAX = 1024 * 1024, /* of all together; each takes a multiple of 4 KB */
};

/* {0} is empty. */
struct ria_secret {
    char *data; /* in the mapping, or NULL */
    size_t len;
};

/* Copies the bytes into the mapping, in place of what *secret held. False, with *secret empty, if
 * they are too long, if the mapping is full, or if there is none: mmap() failed, or the kernel does
 * not leave it out of core files. The caller then works without a copy. */
bool ria_secret_keep(struct ria_secret *secret, const void *bytes, size_t len);

/* Wipes it and leaves it empty. Accepts an empty one. */
void ria_secret_wipe(struct ria_secret *secret);

#endif
