/* SPDX-License-Identifier: MIT
 *
 * One mapping, divided into units of 4 KB. A bit says that a unit is taken; a secret takes units
 * that lie side by side and have their bits in one word, so that one atomic operation takes them
 * all and one gives them back. */
#include "base/secret.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    UNIT = 4096,
    WORD = 64, /* units whose bits are in one word */
    WORDS = RIA_SECRETS_MAX / UNIT / WORD,
};

_Static_assert(RIA_SECRET_MAX / UNIT < WORD, "the longest secret fits into a word's units");

static char *mapping; /* NULL: there is none yet */
static uint64_t taken[WORDS];

/* NULL if it cannot be had. */
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

/* Makes the mapping if there is none. Of two threads that do so at once, one keeps its own. */
static char *find_mapping(void)
{
    char *known = __atomic_load_n(&mapping, __ATOMIC_ACQUIRE);
    if (known != NULL) {
        return known;
    }
    int saved = errno;
    size_t guard = (size_t)sysconf(_SC_PAGESIZE);
    char *made = map(guard);
    errno = saved;
    if (made != NULL && !__atomic_compare_exchange_n(
                            &mapping, &known, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        (void)munmap(made - guard, RIA_SECRETS_MAX + (2 * guard));
        made = known;
    }
    return made;
}

static size_t units_of(size_t len)
{
    return (len + UNIT - 1) / UNIT;
}

/* The bits of `count` units, at most WORD - 1, from `first` on. */
static uint64_t mask_of(size_t count, size_t first)
{
    return ((UINT64_C(1) << (count % WORD)) - 1) << (first % WORD);
}

/* Takes units of one word. Returns the first, or WORD. */
static size_t take_in_word(size_t word, size_t count)
{
    uint64_t now = __atomic_load_n(&taken[word], __ATOMIC_ACQUIRE);
    size_t first = 0;
    while (first + count <= WORD) {
        uint64_t mask = mask_of(count, first);
        if ((now & mask) != 0) {
            first++;
        } else if (__atomic_compare_exchange_n(
                       &taken[word], &now, now | mask, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            return first;
        }
    }
    return WORD;
}

bool ria_secret_keep(struct ria_secret *secret, const void *bytes, size_t len)
{
    ria_secret_wipe(secret);
    char *base = len == 0 || len > RIA_SECRET_MAX ? NULL : find_mapping();
    for (size_t i = 0; base != NULL && i < WORDS; i++) {
        size_t first = take_in_word(i, units_of(len));
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
