/* SPDX-License-Identifier: MIT
 *
 * A small table under a lock that is only tried: what cannot be had at once is asked for again. */
#include "provider/memory.h"

#include <pthread.h>
#include <string.h>

/* A program uses one or two identities; an agent perhaps a dozen. */
enum {
    COPIES = 16
};

struct copy {
    char name[RIA_CACHE_NAME_SIZE];
    int64_t until;
    struct ria_buf record;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct copy copies[COPIES];
static size_t next;

static struct copy *find(const char *name)
{
    for (size_t i = 0; i < COPIES; i++) {
        if (copies[i].record.len > 0 && strcmp(copies[i].name, name) == 0) {
            return &copies[i];
        }
    }
    return NULL;
}

bool ria_memory_get(const char name[RIA_CACHE_NAME_SIZE], int64_t now, struct ria_answer *out)
{
    if (pthread_mutex_trylock(&lock) != 0) {
        return false;
    }
    const struct copy *found = find(name);
    bool ok = found != NULL && now < found->until && ria_answer_read(&found->record, out);
    (void)pthread_mutex_unlock(&lock);
    return ok;
}

void ria_memory_put(
    const char name[RIA_CACHE_NAME_SIZE], int64_t until, const struct ria_buf *record)
{
    if (pthread_mutex_trylock(&lock) != 0) {
        return;
    }
    struct copy *place = find(name);
    if (place == NULL) {
        place = &copies[next];
        next = (next + 1) % COPIES;
    }
    place->record.max = RIA_RECORD_MAX;
    ria_buf_clear(&place->record);
    ria_buf_add(&place->record, record->data, record->len);
    memcpy(place->name, name, RIA_CACHE_NAME_SIZE);
    place->until = until;
    if (place->record.failed) {
        ria_buf_release(&place->record);
    }
    (void)pthread_mutex_unlock(&lock);
}

void ria_memory_clear(void)
{
    if (pthread_mutex_trylock(&lock) != 0) {
        return;
    }
    for (size_t i = 0; i < COPIES; i++) {
        ria_buf_release(&copies[i].record);
    }
    (void)pthread_mutex_unlock(&lock);
}
