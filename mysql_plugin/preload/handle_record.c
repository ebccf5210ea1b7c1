/* SPDX-License-Identifier: MIT
 *
 * Stores the entries in a hash table of 256 windows with 64 entries each. The hash of a handle
 * selects a window, and the handle's entry can be anywhere in that window. A lookup searches the
 * whole window, so a removed entry leaves no tombstone. If the window is full, the handle gets no
 * entry.
 */
#include "preload/handle_record.h"

#include <stddef.h>

enum {
    ENTRIES = 16384,
    /* If half of the table is in use, one in ten million handles finds its window full. */
    WINDOW = 64,
};

struct entry {
    uintptr_t handle; /* 0: free */
    uint32_t flags;
};

static struct entry entries[ENTRIES];

/* Multiplies by the golden ratio (Knuth), because the addresses of handles differ in few bits. */
static size_t window_of(uintptr_t handle)
{
    uint64_t product = (uint64_t)handle * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(product >> 40) % (ENTRIES / WINDOW) * WINDOW;
}

static struct entry *find_entry(uintptr_t handle)
{
    struct entry *window = &entries[window_of(handle)];
    for (size_t i = 0; i < WINDOW; i++) {
        if (__atomic_load_n(&window[i].handle, __ATOMIC_ACQUIRE) == handle) {
            return &window[i];
        }
    }
    return NULL;
}

static struct entry *claim_entry(uintptr_t handle)
{
    struct entry *window = &entries[window_of(handle)];
    for (size_t i = 0; i < WINDOW; i++) {
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
