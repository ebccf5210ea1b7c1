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
    bool is_held;     /* whether this process holds the lock */
    const char *name; /* borrowed */
};

/* Opens the cache directory and creates it if it does not exist. The directory and its parent must
 * belong to the user. The directory must give other users no rights, and no other user may be able
 * to write to the parent. `directory` may be NULL. `name` is the name of the entry, borrowed until
 * ria_store_close(). Returns false if the directory does not meet these requirements, or if it does
 * not exist and cannot be created, for example in a read-only home. If the function returns false,
 * the store caches nothing, and the caller need not report an error. */
bool ria_store_open(struct ria_store *store, const char *directory, const char *name);

/* Takes the entry's lock; sleeps up to `timeout` milliseconds while another process holds the lock.
 * Returns false if another process held the lock the whole time. Returns true if this process has
 * taken the lock. Also returns true if locking fails for any other reason, for example because the
 * file system supports no locks; in this case is_held is false and ria_store_write() writes
 * nothing. Uses SIGALRM. */
bool ria_store_lock(struct ria_store *store, int64_t timeout);

/* Releases the lock, if this process holds it. ria_store_lock() can take the lock again. */
void ria_store_unlock(struct ria_store *store);

/* Call this function when this process, which holds the lock, begins to fetch the credentials. Sets
 * the time of the lock file. */
void ria_store_begin(const struct ria_store *store);

/* Returns the age of the lock file in seconds, if the entry is older than the lock file. In this
 * case the last fetch began, or its last try failed, that long ago, and the fetch has written no
 * entry. Returns -1 if the entry is newer, if it does not exist, if the time of the lock file is in
 * the future, or if the times cannot be read. */
int64_t ria_store_failed_ago(const struct ria_store *store);

/* Replaces the entry atomically, with mode 0600. Also removes every file of the cache (entries,
 * lock files and ".new" files) that is older than 37 hours. Returns false if this process does not
 * hold the lock, or if the file cannot be written. */
bool ria_store_write(const struct ria_store *store, const struct ria_buf *record);

/* Releases the lock and closes the directory. */
void ria_store_close(struct ria_store *store);

#endif
