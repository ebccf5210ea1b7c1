/* SPDX-License-Identifier: MIT
 *
 * Memory for secrets that must survive between two calls. All secrets of a module (a plugin, the
 * preload or a program of rds-iam) are in one mapping. The mapping is created at the first use and
 * never unmapped. It reserves RIA_SECRETS_MAX bytes of address space between two inaccessible guard
 * pages; only pages in use take memory. The kernel leaves the mapping out of core files
 * (MADV_DONTDUMP). Heap memory cannot be left out in this way, because a heap page also contains
 * data of the host program, which must stay in the core files of that program.
 *
 * The mapping is not locked into memory, because RLIMIT_MEMLOCK belongs to the host program.
 * Therefore a page can be swapped out. A child that the host program forks inherits the mapping
 * like all other memory, so the child need not get credentials again. If the host program executes
 * another program, the new program does not inherit the mapping.
 *
 * All functions may be called from any thread. They take no lock, so a child of fork() never
 * deadlocks. Only one thread at a time may use one struct ria_secret.
 */
#ifndef RIA_BASE_SECRET_H
#define RIA_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

enum {
    RIA_SECRET_MAX = 64 * 1024,    /* maximum size of one secret */
    RIA_SECRETS_MAX = 1024 * 1024, /* maximum size of all secrets; each takes a multiple of 4 KB */
};

/* {0} is empty. */
struct ria_secret {
    char *data; /* in the mapping, or NULL */
    size_t len;
};

/* Copies the bytes into the mapping and releases the old contents of *secret. Returns false, with
 * *secret empty, in these cases: there are no bytes; there are more than RIA_SECRET_MAX; the
 * mapping is full; or there is no mapping, because mmap() failed or the kernel cannot leave the
 * mapping out of core files. The caller then continues without a cached copy. */
bool ria_secret_keep(struct ria_secret *secret, const void *bytes, size_t len);

/* Wipes the secret and returns its memory to the mapping. Accepts an empty secret. */
void ria_secret_wipe(struct ria_secret *secret);

#endif
