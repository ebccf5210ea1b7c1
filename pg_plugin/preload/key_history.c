/* SPDX-License-Identifier: MIT
 *
 * Without a lock: a child of a program with threads may be forked at any time. */
#include "preload/key_history.h"

#include "aws/token_text.h"

#include <stddef.h>

enum {
    /* Credentials are renewed every quarter of an hour at most, and a token lives no longer. */
    KEYS = 16
};

static uint64_t keys[KEYS];
static unsigned next;

bool ria_key_history_has(const char *token)
{
    uint64_t key = ria_token_key(token);
    for (size_t i = 0; key != 0 && i < KEYS; i++) {
        if (__atomic_load_n(&keys[i], __ATOMIC_RELAXED) == key) {
            return true;
        }
    }
    return false;
}

void ria_key_history_add(const char *token)
{
    if (!ria_key_history_has(token)) {
        unsigned at = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % KEYS;
        __atomic_store_n(&keys[at], ria_token_key(token), __ATOMIC_RELAXED);
    }
}
