/* SPDX-License-Identifier: MIT
 *
 * Allocates secrets in one mapping. The mapping is divided into units of 4 KB. Each unit has a
 * bit, which is set while the unit is in use. The units of a secret are adjacent, and their bits
 * are in one 64-bit word. So one atomic operation reserves all units of a secret, and one atomic
 * operation releases them. Refuses a secret that is longer than RIA_SECRET_MAX.
 */
#include "base/secret.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

enum {
    UNIT = 4096,
    WORD = 64, /* units whose bits are in one word */
    WORDS = RIA_SECRETS_MAX / UNIT / WORD,
};

_Static_assert(RIA_SECRET_MAX / UNIT < WORD, "the longest secret fits into a word's units");

static char *mapping; /* NULL: not created yet */
static uint64_t taken[WORDS];

/* Creates the mapping, with an inaccessible guard of `guard` bytes before and after it. Returns
 * NULL on failure. */
static char *map(size_t guard)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char *all = mmap(NULL, RIA_SECRETS_MAX + (2 * guard), PROT_NONE, flags, -1, 0);
    if (all == MAP_FAILED) {
        return NULL;
    }
    if (mprotect(all + guard, RIA_SECRETS_MAX, PROT_READ | PROT_WRITE) != 0 ||
        madvise(all + guard, RIA_SECRETS_MAX, MADV_DONTDUMP) != 0) {
        (void)munmap(all, RIA_SECRETS_MAX + (2 * guard));
        return NULL;
    }
    return all + guard;
}

/* Returns the mapping, and creates it in the first call. If two threads create a mapping at the
 * same time, both use the mapping that was stored first, and the other mapping is unmapped. Returns
 * NULL on failure. */
static char *get_or_create_mapping(void)
{
    char *existing = __atomic_load_n(&mapping, __ATOMIC_ACQUIRE);
    if (existing != NULL) {
        return existing;
    }
    int saved = errno;
    size_t guard = getauxval(AT_PAGESZ);
    char *created = map(guard);
    errno = saved;
    if (created != NULL &&
        !__atomic_compare_exchange_n(
            &mapping, &existing, created, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        (void)munmap(created - guard, RIA_SECRETS_MAX + (2 * guard));
        created = existing;
    }
    return created;
}

static size_t units_of(size_t len)
{
    return (len + UNIT - 1) / UNIT;
}

/* Returns a word in which the bits of `count` units are set, from unit `first` on. `first` may be
 * counted from the start of the mapping; the function uses `first` modulo WORD, which is the number
 * of the unit within its word. count is less than WORD. */
static uint64_t mask_of(size_t count, size_t first)
{
    return ((UINT64_C(1) << (count % WORD)) - 1) << (first % WORD);
}

/* Reserves `count` adjacent units whose bits are in taken[word]. Returns the number of the first
 * unit within this word, or WORD if the word does not have enough adjacent free units. */
static size_t reserve_in_word(size_t word, size_t count)
{
    uint64_t bits = __atomic_load_n(&taken[word], __ATOMIC_ACQUIRE);
    size_t first = 0;
    while (first + count <= WORD) {
        uint64_t mask = mask_of(count, first);
        if ((bits & mask) != 0) {
            first++;
        } else if (__atomic_compare_exchange_n(
                       &taken[word],
                       &bits,
                       bits | mask,
                       false,
                       __ATOMIC_ACQ_REL,
                       __ATOMIC_ACQUIRE)) {
            return first;
        }
    }
    return WORD;
}

bool ria_secret_keep(struct ria_secret *secret, const void *bytes, size_t len)
{
    ria_secret_wipe(secret);
    char *base = len == 0 || len > RIA_SECRET_MAX ? NULL : get_or_create_mapping();
    for (size_t i = 0; base != NULL && i < WORDS; i++) {
        size_t first = reserve_in_word(i, units_of(len));
        if (first < WORD) {
            secret->data = base + (((i * WORD) + first) * UNIT);
            secret->len = len;
            memcpy(secret->data, bytes, len);
            return true;
        }
    }
    return false;
}

void ria_secret_wipe(struct ria_secret *secret)
{
    if (secret->data == NULL) {
        return;
    }
    size_t at = (size_t)(secret->data - mapping) / UNIT;
    uint64_t mask = mask_of(units_of(secret->len), at);
    explicit_bzero(secret->data, secret->len);
    (void)__atomic_fetch_and(&taken[at / WORD], ~mask, __ATOMIC_RELEASE);
    *secret = (struct ria_secret){0};
}
