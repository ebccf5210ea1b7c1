/* SPDX-License-Identifier: MIT
 *
 * Stores copies of responses in a table of 16 entries, under one lock. No function waits for the
 * lock. If another thread holds the lock, the function does nothing, and the caller reads the cache
 * file or runs rds-iam-fetch. */
#include "provider/memory_cache.h"

#include "base/secret.h"
#include "provider/cache.h"

#include <pthread.h>
#include <string.h>

/* A program uses one or two identities; the agent may use a dozen. */
enum {
    COPIES = 16
};

_Static_assert((int)RIA_SECRET_MAX >= (int)RIA_RECORD_MAX, "every record can be stored");

struct copy {
    char name[RIA_CACHE_NAME_SIZE];
    int64_t until;   /* when the copy expires, in ticks; INT64_MAX: the copy expires with the
                        credentials */
    int64_t expires; /* when the credentials expire, seconds since 1970; 0: unknown or never */
    struct ria_clock_offset offset;
    struct ria_secret record;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct copy copies[COPIES];
static size_t next;
static bool is_used; /* a copy was stored; most programs use static keys and never store one */

static struct copy *memory_cache_find(const char *name)
{
    for (size_t i = 0; i < COPIES; i++) {
        if (copies[i].record.len > 0 && strcmp(copies[i].name, name) == 0) {
            return &copies[i];
        }
    }
    return NULL;
}

/* Returns when the copy expires, on the world's ticks. The wall clock counts whole seconds: the
 * credentials expire as soon as the wall clock shows `expires`. */
static int64_t memory_cache_expiry(
    const struct ria_world *world, const struct copy *copy, int64_t ticks)
{
    if (copy->expires == 0) {
        return copy->until;
    }
    int64_t now = world->now(world->self) + ria_cache_offset(world, &copy->offset);
    int64_t left = copy->expires > now ? copy->expires - now : 0;
    if (left >= (INT64_MAX - ticks) / 1000) {
        return copy->until;
    }
    int64_t end = ticks + (left * 1000);
    return end < copy->until ? end : copy->until;
}

/* Wipes expired copies. Returns when the next copy expires. The caller holds the lock. */
static int64_t memory_cache_sweep(const struct ria_world *world)
{
    int64_t ticks = world->ticks(world->self);
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < COPIES; i++) {
        struct copy *copy = &copies[i];
        int64_t end = copy->record.len == 0 ? INT64_MAX : memory_cache_expiry(world, copy, ticks);
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
    place->expires = response->outcome == RIA_FOUND ? response->credentials.expires : 0;
    place->offset = response->offset;
    memory_cache_store(place, record);
    (void)pthread_mutex_unlock(&lock);
}

void ria_memory_cache_clear(void)
{
    if (pthread_mutex_trylock(&lock) != 0) {
        return;
    }
    for (size_t i = 0; i < COPIES; i++) {
        ria_secret_wipe(&copies[i].record);
    }
    (void)pthread_mutex_unlock(&lock);
}
