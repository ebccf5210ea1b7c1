/* SPDX-License-Identifier: MIT
 *
 * Parses the lists in rds-iam's configuration: "team=etl, env=prod" (session tags) and "team, env"
 * (tag keys). Blanks around items are ignored. The limits are those of STS's AssumeRole. */
#ifndef RIA_AWS_TAG_H
#define RIA_AWS_TAG_H

#include "base/error.h"

#include <stddef.h>

enum {
    RIA_TAGS_MAX = 50,
    RIA_TAG_KEY_MAX = 128, /* in characters; there may be more bytes */
    RIA_TAG_VALUE_MAX = 256,
};

/* An item of a list; borrowed from the text of the list. */
struct ria_tag {
    const char *key;
    size_t key_len;
    const char *value; /* NULL in a list of keys */
    size_t value_len;
};

/* Parses the next item and advances *list, which becomes "" after the last item. Returns false if
 * there is none. An item without '=' has no value; an empty item has an empty key. */
bool ria_tag_next(const char **list, struct ria_tag *out) RIA_MUST_USE;

/* Checks a list against the rules of STS: the number of items, lengths, unique keys (ignoring
 * case), and a value in each item or in none. Returns NULL if the list is valid, else what is
 * wrong, a static string. */
const char *ria_tag_list_fault(const char *list, bool has_values);

#endif
