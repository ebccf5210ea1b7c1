/* SPDX-License-Identifier: MIT
 *
 * In-process copies of the responses of rds-iam-fetch (provider/response.h), which live from one
 * call to the next. They replace the cache file if no cache directory can be used, and save a
 * long-running process from reading the file at each login. The copies are stored in dedicated
 * secret memory (base/secret.h). If that memory cannot be allocated, nothing is stored, and each
 * login obtains credentials again.
 *
 * ria_memory_cache_expire(), ria_memory_cache_get() and the functions that store a copy or a key
 * wipe all expired copies and keys if they get the lock. A copy expires when its credentials expire
 * by AWS's clock, or at the time that the caller passed to ria_memory_cache_put(). Nothing is wiped
 * between calls, so a program that runs for a long time must call one of these functions in time:
 * ria_background_due() returns the time of the next call.
 *
 * The cache also contains signing keys (aws/sigv4.h). A signing key is valid for one day, region
 * and service, so a process need not derive it again for each RDS token. A signing key is stored
 * with the secret access key from which it was derived, and is returned only for the same secret
 * access key. A process that signs only one RDS token stores no signing key.
 *
 * Thread-safe, and never blocks: while another thread holds the lock, a call does nothing, and
 * finds no copy. The functions for signing keys try for some microseconds to take the lock. If a
 * process forks during a call, the child finds no copies.
 */
#ifndef RIA_PROVIDER_MEMORY_CACHE_H
#define RIA_PROVIDER_MEMORY_CACHE_H

#include "aws/sigv4.h"
#include "provider/cache_name.h"
#include "provider/response.h"

/* Fills *out with the copy that has this name. Returns false if there is no copy with this name, or
 * if the copy has expired. */
bool ria_memory_cache_get(
    const struct ria_world *world, const char name[RIA_CACHE_NAME_SIZE], struct ria_response *out);

/* Stores a copy of `record`, which is the encoded `response`. The copy expires at `until`
 * (milliseconds on the world's ticks; INT64_MAX: no limit) or with its credentials, whichever is
 * first. Replaces the copy of the same name, else the oldest copy. */
void ria_memory_cache_put(
    const struct ria_world *world,
    const char name[RIA_CACHE_NAME_SIZE],
    int64_t until,
    const struct ria_response *response,
    const struct ria_buf *record);

/* Call this function when a renewal of the copy with this name has failed: no other renewal is
 * tried for `seconds`. Does nothing without such a copy. */
void ria_memory_cache_put_off(
    const struct ria_world *world, const char name[RIA_CACHE_NAME_SIZE], int64_t seconds);

/* Returns true if ria_memory_cache_put_off() was called for the copy with this name, the given time
 * has not passed, and no new copy has been stored since. */
bool ria_memory_cache_is_put_off(
    const struct ria_world *world, const char name[RIA_CACHE_NAME_SIZE]);

/* Fills *out with the signing key of the secret access key for that scope. Returns false if it is
 * not stored. The caller wipes *out. */
bool ria_memory_cache_get_key(
    const struct ria_buf *secret_access_key,
    const struct ria_sigv4_scope *scope,
    struct ria_sigv4_key *out);

/* Stores a signing key that was derived from the credentials of the response. The first call in a
 * process stores nothing. The key expires with these credentials, or when the day of its scope
 * ends, whichever is first. Replaces the oldest key. */
void ria_memory_cache_put_key(
    const struct ria_world *world,
    const struct ria_response *response,
    const struct ria_sigv4_scope *scope,
    const struct ria_sigv4_key *key);

/* Wipes all expired copies and keys. Returns the time at which the next of them expires, in
 * milliseconds on the world's ticks, or INT64_MAX if none is left. */
int64_t ria_memory_cache_expire(const struct ria_world *world);

/* Wipes all copies and keys. */
void ria_memory_cache_clear(void);

#endif
