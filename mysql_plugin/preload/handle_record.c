/* SPDX-License-Identifier: MIT
 *
 * Stores an entry for each handle (MYSQL) in a hash table of 256 windows with 64 entries each. The
 * hash of a handle selects a window, and the handle's entry can be anywhere in that window. A
 * lookup searches the whole window, so a removed entry leaves no tombstone. If the window is full,
 * the handle gets no entry.
 *
 * The table is mapped when a program creates its first handle. A table in the object's own memory
 * would cost every program under `rds-iam exec` a mapping and a page fault. The table is never
 * unmapped. If mapping the table fails, the handle gets no entry, and the next handle tries to map
 * the table again. */
#include "preload/handle_record.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

enum {
    ENTRIES = 16384,
    /* If half of the table is in use and the hash spreads the handles evenly at random, about one
     * in 2.5 million handles finds its window full. */
    WINDOW = 64,
};

struct entry {
    uintptr_t handle; /* 0: free */
    uint32_t flags;
};

static struct entry *table; /* atomic; NULL: not mapped yet */

static struct entry *read_table(void)
{
    return __atomic_load_n(&table, __ATOMIC_ACQUIRE);
}

/* Maps the table, stores its address and returns it. If another thread has stored a table
 * meanwhile, returns the other thread's table. Returns NULL if memory runs out. errno is unchanged.
 */
static struct entry *map_table(void)
{
    const size_t size = ENTRIES * sizeof(struct entry);
    int saved = errno;
    void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct entry *stored = NULL;
    errno = saved;
    if (mapped == MAP_FAILED) {
        return read_table();
    }
    if (!__atomic_compare_exchange_n(
            &table, &stored, mapped, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        (void)munmap(mapped, size);
        return stored;
    }
    return mapped;
}

/* Multiplies by the golden ratio (Knuth), because the addresses of handles differ in few bits. */
static size_t window_of(uintptr_t handle)
{
    uint64_t product = (uint64_t)handle * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(product >> 40) % (ENTRIES / WINDOW) * WINDOW;
}

static struct entry *find_entry(uintptr_t handle)
{
    struct entry *entries = read_table();
    struct entry *window = entries == NULL ? NULL : &entries[window_of(handle)];
    for (size_t i = 0; window != NULL && i < WINDOW; i++) {
        if (__atomic_load_n(&window[i].handle, __ATOMIC_ACQUIRE) == handle) {
            return &window[i];
        }
    }
    return NULL;
}

static struct entry *claim_entry(uintptr_t handle)
{
    struct entry *entries = read_table();
    entries = entries == NULL ? map_table() : entries;
    struct entry *window = entries == NULL ? NULL : &entries[window_of(handle)];
    for (size_t i = 0; window != NULL && i < WINDOW; i++) {
        uintptr_t unused = 0;
        if (__atomic_compare_exchange_n(
                &window[i].handle, &unused, handle, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            return &window[i];
        }
    }
    return NULL;
}

bool ria_handle_begin(const void *handle)
{
    uintptr_t key = (uintptr_t)handle;
    struct entry *entry = find_entry(key);
    entry = entry == NULL ? claim_entry(key) : entry;
    if (entry != NULL) {
        __atomic_store_n(&entry->flags, 0, __ATOMIC_RELAXED);
    }
    return entry != NULL;
}

bool ria_handle_read(const void *handle, uint32_t *flags)
{
    const struct entry *entry = handle == NULL ? NULL : find_entry((uintptr_t)handle);
    *flags = entry == NULL ? 0 : __atomic_load_n(&entry->flags, __ATOMIC_RELAXED);
    return entry != NULL;
}

void ria_handle_change(const void *handle, uint32_t removed, uint32_t added)
{
    struct entry *entry = handle == NULL ? NULL : find_entry((uintptr_t)handle);
    if (entry != NULL) {
        uint32_t flags = __atomic_load_n(&entry->flags, __ATOMIC_RELAXED);
        __atomic_store_n(&entry->flags, (flags & ~removed) | added, __ATOMIC_RELAXED);
    }
}

void ria_handle_end(const void *handle)
{
    struct entry *entry = handle == NULL ? NULL : find_entry((uintptr_t)handle);
    if (entry != NULL) {
        __atomic_store_n(&entry->handle, 0, __ATOMIC_RELEASE);
    }
}
