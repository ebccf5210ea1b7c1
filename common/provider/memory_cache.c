/* SPDX-License-Identifier: MIT
 *
 * Stores copies of the responses of rds-iam-fetch, and signing keys, in two tables of 16 entries,
 * under one lock. No function blocks on the lock. If another thread holds the lock, the function
 * does nothing, and the caller reads the cache file, runs rds-iam-fetch, or derives the signing
 * key. */
#include "provider/memory_cache.h"

#include "aws/endpoint.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "provider/cache.h"

#include <pthread.h>
#include <string.h>

/* A program uses one or two identities; the agent may use a dozen. */
enum {
    COPIES = 16,
    DAY = 86400,
    SERVICE_SIZE = 16, /* "rds-db", "dsql" */
    /* Attempts to take the lock for a signing key; together they take some microseconds, about as
     * long as the derivation of the key. */
    TRIES = 100,
};

_Static_assert((int)RIA_SECRET_MAX >= (int)RIA_RECORD_MAX, "every record can be stored");

struct copy {
    char name[RIA_CACHE_NAME_SIZE];
    int64_t until;   /* when the copy expires, in ticks; INT64_MAX: the copy expires with the
                        credentials */
    int64_t expires; /* when the credentials expire, seconds since 1970; 0: unknown or never */
    int64_t put_off; /* no renewal is tried before this time, in ticks */
    struct ria_clock_offset offset;
    struct ria_secret record;
};

/* The record of a signing key: the key, and the values that identify it. */
struct stored_key {
    struct ria_sigv4_key key;
    char date[RIA_DATE_LEN];
    char region[RIA_REGION_SIZE];
    char service[SERVICE_SIZE];
    size_t secret_len;
    char secret[RIA_SECRET_ACCESS_KEY_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct copy copies[COPIES];
static size_t next;
static struct copy keys[COPIES]; /* each record is a struct stored_key; the name is "" */
static size_t next_key;
static bool has_signed; /* a signing key was derived */
static bool is_used;    /* a copy or a key was stored; if not, no table needs to be searched */

static struct copy *memory_cache_find(const char *name)
{
    for (size_t i = 0; i < COPIES; i++) {
        if (copies[i].record.len > 0 && strcmp(copies[i].name, name) == 0) {
            return &copies[i];
        }
    }
    return NULL;
}

/* Returns the time at which the copy expires, on the world's ticks. The wall clock counts whole
 * seconds: the credentials expire as soon as the wall clock shows `expires`. */
static int64_t memory_cache_expiry(
    const struct ria_world *world, const struct copy *copy, int64_t ticks, int64_t now)
{
    if (copy->expires == 0) {
        return copy->until;
    }
    int64_t then = now + ria_cache_offset(world, &copy->offset);
    int64_t left = copy->expires > then ? copy->expires - then : 0;
    if (left >= (INT64_MAX - ticks) / 1000) {
        return copy->until;
    }
    int64_t end = ticks + (left * 1000);
    return end < copy->until ? end : copy->until;
}

/* Wipes expired copies and keys. Returns the time at which the next of them expires. The caller
 * holds the lock. */
static int64_t memory_cache_sweep(const struct ria_world *world)
{
    int64_t ticks = world->ticks(world->self);
    int64_t now = world->now(world->self);
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < (size_t)2 * COPIES; i++) {
        struct copy *copy = i < COPIES ? &copies[i] : &keys[i - COPIES];
        int64_t end =
            copy->record.len == 0 ? INT64_MAX : memory_cache_expiry(world, copy, ticks, now);
        if (end <= ticks) {
            ria_secret_wipe(&copy->record);
        } else if (end < first) {
            first = end;
        }
    }
    return first;
}

int64_t ria_memory_cache_expire(const struct ria_world *world)
{
    if (!__atomic_load_n(&is_used, __ATOMIC_RELAXED) || pthread_mutex_trylock(&lock) != 0) {
        return INT64_MAX;
    }
    int64_t first = memory_cache_sweep(world);
    (void)pthread_mutex_unlock(&lock);
    return first;
}

bool ria_memory_cache_get(
    const struct ria_world *world, const char name[RIA_CACHE_NAME_SIZE], struct ria_response *out)
{
    if (pthread_mutex_trylock(&lock) != 0) {
        return false;
    }
    (void)memory_cache_sweep(world);
    const struct copy *found = memory_cache_find(name);
    bool ok = false;
    if (found != NULL) {
        const struct ria_buf record = {
            .data = found->record.data, .len = found->record.len, .max = RIA_RECORD_MAX};
        ok = ria_response_read(&record, out);
    }
    (void)pthread_mutex_unlock(&lock);
    return ok;
}

/* Stores the record. If secret memory is full, wipes the oldest copies until the record fits. */
static void memory_cache_store(struct copy *place, const struct ria_buf *record)
{
    bool is_stored = ria_secret_keep(&place->record, record->data, record->len);
    for (size_t i = 0; !is_stored && i < COPIES; i++) {
        ria_secret_wipe(&copies[(next + i) % COPIES].record);
        is_stored = ria_secret_keep(&place->record, record->data, record->len);
    }
}

void ria_memory_cache_put(
    const struct ria_world *world,
    const char name[RIA_CACHE_NAME_SIZE],
    int64_t until,
    const struct ria_response *response,
    const struct ria_buf *record)
{
    if (pthread_mutex_trylock(&lock) != 0) {
        return;
    }
    __atomic_store_n(&is_used, true, __ATOMIC_RELAXED);
    (void)memory_cache_sweep(world);
    struct copy *place = memory_cache_find(name);
    if (place == NULL) {
        place = &copies[next];
        next = (next + 1) % COPIES;
    }
    memcpy(place->name, name, RIA_CACHE_NAME_SIZE);
    place->until = until;
    place->put_off = 0;
    place->expires = response->outcome == RIA_FOUND ? response->credentials.expires : 0;
    place->offset = response->offset;
    memory_cache_store(place, record);
    (void)pthread_mutex_unlock(&lock);
}

void ria_memory_cache_put_off(
    const struct ria_world *world, const char name[RIA_CACHE_NAME_SIZE], int64_t seconds)
{
    if (pthread_mutex_trylock(&lock) == 0) {
        struct copy *copy = memory_cache_find(name);
        if (copy != NULL) {
            copy->put_off = world->ticks(world->self) + (seconds * 1000);
        }
        (void)pthread_mutex_unlock(&lock);
    }
}

bool ria_memory_cache_is_put_off(
    const struct ria_world *world, const char name[RIA_CACHE_NAME_SIZE])
{
    bool is_put_off = false;
    if (pthread_mutex_trylock(&lock) == 0) {
        const struct copy *copy = memory_cache_find(name);
        is_put_off = copy != NULL && world->ticks(world->self) < copy->put_off;
        (void)pthread_mutex_unlock(&lock);
    }
    return is_put_off;
}

void ria_memory_cache_clear(void)
{
    if (pthread_mutex_trylock(&lock) != 0) {
        return;
    }
    for (size_t i = 0; i < COPIES; i++) {
        ria_secret_wipe(&copies[i].record);
        ria_secret_wipe(&keys[i].record);
    }
    (void)pthread_mutex_unlock(&lock);
}

/* -- signing keys --------------------------------------------------------------------------- */

/* Tries to take the lock TRIES times, without blocking. */
static bool memory_cache_try_lock(void)
{
    int error = pthread_mutex_trylock(&lock);
    for (unsigned i = 0; error != 0 && i < TRIES; i++) {
        error = pthread_mutex_trylock(&lock);
    }
    return error == 0;
}

static bool is_key_of(
    const struct stored_key *stored,
    const struct ria_buf *secret_access_key,
    const struct ria_sigv4_scope *scope)
{
    return stored->secret_len == secret_access_key->len &&
           memcmp(stored->secret, secret_access_key->data, stored->secret_len) == 0 &&
           memcmp(stored->date, scope->timestamp, RIA_DATE_LEN) == 0 &&
           strcmp(stored->region, scope->region) == 0 &&
           strcmp(stored->service, scope->service) == 0;
}

bool ria_memory_cache_get_key(
    const struct ria_buf *secret_access_key,
    const struct ria_sigv4_scope *scope,
    struct ria_sigv4_key *out)
{
    bool is_found = false;
    if (!__atomic_load_n(&is_used, __ATOMIC_RELAXED) || !memory_cache_try_lock()) {
        return false;
    }
    for (size_t i = 0; i < COPIES && !is_found; i++) {
        const void *record = keys[i].record.data;
        const struct stored_key *stored = record;
        if (stored != NULL && is_key_of(stored, secret_access_key, scope)) {
            *out = stored->key;
            is_found = true;
        }
    }
    (void)pthread_mutex_unlock(&lock);
    return is_found;
}

/* Stores the key in *place. Returns false if secret memory is full, or if the name of the region or
 * service is too long. */
static bool fill_key(
    struct copy *place,
    const struct ria_buf *secret_access_key,
    const struct ria_sigv4_scope *scope,
    const struct ria_sigv4_key *key)
{
    struct stored_key stored = {.key = *key, .secret_len = secret_access_key->len};
    memcpy(stored.date, scope->timestamp, RIA_DATE_LEN);
    memcpy(stored.secret, secret_access_key->data, secret_access_key->len);
    bool ok = ria_text_copy(stored.region, sizeof(stored.region), scope->region) &&
              ria_text_copy(stored.service, sizeof(stored.service), scope->service) &&
              ria_secret_keep(&place->record, &stored, sizeof(stored));
    explicit_bzero(&stored, sizeof(stored));
    return ok;
}

/* Returns the time at which the key expires, in seconds since 1970: when its credentials expire or
 * when its day ends, whichever is first. */
static int64_t key_expiry(const struct ria_response *response, const struct ria_sigv4_scope *scope)
{
    int64_t when = 0;
    (void)!ria_timestamp_parse(scope->timestamp, &when);
    int64_t day_end = (when / DAY + 1) * DAY;
    int64_t expires = response->credentials.expires;
    return expires != 0 && expires < day_end ? expires : day_end;
}

void ria_memory_cache_put_key(
    const struct ria_world *world,
    const struct ria_response *response,
    const struct ria_sigv4_scope *scope,
    const struct ria_sigv4_key *key)
{
    const struct ria_buf *secret = &response->credentials.secret_access_key;
    if (!__atomic_exchange_n(&has_signed, true, __ATOMIC_RELAXED) ||
        secret->len > RIA_SECRET_ACCESS_KEY_MAX || !memory_cache_try_lock()) {
        return;
    }
    (void)memory_cache_sweep(world);
    struct copy *place = &keys[next_key];
    next_key = (next_key + 1) % COPIES;
    ria_secret_wipe(&place->record);
    if (fill_key(place, secret, scope, key)) {
        place->until = INT64_MAX;
        place->expires = key_expiry(response, scope);
        place->offset = response->offset;
        __atomic_store_n(&is_used, true, __ATOMIC_RELAXED);
    }
    (void)pthread_mutex_unlock(&lock);
}
