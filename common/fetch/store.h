/* SPDX-License-Identifier: MIT
 *
 * The cache of credentials as its only writer sees it. One process at a time fetches an entry: the
 * others wait for its lock and then find the entry there. How it is read is in provider/cache.h.
 */
#ifndef RIA_FETCH_STORE_H
#define RIA_FETCH_STORE_H

#include "rds_iam.h"

struct ria_store {
    int directory; /* -1: nothing is kept */
    int lock;
    bool is_held;
    const char *name; /* borrowed */
};

/* Makes and checks the directory (0700, the user's own, as is the one above it). False, with a
 * store that keeps nothing, if it cannot be had: a read-only home is no reason to fail. */
bool ria_store_open(struct ria_store *store, const char *directory, const char *name);

/* Takes the entry's lock, and sleeps up to `timeout` milliseconds while another process has it.
 * Uses SIGALRM. */
bool ria_store_lock(struct ria_store *store, int64_t timeout);

/* Replaces the entry, whole, 0600, and removes entries of two days ago. False, with nothing done,
 * without the lock or if it cannot be written. */
bool ria_store_write(const struct ria_store *store, const struct ria_buf *record);

/* Gives the lock back. */
void ria_store_close(struct ria_store *store);

#endif
