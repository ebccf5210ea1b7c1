/* SPDX-License-Identifier: MIT
 *
 * Stores copies of what the credential chain found (chain_copy.h), in a table of 16 entries under
 * one lock. The code tries a limited number of times to take the lock and never blocks on it. A
 * copy consists of a struct found, the key by which it is found (ria_chain_copy_key()), and a
 * response (codec/record.h). The files are compared after the lock is released. Stores no copy of a
 * plan that depends on more than this key and AWS's two files, no copy of an error, and no copy if
 * one of the files is on a network file system.
 */
#include "provider/chain_copy.h"

#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "provider/cache.h"
#include "provider/memory_cache.h"

#include <pthread.h>
#include <string.h>

enum {
    COPIES = 16,
    LIFE_MS = 3600 * 1000,
    PATH_SIZE = 256, /* a copy with a longer path is not stored */
    TRIES = 100,     /* attempts to take the lock; together they take some microseconds */
    PRESENT = '+',   /* in a key, the byte before a value */
    ABSENT = '-',
};

/* One of AWS's two files. */
struct found_file {
    char path[PATH_SIZE]; /* "": the path was not known */
    bool is_present;
    struct ria_file facts;
};

struct found {
    struct found_file files[RIA_PROFILE_FILES];
    char name[RIA_CACHE_NAME_SIZE]; /* of the copy in provider/memory_cache.h; "": the credentials
                                       are static, and the response contains them */
    int64_t expires;                /* of the credentials */
    int64_t renewal;                /* as in struct ria_response */
    size_t key_len;
    size_t record_len;
};

struct entry {
    struct ria_secret bytes;
    int64_t until; /* in ticks */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry entries[COPIES];
static size_t next;
static bool is_second; /* the chain has found credentials before */

static bool chain_copy_try_lock(void)
{
    int error = pthread_mutex_trylock(&lock);
    for (unsigned i = 0; error != 0 && i < TRIES; i++) {
        error = pthread_mutex_trylock(&lock);
    }
    return error == 0;
}

/* -- the key ----------------------------------------------------------------------------------- */

/* Appends a value so that two different lists of values never give the same key. */
static void add_value(struct ria_buf *key, const char *value)
{
    ria_buf_add_char(key, (char)(value == NULL ? ABSENT : PRESENT));
    if (value != NULL) {
        ria_buf_add(key, value, strlen(value) + 1);
    }
}

bool ria_chain_copy_key(const struct ria_query *query, struct ria_buf *key)
{
    const struct ria_world *world = query->world;
    if (!__atomic_load_n(&is_second, __ATOMIC_RELAXED) || world->log != NULL ||
        world->read_facts == NULL || query->mfa_code != NULL) {
        return false;
    }
    ria_buf_add(key, &query->user, sizeof(query->user));
    const struct ria_setting *settings[] = {
        &query->profile, &query->region, &query->cli_cache, &query->process_cache};
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        add_value(key, settings[i]->value);
    }
    for (size_t i = 0; query->role != NULL && i < RIA_ROLE_VALUES; i++) {
        add_value(key, query->role->value[i].value);
    }
    add_value(key, ria_world_home(world));
    world->add_variables(world->self, "AWS_", key);
    return !key->failed;
}

/* -- reading ----------------------------------------------------------------------------------- */

/* Wipes copies that are too old. The caller holds the lock. */
static void chain_copy_sweep(const struct ria_world *world)
{
    int64_t ticks = world->ticks(world->self);
    for (size_t i = 0; i < COPIES; i++) {
        if (entries[i].bytes.len > 0 && entries[i].until <= ticks) {
            ria_secret_wipe(&entries[i].bytes);
        }
    }
}

/* Returns the entry with this key, with its fixed part in *out, or NULL. The caller holds the lock.
 */
static struct entry *chain_copy_find(const struct ria_buf *key, struct found *out)
{
    for (size_t i = 0; i < COPIES; i++) {
        const struct ria_secret *bytes = &entries[i].bytes;
        if (bytes->len < sizeof(*out) + key->len ||
            memcmp(bytes->data + sizeof(*out), key->data, key->len) != 0) {
            continue;
        }
        memcpy(out, bytes->data, sizeof(*out));
        if (out->key_len == key->len) {
            return &entries[i];
        }
    }
    return NULL;
}

void ria_chain_copy_expire(const struct ria_world *world)
{
    if (chain_copy_try_lock()) {
        chain_copy_sweep(world);
        (void)pthread_mutex_unlock(&lock);
    }
}

/* Copies the entry with this key to *found, and its static credentials to *out. */
static bool copy_entry(
    const struct ria_world *world,
    const struct ria_buf *key,
    struct found *found,
    struct ria_response *out)
{
    if (!chain_copy_try_lock()) {
        return false;
    }
    chain_copy_sweep(world);
    const struct entry *entry = chain_copy_find(key, found);
    bool ok = entry != NULL;
    if (ok && found->name[0] == '\0') {
        const struct ria_buf record = {
            .data = entry->bytes.data + sizeof(*found) + key->len,
            .len = found->record_len,
            .max = RIA_RECORD_MAX};
        ok = ria_response_read(&record, out);
    }
    (void)pthread_mutex_unlock(&lock);
    return ok;
}

static bool is_unchanged(const struct ria_world *world, const struct found_file *file)
{
    struct ria_file now = {0};
    if (file->path[0] == '\0') {
        return true;
    }
    bool is_present = world->read_facts(world->self, file->path, &now);
    return file->is_present ? is_present && ria_file_same_facts(&now, &file->facts)
                            : !is_present && now.is_missing;
}

/* Returns the path of the first file that is not as it was when it was read, or NULL. */
static const char *changed_path(const struct ria_world *world, const struct found *found)
{
    for (size_t i = 0; i < RIA_PROFILE_FILES; i++) {
        if (!is_unchanged(world, &found->files[i])) {
            return found->files[i].path;
        }
    }
    return NULL;
}

/* Returns whether the credentials are not yet due for a renewal, and the response's clock offset is
 * still valid. */
static bool is_before_renewal(
    const struct ria_world *world, const struct ria_response *response, int64_t renewal)
{
    int64_t offset = ria_cache_offset(world, &response->offset);
    return offset == response->offset.seconds &&
           (renewal == 0 || world->now(world->self) + offset <= renewal);
}

/* Reads the in-process copy (memory_cache.h) of the credentials that rds-iam-fetch has returned. */
static bool get_fetched(
    const struct ria_world *world, const struct found *found, struct ria_response *out)
{
    return ria_memory_cache_get(world, found->name, out) && out->outcome == RIA_FOUND &&
           out->credentials.expires == found->expires &&
           is_before_renewal(world, out, found->renewal);
}

/* Returns whether the entry was made from a file with this path. The caller holds the lock. */
static bool is_from_file(const struct entry *entry, const char *path)
{
    struct found found;
    if (entry->bytes.len < sizeof(found)) {
        return false;
    }
    memcpy(&found, entry->bytes.data, sizeof(found));
    bool is_from = false;
    for (size_t i = 0; !is_from && i < RIA_PROFILE_FILES; i++) {
        is_from = strcmp(found.files[i].path, path) == 0;
    }
    return is_from;
}

/* Wipes the copies that were made from the file with this path, for any query. */
static void chain_copy_forget(const char *path)
{
    if (!chain_copy_try_lock()) {
        return;
    }
    for (size_t i = 0; i < COPIES; i++) {
        if (is_from_file(&entries[i], path)) {
            ria_secret_wipe(&entries[i].bytes);
        }
    }
    (void)pthread_mutex_unlock(&lock);
}

bool ria_chain_copy_get(
    const struct ria_query *query, const struct ria_buf *key, struct ria_response *out)
{
    const struct ria_world *world = query->world;
    struct found found;
    (void)ria_memory_cache_expire(world); /* every login wipes expired copies */
    if (!copy_entry(world, key, &found, out)) {
        return false;
    }
    const char *changed = changed_path(world, &found);
    if (changed != NULL) {
        chain_copy_forget(changed);
    }
    if (changed != NULL || (found.name[0] != '\0' && !get_fetched(world, &found, out))) {
        ria_response_release(out);
        return false;
    }
    out->renewal = found.renewal;
    return true;
}

/* -- storing ----------------------------------------------------------------------------------- */

/* Copies the state of both files. Returns false if the state of one of them cannot be compared
 * later. On a network file system, opening a file asks the file server for the file's state, but
 * read_facts() may return the state of a minute ago. */
static bool set_files(
    const struct ria_world *world, const struct ria_profiles *profiles, struct found *out)
{
    for (size_t i = 0; i < RIA_PROFILE_FILES; i++) {
        struct found_file *file = &out->files[i];
        file->is_present = profiles->present[i];
        file->facts = profiles->facts[i];
        if (!ria_text_copy(file->path, sizeof(file->path), profiles->path[i]) ||
            profiles->is_unreachable[i] || (file->is_present && !file->facts.stamp.is_settled) ||
            (file->path[0] != '\0' && world->is_remote(world->self, file->path))) {
            return false;
        }
    }
    return true;
}

/* Sets out->name if the plan needs rds-iam-fetch. Returns false if the name depends on more than
 * the key and the files, or cannot be computed. Not inlined, because its stack frame has 4 KB. */
__attribute__((noinline)) static bool set_name(
    const struct ria_world *world, const struct ria_plan *plan, struct found *out)
{
    struct ria_cache_place place;
    struct ria_error unused;
    if (!ria_plan_needs_fetch(plan)) {
        return true;
    }
    if (plan->source == RIA_SOURCE_WEB_IDENTITY || plan->source == RIA_SOURCE_CONTAINER ||
        plan->source == RIA_SOURCE_INSTANCE ||
        !ria_cache_find_place(world, plan, &place, &unused)) {
        return false;
    }
    memcpy(out->name, place.name, sizeof(out->name));
    return true;
}

/* Writes the copy: the fixed part, the key, and the static credentials. */
static void write_entry(
    struct found *found,
    const struct ria_buf *key,
    const struct ria_response *response,
    struct ria_buf *out)
{
    RIA_AUTO(buf) record = {.max = RIA_RECORD_MAX};
    if (found->name[0] == '\0') {
        ria_response_write(response, &record);
        out->failed = record.failed;
    }
    found->key_len = key->len;
    found->record_len = record.len;
    ria_buf_add(out, found, sizeof(*found));
    ria_buf_add(out, key->data, key->len);
    ria_buf_add(out, record.data, record.len);
}

/* Stores the bytes in place of the copy with the same key, else in place of the oldest copy. */
static void chain_copy_store(
    const struct ria_world *world, const struct ria_buf *key, const struct ria_buf *bytes)
{
    struct found unused;
    if (bytes->failed || !chain_copy_try_lock()) {
        return;
    }
    chain_copy_sweep(world);
    struct entry *entry = chain_copy_find(key, &unused);
    if (entry == NULL) {
        entry = &entries[next];
        next = (next + 1) % COPIES;
    }
    entry->until = world->ticks(world->self) + LIFE_MS;
    (void)ria_secret_keep(&entry->bytes, bytes->data, bytes->len);
    (void)pthread_mutex_unlock(&lock);
}

/* Returns whether the query still has this key. */
static bool is_same_query(const struct ria_query *query, const struct ria_buf *key)
{
    RIA_AUTO(buf) again = {.max = key->max};
    return key->len > 0 && ria_chain_copy_key(query, &again) && again.len == key->len &&
           memcmp(again.data, key->data, key->len) == 0;
}

void ria_chain_copy_put(
    const struct ria_query *query,
    const struct ria_buf *key,
    const struct ria_plan *plan,
    const struct ria_response *response)
{
    /* The copy is stored for query->user. If another thread calls seteuid() for a short time, the
     * owners of the files are compared with another user, and nothing is stored. */
    if (!__atomic_exchange_n(&is_second, true, __ATOMIC_RELAXED) || plan->profiles == NULL ||
        plan->profiles->user != query->user) {
        return;
    }
    struct found found = {.expires = response->credentials.expires, .renewal = response->renewal};
    RIA_AUTO(buf) bytes = {.max = RIA_SECRET_MAX};
    if (is_before_renewal(query->world, response, response->renewal) && is_same_query(query, key) &&
        set_files(query->world, plan->profiles, &found) && set_name(query->world, plan, &found)) {
        write_entry(&found, key, response, &bytes);
        chain_copy_store(query->world, key, &bytes);
    }
}

void ria_chain_copy_clear(void)
{
    if (chain_copy_try_lock()) {
        for (size_t i = 0; i < COPIES; i++) {
            ria_secret_wipe(&entries[i].bytes);
        }
        (void)pthread_mutex_unlock(&lock);
    }
}
