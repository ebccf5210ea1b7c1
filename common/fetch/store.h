/* SPDX-License-Identifier: MIT
 *
 * Writes the cache of credentials; only rds-iam-fetch does so. One process at a time fetches the
 * credentials of an entry. The other processes wait for the entry's lock and then read the entry.
 * provider/cache.h contains the functions that read the cache.
 */
#ifndef RIA_FETCH_STORE_H
#define RIA_FETCH_STORE_H

#include "rds_iam.h"

struct ria_store {
    int directory;    /* -1: nothing is cached */
    int lock;         /* descriptor of the lock file, or -1 */
    bool is_held;     /* this process holds the lock */
    const char *name; /* borrowed */
};

/* Opens the cache directory and creates it if it does not exist. The directory must belong to the
 * user and have mode 0700; its parent must belong to the user, and no other user may be able to
 * write to it. `directory` may be NULL. Returns false if there is no such directory, for example in
 * a read-only home. That is not an error: the store then caches nothing. */
bool ria_store_open(struct ria_store *store, const char *directory, const char *name);

/* Takes the entry's lock; sleeps up to `timeout` milliseconds while another process holds it.
 * Returns false if the other process held the lock the whole time. Returns true if the lock was
 * taken, and also if the file system supports no locks; nothing is written then. Uses SIGALRM. */
bool ria_store_lock(struct ria_store *store, int64_t timeout);

/* Replaces the entry atomically, with mode 0600, and removes entries that are older than 37 hours.
 * Returns false if this process does not hold the lock, or if the file cannot be written. */
bool ria_store_write(const struct ria_store *store, const struct ria_buf *record);

/* Releases the lock and closes the directory. */
void ria_store_close(struct ria_store *store);

#endif
