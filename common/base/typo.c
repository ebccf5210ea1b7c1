/* SPDX-License-Identifier: MIT
 *
 * Counts typos with a table, which has an entry for each pair of beginnings of the two words. The
 * table is small, because a plugin may run in a thread with a small stack. */
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* count[i][j] is the number of typos that turn the first j letters of a name into the first i
 * letters of a word. */
struct typos {
    unsigned char count[RIA_TYPO_WORD_MAX + 1][RIA_TYPO_WORD_MAX + 1];
};

static unsigned typo_smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Computes count[i][j] from the entries for fewer letters. */
static unsigned count_typos_of(
    const char *word, size_t i, const char *name, size_t j, const struct typos *typos)
{
    if (i == 0 || j == 0) {
        return (unsigned)(i + j);
    }
    unsigned least = typos->count[i - 1][j - 1] + (word[i - 1] == name[j - 1] ? 0U : 1U);
    least = typo_smaller(least, 1U + typo_smaller(typos->count[i - 1][j], typos->count[i][j - 1]));
    bool is_swapped = i > 1 && j > 1 && word[i - 1] == name[j - 2] && word[i - 2] == name[j - 1];
    return is_swapped ? typo_smaller(least, typos->count[i - 2][j - 2] + 1U) : least;
}

size_t ria_typos(const char *word, size_t len, const char *name)
{
    struct typos typos;
    size_t name_len = strlen(name);
    if (len > RIA_TYPO_WORD_MAX || name_len > RIA_TYPO_WORD_MAX) {
        return SIZE_MAX;
    }
    for (size_t i = 0; i <= len; i++) {
        for (size_t j = 0; j <= name_len; j++) {
            typos.count[i][j] = (unsigned char)count_typos_of(word, i, name, j, &typos);
        }
    }
    return typos.count[len][name_len];
}
