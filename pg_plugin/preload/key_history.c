/* SPDX-License-Identifier: MIT
 *
 * Stores hashes of access key ids (ria_token_key()) in a ring with atomic access. The ring has no
 * lock, because a program with threads may fork at any time, and the child must find a usable ring.
 */
#include "preload/key_history.h"

#include "rds_iam.h"

#include <stddef.h>

enum {
    /* Credentials change at most once in 15 minutes, and a token is valid for 15 minutes, so each
     * identity of the process needs only a few entries. */
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
